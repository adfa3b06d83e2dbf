//! Pure. The verdict on a whole log, or on an evidence package. `docs/verify/verify.py` gives the same one.
//!
//! What is checked, in what order and under which code is `docs/verdicts.md`; the sentences are in [`words`].

mod anchors;
pub mod codes;
mod lines;
mod log;
mod masks;
mod package;
#[cfg(test)]
mod tests_log;
#[cfg(test)]
mod tests_masks;
#[cfg(test)]
mod tests_package;
#[cfg(test)]
mod tests_times;
mod times;
pub mod words;

use crate::{
    check::{Finding, is_blind},
    id::hub_key_of,
    note::{Cosigned, SignedHead, Vkey, check_cosignature},
    timestamp::Root,
};
use codes::{Class, class};
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
    /// No hub key was given: whether it was countersigned was not looked at.
    IntactHubKeyNotGiven,
    NotIntact,
    CannotCheck,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Intact => "INTACT",
            Verdict::IntactLateAnchored => "INTACT-LATE-ANCHORED",
            Verdict::IntactNotYetCountersigned => "INTACT-NOT-YET-COUNTERSIGNED",
            Verdict::IntactHubKeyNotGiven => "INTACT-HUB-KEY-NOT-GIVEN",
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

/// Most findings of a class that are printed, besides the first of each further code.
const MOST: usize = 100;

/// What the hub has said of what was found sound.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchored {
    /// No hub key was given.
    NotAsked,
    /// Nothing good by the keys given.
    NotYet,
    /// A stretch of more than an hour was countersigned late, or not yet.
    Late,
    Well,
}

impl Report {
    /// Damage decides, then what could not be checked, then what the hub has countersigned and when.
    fn new(findings: Vec<Finding>, anchored: Anchored) -> Self {
        let verdict = if findings.iter().any(Finding::is_damage) {
            Verdict::NotIntact
        } else if findings.iter().any(|f| is_blind(f.code)) {
            Verdict::CannotCheck
        } else {
            match anchored {
                Anchored::NotAsked => Verdict::IntactHubKeyNotGiven,
                Anchored::NotYet => Verdict::IntactNotYetCountersigned,
                Anchored::Late => Verdict::IntactLateAnchored,
                Anchored::Well => Verdict::Intact,
            }
        };
        Self { verdict, findings }
    }
    /// First line the verdict, then `CODE<TAB>place<TAB>sentence` lines: damage first, notes last.
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.verdict.as_str());
        for (of, more) in [
            (Class::Damage, words::MORE_DAMAGE),
            (Class::Blind, words::MORE_BLIND),
            (Class::Note, words::MORE_NOTES),
        ] {
            // A code that is on no list is damage.
            let own = |f: &&Finding| class(f.code).unwrap_or(Class::Damage) == of;
            let (mut shown, mut left) = (Vec::new(), 0usize);
            for finding in self.findings.iter().filter(own) {
                if shown.len() >= MOST && shown.contains(&finding.code) {
                    left += 1;
                    continue;
                }
                shown.push(finding.code);
                out.push_str(&format!(
                    "{}\t{}\t{}\n",
                    finding.code,
                    clean(&finding.place),
                    clean(&finding.text)
                ));
            }
            if left > 0 {
                out.push_str(&format!("MORE\tlog\t{}\n", say(more, &[&left])));
            }
        }
        out
    }
    /// 0 INTACT*, 1 damaged, 2 cannot check.
    pub fn exit_status(&self) -> i32 {
        match self.verdict {
            Verdict::Intact
            | Verdict::IntactLateAnchored
            | Verdict::IntactNotYetCountersigned
            | Verdict::IntactHubKeyNotGiven => 0,
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
    /// Certificates of authorities for time stamps that the reader trusts.
    pub authorities: Vec<Root>,
    /// Cosigning keys of witnesses that the reader trusts.
    pub witnesses: Vec<Vkey>,
}

/// Verifies one log folder (`*.jsonl`, `head.note`, `cosigned.note`, `heads/`).
pub fn log(files: &dyn Files, options: &Options) -> Report {
    log::verify(files, options)
}

/// Verifies one evidence package.
pub fn package(files: &dyn Files, options: &Options) -> Report {
    package::verify(files, options)
}

/// Whether a path names what computers leave in the folders they show, and no file of anybody's.
fn left_by_a_computer(path: &str) -> bool {
    const FILES: [&str; 4] = ["thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store"];
    const FOLDERS: [&str; 6] = [
        "system volume information",
        "$recycle.bin",
        ".trashes",
        ".spotlight-v100",
        ".fseventsd",
        "__macosx",
    ];
    let mut parts: Vec<String> = path.split('/').map(str::to_ascii_lowercase).collect();
    let file = parts.pop().unwrap_or_default();
    file.starts_with("._")
        || FILES.contains(&file.as_str())
        || parts.iter().any(|part| FOLDERS.contains(&part.as_str()))
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
