//! Pure. What a clip request may be, where it stands, and what of it exists. Every refusal is one sentence.

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

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
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Why footage of a camera, or some of it, is not there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
mod tests {
    use super::*;

    fn asked(t0: i64, t1: i64) -> Span {
        Span {
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            t0: Utc(t0),
            t1: Utc(t1),
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
            extent: Some((Utc(100_000), Utc(900_000))),
            segments,
            gaps: &[],
            held: &[],
        }
    }

    /// EVI-1, AUD-5: a request without purpose, reference or requester goes nowhere.
    #[test]
    fn purpose_is_needed() {
        for blank in 0..3 {
            let mut said = ["theft", "CR/1", "PC 1"].map(str::to_owned);
            said[blank] = " ".into();
            let [purpose, reference, requester] = &said;
            let all = [
                ("a purpose", purpose),
                ("a reference", reference),
                ("a requester", requester),
            ];
            assert!(texts(all).expect_err("blank").contains("needed"));
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
            e.why.contains("nothing was recorded") && e.why.contains("exists from"),
            "{e:?}"
        );
        let deleted = [segment(300_000, 310_000, Some("deleted"))];
        assert!(
            judge(&asked(300_000, 310_000), &known(&zone, &cams, &deleted))
                .expect_err("deleted")
                .why
                .contains("deleted on schedule")
        );
        assert!(
            judge(&asked(2_000_000, 2_000_001), &none)
                .expect_err("future")
                .why
                .contains("future")
        );
        assert!(
            judge(&asked(900_000, 2_000_001), &none)
                .expect_err("future")
                .why
                .contains("future")
        );
        assert!(
            judge(&asked(5, 5), &none)
                .expect_err("empty")
                .why
                .contains("does not come after")
        );
        let mut other = asked(150_000, 160_000);
        other.camera = BoxCamera::parse("ashby/c09").expect("camera");
        assert!(
            judge(&other, &none)
                .expect_err("camera")
                .why
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
            .why
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
            .why
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
            assert!(e.why.contains("deleted on schedule"), "{e:?}");
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
                .why
                .contains("missing or damaged")
        );
    }

    /// EVI-1: the last minute, or a box out of reach: the hub cannot know yet, so the box is asked; that nothing was recorded is said only of
    /// what its log covers.
    #[test]
    fn what_the_log_does_not_show_yet() {
        let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
        let k = known(&zone, &cams, &[]);
        for span in [(950_000, 960_000), (990_000, 1_000_000), (890_000, 900_001)] {
            assert_eq!(judge(&asked(span.0, span.1), &k), Ok(()), "{span:?}");
        }
        let within = judge(&asked(890_000, 900_000), &k).expect_err("the log covers it");
        assert_eq!(within.code, Absence::NotRecorded);
        let never = Known { extent: None, ..k };
        assert_eq!(judge(&asked(5_000, 6_000), &never), Ok(()));
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
