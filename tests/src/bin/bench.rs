//! Wiring. `make bench`: what recording costs, beside ffmpeg doing the same in the same minute on the same cameras.
//!
//! `record.copy.N`: N cameras of 4 Mbit/s (H.264, 1080p25). Measured: CPU and memory of `beadle-edge run` (fragmenting, hashing,
//! sealing, logging, uplink to a hub) and of N × `ffmpeg -c copy -f segment`, at the same time.
//! `record.mask.1`: one masked camera (640×360 at 12 a second), the picture worker's cost with it.
//! Result: a table, and target/bench.json.
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
    hub::Hub,
    measure::{Cost, cost, machine},
    places,
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::{Value, json};

const USAGE: &str = "usage: bench [--secs 60] [NAME…]     names: record.copy.8 record.copy.32 record.mask.1 (default: all)";

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
        names = ["record.copy.8", "record.copy.32", "record.mask.1"]
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
    let mut results = Vec::new();
    for name in names {
        eprintln!("{name}");
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
    println!(
        "\n{:<16} {:>28} {:>28} {:>8}",
        "", "beadle-edge", "ffmpeg -c copy -f segment", "ratio"
    );
    println!(
        "{:<16} {:>18} {:>9} {:>18} {:>9} {:>8}",
        "", "CPU s/stream-min", "MiB", "CPU s/stream-min", "MiB", "CPU"
    );
    for r in &results {
        let of = |who: &str, what: &str| r[who][what].as_f64();
        let show = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.3}"));
        let ratio = of("beadle_edge", "cpu_secs_per_stream_minute")
            .zip(of("ffmpeg", "cpu_secs_per_stream_minute"))
            .map(|(a, b)| a / b);
        println!(
            "{:<16} {:>18} {:>9} {:>18} {:>9} {:>8}",
            r["name"].as_str().unwrap_or(""),
            show(of("beadle_edge", "cpu_secs_per_stream_minute")),
            of("beadle_edge", "rss_mib").map_or("-".into(), |v| format!("{v:.0}")),
            show(of("ffmpeg", "cpu_secs_per_stream_minute")),
            of("ffmpeg", "rss_mib").map_or("-".into(), |v| format!("{v:.0}")),
            ratio.map_or("-".into(), |v| format!("{v:.2}")),
        );
    }
    let file = places::root().join("target/bench.json");
    let date = wait::now().to_string();
    let all = json!({"date": date, "machine": on, "profile": if cfg!(debug_assertions) { "debug" } else { "release" }, "command": "make bench", "results": results});
    fs::write(&file, serde_json::to_string_pretty(&all)? + "\n").told(file.display())?;
    println!(
        "\n{} · {} cores · Linux {} · load before {} · {date}\nwritten to {}",
        on.cpu,
        on.cores,
        on.kernel,
        on.load_before,
        file.display()
    );
    Ok(())
}

/// `n` cameras for `secs` seconds, after everything has settled.
fn one(name: &str, n: usize, masked: bool, secs: u64) -> Done<Value> {
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
    let peers = if masked {
        Peers(Vec::new())
    } else {
        ffmpegs(&cameras, &paths, folder.path())?
    };
    let before = frames(&cameras)?;
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
    let pid = town.recorder.as_ref().map_or(0, |p| p.pid());
    let pause = |secs: u64| thread::sleep(Duration::from_secs(secs));
    pause(10); // sessions have settled: what follows is the steady state
    let (edge, peer, began) = (cost(pid)?, peers.cost()?, Instant::now());
    eprintln!("  measuring for {secs} s");
    pause(secs);
    let (edge, peer) = (cost(pid)?.since(edge), peers.cost()?.since(peer));
    let minutes = began.elapsed().as_secs_f64() / 60.0 * n as f64;
    town.must_run()?;
    let sent = frames(&cameras)? - before;
    let lost: u64 = town
        .lines_of("seg.write", None)
        .iter()
        .filter_map(|l| l["data"]["lost"].as_u64())
        .sum();
    let gaps = town.lines_of("seg.gap", None).len();
    town.stop()?;
    let per = |c: Cost| json!({"cpu_secs_per_stream_minute": round(c.cpu_secs / minutes), "cpu_secs": round(c.cpu_secs), "rss_mib": round(c.rss_mib), "threads": c.threads, "processes": c.processes});
    Ok(json!({
        "name": name, "streams": n, "secs": secs, "beadle_edge": per(edge), "ffmpeg": if masked { Value::Null } else { per(peer) },
        "pictures_sent": sent, "packets_lost": lost, "gaps": gaps,
    }))
}

fn round(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}

fn frames(cameras: &Cameras) -> Done<u64> {
    let stats = cameras.stats()?;
    Ok(stats["cameras"]
        .as_object()
        .into_iter()
        .flat_map(|c| c.values())
        .filter_map(|c| c["sent"].as_u64())
        .sum())
}

/// The ffmpegs beside; ended when this goes.
struct Peers(Vec<Child>);

impl Peers {
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
