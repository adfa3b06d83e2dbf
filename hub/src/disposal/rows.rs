//! Pure. Evidence as pages and commands show it, and the certificate of disposal to print.

use serde::{Deserialize, Serialize};
use shared::time::{Day, Utc, Zone};
use utoipa::ToSchema;

use crate::retention::report::claim_in_words;

/// An exhibit, or one that was disposed of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRow {
    pub exhibit: String,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    pub made: Utc,
    /// Ready, Partial, Failed, Disposed.
    pub state: String,
    /// general, surveillance, review
    pub class: String,
    /// The same in words.
    pub class_text: String,
    pub review: Option<Day>,
    /// Last day on which it is kept.
    pub until: Day,
    /// kept, soon (due within thirty days), due, wanted (due, but something wants the same footage), disposing, disposed
    pub standing: String,
    /// One sentence.
    pub text: String,
    pub files: u64,
    pub bytes: u64,
    /// Somebody asked that it be disposed of before its time.
    pub drop: Option<DropRow>,
    /// Faults about it.
    pub faults: Vec<FaultRow>,
    /// When it was gone.
    pub disposed: Option<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DropRow {
    pub by: String,
    pub reason: Option<String>,
    pub made: Utc,
}

/// A fault of the hub's own about evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaultRow {
    /// An exhibit, or a file that is none.
    pub about: String,
    pub code: String,
    pub since: Utc,
    pub text: String,
}

impl FaultRow {
    /// Its title, what was found, and its code.
    pub fn in_words(&self) -> String {
        let title = shared::conditions::condition(&self.code).map_or("Fault", |c| c.title);
        format!("{title}: {} ({})", self.text, self.code)
    }
}

/// One part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Newest first, with those that were disposed of.
    pub rows: Vec<EvidenceRow>,
    /// With the first part: about no exhibit of this part.
    pub faults: Vec<FaultRow>,
    /// Of the rows here that were not disposed of.
    pub bytes: u64,
    /// Asks for the next part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Two decimals of 10^9 bytes.
pub fn gb(bytes: u64) -> String {
    let hundredths = (bytes + 5_000_000) / 10_000_000;
    format!("{}.{:02} GB", hundredths / 100, hundredths % 100)
}

/// What a certificate of disposal says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disposal {
    pub scheme: String,
    pub zone: String,
    pub exhibit: String,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    pub made: Utc,
    pub class_text: String,
    /// Last day of its period.
    pub until: Day,
    pub early: bool,
    pub who: Vec<String>,
    pub reason: Option<String>,
    pub begun: Utc,
    pub ended: Utc,
    pub files: u64,
    pub bytes: u64,
    pub texts: u64,
    pub undecryptable: Option<bool>,
    pub claim: String,
    pub log: String,
    pub begun_line: u64,
    pub line: u64,
}

impl Disposal {
    /// One page of plain text, for the data-protection officer.
    pub fn page(&self) -> String {
        let zone = Zone::parse(&self.zone).unwrap_or_else(|_| Zone::utc());
        let at = |t: Utc| format!("{} ({t})", t.for_people(&zone));
        let who = match self.who.as_slice() {
            [asked, approved] => format!("asked for by {asked}, approved by {approved}"),
            other => other.join(", "),
        };
        let period = match self.early {
            true => "before the end of its period, by two people",
            false => "after the end of its period",
        };
        let tried = match self.undecryptable {
            Some(true) => {
                "every key left at the hub was tried on the header of one of its sealed\n              files: none opens it"
            }
            _ => "there was no sealed file of it to try the keys that are left on",
        };
        let rows = [
            ("Exhibit", self.exhibit.clone()),
            ("Camera", self.camera.clone()),
            ("Footage from", at(self.t0)),
            ("        to", at(self.t1)),
            ("Pulled", at(self.made)),
            ("Class", self.class_text.clone()),
            ("Kept until", format!("the end of {}", self.until)),
            ("Disposed of", period.to_owned()),
            ("By", who),
            (
                "Reason",
                self.reason.clone().unwrap_or_else(|| "(erased)".into()),
            ),
            ("Begun", at(self.begun)),
            ("Complete", at(self.ended)),
            (
                "Destroyed",
                "the exhibit's own key, which opened all that was sealed for it".into(),
            ),
            (
                "Removed",
                format!(
                    "{} files, {} ({} bytes)",
                    self.files,
                    gb(self.bytes),
                    self.bytes
                ),
            ),
            (
                "Erased",
                format!(
                    "{} texts (purpose, reference, requester, and those of its register); the log keeps their salted hashes",
                    self.texts
                ),
            ),
            (
                "Looked for",
                "all folders of state and evidence: nothing that bears its name is left".into(),
            ),
            ("Tried", tried.into()),
            (
                "Claim",
                format!("{}: {}", self.claim, claim_in_words(&self.claim)),
            ),
            (
                "On record",
                format!("{} lines {} and {}", self.log, self.begun_line, self.line),
            ),
        ];
        let mut page = format!("CERTIFICATE OF DISPOSAL OF EVIDENCE\n{}\n\n", self.scheme);
        for (name, value) in rows {
            page += &format!("{name:<13} {value}\n");
        }
        page += "\nWhat this does not cover: copies that were saved or handed over before (each is on the record\n\
                 as copy.save in the hub's log), backups of this machine made by others, and the\n\
                 recording at the box, which has its own rule and its own certificates.\n\n\
                 The lines named are in the hub's log, which is countersigned; `beadle-hub log export --log hub DIR`\n\
                 writes it out, and `beadle-hub verify DIR` or docs/verify/verify.py checks it.\n";
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_decimals() {
        for (bytes, text) in [
            (0, "0.00 GB"),
            (4_999_999, "0.00 GB"),
            (5_000_000, "0.01 GB"),
            (1_234_567_890, "1.23 GB"),
            (12_999_000_000, "13.00 GB"),
        ] {
            assert_eq!(gb(bytes), text);
        }
    }
}
