//! Adapter: filesystem. A log's heads: signed over lines read back from the disk, kept, countersigned; and the change of its key.
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use shared::{
    note::{Cosigned, Head, SignedHead, Vkey},
    record::leaf_hash,
    types::{self, Data},
};

use super::{LINES_PER_KEPT, LogError, Writer, io_error, start::reserve};
use crate::{
    files::{LINES_PER_FILE, lines_file, write_whole},
    point::Point,
};

impl Writer {
    /// Signs a head over everything written, unless the newest head says so already.
    pub fn sign(&mut self) -> Result<SignedHead, LogError> {
        self.sync()?;
        if let Some(head) = &self.head
            && head.head.size == self.frontier.size()
        {
            return Ok(head.clone());
        }
        self.read_back()?;
        let head = Head {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        let vkey = self.keys.vkey();
        let signed = SignedHead::sign(head, &vkey, |bytes| self.keys.sign(bytes));
        self.store(signed.clone())?;
        if signed.head.size.saturating_sub(self.kept) >= LINES_PER_KEPT {
            self.keep(&signed)?;
        }
        Ok(signed)
    }

    fn store(&mut self, signed: SignedHead) -> Result<(), LogError> {
        let path = self.folder.join("head.note");
        write_whole(&path, signed.render().as_bytes(), false).map_err(io_error("write", &path))?;
        self.roots.insert(signed.head.size, signed.head.root);
        while self.roots.len() > 8192 {
            self.roots.pop_first();
        }
        let covered = |p: &mut Point| signed.head.size >= p.start();
        if let Some(point) = self.point.take_if(covered)
            && let Err(e) = point.write(&self.folder)
        {
            tracing::warn!(error = %e, "the next start will read the whole log");
        }
        self.head = Some(signed);
        self.head_due = false;
        self.signed_mono = self.clock.now().mono;
        Ok(())
    }

    /// Reads the lines since the newest head back from the disk itself and compares their root with ours.
    fn read_back(&mut self) -> Result<(), LogError> {
        let mut frontier = self.signed.clone();
        let (mut start, mut offset) = self.signed_at;
        loop {
            let path = lines_file(&self.folder, start);
            let mut file = File::open(&path).map_err(io_error("read back", &path))?;
            // Clean pages of this span leave the cache, so the read below asks the disk.
            let _ = posix_fadvise(
                &file,
                offset as i64,
                0,
                PosixFadviseAdvice::POSIX_FADV_DONTNEED,
            );
            file.seek(SeekFrom::Start(offset))
                .map_err(io_error("read back", &path))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .map_err(io_error("read back", &path))?;
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                frontier.push(leaf_hash(line));
            }
            offset += bytes.len() as u64;
            if start == self.file_start {
                break;
            }
            start += LINES_PER_FILE;
            offset = 0;
        }
        if frontier != self.frontier {
            let why =
                "the disk gave back other bytes than were written; nothing was signed over them"
                    .to_string();
            self.stopped = Some(why.clone());
            return Err(LogError::Stopped(why));
        }
        self.signed = frontier;
        self.signed_at = (self.file_start, offset);
        Ok(())
    }

    /// Replaces the log key (audit.md 2.6): new key on disk, line, the old key's last head, old key destroyed.
    pub fn roll(&mut self) -> Result<(), LogError> {
        let new = self
            .keys
            .prepare()
            .map_err(io_error("write keys in", &self.root))?;
        let data = serde_json::value::to_raw_value(&types::KeyRoll {
            new: new.to_string(),
        })
        .map_err(|e| LogError::Refused(e.to_string()))?;
        let line = self.append(types::KeyRoll::KIND, "sys:log", &data)?;
        self.named = (line.n, new, line.t);
        self.sign_roll()
    }

    pub(super) fn sign_roll(&mut self) -> Result<(), LogError> {
        let head = self.sign()?;
        self.keep(&head)?;
        self.keys
            .finish()
            .map_err(io_error("replace the key in", &self.root))?;
        self.key_since = self.clock.now().wall;
        reserve(&self.root);
        Ok(())
    }

    /// Keeps a head under `heads/`.
    pub fn keep(&mut self, head: &SignedHead) -> Result<(), LogError> {
        let path = self
            .folder
            .join("heads")
            .join(format!("{}.note", head.head.size));
        write_whole(&path, head.render().as_bytes(), false).map_err(io_error("write", &path))?;
        self.kept = self.kept.max(head.head.size);
        Ok(())
    }

    /// Takes a head that came back countersigned. Returns whether it was news.
    pub fn countersigned(&mut self, note: &SignedHead, key: &Vkey) -> Result<bool, LogError> {
        let refuse = |why: String| Err(LogError::Refused(why));
        let size = note.head.size;
        if note.head.origin != self.origin {
            return refuse(format!(
                "a countersignature for another log came back: {}",
                note.head.origin
            ));
        }
        let Cosigned::Good { time } = note.check_cosigned(key) else {
            return refuse(format!(
                "the countersignature on head {size} is not by {}",
                key.name
            ));
        };
        let newer = self.cosigned.as_ref().is_none_or(|c| c.head.size < size);
        if !newer && !self.roots.contains_key(&size) {
            // From before this start.
            return Ok(false);
        }
        if self.roots.get(&size) != Some(&note.head.root) {
            return refuse(format!(
                "the hub countersigned a head of {size} lines that this log never signed"
            ));
        }
        if !newer {
            return Ok(false);
        }
        let path = self.folder.join("cosigned.note");
        write_whole(&path, note.render().as_bytes(), false).map_err(io_error("write", &path))?;
        self.cosigned = Some(note.clone());
        if self.settings.acks && size > self.acked {
            let id = key.id();
            if let Some(sig) = note
                .signatures
                .iter()
                .find(|s| s.name == key.name && s.id == id)
            {
                let ack = types::HeadAck {
                    size,
                    root: B64.encode(note.head.root),
                    hub: key.name.clone(),
                    time,
                    sig: sig.b64(),
                };
                let data = serde_json::value::to_raw_value(&ack)
                    .map_err(|e| LogError::Refused(e.to_string()))?;
                self.append(types::HeadAck::KIND, "sys:log", &data)?;
                self.acked = size;
            }
        }
        Ok(true)
    }
}
