//! Task. Holds: footage that is kept beyond its day, because somebody may need it as evidence (RET-3, RET-6).
//!
//! ```text
//! order ──> hold.set (synced, under a signed head) ──> copies under the hold's own key ──> hold.kept
//!                                                       each read again and compared with its seg.write
//! order, or its time is over ──> hold.clear ──> the hold's key destroyed, copies unlinked ──> hold.done
//! ```
//! The log is the truth about holds; nothing else remembers them. From `hold.set` on no segment that touches the span is deleted
//! before its copy is there: [`Holds::keep`] is asked by the one place that deletes, under the same lock under which holds are set.
//! So the day's own key dies on its day, and what is held is no more than the segments that were asked for.
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use logbook::LogHandle;
use shared::{
    id::{CameraId, HoldId},
    order::{Code, Refusal},
    time::{Clock, Utc, Zone},
    types::{HoldClear, HoldSet},
};

use super::policy::{self, Rules};
use crate::{
    clock::Trust,
    config::Config,
    health::Faults,
    reader::{Client, ReaderError},
    store::{
        Index, Volumes,
        index::{Boot, IndexError, Segment},
    },
};

mod copies;
mod orders;

pub use copies::Looked;

const WHO: &str = "sys:ret";
/// What copies may not fill up: recording needs room, too.
const LEAVE_BYTES: u64 = 256 << 20;
/// Without a word in the configuration holds may fill this part of the disks.
const SHARE: u64 = 10;

/// A hold as it is ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub hold: HoldId,
    pub cam: CameraId,
    pub t0: Utc,
    pub t1: Utc,
    pub until: Utc,
    pub grant: String,
}

/// A hold in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub until: Utc,
    pub segments: u64,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the log took no line: {0}")]
    Log(#[from] logbook::LogError),
    #[error("{0}")]
    Reader(#[from] ReaderError),
    #[error("segment {s} of {cam} is held by {hold} and on no disk that is there")]
    Nowhere { hold: HoldId, cam: CameraId, s: u64 },
    #[error("a footage disk is away: what {0} kept on it goes when it is back")]
    Away(HoldId),
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HoldError {
    move |source| HoldError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Holds(Arc<Inner>);

struct Inner {
    zone: Zone,
    rules: Rules,
    /// Most bytes holds may keep, when the configuration says.
    most: Option<u64>,
    volumes: Volumes,
    log: LogHandle,
    index: PathBuf,
    orders: PathBuf,
    client: Client,
    clock: Arc<dyn Clock>,
    trust: Trust,
    faults: Faults,
    /// Held while a hold is set, and while a camera-day is put on the record as going.
    gate: Mutex<()>,
    wake: (Mutex<bool>, Condvar),
    /// Bytes that holds in force keep or are to keep.
    used: AtomicU64,
}

/// What the rest of the box lends.
pub struct Deps {
    pub volumes: Volumes,
    pub log: LogHandle,
    pub index: PathBuf,
    /// Where orders wait for the reader.
    pub orders: PathBuf,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub trust: Trust,
    pub faults: Faults,
}

impl Holds {
    pub fn new(config: &Config, rules: Rules, deps: Deps) -> Self {
        let most = config.holds_gib.map(|g| u64::from(g) << 30);
        Self::with(config.zone.clone(), rules, most, deps)
    }

    /// With the ceiling in bytes.
    pub fn with(zone: Zone, rules: Rules, most: Option<u64>, deps: Deps) -> Self {
        Self(Arc::new(Inner {
            zone,
            rules,
            most,
            volumes: deps.volumes,
            log: deps.log,
            index: deps.index,
            orders: deps.orders,
            client: deps.client,
            clock: deps.clock,
            trust: deps.trust,
            faults: deps.faults,
            gate: Mutex::new(()),
            wake: (Mutex::new(false), Condvar::new()),
            used: AtomicU64::new(0),
        }))
    }

    /// Nothing is held anew, and nothing is deleted by somebody else, while this is held.
    pub fn gate(&self) -> MutexGuard<'_, ()> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> Result<Index, IndexError> {
        Index::open(&self.0.index, &self.0.log.folder())
    }

    /// Most bytes that holds may keep: as configured, else a tenth of the disks.
    pub fn most_bytes(&self) -> u64 {
        self.0
            .most
            .unwrap_or_else(|| self.0.volumes.total_bytes() / SHARE)
    }

    /// Room that is reserved for holds to come.
    pub fn reserved_bytes(&self) -> u64 {
        self.most_bytes().saturating_sub(self.0.used.load(Relaxed))
    }

    /// Sets or extends a hold; the same order again gives the same answer. `close_open`: lets the segment that is being recorded end,
    /// for a span of which nothing else is there.
    pub fn place(&self, asked: &Asked, close_open: impl FnOnce()) -> Result<Placed, Refusal> {
        let now = self.0.clock.now();
        if asked.t0 >= asked.t1 {
            let why = "the span asked for ends before it begins";
            return Err(Refusal::new(Code::OutOfBounds, why));
        }
        if asked.t1 > self.latest().plus_ms(5_000) {
            let why = format!(
                "the span asked for ends in the future; the box's clock says {}",
                now.wall
            );
            return Err(Refusal::new(Code::Future, why));
        }
        if asked.until <= now.wall && self.0.trust.corroborated(now) {
            let why = format!(
                "{} has passed; the box's clock says {}",
                asked.until, now.wall
            );
            return Err(Refusal::new(Code::Late, why));
        }
        let told = |code: Code, what: &str, e: &dyn std::fmt::Display| {
            let why = format!("the box could not {what}: {e}; nothing was held");
            Refusal::new(code, why)
        };
        let mut index = self
            .index()
            .map_err(|e| told(Code::Index, "open its index", &e))?;
        let find = |index: &Index| index.touching(&asked.cam, asked.t0, asked.t1);
        if find(&index)
            .map_err(|e| told(Code::Index, "read its index", &e))?
            .is_empty()
        {
            close_open();
        }
        let _gate = self.gate();
        index
            .catch_up()
            .map_err(|e| told(Code::Index, "read its log", &e))?;
        let before = index
            .hold(asked.hold)
            .map_err(|e| told(Code::Index, "read its index", &e))?;
        if let Some(before) = &before {
            if before.over {
                let why = format!("{} is over, and a hold is never set again", asked.hold);
                return Err(Refusal::new(Code::HoldOver, why));
            }
            if (&before.cam, before.t0, before.t1) != (&asked.cam, asked.t0, asked.t1) {
                let why = format!(
                    "{} holds {} from {} to {} already; a hold's span is never changed",
                    asked.hold, before.cam, before.t0, before.t1
                );
                return Err(Refusal::new(Code::NumberTaken, why));
            }
        }
        let mut found = self
            .of(&index, &asked.cam, asked.t0, asked.t1)
            .map_err(|e| told(Code::Index, "read its index", &e))?;
        let recorded = found.len();
        if before.is_none() {
            found = self
                .available(&index, found)
                .map_err(|e| told(Code::Index, "read its index", &e))?;
        }
        let placed = Placed {
            until: before
                .as_ref()
                .map_or(asked.until, |b| b.until.max(asked.until)),
            segments: found.len() as u64,
            bytes: found.iter().map(|s| s.size).sum(),
        };
        if before.is_none() {
            if found.is_empty() && recorded > 0 {
                return Err(Refusal::new(Code::PastItsDay, self.past(&asked.cam)));
            }
            if found.is_empty() {
                let why = format!(
                    "this box holds no footage of {} between {} and {}",
                    asked.cam,
                    asked.t0.for_people(&self.0.zone),
                    asked.t1.for_people(&self.0.zone)
                );
                return Err(Refusal::new(Code::NothingRecorded, why));
            }
            self.fits(&index, asked, placed.bytes)
                .map_err(|e| told(Code::Index, "measure what it holds", &e))??;
        }
        if before.is_none_or(|b| b.until < asked.until) {
            let line = HoldSet {
                hold: asked.hold,
                cam: asked.cam.clone(),
                t0: asked.t0,
                t1: asked.t1,
                until: asked.until,
                grant: asked.grant.clone(),
            };
            self.0
                .log
                .append("hub:order", &line)
                .map_err(|e| told(Code::Log, "log the hold", &e))?;
        }
        self.wake();
        Ok(placed)
    }

    /// Whether so many more bytes fit below the ceiling, and on the disks.
    fn fits(
        &self,
        index: &Index,
        asked: &Asked,
        bytes: u64,
    ) -> Result<Result<(), Refusal>, IndexError> {
        let used = self.in_use(index)?;
        let most = self.most_bytes();
        let mib = |b: u64| b.div_ceil(1 << 20);
        let why = if used + bytes > most {
            format!(
                "{} of {} needs {} MiB, and of the {} MiB reserved for holds {} are taken; release a hold that is no longer needed, \
                 fetch what it keeps, or raise retention.holds_gib. What is held already stays",
                asked.hold,
                asked.cam,
                mib(bytes),
                mib(most),
                mib(used)
            )
        } else if bytes.saturating_add(LEAVE_BYTES.min(most)) > self.0.volumes.room_bytes() {
            format!(
                "{} of {} needs {} MiB, and the disks have room for {} MiB; what is held already stays",
                asked.hold,
                asked.cam,
                mib(bytes),
                mib(self.0.volumes.room_bytes())
            )
        } else {
            return Ok(Ok(()));
        };
        Ok(Err(Refusal::new(Code::NoRoom, why)))
    }

    /// Bytes that holds in force keep or are to keep.
    fn in_use(&self, index: &Index) -> Result<u64, IndexError> {
        let mut used = 0;
        for hold in index.holds()? {
            let found = self.of(index, &hold.cam, hold.t0, hold.t1)?;
            used += found.iter().map(|s| s.size).sum::<u64>();
        }
        self.0.used.store(used, Relaxed);
        Ok(used)
    }

    /// Segments of a span that are there: on their day's disk, or kept by a hold.
    pub fn of(
        &self,
        index: &Index,
        cam: &CameraId,
        t0: Utc,
        t1: Utc,
    ) -> Result<Vec<Segment>, IndexError> {
        let mut all = index.ever_touching(cam, t0, t1)?;
        let holds = index.holds()?;
        all.retain(|s| !s.lost && (!s.deleted || self.copy(&holds, s).is_some()));
        Ok(all)
    }

    /// Those of these segments that may still be shown to people: their day is not over by any clock there is, whatever it is worth, or a
    /// hold in force keeps a copy.
    pub fn available(
        &self,
        index: &Index,
        mut segments: Vec<Segment>,
    ) -> Result<Vec<Segment>, IndexError> {
        let (boots, holds) = (index.boots()?, index.holds()?);
        let now = self.latest();
        segments.retain(|s| !self.due(&boots, s, now) || self.copy(&holds, s).is_some());
        Ok(segments)
    }

    /// Where a segment that may be shown lies, and the id of the key that opens it: on its day's disk, or as a hold's copy.
    pub fn open_at(
        &self,
        index: &Index,
        segment: &Segment,
    ) -> Result<Option<(PathBuf, String)>, IndexError> {
        let now = self.latest();
        if !segment.deleted && !self.due(&index.boots()?, segment, now) {
            let name = segment.name();
            if let Some(file) = self.0.volumes.find(&name) {
                return Ok(Some((file, segment.key.clone())));
            }
        }
        let copy = self.copy(&index.holds()?, segment);
        Ok(copy.map(|(file, key)| (file, key.to_string())))
    }

    fn latest(&self) -> Utc {
        self.0.trust.latest(self.0.clock.now())
    }

    /// Whether a segment is past its day.
    fn due(&self, boots: &[Boot], s: &Segment, now: Utc) -> bool {
        let recorded = policy::recorded(s, boots, &self.0.zone);
        recorded.is_some_and(|day| self.0.rules.due(&s.cam, day, Some(s.t1), &self.0.zone) <= now)
    }

    /// In a sentence, why footage that is past its day is not shown.
    pub fn past(&self, cam: &CameraId) -> String {
        format!(
            "footage of {cam} is kept for {} days, and what is asked for is past its day by the box's clock, or by what contradicts it: it is neither shown nor held any more",
            self.0.rules.days(cam)
        )
    }

    /// A hold is over.
    pub fn clear(&self, hold: HoldId, why: &str, by: Vec<String>) -> Result<(), Refusal> {
        let failed = |code: Code, e: &dyn std::fmt::Display| {
            Refusal::new(code, format!("the box could not end {hold}: {e}"))
        };
        let _gate = self.gate();
        let index = self.index().map_err(|e| failed(Code::Index, &e))?;
        if index
            .hold(hold)
            .map_err(|e| failed(Code::Index, &e))?
            .is_none_or(|h| h.over)
        {
            return Ok(());
        }
        let why = why.into();
        self.0
            .log
            .append("hub:order", &HoldClear { hold, why, by })
            .map_err(|e| failed(Code::Log, &e))?;
        self.wake();
        Ok(())
    }

    /// How many of these segments holds in force keep a copy of.
    pub fn count<'a>(
        &self,
        index: &Index,
        segments: impl Iterator<Item = &'a Segment>,
    ) -> Result<u64, IndexError> {
        let holds = index.holds()?;
        Ok(segments.filter(|s| self.copy(&holds, s).is_some()).count() as u64)
    }

    /// Has [`Holds::run`] look at once.
    fn wake(&self) {
        *self.0.wake.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.1.notify_all();
    }
}
