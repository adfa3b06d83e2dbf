//! Task. How long a box takes from a kill to the first pictures on disk, with a month of footage there: folders, files (hard
//! links), the log and the index as a month leaves them.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use logbook::{LogFolder, LogHandle, Settings, SystemClock};
use shared::{id::CameraId, time::Utc, types::SegWrite};

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
import sys, os, datetime
volume, days, cams, per_day = sys.argv[1], *map(int, sys.argv[2:5])
source, links, made = None, 0, 0
today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
for c in range(cams):
    for back in range(days, 0, -1):
        day = today - datetime.timedelta(days=back)
        folder = "%s/footage/%s/k%02d" % (volume, day.strftime("%Y-%m-%d"), c)
        os.makedirs(folder)
        for i in range(per_day):
            at = day + datetime.timedelta(seconds=i * 86400 // per_day)
            name = "%s/%s-%d.mp4.age" % (folder, at.strftime("%Y%m%dT%H%M%SZ"), (days - back) * per_day + i + 1)
            if source is None or links >= 60000:
                open(name, "wb").write(b"age"); source, links = name, 1
            else:
                os.link(source, name); links += 1
            made += 1
print(made)
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
    fill_log(&town, cams, days, per_day)?;
    let [cams, days, per_day] = [cams, days, per_day].map(|n| n.to_string());
    let said = program::run(
        Path::new("/usr/bin/python3"),
        args!["-c", FILL, disk.at, days, cams, per_day],
    )?
    .well("filling a disk")?;
    let files = said.out.trim().parse::<u64>().told("number of files")?;
    eprintln!("  index of {files} segments …");
    town.command(args!["index", "rebuild"])?
        .well("beadle-edge index rebuild")?;
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

/// A line for every file, put into the box's own log by the log's own writer, in the order they would have been recorded.
fn fill_log(town: &Town, cams: u64, days: u64, per_day: u64) -> Done<()> {
    let folder = LogFolder::new(&town.log());
    let head = folder.head("head.note").told("the log's head")?;
    let origin = head.map(|h| h.head.origin).unwrap_or_default();
    let (base, _) = origin
        .rsplit_once('/')
        .ok_or_else(|| Trouble::new("the box's log has no head"))?;
    let settings = Settings {
        base: base.into(),
        site: "Month".into(),
        hw: "bench".into(),
        sw: "bench".into(),
        key_life: Duration::from_secs(86_400),
        acks: true,
        resume: true,
    };
    let (log, _) =
        LogHandle::open(&town.state, settings, Arc::new(SystemClock)).told("the box's log")?;
    let now = crate::wait::now();
    let today = Utc(now.0 - now.0.rem_euclid(86_400_000));
    let cameras: Vec<CameraId> = (0..cams)
        .map(|c| CameraId::parse(&format!("k{c:02}")).told("a camera"))
        .collect::<Done<_>>()?;
    for s in 0..days * per_day {
        let seconds = s / per_day * 86_400 + s % per_day * 86_400 / per_day;
        let t0 = Utc(today.0 + i64::try_from(seconds).told("a time")? * 1000)
            .plus_ms(-i64::try_from(days).told("days")? * 86_400_000);
        for cam in &cameras {
            let key = format!("{cam}/{}", shared::time::Zone::utc().day_of(t0));
            let line = SegWrite {
                cam: cam.clone(),
                s: s + 1,
                t0,
                t1: t0.plus_ms(60_000),
                size: 30_000_000,
                sha256: "0".repeat(64),
                mask: None,
                how: "none".into(),
                proofs: 0,
                lost: 0,
                key,
                offset_ms: None,
                rate: None,
            };
            log.append_soon("sys:rec", &line).told("a line")?;
        }
        if s % per_day == 0 {
            eprintln!("  a month of lines: day {} of {days}", s / per_day + 1);
        }
    }
    log.close("filled").told("the box's log")
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
