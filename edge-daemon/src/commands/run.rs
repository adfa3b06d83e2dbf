//! Wiring. `beadle-edge run`: records.

use std::{path::Path, process::ExitCode};

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    identity::fixed::FixedError,
    supervise::{self, RunError},
};

pub fn run(path: &Path) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    supervise::run(config, path).map_err(|e| {
        let code = match &e {
            RunError::Second(_) => exit::UNAVAILABLE,
            RunError::Fixed(FixedError::Changed { .. }) => exit::CONFIG,
            RunError::Fixed(_)
            | RunError::State { .. }
            | RunError::Layout(_)
            | RunError::Identity(_)
            | RunError::Log(_) => exit::IO,
            RunError::Thread(_)
            | RunError::Stuck
            | RunError::LogChanged
            | RunError::Succession
            | RunError::Late => exit::SOFTWARE,
        };
        Failed::new(code, e)
    })?;
    Ok(ExitCode::SUCCESS)
}
