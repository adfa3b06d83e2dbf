//! Adapter: retina (RTSP). Capture threads, and one camera's session from DESCRIBE to its end.
//!
//! A capture thread owns a current-thread runtime with several cameras' sessions. It really sleeps between turns and then drains
//! every socket: wake-ups are what recording costs, and async timers would wake for each packet. Frame times come from RTP, so
//! the turn adds no error to them.
//!
//! RTP over the RTSP connection (TCP), the first video stream, H.264 or H.265. Sound is ignored.
use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Sender,
    },
    time::Duration,
};

use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use futures::StreamExt;
use retina::{
    client::{Credentials, Demuxed, PlayOptions, Session, SessionOptions, SetupOptions},
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParametersCodec},
};
use shared::time::{Clock, Now};

use super::{
    pictures::Worker,
    report::Report,
    session::{CONNECT_MS, Ended, HOLD_BYTES, HOLD_MS, Retry, STALL_MS, refusal},
    track::{Doors, Shared, Track},
};
use crate::{
    segment::{
        Unit,
        anchor::{Anchor, clock_offset_us},
        ticks_us,
    },
    store::writer::lock,
};

/// Between two turns.
const TURN: Duration = Duration::from_millis(200);
/// While a session is being set up, for its first seconds: a dozen questions and answers.
const QUICK_TURN: Duration = Duration::from_millis(10);
const QUICK_MS: u64 = 1_500;
const TICK: Duration = Duration::from_millis(250);
/// A clock that moved by more than this against the monotonic one was set.
const STEP_US: i64 = 250_000;
/// A picture worker may take this long over its first pictures, and between pictures.
const WORKER_MS: u64 = 5_000;

/// What capture threads need.
#[derive(Clone)]
pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub config: Arc<crate::config::Config>,
    pub doors: Arc<Doors>,
    pub reports: Sender<Report>,
    pub stop: Arc<AtomicBool>,
}

/// One camera and the track its frames go to.
#[derive(Clone)]
pub struct Capture {
    pub shared: Arc<Shared>,
    pub track: Arc<Mutex<Track>>,
}

/// What the sessions of one thread share with its loop.
#[derive(Default)]
struct Turn {
    now: Cell<Option<Now>>,
    /// Counts whatever happened, to see when all is drained.
    moved: Cell<u64>,
    /// Monotonic ms until which turns are quick.
    quick_until: Cell<u64>,
}

impl Turn {
    fn moved(&self) {
        self.moved.set(self.moved.get().wrapping_add(1));
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
    let mut tasks: Vec<_> = {
        let _entered = runtime.enter();
        cameras
            .into_iter()
            .map(|capture| local.spawn_local(camera(capture, context.clone(), turn.clone())))
            .collect()
    };
    while !tasks.is_empty() {
        turn.now.set(Some(context.clock.now()));
        runtime.block_on(local.run_until(async {
            // One yield polls the sockets and runs what they woke; quiet ones mean that all is drained.
            let mut quiet = 0;
            while quiet < 3 {
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
        tasks.retain(|t| !t.is_finished());
        let quick = context.clock.now().mono < turn.quick_until.get();
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
    while !context.stop.load(Relaxed) {
        let began = context.clock.now().mono;
        // A panic costs this session, not the thread and its other cameras.
        let run = tokio::task::spawn_local({
            let (capture, context, turn) = (capture.clone(), context.clone(), turn.clone());
            async move { Run::new(capture, context, turn).run().await }
        });
        let (how, detail) = run
            .await
            .unwrap_or((Ended::Lost, "the session failed inside Beadle".into()));
        shared.connected.store(false, Relaxed);
        {
            let mut track = lock(&capture.track);
            track.finish(how.cause());
            track.because(how.cause());
        }
        if how == Ended::Stop {
            break;
        }
        let next = retry.ended(how, context.clock.now().mono.saturating_sub(began));
        tracing::warn!(camera = %shared.id(), how = ?how, %detail, wait_ms = next.wait_ms, "camera session ended");
        if let Some(code) = next.fault {
            let _ = context.reports.send(Report::Trouble {
                cam: shared.index,
                code: Some((code, detail)),
            });
        }
        let until = context.clock.now().mono.saturating_add(next.wait_ms);
        while context.clock.now().mono < until && !context.stop.load(Relaxed) {
            tokio::time::sleep(
                Duration::from_millis(until.saturating_sub(context.clock.now().mono)).min(TICK),
            )
            .await;
        }
    }
}

type Outcome = (Ended, String);

/// One session.
struct Run {
    capture: Capture,
    context: Context,
    turn: Rc<Turn>,
    anchor: Anchor,
    /// Wall minus monotonic clock when last looked at.
    offset_us: i64,
    /// Units held at the start, until their rhythm is known; None afterwards.
    held: Option<Vec<Unit>>,
    held_bytes: usize,
    first_at: u64,
    last_at: u64,
    parameters: Option<Parameters>,
    worker: Option<Worker>,
    /// Wall time of the first and of the last unit given to the worker.
    given: Option<(i64, i64)>,
    ok: bool,
}

impl Run {
    fn new(capture: Capture, context: Context, turn: Rc<Turn>) -> Self {
        let now = context.clock.now();
        Self {
            capture,
            context,
            turn,
            anchor: Anchor::default(),
            offset_us: clock_offset_us(now),
            held: Some(Vec::new()),
            held_bytes: 0,
            first_at: now.mono,
            last_at: now.mono,
            parameters: None,
            worker: None,
            given: None,
            ok: false,
        }
    }

    fn now(&self) -> Now {
        self.turn
            .now
            .get()
            .unwrap_or_else(|| self.context.clock.now())
    }

    async fn run(mut self) -> Outcome {
        self.turn
            .quick_until
            .set(self.context.clock.now().mono + QUICK_MS);
        let connected =
            tokio::time::timeout(Duration::from_millis(CONNECT_MS), self.connect()).await;
        self.turn.quick_until.set(0);
        let outcome = match connected {
            Err(_) => (
                Ended::Unreachable,
                format!("no answer within {} s", CONNECT_MS / 1000),
            ),
            Ok(Err(outcome)) => outcome,
            Ok(Ok((demuxed, stream))) => {
                self.capture.shared.connected.store(true, Relaxed);
                self.last_at = self.context.clock.now().mono;
                self.play(demuxed, stream).await
            }
        };
        self.close(outcome).await
    }

    async fn connect(&self) -> Result<(Demuxed, usize), Outcome> {
        let config = &self.capture.shared.config;
        let fail = |e: retina::Error| (refusal(e.status_code()), first_line(&e));
        let creds = config.username.as_ref().map(|username| Credentials {
            username: username.clone(),
            password: config
                .password
                .as_ref()
                .map_or(String::new(), |p| p.reveal().to_owned()),
        });
        let options = SessionOptions::default()
            .creds(creds)
            .user_agent("beadle".into());
        let mut session = Session::describe(config.url.clone(), options)
            .await
            .map_err(|e| match e.status_code() {
                // retina has no answer for a camera that wants a password when we have none.
                None if config.username.is_none() && e.to_string().contains("401") => (
                    Ended::Password,
                    "the camera asks for a user name and password".into(),
                ),
                _ => fail(e),
            })?;
        let video = |s: &retina::client::Stream| {
            s.media() == "video" && matches!(s.encoding_name(), "h264" | "h265")
        };
        let Some(stream) = session.streams().iter().position(video) else {
            let offered: Vec<String> = session
                .streams()
                .iter()
                .map(|s| format!("{}/{}", s.media(), s.encoding_name()))
                .collect();
            return Err((
                Ended::Unsupported,
                format!(
                    "no H.264 or H.265 video among what it offers: {}",
                    offered.join(", ")
                ),
            ));
        };
        session
            .setup(
                stream,
                SetupOptions::default().frame_format(FrameFormat::MP4),
            )
            .await
            .map_err(fail)?;
        let session = session.play(PlayOptions::default()).await.map_err(fail)?;
        let demuxed = session.demuxed().map_err(fail)?;
        Ok((demuxed, stream))
    }

    async fn play(&mut self, mut demuxed: Demuxed, stream: usize) -> Outcome {
        loop {
            let item = tokio::time::timeout(TICK, demuxed.next()).await;
            self.turn.moved();
            match item {
                Ok(None) => return (Ended::Lost, "the camera closed the connection".into()),
                Ok(Some(Err(e))) => return (Ended::Lost, first_line(&e)),
                Ok(Some(Ok(CodecItem::VideoFrame(frame)))) => {
                    if let Err(outcome) = self.frame(frame, &demuxed, stream) {
                        return outcome;
                    }
                }
                Ok(Some(Ok(_))) | Err(_) => {}
            }
            if let Some(outcome) = self.look() {
                return outcome;
            }
        }
    }

    /// What is due whether frames come or not.
    fn look(&mut self) -> Option<Outcome> {
        let now = self.now();
        if self.context.stop.load(Relaxed) {
            return Some((Ended::Stop, String::new()));
        }
        let silent = now.mono.saturating_sub(self.last_at);
        if silent > STALL_MS {
            return Some((
                Ended::Stalled,
                format!("no picture for {} s", STALL_MS / 1000),
            ));
        }
        if self.held.is_some()
            && !self.held.as_ref().is_some_and(Vec::is_empty)
            && now.mono.saturating_sub(self.first_at) >= HOLD_MS
            && let Err(outcome) = self.begin(now)
        {
            return Some(outcome);
        }
        let offset = clock_offset_us(now);
        if (offset - self.offset_us).abs() > STEP_US {
            lock(&self.capture.track).clock_set();
        }
        self.offset_us = offset;
        if silent > 700 && self.worker.is_none() {
            lock(&self.capture.track).idle();
        }
        if let Some(worker) = &self.worker {
            if let Some(why) = worker.failed(now.mono, WORKER_MS) {
                return Some((Ended::Worker, why));
            }
            if !self.ok && worker.pictures_back() > 0 {
                self.ok = true;
                let _ = self.context.reports.send(Report::Mask {
                    cam: self.capture.shared.index,
                    failed: None,
                });
            }
        }
        lock(&self.capture.track)
            .starved()
            .then(|| (Ended::NoKey, "the camera sends no key frames".into()))
    }

    fn frame(
        &mut self,
        frame: VideoFrame,
        demuxed: &Demuxed,
        stream: usize,
    ) -> Result<(), Outcome> {
        let now = self.now();
        self.last_at = now.mono;
        let changed = frame.has_new_parameters() || self.parameters.is_none();
        let mut parameters = None;
        if changed {
            let new = demuxed.streams().get(stream).and_then(read_parameters);
            if new.is_some() && new != self.parameters {
                self.parameters.clone_from(&new);
                parameters = new;
            }
        }
        let pts = frame.timestamp().elapsed();
        self.anchor.arrived(pts, now.mono);
        let key = frame.is_random_access_point();
        let lost = u32::from(frame.loss());
        if lost > 0 {
            tracing::warn!(camera = %self.capture.shared.id(), packets = lost, "packets lost");
        }
        let unit = Unit {
            pts,
            key,
            bytes: Bytes::from(frame.into_data()),
            lost,
            parameters,
        };
        if let Some(held) = &mut self.held {
            if held.is_empty() {
                self.first_at = now.mono;
            }
            self.held_bytes += unit.bytes.len();
            held.push(unit);
            if self.held_bytes > HOLD_BYTES || now.mono.saturating_sub(self.first_at) >= HOLD_MS {
                self.begin(now)?;
            }
            return Ok(());
        }
        self.give(unit, now);
        Ok(())
    }

    /// The rhythm is known: what was held goes on its way.
    fn begin(&mut self, now: Now) -> Result<(), Outcome> {
        let held = self.held.take().unwrap_or_default();
        let shared = self.capture.shared.clone();
        let Some(parameters) = self.parameters.clone() else {
            return Err((
                Ended::Unsupported,
                "the camera sends no parameter sets (SPS, PPS)".into(),
            ));
        };
        let fps_milli = rate(&held);
        let _ = self.context.reports.send(Report::Session {
            cam: shared.index,
            codec: parameters.codec,
            width: parameters.width,
            height: parameters.height,
            fps_milli,
        });
        let _ = self.context.reports.send(Report::Trouble {
            cam: shared.index,
            code: None,
        });
        let back = held.windows(2).any(|w| w[1].pts < w[0].pts);
        match &shared.config.mask {
            Some(mask) => {
                let worker = Worker::start(
                    &self.context.config.pictures,
                    mask,
                    &parameters,
                    fps_milli,
                    self.capture.track.clone(),
                    self.context.clock.clone(),
                );
                self.worker = Some(worker.map_err(|e| (Ended::Worker, e.to_string()))?);
            }
            None => lock(&self.capture.track).expect_reorder(back),
        }
        for unit in held {
            self.give(unit, now);
        }
        Ok(())
    }

    fn give(&mut self, mut unit: Unit, now: Now) {
        let Some(origin) = self.anchor.origin_us(now) else {
            return;
        };
        match &mut self.worker {
            Some(worker) => {
                let wall = origin + ticks_us(unit.pts);
                self.given = Some((self.given.map_or(wall, |g| g.0), wall));
                // The worker was told with its setup; it says itself what it encodes to.
                if self.given.is_some_and(|g| g.0 == wall) {
                    unit.parameters = None;
                }
                worker.unit(unit, origin);
            }
            None => lock(&self.capture.track).unit(unit, origin),
        }
    }

    /// Lets the worker finish, and puts a failure of it on the record.
    async fn close(mut self, outcome: Outcome) -> Outcome {
        let failed = outcome.0 == Ended::Worker;
        if let Some(mut worker) = self.worker.take() {
            worker.end();
            let until = self.context.clock.now().mono + if failed { 0 } else { 3_000 };
            while !worker.ended() && self.context.clock.now().mono < until {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // Joining waits for two threads whose pipes are closed by the kill; off this thread all the same.
            let _ = tokio::task::spawn_blocking(move || worker.reap()).await;
        }
        if failed {
            let cam = self.capture.shared.index;
            let last = lock(&self.capture.track).last();
            let wall = self.context.clock.now().wall;
            let (first, end) = self.given.map_or((wall, wall), |(a, b)| {
                (shared::time::Utc(a / 1000), shared::time::Utc(b / 1000))
            });
            let t0 = last.filter(|l| *l > first).unwrap_or(first);
            let _ = self.context.reports.send(Report::MaskFailed {
                cam,
                t0,
                t1: end.max(t0),
                why: outcome.1.clone(),
            });
            let _ = self.context.reports.send(Report::Mask {
                cam,
                failed: Some(outcome.1.clone()),
            });
        }
        outcome
    }
}

fn read_parameters(stream: &retina::client::Stream) -> Option<Parameters> {
    let Some(ParametersRef::Video(v)) = stream.parameters() else {
        return None;
    };
    let codec = match v.codec_params() {
        VideoParametersCodec::H264 { .. } => Codec::H264,
        VideoParametersCodec::H265 { .. } => Codec::H265,
        _ => return None,
    };
    let (w, h) = v.pixel_dimensions();
    Some(Parameters {
        codec,
        width: u16::try_from(w).ok()?,
        height: u16::try_from(h).ok()?,
        config: v.extra_data().to_vec(),
        sound: None,
    })
}

/// Pictures in a thousand seconds, by the usual distance between them; 0 when it cannot be told.
fn rate(held: &[Unit]) -> u64 {
    let mut times: Vec<i64> = held.iter().map(|u| u.pts).collect();
    times.sort_unstable();
    let mut steps: Vec<i64> = times
        .windows(2)
        .map(|w| w[1] - w[0])
        .filter(|d| *d > 0)
        .collect();
    steps.sort_unstable();
    steps
        .get(steps.len() / 2)
        .map_or(0, |d| 90_000_000u64 / d.unsigned_abs().max(1))
}

/// retina's errors go on about the packet; the first line says what happened.
fn first_line(e: &retina::Error) -> String {
    e.to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}
