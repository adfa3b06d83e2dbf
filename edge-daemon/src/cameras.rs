//! Wiring. All cameras of the box: sessions, capture threads, picture workers, recorders.
//!
//! ```text
//! capture thread(s)                                 writer thread per volume          recording/log
//! capture/{thread → connect → rtsp} → [masking] → recorder ──queue──> store/writer ──report──> lines, faults
//!                                                     ↑ which volume: store/monitor
//! ```
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use shared::{
    id::CameraId,
    order::{Code, Refusal},
    standing::Flow,
    time::{Clock, Now, Utc},
    wire::MaskInfo,
};

use crate::{
    capture::{relay::repair::Repairs, thread as capture},
    clock::{Level, Trust},
    config::Config,
    health::Faults,
    lock::lock,
    masking::{
        capacity::Capacity,
        lift::Asked,
        masks::{self, Masks, Ordered, Reviewed},
    },
    reader::Recipients,
    recording::{
        log::RecordingLog,
        rates::Rates,
        recorder::{Recorder, Shared, VolumeQueues},
        report::Report,
        sequence::Sequence,
        watch,
    },
    segment::rate::Rate,
    store::{Volumes, monitor::VolumeMonitor, writer},
};

/// What recording needs from the rest of the box.
pub struct Deps {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub log: logbook::LogHandle,
    pub boot: u64,
    pub recipients: Recipients,
    pub volumes: Volumes,
    pub faults: Faults,
    /// Footage begun under an unknown clock is sealed to a key of this start, not of a day.
    pub trust: Trust,
    /// Per camera, what the log already says: the last `s` and the end of the last segment.
    pub last: std::collections::HashMap<CameraId, (u64, Utc)>,
}

/// How a camera is doing, measured on frames landed on disk.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub flow: Flow,
    pub frames: u64,
    /// Packets that the network lost.
    pub lost: u64,
    /// Pictures that this box left out.
    pub shed: u64,
    /// Of a camera with two rates: the one it is recorded at, and until when if an order says so.
    pub rate: Option<(Rate, Option<Utc>)>,
    /// Its session goes by the relay; what is mended on the way.
    pub relayed: Option<Repairs>,
    /// Of a camera in time-lapse, or a slow one: a picture is followed by none for so long.
    pub stands_ms: Option<u64>,
}

/// Frames landed within this long: it is recording.
const RECORDING_MS: u64 = 10_000;
/// So long after a start it means nothing that no picture has landed: a session and a key picture take their time.
const STARTING_MS: u64 = 15_000;
/// Cameras on one capture thread.
const PER_THREAD: usize = 16;

/// All cameras of the box. Dropping it does not stop them; [`Cameras::stop`] does, closing every open segment.
#[derive(Clone)]
pub struct Cameras {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    began: Now,
    cameras: Vec<Arc<Shared>>,
    doors: Arc<VolumeQueues>,
    reports: Sender<Report>,
    rates: Rates,
    masks: Masks,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    scribe: Mutex<Option<JoinHandle<()>>>,
    writers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Cameras {
    pub fn start(deps: Deps) -> Self {
        let volumes: Vec<_> = deps.volumes.all().into_iter().map(|v| v.path).collect();
        let ids: Vec<CameraId> = deps.config.cameras.iter().map(|c| c.id.clone()).collect();
        let highest = writer::highest_on_disk(&volumes, &ids);
        let cameras: Vec<Arc<Shared>> = deps
            .config
            .cameras
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let numbers = Sequence::new(
                    deps.last.get(&c.id).copied(),
                    highest.get(&c.id).copied().unwrap_or(0),
                );
                Arc::new(Shared::new(i, c.clone(), numbers))
            })
            .collect();
        let (reports, inbox) = channel();
        let rates = Rates::start(
            deps.config.state().rates(),
            deps.log.clone(),
            deps.clock.clone(),
            &cameras,
        );
        let masks = Masks::start(
            masks::Deps {
                path: deps.config.state().masks(),
                log: deps.log.clone(),
                clock: deps.clock.clone(),
                trust: deps.trust.clone(),
                faults: deps.faults.clone(),
            },
            &cameras,
        );
        let painted = cameras
            .iter()
            .any(|c| masks.in_force(c.index).mask.is_some());
        let capacity = Capacity::new(&deps.config, deps.config.state().pictures());
        if painted {
            capacity.measure();
        }
        let scribe = RecordingLog::new(
            deps.log,
            deps.faults.clone(),
            cameras.clone(),
            masks.clone(),
        );
        let stop = Arc::new(AtomicBool::new(false));
        let inner = Arc::new(Inner {
            clock: deps.clock.clone(),
            began: deps.clock.now(),
            cameras: cameras.clone(),
            doors: Arc::default(),
            reports: reports.clone(),
            rates: rates.clone(),
            masks: masks.clone(),
            stop: stop.clone(),
            threads: Mutex::default(),
            scribe: Mutex::new(spawn("scribe", move || scribe.run(inbox))),
            writers: Arc::default(),
        });
        let (clock, trust) = (deps.clock.clone(), deps.trust);
        let writer = writer::Context {
            clock: deps.clock.clone(),
            recipients: deps.recipients,
            volumes: deps.volumes,
            boot: deps.boot,
            clock_known: Arc::new(move || trust.level(clock.now()) != Level::Unknown),
            reports: reports.clone(),
        };
        let mut overseer = VolumeMonitor::new(
            inner.doors.clone(),
            writer,
            inner.writers.clone(),
            deps.faults.clone(),
        );
        // The first choice is made before the first frame, so that no camera begins with "nowhere to record to".
        overseer.look();
        let flag = stop.clone();
        let mut threads: Vec<_> = spawn("overseer", move || overseer.run(&flag))
            .into_iter()
            .collect();
        if !rates.idle() {
            let (rates, flag) = (rates.clone(), stop.clone());
            threads.extend(spawn("rates", move || rates.run(&flag)));
        }
        {
            let (cameras, clock, reports, flag) = (
                cameras.clone(),
                deps.clock.clone(),
                reports.clone(),
                stop.clone(),
            );
            threads.extend(spawn("landing", move || {
                watch::run(&cameras, &*clock, &reports, &flag);
            }));
        }
        {
            let (masks, flag) = (masks.clone(), stop.clone());
            threads.extend(spawn("masks", move || masks.run(&flag)));
        }
        let context = capture::Context {
            clock: deps.clock,
            config: deps.config.clone(),
            doors: inner.doors.clone(),
            reports: reports.clone(),
            rates,
            masks,
            capacity,
            stop,
        };
        let captures: Vec<capture::Capture> = cameras
            .into_iter()
            .map(|shared| {
                let track = Recorder::new(
                    shared.clone(),
                    inner.doors.clone(),
                    reports.clone(),
                    deps.config.zone.clone(),
                    deps.config.segment_secs,
                    context.clock.clone(),
                );
                capture::Capture {
                    shared,
                    track: Arc::new(Mutex::new(track)),
                }
            })
            .collect();
        for chunk in captures.chunks(PER_THREAD) {
            let (chunk, context) = (chunk.to_vec(), context.clone());
            threads.extend(spawn("capture", move || {
                if let Err(e) = capture::run(chunk, &context) {
                    tracing::error!(error = %e, "a capture thread could not start");
                    let _ = context.reports.send(Report::Capture(e.to_string()));
                }
            }));
        }
        *lock(&inner.threads) = threads;
        Self { inner }
    }

    fn find(&self, cam: &CameraId) -> Option<&Arc<Shared>> {
        self.inner.cameras.iter().find(|c| c.id() == cam)
    }

    pub fn status(&self) -> Vec<(CameraId, Status)> {
        let now = self.inner.clock.now().mono;
        let one = |c: &Arc<Shared>| {
            let landed = c.landed.last();
            // A time-lapse picture is followed by none for a while; a slow camera's too.
            let stands_ms = c.config.timelapse.as_ref().map(|t| {
                // Key frames may be further apart than was asked for.
                let asked = u64::from(t.every_secs) * 1000;
                asked.max(c.stands_ms.load(Relaxed))
            });
            let slow_ms = c.rhythm_ms.load(Relaxed) * 2;
            let stands_ms = stands_ms.or((slow_ms > RECORDING_MS).then_some(slow_ms));
            let patience = RECORDING_MS + stands_ms.unwrap_or(0).max(slow_ms);
            let recording = landed.is_some_and(|(_, mono)| now.saturating_sub(mono) < patience);
            let began = self.inner.began;
            let starting = now.saturating_sub(began.mono) < STARTING_MS + stands_ms.unwrap_or(0);
            let last = c.landed_last();
            let status = Status {
                flow: Flow {
                    recording,
                    connected: c.connected.load(Relaxed),
                    starting: landed.is_none() && starting,
                    landed: last,
                    down_since: (!recording).then(|| last.unwrap_or(began.wall)),
                    next_try: c.next_try(),
                },
                frames: c.landed.frames(),
                lost: c.lost.load(Relaxed),
                shed: c.shed.load(Relaxed),
                rate: self.inner.rates.status(c.index),
                stands_ms,
                relayed: lock(&c.relayed).clone(),
            };
            (c.id().clone(), status)
        };
        self.inner.cameras.iter().map(one).collect()
    }

    /// The hub's order that a camera in time-lapse record in real time; see [`Rates::order`].
    pub fn order_rate(
        &self,
        cam: &CameraId,
        order: u64,
        made: Utc,
        minutes: u32,
    ) -> Result<Utc, Refusal> {
        if self.find(cam).is_none() {
            let why = format!("this box has no camera {cam}");
            return Err(Refusal::new(Code::NoCamera, why));
        }
        self.inner.rates.order(cam, order, made, minutes)
    }

    /// Closes the camera's open segment at its next key frame; returns when its line is in the log (or at the timeout).
    pub fn close_open(&self, cam: &CameraId, timeout: Duration) -> bool {
        let Some(camera) = self.find(cam) else {
            return false;
        };
        let numbers = lock(&camera.numbers);
        let target = numbers.begun();
        if numbers.settled() >= target {
            return true;
        }
        camera.cut.store(true, Relaxed);
        let (numbers, _) = camera
            .settled
            .wait_timeout_while(numbers, timeout, |n| n.settled() < target)
            .unwrap_or_else(|e| e.into_inner());
        numbers.settled() >= target
    }

    /// A camera's torn segments are dealt with: its `seg.write` lines, held back until now, may follow.
    /// `last` replaces what [`Deps::last`] said.
    pub fn recovered(&self, cam: &CameraId, last: Option<(u64, Utc)>) {
        let Some(camera) = self.find(cam) else { return };
        if let Some((_, end)) = last {
            camera.set_ended_before(end);
        }
        lock(&camera.numbers).recovered(last);
        let _ = self.inner.reports.send(Report::Recovered {
            cam: camera.index,
            id: cam.clone(),
        });
    }

    /// The certificate that the log has as a camera's own: another one that it is recorded with has a line.
    pub fn accepted(&self, cam: &CameraId, certificate: Option<String>) {
        let Some(camera) = self.find(cam) else { return };
        let _ = self.inner.reports.send(Report::Accepted {
            cam: camera.index,
            certificate,
        });
    }

    /// Ends every session, closes every open segment, and waits until their lines are in the log.
    pub fn stop(&self) {
        self.inner.stop.store(true, Relaxed);
        join(&self.inner.threads, Duration::from_secs(10));
        for queue in lock(&self.inner.doors.queues).values() {
            queue.stop();
        }
        join(&self.inner.writers, Duration::from_secs(20));
        let _ = self.inner.reports.send(Report::Stop);
        if let Some(scribe) = lock(&self.inner.scribe).take() {
            wait(scribe, Duration::from_secs(10));
        }
    }
}

/// What the hub's orders and the rest of the box ask of masks.
impl Cameras {
    pub fn lift_mask(&self, cam: &CameraId, asked: &Asked) -> Result<Utc, Refusal> {
        self.inner.masks.lift(cam, asked)
    }

    pub fn end_lift(&self, cam: &CameraId, order: u64, made: Utc) -> Result<(), Refusal> {
        self.inner.masks.end(cam, order, made)
    }

    pub fn set_mask(&self, cam: &CameraId, ordered: &Ordered) -> Result<(), Refusal> {
        self.inner.masks.set(cam, ordered)
    }

    pub fn mask_reviewed(&self, cam: &CameraId, seen: &Reviewed) -> Result<(), Refusal> {
        self.inner.masks.reviewed(cam, seen)
    }

    /// The mask in force on each camera.
    pub fn masks(&self) -> Vec<(CameraId, Option<MaskInfo>)> {
        let all = self.inner.cameras.iter();
        all.map(|c| (c.id().clone(), self.inner.masks.shown(c.index)))
            .collect()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    match std::thread::Builder::new().name(name.into()).spawn(work) {
        Ok(thread) => Some(thread),
        Err(e) => {
            tracing::error!(thread = name, error = %e, "a thread could not be started");
            None
        }
    }
}

fn join(threads: &Mutex<Vec<JoinHandle<()>>>, timeout: Duration) {
    for thread in std::mem::take(&mut *lock(threads)) {
        wait(thread, timeout);
    }
}

/// A thread that hangs on a dead disk must not keep the box from stopping.
fn wait(thread: JoinHandle<()>, timeout: Duration) {
    let until = Instant::now() + timeout;
    while !thread.is_finished() {
        if Instant::now() >= until {
            tracing::error!(
                thread = thread.thread().name().unwrap_or("?"),
                "a thread did not stop in time; left behind"
            );
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = thread.join();
}

#[cfg(test)]
mod tests;
