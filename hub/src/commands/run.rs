//! Wiring. `beadle-hub run`.

use std::{path::PathBuf, sync::Arc};

use logbook::SystemClock;

use super::CommandError;
use crate::supervise;

pub fn run(state: PathBuf) -> Result<(), CommandError> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("BEADLE_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let config = supervise::load_config(&state)?;
    let _lock = supervise::lock_state(&state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        // Opening the log may replay it, and binding needs the runtime.
        let (desk, listener, pages) =
            tokio::task::block_in_place(|| supervise::build(state, config, Arc::new(SystemClock)))?;
        println!("boxes dial in at {} (QUIC)", desk.quic);
        println!("staff pages at https://{}/", pages.local_addr()?);
        supervise::run(desk, listener, pages).await
    });
    // Work that hangs (a disk, a page nobody waits for) is left behind.
    runtime.shutdown_background();
    done
}
