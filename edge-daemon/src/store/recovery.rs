//! Task. At start: what the last run left on the disks but not in the log is made whole and logged; what is in the log but not on
//! the disks is said. Recording does not wait for it.
//!
//! [`scan`] lists the files **before** the cameras start (their own open segments must not be taken for torn ones);
//! [`Found::recover`] then works through them in a thread of its own.
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    segment::SegmentName,
    time::Utc,
    types::{SegGap, SegLost, SegWrite},
};

use super::{
    Volumes,
    index::{Index, IndexError},
};
use crate::{
    health::Faults,
    reader::{Client, ReaderError, Recovered},
    retention::walker,
    stop::Stop,
};

const WHO: &str = "sys:rec";
/// Longest hole between two segments that needs no `seg.gap`.
const CONTINUOUS_MS: i64 = 500;

/// A file that the log does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    pub volume: PathBuf,
    pub name: SegmentName,
    pub open: bool,
}

impl Orphan {
    fn path(&self) -> String {
        if self.open {
            self.name.open_path()
        } else {
            self.name.closed_path()
        }
    }
}

/// What the last run left.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Per camera, by `s`.
    orphans: BTreeMap<CameraId, Vec<Orphan>>,
    /// Last segment in the log, per camera.
    last: BTreeMap<CameraId, (u64, Utc)>,
    /// Logged segments whose file is on none of the volumes.
    missing: Vec<(CameraId, u64)>,
    /// Volumes that could not be listed, and why.
    sick: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Compares disks and log. `complete`: all configured volumes are there, so that a missing file is really missing.
pub fn scan(volumes: &Volumes, index: &Index, complete: bool) -> Result<Found, RecoveryError> {
    let mut found = Found {
        last: index
            .last()?
            .into_iter()
            .map(|(cam, s, t1)| (cam, (s, t1)))
            .collect(),
        ..Found::default()
    };
    let mut there: HashSet<(CameraId, u64)> = HashSet::new();
    for volume in volumes.all() {
        let files = walker::days(std::slice::from_ref(&volume.path)).and_then(|days| {
            days.into_iter()
                .map(|(at, folders)| Ok((at, walker::files(&folders)?)))
                .collect::<std::io::Result<Vec<_>>>()
        });
        let Ok(files) = files.inspect_err(|e| {
            // A sick disk: the others are recovered, and nothing of this one is called lost.
            let why = format!("footage on {} cannot be listed: {e}", volume.path.display());
            volumes.failed(&volume.path, &why);
            found.sick.push(why);
        }) else {
            continue;
        };
        for ((day, cam), files) in files {
            for file in files {
                let Some((name, open)) = walker::segment(&file, day, &cam) else {
                    continue;
                };
                let logged = !open
                    && index.segment(&cam, name.s)?.is_some_and(|s| {
                        Utc(s.t0.seconds() * 1000).0.abs_diff(name.start.0) <= 120_000
                            || s.key.contains("/boot-")
                    });
                if logged {
                    there.insert((cam.clone(), name.s));
                } else {
                    found.orphans.entry(cam.clone()).or_default().push(Orphan {
                        volume: volume.path.clone(),
                        name,
                        open,
                    });
                }
            }
        }
    }
    for orphans in found.orphans.values_mut() {
        orphans.sort_by_key(|o| (o.name.s, o.name.start));
    }
    if complete && found.sick.is_empty() {
        for cam in index.cameras()? {
            found.missing.extend(
                index
                    .live(&cam)?
                    .into_iter()
                    .filter(|s| !s.lost && !there.contains(&(cam.clone(), s.s)))
                    .map(|s| (cam.clone(), s.s)),
            );
        }
    }
    Ok(found)
}

impl Found {
    pub fn last(&self) -> &BTreeMap<CameraId, (u64, Utc)> {
        &self.last
    }
    pub fn orphans(&self) -> usize {
        self.orphans.values().map(Vec::len).sum()
    }

    /// Recovers and logs everything found, camera by camera, and tells `recovered` (which is `Cameras::recovered`) when a camera is
    /// done, cameras with nothing to recover first. Blocks; waits for an absent reader. Ends early on `stop` or when the log stops.
    #[allow(clippy::too_many_arguments)]
    pub fn recover(
        mut self,
        cameras: &[CameraId],
        client: &Client,
        log: &LogHandle,
        index: &mut Index,
        faults: &Faults,
        stop: &Stop,
        mut recovered: impl FnMut(&CameraId, Option<(u64, Utc)>),
    ) {
        if let Some(why) = self.sick.first() {
            faults.on("disk.failed", None, why);
        }
        for cam in cameras.iter().filter(|c| !self.orphans.contains_key(c)) {
            recovered(cam, self.last.get(cam).copied());
        }
        for (cam, orphans) in std::mem::take(&mut self.orphans) {
            let mut last = self.last.get(&cam).copied();
            for orphan in orphans {
                let Some(answer) = ask(client, &orphan, faults, stop) else {
                    return;
                };
                let done = match answer {
                    Ok(Some(whole)) => log_one(log, index, &orphan.volume, whole, &mut last),
                    Ok(None) => {
                        tracing::warn!(
                            file = orphan.path(),
                            "nothing whole in a torn segment; left aside"
                        );
                        Ok(())
                    }
                    Err(e) => {
                        faults.on("footage.unrecovered", Some(&cam), &e.to_string());
                        Ok(())
                    }
                };
                match done {
                    Ok(()) => {}
                    Err(LogError::Stopped(_)) => return,
                    Err(e) => faults.on("footage.unrecovered", Some(&cam), &e.to_string()),
                }
            }
            recovered(&cam, last);
        }
        for (cam, s) in &self.missing {
            // Retention may have deleted it since the scan.
            let gone = index.catch_up().and_then(|()| index.segment(cam, *s));
            if gone.is_ok_and(|seg| seg.is_some_and(|seg| !seg.deleted && !seg.lost)) {
                let line = SegLost {
                    cam: cam.clone(),
                    s: *s,
                    why: "its file is on none of the volumes".into(),
                };
                if log.append_soon(WHO, &line).is_err() {
                    return;
                }
            }
        }
        if let Some((cam, s)) = self.missing.first() {
            faults.on(
                "footage.lost",
                Some(cam),
                &format!(
                    "{} logged segments are not on disk, the first number {s}",
                    self.missing.len()
                ),
            );
        }
    }
}

/// Asks the reader until it answers. None: told to stop.
fn ask(
    client: &Client,
    orphan: &Orphan,
    faults: &Faults,
    stop: &Stop,
) -> Option<Result<Option<Recovered>, ReaderError>> {
    let key = format!("{}/{}", orphan.name.cam, orphan.name.day);
    loop {
        match client.recover(&orphan.volume, &orphan.path(), &key) {
            Err(e @ ReaderError::Absent { .. }) => {
                faults.on("reader.absent", None, &e.to_string());
                if stop.wait(Duration::from_secs(1)) {
                    return None;
                }
            }
            answer => return Some(answer),
        }
    }
}

/// Logs a recovered segment under the number that is its turn, with the gap before it.
fn log_one(
    log: &LogHandle,
    index: &Index,
    volume: &Path,
    whole: Recovered,
    last: &mut Option<(u64, Utc)>,
) -> Result<(), LogError> {
    let s = last.map_or(1, |(s, _)| s + 1);
    if s != whole.s {
        renumber(volume, &whole, s)?;
    }
    if let Some((_, end)) = *last
        && whole.t0.0 - end.0 > CONTINUOUS_MS
    {
        log.append_soon(
            WHO,
            &SegGap {
                cam: whole.cam.clone(),
                next: s,
                t0: end,
                t1: whole.t0,
                why: "restart".into(),
                packets: 0,
            },
        )?;
    }
    let mask = index.mask_at(&whole.cam, whole.t1).unwrap_or_default();
    let how = if mask.is_some() { "burned" } else { "none" };
    let line = SegWrite {
        cam: whole.cam,
        s,
        t0: whole.t0,
        t1: whole.t1,
        size: whole.size,
        sha256: whole.sha256,
        mask,
        how: how.into(),
        proofs: 0,
        lost: 0,
        offset_ms: None,
        key: whole.key,
        rate: whole.rate,
    };
    log.append(WHO, &line)?;
    tracing::info!(cam = %line.cam, s, kept = whole.kept_fragments, dropped = whole.dropped_bytes, "segment recovered");
    *last = Some((s, line.t1));
    Ok(())
}

/// A file's number is the number of its line. (A torn file before it held nothing whole, so the count did not move.)
fn renumber(volume: &Path, whole: &Recovered, s: u64) -> Result<(), LogError> {
    let old = volume.join(&whole.path);
    let io = |source| LogError::Io {
        what: "renumber",
        path: old.display().to_string(),
        source,
    };
    let (folder, file) = whole.path.rsplit_once('/').unwrap_or(("", &whole.path));
    let start = file.split('-').next().unwrap_or(file);
    let folder = volume.join(folder);
    let new = folder.join(format!("{start}-{s}{}", shared::segment::CLOSED));
    if new.exists() {
        return Err(io(std::io::ErrorKind::AlreadyExists.into()));
    }
    std::fs::rename(&old, &new)
        .and_then(|()| std::fs::File::open(&folder)?.sync_all())
        .map_err(io)
}
