//! Pure. What kind of end an operation came to, without its reply.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of end it is. Doors turn it into a status, programs decide by it, nobody by the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What was asked cannot be read.
    Malformed,
    /// Nobody has signed in.
    SignedOut,
    /// Whoever asks has no right to it.
    NotAllowed,
    /// There is no such thing.
    Missing,
    /// It cannot be done, as things are.
    Refused,
    /// Too much is asked at once.
    TooFast,
    /// Somebody who has to have a part in it cannot be reached now: a box, or a hub that is stopping.
    Unreachable,
    /// Something in the hub does not work: its records, its log, its disk.
    Broken,
}

impl Class {
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::SignedOut,
        Self::NotAllowed,
        Self::Missing,
        Self::Refused,
        Self::TooFast,
        Self::Unreachable,
        Self::Broken,
    ];

    /// The status of HTTP that says it.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::SignedOut => 401,
            Self::NotAllowed => 403,
            Self::Missing => 404,
            Self::Refused => 422,
            Self::TooFast => 429,
            Self::Unreachable => 503,
            Self::Broken => 500,
        }
    }

    /// As programs read it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::SignedOut => "signed-out",
            Self::NotAllowed => "not-allowed",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::TooFast => "too-fast",
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
        }
    }

    /// What it means, for documents.
    pub fn what(self) -> &'static str {
        match self {
            Self::Malformed => "What was asked cannot be read. Nothing was done.",
            Self::SignedOut => "Nobody has signed in.",
            Self::NotAllowed => "Whoever asks has no right to it. Nothing was done.",
            Self::Missing => "There is no such thing. Nothing was done.",
            Self::Refused => "It cannot be done, as things are.",
            Self::TooFast => "Too much is asked at once.",
            Self::Unreachable => {
                "It cannot be done now: the hub is stopping, its disk is full, or it took too long."
            }
            Self::Broken => {
                "Something in the hub does not work; its journal says what, under the number that is given."
            }
        }
    }

    /// As the head of a page or an answer.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "Not understood",
            Self::SignedOut => "Not signed in",
            Self::NotAllowed => "Not allowed",
            Self::Missing => "Not found",
            Self::Refused => "Not done",
            Self::TooFast => "Too fast",
            Self::Unreachable => "Not now",
            Self::Broken => "That did not work",
        }
    }
}
