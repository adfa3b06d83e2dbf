//! Adapter: filesystem. A backup folder: its pieces, written beside what is there and under their names only when they are whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg, PosixFadviseAdvice, posix_fadvise};
use shared::record::{hex, sha256};

use super::{
    error::{ANOTHER_COPY, BackupError, file},
    format::{self, BACKUPS, IDENTITY, KEYS, LABEL, Label, Mark, OBJECTS, Part},
};
use crate::files::{self, private_dir, shred, write_whole};

/// A backup folder.
pub(super) struct Store {
    root: PathBuf,
    pub label: Label,
    /// Pieces that are there: their names, and the hashes of their sealed files.
    objects: BTreeMap<String, String>,
    _lock: Option<Flock<File>>,
}

impl Store {
    /// For reading.
    pub fn open(root: &Path) -> Result<Self, BackupError> {
        let mut store = Self::labelled(root)?;
        store.look(false)?;
        Ok(store)
    }

    fn labelled(root: &Path) -> Result<Self, BackupError> {
        let path = root.join(LABEL);
        let no = || BackupError::NoBackup {
            folder: root.display().to_string(),
            label: LABEL,
        };
        let bytes = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(no()),
            Err(e) => return Err(file("read", &path)(e)),
            Ok(bytes) => bytes,
        };
        let label: Label = serde_json::from_slice(&bytes).map_err(|e| BackupError::Damaged {
            part: path.display().to_string(),
            why: e.to_string(),
            next: ANOTHER_COPY,
        })?;
        if label.beadle_backup != format::VERSION {
            return Err(BackupError::Plain(format!(
                "{} is of version {}, and this program knows {}: install the newer program",
                root.display(),
                label.beadle_backup,
                format::VERSION
            )));
        }
        Ok(Self {
            root: root.to_owned(),
            label,
            objects: BTreeMap::new(),
            _lock: None,
        })
    }

    /// For writing; `make` says what a new folder is called, and the sealed identity that is to lie in it.
    pub fn begin(
        root: &Path,
        make: impl FnOnce() -> Result<(Label, Option<Vec<u8>>), BackupError>,
    ) -> Result<Self, BackupError> {
        match Self::labelled(root) {
            Err(BackupError::NoBackup { .. }) => {
                private_dir(root)?;
                let mut inside = fs::read_dir(root).map_err(file("list", root))?;
                if inside.any(|e| e.is_ok_and(|e| e.file_name() != "lost+found")) {
                    return Err(BackupError::NotEmpty {
                        folder: root.display().to_string(),
                    });
                }
                let (label, identity) = make()?;
                if let Some(sealed) = identity {
                    write(&root.join(IDENTITY), &sealed)?;
                }
                let text = serde_json::to_vec_pretty(&label).map_err(plain)?;
                write(&root.join(LABEL), &text)?;
            }
            Err(e) => return Err(e),
            Ok(_) => {}
        }
        let mut store = Self::labelled(root)?;
        for folder in [OBJECTS, BACKUPS, KEYS] {
            private_dir(&root.join(folder))?;
        }
        let path = root.join(".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(file("open", &path))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock);
        store._lock = Some(lock.map_err(|_| BackupError::Busy(root.display().to_string()))?);
        store.look(true)?;
        Ok(store)
    }

    /// `tidy`: what a run that was cut off was writing is taken away.
    fn look(&mut self, tidy: bool) -> Result<(), BackupError> {
        let folder = self.root.join(OBJECTS);
        for inner in fs::read_dir(&folder).map_err(file("list", &folder))? {
            let inner = inner.map_err(file("list", &folder))?.path();
            if !inner.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&inner).map_err(file("list", &inner))? {
                let path = entry.map_err(file("list", &inner))?.path();
                let stem = path.file_name().and_then(|n| n.to_str());
                let object = stem.and_then(|n| n.strip_suffix(".age"));
                match object.and_then(format::halves) {
                    Some((name, sealed)) => {
                        self.objects.insert(name.to_owned(), sealed.to_owned());
                    }
                    None if tidy => fs::remove_file(&path).map_err(file("clear", &path))?,
                    None => {}
                }
            }
        }
        Ok(())
    }

    pub fn path(&self, of: &str) -> PathBuf {
        self.root.join(of)
    }

    /// Whether a piece of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.objects.contains_key(name)
    }

    /// Pieces that no backup names: a run that broke off left them, and whether they reached the disk nobody knows.
    pub fn unnamed(&self, named: &BTreeSet<String>) -> Vec<String> {
        let all = self.objects.keys();
        all.filter(|name| !named.contains(*name)).cloned().collect()
    }

    pub fn all(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }

    /// Writes a piece; it is on the disk after [`Self::sync`].
    pub fn put(&mut self, name: &str, sealed: &[u8]) -> Result<(), BackupError> {
        let hash = hex(&sha256(sealed));
        let path = self.path(&format::object_path(name, &hash));
        let folder = path.parent().unwrap_or(&self.root);
        private_dir(folder)?;
        let part = folder.join(format!("{name}.part"));
        let go = || -> io::Result<()> {
            let mut out = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?;
            out.write_all(sealed)?;
            fs::rename(&part, &path)
        };
        if let Err(e) = go() {
            // What it is called by says that it is nothing whole.
            let _ = fs::remove_file(&part);
            return Err(file("write", &path)(e));
        }
        self.objects.insert(name.to_owned(), hash);
        Ok(())
    }

    /// All that was written is on the disk.
    pub fn sync(&self) -> Result<(), BackupError> {
        let root = File::open(&self.root).map_err(file("open", &self.root))?;
        nix::unistd::syncfs(&root)
            .map_err(io::Error::from)
            .map_err(file("sync", &self.root))
    }

    /// A piece as it lies on the disk, sealed, held against its file's name.
    pub fn object(&self, name: &str) -> Result<Vec<u8>, BackupError> {
        let path = self.object_at(name);
        let bytes = read(&path)?;
        let is = hex(&sha256(&bytes));
        match self.objects.get(name) == Some(&is) {
            true => Ok(bytes),
            false => Err(BackupError::Damaged {
                part: path.display().to_string(),
                why: format!("its SHA-256 is {is}, and not the one in its name"),
                next: ANOTHER_COPY,
            }),
        }
    }

    /// Where it lies; one that is not there would be called so.
    pub fn object_at(&self, name: &str) -> PathBuf {
        let sealed = self.objects.get(name).map_or("…", String::as_str);
        self.path(&format::object_path(name, sealed))
    }

    /// Takes a piece away.
    pub fn remove(&mut self, name: &str) -> Result<(), BackupError> {
        let path = self.object_at(name);
        self.objects.remove(name);
        gone(&path)
    }

    /// A file of a backup, written whole, synced, and read back.
    pub fn write(&self, of: &str, bytes: &[u8]) -> Result<Part, BackupError> {
        let path = self.path(of);
        write(&path, bytes)?;
        let part = Part::of(bytes);
        match Part::of(&read(&path)?) == part {
            true => Ok(part),
            false => Err(BackupError::Damaged {
                part: path.display().to_string(),
                why: "what was read back is not what was written".into(),
                next: "Test the disk of that folder; name another one",
            }),
        }
    }

    /// A file of a backup, held against what its mark says.
    pub fn part(&self, of: &str, is: &Part) -> Result<Vec<u8>, BackupError> {
        let path = self.path(of);
        let bytes = read(&path)?;
        match Part::of(&bytes) == *is {
            true => Ok(bytes),
            false => Err(BackupError::Damaged {
                part: path.display().to_string(),
                why: "it is not what the backup's mark says".into(),
                next: ANOTHER_COPY,
            }),
        }
    }

    /// The folder's identity, sealed to a passphrase.
    pub fn sealed_identity(&self) -> Result<Vec<u8>, BackupError> {
        read(&self.path(IDENTITY))
    }

    /// Every backup that was finished, oldest first.
    pub fn marks(&self) -> Result<Vec<Mark>, BackupError> {
        let folder = self.path(BACKUPS);
        let mut all = Vec::new();
        for n in numbers(&folder)? {
            let path = self.path(&format::mark_path(n));
            let bytes = match fs::read(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(file("read", &path))?,
            };
            let mark: Mark = serde_json::from_slice(&bytes).map_err(|e| BackupError::Damaged {
                part: path.display().to_string(),
                why: e.to_string(),
                next: ANOTHER_COPY,
            })?;
            all.push(mark);
        }
        Ok(all)
    }

    /// The highest number that anything here bears, finished or not.
    pub fn highest(&self) -> Result<u64, BackupError> {
        let both = [numbers(&self.path(BACKUPS))?, numbers(&self.path(KEYS))?];
        let highest = both.iter().filter_map(|n| n.last()).max();
        Ok(highest.copied().unwrap_or(0))
    }

    pub fn key_parts(&self) -> Result<BTreeSet<u64>, BackupError> {
        numbers(&self.path(KEYS))
    }

    /// Pieces that backups name.
    pub fn named(&self, marks: &[Mark]) -> Result<BTreeSet<String>, BackupError> {
        let mut all = BTreeSet::new();
        for mark in marks {
            let text = self.part(&format::objects_path(mark.n), &mark.objects)?;
            let text = String::from_utf8_lossy(&text);
            all.extend(text.lines().map(str::to_owned));
        }
        Ok(all)
    }

    /// Takes away a backup, its mark first: what is left of it when that breaks off is no backup.
    pub fn drop_backup(&self, n: u64) -> Result<(), BackupError> {
        for of in [
            format::mark_path(n),
            format::list_path(n),
            format::objects_path(n),
        ] {
            gone(&self.path(&of))?;
        }
        Ok(())
    }

    /// Overwrites a part of keys and takes it away.
    pub fn drop_keys(&self, n: u64) -> Result<(), BackupError> {
        Ok(shred(&self.path(&format::keys_path(n)))?)
    }

    /// Numbers below [`BACKUPS`] without a mark: runs that were cut off.
    pub fn unfinished(&self, marks: &[Mark]) -> Result<BTreeSet<u64>, BackupError> {
        let done: BTreeSet<u64> = marks.iter().map(|m| m.n).collect();
        let all = numbers(&self.path(BACKUPS))?;
        Ok(all.difference(&done).copied().collect())
    }
}

fn plain(e: impl std::fmt::Display) -> BackupError {
    BackupError::Plain(e.to_string())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    write_whole(path, bytes, 0o600).map_err(|e| file("write", path)(e.source))
}

fn gone(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(file("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Reads from the disk, not from memory, as far as the system lets it.
fn read(path: &Path) -> Result<Vec<u8>, BackupError> {
    let go = || -> io::Result<Vec<u8>> {
        let mut from = File::open(path)?;
        // Only advice: a file system that knows none has it read as it is.
        let _ = posix_fadvise(&from, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match go() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(BackupError::Missing {
            part: path.display().to_string(),
            why: "the backup needs it".into(),
            next: ANOTHER_COPY,
        }),
        other => other.map_err(|e| BackupError::File(files::failed("read", path)(e))),
    }
}

/// Numbers that files of a folder bear.
fn numbers(folder: &Path) -> Result<BTreeSet<u64>, BackupError> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(file("list", folder))? {
        let name = entry.map_err(file("list", folder))?.file_name();
        all.extend(name.to_str().and_then(format::number));
    }
    Ok(all)
}
