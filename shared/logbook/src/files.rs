//! Adapter: filesystem. Reading log folders and packages, and writing small files so that a power cut leaves the old or the new.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use shared::{
    id::split_origin,
    note::SignedHead,
    record::{Digest, Record, leaf_hash},
    tree::Frontier,
};

/// Lines in one `.jsonl` file.
pub const LINES_PER_FILE: u64 = 65_536;
/// Most bytes of a file that a verifier reads whole: as many as a file of log lines can have.
const MAX_READ: u64 = LINES_PER_FILE * shared::record::MAX_LINE as u64;

/// Far more than a line, a head, a key or a point is.
const SMALL: u64 = 1 << 20;

/// A folder as the verifiers read it. Symbolic links are never followed.
pub struct Folder(pub PathBuf);

impl Folder {
    fn open(&self, path: &str) -> io::Result<File> {
        let full = self.0.join(path);
        if !fs::symlink_metadata(&full)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        open_file(&full)
    }
}

/// Opens a file to read it. What is none, a pipe for instance, is an error at once: whoever may write in the folder holds up nobody who reads.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is no file", path.display())));
    }
    Ok(file)
}

/// The whole of a file that is small when it is right.
pub(crate) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(SMALL + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SMALL {
        return Err(io::Error::other(format!(
            "{} is larger than {SMALL} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

/// A file's name; one that is not UTF-8 with U+FFFD for each byte that is none, under which nothing can be read: it stands out, and ends
/// nothing.
fn plain(name: &std::ffi::OsStr) -> String {
    let mut out = String::new();
    for chunk in std::os::unix::ffi::OsStrExt::as_bytes(name).utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}

impl shared::verify::Files for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        fn walk(dir: &Path, below: &str, out: &mut Vec<String>) -> io::Result<()> {
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                let name = plain(&entry.file_name());
                let path = if below.is_empty() {
                    name
                } else {
                    format!("{below}/{name}")
                };
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    walk(&entry.path(), &path, out)?;
                } else {
                    // Links and devices are listed too: they are not among the files that sums may name, so they stand out.
                    out.push(path);
                }
            }
            Ok(())
        }
        let mut out = Vec::new();
        walk(&self.0, "", &mut out)?;
        out.sort();
        out.dedup();
        Ok(out)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        if file.metadata()?.len() > MAX_READ {
            return Err(io::Error::other("too large"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_READ).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn sha256(&self, path: &str) -> io::Result<Digest> {
        let mut file = self.open(path)?;
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        let mut buf = vec![0u8; 1 << 16];
        loop {
            match file.read(&mut buf)? {
                0 => break,
                n => hash.update(&buf[..n]),
            }
        }
        let mut out = [0u8; 32];
        out.copy_from_slice(hash.finish().as_ref());
        Ok(out)
    }
}

/// First line numbers of the `.jsonl` files of a log folder, ascending.
pub fn starts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(stem) = name.to_str().and_then(|n| n.strip_suffix(".jsonl")) else {
            continue;
        };
        if stem.len() == 10
            && let Ok(n) = stem.parse()
        {
            out.push(n);
        }
    }
    out.sort_unstable();
    Ok(out)
}

pub fn lines_file(folder: &Path, start: u64) -> PathBuf {
    folder.join(format!("{start:010}.jsonl"))
}

/// A log folder as writers and senders read it: lines by number.
pub struct LogFolder {
    path: PathBuf,
    /// Where the last read ended: (file's first line, next line, byte offset in that file).
    cursor: Option<(u64, u64, u64)>,
    leaves: Vec<Digest>,
}

impl LogFolder {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            cursor: None,
            leaves: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of whole lines from line `from`, up to `max_bytes` (at least one line) and not past line `to`; empty when there are none.
    pub fn read_lines(&mut self, from: u64, to: u64, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        if from >= to {
            return Ok(out);
        }
        let starts = match starts(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(out),
            other => other?,
        };
        let Some(mut at) = starts.iter().rposition(|s| *s <= from) else {
            return Ok(out);
        };
        let mut next = from;
        while let Some(start) = starts.get(at).copied() {
            let mut file =
                BufReader::with_capacity(1 << 16, open_file(&lines_file(&self.path, start))?);
            let (mut line, mut offset) = match self.cursor {
                Some((s, line, offset)) if s == start && line <= next => (line, offset),
                _ => (start, 0),
            };
            file.seek(SeekFrom::Start(offset))?;
            let mut buf = Vec::new();
            loop {
                buf.clear();
                // What is longer is no line by far, and is not read to its end.
                let n = file.by_ref().take(SMALL).read_until(b'\n', &mut buf)?;
                if n == 0 || buf.last() != Some(&b'\n') {
                    break;
                }
                if line >= next {
                    if line >= to || (!out.is_empty() && out.len() + n > max_bytes) {
                        self.cursor = Some((start, line, offset));
                        return Ok(out);
                    }
                    out.extend_from_slice(&buf);
                    next = line + 1;
                }
                line += 1;
                offset += n as u64;
            }
            self.cursor = Some((start, line, offset));
            at += 1;
            if starts.get(at).is_some_and(|s| *s != next) {
                break;
            }
        }
        Ok(out)
    }

    /// One line, LF included.
    pub fn line(&mut self, n: u64) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.read_lines(n, n + 1, 1)?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// The tree over the first `size` lines; None when there are fewer. Holds a megabyte of them at a time.
    pub fn frontier(&mut self, size: u64) -> io::Result<Option<Frontier>> {
        let mut frontier = Frontier::default();
        while frontier.size() < size {
            let bytes = self.read_lines(frontier.size(), size, 1 << 20)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                frontier.push(leaf_hash(line));
            }
        }
        Ok(Some(frontier))
    }

    /// Leaf hashes of all whole lines (for proofs). Reads only what is new since the last call.
    pub fn leaves(&mut self) -> io::Result<Vec<Digest>> {
        loop {
            let bytes = self.read_lines(self.leaves.len() as u64, u64::MAX, 1 << 22)?;
            if bytes.is_empty() {
                return Ok(self.leaves.clone());
            }
            self.leaves
                .extend(bytes.split_inclusive(|b| *b == b'\n').map(leaf_hash));
        }
    }

    /// Sizes of the heads stored under `heads/`, ascending.
    pub fn head_sizes(&self) -> io::Result<Vec<u64>> {
        let mut out = Vec::new();
        let dir = match fs::read_dir(self.path.join("heads")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(out),
            other => other?,
        };
        for entry in dir {
            let name = entry?.file_name();
            if let Some(n) = name
                .to_str()
                .and_then(|n| n.strip_suffix(".note"))
                .and_then(|n| n.parse().ok())
            {
                out.push(n);
            }
        }
        out.sort_unstable();
        Ok(out)
    }

    /// A stored head by its path below the folder: `heads/<size>.note`, `head.note` or `cosigned.note`.
    pub fn head(&self, name: &str) -> io::Result<Option<SignedHead>> {
        match read_small(&self.path.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
            Ok(bytes) => SignedHead::parse(&bytes)
                .map(Some)
                .map_err(|e| io::Error::other(format!("{name}: {e}"))),
        }
    }
}

/// A log by the name in its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogName {
    pub number: u64,
    /// Its origin without the number.
    pub base: String,
    pub folder: PathBuf,
}

/// The newest log below `<state>/log` that was begun, by the name in its first line, or where that is damaged, in its newest head: what a
/// log is called is fixed when it is begun. None: no log was ever begun here.
pub fn named(state: &Path) -> io::Result<Option<LogName>> {
    let root = state.join("log");
    let mut numbers = match numbers(&root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    while let Some(number) = numbers.pop() {
        let folder = root.join(number.to_string());
        let mut log = LogFolder::new(&folder);
        let heads = ["head.note", "cosigned.note"].map(|name| log.head(name).ok().flatten());
        let signed = heads.into_iter().flatten().next().map(|h| h.head.origin);
        let origin = begun(&mut log)?.or(signed);
        if let Some((base, _)) = origin.as_deref().and_then(split_origin) {
            let base = base.to_owned();
            return Ok(Some(LogName {
                number,
                base,
                folder,
            }));
        }
    }
    Ok(None)
}

/// The name in a log's first line, when that is as it was written: the second line holds its hash.
fn begun(log: &mut LogFolder) -> io::Result<Option<String>> {
    let lines = [log.line(0)?, log.line(1)?];
    let [Some(first), second] = lines.map(|l| l.and_then(|l| Record::parse(&l).ok())) else {
        return Ok(None);
    };
    let whole = second.is_none_or(|second| second.prev == first.leaf);
    Ok(whole.then_some(first.log))
}

/// Log numbers under `<state>/log`, ascending.
pub(crate) fn numbers(root: &Path) -> io::Result<Vec<u64>> {
    let mut out: Vec<u64> = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Some(n) = entry.file_name().to_str().and_then(|n| n.parse().ok())
        {
            out.push(n);
        }
    }
    out.sort_unstable();
    Ok(out)
}

/// Makes the names in a folder survive a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes a small file whole or not at all: temp file, fsync, rename, fsync folder.
pub fn write_whole(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let dir = path.parent().ok_or_else(|| io::Error::other("no folder"))?;
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .ok_or_else(|| io::Error::other("no file name"))?;
    let temp = dir.join(format!(".{name}.tmp"));
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(if private { 0o600 } else { 0o644 })
        .open(&temp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    sync_dir(dir)
}
