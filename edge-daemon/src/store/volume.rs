//! Adapter: filesystem. Footage volumes and their signed labels. No label, no recording there.
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct Volume { pub path: PathBuf, pub id: String }

/// The volumes that may be recorded to.
#[derive(Clone, Debug)]
pub struct Volumes {}

impl Volumes {
    /// Checks every configured volume's label; volumes that fail are left out and said in the second value.
    pub fn open(paths: &[PathBuf], public_key: &[u8]) -> (Self, Vec<String>) { let _ = (paths, public_key); todo!() }
    /// All usable volumes.
    pub fn all(&self) -> Vec<Volume> { todo!() }
    /// Where the next segment of a camera goes (most free space; skips volumes marked failed).
    pub fn pick(&self) -> Option<Volume> { todo!() }
    /// A write failed there: skip it until a probe succeeds.
    pub fn failed(&self, path: &Path, why: &str) { let _ = (path, why); todo!() }
    pub fn free_mib(&self) -> u64 { todo!() }
}
