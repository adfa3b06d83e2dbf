//! Wiring. `beadle-edge log succeed`: closes the present log as it is and begins the next one, on the record.

use std::{path::Path, process::ExitCode, sync::Arc};

use shared::plain;

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    supervise::{self, RunError},
};

pub fn succeed(path: &Path, reason: &str) -> Result<ExitCode, Failed> {
    let reason = reason.trim();
    if !(10..=200).contains(&reason.chars().count()) || !plain::all_plain(reason) {
        return Err(Failed::new(
            exit::USAGE,
            "--reason is to say why in 10 to 200 characters on one line, for the log, without anybody's name; nothing was done",
        ));
    }
    let config = config::load(path, Passwords::None)?;
    super::as_owner(&config)?;
    let state = config.state();
    if !state.root().is_dir() {
        return Err(Failed::new(
            exit::UNAVAILABLE,
            format!(
                "there is no state folder {}; nothing was done",
                state.root().display()
            ),
        ));
    }
    // Held to the end: nobody else writes to the log meanwhile.
    let _lock = supervise::prepare(&state).map_err(|e| match e {
        RunError::Second(_) => Failed::new(
            exit::UNAVAILABLE,
            "beadle-edge runs and writes to this log; nothing was done. Stop it first: systemctl stop beadle-edge",
        ),
        e => Failed::new(exit::IO, e),
    })?;
    let settings = supervise::log_settings(&config);
    let done = logbook::succeed(
        &state.recorder(),
        settings,
        Arc::new(logbook::SystemClock),
        reason,
    )
    .map_err(|e| match e {
        logbook::LogError::Refused(_) => Failed::new(exit::UNAVAILABLE, e),
        e => Failed::new(exit::IO, e),
    })?;
    println!(
        "{} is begun; {} stays as it is: {} of its lines are whole, and the new one goes on from its head of {}",
        done.origin, done.pred.log, done.whole, done.pred.size
    );
    if done.renamed {
        println!(
            "the box has another name now. Enrol it anew: beadle-edge enrol --again CODE. Label its disks anew: remove beadle-volume.json from each, then beadle-edge volume label PATH"
        );
    }
    println!("go on with: systemctl start beadle-edge");
    Ok(ExitCode::SUCCESS)
}
