//! Pure. A mask lifted by order of two people (MSK-4): whether the order may be obeyed, and what is left of it after a restart.
//!
//! A lift lasts until its end by the monotonic clock, whatever becomes of the wall clock or the hub. Only over a restart the wall
//! clock must do, and there it errs to the mask: a clock that nobody vouches for, or that stands before the lift began, ends it; what is
//! left is never more than the whole.
use serde::{Deserialize, Serialize};
use shared::{
    mask::{How, LONGEST_LIFT_MINUTES, Mask},
    order::{Code, Refusal},
    time::Utc,
};

/// Clocks of hub and box may differ by this much without an order's being refused.
const CLOCKS_MS: i64 = 5_000;

/// What the hub ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Number of the hub's line.
    pub order: u64,
    pub mask: String,
    /// Hides meanwhile, and less than `mask`; None: nothing is hidden.
    #[serde(default)]
    pub instead: Option<Mask>,
    pub until: Utc,
    /// Salted.
    pub authority: String,
    pub by: Vec<String>,
    /// The hub's time when it was given.
    pub made: Utc,
}

/// A camera's last lift, as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    #[serde(flatten)]
    pub asked: Asked,
    /// The box's wall clock when it began.
    pub since: Utc,
    /// All of it.
    pub ms: u64,
    /// It has ended, and the log says so.
    pub over: bool,
}

impl Asked {
    /// Whether the mask that is to hide meanwhile can take the place of the one in force; or why not, in a sentence.
    pub fn replaces(&self, mask: &Mask) -> Result<(), Refusal> {
        let Some(instead) = &self.instead else {
            return Ok(());
        };
        let bad = |why| Err(Refusal::new(Code::BadMask, why));
        if let Err(wrong) = instead.check() {
            let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            return bad(format!(
                "the mask that is to hide meanwhile cannot be used: {}",
                wrong.join("; ")
            ));
        }
        if instead.id == mask.id {
            return bad(format!(
                "the mask that is to hide meanwhile has the version of the one in force, {}: what was recorded under either could not be told apart",
                mask.id
            ));
        }
        if instead.how == How::Camera {
            return bad(format!(
                "while {} is lifted the box paints {} itself; it cannot be one that is in the camera",
                mask.id, instead.id
            ));
        }
        match mask.exposed_by(instead) {
            Some(_) => Ok(()),
            None => bad(format!(
                "the mask {} hides all that {} hides: that is no lift, and takes no end (beadle-hub mask set)",
                instead.id, mask.id
            )),
        }
    }

    /// How long it lasts from now on; or why it is not obeyed, in a sentence.
    pub fn ms(&self, wall: Utc) -> Result<u64, Refusal> {
        match self.by.as_slice() {
            [one, other] if one != other && !one.is_empty() && !other.is_empty() => {}
            _ => {
                let named = match self.by.as_slice() {
                    [] => "nobody".to_owned(),
                    by => by.join(" and "),
                };
                let why =
                    format!("lifting a mask takes two different people; this order names {named}");
                return Err(Refusal::new(Code::NotApproved, why));
            }
        }
        if self.authority.is_empty() {
            let why = "lifting a mask takes an authority; this order names none";
            return Err(Refusal::new(Code::NotApproved, why));
        }
        let longest = i64::from(LONGEST_LIFT_MINUTES) * 60_000;
        let whole = self.until.0.saturating_sub(self.made.0);
        if whole > longest + CLOCKS_MS {
            let why = format!(
                "a mask may be lifted for {LONGEST_LIFT_MINUTES} minutes at most; this order says until {}",
                self.until
            );
            return Err(Refusal::new(Code::OutOfBounds, why));
        }
        // A clock behind the hub's must not make it longer.
        let left = self.until.0.saturating_sub(wall.0).min(whole);
        u64::try_from(left)
            .ok()
            .filter(|ms| *ms > 0)
            .ok_or_else(|| {
                let why = format!(
                    "the end of this order, {}, has passed; the box's clock says {wall}",
                    self.until
                );
                Refusal::new(Code::Late, why)
            })
    }
}

impl Lift {
    /// What is left of it after a restart, in ms; or why it is over.
    pub fn left(&self, wall: Utc, clock_known: bool) -> Result<u64, &'static str> {
        if !clock_known || wall < self.since {
            return Err("clock");
        }
        let end = self.since.plus_ms(i64::try_from(self.ms).unwrap_or(0));
        match u64::try_from(end.0.saturating_sub(wall.0)) {
            Ok(left) if left > 0 => Ok(left.min(self.ms)),
            _ => Err("time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Utc = Utc(1_800_000_000_000);

    fn asked() -> Asked {
        Asked {
            order: 7,
            mask: "m7".into(),
            instead: None,
            until: T.plus_ms(600_000),
            authority: "ab".into(),
            by: vec!["op:0002".into(), "op:0003".into()],
            made: T,
        }
    }

    /// MSK-4, ROL-5: two different people, an authority, an end to come and no further off than a day.
    #[test]
    fn what_may_be_obeyed() {
        assert_eq!(asked().ms(T.plus_ms(1_000)), Ok(599_000));
        assert_eq!(
            asked().ms(Utc(0)),
            Ok(600_000),
            "a box in 1970 lifts no longer than was meant"
        );
        let refused = |change: fn(&mut Asked), wall: Utc, word: &str| {
            let mut a = asked();
            change(&mut a);
            let why = a.ms(wall).expect_err(word);
            assert!(why.why.contains(word), "{why}");
        };
        refused(|_| {}, T.plus_ms(600_000), "has passed");
        refused(|a| a.until = a.made, Utc(0), "has passed");
        refused(
            |a| a.by = vec!["op:0002".into(); 2],
            T,
            "two different people",
        );
        refused(|a| a.by.truncate(1), T, "two different people");
        refused(|a| a.by.clear(), T, "nobody");
        refused(|a| a.by[1].clear(), T, "two different people");
        refused(|a| a.by.push("op:0004".into()), T, "two different people");
        refused(|a| a.authority.clear(), T, "authority");
        refused(
            |a| a.until = a.made.plus_ms(25 * 3_600_000),
            T,
            "1440 minutes at most",
        );
        refused(
            |a| a.until = Utc(i64::MAX),
            Utc(i64::MIN),
            "1440 minutes at most",
        );
    }

    /// MSK-4, MSK-5: over a restart a lift goes on by a clock that is known, never beyond its end, and not at all when in doubt.
    #[test]
    fn what_a_restart_leaves() {
        let lift = Lift {
            asked: asked(),
            since: T,
            ms: 600_000,
            over: false,
        };
        assert_eq!(lift.left(T.plus_ms(200_000), true), Ok(400_000));
        assert_eq!(lift.left(T, true), Ok(600_000));
        assert_eq!(lift.left(T.plus_ms(600_000), true), Err("time"));
        assert_eq!(lift.left(T.plus_ms(200_000), false), Err("clock"));
        assert_eq!(lift.left(T.plus_ms(-1), true), Err("clock"), "set back");
        assert_eq!(lift.left(Utc(0), true), Err("clock"), "a dead clock");
        assert_eq!(lift.left(T.plus_ms(400 * 86_400_000), true), Err("time"));
    }
}
