//! Adapter: filesystem. Reading log folders and packages.
use std::path::{Path, PathBuf};

/// A folder as the verifiers read it. Symbolic links are never followed.
pub struct Folder(pub PathBuf);

impl shared::verify::Files for Folder {
    fn list(&self) -> std::io::Result<Vec<String>> {
        todo!()
    }
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let _ = path;
        todo!()
    }
    fn sha256(&self, path: &str) -> std::io::Result<shared::record::Digest> {
        let _ = path;
        todo!()
    }
}

/// A log folder as writers and senders read it: lines by number.
pub struct LogFolder {
    // to be completed
}

impl LogFolder {
    pub fn new(path: &Path) -> Self {
        let _ = path;
        todo!()
    }
    /// Bytes of whole lines from line `from`, up to `max_bytes` and not past line `to`; empty when there are none.
    pub fn read_lines(&mut self, from: u64, to: u64, max_bytes: usize) -> std::io::Result<Vec<u8>> {
        let _ = (from, to, max_bytes);
        todo!()
    }
    /// Leaf hashes of all whole lines (for proofs).
    pub fn leaves(&mut self) -> std::io::Result<Vec<shared::record::Digest>> {
        todo!()
    }
    /// Sizes of the heads stored under `heads/`, ascending.
    pub fn head_sizes(&self) -> std::io::Result<Vec<u64>> {
        todo!()
    }
    /// A stored head: `heads/<size>.note`, `head.note` or `cosigned.note`.
    pub fn head(&self, name: &str) -> std::io::Result<Option<shared::note::SignedHead>> {
        let _ = name;
        todo!()
    }
}
