//! Pure. Whether the times that a log states can be: of segments, of restarts, of what ends and is ended.
//!
//! Not among the rules of [`crate::check`], for the reason given in [`super::masks`]. What a recorder may honestly write is not
//! damage: footage that is recovered after a crash is dated by the clock of before it, and a clock that was set back puts two segments
//! over one another. Both are reckoned as an allowance, in milliseconds, that a start and a step give and that time uses up.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{self as w, say};
use crate::{
    check::{CONTINUOUS_MS, Facts, Finding, SILENCE_MS, STEP_MS, Segment},
    id::follows_another,
    record::{Record, Value},
    time::Utc,
};

/// How far ahead of its line a segment may end: the recorder lets no segment be further from its clock.
pub const AHEAD_MS: i64 = 60_000;
/// A segment that is logged later than this after its end, in one start, is noted.
pub const LATE_MS: i64 = 240_000;
/// A hole between two segments that counts as none is noted when it is longer than this.
pub const HOLE_MS: i64 = 100;
/// A camera of which nothing is on record for so long before the log ends is noted.
pub const SILENT_MS: u64 = 600_000;
/// Most that a segment's own `off_ms` may allow, and no sum of allowances overflows. A clock that begins in 1970 goes back by more than fifty
/// years.
const MOST_MS: i64 = 1_000 * 365 * 86_400_000;

/// What the times of two segments may contradict one another by, and until when.
#[derive(Clone, Copy, Default)]
struct Allowance {
    ms: i64,
    /// A segment that begins later is by the newer clock alone.
    until: Utc,
    /// In a log that follows another one: until the first segment that was recorded under it.
    whole: bool,
}

#[derive(Default)]
struct Camera {
    /// End of its last segment, and by how much its times may be wrong.
    last: Option<(u64, Utc, i64)>,
    allowed: Allowance,
    /// How far the clock was set forward since its last line.
    forward_ms: i64,
    /// Holes that count as none: how many, how long in all.
    holes: (u64, i64),
    /// Start counter and steady clock of its newest line.
    heard: (u64, u64),
    gap_open: bool,
}

#[derive(Clone, Copy)]
struct Clocks {
    t: Utc,
    boot: u64,
    mono: u64,
}

/// Feed it every line in order; of a package those that it has.
pub struct Times {
    /// Lines are left out between these.
    sparse: bool,
    /// Whether this log follows another one.
    later: bool,
    opened: Utc,
    /// Of the start that is going on: its first line's time; None in the first.
    started: Option<Utc>,
    before: Option<Clocks>,
    /// A start whose clock stands before the last line, until the line that says so.
    back: Option<(u64, i64)>,
    allowed: Allowance,
    cams: BTreeMap<String, Camera>,
    closed: bool,
    ranges: BTreeSet<u64>,
}

impl Times {
    /// `origin`: the log's name.
    pub fn new(origin: &str, sparse: bool) -> Self {
        let later = follows_another(origin);
        Self {
            sparse,
            later,
            opened: Utc(i64::MIN),
            started: None,
            before: None,
            back: None,
            allowed: Allowance {
                whole: later,
                ..Allowance::default()
            },
            cams: BTreeMap::new(),
            closed: false,
            ranges: BTreeSet::new(),
        }
    }

    /// `read`: what the rules read of the line's data.
    pub fn line(&mut self, record: &Record, read: Option<&Facts>, findings: &mut Vec<Finding>) {
        let place = || format!("line {}", record.n);
        let text = |key: &str| record.data.get(key).and_then(Value::as_str);
        if self.closed && !self.sparse {
            self.closed = false;
            findings.push(Finding::new("AFTER-CLOSE", place(), w::AFTER_CLOSE));
        }
        self.start(record, findings);
        match record.kind.as_str() {
            "log.open" => self.opened = record.t,
            "log.close" => self.closed = true,
            "seg.write" => {
                if let Some(Facts::Segment(segment)) = read {
                    self.segment(record, segment, findings);
                }
            }
            "gap.open" => {
                if let Some(cam) = text("cam").and_then(|cam| self.cams.get_mut(cam)) {
                    cam.gap_open = true;
                }
            }
            "del.range" => {
                self.ranges.insert(record.n);
            }
            "del.done" => {
                let of = record.data.get("n").and_then(Value::as_u64);
                // The range of a log before this one may end in it.
                if !self.sparse && !self.later && of.is_none_or(|n| !self.ranges.contains(&n)) {
                    findings.push(Finding::new(
                        "DELETION-NOT-LOGGED",
                        place(),
                        w::DELETION_NOT_LOGGED,
                    ));
                }
            }
            _ => {}
        }
        self.before = Some(Clocks {
            t: record.t,
            boot: record.boot,
            mono: record.mono,
        });
    }

    /// The two clocks from the line before to this one, over a start and within it.
    fn start(&mut self, record: &Record, findings: &mut Vec<Finding>) {
        let kind = record.kind.as_str();
        if let Some((n, ms)) = self.back
            && kind != "log.torn"
        {
            self.back = None;
            if !["clock.step", "sys.boot"].contains(&kind) && !self.sparse {
                findings.push(Finding::new(
                    "CLOCK-STEP-NOT-LOGGED",
                    format!("line {n}"),
                    say(w::RESTART_BACK, &[&ms]),
                ));
            }
        }
        let Some(before) = self.before else {
            if kind == "sys.boot" {
                self.started = Some(record.t);
            }
            return;
        };
        let moved = record.t.0 - before.t.0;
        let steady = record.mono as i64 - before.mono as i64;
        if record.boot != before.boot {
            // The last line of a start may be as much older than the last picture of it as a writer may be silent.
            let first = record.n <= 1;
            if !first {
                self.allow(SILENCE_MS as i64 + moved.saturating_neg().max(0), record.t);
            }
            if kind == "sys.boot" && moved < 0 {
                self.back = Some((record.n, -moved));
            }
            // A machine that was started between the two has run for `mono` at most.
            let possible = moved >= record.mono as i64 - STEP_MS
                || (steady >= 0 && (moved - steady).abs() <= STEP_MS);
            if kind == "sys.boot" && moved >= 0 && !possible && !self.sparse {
                findings.push(Finding::new(
                    "CLOCK-OVER-RESTART",
                    format!("line {}", record.n),
                    say(w::CLOCK_OVER_RESTART, &[&moved, &record.mono]),
                ));
            }
        } else {
            let step = moved - steady;
            if kind == "clock.step" || self.sparse {
                if step < -STEP_MS {
                    self.allow(-step, record.t);
                } else if step > STEP_MS {
                    for cam in self.cams.values_mut() {
                        cam.forward_ms = cam.forward_ms.saturating_add(step).min(MOST_MS);
                    }
                }
            }
        }
        if kind == "sys.boot" && record.n > 1 {
            self.started = Some(record.t);
        }
    }

    fn allow(&mut self, ms: i64, t: Utc) {
        let until = t.plus_ms(ms.min(MOST_MS) + SILENCE_MS as i64);
        let more = |a: &mut Allowance| {
            a.ms = a.ms.saturating_add(ms).min(MOST_MS);
            a.until = a.until.max(until);
        };
        more(&mut self.allowed);
        self.cams.values_mut().for_each(|c| more(&mut c.allowed));
    }

    fn segment(&mut self, record: &Record, segment: &Segment, findings: &mut Vec<Finding>) {
        let place = || format!("line {}", record.n);
        let (t0, t1) = (segment.span.t0, segment.span.t1);
        let off = record.data.get("off_ms").and_then(Value::as_int);
        let off = off.unwrap_or(0).clamp(0, MOST_MS);
        let standing = self.allowed;
        if !self.cams.contains_key(&segment.cam) {
            let new = Camera {
                allowed: standing,
                ..Camera::default()
            };
            self.cams.insert(segment.cam.clone(), new);
        }
        let (started, opened, sparse) = (self.started, self.opened, self.sparse);
        let Some(cam) = self.cams.get_mut(&segment.cam) else {
            return;
        };
        if t1 <= t0 {
            findings.push(Finding::new(
                "SEGMENT-TIMES",
                place(),
                say(w::SEGMENT_BACKWARDS, &[&segment.s, &segment.cam, &t0, &t1]),
            ));
        }
        let ahead = t1.0 - record.t.0;
        if ahead > AHEAD_MS + off + cam.allowed.ms && !cam.allowed.whole {
            findings.push(Finding::new(
                "SEGMENT-TIMES",
                place(),
                say(w::SEGMENT_AHEAD, &[&segment.s, &segment.cam, &t1, &ahead]),
            ));
        }
        let recovered = started.is_none_or(|started| t1 < started);
        if -ahead > LATE_MS + off + cam.forward_ms && !recovered && !sparse {
            findings.push(Finding::new(
                "LOGGED-LATE",
                place(),
                say(w::LOGGED_LATE, &[&segment.s, &segment.cam, &(-ahead)]),
            ));
        }
        if let Some((s, end, end_off)) = cam.last {
            let over = end.0 - t0.0;
            let most = CONTINUOUS_MS + off + end_off;
            if over > most && !cam.allowed.whole {
                if over <= most + cam.allowed.ms {
                    cam.allowed.ms -= over;
                    cam.allowed.ms = cam.allowed.ms.max(0);
                } else {
                    findings.push(Finding::new(
                        "SEGMENT-TIMES",
                        place(),
                        say(w::SEGMENT_OVERLAP, &[&segment.s, &segment.cam, &over]),
                    ));
                }
            }
            if segment.s == s + 1 && -over > HOLE_MS && -over <= CONTINUOUS_MS {
                cam.holes.0 += 1;
                cam.holes.1 -= over;
            }
        }
        if t0 > cam.allowed.until {
            cam.allowed.ms = 0;
        }
        if cam.allowed.whole && t0 >= opened && ahead <= AHEAD_MS {
            cam.allowed.whole = false;
        }
        cam.forward_ms = 0;
        cam.last = Some((segment.s, t1, off));
        cam.heard = (record.boot, record.mono);
        cam.gap_open = false;
    }

    /// What the lines as a whole leave to be noted.
    pub fn end(&self, findings: &mut Vec<Finding>) {
        for (name, cam) in &self.cams {
            let place = || format!("camera {name}");
            if cam.holes.0 > 0 {
                findings.push(Finding::new(
                    "SHORT-HOLES",
                    place(),
                    say(w::SHORT_HOLES, &[&cam.holes.0, &cam.holes.1]),
                ));
            }
            let Some(end) = self.before.filter(|_| !self.sparse && !cam.gap_open) else {
                continue;
            };
            let silent = end.mono.saturating_sub(cam.heard.1);
            if cam.heard.0 == end.boot && silent > SILENT_MS {
                findings.push(Finding::new(
                    "CAMERA-SILENT",
                    place(),
                    say(w::CAMERA_SILENT, &[&silent]),
                ));
            }
        }
    }
}
