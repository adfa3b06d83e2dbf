//! Pure. What a continuity sheet is made of: everything that happened to an exhibit, in its order, as the hub's log has it.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
};

use crate::model::{exhibit_event::ExhibitEvent, register::CopyRow};

#[derive(Clone, Debug)]
pub struct Sheet {
    pub exhibit: ExhibitRef,
    pub mark: Option<String>,
    pub scheme: String,
    pub camera: BoxCamera,
    pub title: String,
    pub t0: Utc,
    pub t1: Utc,
    /// SHA-256 of SHA256SUMS; None: the package is not there any more.
    pub sums: Option<String>,
    pub events: Vec<ExhibitEvent>,
    pub copies: Vec<CopyRow>,
    /// The hub's own log, and how many lines of it were looked through.
    pub log: String,
    pub size: u64,
    pub made: Utc,
    pub zone: Zone,
}
