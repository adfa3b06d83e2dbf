//! Task. Sees to it that no camera goes unrecorded and untold: each second it looks what of each camera landed on a disk last.
//!
//! ```text
//! landing ──nothing for 10 s──> down: gap.open on the record, camera.nothing unless its cause has a fault ──something lands──> landing
//! ```
//! It asks nobody whether recording goes well; it looks at what is there. What is in the way is told by whoever knows ([`Hindrance`]).
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Sender,
    },
    time::Duration,
};

use shared::time::{Clock, Now, Utc};

use crate::{
    lock::lock,
    recording::{recorder::Shared, report::Report},
    segment::Cause,
};

const EVERY: Duration = Duration::from_secs(1);
/// So long nothing landed: the camera is not recorded. A camera whose pictures are further apart has longer.
pub const NOTHING_MS: u64 = 10_000;
/// A camera's picture is missing when so many of its usual distances have passed.
const DISTANCES: u64 = 3;
/// While it goes on, the fault's words are renewed this often.
const AGAIN_MS: u64 = 10_000;

/// What keeps a camera's pictures from being recorded, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The session is being set up.
    Connecting,
    /// The last session ended, for this cause; the words are its own.
    Ended(Cause, String),
    /// The session plays, and no picture has come.
    NoPicture,
    /// Pictures come, and none at which decoding may begin.
    NoOpening { pictures: u64 },
    /// Pictures come, and neither the camera's description nor its stream says how they are coded.
    NoParameters { pictures: u64 },
    /// Pictures come whose mask is not imposed or proved yet.
    Masking,
    /// No volume takes them.
    NoVolume,
}

impl Hindrance {
    pub fn cause(&self) -> Cause {
        match self {
            Hindrance::Connecting => Cause::Unreachable,
            Hindrance::Ended(cause, _) => *cause,
            Hindrance::NoPicture => Cause::Stall,
            Hindrance::NoOpening { .. } | Hindrance::NoParameters { .. } => Cause::NoKey,
            Hindrance::Masking => Cause::Mask,
            Hindrance::NoVolume => Cause::Disk,
        }
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hindrance::Connecting => f.write_str("the box is connecting to it"),
            Hindrance::Ended(_, why) => f.write_str(why),
            Hindrance::NoPicture => f.write_str("it is connected, and sends no picture"),
            Hindrance::NoOpening { pictures } => write!(
                f,
                "{pictures} pictures came, and none of them is a key picture or a recovery point at which a recording can begin"
            ),
            Hindrance::NoParameters { pictures } => write!(
                f,
                "{pictures} pictures came, and the camera sent no parameter sets (SPS, PPS) to decode them with"
            ),
            Hindrance::Masking => {
                f.write_str("its pictures come, and none has come back with its mask yet")
            }
            Hindrance::NoVolume => f.write_str("its pictures come, and no disk takes them"),
        }
    }
}

/// What is known of one camera at a look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// End of the last picture on a disk, and when it landed (monotonic ms).
    pub landed: Option<(Utc, u64)>,
    /// The usual distance of its recorded pictures, in ms; 0 while not known.
    pub distance_ms: u64,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing has landed since then.
    Down(Utc),
    /// It is still down: its words may be others by now.
    StillDown,
    Landing,
}

/// One camera's state. Pure.
#[derive(Clone, Copy, Debug)]
pub struct Landing {
    began: Now,
    /// When it was said last that it is down.
    down: Option<u64>,
}

impl Landing {
    pub fn new(began: Now) -> Self {
        Self { began, down: None }
    }

    pub fn look(&mut self, look: Look, now: Now) -> Option<Change> {
        let patience = NOTHING_MS.max(look.distance_ms.saturating_mul(DISTANCES));
        let since = look.landed.map_or(self.began.mono, |(_, mono)| mono);
        let nothing = now.mono.saturating_sub(since) >= patience;
        match (nothing, self.down) {
            (true, None) => {
                self.down = Some(now.mono);
                Some(Change::Down(
                    look.landed.map_or(self.began.wall, |(end, _)| end),
                ))
            }
            (true, Some(said)) if now.mono.saturating_sub(said) >= AGAIN_MS => {
                self.down = Some(now.mono);
                Some(Change::StillDown)
            }
            (false, Some(_)) => {
                self.down = None;
                Some(Change::Landing)
            }
            (true, Some(_)) | (false, None) => None,
        }
    }
}

/// What is in the way, by what is in it `now` and how the last session `ended` of which nothing landed: while none ends well, one that
/// has just begun is no reason.
fn standing(now: Option<Hindrance>, ended: Option<Hindrance>) -> Option<Hindrance> {
    // What we decided ourselves says nothing of the camera.
    let ours = |h: &Hindrance| {
        let cause = h.cause();
        matches!(
            cause,
            Cause::Rule | Cause::Capacity | Cause::Mask | Cause::Unproved
        )
    };
    match now {
        None | Some(Hindrance::Connecting | Hindrance::NoPicture) => {
            ended.filter(|h| !ours(h)).or(now)
        }
        other => other,
    }
}

/// Looks at all cameras until told to stop.
pub fn run(
    cameras: &[Arc<Shared>],
    clock: &dyn Clock,
    reports: &Sender<Report>,
    stop: &AtomicBool,
) {
    let mut states = vec![Landing::new(clock.now()); cameras.len()];
    let mut landed = vec![None; cameras.len()];
    while !stop.load(Relaxed) {
        std::thread::sleep(EVERY);
        let now = clock.now();
        for ((camera, state), landed) in cameras.iter().zip(&mut states).zip(&mut landed) {
            let look = Look {
                landed: camera.landed.last(),
                distance_ms: camera.distance_ms(),
            };
            if look.landed != *landed {
                *landed = look.landed;
                *lock(&camera.ended) = None;
            }
            let Some(change) = state.look(look, now) else {
                continue;
            };
            let cam = camera.index;
            let hindrance = standing(lock(&camera.hindrance).clone(), lock(&camera.ended).clone());
            let report = match change {
                Change::Down(since) => Report::Down {
                    cam,
                    since: Some(since),
                    hindrance,
                },
                Change::StillDown => Report::Down {
                    cam,
                    since: None,
                    hindrance,
                },
                Change::Landing => Report::Landing { cam },
            };
            let _ = reports.send(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Now {
        Now {
            wall: Utc(1_800_000_000_000 + secs as i64 * 1000),
            mono: 5_000_000 + secs * 1000,
        }
    }

    fn landed(secs: u64, distance_ms: u64) -> Look {
        Look {
            landed: Some((at(secs).wall, at(secs).mono)),
            distance_ms,
        }
    }

    /// FLT-3 (K1): after ten seconds in which nothing landed it is said, from when on, once; and again when it lands.
    #[test]
    fn nothing_lands() {
        let nothing = Look {
            landed: None,
            distance_ms: 0,
        };
        let mut landing = Landing::new(at(0));
        assert_eq!(landing.look(nothing, at(9)), None);
        assert_eq!(
            landing.look(nothing, at(10)),
            Some(Change::Down(at(0).wall))
        );
        assert_eq!(landing.look(nothing, at(15)), None);
        assert_eq!(landing.look(nothing, at(20)), Some(Change::StillDown));
        assert_eq!(landing.look(landed(21, 40), at(22)), Some(Change::Landing));
        assert_eq!(landing.look(landed(21, 40), at(30)), None);
        assert_eq!(
            landing.look(landed(21, 40), at(31)),
            Some(Change::Down(at(21).wall))
        );
    }

    /// FLT-3: a camera that breaks every session off has a gap that says so, at whatever moment of a session it is looked at.
    #[test]
    fn how_sessions_end_counts() {
        let ended = |cause| Some(Hindrance::Ended(cause, "why".into()));
        for now in [
            None,
            Some(Hindrance::Connecting),
            Some(Hindrance::NoPicture),
        ] {
            assert_eq!(standing(now.clone(), None), now);
            assert_eq!(
                standing(now.clone(), ended(Cause::Lost)),
                ended(Cause::Lost)
            );
            assert_eq!(standing(now.clone(), ended(Cause::Rule)), now);
        }
        let opening = Some(Hindrance::NoOpening { pictures: 9 });
        assert_eq!(standing(opening.clone(), ended(Cause::Lost)), opening);
    }

    /// REC-3, FLT-3 (K12): a camera with a picture every twelve seconds is recorded.
    #[test]
    fn a_slow_camera_is_no_outage() {
        let mut landing = Landing::new(at(0));
        for n in 1..20 {
            assert_eq!(landing.look(landed(n * 12, 12_000), at(n * 12 + 11)), None);
        }
        assert!(matches!(
            landing.look(landed(228, 12_000), at(265)),
            Some(Change::Down(_))
        ));
    }
}
