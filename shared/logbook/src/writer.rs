//! Adapter: filesystem. One log, open for writing: appends and syncs. Its start and recovery, what recovery finds, and its heads
//! and keys have files of their own below.
//!
//! Invariant: bytes on disk come first. Nothing is acknowledged that `fdatasync` has not seen; no head is signed over lines
//! that were not read back from disk; nothing at or below a signed head is ever changed by recovery.
mod heads;
mod scan;
mod start;
mod succession;

pub use succession::{Succession, succeed, succeed_above};

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use shared::{
    note::{SignedHead, Vkey},
    record::{self, Digest, Envelope, leaf_hash},
    schema,
    time::{Clock, Now},
    tree::Frontier,
    types::{self, Data},
};

use crate::{
    files::{LINES_PER_FILE, lines_file, sync_dir},
    handle::Line,
    keys::Keys,
    point::Point,
};
use start::next_boot;

/// A writer that has been silent this long starts anew (audit.md 2.1).
const STALL_MS: u64 = 75_000;
/// Difference between the two clocks that needs a `clock.step` line before the next one. The rule is 250 ms; the writer
/// speaks earlier, so that rounding can never make the verifier see a step it did not log.
const STEP_MS: i64 = 200;
/// A head at least every so many lines.
pub const LINES_PER_HEAD: u64 = 512;

/// A head is kept beside the log at least every so many lines: the hub holds what comes between two heads in memory, and no more than it
/// must, so what a box wrote in one go, or while it was away, has to have heads in its midst.
pub const LINES_PER_KEPT: u64 = 2048;

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
    /// A start need not read what an earlier one has read; whoever opens it then sees to [`crate::SkippedLines::check`].
    pub resume: bool,
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
    #[error(
        "the log in {folder} is that of {was}, and it was to be carried on as {is}: a log keeps its name for life, and nothing was written"
    )]
    OtherName {
        folder: String,
        was: String,
        is: String,
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
            "mask.set"
                | "mask.lift"
                | "mask.end"
                | "del.range"
                | "clock.step"
                | "key.roll"
                | "log.close"
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
    /// The line that named the newest key, the key, that line's time.
    named: (u64, Vkey, shared::time::Utc),
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
    /// What the newest head under `heads/` covers.
    kept: u64,
    cosigned: Option<SignedHead>,
    acked: u64,
    /// Roots of heads we signed, by size: what a countersignature may refer to.
    roots: BTreeMap<u64, Digest>,
    /// Where a later start may begin to read; kept once a head covers it.
    point: Option<Point>,
    stopped: Option<String>,
}

impl Writer {
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
                if let Some(now) = self.last.filter(|now| now.wall < last.wall) {
                    let delta_ms = now.wall.0 - last.wall.0;
                    let src = "stall".into();
                    self.line("sys:log", &types::ClockStep { delta_ms, src })?;
                }
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
        let refused = |e: &dyn std::fmt::Display| {
            LogError::Refused(format!("a {kind} line cannot be written: {e}"))
        };
        let (bytes, record) = record::rendered(&envelope, data).map_err(|e| refused(&e))?;
        // What is written here is what the hub lets in: it countersigns no line that breaks its schema.
        let writer = schema::writer_of(&self.origin).unwrap_or(schema::Writer::Both);
        schema::line(&record, writer).map_err(|e| refused(&e))?;
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
        self.point = Some(Point {
            frontier: self.frontier.clone(),
            prev: self.prev,
            in_force: self.named.clone(),
            acked: self.acked,
        });
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

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
