//! Adapter: filesystem. The hub's copy of a box's log, in the box's own layout.
use std::path::Path;
use shared::{check::{Checker, Finding}, note::SignedHead};

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The box's lines or head were refused: code of audit.md 2.5 and a sentence.
    #[error("{code}: {why}")]
    Refused { code: &'static str, why: String },
    #[error("cannot {what} {path}")]
    Io { what: &'static str, path: String, #[source] source: std::io::Error },
}

/// One box log as the hub holds it (`<hub state>/boxes/<box>/log/<n>/`). Lines are kept in memory until the head that covers
/// them verifies; only then are lines and head stored together.
pub struct Copy {
    // to be completed
}

impl Copy {
    /// Opens or makes the copy; cuts anything above the last stored head.
    pub fn open(folder: &Path, origin: &str) -> Result<Copy, CopyError> {
        let _ = (folder, origin);
        todo!()
    }
    pub fn size(&self) -> u64 {
        todo!()
    }
    pub fn root(&self) -> shared::record::Digest {
        todo!()
    }
    pub fn checker(&self) -> &Checker {
        todo!()
    }
    /// The newest countersigned head held.
    pub fn cosigned(&self) -> Option<&SignedHead> {
        todo!()
    }
    /// Takes whole lines that follow on from what is held or pending. Any damage refuses them and drops what is pending.
    pub fn lines(&mut self, bytes: &[u8]) -> Result<Vec<Finding>, CopyError> {
        let _ = bytes;
        todo!()
    }
    /// Checks a head that covers exactly what is held and pending, stores lines and head (synced), then cosigns with `cosign`
    /// (which adds the hub's signature), stores that, and returns it together with the lines that were new.
    pub fn head(&mut self, head: SignedHead, cosign: impl FnOnce(&mut SignedHead)) -> Result<(SignedHead, Vec<shared::record::Record>), CopyError> {
        let _ = (head, cosign);
        todo!()
    }
    /// Keeps a head that convicts (FORKED, WRONG-KEY …) beside the log as `disputed/<size>-<k>.note`.
    pub fn keep_disputed(&self, head: &SignedHead) -> Result<(), CopyError> {
        let _ = head;
        todo!()
    }
}
