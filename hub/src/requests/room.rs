//! Adapter: filesystem. Whether the hub's disks have room for what is still to come of a pull.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::{hub::Hub, reason::PullReason};

/// A disk that is told to have less is full for a package: file systems keep some for themselves.
const MARGIN: u64 = 4 << 20;

/// So many bytes more: the segments as they come, below the hub's state, and their package, with the copy that is cut of them, where evidence
/// is kept.
pub fn fits(hub: &Hub, bytes: u64) -> Result<(), PullReason> {
    hub.logs
        .clip_fits(bytes)
        .map_err(|short| PullReason::DiskFull {
            path: hub.state.display().to_string(),
            wanted: Some(short.wanted),
            free: Some(short.free),
            kept: short.kept,
        })?;
    let evidence = &hub.config.evidence;
    let wanted = bytes.saturating_mul(2).saturating_add(MARGIN);
    match free(evidence) {
        Some(free) if free < wanted => Err(PullReason::DiskFull {
            path: evidence.display().to_string(),
            wanted: Some(wanted),
            free: Some(free),
            kept: 0,
        }),
        _ => Ok(()),
    }
}

/// Bytes that are left on the disk a file or folder is on, or is to be on. None: it cannot be told, so writing tells.
pub fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|p| p.exists())?;
    let disk = statvfs(there).ok()?;
    Some(disk.blocks_available() * disk.fragment_size())
}
