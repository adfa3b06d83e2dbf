//! Task. A box's log as it comes in: verified, stored, then countersigned. One writer per log.
//!
//! Refusals (audit.md 2.5): ROLLED-BACK, FORKED, WRONG-KEY, MALFORMED. FORKED and WRONG-KEY convict: the head is kept as
//! `disputed/…`, and that log is not countersigned any more (2.8); the box goes on recording and opens log n + 1.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::{Copy, CopyError, LogFolder};
use shared::{
    id::{self, BoxName},
    note::{Cosigned, SignedHead},
    time::Clock,
    tree,
    types::HeadSeen,
};

use crate::{
    db::{
        Db,
        logs::{LogRecord, TroubleRecord},
        rolled::ShownLog,
    },
    keys::Keys,
    live::Connections,
    ownlog::{FaultBegins, FaultEnds, OwnLog},
};
use budget::{Budgets, RoomWanted, Trouble};

mod behind;
pub mod budget;
mod queue;
mod room;
mod stream;
pub mod successor;

pub use queue::CountersignedLines;

/// What the box is told: a code of audit.md 2.5 and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRefusal {
    pub code: String,
    pub why: String,
}

fn refused(code: &str, why: impl std::fmt::Display) -> LogRefusal {
    LogRefusal {
        code: code.into(),
        why: why.to_string(),
    }
}

/// The hub could not store; the box tries again later.
fn ours(e: impl std::fmt::Display) -> LogRefusal {
    tracing::error!("a box log could not be stored: {e}");
    refused(
        "TRY-LATER",
        "the hub could not store the log; it stays with the box, which tries again",
    )
}

/// How far ahead of the newest log held the next one may be: a box may have begun some that the hub never heard of.
const AHEAD: u64 = 12;
/// The first log of a box that this hub hears of.
const FIRST_MOST: u64 = 1000;

/// What a fault of a log is, of shared::conditions.
fn condition(code: &str) -> &'static str {
    match code {
        "FORKED" | "ROLLED-BACK" | NO_SUCCESSOR | TWICE => "box.twice",
        OVER_BUDGET => "log.budget",
        HUB_ROLLED_BACK => "hub.rolled-back",
        _ => "log.refused",
    }
}

/// Codes of faults that are not refusals of audit.md 2.5.
const NO_SUCCESSOR: &str = "NO-SUCCESSOR";
const OVER_BUDGET: &str = "OVER-BUDGET";
const TWICE: &str = "TWICE";
/// The hub's own records are an older copy than this box has seen.
const HUB_ROLLED_BACK: &str = "HUB-ROLLED-BACK";
/// What a box is told that is to wait.
const LATER: &str = "TRY-LATER";

struct Log {
    copy: Copy,
    /// Number of the stream that may write now; an older stream's frames are refused.
    turn: u64,
    /// Fault raised and not yet taken back.
    fault: Option<String>,
}

type Shared = Arc<Mutex<Option<Log>>>;

/// Bytes of a box's files, counted at a time of the monotonic clock; lines that came since are added.
struct StoredBytes {
    bytes: u64,
    at: u64,
}

/// How long the successor may take that was ordered: the box ends, and begins it at its next start.
const ORDERED_MS: u64 = 3_600_000;

/// All box logs. Calls block: use `spawn_blocking` from async code.
#[derive(Clone)]
pub struct BoxLogs {
    root: PathBuf,
    scheme: String,
    db: Arc<Db>,
    own: OwnLog,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    live: Connections,
    open: Arc<Mutex<HashMap<String, Shared>>>,
    pub budgets: Arc<Budgets>,
    queue: Arc<queue::Queue>,
    /// Bytes of each box's files here, and when they were counted.
    stored: Arc<Mutex<HashMap<BoxName, StoredBytes>>>,
    /// Boxes whose lines found no room, and what they wait for.
    waiting: Arc<Mutex<BTreeMap<BoxName, RoomWanted>>>,
    /// Successors that two people ordered: above which number, and when.
    ordered: Arc<Mutex<HashMap<BoxName, (u64, u64)>>>,
    /// Free and all bytes of the disk.
    room: Arc<dyn Fn() -> (u64, u64) + Send + Sync>,
}

/// One audit stream's door to its log.
#[derive(Clone)]
pub struct Stream {
    logs: BoxLogs,
    name: BoxName,
    number: u64,
    origin: String,
    log: Shared,
    turn: u64,
}

/// What the hub holds, as the box is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Have {
    pub size: u64,
    /// base64
    pub root: String,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl BoxLogs {
    pub fn new(
        state: &std::path::Path,
        scheme: &str,
        db: Arc<Db>,
        own: OwnLog,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
        live: Connections,
    ) -> Self {
        let disk = state.to_owned();
        let room = move || {
            nix::sys::statvfs::statvfs(&disk).map_or((u64::MAX, u64::MAX), |v| {
                let size = v.fragment_size();
                (v.blocks_available() * size, v.blocks() * size)
            })
        };
        let logs = Self {
            root: state.join("boxes"),
            scheme: scheme.into(),
            db,
            own,
            keys,
            clock,
            live,
            open: Arc::default(),
            budgets: Arc::default(),
            queue: Arc::default(),
            stored: Arc::default(),
            waiting: Arc::default(),
            ordered: Arc::default(),
            room: Arc::new(room),
        };
        logs.recall();
        logs
    }

    /// Faults that stood when the hub was stopped stand.
    fn recall(&self) {
        let now = self.clock.now().mono;
        match self.db.troubles() {
            Ok(all) => {
                for (name, code, stood) in all {
                    if let Ok(name) = BoxName::parse(&name) {
                        self.budgets
                            .recall(&name, &code, condition(&code), stood, now);
                    }
                }
            }
            Err(e) => tracing::error!(
                "faults of boxes' logs that stood before this start cannot be read, and are not shown until they are found again: {e}"
            ),
        }
    }

    /// Two people ordered that this box begins a log above this number.
    pub fn ordered(&self, name: &BoxName, above: u64) {
        let now = self.clock.now().mono;
        lock(&self.ordered).insert(name.clone(), (above, now));
    }

    fn is_ordered(&self, name: &BoxName, number: u64) -> bool {
        let now = self.clock.now().mono;
        let known = lock(&self.ordered).get(name).copied();
        known.is_some_and(|(above, at)| number > above && now.saturating_sub(at) < ORDERED_MS)
    }

    /// Faults of this box's logs that stand.
    pub fn troubles(&self, name: &BoxName) -> Vec<Trouble> {
        self.budgets.troubles(name)
    }

    /// A connection of this box took the place of one that was alive: now and then its line broke; again and again there are two of it.
    pub fn replaced(&self, name: &BoxName, before: SocketAddr, now: SocketAddr) {
        if let Some(times) = self.budgets.replaced(name, self.clock.now().mono) {
            let why = format!(
                "connections of this box take each other's place, {times} times since the hub started, now from {now} that from {before}"
            );
            self.raise(&id::box_log(&self.scheme, name, 1), TWICE, &why);
        }
    }

    /// Where the copy of a log lies.
    pub fn folder(&self, name: &BoxName, number: u64) -> PathBuf {
        self.root
            .join(name.as_str())
            .join("log")
            .join(number.to_string())
    }

    pub fn folder_of(&self, origin: &str) -> Option<PathBuf> {
        let (_, number) = id::split_origin(origin)?;
        Some(self.folder(&id::box_of(origin)?, number))
    }

    /// A box offers log `number` and shows the newest countersigned head it has.
    pub fn begin(
        &self,
        name: &BoxName,
        number: u64,
        shown: Option<&str>,
    ) -> Result<(Stream, Have), LogRefusal> {
        let now = self.clock.now().mono;
        if !self.budgets.stream(name, now) {
            return Err(refused(
                LATER,
                "this box offers its log too often; it is looked at again in a minute",
            ));
        }
        let newest = self.db.newest_log(name).map_err(ours)?;
        let most = newest.as_ref().map_or(FIRST_MOST, |l| l.number + AHEAD);
        if number > most || number == 0 {
            let held = newest.map_or("none".into(), |l| l.origin);
            let why = format!(
                "the box offers log {number}, which is no successor of what the hub holds ({held}); nothing was done, and nothing of it is taken"
            );
            self.raise(&id::box_log(&self.scheme, name, 1), NO_SUCCESSOR, &why);
            return Err(refused(NO_SUCCESSOR, why));
        }
        let begins = newest.as_ref().is_none_or(|l| l.number < number);
        if begins && !self.folder(name, number).exists() && !self.budgets.new_log(name, now) {
            let why = "this box begins more logs than any box needs; the next one is taken in a few hours";
            self.raise(&id::box_log(&self.scheme, name, number), OVER_BUDGET, why);
            return Err(refused(LATER, why));
        }
        if let Some(newer) = newest.filter(|l| l.number > number) {
            let why = format!(
                "the box offers log {number}; the hub holds its successor {}",
                newer.origin
            );
            self.raise(&newer.origin, "ROLLED-BACK", &why);
            return Err(refused("ROLLED-BACK", why));
        }
        let origin = id::box_log(&self.scheme, name, number);
        let log = lock(&self.open).entry(origin.clone()).or_default().clone();
        let mut slot = lock(&log);
        let open = self.opened(&origin, name, number, &mut slot)?;
        open.copy.forget_pending();
        open.turn += 1;
        let turn = open.turn;
        // A log that was only announced is no log: it takes no number, and no other is behind it.
        if open.copy.size() > 0 {
            self.db.meet_log(&origin, name, number).map_err(ours)?;
        }
        self.catch_up_open(&origin, name, open).map_err(ours)?;
        let record = self.db.log(&origin).map_err(ours)?;
        if let Some(LogRecord {
            dispute: Some(code),
            why,
            ..
        }) = record
        {
            return Err(refused(
                &code,
                why.unwrap_or_else(|| "this log is disputed and no longer countersigned".into()),
            ));
        }
        if let Some(text) = shown {
            self.compare(&origin, open, text)?;
        }
        let have = Have {
            size: open.copy.size(),
            root: STANDARD.encode(open.copy.root()),
        };
        drop(slot);
        Ok((
            Stream {
                logs: self.clone(),
                name: name.clone(),
                number,
                origin,
                log,
                turn,
            },
            have,
        ))
    }

    /// Opens the copy of a log, if it is not open yet.
    fn opened<'a>(
        &self,
        origin: &str,
        name: &BoxName,
        number: u64,
        slot: &'a mut Option<Log>,
    ) -> Result<&'a mut Log, LogRefusal> {
        if slot.is_none() {
            let copy = Copy::open(&self.folder(name, number), origin).map_err(|e| match e {
                CopyError::Refused { refusal, why } => {
                    self.raise(origin, refusal.code(), &why);
                    refused(refusal.code(), why)
                }
                e => ours(e),
            })?;
            *slot = Some(Log {
                copy,
                turn: 0,
                fault: None,
            });
        }
        slot.as_mut().ok_or_else(|| ours("the log is not open"))
    }

    /// Compares the countersigned head the box shows with what is held here (audit.md 2.5, step 2).
    fn compare(&self, origin: &str, log: &mut Log, text: &str) -> Result<(), LogRefusal> {
        let Ok(shown) = SignedHead::parse(text.as_bytes()) else {
            return Err(refused(
                "MALFORMED",
                "the countersigned head shown is not a head",
            ));
        };
        if shown.head.origin != origin {
            return Err(refused(
                "MALFORMED",
                format!(
                    "the countersigned head shown is of {}, not of {origin}",
                    shown.head.origin
                ),
            ));
        }
        if !matches!(
            shown.check_cosigned(self.keys.cosign_vkey()),
            Cosigned::Good { .. }
        ) {
            // Countersigned by a key this hub no longer has, or by none: it says nothing here.
            return Ok(());
        }
        let held = log.copy.size();
        if shown.head.size > held {
            let why = format!(
                "the box shows this hub's own signature over {} lines; {held} are held: the hub was restored from an older backup",
                shown.head.size
            );
            tracing::error!(log = origin, "HUB-ROLLED-BACK: {why}");
            log.copy.keep_disputed(&shown).map_err(ours)?;
            self.raise_on(log, origin, HUB_ROLLED_BACK, &why);
            let shown = ShownLog {
                log: origin.to_owned(),
                shown: shown.head.size,
                held,
                at: self.clock.now().wall,
            };
            if let Err(e) = self.db.rollback_shown(&shown) {
                tracing::error!(log = origin, "HUB-ROLLED-BACK could not be stored: {e}");
            }
            return Ok(());
        }
        let ours_then = if shown.head.size == held {
            log.copy.root()
        } else if log.copy.cosigned().is_some_and(|c| c.head == shown.head) {
            return Ok(());
        } else {
            let leaves = LogFolder::new(log.copy.folder()).leaves().map_err(ours)?;
            let upto = usize::try_from(shown.head.size)
                .unwrap_or(usize::MAX)
                .min(leaves.len());
            tree::root(&leaves[..upto])
        };
        if ours_then == shown.head.root {
            return Ok(());
        }
        let why = format!(
            "two histories of {} lines carry this hub's signature",
            shown.head.size
        );
        log.copy.keep_disputed(&shown).map_err(ours)?;
        self.dispute(log, origin, "FORKED", &why);
        Err(refused("FORKED", why))
    }

    /// Logs the fault once, until it is taken back.
    fn raise_on(&self, log: &mut Log, origin: &str, code: &str, why: &str) {
        if log.fault.as_deref() != Some(code) {
            self.raise(origin, code, why);
            log.fault = Some(code.into());
        }
    }

    /// Once, until it is over: what is found again is counted.
    fn raise(&self, origin: &str, code: &str, why: &str) {
        if let Some(name) = id::box_of(origin) {
            let now = self.clock.now();
            let (what, at) = (condition(code), (now.wall, now.mono));
            let began = self.budgets.trouble(&name, code, what, why, at);
            if let Some(on_record) = began {
                let trouble = TroubleRecord {
                    since: now.wall,
                    text: why.to_owned(),
                    on_record,
                };
                if let Err(e) = self.db.put_trouble(&name, code, &trouble) {
                    tracing::error!(log = origin, "a restart will forget this fault: {e}");
                }
            }
            if began != Some(true) {
                tracing::debug!(log = origin, "{code}: {why}");
                return;
            }
            self.live.changed(&name);
        }
        tracing::error!(log = origin, "{code}: {why}");
        if let Err(e) = self.own.append(
            "sys:hub",
            &FaultBegins {
                code,
                cam: None,
                log: origin,
                r#ref: None,
            },
        ) {
            tracing::error!("the hub's own log did not take the fault: {e}");
        }
    }

    /// It is over; on the record, if its beginning is there.
    fn ended(&self, origin: &str, code: &str) {
        let Some(was) = id::box_of(origin).and_then(|name| self.budgets.over(&name, code)) else {
            return;
        };
        self.end(origin, code, &was);
    }

    fn end(&self, origin: &str, code: &str, was: &Trouble) {
        if let Some(name) = id::box_of(origin)
            && let Err(e) = self.db.end_trouble(&name, code)
        {
            tracing::error!(
                log = origin,
                "a restart will show a fault that is over: {e}"
            );
        }
        if !was.on_record {
            return;
        }
        let line = FaultEnds {
            code,
            cam: None,
            log: origin,
            r#ref: None,
        };
        if let Err(e) = self.own.append("sys:hub", &line) {
            tracing::error!("the hub's own log did not take the end of a fault: {e}");
        }
    }

    fn dispute(&self, log: &mut Log, origin: &str, code: &str, why: &str) {
        self.raise_on(log, origin, code, why);
        if log.copy.size() == 0 {
            return; // nothing is held that could have two histories
        }
        if let Err(e) = self.db.dispute_log(origin, code, why) {
            tracing::error!("the dispute was not recorded: {e}");
        }
    }

    /// Writes `head.seen` for every log that grew and was not noted within the hour.
    pub fn note_heads_seen(&self, apart_ms: i64) -> Result<(), LogRefusal> {
        let now = self.clock.now().wall;
        for l in self.db.logs().map_err(ours)? {
            if l.size > l.seen_size && now.0 - l.seen_time.0 >= apart_ms {
                self.own
                    .append(
                        "sys:hub",
                        &HeadSeen {
                            log: l.origin.clone(),
                            size: l.size,
                            root: l.root,
                        },
                    )
                    .map_err(ours)?;
                self.db.log_seen(&l.origin, l.size, now).map_err(ours)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
