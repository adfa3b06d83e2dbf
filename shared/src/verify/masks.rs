//! Pure. Whether what was recorded without its mask was recorded while the mask was lifted, and what is called proved was proved.
//!
//! Not among the rules of [`crate::check`]: a hub goes on countersigning the log of a box that breaks one of these, so that the breach
//! is on the record.

use super::words::{self as w, say};
use crate::{
    check::Finding,
    record::{Record, Value},
    time::Utc,
};

/// A picture's time, reckoned from the camera's own clock, may be so far off the time of a line.
pub const SLACK_MS: i64 = 2_000;

struct Lift {
    cam: String,
    mask: String,
    from: Utc,
    /// Its last moment: as ordered, or as it was ended.
    to: Utc,
    ended: bool,
    /// The wall clock was set since, or went back over a restart: its times and a segment's cannot be compared.
    stepped: bool,
}

/// Lifts so far. Feed it every line in order.
#[derive(Default)]
pub struct Masks {
    lifts: Vec<Lift>,
    /// Time of the line before.
    before: Option<Utc>,
}

impl Masks {
    /// What is wrong with a segment's line; nothing of any other.
    pub fn line(&mut self, record: &Record) -> Option<Finding> {
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let time = |key: &str| record.data.get(key).and_then(Value::as_time);
        let back = self
            .before
            .replace(record.t)
            .is_some_and(|before| record.t < before);
        match record.kind.as_str() {
            "mask.lift" => {
                if let (Some(cam), Some(mask), Some(until)) =
                    (text("cam"), text("mask"), time("until"))
                {
                    self.lifts.push(Lift {
                        cam: cam.into(),
                        mask: mask.into(),
                        from: record.t,
                        to: until,
                        ended: false,
                        stepped: false,
                    });
                }
            }
            "mask.end" => {
                let ended = |l: &&mut Lift| {
                    !l.ended
                        && Some(l.cam.as_str()) == text("cam")
                        && Some(l.mask.as_str()) == text("mask")
                };
                for lift in self.lifts.iter_mut().filter(ended) {
                    (lift.to, lift.ended) = (record.t, true);
                }
            }
            "clock.step" => self.lifts.iter_mut().for_each(|l| l.stepped = true),
            "sys.boot" if back => self.lifts.iter_mut().for_each(|l| l.stepped = true),
            "seg.write" => return self.segment(record),
            _ => {}
        }
        None
    }

    fn segment(&self, record: &Record) -> Option<Finding> {
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let time = |key: &str| record.data.get(key).and_then(Value::as_time);
        let place = format!("line {}", record.n);
        let (how, cam) = (text("how")?, text("cam")?);
        if how == "proved" {
            let none = record.data.get("proofs").and_then(Value::as_u64) == Some(0);
            return none
                .then(|| Finding::new("MASK-NOT-PROVED", place, say(w::NOT_PROVED, &[&cam])));
        }
        if how != "lifted" {
            return None;
        }
        let (t0, t1) = (time("t0")?, time("t1")?);
        // In time-lapse a picture stands until the next is due.
        let stands = text("rate")
            .and_then(|r| r.strip_prefix("timelapse-"))
            .filter(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse::<i64>().ok())
            .unwrap_or(0);
        let within = |l: &Lift| {
            l.cam == cam
                && Some(l.mask.as_str()) == text("mask")
                && (l.stepped
                    || (t0.0 >= l.from.0 - SLACK_MS && t1.0 <= l.to.0 + SLACK_MS + stands * 1000))
        };
        (!self.lifts.iter().any(within)).then(|| {
            Finding::new(
                "LIFT-NOT-LOGGED",
                place,
                say(w::LIFT_NOT_LOGGED, &[&t0, &t1, &cam]),
            )
        })
    }
}
