//! Wiring. The `beadle-edge` program: logging for engineers, one command, its exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    beadle_edge::memory::few_arenas();
    beadle_edge::logging::begin();
    let line = match beadle_edge::commands::Line::try_parse() {
        Ok(line) => line,
        Err(e) => {
            // Help and version are asked for; everything else is a wrong command line.
            let code = if e.use_stderr() {
                beadle_edge::failure::exit::USAGE
            } else {
                0
            };
            // Nothing can be said when even standard error is gone.
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    beadle_edge::commands::run(line)
}
