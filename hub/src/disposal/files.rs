//! Adapter: filesystem. Folders of exhibits: counted, emptied, and looked through afterwards. Links are never followed.
//!
//! ```text
//! <evidence>/<ref>/…              packages
//! <evidence>/.disposing-<ref>     empty: this is the evidence folder a disposal was begun in, not the place where its disk is missing
//! <state>/exhibits/<ref>/…        sealed segments as they came from the box
//! <state>/keys/exhibits/<ref>.key opens both
//! ```

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use footage::sealed;
use shared::time::Utc;

use crate::files::{FileError, failed, write_whole};

/// Far more than an age header has.
const HEADER: u64 = 64 * 1024;

/// Where all there is of an exhibit lies, but for its key.
pub fn folders(state: &Path, evidence: &Path, exhibit: &str) -> [PathBuf; 2] {
    [evidence.join(exhibit), state.join("exhibits").join(exhibit)]
}

/// What the name of a mark begins with.
pub const MARK: &str = ".disposing-";

fn mark_of(evidence: &Path, exhibit: &str) -> PathBuf {
    evidence.join(format!("{MARK}{exhibit}"))
}

/// Marks the evidence folder, so that after a power cut a disk that is not mounted is not taken for a package that is gone.
pub fn mark(evidence: &Path, exhibit: &str) -> Result<(), FileError> {
    write_whole(&mark_of(evidence, exhibit), b"", 0o600)
}

pub fn is_marked(evidence: &Path, exhibit: &str) -> bool {
    mark_of(evidence, exhibit).is_file()
}

pub fn unmark(evidence: &Path, exhibit: &str) -> Result<(), Vec<FileError>> {
    remove(&mark_of(evidence, exhibit))
}

fn is_gone(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::NotFound
}

/// What is in a folder, deepest first, folders after what is in them; without the folder itself. A folder that is not there is empty.
fn below(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, FileError> {
    let mut out = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(e) if is_gone(&e) => return Ok(out),
        other => other.map_err(failed("list", folder))?,
    };
    for entry in entries {
        let path = entry.map_err(failed("list", folder))?.path();
        let about = match fs::symlink_metadata(&path) {
            Err(e) if is_gone(&e) => continue,
            other => other.map_err(failed("look at", &path))?,
        };
        if about.is_dir() {
            out.extend(below(&path)?);
        }
        out.push((path, about));
    }
    Ok(out)
}

/// Files and bytes of a file or in a folder.
pub fn count(path: &Path) -> Result<(u64, u64), FileError> {
    let about = match fs::symlink_metadata(path) {
        Err(e) if is_gone(&e) => return Ok((0, 0)),
        other => other.map_err(failed("look at", path))?,
    };
    if !about.is_dir() {
        return Ok((1, about.len()));
    }
    let files = below(path)?;
    let files = files.iter().filter(|(_, about)| !about.is_dir());
    Ok(files.fold((0, 0), |(n, bytes), (_, about)| {
        (n + 1, bytes + about.len())
    }))
}

/// The same of all there is of an exhibit, but for its key.
pub fn measure(state: &Path, evidence: &Path, exhibit: &str) -> Result<(u64, u64), FileError> {
    let mut all = (0, 0);
    for folder in folders(state, evidence, exhibit) {
        let (files, bytes) = count(&folder)?;
        all = (all.0 + files, all.1 + bytes);
    }
    Ok(all)
}

/// Removes a file, or a folder with all that is in it, and syncs the folders, so that it stays gone when power goes. What is not there is
/// gone already. Goes on as far as it can: all that could not be removed is in the errors.
pub fn remove(path: &Path) -> Result<(), Vec<FileError>> {
    let about = match fs::symlink_metadata(path) {
        // Its removal may not have been synced before power went.
        Err(e) if is_gone(&e) => return sync_parent(path).map_err(|e| vec![e]),
        other => other.map_err(|e| vec![failed("look at", path)(e)])?,
    };
    let mut wrong = Vec::new();
    if about.is_dir() {
        match below(path) {
            Ok(all) => {
                for (inner, about) in all {
                    wrong.extend(unlink(&inner, about.is_dir()).err());
                }
            }
            Err(e) => wrong.push(e),
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
    }
    unlink(path, about.is_dir())
        .and_then(|()| sync_parent(path))
        .map_err(|e| vec![e])
}

fn unlink(path: &Path, folder: bool) -> Result<(), FileError> {
    let gone = if folder {
        // What was removed in it is to stay so.
        File::open(path)
            .and_then(|f| f.sync_all())
            .and_then(|()| fs::remove_dir(path))
    } else {
        fs::remove_file(path)
    };
    match gone {
        Err(e) if is_gone(&e) => Ok(()),
        other => other.map_err(failed("remove", path)),
    }
}

fn sync_parent(path: &Path) -> Result<(), FileError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    match File::open(parent).and_then(|f| f.sync_all()) {
        Err(e) if is_gone(&e) => Ok(()),
        other => other.map_err(failed("sync the folder", parent)),
    }
}

/// The age header of one sealed file of an exhibit: enough to try keys on. None: it has no sealed file.
pub fn header(folders: &[PathBuf]) -> Result<Option<Vec<u8>>, FileError> {
    for folder in folders {
        for (path, about) in below(folder)? {
            let sealed = path.extension().is_some_and(|e| e == "age");
            if !sealed || !about.is_file() {
                continue;
            }
            let mut head = Vec::new();
            File::open(&path)
                .and_then(|f| f.take(HEADER).read_to_end(&mut head))
                .map_err(failed("read", &path))?;
            if let Ok(Some(len)) = sealed::header_len(&head) {
                head.truncate(len);
                return Ok(Some(head));
            }
        }
    }
    Ok(None)
}

/// Looks through all of the folder, whatever is known of it, for names that hold this one.
pub fn named_like(folder: &Path, name: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut all = below(folder)?;
    all.retain(|(path, _)| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.to_string_lossy().contains(name)
    });
    Ok(all.into_iter().map(|(path, _)| path).collect())
}

/// Every file and folder in a folder, itself not counted.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Err(e) if is_gone(&e) => return Ok(Vec::new()),
        other => other.map_err(failed("list", folder))?,
    };
    let mut out = Vec::new();
    for entry in entries {
        out.push(entry.map_err(failed("list", folder))?.path());
    }
    out.sort();
    Ok(out)
}

/// When a file, or the newest thing in a folder, was last written. None: it is gone.
pub fn touched(path: &Path) -> Result<Option<Utc>, FileError> {
    let about = match fs::symlink_metadata(path) {
        Err(e) if is_gone(&e) => return Ok(None),
        other => other.map_err(failed("look at", path))?,
    };
    let at = |about: &fs::Metadata| {
        let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok().map(Utc)
    };
    let inner = if about.is_dir() {
        below(path)?
    } else {
        Vec::new()
    };
    let all = inner.iter().map(|(_, about)| at(about));
    Ok(all.chain([at(&about)]).flatten().max().or(Some(Utc(0))))
}

/// Files below a folder whose name ends so, or folders.
pub fn ending(folder: &Path, end: &str) -> Result<Vec<PathBuf>, FileError> {
    let all = below(folder)?.into_iter().map(|(path, _)| path);
    Ok(all.filter(|p| p.to_string_lossy().ends_with(end)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-5: a folder goes with all that is in it, links are removed and not followed, and what cannot be removed is told of.
    #[test]
    fn folders_go_whole() {
        let dir = tempfile::tempdir().expect("folder");
        let (a, outside) = (dir.path().join("a"), dir.path().join("outside"));
        fs::create_dir_all(a.join("b/c")).expect("folder");
        fs::write(a.join("b/c/x"), "12345").expect("file");
        fs::write(a.join("y"), "123").expect("file");
        fs::create_dir(&outside).expect("folder");
        fs::write(outside.join("z"), "keep").expect("file");
        std::os::unix::fs::symlink(&outside, a.join("link")).expect("link");
        let (n, bytes) = count(&a).expect("counts");
        assert_eq!((n, bytes >= 8), (3, true), "two files and a link");
        assert_eq!(named_like(dir.path(), "b/c").expect("looks").len(), 2);
        remove(&a).expect("gone");
        assert!(!a.exists() && outside.join("z").exists());
        assert_eq!(count(&a).expect("counts"), (0, 0));
        remove(&a).expect("gone already");
        assert_eq!(touched(&a).expect("looks"), None);
        // Not even root unlinks there.
        let wrong = remove(Path::new("/proc/self/ns")).expect_err("cannot be removed");
        assert!(wrong.len() > 1, "each of them is told of");
        assert!(
            wrong[0]
                .to_string()
                .contains("cannot remove /proc/self/ns/")
        );
    }
}
