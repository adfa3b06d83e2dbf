//! Task. The one place that deletes footage, on the record: `del.range` (synced, under a signed head) → the day's key destroyed →
//! files unlinked but one → the reader fails to open that one → unlinked → the walker looks → `del.done`.
//!
//! A sweep that a crash or a sick disk interrupts leaves a `del.range` without its `del.done`; the next one begins with those ([`redo`]).
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    record::{hex, sha256},
    segment::KeyId,
    time::{Clock, Day, Now, Utc, Zone},
    types::DelRange,
};

use super::{
    holds::{HoldError, Holds},
    policy::{self, Due, OnDisk, Rules, Situation},
    walker,
};
use crate::{
    clock::Trust,
    config::Config,
    health::Faults,
    reader::{Client, ReaderError},
    stop::Stop,
    store::{
        Volumes,
        index::{Index, IndexError, Segment},
    },
};

mod redo;
use redo::{Part, Redone};

const WHO: &str = "sys:ret";
/// How often it is looked whether there is something to do.
const LOOK_MS: u64 = 10_000;
/// What failed is tried again after so long, and what waits for another program.
const AGAIN: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(2);
/// Where the disks are short and nothing could go early, it is tried again after so long: to know costs a look at every file.
const RELIEVE_AGAIN_MS: u64 = 600_000;
/// Under a clock nobody vouches for it is said how much looks due: again after so long, and at once when the clock has jumped.
const DOUBT_AGAIN_MS: i64 = 600_000;
const JUMP_MS: i64 = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("cannot {what} {path}: {source}; the deletion is repeated until it succeeds")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{0}; the deletion waits for it")]
    Reader(#[from] ReaderError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("{0}; footage of that camera and day is not deleted before")]
    Hold(#[from] HoldError),
    #[error("the log took no line: {0}; nothing is deleted without one")]
    Log(#[from] LogError),
}

pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SweepError {
    move |source| SweepError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// What one sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub deleted: Vec<Due>,
    /// Of these, how many went before their day.
    pub early: usize,
    pub waiting: Vec<Due>,
    /// Of these, the first that the reader holds up: why, in its words.
    pub reader: Option<String>,
    /// When a day that the calendar has due will have been kept for its days.
    pub next: Option<Utc>,
    /// Why what one camera-day has cannot go, of the first: it is repeated, and the others go.
    pub stuck: Option<String>,
}

pub struct Sweeper {
    pub zone: Zone,
    pub rules: Rules,
    pub volumes: Volumes,
    pub log: LogHandle,
    pub index: PathBuf,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub trust: Trust,
    pub faults: Faults,
    pub holds: Holds,
    /// The hub has confirmed that more than a day per camera may go.
    pub confirmed: Confirmed,
    /// Cameras that have given their day in the sweep under way.
    pub swept: Vec<CameraId>,
}

/// The hub's word that this box's clock is right, and that more than a day per camera may go in one sweep. Good for one sweep.
#[derive(Clone, Debug, Default)]
pub struct Confirmed(Arc<AtomicBool>);

impl Confirmed {
    pub fn give(&self) {
        self.0.store(true, Relaxed);
    }
    fn given(&self) -> bool {
        self.0.load(Relaxed)
    }
    fn spend(&self) {
        self.0.store(false, Relaxed);
    }
}

impl Sweeper {
    pub fn new(
        config: &Config,
        index: PathBuf,
        volumes: Volumes,
        log: LogHandle,
        client: Client,
        clock: Arc<dyn Clock>,
        trust: Trust,
        faults: Faults,
        holds: Holds,
        rules: Rules,
        confirmed: Confirmed,
    ) -> Self {
        Self {
            zone: config.zone.clone(),
            rules,
            volumes,
            log,
            index,
            client,
            clock,
            trust,
            faults,
            holds,
            confirmed,
            swept: Vec::new(),
        }
    }

    /// Sweeps at start and at five past midnight, once the clock is corroborated; repeats what failed. Returns when told to stop.
    pub fn run(mut self, stop: &Stop) {
        let mut next = self.clock.now().wall;
        let mut doubted: Option<Now> = None;
        let mut redone = false;
        let mut early = false;
        let mut relieve_at = 0;
        // When the sweep is over that something is stuck in: each camera may give another day then.
        let mut over: Option<Utc> = None;
        loop {
            let now = self.clock.now();
            let confirmed = self.confirmed.given();
            if confirmed {
                next = now.wall;
            }
            // A clock set back must not put the next sweep out of reach.
            next = next.min(policy::next_sweep(now.wall, &self.zone, false).max(now.wall));
            let mut wait = Duration::from_millis(
                u64::try_from(next.0 - now.wall.0)
                    .unwrap_or(0)
                    .clamp(100, LOOK_MS),
            );
            if now.wall >= next && self.trust.corroborated(now) {
                self.faults.off("retention.clock", None);
                if over.take_if(|over| now.wall >= *over).is_some() {
                    self.swept.clear();
                }
                match self.sweep(now.wall) {
                    Ok(swept) => {
                        self.say_waiting(&swept);
                        if !std::mem::take(&mut early) && swept.early == 0 {
                            self.faults.off("disk.early", None);
                        }
                        if confirmed {
                            self.confirmed.spend();
                        }
                        let waiting = !swept.waiting.is_empty();
                        let after = policy::next_sweep(now.wall, &self.zone, waiting);
                        let after = swept.next.map_or(after, |kept| after.min(kept));
                        if let Some(why) = swept.stuck {
                            self.faults.on("retention.failed", None, &why);
                            over = Some(over.map_or(after, |over| over.min(after)));
                            wait = AGAIN;
                        } else {
                            self.faults.off("retention.failed", None);
                            self.swept.clear();
                            (over, next, redone) = (None, after, true);
                        }
                    }
                    Err(SweepError::Log(LogError::Stopped(_))) => return,
                    Err(e) => {
                        self.faults.on("retention.failed", None, &e.to_string());
                        wait = match e {
                            SweepError::Reader(ReaderError::Absent { .. }) => SOON,
                            _ => AGAIN,
                        };
                    }
                }
            } else if now.mono >= relieve_at && self.short() > 0 && self.trust.corroborated(now) {
                match self.relieve(now.wall) {
                    Ok(true) => early = true,
                    Ok(false) => relieve_at = now.mono + RELIEVE_AGAIN_MS,
                    Err(SweepError::Log(LogError::Stopped(_))) => return,
                    Err(e) => self.faults.on("retention.failed", None, &e.to_string()),
                }
            } else if now.wall >= next {
                wait = SOON;
                // What was begun under a good clock is finished under any.
                redone = redone || self.redo().is_ok_and(|r| r.stuck.is_none());
                if doubted.is_none_or(|then| {
                    let (wall, mono) =
                        (now.wall.0 - then.wall.0, now.mono as i64 - then.mono as i64);
                    mono > DOUBT_AGAIN_MS || (wall - mono).abs() > JUMP_MS
                }) {
                    doubted = Some(now);
                    if let Ok(disk) = self.on_disk(now.wall)
                        && let doubtful @ 1.. = policy::decide(
                            &disk,
                            &self.rules,
                            &self.zone,
                            &Situation {
                                now: now.wall,
                                trusted: false,
                                confirmed: false,
                                swept: &[],
                                short: 0,
                            },
                        )
                        .doubtful
                        .len()
                    {
                        self.faults.on("retention.clock", None, &format!("{doubtful} camera-days look past their day, but the clock is not corroborated: nothing is deleted"));
                    }
                }
            }
            // The hub's word is not kept waiting.
            while !wait.is_zero() && (confirmed || !self.confirmed.given()) {
                let part = wait.min(SOON);
                if stop.wait(part) {
                    return;
                }
                wait -= part;
            }
        }
    }

    fn say_waiting(&self, swept: &Swept) {
        match swept.waiting.first() {
            Some(first) => {
                let what = format!(
                    "{} camera-days past their day wait, the oldest {} of {}: {}",
                    swept.waiting.len(),
                    first.day,
                    first.cam,
                    swept.reader.as_deref().unwrap_or(
                        "one sweep deletes one day per camera unless the hub confirms more"
                    )
                );
                self.faults.on("retention.waiting", None, &what);
            }
            None => self.faults.off("retention.waiting", None),
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.volumes.all().into_iter().map(|v| v.path).collect()
    }

    /// One sweep: first what an earlier one left undone, then what is due.
    pub fn sweep(&mut self, now: Utc) -> Result<Swept, SweepError> {
        let Redone {
            cams,
            waiting: mut held_back,
            mut reader,
            mut stuck,
            left,
        } = self.redo()?;
        self.swept.extend(cams);
        let mut disk = self.on_disk(now)?;
        disk.retain(|d| !left.iter().any(|(cam, day)| d.cam == *cam && d.day == *day));
        let situation = Situation {
            now,
            trusted: true,
            confirmed: self.confirmed.given(),
            swept: &self.swept,
            short: self.short(),
        };
        let decision = policy::decide(&disk, &self.rules, &self.zone, &situation);
        match self.bury(now) {
            // The others' days go all the same.
            Err(SweepError::Reader(e)) => tracing::warn!(error = %e, "a key outlives its day"),
            buried => buried?,
        }
        let mut deleted = Vec::new();
        for due in decision.delete.iter().chain(&decision.early) {
            match self.delete(due) {
                Ok(()) => deleted.push(due.clone()),
                // So do they where the reader is to be waited for.
                Err(SweepError::Reader(ReaderError::Early(why))) => {
                    reader.get_or_insert(why);
                    held_back.push(due.clone());
                }
                // The other cameras' days go all the same.
                Err(e @ (SweepError::Hold(_) | SweepError::Io { .. })) => {
                    stuck.get_or_insert(e.to_string());
                }
                Err(e) => return Err(e),
            }
        }
        if let Some(first) = decision.early.first() {
            let what = format!(
                "the disks have room for {} MiB more: {} camera-days went before their time, the oldest {} of {}",
                self.volumes.room_bytes() >> 20,
                decision.early.len(),
                first.day,
                first.cam
            );
            self.faults.on("disk.early", None, &what);
        }
        Ok(Swept {
            early: decision.early.len(),
            deleted,
            waiting: [held_back, decision.waiting].concat(),
            reader,
            next: decision.next,
            stuck,
        })
    }

    /// Bytes the disks lack for recording to go on: a fiftieth of them is to be free, and no more than 8 GiB.
    fn short(&self) -> u64 {
        let wanted = (self.volumes.total_bytes() / 50).min(8 << 30);
        wanted.saturating_sub(self.volumes.room_bytes())
    }

    /// Between sweeps, when the disks are short: what is due has gone, and the oldest goes early. True when something did.
    fn relieve(&mut self, now: Utc) -> Result<bool, SweepError> {
        let days = walker::days(&self.paths()).map_err(io("list", Path::new("footage")))?;
        let all = days.into_keys().map(|(_, cam)| cam).collect();
        let before = std::mem::replace(&mut self.swept, all);
        let swept = self.sweep(now);
        self.swept = before;
        // What went is seen when the disks are next looked at.
        self.volumes.look();
        Ok(swept?.early > 0)
    }

    /// What is on disk, with the day it was really recorded where the folder's name came from an unset clock.
    fn on_disk(&self, now: Utc) -> Result<Vec<OnDisk>, SweepError> {
        let days = walker::days(&self.paths()).map_err(io("list", Path::new("footage")))?;
        let index = Index::open(&self.index, &self.log.folder())?;
        let boots = index.boots()?;
        let mut lacks = self.short();
        let mut wanted = BTreeSet::new();
        if lacks > 0 {
            for h in index.holds()? {
                let segments = index.touching(&h.cam, h.t0, h.t1)?;
                wanted.extend(segments.into_iter().map(|s| (s.day, s.cam)));
            }
        }
        let mut out = Vec::new();
        for ((day, cam), folders) in days {
            let held = wanted.contains(&(day, cam.clone()));
            let mut bytes = 0;
            if lacks > 0 {
                let files = walker::files(&folders).map_err(io("list", Path::new("footage")))?;
                let sizes = files.iter().filter_map(|f| fs::metadata(f).ok());
                bytes = sizes.map(|m| m.len()).sum();
                if !held {
                    lacks = lacks.saturating_sub(bytes);
                }
            }
            let (mut recorded, mut last) = (day, None);
            if self.rules.due(&cam, day, None, &self.zone) <= now {
                for file in walker::files(&folders).map_err(io("list", Path::new("footage")))? {
                    let Some((name, _)) = walker::segment(&file, day, &cam) else {
                        continue;
                    };
                    let Some(segment) = index.segment(&cam, name.s)? else {
                        continue;
                    };
                    let by = policy::recorded(&segment, &boots, &self.zone);
                    recorded = recorded.max(by.unwrap_or_else(|| self.zone.day_of(now)));
                    last = last.max(Some(segment.t1));
                }
            }
            out.push(OnDisk {
                day,
                cam,
                recorded,
                held,
                last,
                bytes,
            });
        }
        Ok(out)
    }

    /// Deletes one camera-day.
    fn delete(&mut self, due: &Due) -> Result<(), SweepError> {
        let mut index = Index::open(&self.index, &self.log.folder())?;
        let (mut by_key, others) = self.contents(&index, &due.cam, due.day)?;
        if by_key.is_empty() {
            // Nothing in it was ever logged; the folder goes on the record all the same.
            by_key.insert(
                KeyId::Day {
                    cam: due.cam.clone(),
                    day: due.day,
                }
                .to_string(),
                Vec::new(),
            );
        }
        // A line of a deletion that the reader then holds up would stand there for half a day without its end.
        if due.rule != policy::EARLY {
            for key in by_key.keys() {
                if let Err(e @ ReaderError::Early(_)) =
                    self.client.due(key, self.log.cosigned().as_ref())
                {
                    return Err(e.into());
                }
            }
        }
        // From here until the line is written nobody may place a hold on this: whoever comes first wins.
        let holds = self.holds.clone();
        let gate = holds.gate();
        index.catch_up()?;
        let all: Vec<&Segment> = by_key.values().flatten().map(|(s, _)| s).collect();
        holds.keep(&index, &all)?;
        let mut parts = Vec::new();
        for (key, found) in by_key {
            let leaves: Vec<u8> = found.iter().flat_map(|(s, _)| s.leaf).collect();
            let start = self.zone.start_of(due.day);
            let line = DelRange {
                cam: due.cam.clone(),
                day: due.day,
                s0: found.first().map_or(0, |(s, _)| s.s),
                s1: found.last().map_or(0, |(s, _)| s.s),
                t0: found.first().map_or(start, |(s, _)| s.t0),
                t1: found.last().map_or(start, |(s, _)| s.t1),
                count: found.len() as u64,
                set: hex(&sha256(&leaves)),
                rule: due.rule.clone(),
                key: key.clone(),
            };
            let n = self.log.append(WHO, &line)?.n;
            parts.push(Part {
                n,
                cam: due.cam.clone(),
                day: due.day,
                s0: line.s0,
                s1: line.s1,
                key,
                files: found.into_iter().map(|(_, path)| path).collect(),
                others: Vec::new(),
                early: due.rule == policy::EARLY,
            });
        }
        self.swept.push(due.cam.clone());
        self.log.sign_head()?;
        drop(gate);
        if let Some(last) = parts.last_mut() {
            last.others = others;
        }
        index.catch_up()?;
        for part in &parts {
            self.act(&index, part)?;
        }
        Ok(())
    }

    /// Keys of footage that went before its day, for want of room: their day has come. On the record like any other deletion, with no
    /// file left to it.
    fn bury(&mut self, now: Utc) -> Result<(), SweepError> {
        let mut index = Index::open(&self.index, &self.log.folder())?;
        for (cam, day, key) in index.outliving()? {
            let live = index.of_key(&key)?.iter().any(|s| !s.deleted && !s.lost);
            if live || self.rules.due(&cam, day, None, &self.zone) > now {
                continue;
            }
            if let Err(ReaderError::Early(why)) =
                self.client.due(&key, self.log.cosigned().as_ref())
            {
                tracing::info!(key, why, "a key waits for its day at the reader");
                continue;
            }
            let start = self.zone.start_of(day);
            let line = DelRange {
                cam: cam.clone(),
                day,
                s0: 0,
                s1: 0,
                t0: start,
                t1: start,
                count: 0,
                set: hex(&sha256(&[])),
                rule: format!("{}d", self.rules.days(&cam)),
                key: key.clone(),
            };
            let n = self.log.append(WHO, &line)?.n;
            self.log.sign_head()?;
            index.catch_up()?;
            self.act(
                &index,
                &Part {
                    n,
                    cam,
                    day,
                    s0: 0,
                    s1: 0,
                    key,
                    files: Vec::new(),
                    others: Vec::new(),
                    early: false,
                },
            )?;
        }
        Ok(())
    }

    /// A camera-day's logged segments by key, in order, and everything else in its folders.
    #[allow(clippy::type_complexity)]
    fn contents(
        &self,
        index: &Index,
        cam: &CameraId,
        day: Day,
    ) -> Result<(BTreeMap<String, Vec<(Segment, PathBuf)>>, Vec<PathBuf>), SweepError> {
        let folders: Vec<PathBuf> = self.folders(cam, day);
        let (mut by_key, mut others) = (
            BTreeMap::<String, Vec<(Segment, PathBuf)>>::new(),
            Vec::new(),
        );
        for file in walker::files(&folders).map_err(io("list", &folders[0]))? {
            let segment = match walker::segment(&file, day, cam) {
                Some((name, false)) => index.segment(cam, name.s)?,
                _ => None,
            };
            match segment {
                Some(s) => by_key.entry(s.key.clone()).or_default().push((s, file)),
                None => others.push(file),
            }
        }
        for found in by_key.values_mut() {
            found.sort_by_key(|(s, _)| s.s);
        }
        Ok((by_key, others))
    }

    fn folders(&self, cam: &CameraId, day: Day) -> Vec<PathBuf> {
        self.paths()
            .into_iter()
            .map(|v| v.join(shared::segment::SegmentName::folder(day, cam)))
            .collect()
    }
}
