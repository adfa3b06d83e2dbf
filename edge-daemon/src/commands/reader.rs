//! Wiring. `beadle-edge reader`: the process that alone holds footage keys.

use std::{path::Path, process::ExitCode};

use super::{Failed, exit};
use crate::{
    config::{self, Passwords},
    reader::{ServeError, Server},
    state::State,
};

pub fn run(path: &Path) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    let failed = |e: ServeError| {
        let code = if matches!(e, ServeError::Second(_)) {
            exit::UNAVAILABLE
        } else {
            exit::IO
        };
        Failed::new(code, e)
    };
    let server = Server::bind(&State::new(&config.state), &config.name).map_err(failed)?;
    // Outside systemd there is nobody to tell.
    if let Err(e) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(error = %e, "systemd could not be told that the reader is ready");
    }
    server.run().map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
