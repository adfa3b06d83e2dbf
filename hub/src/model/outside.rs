//! Pure. How those outside the scheme stand to the hub's log.

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

/// How one outside stands to the hub's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideRow {
    pub name: String,
    /// `authority`: it stamps times. `witness`: it attests heads.
    pub what: String,
    pub url: Option<String>,
    /// Of an authority: the first 16 digits of the SHA-256 of each of its root certificates; of a witness its key.
    pub known_by: Vec<String>,
    /// Lines of the hub's log below the newest head that it stamped or attested.
    pub lines: Option<u64>,
    /// How many heads wait for it, and since when the oldest.
    pub waiting: u64,
    pub since: Option<Utc>,
    /// Why it gave no answer when it was last asked.
    pub trouble: Option<String>,
}

/// Who outside the scheme stands for the hub's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideStatus {
    /// Lines of the hub's log.
    pub lines: u64,
    pub rows: Vec<OutsideRow>,
}
