//! Pure. Which pictures of a camera are recorded: all of them (real time), or a key frame now and then (time-lapse).
//!
//! ```text
//! time-lapse --key frame, real time is wanted--> real time
//!      ^------- key frame, no longer wanted -------'
//! ```
//! The rate changes only at a key frame, so that no picture is recorded that cannot be decoded and none is missing between the
//! two; the camera's key frame interval decides how soon. What counts is the picture's own time: pictures that come late, from
//! before the switch, are still judged by the rate they were made under. The cutter begins a segment there: a segment has one
//! rate, and its line says which.
//!
//! A time-lapse picture stands for the time until the next is due. Its length must be known when it is taken, because it goes
//! to disk at once; so it is foretold from the distance of the camera's key frames.
use shared::time::Utc;

use super::{TICKS_PER_SEC, Unit, order::JUMP};

/// A key frame this much before its time is taken: cameras are not exact.
const EARLY: i64 = TICKS_PER_SEC / 4;
/// The camera sent nothing for longer than this: pictures are missing, whatever the rate.
const MISSING: i64 = 2 * TICKS_PER_SEC;
/// Pictures from before a switch are waited for no longer than this: if the clock was set meanwhile they would never end.
const LATE: i64 = 10 * TICKS_PER_SEC;

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

/// What a camera that has two is to be recorded at, since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub realtime: bool,
    pub since: Utc,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            realtime: false,
            since: Utc(i64::MIN),
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
    /// The first picture that came after the rate in force was no longer wanted.
    asked: Option<i64>,
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
            asked: None,
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

    /// Judges a unit, a picture made at `at`; one that is recorded is given the parameters that units skipped before it brought.
    pub fn unit(&mut self, unit: &mut Unit, at: Utc, wanted: Wanted) -> Seen {
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
        let rate = self.rate(unit, at, wanted);
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

    /// The rate the unit is judged by: the one in force, or from this key frame on the one that is wanted.
    fn rate(&mut self, unit: &Unit, at: Utc, wanted: Wanted) -> Rate {
        let next = if wanted.realtime {
            Rate::Realtime
        } else {
            Rate::Timelapse(self.secs)
        };
        let Some(now) = self.now.filter(|now| *now != next) else {
            (self.now, self.asked) = (Some(next), None);
            return next;
        };
        let asked = *self.asked.get_or_insert(unit.pts);
        let from_before = at < wanted.since && (unit.pts - asked).abs() < LATE;
        if from_before || !unit.key {
            return now;
        }
        (self.now, self.asked, self.due) = (Some(next), None, None);
        next
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
    use crate::testing::unit;

    const S: i64 = TICKS_PER_SEC;

    fn wanted(realtime: bool) -> Wanted {
        Wanted {
            realtime,
            ..Wanted::default()
        }
    }
    /// A unit made when it comes.
    fn judge(t: &mut Thinner, unit: &mut Unit, realtime: bool) -> Seen {
        t.unit(unit, Utc(0), wanted(realtime))
    }

    /// 25 pictures a second, a key frame every `key` pictures; what is recorded of `secs` seconds as (picture, verdict).
    fn run(t: &mut Thinner, key: i64, from: i64, to: i64, realtime: bool) -> Vec<(i64, Verdict)> {
        (from..to)
            .map(|i| {
                (
                    i,
                    judge(t, &mut unit(i * 3600, i % key == 0), realtime).verdict,
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
            let v = judge(&mut t, &mut unit(at, true), false).verdict;
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

    /// REC-3: a link that is slow brings pictures late; those made before a switch are judged as they would have been in time, at both
    /// switches. A clock that was set meanwhile does not hold a switch up for long.
    #[test]
    fn late_pictures_are_judged_by_their_own_time() {
        let mut t = Thinner::new(4);
        // Key frames every two seconds, made at their time stamp, all of them coming after both switches.
        let mut rates = Vec::new();
        let at = |secs: i64| Utc(secs * 1000);
        let mut see = |secs: i64, realtime: bool, since: i64| {
            let since = at(since);
            let wanted = Wanted { realtime, since };
            rates.push(t.unit(&mut unit(secs * S, true), at(secs), wanted).rate);
        };
        see(0, false, 0);
        see(2, true, 3);
        see(4, true, 3);
        see(6, false, 7);
        see(8, false, 7);
        use Rate::{Realtime, Timelapse};
        let lapse = Timelapse(4);
        assert_eq!(rates, [lapse, lapse, Realtime, Realtime, lapse]);
        // An hour ahead: nothing will be made after it for an hour.
        rates.clear();
        let mut see = |secs: i64| {
            let wanted = Wanted {
                realtime: true,
                since: at(3600),
            };
            rates.push(t.unit(&mut unit(secs * S, true), at(secs), wanted).rate);
        };
        (5..10).for_each(|n| see(2 * n));
        see(20);
        assert_eq!(rates, [lapse, lapse, lapse, lapse, lapse, Realtime]);
    }

    /// What units that are not recorded bring is not lost, and what they show of the camera is seen.
    #[test]
    fn skipped_units_are_looked_at() {
        let mut t = Thinner::new(4);
        judge(&mut t, &mut unit(0, true), false);
        let mut with = unit(50 * 3600, true);
        with.parameters = Some(footage::mp4::Parameters {
            codec: footage::mp4::Codec::H264,
            width: 640,
            height: 360,
            config: vec![1],
            sound: None,
        });
        assert_eq!(judge(&mut t, &mut with, false).verdict, Verdict::Skip);
        let mut taken = unit(100 * 3600, true);
        judge(&mut t, &mut taken, false);
        assert!(taken.parameters.is_some());
        assert!(judge(&mut t, &mut unit(-2 * S, false), false).jumped);
        assert!(matches!(
            judge(&mut t, &mut unit(0, true), false).verdict,
            Verdict::Lasts(_)
        ));
        // Silent for three seconds, then its next key frame.
        assert_eq!(
            judge(&mut t, &mut unit(3 * S, false), false).silent_since,
            None
        );
        assert_eq!(
            judge(&mut t, &mut unit(4 * S, true), false).silent_since,
            Some(0)
        );
        assert!(!t.starved(5 * S));
        judge(&mut t, &mut unit(8 * S, false), false);
        judge(&mut t, &mut unit(10 * S, false), false);
        assert!(t.starved(5 * S));
        t.finish();
        assert!(!t.starved(5 * S));
    }

    #[test]
    fn asked_to_be_soon() {
        let mut t = Thinner::new(60);
        judge(&mut t, &mut unit(0, true), false);
        t.soon();
        assert!(matches!(
            judge(&mut t, &mut unit(2 * S, true), false).verdict,
            Verdict::Lasts(_)
        ));
        assert_eq!(
            judge(&mut t, &mut unit(4 * S, true), false).verdict,
            Verdict::Skip
        );
    }
}
