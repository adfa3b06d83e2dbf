//! Wiring. `make fault`: kill -9 of box, hub or both at random moments, see [`beadle_tests::fault`]; then power cuts, see
//! [`beadle_tests::powercut`].
use std::process::ExitCode;

use beadle_tests::{
    Done, disks,
    fault::{ALLOWED_MS, fault},
    powercut::powercut,
    wait,
};

const USAGE: &str = "usage: fault [--rounds 50] [--cuts 100] [--seed N]";

fn main() -> ExitCode {
    let (mut rounds, mut cuts, mut seed) = (50u64, 100u64, wait::now().0 as u64 % 1_000_000);
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        match (
            pair.first().map(String::as_str),
            pair.get(1).and_then(|v| v.parse().ok()),
        ) {
            (Some("--rounds"), Some(n)) => rounds = n,
            (Some("--cuts"), Some(n)) => cuts = n,
            (Some("--seed"), Some(n)) => seed = n,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(64);
            }
        }
    }
    println!("fault: {rounds} kills, {cuts} power cuts, --seed {seed}");
    match kills(rounds, seed).and_then(|()| power_cuts(cuts, seed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("fault: {e}\nrepeat with --seed {seed}");
            ExitCode::FAILURE
        }
    }
}

fn kills(rounds: u64, seed: u64) -> Done<()> {
    if rounds == 0 {
        return Ok(());
    }
    let worst = fault(rounds, seed)?;
    println!("fault: {rounds} kills survived; most lost at one: {worst} ms (allowed {ALLOWED_MS})");
    Ok(())
}

fn power_cuts(cuts: u64, seed: u64) -> Done<()> {
    if cuts == 0 || !disks::possible("power cuts on ext4") {
        return Ok(());
    }
    disks::enter()?;
    let losses = powercut(cuts, seed)?;
    println!("fault: {cuts} power cuts survived\n{}", losses.histogram());
    Ok(())
}
