//! Adapter: SQLite. The derived index of the audit log: segments, gaps, masks. May be deleted; rebuilt from the log.
use std::path::Path;
use shared::{id::CameraId, time::{Day, Utc}};

/// One segment as its `seg.write` line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment { pub n: u64, pub cam: CameraId, pub s: u64, pub t0: Utc, pub t1: Utc, pub size: u64, pub sha256: String, pub key: String, pub leaf: [u8; 32], pub deleted: bool }

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("the index {path} cannot be used: {source}")]
    Sqlite { path: String, #[source] source: rusqlite::Error },
    #[error("cannot read the log")]
    Log(#[source] std::io::Error),
}

/// Owned by one thread at a time; open another for another thread.
pub struct Index {}

impl Index {
    /// Opens the index (or makes it) and brings it up to date with the log folder. A damaged file is set aside and rebuilt.
    pub fn open(path: &Path, log: &Path) -> Result<Self, IndexError> { let _ = (path, log); todo!() }
    /// Reads lines written since.
    pub fn catch_up(&mut self) -> Result<(), IndexError> { todo!() }
    /// Segments of a camera that touch [t0, t1), in order, deleted ones left out.
    pub fn touching(&self, cam: &CameraId, t0: Utc, t1: Utc) -> Result<Vec<Segment>, IndexError> { let _ = (cam, t0, t1); todo!() }
    /// Segments sealed with a key id (e.g. `c03/2026-11-03`), in order.
    pub fn of_key(&self, key: &str) -> Result<Vec<Segment>, IndexError> { let _ = key; todo!() }
    /// Last segment logged per camera.
    pub fn last(&self) -> Result<Vec<(CameraId, u64, Utc)>, IndexError> { todo!() }
    /// `del.range` lines without their `del.done`: (line number, camera, day, key).
    pub fn unfinished_deletions(&self) -> Result<Vec<(u64, CameraId, Day, String)>, IndexError> { todo!() }
}
