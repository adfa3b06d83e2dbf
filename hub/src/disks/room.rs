//! Adapter: filesystem. The room on the disk that a path is on, and whether so many bytes more have it there. Bytes.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use crate::model::disk::{MIB, NoRoom};

/// Room that footage leaves on every disk, for the boxes' logs and the hub's own: at most; and as a part of a small disk.
const FOOTAGE_LEAVES: u64 = 2048 * MIB;
const FOOTAGE_LEAVES_PART: u64 = 8;

/// The room of a file system, for a user that is not root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub free: u64,
    pub total: u64,
    /// Files that can still be made; None: its file system counts none.
    pub names: Option<u64>,
}

/// The path itself, or the nearest above it that is there: what is to be made will be on the same disk.
fn there(path: &Path) -> &Path {
    path.ancestors()
        .find(|p| p.exists())
        .unwrap_or(Path::new("/"))
}

/// # Errors
/// The disk cannot be looked at.
pub fn of(path: &Path) -> io::Result<Room> {
    let v = nix::sys::statvfs::statvfs(there(path))?;
    let size = v.fragment_size();
    Ok(Room {
        free: v.blocks_available().saturating_mul(size),
        total: v.blocks().saturating_mul(size),
        names: (v.files() > 0).then(|| v.files_available()),
    })
}

/// Which file system a path is on, for as long as the machine runs.
///
/// # Errors
/// The path cannot be looked at.
pub fn device(path: &Path) -> io::Result<u64> {
    fs::metadata(there(path)).map(|m| m.dev())
}

/// Whether so many bytes of footage more fit on the disk of `path`, and leave on it what logs need.
///
/// # Errors
/// They do not, or nobody can say.
pub fn fits(path: &Path, bytes: u64) -> Result<(), NoRoom> {
    let room = of(path).map_err(|e| NoRoom::Unknown {
        path: path.into(),
        why: e.to_string(),
    })?;
    judge(path, bytes, room)
}

fn judge(path: &Path, need: u64, room: Room) -> Result<(), NoRoom> {
    if room.names == Some(0) {
        return Err(NoRoom::Names(path.into()));
    }
    let leave = FOOTAGE_LEAVES.min(room.total / FOOTAGE_LEAVES_PART);
    match need.saturating_add(leave) <= room.free {
        true => Ok(()),
        false => Err(NoRoom::Bytes {
            path: path.into(),
            free: room.free,
            leave,
            need,
        }),
    }
}

/// Whether what is still to come of a clip has room: `left` bytes of masters where they are fetched, below `state`; and in the end the
/// package in `evidence`, whose working copy is as large as all masters, `whole`. On one disk the masters are linked into the package, else
/// they are copied.
///
/// # Errors
/// They have not, on the disk that the error names; the clip goes on when there is room.
pub fn clip_fits(state: &Path, evidence: &Path, left: u64, whole: u64) -> Result<(), NoRoom> {
    let one = match (device(state), device(evidence)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    if one {
        return fits(evidence, left.saturating_add(whole));
    }
    fits(state, left)?;
    fits(evidence, whole.saturating_mul(2))
}

/// Bytes that the files below a folder take; what cannot be read counts for nothing. Links to one file count once for each.
pub fn taken(folder: &Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(folder) else {
        return 0;
    };
    if !about.is_dir() {
        return about.blocks().saturating_mul(512);
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| taken(&e.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V9: a clip leaves the room that keeps boxes countersigned, whatever its box announces; and says which disk is short.
    #[test]
    fn a_clip_leaves_room() {
        let path = Path::new("/srv/evidence");
        let room = |free: u64, total: u64| Room {
            free,
            total,
            names: Some(9),
        };
        let large = room(10 << 30, 100 << 30);
        judge(path, 8 << 30, large).expect("fits");
        let no = judge(path, (8 << 30) + 1, large)
            .expect_err("not with what is left for logs")
            .to_string();
        for part in ["/srv/evidence", "10240 MiB left", "2048 are kept", "8193"] {
            assert!(no.contains(part), "{part} in {no}");
        }
        assert!(judge(path, u64::MAX, large).is_err());
        judge(path, 200 * MIB, room(300 * MIB, 600 * MIB)).expect("a small disk");
        assert!(judge(path, 240 * MIB, room(300 * MIB, 600 * MIB)).is_err());
        let full = Room {
            names: Some(0),
            ..large
        };
        assert_eq!(judge(path, 1, full), Err(NoRoom::Names(path.into())));
    }

    /// A folder that is not there yet has the room of the one it will be made in.
    #[test]
    fn what_is_to_be_made() {
        let home = tempfile::tempdir().expect("folder");
        let deep = home.path().join("a/b/c");
        assert_eq!(
            device(&deep).expect("there"),
            device(home.path()).expect("there")
        );
        assert!(of(&deep).expect("room").total > 0);
        std::fs::write(home.path().join("x"), vec![1; 10_000]).expect("written");
        assert!(taken(home.path()) >= 10_000);
    }
}
