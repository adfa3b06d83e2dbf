//! Wiring. `make bench`: what Beadle costs and carries, beside peers that do the same in the same minute.
//!
//! Result: a table, and target/bench.json: a list of `{name, value, unit, peer, peer_value, ratio, goal, met}`. `goal` is what `ratio` may
//! be at most, or at least, or `value` where there is no peer; null where none is set. What each is: the room that measures it.
use std::{fs, process::ExitCode};

use beadle_tests::{Done, Told, Trouble, figure::Figure, measure::machine, places, wait};

mod boxes;
mod fleet;
mod hub;
mod link;
mod look;
mod masks;
mod peers;
mod record;
mod verify;

/// Measures for so many seconds, where a time can be chosen.
type Bench = fn(u64) -> Done<Vec<Figure>>;
/// Every bench but those of so many cameras, `record.copy.N` and `record.mask.N`.
const BENCHES: &[(&str, Bench)] = &[
    ("record.relay", record::relayed),
    ("mask.burned", masks::burned),
    ("mask.proved", masks::proved),
    ("mask.cameras", masks::carried),
    ("record.start", record::start),
    ("retention.sweep", record::sweep),
    ("hub.pages", hub::pages),
    ("audit.verify", verify::verify),
    ("audit.ingest", fleet::ingest),
    ("hub.lost", fleet::lost),
    ("hub.fleet", fleet::load),
    ("link.idle", fleet::idle),
    ("link.clean", link::clean),
    ("link.loss.0.5", link::little_lost),
    ("link.loss.2", link::much_lost),
    ("link.4g", link::mobile),
    ("link.waste", link::waste),
    ("link.first", look::looks),
];
/// How many cameras are recorded where nothing else is asked for.
const CAMERAS: [&str; 4] = [
    "record.copy.8",
    "record.copy.32",
    "record.copy.64",
    "record.mask.1",
];
const USAGE: &str = "usage: bench [--secs 60] [NAME…]     NAME: record.copy.1 … 64, record.mask.1 … 64, or one that `bench --list` says (default: all)";

fn main() -> ExitCode {
    let mut secs = 60;
    let mut names = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--secs" => secs = words.next().and_then(|s| s.parse().ok()).unwrap_or(0),
            "--list" => {
                all().for_each(|name| println!("{name}"));
                return ExitCode::SUCCESS;
            }
            _ => names.push(word),
        }
    }
    if secs < 5 || names.iter().any(|n| n.starts_with('-')) {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    }
    if names.is_empty() {
        names = all().map(str::to_owned).collect();
    }
    match bench(&names, secs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn all() -> impl Iterator<Item = &'static str> {
    let others = BENCHES.iter().map(|(name, _)| *name);
    CAMERAS.into_iter().chain(others)
}

fn bench(names: &[String], secs: u64) -> Done<()> {
    if cfg!(debug_assertions) {
        eprintln!("bench: this is a debug build; its figures mean nothing. Use `make bench`.");
    }
    let on = machine();
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        eprintln!("{name}");
        let known = BENCHES.iter().find(|(bench, _)| bench == name);
        let measured = match known {
            Some((_, measure)) => measure(secs),
            None => record::cameras(name, secs),
        };
        match measured {
            Ok(more) => figures.extend(more),
            // Hours of other figures are not to be lost with one.
            Err(e) => {
                eprintln!("{name}: {e}");
                failed.push(name.as_str());
            }
        }
    }
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
    if failed.is_empty() {
        return Ok(());
    }
    Err(Trouble(format!("not measured: {}", failed.join(", "))))
}
