//! Pure. What a clip request may be, where it stands, and what of it exists. Every refusal is one sentence.

use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

use crate::db::footage::{GapRecord, SegmentRecord};

/// Gaps up to this long are none (audit.md 2.2).
pub const JOIN_MS: i64 = 500;
const LONGEST_MS: i64 = 24 * 3_600_000;
const LONGEST_TEXT: usize = 500;

/// A request's states (design §8). Refused, Failed, Ready and Partial are ends; Disposed comes after an end (RET-5).
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
    Disposed,
}

impl State {
    const ALL: [(State, &'static str); 11] = [
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
            State::Ready | State::Partial | State::Refused | State::Failed | State::Disposed
        )
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

/// What the hub knows that bears on it.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub now: Utc,
    pub zone: &'a Zone,
    /// State of the box's record; None when there is no such box.
    pub box_state: Option<&'a str>,
    /// Cameras the box has or had.
    pub cameras: &'a [String],
    pub online: bool,
    /// Last frame of this camera on the box's disk, as it last reported.
    pub landed: Option<Utc>,
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
pub fn judge(asked: &Asked, known: &Known<'_>) -> Result<(), String> {
    texts([
        ("a purpose", &asked.purpose),
        ("a reference", &asked.reference),
        ("a requester", &asked.requester),
    ])?;
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
) -> Result<(), String> {
    let at = |t: Utc| t.for_people(known.zone);
    if t1 <= t0 {
        return Err(format!(
            "the end ({}) does not come after the start ({})",
            at(t1),
            at(t0)
        ));
    }
    if t1.0 - t0.0 > longest_ms {
        return Err(format!(
            "it may be at most {} hours long; ask for several",
            longest_ms / 3_600_000
        ));
    }
    match known.box_state {
        None => {
            return Err(format!(
                "there is no box {}; `beadle-hub box list` shows them",
                camera.r#box
            ));
        }
        Some("revoked") => return Err(format!("box {} is revoked at this hub", camera.r#box)),
        Some("registered") => return Err(format!("box {} is not enrolled yet", camera.r#box)),
        Some(_) => {}
    }
    if !known.cameras.iter().any(|c| c == camera.cam.as_str()) {
        let list = if known.cameras.is_empty() {
            "none has been reported yet".into()
        } else {
            known.cameras.join(", ")
        };
        return Err(format!(
            "box {} has no camera {}; it has: {list}",
            camera.r#box, camera.cam
        ));
    }
    if t0 >= known.now {
        return Err(format!("{} lies in the future", at(t0)));
    }
    if t1.0 > known.now.0 + 5_000 {
        return Err(format!(
            "the end ({}) lies in the future; ask again after it",
            at(t1)
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
        return Err(format!(
            "the footage asked for has been deleted on schedule; {exists}"
        ));
    }
    if !known.segments.is_empty() {
        return Err(format!(
            "the footage asked for was found missing or damaged on the box; {exists}"
        ));
    }
    // Later than anything in the log held here: the box may have it already.
    let may_follow = known.extent.is_none_or(|(_, last)| t1 > last);
    let landed_since = known.landed.is_some_and(|l| l > t0);
    if may_follow && (landed_since || !known.online) {
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
    Err(format!(
        "nothing was recorded between {} and {}{}; {exists}",
        at(t0),
        at(t1),
        gap.unwrap_or_default()
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
mod tests {
    use super::*;

    fn asked(t0: i64, t1: i64) -> Asked {
        Asked {
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            t0: Utc(t0),
            t1: Utc(t1),
            purpose: "theft".into(),
            reference: "CR/1".into(),
            requester: "PC 1".into(),
        }
    }

    fn segment(t0: i64, t1: i64, gone: Option<&str>) -> SegmentRecord {
        SegmentRecord {
            log: "l".into(),
            n: 1,
            s: 1,
            day: Zone::utc().day_of(Utc(t0)),
            t0: Utc(t0),
            t1: Utc(t1),
            size: 1,
            mask: None,
            how: "none".into(),
            gone: gone.map(Into::into),
        }
    }

    fn known<'a>(
        zone: &'a Zone,
        cameras: &'a [String],
        segments: &'a [SegmentRecord],
    ) -> Known<'a> {
        Known {
            now: Utc(1_000_000),
            zone,
            box_state: Some("enrolled"),
            cameras,
            online: true,
            landed: Some(Utc(990_000)),
            extent: Some((Utc(100_000), Utc(900_000))),
            segments,
            gaps: &[],
            held: &[],
        }
    }

    /// EVI-1, AUD-5: a request without purpose, reference or requester goes nowhere.
    #[test]
    fn purpose_is_needed() {
        let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
        let k = known(&zone, &cams, &[]);
        for blank in 0..3 {
            let mut a = asked(1, 2);
            *[&mut a.purpose, &mut a.reference, &mut a.requester][blank] = " ".into();
            assert!(judge(&a, &k).expect_err("blank").contains("needed"));
        }
    }

    /// Footage that does not exist is refused at once, with what exists.
    #[test]
    fn footage_that_does_not_exist() {
        let (zone, cams) = (Zone::utc(), vec!["c01".to_owned(), "c02".to_owned()]);
        let there = [segment(100_000, 200_000, None)];
        assert_eq!(
            judge(&asked(150_000, 160_000), &known(&zone, &cams, &there)),
            Ok(())
        );
        let none = known(&zone, &cams, &[]);
        let e = judge(&asked(300_000, 310_000), &none).expect_err("hole");
        assert!(
            e.contains("nothing was recorded") && e.contains("exists from"),
            "{e}"
        );
        let deleted = [segment(300_000, 310_000, Some("deleted"))];
        assert!(
            judge(&asked(300_000, 310_000), &known(&zone, &cams, &deleted))
                .expect_err("deleted")
                .contains("deleted on schedule")
        );
        assert!(
            judge(&asked(2_000_000, 2_000_001), &none)
                .expect_err("future")
                .contains("future")
        );
        assert!(
            judge(&asked(900_000, 2_000_001), &none)
                .expect_err("future")
                .contains("future")
        );
        assert!(
            judge(&asked(5, 5), &none)
                .expect_err("empty")
                .contains("does not come after")
        );
        let mut other = asked(150_000, 160_000);
        other.camera = BoxCamera::parse("ashby/c09").expect("camera");
        assert!(
            judge(&other, &none)
                .expect_err("camera")
                .contains("it has: c01, c02")
        );
        assert!(
            judge(
                &asked(1, 2),
                &Known {
                    box_state: None,
                    ..none.clone()
                }
            )
            .expect_err("box")
            .contains("no box")
        );
        assert!(
            judge(
                &asked(1, 2),
                &Known {
                    box_state: Some("revoked"),
                    ..none
                }
            )
            .expect_err("box")
            .contains("revoked")
        );
    }

    /// RET-3, EVI-1: what was deleted on its day and a hold keeps can be asked for; what no hold touches, or was found missing, cannot.
    #[test]
    fn what_a_hold_keeps_is_there() {
        let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
        let deleted = [segment(300_000, 310_000, Some("deleted"))];
        let k = known(&zone, &cams, &deleted);
        let judged =
            |held: &[(Utc, Utc)]| judge(&asked(301_000, 302_000), &Known { held, ..k.clone() });
        assert_eq!(
            judged(&[(Utc(305_000), Utc(306_000))]),
            Ok(()),
            "whole segments are kept"
        );
        for held in [(310_000, 320_000), (290_000, 300_000)] {
            let e = judged(&[(Utc(held.0), Utc(held.1))]).expect_err("another");
            assert!(e.contains("deleted on schedule"), "{e}");
        }
        let lost = [segment(300_000, 310_000, Some("lost"))];
        let held = [(Utc(300_000), Utc(310_000))];
        let k = Known {
            held: &held,
            ..known(&zone, &cams, &lost)
        };
        assert!(
            judge(&asked(301_000, 302_000), &k)
                .expect_err("lost")
                .contains("missing or damaged")
        );
    }

    /// The open segment, or a box out of reach: the hub cannot know yet, so the request waits for the box.
    #[test]
    fn what_the_log_does_not_show_yet() {
        let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
        let k = known(&zone, &cams, &[]);
        assert_eq!(judge(&asked(950_000, 960_000), &k), Ok(()));
        assert!(
            judge(
                &asked(950_000, 960_000),
                &Known {
                    landed: Some(Utc(940_000)),
                    ..k.clone()
                }
            )
            .is_err(),
            "the camera stopped before"
        );
        assert_eq!(
            judge(
                &asked(950_000, 960_000),
                &Known {
                    landed: None,
                    online: false,
                    ..k
                }
            ),
            Ok(())
        );
    }

    #[test]
    fn what_is_missing() {
        let m = |f: &[(i64, i64)]| {
            let f: Vec<_> = f.iter().map(|(a, b)| (Utc(*a), Utc(*b))).collect();
            missing(&f, Utc(10_000), Utc(20_000))
                .iter()
                .map(|(a, b)| (a.0, b.0))
                .collect::<Vec<_>>()
        };
        assert_eq!(m(&[(9_000, 15_000), (15_400, 21_000)]), []);
        assert_eq!(m(&[(9_000, 15_000), (16_000, 21_000)]), [(15_000, 16_000)]);
        assert_eq!(m(&[(12_000, 15_000)]), [(10_000, 12_000), (15_000, 20_000)]);
        assert_eq!(m(&[]), [(10_000, 20_000)]);
        assert!(shortfall(&[], &Zone::utc(), "l", &[], None).is_none());
    }

    /// EVI-1, V11: what a box recorded after its log was forked is not said to be none; what was not recorded is.
    #[test]
    fn what_cannot_be_proved_is_not_what_is_not_there() {
        let missing = [(Utc(10_000), Utc(12_000)), (Utc(15_000), Utc(20_000))];
        let said = |from| shortfall(&missing, &Zone::utc(), "s/box/a/1", &[], from);
        let (all, first) = (said(None).expect("short"), said(Some(Utc(15_000))));
        assert_eq!(all.matches(", nor from ").count(), 1, "{all}");
        let first = first.expect("short");
        assert!(
            first.starts_with("no footage exists from ")
                && !first.contains(", nor from ")
                && first
                    .contains("the box has footage under s/box/a/1 of which nothing can be proved"),
            "{first}"
        );
    }

    /// EVI-1: what was recorded and is not there any more is named by its numbers, with what the log says of it.
    #[test]
    fn what_is_left_out() {
        let numbered = |s, gone| SegmentRecord {
            s,
            ..segment(0, 1, gone)
        };
        let known = [
            numbered(4, None),
            numbered(5, Some("lost")),
            numbered(6, None),
            numbered(7, Some("deleted")),
            numbered(8, None),
            numbered(9, None),
        ];
        let holes = holes(&[4, 6, 9]);
        assert_eq!(holes, [(5, 5), (7, 8)]);
        assert_eq!(
            left_out(&holes, &known).as_deref(),
            Some(
                "segment 5, which was recorded, is not here (found missing or damaged on the box); \
                 segments 7 to 8, which were recorded, are not here (deleted on the box or not on any disk of the box that is there)"
            )
        );
        assert_eq!(left_out(&[], &known), None);
        assert!(super::holes(&[4, 5, 6]).is_empty() && super::holes(&[]).is_empty());
    }

    #[test]
    fn states_round_trip() {
        for (s, t) in State::ALL {
            assert_eq!(State::parse(t), Some(s));
            assert_eq!(s.as_str(), t);
        }
    }
}
