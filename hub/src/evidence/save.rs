//! Adapter: filesystem. A package written out in plain, for whoever it is handed to. There whole and verified, or not at all.
//!
//! ```text
//! <folder>/<EXH-ref>.part   while it is written; locked. One that nobody holds is left of a save that was killed, and thrown away
//! <folder>/<EXH-ref>        the package: every file as SHA256SUMS has it
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use logbook::{Folder, sync_dir};
use nix::fcntl::{Flock, FlockArg};
use shared::{
    id::ExhibitRef,
    verify::{self, Files, Options, Report},
};

use super::{
    package,
    resting::{self, Resting},
};
use crate::disks::room;

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
    #[error(
        "the disk of {path} has {} MiB left, and exhibit {exhibit} has {}; nothing was saved: make room there, or name a folder on another disk",
        free >> 20, need.div_ceil(1 << 20)
    )]
    NoRoom {
        exhibit: String,
        path: String,
        free: u64,
        need: u64,
    },
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
    pub folder: PathBuf,
    pub report: Report,
    pub files: u64,
    pub bytes: u64,
}

/// Removes what a failed save left.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Gone after a good end (renamed); what cannot be removed the next save removes.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where it would be saved, if nothing is there yet.
pub fn free(folder: &Path, exhibit: &ExhibitRef) -> Result<PathBuf, SaveError> {
    let target = folder.join(exhibit.as_str());
    match target.symlink_metadata() {
        Ok(_) => Err(SaveError::Exists(target.display().to_string())),
        Err(_) => Ok(target),
    }
}

/// Whether the package fits on the disk of the folder. Bytes of it.
///
/// # Errors
/// It does not, or it cannot be opened.
pub fn fits(rest: &Resting, exhibit: &ExhibitRef, folder: &Path) -> Result<u64, SaveError> {
    let names = rest.list().map_err(failed("list", rest.root()))?;
    let mut need = 0;
    for name in &names {
        need += rest.len(name).map_err(|source| SaveError::Damaged {
            exhibit: exhibit.to_string(),
            name: name.clone(),
            source,
        })?;
    }
    let free = room::of(folder)
        .map_err(failed("look at the disk of", folder))?
        .free;
    match need <= free {
        true => Ok(need),
        false => Err(SaveError::NoRoom {
            exhibit: exhibit.to_string(),
            path: folder.display().to_string(),
            free,
            need,
        }),
    }
}

/// Writes the package to `<folder>/<exhibit>`. `short`: it is known that something asked for was never recorded. `told`: bytes written so
/// far, of how many.
pub fn save(
    rest: &Resting,
    exhibit: &ExhibitRef,
    folder: &Path,
    options: &Options,
    short: bool,
    mut told: impl FnMut(u64, u64),
) -> Result<SavedPackage, SaveError> {
    let target = free(folder, exhibit)?;
    let total = fits(rest, exhibit, folder)?;
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
    let names = rest.list().map_err(failed("list", rest.root()))?;
    let mut bytes = 0;
    for name in &names {
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
    let report = verify::package(&Folder(root.to_owned()), options);
    if report.exit_status() == 2 || !package::tolerable(&report, short) {
        return Err(SaveError::NotIntact(Box::new(report)));
    }
    package::sync_tree(root).map_err(|e| failed("sync", root)(io::Error::other(e)))?;
    free(folder, exhibit)?;
    fs::rename(root, &target).map_err(failed("put in place", &target))?;
    sync_dir(folder).map_err(failed("sync", folder))?;
    Ok(SavedPackage {
        folder: target,
        report,
        files: names.len() as u64,
        bytes,
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
