//! Pure. Whether what was recorded without its mask was recorded while the mask was lifted by whoever may, what was recorded under a mask
//! was under the one in force, and what is called proved was proved.
//!
//! Not among the rules of [`crate::check`]: a hub goes on countersigning the log of a box that breaks one of these, so that the breach
//! is on the record.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{self as w, say};
use crate::{
    check::Finding,
    id::follows_another,
    mask::LONGEST_LIFT_MINUTES,
    record::{Record, Value},
    time::Utc,
};

/// A picture's time, reckoned from the camera's own clock, may be so far off the time of a line.
pub const SLACK_MS: i64 = 2_000;
/// What was under way when a mask was set is recorded as it was begun: pictures that wait to be proved wait two and a half minutes.
pub const UNDER_WAY_MS: i64 = 160_000;
/// How much longer than a day a lift may be said to last: the box's clock and the hub's differ.
const LIFT_SLACK_MS: i64 = 60_000;

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

/// The mask that a camera's newest line sets.
struct Force {
    mask: String,
    since: Utc,
    lifted: bool,
}

/// Lifts and masks so far. Feed it every line in order.
pub struct Masks {
    /// Lines are left out between these.
    sparse: bool,
    /// Whether this log follows another one: what was recorded under that one bears masks that no line here sets.
    later: bool,
    opened: Utc,
    lifts: Vec<Lift>,
    /// Camera and mask of every mask that a line sets.
    known: BTreeSet<(String, String)>,
    /// In this start, by camera.
    force: BTreeMap<String, Force>,
    /// Time of the line before.
    before: Option<Utc>,
}

impl Masks {
    /// `origin`: the log's name; `sparse`: lines are left out between those that come.
    pub fn new(origin: &str, sparse: bool) -> Self {
        Self {
            sparse,
            later: follows_another(origin),
            opened: Utc(i64::MIN),
            lifts: vec![],
            known: BTreeSet::new(),
            force: BTreeMap::new(),
            before: None,
        }
    }

    /// A line that sets a mask is known of, though it may lie further on: a package has not every line.
    pub fn announce(&mut self, record: &Record) {
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let masks = match record.kind.as_str() {
            "mask.set" => [text("mask"), None],
            // What is lifted was set.
            "mask.lift" => [text("mask"), text("instead")],
            _ => [None, None],
        };
        let Some(cam) = text("cam") else { return };
        for mask in masks.into_iter().flatten() {
            self.known.insert((cam.into(), mask.into()));
        }
    }

    /// What is wrong with a lift's or a segment's line; nothing of any other.
    pub fn line(&mut self, record: &Record, findings: &mut Vec<Finding>) {
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let before = self.before.replace(record.t);
        let back = before.is_some_and(|before| record.t < before);
        match record.kind.as_str() {
            "log.open" => self.opened = record.t,
            "mask.set" | "mask.lift" | "mask.end" => {
                self.announce(record);
                self.change(record, findings);
            }
            "clock.step" => {
                self.lifts.iter_mut().for_each(|l| l.stepped = true);
                let now = before.map_or(record.t, |b| b.max(record.t));
                self.force.values_mut().for_each(|f| f.since = now);
            }
            "sys.boot" => {
                self.force.clear();
                if back {
                    self.lifts.iter_mut().for_each(|l| l.stepped = true);
                }
            }
            "seg.write" => {
                if let (Some(how), Some(cam)) = (text("how"), text("cam")) {
                    self.segment(record, how, cam, findings);
                }
            }
            _ => {}
        }
    }

    /// A mask is set, lifted, or in force again.
    fn change(&mut self, record: &Record, findings: &mut Vec<Finding>) {
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let (Some(cam), Some(mask)) = (text("cam"), text("mask")) else {
            return;
        };
        match record.kind.as_str() {
            "mask.set" => {
                let force = Force {
                    mask: mask.into(),
                    since: record.t,
                    lifted: false,
                };
                self.force.insert(cam.into(), force);
            }
            "mask.lift" => {
                if let Some(force) = self.force.get_mut(cam) {
                    force.lifted = true;
                }
                let Some(until) = record.data.get("until").and_then(Value::as_time) else {
                    return;
                };
                self.authorised(record, cam, mask, until, findings);
                self.lifts.push(Lift {
                    cam: cam.into(),
                    mask: mask.into(),
                    from: record.t,
                    to: until,
                    ended: false,
                    stepped: false,
                });
            }
            _ => {
                if text("why") == Some("config") {
                    self.force.remove(cam);
                } else if let Some(force) = self.force.get_mut(cam) {
                    (force.since, force.lifted) = (record.t, false);
                }
                let ended = |l: &&mut Lift| !l.ended && l.cam == cam && l.mask == mask;
                for lift in self.lifts.iter_mut().filter(ended) {
                    (lift.to, lift.ended) = (record.t, true);
                }
            }
        }
    }

    /// A lift takes two people, and lasts a day at most.
    fn authorised(
        &self,
        record: &Record,
        cam: &str,
        mask: &str,
        until: Utc,
        findings: &mut Vec<Finding>,
    ) {
        let place = || format!("line {}", record.n);
        let people: BTreeSet<&str> = match record.data.get("by") {
            Some(Value::Array(by)) => by
                .iter()
                .filter_map(Value::as_str)
                .filter(|p| !p.is_empty())
                .collect(),
            _ => BTreeSet::new(),
        };
        if people.len() < 2 {
            findings.push(Finding::new(
                "LIFT-NOT-AUTHORISED",
                place(),
                say(w::LIFT_PEOPLE, &[&mask, &cam, &people.len()]),
            ));
        }
        let longest = i64::from(LONGEST_LIFT_MINUTES) * 60_000 + LIFT_SLACK_MS;
        if until.0 - record.t.0 > longest {
            findings.push(Finding::new(
                "LIFT-NOT-AUTHORISED",
                place(),
                say(w::LIFT_LONG, &[&mask, &cam, &until]),
            ));
        }
    }

    fn segment(&self, record: &Record, how: &str, cam: &str, findings: &mut Vec<Finding>) {
        let mut found = |code, text: String| {
            findings.push(Finding::new(code, format!("line {}", record.n), text));
        };
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        let time = |key: &str| record.data.get(key).and_then(Value::as_time);
        let mask = text("mask");
        if !["none", "burned", "proved", "lifted"].contains(&how) {
            found("MASK-NOT-KNOWN", say(w::MASK_NOT_KNOWN, &[&cam, &how]));
            return;
        }
        let proofs = record.data.get("proofs").and_then(Value::as_u64);
        if how == "proved" && proofs.is_none_or(|p| p == 0) {
            found("MASK-NOT-PROVED", say(w::NOT_PROVED, &[&cam]));
        }
        match mask {
            None if how != "none" => found("MASK-NOT-SET", say(w::MASK_UNNAMED, &[&cam, &how])),
            Some(mask) if how != "lifted" && !self.set(cam, mask, time("t0")) => {
                found("MASK-NOT-SET", say(w::MASK_NOT_SET, &[&cam, &mask]));
            }
            _ => {}
        }
        let (Some(t0), Some(t1)) = (time("t0"), time("t1")) else {
            return;
        };
        if let Some(force) = self.force.get(cam).filter(|f| !f.lifted)
            && t0.0 > force.since.0 + UNDER_WAY_MS
            && how != "lifted"
            && (how == "none" || mask != Some(force.mask.as_str()))
        {
            found(
                "MASK-NOT-AS-SET",
                say(
                    w::MASK_NOT_AS_SET,
                    &[&force.mask, &cam, &t0, &mask.unwrap_or("none")],
                ),
            );
        }
        if how == "lifted" && !self.within(record, cam, mask, t0, t1) {
            found(
                "LIFT-NOT-LOGGED",
                say(w::LIFT_NOT_LOGGED, &[&t0, &t1, &cam]),
            );
        }
    }

    /// Whether a line sets the mask; or whether it may be one of the log before this one.
    fn set(&self, cam: &str, mask: &str, t0: Option<Utc>) -> bool {
        let of_camera = || self.known.iter().filter(|(c, _)| c == cam);
        let earlier = self.sparse || of_camera().next().is_none() || t0 < Some(self.opened);
        (self.later && earlier) || of_camera().any(|(_, m)| m == mask)
    }

    /// Whether a lift holds the segment.
    fn within(&self, record: &Record, cam: &str, mask: Option<&str>, t0: Utc, t1: Utc) -> bool {
        // In time-lapse a picture stands until the next is due.
        let rate = record.data.get("rate").and_then(Value::as_str);
        let stands = rate
            .and_then(|r| r.strip_prefix("timelapse-"))
            .filter(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse::<i64>().ok())
            .unwrap_or(0);
        self.lifts.iter().any(|l| {
            l.cam == cam
                && Some(l.mask.as_str()) == mask
                && (l.stepped
                    || (t0.0 >= l.from.0 - SLACK_MS && t1.0 <= l.to.0 + SLACK_MS + stands * 1000))
        })
    }
}
