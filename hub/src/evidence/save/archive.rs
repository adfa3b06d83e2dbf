//! Adapter: filesystem. A package as one file: a ZIP, in plain or sealed with `age`, with a card beside it that says how it is opened.
//!
//! The package is checked where it rests, and the CRC of each file is taken on the way; then it is written, read back from the disk, and compared.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use footage::sealed::{self, Sealer};
use logbook::sync_dir;
use nix::fcntl::{Flock, FlockArg, PosixFadviseAdvice, posix_fadvise};
use ring::digest::{Context, SHA256};
use shared::{
    record::{Digest, hex},
    verify::{self, Files},
};

use super::{
    SaveError, SaveOrder, SavedPackage, failed, limits,
    zip::{Archive, Crc, Entry},
};
use crate::{
    evidence::{
        package,
        resting::{self, Resting},
    },
    papers::card::Seal,
};

const BUFFER: usize = 256 * 1024;

/// A package where it rests, whose files' CRCs are taken while it is checked.
struct CheckedPackage<'a> {
    rest: &'a Resting,
    crcs: RefCell<BTreeMap<String, u32>>,
}

impl CheckedPackage<'_> {
    fn each(&self, name: &str, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut crc = Crc::new();
        self.rest.each(name, |piece| {
            crc.push(piece);
            take(piece);
            Ok(())
        })?;
        self.crcs.borrow_mut().insert(name.to_owned(), crc.end());
        Ok(())
    }
}

impl Files for CheckedPackage<'_> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.rest.list()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.rest.read(path)
    }

    fn sha256(&self, path: &str) -> io::Result<Digest> {
        let mut hash = Context::new(&SHA256);
        self.each(path, |piece| hash.update(piece))?;
        Ok(digest(hash))
    }
}

fn digest(hash: Context) -> Digest {
    let mut out = Digest::default();
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// What the bytes of the archive go through on their way to the disk.
struct Output {
    file: File,
    sealer: Option<Sealer>,
    hash: Context,
    bytes: u64,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.sealer {
            None => put(&mut self.file, &mut self.hash, &mut self.bytes, bytes),
            Some(sealer) => {
                sealer.push(bytes).map_err(io::Error::other)?;
                if sealer.ready().len() >= BUFFER {
                    put(
                        &mut self.file,
                        &mut self.hash,
                        &mut self.bytes,
                        sealer.ready(),
                    )?;
                    sealer.written();
                }
                Ok(())
            }
        }
    }

    /// Everything is on the disk: the file, its SHA-256 and its length.
    fn finish(mut self) -> io::Result<(File, Digest, u64)> {
        if let Some(sealer) = self.sealer.take() {
            let last = sealer.finish().map_err(io::Error::other)?;
            put(&mut self.file, &mut self.hash, &mut self.bytes, &last)?;
        }
        self.file.sync_all()?;
        Ok((self.file, digest(self.hash), self.bytes))
    }
}

fn put(file: &mut File, hash: &mut Context, count: &mut u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    hash.update(bytes);
    *count += bytes.len() as u64;
    Ok(())
}

/// Removes what a failed save left.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Gone after a good end (renamed); what cannot be removed the next save removes.
        let _ = fs::remove_file(&self.0);
    }
}

/// A new file that nobody else writes to; one that a killed save left is thrown away.
fn begin(path: &Path) -> Result<(Flock<File>, Part), SaveError> {
    let busy = || SaveError::Busy(path.display().to_string());
    let lock = |file| Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| busy());
    if path.symlink_metadata().is_ok() {
        let left = File::open(path).map_err(failed("open", path))?;
        let _held = lock(left)?;
        fs::remove_file(path).map_err(failed("clear", path))?;
    }
    let made = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(busy()),
        Err(e) => Err(failed("make", path)(e)),
        Ok(file) => {
            let part = Part(path.to_owned());
            Ok((lock(file)?, part))
        }
    }
}

/// What the file is called in the end.
pub(super) fn name(wanted: &SaveOrder<'_>) -> String {
    match wanted.seal {
        Seal::None => format!("{}.zip", wanted.exhibit),
        Seal::Recipient(_) | Seal::Passphrase(_) => format!("{}.zip.age", wanted.exhibit),
    }
}

/// What its card is called.
pub(super) fn card_name(wanted: &SaveOrder<'_>) -> String {
    format!("{}-HOW-TO-OPEN.txt", wanted.exhibit)
}

/// How long the file is at most.
pub(super) fn longest(wanted: &SaveOrder<'_>, files: &[(String, u64)]) -> u64 {
    let inside: Vec<(String, u64)> = files
        .iter()
        .map(|(name, size)| (inside(wanted, name), *size))
        .collect();
    let plain = Archive::longest(inside.iter().map(|(name, size)| (name.as_str(), *size)));
    match wanted.seal {
        Seal::None => plain,
        _ => sealed::sealed_len(plain) + sealed::PASSPHRASE_MORE,
    }
}

/// The name of a file of the package in the archive: all of them lie in one folder.
fn inside(wanted: &SaveOrder<'_>, name: &str) -> String {
    format!("{}/{name}", wanted.exhibit)
}

pub(super) fn save(
    rest: &Resting,
    wanted: &SaveOrder<'_>,
    files: &[(String, u64)],
    mut told: impl FnMut(u64, u64),
) -> Result<SavedPackage, SaveError> {
    let folder = wanted.folder;
    let target = folder.join(name(wanted));
    let damaged = |name: &str| {
        let (exhibit, name) = (wanted.exhibit.to_string(), name.to_owned());
        move |source| SaveError::Damaged {
            exhibit,
            name,
            source,
        }
    };
    // Checked where it rests: nothing that does not verify is written out at all.
    let counted = CheckedPackage {
        rest,
        crcs: RefCell::default(),
    };
    let report = verify::package(&counted, wanted.options);
    if report.exit_status() == 2 || !package::tolerable(&report, wanted.short) {
        return Err(SaveError::NotIntact(Box::new(report)));
    }
    resting::private_dir(folder).map_err(failed("make the folder", folder))?;
    let at = folder.join(format!("{}.part", name(wanted)));
    let (lock, part) = begin(&at)?;
    let sealer = match wanted.seal {
        Seal::None => None,
        Seal::Recipient(to) => Some(Sealer::new(to).map_err(|e| SaveError::Seal(e.to_string()))?),
        Seal::Passphrase(text) => {
            Some(Sealer::with_passphrase(text).map_err(|e| SaveError::Seal(e.to_string()))?)
        }
    };
    let mut out = Output {
        file: lock.try_clone().map_err(failed("open", &at))?,
        sealer,
        hash: Context::new(&SHA256),
        bytes: 0,
    };
    let mut archive = Archive::new(wanted.now.seconds());
    let total = files.iter().map(|f| f.1).sum();
    let mut done = 0;
    for (file, size) in files {
        let known = counted.crcs.borrow().get(file).copied();
        let crc = match known {
            Some(crc) => crc,
            None => {
                counted.each(file, |_| {}).map_err(damaged(file))?;
                counted.crcs.borrow().get(file).copied().unwrap_or_default()
            }
        };
        let head = archive.begin(Entry {
            name: inside(wanted, file),
            size: *size,
            crc,
        });
        out.push(&head).map_err(failed("write", &at))?;
        let (mut wrote, mut again, mut bytes) = (Ok(()), Crc::new(), 0u64);
        let read = rest.each(file, |piece| {
            again.push(piece);
            bytes += piece.len() as u64;
            wrote = out.push(piece);
            done += piece.len() as u64;
            told(done, total);
            match &wrote {
                Ok(()) => Ok(()),
                Err(_) => Err(io::ErrorKind::Interrupted.into()),
            }
        });
        wrote.map_err(failed("write", &at))?;
        read.map_err(damaged(file))?;
        if again.end() != crc || bytes != *size {
            let changed = io::Error::other("it was changed while it was saved");
            return Err(damaged(file)(changed));
        }
    }
    out.push(&archive.end()).map_err(failed("write", &at))?;
    let (file, sha256, bytes) = out.finish().map_err(failed("write", &at))?;
    let there = read_back(&file, &at).map_err(failed("read back", &at))?;
    if there != (sha256, bytes) {
        return Err(SaveError::ReadBack(at.display().to_string()));
    }
    let card = put_card(wanted, &sha256)?;
    let in_place = (|| {
        super::free_file(&target)?;
        fs::rename(&at, &target).map_err(failed("put in place", &target))?;
        sync_dir(folder).map_err(failed("sync", folder))
    })();
    if let Err(e) = in_place {
        let _ = fs::remove_file(&card);
        return Err(e);
    }
    drop(part);
    drop(lock);
    Ok(SavedPackage {
        path: target,
        card: Some(card),
        report,
        files: files.len() as u64,
        bytes,
        sha256,
    })
}

/// SHA-256 and length of what the disk has, not of what the machine remembers of it.
fn read_back(file: &File, path: &Path) -> io::Result<(Digest, u64)> {
    // Where the advice is not taken, what is read is what was written all the same.
    let _ = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    let mut from = File::open(path)?;
    let (mut hash, mut bytes, mut buffer) = (Context::new(&SHA256), 0, vec![0; BUFFER]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok((digest(hash), bytes)),
            n => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
}

/// The card is in its place before the file is: alone it claims nothing.
fn put_card(wanted: &SaveOrder<'_>, sha256: &Digest) -> Result<PathBuf, SaveError> {
    let text = (wanted.card)(&name(wanted), &hex(sha256));
    let path = wanted.folder.join(card_name(wanted));
    let at = wanted.folder.join(format!("{}.part", card_name(wanted)));
    let _ = fs::remove_file(&at);
    let part = Part(at.clone());
    let mut file = resting::new_file(&at).map_err(failed("make", &at))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed("write", &at))?;
    fs::rename(&at, &path).map_err(failed("put in place", &path))?;
    drop(part);
    Ok(path)
}

/// What the disk is asked for: the file and its card.
pub(super) fn load(wanted: &SaveOrder<'_>, files: &[(String, u64)]) -> Vec<(String, u64)> {
    vec![
        (format!("{}.part", name(wanted)), longest(wanted, files)),
        (format!("{}.part", card_name(wanted)), CARD),
    ]
}

/// A card is shorter.
const CARD: u64 = 16 * 1024;

/// Whether it can be written there; before the first byte.
pub(super) fn may_be(wanted: &SaveOrder<'_>, files: &[(String, u64)]) -> Result<(), SaveError> {
    let volume = limits::of(wanted.folder).map_err(failed("look at the disk of", wanted.folder))?;
    Ok(limits::judge(&volume, &load(wanted, files))?)
}
