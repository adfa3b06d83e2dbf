//! Adapter: filesystem. One sealed segment as it arrives: partial file, check against the log, final place.
//!
//! ```text
//! <state>/exhibits/<ref>/<camera>/<camera>_<start>_<s>.mp4.age        checked; never written again
//! <state>/exhibits/<ref>/<camera>/<camera>_<start>_<s>.mp4.age.part   as far as it has come; its length is the offset to resume at
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use footage::sealed::Opener;
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

/// How much longer than the box makes it a sealed file's header may be.
const HEADER_MORE: u64 = 4096;

/// What the box's verified log says of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
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
pub fn logged(copy: &Path, n: u64, cam: &CameraId, s: u64) -> Result<Logged, PullReason> {
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
    Ok(Logged {
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
pub fn announced(sealed: u64, logged: &Logged) -> Result<(), PullReason> {
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

/// Where one segment goes.
pub struct Place {
    folder: PathBuf,
    file: String,
}

impl Place {
    pub fn new(
        state: &Path,
        exhibit: &str,
        cam: &CameraId,
        logged: &Logged,
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

    /// Opens the partial file to go on with, and how much of it is there. One longer than the whole is of another sending: begun anew.
    pub fn resume(&self, whole: u64) -> Result<(File, u64), FileError> {
        let path = self.part();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("open", &path))?;
        let mut there = file.metadata().map_err(failed("read", &path))?.len();
        if there > whole {
            file.set_len(0).map_err(failed("empty", &path))?;
            there = 0;
        }
        Ok((file, there))
    }

    pub fn append(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        file.write_all(bytes).map_err(failed("write", &self.part()))
    }

    pub fn discard(&self) -> Result<(), FileError> {
        let path = self.part();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", &path)(e)),
            _ => Ok(()),
        }
    }

    /// Checks the whole partial file against the log and gives it its final name. `Ok(Err(why))`: it is not what the log says.
    pub fn accept(
        &self,
        identity: &str,
        logged: &Logged,
    ) -> Result<Result<(), PullReason>, FileError> {
        let path = self.part();
        if let Err(why) = check(&path, identity, logged)? {
            return Ok(Err(why));
        }
        let go = || -> std::io::Result<()> {
            File::open(&path)?.sync_all()?;
            fs::rename(&path, self.done())?;
            File::open(&self.folder)?.sync_all()
        };
        go().map_err(failed("finish", &path))?;
        Ok(Ok(()))
    }
}

/// Decrypts a sealed file and compares size and SHA-256 with its `seg.write` line.
pub fn check(
    path: &Path,
    identity: &str,
    logged: &Logged,
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
