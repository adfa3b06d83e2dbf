//! Wiring. Clips over the lines that towns have, beside TCP.
//!
//! `link.clean`, `link.loss.0.5`, `link.loss.2`: 20 Mbit/s, 40 ms there and back, and so many packets of a hundred lost; `link.4g`: 5 Mbit/s,
//! 60 ms each way, up to 20 ms more, 1 % lost. On each line a clip of half a minute is pulled, and the same bytes are sent over TCP with BBR
//! and with CUBIC, one after the other, three times: the medians of what the line carried while all but the first and last fiftieth crossed
//! it. `.whole`: the clip's bytes by the time from asking to the finished package.
//!
//! `link.waste`: what crosses for nothing over a line that drops.
use std::{
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    figure::Figure,
    hub::Hub,
    line::{HUB, Kind, Line},
    site::Site,
    town::{Plan, Town},
    waste::{self, Drops, Waste},
};

/// Bytes of a clip that crossed for nothing, in percent: over a line of 4 Mbit/s that is away for 24 seconds after every 20, which ends the
/// connection each time; over one that is away for 3, which the connection outlives; and over one at whose end the hub is killed each time.
pub fn waste(_: u64) -> Done<Vec<Figure>> {
    let one = |part: &'static str, carried, away, killed| -> Done<Vec<Figure>> {
        let work = thread::spawn(move || -> Done<Waste> {
            let folder = Folder::new("waste")?;
            let drops = Drops {
                mbit: 4.0,
                minutes: 400,
                there: Duration::from_secs(20),
                away: Duration::from_secs(away),
                killed,
            };
            waste::pulled(folder.path(), drops)
        });
        let done = work
            .join()
            .map_err(|_| Trouble::new("link.waste ended in the middle"))??;
        eprintln!(
            "  {} drops in {:.0} s: {} bytes crossed, {} are kept; the line carried {}",
            done.drops, done.secs, done.crossed, done.kept, done.carried
        );
        let over = done.carried as f64 / done.kept as f64;
        Ok(vec![
            Figure::new("link.waste", part, done.percent(), "% of what crossed").at_most(1.0),
            Figure::new("link.waste", carried, over, "bytes of the line a byte kept"),
        ])
    };
    let mut all = one("", ".carried", 24, false)?;
    all.extend(one(".short", ".short.carried", 3, false)?);
    all.extend(one(".killed", ".killed.carried", 3, true)?);
    Ok(all)
}

const RUNS: usize = 3;
const SEGMENTS: usize = 5;
const UNIT: &str = "Mbit/s";

pub fn clean(_: u64) -> Done<Vec<Figure>> {
    let measured = measure("link.clean", Kind::town(0.0))?;
    let of_the_line = measured.ours / Kind::town(0.0).mbit;
    let part = Figure::new("link.clean", ".part", of_the_line, "of the line");
    let mut figures = measured.figures("link.clean", None);
    figures.push(part.at_least(0.95));
    Ok(figures)
}

pub fn little_lost(_: u64) -> Done<Vec<Figure>> {
    Ok(measure("link.loss.0.5", Kind::town(0.5))?.figures("link.loss.0.5", Some(0.95)))
}

pub fn much_lost(_: u64) -> Done<Vec<Figure>> {
    let measured = measure("link.loss.2", Kind::town(2.0))?;
    let cubic = Figure::new("link.loss.2", ".cubic", measured.ours, UNIT);
    let cubic = cubic.beside("TCP CUBIC", measured.cubic).at_least(4.0);
    let mut figures = measured.figures("link.loss.2", Some(0.95));
    figures.push(cubic);
    Ok(figures)
}

pub fn mobile(_: u64) -> Done<Vec<Figure>> {
    Ok(measure("link.4g", Kind::MOBILE)?.figures("link.4g", Some(0.95)))
}

/// Medians, Mbit/s.
struct Medians {
    ours: f64,
    whole: f64,
    bbr: f64,
    cubic: f64,
}

impl Medians {
    fn figures(&self, name: &str, of_bbr: Option<f64>) -> Vec<Figure> {
        let ours = Figure::new(name, "", self.ours, UNIT).beside("TCP BBR", self.bbr);
        vec![
            match of_bbr {
                Some(goal) => ours.at_least(goal),
                None => ours,
            },
            Figure::new(name, ".whole", self.whole, UNIT),
            Figure::new(name, ".tcp.cubic", self.cubic, UNIT),
        ]
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The line is this thread's for good, so the work has a thread of its own.
fn measure(name: &'static str, kind: Kind) -> Done<Medians> {
    let work = thread::spawn(move || on_line(name, kind));
    work.join()
        .map_err(|_| Trouble(format!("{name} ended in the middle")))?
}

fn on_line(name: &str, kind: Kind) -> Done<Medians> {
    let folder = Folder::new(name)?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let site = Site::Beside(folder.path().into());
    let mut hub = Hub::make_at(&site, &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("line")
        .segment_secs(6)
        .camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let segments = town.segments("street", SEGMENTS, 90)?;
    let text = |n: usize, key: &str| segments[n]["data"][key].as_str().unwrap_or_default();
    let bytes: u64 = segments[..SEGMENTS]
        .iter()
        .filter_map(|s| s["data"]["size"].as_u64())
        .sum();
    let (from, to) = (text(0, "t0"), text(SEGMENTS - 1, "t1"));
    let size = usize::try_from(bytes).map_err(|e| Trouble(e.to_string()))?;
    line.set(kind);
    let [mut ours, mut whole, mut bbr, mut cubic] = [const { Vec::new() }; 4];
    for run in 1..=RUNS {
        let began = Instant::now();
        let (rate, pulled) = line.rate(|| hub.pull("line/street", from, to))?;
        let took = began.elapsed();
        if !pulled.said.out.contains("INTACT") {
            return Err(Trouble(format!("the clip: {:?}", pulled.said)));
        }
        ours.push(rate);
        whole.push(bytes as f64 * 8e-6 / took.as_secs_f64());
        // What the box has to say afterwards is said.
        thread::sleep(Duration::from_secs(1));
        bbr.push(line.rate(|| line.tcp(size, "bbr"))?.0);
        cubic.push(line.rate(|| line.tcp(size, "cubic"))?.0);
        eprintln!(
            "  run {run}: {rate:.2} Mbit/s of {:.1} MB; TCP BBR {:.2}, CUBIC {:.2}",
            bytes as f64 / 1e6,
            bbr[run - 1],
            cubic[run - 1]
        );
    }
    town.stop()?;
    Ok(Medians {
        ours: median(ours),
        whole: median(whole),
        bbr: median(bbr),
        cubic: median(cubic),
    })
}
