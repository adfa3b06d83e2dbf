//! Pure. How a camera and a box stand. One judgement serves `beadle-edge doctor` and `status`, the hub's pages and
//! `beadle-hub box list`: facts go in, a mark, an order and typed facts come out. [`words`] makes sentences of them.
//!
//! What is not known is called neither good nor bad: the cameras of a silent box are unknown, whatever it said last.
//! Recording means pictures that landed on disk. What they show (frozen, dark, moved) is not judged yet; it will be facts in
//! [`Flow`] and conditions of the camera, and needs nothing else here.

use serde::{Deserialize, Serialize};

use crate::{
    conditions::{self, Severity},
    id::CameraId,
    time::Utc,
    wire::Fault,
};

pub mod words;

/// How something is, least first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    Good,
    /// Soon, or small.
    Amber,
    /// It may be anything.
    #[default]
    Unknown,
    /// Now.
    Red,
}

impl Mark {
    /// For a line of text.
    pub fn sign(self) -> char {
        match self {
            Mark::Good => '✓',
            Mark::Amber => '!',
            Mark::Unknown => '?',
            Mark::Red => '✗',
        }
    }

    /// What a condition is by its severity. One that is to be known and no more leaves everything good.
    pub fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Mark::Good,
            Severity::Warning => Mark::Amber,
            Severity::Serious | Severity::Critical => Mark::Red,
        }
    }
}

/// Whether a camera's pictures reach the disk, by its box's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flow {
    /// A picture landed on disk lately; how lately, the box knows.
    pub recording: bool,
    /// A session with the camera is open.
    #[serde(default)]
    pub connected: bool,
    /// The box began a moment ago: that nothing has landed yet means nothing.
    #[serde(default)]
    pub starting: bool,
    /// Wall time of the last picture that landed on disk, in this run of the box or the one before.
    #[serde(default)]
    pub landed: Option<Utc>,
    /// Of one that is not recorded: when that began.
    #[serde(default)]
    pub down_since: Option<Utc>,
    /// When the camera is tried again, while the box waits for that.
    #[serde(default)]
    pub next_try: Option<Utc>,
}

/// What a camera does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CameraState {
    Recording,
    Starting,
    NotRecording,
    #[default]
    Unknown,
}

/// A camera, judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CameraStanding {
    pub mark: Mark,
    pub state: CameraState,
    /// The condition to be named with it: its own worst fault, or the box's that stops it. None: nothing is known to be wrong, or
    /// why it does not record is not known.
    pub cause: Option<Fault>,
    /// Its other standing faults, worst first.
    pub others: Vec<Fault>,
    /// Since when its box says nothing.
    pub silent_since: Option<Utc>,
}

/// What is known of a box as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BoxState {
    /// It runs and says how it is.
    Running,
    /// It is on the line and has not said yet how it is.
    Unheard,
    /// It runs no more.
    Stopped,
    /// It never ran.
    NotStarted,
    /// Nothing is heard of it.
    #[default]
    Silent,
    NotEnrolled,
    /// The hub does not countersign its log any more.
    LogRefused,
    Revoked,
}

/// A box, judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoxStanding {
    pub mark: Mark,
    pub state: BoxState,
    /// The condition to be named with it.
    pub code: Option<String>,
    pub recording: usize,
    pub cameras: usize,
    /// Those that are not recorded, worst first.
    pub down: Vec<CameraId>,
    pub silent_since: Option<Utc>,
}

/// Severity of a fault; one that this program does not know is taken to be serious.
pub fn severity(fault: &Fault) -> Severity {
    conditions::condition(&fault.code).map_or(Severity::Serious, |c| c.severity)
}

/// Worst first, then the one that stands longest.
fn worst_first(faults: &mut [Fault]) {
    faults.sort_by(|a, b| {
        let worse = severity(b).cmp(&severity(a));
        worse.then(a.since.cmp(&b.since)).then(a.code.cmp(&b.code))
    });
}

/// Faults of a camera itself, or of what is done to its pictures: such a one says why it is not recorded.
fn explains(fault: &Fault) -> bool {
    let of_the_camera = fault.code.starts_with("camera.") || fault.code.starts_with("mask.");
    of_the_camera && severity(fault) > Severity::Warning
}

/// What stops all cameras of a box.
fn stops_all(faults: &[Fault]) -> Option<Fault> {
    let of_the_box = || faults.iter().filter(|f| f.cam.is_none());
    let named = |code: &str| of_the_box().find(|f| f.code == code);
    let stopped = named("recording.stopped");
    // No disk takes anything: the disks' own conditions say why.
    let disk = stopped.and_then(|_| {
        let mut disks = of_the_box().filter(|f| f.code.starts_with("disk."));
        disks.find(|f| severity(f) == Severity::Critical)
    });
    disk.or(named("capture.stopped")).or(stopped).cloned()
}

/// Judges one camera. `faults`: all that stand on its box. `silent_since`: nothing is heard of the box since then; None: it is heard.
pub fn camera(
    cam: &CameraId,
    flow: Option<&Flow>,
    faults: &[Fault],
    silent_since: Option<Utc>,
) -> CameraStanding {
    let own = faults.iter().filter(|f| f.cam.as_ref() == Some(cam));
    let mut own: Vec<Fault> = own.cloned().collect();
    worst_first(&mut own);
    let flow = flow.filter(|_| silent_since.is_none());
    let (mark, state, cause) = match flow {
        None => (Mark::Unknown, CameraState::Unknown, None),
        Some(f) if f.recording => {
            let worst = own.first().cloned();
            let mark = worst.as_ref().map_or(Mark::Good, |f| {
                // It is recorded all the same: part of what was promised is kept.
                match explains(f) {
                    true => Mark::Amber,
                    false => Mark::of(severity(f)),
                }
            });
            (mark, CameraState::Recording, worst)
        }
        Some(f) => {
            let why = own.iter().find(|f| explains(f)).cloned();
            let why = why.or_else(|| stops_all(faults));
            match f.starting && why.is_none() {
                true => (Mark::Unknown, CameraState::Starting, None),
                false => (Mark::Red, CameraState::NotRecording, why),
            }
        }
    };
    own.retain(|f| Some(f) != cause.as_ref());
    CameraStanding {
        mark,
        state,
        cause,
        others: own,
        silent_since,
    }
}

/// Where a camera comes among the others of its box, worst first: by mark, by the severity of its cause, by how long it is down.
pub fn order(standing: &CameraStanding, flow: Option<&Flow>) -> impl Ord + use<> {
    let severity = standing.cause.as_ref().map(severity);
    let since = flow.and_then(|f| f.down_since).map_or(i64::MAX, |t| t.0);
    (
        std::cmp::Reverse(standing.mark),
        std::cmp::Reverse(severity),
        since,
    )
}

/// Judges a box by what is known of it and by its cameras, each with its id, in any order. `faults`: all that stand on it.
pub fn r#box(
    state: BoxState,
    cameras: &[(&CameraId, &CameraStanding)],
    faults: &[Fault],
    silent_since: Option<Utc>,
) -> BoxStanding {
    let count = |s| cameras.iter().filter(|(_, c)| c.state == s).count();
    let mut down: Vec<_> = cameras
        .iter()
        .filter(|(_, c)| c.state == CameraState::NotRecording)
        .collect();
    down.sort_by_key(|(_, c)| std::cmp::Reverse(c.cause.as_ref().map(severity)));
    let mut own: Vec<Fault> = faults.iter().filter(|f| f.cam.is_none()).cloned().collect();
    worst_first(&mut own);
    let worst_camera = cameras.iter().map(|(_, c)| c.mark).max();
    let worst_fault = own.first().map(|f| Mark::of(severity(f)));
    let code = |code: &str| Some(code.to_owned());
    let (mark, code) = match state {
        BoxState::Running => (
            worst_camera
                .into_iter()
                .chain(worst_fault)
                .max()
                .unwrap_or(Mark::Good),
            match down.is_empty() {
                true => own.first().map(|f| f.code.clone()),
                false => code("recording.stopped"),
            },
        ),
        BoxState::Unheard | BoxState::NotEnrolled | BoxState::Revoked => (Mark::Unknown, None),
        BoxState::Silent => (Mark::Unknown, code("box.silent")),
        BoxState::NotStarted => (Mark::Amber, code("box.unstarted")),
        BoxState::Stopped => (Mark::Red, code("box.stopped")),
        BoxState::LogRefused => (Mark::Red, code("log.refused")),
    };
    BoxStanding {
        mark,
        state,
        code,
        recording: count(CameraState::Recording),
        cameras: cameras.len(),
        down: down.iter().map(|(cam, _)| (*cam).clone()).collect(),
        silent_since,
    }
}

/// Where a box comes among the others, worst first: revoked, how it is, cameras that are down.
pub type BoxOrder = (bool, std::cmp::Reverse<Mark>, std::cmp::Reverse<usize>);

/// A revoked one comes last: nothing is expected of it.
pub fn box_order(standing: &BoxStanding) -> BoxOrder {
    (
        standing.state == BoxState::Revoked,
        std::cmp::Reverse(standing.mark),
        std::cmp::Reverse(standing.down.len()),
    )
}

#[cfg(test)]
mod tests;
