//! Pure. Decode times and durations for units that only carry presentation times.
//!
//! RTP says when a picture is shown, not when it is decoded. Without B pictures the two are the same. With them the decode
//! times are the presentation times in rising order: a group of units is complete when one arrives that is shown after all
//! of them. A unit leaves once the decode time of the next is known, so that durations are exact.
use super::{TICKS_PER_SEC, Unit, stamps::Rhythm};

/// Times that go back by more than this are another session's: the anchor lays those of one end to end.
pub const JUMP: i64 = 5 * TICKS_PER_SEC;
/// And so are times this far ahead; a slow camera, or one that makes no pictures for a while, is not.
const AHEAD: i64 = 600 * TICKS_PER_SEC;

/// Between two units of a camera of which nothing is known.
const NOMINAL: u32 = 3600;

/// A unit with its place in time.
#[derive(Clone, Debug)]
pub struct Timed {
    pub unit: Unit,
    pub dts: i64,
    pub duration: u32,
}

#[derive(Debug)]
pub struct Order {
    reorder: bool,
    /// Saw a time stamp go back: reorder from the next key unit on.
    seen_back: bool,
    /// Complete, all but the last one's duration.
    waiting: Vec<(Unit, i64)>,
    /// Not complete yet.
    group: Vec<Unit>,
    group_max: i64,
    last_dts: Option<i64>,
    rhythm: Rhythm,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            reorder: false,
            seen_back: false,
            waiting: Vec::new(),
            group: Vec::new(),
            group_max: i64::MIN,
            last_dts: None,
            rhythm: Rhythm::default(),
        }
    }
}

impl Order {
    /// A camera that uses B pictures: reorder from the start.
    pub fn expect_reorder(&mut self, yes: bool) {
        self.reorder = yes;
    }
    /// The usual time between units.
    pub fn nominal(&self) -> u32 {
        let usual = self.rhythm.usual().and_then(|u| u32::try_from(u).ok());
        usual.unwrap_or(NOMINAL)
    }
    /// True once a stream turned out to need another mode than the one in use; it changes at the next key unit.
    pub fn wants_restart(&self) -> bool {
        self.seen_back && !self.reorder
    }

    /// Adds a unit. True: its time stamp jumped, so all before it was flushed to `out` and the unit begins anew.
    pub fn push(&mut self, unit: Unit, out: &mut Vec<Timed>) -> bool {
        let newest = self
            .group
            .last()
            .map(|u| u.pts)
            .or(self.waiting.last().map(|(u, _)| u.pts));
        let step = newest.map_or(0, |p| unit.pts.saturating_sub(p));
        let jumped = !(-JUMP..=AHEAD).contains(&step);
        if jumped {
            self.flush(out);
        } else if self.wants_restart() && unit.key {
            self.reorder = true;
        }
        if self.reorder {
            if !self.group.is_empty() && unit.pts > self.group_max {
                self.close_group(out);
            }
            self.group_max = self.group_max.max(unit.pts);
            self.group.push(unit);
        } else {
            if newest.is_some_and(|p| unit.pts < p) {
                self.seen_back = true;
            }
            self.group.push(unit);
            self.close_group(out);
        }
        jumped
    }

    fn close_group(&mut self, out: &mut Vec<Timed>) {
        let mut times: Vec<i64> = self.group.iter().map(|u| u.pts).collect();
        times.sort_unstable();
        self.group_max = i64::MIN;
        let first = times.first().copied().unwrap_or(0);
        let first = first.max(self.last_dts.map_or(i64::MIN, |d| d + 1));
        self.release(Some(first), out);
        for (unit, t) in std::mem::take(&mut self.group).into_iter().zip(times) {
            let dts = t.max(self.last_dts.map_or(i64::MIN, |d| d + 1));
            self.last_dts = Some(dts);
            self.waiting.push((unit, dts));
        }
    }

    /// Lets go of what waits; `next` is the decode time that follows.
    fn release(&mut self, next: Option<i64>, out: &mut Vec<Timed>) {
        let waiting = std::mem::take(&mut self.waiting);
        let times: Vec<i64> = waiting.iter().skip(1).map(|(_, d)| *d).collect();
        let count = waiting.len();
        for (i, (unit, dts)) in waiting.into_iter().enumerate() {
            let after = times
                .get(i)
                .copied()
                .or(if i + 1 == count { next } else { None });
            let duration = match after
                .map(|n| n - dts)
                .and_then(|d| u32::try_from(d).ok())
                .filter(|d| *d > 0)
            {
                Some(d) => {
                    if d > 1 {
                        self.rhythm.see(i64::from(d));
                    }
                    d
                }
                None => self.nominal(),
            };
            out.push(Timed {
                unit,
                dts,
                duration,
            });
        }
    }

    /// No more units: the last one lasts as long as usual.
    pub fn flush(&mut self, out: &mut Vec<Timed>) {
        if !self.group.is_empty() {
            self.close_group(out);
        }
        self.release(None, out);
        self.last_dts = None;
    }

    /// Lets go of what waits without knowing what follows; more may.
    pub fn hurry(&mut self, out: &mut Vec<Timed>) {
        if !self.group.is_empty() {
            self.close_group(out);
        }
        self.release(None, out);
    }

    /// What comes next begins anew.
    pub fn restart(&mut self) {
        self.last_dts = None;
    }

    /// Forgets what is held.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.group.clear();
        self.group_max = i64::MIN;
        self.last_dts = None;
        self.seen_back = false;
        self.reorder = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unit;

    fn run(order: &mut Order, pts: &[i64]) -> Vec<(i64, i64, u32)> {
        let mut out = Vec::new();
        for (i, p) in pts.iter().enumerate() {
            assert!(!order.push(unit(*p * 3600, i == 0), &mut out));
        }
        order.flush(&mut out);
        out.iter()
            .map(|t| (t.unit.pts / 3600, t.dts / 3600, t.duration))
            .collect()
    }

    /// REC-2: 25 pictures a second last 3600 ticks each, exactly.
    #[test]
    fn plain_stream_is_exact() {
        let got = run(&mut Order::default(), &[0, 1, 2, 3]);
        assert_eq!(
            got,
            [(0, 0, 3600), (1, 1, 3600), (2, 2, 3600), (3, 3, 3600)]
        );
    }

    #[test]
    fn b_pictures_get_rising_decode_times() {
        let mut order = Order::default();
        order.expect_reorder(true);
        let got = run(&mut order, &[0, 3, 1, 2, 6, 4, 5, 7]);
        let want: Vec<(i64, i64, u32)> = [0, 3, 1, 2, 6, 4, 5, 7]
            .iter()
            .zip(0..)
            .map(|(p, d)| (*p, d, 3600))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn unexpected_b_pictures_lose_nothing() {
        let mut order = Order::default();
        let mut out = Vec::new();
        for (i, p) in [0i64, 3, 1, 2, 6, 4, 5]
            .iter()
            .chain(&[7, 10, 8, 9, 13])
            .enumerate()
        {
            order.push(unit(p * 3600, i == 0 || i == 7), &mut out);
        }
        order.flush(&mut out);
        assert_eq!(out.len(), 12);
        assert!(
            out.windows(2)
                .all(|w| w[0].dts < w[1].dts && w[0].dts + i64::from(w[0].duration) == w[1].dts),
            "{out:?}"
        );
        let last: Vec<i64> = out[7..].iter().map(|t| t.dts / 3600).collect();
        assert_eq!(last, [7, 8, 9, 10, 13]);
    }

    #[test]
    fn a_jump_flushes() {
        let mut order = Order::default();
        let mut out = Vec::new();
        assert!(!order.push(unit(0, true), &mut out));
        assert!(!order.push(unit(3600, false), &mut out));
        assert!(order.push(unit(-90_000_000, false), &mut out));
        assert_eq!(out.len(), 2);
        assert_eq!(out[1].duration, 3600);
        order.flush(&mut out);
        assert_eq!(out[2].dts, -90_000_000);
    }

    #[test]
    fn equal_times_still_rise() {
        let got = run(&mut Order::default(), &[0, 1, 1, 2]);
        assert_eq!(got.len(), 4);
    }

    proptest::proptest! {
        /// REC-1, REC-4: whatever the times (B pictures, jumps, repeats), every unit comes out, in order, and decode times rise
        /// without a hole between two jumps.
        #[test]
        fn nothing_is_thrown_away_and_no_time_goes_back(
            steps in proptest::collection::vec((-2_000_000i64..2_000_000, 0u8..8, proptest::bool::ANY), 1..200),
            reorder in proptest::bool::ANY,
        ) {
            let mut order = Order::default();
            order.expect_reorder(reorder);
            let (mut out, mut pts, mut cuts) = (Vec::new(), 0i64, Vec::new());
            let count = steps.len();
            for (n, (step, kind, key)) in steps.into_iter().enumerate() {
                pts += match kind {
                    0 => step,
                    1 => -7200,
                    2 => 0,
                    3 => 10_800,
                    _ => 3600,
                };
                let unit = Unit { lost: n as u32, ..unit(pts, key) };
                if order.push(unit, &mut out) {
                    cuts.push(out.len());
                }
            }
            order.flush(&mut out);
            proptest::prop_assert!(out.iter().enumerate().all(|(n, t)| t.unit.lost == n as u32));
            proptest::prop_assert_eq!(out.len(), count);
            for (n, w) in out.windows(2).enumerate() {
                let follows = w[0].dts < w[1].dts && w[0].dts + i64::from(w[0].duration) == w[1].dts;
                proptest::prop_assert!(cuts.contains(&(n + 1)) || follows, "{:?}", w);
                proptest::prop_assert!(w[0].duration > 0);
            }
        }
    }
}
