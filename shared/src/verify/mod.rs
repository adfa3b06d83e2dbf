//! Pure. The verdict on a whole log, or on an evidence package. `docs/verify/verify.py` gives the same one.

pub mod words;

use crate::{check::Finding, note::Vkey};

/// Where the bytes come from: a folder, read by an adapter outside this crate.
pub trait Files {
    /// Relative paths of all regular files, `/`-separated, sorted.
    fn list(&self) -> std::io::Result<Vec<String>>;
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>>;
    /// SHA-256 of a file without holding it whole.
    fn sha256(&self, path: &str) -> std::io::Result<crate::record::Digest>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Intact,
    IntactLateAnchored,
    IntactNotYetCountersigned,
    NotIntact,
    CannotCheck,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
}

impl Report {
    /// First line the verdict, then `CODE<TAB>place<TAB>sentence` lines.
    pub fn render(&self) -> String {
        todo!()
    }
    /// 0 INTACT*, 1 damaged, 2 cannot check.
    pub fn exit_status(&self) -> i32 {
        todo!()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The hub's cosigning keys the reader trusts (usually one).
    pub hub: Vec<Vkey>,
    /// A log that is still being written: a torn tail is a note.
    pub live: bool,
    /// Further heads the reader knows of (texts of notes), e.g. the hub's memory.
    pub heads: Vec<Vec<u8>>,
}

/// Verifies one log folder (`*.jsonl`, `head.note`, `cosigned.note`, `heads/`).
pub fn log(files: &dyn Files, options: &Options) -> Report {
    let _ = (files, options);
    todo!()
}

/// Verifies one evidence package.
pub fn package(files: &dyn Files, options: &Options) -> Report {
    let _ = (files, options);
    todo!()
}
