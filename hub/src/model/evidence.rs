//! Pure. Evidence as pages and commands show it, and the certificate of disposal to print.

use serde::{Deserialize, Serialize};
use shared::time::{Day, Utc};
use utoipa::ToSchema;

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
