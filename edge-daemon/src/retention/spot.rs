//! Task. The daily spot check: one segment, drawn at random from all that is kept, is read by the reader and compared with its
//! `seg.write` (audit.md 2.21). The log says what was drawn, by what, and how it was found; nothing else remembers it.
//!
//! ```text
//! first head.ack of the day ──> the lowest score of what is kept ──> the reader reads it ──> spot.ok, or spot.bad and a fault
//!                                     ▲                                    │
//!                                     └── it was deleted meanwhile ◀───────┘ a disk or the reader is away: later
//! ```
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    spot::Wrong,
    time::{Day, Zone},
    types::{SpotBad, SpotOk},
};

use super::holds::Holds;
use crate::{
    health::Faults,
    reader::{Client, ReaderError},
    stop::Stop,
    store::{
        Index, Volumes,
        index::{Draw, IndexError, Segment},
    },
};

const WHO: &str = "sys:spot";
const FAULT: &str = "footage.spot";
/// How often it is looked whether there is a draw, and how soon what could not be read is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_secs(300);
/// Of what was found wrong on earlier days, so much is read again each day.
const WRONG_AGAIN: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum SpotError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the log took no line: {0}")]
    Log(#[from] LogError),
}

/// What one look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was to be done.
    Idle,
    /// That one was read, and this was wrong with it.
    Looked(CameraId, u64, Option<Wrong>),
    /// It could not be read now, and why.
    Waits(String),
}

/// What a reading came to: as in [`Outcome`].
enum Reading {
    Done(Option<Wrong>),
    Away(String),
}

pub struct Spot {
    pub zone: Zone,
    pub volumes: Volumes,
    pub log: LogHandle,
    pub index: PathBuf,
    pub client: Client,
    pub faults: Faults,
    pub holds: Holds,
    /// A day of whose draw nothing is kept any more.
    pub nothing: Option<Day>,
}

impl Spot {
    /// Returns when told to stop.
    pub fn run(mut self, stop: &Stop) {
        // The index of a log of years is being brought up to date by others first.
        let mut wait = LOOK_EVERY;
        while !stop.wait(wait) {
            wait = match self.look() {
                Ok(Outcome::Waits(why)) => {
                    tracing::info!(why, "the spot check waits");
                    AGAIN
                }
                Ok(_) => LOOK_EVERY,
                Err(SpotError::Log(LogError::Stopped(_))) => return,
                Err(e) => {
                    tracing::warn!(error = %e, "the spot check could not be made");
                    AGAIN
                }
            };
        }
    }

    /// The day's check, if it is due.
    pub fn look(&mut self) -> Result<Outcome, SpotError> {
        let mut index = Index::open(&self.index, &self.log.folder())?;
        let outcome = match index.draw()? {
            Some(draw) if self.nothing != Some(draw.day) => self.act(&mut index, &draw)?,
            _ => Outcome::Idle,
        };
        index.catch_up()?;
        self.say(&index)?;
        Ok(outcome)
    }

    fn act(&mut self, index: &mut Index, draw: &Draw) -> Result<Outcome, SpotError> {
        let before = index.found_wrong()?;
        let (segment, wrong) = loop {
            let Some(segment) = index.drawn(draw)? else {
                self.nothing = Some(draw.day);
                return Ok(Outcome::Idle);
            };
            let wrong = match self.read(index, &segment)? {
                Reading::Done(wrong) => wrong,
                Reading::Away(why) => return Ok(Outcome::Waits(why)),
            };
            // A deletion writes its line first: what went while it was read is no longer kept, and another is drawn.
            index.catch_up()?;
            if wrong.is_none() || index.keeps(&segment)? {
                break (segment, wrong);
            }
        };
        self.write(draw, &segment, wrong)?;
        let others = before.iter().filter(|(s, _)| s.leaf != segment.leaf);
        for (other, _) in others.take(WRONG_AGAIN) {
            // Whoever put a cable right sees it the next day; what is still wrong has its line.
            if let Reading::Done(None) = self.read(index, other)? {
                self.write(draw, other, None)?;
            }
        }
        Ok(Outcome::Looked(segment.cam, segment.s, wrong))
    }

    fn write(&self, draw: &Draw, s: &Segment, wrong: Option<Wrong>) -> Result<(), SpotError> {
        let (day, ack, cam) = (draw.day, draw.n, s.cam.clone());
        match wrong {
            None => self.log.append(
                WHO,
                &SpotOk {
                    day,
                    ack,
                    cam,
                    s: s.s,
                },
            )?,
            Some(wrong) => self.log.append(
                WHO,
                &SpotBad {
                    day,
                    ack,
                    cam,
                    s: s.s,
                    why: wrong.as_str().into(),
                },
            )?,
        };
        tracing::info!(cam = %s.cam, s = s.s, day = %draw.day, wrong = wrong.map(Wrong::as_str), "spot check");
        Ok(())
    }

    /// Has the reader read it where it lies: on its day's disk, or where a hold keeps it.
    fn read(&self, index: &Index, segment: &Segment) -> Result<Reading, SpotError> {
        let lies = match segment.deleted {
            true => self.holds.kept_at(index, segment)?,
            false => {
                let file = self.volumes.find(&segment.name());
                file.map(|file| (file, segment.key.clone()))
            }
        };
        let volumes = self.volumes.all();
        let lies = lies.and_then(|(file, key)| {
            let volume = volumes.iter().find(|v| file.starts_with(&v.path))?;
            let inner = file.strip_prefix(&volume.path).ok()?.to_str()?.to_owned();
            Some((volume, inner, key))
        });
        let wrong = match lies {
            None => Ok(Some(Wrong::Missing)),
            Some((volume, inner, key)) => {
                let (size, sha256) = (segment.size, &segment.sha256);
                self.client.spot(&volume.path, &inner, &key, size, sha256)
            }
        };
        Ok(match wrong {
            // Of a disk that is away nothing can be said; the disk is a fault of its own.
            Ok(Some(Wrong::Missing | Wrong::Unreadable)) if !self.volumes.all_there() => {
                Reading::Away("a footage disk is away".into())
            }
            Ok(wrong) => Reading::Done(wrong),
            Err(e @ ReaderError::Absent { .. }) => Reading::Away(e.to_string()),
            Err(e) => Reading::Away(format!("{} {}: {e}", segment.cam, segment.s)),
        })
    }

    /// A fault for each camera of which something is wrong, for as long as it is and is kept.
    fn say(&self, index: &Index) -> Result<(), IndexError> {
        let mut by_camera: BTreeMap<CameraId, Vec<(Segment, Wrong)>> = BTreeMap::new();
        for (segment, wrong) in index.found_wrong()? {
            let all = by_camera.entry(segment.cam.clone()).or_default();
            all.push((segment, wrong));
        }
        for known in self.faults.list() {
            let over = known
                .cam
                .as_ref()
                .is_none_or(|c| !by_camera.contains_key(c));
            if known.code == FAULT && over {
                self.faults.off(FAULT, known.cam.as_ref());
            }
        }
        for (cam, all) in &by_camera {
            let Some((segment, wrong)) = all.last() else {
                continue;
            };
            let others = match all.len() {
                1 => String::new(),
                n => format!("; {} more of this camera are not right", n - 1),
            };
            let why = format!(
                "{}: segment {} of {cam}, recorded {} to {}, file {}{others}",
                wrong.in_words(),
                segment.s,
                segment.t0.for_people(&self.zone),
                segment.t1.for_people(&self.zone),
                segment.name().closed_path(),
            );
            self.faults.on(FAULT, Some(cam), &why);
        }
        Ok(())
    }
}
