//! Pure. What a release form and a receipt are made of: an exhibit, the copy that is handed over, and whom it goes to, as far as that is on
//! record. What is not is left to be written by hand.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
};

/// A copy that is on the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyPart {
    pub copy: u64,
    /// master, working
    pub kind: String,
    /// folder, zip
    pub form: String,
    /// none, passphrase, recipient
    pub seal: String,
    pub sha256: String,
    pub bytes: u64,
    pub medium: Option<String>,
}

/// A hand-over that is on the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandPart {
    pub at: Utc,
    /// Line of the hub's log.
    pub line: u64,
    pub kind: String,
    pub class: String,
    pub to: Option<String>,
    pub agency: Option<String>,
    /// Who handed it over, as they typed their name.
    pub by: Option<String>,
}

/// That it was signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptPart {
    pub at: Utc,
    pub line: u64,
    pub from: Option<String>,
}

/// What media may do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPart {
    pub document: Option<String>,
    pub uses: Option<String>,
    pub limits: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Handover {
    pub exhibit: ExhibitRef,
    pub mark: Option<String>,
    pub scheme: String,
    pub camera: BoxCamera,
    pub title: String,
    pub t0: Utc,
    pub t1: Utc,
    /// SHA-256 of SHA256SUMS, lower hex.
    pub sums: Option<String>,
    /// The newest of its copies that was handed over, else the newest.
    pub copy: Option<CopyPart>,
    pub hand: Option<HandPart>,
    pub receipt: Option<ReceiptPart>,
    pub media: Option<MediaPart>,
    /// What it was asked for; None: erased.
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub made: Utc,
    pub zone: Zone,
}
