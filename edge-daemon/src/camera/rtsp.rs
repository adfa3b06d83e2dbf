//! Adapter: retina (RTSP). Capture threads, and one camera's session from DESCRIBE to its end.
//!
//! A capture thread owns a current-thread runtime with several cameras' sessions. It really sleeps between turns and then drains
//! every socket: wake-ups are what recording costs, and async timers would wake for each packet. Frame times come from RTP, so
//! the turn adds no error to them.
//!
//! RTP over the RTSP connection (TCP), or over UDP where the configuration says so; the first video stream, H.264 or H.265.
//! Sound (AAC) only where the configuration gives a reason for it; else it is not even asked for. Where events of the camera's switch it to real time, its metadata stream too.
//!
//! A packet that cannot be used costs its picture, not the session: it is counted as lost and the next ones are tried. Only when
//! no picture comes for [`DAMAGE_MS`], or the connection itself makes no sense any more, is the session begun again.
use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Sender,
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use futures::StreamExt;
use retina::{
    client::{
        Credentials, Demuxed, PlayOptions, Session, SessionGroup, SessionOptions, SetupOptions,
        TcpTransportOptions, TeardownPolicy, Transport as Carrier, UdpTransportOptions,
    },
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParametersCodec},
};
use shared::time::{Clock, Now};

use super::{
    event,
    pictures::Worker,
    rates::Rates,
    report::Report,
    session::{
        CONNECT_MS, DAMAGE_MS, Ended, FAREWELL_MS, GOOD_MS, HOLD_BYTES, HOLD_MS, Meter,
        PICTURE_BYTES, READS, READS_LARGE, Retry, STALL_MS, UNFINISHED_BYTES, refusal,
    },
    track::{Doors, Shared, Track},
};
use crate::{
    config::{Secret, Transport, load},
    memory,
    segment::{
        Heard, TICKS_PER_SEC, Unit,
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
/// While a camera refuses its password, the file is looked at this often for another.
const PASSWORD_TICK: Duration = Duration::from_secs(2);
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
    pub rates: Rates,
    pub stop: Arc<AtomicBool>,
}

/// One camera and the track its frames go to.
#[derive(Clone)]
pub struct Capture {
    pub shared: Arc<Shared>,
    pub track: Arc<Mutex<Track>>,
}

/// What is known of a session when it is over, however it ends.
#[derive(Default)]
struct Tally {
    /// From the first frame to the last.
    played_ms: Cell<u64>,
    /// Packets that could not be used since the last frame.
    unusable: Cell<u32>,
    /// Large buffers taken since the last picture came: what retina holds of one that has not ended.
    unfinished: Cell<isize>,
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
    // A farewell is waited for on the old connection; not on one that floods us.
    let mut teardown = TeardownPolicy::Auto;
    while !context.stop.load(Relaxed) {
        let password = password(shared).await;
        let farewell = Arc::new(SessionGroup::default());
        let tally = Rc::new(Tally::default());
        let flooded = matches!(teardown, TeardownPolicy::Never);
        // A panic costs this session, not the thread and its other cameras.
        let run = tokio::task::spawn_local({
            let (capture, context, turn) = (capture.clone(), context.clone(), turn.clone());
            let (password, farewell, tally) = (password.clone(), farewell.clone(), tally.clone());
            async move {
                let run = Run::new(capture, context, turn, password, tally.clone(), flooded);
                in_small_bites(&tally, run.run(farewell, teardown)).await
            }
        });
        // retina may panic when it is asked to go on after some packets; that, too, is damage and no more.
        let (how, detail) = run.await.unwrap_or_else(|_| match tally.unusable.get() {
            0 => (Ended::Lost, "the session failed inside Beadle".into()),
            n => (Ended::Damaged, format!("{n} packets could not be used")),
        });
        shared.connected.store(false, Relaxed);
        // Whether it goes on cannot be known any more.
        context.rates.event(shared.index, false);
        {
            let mut track = lock(&capture.track);
            track.finish(how.cause());
            track.because(how.cause());
            if how == Ended::Damaged {
                track.lost(tally.unusable.get().max(1));
            }
        }
        if how == Ended::Stop {
            break;
        }
        let next = retry.ended(how, tally.played_ms.get());
        teardown = if how == Ended::Flood {
            TeardownPolicy::Never
        } else {
            TeardownPolicy::Auto
        };
        tracing::warn!(camera = %shared.id(), how = ?how, %detail, wait_ms = next.wait_ms, "camera session ended");
        if let Some(code) = next.fault {
            let _ = context.reports.send(Report::Trouble {
                cam: shared.index,
                code: Some((code, detail)),
            });
        }
        // A camera with room for one session only needs to hear that the old one is over.
        let farewell = tokio::time::timeout(
            Duration::from_millis(FAREWELL_MS),
            farewell.await_teardown(),
        );
        let _ = farewell.await;
        let now = || context.clock.now().mono;
        let until = now().saturating_add(next.wait_ms);
        let mut look = now() + PASSWORD_TICK.as_millis() as u64;
        while now() < until && !context.stop.load(Relaxed) {
            let left = Duration::from_millis(until.saturating_sub(now()));
            tokio::time::sleep(left.min(TICK)).await;
            if how == Ended::Password && now() >= look {
                if self::password(shared).await != password {
                    tracing::info!(camera = %shared.id(), "the password was changed: tried at once");
                    break;
                }
                look = now() + PASSWORD_TICK.as_millis() as u64;
            }
        }
    }
}

/// The camera's password as it is now: whoever changes it at the camera changes the file, and nothing has to be restarted.
async fn password(shared: &Arc<Shared>) -> Option<Secret> {
    let old = shared.config.password.clone();
    let Some(source) = shared.config.password_from.clone() else {
        return old;
    };
    let read = tokio::task::spawn_blocking(move || load::password(&source)).await;
    match read {
        Ok(Ok(new)) => Some(Secret::new(new)),
        // What was read at the start may still be good.
        Ok(Err(_)) | Err(_) => old,
    }
}

/// A task may read from its socket 128 times before tokio has it wait for its turn. A fast sender could fill the memory within
/// that; so most of it is used up here, and what retina holds is looked at more often.
async fn in_small_bites<F: Future>(tally: &Tally, work: F) -> F::Output {
    const BUDGET: usize = 128;
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        let large = tally.unfinished.get() > PICTURE_BYTES / 4;
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
    password: Option<Secret>,
    /// When the first frame came.
    began: Option<u64>,
    tally: Rc<Tally>,
    /// The last session was a flood: that fault stays until this one has gone well for a while.
    flooded: bool,
    meter: Meter,
    /// Packets that could not be used, and since when none could.
    damaged: u32,
    damaged_since: Option<(u64, String)>,
    /// Usual time between frames.
    rhythm_ms: u64,
    /// The newest sender report: the camera's RTP time, and its clock at that time in µs.
    reported: Option<(i64, i64)>,
    jumps: (u64, u64),
    sound: Option<Sounding>,
}

/// Sound that is being recorded.
struct Sounding {
    stream: usize,
    about: footage::mp4::Sound,
    /// Its RTP time is its own.
    anchor: Anchor,
}

impl Sounding {
    fn new(stream: usize, described: Option<&retina::client::Stream>) -> Result<Self, String> {
        let Some(ParametersRef::Audio(about)) = described.and_then(|s| s.parameters()) else {
            return Err("the camera does not say how its sound is encoded".into());
        };
        let entry = about.mp4_sample_entry().build();
        let about = footage::mp4::Sound {
            rate: about.clock_rate(),
            entry: entry.map_err(|e| first_line(&e))?,
        };
        Ok(Self {
            stream,
            about,
            anchor: Anchor::default(),
        })
    }
}

impl Run {
    fn new(
        capture: Capture,
        context: Context,
        turn: Rc<Turn>,
        password: Option<Secret>,
        tally: Rc<Tally>,
        flooded: bool,
    ) -> Self {
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
            password,
            began: None,
            tally,
            flooded,
            meter: Meter::default(),
            damaged: 0,
            damaged_since: None,
            rhythm_ms: 0,
            reported: None,
            jumps: (0, 0),
            sound: None,
        }
    }

    fn now(&self) -> Now {
        self.turn
            .now
            .get()
            .unwrap_or_else(|| self.context.clock.now())
    }

    async fn run(mut self, farewell: Arc<SessionGroup>, teardown: TeardownPolicy) -> Outcome {
        self.turn
            .quick_until
            .set(self.context.clock.now().mono + QUICK_MS);
        let connected = tokio::time::timeout(
            Duration::from_millis(CONNECT_MS),
            self.bounded(self.connect(farewell, teardown)),
        )
        .await;
        self.turn.quick_until.set(0);
        let outcome = match connected {
            Ok(Err(outcome)) | Ok(Ok(Err(outcome))) => outcome,
            Err(_) => (
                Ended::Unreachable,
                format!("no answer within {} s", CONNECT_MS / 1000),
            ),
            Ok(Ok(Ok((demuxed, stream, sound)))) => {
                self.sound = sound;
                self.capture.shared.connected.store(true, Relaxed);
                self.last_at = self.context.clock.now().mono;
                self.play(demuxed, stream).await
            }
        };
        self.close(outcome).await
    }

    /// Polls with the thread's large buffers counted to this camera: what it makes retina keep has a limit.
    async fn bounded<F: Future>(&self, work: F) -> Result<F::Output, Outcome> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let before = memory::large_held();
            let polled = work.as_mut().poll(cx);
            let held = self.tally.unfinished.get() + memory::large_held() - before;
            self.tally.unfinished.set(held);
            if polled.is_pending() && held > UNFINISHED_BYTES {
                return Poll::Ready(Err((
                    Ended::Flood,
                    format!(
                        "a picture of more than {} MiB without an end",
                        PICTURE_BYTES >> 20
                    ),
                )));
            }
            polled.map(Ok)
        })
        .await
    }

    async fn connect(
        &self,
        farewell: Arc<SessionGroup>,
        teardown: TeardownPolicy,
    ) -> Result<(Demuxed, usize, Option<Sounding>), Outcome> {
        let config = &self.capture.shared.config;
        let fail = |e: retina::Error| (refusal(e.status_code()), first_line(&e));
        let creds = config.username.as_ref().map(|username| Credentials {
            username: username.clone(),
            password: self
                .password
                .as_ref()
                .map_or(String::new(), |p| p.reveal().to_owned()),
        });
        let options = SessionOptions::default()
            .creds(creds)
            .session_group(farewell)
            .teardown(teardown)
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
        let carried = || {
            SetupOptions::default()
                .transport(match config.transport {
                    Transport::Tcp => Carrier::Tcp(TcpTransportOptions::default()),
                    Transport::Udp => Carrier::Udp(UdpTransportOptions::default()),
                })
                .frame_format(FrameFormat::MP4)
        };
        session
            .setup(stream, carried())
            .await
            .map_err(|e| match (e.status_code(), config.transport) {
                (Some(461), Transport::Udp) => (
                    Ended::Unsupported,
                    "the camera does not send over UDP; transport = \"tcp\" may do".into(),
                ),
                (Some(461), Transport::Tcp) => (
                    Ended::Unsupported,
                    "the camera does not send within its RTSP connection; transport = \"udp\" may do".into(),
                ),
                _ => fail(e),
            })?;
        if config.timelapse.as_ref().is_some_and(|t| t.event.is_some()) {
            self.listen(&mut session).await;
        }
        let sound = match &config.sound {
            Some(_) => self.sounding(&mut session, carried()).await,
            None => None,
        };
        let session = session.play(PlayOptions::default()).await.map_err(fail)?;
        let demuxed = session.demuxed().map_err(fail)?;
        Ok((demuxed, stream, sound))
    }

    /// Asks for the camera's sound too. Without it the pictures are recorded all the same.
    async fn sounding(
        &self,
        session: &mut Session<retina::client::Described>,
        options: SetupOptions,
    ) -> Option<Sounding> {
        let streams = session.streams();
        let audio = |s: &retina::client::Stream| s.media() == "audio";
        let aac = streams
            .iter()
            .position(|s| audio(s) && s.encoding_name() == "mpeg4-generic");
        let offered: Vec<&str> = streams
            .iter()
            .filter(|s| audio(s))
            .map(|s| s.encoding_name())
            .collect();
        let set_up = match aac {
            None if offered.is_empty() => Err("the camera offers no sound".to_owned()),
            None => Err(format!(
                "the camera's sound is not AAC but {}",
                offered.join(", ")
            )),
            Some(stream) => match session.setup(stream, options).await {
                Err(e) => Err(first_line(&e)),
                Ok(()) => Sounding::new(stream, session.streams().get(stream)),
            },
        };
        let _ = self.context.reports.send(Report::Sound {
            cam: self.capture.shared.index,
            heard: set_up.as_ref().map(|s| s.about.rate).map_err(Clone::clone),
        });
        set_up.ok()
    }

    /// A frame of sound.
    fn sound(&mut self, frame: &retina::codec::AudioFrame) {
        let now = self.now();
        let Some(sound) = self
            .sound
            .as_mut()
            .filter(|s| s.stream == frame.stream_id())
        else {
            return;
        };
        let ticks = i128::from(frame.timestamp().elapsed()) * i128::from(TICKS_PER_SEC)
            / i128::from(sound.about.rate.max(1));
        let pts = sound
            .anchor
            .arrived(i64::try_from(ticks).unwrap_or(0), now.mono);
        if let Some(origin) = sound.anchor.origin_us(now) {
            lock(&self.capture.track).heard(Heard {
                wall_us: origin.saturating_add(ticks_us(pts)),
                duration: frame.frame_length().get(),
                bytes: Bytes::copy_from_slice(frame.data()),
            });
        }
    }

    /// Asks for the camera's events too. Without them it is recorded all the same.
    async fn listen(&self, session: &mut Session<retina::client::Described>) {
        let metadata = |s: &retina::client::Stream| {
            s.media() == "application" && s.encoding_name() == "vnd.onvif.metadata"
        };
        let failed = match session.streams().iter().position(metadata) {
            None => Some("it offers no ONVIF metadata stream".to_owned()),
            Some(stream) => {
                let set_up = session.setup(stream, SetupOptions::default()).await;
                set_up.err().map(|e| first_line(&e))
            }
        };
        let _ = self.context.reports.send(Report::Events {
            cam: self.capture.shared.index,
            failed,
        });
    }

    /// An event document.
    fn heard(&self, document: &[u8]) {
        let shared = &self.capture.shared;
        let topic = shared
            .config
            .timelapse
            .as_ref()
            .and_then(|t| t.event.as_deref());
        for on in topic.map_or_else(Vec::new, |t| event::states(document, t)) {
            self.context.rates.event(shared.index, on);
        }
    }

    async fn play(&mut self, mut demuxed: Demuxed, stream: usize) -> Outcome {
        loop {
            let item = tokio::time::timeout(TICK, self.bounded(demuxed.next())).await;
            self.turn.moved();
            match item {
                Err(_) => {}
                Ok(Err(outcome)) => return outcome,
                Ok(Ok(None)) => {
                    return match self.damaged_since.take() {
                        Some((_, why)) => (Ended::Damaged, why),
                        None => (Ended::Lost, "the camera closed the connection".into()),
                    };
                }
                Ok(Ok(Some(Err(e)))) => {
                    if let Some(outcome) = self.damage(&e) {
                        return outcome;
                    }
                }
                Ok(Ok(Some(Ok(CodecItem::VideoFrame(frame))))) => {
                    if let Err(outcome) = self.frame(frame, &demuxed, stream) {
                        return outcome;
                    }
                }
                Ok(Ok(Some(Ok(CodecItem::AudioFrame(frame))))) => self.sound(&frame),
                Ok(Ok(Some(Ok(CodecItem::Rtcp(packet))))) if packet.stream_id() == stream => {
                    self.report(&packet);
                }
                Ok(Ok(Some(Ok(CodecItem::MessageFrame(message))))) => self.heard(message.data()),
                Ok(Ok(Some(Ok(_)))) => {}
            }
            if let Some(outcome) = self.look() {
                return outcome;
            }
        }
    }

    /// retina goes on after a packet it cannot use; so do we, for a while.
    fn damage(&mut self, e: &retina::Error) -> Option<Outcome> {
        let text = e.to_string();
        let line = first_line(e);
        // Errors about one packet name it. After any other there is no telling where the next packet begins.
        if !text.contains("\npkt: ") {
            let how = if text.starts_with("RTSP framing error") {
                Ended::Damaged
            } else {
                Ended::Lost
            };
            return Some((how, line));
        }
        self.tally.unusable.set(self.tally.unusable.get() + 1);
        let now = self.now().mono;
        if self.damaged_since.is_none() {
            tracing::warn!(camera = %self.capture.shared.id(), why = %line, "a packet cannot be used");
            self.damaged_since = Some((now, line.clone()));
        }
        // One whose header made no sense is missed by its number with the next.
        let missed = !text.contains("\nssrc: ")
            || line.starts_with("wrong ssrc")
            || line.starts_with("Out-of-order");
        self.damaged = self.damaged.saturating_add(u32::from(!missed));
        if self.worker.is_some() && !missed {
            // retina may panic when it goes on from here, and a picture worker is to be ended in order.
            return Some((Ended::Damaged, line));
        }
        self.gave_up()
    }

    /// No picture since a packet that could not be used.
    fn gave_up(&self) -> Option<Outcome> {
        let (since, why) = self.damaged_since.as_ref()?;
        let patience = DAMAGE_MS.max(self.rhythm_ms * 2);
        (self.now().mono.saturating_sub(*since) > patience).then(|| (Ended::Damaged, why.clone()))
    }

    /// A sender report: what the camera's clock said at one of its RTP times.
    fn report(&mut self, packet: &retina::rtcp::ReceivedCompoundPacket) {
        let Some(at) = packet.rtp_timestamp() else {
            return;
        };
        let ntp = packet
            .pkts()
            .find_map(|p| p.as_sender_report().ok().flatten())
            .map(|sr| sr.ntp_timestamp().0);
        // A camera that has no clock says nought.
        let Some(ntp) = ntp.filter(|n| n >> 32 != 0) else {
            return;
        };
        let since_1970 = ntp.wrapping_sub(retina::UNIX_EPOCH.0);
        let secs = i64::try_from(since_1970 >> 32).unwrap_or(0);
        let micros = i64::try_from(((since_1970 & 0xffff_ffff) * 1_000_000) >> 32).unwrap_or(0);
        self.reported = Some((at.elapsed(), secs * 1_000_000 + micros));
        if self.held.is_none() {
            self.capture.shared.set_offset_ms(self.offset_ms());
        }
    }

    fn offset_ms(&self) -> Option<i64> {
        let (pts, theirs) = self.reported?;
        self.anchor.camera_offset_ms(pts, theirs, self.now())
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
        if let Some(outcome) = self.gave_up() {
            return Some(outcome);
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
        self.tally.unfinished.set(0);
        let first_at = self.first_frame_at(now.mono);
        let played = now.mono.saturating_sub(first_at);
        self.tally.played_ms.set(played);
        self.tally.unusable.set(0);
        if self.flooded && played >= GOOD_MS {
            self.flooded = false;
            self.well();
        }
        if let Some(why) = self.meter.picture(now.mono, frame.data().len()) {
            return Err((Ended::Flood, why));
        }
        let changed = frame.has_new_parameters() || self.parameters.is_none();
        let mut parameters = None;
        if changed {
            let new = demuxed.streams().get(stream).and_then(read_parameters);
            if new.is_some() && new != self.parameters {
                self.parameters.clone_from(&new);
                parameters = new;
            }
        }
        let pts = self.anchor.arrived(frame.timestamp().elapsed(), now.mono);
        self.say_jumps();
        let key = frame.is_random_access_point();
        self.damaged_since = None;
        let lost = u32::from(frame.loss()) + std::mem::take(&mut self.damaged);
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

    /// Whatever was the matter with the camera is over.
    fn well(&self) {
        let cam = self.capture.shared.index;
        let _ = self
            .context
            .reports
            .send(Report::Trouble { cam, code: None });
    }

    fn first_frame_at(&mut self, mono: u64) -> u64 {
        *self.began.get_or_insert(mono)
    }

    fn say_jumps(&mut self) {
        let now = (self.anchor.jumps(), self.anchor.corrections());
        if now != self.jumps {
            self.jumps = now;
            tracing::warn!(camera = %self.capture.shared.id(), jumps = now.0, corrections = now.1, "the camera's RTP clock jumped or runs at another pace; no picture is lost");
        }
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
        self.rhythm_ms = 1_000_000u64.checked_div(fps_milli).unwrap_or(0);
        let offset_ms = self.offset_ms();
        shared.set_offset_ms(offset_ms);
        let _ = self.context.reports.send(Report::Session {
            cam: shared.index,
            codec: parameters.codec,
            width: parameters.width,
            height: parameters.height,
            fps_milli,
            offset_ms,
        });
        if !self.flooded {
            self.well();
        }
        lock(&self.capture.track).expect_sound(self.sound.as_ref().map(|s| s.about.clone()));
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
