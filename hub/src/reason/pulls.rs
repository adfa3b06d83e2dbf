//! Pure. Why a pull waits, or ended as it did: values that rest in its row and are told as code and facts. Sentences are made of them where
//! they are read ([`crate::words::pull`]).

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId, HoldId},
    order::Refusal,
    time::{Utc, Zone},
};

use crate::model::{disk::NoRoom, local_time::LocalTime};

/// What a box's log says of segments that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentLoss {
    Deleted,
    Lost,
    NotOnDisk,
    /// Nothing.
    NotSent,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    pub from: Utc,
    pub to: Utc,
}

macro_rules! pull_reasons {
    ($($(#[$about:meta])* $name:ident $({ $($field:ident: $type:ty),* $(,)? })? = $code:literal,)*) => {
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "code", content = "facts")]
        pub enum PullReason {
            $($(#[$about])* #[serde(rename = $code)] $name $({ $($field: $type),* })?,)*
        }

        impl PullReason {
            /// Every code there is here.
            pub const CODES: &[&str] = &[$($code),*];

            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)*
                }
            }
        }
    };
}

pull_reasons! {
    // What it waits for.
    BoxOffline { name: BoxName } = "box-offline",
    BoxPrepares { name: BoxName } = "box-prepares",
    /// `times` of a fault that the hub found: `text` is its own.
    TwoBoxes { name: BoxName, text: String } = "two-boxes",
    LineBroke { name: BoxName } = "line-broke",
    /// Nothing came of what was asked for, so long.
    BoxSilent { name: BoxName, secs: u64 } = "box-silent",
    NotCountersigned { name: BoxName } = "not-countersigned",
    /// `wanted`: what is still to come there; `kept`: what footage leaves for logs.
    DiskFull { path: String, wanted: Option<u64>, free: Option<u64>, kept: u64 } = "hub-disk-full",
    /// Room, but for no more files.
    DiskNames { path: String } = "hub-disk-no-names",
    DiskUnknown { path: String, why: String } = "hub-disk-unknown",

    /// `by`: who has it wait, as the log names them.
    Paused { by: String } = "paused",
    /// Planned pulls may use its line from then on.
    OutsideHours { name: BoxName, begins: Utc } = "outside-hours",
    UrgentFirst { name: BoxName, exhibit: String } = "urgent-first",
    /// So many pulls of that box come before it.
    InTurn { name: BoxName, before: u64 } = "in-turn",
    WaitedTooLong { days: u32 } = "waited-too-long",

    // Its hold.
    HoldUnanswered { name: BoxName, hold: HoldId } = "hold-unanswered",
    /// `why`: the box's own words.
    NotHeld { name: BoxName, full: bool, why: String } = "not-held",
    HoldGoesOn { hold: HoldId, until: Utc } = "hold-goes-on",

    // What the box says and sends.
    BoxAway { name: BoxName, days: u32 } = "box-away",
    BoxRefused { name: BoxName, refusal: Refusal } = "box-refused",
    BoxOdd { name: BoxName } = "box-odd",
    NoSegments { name: BoxName } = "no-segments",
    TooManySegments { segments: u64, most: u64 } = "too-many-segments",
    /// Segment `s` of line `n` came after another of a higher number or line.
    SegmentsOutOfOrder { s: u64, n: u64 } = "segments-out-of-order",
    /// `due`: what sealing makes of the `size` bytes that line `n` says it has.
    LengthOdd { s: u64, n: u64, announced: u64, size: u64, due: u64 } = "segment-length-odd",
    SegmentResealed { s: u64, was: u64, now: u64 } = "segment-resealed",
    /// `why`: the box's own words.
    SegmentRefused { name: BoxName, s: u64, why: String } = "segment-refused",
    SegmentCutShort { name: BoxName, s: u64 } = "segment-cut-short",
    SegmentTooLong { s: u64 } = "segment-too-long",
    /// Its SHA-256 and the one in its line.
    SegmentDiffers { s: u64, found: String, logged: String } = "segment-differs",
    /// `why`: of the reader of sealed files.
    SegmentShut { s: u64, why: String } = "segment-does-not-open",
    FetchedAnew { s: u64 } = "segment-fetched-anew",

    // What the box's log says.
    LogNameOdd { log: String } = "log-name-odd",
    LogLineUnreadable { n: u64, why: String } = "log-line-unreadable",
    LogLineOther { n: u64, cam: CameraId, s: u64 } = "log-line-other",
    NotClipLine { log: String, n: u64 } = "not-a-clip-line",
    /// Nothing of that log is held here.
    LogNotHeld { log: String } = "log-not-held",
    /// None of it is among the lines of that log which were countersigned.
    NothingProven { log: String, lines: u64 } = "nothing-proven",

    // What of it is missing.
    NotRecorded { stretches: Vec<Stretch> } = "not-recorded",
    NotProven { stretch: Stretch, log: String } = "not-proven",
    OtherLog { stretch: Stretch, log: String } = "other-log",
    SegmentsGone { first: u64, last: u64, gone: Vec<SegmentLoss> } = "segments-gone",

    // What the hub could not do.
    /// Of the reason beside it.
    GivenUp { tries: u32 } = "given-up",
    /// Its records, its log, its keys: the journal says what.
    HubBroke = "hub-broke",
    HubStops = "hub-stops",
    HubFile { what: String, path: String, why: String } = "hub-file",
    /// `why`: the builder's own.
    NotPacked { why: String } = "not-packed",
    RequestGone = "request-gone",

    // How it ended otherwise.
    TakenBack = "taken-back",
    /// `at`: when nothing of it was left; until then it is under way.
    Disposed { by: Vec<String>, at: Option<Utc> } = "disposed",
}

impl From<NoRoom> for PullReason {
    fn from(why: NoRoom) -> Self {
        let text = |path: std::path::PathBuf| path.display().to_string();
        match why {
            NoRoom::Bytes {
                path,
                free,
                leave,
                need,
            } => Self::DiskFull {
                path: text(path),
                wanted: Some(need),
                free: Some(free),
                kept: leave,
            },
            NoRoom::Names(path) => Self::DiskNames { path: text(path) },
            NoRoom::Unknown { path, why } => Self::DiskUnknown {
                path: text(path),
                why,
            },
        }
    }
}

impl PullReason {
    /// A wait that only room, time or somebody's word ends: however long it takes, it is no try that came to nothing.
    pub fn patient(&self) -> bool {
        matches!(
            self,
            Self::DiskFull { .. } | Self::DiskNames { .. } | Self::DiskUnknown { .. }
        ) || self.of_the_line()
    }

    /// It waits for its turn on its box's line, and may have it at any moment.
    pub fn of_the_line(&self) -> bool {
        matches!(
            self,
            Self::Paused { .. }
                | Self::OutsideHours { .. }
                | Self::UrgentFirst { .. }
                | Self::InTurn { .. }
        )
    }
}

/// Who had a part in the end of an exhibit, and when it came; as far as its row says.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DisposalNote {
    pub by: Vec<String>,
    pub at: Option<LocalTime>,
}

impl DisposalNote {
    pub fn of(reasons: &[PullReason], zone: &Zone) -> Self {
        let found = reasons.iter().find_map(|reason| match reason {
            PullReason::Disposed { by, at } => Some((by.clone(), *at)),
            _ => None,
        });
        let (by, at) = found.unwrap_or_default();
        let at = at.map(|at| LocalTime::of(at, zone));
        Self { by, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-1: one code is one reason, and what rests in a row is read again as the same value.
    #[test]
    fn codes_and_rows() {
        let mut once = PullReason::CODES.to_vec();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), PullReason::CODES.len());
        let page = include_str!("../../../docs/requests.md");
        for code in once {
            assert!(
                page.contains(&format!("`{code}`")),
                "{code} in docs/requests.md"
            );
        }
        let name = BoxName::parse("ashby").expect("name");
        let all = [
            PullReason::BoxOffline { name },
            PullReason::HubBroke,
            PullReason::SegmentsGone {
                first: 7,
                last: 8,
                gone: vec![SegmentLoss::Deleted, SegmentLoss::Lost],
            },
        ];
        let text = serde_json::to_string(&all).expect("json");
        let back: Vec<PullReason> = serde_json::from_str(&text).expect("read");
        assert_eq!(back, all);
    }

    /// EVI-1: a full disk of the hub's, a pause and others before it are waited for, however long that takes; what a box or the hub
    /// does wrong is not.
    #[test]
    fn what_is_waited_for() {
        let room = NoRoom::Bytes {
            path: "/srv/evidence".into(),
            free: 3 << 20,
            leave: 1 << 20,
            need: 9 << 20,
        };
        let full = PullReason::from(room);
        assert!(full.patient() && !full.of_the_line());
        let said = crate::words::pull(&full, &Zone::utc());
        for part in [
            "/srv/evidence",
            "3 MiB left",
            "needs 9",
            "goes on when there is room",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let by = "op:0007".into();
        let paused = PullReason::Paused { by };
        assert!(paused.patient() && paused.of_the_line());
        assert!(!PullReason::HubBroke.patient());
    }
}
