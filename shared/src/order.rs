//! Pure. What the hub orders of a box, and what the box answers.
//!
//! An order is one envelope round one of [`Act`]: its number, when it was made, for which box, by whom. The number is that of the line of
//! the hub's log that the order stands on, so no two orders of a log have the same one; the answer names it, and nothing else finds the one
//! who waits for it.
//!
//! ```text
//! {"order":812,"made":TIME,"box":"ashby","by":["op:0002"],"is":"rate","cam":"c01","minutes":15,"approvals":[]}
//! {"is":"answer","order":812,"outcome":{"done":{"what":"rate","until":TIME}}}
//! {"is":"answer","order":812,"outcome":{"refused":{"class":"passing","code":"log","why":"…"}}}
//! ```
//! What either side does next it decides by [`Class`] and [`Code`]; `why` is for people.

use serde::{Deserialize, Serialize};

use crate::{
    approval::{Approval, Change},
    id::{BoxName, CameraId, ExhibitRef, HoldId},
    mask::Mask,
    time::{Day, Utc},
};

/// Prefix of what an order's signature covers.
pub const ORDER_PREFIX: &str = "beadle order v1\n";

/// What the hub orders of a box. Signed, so that the reader process can check it by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Number of the line of the hub's log that the order stands on.
    pub order: u64,
    /// The hub's time: of two orders about the same thing the newer counts.
    pub made: Utc,
    pub r#box: BoxName,
    /// Everybody who had a part in it, as the hub's log names them.
    pub by: Vec<String>,
    #[serde(flatten)]
    pub act: Act,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Act {
    /// Prepare the segments of `cam` that touch [t0, t1) for transfer, sealed to `recipient` (an age X25519 recipient).
    /// `purpose` is already salted and hashed. The same order again gets the same answer.
    Pull {
        r#ref: ExhibitRef,
        cam: CameraId,
        t0: Utc,
        t1: Utc,
        grant: String,
        purpose: String,
        recipient: String,
        /// It is prepared beside those that are planned, not behind them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        urgent: bool,
    },
    /// Prepare the segments of `cam` that touch [t0, t1) to be looked at and not to be kept, sealed to `recipient`, a key that is the hub's for
    /// this look alone. Nothing of what is prepared outlives the box's process, or a quarter of an hour.
    Look {
        cam: CameraId,
        t0: Utc,
        t1: Utc,
        purpose: String,
        recipient: String,
    },
    /// Record `cam`, which is in time-lapse, in real time for so many minutes from now (0: no longer).
    Rate { cam: CameraId, minutes: u32 },
    /// Record `cam` without its mask until then (MSK-4). `mask` is the version that is lifted; `authority` is already salted and
    /// hashed; the order names the two people.
    MaskLift {
        cam: CameraId,
        mask: String,
        /// Hides meanwhile, and less than `mask`; None: nothing is hidden.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<Mask>,
        until: Utc,
        authority: String,
    },
    /// A lift is over before its time.
    MaskEnd { cam: CameraId },
    /// Another mask for `cam`, from its next session on. `reviewer`: the mask's, salted and hashed.
    MaskSet {
        cam: CameraId,
        mask: Mask,
        reviewer: Option<String>,
    },
    /// The mask in force on `cam` was looked at and stays as it is (MSK-3): `mask` and `sha256` say which one that was, `review` when it is
    /// to be looked at again. `reviewer`: who it was, salted and hashed.
    MaskReview {
        cam: CameraId,
        mask: String,
        sha256: String,
        review: Day,
        reviewer: Option<String>,
    },
    /// Keep what was recorded of `cam` in [t0, t1) until then (RET-3), whole segments of it. The same hold again with a later
    /// `until` extends it; a hold that is over cannot be set again.
    HoldSet {
        hold: HoldId,
        cam: CameraId,
        t0: Utc,
        t1: Utc,
        until: Utc,
        grant: String,
    },
    /// A hold is over. `why`: order, fetched, expired.
    HoldClear { hold: HoldId, why: String },
    /// All that is past its day may go in one sweep, not one day per camera: whoever gave this has made sure that the box's clock is right.
    Sweep,
    /// Leave the log as it is and begin its successor, with a number above `above`, the newest the hub holds of this box. Obeyed again it
    /// changes nothing.
    LogSucceed { above: u64 },
    /// Where the hub is to be dialled from now on: `host:port`. `second` where it does not answer there; `lookup`, a name that is asked for when
    /// it answers nowhere, in the place of the one that enrolment told. The box goes on trying the address it was enrolled at, too.
    HubMove {
        hub: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lookup: Option<String>,
    },
    /// Another person may approve with their own key from now on, or one may no more. It carries approvals whatever the box asks for.
    Approvers { change: Change },
    /// An act of a newer hub.
    #[serde(other)]
    Unknown,
}

/// An order as its text is: the order's own keys, and the approvals of people beside them, which the hub's signature covers too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    #[serde(flatten)]
    pub order: Order,
    /// What those who approved it touched their own keys for; empty where the scheme does not ask for that.
    #[serde(default)]
    pub approvals: Vec<Approval>,
}

impl Ordered {
    /// The exact text that is signed of an order without approvals. Of one with approvals it is what people approve.
    ///
    /// # Errors
    /// A number in it cannot be written as JSON.
    pub fn text(order: Order) -> serde_json::Result<String> {
        Self::approved(order, Vec::new())
    }

    /// The exact text that is signed of an order that people approved.
    ///
    /// # Errors
    /// A number in it cannot be written as JSON.
    pub fn approved(order: Order, approvals: Vec<Approval>) -> serde_json::Result<String> {
        serde_json::to_string(&Self { order, approvals })
    }
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done(Done),
    Refused(Refusal),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Done {
    /// A pull or a look is ready: the `exp.clip` or `exp.look` line is line `n` of the box's log number `log`; the segments in order, whose lines are of log number
    /// `of`. That is another one, an earlier one, for footage whose log has ended.
    Pull {
        log: u64,
        n: u64,
        of: u64,
        segments: Vec<PullSegment>,
    },
    /// Until when, by the box's clock.
    Rate { until: Utc },
    /// A lift until then by the box's clock.
    Lift { until: Utc },
    /// A lift is over, a mask is set or reviewed.
    Mask,
    /// A hold is in force and on the record: segments it keeps, and their bytes. Copies may still be being made.
    Hold {
        until: Utc,
        segments: u64,
        bytes: u64,
    },
    /// A hold is over, or never was; its copies are gone or are going.
    Cleared,
    /// The next sweep, which begins now, takes all that is past its day.
    Sweep,
    /// The box has kept the order, and begins the new log at once: its connection ends, and is back some seconds later.
    Succession,
    /// Who may approve is changed.
    Approvers,
    /// The box has kept where the hub will be, and dials there when its line ends.
    Addresses,
    /// Something a newer box does.
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullSegment {
    pub s: u64,
    /// Line number of its `seg.write`.
    pub n: u64,
    /// Size in bytes of the sealed file as it will be sent.
    pub sealed: u64,
    /// What of it is in the span asked for; None: the reader could not tell, and all of it is to be fetched before any is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// Bytes of a segment's plain file, whole fragments from a key frame on: what shows a span of time, with the beginning of the file
/// (`ftyp`, `moov`) before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub from: u64,
    pub to: u64,
}

/// Whether the same order may be obeyed at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The box's judgement: the same order again gets the same answer.
    Standing,
    /// Trouble that passes: the order may be given again.
    Passing,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $class:ident,)+) => {
        /// Why an order was not obeyed. The words on the wire are those of docs/orders.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
            /// A code of a newer box.
            #[serde(other, rename = "other")]
            Other,
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::Other => "other",
                }
            }

            pub fn class(self) -> Class {
                match self {
                    $(Self::$name => Class::$class,)+
                    Self::Other => Class::Standing,
                }
            }
        }
    };
}

codes! {
    /// The order is for another box.
    OtherBox = "other-box" Standing,
    /// This version of the box does not know such an act.
    UnknownAct = "unknown-act" Standing,
    /// Two people have not approved it, or not with their own keys.
    NotApproved = "not-approved" Standing,
    /// The box has no such camera.
    NoCamera = "no-camera" Standing,
    /// The camera is not one that this can be done to.
    NotThisCamera = "not-this-camera" Standing,
    /// A newer order about the same has come, or this one is over.
    Superseded = "superseded" Standing,
    /// The order was made too long ago, or its end has passed.
    Late = "late" Standing,
    /// A span that ends before it begins, an end too far away, a number out of its bounds.
    OutOfBounds = "out-of-bounds" Standing,
    /// The span ends in the future.
    Future = "future" Standing,
    /// The mask in force is another one, or is lifted.
    OtherMask = "other-mask" Standing,
    /// The camera has no mask, or none that is lifted.
    NoMask = "no-mask" Standing,
    /// The mask that is ordered cannot be used.
    BadMask = "bad-mask" Standing,
    /// The mask that is set hides less than the one in force.
    HidesLess = "hides-less" Standing,
    /// The box has recorded nothing in the span.
    NothingRecorded = "nothing-recorded" Standing,
    /// What was recorded is past its day.
    PastItsDay = "past-its-day" Standing,
    /// What was recorded is on no disk that is there.
    NotOnDisk = "not-on-disk" Standing,
    /// The number of the exhibit or the hold stands for something else at the box.
    NumberTaken = "number-taken" Standing,
    /// The hold is over.
    HoldOver = "hold-over" Standing,
    /// The space for holds is full.
    NoRoom = "no-room" Standing,
    /// The measure of a day is full: the box hands out no more footage (pull_hours), or begins no more logs by order.
    Ceiling = "ceiling" Standing,
    /// The reader judges otherwise.
    ReaderRefused = "reader-refused" Standing,
    /// More orders wait than the box keeps.
    Busy = "busy" Passing,
    /// The box's clock is in doubt.
    Clock = "clock" Passing,
    /// The box could not read or write a file of its own.
    Disk = "disk" Passing,
    /// The box's log took no line, or could not be read.
    Log = "log" Passing,
    /// The box's index of footage could not be read.
    Index = "index" Passing,
    /// The reader did not answer, or could not open the footage.
    Reader = "reader" Passing,
}

/// Why a box did not obey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    pub class: Class,
    pub code: Code,
    /// A sentence for people.
    pub why: String,
}

impl Refusal {
    pub fn new(code: Code, why: impl Into<String>) -> Self {
        Self {
            class: code.class(),
            code,
            why: why.into(),
        }
    }

    pub fn passes(&self) -> bool {
        self.class == Class::Passing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(act: Act) -> Order {
        Order {
            order: 812,
            made: Utc(1_800_000_000_000),
            r#box: BoxName::parse("ashby").expect("box"),
            by: vec!["op:0002".into()],
            act,
        }
    }

    /// What is on the wire is what docs/audit.md says, whatever names this program gives to it.
    #[test]
    fn as_written() {
        let cam = CameraId::parse("c01").expect("cam");
        let text = Ordered::text(order(Act::Rate { cam, minutes: 15 })).expect("text");
        assert_eq!(
            text,
            r#"{"order":812,"made":"2027-01-15T08:00:00.000Z","box":"ashby","by":["op:0002"],"is":"rate","cam":"c01","minutes":15,"approvals":[]}"#
        );
        let refused = Outcome::Refused(Refusal::new(Code::Log, "no"));
        assert_eq!(
            serde_json::to_string(&refused).expect("text"),
            r#"{"refused":{"class":"passing","code":"log","why":"no"}}"#
        );
    }

    /// What a newer hub or box says is understood as far as it decides what comes next: who is to answer, whether to try again.
    #[test]
    fn newer_words() {
        let newer = r#"{"order":7,"made":"2027-01-15T08:00:00.000Z","box":"ashby","by":[],"is":"dance","steps":3}"#;
        let read: Ordered = serde_json::from_str(newer).expect("an order");
        assert_eq!((read.order.order, read.order.act), (7, Act::Unknown));
        let refused = r#"{"refused":{"class":"passing","code":"tired","why":"later"}}"#;
        let Ok(Outcome::Refused(r)) = serde_json::from_str(refused) else {
            panic!("not read");
        };
        assert_eq!((r.code, r.passes()), (Code::Other, true));
        let done: Outcome =
            serde_json::from_str(r#"{"done":{"what":"danced","steps":3}}"#).expect("read");
        assert_eq!(done, Outcome::Done(Done::Unknown));
    }

    /// docs/orders.md has every code with its class, and no other.
    #[test]
    fn the_document_has_every_code() {
        let text = include_str!("../../docs/orders.md");
        let rows: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|l| {
                let mut cells = l.split(" | ");
                let code = cells.next()?.strip_prefix("| `")?.strip_suffix('`')?;
                let class = cells.next()?;
                ["standing", "passing"]
                    .contains(&class)
                    .then_some((code, class))
            })
            .collect();
        let ours: Vec<(&str, &str)> = Code::ALL
            .iter()
            .map(|c| match c.class() {
                Class::Standing => (c.as_str(), "standing"),
                Class::Passing => (c.as_str(), "passing"),
            })
            .collect();
        assert_eq!(rows, ours);
    }

    #[test]
    fn codes_round_trip() {
        for code in Code::ALL {
            let word = serde_json::to_string(code).expect("word");
            assert_eq!(word, format!("\"{}\"", code.as_str()));
            assert_eq!(serde_json::from_str::<Code>(&word).expect("code"), *code);
        }
    }
}
