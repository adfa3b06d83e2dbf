//! Adapter: filesystem. The hub's copy of a box's log, in the box's own layout.
//!
//! Lines stay in memory until the head that covers them verifies; then lines, head and countersignature are stored in that
//! order, each synced. So what lies on disk at or below `head.note` is always verified, and a crash leaves at worst lines
//! above it, which are cut at the next opening and sent again by the box.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use shared::{
    check::{Checker, Finding, is_note},
    note::{Head, SignedHead},
    plain,
    record::{Digest, Record},
    schema::{self, Door},
    types::{self, Data},
};

use crate::files::{LINES_PER_FILE, LogFolder, lines_file, starts, sync_dir, write_whole};

/// Most bytes of lines that may wait for their head: an hour of a 32-channel box and more.
const MAX_PENDING: usize = 16 << 20;

/// Most heads that convict which are kept of one log: what comes after them says nothing new.
const MOST_DISPUTED: usize = 200;

/// Why lines or a head of a box's are refused (audit.md 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Less is offered than is held.
    RolledBack,
    /// What is offered has another past than what is held.
    Forked,
    /// A head is signed by a key that is not the log's at that line.
    WrongKey,
    /// What is offered breaks a rule by itself.
    Malformed,
    /// What is held does not match its own head.
    CopyDamaged,
}

impl Refusal {
    /// As the box is told.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::RolledBack => "ROLLED-BACK",
            Refusal::Forked => "FORKED",
            Refusal::WrongKey => "WRONG-KEY",
            Refusal::Malformed => "MALFORMED",
            Refusal::CopyDamaged => "COPY-DAMAGED",
        }
    }

    /// Whether it convicts: two histories of one log, or a key where it has no business. That log is not countersigned any more.
    pub fn convicts(self) -> bool {
        matches!(self, Refusal::Forked | Refusal::WrongKey)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The box's lines or head were refused, and a sentence.
    #[error("{}: {why}", refusal.code())]
    Refused { refusal: Refusal, why: String },
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        source: io::Error,
    },
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.display().to_string();
    move |source| CopyError::Io { what, path, source }
}

fn refused<T>(refusal: Refusal, why: String) -> Result<T, CopyError> {
    Err(CopyError::Refused { refusal, why })
}

/// One box log as the hub holds it (`<hub state>/boxes/<box>/log/<n>/`).
pub struct Copy {
    folder: PathBuf,
    origin: String,
    /// What is stored.
    checker: Checker,
    /// What is stored and pending.
    ahead: Checker,
    /// What the lines stored, and those pending, have used up of what a log may have.
    door: Door,
    door_ahead: Door,
    pending: Vec<u8>,
    pending_records: Vec<Record>,
    head: Option<SignedHead>,
    cosigned: Option<SignedHead>,
}

impl Copy {
    /// Opens or makes the copy; cuts anything above the last stored head.
    pub fn open(folder: &Path, origin: &str) -> Result<Copy, CopyError> {
        fs::create_dir_all(folder.join("heads")).map_err(io_error("make", folder))?;
        let mut log = LogFolder::new(folder);
        let head = log
            .head("head.note")
            .map_err(io_error("read the head in", folder))?;
        let cosigned = log
            .head("cosigned.note")
            .map_err(io_error("read the countersigned head in", folder))?;
        let size = head.as_ref().map_or(0, |h| h.head.size);
        let mut checker = Checker::new(Some(origin));
        let mut findings = Vec::new();
        let mut door = Door::default();
        while checker.size() < size {
            let bytes = log
                .read_lines(checker.size(), size, 1 << 22)
                .map_err(io_error("read", folder))?;
            if bytes.is_empty() {
                break;
            }
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                if let Some(record) = checker.line(line, &mut findings) {
                    door.recall(&record);
                }
                findings.clear();
            }
        }
        if checker.size() != size || head.as_ref().is_some_and(|h| h.head.root != checker.root()) {
            let why = format!(
                "the hub's own copy in {} does not match its stored head; restore it from the box: move the folder aside",
                folder.display()
            );
            return refused(Refusal::CopyDamaged, why);
        }
        cut_above(folder, size).map_err(io_error("tidy", folder))?;
        Ok(Copy {
            folder: folder.to_owned(),
            origin: origin.into(),
            ahead: checker.clone(),
            checker,
            door_ahead: door.clone(),
            door,
            pending: Vec::new(),
            pending_records: Vec::new(),
            head,
            cosigned,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn size(&self) -> u64 {
        self.checker.size()
    }

    pub fn root(&self) -> Digest {
        self.checker.root()
    }

    pub fn checker(&self) -> &Checker {
        &self.checker
    }

    /// What is stored and pending.
    pub fn ahead(&self) -> &Checker {
        &self.ahead
    }

    /// The newest stored head.
    pub fn stored_head(&self) -> Option<&SignedHead> {
        self.head.as_ref()
    }

    /// The newest countersigned head held.
    pub fn cosigned(&self) -> Option<&SignedHead> {
        self.cosigned.as_ref()
    }

    /// The first line of a log of which nothing is held yet, as it waits for its head.
    pub fn opening(&self) -> Option<&Record> {
        let first = self.pending_records.first();
        first.filter(|_| self.checker.size() == 0)
    }

    /// Forgets lines that no head has covered yet (the connection that sent them is gone).
    pub fn forget_pending(&mut self) {
        self.pending.clear();
        self.pending_records.clear();
        self.ahead = self.checker.clone();
        self.door_ahead = self.door.clone();
    }

    /// Takes whole lines that follow on from what is held or pending. Any damage refuses them and drops what is pending.
    pub fn lines(&mut self, bytes: &[u8]) -> Result<Vec<Finding>, CopyError> {
        let mut notes = Vec::new();
        if self.pending.len() + bytes.len() > MAX_PENDING {
            self.forget_pending();
            return refused(
                Refusal::Malformed,
                format!("more than {MAX_PENDING} bytes of lines without a head"),
            );
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let mut findings = Vec::new();
            let (held, first) = (self.size(), self.ahead.size() == self.size());
            let record = self.ahead.line(line, &mut findings);
            if held > 0 && first && findings.iter().any(|f| f.code == "CHAIN-BREAK") {
                self.forget_pending();
                return refused(
                    Refusal::Forked,
                    format!(
                        "the line after {held} lines does not follow on from those held here: the box has another past"
                    ),
                );
            }
            if let Some(damage) = findings.iter().find(|f| !is_note(f.code)) {
                let why = format!("{} at {}: {}", damage.code, damage.place, damage.text);
                self.forget_pending();
                return refused(Refusal::Malformed, why);
            }
            let Some(record) = record else {
                self.forget_pending();
                return refused(Refusal::Malformed, "a line could not be read".into());
            };
            let writer = schema::writer_of(&self.origin).unwrap_or(schema::Writer::Box);
            if let Err(breach) = self.door_ahead.admit(&record, writer) {
                let why = broken(&self.origin, &record, &breach);
                self.forget_pending();
                return refused(Refusal::Malformed, why);
            }
            notes.extend(findings);
            self.pending.extend_from_slice(line);
            self.pending_records.push(record);
        }
        Ok(notes)
    }

    /// Checks a head that covers exactly what is held and pending, stores lines and head (synced), then cosigns with `cosign`
    /// (which adds the hub's signature), stores that, and returns it together with the lines that were new.
    /// The same head again gets the same answer.
    pub fn head(
        &mut self,
        head: SignedHead,
        cosign: impl FnOnce(&mut SignedHead),
    ) -> Result<(SignedHead, Vec<Record>), CopyError> {
        let Head { origin, size, root } = &head.head;
        if *origin != self.origin {
            return refused(
                Refusal::Malformed,
                format!(
                    "a head of {origin} came where one of {} was due",
                    self.origin
                ),
            );
        }
        if *size < self.checker.size() {
            let why = format!(
                "the box offers {size} lines; the hub holds {}",
                self.checker.size()
            );
            self.forget_pending();
            return refused(Refusal::RolledBack, why);
        }
        if *size != self.ahead.size() {
            let why = format!(
                "a head of {size} lines came after {} lines",
                self.ahead.size()
            );
            self.forget_pending();
            return refused(Refusal::Malformed, why);
        }
        if *root != self.ahead.root() {
            self.keep_disputed(&head)?;
            let why = format!("the head of {size} lines signs other lines than were sent");
            self.forget_pending();
            return refused(Refusal::Forked, why);
        }
        if let Err(found) = self.ahead.check_signature(&head) {
            self.keep_disputed(&head)?;
            self.forget_pending();
            let refusal = match found.code {
                "WRONG-KEY" => Refusal::WrongKey,
                _ => Refusal::Malformed,
            };
            return refused(refusal, format!("{}: {}", found.code, found.text));
        }
        if let Some(done) = &self.cosigned
            && done.head == head.head
        {
            return Ok((done.clone(), Vec::new()));
        }
        let plain = SignedHead {
            head: head.head.clone(),
            signatures: head
                .signatures
                .iter()
                .filter(|s| s.name == self.origin)
                .cloned()
                .collect(),
        };
        if let Err(e) = self.store(&plain) {
            // Half-stored lines must not lie in front of the next try.
            let _ = cut_above(&self.folder, self.checker.size());
            self.forget_pending();
            return Err(e);
        }
        self.checker = self.ahead.clone();
        self.door = self.door_ahead.clone();
        self.pending.clear();
        let records = std::mem::take(&mut self.pending_records);
        self.head = Some(plain.clone());
        let mut signed = plain;
        cosign(&mut signed);
        self.put("cosigned.note", &signed)?;
        self.cosigned = Some(signed.clone());
        Ok((signed, records))
    }

    /// Keeps a head that convicts (FORKED, WRONG-KEY …) beside the log as `disputed/<size>-<k>.note`; not more than 200 of them.
    pub fn keep_disputed(&self, head: &SignedHead) -> Result<(), CopyError> {
        let dir = self.folder.join("disputed");
        fs::create_dir_all(&dir).map_err(io_error("make", &dir))?;
        if fs::read_dir(&dir).map_err(io_error("list", &dir))?.count() >= MOST_DISPUTED {
            return Ok(());
        }
        let text = head.render();
        for k in 0..100 {
            let path = dir.join(format!("{}-{k}.note", head.head.size));
            match fs::read(&path) {
                Ok(there) if there == text.as_bytes() => return Ok(()),
                Ok(_) => {}
                Err(_) => {
                    return write_whole(&path, text.as_bytes(), false)
                        .map_err(io_error("write", &path));
                }
            }
        }
        Ok(())
    }

    fn store(&self, head: &SignedHead) -> Result<(), CopyError> {
        self.store_lines()
            .map_err(io_error("store lines in", &self.folder))?;
        let ends = self.pending_records.last().map(|r| r.kind.as_str());
        if matches!(ends, Some(types::KeyRoll::KIND | types::LogClose::KIND)) {
            self.put(&format!("heads/{}.note", head.head.size), head)?;
        }
        self.put("head.note", head)
    }

    fn put(&self, name: &str, head: &SignedHead) -> Result<(), CopyError> {
        let path = self.folder.join(name);
        write_whole(&path, head.render().as_bytes(), false).map_err(io_error("write", &path))
    }

    fn store_lines(&self) -> io::Result<()> {
        let mut n = self.checker.size();
        let mut open: Option<(u64, fs::File, Vec<u8>)> = None;
        let flush = |(_, mut file, bytes): (u64, fs::File, Vec<u8>)| {
            file.write_all(&bytes)?;
            file.sync_data()
        };
        let mut begun = false;
        #[allow(clippy::explicit_counter_loop)]
        // `n` is the line's number, not a count of this loop
        for line in self.pending.split_inclusive(|b| *b == b'\n') {
            let start = n / LINES_PER_FILE * LINES_PER_FILE;
            if open.as_ref().is_none_or(|(s, _, _)| *s != start) {
                if let Some(done) = open.take() {
                    flush(done)?;
                }
                let path = lines_file(&self.folder, start);
                begun |= !path.exists();
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                open = Some((start, file, Vec::new()));
            }
            if let Some((_, _, bytes)) = &mut open {
                bytes.extend_from_slice(line);
            }
            n += 1;
        }
        if let Some(done) = open {
            flush(done)?;
        }
        // The folder's own list of names changes with a new file alone.
        match begun {
            true => sync_dir(&self.folder),
            false => Ok(()),
        }
    }
}

/// What the box is told of a line that breaks its schema.
fn broken(origin: &str, record: &Record, breach: &schema::Breach) -> String {
    format!(
        "line {} of log {origin}, {}: {breach}. Nothing from that line on is taken up; what is held stays, and the box goes on recording. If the box's program is newer than the hub's, install the newer hub; else begin the next log at the box: beadle-edge log succeed",
        record.n,
        plain::plain(&record.kind, 40)
    )
}

/// Removes whatever lies above line `size`: it was never under a verified head.
fn cut_above(folder: &Path, size: u64) -> io::Result<()> {
    for start in starts(folder)? {
        let path = lines_file(folder, start);
        if start >= size {
            fs::remove_file(&path)?;
            continue;
        }
        let keep = (size - start).min(LINES_PER_FILE) as usize;
        let bytes = fs::read(&path)?;
        let end: usize = bytes
            .split_inclusive(|b| *b == b'\n')
            .take(keep)
            .map(<[u8]>::len)
            .sum();
        if end < bytes.len() {
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(end as u64)?;
            file.sync_all()?;
        }
    }
    sync_dir(folder)
}
