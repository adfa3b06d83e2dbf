//! Pure. What pages, commands and programs are shown of boxes, footage and clips: plain rows.

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId},
    spot,
    standing::{self, BoxStanding, BoxState, CameraStanding, Flow},
    time::{Day, Utc, Zone},
    wire::Fault,
};
use utoipa::ToSchema;

use crate::{
    model::line::{Forecast, HoursText},
    reason::PullReason,
    words,
};

/// A camera whose newest picture is older than this, as its box reported it, is not said to record.
const FRESH_MS: i64 = 15_000;

/// A box as staff see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BoxRow {
    pub name: BoxName,
    /// `registered` (code made, not claimed), `enrolled`, `revoked`.
    pub state: String,
    pub online: bool,
    pub sw: Option<String>,
    pub last_seen: Option<Utc>,
    /// The box's own clock when it last reported.
    pub reported: Option<Utc>,
    pub free_mib: Option<u64>,
    pub retention_days: Option<u32>,
    pub cameras: Vec<CameraRow>,
    /// The box's own, and those the hub found.
    pub faults: Vec<Fault>,
    /// Lines of the box's log held and countersigned here, and when the newest countersignature was made.
    pub lines: u64,
    pub countersigned: Option<Utc>,
    /// Code and sentence when the hub refuses this box's log.
    pub dispute: Option<String>,
    /// The newest daily spot check; None: there was none yet.
    #[serde(default)]
    pub spot: Option<SpotRow>,
    /// How it stands, with its cameras.
    #[serde(default)]
    pub standing: BoxStanding,
    #[serde(default)]
    pub line: LineRow,
}

/// One segment, drawn at random, that a box read again and compared with its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpotRow {
    /// The day it was drawn for, in UTC.
    pub day: Day,
    /// When it was read, by the box's clock.
    pub t: Utc,
    pub cam: CameraId,
    pub s: u64,
    /// `missing`, `unreadable`, `unopened`, `other`; None: it is what the log says.
    pub wrong: Option<String>,
}

impl SpotRow {
    /// In a sentence.
    pub fn in_words(&self) -> String {
        spot::in_words(self.day, &self.cam, self.s, self.wrong.as_deref())
    }
}

/// What clips may use of a box's line, and what it was measured to carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineRow {
    /// Kilobits a second; None: what the line carries.
    pub most_kbit: Option<u64>,
    /// When planned pulls may use it; None: always.
    pub hours: Option<HoursText>,
    /// Kilobits a second, of the last pulls; None: nothing was pulled yet.
    pub measured_kbit: Option<u64>,
}

impl BoxRow {
    /// Judges the box and its cameras, and puts the cameras in order, worst first.
    pub fn judged(mut self) -> Self {
        let state = match self.state.as_str() {
            "revoked" => BoxState::Revoked,
            "registered" => BoxState::NotEnrolled,
            _ if self.dispute.is_some() => BoxState::LogRefused,
            _ if !self.online => BoxState::Silent,
            _ if self.reported.is_none() => BoxState::Unheard,
            _ => BoxState::Running,
        };
        // Nothing is known yet of one that was never heard of, whose silence has no beginning.
        let silent_since = self.last_seen.filter(|_| !self.online);
        for c in &mut self.cameras {
            let mut heard = c.flow.clone().filter(|_| self.online);
            if let (Some(flow), Some(reported)) = (&mut heard, self.reported) {
                // What a box calls recording has to have landed just before it said so; a time-lapse picture is followed by none
                // for a while.
                let fresh = FRESH_MS + c.stands_secs.map_or(0, |s| i64::from(s) * 1000);
                flow.recording &= flow.landed.is_some_and(|t| reported.0 - t.0 <= fresh);
            }
            c.standing = standing::camera(&c.cam, heard.as_ref(), &self.faults, silent_since);
        }
        self.cameras
            .sort_by_cached_key(|c| (standing::order(&c.standing, c.flow.as_ref()), c.cam.clone()));
        let cameras: Vec<_> = self.cameras.iter().map(|c| (&c.cam, &c.standing)).collect();
        self.standing = standing::r#box(state, &cameras, &self.faults, silent_since);
        self
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CameraRow {
    pub cam: CameraId,
    pub title: String,
    pub masked: bool,
    /// As its box last said; None: it has not said yet.
    #[serde(flatten)]
    pub flow: Option<Flow>,
    /// In time-lapse: a picture may be followed by none for so long.
    #[serde(default)]
    pub stands_secs: Option<u32>,
    #[serde(default)]
    pub standing: CameraStanding,
    /// What it is recorded at now, when it has two rates: realtime, timelapse-N.
    #[serde(default)]
    pub rate: Option<String>,
}

/// One stretch of recorded footage, gaps up to half a second joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    pub t0: Utc,
    pub t1: Utc,
    pub segments: u64,
    pub mask: Option<String>,
    /// none, burned, proved, lifted
    pub how: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GapRow {
    pub t0: Utc,
    pub t1: Utc,
    pub why: String,
    pub packets: u64,
}

/// One camera-day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DayRow {
    pub day: Day,
    /// First and last moment of the local day (23, 24 or 25 hours apart).
    pub from: Utc,
    pub to: Utc,
    pub spans: Vec<Span>,
    pub gaps: Vec<GapRow>,
    pub bytes: u64,
    /// What the camera was called while it was recorded, and where it stood, in order; empty when the log does not say.
    #[serde(default)]
    pub called: Vec<String>,
    /// Whole days until it is deleted; None when the box has not said how long it keeps footage.
    pub days_left: Option<i64>,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Footage {
    pub camera: String,
    pub zone: String,
    pub days: Vec<DayRow>,
    /// Asks for the days before these; None: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A pulled (or asked-for) clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExhibitRow {
    pub r#ref: String,
    pub grant: String,
    pub camera: String,
    /// What it was called in that time, and where it stood, in order; empty when the log does not say.
    #[serde(default)]
    pub called: Vec<String>,
    pub t0: Utc,
    pub t1: Utc,
    /// Draft … Ready, Partial, Refused, Failed, Disposed.
    pub state: String,
    /// Plain sentence: what it waits for, why it failed.
    pub why: String,
    /// The same for programs.
    pub reasons: Vec<ReasonRow>,
    pub bytes: u64,
    pub total: u64,
    /// It goes before those that are planned, whatever the hour.
    pub urgent: bool,
    /// Who has it wait, as the log names them; None: it goes on.
    pub paused: Option<String>,
    /// Bytes that crossed the line for it, and those of them that are kept.
    pub crossed: u64,
    pub kept: u64,
    /// What is still to come and when it will be there; None: nothing is fetched any more.
    pub forecast: Option<Forecast>,
    pub made: Utc,
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
    /// Folder of the package, once Ready or Partial.
    pub package: Option<String>,
}

/// A reason as programs are told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReasonRow {
    /// One code is one reason, whatever the words: those of docs/requests.md.
    pub code: String,
    /// What it is about, by name; null: nothing more is to be said.
    #[schema(value_type = Option<Object>)]
    pub facts: serde_json::Value,
    /// The same for people.
    pub text: String,
}

/// As programs are told them.
pub fn reasons(reasons: &[PullReason], zone: &Zone) -> Vec<ReasonRow> {
    let row = |reason: &PullReason| ReasonRow {
        code: reason.code().into(),
        facts: serde_json::to_value(reason)
            .ok()
            .and_then(|mut value| value.get_mut("facts").map(serde_json::Value::take))
            .unwrap_or_default(),
        text: words::pull(reason, zone),
    };
    reasons.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-1: a reason is told as its code, what it is about, and words.
    #[test]
    fn reasons_have_code_facts_and_words() {
        let name = BoxName::parse("ashby").expect("name");
        let all = [PullReason::BoxOffline { name }, PullReason::HubBroke];
        let rows = reasons(&all, &Zone::utc());
        assert_eq!(
            (rows[0].code.as_str(), &rows[0].facts["name"]),
            ("box-offline", &"ashby".into())
        );
        assert_eq!(rows[1].facts, serde_json::Value::Null);
        assert!(rows.iter().all(|r| !r.text.is_empty()));
    }
}
