//! Task. The thread that owns the log; everyone else sends it lines.
//!
//! Lines that arrive together are written together and synced once. The thread beats each minute, signs a head each minute,
//! each 512 lines and at once after the types audit.md 2.4 names, and replaces the key when its life is over.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use serde_json::value::{RawValue, to_raw_value};
use shared::{
    note::{SignedHead, Vkey},
    time::Clock,
    types::{self, Data},
};

use crate::{
    point::SkippedLines,
    writer::{LINES_PER_HEAD, LogError, Settings, Writer},
};

const BEAT_MS: u64 = 60_000;
const HEAD_MS: u64 = 60_000;
/// How long a line that nobody waits for may stay unsynced.
const SOON: Duration = Duration::from_millis(900);

/// What became of a line: its number, hash and the time it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub n: u64,
    pub leaf: shared::record::Digest,
    pub t: shared::time::Utc,
}

/// What opening the log found.
#[derive(Clone, Debug)]
pub struct OpenedLog {
    pub origin: String,
    pub number: u64,
    pub boot: u64,
    /// Lines before this start.
    pub size: u64,
    /// Time of the last of them.
    pub last: Option<shared::time::Utc>,
    /// Bytes of a torn tail that were cut and set aside.
    pub torn: u64,
    /// Set when the old log could not be continued (shorter than its head, or differs) and a successor was opened.
    pub succeeded: Option<String>,
    /// Old lines of a long log, which were not read; to be checked while the program already runs.
    pub skipped: Option<SkippedLines>,
}

type Reply<T> = SyncSender<Result<T, LogError>>;

enum Ask {
    Append {
        kind: &'static str,
        who: String,
        data: Box<RawValue>,
        synced: bool,
        reply: Reply<Line>,
    },
    Sign {
        reply: Reply<SignedHead>,
    },
    Countersigned {
        note: Box<SignedHead>,
        key: Vkey,
        reply: Reply<()>,
    },
    Close {
        why: String,
        reply: Reply<()>,
    },
}

#[derive(Default)]
struct Seen {
    size: u64,
    head: Option<SignedHead>,
    cosigned: Option<SignedHead>,
    beat: Option<types::Beat>,
    closed: bool,
}

#[derive(Default)]
struct Board {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Door to the log. Cheap to clone. All calls block the caller until the answer is there; use
/// `tokio::task::spawn_blocking` (or a plain thread) from async code.
#[derive(Clone)]
pub struct LogHandle {
    asks: SyncSender<Ask>,
    board: Arc<Board>,
    folder: Arc<PathBuf>,
}

fn gone<E>(_: E) -> LogError {
    LogError::Stopped("its thread has ended".into())
}

impl LogHandle {
    /// Opens (or makes) the log under `<state>/log`, recovers a torn tail, writes `log.open` and `sys.boot` as due,
    /// and starts the owner thread, which also beats each minute, signs heads and rolls the key by itself.
    pub fn open(
        state: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(LogHandle, OpenedLog), LogError> {
        let (writer, opened) = Writer::open(state, settings, clock.clone())?;
        let (asks, inbox) = sync_channel(1024);
        let board = Arc::new(Board::default());
        let folder = Arc::new(writer.folder().to_owned());
        let mut owner = Owner {
            writer,
            clock,
            board: board.clone(),
            beat_mono: None,
            dirty_since: None,
        };
        owner.publish();
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || owner.run(&inbox))
            .map_err(|source| LogError::Io {
                what: "start the thread of",
                path: folder.display().to_string(),
                source,
            })?;
        Ok((
            LogHandle {
                asks,
                board,
                folder: folder.clone(),
            },
            opened,
        ))
    }

    fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Ask) -> Result<T, LogError> {
        let (reply, answer) = sync_channel(1);
        self.asks.send(make(reply)).map_err(gone)?;
        answer.recv().map_err(gone)?
    }

    fn put<D: Data>(&self, who: &str, data: &D, synced: bool) -> Result<Line, LogError> {
        let data = to_raw_value(data)
            .map_err(|e| LogError::Refused(format!("a {} line cannot be written: {e}", D::KIND)))?;
        self.ask(|reply| Ask::Append {
            kind: D::KIND,
            who: who.into(),
            data,
            synced,
            reply,
        })
    }

    /// Appends one line and waits until it is synced to disk.
    pub fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        self.put(who, data, true)
    }

    /// Appends one line; returns when it is written (visible to readers), synced within a second.
    pub fn append_soon<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        self.put(who, data, false)
    }

    /// Signs a head over everything written so far, stores it, and returns it.
    pub fn sign_head(&self) -> Result<SignedHead, LogError> {
        self.ask(|reply| Ask::Sign { reply })
    }

    /// The newest signed head.
    pub fn head(&self) -> Option<SignedHead> {
        self.board.lock().head.clone()
    }

    /// The newest countersigned head.
    pub fn cosigned(&self) -> Option<SignedHead> {
        self.board.lock().cosigned.clone()
    }

    /// Stores a head that came back countersigned (checked against `key` and our own heads first) and, on a box, logs `head.ack`.
    pub fn countersigned(&self, note: &SignedHead, key: &Vkey) -> Result<(), LogError> {
        self.ask(|reply| Ask::Countersigned {
            note: Box::new(note.clone()),
            key: key.clone(),
            reply,
        })
    }

    /// Lines written so far.
    pub fn size(&self) -> u64 {
        self.board.lock().size
    }

    /// Blocks until the log has a signed head of more than `size` lines, or the timeout passes; that head, if there is one.
    pub fn wait_head(&self, size: u64, timeout: Duration) -> Option<SignedHead> {
        self.wait(timeout, |seen| {
            seen.head.clone().filter(|h| h.head.size > size)
        })
    }

    /// Blocks until a head of at least `size` lines is countersigned, or the timeout passes.
    pub fn wait_cosigned(&self, size: u64, timeout: Duration) -> Option<SignedHead> {
        self.wait(timeout, |seen| {
            seen.cosigned.clone().filter(|h| h.head.size >= size)
        })
    }

    fn wait<T>(&self, timeout: Duration, ready: impl Fn(&Seen) -> Option<T>) -> Option<T> {
        let until = Instant::now() + timeout;
        let mut seen = self.board.lock();
        loop {
            if let Some(found) = ready(&seen) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.closed {
                return None;
            }
            seen = match self.board.changed.wait_timeout(seen, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// The facts each `beat` line carries; set by whoever knows them.
    pub fn set_beat(&self, beat: types::Beat) {
        self.board.lock().beat = Some(beat);
    }

    /// Folder of the current log (`<state>/log/<number>`).
    pub fn folder(&self) -> PathBuf {
        self.folder.as_ref().clone()
    }

    /// Writes `sys.stop`, signs a last head, stops the thread.
    pub fn close(&self, why: &str) -> Result<(), LogError> {
        self.ask(|reply| Ask::Close {
            why: why.into(),
            reply,
        })
    }

    /// Lets go of the log without closing it, and returns when its thread has.
    #[cfg(test)]
    pub(crate) fn crash(self) {
        let board = self.board.clone();
        drop(self);
        let seen = board.lock();
        let limit = Duration::from_secs(10);
        let (seen, _) = board
            .changed
            .wait_timeout_while(seen, limit, |s| !s.closed)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        assert!(seen.closed, "somebody still holds the log's door");
    }
}

struct Owner {
    writer: Writer,
    clock: Arc<dyn Clock>,
    board: Arc<Board>,
    beat_mono: Option<u64>,
    dirty_since: Option<Instant>,
}

impl Owner {
    fn run(&mut self, inbox: &Receiver<Ask>) {
        loop {
            let wait = if self.dirty_since.is_some() {
                Duration::from_millis(200)
            } else {
                Duration::from_millis(1000)
            };
            let first = match inbox.recv_timeout(wait) {
                Ok(ask) => Some(ask),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut batch: Vec<Ask> = first.into_iter().collect();
            while batch.len() < 256
                && let Ok(ask) = inbox.try_recv()
            {
                batch.push(ask);
            }
            if self.turn(batch) {
                break;
            }
        }
        self.board.lock().closed = true;
        self.board.changed.notify_all();
    }

    /// One round: write all, sync once, answer, then what time makes due. What is answered is on the board before. True when the log was
    /// closed.
    fn turn(&mut self, batch: Vec<Ask>) -> bool {
        let mut waiting: Vec<(Reply<Line>, Line)> = Vec::new();
        let mut written: Vec<(Reply<Line>, Line)> = Vec::new();
        let mut countersigned = Vec::new();
        let mut closing = None;
        let mut signers = Vec::new();
        let before = self.writer.size();
        for ask in batch {
            match ask {
                Ask::Append {
                    kind,
                    who,
                    data,
                    synced,
                    reply,
                } => match self.writer.append(kind, &who, &data) {
                    Ok(line) => {
                        if synced {
                            waiting.push((reply, line));
                        } else {
                            written.push((reply, line));
                        }
                    }
                    Err(e) => {
                        let _ = reply.send(Err(e));
                    }
                },
                Ask::Sign { reply } => signers.push(reply),
                Ask::Countersigned { note, key, reply } => {
                    countersigned.push((reply, self.writer.countersigned(&note, &key).map(|_| ())));
                }
                Ask::Close { why, reply } => closing = Some((why, reply)),
            }
        }
        if self.writer.size() > before && self.dirty_since.is_none() {
            self.dirty_since = Some(Instant::now());
        }
        let due = self.dirty_since.is_some_and(|t| t.elapsed() >= SOON);
        let mut synced = Ok(());
        if !waiting.is_empty() || due {
            synced = self.sync();
        }
        self.publish();
        for (reply, line) in waiting {
            let _ = reply.send(match &synced {
                Ok(()) => Ok(line),
                Err(why) => Err(LogError::Stopped(why.clone())),
            });
        }
        for (reply, line) in written {
            let _ = reply.send(Ok(line));
        }
        for (reply, done) in countersigned {
            let _ = reply.send(done);
        }
        self.minute(!signers.is_empty());
        let signed: Vec<_> = signers
            .into_iter()
            .map(|reply| (reply, self.writer.sign()))
            .collect();
        let closed = closing.map(|(why, reply)| (reply, self.close(why)));
        self.publish();
        for (reply, head) in signed {
            let _ = reply.send(head);
        }
        closed
            .map(|(reply, done)| {
                let _ = reply.send(done);
            })
            .is_some()
    }

    fn sync(&mut self) -> Result<(), String> {
        self.dirty_since = None;
        self.writer.sync().map_err(|e| e.to_string())
    }

    /// Beats, rolls the key and signs when due. A failure here is the log's own trouble: it is said, and tried again next turn.
    fn minute(&mut self, mut sign: bool) {
        let now = self.clock.now();
        if self
            .beat_mono
            .is_none_or(|t| now.mono.saturating_sub(t) >= BEAT_MS)
        {
            self.beat_mono = Some(now.mono);
            let beat = self.board.lock().beat.clone().unwrap_or(types::Beat {
                free_mib: 0,
                cams: 0,
                temp_c: None,
            });
            self.say(&beat);
        }
        if self.writer.key_due(now)
            && let Err(e) = self.writer.roll()
        {
            tracing::error!(error = %e, "log key not replaced");
        }
        sign |= self.writer.head_due();
        sign |= self.writer.lines_above_head() >= LINES_PER_HEAD;
        sign |= self.writer.lines_above_head() > 0 && self.writer.head_age_ms(now) >= HEAD_MS;
        if sign {
            self.dirty_since = None;
            if let Err(e) = self.writer.sign() {
                tracing::error!(error = %e, "head not signed");
            }
        }
    }

    fn say<D: Data>(&mut self, data: &D) {
        let written = to_raw_value(data)
            .map_err(|e| LogError::Refused(e.to_string()))
            .and_then(|raw| self.writer.append(D::KIND, "sys:log", &raw));
        match written {
            Ok(_) => {
                self.dirty_since.get_or_insert_with(Instant::now);
            }
            Err(e) => tracing::error!(error = %e, kind = D::KIND, "line not written"),
        }
    }

    fn close(&mut self, why: String) -> Result<(), LogError> {
        let data =
            to_raw_value(&types::SysStop { why }).map_err(|e| LogError::Refused(e.to_string()))?;
        self.writer.append(types::SysStop::KIND, "sys:log", &data)?;
        self.writer.sign().map(|_| ())
    }

    fn publish(&mut self) {
        let mut seen = self.board.lock();
        let head = self.writer.head();
        let news = seen.size != self.writer.size()
            || seen.head.as_ref().map(|h| h.head.size) != head.map(|h| h.head.size)
            || seen.cosigned.as_ref().map(|h| h.head.size)
                != self.writer.cosigned().map(|h| h.head.size);
        if news {
            seen.size = self.writer.size();
            seen.head = head.cloned();
            seen.cosigned = self.writer.cosigned().cloned();
            self.board.changed.notify_all();
        }
    }
}
