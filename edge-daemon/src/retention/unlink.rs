//! Adapter: filesystem. What is deleted is gone, and stays gone.
use std::{
    fs::{self, File},
    path::Path,
};

use super::sweeper::{SweepError, io};

/// A file, or a folder with all that is in it. What is gone already is as good.
pub fn unlink(path: &Path) -> Result<(), SweepError> {
    let gone = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match gone {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io("delete", path)(e)),
        _ => Ok(()),
    }
}

/// Makes deletions last, then removes a camera-day's folder when it is empty, and its day's when that is.
pub fn tidy(folder: &Path) -> Result<(), SweepError> {
    let sync = |p: &Path| match File::open(p).and_then(|d| d.sync_all()) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io("sync", p)(e)),
        _ => Ok(()),
    };
    sync(folder)?;
    for folder in folder.ancestors().take(2) {
        match fs::remove_dir(folder) {
            Ok(()) => {}
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                break;
            }
            Err(e) => return Err(io("remove", folder)(e)),
        }
        if let Some(parent) = folder.parent() {
            sync(parent)?;
        }
    }
    Ok(())
}
