//! Pure. The retention report: what is known of a box, as one row per camera with a verdict, and as its camera-days.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId},
    promise::{due, sentence},
    time::{Day, Utc, Zone},
    wire::Outlook,
};
use utoipa::ToSchema;

use super::promise::{self, DayVerdict, GRACE_MS, Horizon, Policy};
use crate::db::retention::{CertificateRecord, DayRecord, Gaps};

/// Whole days a camera's daily rate is the mean of.
const RATE_DAYS: i32 = 7;
/// Days beyond the policy that are looked at and drawn.
pub const BEYOND: i32 = 10;

/// What is known of one box.
pub struct Facts {
    pub r#box: BoxName,
    pub revoked: bool,
    pub zone: Zone,
    pub zone_name: String,
    pub heard: Horizon,
    /// By camera: also of those that are configured no more.
    pub policies: BTreeMap<CameraId, Policy>,
    /// Cameras configured now, with their titles.
    pub titles: BTreeMap<CameraId, String>,
    /// Of the days looked at, and unsettled older ones.
    pub days: Vec<DayRecord>,
    pub certificates: Vec<CertificateRecord>,
    pub newest: Vec<CertificateRecord>,
    pub gaps: BTreeMap<CameraId, Gaps>,
    pub outlooks: BTreeMap<CameraId, Outlook>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub scheme: String,
    pub now: Utc,
    /// The hub's own zone: times are shown in it.
    pub zone: String,
    /// What each policy in it means.
    pub promises: Vec<String>,
    pub cameras: Vec<CameraReport>,
    /// Asks for the cameras of the boxes after these, as `after`; missing: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Report {
    /// The part that comes after this one.
    pub fn add(&mut self, more: Self) {
        self.cameras.extend(more.cameras);
        self.promises = promises(&self.cameras);
        self.next = more.next;
    }
}

/// How footage of a camera is kept, against what was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    AsPromised,
    /// Kept too long, or its deletion cannot be shown.
    Over,
    /// Gone before its time.
    Under,
    NotKnown,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Verdict::AsPromised => "as promised",
            Verdict::Over => "over",
            Verdict::Under => "under",
            Verdict::NotKnown => "not known",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CameraReport {
    pub r#box: BoxName,
    pub cam: CameraId,
    pub title: String,
    /// False: it is not in the box's configuration any more; its footage keeps the rule it was recorded under.
    pub configured: bool,
    pub policy_days: Option<u32>,
    /// Of its local days.
    pub zone: String,
    /// Of what is held.
    pub first: Option<Utc>,
    pub last: Option<Utc>,
    pub gaps: u64,
    pub gap_ms: i64,
    /// Mean of the last seven whole days; None: it has not recorded for a whole day.
    pub bytes_per_day: Option<u64>,
    pub days_on_disk: u64,
    /// As the box last forecast it.
    pub outlook: Option<Outlook>,
    pub certificate: Option<Certificate>,
    /// When the newest line of the box came.
    pub heard: Option<Utc>,
    pub verdict: Verdict,
    pub why: String,
    /// Days in a row alike, oldest first, for the drawing.
    pub bar: Vec<Run>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DayState {
    Held,
    /// Past its day, or its deletion is not shown.
    Over,
    /// Deleted before its day.
    Early,
    Nothing,
}

/// Days from `from` to `to`, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    pub from: Day,
    pub to: Day,
    pub kept: DayState,
}

/// A deletion certificate as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    pub day: Day,
    /// When the deletion was done; when it was begun, if it is not.
    pub at: Utc,
    pub done: bool,
    pub count: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub rule: String,
    pub key: String,
    /// SHA-256 over the leaf hashes of the deleted segments' lines.
    pub set: String,
    /// Oldest byte left on disk afterwards.
    pub oldest: Option<Utc>,
    pub undecryptable: Option<bool>,
    pub claim: Option<String>,
    /// Of the segments, how many holds keep copies of.
    pub held: u64,
    /// Where the lines are: the log, `del.range`, `del.done`.
    pub log: String,
    pub n: u64,
    pub done_n: Option<u64>,
}

impl From<&CertificateRecord> for Certificate {
    fn from(c: &CertificateRecord) -> Self {
        Self {
            day: c.day,
            at: c.done.as_ref().map_or(c.at, |d| d.at),
            done: c.done.is_some(),
            count: c.count,
            t0: c.t0,
            t1: c.t1,
            rule: c.rule.clone(),
            key: c.key.clone(),
            set: c.digest.clone(),
            oldest: c.done.as_ref().and_then(|d| d.oldest),
            undecryptable: c.done.as_ref().map(|d| d.undecryptable),
            claim: c.done.as_ref().map(|d| d.claim.clone()),
            held: c.done.as_ref().map_or(0, |d| d.held),
            log: c.log.clone(),
            n: c.n,
            done_n: c.done.as_ref().map(|d| d.n),
        }
    }
}

/// One camera's row, and its days, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CameraPage {
    pub camera: CameraReport,
    pub days: Vec<DayReport>,
    /// Asks for the days before these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A camera-day as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DayReport {
    pub day: Day,
    pub bytes: u64,
    /// Segments recorded, and what is left of them.
    pub count: u64,
    pub held: u64,
    /// sound, late, early, not due, awaited, not known, not dated, lost, missing, failing, no rule
    pub standing: String,
    pub text: String,
    pub certificates: Vec<Certificate>,
}

impl CameraDay {
    pub fn shown(self, zone: &Zone) -> DayReport {
        DayReport {
            day: self.day,
            bytes: self.bytes,
            count: self.count,
            held: self.held,
            standing: self.standing.word().into(),
            text: self.standing.text(zone),
            certificates: self.certificates,
        }
    }
}

/// One camera-day, all its keys together.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraDay {
    pub day: Day,
    pub bytes: u64,
    pub count: u64,
    pub held: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub standing: DayVerdict,
    pub certificates: Vec<Certificate>,
}

impl Facts {
    fn cameras(&self) -> Vec<CameraId> {
        let mut all: Vec<CameraId> = self.titles.keys().cloned().collect();
        all.extend(self.days.iter().map(|d| d.cam.clone()));
        all.extend(self.newest.iter().map(|c| c.cam.clone()));
        all.sort();
        all.dedup();
        all
    }

    /// The rule of a camera: of one that no hello ever named, the longest of its box, as the box itself does it.
    pub fn policy(&self, cam: &CameraId) -> Policy {
        if let Some(policy) = self.policies.get(cam) {
            return policy.clone();
        }
        let longest = self.policies.values().filter_map(Policy::days).max();
        Policy {
            rules: longest.into_iter().map(|days| (Utc(0), days)).collect(),
            zone: self.zone.clone(),
            zones: Vec::new(),
        }
    }

    /// Every camera-day, judged, oldest first.
    pub fn camera_days(&self, cam: &CameraId) -> Vec<CameraDay> {
        let policy = self.policy(cam);
        let newest = self.newest.iter().find(|c| c.cam == *cam);
        let mine: Vec<&CertificateRecord> =
            self.certificates.iter().filter(|c| c.cam == *cam).collect();
        let mut days: BTreeMap<Day, CameraDay> = BTreeMap::new();
        for d in self.days.iter().filter(|d| d.cam == *cam) {
            let of: Vec<&CertificateRecord> = mine
                .iter()
                .filter(|c| c.key == d.key && c.s0 <= d.s1 && c.s1 >= d.s0 && c.count > 0)
                .copied()
                .collect();
            let standing = promise::judge(d, &of, newest, &policy, self.heard);
            let day = days.entry(d.day).or_insert(CameraDay {
                day: d.day,
                bytes: 0,
                count: 0,
                held: 0,
                t0: d.t0,
                t1: d.t1,
                standing,
                certificates: Vec::new(),
            });
            day.bytes += d.bytes;
            day.count += d.count;
            day.held += d.held;
            day.t0 = day.t0.min(d.t0);
            day.t1 = day.t1.max(d.t1);
            day.standing = day.standing.worse(standing);
        }
        for c in mine {
            let is = newest.is_some_and(|n| (&n.log, n.n) == (&c.log, c.n));
            // Its footage was never on record: the folder went all the same.
            let day = days.entry(c.day).or_insert_with(|| CameraDay {
                day: c.day,
                bytes: 0,
                count: 0,
                held: 0,
                t0: c.t0,
                t1: c.t1,
                standing: promise::judge_certificate(c, None, &policy, is, false, self.heard),
                certificates: Vec::new(),
            });
            day.certificates.push(c.into());
        }
        days.into_values().collect()
    }

    /// One row for each camera that is configured, or of which anything is held or was ever deleted.
    pub fn report(&self) -> Vec<CameraReport> {
        self.cameras().iter().map(|cam| self.row(cam)).collect()
    }

    fn row(&self, cam: &CameraId) -> CameraReport {
        let policy = self.policy(cam);
        let days = self.camera_days(cam);
        let today = self.zone.day_of(self.heard.now);
        let held: Vec<&CameraDay> = days.iter().filter(|d| d.held > 0).collect();
        let gaps = self.gaps.get(cam).copied().unwrap_or_default();
        let (verdict, why) = self.verdict(&policy, &days, today);
        CameraReport {
            r#box: self.r#box.clone(),
            cam: cam.clone(),
            title: self.titles.get(cam).cloned().unwrap_or_default(),
            configured: self.titles.contains_key(cam),
            policy_days: policy.days(),
            zone: self.zone_name.clone(),
            first: held.iter().map(|d| d.t0).min(),
            last: held.iter().map(|d| d.t1).max(),
            gaps: gaps.count,
            gap_ms: gaps.ms,
            bytes_per_day: per_day(&days, today),
            days_on_disk: held.len() as u64,
            outlook: self.outlooks.get(cam).cloned(),
            certificate: self.newest.iter().find(|c| c.cam == *cam).map(Into::into),
            heard: self.heard.upto,
            verdict,
            why,
            bar: policy
                .days()
                .map(|n| runs(&days, today, n))
                .unwrap_or_default(),
        }
    }

    fn verdict(&self, policy: &Policy, days: &[CameraDay], today: Day) -> (Verdict, String) {
        let zone = &self.zone;
        let Some(n) = policy.days() else {
            return (Verdict::NotKnown, DayVerdict::NoRule.text(zone));
        };
        let say = |d: &CameraDay| format!("{}: {}", d.day, d.standing.text(zone));
        let sentence = |all: &[&CameraDay]| {
            let more = match all.len() {
                0 | 1 => String::new(),
                n => format!(" (and {} more days)", n - 1),
            };
            all.first().map(|d| say(d) + &more)
        };
        let over: Vec<&CameraDay> = days
            .iter()
            .filter(|d| {
                matches!(
                    d.standing,
                    DayVerdict::Missing { .. } | DayVerdict::Failing(_)
                )
            })
            .collect();
        // What was gone early long ago is past its day now, and nothing is owed any more.
        let owed = |d: &CameraDay| due(d.day, n, zone) > self.heard.now && d.day <= today;
        let under: Vec<&CameraDay> = days
            .iter()
            .filter(|d| owed(d) && (early(d) || d.standing == DayVerdict::Lost))
            .collect();
        let unknown: Vec<&CameraDay> = days
            .iter()
            .filter(|d| {
                matches!(
                    d.standing,
                    DayVerdict::NotKnown { .. } | DayVerdict::Undated | DayVerdict::NoRule
                )
            })
            .collect();
        let parts = [sentence(&over), sentence(&under)];
        let both = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        match (over.is_empty(), under.is_empty()) {
            (false, _) => return (Verdict::Over, both),
            (true, false) => return (Verdict::Under, both),
            (true, true) => {}
        }
        if let Some(why) = sentence(&unknown) {
            return (Verdict::NotKnown, why);
        }
        match self.heard.upto {
            None => (
                Verdict::NotKnown,
                "the box's log has never come to this hub".into(),
            ),
            Some(t) if self.heard.now.0 - t.0 > GRACE_MS => (
                Verdict::NotKnown,
                format!(
                    "not known since {}, when the box was last heard",
                    t.for_people(zone)
                ),
            ),
            Some(_) if days.is_empty() => (
                Verdict::NotKnown,
                "no footage of it is on record yet".into(),
            ),
            Some(_) => (
                Verdict::AsPromised,
                "nothing is kept past its day, and nothing went before it".into(),
            ),
        }
    }
}

/// Deleted early, all of it or a part.
fn early(d: &CameraDay) -> bool {
    matches!(d.standing, DayVerdict::Early { .. })
        || d.certificates
            .iter()
            .any(|c| c.done && c.rule.starts_with("early"))
}

fn per_day(days: &[CameraDay], today: Day) -> Option<u64> {
    // The first day it recorded was not a whole one.
    let first = days.iter().find(|d| d.count > 0)?.day.plus_days(1);
    let from = first.max(today.plus_days(-RATE_DAYS));
    let whole = u64::try_from(from.days_until(today))
        .ok()
        .filter(|n| *n > 0)?;
    let bytes: u64 = days
        .iter()
        .filter(|d| d.day >= from && d.day < today)
        .fold(0u64, |sum, d| sum.saturating_add(d.bytes));
    Some(bytes / whole)
}

/// From the oldest day the policy allows (or held though it does not) to today.
fn runs(days: &[CameraDay], today: Day, n: u32) -> Vec<Run> {
    let n = i32::try_from(n).unwrap_or(i32::MAX / 2);
    let oldest = days.iter().find(|d| d.held > 0).map(|d| d.day);
    let allowed = today.plus_days(-n);
    let from = oldest
        .unwrap_or(allowed)
        .min(allowed)
        .max(today.plus_days(-n - BEYOND));
    let mut out: Vec<Run> = Vec::new();
    let mut day = from;
    while day <= today {
        let kept = match days.iter().find(|d| d.day == day) {
            Some(d)
                if matches!(
                    d.standing,
                    DayVerdict::Missing { .. } | DayVerdict::Failing(_)
                ) =>
            {
                DayState::Over
            }
            Some(d) if d.held > 0 && d.day < allowed.plus_days(-1) => DayState::Over,
            Some(d) if d.held > 0 => DayState::Held,
            Some(d) if early(d) => DayState::Early,
            _ => DayState::Nothing,
        };
        match out.last_mut() {
            Some(run) if run.kept == kept => run.to = day,
            _ => out.push(Run {
                from: day,
                to: day,
                kept,
            }),
        }
        day = day.plus_days(1);
    }
    out
}

/// The sentence of each policy there is, once.
pub fn promises(cameras: &[CameraReport]) -> Vec<String> {
    let mut all: Vec<(u32, &str)> = cameras
        .iter()
        .filter_map(|c| Some((c.policy_days?, c.zone.as_str())))
        .collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .map(|(days, zone)| sentence(days, zone))
        .collect()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
