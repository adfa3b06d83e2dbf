//! Wiring. `make bench`: what recording costs, beside ffmpeg doing the same in the same minute on the same cameras.
//!
//! `record.copy.N`: N cameras of 4 Mbit/s (H.264, 1080p25). Measured: CPU and memory of `beadle-edge run` and `reader` (fragmenting,
//! hashing, sealing, logging, uplink to a hub) and of N × `ffmpeg -c copy -f segment`: at the same time, or, with more cameras than two
//! cores can carry twice, one after the other on the same cameras.
//! `record.mask.1`: one masked camera (640×360 at 12 a second), the picture worker's cost with it.
//! `mask.burned`: what the picture worker of one burned 1080p25 camera spends on a picture, beside `ffmpeg` that decodes and encodes the
//! same camera with the same encoder settings in the same minute. `mask.proved`: eight 1080p25 cameras whose own mask is proved, beside
//! the same cameras recorded plainly by a second box in the same minute; CPU of everything a box runs. `mask.cameras`: how many of the
//! 1080p25 cameras of a box with one too many at least are burned in before it refuses the rest.
//! `record.relay`: eight 1080p25 cameras that are read by way of the relay, beside the same cameras read directly by a second box in the
//! same minute. `record.copy.N.switches`, `.calls`: context switches and system calls of recorder and reader per stream-minute, without
//! a peer; calls are counted by strace in ten seconds of their own, after the costs were measured.
//! `record.start`, `retention.start`: from a start to the first pictures on disk, with 31 days of 32 cameras' footage there: the
//! slowest of three. `retention.sweep`: one day of 32 cameras goes, of 32 days of 1.5 million segments, while 32 1080p25 cameras
//! record, none of whose pictures may be missing; from the first `del.range` to the last `del.done`.
//! `hub.pages`, `hub.start`: a hub with a year of 155 cameras' metadata (`county`): the time within which 19 of 20 answers of its slowest
//! page are whole, and from the start of its process to its first answer.
//! Result: a table, and target/bench.json: a list of `{name, value, unit, peer, peer_value, ratio, goal, met}`. `goal` is the most
//! that `ratio` may be, or `value` where there is no peer; null where none is set.
use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, OVER_MARKER, Scene},
    county::county,
    disks,
    hub::{Hub, time},
    measure::{Cost, cost, machine, system_calls},
    places,
    start::{Month, record_start, retention_sweep},
    town::{Plan, Town},
    wait::{self, Look},
    workers::workers,
};
use serde::Serialize;
use serde_json::Value;
use shared::time::Utc;

/// System calls are counted for so long.
const COUNTED_SECS: u64 = 10;
/// More cameras than this are recorded by one side at a time.
const TOGETHER: usize = 32;
const USAGE: &str = "usage: bench [--secs 60] [NAME…]     names: record.copy.8 record.copy.32 record.copy.64 record.mask.1 record.relay mask.burned mask.proved mask.cameras record.start retention.sweep hub.pages (default: all)";

fn main() -> ExitCode {
    let mut secs = 60;
    let mut names = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--secs" {
            secs = words.next().and_then(|s| s.parse().ok()).unwrap_or(0);
        } else {
            names.push(word);
        }
    }
    if secs < 5 || names.iter().any(|n| n.starts_with('-')) {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    }
    if names.is_empty() {
        names = [
            "record.copy.8",
            "record.copy.32",
            "record.copy.64",
            "record.mask.1",
            "record.relay",
            "mask.burned",
            "mask.proved",
            "mask.cameras",
            "record.start",
            "retention.sweep",
            "hub.pages",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    match bench(&names, secs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(names: &[String], secs: u64) -> Done<()> {
    if cfg!(debug_assertions) {
        eprintln!("bench: this is a debug build; its figures mean nothing. Use `make bench`.");
    }
    let on = machine();
    let (mut results, mut starts) = (Vec::new(), Vec::new());
    for name in names {
        eprintln!("{name}");
        match name.as_str() {
            "record.start" | "retention.start" => starts.extend(start()?),
            "retention.sweep" => starts.extend(sweep()?),
            "record.relay" => starts.push(relayed(secs)?),
            "mask.burned" => starts.push(burned(secs)?),
            "mask.proved" => starts.push(proved(secs)?),
            "mask.cameras" => starts.push(carried()?),
            "hub.pages" | "hub.start" => starts.extend(county_of_pages()?),
            _ => {}
        }
        if matches!(name.as_str(), "record.start" | "record.relay")
            || name.starts_with("hub.")
            || name.starts_with("retention.")
            || name.starts_with("mask.")
        {
            continue;
        }
        let number = |start: &str| {
            name.strip_prefix(start)
                .and_then(|n| n.parse::<usize>().ok())
                .filter(|n| (1..=64).contains(n))
        };
        let result = match (number("record.copy."), number("record.mask.")) {
            (Some(n), _) => one(name, n, false, secs)?,
            (_, Some(n)) => one(name, n, true, secs)?,
            _ => return Err(Trouble(format!("{name}: no such bench\n{USAGE}"))),
        };
        results.push(result);
    }
    let figures: Vec<Figure> = results
        .iter()
        .flat_map(Run::figures)
        .chain(starts)
        .collect();
    println!(
        "\n{:<22} {:>9} {:<22} {:>26} {:>9} {:>7} {:>6}  met",
        "", "", "unit", "peer", "", "ratio", "goal"
    );
    for f in &figures {
        let show =
            |v: Option<f64>, digits: usize| v.map_or("-".into(), |v| format!("{v:.digits$}"));
        println!(
            "{:<22} {:>9} {:<22} {:>26} {:>9} {:>7} {:>6}  {}",
            f.name,
            show(Some(f.value), 3),
            f.unit,
            f.peer.unwrap_or("-"),
            show(f.peer_value, 3),
            show(f.ratio, 2),
            show(f.goal, 2),
            f.met.map_or("-", |m| if m { "yes" } else { "NO" }),
        );
    }
    let file = places::root().join("target/bench.json");
    fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n").told(file.display())?;
    println!(
        "\n{} · {} cores · Linux {} · load before {} · {} build · {}\nwritten to {}",
        on.cpu,
        on.cores,
        on.kernel,
        on.load_before,
        if cfg!(debug_assertions) {
            "DEBUG"
        } else {
            "release"
        },
        wait::now(),
        file.display()
    );
    Ok(())
}

/// The slowest of three starts with a month of 32 cameras' footage on disk; nothing where disks cannot be mounted.
fn start() -> Done<Vec<Figure>> {
    if !disks::possible("record.start") {
        return Ok(Vec::new());
    }
    disks::enter()?;
    let started = record_start(32, 31, 1440, 3)?;
    eprintln!("{} files; {:?} ms", started.files, started.ms);
    let slowest = started.ms.iter().copied().max().unwrap_or(u64::MAX) as f64 / 1000.0;
    let figure = |name| limited(Figure::new(name, "", slowest, "s to first pictures"), 2.0);
    Ok(vec![figure("record.start"), figure("retention.start")])
}

/// One day of 32 cameras goes while four record.
fn sweep() -> Done<Option<Figure>> {
    if !disks::possible("retention.sweep") {
        return Ok(None);
    }
    disks::enter()?;
    let month = Month {
        cams: 32,
        days: 32,
        per_day: 1440,
        oldest_kib: 64,
    };
    let swept = retention_sweep(&month, 32)?;
    eprintln!(
        "{} of {} files deleted in {} ms; gaps and lost packets meanwhile: {}",
        swept.deleted, swept.files, swept.ms, swept.lost
    );
    if swept.lost > 0 {
        return Err(Trouble(format!(
            "{} gaps or lost packets of cameras that recorded during the sweep",
            swept.lost
        )));
    }
    let secs = swept.ms as f64 / 1000.0;
    let figure = Figure::new("retention.sweep", "", secs, "s for a day of 32");
    Ok(Some(limited(figure, 10.0)))
}

/// A hub with a county's year.
fn county_of_pages() -> Done<Vec<Figure>> {
    let county = county()?;
    let ms = |t: Duration| t.as_secs_f64() * 1000.0;
    let slowest = county
        .pages
        .iter()
        .map(|(_, t)| ms(t.p95))
        .fold(0.0, f64::max);
    let mut figures = vec![
        limited(
            Figure::new("hub.pages", "", slowest, "ms, the slowest page"),
            100.0,
        ),
        limited(
            Figure::new("hub.start", "", county.start.as_secs_f64(), "s"),
            3.0,
        ),
        Figure::new("hub.pages", ".disk", county.bytes as f64 / 1e9, "GB"),
        Figure::new(
            "hub.pages",
            ".segments",
            county.segments as f64 / 1e6,
            "million rows",
        ),
    ];
    let each = county.pages.iter();
    figures.extend(each.flat_map(|(page, t)| {
        [
            Figure::new("hub.pages", page, ms(t.p95), "ms"),
            Figure::new("hub.pages", page, ms(t.p50), "ms, the middle one"),
            Figure::new("hub.pages", page, ms(t.cpu), "ms of processor"),
        ]
    }));
    Ok(figures)
}

/// A figure that may be so much at most.
fn limited(mut figure: Figure, most: f64) -> Figure {
    figure.goal = Some(most);
    figure.met = Some(figure.value <= most);
    figure
}

/// A box without a hub whose cameras all record.
fn boxed(folder: &Path, plan: Plan, cams: usize) -> Done<Town> {
    let mut town = Town::make(folder, plan)?.labelled()?.started()?;
    let since = wait::now();
    let ids = town.cameras.clone();
    wait::until("every camera records", 120, || {
        town.must_run()?;
        let good = ids
            .iter()
            .filter(|id| town.landed(id).is_some_and(|t| t > since));
        let good = good.count();
        Ok(if good >= cams {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{good} of {cams}"))
        })
    })?;
    Ok(town)
}

/// What recorder, its workers, and reader have cost so far.
fn spent(town: &Town) -> Done<Cost> {
    [&town.recorder, &town.reader]
        .into_iter()
        .flatten()
        .try_fold(Cost::default(), |sum, p| Ok(sum.plus(cost(p.pid())?)))
}

/// Nothing may have gone wrong while it was measured.
fn undisturbed(town: &Town, since: Utc, how: &str) -> Done<()> {
    for kind in ["seg.gap", "mask.fail"] {
        for line in town.lines_of(kind, None) {
            if time(&line["data"]["t1"]).is_ok_and(|t| t > since) {
                return Err(Trouble(format!("while measuring: {}", line["data"])));
            }
        }
    }
    match town
        .lines_of("seg.write", None)
        .iter()
        .find(|l| l["data"]["how"] != how)
    {
        Some(line) => Err(Trouble(format!("not {how}: {}", line["data"]))),
        None => Ok(()),
    }
}

/// Cameras read by way of the relay, and the same cameras read directly.
fn relayed(secs: u64) -> Done<Figure> {
    const CAMERAS: usize = 8;
    let folder = Folder::new("record-relay")?;
    let paths: Vec<String> = (0..CAMERAS).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths.iter().fold(Scene::new(), |s, p| s.street(p));
    let cameras = Cameras::start(scene)?;
    let plan = |name: &str| {
        let all = paths.iter().enumerate();
        all.fold(Plan::new(name).segment_secs(10), |p, (i, path)| {
            let p = p.camera(&format!("c{i:02}"), cameras.url(path));
            // A camera that may be told its password in Basic is read by way of the relay; these ask for none.
            match name {
                "relay" => p
                    .login("bench", "not asked for")
                    .camera_line("basic = true"),
                _ => p,
            }
        })
    };
    let mut relay = boxed(folder.path(), plan("relay"), CAMERAS)?;
    let mut direct = boxed(folder.path(), plan("direct"), CAMERAS)?;
    thread::sleep(Duration::from_secs(10)); // both have settled
    let since = wait::now();
    let (then, direct_then, began) = (spent(&relay)?, spent(&direct)?, Instant::now());
    eprintln!("  measuring for {secs} s");
    thread::sleep(Duration::from_secs(secs));
    let (own, other) = (
        spent(&relay)?.since(then),
        spent(&direct)?.since(direct_then),
    );
    let minutes = began.elapsed().as_secs_f64() / 60.0 * CAMERAS as f64;
    for (town, by) in [(&mut relay, "relay"), (&mut direct, "direct")] {
        town.must_run()?;
        town.stop()?;
        undisturbed(town, since, "none")?;
        let sessions = town.lines_of("cam.session", None);
        if let Some(line) = sessions.iter().find(|l| l["data"]["by"] != by) {
            return Err(Trouble(format!("not {by}: {}", line["data"])));
        }
    }
    let unit = "CPU s per stream-minute";
    Ok(
        Figure::new("record.relay", "", own.cpu_secs / minutes, unit)
            .beside("the same, read directly", other.cpu_secs / minutes),
    )
}

/// The worker beside bare decoding and encoding: the same camera, the same settings, at the same time.
fn burned(secs: u64) -> Done<Figure> {
    let folder = Folder::new("mask-burned")?;
    let cameras = Cameras::start(Scene::new().street("/bench/c01"))?;
    let plan = Plan::new("bench")
        .segment_secs(10)
        .camera("c01", cameras.url("/bench/c01"))
        .mask("m1", OVER_MARKER);
    let mut town = boxed(folder.path(), plan, 1)?;
    let child = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            "-threads",
            "1",
        ])
        .args([
            "-i",
            cameras.url("/bench/c01"),
            "-map",
            "0:v",
            "-vsync",
            "passthrough",
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "superfast",
            "-tune",
            "zerolatency",
            "-crf",
            "23",
        ])
        // As the worker: no more than the camera's own rate, slices in two threads, a key picture where the camera has one, in the same rhythm.
        .args([
            "-maxrate",
            "4M",
            "-bufsize",
            "8M",
            "-threads",
            "2",
            "-x264-params",
        ])
        .arg("keyint=50:min-keyint=50:scenecut=0:bframes=0")
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .told("starting ffmpeg")?;
    let peers = Peers(vec![child]);
    thread::sleep(Duration::from_secs(10)); // both have settled
    let parent = town.recorder.as_ref().map_or(0, |p| p.pid());
    let all = workers(parent);
    let [worker] = all[..] else {
        return Err(Trouble(format!("{} workers for one camera", all.len())));
    };
    let worker = worker.unsigned_abs();
    let since = wait::now();
    let (then, peer_then, began) = (cost(worker)?, peers.cost()?, Instant::now());
    eprintln!("  measuring for {secs} s");
    thread::sleep(Duration::from_secs(secs));
    let (own, peer) = (cost(worker)?.since(then), peers.cost()?.since(peer_then));
    // Both took every picture of a camera of 25 a second: less would have left a gap, or frames shed.
    let pictures = began.elapsed().as_secs_f64() * 25.0;
    town.must_run()?;
    town.stop()?;
    undisturbed(&town, since, "burned")?;
    let ms = |c: Cost| c.cpu_secs * 1000.0 / pictures;
    Ok(
        Figure::new("mask.burned", "", ms(own), "CPU ms per picture")
            .beside("ffmpeg decode + encode", ms(peer))
            .at_most(1.05),
    )
}

/// Eight cameras with masks of their own, proved, beside the same recorded plainly by another box at the same time.
fn proved(secs: u64) -> Done<Figure> {
    const CAMERAS: usize = 8;
    let folder = Folder::new("mask-proved")?;
    let paths: Vec<String> = (0..CAMERAS).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths
        .iter()
        .fold(Scene::new(), |s, p| s.file(p, "zoned-1080p25.h264", 25));
    let cameras = Cameras::start(scene)?;
    let plan = |name: &str| {
        let all = paths.iter().enumerate();
        all.fold(Plan::new(name).segment_secs(10), |p, (i, path)| {
            let p = p.camera(&format!("c{i:02}"), cameras.url(path));
            if name == "proved" {
                p.mask("m1", OVER_MARKER).by_camera().colour("#000000")
            } else {
                p
            }
        })
    };
    let mut own = boxed(folder.path(), plan("proved"), CAMERAS)?;
    let mut plain = boxed(folder.path(), plan("plain"), CAMERAS)?;
    thread::sleep(Duration::from_secs(10)); // both have settled
    let since = wait::now();
    let (then, plain_then, began) = (spent(&own)?, spent(&plain)?, Instant::now());
    eprintln!("  measuring for {secs} s");
    thread::sleep(Duration::from_secs(secs));
    let (cost, plain_cost) = (spent(&own)?.since(then), spent(&plain)?.since(plain_then));
    let minutes = began.elapsed().as_secs_f64() / 60.0 * CAMERAS as f64;
    for (town, how) in [(&mut own, "proved"), (&mut plain, "none")] {
        town.must_run()?;
        town.stop()?;
        undisturbed(town, since, how)?;
    }
    let unit = "CPU s per stream-minute";
    Ok(
        Figure::new("mask.proved", "", cost.cpu_secs / minutes, unit)
            .beside("the same, without proofs", plain_cost.cpu_secs / minutes)
            .at_most(2.0),
    )
}

/// A box with more cameras to burn in than it can carry: those it refuses say so, the others record every picture.
fn carried() -> Done<Figure> {
    let folder = Folder::new("mask-cameras")?;
    let number = 2 + 4 * machine().cores;
    let paths: Vec<String> = (0..number).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths.iter().fold(Scene::new(), |s, p| s.street(p));
    let cameras = Cameras::start(scene)?;
    let plan =
        paths
            .iter()
            .enumerate()
            .fold(Plan::new("bench").segment_secs(10), |p, (i, path)| {
                p.camera(&format!("c{i:02}"), cameras.url(path))
                    .mask("m1", OVER_MARKER)
            });
    let mut town = boxed(folder.path(), plan, 1)?;
    let refused = |town: &Town| {
        let status = town.status().unwrap_or_default();
        let faults = status["faults"].as_array().into_iter().flatten();
        faults.filter(|f| f["code"] == "mask.capacity").count()
    };
    let recording = |town: &Town, since: Utc| {
        let all = town.cameras.iter();
        all.filter(|c| town.landed(c).is_some_and(|t| t > since))
            .count()
    };
    // Refused ones ask again: what a minute later is so, stays so.
    let settled = Instant::now() + Duration::from_secs(60);
    let carried = wait::until("every camera records or is refused", 300, || {
        town.must_run()?;
        let (good, no) = (recording(&town, Utc(wait::now().0 - 3000)), refused(&town));
        let done = Instant::now() > settled && good + no == number && no > 0;
        Ok(if done {
            Look::Yes(good)
        } else {
            Look::NotYet(format!("{good} record, {no} are refused, of {number}"))
        })
    })?;
    let shed = town.fault("mask.overload");
    town.stop()?;
    if let Some(detail) = shed {
        return Err(Trouble(format!("more are carried than can be: {detail}")));
    }
    Ok(Figure::new(
        "mask.cameras",
        "",
        carried as f64,
        "1080p25 burned in",
    ))
}

#[derive(Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    peer: Option<&'static str>,
    peer_value: Option<f64>,
    ratio: Option<f64>,
    goal: Option<f64>,
    met: Option<bool>,
}

impl Figure {
    fn new(name: &str, part: &str, value: f64, unit: &'static str) -> Self {
        Self {
            name: format!("{name}{part}"),
            value: round(value),
            unit,
            peer: None,
            peer_value: None,
            ratio: None,
            goal: None,
            met: None,
        }
    }
    fn beside(mut self, peer: &'static str, value: f64) -> Self {
        self.peer = Some(peer);
        self.peer_value = Some(round(value));
        self.ratio = Some(round(self.value / value));
        self
    }
    fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self.met = Some(self.ratio.unwrap_or(self.value) <= goal);
        self
    }
}

/// What one run measured; the peer's part where there was one.
struct Run {
    name: String,
    streams: usize,
    edge_minutes: f64,
    peer_minutes: f64,
    edge: Cost,
    peer: Option<Cost>,
    lost: u64,
    gaps: usize,
    /// System calls per stream-minute; None where strace cannot count them.
    calls: Option<f64>,
}

impl Run {
    fn figures(&self) -> Vec<Figure> {
        const FFMPEG: &str = "ffmpeg -c copy -f segment";
        let large = self.streams == 32 && self.peer.is_some();
        let mut cpu = Figure::new(
            &self.name,
            "",
            self.edge.cpu_secs / self.edge_minutes,
            "CPU s per stream-minute",
        );
        let mut memory = Figure::new(&self.name, ".rss", self.edge.rss_mib, "MiB");
        if let Some(peer) = self.peer {
            cpu = cpu.beside(FFMPEG, peer.cpu_secs / self.peer_minutes);
        }
        if large {
            cpu = cpu.at_most(0.27);
            memory = memory.at_most(64.0);
        }
        let mut all = vec![cpu, memory];
        all.extend(
            self.peer
                .map(|p| Figure::new(&self.name, ".rss.ffmpeg", p.rss_mib, "MiB")),
        );
        all.push(Figure::new(&self.name, ".lost", self.lost as f64, "packets lost").at_most(0.0));
        all.push(Figure::new(&self.name, ".gaps", self.gaps as f64, "gaps").at_most(0.0));
        let switches = self.edge.switches as f64 / self.edge_minutes;
        all.push(Figure::new(
            &self.name,
            ".switches",
            switches,
            "switches/stream-minute",
        ));
        all.extend(
            self.calls
                .map(|calls| Figure::new(&self.name, ".calls", calls, "calls/stream-minute")),
        );
        all
    }
}

/// `n` cameras for `secs` seconds, after everything has settled.
fn one(name: &str, n: usize, masked: bool, secs: u64) -> Done<Run> {
    let folder = Folder::new(name)?;
    let paths: Vec<String> = (0..n).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths.iter().fold(
        Scene::new(),
        |s, p| if masked { s.marked(p) } else { s.street(p) },
    );
    let cameras = Cameras::start(scene)?;
    let mut plan = Plan::new("bench");
    for (i, path) in paths.iter().enumerate() {
        plan = plan.camera(&format!("c{i:02}"), cameras.url(path));
        if masked {
            plan = plan.mask("m1", OVER_MARKER);
        }
    }
    let mut hub = Hub::make(folder.path())?.started()?;
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let apart = n > TOGETHER;
    let peers = if masked || apart {
        Peers(Vec::new())
    } else {
        ffmpegs(&cameras, &paths, folder.path())?
    };
    wait::until("every camera is viewed and recorded", 120, || {
        town.must_run()?;
        let rows = hub.box_row("bench")?;
        let recording = rows["cameras"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|c| c["recording"] == true)
            .count();
        Ok(if recording == n {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{recording} of {n}"))
        })
    })?;
    let pids: Vec<u32> = [&town.recorder, &town.reader]
        .into_iter()
        .flatten()
        .map(|p| p.pid())
        .collect();
    let edge = || -> Done<Cost> {
        pids.iter()
            .try_fold(Cost::default(), |sum, pid| Ok(sum.plus(cost(*pid)?)))
    };
    let pause = |secs: u64| thread::sleep(Duration::from_secs(secs));
    pause(10); // sessions have settled: what follows is the steady state
    let since = wait::now();
    let (edge_then, peer_then, began) = (edge()?, peers.cost()?, Instant::now());
    eprintln!("  measuring for {secs} s");
    pause(secs);
    let minutes = |began: Instant| began.elapsed().as_secs_f64() / 60.0 * n as f64;
    let (edge, mut peer) = (edge()?.since(edge_then), peers.cost()?.since(peer_then));
    let (edge_minutes, mut peer_minutes) = (minutes(began), minutes(began));
    let counted = pids
        .iter()
        .map(|pid| system_calls(*pid, COUNTED_SECS))
        .sum::<Option<u64>>();
    let calls = counted.map(|c| c as f64 * 60.0 / COUNTED_SECS as f64 / n as f64);
    town.must_run()?;
    let lost: u64 = town
        .lines_of("seg.write", None)
        .iter()
        .filter_map(|l| l["data"]["lost"].as_u64())
        .sum();
    let gaps: Vec<Value> = town
        .lines_of("seg.gap", None)
        .into_iter()
        .filter(|l| time(&l["data"]["t1"]).is_ok_and(|t| t > since))
        .collect();
    for gap in &gaps {
        eprintln!("  {}", gap["data"]);
    }
    town.stop()?;
    drop(peers);
    if apart {
        let peers = ffmpegs(&cameras, &paths, folder.path())?;
        wait::until("every camera is viewed by an ffmpeg", 120, || {
            let writing = peers.writing(folder.path());
            Ok(if writing == n {
                Look::Yes(())
            } else {
                Look::NotYet(format!("{writing} of {n}"))
            })
        })?;
        pause(10);
        let (then, began) = (peers.cost()?, Instant::now());
        eprintln!("  measuring ffmpeg for {secs} s");
        pause(secs);
        peer = peers.cost()?.since(then);
        peer_minutes = minutes(began);
    }
    Ok(Run {
        name: name.to_owned(),
        streams: n,
        edge_minutes,
        peer_minutes,
        edge,
        peer: (!masked).then_some(peer),
        lost,
        gaps: gaps.len(),
        calls,
    })
}

fn round(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}

/// The ffmpegs beside; ended when this goes.
struct Peers(Vec<Child>);

impl Peers {
    /// How many have begun a file.
    fn writing(&self, folder: &Path) -> usize {
        let begun = |i: &usize| {
            fs::metadata(folder.join(format!("ffmpeg-{i:02}-000.mp4"))).is_ok_and(|m| m.len() > 0)
        };
        (0..self.0.len()).filter(begun).count()
    }

    fn cost(&self) -> Done<Cost> {
        self.0.iter().try_fold(
            Cost::default(),
            |sum, child| Ok(sum.plus(cost(child.id())?)),
        )
    }
}
impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn ffmpegs(cameras: &Cameras, paths: &[String], folder: &Path) -> Done<Peers> {
    let mut peers = Peers(Vec::new());
    for (i, path) in paths.iter().enumerate() {
        let child = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
                "-rtsp_transport",
                "tcp",
                "-i",
                cameras.url(path),
            ])
            .args([
                "-map",
                "0:v",
                "-c",
                "copy",
                "-f",
                "segment",
                "-segment_time",
                "60",
                "-segment_format",
                "mp4",
                "-reset_timestamps",
                "1",
            ])
            .arg(folder.join(format!("ffmpeg-{i:02}-%03d.mp4")))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .told("starting ffmpeg")?;
        peers.0.push(child);
    }
    Ok(peers)
}
