//! Pure. Codes that were wrong, by the address they came from: how long their answer waits, and when they are worth a line.
//!
//! Nobody is shut out, and a right code is answered at once wherever it comes from. A wrong one waits a second, and twice as long for each
//! further one of the same address, up to eight: a mistake costs an installer a second, and a stranger his time. Nothing is
//! defended by it (64 random bits are), so an address that was forgotten does no harm.

use std::{collections::HashMap, net::IpAddr, time::Duration};

const FIRST: Duration = Duration::from_secs(1);
const DOUBLINGS: u32 = 3;
/// Addresses that are remembered. With more, all are forgotten.
const ADDRESSES: usize = 4096;
/// An address is forgotten when nothing came from it for so long.
const REMEMBERED_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
pub struct Guesses(HashMap<IpAddr, (u32, u64)>);

/// What comes of a wrong code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// How many there were of this address within an hour of one another.
    pub count: u32,
    /// From when it came to its answer.
    pub wait: Duration,
    /// The first, the second, the fourth …: the hub's journal gets a line for these alone.
    pub is_told: bool,
}

impl Guesses {
    /// Another one. `mono`: milliseconds of a clock that nobody sets.
    pub fn add(&mut self, from: IpAddr, mono: u64) -> Guess {
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&from) {
            self.0
                .retain(|_, (_, last)| mono.saturating_sub(*last) < REMEMBERED_MS);
            if self.0.len() >= ADDRESSES {
                self.0.clear();
            }
        }
        let (count, last) = self.0.entry(from).or_insert((0, mono));
        if mono.saturating_sub(*last) >= REMEMBERED_MS {
            *count = 0;
        }
        *count = count.saturating_add(1);
        *last = mono;
        Guess {
            count: *count,
            wait: FIRST * 2u32.pow((*count - 1).min(DOUBLINGS)),
            is_told: count.is_power_of_two(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V15: slower per address, never more than eight seconds; a hundred thousand guesses are seventeen lines; memory is bounded.
    #[test]
    fn each_address_by_itself() {
        let mut guesses = Guesses::default();
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let waits: Vec<u64> = (0..6).map(|n| guesses.add(a, n).wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert_eq!(guesses.add(b, 6).wait.as_secs(), 1, "not the other's doing");
        let told = (6..100_000).filter(|n| guesses.add(a, *n).is_told).count();
        assert_eq!(told, 14, "8 to 65,536");
        let later = guesses.add(a, 100_000 + REMEMBERED_MS);
        assert_eq!((later.count, later.wait), (1, FIRST));
        for n in 0..20_000u32 {
            guesses.add(IpAddr::from(n.to_be_bytes()), 5_000_000);
        }
        assert!(guesses.0.len() <= ADDRESSES);
    }
}
