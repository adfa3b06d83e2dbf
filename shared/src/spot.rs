//! Pure. The daily spot check (audit.md 2.21): which segment is drawn, and what can be wrong with it.
//!
//! The seed is the hub's own signature, so that a box cannot know it beforehand; and whoever holds the log draws the same again.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    id::CameraId,
    record::{Digest, sha256, sha256_parts},
    time::{Day, Utc, Zone},
};

/// The seed of a draw, from `sig` of its `head.ack`. None: that is no base64.
pub fn seed(sig: &str) -> Option<Digest> {
    STANDARD.decode(sig).ok().map(|bytes| sha256(&bytes))
}

/// By this a segment is drawn, `leaf` being the leaf hash of its `seg.write`: the lowest is.
pub fn score(seed: &Digest, leaf: &Digest) -> Digest {
    sha256_parts(&[seed, leaf])
}

/// The day that a draw is for, by `time` of its `head.ack`: the hub's clock, in UTC. None: that is no time.
pub fn day(time: u64) -> Option<Day> {
    let ms = i64::try_from(time).ok()?.checked_mul(1000)?;
    Some(Zone::utc().day_of(Utc(ms)))
}

/// A check in a sentence; `wrong` as its line has it.
pub fn in_words(day: Day, cam: &CameraId, s: u64, wrong: Option<&str>) -> String {
    let found = match wrong {
        None => "it is what the log says",
        Some(wrong) => Wrong::parse(wrong).map_or("it is not what the log says", Wrong::in_words),
    };
    format!("{day}: segment {s} of {cam} was read again: {found}")
}

/// What is wrong with a segment that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// Every disk is there, and the file is on none of them.
    Missing,
    /// The disk gives an error where it is read.
    Unreadable,
    /// It does not open with the key of its line: a byte of it is another, its end is gone, or the key is.
    Unopened,
    /// It opens, and is another file than its line says.
    Other,
}

impl Wrong {
    pub const ALL: [Self; 4] = [Self::Missing, Self::Unreadable, Self::Unopened, Self::Other];

    /// As lines have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Unopened => "unopened",
            Self::Other => "other",
        }
    }

    /// The beginning of a sentence that names the segment.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Missing => "its file is on none of the disks, and all of them are there",
            Self::Unreadable => "the disk gives an error where its file is read",
            Self::Unopened => {
                "its file does not open any more with the key that the log names: part of it was changed or cut off, or the key is gone"
            }
            Self::Other => "its file opens, and is another than the log says",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-2: the draw is what the format says, to the byte, so that others draw the same.
    #[test]
    fn a_draw_is_fixed_by_the_hubs_signature() {
        let sig = "7xKQXAAAAABq6epwhhLkSHdBDrOcUI8RqvIaXYJFS3qTmP1YI1zM5vjQbA0I15nkK7RYM+aXH2VURPJRUpyc8BnzQ1ASRVqTxwMHCw==";
        let seed = seed(sig).expect("base64");
        let bytes = STANDARD.decode(sig).expect("base64");
        assert_eq!(seed, sha256(&bytes));
        let leaf = sha256(b"a line");
        assert_eq!(score(&seed, &leaf), sha256(&[seed, leaf].concat()));
        assert_eq!(super::seed("not base64"), None);
        assert_eq!(
            day(1_793_714_800).map(|d| d.to_string()).as_deref(),
            Some("2026-11-03")
        );
        assert_eq!(day(u64::MAX), None);
        for wrong in Wrong::ALL {
            assert_eq!(Wrong::parse(wrong.as_str()), Some(wrong));
        }
    }
}
