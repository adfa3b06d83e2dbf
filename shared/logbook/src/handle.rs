//! Task. The thread that owns the log; everyone else sends it lines.

use std::{path::Path, sync::Arc};

use shared::{note::SignedHead, time::Clock, types::Data};

use crate::writer::{LogError, Settings};

/// What became of a line: its number, hash and the time it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub n: u64,
    pub leaf: shared::record::Digest,
    pub t: shared::time::Utc,
}

/// What opening the log found.
#[derive(Clone, Debug)]
pub struct Opened {
    pub origin: String,
    pub number: u64,
    pub boot: u64,
    /// Lines before this start.
    pub size: u64,
    /// Bytes of a torn tail that were cut and set aside.
    pub torn: u64,
    /// Set when the old log could not be continued (shorter than its head, or differs) and a successor was opened.
    pub succeeded: Option<String>,
}

/// Door to the log. Cheap to clone. All calls block the caller until the answer is there; use
/// `tokio::task::spawn_blocking` (or a plain thread) from async code.
#[derive(Clone)]
pub struct LogHandle {
    // to be completed
}

impl LogHandle {
    /// Opens (or makes) the log under `<state>/log`, recovers a torn tail, writes `log.open` and `sys.boot` as due,
    /// and starts the owner thread, which also beats each minute, signs heads and rolls the key by itself.
    pub fn open(state: &Path, settings: Settings, clock: Arc<dyn Clock>) -> Result<(LogHandle, Opened), LogError> {
        let _ = (state, settings, clock);
        todo!()
    }
    /// Appends one line and waits until it is synced to disk.
    pub fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        let _ = (who, data);
        todo!()
    }
    /// Appends one line; returns when it is written (visible to readers), synced within a second.
    pub fn append_soon<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        let _ = (who, data);
        todo!()
    }
    /// Signs a head over everything written so far, stores it, and returns it.
    pub fn sign_head(&self) -> Result<SignedHead, LogError> {
        todo!()
    }
    /// The newest signed head.
    pub fn head(&self) -> Option<SignedHead> {
        todo!()
    }
    /// The newest countersigned head.
    pub fn cosigned(&self) -> Option<SignedHead> {
        todo!()
    }
    /// Stores a head that came back countersigned (checked against `key` and our own lines first) and, on a box, logs `head.ack`.
    pub fn countersigned(&self, note: &SignedHead, key: &shared::note::Vkey) -> Result<(), LogError> {
        let _ = (note, key);
        todo!()
    }
    /// Lines written so far. Wakes on every change through [`LogHandle::watch`].
    pub fn size(&self) -> u64 {
        todo!()
    }
    /// Blocks until the log has a signed head of more than `size` lines, or the timeout passes; returns the newest head.
    pub fn wait_head(&self, size: u64, timeout: std::time::Duration) -> Option<SignedHead> {
        let _ = (size, timeout);
        todo!()
    }
    /// The facts each `beat` line carries; set by whoever knows them.
    pub fn set_beat(&self, beat: shared::types::Beat) {
        let _ = beat;
        todo!()
    }
    /// Folder of the current log (`<state>/log/<number>`).
    pub fn folder(&self) -> std::path::PathBuf {
        todo!()
    }
    /// Writes `sys.stop`, signs a last head, stops the thread.
    pub fn close(&self, why: &str) -> Result<(), LogError> {
        let _ = why;
        todo!()
    }
}
