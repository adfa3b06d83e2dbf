//! Pure. What the certificate of a package says, as values: each computed from the log, from what was asked for, or from the check of this very
//! package, and nothing predicted. The sentences are in [`words`](crate::words::certificate).
//!
//! | file | what of it |
//! |---|---|
//! | [`people`] | who asked, who authorised |
//! | [`continuity`] | gaps, losses, faults and starts |
//! | [`rate`] | how many pictures |
//! | [`masks`] | how each stretch was hidden |
//! | [`clock`] | what its times are worth |
//! | [`check`] | what the check by program found |

use std::{collections::BTreeMap, path::PathBuf};

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
    types::{CamSession, CamSet, LogOpen, SegWrite, SysBoot},
};

use super::lines::LogLine;
use check::Check;
use people::People;

pub mod check;
pub mod clock;
pub mod continuity;
pub mod masks;
pub mod people;
pub mod rate;

/// Who asked for what, and who made it.
#[derive(Clone, Debug)]
pub struct Request {
    pub exhibit: ExhibitRef,
    pub camera: BoxCamera,
    /// What the camera is called now: for a log that does not say what it was called when.
    pub title: String,
    pub scheme: String,
    /// Asked from, asked to.
    pub t0: Utc,
    pub t1: Utc,
    pub people: People,
    pub grant: String,
    /// In whose name the register is written: `op:0147`.
    pub operator: String,
    /// Under which authorities masks of this camera were lifted: salted hash, as in the log, and text.
    pub authorities: BTreeMap<String, String>,
    pub zone: Zone,
    pub zone_name: String,
}

/// One master as it was checked.
#[derive(Clone, Debug)]
pub struct Master {
    pub n: u64,
    pub file: String,
    pub line: SegWrite,
}

/// One working copy as it was made.
#[derive(Clone, Debug)]
pub struct WorkingCopy {
    pub file: String,
    pub t0: Utc,
    pub t1: Utc,
    pub frames: u64,
    pub bytes: u64,
    pub codec: &'static str,
    pub sha256: String,
    /// Its times and gaps in words, for players.
    pub subtitles: Option<SubtitleFile>,
}

/// The subtitles of a working copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtitleFile {
    pub file: String,
    pub sha256: String,
}

/// What it is computed from.
pub struct Facts<'a> {
    pub request: &'a Request,
    pub made: Utc,
    /// Origin of the box's log, lines under the head, and when the hub countersigned it.
    pub log: &'a str,
    pub size: u64,
    pub countersigned: Utc,
    pub masters: &'a [Master],
    pub working: &'a [WorkingCopy],
    /// Why there is no working copy, or not one of everything.
    pub working_short: &'a [String],
    pub lines: &'a [&'a LogLine],
    pub hub_key: &'a str,
    /// What of what was asked for is missing.
    pub short: Option<&'a str>,
    pub check: &'a Check,
    /// SHA-256 of the seal key (SPKI), lower hex.
    pub seal_key: &'a str,
    /// Where the log of the footage has ended: the one that says that it was handed out, and in which line.
    pub later: Option<(&'a LaterLog, u64)>,
}

/// What the camera was called, and where it stood, from a master on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub from: Utc,
    /// Title and site by the log's `cam.set`; None where the log does not say.
    pub name: Option<(String, String)>,
}

/// What the camera said of itself when a session began, by its `cam.session` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub codec: String,
    pub width: u64,
    pub height: u64,
    pub serial: Option<String>,
}

/// The box, by the lines of its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    /// Where it stood when its log began.
    pub site: Option<String>,
    pub hardware: Option<String>,
    /// Versions that ran, in their order.
    pub software: Vec<String>,
}

/// Everything the certificate says that has to be computed; what is only handed on stands in [`Facts`].
#[derive(Clone, Debug)]
pub struct Certificate {
    pub names: Vec<Name>,
    pub devices: Vec<Device>,
    pub recorder: Recorder,
    /// Bytes and milliseconds of all masters.
    pub bytes: u64,
    pub recorded_ms: i64,
    pub continuity: continuity::Continuity,
    pub events: Vec<continuity::Event>,
    pub runs: Vec<rate::Run>,
    pub changes: Vec<rate::Change>,
    pub masks: masks::Masks,
    pub clock: clock::Clock,
}

impl Certificate {
    pub fn of(f: &Facts<'_>) -> Self {
        let masters = || f.masters.iter().map(|m| &m.line);
        Self {
            names: names(f),
            devices: devices(f),
            recorder: recorder(f),
            bytes: masters().fold(0, |sum, l| sum.saturating_add(l.size)),
            recorded_ms: masters().fold(0, |sum, l| {
                sum.saturating_add(l.t1.0.saturating_sub(l.t0.0))
            }),
            continuity: continuity::continuity(f),
            events: continuity::events(f),
            runs: rate::runs(f),
            changes: rate::changes(f),
            masks: masks::masks(f),
            clock: clock::clock(f),
        }
    }
}

/// The lines of one kind, in their order.
fn of<'a, D: shared::types::Data + serde::de::DeserializeOwned + 'a>(
    f: &Facts<'a>,
) -> impl Iterator<Item = (&'a LogLine, D)> + 'a {
    read(f.lines)
}

fn read<'a, D: shared::types::Data + serde::de::DeserializeOwned + 'a>(
    lines: &[&'a LogLine],
) -> impl Iterator<Item = (&'a LogLine, D)> + 'a + use<'a, D> {
    let lines = lines.iter().copied();
    let read: Vec<_> = lines.filter_map(|k| Some((k, k.data::<D>()?))).collect();
    read.into_iter()
}

/// What the camera was called, and where it stood, when each of the masters was recorded.
fn names(f: &Facts<'_>) -> Vec<Name> {
    let lines: Vec<(u64, CamSet)> = of::<CamSet>(f).map(|(k, name)| (k.n(), name)).collect();
    let mut names: Vec<Name> = Vec::new();
    for m in f.masters {
        let name = lines.iter().rfind(|(n, _)| *n < m.n);
        let name = name.map(|(_, set)| (set.title.clone(), set.site.clone()));
        if names.last().is_none_or(|last| last.name != name) {
            let from = m.line.t0;
            names.push(Name { from, name });
        }
    }
    names
}

fn devices(f: &Facts<'_>) -> Vec<Device> {
    let mut all: Vec<Device> = Vec::new();
    for (_, s) in of::<CamSession>(f) {
        let device = Device {
            codec: s.codec,
            width: s.w,
            height: s.h,
            serial: s.serial,
        };
        if !all.contains(&device) {
            all.push(device);
        }
    }
    all
}

fn recorder(f: &Facts<'_>) -> Recorder {
    let (mut software, mut site, mut hardware) = (Vec::new(), None, None);
    if let Some((_, open)) = of::<LogOpen>(f).next() {
        (site, hardware) = (Some(open.site), Some(open.hw));
        software.push(open.sw);
    }
    for (_, boot) in of::<SysBoot>(f) {
        if software.last() != Some(&boot.sw) {
            software.push(boot.sw);
        }
    }
    // Of several starts before the masters only the last line is here: the log's first version is then not the one that recorded.
    let first = f.masters.first().map_or(u64::MAX, |m| m.n);
    if of::<SysBoot>(f).any(|(k, _)| k.n() < first) && software.len() > 1 {
        software.remove(0);
    }
    Recorder {
        site,
        hardware,
        software,
    }
}

/// The findings a package that is known to be partial may have: time asked for that is not here, and segments between its first and its
/// last that are not.
pub const SHORT: &str = "DOES-NOT-COVER-REQUEST";

pub const HOLE: &str = "SEGMENT-MISSING";

/// The log that a box writes when that of the footage has ended.
#[derive(Clone, Debug)]
pub struct LaterLog {
    /// The hub's copy.
    pub log: PathBuf,
    pub origin: String,
    /// Why the log of the footage is not countersigned any more: a code and a sentence.
    pub dispute: Option<(String, String)>,
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod tests;
