//! Pure. What strangers can repeat as often as they like is counted, not told each time: the first is told, then at most one a minute, with
//! how many there were.

use std::sync::{Mutex, PoisonError};

const EVERY_MS: u64 = 60_000;

#[derive(Default)]
struct Count {
    told: Option<u64>,
    since: u64,
}

#[derive(Default)]
pub struct Tally(Mutex<Count>);

impl Tally {
    /// Counts one. How many there were since the last that was told, this one with them; None: it is not to be told.
    pub fn count(&self, now_ms: u64) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.since += 1;
        if count
            .told
            .is_some_and(|at| now_ms.saturating_sub(at) < EVERY_MS)
        {
            return None;
        }
        count.told = Some(now_ms);
        Some(std::mem::take(&mut count.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V6, V11: ten thousand times the same is a line a minute.
    #[test]
    fn one_a_minute() {
        let tally = Tally::default();
        let told: Vec<u64> = (0..10_000).filter_map(|n| tally.count(n * 18)).collect();
        assert_eq!(told, [1, 3334, 3334]);
    }
}
