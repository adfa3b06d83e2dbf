//! Adapter: filesystem. The copies in a package: masters as they were sealed, checked against their lines, and working copies cut out of them.

use super::*;
use crate::papers::certificate::{
    SubtitleFile,
    continuity::{Continuity, SILENT_MS},
};

/// What a master's tables say, or why they say nothing.
pub(super) type Tables = Vec<Result<mp4::Segment, String>>;

/// Opens every fetched segment in memory, checks size and hash against its line, and gives the sealed file its place in the package.
pub(super) fn masters(
    log: &mut LogFolder,
    order: &Order,
    rest: &Resting,
) -> Result<(Vec<Master>, Tables), PackageError> {
    let mut fetched: Vec<&FetchedSegment> = order.masters.iter().collect();
    fetched.sort_by_key(|f| f.n);
    let mut out = Vec::with_capacity(fetched.len());
    let mut tables = Vec::with_capacity(fetched.len());
    for one in fetched {
        let said = line(log, one.n)?
            .data::<SegWrite>()
            .filter(|s| s.cam == order.request.camera.cam);
        let said = said.ok_or(PackageError::WrongLine {
            n: one.n,
            wanted: "a seg.write of this camera",
        })?;
        let name = SegmentName {
            day: order.request.zone.day_of(said.t0),
            cam: said.cam.clone(),
            start: Utc(said.t0.seconds() * 1000),
            s: said.s,
        };
        let file = format!("master/{}", name.master_file());
        let plain = open_master(&one.path, &order.identity, &said)?;
        tables.push(match mp4::parse(&plain) {
            Ok(segment) if segment.samples.is_empty() => Err(format!("{file} holds no picture")),
            Ok(segment) => Ok(segment),
            Err(e) => Err(format!("{file}: {e}")),
        });
        rest.take_in(&one.path, &file)
            .map_err(io_error("take in", &one.path))?;
        out.push(Master {
            n: one.n,
            file,
            line: said,
        });
    }
    Ok((out, tables))
}

/// The plain bytes of a fetched segment, which are those the box logged.
fn open_master(sealed: &Path, identity: &str, said: &SegWrite) -> Result<Vec<u8>, PackageError> {
    let differs = |why: String| PackageError::MasterDiffers {
        path: sealed.display().to_string(),
        why,
    };
    let mut input = File::open(sealed).map_err(io_error("open", sealed))?;
    let mut opener = sealed::Opener::new(&[identity.to_owned()]);
    let (mut buffer, mut plain) = (vec![0u8; BUFFER], Vec::new());
    // Not more is opened than the log says there is.
    let size = |plain: &[u8], whole: bool| {
        let there = plain.len() as u64;
        match there > said.size || (whole && there != said.size) {
            true => Err(differs(format!(
                "{there} bytes, the log says {}",
                said.size
            ))),
            false => Ok(()),
        }
    };
    loop {
        match input.read(&mut buffer).map_err(io_error("read", sealed))? {
            0 => break,
            n => opener
                .push(&buffer[..n], &mut plain)
                .map_err(|e| differs(e.to_string()))?,
        }
        size(&plain, false)?;
    }
    opener
        .finish(&mut plain)
        .map_err(|e| differs(e.to_string()))?;
    size(&plain, true)?;
    let got = hex(&sha256(&plain));
    if got != said.sha256 {
        return Err(differs(format!(
            "SHA-256 {got}, the log says {}",
            said.sha256
        )));
    }
    Ok(plain)
}

/// Milliseconds that may be missing between two masters of one working copy: what the log does not call a gap. In a time-lapse one
/// picture stands until the next, and there may be one more.
fn apart(line: &SegWrite) -> i64 {
    let secs = line
        .rate
        .as_deref()
        .and_then(|r| r.strip_prefix("timelapse-"));
    let secs: i64 = secs.and_then(|s| s.parse().ok()).unwrap_or(0);
    SILENT_MS + secs.clamp(0, 3600) * 2000
}

/// One MP4 per stretch of masters with the same picture parameters and no hole between them, sealed as it is cut: no picture stands for time that
/// was not recorded. A clip without one is still evidence: the masters count.
pub(super) fn working_copies(
    request: &Request,
    masters: &[Master],
    tables: Tables,
    rest: &Resting,
) -> Result<(Vec<WorkingCopy>, Vec<String>), PackageError> {
    let (mut made, mut short) = (Vec::new(), Vec::new());
    let (mut owners, mut segments): (Vec<&Master>, Vec<mp4::Segment>) = (Vec::new(), Vec::new());
    for (master, table) in masters.iter().zip(tables) {
        match table {
            Ok(segment) => {
                owners.push(master);
                segments.push(segment);
            }
            Err(why) => short.push(why),
        }
    }
    for range in mp4::stretches(&segments, |at| owners.get(at).map_or(0, |m| apart(&m.line))) {
        let (part, owners) = (&segments[range.clone()], &owners[range]);
        let span = part.iter().filter_map(mp4::Segment::span).fold(
            None,
            |all: Option<(Utc, Utc)>, (a, b)| {
                Some(all.map_or((a, b), |(c, d)| (a.min(c), b.max(d))))
            },
        );
        if span.is_none_or(|(from, to)| to <= request.t0 || from >= request.t1) {
            continue; // only the margins of what was asked for
        }
        let plan = match mp4::plan_working_copy(part, request.t0, request.t1) {
            Ok(plan) => plan,
            Err(e) => {
                short.push(e.to_string());
                continue;
            }
        };
        let again = if made.is_empty() {
            String::new()
        } else {
            format!("_{}", made.len() + 1)
        };
        let file = format!(
            "working/{}_{}{again}.mp4",
            request.camera.cam,
            plan.t0.compact()
        );
        let path = rest.path(&file);
        let (bytes, digest) = cut(&plan, owners, &file, rest).map_err(io_error("make", &path))?;
        let codec = match part.first().map(|s| s.parameters.codec) {
            Some(mp4::Codec::H265) => "H.265",
            _ => "H.264",
        };
        made.push(WorkingCopy {
            file,
            t0: plan.t0,
            t1: plan.t1,
            frames: plan.frames,
            bytes,
            codec,
            sha256: hex(&digest),
            subtitles: None,
        });
    }
    if made.is_empty() && short.is_empty() {
        short.push("no picture was recorded in the time asked for".into());
    }
    Ok((made, short))
}

/// A file of times and gaps in words beside each working copy, under its name, where players look for one.
pub(super) fn subtitles(
    request: &Request,
    working: &mut [WorkingCopy],
    continuity: &Continuity,
    rest: &Resting,
) -> Result<(), PackageError> {
    let spans: Vec<(String, Utc, Utc)> = working
        .iter()
        .map(|w| (w.file.clone(), w.t0, w.t1))
        .collect();
    for (at, copy) in working.iter_mut().enumerate() {
        let text = words::subtitles(request, &spans, at, continuity);
        let file = match copy.file.strip_suffix(".mp4") {
            Some(stem) => format!("{stem}.srt"),
            None => continue,
        };
        put(rest, &file, text.as_bytes())?;
        let sha256 = hex(&sha256(text.as_bytes()));
        copy.subtitles = Some(SubtitleFile { file, sha256 });
    }
    Ok(())
}

/// Copies what the plan names out of the sealed masters into a file that is sealed on the way.
fn cut(
    plan: &mp4::Plan,
    masters: &[&Master],
    file: &str,
    rest: &Resting,
) -> io::Result<(u64, Digest)> {
    let mut out = rest.create(file)?;
    out.write_all(&plan.head)?;
    let mut open = None;
    for run in &plan.runs {
        let (at, mut master) = match open.take() {
            Some((at, master)) if at == run.master => (at, master),
            _ => {
                let master = masters
                    .get(run.master)
                    .ok_or(io::ErrorKind::UnexpectedEof)?;
                (run.master, rest.open(&master.file)?)
            }
        };
        master.seek(SeekFrom::Start(run.offset))?;
        if io::copy(&mut master.by_ref().take(run.len), &mut out)? != run.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        open = Some((at, master));
    }
    out.finish()
}
