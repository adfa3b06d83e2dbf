//! Pure. What pages and commands show: plain rows, and the door through which the pages get them.

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Day, Utc},
    wire::Fault,
};

/// A box as staff see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub faults: Vec<Fault>,
    /// Lines of the box's log held and countersigned here, and when the newest countersignature was made.
    pub lines: u64,
    pub countersigned: Option<Utc>,
    /// Code and sentence when the hub refuses this box's log.
    pub dispute: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraRow {
    pub cam: CameraId,
    pub title: String,
    pub masked: bool,
    pub recording: bool,
    /// Time of the last frame that landed on the box's disk.
    pub landed: Option<Utc>,
    /// In time-lapse: a picture may be followed by none for so long.
    #[serde(default)]
    pub stands_secs: Option<u32>,
    /// What it is recorded at now, when it has two rates: realtime, timelapse-N.
    #[serde(default)]
    pub rate: Option<String>,
}

/// One stretch of recorded footage, gaps up to half a second joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    pub t0: Utc,
    pub t1: Utc,
    pub segments: u64,
    pub mask: Option<String>,
    /// none, burned, proved, lifted
    pub how: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapRow {
    pub t0: Utc,
    pub t1: Utc,
    pub why: String,
    pub packets: u64,
}

/// One camera-day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayRow {
    pub day: Day,
    /// First and last moment of the local day (23, 24 or 25 hours apart).
    pub from: Utc,
    pub to: Utc,
    pub spans: Vec<Span>,
    pub gaps: Vec<GapRow>,
    pub bytes: u64,
    /// Whole days until it is deleted; None when the box has not said how long it keeps footage.
    pub days_left: Option<i64>,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Footage {
    pub camera: String,
    pub zone: String,
    pub days: Vec<DayRow>,
}

/// A pulled (or asked-for) clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExhibitRow {
    pub r#ref: String,
    pub grant: String,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    /// Draft … Ready, Partial, Refused, Failed.
    pub state: String,
    /// Plain sentence: what it waits for, why it failed.
    pub why: String,
    pub bytes: u64,
    pub total: u64,
    pub made: Utc,
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
    /// Folder of the package, once Ready or Partial.
    pub package: Option<String>,
}

/// A lift of a mask that waits for a second person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiftRow {
    pub n: u64,
    pub camera: String,
    pub mask: String,
    pub until: Option<Utc>,
    /// From the order on, when there is no `until`.
    pub minutes: Option<u32>,
    /// None: erased.
    pub authority: Option<String>,
    pub reason: Option<String>,
    /// Who asked, as the log names them.
    pub by: String,
    pub made: Utc,
    pub expires: Utc,
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub op: u32,
    pub name: String,
    pub role: String,
}

/// Why something could not be shown or done: one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What the pages ask of the hub. Every call may block: use `spawn_blocking` from async code.
pub trait Board: Send + Sync + 'static {
    fn zone(&self) -> shared::time::Zone;
    fn scheme(&self) -> String;
    fn boxes(&self) -> Result<Vec<BoxRow>, Refusal>;
    /// Newest day first; `day` narrows it to one.
    fn footage(&self, camera: &BoxCamera, day: Option<Day>) -> Result<Footage, Refusal>;
    /// Newest first.
    fn exhibits(&self) -> Result<Vec<ExhibitRow>, Refusal>;
    /// Checks name and password, logs `acc.login` or `acc.fail`. Slow on purpose.
    fn sign_in(&self, name: &str, password: &str) -> Result<Account, Refusal>;
    /// Logs `acc.view` (purpose salted) before the first byte is sent.
    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), Refusal>;
    /// Lifts of masks that wait for a second person, oldest first; for those who may be that person.
    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, Refusal>;
    /// The second person's word; waits for the box. Until when the mask is lifted.
    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, Refusal>;
    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), Refusal>;
}
