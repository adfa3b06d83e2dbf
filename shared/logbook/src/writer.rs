//! Adapter: filesystem. One log, open for writing: appends, syncs, signs, rolls its key, recovers after a crash.
//!
//! Invariant: bytes on disk come first. Nothing is acknowledged that `fdatasync` has not seen; no head is signed over lines
//! that were not read back from disk; nothing at or below a signed head is ever changed by recovery.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise};
use shared::{
    note::{Cosigned, Head, SignedHead, Vkey},
    record::{self, Digest, Envelope, Record, hex, leaf_hash, sha256},
    time::{Clock, Now},
    tree::Frontier,
    types::{self, Data},
};

use crate::{
    files::{LINES_PER_FILE, lines_file, starts, sync_dir, write_whole},
    handle::{Line, Opened},
    keys::Keys,
};

/// A writer that has been silent this long starts anew (audit.md 2.1).
const STALL_MS: u64 = 75_000;
/// Difference between the two clocks that needs a `clock.step` line before the next one. The rule is 250 ms; the writer
/// speaks earlier, so that rounding can never make the verifier see a step it did not log.
const STEP_MS: i64 = 200;
/// Space set aside so that the log can be written when the disk is full.
const RESERVE_BYTES: i64 = 64 << 20;
/// A head at least every so many lines.
pub const LINES_PER_HEAD: u64 = 512;

/// What a log is and who writes it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Origin without the number, e.g. `cctv.example.gov.uk/box/ashby` or `cctv.example.gov.uk/hub`.
    pub base: String,
    pub site: String,
    pub hw: String,
    pub sw: String,
    /// How long a log key lives: an hour on a box, a year at the hub.
    pub key_life: Duration,
    /// True on a box: countersignatures are logged as `head.ack`.
    pub acks: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{0}")]
    Refused(String),
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("the log has stopped: {0}")]
    Stopped(String),
}

pub(crate) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.display().to_string();
    move |source| LogError::Io { what, path, source }
}

/// Types after which a head is signed at once.
fn head_at_once(kind: &str) -> bool {
    kind.starts_with("exp.")
        || kind.starts_with("hold.")
        || matches!(
            kind,
            "mask.set" | "del.range" | "clock.step" | "key.roll" | "log.close"
        )
}

pub(crate) struct Writer {
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// `<state>/log`
    root: PathBuf,
    /// `<state>/log/<number>`
    folder: PathBuf,
    origin: String,
    keys: Keys,
    /// Wall time at which the key in force was named.
    key_since: shared::time::Utc,
    boot: u64,
    /// See [`Writer::head_due`].
    head_due: bool,
    file: File,
    file_start: u64,
    /// Bytes of whole lines in the file.
    file_bytes: u64,
    frontier: Frontier,
    prev: Digest,
    /// Clocks of the last line of this start.
    last: Option<Now>,
    unsynced: bool,
    /// What the newest head covers, and where the lines after it begin: (file, byte).
    signed: Frontier,
    signed_at: (u64, u64),
    signed_mono: u64,
    head: Option<SignedHead>,
    cosigned: Option<SignedHead>,
    acked: u64,
    /// Roots of heads we signed, by size: what a countersignature may refer to.
    roots: BTreeMap<u64, Digest>,
    stopped: Option<String>,
}

/// A log folder as recovery finds it.
struct Found {
    frontier: Frontier,
    prev: Digest,
    last: Option<Record>,
    in_force: Option<(u64, Vkey, shared::time::Utc)>,
    acked: u64,
    signed: Frontier,
    signed_at: (u64, u64),
    file_start: u64,
    file_bytes: u64,
    torn: Option<(u64, Digest)>,
}

impl Writer {
    pub fn open(
        state: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Opened), LogError> {
        let root = state.join("log");
        fs::create_dir_all(&root).map_err(io_error("make", &root))?;
        reserve(&root);
        let newest = numbers(&root).map_err(io_error("list", &root))?.pop();
        let (mut writer, opened) = match newest {
            None => Self::begin(root, 1, settings, clock, None, None)?,
            Some(number) => match Self::resume(&root, number, &settings, &clock)? {
                Ok(done) => done,
                Err(why) => {
                    // Not repaired: the old log is closed as it stands and a successor cites the last head the hub saw.
                    tracing::error!(
                        number,
                        why,
                        "log cannot be carried on; opening its successor"
                    );
                    let folder = root.join(number.to_string());
                    let pred = fs::read(folder.join("cosigned.note"))
                        .ok()
                        .and_then(|b| SignedHead::parse(&b).ok())
                        .map(|h| types::Pred {
                            log: h.head.origin.clone(),
                            size: h.head.size,
                            root: B64.encode(h.head.root),
                        });
                    Self::begin(root, number + 1, settings, clock, pred, Some(why))?
                }
            },
        };
        writer.sign()?;
        Ok((writer, opened))
    }

    /// Starts log `number` with `log.open` and `sys.boot`.
    fn begin(
        root: PathBuf,
        number: u64,
        settings: Settings,
        clock: Arc<dyn Clock>,
        pred: Option<types::Pred>,
        succeeded: Option<String>,
    ) -> Result<(Self, Opened), LogError> {
        let folder = root.join(number.to_string());
        let origin = format!("{}/{number}", settings.base);
        fs::create_dir_all(folder.join("heads")).map_err(io_error("make", &folder))?;
        let boot = next_boot(&root, 0)?;
        let keys =
            Keys::make(&root.join("keys"), &origin).map_err(io_error("make keys in", &root))?;
        let path = lines_file(&folder, 0);
        let file = append_to(&path).map_err(io_error("make", &path))?;
        sync_dir(&folder)
            .and_then(|()| sync_dir(&root))
            .map_err(io_error("sync", &folder))?;
        let now = clock.now();
        let mut writer = Self {
            clock,
            root,
            folder,
            origin: origin.clone(),
            keys,
            key_since: now.wall,
            boot,
            head_due: false,
            file,
            file_start: 0,
            file_bytes: 0,
            frontier: Frontier::default(),
            prev: [0; 32],
            last: None,
            unsynced: false,
            signed: Frontier::default(),
            signed_at: (0, 0),
            signed_mono: now.mono,
            head: None,
            cosigned: None,
            acked: 0,
            roots: BTreeMap::new(),
            stopped: None,
            settings,
        };
        let by = if number == 1 {
            vec![]
        } else {
            vec!["sys:log".to_string()]
        };
        let s = &writer.settings;
        let open = types::LogOpen {
            key: writer.keys.vkey().to_string(),
            site: s.site.clone(),
            hw: s.hw.clone(),
            sw: s.sw.clone(),
            pred,
            by,
        };
        let sw = s.sw.clone();
        writer.line("sys:log", &open)?;
        let why = if succeeded.is_some() {
            "restore"
        } else {
            "start"
        };
        writer.line(
            "sys:log",
            &types::SysBoot {
                why: why.into(),
                last_n: -1,
                sw,
            },
        )?;
        writer.sync()?;
        let opened = Opened {
            origin,
            number,
            boot,
            size: 0,
            torn: 0,
            succeeded,
        };
        Ok((writer, opened))
    }

    /// Carries on log `number`. `Ok(Err(why))` when it must not be: shorter than or different from its own newest head.
    #[allow(clippy::type_complexity)]
    fn resume(
        root: &Path,
        number: u64,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Result<(Self, Opened), String>, LogError> {
        let folder = root.join(number.to_string());
        let origin = format!("{}/{number}", settings.base);
        let heads = crate::files::LogFolder::new(&folder);
        let head = match heads.head("head.note") {
            Ok(h) => h,
            Err(e) => return Ok(Err(format!("its newest head cannot be read: {e}"))),
        };
        let cosigned = match heads.head("cosigned.note") {
            Ok(h) => h,
            Err(e) => {
                return Ok(Err(format!(
                    "its newest countersigned head cannot be read: {e}"
                )));
            }
        };
        let signed_size = head.as_ref().map_or(0, |h| h.head.size);
        let found = match scan(&folder, &origin, signed_size)? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(h) = &head {
            if found.signed.size() != h.head.size {
                return Ok(Err(format!(
                    "it has {} lines where its newest head signs {}",
                    found.frontier.size(),
                    h.head.size
                )));
            }
            if found.signed.root() != h.head.root {
                return Ok(Err(format!(
                    "its first {} lines are not those its newest head signed",
                    h.head.size
                )));
            }
        }
        if let Some(c) = &cosigned
            && c.head.size > found.frontier.size()
        {
            return Ok(Err(format!(
                "it has {} lines where the hub countersigned {}",
                found.frontier.size(),
                c.head.size
            )));
        }
        let Some((key_line, in_force, key_since)) = found.in_force.clone() else {
            // No whole log.open line was ever written: nothing is lost by starting this log over.
            fs::remove_dir_all(&folder).map_err(io_error("clear", &folder))?;
            return Self::begin(
                root.to_owned(),
                number,
                settings.clone(),
                clock.clone(),
                None,
                None,
            )
            .map(Ok);
        };
        let Some(keys) = Keys::open(&root.join("keys"), &origin, &in_force)
            .map_err(io_error("open keys in", root))?
        else {
            return Ok(Err(
                "its key is not on this disk (a restored or copied disk)".into(),
            ));
        };
        let last = found.last.clone();
        let boot = next_boot(root, last.as_ref().map_or(0, |r| r.boot))?;
        let path = lines_file(&folder, found.file_start);
        let file = append_to(&path).map_err(io_error("open", &path))?;
        let now = clock.now();
        let mut roots = BTreeMap::new();
        for size in heads.head_sizes().map_err(io_error("list", &folder))? {
            if let Ok(Some(h)) = heads.head(&format!("heads/{size}.note")) {
                roots.insert(size, h.head.root);
            }
        }
        if let Some(h) = &head {
            roots.insert(h.head.size, h.head.root);
        }
        let size = found.frontier.size();
        let mut writer = Self {
            settings: settings.clone(),
            clock: clock.clone(),
            root: root.to_owned(),
            folder,
            origin: origin.clone(),
            keys,
            key_since,
            boot,
            head_due: false,
            file,
            file_start: found.file_start,
            file_bytes: found.file_bytes,
            frontier: found.frontier,
            prev: found.prev,
            last: None,
            unsynced: false,
            signed: found.signed,
            signed_at: found.signed_at,
            signed_mono: now.mono,
            head,
            cosigned,
            acked: found.acked,
            roots,
            stopped: None,
        };
        if writer.keys.rolling() {
            // Cut between the key.roll line and the old key's last head.
            if writer.frontier.size() != key_line + 1 {
                return Ok(Err(
                    "lines follow a key change that was never finished".into()
                ));
            }
            writer.sign_roll()?;
        }
        let why = match &last {
            Some(r) if r.kind == types::SysStop::KIND => "start",
            _ => "crash",
        };
        let sw = writer.settings.sw.clone();
        writer.line(
            "sys:log",
            &types::SysBoot {
                why: why.into(),
                last_n: size as i64 - 1,
                sw,
            },
        )?;
        if let Some((bytes, digest)) = found.torn {
            writer.line(
                "sys:log",
                &types::LogTorn {
                    bytes,
                    sha256: hex(&digest),
                },
            )?;
        }
        if let (Some(before), Some(now)) = (&last, writer.last)
            && now.wall < before.t
        {
            let delta_ms = now.wall.0 - before.t.0;
            writer.line(
                "sys:log",
                &types::ClockStep {
                    delta_ms,
                    src: "start".into(),
                },
            )?;
        }
        writer.sync()?;
        let opened = Opened {
            origin,
            number,
            boot,
            size,
            torn: found.torn.map_or(0, |t| t.0),
            succeeded: None,
        };
        Ok(Ok((writer, opened)))
    }

    /// Appends one line (and, before it, what the clocks make necessary). Not yet synced.
    pub fn append(
        &mut self,
        kind: &str,
        who: &str,
        data: &serde_json::value::RawValue,
    ) -> Result<Line, LogError> {
        if let Some(why) = &self.stopped {
            return Err(LogError::Stopped(why.clone()));
        }
        if let Some(last) = self.last {
            let now = self.clock.now();
            let mono = now.mono.saturating_sub(last.mono);
            let step = (now.wall.0 - last.wall.0) - mono as i64;
            if mono > STALL_MS {
                let last_n = self.frontier.size() as i64 - 1;
                self.boot = next_boot(&self.root, self.boot)?;
                self.last = None;
                let sw = self.settings.sw.clone();
                self.line(
                    "sys:log",
                    &types::SysBoot {
                        why: "stall".into(),
                        last_n,
                        sw,
                    },
                )?;
            } else if step.abs() > STEP_MS && kind != types::ClockStep::KIND {
                self.line(
                    "sys:log",
                    &types::ClockStep {
                        delta_ms: step,
                        src: "jump".into(),
                    },
                )?;
            }
        }
        self.raw(kind, who, &data)
    }

    fn line<D: Data>(&mut self, who: &str, data: &D) -> Result<Line, LogError> {
        self.raw(D::KIND, who, data)
    }

    fn raw(
        &mut self,
        kind: &str,
        who: &str,
        data: &impl serde::Serialize,
    ) -> Result<Line, LogError> {
        if self.frontier.size() > 0
            && self.frontier.size().is_multiple_of(LINES_PER_FILE)
            && self.file_start != self.frontier.size()
        {
            self.next_file()?;
        }
        let mut now = self.clock.now();
        if let Some(last) = self.last {
            now.mono = now.mono.max(last.mono);
        }
        let n = self.frontier.size();
        self.head_due |= head_at_once(kind);
        let envelope = Envelope {
            log: &self.origin,
            n,
            prev: &self.prev,
            now,
            boot: self.boot,
            kind,
            who,
        };
        let bytes = record::render(&envelope, data)
            .map_err(|e| LogError::Refused(format!("a {kind} line cannot be written: {e}")))?;
        self.write(&bytes)?;
        let leaf = leaf_hash(&bytes);
        self.frontier.push(leaf);
        self.prev = leaf;
        self.last = Some(now);
        self.file_bytes += bytes.len() as u64;
        self.unsynced = true;
        Ok(Line {
            n,
            leaf,
            t: now.wall,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        let path = lines_file(&self.folder, self.file_start);
        let mut result = self.file.write_all(bytes);
        if result
            .as_ref()
            .is_err_and(|e| e.kind() == io::ErrorKind::StorageFull)
        {
            // Everything else may fill the disk; the log may still say so.
            let _ = self.file.set_len(self.file_bytes);
            let _ = fs::remove_file(self.root.join("reserve"));
            result = self.file.write_all(bytes);
        }
        result.map_err(|e| {
            // Half a line must not stay in front of the next one.
            if let Err(cut) = self.file.set_len(self.file_bytes) {
                self.stopped = Some(format!(
                    "half a line could not be taken back from {}: {cut}",
                    path.display()
                ));
            }
            LogError::Io {
                what: "write",
                path: path.display().to_string(),
                source: e,
            }
        })
    }

    fn next_file(&mut self) -> Result<(), LogError> {
        self.sync()?;
        let start = self.frontier.size();
        let path = lines_file(&self.folder, start);
        self.file = append_to(&path).map_err(io_error("make", &path))?;
        sync_dir(&self.folder).map_err(io_error("sync", &self.folder))?;
        self.file_start = start;
        self.file_bytes = 0;
        Ok(())
    }

    pub fn sync(&mut self) -> Result<(), LogError> {
        if self.unsynced {
            // After a failed fdatasync the kernel may have dropped the pages: what it then says about them is worth nothing.
            if let Err(e) = self.file.sync_data() {
                self.stopped = Some(format!("the disk did not keep the last lines: {e}"));
                return Err(LogError::Io {
                    what: "sync",
                    path: lines_file(&self.folder, self.file_start)
                        .display()
                        .to_string(),
                    source: e,
                });
            }
            self.unsynced = false;
        }
        Ok(())
    }

    /// Signs a head over everything written, unless the newest head says so already.
    pub fn sign(&mut self) -> Result<SignedHead, LogError> {
        self.sync()?;
        if let Some(head) = &self.head
            && head.head.size == self.frontier.size()
        {
            return Ok(head.clone());
        }
        self.read_back()?;
        let head = Head {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        let vkey = self.keys.vkey();
        let signed = SignedHead::sign(head, &vkey, |bytes| self.keys.sign(bytes));
        self.store(signed.clone())?;
        Ok(signed)
    }

    fn store(&mut self, signed: SignedHead) -> Result<(), LogError> {
        let path = self.folder.join("head.note");
        write_whole(&path, signed.render().as_bytes(), false).map_err(io_error("write", &path))?;
        self.roots.insert(signed.head.size, signed.head.root);
        while self.roots.len() > 8192 {
            self.roots.pop_first();
        }
        self.head = Some(signed);
        self.head_due = false;
        self.signed_mono = self.clock.now().mono;
        Ok(())
    }

    /// Reads the lines since the newest head back from the disk itself and compares their root with ours.
    fn read_back(&mut self) -> Result<(), LogError> {
        let mut frontier = self.signed.clone();
        let (mut start, mut offset) = self.signed_at;
        loop {
            let path = lines_file(&self.folder, start);
            let mut file = File::open(&path).map_err(io_error("read back", &path))?;
            // Clean pages of this span leave the cache, so the read below asks the disk.
            let _ = posix_fadvise(
                &file,
                offset as i64,
                0,
                PosixFadviseAdvice::POSIX_FADV_DONTNEED,
            );
            file.seek(SeekFrom::Start(offset))
                .map_err(io_error("read back", &path))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .map_err(io_error("read back", &path))?;
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                frontier.push(leaf_hash(line));
            }
            offset += bytes.len() as u64;
            if start == self.file_start {
                break;
            }
            start += LINES_PER_FILE;
            offset = 0;
        }
        if frontier != self.frontier {
            let why =
                "the disk gave back other bytes than were written; nothing was signed over them"
                    .to_string();
            self.stopped = Some(why.clone());
            return Err(LogError::Stopped(why));
        }
        self.signed = frontier;
        self.signed_at = (self.file_start, offset);
        Ok(())
    }

    /// Replaces the log key (audit.md 2.6): new key on disk, line, the old key's last head, old key destroyed.
    pub fn roll(&mut self) -> Result<(), LogError> {
        let new = self
            .keys
            .prepare()
            .map_err(io_error("write keys in", &self.root))?;
        let data = serde_json::value::to_raw_value(&types::KeyRoll {
            new: new.to_string(),
        })
        .map_err(|e| LogError::Refused(e.to_string()))?;
        self.append(types::KeyRoll::KIND, "sys:log", &data)?;
        self.sign_roll()
    }

    fn sign_roll(&mut self) -> Result<(), LogError> {
        let head = self.sign()?;
        self.keep(&head)?;
        self.keys
            .finish()
            .map_err(io_error("replace the key in", &self.root))?;
        self.key_since = self.clock.now().wall;
        reserve(&self.root);
        Ok(())
    }

    /// Keeps a head under `heads/`.
    pub fn keep(&mut self, head: &SignedHead) -> Result<(), LogError> {
        let path = self
            .folder
            .join("heads")
            .join(format!("{}.note", head.head.size));
        write_whole(&path, head.render().as_bytes(), false).map_err(io_error("write", &path))
    }

    /// Takes a head that came back countersigned. Returns whether it was news.
    pub fn countersigned(&mut self, note: &SignedHead, key: &Vkey) -> Result<bool, LogError> {
        let refuse = |why: String| Err(LogError::Refused(why));
        let size = note.head.size;
        if note.head.origin != self.origin {
            return refuse(format!(
                "a countersignature for another log came back: {}",
                note.head.origin
            ));
        }
        let Cosigned::Good { time } = note.check_cosigned(key) else {
            return refuse(format!(
                "the countersignature on head {size} is not by {}",
                key.name
            ));
        };
        if self.roots.get(&size) != Some(&note.head.root) {
            return refuse(format!(
                "the hub countersigned a head of {size} lines that this log never signed"
            ));
        }
        if self.cosigned.as_ref().is_some_and(|c| c.head.size >= size) {
            return Ok(false);
        }
        let path = self.folder.join("cosigned.note");
        write_whole(&path, note.render().as_bytes(), false).map_err(io_error("write", &path))?;
        self.cosigned = Some(note.clone());
        if self.settings.acks && size > self.acked {
            let id = key.id();
            if let Some(sig) = note
                .signatures
                .iter()
                .find(|s| s.name == key.name && s.id == id)
            {
                let ack = types::HeadAck {
                    size,
                    root: B64.encode(note.head.root),
                    hub: key.name.clone(),
                    time,
                    sig: sig.b64(),
                };
                let data = serde_json::value::to_raw_value(&ack)
                    .map_err(|e| LogError::Refused(e.to_string()))?;
                self.append(types::HeadAck::KIND, "sys:log", &data)?;
                self.acked = size;
            }
        }
        Ok(true)
    }

    /// Whether a line above the newest head asks for a head at once.
    pub fn head_due(&self) -> bool {
        self.head_due
    }

    pub fn size(&self) -> u64 {
        self.frontier.size()
    }
    pub fn head(&self) -> Option<&SignedHead> {
        self.head.as_ref()
    }
    pub fn cosigned(&self) -> Option<&SignedHead> {
        self.cosigned.as_ref()
    }
    pub fn folder(&self) -> &Path {
        &self.folder
    }
    /// Milliseconds since the newest head was signed.
    pub fn head_age_ms(&self, now: Now) -> u64 {
        now.mono.saturating_sub(self.signed_mono)
    }
    pub fn lines_above_head(&self) -> u64 {
        self.size() - self.head.as_ref().map_or(0, |h| h.head.size)
    }
    /// Whether the key has lived its life. A clock that went backwards counts as old.
    pub fn key_due(&self, now: Now) -> bool {
        let age = now.wall.0 - self.key_since.0;
        age < -1000 || age >= self.settings.key_life.as_millis() as i64
    }
}

/// Reads a whole log folder: hashes every line, reads what is above the newest head line by line, cuts a torn tail.
fn scan(folder: &Path, origin: &str, signed_size: u64) -> Result<Result<Found, String>, LogError> {
    let names = starts(folder).map_err(io_error("list", folder))?;
    let mut found = Found {
        frontier: Frontier::default(),
        prev: [0; 32],
        last: None,
        in_force: None,
        acked: 0,
        signed: Frontier::default(),
        signed_at: (0, 0),
        file_start: 0,
        file_bytes: 0,
        torn: None,
    };
    let mut torn = Vec::new();
    for (at, start) in names.iter().copied().enumerate() {
        let path = lines_file(folder, start);
        if start != found.frontier.size() {
            return Ok(Err(format!(
                "{} does not follow on from the file before it",
                path.display()
            )));
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|mut f| f.read_to_end(&mut bytes))
            .map_err(io_error("read", &path))?;
        found.file_start = start;
        found.file_bytes = 0;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let above = found.frontier.size() >= signed_size;
            let whole = line.ends_with(b"\n");
            let telling = above || matches!(kind_of(line), b"key.roll" | b"log.open" | b"head.ack");
            let record = if whole && telling {
                Record::parse(line).ok()
            } else {
                None
            };
            let fits = record.as_ref().is_some_and(|r| {
                r.n == found.frontier.size() && r.prev == found.prev && r.log == origin
            });
            if !whole || (above && !fits) {
                if !above {
                    return Ok(Err(format!(
                        "line {} is torn below its newest head",
                        found.frontier.size()
                    )));
                }
                torn = bytes[found.file_bytes as usize..].to_vec();
                for later in names.iter().skip(at + 1) {
                    let path = lines_file(folder, *later);
                    torn.extend(fs::read(&path).map_err(io_error("read", &path))?);
                }
                break;
            }
            let leaf = leaf_hash(line);
            found.frontier.push(leaf);
            found.prev = leaf;
            found.file_bytes += line.len() as u64;
            if let Some(r) = record {
                let key = match r.kind.as_str() {
                    types::LogOpen::KIND => r.data.get("key"),
                    types::KeyRoll::KIND => r.data.get("new"),
                    _ => None,
                };
                if let Some(v) = key
                    .and_then(|k| k.as_str())
                    .and_then(|k| Vkey::parse(k).ok())
                {
                    found.in_force = Some((r.n, v, r.t));
                }
                if r.kind == types::HeadAck::KIND {
                    found.acked = found
                        .acked
                        .max(r.data.get("size").and_then(|s| s.as_int()).unwrap_or(0) as u64);
                }
                found.last = Some(r);
            } else {
                found.last = None;
            }
            if found.frontier.size() == signed_size {
                found.signed = found.frontier.clone();
                found.signed_at = (found.file_start, found.file_bytes);
                if found.last.is_none() {
                    found.last = Record::parse(line).ok();
                }
            }
        }
        if !torn.is_empty() {
            break;
        }
    }
    if !torn.is_empty() {
        let digest = sha256(&torn);
        let aside = folder.join(format!("torn-{:010}.bin", found.frontier.size()));
        write_whole(&aside, &torn, false).map_err(io_error("write", &aside))?;
        let path = lines_file(folder, found.file_start);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|f| f.set_len(found.file_bytes).and_then(|()| f.sync_all()))
            .map_err(io_error("cut", &path))?;
        for later in names.iter().filter(|s| **s > found.file_start) {
            let path = lines_file(folder, *later);
            fs::remove_file(&path).map_err(io_error("set aside", &path))?;
        }
        found.torn = Some((torn.len() as u64, digest));
    }
    Ok(Ok(found))
}

/// The type of a line, found without parsing it: recovery reads a month of lines at every start.
fn kind_of(line: &[u8]) -> &[u8] {
    const KEY: &[u8] = b",\"type\":\"";
    let Some(at) = line.windows(KEY.len()).position(|w| w == KEY) else {
        return b"";
    };
    let rest = &line[at + KEY.len()..];
    &rest[..rest.iter().position(|b| *b == b'"').unwrap_or(0)]
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Log numbers under `<state>/log`, ascending.
fn numbers(root: &Path) -> io::Result<Vec<u64>> {
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

/// Adds one to the start counter, whichever of file and log is further on, and keeps it.
fn next_boot(root: &Path, in_log: u64) -> Result<u64, LogError> {
    let path = root.join("boot");
    let kept = fs::read_to_string(&path)
        .ok()
        .and_then(|t| t.trim().parse::<u64>().ok())
        .unwrap_or(0);
    let boot = kept.max(in_log) + 1;
    write_whole(&path, format!("{boot}\n").as_bytes(), false).map_err(io_error("write", &path))?;
    Ok(boot)
}

/// Sets space aside; does without when the disk has none to spare.
fn reserve(root: &Path) {
    let path = root.join("reserve");
    if path.exists() {
        return;
    }
    if let Ok(file) = File::create(&path)
        && fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES).is_err()
    {
        let _ = fs::remove_file(&path);
    }
}
