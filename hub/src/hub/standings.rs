//! Pure. Boxes as they stood at the last look.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use shared::{id::BoxName, wire::Fault};

use crate::{
    db::{
        boxes::{BoxRecord, BoxStamp},
        logs::LogRecord,
        spots::SpotRecord,
    },
    rows::{BoxRow, LineRow},
};

/// What of a box is not in its reports.
#[derive(PartialEq)]
pub struct BoxSurroundings {
    pub online: bool,
    pub log: Option<LogRecord>,
    pub spot: Option<SpotRecord>,
    /// Those that the hub found.
    pub faults: Vec<Fault>,
    pub line: LineRow,
}

pub struct KnownBox {
    pub stamp: BoxStamp,
    pub around: BoxSurroundings,
    pub record: Arc<BoxRecord>,
    pub row: Arc<BoxRow>,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Standings(pub Arc<Mutex<BTreeMap<BoxName, KnownBox>>>);
