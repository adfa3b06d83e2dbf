//! Pure. What a clip request may be, where it stands, and what of it exists. Every refusal is one sentence.

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};
use utoipa::ToSchema;

use crate::db::footage::{GapRecord, SegmentRecord};

/// Gaps up to this long are none (audit.md 2.2).
pub const JOIN_MS: i64 = 500;
const LONGEST_MS: i64 = 24 * 3_600_000;
const LONGEST_TEXT: usize = 500;

/// States of one camera of a request (design §8, docs/requests.md). Refused, Failed, Cancelled, Ready and Partial are ends; Disposed comes after an end (RET-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Draft,
    Submitted,
    Authorised,
    Waiting,
    Fetching,
    Verifying,
    Ready,
    Partial,
    Refused,
    Failed,
    Cancelled,
    Disposed,
}

impl State {
    const ALL: [(State, &'static str); 12] = [
        (State::Draft, "Draft"),
        (State::Submitted, "Submitted"),
        (State::Authorised, "Authorised"),
        (State::Waiting, "Waiting"),
        (State::Fetching, "Fetching"),
        (State::Verifying, "Verifying"),
        (State::Ready, "Ready"),
        (State::Partial, "Partial"),
        (State::Refused, "Refused"),
        (State::Failed, "Failed"),
        (State::Cancelled, "Cancelled"),
        (State::Disposed, "Disposed"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(s, _)| *s == self)
            .map_or("", |(_, t)| t)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t)| *t == text).map(|(s, _)| *s)
    }

    pub fn over(self) -> bool {
        matches!(
            self,
            State::Ready
                | State::Partial
                | State::Refused
                | State::Failed
                | State::Cancelled
                | State::Disposed
        )
    }
}

macro_rules! absences {
    ($($(#[$doc:meta])* $name:ident = $word:tt,)+) => {
        /// Why footage of a camera, or some of it, is not there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum Absence {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Absence {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|a| a.word() == word)
            }
        }
    };
}

absences! {
    /// The box's log says that nothing was recorded then.
    NotRecorded = "not-recorded",
    /// It went on its day.
    Deleted = "deleted",
    /// The box found it missing or damaged.
    Lost = "lost",
    /// It is in the box's log and on none of its disks.
    NotOnDisk = "not-on-disk",
    /// It was recorded under another log of the box, and a package shows one: it is asked for by itself.
    OtherLog = "other-log",
    /// The box has it, and no head that was countersigned covers it.
    NotProven = "not-proven",
    /// The hub knows no such box or camera, or the box is revoked or not enrolled.
    NoCamera = "no-camera",
    /// The span is in the future, empty or too long.
    BadSpan = "bad-span",
    /// The box did not come back in time.
    BoxAway = "box-away",
    /// The box would not hand it out; its answer says why.
    BoxRefused = "box-refused",
    /// What came was not what the box's log says.
    NotAsLogged = "not-as-logged",
    /// The hub could not fetch, check or pack it.
    Hub = "hub",
    /// The request was taken back.
    Cancelled = "cancelled",
}

/// Why something cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    pub code: Absence,
    /// A sentence for people; it names times, cameras and boxes only.
    pub why: String,
}

impl Objection {
    fn new(code: Absence, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { code, why }
    }
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    pub purpose: String,
    pub reference: String,
    pub requester: String,
}

/// A camera and a span of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
}

/// What the hub knows that bears on it.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub now: Utc,
    pub zone: &'a Zone,
    /// State of the box's record; None when there is no such box.
    pub box_state: Option<&'a str>,
    /// Cameras the box has or had.
    pub cameras: &'a [String],
    pub extent: Option<(Utc, Utc)>,
    /// Segments and gaps that touch the span.
    pub segments: &'a [SegmentRecord],
    pub gaps: &'a [GapRecord],
    /// Spans of this camera that holds keep at the box, whatever their day.
    pub held: &'a [(Utc, Utc)],
}

impl Known<'_> {
    /// The box has it: not gone, or gone from its day and kept by a hold.
    fn has(&self, s: &SegmentRecord) -> bool {
        match s.gone.as_deref() {
            None => true,
            Some("deleted") => self.held.iter().any(|(a, b)| s.t0 < *b && s.t1 > *a),
            Some(_) => false,
        }
    }
}

/// Refuses what cannot be met, at once.
pub fn judge(asked: &Span, known: &Known<'_>) -> Result<(), Objection> {
    there(&asked.camera, asked.t0, asked.t1, LONGEST_MS, known)
}

/// What somebody has to say for himself.
pub fn texts<'a>(given: impl IntoIterator<Item = (&'a str, &'a String)>) -> Result<(), String> {
    for (what, text) in given {
        if text.trim().is_empty() {
            return Err(format!("{what} is needed: no purpose, no access"));
        }
        if text.len() > LONGEST_TEXT {
            return Err(format!("{what} may have at most {LONGEST_TEXT} letters"));
        }
    }
    Ok(())
}

/// Whether the box has, or may have, footage of [t0, t1).
pub fn there(
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    longest_ms: i64,
    known: &Known<'_>,
) -> Result<(), Objection> {
    let at = |t: Utc| t.for_people(known.zone);
    if t1 <= t0 {
        return Err(Objection::new(
            Absence::BadSpan,
            format!(
                "the end ({}) does not come after the start ({})",
                at(t1),
                at(t0)
            ),
        ));
    }
    if t1.0 - t0.0 > longest_ms {
        return Err(Objection::new(
            Absence::BadSpan,
            format!(
                "it may be at most {} hours long; ask for several",
                longest_ms / 3_600_000
            ),
        ));
    }
    match known.box_state {
        None => {
            return Err(Objection::new(
                Absence::NoCamera,
                format!(
                    "there is no box {}; `beadle-hub box list` shows them",
                    camera.r#box
                ),
            ));
        }
        Some("revoked") => {
            return Err(Objection::new(
                Absence::NoCamera,
                format!("box {} is revoked at this hub", camera.r#box),
            ));
        }
        Some("registered") => {
            return Err(Objection::new(
                Absence::NoCamera,
                format!("box {} is not enrolled yet", camera.r#box),
            ));
        }
        Some(_) => {}
    }
    if !known.cameras.iter().any(|c| c == camera.cam.as_str()) {
        let list = if known.cameras.is_empty() {
            "none has been reported yet".into()
        } else {
            known.cameras.join(", ")
        };
        return Err(Objection::new(
            Absence::NoCamera,
            format!(
                "box {} has no camera {}; it has: {list}",
                camera.r#box, camera.cam
            ),
        ));
    }
    if t0 >= known.now {
        return Err(Objection::new(
            Absence::BadSpan,
            format!("{} lies in the future", at(t0)),
        ));
    }
    if t1.0 > known.now.0 + 5_000 {
        return Err(Objection::new(
            Absence::BadSpan,
            format!(
                "the end ({}) lies in the future; ask again after it",
                at(t1)
            ),
        ));
    }
    if known.segments.iter().any(|s| known.has(s)) {
        return Ok(());
    }
    let exists = match known.extent {
        Some((a, b)) => format!("footage of {camera} exists from {} to {}", at(a), at(b)),
        None => format!("no footage of {camera} is known to the hub"),
    };
    if known
        .segments
        .iter()
        .any(|s| s.gone.as_deref() == Some("deleted"))
    {
        return Err(Objection::new(
            Absence::Deleted,
            format!("the footage asked for has been deleted on schedule; {exists}"),
        ));
    }
    if !known.segments.is_empty() {
        return Err(Objection::new(
            Absence::Lost,
            format!("the footage asked for was found missing or damaged on the box; {exists}"),
        ));
    }
    // Later than anything in the log held here, which is behind by up to a minute: the box is asked, and says itself what it has.
    if known.extent.is_none_or(|(_, last)| t1 > last) {
        return Ok(());
    }
    let gap = known.gaps.first().map(|g| {
        format!(
            " (declared gap from {} to {}: {})",
            at(g.t0),
            at(g.t1),
            g.why
        )
    });
    Err(Objection::new(
        Absence::NotRecorded,
        format!(
            "nothing was recorded between {} and {}{}; {exists}",
            at(t0),
            at(t1),
            gap.unwrap_or_default()
        ),
    ))
}

/// Stretches of [t0, t1) longer than half a second that the footage (in order) does not cover.
pub fn missing(footage: &[(Utc, Utc)], t0: Utc, t1: Utc) -> Vec<(Utc, Utc)> {
    let mut out = Vec::new();
    let mut at = t0;
    for (a, b) in footage.iter().filter(|(a, b)| *b > t0 && *a < t1) {
        if a.0 - at.0 > JOIN_MS {
            out.push((at, *a));
        }
        at = at.max(*b);
    }
    if t1.0 - at.0 > JOIN_MS {
        out.push((at, t1));
    }
    out
}

/// Numbers that are missing between those of the segments there are (in order): the first and the last of each hole.
pub fn holes(numbers: &[u64]) -> Vec<(u64, u64)> {
    let jumps = numbers.windows(2).filter(|w| w[1] > w[0] + 1);
    jumps.map(|w| (w[0] + 1, w[1] - 1)).collect()
}

/// One sentence on segments that were recorded and are not there, and what the box's log says of them.
pub fn left_out(holes: &[(u64, u64)], known: &[SegmentRecord]) -> Option<String> {
    let said = |a: u64, b: u64| {
        let mut gone: Vec<&str> = known
            .iter()
            .filter(|s| (a..=b).contains(&s.s))
            .map(|s| match s.gone.as_deref() {
                Some("lost") => "found missing or damaged on the box",
                Some(_) => "deleted on the box",
                None => "not on any disk of the box that is there",
            })
            .collect();
        gone.sort_unstable();
        gone.dedup();
        match gone.as_slice() {
            [] => "not sent by the box".to_owned(),
            gone => gone.join(" or "),
        }
    };
    let each: Vec<String> = holes
        .iter()
        .map(|(a, b)| match a == b {
            true => format!(
                "segment {a}, which was recorded, is not here ({})",
                said(*a, *b)
            ),
            false => format!(
                "segments {a} to {b}, which were recorded, are not here ({})",
                said(*a, *b)
            ),
        })
        .collect();
    (!each.is_empty()).then(|| each.join("; "))
}

/// What of each missing stretch the box's log says, as a code; `unproven` as in [`shortfall`].
pub fn absent(
    missing: &[(Utc, Utc)],
    footage: &str,
    known: &[SegmentRecord],
    unproven: Option<Utc>,
) -> Vec<(Utc, Utc, Absence)> {
    let why = |a: Utc, b: Utc| {
        let mut of = known
            .iter()
            .filter(|s| s.t0.0 < b.0 - JOIN_MS && s.t1.0 > a.0 + JOIN_MS);
        match of.next() {
            None if unproven.is_some_and(|from| b > from) => Absence::NotProven,
            None => Absence::NotRecorded,
            Some(s) => match s.gone.as_deref() {
                Some("lost") => Absence::Lost,
                Some(_) => Absence::Deleted,
                None if s.log != footage => Absence::OtherLog,
                None => Absence::NotOnDisk,
            },
        }
    };
    missing.iter().map(|(a, b)| (*a, *b, why(*a, *b))).collect()
}

/// One sentence on what is missing; None when all is there.
/// What was recorded then under another log of the box than `footage` is asked for by itself: a package shows one log. From `unproven` on
/// the box has footage under `footage`, and no head that was countersigned covers it.
pub fn shortfall(
    missing: &[(Utc, Utc)],
    zone: &Zone,
    footage: &str,
    known: &[SegmentRecord],
    unproven: Option<Utc>,
) -> Option<String> {
    let (after, missing): (Vec<_>, Vec<_>) = missing
        .iter()
        .copied()
        .partition(|(a, _)| unproven.is_some_and(|from| *a >= from));
    let span = |a: Utc, b: Utc| format!("{} to {}", a.for_people(zone), b.for_people(zone));
    let elsewhere = |(a, b): &(Utc, Utc)| {
        let mut of = known.iter().filter(|s| {
            s.log != footage && s.gone.is_none() && s.t0.0 < b.0 - JOIN_MS && s.t1.0 > a.0 + JOIN_MS
        });
        of.next().map(|s| s.log.clone())
    };
    let mut parts = Vec::new();
    let none: Vec<String> = missing
        .iter()
        .filter(|m| elsewhere(m).is_none())
        .map(|(a, b)| span(*a, *b))
        .collect();
    if !none.is_empty() {
        parts.push(format!(
            "no footage exists from {}",
            none.join(", nor from ")
        ));
    }
    for (a, b) in after {
        parts.push(format!(
            "of {} the box has footage under {footage} of which nothing can be proved: another box, or its own disk put back, had gone on with that log, and no head that was countersigned covers it; it stays on the box's disks until its day",
            span(a, b)
        ));
    }
    for m in &missing {
        if let Some(log) = elsewhere(m) {
            parts.push(format!(
                "what is from {} was recorded under another log of the box ({log}), and a package shows one: ask for that time by itself",
                span(m.0, m.1)
            ));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
