//! Wiring. `make fault`: kill -9 of box, hub or both at random moments; see [`beadle_tests::fault`].
use std::process::ExitCode;

use beadle_tests::{
    fault::{ALLOWED_MS, fault},
    wait,
};

const USAGE: &str = "usage: fault [--rounds 50] [--seed N]";

fn main() -> ExitCode {
    let (mut rounds, mut seed) = (50u64, wait::now().0 as u64 % 1_000_000);
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        match (
            pair.first().map(String::as_str),
            pair.get(1).and_then(|v| v.parse().ok()),
        ) {
            (Some("--rounds"), Some(n)) => rounds = n,
            (Some("--seed"), Some(n)) => seed = n,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(64);
            }
        }
    }
    println!("fault: {rounds} rounds, --seed {seed}");
    match fault(rounds, seed) {
        Ok(worst) => {
            println!(
                "fault: {rounds} kills survived; most lost at one: {worst} ms (allowed {ALLOWED_MS})"
            );
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("fault: {e}\nrepeat with --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
