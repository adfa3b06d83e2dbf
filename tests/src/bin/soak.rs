//! Wiring. `make soak`: cameras that stall, drop, reboot, lose packets and jump for as long as asked; the box must take it all.
//!
//! `--fleet N`: instead, N simulated boxes of ten cameras each on one hub, for as long: `beadle_tests::fleet`.
//! At the end every camera records, every stretch without footage is on the record, memory has not grown, the log is INTACT.
use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, OVER_MARKER, Scene},
    dice::Dice,
    fleet::{Load, hub_fleet},
    hub::{Hub, time},
    measure::{cost, memory_mib},
    places, record,
    town::{Plan, Town},
    wait::{self, Look},
};

const USAGE: &str = "usage: soak [--minutes 30] [--seed N] [--fleet BOXES]";
const PATHS: [&str; 4] = ["/s/c01", "/s/c02", "/s/c03", "/s/c04"];
/// What the recorder's memory may have gained, from the first quarter of the time after settling to the last.
const GROWTH: f64 = 0.05;

fn main() -> ExitCode {
    let (mut minutes, mut seed) = (30u64, wait::now().0 as u64 % 1_000_000);
    let mut boxes = None;
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        match (
            pair.first().map(String::as_str),
            pair.get(1).and_then(|v| v.parse().ok()),
        ) {
            (Some("--minutes"), Some(n)) => minutes = n,
            (Some("--seed"), Some(n)) => seed = n,
            (Some("--fleet"), Some(n)) => boxes = usize::try_from(n).ok(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(64);
            }
        }
    }
    if let Some(boxes) = boxes {
        println!("soak: {minutes} minutes, {boxes} boxes of ten cameras");
        return match of_boxes(boxes, minutes) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("soak: {e}");
                ExitCode::FAILURE
            }
        };
    }
    println!("soak: {minutes} minutes, --seed {seed}");
    match soak(minutes, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("soak: {e}\nrepeat with --seed {seed}");
            ExitCode::FAILURE
        }
    }
}

/// A fleet on one hub.
fn of_boxes(boxes: usize, minutes: u64) -> Done<()> {
    let figures = hub_fleet(Load {
        boxes,
        cameras: 10,
        secs: minutes * 60,
        pulls: 50,
        segment: 60,
        killed: Some(10),
    })?;
    for f in &figures {
        println!("{:<24} {:>12.3} {}", f.name, f.value, f.unit);
    }
    match figures.iter().find(|f| f.met == Some(false)) {
        Some(f) => Err(Trouble(format!("{}: {} {}", f.name, f.value, f.unit))),
        None => Ok(()),
    }
}

fn soak(minutes: u64, seed: u64) -> Done<()> {
    let mut dice = Dice::new(seed);
    let folder = Folder::new("soak")?;
    let cameras = Cameras::start(
        Scene::new()
            .street(PATHS[0])
            .street_low(PATHS[1])
            .street_with_sound(PATHS[2])
            .marked(PATHS[3]),
    )?;
    let plan = PATHS
        .iter()
        .enumerate()
        .fold(Plan::new("soaked").segment_secs(20), |p, (i, path)| {
            p.camera(&format!("c0{}", i + 1), cameras.url(path))
        });
    let mut hub = Hub::make(folder.path())?.started()?;
    let mut town = Town::make(folder.path(), plan.mask("m1", OVER_MARKER))?
        .enrolled(&mut hub)?
        .started()?;
    all_record(&mut hub, &mut town)?;
    let pid = town.recorder.as_ref().map_or(0, |p| p.pid());
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let (mut memory, mut acts) = (Vec::new(), 0);
    let settle = Instant::now() + Duration::from_secs((minutes * 60 / 5).min(300));
    let (small, large) = (
        places::footage("street-720p25.h264")?,
        places::footage("street-1080p25.h264")?,
    );
    while Instant::now() < end {
        town.must_run()?;
        hub.must_run()?;
        let path = *dice.one(&PATHS);
        let act = *dice.one(&[
            "stall",
            "drop",
            "reboot",
            "lose",
            "clock-jump",
            "resolution",
            "nothing",
        ]);
        let done = match act {
            "stall" => {
                cameras.stall(path)?;
                thread::sleep(Duration::from_secs(1 + dice.below(15)));
                cameras.resume(path)
            }
            "drop" => cameras.drop_viewers(path),
            "reboot" => cameras.reboot(path, (1 + dice.below(10)) as f64),
            // These need a viewer; without one the cameras refuse, which is no fault of the box.
            "lose" => cameras.lose(path, 1 + dice.below(20) as u32).or(Ok(())),
            "clock-jump" => cameras
                .clock_jump(path, dice.below(40) as f64 - 20.0)
                .or(Ok(())),
            "resolution" if path == PATHS[0] => {
                cameras.resolution(path, if acts % 2 == 0 { &small } else { &large })
            }
            _ => Ok(()),
        };
        done?;
        acts += 1;
        if Instant::now() > settle {
            // Picture workers come and go with their cameras: each begins with a memory of its own.
            memory.push(memory_mib(pid));
        }
        thread::sleep(Duration::from_millis(500 + dice.below(8000)));
    }
    all_record(&mut hub, &mut town)?;
    let quarter = (memory.len() / 4).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let (first, last) = (
        mean(&memory[..quarter.min(memory.len())]),
        mean(&memory[memory.len().saturating_sub(quarter)..]),
    );
    println!(
        "soak: {acts} acts; memory {first:.1} MiB after settling, {last:.1} MiB at the end ({:+.1} %); CPU {:.0} s\n  {}",
        (last / first - 1.0) * 100.0,
        cost(pid)?.cpu_secs,
        drawn(&memory)
    );
    if last > first * (1.0 + GROWTH) {
        return Err(Trouble(format!(
            "memory grew from {first:.1} to {last:.1} MiB: more than {:.0} %",
            GROWTH * 100.0
        )));
    }
    town.stop()?;
    hub.stop()?;
    record::declared(&town)?;
    hub.intact("log", &town.log(), false)?;
    println!("soak: every camera recorded to the end, every gap is declared, the log is intact");
    Ok(())
}

/// A curve of at most sixty marks, from the least to the most.
fn drawn(memory: &[f64]) -> String {
    const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = memory
        .iter()
        .fold((f64::MAX, 0f64), |(l, h), m| (l.min(*m), h.max(*m)));
    let step = memory.len().div_ceil(60).max(1);
    let marks: String = memory
        .chunks(step)
        .filter_map(|c| c.first())
        .map(|m| MARKS[(((m - low) / (high - low).max(0.1)) * 7.0) as usize % 8])
        .collect();
    format!("{marks}  {low:.1} to {high:.1} MiB")
}

/// Pictures of every camera have landed since this was called, and the hub knows.
fn all_record(hub: &mut Hub, town: &mut Town) -> Done<()> {
    let since = wait::now();
    wait::until("every camera records", 120, || {
        hub.must_run()?;
        town.must_run()?;
        let row = hub.box_row(&town.name)?;
        let cameras = row["cameras"].as_array().into_iter().flatten();
        let good = cameras
            .filter(|c| c["recording"] == true && time(&c["landed"]).is_ok_and(|t| t > since))
            .count();
        Ok(if good == PATHS.len() {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{good} of {}", PATHS.len()))
        })
    })
}
