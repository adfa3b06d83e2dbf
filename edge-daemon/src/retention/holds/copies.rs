//! Task. The copies that holds keep: made by the reader under each hold's own key, counted on the record, gone when the hold is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::PoisonError,
    time::Duration,
};

use shared::{
    id::{CameraId, HoldId},
    record::{hex, sha256},
    segment::{HELD, KeyId},
    types::{HoldClear, HoldDone, HoldKept},
};

use super::{HoldError, Holds, WHO, io};
use crate::{
    reader::ReaderError,
    stop::Stop,
    store::{
        Index,
        index::{Hold, IndexError, Segment},
    },
};

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A segment is logged at the latest so long after its last frame; a hold whose span ended before that gets no more segments.
const LATE_MS: i64 = 10 * 60_000;

/// What one look found.
#[derive(Debug, Default)]
pub struct Looked {
    /// What could not be done, by camera.
    pub failed: BTreeMap<Option<CameraId>, String>,
    /// Holds in force, and holds that are over but not yet cleared up after.
    pub open: usize,
}

impl Holds {
    pub(super) fn copy(&self, holds: &[Hold], segment: &Segment) -> Option<(PathBuf, KeyId)> {
        let name = segment.name();
        holds.iter().filter(|h| h.touches(segment)).find_map(|h| {
            let file = self
                .0
                .volumes
                .find_below(&format!("{HELD}/{}", h.hold), &name)?;
            Some((file, h.key()))
        })
    }

    /// Where a hold in force keeps a copy of a segment, and the id of the key that opens it.
    pub fn kept_at(
        &self,
        index: &Index,
        segment: &Segment,
    ) -> Result<Option<(PathBuf, String)>, IndexError> {
        let copy = self.copy(&index.holds()?, segment);
        Ok(copy.map(|(file, key)| (file, key.to_string())))
    }

    /// Makes copies of those of these segments that holds in force touch, before they go. Under [`Holds::gate`].
    pub fn keep(&self, index: &Index, segments: &[&Segment]) -> Result<(), HoldError> {
        for hold in index.holds()? {
            let touched: Vec<&Segment> = segments
                .iter()
                .copied()
                .filter(|s| hold.touches(s))
                .collect();
            if touched.is_empty() {
                continue;
            }
            self.copy_all(index, &hold, &touched)?;
            self.say_kept(index, &hold)?;
        }
        Ok(())
    }

    /// From the segment's own place, or from what another hold keeps.
    fn copy_all(&self, index: &Index, hold: &Hold, segments: &[&Segment]) -> Result<(), HoldError> {
        let below = format!("{HELD}/{}", hold.hold);
        let others = [index.holds()?, index.uncleared()?].concat();
        for s in segments {
            let name = s.name();
            if self.0.volumes.find_below(&below, &name).is_some() {
                continue;
            }
            let nowhere = || HoldError::Nowhere {
                hold: hold.hold,
                cam: s.cam.clone(),
                s: s.s,
            };
            let own = self.0.volumes.find(&name).map(|f| (f, s.key.clone()));
            let (file, key) = own
                .or_else(|| {
                    let (file, key) = self.copy(&others, s)?;
                    Some((file, key.to_string()))
                })
                .ok_or_else(nowhere)?;
            let volumes = self.0.volumes.all();
            let (volume, inner) = volumes
                .iter()
                .find_map(|v| Some((&v.path, file.strip_prefix(&v.path).ok()?)))
                .ok_or_else(nowhere)?;
            let named = inner.strip_prefix(HELD).map_or(inner, |below| {
                below
                    .strip_prefix(below.iter().next().unwrap_or_default())
                    .unwrap_or(below)
            });
            let to = volume.join(&below).join(named);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(io("make", folder))?;
            }
            let inner = inner.to_string_lossy();
            self.0
                .client
                .hold(volume, &inner, &key, &hold.key(), &s.sha256)?;
        }
        Ok(())
    }

    /// Puts on the record what a hold keeps, when that is news.
    fn say_kept(&self, index: &Index, hold: &Hold) -> Result<(), HoldError> {
        let below = format!("{HELD}/{}", hold.hold);
        let mut kept = index.ever_touching(&hold.cam, hold.t0, hold.t1)?;
        kept.retain(|s| {
            let name = s.name();
            self.0.volumes.find_below(&below, &name).is_some()
        });
        let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
            return Ok(());
        };
        let leaves: Vec<u8> = kept.iter().flat_map(|s| s.leaf).collect();
        let line = HoldKept {
            hold: hold.hold,
            cam: hold.cam.clone(),
            s0: first.s,
            s1: last.s,
            count: kept.len() as u64,
            bytes: kept.iter().map(|s| s.size).sum(),
            set: hex(&sha256(&leaves)),
        };
        if hold.kept.as_ref() != Some(&line.set) {
            self.0.log.append(WHO, &line)?;
        }
        Ok(())
    }

    /// True when something happened before the time was over.
    fn wait(&self, time: Duration) -> bool {
        let asleep = self.0.wake.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut woken, _) = self
            .0
            .wake
            .1
            .wait_timeout_while(asleep, time, |woken| !*woken)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *woken)
    }

    /// Copies out what holds name, ends those whose time is over, and clears up after those that are. Returns when told to stop.
    pub fn run(&self, stop: &Stop) {
        let mut settled = BTreeSet::new();
        while !stop.stopped() {
            let looked = self.look(&mut settled).unwrap_or_else(|e| Looked {
                failed: BTreeMap::from([(None, e.to_string())]),
                open: 0,
            });
            self.say(&looked.failed);
            // Where nothing is held there is nothing to look at until an order comes.
            let idle = looked.open == 0 && looked.failed.is_empty();
            let until = self.0.clock.now().mono + LOOK_EVERY.as_millis() as u64;
            while !stop.stopped()
                && (idle || self.0.clock.now().mono < until)
                && !self.wait(Duration::from_millis(500))
            {}
        }
    }

    fn say(&self, failed: &BTreeMap<Option<CameraId>, String>) {
        for known in self.0.faults.list() {
            if known.code == "hold.copy" && !failed.contains_key(&known.cam) {
                self.0.faults.off("hold.copy", known.cam.as_ref());
            }
        }
        for (cam, why) in failed {
            self.0.faults.on("hold.copy", cam.as_ref(), why);
        }
    }

    /// One look. `settled`: holds of which all copies there will ever be are made; kept between looks.
    pub fn look(&self, settled: &mut BTreeSet<HoldId>) -> Result<Looked, HoldError> {
        self.tell_waiting();
        let mut failed = BTreeMap::new();
        let mut index = self.index()?;
        let now = self.0.clock.now();
        for hold in index.holds()? {
            if hold.until <= now.wall && self.0.trust.corroborated(now) {
                let line = HoldClear {
                    hold: hold.hold,
                    why: "expired".into(),
                    by: vec![WHO.into()],
                };
                let _gate = self.gate();
                self.0.log.append(WHO, &line)?;
                continue;
            }
            if settled.contains(&hold.hold) {
                continue;
            }
            let there = self.of(&index, &hold.cam, hold.t0, hold.t1)?;
            // One at a time: an order, or a sweep, waits for a copy, not for all of them.
            let copied = there.iter().try_for_each(|s| {
                let _gate = self.gate();
                self.copy_all(&index, &hold, &[s])
            });
            let done = copied.and_then(|()| {
                let _gate = self.gate();
                self.say_kept(&index, &hold)
            });
            match done {
                Ok(()) if now.wall.0 - hold.t1.0 > LATE_MS => {
                    settled.insert(hold.hold);
                }
                Ok(()) => {}
                Err(e) => {
                    let why = format!("{e}; the footage is not deleted before it is copied");
                    failed.insert(Some(hold.cam.clone()), why);
                }
            }
        }
        index.catch_up()?;
        self.in_use(&index)?;
        let over = index.uncleared()?;
        let open = index.holds()?.len() + over.len();
        for hold in over {
            match self.finish(&index, &hold) {
                Ok(()) => {}
                // It is over by a clock that is not proven to the reader yet: looked at again.
                Err(HoldError::Reader(ReaderError::Early(why))) => {
                    tracing::debug!(hold = %hold.hold, why, "the end of a hold waits for the reader");
                }
                Err(e) => {
                    failed
                        .entry(Some(hold.cam.clone()))
                        .or_insert(e.to_string());
                }
            }
        }
        Ok(Looked { failed, open })
    }

    /// Destroys the key of a hold that is over, and unlinks its copies. What another hold needs is copied first.
    fn finish(&self, index: &Index, hold: &Hold) -> Result<(), HoldError> {
        let _gate = self.gate();
        for other in index.holds()? {
            let mut both = index.ever_touching(&other.cam, other.t0, other.t1)?;
            both.retain(|s| hold.touches(s) && self.copy(std::slice::from_ref(hold), s).is_some());
            self.copy_all(index, &other, &both.iter().collect::<Vec<_>>())?;
        }
        let claim = self
            .0
            .client
            .destroy(&hold.key().to_string(), self.0.log.cosigned().as_ref())?;
        let folders: Vec<PathBuf> = self
            .0
            .volumes
            .all()
            .into_iter()
            .map(|v| v.path.join(HELD).join(hold.hold.to_string()))
            .collect();
        let mut files = Vec::new();
        for folder in &folders {
            below(folder, &mut files).map_err(io("list", folder))?;
        }
        let last = files.last().cloned();
        for file in files.iter().filter(|f| Some(*f) != last.as_ref()) {
            fs::remove_file(file).map_err(io("delete", file))?;
        }
        let mut undecryptable = true;
        if let Some(last) = &last {
            undecryptable = self.0.client.undecryptable(last)?;
        }
        for folder in &folders {
            match fs::remove_dir_all(folder) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("delete", folder)(e));
                }
                _ => {}
            }
            if let Some(parent) = folder.parent().filter(|p| p.exists()) {
                File::open(parent)
                    .and_then(|d| d.sync_all())
                    .map_err(io("sync", parent))?;
            }
        }
        if !self.0.volumes.complete() {
            return Err(HoldError::Away(hold.hold));
        }
        let line = HoldDone {
            hold: hold.hold,
            cam: hold.cam.clone(),
            n: hold.cleared,
            count: files.len() as u64,
            undecryptable,
            claim,
        };
        self.0.log.append(WHO, &line)?;
        tracing::info!(hold = %hold.hold, cam = %hold.cam, files = files.len(), "a hold is over; its copies are gone");
        Ok(())
    }
}

/// Every file below a folder.
fn below(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below(&entry.path(), into)?;
        } else {
            into.push(entry.path());
        }
    }
    Ok(())
}
