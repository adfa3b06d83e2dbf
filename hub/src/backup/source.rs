//! Adapter: filesystem. What of a hub's folders a backup has: which files, and how much of those that grow.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    error::{BackupError, file},
    format::Root,
};

/// What of the state folder is in a backup; hub.sqlite as the copy of one moment.
pub(super) const TAKEN: [&str; 6] = [
    "hub.toml",
    "declaration.txt",
    "keys",
    "log",
    "boxes",
    "hub.sqlite",
];
/// What is not: what is being fetched, which is fetched again; sockets and locks; the copy that backups are made of; SQLite's own.
pub(super) const LEFT: [&str; 7] = [
    "exhibits",
    "run",
    "backup",
    "hub.sqlite-wal",
    "hub.sqlite-shm",
    "lost+found",
    "restore.json",
];

/// How much of a file is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Upto {
    /// All of it.
    End,
    /// Its whole lines.
    Lines,
    /// So many lines.
    Count(u64),
    /// These bytes in its place.
    Instead(Vec<u8>),
}

/// A file to be backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub root: Root,
    pub path: String,
    pub at: PathBuf,
    pub upto: Upto,
    /// It may be gone by the time it is read: evidence is disposed of meanwhile.
    pub may_go: bool,
}

/// The hub's own log in the moment that a backup shows: the folder of its newest, its number, its lines, and the head that covers them.
pub struct OwnPart {
    pub number: u64,
    pub size: u64,
    /// As its notes have it.
    pub head: String,
}

/// Every file, in the order in which it is to be read: of a log first what says how far it is signed, then its lines.
pub(super) fn gather(
    state: &Path,
    evidence: &Path,
    records: &Path,
    own: &OwnPart,
) -> Result<Vec<Source>, BackupError> {
    let mut all = Vec::new();
    let mut state_file = |path: &str, at: PathBuf| {
        all.push(Source {
            root: Root::State,
            path: path.to_owned(),
            at,
            upto: Upto::End,
            may_go: false,
        });
    };
    for name in ["hub.toml", "declaration.txt"] {
        if state.join(name).exists() {
            state_file(name, state.join(name));
        }
    }
    state_file("hub.sqlite", records.to_owned());
    let keys = state.join("keys");
    for name in names(&keys)? {
        let at = keys.join(&name);
        if at.is_file() && !name.ends_with(".tmp") {
            state_file(&format!("keys/{name}"), at);
        }
    }
    own_log(state, own, &mut all)?;
    below(&state.join("boxes"), "boxes", Root::State, &mut all)?;
    below(evidence, "", Root::Evidence, &mut all)?;
    Ok(all)
}

fn names(folder: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(file("list", folder))?,
    };
    let mut out = Vec::new();
    for entry in entries {
        let name = entry.map_err(file("list", folder))?.file_name();
        out.push(name.to_string_lossy().into_owned());
    }
    // Notes before lines, then by name.
    out.sort_by_key(|name| (!name.ends_with(".note"), name.clone()));
    Ok(out)
}

/// All files below a folder; what is being made (hidden) is not there yet.
fn below(folder: &Path, path: &str, root: Root, all: &mut Vec<Source>) -> Result<(), BackupError> {
    for name in names(folder)? {
        if name.starts_with('.') || name.ends_with(".tmp") || name == "lost+found" {
            continue;
        }
        let (at, path) = (folder.join(&name), joined(path, &name));
        let is = match at.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(file("look at", &at))?,
        };
        if is.is_dir() {
            below(&at, &path, root, all)?;
        } else if is.is_file() {
            let lines = root == Root::State && name.ends_with(".jsonl");
            all.push(Source {
                root,
                path,
                at,
                upto: if lines { Upto::Lines } else { Upto::End },
                may_go: root == Root::Evidence,
            });
        }
    }
    Ok(())
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    }
}

/// The hub's own logs. Their private keys stay here: a hub that was put back begins its next log, with a key of its own.
fn own_log(state: &Path, own: &OwnPart, all: &mut Vec<Source>) -> Result<(), BackupError> {
    let root = state.join("log");
    for name in names(&root)? {
        let at = root.join(&name);
        let Ok(number) = name.parse::<u64>() else {
            continue;
        };
        let mut files = Vec::new();
        below(&at, &format!("log/{name}"), Root::State, &mut files)?;
        for mut source in files {
            let last = source
                .path
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            if number > own.number || last == "resume.json" {
                continue;
            }
            if number == own.number {
                match last.as_str() {
                    "head.note" | "cosigned.note" => {
                        source.upto = Upto::Instead(own.head.clone().into_bytes());
                    }
                    _ => {
                        let first = last
                            .strip_suffix(".jsonl")
                            .and_then(|n| n.parse::<u64>().ok());
                        match first {
                            Some(first) if first >= own.size => continue,
                            Some(first) => source.upto = Upto::Count(own.size - first),
                            // A head of one file's size that lies beyond the moment.
                            None if beyond(&source.path, own.size) => continue,
                            None => {}
                        }
                    }
                }
            }
            all.push(source);
        }
    }
    Ok(())
}

/// A kept head of more lines than that.
fn beyond(path: &str, size: u64) -> bool {
    let of = path.split_once("/heads/").map(|(_, name)| name);
    let n = of.and_then(|name| name.strip_suffix(".note")?.parse::<u64>().ok());
    n.is_some_and(|n| n > size)
}

/// What is to be taken of a file, and its rights: a reader of no more than that, and how many bytes it gives. None: it is gone.
pub(super) fn open(source: &Source) -> Result<Option<(Box<dyn Read>, u64, u32)>, BackupError> {
    let failed = || file("read", &source.at);
    let mut from = match File::open(&source.at) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && source.may_go => return Ok(None),
        other => other.map_err(failed())?,
    };
    let is = from.metadata().map_err(failed())?;
    let mode = is.permissions().mode() & 0o777;
    let bytes = match &source.upto {
        Upto::End => is.len(),
        Upto::Lines => whole_lines(&mut from, is.len()).map_err(failed())?,
        Upto::Count(lines) => first_lines(&mut from, *lines).map_err(failed())?,
        Upto::Instead(bytes) => {
            let len = bytes.len() as u64;
            return Ok(Some((Box::new(io::Cursor::new(bytes.clone())), len, mode)));
        }
    };
    from.rewind().map_err(failed())?;
    Ok(Some((Box::new(from.take(bytes)), bytes, mode)))
}

/// Up to and with the last end of a line.
fn whole_lines(from: &mut File, len: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = len;
    let mut block = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(BLOCK);
        block.clear();
        from.seek(SeekFrom::Start(begin))?;
        Read::take(&mut *from, end - begin).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|b| *b == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

/// Bytes of the first so many lines; of all whole ones where there are fewer.
fn first_lines(from: &mut File, lines: u64) -> io::Result<u64> {
    from.rewind()?;
    let (mut seen, mut at, mut end) = (0, 0u64, 0);
    let mut block = vec![0; 1 << 20];
    while seen < lines {
        let n = from.read(&mut block)?;
        if n == 0 {
            break;
        }
        for (i, b) in block[..n].iter().enumerate() {
            if *b == b'\n' {
                seen += 1;
                end = at + i as u64 + 1;
                if seen == lines {
                    break;
                }
            }
        }
        at += n as u64;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-3: of a log that grows, whole lines are taken, and of the hub's own as many as the head of the moment covers.
    #[test]
    fn so_much_of_what_grows() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("lines");
        let long = "x".repeat(200_000);
        for (text, whole, two) in [
            ("", 0, 0),
            ("a\nbc", 2, 2),
            ("a\nbc\nd\n", 7, 5),
            (&format!("a\n{long}") as &str, 2, 2),
        ] {
            fs::write(&path, text).expect("written");
            let mut from = File::open(&path).expect("file");
            assert_eq!(
                whole_lines(&mut from, text.len() as u64).expect("read"),
                whole
            );
            assert_eq!(first_lines(&mut from, 2).expect("read"), two);
        }
        assert!(beyond("log/1/heads/0000000012.note", 11));
        assert!(!beyond("log/1/heads/0000000011.note", 11));
        assert!(!beyond("log/1/months/2026-12.note", 1));
    }
}
