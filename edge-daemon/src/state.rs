//! Pure. Where everything lies in a box's state folder (`/var/lib/beadle-edge`).
//!
//! ```text
//! log/            the audit log (logbook)
//! identity/       box.key (P-256, PKCS#8 PEM, made on first start), box.crt, ca.crt, hub.json (from enrolment)
//! reader/         root.json (where the root key is), root.key (where that is a file), identities, order.vkey: the reader's own
//!                 (mode 0700, user beadle-reader)
//! keys/           recipients.json (day recipients, public), reader.pub (the reader's long-term recipient), boot/ (identities sealed to it),
//!                 root.json (where the root key is, for everybody)
//! rates.json      the last order of each camera in time-lapse
//! masks.json      masks ordered by the hub and lifts of masks, by camera; masks.json.old is a copy
//! cameras/        what is remembered of each camera: its certificate, whether it knows Digest
//! pulls/          one JSON per prepared pull: <ref>-<camera>.json
//! index.sqlite    derived, may be deleted
//! run/            reader.sock, status.json
//! ```
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct State(pub PathBuf);

impl State {
    pub fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }
    pub fn root(&self) -> &Path {
        &self.0
    }
    pub fn identity(&self) -> PathBuf {
        self.0.join("identity")
    }
    pub fn reader(&self) -> PathBuf {
        self.0.join("reader")
    }
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }
    /// What painting masks costs on this box, as it was measured.
    pub fn pictures(&self) -> PathBuf {
        self.0.join("pictures.json")
    }
    pub fn rates(&self) -> PathBuf {
        self.0.join("rates.json")
    }
    pub fn masks(&self) -> PathBuf {
        self.0.join("masks.json")
    }
    pub fn cameras(&self) -> PathBuf {
        self.0.join("cameras")
    }
    pub fn pulls(&self) -> PathBuf {
        self.0.join("pulls")
    }
    pub fn index(&self) -> PathBuf {
        self.0.join("index.sqlite")
    }
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }
    pub fn reader_socket(&self) -> PathBuf {
        self.run().join("reader.sock")
    }
    pub fn status(&self) -> PathBuf {
        self.run().join("status.json")
    }
}
