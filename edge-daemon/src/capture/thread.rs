//! Task. Capture threads: each runs several cameras, and connects each of them again for ever.
//!
//! A capture thread owns a current-thread runtime with several cameras' sessions. It really sleeps between turns and then drains
//! every socket: wake-ups are what recording costs, and async timers would wake for each packet. Frame times come from RTP, so
//! the turn adds no error to them.
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Sender,
    },
    time::Duration,
};

use shared::time::{Clock, Now};
use tracing::Instrument;

use crate::{
    capture::bounds::Bounds,
    capture::connect::Line,
    capture::farewell::{self, Farewell},
    capture::relay::{Progress, known::Known},
    capture::rtsp::Run,
    capture::session::{Ended, FAREWELL_MS, Next, READS, READS_LARGE, Retry},
    capture::way::{Way, Ways},
    masking::capacity::Capacity,
    masking::masks::Masks,
    recording::rates::Rates,
    recording::recorder::{Recorder, Shared, VolumeQueues},
    recording::report::Report,
    recording::watch::Hindrance,
};
use crate::{
    config::{Secret, load},
    lock::lock,
};

/// Between two turns.
const TURN: Duration = Duration::from_millis(200);
/// A turn ends after this long, whatever is left to read.
const LONGEST_TURN_MS: u64 = 100;
/// While a session is being set up, for its first seconds: a dozen questions and answers.
const QUICK_TURN: Duration = Duration::from_millis(10);
pub(crate) const QUICK_MS: u64 = 1_500;
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// While a camera refuses its password, the file is looked at this often for another.
const PASSWORD_TICK: Duration = Duration::from_secs(2);

/// What capture threads need.
#[derive(Clone)]
pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub config: Arc<crate::config::Config>,
    pub doors: Arc<VolumeQueues>,
    pub reports: Sender<Report>,
    pub rates: Rates,
    pub masks: Masks,
    pub capacity: Capacity,
    pub stop: Arc<AtomicBool>,
}

/// One camera and the track its frames go to.
#[derive(Clone)]
pub struct Capture {
    pub shared: Arc<Shared>,
    pub track: Arc<Mutex<Recorder>>,
}

/// What is known of a session when it is over, however it ends.
#[derive(Default)]
pub(crate) struct Tally {
    /// From the first frame to the last.
    pub(crate) played_ms: Cell<u64>,
    /// Packets that could not be used since the last frame.
    pub(crate) unusable: Cell<u32>,
    /// What it makes the box hold.
    pub(crate) bounds: Bounds,
}

/// What the sessions of one thread share with its loop.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) now: Cell<Option<Now>>,
    /// Counts whatever happened, to see when all is drained.
    moved: Cell<u64>,
    /// Cameras being connected to, and the monotonic ms until which turns are quick for that.
    connecting: Cell<u32>,
    quick_until: Cell<u64>,
    /// Sessions that say goodbye.
    pub(crate) farewells: RefCell<Vec<Rc<Farewell>>>,
}

impl Turn {
    pub(crate) fn moved(&self) {
        self.moved.set(self.moved.get().wrapping_add(1));
    }
    pub(crate) fn connecting(&self, mono: u64) {
        self.connecting.set(self.connecting.get() + 1);
        self.quick_until.set(mono + QUICK_MS);
    }
    pub(crate) fn connected(&self) {
        self.connecting.set(self.connecting.get().saturating_sub(1));
    }
    fn quick(&self, mono: u64) -> bool {
        self.connecting.get() > 0 && mono < self.quick_until.get()
    }
}

/// Runs the cameras until told to stop.
pub fn run(cameras: Vec<Capture>, context: &Context) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()?;
    let local = tokio::task::LocalSet::new();
    let turn = Rc::new(Turn::default());
    let start = |capture: Capture| {
        let _entered = runtime.enter();
        let task = local.spawn_local(camera(capture.clone(), context.clone(), turn.clone()));
        (capture, task)
    };
    let mut tasks: Vec<_> = cameras.into_iter().map(start).collect();
    while !tasks.is_empty() {
        let began = context.clock.now();
        turn.now.set(Some(began));
        let over = || context.clock.now().mono.saturating_sub(began.mono) > LONGEST_TURN_MS;
        runtime.block_on(local.run_until(async {
            // One yield polls the sockets and runs what they woke; quiet ones mean that all is drained. A camera that sends
            // faster than we read does not keep the others from their turn's end.
            let mut quiet = 0;
            while quiet < 3 && !over() {
                let before = turn.moved.get();
                tokio::task::yield_now().await;
                quiet = if turn.moved.get() == before {
                    quiet + 1
                } else {
                    0
                };
            }
        }));
        context.doors.kick();
        for (capture, task) in &mut tasks {
            if task.is_finished() && !context.stop.load(Relaxed) {
                let why = format!("the thread's part for {} ended", capture.shared.id());
                tracing::error!(camera = %capture.shared.id(), "a camera's task ended; begun again");
                let _ = context.reports.send(Report::Capture(why));
                *task = start(capture.clone()).1;
            }
        }
        tasks.retain(|(_, t)| !t.is_finished());
        let mono = context.clock.now().mono;
        let leaving = farewell::round(&turn, mono);
        let quick = leaving || turn.quick(mono);
        std::thread::sleep(if quick { QUICK_TURN } else { TURN });
    }
    Ok(())
}

/// One camera for ever: the only place that connects again.
async fn camera(capture: Capture, context: Context, turn: Rc<Turn>) {
    let shared = &capture.shared;
    let seed = shared
        .id()
        .as_str()
        .bytes()
        .fold(context.clock.now().mono, |h, b| {
            h.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b)
        });
    let mut retry = Retry::new(seed);
    let mut flooded = false;
    let mut ways = Ways::new(&shared.config);
    let known = Known::new(context.config.state().cameras());
    // Which keepalive the camera takes, as the relay found out.
    let keepalive = Rc::new(Cell::new(0));
    while !context.stop.load(Relaxed) {
        shared.set_next_try(None);
        let read = password(shared).await;
        let password = read.clone().unwrap_or_default();
        let farewell = Farewell::new(turn.clone());
        let tally = Rc::new(Tally::default());
        let way = ways.next();
        *lock(&shared.relayed) = (way == Way::Relay).then(|| ways.repairs().clone());
        let progress = Rc::new(Progress::new(keepalive.clone()));
        // A panic costs this session, not the thread and its other cameras.
        // Whatever is said meanwhile, by retina too, is about this camera.
        let about = tracing::warn_span!("camera", id = %shared.id());
        let line = Line {
            camera: shared.clone(),
            password: password.clone(),
            way,
            turn: turn.clone(),
            farewell: farewell.clone(),
            known: known.clone(),
            wall: context.clock.now().wall,
            progress: progress.clone(),
        };
        let unseen = line.unseen();
        let (how, detail) = match &read {
            // Without its password it is not asked at all; the other cameras go on.
            Err(why) => (Ended::NoPassword, why.clone()),
            Ok(_) => {
                let run = tokio::task::spawn_local({
                    let (capture, context) = (capture.clone(), context.clone());
                    let tally = tally.clone();
                    async move {
                        let run = Run::new(capture, context, line, tally.clone(), flooded);
                        in_small_bites(&tally, run.run()).await
                    }
                    .instrument(about)
                });
                // retina may panic when it is asked to go on after some packets; that, too, is damage and no more.
                run.await.unwrap_or_else(|_| match tally.unusable.get() {
                    0 => (Ended::Lost, "the session failed inside Beadle".into()),
                    n => (Ended::Damaged, format!("{n} packets could not be used")),
                })
            }
        };
        farewell.ended();
        shared.connected.store(false, Relaxed);
        shared.hindered(Some(Hindrance::Ended(how.cause(), detail.clone())));
        // Whether it goes on cannot be known any more.
        context.rates.event(shared.index, false);
        {
            let mut track = lock(&capture.track);
            track.finish(how.cause());
            track.because(how.cause());
            if how == Ended::Damaged {
                track.lost(tally.unusable.get());
            }
        }
        if how == Ended::Stop {
            break;
        }
        let played_ms = tally.played_ms.get();
        let detail = without_secrets(detail, password.as_ref());
        let other_way = ways.ended(how, played_ms, &progress.repairs());
        let next = if other_way {
            tracing::info!(camera = %shared.id(), how = ?how, %detail, "tried by the relay");
            Next {
                wait_ms: 0,
                // The only one that took its time to be found, unless it was not waited for.
                fault: (how == Ended::Stalled && !(unseen && played_ms == 0))
                    .then_some("camera.stalled"),
            }
        } else {
            retry.ended(how, played_ms)
        };
        let wait_ms = i64::try_from(next.wait_ms).unwrap_or(i64::MAX);
        shared.set_next_try(Some(context.clock.now().wall.plus_ms(wait_ms)));
        flooded = how == Ended::Flood;
        tracing::warn!(camera = %shared.id(), how = ?how, %detail, wait_ms = next.wait_ms, "camera session ended");
        if let Some(code) = next.fault {
            let _ = context.reports.send(Report::Trouble {
                cam: shared.index,
                code: Some((code, detail)),
            });
        }
        // A camera with room for one session only needs to hear that the old one is over.
        let patience = Duration::from_millis(FAREWELL_MS);
        let _ = tokio::time::timeout(patience, farewell.said()).await;
        let now = || context.clock.now().mono;
        let until = now().saturating_add(next.wait_ms);
        let mut look = now() + PASSWORD_TICK.as_millis() as u64;
        while now() < until && !context.stop.load(Relaxed) {
            let left = Duration::from_millis(until.saturating_sub(now()));
            tokio::time::sleep(left.min(TICK)).await;
            if how == Ended::Certificate && now() >= look {
                // Accepted by a person meanwhile, or mended.
                if known
                    .read(shared.id())
                    .is_ok_and(|m| m.refused.is_none() && m.accepted.is_some())
                {
                    tracing::info!(camera = %shared.id(), "its certificate was accepted: tried at once");
                    break;
                }
                look = now() + PASSWORD_TICK.as_millis() as u64;
            }
            if matches!(how, Ended::Password | Ended::NoPassword) && now() >= look {
                if self::password(shared).await != read {
                    tracing::info!(camera = %shared.id(), "the password was changed: tried at once");
                    break;
                }
                look = now() + PASSWORD_TICK.as_millis() as u64;
            }
        }
    }
}

/// Whatever a camera or a library says, the password is not repeated.
fn without_secrets(text: String, password: Option<&Secret>) -> String {
    match password.map(Secret::reveal) {
        // A shorter one is in every other word; it cannot be hidden by leaving it out.
        Some(password) if password.len() >= 4 => text.replace(password, "[password]"),
        _ => text,
    }
}

/// The camera's password as it is now: whoever changes it at the camera changes the file, and nothing has to be restarted. Err: it has
/// one, and it cannot be read, now or at the start: why.
async fn password(shared: &Arc<Shared>) -> Result<Option<Secret>, String> {
    let old = shared.config.password.clone();
    let Some(source) = shared.config.password_from.clone() else {
        return Ok(old);
    };
    let read = tokio::task::spawn_blocking(move || load::password(&source)).await;
    match read {
        Ok(Ok(new)) => Ok(Some(Secret::new(new))),
        // What was read at the start may still be good.
        Ok(Err(_)) | Err(_) if old.as_ref().is_some_and(|p| !p.reveal().is_empty()) => Ok(old),
        Ok(Err(why)) => Err(why),
        Err(e) => Err(e.to_string()),
    }
}

/// A task may read from its socket 128 times before tokio has it wait for its turn. A fast sender could fill the memory within
/// that; so most of it is used up here, and what retina holds is looked at more often.
async fn in_small_bites<F: Future>(tally: &Tally, work: F) -> F::Output {
    const BUDGET: usize = 128;
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        let large = tally.bounds.near();
        for _ in if large { READS_LARGE } else { READS }..BUDGET {
            let one = std::pin::pin!(tokio::task::coop::consume_budget());
            if one.poll(cx).is_pending() {
                break;
            }
        }
        work.as_mut().poll(cx)
    })
    .await
}
