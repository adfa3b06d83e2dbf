//! Pure. The verdict on a whole log, or on an evidence package. `docs/verify/verify.py` gives the same one.
//!
//! What is checked, in what order and under which code is `docs/verdicts.md`; the sentences are in [`words`].

mod log;
mod masks;
mod package;
#[cfg(test)]
mod tests_log;
#[cfg(test)]
mod tests_masks;
#[cfg(test)]
mod tests_package;
pub mod words;

use crate::{
    check::{Finding, is_blind},
    id::hub_key_of,
    note::{Cosigned, SignedHead, Vkey, check_cosignature},
};
pub use package::P256_SPKI;
use words::{clean, say};

/// Where the bytes come from: a folder, read by an adapter outside this crate.
pub trait Files {
    /// Relative paths of everything that is not a folder, `/`-separated, sorted. Links are listed but not read.
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

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Intact => "INTACT",
            Verdict::IntactLateAnchored => "INTACT-LATE-ANCHORED",
            Verdict::IntactNotYetCountersigned => "INTACT-NOT-YET-COUNTERSIGNED",
            Verdict::NotIntact => "NOT-INTACT",
            Verdict::CannotCheck => "CANNOT-CHECK",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
}

/// Most findings that are printed.
const MOST: usize = 100;

impl Report {
    /// Damage decides, then what could not be checked, then what the hub has countersigned and when.
    fn new(findings: Vec<Finding>, countersigned: bool, late: bool) -> Self {
        let verdict = if findings.iter().any(Finding::is_damage) {
            Verdict::NotIntact
        } else if findings.iter().any(|f| is_blind(f.code)) {
            Verdict::CannotCheck
        } else if !countersigned {
            Verdict::IntactNotYetCountersigned
        } else if late {
            Verdict::IntactLateAnchored
        } else {
            Verdict::Intact
        };
        Self { verdict, findings }
    }
    /// First line the verdict, then `CODE<TAB>place<TAB>sentence` lines.
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.verdict.as_str());
        for finding in self.findings.iter().take(MOST) {
            out.push_str(&format!(
                "{}\t{}\t{}\n",
                finding.code,
                clean(&finding.place),
                clean(&finding.text)
            ));
        }
        if self.findings.len() > MOST {
            out.push_str(&format!(
                "MORE\tlog\t{}\n",
                say(words::MORE, &[&(self.findings.len() - MOST)])
            ));
        }
        out
    }
    /// 0 INTACT*, 1 damaged, 2 cannot check.
    pub fn exit_status(&self) -> i32 {
        match self.verdict {
            Verdict::Intact | Verdict::IntactLateAnchored | Verdict::IntactNotYetCountersigned => 0,
            Verdict::NotIntact => 1,
            Verdict::CannotCheck => 2,
        }
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
    log::verify(files, options)
}

/// Verifies one evidence package.
pub fn package(files: &dyn Files, options: &Options) -> Report {
    package::verify(files, options)
}

/// What the countersignatures on a head say.
struct Countersigned {
    /// Newest hub time of a good one.
    time: Option<u64>,
    /// One for every line that bears a hub's name and is not good.
    faults: Vec<Finding>,
}

fn countersigned(note: &SignedHead, hub: &[Vkey], place: &str) -> Countersigned {
    let mut out = Countersigned {
        time: None,
        faults: vec![],
    };
    for signature in &note.signatures {
        // A hub vouches for the logs of its own scheme, and for nothing that is no log's name.
        let named = || {
            hub.iter()
                .filter(|key| key.name == signature.name)
                .filter(|key| hub_key_of(&key.name, &note.head.origin))
        };
        if named().next().is_none() {
            continue;
        }
        let states = named().map(|key| check_cosignature(&note.head, signature, key));
        let state = states
            .into_iter()
            .find(|s| *s != Cosigned::Absent)
            .unwrap_or(Cosigned::Absent);
        let sentence = match state {
            Cosigned::Good { time } => {
                out.time = out.time.max(Some(time));
                continue;
            }
            Cosigned::Bad => words::BAD_COSIGNATURE,
            Cosigned::Absent => words::HUB_NAME_ONLY,
        };
        out.faults.push(Finding::new(
            "BAD-SIGNATURE",
            place,
            say(sentence, &[&signature.name]),
        ));
    }
    out
}
