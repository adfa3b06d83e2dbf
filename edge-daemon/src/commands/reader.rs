//! Wiring. `beadle-edge reader`: the process that alone holds footage keys.

use std::{path::Path, process::ExitCode, sync::Arc};

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    memory,
    reader::{self, Basis, ServeError, Server, Source},
    state::State,
};

fn failed(e: ServeError) -> Failed {
    let code = if matches!(e, ServeError::Second(_)) {
        exit::UNAVAILABLE
    } else {
        exit::IO
    };
    Failed::new(code, e)
}

pub fn run(path: &Path) -> Result<ExitCode, Failed> {
    memory::wipe_freed();
    let config = config::load(path, Passwords::None)?;
    let state = State::new(&config.state);
    let basis = Basis {
        source: Source::file(path, &config),
        clock: Arc::new(logbook::SystemClock),
        kernel: crate::clock::kernel,
        wish: config.keys.clone(),
    };
    let server = Server::bind(&state, basis).map_err(failed)?;
    // Outside systemd there is nobody to tell.
    if let Err(e) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(error = %e, "systemd could not be told that the reader is ready");
    }
    server.run().map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

/// `--move-root`: only ever from file to TPM.
pub fn move_root(path: &Path, to: &str) -> Result<ExitCode, Failed> {
    memory::wipe_freed();
    let config = config::load(path, Passwords::None)?;
    let state = State::new(&config.state);
    if to != "tpm" {
        return Err(Failed::new(
            exit::USAGE,
            "the root key is moved only from a file to the TPM, never back: in a file a deleted day's key may survive. A box that must \
             give up its TPM begins anew: let its footage run out, or pull what is needed, then move the folder reader/ away",
        ));
    }
    // What root writes there the service could not read.
    logbook::act_as_owner(&state.reader()).map_err(|e| Failed::new(exit::IO, e))?;
    let moved = reader::move_to_tpm(&state, &config.keys).map_err(failed)?;
    let text = if moved {
        "the root key is in the TPM now, a new one; the file is destroyed. What was deleted until now rests on the file: claim tpm begins \
         with the next deletion. Start the reader again: systemctl start beadle-reader"
    } else {
        "the root key is in the TPM already; nothing was done"
    };
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}
