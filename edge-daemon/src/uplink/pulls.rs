//! Adapter: filesystem. Prepared pulls: what the hub ordered, what the log says about it, and the bytes as they will be sent.
//!
//! `<state>/pulls/<ref>-<camera>.json` is written before and after the reader makes new headers, so that the same order again
//! (the hub repeats it after every reconnection) gives the same answer and one `exp.clip` line.
//! Invariant: the `exp.clip` line is synced and under a signed head before a header that the hub can open exists.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::LogHandle;
use serde::{Deserialize, Serialize};
use shared::{
    approval::Subject,
    id::{BoxName, CameraId, ExhibitRef},
    note::Vkey,
    time::{Clock, Utc},
    types::{DelConfirm, ExpClip},
    wire::{Order, PullSegment, ToHub},
};

use crate::{
    cameras::Cameras,
    clock::Trust,
    config::Config,
    masking::{
        approvals::Approvals,
        lift,
        masks::{Ordered, Reviewed},
    },
    reader::{Client, ReaderError},
    retention::{
        holds::{self, Holds},
        sweeper::Confirmed,
    },
    state::State,
    store::{Index, Volumes, index::Segment, outlook::Outlook},
    uplink::{
        signed::{signed, understood},
        succession,
    },
};

/// How long a pull that touches now waits for the open segment to close: cameras send a key frame at least every few seconds.
const CLOSE_OPEN: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// A sentence for the officer who waits.
    #[error("{0}")]
    Refused(String),
    /// Trouble of the box's own, which passes: the hub knows it by its first words and orders again.
    #[error("the box could not {what}: {why}")]
    Box { what: &'static str, why: String },
}

fn failed(what: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> PullError {
    move |e| PullError::Box {
        what,
        why: e.to_string(),
    }
}

/// One file of `pulls/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The order's exact text.
    pub order: String,
    /// Number of the log and of the line that the `exp.clip` line is.
    pub log: u64,
    pub n: u64,
    /// Number of the log that the segments' lines are in.
    pub of: u64,
    pub segments: Vec<Prepared>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    pub s: u64,
    /// Line number of its `seg.write`.
    pub n: u64,
    pub path: PathBuf,
    pub key: String,
    /// Length of the header on disk, which `header` (base64) takes the place of. None until the reader has made it.
    pub header: Option<(u64, String)>,
    /// Size of the file as it is sent.
    pub sealed: u64,
}

/// What preparing needs from the rest of the box.
pub struct Desk {
    pub config: Arc<Config>,
    pub state: State,
    pub log: LogHandle,
    pub cameras: Cameras,
    pub volumes: Volumes,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub trust: Trust,
    pub holds: Holds,
    pub confirmed: Confirmed,
    pub outlook: Outlook,
    pub succession: succession::Due,
    pub approvals: Approvals,
}

/// Checks and carries out one order. None: an order of a kind this version does not know, left alone.
pub fn carry_out(desk: &Desk, key: &Vkey, order: &str, sig: &str) -> Option<ToHub> {
    if let Err(why) = signed(key, order, sig) {
        tracing::error!(why, "an order was not carried out");
        return None;
    }
    let Some((ordered, approved)) = understood(order) else {
        tracing::warn!("an order was not understood");
        return None;
    };
    match ordered.order {
        Order::Pull {
            r#box,
            r#ref,
            cam,
            t0,
            t1,
            grant,
            purpose,
            ..
        } => {
            let asked = Asked {
                r#ref: r#ref.clone(),
                cam: cam.clone(),
                t0,
                t1,
                grant,
                purpose,
            };
            let done = here(desk, &r#box)
                .map_err(PullError::Refused)
                .and_then(|()| pull(desk, order, sig, &asked));
            Some(match done {
                Ok(record) => {
                    let segments = record
                        .segments
                        .iter()
                        .map(|p| PullSegment {
                            s: p.s,
                            n: p.n,
                            sealed: p.sealed,
                        })
                        .collect();
                    ToHub::PullReady {
                        r#ref,
                        cam,
                        log: record.log,
                        n: record.n,
                        of: record.of,
                        segments,
                    }
                }
                Err(e) => {
                    tracing::warn!(exhibit = %r#ref, camera = %cam, error = %e, "a pull failed");
                    ToHub::PullFailed {
                        r#ref,
                        cam,
                        why: e.to_string(),
                    }
                }
            })
        }
        Order::Rate {
            r#box,
            order,
            cam,
            minutes,
            made,
        } => {
            let done = here(desk, &r#box)
                .and_then(|()| desk.cameras.order_rate(&cam, order, made, minutes));
            Some(match done {
                Ok(until) => ToHub::RateSet { order, cam, until },
                Err(why) => {
                    tracing::warn!(order, camera = %cam, why, "an order of a rate was refused");
                    ToHub::RateFailed { order, cam, why }
                }
            })
        }
        Order::MaskLift {
            r#box,
            order,
            cam,
            mask,
            instead,
            until,
            authority,
            by,
            made,
        } => {
            let asked = lift::Asked {
                order,
                mask,
                instead,
                until,
                authority,
                by,
                made,
            };
            let subject = Subject {
                number: asked.order,
                text: &approved,
                by: &asked.by,
            };
            let done = here(desk, &r#box)
                .and_then(|()| {
                    let done = desk.approvals.approve(subject, &ordered.approvals);
                    done.map_err(|e| e.to_string())
                })
                .and_then(|()| desk.cameras.lift_mask(&cam, &asked));
            Some(of_mask(order, cam, done.map(Some)))
        }
        Order::MaskEnd {
            r#box,
            order,
            cam,
            by: _,
            made,
        } => {
            let done = here(desk, &r#box).and_then(|()| desk.cameras.end_lift(&cam, order, made));
            Some(of_mask(order, cam, done.map(|()| None)))
        }
        Order::MaskSet {
            r#box,
            order,
            cam,
            mask,
            reviewer,
            by,
            made,
        } => {
            let ordered = Ordered {
                order,
                made,
                mask,
                reviewer,
                by,
            };
            let done = here(desk, &r#box).and_then(|()| desk.cameras.set_mask(&cam, &ordered));
            Some(of_mask(order, cam, done.map(|()| None)))
        }
        Order::MaskReview {
            r#box,
            order,
            cam,
            mask,
            sha256,
            review,
            reviewer,
            by,
            made,
        } => {
            let reviewed = Reviewed {
                order,
                made,
                mask,
                sha256,
                review,
                reviewer,
                by,
            };
            let done =
                here(desk, &r#box).and_then(|()| desk.cameras.mask_reviewed(&cam, &reviewed));
            Some(of_mask(order, cam, done.map(|()| None)))
        }
        Order::HoldSet {
            r#box,
            hold,
            cam,
            t0,
            t1,
            until,
            grant,
        } => {
            let asked = holds::Asked {
                hold,
                cam,
                t0,
                t1,
                until,
                grant,
            };
            let told = here(desk, &r#box).and_then(|()| desk.holds.tell_reader(order, sig));
            let done = told.map_err(Into::into).and_then(|()| {
                desk.holds.place(&asked, || {
                    desk.cameras.close_open(&asked.cam, CLOSE_OPEN);
                })
            });
            Some(match done {
                Ok(holds::Placed {
                    until,
                    segments,
                    bytes,
                }) => ToHub::HoldPlaced {
                    hold,
                    until,
                    segments,
                    bytes,
                },
                Err(holds::Refused { full, why }) => {
                    tracing::warn!(%hold, camera = %asked.cam, why, "a hold was refused");
                    ToHub::HoldFailed { hold, full, why }
                }
            })
        }
        Order::Sweep {
            r#box,
            order: number,
            by,
            made,
        } => {
            // To the reader it says how late it is.
            let done = here(desk, &r#box)
                .and_then(|()| desk.holds.tell_reader(order, sig))
                .and_then(|()| sweep(desk, number, by, made));
            let order = number;
            Some(match done {
                Ok(()) => ToHub::SweepBegun { order },
                Err(why) => ToHub::SweepFailed { order, why },
            })
        }
        Order::LogSucceed {
            r#box,
            order,
            above,
            by,
            made: _,
        } => {
            let done = here(desk, &r#box).and_then(|()| succeed(desk, order, above, by));
            Some(match done {
                Ok(()) => ToHub::SuccessionBegun { order },
                Err(why) => ToHub::SuccessionFailed { order, why },
            })
        }
        Order::HoldClear {
            r#box,
            hold,
            why,
            by,
        } => {
            let done = here(desk, &r#box)
                .and_then(|()| desk.holds.tell_reader(order, sig))
                .and_then(|()| desk.holds.clear(hold, &why, by));
            Some(match done {
                Ok(()) => ToHub::HoldCleared { hold },
                Err(why) => ToHub::HoldFailed {
                    hold,
                    full: false,
                    why,
                },
            })
        }
        Order::Unknown => {
            tracing::warn!("an order of a kind this version does not know was left alone");
            None
        }
    }
}

/// An order for another box is not obeyed.
fn here(desk: &Desk, name: &BoxName) -> Result<(), String> {
    if *name == desk.config.name {
        return Ok(());
    }
    Err(format!(
        "the order is for the box {name}, this is {}",
        desk.config.name
    ))
}

/// The hub's word that the clock is right; an old one says nothing of now.
fn sweep(desk: &Desk, order: u64, by: Vec<String>, made: Utc) -> Result<(), String> {
    const FRESH_MS: i64 = 600_000;
    let now = desk.clock.now();
    if !desk.trust.corroborated(now) {
        return Err("the box's clock is in doubt, and nothing is deleted by it; the hub's word about its deletions does not mend that".into());
    }
    if (now.wall.0 - made.0).abs() > FRESH_MS {
        return Err(format!(
            "the order was made at {made}, and the box's clock says {}",
            now.wall
        ));
    }
    desk.log
        .append("hub:order", &DelConfirm { order, by })
        .map_err(|e| format!("the log took no line: {e}; nothing was done"))?;
    desk.confirmed.give();
    Ok(())
}

/// The next start begins a new log.
fn succeed(desk: &Desk, order: u64, above: u64, by: Vec<String>) -> Result<(), String> {
    let folder = desk.log.folder();
    let present = folder.file_name().and_then(|n| n.to_str()?.parse().ok());
    let present = present.ok_or("the log's folder has no number; nothing was done")?;
    let asked = succession::Asked { order, above, by };
    succession::ask(&desk.state.recorder(), present, &asked, &desk.succession)
}

fn of_mask(order: u64, cam: CameraId, done: Result<Option<Utc>, String>) -> ToHub {
    match done {
        Ok(until) => ToHub::MaskDone { order, cam, until },
        Err(why) => {
            tracing::warn!(order, camera = %cam, why, "an order about a mask was refused");
            ToHub::MaskFailed { order, cam, why }
        }
    }
}

struct Asked {
    r#ref: ExhibitRef,
    cam: CameraId,
    t0: Utc,
    t1: Utc,
    grant: String,
    purpose: String,
}

fn pull(desk: &Desk, order: &str, sig: &str, asked: &Asked) -> Result<Record, PullError> {
    let path = path(&desk.state, &asked.r#ref, &asked.cam);
    let record = match read(&path).map_err(|e| failed("read what it prepared")(&e))? {
        Some(record) if record.order == order => record,
        Some(_) => {
            return Err(PullError::Refused(format!(
                "{} was prepared for another span or hub key already; ask under a new reference",
                asked.r#ref
            )));
        }
        None => begin(desk, order, sig, asked, &path)?,
    };
    let record = restated(&desk.log, &path, asked, record)?;
    let record = finish(desk, order, sig, found_again(desk, &asked.cam, record)?)?;
    write(&path, &record)?;
    Ok(record)
}

/// The box begins a new log while a pull waits, when its log has forked: the hub countersigns the old one no more, so what was handed out is
/// said once more in the new one.
fn restated(
    log: &LogHandle,
    path: &Path,
    asked: &Asked,
    mut record: Record,
) -> Result<Record, PullError> {
    let present = number(log)?;
    if record.log == present {
        return Ok(record);
    }
    if let (Some(first), Some(end)) = (record.segments.first(), record.segments.last()) {
        record.n = log_export(log, asked, first.s, end.s)?;
        record.log = present;
    }
    // Headers come after a signed head, as always.
    log.sign_head()
        .map_err(|e| failed("sign the log; nothing was handed out")(&e))?;
    write(path, &record)?;
    Ok(record)
}

/// Number of the log that is written.
fn number(log: &LogHandle) -> Result<u64, PullError> {
    let folder = log.folder();
    let number = folder.file_name().and_then(|n| n.to_str()?.parse().ok());
    number.ok_or(PullError::Box {
        what: "name its log",
        why: format!("{} has no number", folder.display()),
    })
}

/// Puts the export on the record; the line's number.
fn log_export(log: &LogHandle, asked: &Asked, s0: u64, s1: u64) -> Result<u64, PullError> {
    let line = ExpClip {
        r#ref: asked.r#ref.to_string(),
        cam: asked.cam.clone(),
        s0,
        s1,
        grant: asked.grant.clone(),
        purpose: asked.purpose.clone(),
    };
    let line = log.append("hub:order", &line);
    line.map(|l| l.n)
        .map_err(|e| failed("log the export; nothing was handed out")(&e))
}

/// What was prepared and has gone since, its day being over: a hold's copy takes its place, and a new header is made.
fn found_again(desk: &Desk, cam: &CameraId, mut record: Record) -> Result<Record, PullError> {
    if record.segments.iter().all(|p| p.path.is_file()) {
        return Ok(record);
    }
    let index = Index::open(&desk.state.index(), &desk.log.folder())
        .map_err(|e| failed("open its index")(&e))?;
    for p in record.segments.iter_mut().filter(|p| !p.path.is_file()) {
        let segment = index
            .segment(cam, p.s)
            .map_err(|e| failed("read its index")(&e))?;
        if let Some(segment) = segment {
            (p.path, p.key) = find(desk, &index, &segment)?;
            (p.header, p.sealed) = (None, 0);
        }
    }
    Ok(record)
}

/// Finds the segments and puts the export on the record.
fn begin(
    desk: &Desk,
    order: &str,
    sig: &str,
    asked: &Asked,
    path: &Path,
) -> Result<Record, PullError> {
    if asked.t0 >= asked.t1 {
        return Err(PullError::Refused(
            "the span asked for ends before it begins".into(),
        ));
    }
    let now = desk.clock.now();
    if asked.t1 > desk.trust.latest(now).plus_ms(5_000) {
        return Err(PullError::Refused(format!(
            "the span asked for ends in the future; the box's clock says {}",
            now.wall
        )));
    }
    let mut index = Index::open(&desk.state.index(), &desk.log.folder())
        .map_err(|e| failed("open its index")(&e))?;
    let last = index.last().map_err(|e| failed("read its index")(&e))?;
    let landed = last
        .iter()
        .find(|(cam, ..)| *cam == asked.cam)
        .map(|(_, _, t1)| *t1);
    let recorded_here = desk.config.cameras.iter().any(|c| c.id == asked.cam);
    if recorded_here
        && landed.is_none_or(|t| t < asked.t1)
        && !desk.cameras.close_open(&asked.cam, CLOSE_OPEN)
    {
        tracing::warn!(camera = %asked.cam, "the open segment did not close in time");
    }
    index
        .catch_up()
        .map_err(|e| failed("bring its index up to date")(&e))?;
    let there = desk
        .holds
        .of(&index, &asked.cam, asked.t0, asked.t1)
        .map_err(|e| failed("read its index")(&e))?;
    let recorded = there.len();
    let mut segments = desk
        .holds
        .available(&index, there)
        .map_err(|e| failed("read its index")(&e))?;
    if segments.is_empty() && recorded > 0 {
        return Err(PullError::Refused(desk.holds.past(&asked.cam)));
    }
    // A package shows the lines of one log: the newest that any of it was recorded under. The hub says what is left for another pull.
    let Some(of) = segments.iter().map(|s| s.log).max() else {
        return Err(PullError::Refused(nothing(desk, &index, asked)));
    };
    segments.retain(|s| s.log == of);
    let (mut prepared, mut nowhere) = (Vec::with_capacity(segments.len()), Vec::new());
    for segment in &segments {
        // What is not there any more is left out: the rest is wanted all the same, and the numbers show the hole.
        let Some((path, key)) = open_at(desk, &index, segment)? else {
            nowhere.push(segment.s);
            continue;
        };
        prepared.push(Prepared {
            s: segment.s,
            n: segment.n,
            path,
            key,
            header: None,
            sealed: 0,
        });
    }
    if !nowhere.is_empty() {
        tracing::warn!(exhibit = %asked.r#ref, camera = %asked.cam, segments = ?nowhere, "in the log but not on any disk that is there: left out of a clip");
    }
    let (Some(first), Some(end)) = (prepared.first(), prepared.last()) else {
        return Err(PullError::Refused(missing(&asked.cam, &nowhere)));
    };
    // What the reader would not hand out is not on the record as handed out.
    desk.client.order(order, sig).map_err(|e| match e {
        ReaderError::Spent(why) => PullError::Refused(why),
        e => failed("have the reader look at the order")(&e),
    })?;
    let record = Record {
        order: order.into(),
        log: number(&desk.log)?,
        n: log_export(&desk.log, asked, first.s, end.s)?,
        of,
        segments: prepared,
    };
    write(path, &record)?;
    Ok(record)
}

/// Signs a head over the line, then has the reader make the headers that are still missing.
fn finish(desk: &Desk, order: &str, sig: &str, mut record: Record) -> Result<Record, PullError> {
    if record.segments.iter().all(|p| p.header.is_some()) {
        return Ok(record);
    }
    desk.log
        .sign_head()
        .map_err(|e| failed("sign the log; nothing was handed out")(&e))?;
    for p in record.segments.iter_mut().filter(|p| p.header.is_none()) {
        let (old, header) = desk
            .client
            .rewrap(order, sig, &p.path, &p.key)
            .map_err(|e| failed("open the footage")(&e))?;
        let size = std::fs::metadata(&p.path)
            .map_err(|e| failed("find the footage")(&e))?
            .len();
        p.sealed = size.saturating_sub(old) + header.len() as u64;
        p.header = Some((old, STANDARD.encode(&header)));
    }
    Ok(record)
}

fn nothing(desk: &Desk, index: &Index, asked: &Asked) -> String {
    let zone = &desk.config.zone;
    let people = |t: Utc| t.for_people(zone);
    let head = format!(
        "no footage of {} between {} and {}",
        asked.cam,
        people(asked.t0),
        people(asked.t1)
    );
    match index.touching(&asked.cam, Utc(i64::MIN / 4), Utc(i64::MAX / 4)) {
        Ok(all) => match (all.first(), all.last()) {
            (Some(first), Some(last)) => format!(
                "{head}; the box holds {} to {}",
                people(first.t0),
                people(last.t1)
            ),
            _ => format!("{head}; the box holds none of this camera"),
        },
        Err(_) => head,
    }
}

fn open_at(
    desk: &Desk,
    index: &Index,
    segment: &Segment,
) -> Result<Option<(PathBuf, String)>, PullError> {
    let found = desk.holds.open_at(index, segment);
    found.map_err(|e| failed("read its index")(&e))
}

fn find(desk: &Desk, index: &Index, segment: &Segment) -> Result<(PathBuf, String), PullError> {
    open_at(desk, index, segment)?
        .ok_or_else(|| PullError::Refused(missing(&segment.cam, &[segment.s])))
}

fn missing(cam: &CameraId, segments: &[u64]) -> String {
    let numbers: Vec<String> = segments.iter().map(u64::to_string).collect();
    format!(
        "{cam}: segment {} in the log but not on any disk of the box that is there; nothing was handed out. Look at the box's disks (beadle-edge doctor)",
        match numbers.as_slice() {
            [one] => format!("{one} is"),
            [first, .., last] => format!("{first} to {last} are"),
            [] => "is".into(),
        }
    )
}

fn path(state: &State, r#ref: &ExhibitRef, cam: &CameraId) -> PathBuf {
    state
        .pulls()
        .join(format!("{ref}-{cam}.json", r#ref = r#ref.as_str()))
}

fn read(path: &Path) -> std::io::Result<Option<Record>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(std::io::Error::other),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn write(path: &Path, record: &Record) -> Result<(), PullError> {
    let bytes =
        serde_json::to_vec(record).map_err(|e| failed("write down what it prepared")(&e))?;
    logbook::write_whole(path, &bytes, true).map_err(|e| failed("write down what it prepared")(&e))
}

/// One segment of a prepared pull, read as it is to be sent: new header, then the payload as it lies on disk.
pub struct Sending {
    header: Vec<u8>,
    old_header: u64,
    file: File,
    pub size: u64,
    at: u64,
}

impl Sending {
    /// Opens a segment at an offset of the file as it is sent. The error is a sentence for the hub.
    pub fn open(
        state: &State,
        r#ref: &ExhibitRef,
        cam: &CameraId,
        s: u64,
        offset: u64,
    ) -> Result<Self, String> {
        let record = read(&path(state, r#ref, cam)).map_err(|e| {
            format!(
                "what was prepared for {ref} cannot be read: {e}",
                r#ref = r#ref.as_str()
            )
        })?;
        let record = record.ok_or_else(|| {
            format!(
                "nothing is prepared for {} of {cam}; order it first",
                r#ref.as_str()
            )
        })?;
        let p = record
            .segments
            .iter()
            .find(|p| p.s == s)
            .ok_or_else(|| format!("segment {s} of {cam} is not part of {}", r#ref.as_str()))?;
        let (old_header, header) = p
            .header
            .as_ref()
            .ok_or_else(|| format!("segment {s} of {cam} is not prepared yet; order it again"))?;
        let header = STANDARD
            .decode(header)
            .map_err(|_| "what was prepared is damaged; ask under a new reference".to_owned())?;
        let file =
            File::open(&p.path).map_err(|e| format!("segment {s} of {cam} cannot be read: {e}"))?;
        let on_disk = file
            .metadata()
            .map_err(|e| format!("segment {s} of {cam} cannot be read: {e}"))?
            .len();
        let size = on_disk.saturating_sub(*old_header) + header.len() as u64;
        if size != p.sealed {
            return Err(format!(
                "segment {s} of {cam} is {size} bytes on disk; {} were prepared",
                p.sealed
            ));
        }
        if offset > size {
            return Err(format!(
                "offset {offset} lies past the end of segment {s}, which is {size} bytes"
            ));
        }
        Ok(Self {
            header,
            old_header: *old_header,
            file,
            size,
            at: offset,
        })
    }

    /// The next bytes; empty at the end.
    pub fn next(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        let header = self.header.len() as u64;
        if self.at < header {
            let from = usize::try_from(self.at).map_err(std::io::Error::other)?;
            let bytes: Vec<u8> = self.header[from..].iter().take(most).copied().collect();
            self.at += bytes.len() as u64;
            return Ok(bytes);
        }
        let want = (self.size - self.at).min(most as u64);
        let mut bytes = vec![0; usize::try_from(want).map_err(std::io::Error::other)?];
        self.file
            .seek(SeekFrom::Start(self.old_header + self.at - header))?;
        self.file.read_exact(&mut bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }
}

#[cfg(test)]
#[path = "pulls_tests.rs"]
mod tests;
