//! Wiring. `make soak`: faults for as long as asked, and the marker in no recorded picture; see [`beadle_tests::marker`].
use std::process::ExitCode;

use beadle_tests::{marker::marker, wait};

const USAGE: &str = "usage: marker [--minutes 30] [--secs N] [--seed N] [--only c01,c05]";

fn main() -> ExitCode {
    let (mut secs, mut seed) = (1800u64, wait::now().0 as u64 % 1_000_000);
    let mut only = Vec::new();
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        if let [name, value] = pair
            && name == "--only"
        {
            only = value.split(',').map(str::to_owned).collect();
            continue;
        }
        match (
            pair.first().map(String::as_str),
            pair.get(1).and_then(|v| v.parse::<u64>().ok()),
        ) {
            (Some("--minutes"), Some(n)) => secs = n * 60,
            (Some("--secs"), Some(n)) => secs = n,
            (Some("--seed"), Some(n)) => seed = n,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(64);
            }
        }
    }
    match marker(secs, seed, &only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("marker: {e}\nrepeat with --secs {secs} --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
