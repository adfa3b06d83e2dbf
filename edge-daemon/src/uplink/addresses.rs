//! Pure. Where the hub is dialled, and in which order.
//!
//! ```text
//! as ordered ─▶ the second one ─▶ where the box was enrolled ─▶ the name that the DNS is asked for
//! ```
//! No address is trusted, and no answer of the DNS: the hub is whoever shows a certificate of the authority that root pinned. So an address is
//! never struck off, and an order can keep a box from no other one. A hub that turns the box away may be one that was left behind (a copy of
//! the former machine): the next try begins at the address after it.

use super::session::Session;

/// What is known between one connection and the next.
pub struct Place<'a> {
    pub session: &'a mut Session,
    pub addresses: &'a mut Addresses,
    /// Where the hub answered this time.
    pub hub: Option<String>,
}

/// The addresses (`host:port`), and at which the next try begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    all: Vec<String>,
    from: usize,
}

impl Addresses {
    /// What is known now, in the order of the table above; one that stands there twice is tried once.
    pub fn know<'a>(&mut self, all: impl IntoIterator<Item = &'a str>) {
        let mut known: Vec<String> = Vec::new();
        for address in all {
            if !known.iter().any(|k| k == address) {
                known.push(address.to_owned());
            }
        }
        if known != self.all {
            *self = Self {
                all: known,
                from: 0,
            };
        }
    }

    /// In the order of the next try.
    pub fn in_turn(&self) -> Vec<String> {
        let (before, after) = self.all.split_at(self.from.min(self.all.len()));
        after.iter().chain(before).cloned().collect()
    }

    /// The hub at this address took the box in: the next try begins with the first again.
    pub fn welcomed(&mut self) {
        self.from = 0;
    }

    /// The hub at this address turned the box away.
    pub fn turned_away(&mut self, at: &str) {
        if let Some(place) = self.all.iter().position(|a| a == at) {
            self.from = (place + 1) % self.all.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-1: every address is tried at each turn, whatever a hub says at one of them; what was ordered comes first.
    #[test]
    fn none_is_struck_off() {
        let mut known = Addresses::default();
        assert!(known.in_turn().is_empty());
        known.know(["b:1", "c:1", "a:1", "b:1", "dns:1"]);
        assert_eq!(known.in_turn(), ["b:1", "c:1", "a:1", "dns:1"]);
        known.turned_away("b:1");
        assert_eq!(known.in_turn(), ["c:1", "a:1", "dns:1", "b:1"]);
        known.know(["b:1", "c:1", "a:1", "dns:1"]);
        assert_eq!(known.in_turn()[0], "c:1", "it knows nothing new");
        known.turned_away("dns:1");
        assert_eq!(known.in_turn()[0], "b:1");
        known.turned_away("a:1");
        known.welcomed();
        assert_eq!(known.in_turn()[0], "b:1");
        known.turned_away("b:1");
        known.know(["d:1", "a:1"]);
        assert_eq!(known.in_turn(), ["d:1", "a:1"]);
    }
}
