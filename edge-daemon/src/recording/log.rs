//! Task. The thread that puts recording on the record: `mask.set`, `cam.session`, `cam.accept`, `seg.gap`, `seg.write`, `mask.fail`, and the
//! faults of cameras and picture workers.
//!
//! It is the only recording thread that waits for the log; when the log is slow, reports wait here (they are small) and
//! recording goes on. Write, then log: a segment comes here after it was synced and renamed.
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use footage::mp4::Codec;
use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    plain,
    record::hex,
    segment::day_beside,
    time::Utc,
    types::{CamAccept, CamSession, Data, GapOpen, MaskFail, SegGap, SegWrite, SoundSet},
};

use crate::{
    health::Faults,
    lock::lock,
    recording::{sequence::Ready, watch::Hindrance},
    segment::{Cause, Guarded},
    store::writer::renumber,
};
use crate::{
    masking::{masks::Masks, worker::Breakdown},
    recording::recorder::Shared,
    recording::report::{Closed, Report},
};

const WHO: &str = "sys:rec";
/// Nothing of a camera lands, and no other fault of it says why.
const NOTHING: &str = "camera.nothing";
/// Faults of a camera each of which says why nothing of it lands.
const EXPLAIN: &[&str] = &[
    "camera.unreachable",
    "camera.address",
    "camera.answer",
    "camera.breaks",
    "camera.certificate",
    "camera.login",
    "camera.password",
    "camera.password-file",
    "camera.stalled",
    "camera.unsupported",
    "camera.flood",
    "mask.program",
    "mask.worker",
    "mask.capacity",
    "mask.unproved",
];
const RETRY: Duration = Duration::from_secs(1);

pub struct RecordingLog {
    log: LogHandle,
    faults: Faults,
    cameras: Vec<Arc<Shared>>,
    masks: Masks,
    /// Lines the log would not take yet, oldest first.
    backlog: VecDeque<Report>,
    trouble: HashMap<usize, &'static str>,
    raised: HashSet<(&'static str, Option<CameraId>)>,
    heard: HashSet<usize>,
    certificates: HashMap<usize, Certificate>,
}

/// A camera's certificate.
#[derive(Default)]
struct Certificate {
    /// What the log has as its own; the outer None: that is not known yet.
    said: Option<Option<String>>,
    /// What its newest session was with.
    shown: Option<String>,
}

impl RecordingLog {
    pub fn new(log: LogHandle, faults: Faults, cameras: Vec<Arc<Shared>>, masks: Masks) -> Self {
        Self {
            log,
            faults,
            cameras,
            backlog: VecDeque::new(),
            trouble: HashMap::new(),
            raised: HashSet::new(),
            masks,
            heard: HashSet::new(),
            certificates: HashMap::new(),
        }
    }

    pub fn run(mut self, reports: Receiver<Report>) {
        loop {
            let behind = !self.backlog.is_empty();
            match reports.recv_timeout(if behind {
                RETRY
            } else {
                Duration::from_secs(60)
            }) {
                Ok(Report::Stop) => {
                    self.catch_up();
                    return;
                }
                Ok(report) => self.backlog.push_back(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.catch_up();
        }
    }

    fn catch_up(&mut self) {
        while let Some(report) = self.backlog.pop_front() {
            if let Err(e) = self.report(&report) {
                if let LogError::Refused(why) = &e {
                    tracing::error!(%why, report = ?report, "the log refused a line");
                    continue;
                }
                tracing::error!(error = %e, "the log takes no lines; recording goes on");
                self.backlog.push_front(report);
                return;
            }
        }
    }

    fn line<D: Data>(&self, data: &D) -> Result<(), LogError> {
        self.log.append_soon(WHO, data).map(drop)
    }

    /// Must be repeatable: a report whose line failed is handled again from the start.
    fn report(&mut self, report: &Report) -> Result<(), LogError> {
        match report {
            Report::Closed { cam, id, closed } => {
                if let Some(shared) = self.cameras.get(*cam).cloned() {
                    lock(&shared.numbers).closed(*id, (**closed).clone());
                    self.settle(&shared)?;
                }
            }
            Report::Failed { cam, id, cause } => {
                if let Some(shared) = self.cameras.get(*cam).cloned() {
                    lock(&shared.numbers).failed(*id, *cause);
                    self.settle(&shared)?;
                }
            }
            Report::Recovered { cam, .. } => {
                if let Some(shared) = self.cameras.get(*cam).cloned() {
                    self.settle(&shared)?;
                }
            }
            Report::Session {
                cam,
                codec,
                width,
                height,
                fps_milli,
                offset_ms,
                by,
                repairs,
                certificate,
            } => {
                let Some(shared) = self.cameras.get(*cam).cloned() else {
                    return Ok(());
                };
                self.masks.declare(shared.index)?;
                let codec = match codec {
                    Codec::H264 => "h264",
                    Codec::H265 => "h265",
                };
                let cam = shared.id().clone();
                self.line(&CamSession {
                    cam,
                    codec: codec.into(),
                    w: (*width).into(),
                    h: (*height).into(),
                    fps_milli: *fps_milli,
                    serial: None,
                    offset_ms: *offset_ms,
                    by: Some(by.code().into()),
                    repairs: repairs.iter().map(|r| r.code().into()).collect(),
                    cert: certificate.clone(),
                })?;
                // Where somebody vouches for it, it may be another every time.
                if shared.config.tls_ca.is_none() && certificate.is_some() {
                    let known = self.certificates.entry(shared.index).or_default();
                    known.shown.clone_from(certificate);
                    self.accepted(&shared)?;
                }
            }
            Report::Accepted { cam, certificate } => {
                let known = self.certificates.entry(*cam).or_default();
                known.said = Some(certificate.clone());
                if let Some(shared) = self.cameras.get(*cam).cloned() {
                    self.accepted(&shared)?;
                }
            }
            Report::MaskFailed {
                cam,
                mask,
                t0,
                t1,
                why,
            } => {
                let Some(shared) = self.cameras.get(*cam) else {
                    return Ok(());
                };
                let why = plain::plain(why, 200);
                self.line(&MaskFail {
                    cam: shared.id().clone(),
                    mask: mask.clone(),
                    t0: *t0,
                    t1: *t1,
                    why,
                })?;
            }
            Report::Down {
                cam,
                since,
                hindrance,
            } => self.down(*cam, *since, hindrance.as_ref())?,
            Report::Landing { cam } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                self.fault(NOTHING, id, None);
            }
            Report::Trouble { cam, code } => self.trouble(*cam, code.as_ref()),
            Report::Mask { cam, failed } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                // One at a time: what stands is what happened last.
                let (program, work) = match failed {
                    Some(Breakdown::Program(why)) => (Some(why.as_str()), None),
                    Some(Breakdown::Work(why)) => (None, Some(why.as_str())),
                    None => (None, None),
                };
                self.fault("mask.program", id.clone(), program);
                self.fault("mask.worker", id, work);
            }
            Report::Proof { cam, failed } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                self.fault("mask.unproved", id, failed.as_deref());
            }
            Report::Overload { cam, failed } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                self.fault("mask.overload", id, failed.as_deref());
            }
            Report::Encoder { cam, failed } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                self.fault("mask.encoder", id, failed.as_deref());
            }
            Report::Sandbox { missing } => self.fault("mask.sandbox", None, missing.as_deref()),
            Report::Sound { cam, heard } => {
                let Some(shared) = self.cameras.get(*cam).cloned() else {
                    return Ok(());
                };
                if let Ok(rate) = heard {
                    self.sound_set(&shared, *rate)?;
                }
                let why = heard.as_ref().err().map(String::as_str);
                self.fault("camera.sound", Some(shared.id().clone()), why);
            }
            Report::Events { cam, failed } => {
                let id = self.cameras.get(*cam).map(|c| c.id().clone());
                self.fault("camera.events", id, failed.as_deref());
            }
            Report::Capture(why) => self.fault("capture.stopped", None, Some(why)),
            Report::Reader(why) => self.fault("reader.absent", None, why.as_deref()),
            Report::Stop => {}
        }
        Ok(())
    }

    /// That another certificate than before is the camera's own now.
    fn accepted(&mut self, shared: &Shared) -> Result<(), LogError> {
        let Some(Certificate {
            said: Some(before),
            shown: Some(cert),
        }) = self.certificates.get(&shared.index)
        else {
            return Ok(());
        };
        if before.as_ref() == Some(cert) {
            return Ok(());
        }
        let (before, cert) = (before.clone(), cert.clone());
        self.line(&CamAccept {
            cam: shared.id().clone(),
            cert: cert.clone(),
            before,
        })?;
        if let Some(known) = self.certificates.get_mut(&shared.index) {
            known.said = Some(Some(cert));
        }
        Ok(())
    }

    /// That sound is recorded, and why, once a start and before the first line that relies on it.
    fn sound_set(&mut self, shared: &Shared, rate: u32) -> Result<(), LogError> {
        if let Some(reason) = &shared.config.sound
            && !self.heard.contains(&shared.index)
        {
            self.line(&SoundSet {
                cam: shared.id().clone(),
                codec: "aac".into(),
                rate: rate.into(),
                reason: reason.clone(),
            })?;
            self.heard.insert(shared.index);
        }
        Ok(())
    }

    /// Nothing of the camera lands. The gap is on the record while it lasts; the fault is raised unless its cause has one of its own.
    fn down(
        &mut self,
        index: usize,
        since: Option<Utc>,
        hindrance: Option<&Hindrance>,
    ) -> Result<(), LogError> {
        let Some(id) = self.cameras.get(index).map(|c| c.id().clone()) else {
            return Ok(());
        };
        if let Some(t0) = since {
            let why = hindrance.map_or(Cause::Start, Hindrance::cause);
            self.line(&GapOpen {
                cam: id.clone(),
                t0,
                why: why.code().into(),
            })?;
        }
        let own = |(code, cam): &(&'static str, Option<CameraId>)| {
            cam.as_ref() == Some(&id) && EXPLAIN.contains(code)
        };
        let explained = self.raised.iter().any(own);
        let words = hindrance.map_or_else(
            || "what is in the way is not known".to_owned(),
            Hindrance::to_string,
        );
        self.fault(NOTHING, Some(id), (!explained).then_some(words.as_str()));
        Ok(())
    }

    fn settle(&mut self, shared: &Arc<Shared>) -> Result<(), LogError> {
        let result = self.settle_all(shared);
        shared.settled.notify_all();
        result
    }

    fn settle_all(&mut self, shared: &Arc<Shared>) -> Result<(), LogError> {
        loop {
            let ready = lock(&shared.numbers).next();
            let Some(Ready {
                named,
                s,
                gap,
                closed,
                id,
            }) = ready
            else {
                return Ok(());
            };
            let name = if named == s {
                closed.name.clone()
            } else {
                match renumber(&closed.volume, &closed.name, s) {
                    Ok(name) => name,
                    // Renamed on an earlier try whose line failed?
                    Err(_)
                        if closed
                            .volume
                            .join(
                                shared::segment::SegmentName {
                                    s,
                                    ..closed.name.clone()
                                }
                                .closed_path(),
                            )
                            .exists() =>
                    {
                        shared::segment::SegmentName {
                            s,
                            ..closed.name.clone()
                        }
                    }
                    Err(e) => {
                        tracing::error!(camera = %shared.id(), segment = id, error = %e, "cannot rename a segment; it is left to recovery");
                        lock(&shared.numbers).skip(Cause::Disk);
                        continue;
                    }
                }
            };
            self.masks.declare(shared.index)?;
            self.segment(shared, &name, s, gap, &closed)?;
            lock(&shared.numbers).logged(s, closed.t1);
        }
    }

    fn segment(
        &self,
        shared: &Shared,
        name: &shared::segment::SegmentName,
        s: u64,
        gap: Option<crate::recording::sequence::Gap>,
        closed: &Closed,
    ) -> Result<(), LogError> {
        let cam = shared.id();
        if let Some(gap) = gap {
            self.line(&SegGap {
                cam: cam.clone(),
                next: s,
                t0: gap.t0,
                t1: gap.t1,
                why: gap.why.code().into(),
                packets: gap.packets,
            })?;
        }
        let flaws = &closed.flaws;
        for pause in &flaws.pauses {
            // A stretch without pictures inside the segment, though the file goes on.
            self.line(&SegGap {
                cam: cam.clone(),
                next: s,
                t0: pause.from,
                t1: pause.to,
                why: pause.why.code().into(),
                packets: pause.packets,
            })?;
        }
        self.line(&SegWrite {
            cam: cam.clone(),
            s,
            t0: closed.t0,
            t1: closed.t1,
            size: closed.size,
            sha256: hex(&closed.sha256),
            mask: closed.guard.mask.clone(),
            how: closed.guard.how.code().into(),
            proofs: match closed.guard.how {
                Guarded::Proved => closed.keys,
                _ => 0,
            },
            lost: flaws.lost,
            shed: flaws.shed,
            short_t0: flaws.short.map(|s| s.0),
            short_t1: flaws.short.map(|s| s.1),
            stamps: flaws.by_arrival.then(|| "arrival".into()),
            off_ms: flaws.off_ms.map(u64::from),
            day: day_beside(&closed.key, closed.name.day),
            key: closed.key.clone(),
            rate: closed.rate.clone(),
            offset_ms: closed.offset_ms,
        })?;
        tracing::debug!(camera = %cam, s, file = %name.closed_path(), "segment logged");
        Ok(())
    }

    /// Raised again only to say something new; cleared once.
    fn fault(&mut self, code: &'static str, cam: Option<CameraId>, why: Option<&str>) {
        match why {
            Some(detail) => {
                self.faults.on(code, cam.as_ref(), detail);
                self.raised.insert((code, cam));
            }
            None => {
                if self.raised.remove(&(code, cam.clone())) {
                    self.faults.off(code, cam.as_ref());
                }
            }
        }
    }

    fn trouble(&mut self, index: usize, code: Option<&(&'static str, String)>) {
        let Some(id) = self.cameras.get(index).map(|c| c.id().clone()) else {
            return;
        };
        let old = match code {
            Some((new, _)) => self.trouble.insert(index, new).filter(|old| old != new),
            None => self.trouble.remove(&index),
        };
        if let Some(old) = old {
            self.fault(old, Some(id.clone()), None);
        }
        if let Some((new, detail)) = code {
            self.fault(new, Some(id), Some(detail));
        }
    }
}
