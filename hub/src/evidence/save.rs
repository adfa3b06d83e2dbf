//! Adapter: filesystem. A package written out, for whoever it is handed to: a folder in plain, or one ZIP in plain or sealed with `age`. There whole
//! and verified, or not at all.
//!
//! ```text
//! <folder>/<EXH-ref>.part           while it is written; locked. One that nobody holds is left of a save that was killed, and thrown away
//! <folder>/<EXH-ref>                the package: every file as SHA256SUMS has it
//! <folder>/<EXH-ref>.zip            the same as one file; .zip.age when it is sealed; .part while it is written
//! <folder>/<EXH-ref>-HOW-TO-OPEN.txt  the card that goes with the file
//! ```
//! What the disk cannot take is said before the first byte ([`limits`]).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use logbook::{Folder, sync_dir};
use nix::fcntl::{Flock, FlockArg};
use shared::{
    evidence::names,
    id::ExhibitRef,
    record::{Digest, sha256},
    time::Utc,
    verify::{self, Files, Options, Report},
};

use super::{
    package,
    resting::{self, Resting},
};
use crate::papers::card::Seal;

mod archive;
pub mod limits;
pub mod zip;

/// As what a package is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Folder,
    Zip,
}

impl Form {
    pub fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Zip => "zip",
        }
    }
}

/// A package that somebody wants written out.
pub struct SaveOrder<'a> {
    pub exhibit: &'a ExhibitRef,
    /// Below which it is to be.
    pub folder: &'a Path,
    pub form: Form,
    /// A folder lies in plain.
    pub seal: &'a Seal,
    pub options: &'a Options,
    /// It is known to be partial.
    pub short: bool,
    pub now: Utc,
    /// The card beside a file: of the file's name and its SHA-256.
    pub card: &'a dyn Fn(&str, &str) -> String,
}

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error(
        "{0} is there already and is never written over; nothing was saved: name another folder"
    )]
    Exists(String),
    #[error("somebody is saving this exhibit to {0} just now; nothing was saved")]
    Busy(String),
    #[error(
        "{name} does not open as it was sealed: {source}; nothing was saved. `beadle-hub clip check {exhibit}` says what is damaged"
    )]
    Damaged {
        exhibit: String,
        name: String,
        source: io::Error,
    },
    #[error("{0}; nothing was saved: make room there, or name another place")]
    NotThere(#[from] limits::NotThere),
    #[error(
        "a folder is not sealed by itself; nothing was saved: save it as one file (--zip), or onto a disk that is encrypted as a whole"
    )]
    FolderSealed,
    #[error("it could not be sealed: {0}; nothing was saved")]
    Seal(String),
    #[error(
        "{0} does not hold what was written to it, so it was taken away again: the disk is worn out or was taken out; save to another one"
    )]
    ReadBack(String),
    #[error("cannot {what} {path}: {source}; nothing was saved")]
    Io {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("what was written does not verify, so it was taken away again:\n{}", .0.render())]
    NotIntact(Box<Report>),
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SaveError {
    let path = path.display().to_string();
    move |source| SaveError::Io { what, path, source }
}

/// A package that was saved.
#[derive(Debug)]
pub struct SavedPackage {
    /// The folder or the file.
    pub path: PathBuf,
    /// The card beside a file.
    pub card: Option<PathBuf>,
    pub report: Report,
    pub files: u64,
    pub bytes: u64,
    /// Of the file; of a folder that of its SHA256SUMS.
    pub sha256: Digest,
}

/// Removes what a failed save left.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Gone after a good end (renamed); what cannot be removed the next save removes.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// That nothing is there yet.
fn free_file(target: &Path) -> Result<(), SaveError> {
    match target.symlink_metadata() {
        Ok(_) => Err(SaveError::Exists(target.display().to_string())),
        Err(_) => Ok(()),
    }
}

/// Where it would be saved, if nothing is there yet.
pub fn free(wanted: &SaveOrder<'_>) -> Result<PathBuf, SaveError> {
    let name = match wanted.form {
        Form::Folder => wanted.exhibit.to_string(),
        Form::Zip => archive::name(wanted),
    };
    let target = wanted.folder.join(name);
    free_file(&target)?;
    if wanted.form == Form::Zip {
        free_file(&wanted.folder.join(archive::card_name(wanted)))?;
    }
    Ok(target)
}

/// The files of a package and how long each is.
fn files(rest: &Resting, exhibit: &ExhibitRef) -> Result<Vec<(String, u64)>, SaveError> {
    let names = rest.list().map_err(failed("list", rest.root()))?;
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let size = rest.len(&name).map_err(|source| SaveError::Damaged {
            exhibit: exhibit.to_string(),
            name: name.clone(),
            source,
        })?;
        out.push((name, size));
    }
    Ok(out)
}

/// Whether the package can be written there: said before the first byte. How many bytes it is at most.
///
/// # Errors
/// It cannot, or it cannot be opened.
pub fn fits(rest: &Resting, wanted: &SaveOrder<'_>) -> Result<u64, SaveError> {
    let files = files(rest, wanted.exhibit)?;
    match wanted.form {
        Form::Folder => {
            if !matches!(wanted.seal, Seal::None) {
                return Err(SaveError::FolderSealed);
            }
            let at = wanted.folder;
            let volume = limits::of(at).map_err(failed("look at the disk of", at))?;
            limits::judge(&volume, &files)?;
            Ok(files.iter().map(|f| f.1).sum())
        }
        Form::Zip => {
            archive::may_be(wanted, &files)?;
            Ok(archive::longest(wanted, &files))
        }
    }
}

/// Writes the package out. `told`: bytes done, and of how many.
pub fn save(
    rest: &Resting,
    wanted: &SaveOrder<'_>,
    told: impl FnMut(u64, u64),
) -> Result<SavedPackage, SaveError> {
    free(wanted)?;
    fits(rest, wanted)?;
    let files = files(rest, wanted.exhibit)?;
    match wanted.form {
        Form::Folder => folder(rest, wanted, &files, told),
        Form::Zip => archive::save(rest, wanted, &files, told),
    }
}

fn folder(
    rest: &Resting,
    wanted: &SaveOrder<'_>,
    files: &[(String, u64)],
    mut told: impl FnMut(u64, u64),
) -> Result<SavedPackage, SaveError> {
    let (exhibit, folder) = (wanted.exhibit, wanted.folder);
    let target = free(wanted)?;
    let total = files.iter().map(|f| f.1).sum();
    let part = folder.join(format!("{exhibit}.part"));
    resting::private_dir(folder).map_err(failed("make the folder", folder))?;
    let (_lock, part) = begin(&part)?;
    let root = part.0.as_path();

    let damaged = |name: &str| {
        let (exhibit, name) = (exhibit.to_string(), name.to_owned());
        move |source| SaveError::Damaged {
            exhibit,
            name,
            source,
        }
    };
    let mut bytes = 0;
    for (name, _) in files {
        let path = root.join(name);
        if let Some(dir) = path.parent() {
            resting::private_dir(dir).map_err(failed("make the folder", dir))?;
        }
        let mut out = resting::new_file(&path).map_err(failed("write", &path))?;
        let mut wrote = Ok(());
        let read = rest.each(name, |piece| {
            wrote = out.write_all(piece);
            bytes += piece.len() as u64;
            told(bytes, total);
            match &wrote {
                Ok(()) => Ok(()),
                Err(_) => Err(io::ErrorKind::Interrupted.into()),
            }
        });
        wrote.map_err(failed("write", &path))?;
        read.map_err(damaged(name))?;
    }
    let report = verify::package(&Folder(root.to_owned()), wanted.options);
    if report.exit_status() == 2 || !package::tolerable(&report, wanted.short) {
        return Err(SaveError::NotIntact(Box::new(report)));
    }
    package::sync_tree(root).map_err(|e| failed("sync", root)(io::Error::other(e)))?;
    let sums = root.join(names::SUMS);
    let sums = sha256(&fs::read(&sums).map_err(failed("read back", &sums))?);
    free(wanted)?;
    fs::rename(root, &target).map_err(failed("put in place", &target))?;
    sync_dir(folder).map_err(failed("sync", folder))?;
    Ok(SavedPackage {
        path: target,
        card: None,
        report,
        files: files.len() as u64,
        bytes,
        sha256: sums,
    })
}

/// Makes the folder that is written to, and locks it.
fn begin(path: &Path) -> Result<(Flock<File>, Part), SaveError> {
    let busy = || SaveError::Busy(path.display().to_string());
    let lock = || -> Result<Flock<File>, SaveError> {
        let dir = File::open(path).map_err(failed("open", path))?;
        Flock::lock(dir, FlockArg::LockExclusiveNonblock).map_err(|_| busy())
    };
    if path.symlink_metadata().is_ok() {
        let _held = lock()?;
        fs::remove_dir_all(path).map_err(failed("clear", path))?;
    }
    match std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(busy()),
        Err(e) => Err(failed("make the folder", path)(e)),
        Ok(()) => Ok((lock()?, Part(path.to_owned()))),
    }
}
