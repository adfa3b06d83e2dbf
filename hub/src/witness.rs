//! Task. Attesting other hubs' logs: whoever watches one keeps the head it saw last, and cosigns a newer one only when the log only grew. Two hubs
//! do it for each other; an inspector's laptop does it with one command.
//!
//! ```text
//! <folder>/<16 digits of the SHA-256 of the log's name>.note      the head that was seen last
//! <folder>/….refused.note                                         one that was refused because it is another history: keep it
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use shared::{
    note::{Head, Signature, SignedHead, Vkey},
    record::{hex, sha256},
    witness::{Judged, Submission, judge},
};

use crate::files::{self, FileError, failed};

/// Below the state folder of a hub.
pub const FOLDER: &str = "witness";

/// What was seen of the logs that are watched.
pub struct Watch {
    folder: PathBuf,
    /// Looking, keeping and cosigning are one: of two that come at once the second is judged by the first.
    turn: Mutex<()>,
}

impl Watch {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            turn: Mutex::default(),
        }
    }

    fn path(&self, origin: &str, more: &str) -> PathBuf {
        let mut name = hex(&sha256(origin.as_bytes()));
        name.truncate(16);
        self.folder.join(format!("{name}{more}.note"))
    }

    fn last(&self, origin: &str) -> Result<Option<Head>, FileError> {
        let path = self.path(origin, "");
        match std::fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => {
                let bytes = bytes.map_err(failed("read", &path))?;
                let note = SignedHead::parse(&bytes);
                let note = note.map_err(|e| {
                    failed("read", &path)(io::Error::new(io::ErrorKind::InvalidData, e))
                })?;
                Ok(Some(note.head))
            }
        }
    }

    /// Judges a submission; one that is sound is kept, then cosigned. Blocking.
    ///
    /// # Errors
    /// What was seen last cannot be read, or this not be kept: then nothing is cosigned.
    pub fn attest(
        &self,
        sent: &Submission,
        watched: &[Vkey],
        key: &Vkey,
        cosign: impl FnOnce(&mut SignedHead),
    ) -> Result<(Judged, Option<Signature>), FileError> {
        let _turn = self.turn.lock().unwrap_or_else(|e| e.into_inner());
        let origin = &sent.head.head.origin;
        let judged = judge(sent, watched, self.last(origin)?.as_ref());
        match judged {
            Judged::Sound => {}
            Judged::Forked | Judged::Unproven => {
                files::private_dir(&self.folder)?;
                let path = self.path(origin, ".refused");
                files::write_whole(&path, sent.render().as_bytes(), 0o640)?;
                return Ok((judged, None));
            }
            _ => return Ok((judged, None)),
        }
        files::private_dir(&self.folder)?;
        let path = self.path(origin, "");
        files::write_whole(&path, sent.head.render().as_bytes(), 0o640)?;
        let mut head = sent.head.clone();
        cosign(&mut head);
        let own = head
            .signatures
            .into_iter()
            .rev()
            .find(|s| s.name == key.name && s.id == key.id());
        Ok((judged, own))
    }

    /// Lines of that log that were seen.
    pub fn seen(&self, origin: &str) -> Result<u64, FileError> {
        Ok(self.last(origin)?.map_or(0, |h| h.size))
    }
}
