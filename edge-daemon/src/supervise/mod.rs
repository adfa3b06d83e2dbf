//! Wiring. The box from its start to its stop: built, run, watched.
//!
//! Priority: recording > retention > audit > evidence > uplink > everything else. What comes later here never holds up
//! what came before.
//!
//! ```text
//! build   state folder locked → key → log → faults → volumes → recipients → cameras: a BoxContext
//! run     index and recovery · retention · holds · clock · recipients kept ahead (threads) → uplink → ready
//! watch   beats, status, watchdog, until it is time to stop
//! stop    cameras (segments closed, their lines logged) → threads → last head sent → uplink → log (sys.stop, last head)
//! ```
mod build;
mod run;
mod watch;

use std::{io, path::Path, thread::JoinHandle, time::Duration};

use logbook::LogError;

use crate::{
    config::Config,
    health::watchdog,
    identity::{
        IdentityError,
        fixed::{self, FixedError},
    },
    stop::Stop,
};

pub(crate) use build::{log_settings, prepare};

/// Everything is closed within this long after the first signal, or left to the next start's recovery.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long the last lines may take to be countersigned at a stop.
const LAST_HEAD: Duration = Duration::from_millis(1500);

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("another beadle-edge runs with the state folder {0}; nothing was started")]
    Second(String),
    #[error("cannot {what} {path}; nothing was started")]
    State {
        what: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("nothing was started")]
    Layout(#[from] crate::state::LayoutError),
    #[error(transparent)]
    Fixed(#[from] FixedError),
    #[error("the box has no identity; nothing was started")]
    Identity(#[from] IdentityError),
    #[error("the log cannot be opened; nothing was started, as nothing could be put on the record")]
    Log(#[source] LogError),
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    #[error("the log stands still; the program ends so that it can be started anew")]
    Stuck,
    #[error(
        "old lines of the log are not those that were signed; the program ends so that its next start closes this log as it is and begins another"
    )]
    LogChanged,
    #[error(
        "the hub ordered a new log; the program ends so that its next start leaves this one as it is and begins it"
    )]
    Succession,
    #[error("the program could not be stopped in order within {} s", STOP_WITHIN.as_secs())]
    Late,
}

/// Runs the box until SIGTERM or SIGINT. `file` is the configuration's.
pub fn run(config: Config, file: &Path) -> Result<(), RunError> {
    fixed::check(&config, file, false)?;
    let stop = Stop::new();
    signals(&stop)?;
    let (built, key) = build::BoxContext::build(config, stop.clone())?;
    let threads = built.threads()?;
    let mut uplink = built.uplink(key)?;
    let changed = built.check_older_lines()?;
    let watch = watch::Watch {
        context: &built,
        changed: &changed,
    };
    watchdog::ready(&format!("{} cameras", built.config.cameras.len()));
    tracing::info!(name = %built.config.name, log = built.opened.origin, boot = built.opened.boot, cameras = built.config.cameras.len(), "recording");
    let ended = watch.run(&uplink);
    watchdog::stopping();
    tracing::info!("stopping");
    stop.stop();
    within(STOP_WITHIN)?;
    built.cameras.stop();
    for (name, thread) in threads {
        if thread.join().is_err() {
            tracing::error!(name, "a thread ended badly");
        }
    }
    if let Ok(head) = built.log.sign_head()
        && uplink.connected()
    {
        built
            .log
            .wait_cosigned(head.head.size.saturating_sub(1), LAST_HEAD);
    }
    uplink.stop();
    watch.write_status(&uplink);
    if let Err(e) = built
        .log
        .close(if ended.is_ok() { "stop" } else { "fault" })
    {
        tracing::error!(error = %e, "the log could not be closed in order");
    }
    ended
}

type NamedThread = (&'static str, JoinHandle<()>);

fn thread(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<NamedThread, RunError> {
    let handle = std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(RunError::Thread)?;
    Ok((name, handle))
}

/// The first SIGTERM or SIGINT stops the box in order, the second at once.
fn signals(stop: &Stop) -> Result<(), RunError> {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    // Before any other thread exists, so that all of them inherit it.
    set.thread_block().map_err(|e| RunError::Thread(e.into()))?;
    let stop = stop.clone();
    thread("signals", move || {
        for times in 0.. {
            match set.wait() {
                Ok(_) if times == 0 => stop.stop(),
                Ok(signal) => {
                    tracing::error!(%signal, "stopped at once; open segments are recovered at the next start");
                    std::process::abort();
                }
                Err(e) => {
                    tracing::error!(error = %e, "signals are not heard");
                    return;
                }
            }
        }
    })
    .map(drop)
}

/// Ends the program when the stop takes too long: what is open then is recovered at the next start.
fn within(limit: Duration) -> Result<(), RunError> {
    thread("deadline", move || {
        std::thread::sleep(limit);
        tracing::error!(
            "{}; open segments are recovered at the next start",
            RunError::Late
        );
        std::process::exit(i32::from(crate::failure::exit::SOFTWARE));
    })
    .map(drop)
}
