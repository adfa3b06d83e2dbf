//! Wiring. How a session imposes its mask: who paints, who proves, what their answers come to.

use super::*;

/// A painter's use of the processor is looked at this often.
const BILL_MS: u64 = 10_000;

pub(super) struct Prover {
    pub(super) worker: Worker,
    /// None: the box paints as well, and what comes from the camera only shows whether its mask is back.
    pub(super) bracket: Option<Bracket>,
    /// It was said that the camera's mask is there.
    said: bool,
    /// Of a unit that was no key frame.
    parameters: Option<Parameters>,
}

impl Run {
    /// Looks at the worker that paints.
    pub(super) fn painting(&mut self, now: Now) -> Option<Outcome> {
        let painter = self.painter.as_mut()?;
        let cam = self.capture.shared.index;
        let reports = &self.context.reports;
        say_sandbox(painter, reports);
        if let Some(why) = painter.failed(now.mono) {
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
        }
        None
    }

    /// Takes in what is proved of the camera's own mask, and what is not.
    pub(super) fn proving(&mut self, now: Now) -> Option<Outcome> {
        let prover = self.prover.as_mut()?;
        let shared = &self.capture.shared;
        say_sandbox(&prover.worker, &self.context.reports);
        if let Some(why) = prover.worker.failed(now.mono) {
            return Some((Ended::Worker, why));
        }
        let verdicts = prover.worker.verdicts();
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
    pub(super) fn release(&mut self) -> bool {
        let mut units = Vec::new();
        if let Some(bracket) = self.prover.as_mut().and_then(|p| p.bracket.as_mut()) {
            bracket.take(&mut units);
        }
        let some = !units.is_empty();
        if some {
            let mut track = lock(&self.capture.track);
            for (unit, origin) in units {
                track.unit(unit, origin);
            }
        }
        some
    }

    /// Asks for this camera's place among those that are painted.
    pub(super) fn admitted(&self) -> Admission {
        let shared = &self.capture.shared;
        match self.demand {
            Some(demand) => self
                .context
                .capacity
                .admit(shared.index, shared.id().as_str(), demand),
            None => Admission::Measuring,
        }
    }

    /// Starts the workers that this session needs. An error: it cannot be recorded as its mask demands.
    pub(super) fn guard(
        &mut self,
        parameters: &Parameters,
        fps_milli: u64,
        max_kbit: Option<u32>,
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
        let about = About {
            mask: &mask,
            parameters,
            fps_milli,
            max_kbit,
        };
        let start = |task| {
            let program = &self.context.config.pictures;
            Worker::start(program, task, &about, self.context.clock.clone())
                .map_err(|e| (Ended::Worker, e.to_string()))
        };
        let own = mask.how == How::Camera;
        let doubt = lock(&self.capture.shared.standing).why().map(str::to_owned);
        if own {
            self.prover = Some(Prover {
                worker: start(Task::Prove)?,
                bracket: None,
                said: false,
                parameters: None,
            });
        }
        let mut bill = None;
        if own && doubt.is_none() {
            capacity.release(cam);
        } else {
            match self.admitted() {
                Admission::Yes => {
                    let painter = start(Task::Paint(self.capture.track.clone()))?;
                    self.painter = Some(painter);
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
    pub(super) fn take(&mut self, unit: &Unit, origin_us: i64) -> bool {
        if unit.parameters.is_some() {
            self.parameters.clone_from(&unit.parameters);
        }
        let asked = !unit.key || {
            let key = Unit {
                parameters: self.parameters.take(),
                ..unit.clone()
            };
            self.worker.unit(key, origin_us)
        };
        let Some(bracket) = &mut self.bracket else {
            return true;
        };
        let fits = bracket.unit(unit.clone(), origin_us).is_ok();
        if !asked {
            // Nobody will say anything of it.
            bracket.verdict(unit.pts, false);
        }
        fits
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
pub(super) fn max_kbit(held: &[Unit]) -> Option<u32> {
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
