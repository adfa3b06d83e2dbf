//! Pure. Who asked for what is not theirs: how often, and when it was on record last.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

const EVERY_MS: u64 = 60_000;

/// When the last line of an account and operation was written, and how many came since.
#[derive(Default)]
pub struct Denials(Mutex<BTreeMap<(u32, &'static str), (u64, u64)>>);

impl Denials {
    /// Counts one. How many are to be put on record, this one with them; None: none now.
    pub fn count(&self, op: u32, what: &'static str, now: u64) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&(op, what)) {
            Some((at, since)) if now.saturating_sub(*at) < EVERY_MS => {
                *since += 1;
                None
            }
            Some((at, since)) => {
                *at = now;
                Some(std::mem::take(since) + 1)
            }
            None => {
                all.insert((op, what), (now, 0));
                Some(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-1: the first refusal is told at once, and none is forgotten when the next line is written.
    #[test]
    fn one_a_minute() {
        let all = Denials::default();
        assert_eq!(all.count(3, "clip.view", 0), Some(1));
        assert_eq!(all.count(4, "clip.view", 10), Some(1));
        assert_eq!(all.count(3, "clip.view", 20), None);
        assert_eq!(all.count(3, "hold.list", 30), Some(1));
        assert_eq!(all.count(3, "clip.view", 60_000), Some(2));
    }
}
