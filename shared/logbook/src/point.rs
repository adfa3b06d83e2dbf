//! Adapter: filesystem. Where a start may begin to read a long log: what was known at the beginning of one of its files.
//!
//! `<log folder>/resume.json`, one object, replaced whole:
//! ```text
//! v 1 │ start   first line of the file to read from
//!     │ peaks   base64, roots of the perfect subtrees over the lines before it, largest first │ prev  base64, leaf of the last of them
//!     │ key_line, key, key_since   the line that named the key in force, the key, that line's time (UTC ms)
//!     │ acked   lines of the newest countersigned head that a line before it acknowledges
//! ```
//! Derived and worth nothing by itself: a start that uses it must come to the root that the log's newest head signs, else it reads
//! the whole log. What it skips is read afterwards ([`SkippedLines::check`]), while the box already records.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use serde::{Deserialize, Serialize};
use shared::{note::Vkey, record::Digest, time::Utc, tree::Frontier};

use crate::files::{LogFolder, write_whole};

const NAME: &str = "resume.json";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// Over the lines before it.
    pub frontier: Frontier,
    pub prev: Digest,
    pub in_force: (u64, Vkey, Utc),
    pub acked: u64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u32,
    start: u64,
    peaks: Vec<String>,
    prev: String,
    key_line: u64,
    key: String,
    key_since: Utc,
    acked: u64,
}

impl Point {
    pub fn start(&self) -> u64 {
        self.frontier.size()
    }

    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let written = Written {
            v: 1,
            start: self.start(),
            peaks: self
                .frontier
                .peaks()
                .iter()
                .map(|p| B64.encode(p))
                .collect(),
            prev: B64.encode(self.prev),
            key_line: self.in_force.0,
            key: self.in_force.1.to_string(),
            key_since: self.in_force.2,
            acked: self.acked,
        };
        write_whole(&folder.join(NAME), &serde_json::to_vec(&written)?, false)
    }

    /// None when there is none that can be used.
    pub fn read(folder: &Path) -> Option<Self> {
        let digest = |text: &String| Digest::try_from(B64.decode(text).ok()?).ok();
        let bytes = crate::files::read_small(&folder.join(NAME)).ok()?;
        let written: Written = serde_json::from_slice(&bytes).ok()?;
        if written.v != 1 {
            return None;
        }
        let peaks: Option<Vec<Digest>> = written.peaks.iter().map(digest).collect();
        Some(Self {
            frontier: Frontier::from_peaks(written.start, peaks?)?,
            prev: digest(&written.prev)?,
            in_force: (
                written.key_line,
                Vkey::parse(&written.key).ok()?,
                written.key_since,
            ),
            acked: written.acked,
        })
    }
}

/// Lines that a start did not read.
#[derive(Clone, Debug)]
pub struct SkippedLines {
    pub(crate) folder: PathBuf,
    pub(crate) point: Point,
}

impl SkippedLines {
    pub fn lines(&self) -> u64 {
        self.point.start()
    }

    /// Reads them. False: they are not the lines that were signed. Then the next start reads the whole log, and judges.
    pub fn check(&self) -> io::Result<bool> {
        let read = LogFolder::new(&self.folder).frontier(self.point.start())?;
        let good = read.as_ref() == Some(&self.point.frontier);
        if !good {
            fs::remove_file(self.folder.join(NAME))?;
        }
        Ok(good)
    }
}
