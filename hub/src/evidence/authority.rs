//! Pure. What the builder asks of the hub: its keys and its own log.

use std::path::PathBuf;

use logbook::Line;
use shared::{
    note::{SignedHead, Vkey},
    types::Data,
};

/// The hub as the builder of a package sees it. Calls block.
pub trait Authority {
    /// The countersigning key, as verifiers are given it.
    fn hub_key(&self) -> Vkey;
    /// Folder of the hub's own log.
    fn log_folder(&self) -> PathBuf;
    /// ASN.1 P-256 signature with the seal key.
    fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, String>;
    /// SubjectPublicKeyInfo (DER) of the seal key.
    fn seal_spki(&self) -> Vec<u8>;
    /// Number of the `key.seal` line that names the seal key.
    fn seal_line(&self) -> Result<u64, String>;
    /// Writes a line to the hub's log and waits until it is on disk.
    fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, String>;
    /// A countersigned head over the hub's whole log.
    fn head_now(&self) -> Result<SignedHead, String>;
}
