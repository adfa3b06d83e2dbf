//! Task. How long a box takes from a kill to the first pictures on disk, with a month of footage there: folders, files (hard
//! links), the log and the index as a month leaves them.
use std::{
    collections::BTreeSet,
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
    hub::Hub,
    places, program,
    town::{Plan, Town},
};

/// Bytes by which pictures are on disk: a whole sealed piece.
const PICTURES: u64 = 64 << 10;

const FILL: &str = r#"
import sys, os, datetime
volume, days, cams, per_day, kib = sys.argv[1], *map(int, sys.argv[2:6])
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
            if back == days and kib:
                open(name, "wb").write(os.urandom(1024) * kib)
            elif source is None or links >= 60000:
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

/// How much there is: of so many cameras and days, and how large the files of the oldest day are (0: like the others, links).
pub struct Month {
    pub cams: u64,
    pub days: u64,
    pub per_day: u64,
    pub oldest_kib: u64,
}

/// Fills the log and the disk of a town that has been started once.
fn fill(town: &Town, disk: &Disk, month: &Month) -> Done<u64> {
    fill_log(town, month.cams, month.days, month.per_day)?;
    eprintln!("  a month of files …");
    let [cams, days, per_day, kib] =
        [month.cams, month.days, month.per_day, month.oldest_kib].map(|n| n.to_string());
    let said = program::run(
        Path::new("/usr/bin/python3"),
        args!["-c", FILL, disk.at, days, cams, per_day, kib],
    )?
    .well("filling a disk")?;
    let files = said.out.trim().parse::<u64>().told("number of files")?;
    eprintln!("  index of {files} segments …");
    town.command(args!["index", "rebuild"])?
        .well("beadle-edge index rebuild")?;
    Ok(files)
}

/// What a sweep of one day took, and what was recorded meanwhile.
pub struct Swept {
    pub files: u64,
    pub deleted: u64,
    pub ms: u64,
    /// Of the cameras that recorded meanwhile: gaps and lost packets.
    pub lost: u64,
}

/// A day of every camera goes while `live` cameras record. The thread must have entered [`crate::disks::enter`].
pub fn retention_sweep(month: &Month, live: usize) -> Done<Swept> {
    let folder = Folder::new("sweep")?;
    let paths: Vec<String> = (1..=live).map(|n| format!("/t/c{n:02}")).collect();
    let scene = paths.iter().fold(Scene::new(), |s, p| s.street(p));
    let cameras = Cameras::start(scene)?;
    let disk = Disk::make(folder.path(), "disk-month", 16_384)?;
    let plan = paths.iter().fold(Plan::new("month"), |plan, path| {
        plan.camera(&path[3..], cameras.url(path))
    });
    let mut hub = Hub::make(folder.path())?.started()?;
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    lands(&mut town, &disk, &[])?;
    hub.stop()?;
    keys(&town, month)?;
    town.stop()?;
    let files = fill(&town, &disk, month)?;
    // The clock is vouched for when the hub has taken the log in; until then the box records and waits.
    let open = open_files(&disk);
    town.start()?;
    lands(&mut town, &disk, &open)?;
    hub.start()?;
    let want = usize::try_from(month.cams).told("cameras")?;
    eprintln!("  the hub takes the log in, then the sweep begins …");
    let since = Instant::now();
    let lines = loop {
        town.must_run()?;
        hub.must_run()?;
        let lines = newest(&town)?;
        let done = lines.iter().filter(|l| l["type"] == "del.done").count();
        if done >= want {
            break lines;
        }
        if since.elapsed() > Duration::from_secs(1800) {
            return Err(Trouble(format!(
                "{done} of {want} days deleted after half an hour"
            )));
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    let at = |kind: &str| {
        let times = lines.iter().filter(|l| l["type"] == kind);
        times.filter_map(|l| l["mono"].as_u64()).collect::<Vec<_>>()
    };
    let (begun, ended) = (at("del.range"), at("del.done"));
    let (begun, ended) = (
        begun.iter().min().copied().unwrap_or(0),
        ended.iter().max().copied().unwrap_or(u64::MAX),
    );
    town.stop()?;
    hub.stop()?;
    let lines = newest(&town)?;
    let during = |l: &&serde_json::Value| {
        l["data"]["cam"]
            .as_str()
            .is_some_and(|c| c.starts_with('c'))
            && l["mono"].as_u64().is_some_and(|m| m >= begun)
    };
    // The gap from the stop to the start is written when it is over, which may be after the sweep began: what counts is when it was.
    let began = lines.iter().find(|l| l["type"] == "del.range");
    let began = began.and_then(|l| l["t"].as_str()).unwrap_or_default();
    let gaps = lines
        .iter()
        .filter(|l| l["type"] == "seg.gap" && l["data"]["t1"].as_str().is_some_and(|t| t > began))
        .filter(during);
    let lost = lines
        .iter()
        .filter(|l| l["type"] == "seg.write")
        .filter(during);
    let recorded: BTreeSet<_> = lost
        .clone()
        .filter_map(|l| l["data"]["cam"].as_str())
        .collect();
    if recorded.len() < live {
        return Err(Trouble(format!(
            "only {recorded:?} of {live} cameras recorded during the sweep"
        )));
    }
    let lost = lost.filter_map(|l| l["data"]["lost"].as_u64()).sum::<u64>();
    let mut each: Vec<u64> = at("del.done")
        .iter()
        .zip(at("del.range"))
        .map(|(done, range)| done.saturating_sub(range))
        .collect();
    each.sort_unstable();
    if let (Some(least), Some(most)) = (each.first(), each.last()) {
        let middle = each[each.len() / 2];
        eprintln!(
            "  a camera-day from del.range to del.done: {least} to {most} ms, half of them within {middle} ms"
        );
    }
    let deleted = lines.iter().filter(|l| l["type"] == "del.range");
    Ok(Swept {
        files,
        deleted: deleted.filter_map(|l| l["data"]["count"].as_u64()).sum(),
        ms: ended.saturating_sub(begun),
        lost: lost + gaps.count() as u64,
    })
}

/// The reader makes the keys that the oldest day would have been sealed with.
fn keys(town: &Town, month: &Month) -> Done<()> {
    let cams: Vec<String> = (0..month.cams).map(|c| format!("k{c:02}")).collect();
    let back = i64::try_from(month.days).told("days")? * 86_400_000;
    let day = shared::time::Zone::utc().day_of(crate::wait::now().plus_ms(-back));
    let asked = serde_json::json!({"is": "recipients", "cams": cams, "from": day, "days": 1});
    let frame = shared::wire::encode_json(&asked).told("a question")?;
    let socket = town.state.join("run/reader/reader.sock");
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).told(socket.display())?;
    std::io::Write::write_all(&mut stream, &frame).told("the reader")?;
    let mut answer = [0u8; 4];
    std::io::Read::read_exact(&mut stream, &mut answer).told("the reader's answer")
}

/// Lines of the log's last two files: of a month's lines, and all that came since.
fn newest(town: &Town) -> Done<Vec<serde_json::Value>> {
    let mut all = places::files_below(&town.log(), ".jsonl");
    all.sort();
    let mut lines = Vec::new();
    for file in &all[all.len().saturating_sub(2)..] {
        let bytes = std::fs::read(file).told(file.display())?;
        lines.extend(
            bytes
                .split(|b| *b == b'\n')
                .filter_map(|l| serde_json::from_slice(l).ok()),
        );
    }
    Ok(lines)
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
    let month = Month {
        cams,
        days,
        per_day,
        oldest_kib: 0,
    };
    let files = fill(&town, &disk, &month)?;
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
        // Each key that ends leaves a signed head, and the hub takes lines in from head to head.
        key_life: Duration::from_secs(1),
        acks: true,
        resume: true,
    };
    let (log, _) = LogHandle::open(
        &town.state.join("recorder"),
        settings,
        Arc::new(SystemClock),
    )
    .told("the box's log")?;
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
                day: None,
                shed: 0,
                short_t0: None,
                short_t1: None,
                stamps: None,
                off_ms: None,
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
