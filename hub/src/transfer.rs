//! Adapter: filesystem. One sealed segment as it arrives: partial file, check against the log, final place.
//!
//! ```text
//! <state>/exhibits/<ref>/<camera>/<camera>_<start>_<s>.mp4.age               checked; never written again
//! <state>/exhibits/<ref>/<camera>/<camera>_<start>_<s>.mp4.age.part          as far as it has come, each byte in its place
//! <state>/exhibits/<ref>/<camera>/<camera>_<start>_<s>.mp4.age.ranges.part   which bytes of it have come
//! ```
//! A range is two numbers of 8 bytes, big-endian: its first byte and the one after its last. It is noted once its bytes are written; what
//! a crash leaves without a note is fetched again.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use footage::sealed::{Opener, Pieces};
use logbook::LogFolder;
use ring::digest::{Context, SHA256};
use shared::{
    id::CameraId,
    record::{Record, hex},
    segment::SegmentName,
    time::{Utc, Zone},
    types::{Data, ExpClip, SegWrite},
};

use crate::{
    files::{self, FileError, failed},
    reason::PullReason,
};
use ranges::Ranges;

pub mod ranges;

/// Bytes of a note.
const NOTE: u64 = 16;
/// What comes is noted this often at least.
const OFTEN: u64 = 32 * 1024;
/// How much longer than the box makes it a sealed file's header may be.
const HEADER_MORE: u64 = 4096;

/// What the box's verified log says of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSegment {
    pub n: u64,
    pub s: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub size: u64,
    pub sha256: String,
    /// Name of the plain file in a package.
    pub file: String,
}

fn unreadable(n: u64, why: &dyn std::fmt::Display) -> PullReason {
    let why = why.to_string();
    PullReason::LogLineUnreadable { n, why }
}

/// Reads line `n` of a verified copy: it must be the `seg.write` of this camera and `s`.
pub fn logged(copy: &Path, n: u64, cam: &CameraId, s: u64) -> Result<LoggedSegment, PullReason> {
    let line = LogFolder::new(copy)
        .read_lines(n, n + 1, shared::record::MAX_LINE)
        .map_err(|e| unreadable(n, &e))?;
    let record = Record::parse(&line).map_err(|e| unreadable(n, &e))?;
    let wrong = || PullReason::LogLineOther {
        n,
        cam: cam.clone(),
        s,
    };
    if record.kind != SegWrite::KIND || record.n != n {
        return Err(wrong());
    }
    let text = |key: &str| record.data.get(key).and_then(|v| v.as_str());
    let time = |key: &str| text(key).and_then(|t| Utc::parse(t).ok()).ok_or_else(wrong);
    let int = |key: &str| {
        record
            .data
            .get(key)
            .and_then(|v| v.as_int())
            .and_then(|i| u64::try_from(i).ok())
    };
    if text("cam") != Some(cam.as_str()) || int("s") != Some(s) {
        return Err(wrong());
    }
    let (t0, t1) = (time("t0")?, time("t1")?);
    // The day is no part of the plain file's name.
    let name = SegmentName {
        day: Zone::utc().day_of(t0),
        cam: cam.clone(),
        start: t0,
        s,
    };
    Ok(LoggedSegment {
        n,
        s,
        t0,
        t1,
        size: int("size").ok_or_else(wrong)?,
        sha256: text("sha256").ok_or_else(wrong)?.to_owned(),
        file: name.master_file(),
    })
}

/// The first and last segment that the exp.clip line `n` of a box's log says were handed out.
pub fn handed_out(copy: &Path, n: u64) -> Result<(u64, u64), PullReason> {
    let line = LogFolder::new(copy)
        .read_lines(n, n + 1, shared::record::MAX_LINE)
        .map_err(|e| unreadable(n, &e))?;
    let record = Record::parse(&line).map_err(|e| unreadable(n, &e))?;
    let number = |key: &str| {
        let value = record.data.get(key).and_then(|v| v.as_int());
        value.and_then(|i| u64::try_from(i).ok())
    };
    number("s0")
        .zip(number("s1"))
        .filter(|_| record.kind == ExpClip::KIND)
        .ok_or_else(|| unreadable(n, &"it is no exp.clip"))
}

/// Whether what the box announces of a sealed segment is what sealing makes of the segment its line describes.
pub fn announced(sealed: u64, logged: &LoggedSegment) -> Result<(), PullReason> {
    let due = footage::sealed::sealed_len(logged.size);
    // Another writer of the same format may put more into the header.
    if (due..=due.saturating_add(HEADER_MORE)).contains(&sealed) {
        return Ok(());
    }
    Err(PullReason::LengthOdd {
        s: logged.s,
        n: logged.n,
        announced: sealed,
        size: logged.size,
        due,
    })
}

/// Where the pieces of the sealed file lie that a box announced, by its line. None: it is announced with another length than it can have.
pub fn pieces(sealed: u64, logged: &LoggedSegment) -> Option<Pieces> {
    let own = footage::sealed::sealed_len(logged.size);
    let more = sealed.checked_sub(own)?;
    Pieces::new(footage::sealed::HEADER as u64 + more, sealed)
}

/// One segment's bytes as they arrive, in any order.
pub struct PartFile {
    file: File,
    notes: File,
    path: PathBuf,
    /// What is here and not noted yet: it grows while bytes come one behind the other.
    unnoted: (u64, u64),
    pub ranges: Ranges,
}

impl PartFile {
    /// Keeps bytes in their place.
    pub fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), FileError> {
        let to = at.saturating_add(bytes.len() as u64);
        self.file
            .write_all_at(bytes, at)
            .map_err(failed("write", &self.path))?;
        self.ranges.add(at, to);
        if self.unnoted.1 != at {
            self.note().map_err(failed("write", &self.path))?;
            self.unnoted.0 = at;
        }
        self.unnoted.1 = to;
        match to - self.unnoted.0 < OFTEN {
            true => Ok(()),
            false => self.note().map_err(failed("write", &self.path)),
        }
    }

    fn note(&mut self) -> std::io::Result<()> {
        let (from, to) = self.unnoted;
        if from < to {
            let note = [from.to_be_bytes(), to.to_be_bytes()].concat();
            self.notes.write_all(&note)?;
        }
        self.unnoted = (to, to);
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if let Err(e) = self.note() {
            tracing::warn!(path = %self.path.display(), "what has come is not noted, and is fetched again: {e}");
        }
    }
}

/// What the notes of a part file say has come.
fn noted(notes: &[u8]) -> Ranges {
    let mut ranges = Ranges::default();
    for note in notes.chunks_exact(NOTE as usize) {
        let number = |at: usize| {
            let bytes = note.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        if let (Some(from), Some(to)) = (number(0), number(8)) {
            ranges.add(from, to);
        }
    }
    ranges
}

/// Where one segment goes.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    file: String,
}

impl Place {
    pub fn new(
        state: &Path,
        exhibit: &str,
        cam: &CameraId,
        logged: &LoggedSegment,
    ) -> Result<Self, FileError> {
        let folder = state.join("exhibits").join(exhibit).join(cam.as_str());
        files::private_dir(&folder)?;
        Ok(Self {
            folder,
            file: format!("{}.age", logged.file),
        })
    }

    pub fn done(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!("{}.part", self.file))
    }

    fn notes(&self) -> PathBuf {
        self.folder.join(format!("{}.ranges.part", self.file))
    }

    /// Which bytes have come of one that is not whole. None: its notes say more than there is, as after a power cut.
    pub fn ranges(&self) -> Result<Option<Ranges>, FileError> {
        let (part, path) = (self.part(), self.notes());
        let notes = match fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(failed("read", &path))?,
        };
        let len = match fs::metadata(&part) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
            other => other.map_err(failed("read", &part))?.len(),
        };
        Ok(Some(noted(&notes)).filter(|ranges| ranges.end() <= len))
    }

    /// Opens the partial file to go on with. One longer than the whole is of another sending: begun anew.
    pub fn resume(&self, whole: u64) -> Result<PartFile, FileError> {
        let there = self.ranges()?.filter(|ranges| ranges.end() <= whole);
        if there.is_none() {
            self.discard()?;
        }
        let (path, notes) = (self.part(), self.notes());
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true).mode(0o600);
            options.open(path).map_err(failed("open", path))
        };
        let (file, mut noting) = (open(&path)?, open(&notes)?);
        // What a crash tore of the last note goes.
        let end = noting.metadata().map_err(failed("read", &notes))?.len() / NOTE * NOTE;
        noting
            .set_len(end)
            .and_then(|()| noting.seek(SeekFrom::Start(end)))
            .map_err(failed("write", &notes))?;
        Ok(PartFile {
            file,
            notes: noting,
            path,
            unnoted: (0, 0),
            ranges: there.unwrap_or_default(),
        })
    }

    /// The partial file as far as it has come, for whoever watches it arrive.
    pub fn arriving(&self) -> Result<File, FileError> {
        let path = self.part();
        File::open(&path).map_err(failed("open", &path))
    }

    pub fn discard(&self) -> Result<(), FileError> {
        // The notes first: without them nothing of the file counts.
        for path in [self.notes(), self.part()] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("remove", &path)(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks the whole partial file against the log and gives it its final name. `Ok(Err(why))`: it is not what the log says.
    pub fn accept(
        &self,
        identity: &str,
        logged: &LoggedSegment,
    ) -> Result<Result<(), PullReason>, FileError> {
        let path = self.part();
        if let Err(why) = check(&path, identity, logged)? {
            return Ok(Err(why));
        }
        let go = || -> std::io::Result<()> {
            File::open(&path)?.sync_all()?;
            fs::rename(&path, self.done())?;
            File::open(&self.folder)?.sync_all()?;
            fs::remove_file(self.notes())
        };
        go().map_err(failed("finish", &path))?;
        Ok(Ok(()))
    }
}

/// Decrypts a sealed file and compares size and SHA-256 with its `seg.write` line.
pub fn check(
    path: &Path,
    identity: &str,
    logged: &LoggedSegment,
) -> Result<Result<(), PullReason>, FileError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let mut opener = Opener::new(&[identity.to_owned()]);
    let (mut hash, mut size) = (Context::new(&SHA256), 0u64);
    let (mut sealed, mut plain) = (vec![0; 1 << 18], Vec::new());
    let not = |e: footage::sealed::SealError| PullReason::SegmentShut {
        s: logged.s,
        why: e.to_string(),
    };
    loop {
        let n = file.read(&mut sealed).map_err(failed("read", path))?;
        if n == 0 {
            break;
        }
        if let Err(e) = opener.push(&sealed[..n], &mut plain) {
            return Ok(Err(not(e)));
        }
        hash.update(&plain);
        size += plain.len() as u64;
        plain.clear();
    }
    if let Err(e) = opener.finish(&mut plain) {
        return Ok(Err(not(e)));
    }
    hash.update(&plain);
    size += plain.len() as u64;
    let found = hex(hash.finish().as_ref());
    if found == logged.sha256 && size == logged.size {
        return Ok(Ok(()));
    }
    Ok(Err(PullReason::SegmentDiffers {
        s: logged.s,
        found,
        logged: logged.sha256.clone(),
    }))
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;
