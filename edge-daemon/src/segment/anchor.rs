//! Pure. Where a session's RTP time lies on the box's clock.
//!
//! A frame arrives late (network, our own turns) but never early, so the smallest difference between arrival and RTP time
//! seen over the last two minutes is the best estimate. It is kept against the monotonic clock; the wall clock's own offset is
//! added when asked, so a clock that is set shows at once and is not mistaken for a slow camera.
//!
//! Before that, [`Pace`] straightens what RTP says: jumps, and clocks that run at another pace than time.
use std::collections::VecDeque;

use shared::time::Now;

use super::{TICKS_PER_SEC, ticks_us};

const BUCKET_US: i64 = 10_000_000;
const BUCKETS: usize = 12;

/// A sender report speaks of a moment near the newest picture, or of something else.
const REPORT_AWAY: i64 = 60 * TICKS_PER_SEC;

#[derive(Clone, Debug, Default)]
pub struct Anchor {
    /// (bucket number, smallest mono − rtp in µs)
    lows: VecDeque<(i64, i64)>,
    pace: Pace,
}

/// Wall clock minus monotonic clock, in µs.
pub fn clock_offset_us(now: Now) -> i64 {
    (now.wall.0.saturating_sub(now.mono as i64)).saturating_mul(1000)
}

impl Anchor {
    /// A unit with the camera's time `pts` (ticks) has arrived. Returns the time it is given in the session: the same, unless the
    /// camera's clock jumped or is not to be believed ([`Pace`]).
    pub fn arrived(&mut self, pts: i64, mono_ms: u64) -> i64 {
        let corrections = self.pace.corrections;
        let pts = self.pace.place(pts, mono_ms);
        if self.pace.corrections != corrections {
            self.lows.clear();
        }
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
        pts
    }

    /// How often the camera's RTP clock has jumped.
    pub fn jumps(&self) -> u64 {
        self.pace.jumps
    }

    /// How often its pace was found not to be that of time.
    pub fn corrections(&self) -> u64 {
        self.pace.corrections
    }

    /// The camera's clock minus ours, in ms: it says (in an RTCP sender report) that its time `pts` was `theirs_us` by its clock.
    /// None when that cannot be: no time at all, or an RTP time that is not this stream's.
    pub fn camera_offset_ms(&self, pts: i64, theirs_us: i64, now: Now) -> Option<i64> {
        let placed = self.pace.at(pts);
        let (newest, _) = self.pace.last?;
        if placed.abs_diff(newest) > REPORT_AWAY.unsigned_abs() {
            return None;
        }
        let ours = self.origin_us(now)?.saturating_add(ticks_us(placed));
        Some(theirs_us.saturating_sub(ours).div_euclid(1000))
    }

    /// Wall time, in µs, of RTP time zero.
    pub fn origin_us(&self, now: Now) -> Option<i64> {
        let low = self.lows.iter().map(|(_, low)| *low).min()?;
        Some(low.saturating_add(clock_offset_us(now)))
    }
}

/// A step of the camera's RTP clock larger than this, one way or the other, is a jump.
const JUMP: i64 = 2 * TICKS_PER_SEC;
/// At first a camera may send what it has kept back; what looks like a jump then is none.
const SETTLED_MS: u64 = 5_000;
/// The pace of the RTP clock is looked at this often …
const PACE_MS: u64 = 10_000;
/// … and not believed when it was off by more than this (in parts per million), the same way, so many times running.
/// (A slow network delays pictures too, but not for ever more.)
const LIE_PPM: i64 = 50_000;
const LIES: u32 = 3;
const MILLION: i64 = 1_000_000;

/// Lays a session's RTP times end to end and keeps them to the pace of our clock.
///
/// An honest camera's times pass unchanged. When its RTP clock jumps (in any direction; wrapping round is no jump, retina
/// unwraps it) the picture is placed by the time that passed between the two arrivals, and all later ones relative to it: no
/// picture is lost to a jump, and times inside a segment do not go back. When its RTP clock runs at another pace than time
/// itself (a camera that stamps 25 pictures a second and sends 12), times are stretched or squeezed to the pace seen.
#[derive(Clone, Debug, Default)]
struct Pace {
    /// The camera's time `from` is ours `to`; from there on `ppm` ticks of ours for a million of its.
    from: i64,
    to: i64,
    correction: i64,
    first: Option<u64>,
    /// The furthest place given so far, and when the newest unit came.
    last: Option<(i64, u64)>,
    nominal: i64,
    /// Smallest arrival − placed time, in ticks: of this stretch of [`PACE_MS`] and of the one before.
    stretch: Option<Stretch>,
    before: Option<Stretch>,
    lies: u32,
    lie: i64,
    jumps: u64,
    corrections: u64,
}

/// The least late unit of a stretch.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    began: u64,
    mono: u64,
    low: i64,
}

impl Pace {
    /// Where the camera's time `pts` lies, by the clock as it runs now.
    fn at(&self, pts: i64) -> i64 {
        let since = pts.saturating_sub(self.from);
        let scaled =
            i128::from(since) * i128::from(MILLION + self.correction) / i128::from(MILLION);
        self.to
            .saturating_add(i64::try_from(scaled).unwrap_or(since))
    }

    /// A unit with the camera's time `pts` has arrived: the time it is given.
    fn place(&mut self, pts: i64, mono_ms: u64) -> i64 {
        let first = *self.first.get_or_insert(mono_ms);
        let mut placed = self.at(pts);
        if let Some((last, came)) = self.last {
            let low = self.low();
            let early = low.is_some_and(|low| ticks(mono_ms) - placed < low - JUMP)
                && mono_ms.saturating_sub(first) >= SETTLED_MS;
            if placed < last.saturating_sub(JUMP) || early {
                let passed = ticks(mono_ms) - ticks(came);
                placed = last.saturating_add(passed.max(self.nominal.max(1)));
                (self.from, self.to) = (pts, placed);
                (self.stretch, self.before, self.lies) = (None, None, 0);
                self.jumps += 1;
            } else if (1..=TICKS_PER_SEC).contains(&(placed - last)) {
                self.nominal = placed - last;
            }
        }
        let newest = self.last.map_or(placed, |(last, _)| last.max(placed));
        self.last = Some((newest, mono_ms));
        self.watch(pts, placed, mono_ms);
        placed
    }

    fn low(&self) -> Option<i64> {
        let lows = [self.stretch, self.before];
        lows.iter().flatten().map(|s| s.low).min()
    }

    /// Compares the pace of the camera's clock with ours, a stretch at a time.
    fn watch(&mut self, pts: i64, placed: i64, mono: u64) {
        let late = ticks(mono) - placed;
        let fresh = Stretch {
            began: mono,
            mono,
            low: late,
        };
        let Some(stretch) = &mut self.stretch else {
            self.stretch = Some(fresh);
            return;
        };
        if late < stretch.low {
            (stretch.low, stretch.mono) = (late, mono);
        }
        if mono.saturating_sub(stretch.began) < PACE_MS {
            return;
        }
        let (over, before) = (*stretch, self.before.replace(*stretch));
        self.stretch = Some(fresh);
        let Some(before) = before else { return };
        let time = ticks(over.mono) - ticks(before.mono);
        if time <= 0 {
            return;
        }
        // What our time gains on the camera's, in parts per million of the camera's.
        let behind = over.low - before.low;
        let off = behind.saturating_mul(MILLION) / (time - behind).max(1);
        let lies = off.abs() > LIE_PPM;
        self.lies = match lies {
            true if self.lie == 0 || self.lie.signum() == off.signum() => self.lies + 1,
            true => 1,
            false => 0,
        };
        self.lie = if lies { off } else { 0 };
        // An honest camera is left alone; one that is being corrected is kept in step.
        if self.lies >= LIES || (self.correction != 0 && off.abs() > LIE_PPM / 50) {
            let factor = i128::from(MILLION + self.correction) * i128::from(MILLION + off);
            self.correction = i64::try_from(factor / i128::from(MILLION) - i128::from(MILLION))
                .unwrap_or(0)
                .clamp(-MILLION * 9 / 10, MILLION * 9);
            // From here on; what went before stays where it is.
            (self.from, self.to) = (pts, placed);
            (self.stretch, self.before, self.lies) = (None, None, 0);
            self.corrections += 1;
        }
    }
}

fn ticks(mono_ms: u64) -> i64 {
    (mono_ms as i64).saturating_mul(TICKS_PER_SEC / 1000)
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

    /// A session of 25 pictures a second read in turns of 120 ms; `rtp` says what the camera stamps the n-th with.
    fn session(
        anchor: &mut Anchor,
        pictures: std::ops::Range<i64>,
        rtp: impl Fn(i64) -> i64,
    ) -> Vec<i64> {
        pictures
            .map(|n| anchor.arrived(rtp(n), 7_000_000 + (n * 40) as u64 / 120 * 120 + 120))
            .collect()
    }
    /// Wall time by the anchor of the last picture placed, against the moment it was made, in ms.
    fn error_ms(anchor: &Anchor, n: i64, placed: i64) -> i64 {
        let now = Now {
            wall: Utc(7_000_000 + n * 40 + 120),
            mono: (7_000_000 + n * 40 + 120) as u64,
        };
        anchor.origin_us(now).expect("anchored") / 1000 + ticks_us(placed) / 1000
            - (7_000_000 + n * 40)
    }

    /// REC-4: an RTP clock that jumps, either way and by any distance, costs no picture and moves no time by more than a turn.
    #[test]
    fn jumps_are_laid_end_to_end() {
        for jump in [3i64, 20, 90_000, -3, -20, -40_000, 47_721] {
            let mut anchor = Anchor::default();
            let rtp = |n: i64| n * 3600 + if n >= 500 { jump * TICKS_PER_SEC } else { 0 };
            let placed = session(&mut anchor, 0..1000, rtp);
            assert_eq!(anchor.jumps(), 1, "{jump}");
            assert!(
                placed
                    .windows(2)
                    .all(|w| w[0] < w[1] && w[1] - w[0] <= 3600 * 5),
                "{jump}"
            );
            let error = error_ms(&anchor, 999, placed[999]);
            assert!((-200..=200).contains(&error), "{jump}: {error} ms");
        }
    }

    /// REC-4: one damaged time stamp moves nothing but its own picture, and that by less than a quarter of a second.
    #[test]
    fn one_wrong_time_stamp_moves_one_picture() {
        let mut anchor = Anchor::default();
        let placed = session(&mut anchor, 0..1000, |n| {
            if n == 600 { 1 << 30 } else { n * 3600 }
        });
        assert_eq!(anchor.jumps(), 2);
        assert!(
            placed
                .windows(2)
                .all(|w| w[0] < w[1] && w[1] - w[0] <= 3600 * 6)
        );
        assert!(error_ms(&anchor, 999, placed[999]).abs() <= 250);
    }

    /// REC-4: a pause, B pictures, a slow network and a burst after it are no jumps.
    #[test]
    fn what_is_not_a_jump_is_left_alone() {
        let mut anchor = Anchor::default();
        let b = [0i64, 3, 1, 2];
        let rtp = |n: i64| (n / 4 * 4 + b[(n % 4) as usize]) * 3600;
        let placed = session(&mut anchor, 0..400, rtp);
        assert!(placed.iter().zip(0..).all(|(p, n)| *p == rtp(n)));
        // Nothing for 8 s: the pictures were not made.
        let placed = session(&mut anchor, 600..1000, rtp);
        assert!(placed.iter().zip(600..).all(|(p, n)| *p == rtp(n)));
        // Nothing for 8 s, and then all at once.
        for n in 1000..1200i64 {
            assert_eq!(anchor.arrived(rtp(n), 7_000_000 + 1200 * 40), rtp(n));
        }
        assert_eq!((anchor.jumps(), anchor.corrections()), (0, 0));
    }

    /// REC-4: a camera that stamps 25 pictures a second whatever it sends (12 or 50) is dated by the clock within a minute, and
    /// its times never go back.
    #[test]
    fn a_camera_that_lies_about_its_rate_is_dated_by_the_clock() {
        for (sent_ms, lie) in [(80i64, "half"), (20, "double"), (44, "a tenth less")] {
            let mut anchor = Anchor::default();
            let mut last = i64::MIN;
            let mut worst = 0;
            for n in 0..(300_000 / sent_ms) {
                let at = 7_000_000 + n * sent_ms;
                let came = (at / 120 * 120 + 120) as u64;
                let placed = anchor.arrived(n * 3600, came);
                assert!(placed > last, "{lie}: back at {n}");
                last = placed;
                if n * sent_ms > 60_000 {
                    let now = Now {
                        wall: Utc(came as i64),
                        mono: came,
                    };
                    let wall = (anchor.origin_us(now).expect("anchored") + ticks_us(placed)) / 1000;
                    worst = worst.max((wall - at).abs());
                }
            }
            assert!(anchor.corrections() > 0, "{lie}");
            assert!(worst <= 500, "{lie}: {worst} ms");
        }
    }

    /// An honest camera on a network that holds its pictures back for a while is not taken for a liar.
    #[test]
    fn a_slow_network_is_no_lie() {
        let mut anchor = Anchor::default();
        for n in 0..5000i64 {
            let late = match n {
                1000..1500 => (n - 1000) * 12,
                1500..1700 => 6000 - (n - 1500) * 30,
                _ => 0,
            };
            assert_eq!(
                anchor.arrived(n * 3600, (7_000_000 + n * 40 + late) as u64),
                n * 3600
            );
        }
        assert_eq!((anchor.jumps(), anchor.corrections()), (0, 0));
    }

    /// REC-4: what a sender report says of the camera's clock, and what cannot be one.
    #[test]
    fn the_cameras_clock_against_ours() {
        let mut anchor = Anchor::default();
        session(&mut anchor, 0..500, |n| n * 3600);
        let now = Now {
            wall: Utc(1_800_000_020_000),
            mono: 7_020_000,
        };
        let made = 1_800_000_000_000i64 + 400 * 40;
        let offset = anchor
            .camera_offset_ms(400 * 3600, (made + 7_300) * 1000, now)
            .expect("known");
        assert!((7_100..=7_300).contains(&offset), "{offset}");
        assert_eq!(
            anchor.camera_offset_ms(TICKS_PER_SEC * 3600, made * 1000, now),
            None
        );
        assert_eq!(Anchor::default().camera_offset_ms(0, 0, now), None);
    }

    proptest::proptest! {
        /// REC-4: whatever a camera stamps, no picture is placed more than [`JUMP`] before the furthest one.
        #[test]
        fn no_stamp_takes_time_back(steps in proptest::collection::vec((proptest::num::i32::ANY, 0u64..3_000, 0u8..4), 1..300)) {
            let (mut anchor, mut pts, mut mono, mut newest) = (Anchor::default(), 0i64, 1_000_000u64, i64::MIN);
            for (step, passed, kind) in steps {
                mono += passed;
                pts += match kind {
                    0 => i64::from(step),
                    1 => i64::from(step % 500_000),
                    _ => ticks(passed),
                };
                let placed = anchor.arrived(pts, mono);
                proptest::prop_assert!(newest == i64::MIN || placed >= newest - JUMP, "{} after {}", placed, newest);
                newest = newest.max(placed);
            }
        }
    }
}
