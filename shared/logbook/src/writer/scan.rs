//! Adapter: filesystem. What recovery finds in a log folder; what a crash left of a line is cut off and kept aside.
//!
//! Read from its last [`Point`] on, or from the first line.
use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    path::Path,
};

use shared::{
    note::Vkey,
    record::{Digest, Record, leaf_hash, sha256},
    time::Utc,
    tree::Frontier,
    types::{self, Data},
};

use super::{LogError, io_error};
use crate::{
    files::{lines_file, starts, write_whole},
    point::Point,
};

/// A log folder as recovery finds it.
pub(super) struct Found {
    pub(super) frontier: Frontier,
    pub(super) prev: Digest,
    pub(super) last: Option<Record>,
    pub(super) in_force: Option<(u64, Vkey, Utc)>,
    pub(super) acked: u64,
    pub(super) signed: Frontier,
    pub(super) signed_at: (u64, u64),
    pub(super) file_start: u64,
    pub(super) file_bytes: u64,
    pub(super) torn: Option<(u64, Digest)>,
    /// The newest file's beginning that the newest head covers.
    pub(super) point: Option<Point>,
    /// What cannot be lines; not set aside yet.
    rest: Vec<u8>,
}

/// Reads a log folder: hashes every line, reads what is above the newest head line by line. Changes nothing.
pub(super) fn scan(
    folder: &Path,
    origin: &str,
    signed_size: u64,
    from: Option<&Point>,
) -> Result<Result<Found, String>, LogError> {
    let mut names = starts(folder).map_err(io_error("list", folder))?;
    let mut found = Found {
        frontier: Frontier::default(),
        prev: [0; 32],
        last: None,
        in_force: None,
        acked: 0,
        signed: Frontier::default(),
        signed_at: (0, 0),
        file_start: 0,
        file_bytes: 0,
        torn: None,
        point: from.cloned(),
        rest: Vec::new(),
    };
    if let Some(point) = from {
        names.retain(|start| *start >= point.start());
        found.frontier = point.frontier.clone();
        found.prev = point.prev;
        found.in_force = Some(point.in_force.clone());
        found.acked = point.acked;
        if found.frontier.size() == signed_size {
            found.signed = found.frontier.clone();
            found.signed_at = (signed_size, 0);
        }
    }
    for (at, start) in names.iter().copied().enumerate() {
        let path = lines_file(folder, start);
        if start != found.frontier.size() {
            return Ok(Err(format!(
                "{} does not follow on from the file before it",
                path.display()
            )));
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|mut f| f.read_to_end(&mut bytes))
            .map_err(io_error("read", &path))?;
        found.file_start = start;
        found.file_bytes = 0;
        if let (1.., true, Some(in_force)) = (start, start <= signed_size, &found.in_force) {
            found.point = Some(Point {
                frontier: found.frontier.clone(),
                prev: found.prev,
                in_force: in_force.clone(),
                acked: found.acked,
            });
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let above = found.frontier.size() >= signed_size;
            let whole = line.ends_with(b"\n");
            let telling = above || matches!(kind_of(line), b"key.roll" | b"log.open" | b"head.ack");
            let record = if whole && telling {
                Record::parse(line).ok()
            } else {
                None
            };
            let fits = record.as_ref().is_some_and(|r| {
                r.n == found.frontier.size() && r.prev == found.prev && r.log == origin
            });
            if !whole || (above && !fits) {
                if !above {
                    return Ok(Err(format!(
                        "line {} is torn below its newest head",
                        found.frontier.size()
                    )));
                }
                found.rest = bytes[found.file_bytes as usize..].to_vec();
                for later in names.iter().skip(at + 1) {
                    let path = lines_file(folder, *later);
                    found
                        .rest
                        .extend(fs::read(&path).map_err(io_error("read", &path))?);
                }
                break;
            }
            let leaf = leaf_hash(line);
            found.frontier.push(leaf);
            found.prev = leaf;
            found.file_bytes += line.len() as u64;
            if let Some(r) = record {
                let key = match r.kind.as_str() {
                    types::LogOpen::KIND => r.data.get("key"),
                    types::KeyRoll::KIND => r.data.get("new"),
                    _ => None,
                };
                if let Some(v) = key
                    .and_then(|k| k.as_str())
                    .and_then(|k| Vkey::parse(k).ok())
                {
                    found.in_force = Some((r.n, v, r.t));
                }
                if r.kind == types::HeadAck::KIND {
                    found.acked = found
                        .acked
                        .max(r.data.get("size").and_then(|s| s.as_int()).unwrap_or(0) as u64);
                }
                found.last = Some(r);
            } else {
                found.last = None;
            }
            if found.frontier.size() == signed_size {
                found.signed = found.frontier.clone();
                found.signed_at = (found.file_start, found.file_bytes);
                if found.last.is_none() {
                    found.last = Record::parse(line).ok();
                }
            }
        }
        if !found.rest.is_empty() {
            break;
        }
    }
    Ok(Ok(found))
}

impl Found {
    /// Cuts off what cannot be lines and keeps it aside.
    pub(super) fn set_aside(&mut self, folder: &Path) -> Result<(), LogError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let digest = sha256(&self.rest);
        let aside = folder.join(format!("torn-{:010}.bin", self.frontier.size()));
        write_whole(&aside, &self.rest, false).map_err(io_error("write", &aside))?;
        let path = lines_file(folder, self.file_start);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|f| f.set_len(self.file_bytes).and_then(|()| f.sync_all()))
            .map_err(io_error("cut", &path))?;
        let names = starts(folder).map_err(io_error("list", folder))?;
        for later in names.into_iter().filter(|s| *s > self.file_start) {
            let path = lines_file(folder, later);
            fs::remove_file(&path).map_err(io_error("set aside", &path))?;
        }
        self.torn = Some((self.rest.len() as u64, digest));
        self.rest = Vec::new();
        Ok(())
    }
}

/// The type of a line, found without parsing it: recovery reads a month of lines at every start.
fn kind_of(line: &[u8]) -> &[u8] {
    const KEY: &[u8] = b",\"type\":\"";
    let Some(at) = line.windows(KEY.len()).position(|w| w == KEY) else {
        return b"";
    };
    let rest = &line[at + KEY.len()..];
    &rest[..rest.iter().position(|b| *b == b'"').unwrap_or(0)]
}
