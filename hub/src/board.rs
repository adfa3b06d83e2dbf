//! Pure. What pages and commands show: plain rows, and the door through which the pages get them.

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef, HoldId},
    standing::{self, BoxStanding, BoxState, CameraStanding, Flow},
    time::{Day, Utc, Zone},
    wire::Fault,
};

pub use crate::error::{HubError, plain};
use crate::{
    disposal::rows::{Evidence, EvidenceRow, FaultRow},
    evidence::Resting,
    places::Origin,
    requests::{mask::Substitute, review::MaskRow},
    retention::report::{CameraPage, Report},
};

/// A camera whose newest picture is older than this, as its box reported it, is not said to record.
const FRESH_MS: i64 = 15_000;

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
    /// The box's own, and those the hub found.
    pub faults: Vec<Fault>,
    /// Lines of the box's log held and countersigned here, and when the newest countersignature was made.
    pub lines: u64,
    pub countersigned: Option<Utc>,
    /// Code and sentence when the hub refuses this box's log.
    pub dispute: Option<String>,
    /// How it stands, with its cameras; see [`BoxRow::judged`].
    #[serde(default)]
    pub standing: BoxStanding,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// What the camera was called while it was recorded, and where it stood, in order; empty when the log does not say.
    #[serde(default)]
    pub called: Vec<String>,
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
    /// What it was called in that time, and where it stood, in order; empty when the log does not say.
    #[serde(default)]
    pub called: Vec<String>,
    pub t0: Utc,
    pub t1: Utc,
    /// Draft … Ready, Partial, Refused, Failed, Disposed.
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
    /// Hides meanwhile; None: nothing does.
    #[serde(default)]
    pub instead: Option<Substitute>,
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

impl LiftRow {
    /// The mask, and what hides while it is lifted.
    pub fn mask_in_words(&self) -> String {
        match &self.instead {
            Some(instead) => format!("{}; meanwhile {}", self.mask, instead.in_words()),
            None => format!("{}; meanwhile nothing hides", self.mask),
        }
    }
}

/// Footage that is kept at its box beyond its day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldRow {
    pub hold: HoldId,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    /// pending, placed, releasing, over, refused
    pub state: String,
    /// Of one that is over or about to be: order, fetched, expired, void.
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    pub by: String,
    pub reason: Option<String>,
    pub made: Utc,
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub op: u32,
    pub name: String,
    pub role: String,
}

/// What the pages ask of the hub. Every call may block: use `spawn_blocking` from async code.
pub trait Board: Send + Sync + 'static {
    fn zone(&self) -> shared::time::Zone;
    fn scheme(&self) -> String;
    fn boxes(&self) -> Result<Vec<BoxRow>, HubError>;
    /// Newest day first; `day` narrows it to one. For those who may list footage.
    fn footage(
        &self,
        who: &Account,
        camera: &BoxCamera,
        day: Option<Day>,
    ) -> Result<Footage, HubError>;
    /// Its last seven days.
    fn week(&self, who: &Account, camera: &BoxCamera) -> Result<Footage, HubError> {
        self.footage(who, camera, None)
    }
    /// How footage is kept against what was promised: of all boxes, or one.
    fn retention(&self, only: Option<&BoxName>) -> Result<Report, HubError>;
    /// The same of one camera, with its days and their certificates.
    fn retention_of(&self, camera: &BoxCamera) -> Result<CameraPage, HubError>;
    /// Newest first; for those who may see exhibits.
    fn exhibits(&self, who: &Account) -> Result<Vec<ExhibitRow>, HubError>;
    /// An exhibit's package, with the key that opens it; None while there is none. For those who may watch it.
    fn package(&self, who: &Account, exhibit: &ExhibitRow) -> Result<Option<Resting>, HubError>;
    /// Checks name and password; who signed in is on record, who was refused is counted there. Slow on purpose. `from`: None at the
    /// console.
    fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Option<Origin>,
    ) -> Result<Account, HubError>;
    /// Whether this account signed in from this address lately.
    fn was_here(&self, name: &str, from: Origin) -> Result<bool, HubError>;
    /// Signs what a browser keeps to show that somebody signed in from it.
    fn browser_key(&self) -> Result<ring::hmac::Key, HubError>;
    /// Logs `acc.view` (purpose salted) before the first byte is sent; refuses those who may not watch, whatever their purpose.
    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), HubError>;
    /// Every camera's mask and its review, what has to be looked at first.
    fn masks(&self) -> Result<Vec<MaskRow>, HubError>;
    /// Lifts of masks that wait for a second person, oldest first; for those who may be that person.
    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, HubError>;
    /// The second person's word; waits for the box. Until when the mask is lifted.
    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, HubError>;
    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), HubError>;
    /// Holds that are not over, or ended lately, oldest first; for those who may see them.
    fn holds(&self, who: &Account) -> Result<Vec<HoldRow>, HubError>;
    /// The second person's word that a hold ends before its time.
    fn approve_release(&self, who: &Account, hold: HoldId) -> Result<HoldRow, HubError>;
    /// What the hub keeps as evidence and for how long, and what it disposed of; for those who may see it.
    fn evidence(&self, who: &Account) -> Result<Evidence, HubError>;
    /// What of it somebody has to look at, for the first page.
    fn evidence_faults(&self) -> Result<Vec<FaultRow>, HubError>;
    /// Disposes of what is due; of anything else it is a request, which a second person has to approve.
    fn dispose(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
        reason: &str,
    ) -> Result<EvidenceRow, HubError>;
    /// The second person's word that an exhibit goes before its time.
    fn approve_disposal(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
    ) -> Result<EvidenceRow, HubError>;
    /// Plain text, one page.
    fn disposal_certificate(&self, who: &Account, exhibit: &ExhibitRef)
    -> Result<String, HubError>;
}
