//! Adapter: filesystem. Labels and free space of the footage disks, and of the disk the state lies on.

use std::path::Path;

use super::{Line, Looked};
use crate::{identity::BoxKey, store::volume};

/// A footage disk with less than this free will soon be full; the log and the keys need much less.
const FEW_MIB: u64 = 2048;
const STATE_MIB: u64 = 256;

pub fn check(looked: &Looked) -> Vec<Line> {
    let mut lines = Vec::new();
    match BoxKey::open(&looked.state.identity()) {
        Ok(Some(key)) => lines.extend(looked.config.volumes.iter().map(|path| disk(looked, path, key.public()))),
        Ok(None) => lines.push(Line::wrong("disks", "disk.label", "the box has no identity key yet, so no disk can be its own; label one, or start the box")),
        Err(e) => lines.push(Line::wrong("disks", "disk.label", crate::commands::chain(&e))),
    }
    lines.push(match free(looked.state.root()) {
        Some(mib) if mib < STATE_MIB => Line::wrong(
            "state",
            "state.unwritable",
            format!(
                "only {mib} MiB are free in {}",
                looked.state.root().display()
            ),
        ),
        Some(mib) => Line::good(
            "state",
            format!("{}, {mib} MiB free", looked.state.root().display()),
        ),
        None => Line::wrong(
            "state",
            "state.unwritable",
            format!("{} is not there", looked.state.root().display()),
        ),
    });
    lines
}

fn disk(looked: &Looked, path: &Path, key: &[u8]) -> Line {
    let what = format!("disk {}", path.display());
    match volume::check(path, &looked.config.name, key) {
        Ok(label) => match free(path) {
            Some(mib) if mib < FEW_MIB => {
                Line::wrong(what, "disk.forecast", format!("only {mib} MiB are free"))
            }
            Some(mib) => Line::good(
                what,
                format!("volume {}, {} GiB free", label.id, mib / 1024),
            ),
            None => Line::wrong(what, "disk.failed", "it does not say how much is free"),
        },
        Err(e) => Line::wrong(what, e.code(), e),
    }
}

fn free(path: &Path) -> Option<u64> {
    let s = nix::sys::statvfs::statvfs(path).ok()?;
    // The fields' types differ between platforms.
    #[allow(clippy::unnecessary_cast)]
    Some((s.blocks_available() as u64).saturating_mul(s.fragment_size() as u64) >> 20)
}
