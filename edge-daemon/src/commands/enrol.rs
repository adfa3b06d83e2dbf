//! Wiring. `beadle-edge enrol CODE`.

use std::{path::Path, process::ExitCode};

use shared::time::Clock;

use super::{Failed, exit};
use crate::{
    config::{self, Passwords},
    identity::fixed,
    uplink::enrol::{self, EnrolError},
};

pub fn run(path: &Path, code: &str, hub: Option<&str>, again: bool) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    super::as_owner(&config)?;
    fixed::check(&config, path, again)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failed::new(exit::SOFTWARE, e))?;
    let now = logbook::SystemClock.now().wall;
    let hub = runtime
        .block_on(enrol::enrol(&config, code, hub, again, now))
        .map_err(|e| {
            let code = match &e {
                EnrolError::Code(_)
                | EnrolError::WrongBox { .. }
                | EnrolError::NoHub
                | EnrolError::BadHub(_)
                | EnrolError::Already(_) => exit::USAGE,
                EnrolError::Scheme { .. } => exit::CONFIG,
                EnrolError::Store(_) => exit::IO,
                EnrolError::Refused(_) | EnrolError::Answer(_) | EnrolError::Link(_) => {
                    exit::UNAVAILABLE
                }
            };
            Failed::new(code, e)
        })?;
    println!("{} is enrolled at {hub}", config.name);
    Ok(ExitCode::SUCCESS)
}
