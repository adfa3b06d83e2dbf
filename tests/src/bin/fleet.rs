//! Wiring. Many simulated boxes in one process, beside a real hub (`beadle_tests::fleet`): its plan is a file.
use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let Some(plan) = std::env::args().nth(1) else {
        eprintln!("usage: fleet PLAN.json");
        return ExitCode::from(64);
    };
    match beadle_tests::fleet::simulator::run(Path::new(&plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("fleet: {e}");
            ExitCode::FAILURE
        }
    }
}
