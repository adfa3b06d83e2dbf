//! Pure. That the hub's records are an older copy: what stands of it.

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

/// A log of a box of which this hub had countersigned more than it knew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownRow {
    pub log: String,
    /// Lines under this hub's own countersignature, as the box showed it.
    pub shown: u64,
    /// Lines that were held then.
    pub held: u64,
    /// And now.
    pub here: u64,
}

/// Somebody asks that it be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettleAsked {
    pub request: u64,
    pub by: String,
    pub reason: Option<String>,
    pub expires: Utc,
}

/// What stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rollback {
    pub rollback: u64,
    pub since: Utc,
    /// Somebody put it back with `beadle-hub restore`; else a box found it out.
    pub restored: bool,
    pub backup: Option<u64>,
    /// The moment that the copy shows.
    pub copied: Option<Utc>,
    /// What boxes have told.
    pub logs: Vec<ShownRow>,
    /// Boxes that have not been on the line since, and may know more.
    pub silent: Vec<String>,
    /// None: nobody asks yet.
    pub asked: Option<SettleAsked>,
}
