//! Pure. What the daemon may ask of the reader process.
//!
//! Frames are those of [`shared::wire`]: `u32` length, `J`, one JSON message. One request, one reply; a connection may carry several.
//! No reply ever holds an identity, a file key or plaintext footage: the most that leaves is a header wrapped to a recipient
//! named in an order the hub signed.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{id::CameraId, order::Part, spot::Wrong, time::Day};

use super::Recovered;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Request {
    Recipients {
        cams: Vec<CameraId>,
        from: Day,
        days: u32,
    },
    Recover {
        volume: String,
        file: String,
        key: String,
    },
    Rewrap {
        order: String,
        sig: String,
        path: String,
        key: String,
    },
    /// A copy of one closed segment, sealed to a hold's key; `file` below its volume, `sha256` of its `seg.write`.
    Hold {
        volume: String,
        file: String,
        key: String,
        hold: String,
        sha256: String,
    },
    /// Whether a closed segment, or a hold's copy of it, is what its `seg.write` says; `file` and `key` of wherever it lies.
    Spot {
        volume: String,
        file: String,
        key: String,
        size: u64,
        sha256: String,
    },
    /// `cosigned`: the newest head that the hub countersigned (note text), which says how late it is at least.
    Destroy {
        key: String,
        cosigned: Option<String>,
    },
    /// The same question, and nothing is destroyed: a recorder that is to wait writes no line of a deletion.
    Due {
        key: String,
        cosigned: Option<String>,
    },
    /// An order of the hub's that is about a pull, about holds, or about what time it is: the reader takes note of it. A pull is counted.
    Order {
        order: String,
        sig: String,
    },
    Undecryptable {
        path: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Reply {
    /// Recipient per key id.
    Recipients {
        recipients: BTreeMap<String, String>,
    },
    Recovered {
        recovered: Option<Recovered>,
    },
    /// Length of the old header, the new one in base64, and what of the file is in the order's span.
    Rewrapped {
        old: u64,
        header: String,
        part: Part,
    },
    /// The copy is there, and was read again.
    Held,
    /// What is wrong with it; None: nothing.
    Spot {
        wrong: Option<Wrong>,
    },
    Destroyed {
        claim: String,
    },
    /// It may be destroyed now.
    Due,
    /// It may not be destroyed yet, by the reader's own reckoning.
    Early {
        why: String,
    },
    Noted,
    /// As much as may be handed out in a day has been: nothing of this order is.
    Spent {
        why: String,
    },
    /// True when no key the reader has opens the file.
    Undecryptable {
        sure: bool,
    },
    Refused {
        why: String,
    },
    #[serde(other)]
    Unknown,
}
