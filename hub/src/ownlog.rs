//! Task. The hub's own log: one line before every staff act, and the thread that countersigns its heads.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::{Line, LogError, LogFolder, LogHandle, OpenedLog, Settings};
use serde::Serialize;
use shared::{
    id,
    note::SignedHead,
    time::{Clock, Zone},
    types::{Data, FaultOff, FaultOn, KeySeal, LogBase},
};

use crate::keys::Keys;

/// Name of the person at the hub machine's own console, in lines of the log: whoever is root or the hub's user there.
pub const CONSOLE: &str = "op:0000";

/// A staff account's number as lines name it.
pub fn op(number: u32) -> String {
    format!("op:{number:04}")
}

/// The number in such a name.
pub fn number(op: &str) -> Option<u32> {
    op.strip_prefix("op:")?.parse().ok()
}

/// `fault.on` of a fault the hub finds about a box's log, or by it: the log's name beside the usual keys.
#[derive(Serialize)]
pub struct FaultBegins<'a> {
    pub code: &'a str,
    pub cam: Option<&'a str>,
    pub log: &'a str,
    /// An exhibit, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<&'a str>,
}

/// Its `fault.off`.
#[derive(Serialize)]
pub struct FaultEnds<'a> {
    pub code: &'a str,
    pub cam: Option<&'a str>,
    pub log: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<&'a str>,
}

impl Data for FaultBegins<'_> {
    const KIND: &'static str = FaultOn::KIND;
}

impl Data for FaultEnds<'_> {
    const KIND: &'static str = FaultOff::KIND;
}

/// A line of somebody's act, with the roles they had when it was written.
#[derive(Serialize)]
struct InRole<'a, D: Data> {
    #[serde(flatten)]
    data: &'a D,
    r#as: &'a str,
    /// Whose cameras it is about, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

impl<D: Data> Data for InRole<'_, D> {
    const KIND: &'static str = D::KIND;
}

/// Says in which roles somebody acts now: of an account's number.
pub type Roles = Box<dyn Fn(u32) -> String + Send + Sync>;
/// Says whose cameras a line is about: of its data.
pub type Owners = Box<dyn Fn(&serde_json::Value) -> Option<String> + Send + Sync>;

/// Where the countersigned heads of first days lie, below a log's folder: `2026-12.note`.
pub const MONTHS: &str = "months";

/// Door to the hub's log. Calls block: use `spawn_blocking` from async code.
#[derive(Clone)]
pub struct OwnLog {
    handle: LogHandle,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    /// One countersigning at a time, so that the newest head is never replaced by an older one.
    turn: Arc<Mutex<()>>,
    stop: Arc<AtomicBool>,
    origin: Arc<str>,
    /// A line of an act may be without its rows, and no line says so yet.
    unsettled: Arc<AtomicBool>,
    standing: Arc<OnceLock<(Roles, Owners)>>,
    /// Added to a line's number where it numbers an order or a row: these go on over the hub's logs.
    base: u64,
    /// The logs before this one: origin, folder, base.
    earlier: Arc<[(String, PathBuf, u64)]>,
}

/// Kinds of lines that say that something was done which is stored in the records. They are written within their act
/// ([`crate::acts::act`]), which stores it.
pub const ACTS: [&str; 59] = [
    "backup.begin",
    "backup.end",
    "hub.restore",
    "rollback.ask",
    "rollback.settle",
    "grant.set",
    "hold.ask",
    "hold.extend",
    "hold.drop",
    "hold.free",
    "lift.ask",
    "mask.order",
    "approver.ask",
    "approver.order",
    "order.touch",
    "move.order",
    "box.add",
    "box.renew",
    "box.revoke",
    "box.line",
    "pull.pause",
    "pull.resume",
    "op.add",
    "op.grant",
    "op.revoke",
    "op.ask",
    "op.drop",
    "op.name",
    "op.password",
    "op.close",
    "op.signout",
    "op.factor",
    "op.unfactor",
    "op.break",
    "decl.set",
    "op.accept",
    "op.token",
    "op.untoken",
    "owner.add",
    "owner.set",
    "copy.class",
    "copy.drop",
    "reg.mark",
    "reg.copy",
    "reg.hand",
    "reg.receipt",
    "reg.return",
    "reg.end",
    "reg.media",
    "reg.still",
    "request.open",
    "request.change",
    "request.submit",
    "request.authorise",
    "request.refuse",
    "request.cancel",
    "request.done",
    "request.release",
    "request.close",
];

pub const fn is_act(kind: &str) -> bool {
    let mut i = 0;
    while i < ACTS.len() {
        if same(ACTS[i].as_bytes(), kind.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    a.len() == b.len()
}

fn read_failed(folder: &Path) -> impl Fn(std::io::Error) -> LogError {
    let path = folder.display().to_string();
    move |source| LogError::Io {
        what: "read",
        path: path.clone(),
        source,
    }
}

/// A hub's logs lie beside each other: numbers and folders, ascending.
fn folders(present: &Path) -> Vec<(u64, PathBuf)> {
    let root = present.parent().unwrap_or(present);
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut all: Vec<(u64, PathBuf)> = entries
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path())))
        .filter(|(_, path)| path.is_dir())
        .collect();
    all.sort();
    all
}

/// Its line is among the first that a log's opening writes.
const BASE_WITHIN: u64 = 64;
/// Numbers that a log of before may have given out and that nobody here knows of: it was put back from an older copy.
const FORGOTTEN: u64 = 1_000_000;

/// What a log says of its numbers; None: it says nothing, as the first does.
fn base_of(folder: &Path) -> Result<Option<u64>, LogError> {
    let bytes = LogFolder::new(folder).read_lines(0, BASE_WITHIN, 1 << 20);
    let bytes = bytes.map_err(read_failed(folder))?;
    let mut records = bytes
        .split_inclusive(|b| *b == b'\n')
        .filter_map(|line| shared::record::Record::parse(line).ok());
    let line = records.find(|r| r.kind == LogBase::KIND);
    Ok(line.and_then(|r| r.data.get("base")?.as_u64()))
}

/// Where the numbers of a log begin that follows on from those beside it.
fn base_after(present: &Path) -> Result<u64, LogError> {
    let mut base = 0;
    for (_, folder) in folders(present) {
        if folder == present {
            break;
        }
        let of = base_of(&folder)?.unwrap_or(base);
        let lines = LogFolder::new(&folder).leaves();
        let lines = lines.map_err(read_failed(&folder))?.len() as u64;
        base = (of + lines + FORGOTTEN).next_multiple_of(FORGOTTEN);
    }
    Ok(base)
}

impl OwnLog {
    /// What the hub's logs are, and who writes them.
    pub fn settings(scheme: &str) -> Settings {
        let first = id::hub_log(scheme, 1);
        Settings {
            base: first.trim_end_matches("/1").to_owned(),
            site: scheme.into(),
            hw: std::env::consts::ARCH.into(),
            sw: env!("CARGO_PKG_VERSION").into(),
            key_life: Duration::from_secs(365 * 86_400),
            acks: false,
            resume: false,
        }
    }

    /// Opens the log, makes sure the seal key is named in it, and starts the countersigning thread.
    pub fn open(
        state: &Path,
        scheme: &str,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OpenedLog), LogError> {
        let (handle, opened) = LogHandle::open(state, Self::settings(scheme), clock.clone())?;
        let base = match base_of(&handle.folder())? {
            Some(base) => base,
            None => {
                let base = base_after(&handle.folder())?;
                if base > 0 {
                    handle.append("sys:hub", &LogBase { base })?;
                }
                base
            }
        };
        let (name, present) = (&opened.origin, handle.folder());
        let name = name.rsplit_once('/').map_or(name.as_str(), |o| o.0);
        let mut earlier = Vec::new();
        for (number, folder) in folders(&present) {
            if folder != present {
                let base = base_of(&folder)?.unwrap_or(0);
                earlier.push((format!("{name}/{number}"), folder, base));
            }
        }
        let log = Self {
            earlier: earlier.into(),
            base,
            handle,
            keys,
            clock,
            turn: Arc::default(),
            stop: Arc::default(),
            origin: opened.origin.as_str().into(),
            unsettled: Arc::default(),
            standing: Arc::default(),
        };
        log.name_seal_key()?;
        let own = log.clone();
        let spawned = std::thread::Builder::new()
            .name("countersign".into())
            .spawn(move || own.countersign_all());
        spawned.map_err(|e| {
            LogError::Stopped(format!("the countersigning thread did not start: {e}"))
        })?;
        Ok((log, opened))
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn folder(&self) -> PathBuf {
        self.handle.folder()
    }

    /// What line n of this log has as the number of an order or a row.
    pub fn number(&self, n: u64) -> u64 {
        self.base + n
    }

    /// The line of this log that has that number.
    pub fn line_of(&self, number: u64) -> u64 {
        number.saturating_sub(self.base)
    }

    /// What the hub's logs are called without their numbers.
    pub fn name(&self) -> String {
        let name = self.origin.rsplit_once('/').map_or(&*self.origin, |o| o.0);
        name.to_owned()
    }

    pub fn base(&self) -> u64 {
        self.base
    }

    /// Each of the hub's logs that is here, oldest first: its origin, its folder, its base.
    pub fn all(&self) -> Vec<(String, PathBuf, u64)> {
        let mut all = self.earlier.to_vec();
        all.push((self.origin.to_string(), self.folder(), self.base));
        all
    }

    pub fn handle(&self) -> &LogHandle {
        &self.handle
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether a line of an act may be without its rows.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::Acquire)
    }

    pub fn unsettled(&self, is: bool) {
        self.unsettled.store(is, Ordering::Release);
    }

    /// Writes a line and waits until it is on disk. A line that goes with rows is written by its act instead.
    pub fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        const {
            assert!(
                !is_act(D::KIND),
                "this line goes with rows: acts::act writes both"
            )
        };
        self.write(who, data)
    }

    /// From here on, lines of people say in which roles they acted, and whose cameras it was about. Once.
    pub fn name_standing(&self, roles: Roles, owners: Owners) {
        if self.standing.set((roles, owners)).is_err() {
            tracing::error!("the hub's log was told twice whose roles it is to name");
        }
    }

    /// Any line; a person's with their roles and the owners of what it is about. Acts come by [`crate::acts`] alone.
    pub(crate) fn write<D: Data>(&self, who: &str, data: &D) -> Result<Line, LogError> {
        let number = who.strip_prefix("op:").and_then(|n| n.parse().ok());
        match number.zip(self.standing.get()) {
            Some((number, (roles, owners))) => {
                let r#as = &*roles(number);
                let value = serde_json::to_value(data).unwrap_or_default();
                let of = owners(&value);
                self.handle.append(who, &InRole { data, r#as, of })
            }
            None => self.handle.append(who, data),
        }
    }

    /// Keeps the newest countersigned head of the first day of each month (UTC), or the first one after, if there is none of that day.
    fn keep_of_month(&self, head: &SignedHead) {
        let day = Zone::utc().day_of(self.clock.now().wall).to_string();
        let Some((month, of)) = day.get(..7).zip(day.get(8..)) else {
            return;
        };
        let folder = self.folder().join(MONTHS);
        let path = folder.join(format!("{month}.note"));
        if of != "01" && path.exists() {
            return;
        }
        let kept = crate::files::private_dir(&folder)
            .and_then(|()| crate::files::write_whole(&path, head.render().as_bytes(), 0o640));
        if let Err(e) = kept {
            tracing::error!("the month's head was not kept, and its sample cannot be drawn: {e}");
        }
    }

    /// Signs a head over everything so far, countersigns and stores it.
    pub fn head_now(&self) -> Result<SignedHead, LogError> {
        let _turn = self
            .turn
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut head = self.handle.sign_head()?;
        self.keys.cosign(&mut head, self.clock.now().wall);
        self.handle.countersigned(&head, self.keys.cosign_vkey())?;
        self.keep_of_month(&head);
        Ok(head)
    }

    /// The line that names the seal key: its number, once it is written.
    pub fn seal_line(&self) -> Result<Option<u64>, LogError> {
        let spki = STANDARD.encode(self.keys.seal_spki());
        let io = |source| LogError::Io {
            what: "read",
            path: self.folder().display().to_string(),
            source,
        };
        let mut folder = LogFolder::new(&self.folder());
        let mut from = 0;
        let mut found = None;
        loop {
            let bytes = folder
                .read_lines(from, self.handle.size(), 1 << 20)
                .map_err(io)?;
            if bytes.is_empty() {
                return Ok(found);
            }
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                let is = shared::record::Record::parse(line)
                    .ok()
                    .filter(|r| r.kind == KeySeal::KIND);
                if let Some(r) = is {
                    found = if r.data.get("spki").and_then(|v| v.as_str()) == Some(&spki) {
                        Some(r.n)
                    } else {
                        None
                    };
                }
                from += 1;
            }
        }
    }

    fn name_seal_key(&self) -> Result<(), LogError> {
        if self.seal_line()?.is_none() {
            self.append(
                "sys:hub",
                &KeySeal {
                    spki: STANDARD.encode(self.keys.seal_spki()),
                },
            )?;
        }
        Ok(())
    }

    fn countersign_all(&self) {
        let mut done = self.handle.cosigned().map_or(0, |h| h.head.size);
        while !self.stop.load(Ordering::Acquire) {
            let Some(mut head) = self.handle.wait_head(done, Duration::from_secs(1)) else {
                continue;
            };
            let _turn = self
                .turn
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(newer) = self
                .handle
                .cosigned()
                .filter(|c| c.head.size >= head.head.size)
            {
                done = newer.head.size;
                continue;
            }
            self.keys.cosign(&mut head, self.clock.now().wall);
            match self.handle.countersigned(&head, self.keys.cosign_vkey()) {
                Ok(()) => {
                    done = head.head.size;
                    self.keep_of_month(&head);
                }
                // The last head of a log being closed is countersigned at the next start.
                Err(LogError::Stopped(_)) => return,
                Err(e) => {
                    tracing::error!(
                        size = head.head.size,
                        "the hub log's own head was not countersigned: {e}"
                    );
                    done = head.head.size;
                }
            }
        }
    }

    /// Last countersigned head, last lines, end of the threads.
    pub fn close(&self, why: &str) -> Result<(), LogError> {
        if let Err(e) = self.head_now() {
            tracing::warn!("no last head of the hub log: {e}");
        }
        self.stop.store(true, Ordering::Release);
        self.handle.close(why)
    }
}
