//! Pure. Places at a door that strangers reach: so many in all, so many for one address. Whoever comes gets one; when there are none left,
//! the oldest of the address that holds most loses its own, and of those of one address the oldest. So whoever fills the door displaces
//! himself, and nobody who comes from elsewhere waits.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

/// Whose share an address is: itself, or in IPv6 the network of one customer (/64), whose addresses cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Self(v4),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
            v4 => write!(f, "{v4}"),
        }
    }
}

struct Guest {
    id: u64,
    /// Loses its place after those that are not.
    known: bool,
    /// Dropped with the place: whoever holds it hears that.
    _gone: watch::Sender<()>,
}

#[derive(Default)]
struct Guests {
    next: u64,
    count: usize,
    /// Of each address, the oldest first.
    by: HashMap<Origin, Vec<Guest>>,
}

impl Guests {
    /// Takes one away; whoever holds it hears it.
    fn remove(&mut self, origin: Origin, at: usize) {
        let Some(here) = self.by.get_mut(&origin) else {
            return;
        };
        here.remove(at);
        self.count -= 1;
        if here.is_empty() {
            self.by.remove(&origin);
        }
    }

    /// The one of this address that goes first: the oldest that is not known, else the oldest.
    fn first(&self, origin: Origin) -> Option<(bool, u64, usize)> {
        let here = self.by.get(&origin)?;
        let at = here.iter().position(|g| !g.known).unwrap_or(0);
        here.get(at).map(|g| (g.known, g.id, at))
    }

    fn displace(&mut self, own: Option<Origin>) {
        let goes = match own {
            Some(origin) => self.first(origin).map(|(_, _, at)| (origin, at)),
            // Known ones last; of the rest, of whoever holds most, the oldest.
            None => {
                let all = self.by.iter().filter_map(|(origin, here)| {
                    let (known, id, at) = self.first(*origin)?;
                    Some(((known, std::cmp::Reverse(here.len()), id), (*origin, at)))
                });
                all.min_by_key(|(order, _)| *order).map(|(_, goes)| goes)
            }
        };
        if let Some((origin, at)) = goes {
            self.remove(origin, at);
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Places {
    guests: Arc<Mutex<Guests>>,
    each: usize,
    total: usize,
}

fn lock(guests: &Mutex<Guests>) -> MutexGuard<'_, Guests> {
    guests
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Places {
    pub fn new(each: usize, total: usize) -> Self {
        Self {
            guests: Arc::default(),
            each,
            total,
        }
    }

    /// A place for whoever comes; somebody else may lose theirs for it.
    pub fn take(&self, from: IpAddr) -> Place {
        let origin = Origin::from(from);
        let mut guests = lock(&self.guests);
        if guests.by.get(&origin).map_or(0, Vec::len) >= self.each {
            guests.displace(Some(origin));
        } else if guests.count >= self.total {
            guests.displace(None);
        }
        guests.next += 1;
        guests.count += 1;
        let (id, (_gone, gone)) = (guests.next, watch::channel(()));
        guests.by.entry(origin).or_default().push(Guest {
            id,
            known: false,
            _gone,
        });
        drop(guests);
        Place {
            guests: self.guests.clone(),
            origin,
            id,
            gone,
        }
    }

    pub fn count(&self) -> usize {
        lock(&self.guests).count
    }
}

/// Held until it is dropped or lost.
pub struct Place {
    guests: Arc<Mutex<Guests>>,
    origin: Origin,
    id: u64,
    gone: watch::Receiver<()>,
}

impl Place {
    /// When somebody else got it.
    pub async fn lost(&self) {
        let mut gone = self.gone.clone();
        while gone.changed().await.is_ok() {}
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whoever holds it has shown who they are: those who have not lose theirs first.
    pub fn known(&self) {
        let mut guests = lock(&self.guests);
        if let Some(here) = guests.by.get_mut(&self.origin)
            && let Some(own) = here.iter_mut().find(|g| g.id == self.id)
        {
            own.known = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = lock(&self.guests);
        let at = guests
            .by
            .get(&self.origin)
            .and_then(|here| here.iter().position(|g| g.id == self.id));
        if let Some(at) = at {
            guests.remove(self.origin, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    fn lost(place: &Place) -> bool {
        let lost = std::pin::pin!(place.lost());
        futures::FutureExt::now_or_never(lost).is_some()
    }

    /// V6, V7: whoever fills the door displaces himself; whoever comes from elsewhere always finds a place.
    #[test]
    fn whoever_fills_the_door_displaces_himself() {
        let door = Places::new(3, 6);
        let honest = door.take(ip("198.51.100.1"));
        let mut all: Vec<Place> = (0..40).map(|_| door.take(ip("203.0.113.9"))).collect();
        assert!(!lost(&honest));
        assert_eq!(all.iter().filter(|p| !lost(p)).count(), 3);
        assert!(!lost(&all[39]) && lost(&all[0]));
        assert_eq!(door.count(), 4);
        // Full of others: the one who holds most gives one up.
        let more: Vec<Place> = (1..4)
            .map(|n| door.take(ip(&format!("192.0.2.{n}"))))
            .collect();
        assert_eq!(door.count(), 6);
        assert!(!lost(&honest) && !more.iter().any(lost));
        assert!(lost(&all[37]) && !lost(&all[38]));
        all.clear();
        drop(more);
        assert_eq!(door.count(), 1);
        drop(honest);
        assert_eq!(door.count(), 0);
    }

    /// One customer's network in IPv6 is one address.
    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(
            Origin::from(ip("2001:db8:1:2::7")),
            Origin::from(ip("2001:db8:1:2:ffff::1"))
        );
        assert_ne!(
            Origin::from(ip("2001:db8:1:2::7")),
            Origin::from(ip("2001:db8:1:3::7"))
        );
        assert_eq!(
            Origin::from(ip("::ffff:192.0.2.1")),
            Origin::from(ip("192.0.2.1"))
        );
    }

    /// Who has shown who they are keeps a place while there are others to take it from.
    #[test]
    fn the_known_lose_theirs_last() {
        let door = Places::new(2, 2);
        let staff = door.take(ip("192.0.2.1"));
        staff.known();
        let (a, b) = (door.take(ip("192.0.2.1")), door.take(ip("192.0.2.1")));
        assert!(!lost(&staff) && lost(&a) && !lost(&b));
        let c = door.take(ip("192.0.2.2"));
        assert!(!lost(&staff) && lost(&b) && !lost(&c));
        c.known();
        let d = door.take(ip("192.0.2.2"));
        assert!(lost(&staff) || lost(&c), "somebody has to go");
        drop((a, b, d));
    }
}
