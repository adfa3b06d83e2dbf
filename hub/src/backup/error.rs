//! Pure. Why a backup was not made or not put back: which part, what was done, what to do next.

use std::{io, path::Path};

use footage::sealed::SealError;

use crate::{db::DbError, files::FileError, keys::KeyError};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Log(#[from] logbook::LogError),
    #[error("{0}")]
    Plain(String),
    #[error(
        "{folder} is no backup of a hub: it has no {label}. Name the folder that `beadle-hub backup` was given"
    )]
    NoBackup { folder: String, label: &'static str },
    #[error(
        "{folder} holds backups of {is}, and this hub is {hub}: nothing was written there. Give each hub a folder of its own"
    )]
    OtherHub {
        folder: String,
        is: String,
        hub: String,
    },
    #[error(
        "{folder} is sealed to {is}, and was to be sealed to {wanted}: nothing was written. Leave --to out, or begin another folder"
    )]
    OtherRecipient {
        folder: String,
        is: String,
        wanted: String,
    },
    #[error(
        "{folder} is not empty and is no backup: nothing was written there. Name an empty folder, or one that is not there yet"
    )]
    NotEmpty { folder: String },
    #[error("another backup is being written to {0}; nothing was done")]
    Busy(String),
    #[error("{part} is not there: {why}. {next}")]
    Missing {
        part: String,
        why: String,
        next: &'static str,
    },
    #[error("{part} is damaged: {why}. {next}")]
    Damaged {
        part: String,
        why: String,
        next: &'static str,
    },
    #[error(
        "the passphrase does not open {0}, or that file is damaged; nothing was put back. Try again with the passphrase that was given when this folder was begun"
    )]
    Passphrase(String),
    #[error(
        "the identity given does not open {part}: {why}; nothing was put back. It has to be that of {to}"
    )]
    Identity {
        part: String,
        why: SealError,
        to: String,
    },
    #[error(
        "there is a hub in {0} already; nothing was put back. Name an empty state folder, or move that one away"
    )]
    HubThere(String),
    #[error(
        "{0} has files in it that are of no restore: nothing was put back. Name an empty folder, or move {1} away"
    )]
    StateNotEmpty(String, String),
}

/// What to do about a part of a backup that cannot be used.
pub const ANOTHER_COPY: &str = "Try another copy of the backup folder, or an older backup of it: beadle-hub restore --backup N; what is there shows beadle-hub backups FOLDER";

/// What the system said of a file, with what is left on its disk where that is the cause.
pub fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&source.kind()) {
            return BackupError::Plain(format!(
                "cannot {what} {}: its disk is full. Nothing that was there before is changed, and what was begun counts for nothing. Make room there, or name another folder; then give the same command again",
                path.display()
            ));
        }
        BackupError::File(crate::files::failed(what, &path)(source))
    }
}
