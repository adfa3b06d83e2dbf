//! Pure. What every page says just now, as facts.

use shared::id::BoxName;

use crate::model::local_time::LocalTime;

#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Root made somebody an administrator. Texts that were erased are None.
    GlassBroken {
        made: LocalTime,
        name: Option<String>,
        /// Like op:0007.
        op: String,
        until: LocalTime,
        over: bool,
        reason: Option<String>,
    },
    /// The records are an older copy. `boxes`: those that have shown it.
    RolledBack {
        since: LocalTime,
        copied: Option<LocalTime>,
        restored: bool,
        boxes: Vec<BoxName>,
    },
    /// To somebody for whose passkey an order waits.
    KeyAwaited {
        order: u64,
        name: BoxName,
        until: LocalTime,
    },
}
