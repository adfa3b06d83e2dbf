//! Task. How one session's mask is imposed: who paints, who proves, what their answers come to.
//!
//! The session hands every picture in, and looks several times a second; what may be recorded goes out by the way it was given at the
//! beginning. Nothing else of a masked camera does.
use std::{
    path::PathBuf,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use footage::mp4::Parameters;
use shared::{
    mask::{How, Mask},
    time::{Clock, Now, Utc},
};

use super::{
    bracket::Bracket,
    capacity::{Admission, Capacity, Demand, Encoder},
    masks::InForce,
    primary::{primary, timing},
    prover::Prover,
    trust::Judged,
    worker::{About, Breakdown, Painted, Task, Worker},
};
use crate::{
    lock::lock,
    nal::{Opening, Timing},
    recording::{recorder::Shared, report::Report},
    segment::{Guarded, Unit, ticks_us},
};

/// A painter's use of the processor is looked at this often.
const BILL_MS: u64 = 10_000;
/// A camera has no picture that painting could begin with, when so many of its pictures at which it begins groups were none.
const UNFIT: u32 = 3;
/// What a worker may take to finish what it has.
const FINISH_MS: u64 = 3_000;

/// Why a session cannot go on as its mask demands, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The picture worker failed; the camera is fine.
    Worker(Breakdown),
    /// The camera's own mask could not be proved.
    Unproved(String),
    /// Another mask came into force, or who imposes it changed.
    Rule(String),
    /// The box cannot carry painting this camera's mask.
    Capacity(String),
    /// The camera sends nothing that a mask could be imposed on.
    Unmaskable(String),
}

/// Where pictures go that may be recorded.
pub type Way = Arc<dyn Fn(Painted) + Send + Sync>;

/// What a session's mask is imposed with.
#[derive(Clone)]
pub struct Means {
    /// `beadle-pictures`.
    pub program: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub capacity: Capacity,
    pub reports: Sender<Report>,
    pub camera: Arc<Shared>,
    pub out: Way,
}

/// What is known of a session's pictures once its rhythm is.
#[derive(Clone, Copy)]
pub struct Outset<'a> {
    pub parameters: &'a Parameters,
    pub fps_milli: u64,
    /// The camera's own rate.
    pub max_kbit: Option<u32>,
}

/// Starts workers for one session's mask.
#[derive(Clone)]
pub struct Start {
    program: PathBuf,
    mask: Arc<Mask>,
    fps_milli: u64,
    max_kbit: Option<u32>,
}

impl Start {
    pub fn worker(&self, task: Task, parameters: &Parameters) -> Result<Worker, Obstacle> {
        let about = About {
            mask: &self.mask,
            parameters,
            fps_milli: self.fps_milli,
            max_kbit: self.max_kbit,
        };
        Worker::start(&self.program, task, &about).map_err(Obstacle::Worker)
    }
}

pub struct Imposition {
    means: Means,
    mask: Arc<Mask>,
    demand: Demand,
    /// Paints the mask.
    painter: Option<Worker>,
    /// Proves the camera's own mask.
    prover: Option<Prover>,
    /// Wall time of the first and of the last unit given to a worker, in µs.
    given: Option<(i64, i64)>,
    /// Pictures at which the camera begins groups, in a row, that painting could not begin with.
    unfit: u32,
    /// Of pictures that never came to anybody, to be counted with the next.
    lost: u32,
    shed: u32,
    parameters: Option<Parameters>,
    /// How the stream says in which order fields were taken.
    timing: Option<Timing>,
    billed: Option<(u64, f64)>,
    /// The painter paints one picture in so many.
    one_in: u32,
    /// It was said that pictures come back, or that the camera's mask is there.
    well: bool,
}

/// Whether a session under this rule may need a place among those that are painted, which are given away once it is measured what the box
/// can carry.
pub fn may_be_painted(rule: &InForce, camera: &Shared) -> bool {
    let own_is_good = || lock(&camera.standing).trusted();
    rule.imposed()
        .is_some_and(|m| m.how == How::Burned || !own_is_good())
}

impl Imposition {
    /// Starts the workers that a session needs; None: it needs none. An obstacle: it cannot be recorded as its mask demands.
    pub fn begin(
        means: &Means,
        rule: &InForce,
        outset: &Outset<'_>,
    ) -> (Result<Option<Self>, Obstacle>, Guarded) {
        let cam = means.camera.index;
        let mut encoder = Encoder::Software;
        let begun = match (rule.imposed(), &rule.lifted) {
            (None, None) => {
                means.capacity.release(cam);
                (Ok(None), Guarded::None)
            }
            (None, Some(_)) => (Ok(None), Guarded::Lifted),
            (Some(mask), lifted) => match Self::imposed(means, mask, outset, &mut encoder) {
                Ok(imposition) => {
                    // What the mask in force hides and the one in its place does not is seen: that is what the record has to say.
                    let how = match lifted {
                        Some(_) => Guarded::Lifted,
                        None => imposition.how(),
                    };
                    (Ok(Some(imposition)), how)
                }
                Err(obstacle) => {
                    put_on_record(means, mask, &obstacle, None, None);
                    (Err(obstacle), Guarded::None)
                }
            },
        };
        let _ = means.reports.send(Report::Encoder {
            cam,
            failed: match encoder {
                Encoder::Instead(why) => Some(why),
                Encoder::Software | Encoder::Device(_) => None,
            },
        });
        begun
    }

    fn imposed(
        means: &Means,
        mask: &Arc<Mask>,
        outset: &Outset<'_>,
        encoder: &mut Encoder,
    ) -> Result<Self, Obstacle> {
        let (cam, capacity) = (means.camera.index, &means.capacity);
        let parameters = outset.parameters;
        let own = mask.how == How::Camera;
        let start = Start {
            program: means.program.clone(),
            mask: mask.clone(),
            fps_milli: outset.fps_milli,
            max_kbit: outset.max_kbit,
        };
        let mut it = Self {
            means: means.clone(),
            mask: mask.clone(),
            demand: Demand {
                codec: parameters.codec,
                width: parameters.width,
                height: parameters.height,
                fps_milli: outset.fps_milli,
            },
            painter: None,
            prover: None,
            given: None,
            unfit: 0,
            lost: 0,
            shed: 0,
            parameters: None,
            timing: timing(parameters),
            billed: None,
            one_in: 1,
            well: false,
        };
        if own {
            it.prover = Some(Prover::new(&start, parameters)?);
        }
        let doubt = lock(&means.camera.standing).why().map(str::to_owned);
        let mut bill = None;
        if own && doubt.is_none() {
            capacity.release(cam);
        } else {
            let admitted = it.admitted();
            *encoder = capacity.encoder(cam, parameters.codec, means.clock.now().mono);
            match admitted {
                Admission::Yes => {
                    let out = means.out.clone();
                    let task = Task::Paint {
                        out: Box::new(move |painted| out(painted)),
                        device: match encoder {
                            Encoder::Device(path) => Some(path.clone()),
                            Encoder::Software | Encoder::Instead(_) => None,
                        },
                    };
                    it.painter = Some(start.worker(task, parameters)?);
                }
                // It records as soon as its own mask is proved again.
                Admission::No(why) if own => bill = Some(why),
                Admission::No(why) => return Err(Obstacle::Capacity(why)),
            }
        }
        if let Some(why) = doubt.filter(|_| own) {
            let meanwhile = match (&it.painter, bill) {
                (Some(_), _) => "the box paints the mask meanwhile".to_owned(),
                (None, None) => "nothing is recorded meanwhile".to_owned(),
                (None, Some(bill)) => format!("nothing is recorded meanwhile: {bill}"),
            };
            it.report(Report::Proof {
                cam,
                failed: Some(format!("{why}; {meanwhile}")),
            });
        }
        if it.painter.is_none()
            && let Some(prover) = &mut it.prover
        {
            prover.bracket = Some(Bracket::default());
        }
        Ok(it)
    }

    /// The box paints; else it proves.
    pub fn paints(&self) -> bool {
        self.painter.is_some()
    }

    fn how(&self) -> Guarded {
        match &self.painter {
            Some(_) => Guarded::Burned,
            None => Guarded::Proved,
        }
    }

    fn report(&self, report: Report) {
        let _ = self.means.reports.send(report);
    }

    /// Asks for this camera's place among those that are painted.
    fn admitted(&self) -> Admission {
        let Means {
            camera, capacity, ..
        } = &self.means;
        let mono = self.means.clock.now().mono;
        capacity.admit(camera.index, camera.id().as_str(), self.demand, mono)
    }

    /// Takes a picture in; `key` of it says that the camera begins a group there. What is beside it in its access unit goes no further.
    pub fn unit(&mut self, mut unit: Unit) -> Result<(), Obstacle> {
        unit.lost += std::mem::take(&mut self.lost);
        unit.shed += std::mem::take(&mut self.shed);
        unit.parameters = unit.parameters.or(self.parameters.take());
        if let Some(parameters) = &unit.parameters {
            self.timing = timing(parameters);
        }
        let Ok(primary) = primary(self.demand.codec, self.timing, &unit.bytes) else {
            // What relies on it is not painted either.
            (self.lost, self.shed, self.parameters) = (unit.lost + 1, unit.shed, unit.parameters);
            return Ok(());
        };
        if let (false, Some(why)) = (self.paints(), primary.doubt) {
            return Err(Obstacle::Unproved(why.into()));
        }
        if primary.bytes.is_empty() {
            // Without a picture there is nothing to be left out.
            (self.lost, self.shed, self.parameters) = (unit.lost, unit.shed, unit.parameters);
            return Ok(());
        }
        unit.bytes = primary.bytes.clone();
        let first = self.given.is_none();
        self.given = Some((self.given.map_or(unit.wall_us, |g| g.0), unit.wall_us));
        if let Some(prover) = &mut self.prover {
            let alone = Unit {
                key: primary.opening == Opening::Alone,
                ..unit.clone()
            };
            let taken = prover.take(alone, &primary);
            if self.painter.is_none() {
                taken?;
            }
        }
        if let Some(painter) = &mut self.painter {
            // At others the camera does not say that decoding may begin.
            let fit = matches!(primary.opening, Opening::Alone | Opening::Recovery(_));
            if unit.key {
                self.unfit = if fit { 0 } else { self.unfit + 1 };
            }
            if self.unfit >= UNFIT {
                return Err(Obstacle::Unmaskable(NEVER_FIT.into()));
            }
            unit.key = primary.opening == Opening::Alone || (unit.key && fit);
            // The worker was told with its setup; it says itself what it encodes to.
            if first {
                unit.parameters = None;
            }
            painter.unit(unit);
        }
        Ok(())
    }

    /// What is due whether pictures come or not. To be called several times a second.
    pub fn look(&mut self, now: Now) -> Option<Obstacle> {
        self.painting(now).or_else(|| self.proving(now))
    }

    /// Looks at the worker that paints.
    fn painting(&mut self, now: Now) -> Option<Obstacle> {
        let painter = self.painter.as_mut()?;
        let cam = self.means.camera.index;
        let (reports, capacity) = (&self.means.reports, &self.means.capacity);
        say_sandbox(painter, reports);
        if let Some(why) = painter.failed(now.mono) {
            if painter.device_failed() {
                capacity.struck(cam, now.mono, why.why());
            }
            return Some(Obstacle::Worker(why));
        }
        if !self.well && painter.pictures_back() > 0 {
            self.well = true;
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
            && let Some(used) = painter.cost()
        {
            capacity.used(cam, (used - before) * 1000.0 / lasted as f64);
            self.billed = Some((now.mono, used));
            // Done without the device for a while: it is tried again.
            if !painter.on_device()
                && let Encoder::Device(_) = capacity.encoder(cam, self.demand.codec, now.mono)
            {
                return Some(Obstacle::Rule(
                    "the graphics device is to encode again".into(),
                ));
            }
        }
        None
    }

    /// Takes in what is proved of the camera's own mask, and what is not.
    fn proving(&mut self, now: Now) -> Option<Obstacle> {
        let prover = self.prover.as_mut()?;
        let cam = self.means.camera.index;
        say_sandbox(&prover.worker, &self.means.reports);
        if let Some(why) = prover.worker.failed(now.mono) {
            if let Err(obstacle) = prover.replace(&why) {
                return Some(obstacle);
            }
            self.well = false;
            let failed = Some(Breakdown::Work(format!(
                "{}; another has taken its work over, and no picture is lost",
                why.why()
            )));
            let _ = self.means.reports.send(Report::Mask { cam, failed });
        }
        let verdicts = prover.verdicts();
        let bracket = prover.bracket.as_mut();
        let holds = bracket.is_some();
        let judged = lock(&self.means.camera.standing).judge(now.mono, verdicts, bracket);
        let released = self.release();
        match judged {
            Judged::Back => Some(Obstacle::Rule("the camera's own mask is back".into())),
            Judged::Failed { why, news } => (holds && (news || self.admitted() == Admission::Yes))
                .then_some(Obstacle::Unproved(why)),
            Judged::Well => {
                if released && !self.well {
                    self.well = true;
                    lock(&self.means.camera.standing).trust(now.mono);
                    self.report(Report::Mask { cam, failed: None });
                    self.report(Report::Proof { cam, failed: None });
                }
                None
            }
        }
    }

    /// Hands on what is proved at both ends; false: there was nothing.
    fn release(&mut self) -> bool {
        let mut units = Vec::new();
        if let Some(bracket) = self.prover.as_mut().and_then(|p| p.bracket.as_mut()) {
            bracket.take(&mut units);
        }
        let some = !units.is_empty();
        for unit in units {
            (self.means.out)(Painted::Unit(unit));
        }
        some
    }

    /// Lets the workers finish, and puts a failure on the record. `recorded` says until when pictures of the session were.
    pub async fn end(mut self, obstacle: Option<&Obstacle>, recorded: impl Fn() -> Option<Utc>) {
        let now = || self.means.clock.now();
        if let Some(Obstacle::Unproved(why)) = obstacle {
            let mut standing = lock(&self.means.camera.standing);
            if standing.trusted() {
                standing.failed(now().mono, why);
            }
        }
        let failed = matches!(obstacle, Some(Obstacle::Worker(_)));
        let until = now().mono + if failed { 0 } else { FINISH_MS };
        let provers = self.prover.iter_mut().map(|p| &mut p.worker);
        let mut workers: Vec<&mut Worker> = provers.chain(&mut self.painter).collect();
        workers.iter_mut().for_each(|w| w.end());
        while workers.iter().any(|w| !w.ended()) && now().mono < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if let Some(prover) = &mut self.prover {
            for verdict in prover.verdicts() {
                if let Some(bracket) = &mut prover.bracket {
                    bracket.verdict(verdict.pts, verdict.pass());
                }
            }
        }
        self.release();
        let workers = [self.painter.take(), self.prover.take().map(|p| p.worker)];
        // Joining waits for threads whose pipes are closed by the kill; off this thread all the same.
        let reap = move || workers.into_iter().flatten().for_each(Worker::reap);
        let _ = tokio::task::spawn_blocking(reap).await;
        if let Some(obstacle) = obstacle {
            put_on_record(&self.means, &self.mask, obstacle, self.given, recorded());
        }
    }
}

/// Of pictures from `given.0` to `given.1` (wall time in µs), those after `recorded` were not recorded.
fn put_on_record(
    means: &Means,
    mask: &Mask,
    obstacle: &Obstacle,
    given: Option<(i64, i64)>,
    recorded: Option<Utc>,
) {
    let why = match obstacle {
        Obstacle::Worker(breakdown) => breakdown.why(),
        Obstacle::Unproved(why) => why,
        _ => return,
    };
    let cam = means.camera.index;
    let wall = means.clock.now().wall;
    let (first, end) = given.map_or((wall, wall), |(a, b)| (Utc(a / 1000), Utc(b / 1000)));
    let t0 = recorded.filter(|l| *l > first).unwrap_or(first);
    let _ = means.reports.send(Report::MaskFailed {
        cam,
        mask: mask.id.clone(),
        t0,
        t1: end.max(t0),
        why: why.to_owned(),
    });
    if let Obstacle::Worker(breakdown) = obstacle {
        let failed = Some(breakdown.clone());
        let _ = means.reports.send(Report::Mask { cam, failed });
    }
}

const NEVER_FIT: &str = "the camera begins its groups of pictures with ones of which it does not say that decoding may begin there (neither IDR nor \
                         recovery point), so its mask cannot be imposed: set a key picture (IDR) every 2 s";

fn say_sandbox(worker: &Worker, reports: &Sender<Report>) {
    if let Some(missing) = worker.sandbox() {
        let _ = reports.send(Report::Sandbox {
            missing: (!missing.is_empty()).then(|| missing.join("; ")),
        });
    }
}

/// What a camera seems to send, in kbit/s, key frame and all: a ceiling for what is made of it. None when it cannot be told.
pub fn max_kbit(held: &[Unit]) -> Option<u32> {
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
