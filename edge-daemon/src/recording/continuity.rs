//! Pure. The recorder's own check of what it is about to put on the record: times that cannot be are refused.
//!
//! Times are fixed long before, where a picture arrives. This looks at the result alone, by the box's clock and the segment before,
//! so that a fault in what made them cannot put a contradiction on the record.
use shared::time::{Now, Utc};

use crate::segment::{Cause, anchor::clock_offset_us};

/// Segments of one camera overlap by no more.
pub const OVERLAP_MS: i64 = 500;
/// A segment begins and ends no further from the time at which that is known.
pub const AWAY_MS: i64 = 60_000;
/// Pictures of a camera that paints its own mask are held until the key frames at both ends of them are proved: by so much more.
pub const HELD_MS: i64 = 150_000;
/// A wall clock that moved by more than this was set.
const SET_US: i64 = 250_000;

/// Why a time cannot be, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("a segment would begin {0} ms before the end of the one before it")]
    Overlap(i64),
    #[error("a segment would end {0} ms before it begins")]
    Backwards(i64),
    #[error("its pictures would lie {0} ms away from the box's clock")]
    Away(i64),
}

/// One camera's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Continuity {
    /// Wall minus monotonic clock, now and before the clock was set.
    offset_us: Option<i64>,
    before_us: Option<i64>,
    /// End of the last segment; None after the clock was set, when nothing can be said.
    last: Option<Utc>,
}

impl Continuity {
    fn look(&mut self, now: Now) {
        let offset = clock_offset_us(now);
        let old = self.offset_us.replace(offset).unwrap_or(offset);
        if (offset - old).abs() > SET_US {
            self.before_us = Some(old);
            self.last = None;
        }
    }

    fn away(&self, t: Utc, now: Now, held: bool) -> Result<(), Contradiction> {
        let most = AWAY_MS + if held { HELD_MS } else { 0 };
        let mono = now.mono as i64;
        let clocks = [self.offset_us, self.before_us].into_iter().flatten();
        let away = clocks.map(|o| t.0.saturating_sub(mono.saturating_add(o / 1000)));
        match away.min_by_key(|a| a.abs()) {
            Some(away) if away.abs() > most => Err(Contradiction::Away(away)),
            _ => Ok(()),
        }
    }

    /// A segment begins at `t0`, and why it does not follow on. `held`: its pictures waited to be proved.
    pub fn begins(
        &mut self,
        t0: Utc,
        gap: Option<Cause>,
        now: Now,
        held: bool,
    ) -> Result<(), Contradiction> {
        self.look(now);
        self.away(t0, now, held)?;
        match self.last.filter(|_| gap != Some(Cause::Clock)) {
            Some(last) if t0.0 < last.0.saturating_sub(OVERLAP_MS) => {
                Err(Contradiction::Overlap(last.0 - t0.0))
            }
            _ => Ok(()),
        }
    }

    /// A segment that began at `t0` ends at `t1`.
    pub fn ends(&mut self, t0: Utc, t1: Utc, now: Now, held: bool) -> Result<(), Contradiction> {
        self.look(now);
        self.last = Some(t1);
        if t1 < t0 {
            self.last = Some(t0);
            return Err(Contradiction::Backwards(t0.0 - t1.0));
        }
        self.away(t1, now, held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(mono: u64, offset: i64) -> Now {
        Now {
            wall: Utc(mono as i64 + offset),
            mono,
        }
    }

    /// REC-4: what cannot be is refused: an overlap, an end before the beginning, a time far from now.
    #[test]
    fn what_cannot_be() {
        let mut c = Continuity::default();
        let at = |ms: i64| Utc(1_000_000 + ms);
        let n = |ms: u64| now(ms, 1_000_000);
        assert_eq!(
            c.begins(at(900), Some(Cause::Start), n(1_000), false),
            Ok(())
        );
        assert_eq!(c.ends(at(900), at(61_000), n(61_100), false), Ok(()));
        assert_eq!(c.begins(at(60_600), None, n(61_200), false), Ok(()));
        assert_eq!(
            c.begins(at(60_400), None, n(61_200), false),
            Err(Contradiction::Overlap(600))
        );
        let hour = 3_600_000;
        for t in [at(61_000 - hour), at(61_000 + hour)] {
            let away = c.begins(t, Some(Cause::Jump), n(61_200), false);
            assert!(matches!(away, Err(Contradiction::Away(a)) if (a.abs() - hour).abs() < 1000));
        }
        assert_eq!(
            c.ends(at(61_000), at(60_000), n(61_200), false),
            Err(Contradiction::Backwards(1_000))
        );
        // Proved pictures are old when they are released.
        assert!(
            c.begins(at(1_000), Some(Cause::Clock), n(100_000), false)
                .is_err()
        );
        assert!(
            c.begins(at(1_000), Some(Cause::Clock), n(100_000), true)
                .is_ok()
        );
    }

    /// A clock that is set, either way, makes no contradiction, nor do pictures that were on their way meanwhile.
    #[test]
    fn a_clock_that_is_set() {
        for set in [3_600_000i64, -3_600_000] {
            let mut c = Continuity::default();
            let (old, new) = (1_000_000_000, 1_000_000_000 + set);
            c.begins(Utc(old), None, now(0, old), false).expect("first");
            c.ends(Utc(old), Utc(old + 60_000), now(60_000, old), false)
                .expect("ends");
            // One from before, and one from after.
            assert_eq!(
                c.begins(Utc(old + 60_000), None, now(61_000, new), false),
                Ok(())
            );
            let t1 = Utc(old + 61_000);
            assert_eq!(
                c.ends(Utc(old + 60_000), t1, now(62_000, new), false),
                Ok(())
            );
            assert_eq!(
                c.begins(
                    Utc(new + 62_000),
                    Some(Cause::Clock),
                    now(62_100, new),
                    false
                ),
                Ok(())
            );
        }
    }
}
