//! Adapter: filesystem. A segment's file while it is written: what is pushed is hashed, sealed and written in large pieces.
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use footage::{mp4, sealed::Sealer};

use super::{Begin, Ticket};
use crate::{
    reader::ReaderError,
    store::volume::{Recording, VolumeError},
};

/// Sealed bytes of one fragment that are written before more is sealed: large writes cost less, memory costs too.
const ENOUGH: usize = 128 << 10;

/// A segment that is being written.
pub(super) struct Open {
    pub(super) ticket: Arc<Ticket>,
    pub(super) file: File,
    pub(super) folder: PathBuf,
    pub(super) begin: Box<Begin>,
    pub(super) sha: ring::digest::Context,
    pub(super) sealer: Sealer,
    pub(super) size: u64,
    pub(super) key: String,
    pub(super) fragments: u64,
    /// Key frames written.
    pub(super) keys: u64,
    /// Where fragments that begin with one lie.
    pub(super) marks: Vec<mp4::Mark>,
    pub(super) _recording: Recording,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        source: std::io::Error,
    },
    #[error("{0}")]
    Volume(#[from] VolumeError),
    #[error("{0}")]
    Key(#[from] ReaderError),
    #[error("cannot seal: {0}")]
    Seal(#[from] footage::sealed::SealError),
    #[error("cannot write the pictures as MP4: {0}")]
    Mp4(#[from] mp4::Mp4Error),
}

pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> WriteError {
    let path = path.display().to_string();
    move |source| WriteError::Io { what, path, source }
}

impl Open {
    /// Hashes and seals; what is complete is written once it is worth a call.
    pub(super) fn put(&mut self, plain: &[u8]) -> Result<(), WriteError> {
        self.sha.update(plain);
        self.size += plain.len() as u64;
        self.sealer.push(plain)?;
        if self.sealer.ready().len() >= ENOUGH {
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self) -> Result<(), WriteError> {
        self.file
            .write_all(self.sealer.ready())
            .map_err(io("write to", &self.folder))?;
        self.sealer.written();
        Ok(())
    }
}

/// The disk may have gone between the last look and the file's making: then nothing goes into it.
pub(super) fn on_device(file: &File, device: u64) -> std::io::Result<()> {
    if std::os::unix::fs::MetadataExt::dev(&file.metadata()?) == device {
        Ok(())
    } else {
        Err(std::io::Error::other("the disk went away"))
    }
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    File::open(folder)
        .and_then(|d| d.sync_all())
        .map_err(io("sync", folder))
}
