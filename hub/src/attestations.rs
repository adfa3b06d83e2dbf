//! Adapter: filesystem. Heads of the hub's log that others stamp and attest, what of that waits, and what they answered, in `outside/` below the
//! log's folder.
//!
//! ```text
//! <size, 20 digits>.note          a head: signed by the log, countersigned by the hub, cosigned by witnesses
//! <size>.<whom>.due               it is to be sent there: since when, in milliseconds since 1970
//! <size>.<authority>.tsr          its answer, as it came (`openssl ts -verify -in`)
//! <size>.<witness>.ask            what a witness that fetches it is to attest
//! <witness>.size                  lines of the head that it attested last
//! edge                            what the next proof need not hash again: so many lines, and the roots of their perfect subtrees (base64), largest first
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use shared::{
    note::{SignedHead, b64, from_b64},
    record::Digest,
    time::Utc,
    tree::Frontier,
};

use crate::files::{self, FileError, failed};

/// Below a log's folder.
pub const FOLDER: &str = "outside";

pub struct Store(PathBuf);

/// A head that waits to be sent to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub size: u64,
    pub whom: String,
    pub since: Utc,
}

/// A head and the time stamps over it.
#[derive(Clone, Debug)]
pub struct StampedHead {
    pub head: SignedHead,
    /// Name of the authority, and where its answer lies.
    pub stamps: Vec<(String, PathBuf)>,
}

impl Store {
    pub fn new(log: &Path) -> Self {
        Self(log.join(FOLDER))
    }

    fn note(&self, size: u64) -> PathBuf {
        self.0.join(format!("{size:020}.note"))
    }

    fn due_path(&self, size: u64, whom: &str) -> PathBuf {
        self.0.join(format!("{size:020}.{whom}.due"))
    }

    /// Where an authority's answer about a head lies.
    pub fn stamp(&self, size: u64, authority: &str) -> PathBuf {
        self.0.join(format!("{size:020}.{authority}.tsr"))
    }

    /// Keeps a head that all of these are to be sent.
    pub fn queue(&self, head: &SignedHead, whom: &[String], now: Utc) -> Result<(), FileError> {
        files::private_dir(&self.0)?;
        let size = head.head.size;
        let note = self.note(size);
        if !note.exists() {
            files::write_whole(&note, head.render().as_bytes(), 0o640)?;
        }
        for whom in whom {
            let path = self.due_path(size, whom);
            files::write_whole(&path, now.0.to_string().as_bytes(), 0o640)?;
        }
        Ok(())
    }

    /// Size and rest of the name of every file here, by size.
    fn names(&self) -> Result<Vec<(u64, String)>, FileError> {
        let entries = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed("list", &self.0))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.0))?;
            let name = entry.file_name();
            let parts = name.to_str().and_then(|n| n.split_once('.'));
            if let Some((size, rest)) = parts
                && let Ok(size) = size.parse()
            {
                all.push((size, rest.to_owned()));
            }
        }
        all.sort();
        Ok(all)
    }

    /// All that waits, the oldest head first.
    pub fn due(&self) -> Result<Vec<Due>, FileError> {
        let mut all = Vec::new();
        for (size, rest) in self.names()? {
            let Some(whom) = rest.strip_suffix(".due") else {
                continue;
            };
            let since = files::read_text(&self.due_path(size, whom))?;
            all.push(Due {
                size,
                whom: whom.to_owned(),
                // One that cannot be read has waited for ever, and is sent at once.
                since: Utc(since.trim().parse().unwrap_or(0)),
            });
        }
        Ok(all)
    }

    /// It need not be sent any more.
    pub fn settled(&self, size: u64, whom: &str) -> Result<(), FileError> {
        let path = self.due_path(size, whom);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(e)),
            _ => Ok(()),
        }
    }

    /// The same of this and every older head.
    pub fn settled_to(&self, size: u64, whom: &str) -> Result<(), FileError> {
        for (of, rest) in self.names()? {
            let mine = [".due", ".ask"].map(|end| format!("{whom}{end}"));
            if of <= size && mine.contains(&rest) {
                let path = self.0.join(format!("{of:020}.{rest}"));
                std::fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Lays out what a witness is to attest.
    pub fn put_ask(&self, size: u64, whom: &str, text: &str) -> Result<(), FileError> {
        let path = self.0.join(format!("{size:020}.{whom}.ask"));
        files::write_whole(&path, text.as_bytes(), 0o640)
    }

    pub fn is_laid_out(&self, size: u64, whom: &str) -> bool {
        self.0.join(format!("{size:020}.{whom}.ask")).exists()
    }

    /// The newest that is laid out for it.
    pub fn ask(&self, whom: &str) -> Result<Option<String>, FileError> {
        let name = format!("{whom}.ask");
        let names = self.names()?;
        let last = names.iter().rev().find(|(_, rest)| *rest == name);
        let path = last.map(|(size, rest)| self.0.join(format!("{size:020}.{rest}")));
        path.map(|path| files::read_text(&path)).transpose()
    }

    /// How many lines a witness attested last.
    pub fn seen_by(&self, whom: &str) -> Result<Option<u64>, FileError> {
        let path = self.0.join(format!("{whom}.size"));
        match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            text => Ok(text.map_err(failed("read", &path))?.trim().parse().ok()),
        }
    }

    pub fn put_seen_by(&self, whom: &str, size: u64) -> Result<(), FileError> {
        let path = self.0.join(format!("{whom}.size"));
        files::write_whole(&path, format!("{size}\n").as_bytes(), 0o640)
    }

    /// The right edge of the log's tree where the last proof ended; none where there is none that can be read.
    pub fn edge(&self) -> Result<Option<Frontier>, FileError> {
        let path = self.0.join("edge");
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(failed("read", &path))?,
        };
        let mut lines = text.lines();
        let size = lines.next().and_then(|size| size.parse().ok());
        let peak = |line: &str| Digest::try_from(from_b64(line)?.as_slice()).ok();
        let peaks = lines.map(peak).collect::<Option<Vec<Digest>>>();
        Ok(size
            .zip(peaks)
            .and_then(|(size, peaks)| Frontier::from_peaks(size, peaks)))
    }

    pub fn put_edge(&self, edge: &Frontier) -> Result<(), FileError> {
        let mut text = format!("{}\n", edge.size());
        for peak in edge.peaks() {
            text += &format!("{}\n", b64(peak));
        }
        files::write_whole(&self.0.join("edge"), text.as_bytes(), 0o640)
    }

    /// A head that is kept here.
    pub fn head(&self, size: u64) -> Result<Option<SignedHead>, FileError> {
        let path = self.note(size);
        match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => {
                let bytes = bytes.map_err(failed("read", &path))?;
                let head = SignedHead::parse(&bytes).map_err(|e| {
                    failed("read", &path)(io::Error::new(io::ErrorKind::InvalidData, e))
                })?;
                Ok(Some(head))
            }
        }
    }

    /// The newest head that is kept here.
    pub fn newest(&self) -> Result<Option<SignedHead>, FileError> {
        let names = self.names()?;
        let last = names.iter().rev().find(|(_, rest)| rest == "note");
        last.map_or(Ok(None), |(size, _)| self.head(*size))
    }

    /// Keeps an authority's answer.
    pub fn put_stamp(&self, size: u64, authority: &str, answer: &[u8]) -> Result<(), FileError> {
        files::write_whole(&self.stamp(size, authority), answer, 0o640)
    }

    /// Keeps a head with one cosignature more.
    pub fn put_head(&self, head: &SignedHead) -> Result<(), FileError> {
        let path = self.note(head.head.size);
        files::write_whole(&path, head.render().as_bytes(), 0o640)
    }

    /// Every head, the oldest first, with its stamps.
    pub fn kept(&self) -> Result<Vec<StampedHead>, FileError> {
        let names = self.names()?;
        let mut all = Vec::new();
        for (size, _) in names.iter().filter(|(_, rest)| rest == "note") {
            let Some(head) = self.head(*size)? else {
                continue;
            };
            let stamps = names.iter().filter(|(of, _)| of == size);
            let stamps = stamps.filter_map(|(_, rest)| rest.strip_suffix(".tsr"));
            all.push(StampedHead {
                head,
                stamps: stamps
                    .map(|whom| (whom.to_owned(), self.stamp(*size, whom)))
                    .collect(),
            });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::LogBuilder;

    use super::*;

    /// AUD-4: what waits survives a restart, oldest head first; what was answered lies beside its head.
    #[test]
    fn what_waits_is_files() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::new(folder.path());
        assert_eq!(store.due().expect("due"), []);
        let mut log = LogBuilder::new("cctv.example.gov.uk/hub/1");
        let whom = ["north".to_owned(), "south".to_owned()];
        for n in 0..2 {
            log.beat();
            store
                .queue(&log.cosigned(), &whom, Utc(1000 + n))
                .expect("queued");
        }
        let store = Store::new(folder.path());
        let due = store.due().expect("due");
        assert_eq!(due.len(), 4);
        assert!(due[0].size < due[3].size && due[0].since == Utc(1000));
        store
            .put_stamp(due[0].size, "north", b"answer")
            .expect("kept");
        store.settled(due[0].size, "north").expect("settled");
        store.settled(due[0].size, "north").expect("again");
        assert_eq!(store.due().expect("due").len(), 3);
        let kept = store.kept().expect("kept");
        assert_eq!(
            (kept.len(), kept[0].stamps.len(), kept[1].stamps.len()),
            (2, 1, 0)
        );
        assert_eq!(store.newest().expect("newest"), Some(log.cosigned()));
    }
}
