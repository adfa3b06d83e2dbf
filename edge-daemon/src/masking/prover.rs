//! Task. A camera's own mask: its key pictures go to a worker that proves, all of its pictures into the bracket.
use std::collections::VecDeque;

use footage::mp4::Parameters;
use shared::worker::Verdict;

use super::{
    bracket::{Bracket, MOST_BYTES},
    imposition::{Obstacle, Start},
    primary::{Primary, doubtful_config},
    worker::{Breakdown, Task, Worker},
};
use crate::segment::Unit;

pub struct Prover {
    pub worker: Worker,
    start: Start,
    /// What the key frames that are not answered yet were sent under.
    base: Parameters,
    /// Key frames that are not answered yet.
    asked: VecDeque<Unit>,
    /// None: the box paints as well, and what comes from the camera only shows whether its mask is back.
    pub bracket: Option<Bracket>,
    /// Of a unit that was no key frame.
    parameters: Option<Parameters>,
}

impl Prover {
    pub fn new(start: &Start, parameters: &Parameters) -> Result<Self, Obstacle> {
        Ok(Self {
            worker: start.worker(Task::Prove, parameters)?,
            start: start.clone(),
            base: parameters.clone(),
            asked: VecDeque::new(),
            bracket: None,
            parameters: None,
        })
    }

    /// Key frames, which decode by themselves, go to the worker; all of it into the bracket. `primary` is what `unit` holds.
    pub fn take(&mut self, unit: Unit, primary: &Primary) -> Result<(), Obstacle> {
        let codec = self.base.codec;
        let announced = unit.parameters.as_ref();
        let doubt = announced.and_then(|p| doubtful_config(codec, &p.config));
        if let Some(why) = doubt.or(primary.doubt) {
            return Err(Obstacle::Unproved(why.into()));
        }
        if announced.is_some() {
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
            return Ok(());
        };
        let pts = unit.pts;
        let fits = bracket.unit(unit);
        if !asked {
            // Nobody will say anything of it.
            bracket.verdict(pts, false);
        }
        fits.map_err(|_| {
            Obstacle::Unproved(format!(
                "its key frames are so far apart that more than {} MiB lie between them: set a key frame every 2 s",
                MOST_BYTES >> 20
            ))
        })
    }

    /// What the worker said since this was last asked.
    pub fn verdicts(&mut self) -> VecDeque<Verdict> {
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
    pub fn replace(&mut self, why: &Breakdown) -> Result<(), Obstacle> {
        let end = || Obstacle::Worker(why.clone());
        if self.worker.pictures_back() == 0 {
            return Err(end());
        }
        let answered = self.verdicts();
        let worker = self.start.worker(Task::Prove, &self.base)?;
        let old = std::mem::replace(&mut self.worker, worker);
        // Its threads end with its pipes; not waited for on this thread.
        drop(tokio::task::spawn_blocking(move || old.reap()));
        self.worker.take_over(answered);
        for unit in &self.asked {
            if !self.worker.unit(unit.clone()) {
                return Err(end());
            }
        }
        Ok(())
    }
}
