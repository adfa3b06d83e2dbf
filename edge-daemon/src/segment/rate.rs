//! Pure. Which pictures of a camera are recorded: all of them (real time), or a key frame now and then (time-lapse).
//!
//! ```text
//! time-lapse --key frame, real time is wanted--> real time
//!      ^------- key frame, no longer wanted -------'
//! ```
//! The rate changes only at a key frame, so that no picture is recorded that cannot be decoded and none is missing between the
//! two; the camera's key frame interval decides how soon. The cutter begins a segment there: a segment has one rate, and its
//! line says which.
//!
//! A time-lapse picture stands for the time until the next is due. Its length must be known when it is taken, because it goes
//! to disk at once; so it is foretold from the distance of the camera's key frames.
use super::{TICKS_PER_SEC, Unit, order::JUMP};

/// A key frame this much before its time is taken: cameras are not exact.
const EARLY: i64 = TICKS_PER_SEC / 4;
/// The camera sent nothing for longer than this: pictures are missing, whatever the rate.
const MISSING: i64 = 2 * TICKS_PER_SEC;

/// What a segment is recorded at. A camera that is always in real time has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    Realtime,
    /// One key frame in so many seconds.
    Timelapse(u32),
}

impl Rate {
    /// As in `seg.write` and `rate.set` lines.
    pub fn code(self) -> String {
        match self {
            Rate::Realtime => "realtime".into(),
            Rate::Timelapse(secs) => format!("timelapse-{secs}"),
        }
    }
}

/// What is to become of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Record it like any other.
    Record,
    /// Record it; it lasts for so many ticks.
    Lasts(u32),
    Skip,
}

/// A verdict, and what else was seen on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub verdict: Verdict,
    /// From here on.
    pub rate: Rate,
    /// The camera's time stamps jumped just before it, which in time-lapse nobody else can see.
    pub jumped: bool,
    /// In time-lapse: where the last of a longer silence of the camera began, in ticks.
    pub silent_since: Option<i64>,
}

/// One camera's, of a session.
#[derive(Debug)]
pub struct Thinner {
    every: i64,
    secs: u32,
    now: Option<Rate>,
    /// The next picture is due, in ticks.
    due: Option<i64>,
    last: Option<i64>,
    last_key: Option<i64>,
    /// Distance of the last two key frames.
    key_every: Option<i64>,
    silent_since: Option<i64>,
    parameters: Option<footage::mp4::Parameters>,
}

impl Thinner {
    pub fn new(every_secs: u32) -> Self {
        let secs = every_secs.max(1);
        Self {
            every: i64::from(secs) * TICKS_PER_SEC,
            secs,
            now: None,
            due: None,
            last: None,
            last_key: None,
            key_every: None,
            silent_since: None,
            parameters: None,
        }
    }

    /// The session is over.
    pub fn finish(&mut self) {
        *self = Self::new(self.secs);
    }

    /// Somebody waits for the open segment to end: the next key frame is taken, whatever its time.
    pub fn soon(&mut self) {
        self.due = None;
    }

    /// In time-lapse, with no key frame for so long.
    pub fn starved(&self, ticks: i64) -> bool {
        matches!(self.now, Some(Rate::Timelapse(_)))
            && self
                .last
                .zip(self.last_key)
                .is_some_and(|(l, k)| l - k > ticks)
    }

    /// Judges a unit; one that is recorded is given the parameters that units skipped before it brought.
    pub fn unit(&mut self, unit: &mut Unit, realtime: bool) -> Seen {
        let lapsing = matches!(self.now, Some(Rate::Timelapse(_)));
        let step = self.last.map(|l| unit.pts.saturating_sub(l));
        let jumped = lapsing && step.is_some_and(|s| s.abs() > JUMP);
        if jumped {
            (self.due, self.last_key, self.silent_since) = (None, None, None);
        } else if lapsing && step.is_some_and(|s| s > MISSING) {
            self.silent_since = self.silent_since.or(self.last);
        }
        self.last = Some(unit.pts);
        if unit.key {
            if let Some(distance) = self.last_key.map(|k| unit.pts - k).filter(|d| *d > 0) {
                self.key_every = Some(distance);
            }
            self.last_key = Some(unit.pts);
        }
        let wanted = if realtime {
            Rate::Realtime
        } else {
            Rate::Timelapse(self.secs)
        };
        if self.now != Some(wanted) && (unit.key || self.now.is_none()) {
            self.now = Some(wanted);
            self.due = None;
        }
        let rate = self.now.unwrap_or(wanted);
        let verdict = match rate {
            Rate::Realtime => Verdict::Record,
            Rate::Timelapse(_) if unit.key && self.due.is_none_or(|d| unit.pts >= d - EARLY) => {
                Verdict::Lasts(self.taken(unit.pts))
            }
            Rate::Timelapse(_) => Verdict::Skip,
        };
        if verdict == Verdict::Skip {
            if let Some(p) = unit.parameters.take() {
                self.parameters = Some(p);
            }
            return Seen {
                verdict,
                rate,
                jumped,
                silent_since: None,
            };
        }
        let kept = self.parameters.take();
        unit.parameters = unit.parameters.take().or(kept);
        Seen {
            verdict,
            rate,
            jumped,
            silent_since: self.silent_since.take(),
        }
    }

    /// A time-lapse picture is taken: when the next is due, and how long this one lasts until the key frame that will be it.
    fn taken(&mut self, pts: i64) -> u32 {
        // Counted from when this one was due, so that the rate is kept although key frames come when they come.
        let due = self
            .due
            .map(|d| d + self.every)
            .filter(|d| *d > pts + EARLY)
            .unwrap_or(pts + self.every);
        self.due = Some(due);
        let wait = due - pts;
        let lasts = match self.key_every {
            Some(k) => k * ((wait - EARLY).max(1) + k - 1).div_euclid(k),
            None => wait,
        };
        u32::try_from(lasts).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = TICKS_PER_SEC;

    fn unit(pts: i64, key: bool) -> Unit {
        Unit {
            pts,
            key,
            bytes: bytes::Bytes::new(),
            lost: 0,
            parameters: None,
        }
    }

    /// 25 pictures a second, a key frame every `key` pictures; what is recorded of `secs` seconds as (picture, verdict).
    fn run(t: &mut Thinner, key: i64, from: i64, to: i64, realtime: bool) -> Vec<(i64, Verdict)> {
        (from..to)
            .map(|i| {
                (
                    i,
                    t.unit(&mut unit(i * 3600, i % key == 0), realtime).verdict,
                )
            })
            .filter(|(_, v)| *v != Verdict::Skip)
            .collect()
    }

    /// REC-3: key frames at the interval, each as long as it stands, and no other picture.
    #[test]
    fn key_frames_at_the_interval() {
        let mut t = Thinner::new(2);
        let got = run(&mut t, 50, 0, 500, false);
        let want: Vec<(i64, Verdict)> =
            (0..10).map(|i| (i * 50, Verdict::Lasts(180_000))).collect();
        assert_eq!(got, want);
    }

    /// An interval that is no multiple of the camera's: the rate holds on the whole, and each length is right.
    #[test]
    fn an_interval_between_key_frames() {
        let mut t = Thinner::new(5);
        let got = run(&mut t, 50, 0, 1000, false);
        let at: Vec<i64> = got.iter().map(|g| g.0 / 25).collect();
        assert_eq!(at, [0, 6, 10, 16, 20, 26, 30, 36]);
        for pair in got.windows(2).skip(1) {
            let Verdict::Lasts(ticks) = pair[0].1 else {
                panic!("a length")
            };
            assert_eq!(i64::from(ticks), (pair[1].0 - pair[0].0) * 3600);
        }
    }

    /// A camera whose key frames are further apart than the interval: all of them.
    #[test]
    fn rarer_key_frames_than_asked() {
        let mut t = Thinner::new(1);
        let got = run(&mut t, 100, 0, 400, false);
        assert_eq!(
            got.iter().map(|g| g.0).collect::<Vec<_>>(),
            [0, 100, 200, 300]
        );
        assert_eq!(got[2].1, Verdict::Lasts(4 * 90_000));
    }

    /// Cameras are not exact: a key frame a little early is not passed over.
    #[test]
    fn early_key_frames_count() {
        let mut t = Thinner::new(2);
        let times = [0, 2 * S - 300, 4 * S - 700, 6 * S + 100, 8 * S - 900];
        for at in times {
            let v = t.unit(&mut unit(at, true), false).verdict;
            assert!(matches!(v, Verdict::Lasts(_)), "{at}: {v:?}");
        }
    }

    /// REC-3: a switch takes effect at the next key frame, in both directions, and nothing is missing at either.
    #[test]
    fn switches_at_key_frames() {
        let mut t = Thinner::new(4);
        assert_eq!(run(&mut t, 50, 0, 130, false).len(), 2);
        let real = run(&mut t, 50, 130, 280, true);
        assert_eq!(real.first(), Some(&(150, Verdict::Record)));
        assert_eq!(real.len(), 130);
        let back = run(&mut t, 50, 280, 420, false);
        let (frames, lapse): (Vec<_>, Vec<_>) =
            back.into_iter().partition(|b| b.1 == Verdict::Record);
        assert_eq!(
            frames.len(),
            20,
            "until the next key frame all are recorded"
        );
        assert_eq!(lapse.iter().map(|l| l.0).collect::<Vec<_>>(), [300, 400]);
    }

    /// What units that are not recorded bring is not lost, and what they show of the camera is seen.
    #[test]
    fn skipped_units_are_looked_at() {
        let mut t = Thinner::new(4);
        t.unit(&mut unit(0, true), false);
        let mut with = unit(50 * 3600, true);
        with.parameters = Some(footage::mp4::Parameters {
            codec: footage::mp4::Codec::H264,
            width: 640,
            height: 360,
            config: vec![1],
            sound: None,
        });
        assert_eq!(t.unit(&mut with, false).verdict, Verdict::Skip);
        let mut taken = unit(100 * 3600, true);
        t.unit(&mut taken, false);
        assert!(taken.parameters.is_some());
        assert!(t.unit(&mut unit(-2 * S, false), false).jumped);
        assert!(matches!(
            t.unit(&mut unit(0, true), false).verdict,
            Verdict::Lasts(_)
        ));
        // Silent for three seconds, then its next key frame.
        assert_eq!(t.unit(&mut unit(3 * S, false), false).silent_since, None);
        assert_eq!(t.unit(&mut unit(4 * S, true), false).silent_since, Some(0));
        assert!(!t.starved(5 * S));
        t.unit(&mut unit(8 * S, false), false);
        t.unit(&mut unit(10 * S, false), false);
        assert!(t.starved(5 * S));
        t.finish();
        assert!(!t.starved(5 * S));
    }

    #[test]
    fn asked_to_be_soon() {
        let mut t = Thinner::new(60);
        t.unit(&mut unit(0, true), false);
        t.soon();
        assert!(matches!(
            t.unit(&mut unit(2 * S, true), false).verdict,
            Verdict::Lasts(_)
        ));
        assert_eq!(t.unit(&mut unit(4 * S, true), false).verdict, Verdict::Skip);
    }
}
