//! Adapter: filesystem. Labels and free space of the footage disks, and of the disk the state lies on.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Line, Looked, Mark};
use crate::{
    identity::BoxKey,
    store::volume::{self, Room, VolumeError},
};

/// A footage disk with less than this free will soon be full; the log and the keys need much less.
const FEW_MIB: u64 = 2048;
const STATE_MIB: u64 = 256;

pub fn check(looked: &Looked) -> Vec<Line> {
    let mut lines = Vec::new();
    match BoxKey::open(&looked.state.identity()) {
        Ok(Some(key)) => lines.extend(disks(looked, key.public())),
        Ok(None) => lines.push(Line::unstarted(
            "disks",
            "the box makes its key at its first start, or when a disk is labelled; until then no disk is its own",
        )),
        Err(e) => lines.push(Line::wrong(
            "disks",
            "disk.label",
            crate::failure::chain(&e),
        )),
    }
    let root = looked.state.root();
    lines.push(match Room::of(root) {
        Some(room) if room.mib < STATE_MIB => Line::wrong(
            "state",
            "state.unwritable",
            format!(
                "{} MiB are free in {}, fewer than {STATE_MIB}",
                room.mib,
                root.display()
            ),
        ),
        Some(room) if room.few_files().is_some() => Line::wrong(
            "state",
            "state.unwritable",
            format!("{} has no room for more files (inodes)", root.display()),
        ),
        Some(room) => Line::good(
            "state",
            format!("{}, {} MiB free", root.display(), room.mib),
        ),
        None => Line::unstarted("state", format!("{} is not there", root.display())),
    });
    lines
}

fn disks(looked: &Looked, key: &[u8]) -> Vec<Line> {
    let paths = &looked.config.volumes;
    let labels: Vec<_> = paths
        .iter()
        .map(|path| volume::check(path, &looked.config.name, key))
        .collect();
    let known: Vec<(&Path, &str)> = paths
        .iter()
        .zip(&labels)
        .filter_map(|(path, label)| Some((path.as_path(), label.as_ref().ok()?.id.as_str())))
        .collect();
    let lines = paths.iter().zip(&labels).map(|(path, label)| {
        let what = format!("disk {}", path.display());
        match label {
            Ok(label) => match twin(path, &label.id, &known) {
                Some(other) => {
                    let twice = VolumeError::Twice {
                        path: path.display().to_string(),
                        other: other.display().to_string(),
                        id: label.id.clone(),
                    };
                    Line::wrong(what, twice.code(), twice)
                }
                None => match same_disk(path, paths) {
                    Some(other) => Line {
                        mark: Mark::Amber,
                        what,
                        code: Some("disk.forecast".into()),
                        text: format!(
                            "lies on the same disk as {}: what is free there is counted twice",
                            other.display()
                        ),
                        next: Some("Give each path of [[volume]] a disk of its own, or take one of them out."),
                    },
                    None => room(what, path, &label.id),
                },
            },
            Err(e) => Line::wrong(what, e.code(), e),
        }
    });
    lines.collect()
}

/// The disk named before this one that has the same label, as one that is mounted at two places or was copied has.
fn twin<'a>(path: &Path, id: &str, known: &[(&'a Path, &str)]) -> Option<&'a Path> {
    let before = known.iter().take_while(|(p, _)| *p != path);
    let mut same = before.filter(|(_, theirs)| *theirs == id);
    same.next().map(|(p, _)| *p)
}

/// The path named before this one that lies on the same file system.
fn same_disk<'a>(path: &Path, all: &'a [PathBuf]) -> Option<&'a Path> {
    let device = |p: &Path| std::fs::metadata(p).ok().map(|m| m.dev());
    let mine = device(path)?;
    let mut before = all.iter().take_while(|p| p.as_path() != path);
    before
        .find(|p| device(p) == Some(mine))
        .map(PathBuf::as_path)
}

fn room(what: String, path: &Path, id: &str) -> Line {
    let Some(room) = Room::of(path) else {
        return Line::wrong(what, "disk.failed", "it does not say how much is free");
    };
    match volume::full(path, room, false) {
        Some(why) => Line::wrong(what, "disk.full", why),
        None if room.mib < FEW_MIB => Line::wrong(
            what,
            "disk.forecast",
            format!("{} MiB are free, fewer than {FEW_MIB}", room.mib),
        ),
        None => Line::good(what, format!("volume {id}, {} GiB free", room.mib / 1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: of two paths with one label the second is wrong, and only the second.
    #[test]
    fn a_disk_named_twice_is_seen() {
        let (a, b, c) = (Path::new("/a"), Path::new("/b"), Path::new("/c"));
        let known = [(a, "one"), (b, "two"), (c, "one")];
        assert_eq!(twin(a, "one", &known), None);
        assert_eq!(twin(b, "two", &known), None);
        assert_eq!(twin(c, "one", &known), Some(a));
    }
}
