//! Wiring. Reads the command line, calls one command, prints the error chain, sets the exit status.
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let line = beadle_hub::commands::Cli::parse();
    match beadle_hub::commands::run(line) {
        Ok(status) => ExitCode::from(status),
        Err(e) => {
            eprintln!("beadle-hub: {}", shared::plain::lines(&e.to_string()));
            let mut cause = e.source();
            while let Some(c) = cause {
                eprintln!("  because: {}", shared::plain::lines(&c.to_string()));
                cause = c.source();
            }
            ExitCode::from(1)
        }
    }
}
