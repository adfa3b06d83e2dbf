//! Wiring. The `beadle-edge` program: logging for engineers, one command, its exit code.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    beadle_edge::memory::few_arenas();
    let filter = EnvFilter::try_from_env("BEADLE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,retina=warn,quinn=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let line = match beadle_edge::commands::Line::try_parse() {
        Ok(line) => line,
        Err(e) => {
            // Help and version are asked for; everything else is a wrong command line.
            let code = if e.use_stderr() {
                beadle_edge::commands::exit::USAGE
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
