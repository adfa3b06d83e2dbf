//! Pure. What time it is, by what the reader can judge itself: whether a day is over must not hang on the recorder's word, nor on a clock
//! that somebody set forward.
//!
//! *Proven* time is at least so late: it goes on with the monotonic clock while this machine runs, is kept over restarts, and is moved
//! forward by nothing but what the hub signed (a countersignature, an order), and by that no further than a clock that the kernel's time
//! service vouches for: a hub that is somebody else's names any time. The wall clock may say more: the machine was off, or the clock was set. Where the kernel's time service vouches for the first setting after a start of the machine, that is taken for what it
//! was off; what is due by it goes a day at a time ([`Standing::Ahead`]). A clock that jumps forward later is not followed.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{
    id::CameraId,
    time::{Now, Utc},
};

use crate::clock::Kernel;

/// The wall clock may be ahead of proven time by so much: restarts, a slow link's countersignatures.
const SLACK_MS: i64 = 3_600_000;
/// The kernel calls itself synchronised up to 16 s of error; we do not.
const KERNEL_ERR_US: i64 = 5_000_000;
/// While time is not proven, each camera gives a day in so long: a little less than the recorder's half a day.
const EVERY_MS: u64 = 42_000_000;
/// What is due so near one another is of one day: its own key, and those that starts without a reader made for it.
const ONE_DAY_MS: u64 = 43_200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is this late.
    Proven(Utc),
    /// The clock says so, and may be right: the machine was off.
    Ahead(Utc),
    /// The clock was set forward while the machine ran; it is at least this late.
    Jumped(Utc),
    /// Nobody has vouched for the clock since the machine started.
    Unknown,
}

/// What is kept of it, `reckoning` of the reader's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Proven time, and the monotonic clock then.
    proven: Option<(Utc, u64)>,
    /// Wall minus monotonic clock when the kernel first vouched for it in this start of the machine.
    settled: Option<i64>,
    /// When each camera last gave a day by time that is not proven, by the monotonic clock, and when that was due: a reader that is
    /// started again goes on waiting.
    given: BTreeMap<CameraId, (u64, Utc)>,
}

#[derive(Clone, Debug, Default)]
pub struct Reckoning {
    kept: Kept,
}

impl Reckoning {
    /// Goes on from what was kept. A monotonic clock that is behind the kept one is that of another start of the machine.
    pub fn resume(kept: Kept, now: Now) -> Self {
        let mut kept = kept;
        if let Some((wall, mono)) = kept.proven
            && mono > now.mono
        {
            kept = Kept {
                proven: Some((wall, now.mono)),
                settled: None,
                given: BTreeMap::new(),
            };
        }
        Self { kept }
    }

    /// What is to be kept, as of now.
    pub fn keep(&self, now: Now) -> Kept {
        Kept {
            proven: self.proven(now).map(|t| (t, now.mono)),
            ..self.kept.clone()
        }
    }

    /// It is at least so late.
    pub fn proven(&self, now: Now) -> Option<Utc> {
        let (wall, mono) = self.kept.proven?;
        let since = i64::try_from(now.mono.saturating_sub(mono)).unwrap_or(0);
        Some(wall.plus_ms(since))
    }

    /// Takes note of the kernel's word.
    pub fn look(&mut self, kernel: Kernel, now: Now) {
        if !kernel.synced || kernel.err_us > KERNEL_ERR_US || self.kept.settled.is_some() {
            return;
        }
        self.kept.settled = Some(now.wall.0 - i64::try_from(now.mono).unwrap_or(0));
        // The first of all starts: there is nothing yet that a wrong clock could take. And what the hub said before anybody vouched for the
        // clock is worth no more than what it says now; less that is proven makes nothing due.
        if self.proven(now).is_none_or(|known| ahead(known, now)) {
            self.kept.proven = Some((now.wall, now.mono));
        }
    }

    /// The hub has signed that it is at least so late.
    ///
    /// # Errors
    /// In words: it is ahead of the clock, which the kernel's time service vouched for.
    pub fn prove(&mut self, t: Utc, now: Now) -> Result<(), String> {
        if self.kept.settled.is_some() && ahead(t, now) {
            return Err(format!(
                "the hub says that it is {t}, and the box's clock, for which its time service vouches, says {}; the hub's word was not taken",
                now.wall
            ));
        }
        if self.proven(now).is_none_or(|known| known < t) {
            self.kept.proven = Some((t, now.mono));
        }
        Ok(())
    }

    /// It is no later than this, as far as it is known.
    pub fn at_most(&self, now: Now) -> Utc {
        match self.kept.settled {
            Some(_) => now.wall,
            None => now.wall.max(self.at_least(now)),
        }
    }

    pub fn standing(&self, now: Now) -> Standing {
        let Some(proven) = self.proven(now) else {
            return Standing::Unknown;
        };
        if now.wall.0 <= proven.0.saturating_add(SLACK_MS) {
            return Standing::Proven(now.wall);
        }
        let run = now.wall.0 - i64::try_from(now.mono).unwrap_or(0);
        match self.kept.settled {
            None => Standing::Unknown,
            Some(settled) if run - settled > SLACK_MS => Standing::Jumped(proven),
            Some(_) => Standing::Ahead(now.wall),
        }
    }

    /// Whether what is due at this time is due now, for a camera's sake; [`Self::given`] is to be told when it went.
    ///
    /// # Errors
    /// In words, why not.
    pub fn reached(&self, due: Utc, cam: &CameraId, now: Now) -> Result<(), String> {
        let not_yet =
            |t: Utc| format!("it is due at {due}, and by the reader's reckoning it is {t}");
        match self.standing(now) {
            Standing::Proven(t) if due <= t => Ok(()),
            Standing::Proven(t) => Err(not_yet(t)),
            Standing::Ahead(t) if due > t => Err(not_yet(t)),
            Standing::Ahead(_) => match self.kept.given.get(cam) {
                Some((then, day))
                    if now.mono.saturating_sub(*then) < EVERY_MS
                        && due.0.abs_diff(day.0) >= ONE_DAY_MS =>
                {
                    Err(format!(
                    "by what is proven to the reader it is not due yet; of {cam} one day goes each half a day until the hub has \
                     countersigned the log, or has confirmed that more may go"
                ))
                }
                _ => Ok(()),
            },
            Standing::Jumped(t) => Err(format!(
                "the clock was set forward while the box ran; by what is proven it is {t}, and {} until the hub has countersigned the log",
                "nothing goes by the new time"
            )),
            Standing::Unknown => Err(
                "nobody has vouched for the clock since the box started, so the reader cannot tell whether it is due".into(),
            ),
        }
    }

    /// Something of this camera that was due then went. Others of the same day make the wait no longer.
    pub fn given(&mut self, cam: &CameraId, due: Utc, now: Now) {
        if !matches!(self.standing(now), Standing::Ahead(_)) {
            return;
        }
        let last = self
            .kept
            .given
            .entry(cam.clone())
            .or_insert((now.mono, due));
        if now.mono.saturating_sub(last.0) >= EVERY_MS {
            *last = (now.mono, due);
        }
    }

    /// For reckoning when something came: no later than it is, where that is known at all.
    pub fn at_least(&self, now: Now) -> Utc {
        self.proven(now).unwrap_or(now.wall)
    }
}

fn ahead(t: Utc, now: Now) -> bool {
    t.0 > now.wall.0.saturating_add(SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const T: i64 = 1_793_714_400_000;

    fn at(wall: i64, mono: i64) -> Now {
        Now {
            wall: Utc(T + wall),
            mono: u64::try_from(mono).expect("positive"),
        }
    }
    fn kernel(synced: bool) -> Kernel {
        Kernel {
            synced,
            offset_us: 0,
            err_us: 1000,
        }
    }
    fn cam() -> CameraId {
        CameraId::parse("c01").expect("camera")
    }

    /// V14, RET-2: a clock that is set forward makes no day due, restarts or not; the hub's word does.
    #[test]
    fn a_clock_set_forward_makes_nothing_due() {
        let mut r = Reckoning::default();
        assert_eq!(r.standing(at(0, 1000)), Standing::Unknown);
        r.look(kernel(false), at(0, 1000));
        assert_eq!(r.standing(at(0, 1000)), Standing::Unknown, "nobody vouches");
        r.look(kernel(true), at(0, 1000));
        assert_eq!(
            r.standing(at(10 * DAY, 1000 + 10 * DAY)),
            Standing::Proven(Utc(T + 10 * DAY))
        );
        let set = at(40 * DAY, 1000 + 10 * DAY);
        r.look(kernel(true), set);
        assert!(matches!(r.standing(set), Standing::Jumped(_)));
        assert!(r.reached(Utc(T + 39 * DAY), &cam(), set).is_err());
        // The reader is started anew: the same start of the machine.
        let mut r = Reckoning::resume(r.keep(set), set);
        r.look(kernel(true), set);
        assert!(matches!(r.standing(set), Standing::Jumped(_)));
        assert!(r.reached(Utc(T + 10 * DAY), &cam(), set).is_err());
        // Set right: as if nothing had been.
        let right = at(11 * DAY, 1000 + 11 * DAY);
        assert!(r.reached(Utc(T + 11 * DAY), &cam(), right).is_ok());
        assert!(r.reached(Utc(T + 11 * DAY + 1), &cam(), right).is_err());
        // It was right after all, the clock of before was not.
        r.prove(Utc(T + 40 * DAY), set).expect("taken");
        assert!(r.reached(Utc(T + 40 * DAY), &cam(), set).is_ok());
        // An old word proves nothing new.
        r.prove(Utc(T), set).expect("taken");
        assert!(r.reached(Utc(T + 40 * DAY), &cam(), set).is_ok());
    }

    /// V14, ROL-2: a hub that is somebody else's says that a hundred years have gone by. Where the kernel's time service vouches for the clock
    /// that proves nothing; said before anybody vouched, it counts until somebody does, and no longer.
    #[test]
    fn the_hubs_word_goes_no_further_than_a_clock_that_is_vouched_for() {
        let (now, far) = (at(0, 1000), Utc(T + 36_500 * DAY));
        let mut r = Reckoning::default();
        r.look(kernel(true), now);
        assert!(r.prove(far, now).is_err());
        assert_eq!((r.proven(now), r.at_most(now)), (Some(now.wall), now.wall));
        // What is late by no more than a slow line makes it is taken.
        r.prove(now.wall.plus_ms(60_000), now).expect("taken");
        // Nobody vouches: the box has nothing but the hub's word.
        let mut r = Reckoning::default();
        r.prove(far, now).expect("taken");
        assert_eq!(r.at_most(now), far);
        let later = at(DAY, 1000 + DAY);
        r.look(kernel(true), later);
        assert_eq!(
            (r.proven(later), r.at_most(later)),
            (Some(later.wall), later.wall)
        );
        let set = at(40 * DAY, 1000 + 2 * DAY);
        assert!(
            matches!(r.standing(set), Standing::Jumped(_)),
            "a clock set forward is not followed"
        );
    }

    /// RET-2: a box back from a store, off line: a camera gives a day each half a day, as its recorder asks; with the hub's word all.
    #[test]
    fn a_box_back_from_a_store() {
        let mut r = Reckoning::default();
        r.look(kernel(true), at(0, 5 * DAY));
        let kept = r.keep(at(DAY, 6 * DAY));
        let back = at(90 * DAY, 20_000);
        let mut r = Reckoning::resume(kept, back);
        assert_eq!(r.standing(back), Standing::Unknown, "nobody vouches yet");
        r.look(kernel(true), back);
        assert!(matches!(r.standing(back), Standing::Ahead(_)));
        let due = Utc(T + 40 * DAY);
        assert!(r.reached(due, &cam(), back).is_ok());
        r.given(&cam(), due, back);
        assert!(
            r.reached(due, &cam(), back).is_ok(),
            "another key of that day"
        );
        for days in [-2, -1, 1, 2] {
            let other = due.plus_ms(days * DAY);
            assert!(r.reached(other, &cam(), back).is_err(), "{days}");
        }
        let again = Reckoning::resume(r.keep(back), back);
        assert!(
            again.reached(due.plus_ms(DAY), &cam(), back).is_err(),
            "the reader was started again"
        );
        let due = due.plus_ms(DAY);
        let other = CameraId::parse("c02").expect("camera");
        assert!(r.reached(due, &other, back).is_ok());
        let half = at(90 * DAY + DAY / 2, 20_000 + DAY / 2);
        assert!(r.reached(due, &cam(), half).is_ok());
        r.given(&cam(), due, half);
        let due = due.plus_ms(DAY);
        assert!(r.reached(due, &cam(), half).is_err());
        r.prove(Utc(T + 90 * DAY + DAY / 2), half).expect("taken");
        assert!(r.reached(due, &cam(), half).is_ok(), "proven");
        // A clock in 1970 takes nothing, and does not move what is proven back.
        let dead = at(-T, 20_000 + DAY);
        assert!(r.reached(due, &cam(), dead).is_err());
        assert!(r.reached(due, &cam(), at(91 * DAY, 20_000 + DAY)).is_ok());
    }
}
