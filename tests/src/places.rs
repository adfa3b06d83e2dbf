//! Adapter: filesystem. Where programs, footage and temporary folders are; free ports.
use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
};

use crate::{Done, Told, Trouble};

/// The project's folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target folder: the one this program was built in.
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().ok();
    exe.as_deref()
        .and_then(|e| e.ancestors().find(|a| a.join("CACHEDIR.TAG").exists()))
        .map_or_else(|| root().join("target"), Path::to_owned)
}

/// One of the project's programs, e.g. `beadle-edge`.
pub fn program(name: &str) -> Done<PathBuf> {
    let folder = match std::env::var_os("BEADLE_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let exe = std::env::current_exe().told("where this program is")?;
            // target/<profile>/demo, or target/<profile>/deps/suite-0123
            let beside = exe.parent().unwrap_or(Path::new("."));
            if beside.ends_with("deps") {
                beside.parent().unwrap_or(beside).to_owned()
            } else {
                beside.to_owned()
            }
        }
    };
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Trouble(format!(
        "{} is not there; build it first: cargo build --workspace --bins (with --release for make test), or set BEADLE_BIN_DIR",
        path.display()
    )))
}

/// A file of test footage.
pub fn footage(name: &str) -> Done<PathBuf> {
    let path = root().join("target/footage").join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(Trouble(format!(
            "{} is not there; make it with scripts/footage.sh",
            path.display()
        )))
    }
}

/// A folder under target/tmp, removed at the end unless the test failed or `BEADLE_KEEP` is set.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(name: &str) -> Done<Self> {
        let all = target().join("tmp");
        fs::create_dir_all(&all).told(all.display())?;
        let made = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&all)
            .told(all.display())?;
        Ok(Self { path: made.keep() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("BEADLE_KEEP").is_some() {
            eprintln!("kept for you to look at: {}", self.path.display());
        } else if let Err(e) = fs::remove_dir_all(&self.path) {
            eprintln!("could not remove {}: {e}", self.path.display());
        }
    }
}

/// A UDP port nobody had a moment ago.
pub fn free_udp() -> Done<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")
        .and_then(|s| s.local_addr())
        .told("finding a free UDP port")?
        .port())
}

/// A TCP port nobody had a moment ago.
pub fn free_tcp() -> Done<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")
        .and_then(|s| s.local_addr())
        .told("finding a free TCP port")?
        .port())
}

/// Bytes of all files below a folder; of what goes meanwhile, none.
pub fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let each = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    each.sum()
}

/// Every file below a folder whose name ends so, in order. Folders that go while we look are none.
pub fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(entry.path()),
                Ok(_) if entry.file_name().to_string_lossy().ends_with(ending) => {
                    found.push(entry.path())
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}
