//! Wiring. What recording, starting and deleting cost.
//!
//! `record.copy.N`: N cameras of 4 Mbit/s (H.264, 1080p25). Measured: CPU and memory of `beadle-edge run` and `reader` (fragmenting,
//! hashing, sealing, logging, uplink to a hub) and of N × `ffmpeg -c copy -f segment`: at the same time, or, with more cameras than two
//! cores can carry twice, one after the other on the same cameras.
//! `record.mask.1`: one masked camera (640×360 at 12 a second), the picture worker's cost with it.
//! `record.relay`: eight 1080p25 cameras that are read by way of the relay, beside the same cameras read directly by a second box in the
//! same minute. `record.copy.N.switches`, `.calls`: context switches and system calls of recorder and reader per stream-minute, without
//! a peer; calls are counted by strace in ten seconds of their own, after the costs were measured.
//! `record.start`, `retention.start`: from a start to the first pictures on disk, with 31 days of 32 cameras' footage there: the
//! slowest of three. `retention.sweep`: one day of 32 cameras goes, of 32 days of 1.5 million segments, while 32 1080p25 cameras
//! record, none of whose pictures may be missing; from the first `del.range` to the last `del.done`.
use std::{
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, OVER_MARKER, Scene},
    disks,
    figure::Figure,
    hub::{Hub, time},
    measure::{Cost, cost, system_calls},
    start::{Month, record_start, retention_sweep},
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::Value;

use crate::{
    USAGE,
    boxes::{boxed, spent, undisturbed},
    peers::{Peers, ffmpegs},
};

/// System calls are counted for so long.
const COUNTED_SECS: u64 = 10;
/// More cameras than this are recorded by one side at a time.
const TOGETHER: usize = 32;

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
/// `record.copy.N` and `record.mask.N`.
pub fn cameras(name: &str, secs: u64) -> Done<Vec<Figure>> {
    let number = |start: &str| {
        let n = name.strip_prefix(start).and_then(|n| n.parse().ok());
        n.filter(|n| (1..=64).contains(n))
    };
    match (number("record.copy."), number("record.mask.")) {
        (Some(n), _) => Ok(one(name, n, false, secs)?.figures()),
        (_, Some(n)) => Ok(one(name, n, true, secs)?.figures()),
        _ => Err(Trouble(format!("{name}: no such bench\n{USAGE}"))),
    }
}

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

/// Cameras read by way of the relay, and the same cameras read directly.
pub fn relayed(secs: u64) -> Done<Vec<Figure>> {
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
    Ok(vec![
        Figure::new("record.relay", "", own.cpu_secs / minutes, unit)
            .beside("the same, read directly", other.cpu_secs / minutes),
    ])
}

/// The slowest of three starts with a month of 32 cameras' footage on disk; nothing where disks cannot be mounted.
pub fn start(_: u64) -> Done<Vec<Figure>> {
    if !disks::possible("record.start") {
        return Ok(Vec::new());
    }
    disks::enter()?;
    let started = record_start(32, 31, 1440, 3)?;
    eprintln!("{} files; {:?} ms", started.files, started.ms);
    let slowest = started.ms.iter().copied().max().unwrap_or(u64::MAX) as f64 / 1000.0;
    let figure = |name| Figure::new(name, "", slowest, "s to first pictures").at_most(2.0);
    Ok(vec![figure("record.start"), figure("retention.start")])
}

/// One day of 32 cameras goes while four record.
pub fn sweep(_: u64) -> Done<Vec<Figure>> {
    if !disks::possible("retention.sweep") {
        return Ok(Vec::new());
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
    Ok(vec![figure.at_most(10.0)])
}
