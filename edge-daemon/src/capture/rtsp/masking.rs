//! Wiring. How a session imposes its mask: who paints, who proves, what their answers come to.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc::Sender},
};

use footage::mp4::Parameters;
use shared::{
    mask::{How, Mask},
    time::{Clock, Now},
};

use super::Run;
use crate::{
    capture::session::{Ended, Outcome},
    masking::{
        capacity::{Admission, Encoder},
        trust::Judged,
        worker::{About, Task, Verdict, Worker},
    },
    recording::report::Report,
};
use crate::{
    lock::lock,
    masking::bracket::Bracket,
    segment::{Guarded, Unit, ticks_us},
};

/// A painter's use of the processor is looked at this often.
const BILL_MS: u64 = 10_000;

pub(crate) struct Prover {
    pub(crate) worker: Worker,
    start: Start,
    /// What the key frames that are not answered yet were sent under.
    base: Parameters,
    /// Key frames that are not answered yet.
    asked: VecDeque<Unit>,
    /// None: the box paints as well, and what comes from the camera only shows whether its mask is back.
    pub(crate) bracket: Option<Bracket>,
    /// It was said that the camera's mask is there.
    said: bool,
    /// Of a unit that was no key frame.
    parameters: Option<Parameters>,
}

/// Starts workers for one session's mask.
#[derive(Clone)]
struct Start {
    program: std::path::PathBuf,
    clock: Arc<dyn Clock>,
    mask: Arc<Mask>,
    fps_milli: u64,
    max_kbit: Option<u32>,
}

impl Start {
    fn worker(&self, task: Task, parameters: &Parameters) -> Result<Worker, Outcome> {
        let about = About {
            mask: &self.mask,
            parameters,
            fps_milli: self.fps_milli,
            max_kbit: self.max_kbit,
        };
        Worker::start(&self.program, task, &about, self.clock.clone())
            .map_err(|e| (Ended::Worker, e.to_string()))
    }
}

impl Run {
    /// Looks at the worker that paints.
    pub(crate) fn painting(&mut self, now: Now) -> Option<Outcome> {
        let painter = self.painter.as_mut()?;
        let cam = self.capture.shared.index;
        let reports = &self.context.reports;
        say_sandbox(painter, reports);
        if let Some(why) = painter.failed(now.mono) {
            if painter.device_failed() {
                self.context.capacity.struck(cam, now.mono, &why);
            }
            return Some((Ended::Worker, why));
        }
        if !self.ok && painter.pictures_back() > 0 {
            self.ok = true;
            let _ = reports.send(Report::Mask { cam, failed: None });
            let _ = reports.send(Report::Overload { cam, failed: None });
        }
        let one_in = painter.one_in();
        if one_in != self.one_in {
            self.one_in = one_in;
            let failed = (one_in > 1).then(|| {
                format!("one picture in {one_in} is masked and recorded, the others are left out")
            });
            let _ = reports.send(Report::Overload { cam, failed });
        }
        let (since, before) = *self.billed.get_or_insert((now.mono, 0.0));
        let lasted = now.mono.saturating_sub(since);
        if lasted >= BILL_MS
            && let Some((used, _)) = painter.cost()
        {
            self.context
                .capacity
                .used(cam, (used - before) * 1000.0 / lasted as f64);
            self.billed = Some((now.mono, used));
            // Done without the device for a while: it is tried again.
            if !painter.on_device()
                && let Some(demand) = self.demand
                && let Encoder::Device(_) =
                    self.context.capacity.encoder(cam, demand.codec, now.mono)
            {
                return Some((Ended::Rule, "the graphics device is to encode again".into()));
            }
        }
        None
    }

    /// Takes in what is proved of the camera's own mask, and what is not.
    pub(crate) fn proving(&mut self, now: Now) -> Option<Outcome> {
        let prover = self.prover.as_mut()?;
        let shared = &self.capture.shared;
        say_sandbox(&prover.worker, &self.context.reports);
        if let Some(why) = prover.worker.failed(now.mono) {
            if let Err(outcome) = prover.replace(&why) {
                return Some(outcome);
            }
            let cam = shared.index;
            let failed = Some(format!(
                "{why}; another has taken its work over, and no picture is lost"
            ));
            let _ = self.context.reports.send(Report::Mask { cam, failed });
        }
        let verdicts = prover.verdicts();
        let bracket = prover.bracket.as_mut();
        let holds = bracket.is_some();
        let judged = lock(&shared.standing).judge(now.mono, verdicts, bracket);
        let released = self.release();
        match judged {
            Judged::Back => Some((Ended::Rule, "the camera's own mask is back".into())),
            Judged::Failed { why, news } => (holds && (news || self.admitted() == Admission::Yes))
                .then_some((Ended::Unproved, why)),
            Judged::Well => {
                if released {
                    self.proved(now);
                }
                None
            }
        }
    }

    /// The camera's own mask is there, and relied on.
    fn proved(&mut self, now: Now) {
        let Some(prover) = self.prover.as_mut().filter(|p| !p.said) else {
            return;
        };
        prover.said = true;
        let cam = self.capture.shared.index;
        lock(&self.capture.shared.standing).trust(now.mono);
        for report in [
            Report::Mask { cam, failed: None },
            Report::Proof { cam, failed: None },
        ] {
            let _ = self.context.reports.send(report);
        }
    }

    /// Hands on what is proved at both ends; false: there was nothing.
    pub(crate) fn release(&mut self) -> bool {
        let mut units = Vec::new();
        if let Some(bracket) = self.prover.as_mut().and_then(|p| p.bracket.as_mut()) {
            bracket.take(&mut units);
        }
        let some = !units.is_empty();
        if some {
            let mut track = lock(&self.capture.track);
            for unit in units {
                track.unit(unit);
            }
        }
        some
    }

    /// Asks for this camera's place among those that are painted.
    pub(crate) fn admitted(&self) -> Admission {
        let shared = &self.capture.shared;
        match self.demand {
            Some(demand) => self.context.capacity.admit(
                shared.index,
                shared.id().as_str(),
                demand,
                self.context.clock.now().mono,
            ),
            None => Admission::Measuring,
        }
    }

    /// Starts the workers that this session needs. An error: it cannot be recorded as its mask demands.
    pub(crate) fn guard(
        &mut self,
        parameters: &Parameters,
        fps_milli: u64,
        max_kbit: Option<u32>,
    ) -> Result<Guarded, Outcome> {
        let mut encoder = Encoder::Software;
        let guarded = self.guarded(parameters, fps_milli, max_kbit, &mut encoder);
        let _ = self.context.reports.send(Report::Encoder {
            cam: self.capture.shared.index,
            failed: match encoder {
                Encoder::Instead(why) => Some(why),
                Encoder::Software | Encoder::Device(_) => None,
            },
        });
        guarded
    }

    fn guarded(
        &mut self,
        parameters: &Parameters,
        fps_milli: u64,
        max_kbit: Option<u32>,
        encoder: &mut Encoder,
    ) -> Result<Guarded, Outcome> {
        let cam = self.capture.shared.index;
        let capacity = &self.context.capacity;
        let Some(mask) = self.rule.mask.clone() else {
            capacity.release(cam);
            return Ok(Guarded::None);
        };
        if self.rule.lifted.is_some() {
            return Ok(Guarded::Lifted);
        }
        let own = mask.how == How::Camera;
        let start = Start {
            program: self.context.config.pictures.clone(),
            clock: self.context.clock.clone(),
            mask,
            fps_milli,
            max_kbit,
        };
        let doubt = lock(&self.capture.shared.standing).why().map(str::to_owned);
        if own {
            self.prover = Some(Prover {
                worker: start.worker(Task::Prove, parameters)?,
                start: start.clone(),
                base: parameters.clone(),
                asked: VecDeque::new(),
                bracket: None,
                said: false,
                parameters: None,
            });
        }
        let mut bill = None;
        if own && doubt.is_none() {
            capacity.release(cam);
        } else {
            let admitted = self.admitted();
            let now = self.context.clock.now();
            *encoder = capacity.encoder(cam, parameters.codec, now.mono);
            match admitted {
                Admission::Yes => {
                    let task = Task::Paint {
                        track: self.capture.track.clone(),
                        device: match encoder {
                            Encoder::Device(path) => Some(path.clone()),
                            Encoder::Software | Encoder::Instead(_) => None,
                        },
                    };
                    self.painter = Some(start.worker(task, parameters)?);
                }
                // It records as soon as its own mask is proved again.
                Admission::No(why) if own => bill = Some(why),
                Admission::Measuring if own => {}
                Admission::No(why) => return Err((Ended::Capacity, why)),
                Admission::Measuring => {
                    return Err((
                        Ended::Measuring,
                        "what this box can carry is being measured".into(),
                    ));
                }
            }
        }
        if let Some(why) = doubt.filter(|_| own) {
            let meanwhile = match (&self.painter, bill) {
                (Some(_), _) => "the box paints the mask meanwhile".to_owned(),
                (None, None) => "nothing is recorded meanwhile".to_owned(),
                (None, Some(bill)) => format!("nothing is recorded meanwhile: {bill}"),
            };
            let _ = self.context.reports.send(Report::Proof {
                cam,
                failed: Some(format!("{why}; {meanwhile}")),
            });
        }
        if self.painter.is_some() {
            return Ok(Guarded::Burned);
        }
        if let Some(prover) = &mut self.prover {
            prover.bracket = Some(Bracket::default());
        }
        Ok(Guarded::Proved)
    }
}

impl Prover {
    /// Key frames go to the worker; all of it into the bracket. False: the bracket is full.
    pub(crate) fn take(&mut self, unit: &Unit) -> bool {
        if unit.parameters.is_some() {
            self.parameters.clone_from(&unit.parameters);
        }
        let asked = !unit.key || {
            let key = Unit {
                parameters: self.parameters.take(),
                ..unit.clone()
            };
            let sent = self.worker.unit(key.clone());
            if sent {
                self.asked.push_back(key);
            }
            sent
        };
        let Some(bracket) = &mut self.bracket else {
            return true;
        };
        let fits = bracket.unit(unit.clone()).is_ok();
        if !asked {
            // Nobody will say anything of it.
            bracket.verdict(unit.pts, false);
        }
        fits
    }

    /// What the worker said since this was last asked.
    pub(crate) fn verdicts(&mut self) -> VecDeque<Verdict> {
        let verdicts = self.worker.verdicts();
        for verdict in &verdicts {
            let Some(at) = self.asked.iter().position(|u| u.pts == verdict.pts) else {
                continue;
            };
            for unit in self.asked.drain(..=at) {
                if let Some(parameters) = unit.parameters {
                    self.base = parameters;
                }
            }
        }
        verdicts
    }

    /// Another worker for one that failed, with the key frames it did not answer: the bracket waits meanwhile, and nothing is lost.
    /// One that failed without ever having answered is not replaced: the fault lies elsewhere.
    fn replace(&mut self, why: &str) -> Result<(), Outcome> {
        let end = || (Ended::Worker, why.to_owned());
        if self.worker.pictures_back() == 0 {
            return Err(end());
        }
        let answered = self.verdicts();
        let worker = self.start.worker(Task::Prove, &self.base)?;
        let old = std::mem::replace(&mut self.worker, worker);
        // Its threads end with its pipes; not waited for on this thread.
        drop(tokio::task::spawn_blocking(move || old.reap()));
        self.worker.said(answered);
        self.said = false;
        for unit in &self.asked {
            if !self.worker.unit(unit.clone()) {
                return Err(end());
            }
        }
        Ok(())
    }
}

fn say_sandbox(worker: &Worker, reports: &Sender<Report>) {
    if let Some(missing) = worker.sandbox() {
        let _ = reports.send(Report::Sandbox {
            missing: (!missing.is_empty()).then(|| missing.join("; ")),
        });
    }
}

/// What a camera seems to send, in kbit/s, key frame and all: a ceiling for what is made of it. None when it cannot be told.
pub(crate) fn max_kbit(held: &[Unit]) -> Option<u32> {
    const LEAST: u64 = 256;
    let (first, last) = (
        held.iter().map(|u| u.pts).min()?,
        held.iter().map(|u| u.pts).max()?,
    );
    let bits: u64 = held.iter().map(|u| u.bytes.len() as u64 * 8).sum();
    let ms = u64::try_from(ticks_us(last - first) / 1000).ok()?;
    // The last picture stands for a while, too.
    let kbit = bits.checked_div(ms * held.len() as u64 / (held.len() as u64 - 1).max(1))?;
    u32::try_from(kbit.max(LEAST)).ok()
}
