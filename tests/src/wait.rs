//! Adapter: clock. Waiting for something to be so: looked at often, never for ever, and said aloud.
use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Done, Trouble};

/// Set when the person at the keyboard has had enough; every wait ends then.
pub static STOP: AtomicBool = AtomicBool::new(false);

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is waited for takes seconds on a machine that is quiet, and as many times longer at most on one that is slow or shared: a test
/// fails for what it saw, not for when.
const SLOW: u64 = 4;

/// How far something has come.
pub enum Look<T> {
    Yes(T),
    /// Not yet, and what it is like now.
    NotYet(String),
}

impl<T> From<Option<T>> for Look<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Look::NotYet(String::new()), Look::Yes)
    }
}
impl From<bool> for Look<()> {
    fn from(value: bool) -> Self {
        if value {
            Look::Yes(())
        } else {
            Look::NotYet(String::new())
        }
    }
}

/// The wall clock.
pub fn now() -> shared::time::Utc {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    shared::time::Utc(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Waits until `look` says yes: `secs` on a quiet machine, [`SLOW`] times that at most. An error from `look` ends the wait at once: what
/// it waits for cannot come.
pub fn until<T, L: Into<Look<T>>>(what: &str, secs: u64, look: impl FnMut() -> Done<L>) -> Done<T> {
    within(what, secs * SLOW, look)
}

/// The same for at most `secs`, whatever the machine: where that is the promise.
pub fn within<T, L: Into<Look<T>>>(
    what: &str,
    secs: u64,
    mut look: impl FnMut() -> Done<L>,
) -> Done<T> {
    let began = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut told = Instant::now();
    let mut now = String::new();
    loop {
        match look()?.into() {
            Look::Yes(value) => {
                let clear = if terminal { "\r\x1b[K" } else { "" };
                eprintln!("{clear}  {what}: {:.1} s", began.elapsed().as_secs_f32());
                return Ok(value);
            }
            Look::NotYet(text) => now = if text.is_empty() { now } else { text },
        }
        if STOP.load(Ordering::Relaxed) {
            return Err(Trouble(format!("stopped while waiting for: {what}")));
        }
        if began.elapsed() > Duration::from_secs(secs) {
            let state = if now.is_empty() {
                String::new()
            } else {
                format!(" (so far: {now})")
            };
            return Err(Trouble(format!("{what}: not so after {secs} s{state}")));
        }
        if terminal && told.elapsed() > Duration::from_millis(250) {
            eprint!(
                "\r\x1b[K  {what} … {:.0} s  {now}",
                began.elapsed().as_secs_f32()
            );
            // Progress for people; a closed terminal is no reason to stop.
            let _ = std::io::stderr().flush();
            told = Instant::now();
        } else if !terminal && told.elapsed() > Duration::from_secs(10) {
            eprintln!("  {what} … {:.0} s  {now}", began.elapsed().as_secs_f32());
            told = Instant::now();
        }
        thread::sleep(LOOK_EVERY);
    }
}
