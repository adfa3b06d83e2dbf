//! Task. Still pictures of an exhibit's film, each an exhibit of its own: the moment is found in the masters, the picture is taken out of the recording by
//! the shut-in program, and packed with the line of its segment (EVI-8). Blocking.

use std::path::Path;

use footage::mp4::{self, Sample, Segment};
use serde::{Deserialize, Serialize};
use shared::{
    evidence::{Manifest, names},
    id::ExhibitRef,
    record::{Digest, Record, hex, sha256},
    time::Utc,
    types::{RegStill, SegWrite},
    verify::Files,
};
use utoipa::ToSchema;

use super::{
    package::{self, PackageError, StillOrder, TrustAnchors},
    resting::Resting,
};
use crate::{
    access::authorise::Permit,
    classes::classed,
    db::{numbers::Numbered, register::StillRecord, requests::RequestRecord},
    error::{HubError, plain},
    hub::Hub,
    model::{
        local_time::LocalTime, pull::State, rank::Rank, requester::RequesterClass, text::TextField,
    },
    papers::{certificate::people::Person, still::StillFacts},
    reason::Register,
    register::{kept, media},
    texts,
};
use picture::{Compressed, NoPicture};

pub mod picture;

/// A still picture that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StillRequest {
    /// The moment; the picture that stands then is taken.
    pub at: Utc,
    pub reason: String,
    /// Who authorised it, by name, and their rank: constable, sergeant, inspector, …, manager.
    pub authority: String,
    pub rank: String,
}

/// A picture of a master.
struct FoundPicture {
    n: u64,
    file: String,
    line: SegWrite,
    log: String,
    plain: Vec<u8>,
    segment: Segment,
    /// Place of its sample among those of the segment.
    at: usize,
}

/// When a picture is shown: pictures may be decoded in another order.
fn shown(sample: &Sample) -> Utc {
    sample.wall.plus_ms(i64::from(sample.cts).div_euclid(90))
}

/// The presentation time of a picture, in ticks.
fn pts(sample: &Sample) -> i64 {
    i64::try_from(sample.dts).unwrap_or_default() + i64::from(sample.cts)
}

/// The picture that stands at a moment; None: none does.
fn standing(segment: &Segment, at: Utc) -> Option<usize> {
    let begun = segment.samples.iter().enumerate();
    begun
        .filter(|(_, s)| shown(s) <= at)
        .max_by_key(|(_, s)| shown(s))
        .map(|(k, _)| k)
}

/// The pictures that one is decoded from, itself included, in the order they are decoded.
fn decoded_from(segment: &Segment, at: usize) -> &[Sample] {
    let samples = &segment.samples;
    let key = samples[..=at].iter().rposition(|s| s.key).unwrap_or(0);
    &samples[key..=at]
}

/// Finds the picture of a moment in the masters of a package.
fn find(
    hub: &Hub,
    exhibit: &ExhibitRef,
    rest: &Resting,
    request: &RequestRecord,
    at: Utc,
) -> Result<FoundPicture, HubError> {
    let unreadable = |file: &str, why: &dyn std::fmt::Display| -> HubError {
        Register::SegmentUnreadable {
            exhibit: exhibit.clone(),
            file: file.into(),
            why: why.to_string(),
        }
        .into()
    };
    let read = |name: &str| rest.read(name).map_err(|e| unreadable(name, &e));
    let manifest: Manifest = serde_json::from_slice(&read(names::MANIFEST)?)
        .map_err(|e| unreadable(names::MANIFEST, &e))?;
    let mut lines: Vec<(u64, String, SegWrite)> = Vec::new();
    for line in read(names::RECORDS)?.split_inclusive(|b| *b == b'\n') {
        let Some((n, said)) = segment_line(line) else {
            continue;
        };
        if let Some(m) = manifest.master.iter().find(|m| m.n == n) {
            lines.push((n, m.file.clone(), said));
        }
    }
    lines.sort_by_key(|(n, ..)| *n);
    let zone = &hub.config.zone;
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Err(plain(format!("the package of {exhibit} names no master")));
    };
    let (from, to) = (first.2.t0, last.2.t1);
    let local = |t| LocalTime::of(t, zone);
    if at < from || at >= to {
        return Err(Register::NoPictureThen {
            exhibit: exhibit.clone(),
            at: local(at),
            from: local(from.max(request.t0)),
            to: local(to.min(request.t1)),
        }
        .into());
    }
    let gap = || -> HubError {
        Register::PictureInGap {
            exhibit: exhibit.clone(),
            at: local(at),
        }
        .into()
    };
    let found = lines.into_iter().find(|(_, _, l)| l.t0 <= at && at < l.t1);
    let (n, file, line) = found.ok_or_else(gap)?;
    let bytes = read(&file)?;
    if hex(&sha256(&bytes)) != line.sha256 {
        return Err(unreadable(&file, &"it is not what the box logged"));
    }
    let segment = mp4::parse(&bytes).map_err(|e| unreadable(&file, &e))?;
    let at = standing(&segment, at).ok_or_else(gap)?;
    Ok(FoundPicture {
        n,
        file,
        line,
        log: manifest.log,
        plain: bytes,
        segment,
        at,
    })
}

/// A `seg.write` line, with its number.
fn segment_line(line: &[u8]) -> Option<(u64, SegWrite)> {
    let record = Record::parse(line).ok()?;
    let kept = crate::papers::lines::LogLine {
        bytes: line.to_vec(),
        record,
    };
    Some((kept.n(), kept.data::<SegWrite>()?))
}

impl FoundPicture {
    fn jpeg(&self, exhibit: &ExhibitRef, program: &Path) -> Result<Vec<u8>, HubError> {
        let samples = decoded_from(&self.segment, self.at);
        let bytes = |s: &Sample| {
            let from = usize::try_from(s.offset).ok()?;
            let to = from.checked_add(usize::try_from(s.size).ok()?)?;
            self.plain.get(from..to)
        };
        let mut pictures = Vec::with_capacity(samples.len());
        for s in samples {
            let data = bytes(s).ok_or_else(|| Register::SegmentUnreadable {
                exhibit: exhibit.clone(),
                file: self.file.clone(),
                why: "a picture reaches beyond its end".into(),
            })?;
            pictures.push(Compressed {
                key: s.key,
                pts: pts(s),
                data,
            });
        }
        let at = pts(self.sample());
        let made = picture::jpeg(program, &self.segment.parameters, &pictures, at);
        made.map_err(|e| {
            match e {
                NoPicture::Program { path, why } => Register::NoPictureProgram {
                    path: path.display().to_string(),
                    why,
                },
                NoPicture::Made(why) => Register::PictureNotMade {
                    exhibit: exhibit.clone(),
                    why,
                },
            }
            .into()
        })
    }

    fn sample(&self) -> &Sample {
        &self.segment.samples[self.at]
    }
}

/// Makes a still picture; its exhibit.
pub fn make(
    hub: &Hub,
    parent: &ExhibitRef,
    asked: &StillRequest,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    make_with(hub, parent, asked, &picture::program(), permit)
}

/// The same with this program.
pub fn make_with(
    hub: &Hub,
    parent: &ExhibitRef,
    asked: &StillRequest,
    program: &Path,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    texts::texts([
        (TextField::Reason, &asked.reason),
        (TextField::Authority, &asked.authority),
    ])?;
    let rank = Rank::parse(&asked.rank).ok_or_else(|| Register::RankUnknown {
        rank: asked.rank.clone(),
    })?;
    let request = kept::kept(hub, parent)?;
    if hub.db.still(parent.as_str())?.is_some() {
        let exhibit = parent.clone();
        return Err(Register::StillOfStill { exhibit }.into());
    }
    let class = media::class_of(hub, parent)?.unwrap_or(RequesterClass::Police);
    if class == RequesterClass::Police && !rank.may_for_police() {
        return Err(Register::RankTooLow { rank }.into());
    }
    let Some(folder) = request.package.clone() else {
        return Err(crate::reason::Clips::NoPackage {
            exhibit: parent.clone(),
            state: request.state,
        }
        .into());
    };
    let identity = hub.keys.exhibit_identity(parent).map_err(plain)?;
    let rest = Resting::new(folder.into(), identity);
    let found = find(hub, parent, &rest, &request, asked.at)?;
    let jpeg = found.jpeg(parent, program)?;
    let (exhibit, line) = granted(hub, parent, &request, asked, rank, &found, &jpeg, permit)?;
    let packed = pack(
        hub,
        parent,
        &request,
        asked,
        rank,
        &found,
        &jpeg,
        &exhibit,
        hub.log.line_of(line),
        permit,
    );
    let now = hub.now();
    match packed {
        Ok(package) => {
            let at = package.to_string_lossy().into_owned();
            hub.db.request_package(exhibit.as_str(), &at)?;
            hub.db
                .request_state(exhibit.as_str(), State::Ready, None, &[], now)?;
            Ok(exhibit)
        }
        Err(e) => {
            // Its number is used and its line stands: the log says that nothing came of it.
            hub.log.append(
                "sys:hub",
                &shared::types::ActFail {
                    line,
                    code: "not-stored".into(),
                },
            )?;
            Err(Register::PictureNotMade {
                exhibit: parent.clone(),
                why: e.to_string(),
            }
            .into())
        }
    }
}

/// Its number and its line. Until it is packed it stands as one that came to nothing.
#[allow(clippy::too_many_arguments)]
fn granted(
    hub: &Hub,
    parent: &ExhibitRef,
    request: &RequestRecord,
    asked: &StillRequest,
    rank: Rank,
    found: &FoundPicture,
    jpeg: &[u8],
    permit: &Permit,
) -> Result<(ExhibitRef, u64), HubError> {
    let sha256 = hex(&sha256(jpeg));
    let t = shown(found.sample());
    hub.act(|act| {
        let now = hub.now();
        let number = act.number(Numbered::Request)?;
        let short = u32::try_from(number).map_err(plain)?;
        let exhibit = ExhibitRef::new(hub.config.zone.day_of(now).year(), short);
        let row = RequestRecord {
            r#ref: exhibit.clone(),
            grant: format!("G-{number:06}"),
            t0: found.line.t0,
            t1: found.line.t1,
            who: permit.op(),
            state: State::Failed,
            why: Vec::new(),
            reason: None,
            line: None,
            footage: None,
            package: None,
            made: now,
            urgent: false,
            paused: None,
            wasted: 0,
            ..request.clone()
        };
        act.add_request(short, &row)?;
        let line = RegStill {
            r#ref: exhibit.to_string(),
            parent: parent.to_string(),
            log: found.log.clone(),
            n: found.n,
            picture: found.at as u64 + 1,
            t,
            sha256: sha256.clone(),
            reason: kept::keep(hub, act, &exhibit, &asked.reason)?,
            authority: kept::keep(hub, act, &exhibit, &asked.authority)?,
            rank: rank.word().into(),
            by: vec![permit.op()],
        };
        let n = act.log(&permit.op(), &line)?;
        act.add_still(&StillRecord {
            exhibit: exhibit.clone(),
            parent: parent.clone(),
            t,
            sha256,
            made: now,
        })?;
        let class = act.evidence(parent.as_str())?.class;
        classed(act, &exhibit, class, &request.purpose, &permit.op())?;
        Ok((exhibit, n))
    })
}

#[allow(clippy::too_many_arguments)]
fn pack(
    hub: &Hub,
    parent: &ExhibitRef,
    request: &RequestRecord,
    asked: &StillRequest,
    rank: Rank,
    found: &FoundPicture,
    jpeg: &[u8],
    exhibit: &ExhibitRef,
    line: u64,
    permit: &Permit,
) -> Result<std::path::PathBuf, PackageError> {
    let failed = |e: &dyn std::fmt::Display| PackageError::Hub(e.to_string());
    hub.keys
        .exhibit_recipient(exhibit)
        .map_err(|e| failed(&e))?;
    let identity = hub.keys.exhibit_identity(exhibit).map_err(|e| failed(&e))?;
    let hello = hub
        .db
        .box_named(&request.camera.r#box)
        .map_err(|e| failed(&e))?
        .and_then(|b| b.hello);
    let title = hello.and_then(|h| Some(h.camera(&request.camera.cam)?.title.clone()));
    let account = hub
        .db
        .account_numbered(permit.number())
        .map_err(|e| failed(&e))?;
    let name = match account {
        Some(a) => match &a.shown {
            Some(hash) => hub.db.side_text(hash).map_err(|e| failed(&e))?,
            None => Some(a.name),
        },
        None => None,
    };
    let by = Person {
        op: permit.op(),
        name,
        roles: Vec::new(),
    };
    let sample = found.sample();
    let picture: Digest = sha256(jpeg);
    let order = StillOrder {
        facts: StillFacts {
            exhibit,
            parent,
            camera: &request.camera,
            title: title.as_deref().unwrap_or_default(),
            scheme: &hub.config.scheme,
            log: &found.log,
            n: found.n,
            master: &found.file,
            segment: &found.line,
            picture: found.at as u64 + 1,
            pictures: found.segment.samples.len() as u64,
            t: shown(sample),
            offset: sample.offset,
            bytes: sample.size.into(),
            sha256: &hex(&picture),
            reason: asked.reason.trim(),
            authority: asked.authority.trim(),
            rank,
            by: &by,
            made: hub.now(),
            zone: &hub.config.zone,
            line,
        },
        evidence: hub.config.evidence.clone(),
        box_log: hub
            .logs
            .folder_of(&found.log)
            .ok_or_else(|| failed(&"the box log's name is odd"))?,
        identity,
        line,
        jpeg,
        operator: &by,
        to: &request.requester,
        trusted: TrustAnchors::of(&hub.config.outside),
    };
    package::build_still(&hub.log, &order)
}
