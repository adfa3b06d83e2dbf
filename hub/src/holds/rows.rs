//! Pure. A hold as pages, commands and programs are shown it.

use serde::{Deserialize, Serialize};
use shared::{
    id::HoldId,
    time::{Day, Utc, Zone},
};
use utoipa::ToSchema;

/// Footage that is kept at its box beyond its day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HoldRow {
    pub hold: HoldId,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    /// pending, placed, releasing, over, refused
    pub state: String,
    /// Of one that is over or about to be: order, fetched, expired, unused, void.
    pub ended: Option<String>,
    pub until: Utc,
    /// Whole days until it ends.
    pub days_left: Option<i64>,
    pub review: Day,
    /// What the box keeps under it.
    pub segments: Option<u64>,
    pub bytes: Option<u64>,
    /// The space for holds at the box is full.
    pub full: bool,
    /// What the box last had to say against it.
    pub why: String,
    /// Of one that is pending: when the first of its footage is deleted without it.
    pub due: Option<Utc>,
    /// The box is on the line.
    pub online: bool,
    /// Sentences about what somebody has to look at.
    pub warnings: Vec<String>,
    /// None: erased.
    pub reason: Option<String>,
    pub authority: Option<String>,
    pub reference: Option<String>,
    /// The clip request that made it.
    pub exhibit: Option<String>,
    /// Who placed it, as the log names them.
    pub by: String,
    pub made: Utc,
    /// Somebody asked that it be released before its time.
    pub release: Option<ReleaseRow>,
    /// Who had a part in its end.
    pub freed: Vec<String>,
}

impl HoldRow {
    /// Where it stands, in one sentence.
    pub fn standing(&self, zone: &Zone) -> String {
        let at = |t: Utc| t.for_people(zone);
        let mut text = match (self.state.as_str(), self.ended.as_deref()) {
            ("pending", _) => {
                let due = self.due.map_or(
                    "; the box has not said yet how long it keeps footage".into(),
                    |due| format!("; the footage is deleted from {} on without it", at(due)),
                );
                match self.online {
                    // A line that is dead and not known to be yet looks like one on which nothing is said.
                    true => format!(
                        "waits for the box, which has not answered: it is busy, or offline since a moment ago{due}"
                    ),
                    false => format!("waits for the box, which is offline{due}"),
                }
            }
            ("placed", _) => format!(
                "held until {} ({} days left), {} segments, {} MiB; review by {}",
                at(self.until),
                self.days_left.unwrap_or(0),
                self.segments.unwrap_or(0),
                self.bytes.unwrap_or(0) >> 20,
                self.review
            ),
            ("releasing", ended) => format!(
                "released ({}); the box has not said yet that it knows",
                ended.unwrap_or_default()
            ),
            ("over", Some("order")) => "released by two people".into(),
            ("over", Some("unused")) => {
                "over: the request it was placed for came to nothing".into()
            }
            ("over", Some("fetched")) => "over: what it was for is at the hub".into(),
            ("over", Some("expired")) => format!("over: it ended at {}", at(self.until)),
            ("over", _) => "over before any box heard of it".into(),
            _ if self.full => "refused: there is no room left in the box's space for holds".into(),
            _ => "refused by the box".into(),
        };
        if !self.why.is_empty() {
            text += &format!(" ({})", self.why);
        }
        if let Some(r) = &self.release {
            text += &format!("; {} asks that it be released", r.by);
        }
        text
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRow {
    pub by: String,
    pub reason: Option<String>,
    pub made: Utc,
}
