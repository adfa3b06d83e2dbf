//! Task. Looks at the disks each minute, notes their room each hour, and puts on record that one is nearly full, or full, and when that is
//! over (FLT-3, HLT-1).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

use crate::{
    blocking::blocking,
    db::faults::{FaultSubject, FoundFault},
    disks::{
        outlook,
        room::{self, Room},
    },
    error::HubError,
    faults,
    hub::Hub,
    model::disk::{Fullness, Sample},
};

pub const LOW: &str = "hub.disk";
pub const FULL: &str = "hub.disk-full";

const LOOK_EVERY: Duration = Duration::from_secs(60);
const NOTE_EVERY_MS: u64 = 3_600_000;
/// Samples older than this go.
const KEPT_MS: i64 = 31 * 86_400_000;
const MIB: u64 = 1 << 20;

/// What lies at one of the hub's paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskPath {
    pub path: String,
    /// What it is for, in words.
    pub what: String,
}

/// What takes the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskUse {
    pub path: String,
    /// What it is, in words.
    pub what: String,
    pub bytes: u64,
}

/// A disk that the hub writes to; paths on one disk are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskRow {
    /// Its first path.
    pub disk: String,
    pub paths: Vec<DiskPath>,
    /// Bytes.
    pub free: u64,
    pub total: u64,
    /// Files that can still be made, where its file system counts them.
    pub names: Option<u64>,
    /// Bytes a day by which it filled in the last days; negative: it has emptied; None: not known yet.
    pub filling: Option<i64>,
    /// Days until it is full, as it fills now.
    pub days_left: Option<u32>,
    pub state: Fullness,
    /// Most first, as of the last hour.
    pub taken: Vec<DiskUse>,
    /// It cannot be looked at: why.
    pub trouble: Option<String>,
}

/// The hub's paths, and what each is for.
fn paths(hub: &Hub) -> Vec<(PathBuf, &'static str)> {
    let mut all = vec![
        (hub.state.clone(), "records, logs and what is being fetched"),
        (hub.config.evidence.clone(), "exhibits"),
    ];
    let more = hub.config.disks.watch.iter();
    all.extend(more.map(|path| (path.clone(), "watched as hub.toml says")));
    all
}

/// What is measured each hour.
fn parts(hub: &Hub) -> Vec<(PathBuf, &'static str)> {
    let state = |name: &str| hub.state.join(name);
    vec![
        (hub.config.evidence.clone(), "exhibits"),
        (state("boxes"), "logs of boxes"),
        (state("exhibits"), "what is being fetched"),
        (state("hub.sqlite"), "records"),
        (state("log"), "the hub's own log"),
    ]
}

/// Every disk, as it is now. Blocking.
///
/// # Errors
/// The records cannot be read.
pub fn list(hub: &Hub) -> Result<Vec<DiskRow>, HubError> {
    let now = hub.now();
    let mut rows: Vec<(Option<u64>, DiskRow)> = Vec::new();
    for (path, what) in paths(hub) {
        let device = room::device(&path).ok();
        let shown = DiskPath {
            path: path.display().to_string(),
            what: what.into(),
        };
        if let Some((_, row)) = rows
            .iter_mut()
            .find(|(d, _)| device.is_some() && *d == device)
        {
            if !row.paths.contains(&shown) {
                row.paths.push(shown);
            }
            continue;
        }
        rows.push((device, row(hub, &path, shown, now)?));
    }
    let memory = hub.disks.lock();
    for (path, what, bytes) in &memory.taken {
        let device = room::device(path).ok();
        if let Some((_, row)) = rows.iter_mut().find(|(d, _)| *d == device) {
            row.taken.push(DiskUse {
                path: path.display().to_string(),
                what: what.clone(),
                bytes: *bytes,
            });
        }
    }
    drop(memory);
    let rows = rows.into_iter().map(|(_, mut row)| {
        row.taken.sort_by_key(|t| std::cmp::Reverse(t.bytes));
        row
    });
    Ok(rows.collect())
}

fn row(hub: &Hub, path: &Path, shown: DiskPath, now: Utc) -> Result<DiskRow, HubError> {
    let disk = shown.path.clone();
    let (room, trouble) = match room::of(path) {
        Ok(room) => (room, None),
        Err(e) => {
            let none = Room {
                free: 0,
                total: 0,
                names: None,
            };
            (none, Some(e.to_string()))
        }
    };
    let sample = Sample {
        at: now,
        free: room.free,
        total: room.total,
    };
    let since = Utc(now.0 - outlook::LOOK_BACK_MS);
    let filling = outlook::filling(&hub.db.disk_room(&disk, since)?, sample);
    let days_left = outlook::days_left(&room, filling);
    let before = hub
        .disks
        .lock()
        .stood
        .iter()
        .find(|(d, _)| *d == disk)
        .map_or(Fullness::Good, |(_, state)| *state);
    let state = outlook::judge(&room, days_left, hub.config.disks.thresholds, before);
    Ok(DiskRow {
        disk,
        paths: vec![shown],
        free: room.free,
        total: room.total,
        names: room.names,
        filling,
        days_left,
        state,
        taken: Vec::new(),
        trouble,
    })
}

/// One look. `mono`: milliseconds of the monotonic clock. Blocking.
///
/// # Errors
/// The records or the log could not be written.
pub fn look(hub: &Hub, mono: u64) -> Result<(), HubError> {
    let due = {
        let memory = hub.disks.lock();
        let noted = memory.noted;
        noted.is_none_or(|at| mono.saturating_sub(at) >= NOTE_EVERY_MS)
    };
    if due {
        let measured = parts(hub).into_iter().map(|(path, what)| {
            let bytes = room::taken(&path);
            (path, what.to_owned(), bytes)
        });
        let measured = measured.collect();
        let mut memory = hub.disks.lock();
        memory.taken = measured;
        memory.noted = Some(mono);
    }
    let rows = list(hub)?;
    if due {
        let now = hub.now();
        for row in rows.iter().filter(|r| r.trouble.is_none()) {
            let sample = Sample {
                at: now,
                free: row.free,
                total: row.total,
            };
            hub.db.note_disk_room(&row.disk, &sample)?;
        }
        hub.db.forget_disk_room(Utc(now.0 - KEPT_MS))?;
    }
    let stand: Vec<(String, Fullness)> = rows.iter().map(|r| (r.disk.clone(), r.state)).collect();
    let changed = {
        let memory = hub.disks.lock();
        memory.stood != stand
    };
    if due || changed {
        let found: Vec<FoundFault> = rows.iter().filter_map(|row| fault(hub, row)).collect();
        let mine = |f: &FoundFault| matches!(f.about, FaultSubject::Disk(_));
        faults::settle(hub, mine, &found)?;
        hub.disks.lock().stood = stand;
    }
    Ok(())
}

fn fault(hub: &Hub, row: &DiskRow) -> Option<FoundFault> {
    let code = match row.state {
        Fullness::Good => return None,
        Fullness::Low => LOW,
        Fullness::Full => FULL,
    };
    Some(FoundFault {
        about: FaultSubject::Disk(row.disk.clone()),
        code: code.into(),
        log: hub.log.origin().into(),
        since: hub.now(),
        text: said(row),
    })
}

/// A disk in a sentence: what is on it, what is left, until when, and what takes the room.
pub fn said(row: &DiskRow) -> String {
    if let Some(trouble) = &row.trouble {
        return format!("the disk of {} cannot be looked at: {trouble}", row.disk);
    }
    let paths: Vec<String> = row
        .paths
        .iter()
        .map(|p| format!("{} ({})", p.path, p.what))
        .collect();
    let mut text = format!(
        "the disk of {} has {} of {} left",
        paths.join(" and "),
        size(row.free),
        size(row.total)
    );
    if row.names == Some(0) {
        text += ", and can hold no more files";
    }
    match (row.days_left, row.filling) {
        (Some(0), _) => text += "; as it fills now it is full within a day",
        (Some(days), Some(a_day)) => {
            text += &format!(
                "; it fills by {} a day, and is full in about {days} days",
                size(a_day.unsigned_abs())
            );
        }
        _ => {}
    }
    let most: Vec<String> = row
        .taken
        .iter()
        .filter(|t| t.bytes >= MIB)
        .take(3)
        .map(|t| format!("{} {} in {}", size(t.bytes), t.what, t.path))
        .collect();
    if !most.is_empty() {
        text += &format!("; of what takes the room: {}", most.join(", "));
    }
    text
}

/// In the largest unit of which there are ten, for people.
pub fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let unit = units.into_iter().find(|(_, n)| bytes >> n >= 10);
    let (unit, n) = unit.unwrap_or(("MiB", 20));
    format!("{} {unit}", bytes >> n)
}

pub async fn run(hub: Arc<Hub>) {
    loop {
        let d = hub.clone();
        match blocking(move || look(&d, d.clock.now().mono)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!("the hub's disks were not looked at: {e}"),
            Err(_) => return,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-3: what a fault says names the path, what is left, when that ends, what takes it.
    #[test]
    fn a_sentence_has_all_of_it() {
        let row = DiskRow {
            disk: "/srv/evidence".into(),
            paths: vec![DiskPath {
                path: "/srv/evidence".into(),
                what: "exhibits".into(),
            }],
            free: 900 * MIB,
            total: 100_000 * MIB,
            names: None,
            filling: Some(300 << 20),
            days_left: Some(3),
            state: Fullness::Low,
            taken: vec![DiskUse {
                path: "/srv/evidence".into(),
                what: "exhibits".into(),
                bytes: 80_000 * MIB,
            }],
            trouble: None,
        };
        assert_eq!(
            said(&row),
            "the disk of /srv/evidence (exhibits) has 900 MiB of 97 GiB left; it fills by 300 MiB a day, and is full in about 3 days; \
             of what takes the room: 78 GiB exhibits in /srv/evidence"
        );
    }
}
