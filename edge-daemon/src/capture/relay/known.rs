//! Adapter: filesystem. What the box remembers of a camera over a restart: `<state>/cameras/<id>.json`.
//!
//! The certificate that was accepted, one that was refused since, and whether the camera ever asked for Digest. The recorder writes it
//! when something of it changes; `beadle-edge camera accept` puts the refused certificate in the accepted one's place.
use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};
use shared::{id::CameraId, time::Utc};

/// One camera's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Seen>,
    /// The last certificate that is not the accepted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Seen>,
    /// It has asked for Digest: it is never told its password in Basic.
    #[serde(default)]
    pub digest: bool,
}

/// A certificate a camera has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// SHA-256 of the certificate (DER), in hex.
    pub sha256: String,
    pub at: Utc,
}

/// The files of all cameras.
#[derive(Clone, Debug)]
pub struct Known {
    folder: PathBuf,
    /// For commands that look and leave no trace.
    still: bool,
}

impl Known {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            still: false,
        }
    }

    /// Reads, and writes nothing.
    pub fn still(folder: PathBuf) -> Self {
        Self {
            folder,
            still: true,
        }
    }

    fn path(&self, camera: &CameraId) -> PathBuf {
        self.folder.join(format!("{camera}.json"))
    }

    /// # Errors
    /// The file is there and cannot be read: what it forbids is not known, so nothing goes on without it.
    pub fn read(&self, camera: &CameraId) -> io::Result<Memory> {
        match crate::below::read_untrusted(&self.path(camera), 1 << 20) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Memory::default()),
            Err(e) => Err(e),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        }
    }

    /// # Errors
    /// The file could not be written.
    pub fn write(&self, camera: &CameraId, memory: &Memory) -> io::Result<()> {
        if self.still {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)?;
        let bytes = serde_json::to_vec_pretty(memory).map_err(io::Error::other)?;
        logbook::write_whole(&self.path(camera), &bytes, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_over_a_restart() {
        let home = tempfile::tempdir().expect("dir");
        let folder = home.path().join("cameras");
        let (known, cam) = (
            Known::new(folder.clone()),
            CameraId::parse("c01").expect("id"),
        );
        assert_eq!(known.read(&cam).expect("none yet"), Memory::default());
        let memory = Memory {
            accepted: Some(Seen {
                sha256: "ab".into(),
                at: Utc(5),
            }),
            digest: true,
            ..Memory::default()
        };
        Known::still(folder.clone())
            .write(&cam, &memory)
            .expect("nothing");
        assert!(!folder.exists());
        known.write(&cam, &memory).expect("written");
        assert_eq!(known.read(&cam).expect("read"), memory);
        std::fs::write(folder.join("c01.json"), "{").expect("harm");
        assert!(
            known.read(&cam).is_err(),
            "what it forbids is not forgotten"
        );
    }
}
