//! Adapter: filesystem. Prepared pulls: what the hub ordered, what the log says about it, and the bytes as they will be sent.
//!
//! `<state>/pulls/<ref>-<camera>.json` is written before and after the reader makes new headers, so that the same order again
//! (the hub repeats it after every reconnection) gives the same answer and one `exp.clip` line.
//! Invariant: the `exp.clip` line is synced and under a signed head before a header that the hub can open exists.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::LogHandle;
use serde::{Deserialize, Serialize};
use shared::{
    id::{CameraId, ExhibitRef},
    order::{Act, Code, Done, Order, Part, PullSegment, Refusal},
    time::Utc,
    types::ExpClip,
};

use super::orders::{BoxContext, CLOSE_OPEN};
use crate::{
    reader::ReaderError,
    state::State,
    store::{Index, index::Segment},
};

/// Trouble of the box's own.
pub(super) fn failed(
    code: Code,
    what: &'static str,
) -> impl FnOnce(&dyn std::fmt::Display) -> Refusal {
    move |e| Refusal::new(code, format!("the box could not {what}: {e}"))
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
    /// What of it is in the span asked for, as the reader said.
    pub part: Option<Part>,
}

/// Which footage is asked for.
pub(super) struct Span {
    pub cam: CameraId,
    pub t0: Utc,
    pub t1: Utc,
}

/// What is asked for.
struct Asked {
    r#ref: ExhibitRef,
    span: Span,
    grant: String,
    purpose: String,
}

/// Prepares what a pull asks for; the same order again gets the same answer. `text` and `sig`: the order as it came.
pub(super) fn pull(
    context: &BoxContext,
    order: &Order,
    text: &str,
    sig: &str,
) -> Result<Done, Refusal> {
    let Act::Pull {
        r#ref,
        cam,
        t0,
        t1,
        grant,
        purpose,
        ..
    } = &order.act
    else {
        return Err(Refusal::new(
            Code::UnknownAct,
            "this order asks for no clip",
        ));
    };
    let asked = Asked {
        r#ref: r#ref.clone(),
        span: Span {
            cam: cam.clone(),
            t0: *t0,
            t1: *t1,
        },
        grant: grant.clone(),
        purpose: purpose.clone(),
    };
    let record = prepare(context, text, sig, &asked)?;
    Ok(done(&record))
}

/// What the hub is told of it.
pub(super) fn done(record: &Record) -> Done {
    let segments = record.segments.iter().map(|p| PullSegment {
        s: p.s,
        n: p.n,
        sealed: p.sealed,
        part: p.part,
    });
    Done::Pull {
        log: record.log,
        n: record.n,
        of: record.of,
        segments: segments.collect(),
    }
}

fn prepare(context: &BoxContext, order: &str, sig: &str, asked: &Asked) -> Result<Record, Refusal> {
    let path = path(&context.state, &asked.r#ref, &asked.span.cam);
    let record = match read(&path).map_err(|e| failed(Code::Disk, "read what it prepared")(&e))? {
        Some(record) if record.order == order => record,
        Some(_) => {
            let why = format!(
                "{} was prepared for another span or hub key already; ask under a new reference",
                asked.r#ref
            );
            return Err(Refusal::new(Code::NumberTaken, why));
        }
        None => begin(context, order, sig, asked, &path)?,
    };
    let record = restated(&context.log, &path, asked, record)?;
    let record = finish(
        context,
        order,
        sig,
        found_again(context, &asked.span.cam, record)?,
    )?;
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
) -> Result<Record, Refusal> {
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
        .map_err(|e| failed(Code::Log, "sign the log; nothing was handed out")(&e))?;
    write(path, &record)?;
    Ok(record)
}

/// Number of the log that is written.
pub(super) fn number(log: &LogHandle) -> Result<u64, Refusal> {
    let folder = log.folder();
    let number = folder.file_name().and_then(|n| n.to_str()?.parse().ok());
    number.ok_or_else(|| {
        let why = format!("{} has no number", folder.display());
        failed(Code::Log, "name its log")(&why)
    })
}

/// Puts the export on the record; the line's number.
fn log_export(log: &LogHandle, asked: &Asked, s0: u64, s1: u64) -> Result<u64, Refusal> {
    let line = ExpClip {
        r#ref: asked.r#ref.to_string(),
        cam: asked.span.cam.clone(),
        s0,
        s1,
        t0: asked.span.t0,
        t1: asked.span.t1,
        grant: asked.grant.clone(),
        purpose: asked.purpose.clone(),
    };
    let line = log.append("hub:order", &line);
    line.map(|l| l.n)
        .map_err(|e| failed(Code::Log, "log the export; nothing was handed out")(&e))
}

/// What was prepared and has gone since, its day being over: a hold's copy takes its place, and a new header is made.
fn found_again(
    context: &BoxContext,
    cam: &CameraId,
    mut record: Record,
) -> Result<Record, Refusal> {
    if record.segments.iter().all(|p| p.path.is_file()) {
        return Ok(record);
    }
    let index = Index::open(&context.state.index(), &context.log.folder())
        .map_err(|e| failed(Code::Index, "open its index")(&e))?;
    for p in record.segments.iter_mut().filter(|p| !p.path.is_file()) {
        let segment = index
            .segment(cam, p.s)
            .map_err(|e| failed(Code::Index, "read its index")(&e))?;
        if let Some(segment) = segment {
            (p.path, p.key) = find(context, &index, &segment)?;
            (p.header, p.sealed) = (None, 0);
        }
    }
    Ok(record)
}

/// Finds the segments and puts the export on the record.
fn begin(
    context: &BoxContext,
    order: &str,
    sig: &str,
    asked: &Asked,
    path: &Path,
) -> Result<Record, Refusal> {
    let found = gather(context, &asked.span)?;
    admitted(context, order, sig)?;
    let record = Record {
        order: order.into(),
        log: number(&context.log)?,
        n: log_export(&context.log, asked, found.first, found.end)?,
        of: found.of,
        segments: found.segments,
    };
    write(path, &record)?;
    Ok(record)
}

/// What the reader would not hand out is not on the record as handed out.
pub(super) fn admitted(context: &BoxContext, order: &str, sig: &str) -> Result<(), Refusal> {
    context.client.order(order, sig).map_err(|e| match e {
        ReaderError::Spent(why) => Refusal::new(Code::Ceiling, why),
        e => failed(Code::Reader, "have the reader look at the order")(&e),
    })
}

/// Segments that were found, of which no header is made yet.
pub(super) struct SegmentList {
    /// Number of the log that their lines are in.
    pub of: u64,
    pub first: u64,
    pub end: u64,
    pub segments: Vec<Prepared>,
}

/// Finds the segments of a span that are there.
pub(super) fn gather(context: &BoxContext, asked: &Span) -> Result<SegmentList, Refusal> {
    if asked.t0 >= asked.t1 {
        let why = "the span asked for ends before it begins";
        return Err(Refusal::new(Code::OutOfBounds, why));
    }
    let now = context.clock.now();
    if asked.t1 > context.trust.latest(now).plus_ms(5_000) {
        let why = format!(
            "the span asked for ends in the future; the box's clock says {}",
            now.wall
        );
        return Err(Refusal::new(Code::Future, why));
    }
    let mut index = Index::open(&context.state.index(), &context.log.folder())
        .map_err(|e| failed(Code::Index, "open its index")(&e))?;
    let last = index
        .last()
        .map_err(|e| failed(Code::Index, "read its index")(&e))?;
    let landed = last
        .iter()
        .find(|(cam, ..)| *cam == asked.cam)
        .map(|(_, _, t1)| *t1);
    let recorded_here = context.config.cameras.iter().any(|c| c.id == asked.cam);
    if recorded_here
        && landed.is_none_or(|t| t < asked.t1)
        && !context.cameras.close_open(&asked.cam, CLOSE_OPEN)
    {
        tracing::warn!(camera = %asked.cam, "the open segment did not close in time");
    }
    index
        .catch_up()
        .map_err(|e| failed(Code::Index, "bring its index up to date")(&e))?;
    let there = context
        .holds
        .of(&index, &asked.cam, asked.t0, asked.t1)
        .map_err(|e| failed(Code::Index, "read its index")(&e))?;
    let recorded = there.len();
    let mut segments = context
        .holds
        .available(&index, there)
        .map_err(|e| failed(Code::Index, "read its index")(&e))?;
    if segments.is_empty() && recorded > 0 {
        return Err(Refusal::new(
            Code::PastItsDay,
            context.holds.past(&asked.cam),
        ));
    }
    // A package shows the lines of one log: the newest that any of it was recorded under. The hub says what is left for another pull.
    let Some(of) = segments.iter().map(|s| s.log).max() else {
        let why = nothing(context, &index, asked);
        return Err(Refusal::new(Code::NothingRecorded, why));
    };
    segments.retain(|s| s.log == of);
    let (mut prepared, mut nowhere) = (Vec::with_capacity(segments.len()), Vec::new());
    for segment in &segments {
        // What is not there any more is left out: the rest is wanted all the same, and the numbers show the hole.
        let Some((path, key)) = open_at(context, &index, segment)? else {
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
            part: None,
        });
    }
    if !nowhere.is_empty() {
        tracing::warn!(camera = %asked.cam, segments = ?nowhere, "in the log but not on any disk that is there: left out of a clip");
    }
    let (Some(first), Some(end)) = (prepared.first(), prepared.last()) else {
        return Err(missing(&asked.cam, &nowhere));
    };
    Ok(SegmentList {
        of,
        first: first.s,
        end: end.s,
        segments: prepared,
    })
}

/// Signs a head over the line, then has the reader make the headers that are still missing.
pub(super) fn finish(
    context: &BoxContext,
    order: &str,
    sig: &str,
    mut record: Record,
) -> Result<Record, Refusal> {
    if record.segments.iter().all(|p| p.header.is_some()) {
        return Ok(record);
    }
    context
        .log
        .sign_head()
        .map_err(|e| failed(Code::Log, "sign the log; nothing was handed out")(&e))?;
    for p in record.segments.iter_mut().filter(|p| p.header.is_none()) {
        let (old, header, part) = context
            .client
            .rewrap(order, sig, &p.path, &p.key)
            .map_err(|e| failed(Code::Reader, "open the footage")(&e))?;
        let size = std::fs::metadata(&p.path)
            .map_err(|e| failed(Code::Disk, "find the footage")(&e))?
            .len();
        p.sealed = size.saturating_sub(old) + header.len() as u64;
        p.header = Some((old, STANDARD.encode(&header)));
        p.part = Some(part);
    }
    Ok(record)
}

fn nothing(context: &BoxContext, index: &Index, asked: &Span) -> String {
    let zone = &context.config.zone;
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
    context: &BoxContext,
    index: &Index,
    segment: &Segment,
) -> Result<Option<(PathBuf, String)>, Refusal> {
    let found = context.holds.open_at(index, segment);
    found.map_err(|e| failed(Code::Index, "read its index")(&e))
}

fn find(
    context: &BoxContext,
    index: &Index,
    segment: &Segment,
) -> Result<(PathBuf, String), Refusal> {
    open_at(context, index, segment)?.ok_or_else(|| missing(&segment.cam, &[segment.s]))
}

fn missing(cam: &CameraId, segments: &[u64]) -> Refusal {
    let numbers: Vec<String> = segments.iter().map(u64::to_string).collect();
    let why = format!(
        "{cam}: segment {} in the log but not on any disk of the box that is there; nothing was handed out. Look at the box's disks (beadle-edge doctor)",
        match numbers.as_slice() {
            [one] => format!("{one} is"),
            [first, .., last] => format!("{first} to {last} are"),
            [] => "is".into(),
        }
    );
    Refusal::new(Code::NotOnDisk, why)
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

fn write(path: &Path, record: &Record) -> Result<(), Refusal> {
    let bytes = serde_json::to_vec(record)
        .map_err(|e| failed(Code::Disk, "write down what it prepared")(&e))?;
    logbook::write_whole(path, &bytes, true)
        .map_err(|e| failed(Code::Disk, "write down what it prepared")(&e))
}

/// A range of one segment of a prepared pull, read as it is to be sent: new header, then the payload as it lies on disk.
pub struct Sending {
    header: Vec<u8>,
    old_header: u64,
    file: File,
    /// Of the whole file as it is sent.
    pub size: u64,
    at: u64,
    /// Where the range ends.
    end: u64,
}

impl Sending {
    /// Opens a range of a segment: offset and length in the file as it is sent; it ends with the file. The error is a sentence for the hub.
    pub fn open(
        state: &State,
        r#ref: &ExhibitRef,
        cam: &CameraId,
        s: u64,
        range: (u64, u64),
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
        Self::of(p, cam, range)
    }

    /// The same of what was prepared, wherever that is kept.
    pub fn of(p: &Prepared, cam: &CameraId, (offset, length): (u64, u64)) -> Result<Self, String> {
        let s = p.s;
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
            end: offset.saturating_add(length).min(size),
        })
    }

    /// The next bytes; empty at the end.
    pub fn next(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        let header = self.header.len() as u64;
        if self.at < header {
            let from = usize::try_from(self.at).map_err(std::io::Error::other)?;
            let most = most.min(usize::try_from(self.end - self.at).unwrap_or(most));
            let bytes: Vec<u8> = self.header[from..].iter().take(most).copied().collect();
            self.at += bytes.len() as u64;
            return Ok(bytes);
        }
        let want = (self.end - self.at).min(most as u64);
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
