//! Task. How long a box takes from a kill to the first pictures on disk, with a month of footage there: folders, files (hard
//! links) and the index as a month leaves them. The log itself is short: what reading a long one costs is not in this figure.
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    disks::Disk,
    places, program,
    town::{Plan, Town},
};

/// Bytes by which pictures are on disk: a whole sealed piece.
const PICTURES: u64 = 64 << 10;

const FILL: &str = r#"
import sys, os, sqlite3, datetime
volume, index, days, cams, per_day = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
db = sqlite3.connect(index)
source, links, number, made = None, 0, 0, 0
today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
for c in range(cams):
    cam, rows = "k%02d" % c, []
    for back in range(days, 0, -1):
        day = today - datetime.timedelta(days=back)
        folder = "%s/footage/%s/%s" % (volume, day.strftime("%Y-%m-%d"), cam)
        os.makedirs(folder)
        for i in range(per_day):
            at = day + datetime.timedelta(seconds=i * 86400 // per_day)
            s = (days - back) * per_day + i + 1
            name = "%s/%s-%d.mp4.age" % (folder, at.strftime("%Y%m%dT%H%M%SZ"), s)
            if source is None or links >= 60000:
                open(name, "wb").write(b"age"); source, links = name, 1
            else:
                os.link(source, name); links += 1
            ms = int(at.timestamp()) * 1000
            number += 1
            rows.append((1, number, cam, s, ms, ms + 60000, 30000000, "0" * 64, None, "%s/%s" % (cam, day.strftime("%Y-%m-%d")), b"\0" * 32, 1, number))
    db.executemany("INSERT INTO segment VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,0,0)", rows)
    db.commit()
print(number)
"#;

/// What was there, and what it took, each time.
pub struct Started {
    pub files: u64,
    pub ms: Vec<u64>,
}

/// The thread must have entered [`crate::disks::enter`].
pub fn record_start(cams: u64, days: u64, per_day: u64, times: u64) -> Done<Started> {
    let folder = Folder::new("start")?;
    let cameras = Cameras::start(Scene::new().street("/t/c01"))?;
    let disk = Disk::make(folder.path(), "disk-month", 8192)?;
    let plan = Plan::new("month").camera("c01", cameras.url("/t/c01"));
    let mut town = Town::make(folder.path(), plan)?;
    town.label(&disk.at)?;
    town.start()?;
    lands(&mut town, &disk, &[])?;
    town.stop()?;
    let index = town.state.join("index.sqlite");
    let (cams, days, per_day) = (cams.to_string(), days.to_string(), per_day.to_string());
    let said = program::run(
        Path::new("/usr/bin/python3"),
        args!["-c", FILL, disk.at, index, days, cams, per_day],
    )?
    .well("filling a disk and an index")?;
    let files = said.out.trim().parse::<u64>().told("number of files")?;
    let mut ms = Vec::new();
    for _ in 0..times {
        let before = open_files(&disk);
        town.start()?;
        lands(&mut town, &disk, &before)?;
        town.kill9()?;
        // What the kernel knows of the folders goes with the mount.
        disk.unmount()?;
        disk.mount()?;
        let before = open_files(&disk);
        let began = Instant::now();
        town.start()?;
        lands(&mut town, &disk, &before)?;
        ms.push(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        town.kill9()?;
    }
    Ok(Started { files, ms })
}

/// Segments of the real camera that are open, or torn.
fn open_files(disk: &Disk) -> Vec<PathBuf> {
    let days = std::fs::read_dir(disk.at.join("footage"))
        .into_iter()
        .flatten();
    days.flatten()
        .flat_map(|day| places::files_below(&day.path().join("c01"), ".open"))
        .collect()
}

/// Waits until pictures of a segment that was not there `before` are on the disk.
fn lands(town: &mut Town, disk: &Disk, before: &[PathBuf]) -> Done<()> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        town.must_run()?;
        let grown = |f: &PathBuf| f.metadata().is_ok_and(|m| m.len() >= PICTURES);
        if open_files(disk)
            .iter()
            .any(|f| !before.contains(f) && grown(f))
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Trouble::new("no pictures on disk after a minute"))
}
