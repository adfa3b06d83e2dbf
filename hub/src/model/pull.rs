//! Pure. Where the pull of one camera stands, and why footage of it may be missing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Gaps up to this long are none (audit.md 2.2).
pub const JOIN_MS: i64 = 500;

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
    pub const ALL: [(State, &'static str); 12] = [
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
