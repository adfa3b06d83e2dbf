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
    /// End of the last segment, and the clock (wall minus monotonic, µs) that it is by.
    last: Option<(Utc, i64)>,
}

impl Continuity {
    fn look(&mut self, now: Now) {
        let offset = clock_offset_us(now);
        let old = self.offset_us.replace(offset).unwrap_or(offset);
        if (offset - old).abs() > SET_US {
            self.before_us = Some(old);
        }
    }

    /// The clock that `t` is by: as it is, or as it was before it was set, whichever lies nearer.
    fn clock_of(&self, t: Utc, now: Now) -> i64 {
        let mono = now.mono as i64;
        let away = |o: &i64| t.0.saturating_sub(mono.saturating_add(o / 1000)).abs();
        let clocks = [self.offset_us, self.before_us].into_iter().flatten();
        clocks.min_by_key(away).unwrap_or(0)
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
        // Of times by two clocks nothing can be said, whatever it was that ended the segment in which the clock was set.
        let clock = self.clock_of(t0, now);
        let same = |l: &(Utc, i64)| gap != Some(Cause::Clock) && (l.1 - clock).abs() <= SET_US;
        match self.last.filter(same) {
            Some((last, _)) if t0.0 < last.0.saturating_sub(OVERLAP_MS) => {
                Err(Contradiction::Overlap(last.0 - t0.0))
            }
            _ => Ok(()),
        }
    }

    /// A segment that began at `t0` ends at `t1`.
    pub fn ends(&mut self, t0: Utc, t1: Utc, now: Now, held: bool) -> Result<(), Contradiction> {
        self.look(now);
        let clock = self.clock_of(t1, now);
        self.last = Some((t1, clock));
        if t1 < t0 {
            self.last = Some((t0, clock));
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

    /// A clock that is set while a mask is lifted: the session ends for that, and not for the clock.
    #[test]
    fn a_clock_that_is_set_when_a_session_ends() {
        for set in [7_200_000i64, -7_200_000] {
            let mut c = Continuity::default();
            let base = 1_000_000_000i64;
            let (before, after) = (|ms: u64| now(ms, base), |ms: u64| now(ms, base + set));
            let old = |ms: i64| Utc(base + ms);
            let new = |ms: i64| Utc(base + set + ms);
            assert_eq!(
                c.begins(old(1_000), Some(Cause::Start), before(1_100), false),
                Ok(())
            );
            assert_eq!(c.ends(old(1_000), old(5_000), after(5_100), false), Ok(()));
            assert_eq!(
                c.begins(new(5_600), Some(Cause::Rule), after(5_700), false),
                Ok(())
            );
            assert_eq!(c.ends(new(5_600), new(9_000), after(9_100), false), Ok(()));
            assert!(
                c.begins(new(8_000), None, after(9_200), false).is_err(),
                "the same clock: an overlap"
            );
        }
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
