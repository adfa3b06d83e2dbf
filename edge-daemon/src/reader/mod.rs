//! Wiring. The reader process: the only holder of footage keys. And the daemon's side of its socket.
use std::path::Path;
use shared::{id::CameraId, segment::KeyId, time::{Day, Utc}};

/// The daemon's store of public recipients: what seals today's footage. Cheap to clone.
#[derive(Clone)]
pub struct Recipients {}

impl Recipients {
    /// Loads `keys/recipients.json` and `keys/reader.pub`.
    pub fn load(keys: &Path) -> Self { let _ = keys; todo!() }
    /// The recipient that seals footage of this camera begun now. With no recipient for the day, or an unknown clock, makes a pair,
    /// stores the identity sealed to the reader's long-term recipient (synced first) and forgets it. Err when the reader has never run.
    pub fn seal_to(&self, cam: &CameraId, day: Day, boot: u64, clock_known: bool) -> Result<(KeyId, String), ReaderError> { let _ = (cam, day, boot, clock_known); todo!() }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ReaderError {
    #[error("the reader process does not answer on {socket}: {why}")]
    Absent { socket: String, why: String },
    #[error("the reader refused: {0}")]
    Refused(String),
    #[error("footage keys: {0}")]
    Keys(String),
}

/// A torn or orphaned segment made whole.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recovered { pub cam: CameraId, pub s: u64, pub t0: Utc, pub t1: Utc, pub size: u64, pub sha256: String, pub key: String, pub path: String, pub kept_fragments: u64, pub dropped_bytes: u64 }

/// Blocking client of the reader's socket. One connection per call; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {}

impl Client {
    pub fn new(socket: &Path) -> Self { let _ = socket; todo!() }
    /// Asks for recipients of these cameras for `days` days from `from`, and refreshes [`Recipients`].
    pub fn recipients(&self, cams: &[CameraId], from: Day, days: u32, into: &Recipients) -> Result<(), ReaderError> { let _ = (cams, from, days, into); todo!() }
    /// Recovers one `.open` file, or hashes one closed orphan. Ok(None): nothing whole in it (it is left aside as `.torn`).
    pub fn recover(&self, volume: &Path, file: &str, key: &str) -> Result<Option<Recovered>, ReaderError> { let _ = (volume, file, key); todo!() }
    /// New age header for one sealed segment, wrapped to the recipient named in a hub-signed pull order (checked by the reader).
    /// Returns (old header length, new header bytes).
    pub fn rewrap(&self, order: &str, sig: &str, path: &Path, key: &str) -> Result<(u64, Vec<u8>), ReaderError> { let _ = (order, sig, path, key); todo!() }
    /// Destroys the identities of a key id: new root key, file rewritten, old root key destroyed. Returns the claim (`tpm`, `file`).
    pub fn destroy(&self, key: &str) -> Result<String, ReaderError> { let _ = key; todo!() }
    /// Tries every key the reader still has on a sealed file; Ok(true) when none opens it.
    pub fn undecryptable(&self, path: &Path) -> Result<bool, ReaderError> { let _ = path; todo!() }
}
