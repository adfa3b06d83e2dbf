//! Adapter: processes. The picture workers of a recorder: found, ended, held up.
use std::fs;

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::{Done, Told};

/// Process ids of the picture workers whose parent is `parent`.
pub fn workers(parent: u32) -> Vec<i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|pid| is_worker(*pid, parent))
        .collect()
}

fn is_worker(pid: i32, parent: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let its = |text: &str| text.split(' ').nth(1)?.parse::<u32>().ok();
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| its(rest)) == Some(parent)
        && name.starts_with("beadle-picture")
}

/// A signal to a worker of this recorder; false when it has gone in the meantime.
pub fn tell(pid: i32, parent: u32, what: Signal) -> Done<bool> {
    if !is_worker(pid, parent) {
        return Ok(false);
    }
    match signal::kill(Pid::from_raw(pid), what) {
        Err(nix::errno::Errno::ESRCH) => Ok(false),
        other => other.told(format!("{what} to worker {pid}")).map(|()| true),
    }
}
