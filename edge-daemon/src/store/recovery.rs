//! Task. At start: what the last run left on the disks but not in the log is made whole and logged; what is in the log but not on
//! the disks is said. Recording does not wait for it.
//!
//! [`scan`] lists the files, a million of them perhaps, while the cameras already record: what was begun since the start is told
//! apart by [`Volumes::begun_here`]. [`Found::recover`] then works through what was left. Lines of new segments wait for both.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    segment::{SegmentName, day_beside},
    time::{Day, Utc},
    types::{SegGap, SegLost, SegWrite},
};

use super::{
    Volumes,
    index::{Index, IndexError, Logged},
};
use crate::{
    health::Faults,
    reader::{Client, ReaderError, Recovered},
    recording::sequence::CONTINUOUS_MS,
    retention::walker,
    segment::Guarded,
    stop::Stop,
};

const WHO: &str = "sys:rec";

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
    volumes: Option<Volumes>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Compares disks and log, camera by camera. What is on none of the volumes is called missing only when all of them are there.
pub fn scan(volumes: &Volumes, index: &Index) -> Result<Found, RecoveryError> {
    let mut found = Found {
        volumes: Some(volumes.clone()),
        last: index
            .last()?
            .into_iter()
            .map(|(cam, s, t1)| (cam, (s, t1)))
            .collect(),
        ..Found::default()
    };
    let lapses = volumes.lapses();
    let sick = |volume: &Path, e: std::io::Error| {
        // The other disks are recovered, and nothing of this one is called lost.
        let why = format!("footage on {} cannot be listed: {e}", volume.display());
        volumes.failed(volume, "disk.failed", &why);
    };
    let mut folders: BTreeMap<CameraId, Vec<Place>> = BTreeMap::new();
    for volume in volumes.all() {
        match places(&volume.path) {
            Ok(all) => all
                .into_iter()
                .for_each(|p| folders.entry(p.cam.clone()).or_default().push(p)),
            Err(e) => sick(&volume.path, e),
        }
    }
    let mut listed: BTreeMap<CameraId, Vec<Orphan>> = BTreeMap::new();
    let mut lost: BTreeMap<CameraId, Vec<u64>> = BTreeMap::new();
    let cams: BTreeSet<CameraId> = index
        .cameras()?
        .into_iter()
        .chain(folders.keys().cloned())
        .collect();
    for cam in cams {
        let mut files = Vec::new();
        for place in folders.remove(&cam).unwrap_or_default() {
            match place.files() {
                Ok(more) => files.extend(more),
                Err(e) => sick(&place.volume, e),
            }
        }
        let (orphans, missing) = compare(files, index.logged(&cam)?);
        // After the listing: whatever of ours is in it was begun before.
        let torn: Vec<Orphan> = orphans
            .into_iter()
            .filter(|o| !volumes.begun_here(&o.volume.join(o.name.open_path())))
            .collect();
        if !torn.is_empty() {
            listed.insert(cam.clone(), torn);
        }
        lost.insert(cam, missing);
    }
    volumes.told();
    found.orphans = listed;
    // A disk that went away meanwhile may have been listed as an empty folder.
    if volumes.all_there() && volumes.lapses() == lapses {
        let numbered = lost.into_iter();
        found.missing = numbered
            .flat_map(|(cam, all)| all.into_iter().map(move |s| (cam.clone(), s)))
            .collect();
    }
    Ok(found)
}

/// A camera's files against its lines: files no line names, by `s`, and live segments that have no file.
fn compare(files: Vec<Orphan>, logged: Vec<Logged>) -> (Vec<Orphan>, Vec<u64>) {
    let mut unseen: BTreeMap<u64, Logged> = logged.into_iter().map(|l| (l.s, l)).collect();
    let mut left = files;
    // Exact names first: a number given provisionally may be that of a line of about the same time.
    for within_ms in [0, 120_000] {
        left.retain(|file| {
            let known = !file.open
                && unseen.get(&file.name.s).is_some_and(|l| {
                    let apart = (l.t0.seconds() * 1000).abs_diff(file.name.start.0);
                    apart <= within_ms || (within_ms > 0 && l.boot_key)
                });
            if known {
                unseen.remove(&file.name.s);
            }
            !known
        });
    }
    left.sort_by_key(|o| (o.name.s, o.name.start));
    let missing = unseen.into_values().filter(|l| l.live).map(|l| l.s);
    (left, missing.collect())
}

/// A camera-day's folder on a volume.
struct Place {
    volume: PathBuf,
    day: Day,
    cam: CameraId,
    folders: Vec<PathBuf>,
}

fn places(volume: &Path) -> std::io::Result<Vec<Place>> {
    let days = walker::days(&[volume.to_owned()])?;
    let place = |((day, cam), folders)| Place {
        volume: volume.to_owned(),
        day,
        cam,
        folders,
    };
    Ok(days.into_iter().map(place).collect())
}

impl Place {
    fn files(&self) -> std::io::Result<Vec<Orphan>> {
        let names = walker::files(&self.folders)?;
        let segment = |file: &PathBuf| {
            let (name, open) = walker::segment(file, self.day, &self.cam)?;
            Some(Orphan {
                volume: self.volume.clone(),
                name,
                open,
            })
        };
        Ok(names.iter().filter_map(segment).collect())
    }
}

/// Interrupted recordings on a volume that came into use while the box runs. They are made whole at the next start: the log takes
/// a camera's segments in the order they were recorded.
pub fn waiting(volumes: &Volumes, volume: &Path) -> std::io::Result<usize> {
    let mut torn = 0;
    for place in places(volume)? {
        let open = place.files()?.into_iter().filter(|o| o.open);
        let open = open.map(|o| volume.join(o.name.open_path()));
        // What is being recorded there now waits for nothing; it may have been closed since it was listed.
        torn += open
            .filter(|path| !volumes.begun_here(path) && path.exists())
            .count();
    }
    Ok(torn)
}

impl Found {
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
                    Ok(Some(whole)) => log_one(log, &orphan, whole, &mut last),
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
        if self.missing.is_empty() {
            return;
        }
        if !self.volumes.as_ref().is_some_and(Volumes::all_there) {
            // It took a while to come here.
            tracing::warn!(
                segments = self.missing.len(),
                "logged segments were not found, but a disk has gone since: none is called lost"
            );
            return;
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
    file: &Orphan,
    whole: Recovered,
    last: &mut Option<(u64, Utc)>,
) -> Result<(), LogError> {
    let s = last.map_or(1, |(s, _)| s + 1);
    if s != whole.s {
        renumber(&file.volume, &whole, s)?;
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
    let (how, mask) = match whole.mask {
        Some((how, id)) => (how, Some(id)),
        None => (Guarded::None.code().to_owned(), None),
    };
    let proofs = if how == Guarded::Proved.code() {
        whole.keys
    } else {
        0
    };
    let line = SegWrite {
        cam: whole.cam,
        s,
        t0: whole.t0,
        t1: whole.t1,
        size: whole.size,
        sha256: whole.sha256,
        mask,
        how,
        proofs,
        lost: 0,
        shed: 0,
        short_t0: None,
        short_t1: None,
        stamps: None,
        off_ms: None,
        offset_ms: None,
        day: day_beside(&whole.key, file.name.day),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(s: u64, second: i64, open: bool) -> Orphan {
        Orphan {
            volume: "/v".into(),
            name: SegmentName {
                day: Day::parse("2026-11-03").expect("day"),
                cam: CameraId::parse("c01").expect("cam"),
                start: Utc(second * 1000),
                s,
            },
            open,
        }
    }
    fn line(s: u64, second: i64) -> Logged {
        Logged {
            s,
            t0: Utc(second * 1000 + 40),
            boot_key: false,
            live: true,
        }
    }

    /// REC-1: what the log knows is left alone; torn files, closed ones without a line, and lines without a file are told apart.
    #[test]
    fn files_are_held_against_lines() {
        let files = vec![
            file(1, 60, false),
            file(2, 120, false),
            file(4, 240, true),
            file(3, 180, false),
        ];
        let (orphans, missing) = compare(files, vec![line(1, 60), line(2, 119), line(9, 500)]);
        assert_eq!(orphans, [file(3, 180, false), file(4, 240, true)]);
        assert_eq!(missing, [9]);
    }

    /// A file closed but not logged may bear the number of a line of about the same time: the line's own file is the one it names.
    #[test]
    fn a_provisional_number_is_not_taken_for_a_line() {
        let files = vec![file(7, 360, false), file(7, 420, false)];
        for lines in [vec![line(7, 420)], vec![line(7, 360)]] {
            let own = lines[0].t0.seconds();
            let (orphans, missing) = compare(files.clone(), lines);
            assert_eq!(orphans.len(), 1);
            assert_ne!(orphans[0].name.start.seconds(), own);
            assert!(missing.is_empty());
        }
        let open = compare(vec![file(7, 360, true)], vec![line(7, 360)]);
        assert_eq!(
            (open.0.len(), open.1),
            (1, vec![7]),
            "an open file is never the one a line names"
        );
    }
}
