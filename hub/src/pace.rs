//! Pure. How fast something may go: so many at once, and one each so long after that; each address, account or box by itself.
//!
//! Times are milliseconds of the monotonic clock, passed in.

use std::{collections::HashMap, hash::Hash};

/// `burst` at once, then one each `every_us` microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub burst: u64,
    pub every_us: u64,
}

/// Until when one has used up what it may, in microseconds; in the past: all of it is left.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaceBalance(u64);

impl PaceBalance {
    /// Takes `n`. How many milliseconds to wait before they may go; None: more than `patience_ms`, and nothing was taken.
    pub fn take(&mut self, pace: Pace, n: u64, now_ms: u64, patience_ms: u64) -> Option<u64> {
        let now = now_ms.saturating_mul(1000);
        let used = self
            .0
            .max(now)
            .saturating_add(n.saturating_mul(pace.every_us));
        let over = used
            .saturating_sub(now)
            .saturating_sub(pace.burst.saturating_mul(pace.every_us));
        let wait = over.div_ceil(1000);
        if wait > patience_ms {
            return None;
        }
        self.0 = used;
        Some(wait)
    }
}

/// One for each of many. What is not in use is forgotten; past `most` that are, the rest share one.
pub struct Lanes<K> {
    pace: Pace,
    most: usize,
    by: HashMap<K, PaceBalance>,
    rest: PaceBalance,
}

impl<K: Hash + Eq> Lanes<K> {
    pub fn new(pace: Pace, most: usize) -> Self {
        Self {
            pace,
            most,
            by: HashMap::new(),
            rest: PaceBalance::default(),
        }
    }

    /// How many milliseconds `n` would wait now. Takes nothing.
    pub fn would(&self, key: &K, n: u64, now_ms: u64) -> Option<u64> {
        let mut used = self.by.get(key).copied().unwrap_or_default();
        used.take(self.pace, n, now_ms, u64::MAX)
    }

    /// As [`PaceBalance::take`].
    pub fn take(&mut self, key: K, n: u64, now_ms: u64, patience_ms: u64) -> Option<u64> {
        if self.by.len() >= self.most && !self.by.contains_key(&key) {
            self.by
                .retain(|_, used| used.0 > now_ms.saturating_mul(1000));
            if self.by.len() >= self.most {
                return self.rest.take(self.pace, n, now_ms, patience_ms);
            }
        }
        let used = self.by.entry(key).or_default();
        used.take(self.pace, n, now_ms, patience_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        burst: 3,
        every_us: 1_000_000,
    };

    /// V7, V8: a burst goes at once, what follows waits its turn, and what would wait too long is not counted.
    #[test]
    fn bursts_and_waits() {
        let mut lanes = Lanes::new(PACE, 2);
        let waits: Vec<_> = (0..8).map(|_| lanes.take("a", 1, 10_000, 3_000)).collect();
        assert_eq!(
            waits,
            [
                Some(0),
                Some(0),
                Some(0),
                Some(1000),
                Some(2000),
                Some(3000),
                None,
                None
            ]
        );
        assert_eq!(lanes.take("b", 1, 10_000, 0), Some(0), "by itself");
        // The rest share one lane.
        for _ in 0..3 {
            assert_eq!(lanes.take("c", 1, 10_000, 0), Some(0));
        }
        assert_eq!(lanes.take("d", 1, 10_000, 0), None);
        // What is not in use is forgotten.
        assert_eq!(lanes.take("d", 1, 30_000, 0), Some(0));
        assert_eq!(lanes.take("d", 3, 30_000, 0), None, "all or nothing");
        assert_eq!(lanes.take("d", 2, 30_000, 0), Some(0));
        let mut used = PaceBalance::default();
        assert_eq!(used.take(PACE, u64::MAX, 1, 1), None);
    }
}
