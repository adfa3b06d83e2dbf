//! Adapter: OS. What a disk can take: room, length of a file, length of a name, whether it can be written at all. Asked before the first byte is
//! written to it.

use std::{
    io,
    path::{Path, PathBuf},
};

use nix::sys::{
    resource::{RLIM_INFINITY, Resource, getrlimit},
    statfs::{self, FsType, statfs},
    statvfs::{FsFlags, statvfs},
};

const GIB: u64 = 1 << 30;
/// The longest file that FAT, as most sticks have it, can hold.
const FAT_MOST: u64 = (4 * GIB) - 1;

/// A disk as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    pub path: PathBuf,
    pub free: u64,
    /// Whole blocks of so many bytes are what a file takes.
    pub block: u64,
    /// Files that can still be made; None: it counts none.
    pub names: Option<u64>,
    pub read_only: bool,
    /// Bytes of a file's name.
    pub name_most: u64,
    /// Bytes of one file, and what says so; None: as many as there is room for.
    pub file_most: Option<(u64, Limit)>,
}

/// What holds a file's length down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Fat,
    /// What this program may write (`ulimit -f`).
    Process,
}

/// Why a save cannot be written there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThere {
    #[error("{} cannot be written to: it is mounted read-only", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the disk of {} has {} MiB left, and {} are needed", path.display(), free >> 20, need.div_ceil(1 << 20))]
    Room { path: PathBuf, free: u64, need: u64 },
    #[error("the disk of {} can hold {names} more files, and {need} are needed", path.display())]
    Names {
        path: PathBuf,
        names: u64,
        need: u64,
    },
    #[error("{file} would have {} MiB, and a file on {} can have {} MiB at most: {}", size.div_ceil(1 << 20), path.display(), most >> 20, because(*limit))]
    Length {
        path: PathBuf,
        file: String,
        size: u64,
        most: u64,
        limit: Limit,
    },
    #[error("names on {} can have {most} letters, and {name} has {}", path.display(), name.len())]
    Name {
        path: PathBuf,
        name: String,
        most: u64,
    },
}

fn because(limit: Limit) -> &'static str {
    match limit {
        Limit::Fat => {
            "its file system is FAT. Use a stick formatted as exFAT or NTFS, or save as a folder"
        }
        Limit::Process => "this program may not write more (ulimit -f)",
    }
}

/// The folder, or the nearest one above it that is there.
fn nearest(path: &Path) -> &Path {
    path.ancestors()
        .find(|p| p.exists())
        .unwrap_or_else(|| Path::new("."))
}

/// What is known of the disk that a folder is, or will be, on.
pub fn of(folder: &Path) -> io::Result<Volume> {
    let there = nearest(folder);
    let v = statvfs(there)?;
    let kind: FsType = statfs(there)?.filesystem_type();
    let fat = kind == statfs::MSDOS_SUPER_MAGIC;
    let (may, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    let process = (may != RLIM_INFINITY).then_some((may, Limit::Process));
    let fat = fat.then_some((FAT_MOST, Limit::Fat));
    Ok(Volume {
        path: folder.to_owned(),
        free: v.blocks_available().saturating_mul(v.fragment_size()),
        block: v.fragment_size().max(1),
        names: (v.files() > 0).then(|| v.files_available()),
        read_only: v.flags().contains(FsFlags::ST_RDONLY),
        name_most: v.name_max(),
        file_most: [process, fat].into_iter().flatten().min_by_key(|l| l.0),
    })
}

/// Whether these files, of so many bytes each, can be written there.
pub fn judge(volume: &Volume, files: &[(String, u64)]) -> Result<(), NotThere> {
    let path = volume.path.clone();
    if volume.read_only {
        return Err(NotThere::ReadOnly { path });
    }
    for (file, size) in files {
        if let Some((most, limit)) = volume.file_most
            && *size > most
        {
            return Err(NotThere::Length {
                path,
                file: file.clone(),
                size: *size,
                most,
                limit,
            });
        }
        let long = file.split('/').find(|n| n.len() as u64 > volume.name_most);
        if let Some(name) = long {
            return Err(NotThere::Name {
                path,
                name: name.into(),
                most: volume.name_most,
            });
        }
    }
    let taken = |size: u64| size.div_ceil(volume.block).saturating_mul(volume.block);
    let need = files
        .iter()
        .fold(0u64, |sum, f| sum.saturating_add(taken(f.1)));
    if need > volume.free {
        let free = volume.free;
        return Err(NotThere::Room { path, free, need });
    }
    let count = files.len() as u64;
    match volume.names {
        Some(names) if names < count => Err(NotThere::Names {
            path,
            names,
            need: count,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-3 (field.md, saves): what a disk cannot take is said before the first byte, whatever it is that holds it back, and what fits is let through.
    #[test]
    fn said_before_the_first_byte() {
        let fat = Volume {
            path: "/media/stick".into(),
            free: 100 * GIB,
            block: 32_768,
            names: None,
            read_only: false,
            name_most: 255,
            file_most: Some((FAT_MOST, Limit::Fat)),
        };
        let one = |size| vec![("EXH-2026-000123.zip".to_owned(), size)];
        assert_eq!(judge(&fat, &one(FAT_MOST)), Ok(()));
        let long = judge(&fat, &one(4 * GIB))
            .expect_err("too long")
            .to_string();
        assert!(
            long.contains("4096 MiB") && long.contains("exFAT"),
            "{long}"
        );
        // The same in pieces fits.
        let pieces: Vec<_> = (0..5).map(|n| (format!("master/{n}.mp4"), GIB)).collect();
        assert_eq!(judge(&fat, &pieces), Ok(()));
        let full = Volume {
            free: GIB,
            ..fat.clone()
        };
        let full = judge(&full, &pieces).expect_err("full").to_string();
        assert!(
            full.contains("1024 MiB left, and 5120 are needed"),
            "{full}"
        );
        // Small files take whole blocks.
        let small: Vec<_> = (0..100).map(|n| (format!("{n}"), 1)).collect();
        let tight = Volume {
            free: 99 * 32_768,
            ..fat.clone()
        };
        assert!(matches!(judge(&tight, &small), Err(NotThere::Room { .. })));
        let read_only = Volume {
            read_only: true,
            ..fat.clone()
        };
        let read_only = judge(&read_only, &one(1)).expect_err("read-only");
        assert!(read_only.to_string().contains("read-only"));
        let few = Volume {
            names: Some(4),
            ..fat.clone()
        };
        assert!(matches!(judge(&few, &pieces), Err(NotThere::Names { .. })));
        let short = Volume {
            name_most: 8,
            ..fat
        };
        assert!(matches!(judge(&short, &one(1)), Err(NotThere::Name { .. })));
        let here = of(Path::new("/tmp/not/there/yet")).expect("the disk of /tmp");
        assert!(here.free > 0 && !here.read_only && here.name_most >= 100);
    }
}
