//! Pure. What a clip request may be, where it stands, and what of it exists. Refusals are reasons.

use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

use crate::{
    db::footage::{GapRecord, SegmentRecord},
    model::{
        local_time::LocalTime,
        pull::{Absence, JOIN_MS},
    },
    reason::{
        Clips, PullReason,
        clips::Hole,
        pulls::{SegmentLoss, Stretch},
    },
};

pub mod known;

const LONGEST_MS: i64 = 24 * 3_600_000;

/// Why something cannot be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    pub absence: Absence,
    /// It tells of times, cameras and boxes only.
    pub reason: Clips,
}

impl From<Clips> for Objection {
    fn from(reason: Clips) -> Self {
        let absence = match reason {
            Clips::Deleted { .. } => Absence::Deleted,
            Clips::Lost { .. } => Absence::Lost,
            Clips::NotRecorded { .. } => Absence::NotRecorded,
            Clips::BoxRevoked { .. }
            | Clips::BoxNotEnrolled { .. }
            | Clips::NoSuchBox { .. }
            | Clips::NoSuchCamera { .. } => Absence::NoCamera,
            _ => Absence::BadSpan,
        };
        Self { absence, reason }
    }
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
pub struct KnownFootage<'a> {
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

impl KnownFootage<'_> {
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
pub fn judge(asked: &Span, known: &KnownFootage<'_>) -> Result<(), Objection> {
    there(&asked.camera, asked.t0, asked.t1, LONGEST_MS, known)
}

/// Whether the box has, or may have, footage of [t0, t1).
pub fn there(
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    longest_ms: i64,
    known: &KnownFootage<'_>,
) -> Result<(), Objection> {
    let at = |t: Utc| LocalTime::of(t, known.zone);
    let name = || camera.r#box.clone();
    if t1 <= t0 {
        let (from, to) = (at(t0), at(t1));
        return Err(Clips::SpanEmpty { from, to }.into());
    }
    if t1.0 - t0.0 > longest_ms {
        let hours = longest_ms / 3_600_000;
        return Err(Clips::SpanTooLong { hours }.into());
    }
    match known.box_state {
        None => return Err(Clips::NoSuchBox { name: name() }.into()),
        Some("revoked") => return Err(Clips::BoxRevoked { name: name() }.into()),
        Some("registered") => return Err(Clips::BoxNotEnrolled { name: name() }.into()),
        Some(_) => {}
    }
    let camera = camera.clone();
    if !known.cameras.iter().any(|c| c == camera.cam.as_str()) {
        let has = known.cameras.to_vec();
        return Err(Clips::NoSuchCamera { camera, has }.into());
    }
    if t0 >= known.now {
        return Err(Clips::SpanNotYet { from: at(t0) }.into());
    }
    if t1.0 > known.now.0 + 5_000 {
        return Err(Clips::SpanNotOver { to: at(t1) }.into());
    }
    if known.segments.iter().any(|s| known.has(s)) {
        return Ok(());
    }
    let extent = known.extent.map(|(a, b)| (at(a), at(b)));
    let mut gone = known.segments.iter().map(|s| s.gone.as_deref());
    if gone.any(|gone| gone == Some("deleted")) {
        return Err(Clips::Deleted { camera, extent }.into());
    }
    if !known.segments.is_empty() {
        return Err(Clips::Lost { camera, extent }.into());
    }
    // Later than anything in the log held here, which is behind by up to a minute: the box is asked, and says itself what it has.
    if known.extent.is_none_or(|(_, last)| t1 > last) {
        return Ok(());
    }
    let gap = known.gaps.first();
    let hole = Box::new(Hole {
        from: at(t0),
        to: at(t1),
        gap: gap.map(|g| (at(g.t0), at(g.t1), g.why.to_string())),
        extent,
    });
    Err(Clips::NotRecorded { camera, hole }.into())
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

/// Of segments that were recorded and are not there: what the box's log says of them.
pub fn left_out(holes: &[(u64, u64)], known: &[SegmentRecord]) -> Vec<PullReason> {
    let said = |a: u64, b: u64| {
        let of = known.iter().filter(|s| (a..=b).contains(&s.s));
        let mut gone: Vec<SegmentLoss> = of
            .map(|s| match s.gone.as_deref() {
                Some("lost") => SegmentLoss::Lost,
                Some(_) => SegmentLoss::Deleted,
                None => SegmentLoss::NotOnDisk,
            })
            .collect();
        gone.sort_unstable();
        gone.dedup();
        if gone.is_empty() {
            gone.push(SegmentLoss::NotSent);
        }
        gone
    };
    let holes = holes.iter();
    let each = holes.map(|(first, last)| PullReason::SegmentsGone {
        first: *first,
        last: *last,
        gone: said(*first, *last),
    });
    each.collect()
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

/// Why what is missing is; nothing when all is there.
/// What was recorded then under another log of the box than `footage` is asked for by itself: a package shows one log. From `unproven` on
/// the box has footage under `footage`, and no head that was countersigned covers it.
pub fn shortfall(
    missing: &[(Utc, Utc)],
    footage: &str,
    known: &[SegmentRecord],
    unproven: Option<Utc>,
) -> Vec<PullReason> {
    let (after, missing): (Vec<_>, Vec<_>) = missing
        .iter()
        .copied()
        .partition(|(a, _)| unproven.is_some_and(|from| *a >= from));
    let stretch = |from: Utc, to: Utc| Stretch { from, to };
    let elsewhere = |(a, b): &(Utc, Utc)| {
        let mut of = known.iter().filter(|s| {
            s.log != footage && s.gone.is_none() && s.t0.0 < b.0 - JOIN_MS && s.t1.0 > a.0 + JOIN_MS
        });
        of.next().map(|s| s.log.clone())
    };
    let mut parts = Vec::new();
    let none = missing.iter().filter(|m| elsewhere(m).is_none());
    let stretches: Vec<Stretch> = none.map(|(a, b)| stretch(*a, *b)).collect();
    if !stretches.is_empty() {
        parts.push(PullReason::NotRecorded { stretches });
    }
    for (a, b) in after {
        parts.push(PullReason::NotProven {
            stretch: stretch(a, b),
            log: footage.into(),
        });
    }
    for m in &missing {
        if let Some(log) = elsewhere(m) {
            let stretch = stretch(m.0, m.1);
            parts.push(PullReason::OtherLog { stretch, log });
        }
    }
    parts
}

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;
