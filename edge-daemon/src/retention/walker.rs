//! Adapter: filesystem. What footage is on the disks, by the disks alone: no index, no log is asked.
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use shared::{
    id::CameraId,
    segment::SegmentName,
    time::{Day, Utc, Zone},
};

/// Folders of each camera-day, over all volumes.
pub type Days = BTreeMap<(Day, CameraId), Vec<PathBuf>>;

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| e.map(|e| e.path())).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or("")
}

/// Every camera-day folder below these volumes.
pub fn days(volumes: &[PathBuf]) -> io::Result<Days> {
    let mut out = Days::new();
    for volume in volumes {
        for day_folder in list(&volume.join("footage"))? {
            let Ok(day) = Day::parse(name(&day_folder)) else {
                continue;
            };
            for folder in list(&day_folder)? {
                if let Ok(cam) = CameraId::parse(name(&folder)) {
                    out.entry((day, cam)).or_default().push(folder);
                }
            }
        }
    }
    Ok(out)
}

/// Everything in a camera-day's folders, by name.
pub fn files(folders: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for folder in folders {
        out.append(&mut list(folder)?);
    }
    out.sort_by(|a, b| name(a).cmp(name(b)));
    Ok(out)
}

/// A file's name as a segment, and whether it is still open.
pub fn segment(path: &Path, day: Day, cam: &CameraId) -> Option<(SegmentName, bool)> {
    SegmentName::parse_file(day, cam, name(path)).ok()
}

/// Where the oldest footage of a camera begins; a file of unknown name counts from noon of its day, whose zone nobody knows. Days are looked at from the
/// oldest on, until one has a file: what is deleted is deleted by the day of its folder, and to list a month takes a quarter of a second.
pub fn oldest(volumes: &[PathBuf], cam: &CameraId) -> io::Result<Option<Utc>> {
    for ((day, c), folders) in days(volumes)? {
        if c != *cam {
            continue;
        }
        let begins = |file: &PathBuf| {
            segment(file, day, cam)
                .map_or_else(|| Zone::utc().at(day, 12, 0), |(name, _)| name.start)
        };
        let oldest = files(&folders)?.iter().map(begins).min();
        if oldest.is_some() {
            return Ok(oldest);
        }
    }
    Ok(None)
}
