//! Pure. How fast passwords may be tried: for one account, and from one address. Whoever is too fast waits; nobody is locked out.
//!
//! A browser or an address from which somebody signed in to an account before has a lane of its own there: other people's guesses do not
//! slow it down.

use shared::record::{Digest, sha256};

use crate::{
    pace::{Lanes, Pace},
    places::Origin,
};

/// Tries at one account by strangers, whether there is one of that name or not.
const ACCOUNT: Pace = Pace {
    burst: 5,
    every_us: 4_000_000,
};
/// Tries by strangers from one address.
const ADDRESS: Pace = Pace {
    burst: 10,
    every_us: 1_000_000,
};
/// Tries at one account from a browser, or an address, that was here before.
const KNOWN: Pace = Pace {
    burst: 10,
    every_us: 2_000_000,
};
/// Longer than this nobody waits: what comes then is turned away untried.
const PATIENCE_MS: u64 = 12_000;
/// Names, addresses and browsers that are told apart.
const MOST: usize = 10_000;

/// What speaks for whoever tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Stranger,
    /// The browser, by its token.
    Browser(Digest),
    /// The address: this account signed in from there.
    Address,
}

pub struct Guesses {
    accounts: Lanes<Digest>,
    addresses: Lanes<Origin>,
    known: Lanes<Digest>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            accounts: Lanes::new(ACCOUNT, MOST),
            addresses: Lanes::new(ADDRESS, MOST),
            known: Lanes::new(KNOWN, MOST),
        }
    }
}

impl Guesses {
    /// How many milliseconds to wait before the password is looked at; None: it is not.
    pub fn wait(&mut self, standing: Trust, name: &str, from: Origin, now: u64) -> Option<u64> {
        let of = |what: String| sha256(format!("{what}\n{name}").as_bytes());
        match standing {
            Trust::Browser(token) => self.known.take(token, 1, now, PATIENCE_MS),
            Trust::Address => self
                .known
                .take(of(format!("address {from}")), 1, now, PATIENCE_MS),
            Trust::Stranger => {
                let account = of("account".into());
                // Both or none: what the one turns away takes nothing of the other.
                self.addresses
                    .would(&from, 1, now)
                    .filter(|wait| *wait <= PATIENCE_MS)?;
                let wait = self.accounts.take(account, 1, now, PATIENCE_MS)?;
                let more = self.addresses.take(from, 1, now, PATIENCE_MS)?;
                Some(wait.max(more))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(n: u8) -> Origin {
        std::net::IpAddr::from([192, 0, 2, n]).into()
    }

    /// V8: guesses are slowed for an account and for an address; those at one account take nothing of another's, and neither slows a
    /// browser or an address that was here before.
    #[test]
    fn guesses_are_slowed_and_nobody_is_locked_out() {
        let mut all = Guesses::default();
        let mut tried = 0;
        for now in 0..=60_000 {
            tried += u64::from(all.wait(Trust::Stranger, "kim", from(1), now).is_some());
        }
        assert!((20..30).contains(&tried), "{tried} in a minute");
        assert_eq!(
            all.wait(Trust::Stranger, "lee", from(1), 60_000),
            Some(0),
            "another account from the same address"
        );
        assert!(all.wait(Trust::Stranger, "kim", from(2), 60_000).is_none());
        for standing in [Trust::Browser([7; 32]), Trust::Address] {
            for _ in 0..10 {
                assert_eq!(all.wait(standing, "kim", from(1), 60_000), Some(0));
            }
            assert_eq!(all.wait(standing, "kim", from(1), 60_000), Some(2000));
        }
        let mut names = 0;
        for n in 0..100 {
            let name = format!("name{n}");
            names += u64::from(all.wait(Trust::Stranger, &name, from(3), 60_000).is_some());
        }
        assert_eq!(names, 22, "of one address, whatever the names");
    }
}
