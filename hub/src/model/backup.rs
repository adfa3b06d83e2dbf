//! Pure. Backups of the hub, as they are listed.

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

/// What was written, as it is told by whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WrittenBackup {
    /// SHA-256 of its mark, lower hex.
    pub sums: String,
    pub files: u64,
    pub bytes: u64,
    /// Bytes that were not in the folder before.
    pub fresh: u64,
}

/// A backup, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupRow {
    pub backup: u64,
    /// Of the folder.
    pub folder: String,
    pub recipient: String,
    pub by: String,
    pub made: Utc,
    pub ended: Option<Utc>,
    /// begun, made, failed
    pub state: String,
    pub written: Option<WrittenBackup>,
}
