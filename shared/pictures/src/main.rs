//! Wiring. The picture worker's command line; see the library for what it does.
use std::{
    io::{self, BufReader, BufWriter, Write},
    process::ExitCode,
};

use beadle_pictures::{av, mask, measure, sandbox, wire};

const USAGE: &str = "usage: beadle-pictures mask|measure
Started by beadle-edge.
  mask     one per masked camera: compressed pictures on stdin, masked ones, verdicts or stills on stdout
  measure  what masking costs here: processor time in microseconds per million pixels, one line of JSON";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["mask"] => mask_pictures(),
        ["measure"] => measure_cost(),
        ["--version" | "-V"] => {
            println!("beadle-pictures {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The same libraries within the same walls as [`mask_pictures`].
fn measure_cost() -> ExitCode {
    let costs = av::init()
        .map_err(|e| e.to_string())
        .and_then(|()| sandbox::enter().map_err(|e| e.to_string()))
        .and_then(|_| measure::run().map_err(|e| e.to_string()))
        .and_then(|costs| serde_json::to_string(&costs).map_err(|e| e.to_string()));
    match costs {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("beadle-pictures: {why}");
            ExitCode::FAILURE
        }
    }
}

fn mask_pictures() -> ExitCode {
    let mut out = BufWriter::with_capacity(256 << 10, io::stdout().lock());
    let ready = av::init()
        .map_err(|e| e.to_string())
        .and_then(|()| sandbox::enter().map_err(|e| e.to_string()))
        .and_then(|missing| {
            let said = wire::Sandboxed { v: 1, missing };
            wire::write_json(&mut out, b'S', &said)
                .and_then(|()| out.flush())
                .map_err(|e| format!("cannot write to the daemon: {e}"))
        });
    if let Err(why) = ready {
        let _ = wire::write_json(
            &mut out,
            b'X',
            &wire::Failure {
                why: why.clone(),
                dropped: 0,
            },
        )
        .and_then(|()| out.flush());
        eprintln!("beadle-pictures: {why}");
        return ExitCode::FAILURE;
    }
    match mask::run(BufReader::with_capacity(256 << 10, io::stdin().lock()), out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("beadle-pictures: {error}");
            ExitCode::FAILURE
        }
    }
}
