//! Pure. Disks: how full, measured when, and why something does not fit.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

pub const MIB: u64 = 1 << 20;

/// Why bytes do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    #[error(
        "the disk of {} has {} MiB left, of which {} are kept for logs, and {} more are needed there", path.display(), free / MIB, leave / MIB,
        need.div_ceil(MIB)
    )]
    Bytes {
        path: PathBuf,
        free: u64,
        leave: u64,
        need: u64,
    },
    #[error("the disk of {} can hold no more files, whatever room is left on it", .0.display())]
    Names(PathBuf),
    #[error("the disk of {} cannot be looked at: {why}", path.display())]
    Unknown { path: PathBuf, why: String },
}

/// What somebody is to be told of, from `hub.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Percent of the disk that are left.
    pub low_percent: u32,
    /// Days until it is full.
    pub low_days: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            low_percent: 10,
            low_days: 14,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fullness {
    Good,
    /// Little is left, or will be soon.
    Low,
    /// What is left is for the hub's log: acts are refused, boxes wait, footage is not fetched.
    Full,
}

/// The room at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub at: Utc,
    pub free: u64,
    pub total: u64,
}
