//! Pure. What a release form and a receipt are made of: an exhibit, the copy that is handed over, and whom it goes to, as far as that is on
//! record. What is not is left to be written by hand.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
};

use crate::model::register::{CopyRow, MediaRow, ReleaseForm};

#[derive(Clone, Debug)]
pub struct Handover {
    pub exhibit: ExhibitRef,
    /// Its producer's reference.
    pub mark: Option<String>,
    pub scheme: String,
    pub camera: BoxCamera,
    /// What the camera is called now.
    pub title: String,
    pub t0: Utc,
    pub t1: Utc,
    /// SHA-256 of SHA256SUMS, lower hex.
    pub sums: String,
    /// The copy it is about; None: none is registered.
    pub copy: Option<CopyRow>,
    /// Its last hand-over; None: it was not handed over yet.
    pub hand: Option<ReleaseForm>,
    /// What media may do with it.
    pub media: Option<MediaRow>,
    /// What it was asked for; None: erased.
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub made: Utc,
    pub zone: Zone,
}
