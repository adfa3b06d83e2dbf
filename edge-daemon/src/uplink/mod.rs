//! Wiring. The box's side of the link to the hub. The box dials out; nothing here listens.
//!
//! | file | what |
//! |---|---|
//! | [`quic`] | connections, streams, frames, trust |
//! | [`session`] | when to dial again |
//! | [`link`] | one connection after the other; control stream and clips |
//! | [`audit`] | the log goes up, countersigned heads come back |
//! | [`signed`] | an order as it came: signed by the hub, and what it says |
//! | [`orders`] | orders of the hub: carried out by the room they are for, answered by number |
//! | [`pulls`] | clips: what is prepared, and its bytes |
//! | [`looks`] | footage that is looked at and not taken |
//! | [`enrol`] | the one-time code |
//! | [`addresses`], [`moved`] | where the hub is dialled; the hub's order where it will be |
//! | [`renewal`] | the certificate, made anew in time or by the narrow door |
use std::sync::{Arc, Mutex, PoisonError};

use shared::time::Utc;
use tokio::sync::watch;

mod addresses;
pub mod audit;
mod congestion;
pub mod enrol;
mod lanes;
pub mod link;
pub mod looks;
pub mod moved;
pub mod orders;
pub mod pace;
pub mod pulls;
pub mod quic;
pub mod renewal;
pub mod session;
pub mod signed;
pub mod succession;
#[cfg(test)]
mod tests;
mod throttle;

use crate::{
    clock::Trust,
    health::{Faults, status},
    identity::BoxKey,
};

/// No certificate is judged at a time before this version was made: 1 November 2026.
const MADE: Utc = Utc(1_793_491_200_000);

/// The time certificates are judged at: a box that wakes up in 1970 still reaches the hub and learns the time.
pub fn floor(clock: Utc) -> Utc {
    clock.max(MADE)
}

/// The link, running on a thread of its own.
pub struct Uplink {
    seen: Arc<Mutex<status::Uplink>>,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Uplink {
    pub fn start(
        desk: orders::BoxContext,
        key: BoxKey,
        faults: Faults,
        trust: Trust,
    ) -> std::io::Result<Self> {
        let seen = Arc::new(Mutex::new(unseen(desk.clock.now().wall)));
        let deps = Arc::new(link::Deps {
            desk,
            key,
            faults,
            trust,
            seen: seen.clone(),
        });
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("uplink".into())
            .spawn(move || {
                runtime.block_on(link::run(deps, stopped));
                // Work that blocks on a disk or the reader does not hold up the end of the program.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            seen,
            stop,
            thread: Some(thread),
        })
    }

    pub fn status(&self) -> status::Uplink {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn connected(&self) -> bool {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .state
            == "connected"
    }

    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the uplink ended badly");
        }
    }
}

/// For [`Deps::seen`] before the first word.
fn unseen(since: Utc) -> status::Uplink {
    status::Uplink {
        state: "dialling".into(),
        hub: None,
        since: Some(since),
        why: None,
    }
}
