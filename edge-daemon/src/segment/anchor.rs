//! Pure. Where a session's RTP time lies on the box's clock.
//!
//! A frame arrives late (network, our own turns) but never early, so the smallest difference between arrival and RTP time
//! seen over the last two minutes is the best estimate. It is kept against the monotonic clock; the wall clock's own offset is
//! added when asked, so a clock that is set shows at once and is not mistaken for a slow camera.
use std::collections::VecDeque;

use shared::time::Now;

use super::ticks_us;

const BUCKET_US: i64 = 10_000_000;
const BUCKETS: usize = 12;

#[derive(Clone, Debug, Default)]
pub struct Anchor {
    /// (bucket number, smallest mono − rtp in µs)
    lows: VecDeque<(i64, i64)>,
}

/// Wall clock minus monotonic clock, in µs.
pub fn clock_offset_us(now: Now) -> i64 {
    (now.wall.0.saturating_sub(now.mono as i64)).saturating_mul(1000)
}

impl Anchor {
    pub fn arrived(&mut self, pts: i64, mono_ms: u64) {
        let mono_us = (mono_ms as i64).saturating_mul(1000);
        let diff = mono_us.saturating_sub(ticks_us(pts));
        let bucket = mono_us / BUCKET_US;
        match self.lows.back_mut() {
            Some((b, low)) if *b == bucket => *low = (*low).min(diff),
            _ => {
                self.lows.push_back((bucket, diff));
                while self.lows.len() > BUCKETS {
                    self.lows.pop_front();
                }
            }
        }
    }

    /// Wall time, in µs, of RTP time zero.
    pub fn origin_us(&self, now: Now) -> Option<i64> {
        let low = self.lows.iter().map(|(_, low)| *low).min()?;
        Some(low.saturating_add(clock_offset_us(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::time::Utc;

    /// REC-4: times follow the camera's own rhythm, not the moment we happened to read.
    #[test]
    fn the_least_late_frame_decides() {
        let mut anchor = Anchor::default();
        let (mono0, wall0) = (5_000_000u64, 1_800_000_000_000i64);
        // A burst of two seconds kept back by the camera, then frames read in turns of 120 ms.
        for i in 0..50i64 {
            anchor.arrived(i * 3600, mono0 + 2000);
        }
        for i in 50..70i64 {
            let made = mono0 + (i as u64) * 40;
            anchor.arrived(i * 3600, made.div_ceil(120) * 120);
        }
        let now = Now {
            wall: Utc(wall0 + 2800),
            mono: mono0 + 2800,
        };
        let err = anchor.origin_us(now).expect("anchored") - wall0 * 1000;
        assert!((0..=40_000).contains(&err), "{err}");
        // The wall clock is set forward by an hour: it shows in full.
        let set = Now {
            wall: Utc(now.wall.0 + 3_600_000),
            mono: now.mono,
        };
        assert_eq!(
            anchor.origin_us(set).expect("anchored") - anchor.origin_us(now).expect("anchored"),
            3_600_000_000
        );
    }

    #[test]
    fn old_lows_are_forgotten() {
        let mut anchor = Anchor::default();
        for i in 0..400i64 {
            // The camera's clock is slow by 100 ppm.
            anchor.arrived(i * 90_000, (i * 1000 + i / 10) as u64);
        }
        let now = Now {
            wall: Utc(400_000),
            mono: 400_000,
        };
        let err = anchor.origin_us(now).expect("anchored");
        assert!((27_000..=40_000).contains(&err), "{err}");
    }
}
