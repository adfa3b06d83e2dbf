//! Adapter: child process `beadle-pictures mask`, one per session of a masked camera; it paints masks, or proves them.
//!
//! ```text
//! capture thread ──bounded queue──> feeder thread ──stdin──> worker ──stdout──> reader thread ──painted──> track
//!       ↑                                                                            └──verdicts──┐
//!       └─────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! What is said over stdin and stdout is specified in `shared/pictures/src/wire.rs`, version 2.
//!
//! Invariant: of a worker that paints, nothing reaches the track but what came back from it, painted with the mask it was given.
//! When it fails, nothing is written. Nothing is painted that may rely on what was lost on the way: a decoder puts guesses in its place,
//! which can carry what is under a mask to beside it, and does not always notice (of a whole group lost, the next one's picture of the
//! same number looks like the one that is due).
use std::{
    collections::VecDeque,
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use serde::Deserialize;
use shared::time::Clock;

use crate::recording::recorder::Recorder;
use crate::{
    config::{Mask, Style},
    lock::lock,
    segment::{Cause, Dated, Unit},
};

/// Units waiting for the worker: about four seconds; beyond that frames are shed until the next key frame.
const QUEUE: usize = 100;
const MAX_MESSAGE: usize = 16 << 20;
const KEY: u8 = 1;
const VERSION: u32 = 2;
/// A worker may take this long until its first answer: a process to start, a codec to open.
const FIRST_MS: u64 = 5_000;
/// And between answers. A hung worker is to cost its camera less than 2 s.
const BETWEEN_MS: u64 = 1_200;
/// Pictures that a worker may keep to itself (those of a decoder that reorders), until it has been seen to keep fewer.
const DEPTH: u64 = 8;

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("cannot start the picture worker {program}: {source}")]
    Start {
        program: String,
        source: std::io::Error,
    },
    #[error("cannot start a thread for the picture worker: {0}")]
    Thread(std::io::Error),
}

/// What both threads and the capture session know.
struct State {
    failed: Mutex<Option<String>>,
    /// It closed a pipe; if it said nothing, its exit status says how it ended.
    mute: AtomicBool,
    /// It said why it failed, and that was not its encoder.
    encoder_well: AtomicBool,
    /// What its sandbox lacks, until the session has taken it.
    sandbox: Mutex<Option<Vec<String>>>,
    done: AtomicBool,
    /// We asked it to end.
    ending: AtomicBool,
    /// Units it was given, in order: time in the session, wall time, and what that rests on. A picture that comes back is given those
    /// of the one it was made from.
    out: Mutex<VecDeque<(i64, i64, Dated)>>,
    /// Monotonic ms of the last unit that came back (or of the start).
    last_out: AtomicU64,
    sent: AtomicU64,
    /// Taken by the feeder.
    taken: AtomicU64,
    back: AtomicU64,
    /// The fewest units that were out when one came back.
    depth: AtomicU64,
    verdicts: Mutex<VecDeque<Verdict>>,
    /// It masks one picture in so many.
    one_in: AtomicU32,
    /// Packets lost and pictures shed before the worker, to be counted with the next unit that comes back.
    lost: AtomicU32,
    shed: AtomicU32,
}

impl State {
    fn fail(&self, why: String) {
        lock(&self.failed).get_or_insert(why);
    }
    fn outstanding(&self) -> u64 {
        self.sent
            .load(Relaxed)
            .saturating_sub(self.back.load(Relaxed))
    }
    /// Wall time of the unit that was given with the time `pts`, and what it rests on. A decoder that reorders gives pictures back in
    /// another order than it was given them, but not by more than [`DEPTH`]; what was left out long before is forgotten.
    fn given(&self, pts: i64) -> Option<(i64, Dated)> {
        let mut out = lock(&self.out);
        let at = out.iter().position(|o| o.0 == pts)?;
        let (_, wall_us, dated) = out.remove(at)?;
        let old = at.saturating_sub(DEPTH as usize);
        out.drain(..old);
        Some((wall_us, dated))
    }
    /// So many units are answered.
    fn answered(&self, units: u64, mono: u64) {
        self.last_out.store(mono, Relaxed);
        self.back.fetch_add(units, Relaxed);
        self.depth.fetch_min(self.outstanding(), Relaxed);
    }
}

enum Message {
    Setup(Vec<u8>),
    Unit(Unit),
    End,
}

/// What a worker that proves says of a key frame.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    v: u32,
    pub pts: i64,
    pub pass: bool,
    #[serde(default)]
    pub why: Option<String>,
}

#[cfg(test)]
impl Verdict {
    pub fn of(pts: i64, pass: bool, why: Option<String>) -> Self {
        Self {
            v: VERSION,
            pts,
            pass,
            why,
        }
    }
}

/// What a worker is for.
pub enum Task {
    /// Painted pictures go to the track; a graphics device encodes them, if there is one.
    Paint {
        track: Arc<Mutex<Recorder>>,
        device: Option<PathBuf>,
    },
    Prove,
}

/// What a worker must know.
pub struct About<'a> {
    pub mask: &'a Mask,
    pub parameters: &'a Parameters,
    pub fps_milli: u64,
    /// The camera's own rate: painted pictures take no more.
    pub max_kbit: Option<u32>,
}

pub struct Worker {
    child: Child,
    state: Arc<State>,
    feed: SyncSender<Message>,
    threads: Vec<JoinHandle<()>>,
    setup: Box<dyn Fn(&Parameters) -> Vec<u8> + Send>,
    proving: bool,
    /// A graphics device encodes for it.
    on_device: bool,
    /// Until the next key frame nothing is handed over: what comes before it relies on what was lost, could not be taken, or never came.
    shedding: bool,
    clock: Arc<dyn Clock>,
}

impl Worker {
    /// Starts it and sends it its setup.
    pub fn start(
        program: &Path,
        task: Task,
        about: &About<'_>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WorkerError> {
        let device = match &task {
            Task::Paint { device, .. } => device.clone(),
            Task::Prove => None,
        };
        let mut child = spawn(program, device.as_deref()).map_err(|source| WorkerError::Start {
            program: program.display().to_string(),
            source,
        })?;
        let state = Arc::new(State {
            failed: Mutex::new(None),
            mute: AtomicBool::new(false),
            encoder_well: AtomicBool::new(false),
            sandbox: Mutex::new(None),
            done: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            out: Mutex::default(),
            last_out: AtomicU64::new(clock.now().mono),
            sent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            back: AtomicU64::new(0),
            depth: AtomicU64::new(DEPTH),
            verdicts: Mutex::default(),
            one_in: AtomicU32::new(1),
            lost: AtomicU32::new(0),
            shed: AtomicU32::new(0),
        });
        let (feed, units) = sync_channel(QUEUE);
        let at = clock.clone();
        let (proving, track) = match task {
            Task::Paint { track, .. } => (false, Some(track)),
            Task::Prove => (true, None),
        };
        let same = Same {
            mask: about.mask.clone(),
            task: if proving { "prove" } else { "paint" },
            fps: about.fps_milli as f64 / 1000.0,
            max_kbit: about.max_kbit,
        };
        let id = about.mask.id.clone();
        let setup = Box::new(move |p: &Parameters| setup_json(p, &same));
        let mut threads = Vec::new();
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            let s = state.clone();
            let feeder = std::thread::Builder::new()
                .name("mask-feed".into())
                .spawn(move || feeder(stdin, units, &s));
            let s = state.clone();
            let reader = std::thread::Builder::new()
                .name("mask-read".into())
                .spawn(move || reader(stdout, track.as_deref(), &id, &s, &*clock));
            for thread in [feeder, reader] {
                match thread {
                    Ok(t) => threads.push(t),
                    Err(e) => {
                        let _ = child.kill();
                        let _ = child.wait();
                        return Err(WorkerError::Thread(e));
                    }
                }
            }
        }
        let mut worker = Self {
            child,
            state,
            feed,
            threads,
            setup,
            proving,
            on_device: device.is_some(),
            // A session may begin in the middle of a group.
            shedding: true,
            clock: at,
        };
        worker.send(Message::Setup((worker.setup)(about.parameters)));
        Ok(worker)
    }

    /// Hands a unit over; never waits. New parameters go ahead of the unit that carries them. False: it could not be taken.
    pub fn unit(&mut self, mut unit: Unit) -> bool {
        self.state.lost.fetch_add(unit.lost, Relaxed);
        self.state.shed.fetch_add(unit.shed, Relaxed);
        self.shedding |= unit.lost > 0;
        if self.shedding && !unit.key {
            self.state.shed.fetch_add(1, Relaxed);
            return false;
        }
        if let Some(p) = unit.parameters.take() {
            self.send(Message::Setup((self.setup)(&p)));
        }
        if self.outstanding() == 0 {
            // It has had nothing to do: its time begins now.
            self.state.last_out.store(self.clock.now().mono, Relaxed);
        }
        // Counted first: its answer may be quick.
        let (pts, wall_us, dated) = (unit.pts, unit.wall_us, unit.dated);
        lock(&self.state.out).push_back((pts, wall_us, dated));
        self.state.sent.fetch_add(1, Relaxed);
        self.shedding = !self.send(Message::Unit(unit));
        if self.shedding {
            self.state.sent.fetch_sub(1, Relaxed);
            self.state.shed.fetch_add(1, Relaxed);
            lock(&self.state.out).pop_back();
        }
        !self.shedding
    }

    fn outstanding(&self) -> u64 {
        self.state.outstanding()
    }

    /// What it said of key frames since this was last asked, in order.
    pub fn verdicts(&self) -> VecDeque<Verdict> {
        std::mem::take(&mut *lock(&self.state.verdicts))
    }

    /// Verdicts of the worker before it, to be taken first.
    pub fn said(&self, before: VecDeque<Verdict>) {
        let mut verdicts = lock(&self.state.verdicts);
        for verdict in before.into_iter().rev() {
            verdicts.push_front(verdict);
        }
    }

    /// Under overload it masks one picture in so many and leaves the others out.
    pub fn one_in(&self) -> u32 {
        self.state.one_in.load(Relaxed)
    }

    /// CPU seconds its process has used, and the pictures that came back meanwhile.
    pub fn cost(&self) -> Option<(f64, u64)> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        Some((cpu_secs(&stat)?, self.pictures_back()))
    }

    fn send(&mut self, message: Message) -> bool {
        match self.feed.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => {
                // Its feeder has gone with its input.
                self.state.mute.store(true, Relaxed);
                false
            }
        }
    }

    /// Why it failed. Silent for too long while pictures are out: it hangs.
    pub fn failed(&mut self, mono: u64) -> Option<String> {
        if self.state.mute.load(Relaxed)
            && self.ended()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.state.fail(last_word(status));
        }
        if let Some(why) = lock(&self.state.failed).clone() {
            return Some(why);
        }
        // One that closed a pipe and lives on is as good as hung.
        let depth = if self.proving {
            0
        } else {
            self.state.depth.load(Relaxed)
        };
        let waiting = self.state.mute.load(Relaxed) || self.outstanding() > depth;
        let patience_ms = match self.pictures_back() {
            0 => FIRST_MS,
            _ => BETWEEN_MS,
        };
        let silent = mono.saturating_sub(self.state.last_out.load(Relaxed)) > patience_ms;
        (waiting && silent).then(|| format!("nothing came back for {patience_ms} ms"))
    }

    pub fn on_device(&self) -> bool {
        self.on_device
    }

    /// Of one that failed: whether the device may be why. One that was killed or hangs does not say.
    pub fn device_failed(&self) -> bool {
        self.on_device && !self.state.encoder_well.load(Relaxed)
    }

    /// What its sandbox lacks on this kernel, once after it said so.
    pub fn sandbox(&self) -> Option<Vec<String>> {
        lock(&self.state.sandbox).take()
    }

    pub fn pictures_back(&self) -> u64 {
        self.state.back.load(Relaxed)
    }

    /// Asks it to finish what it has. Poll [`Worker::ended`] after.
    pub fn end(&mut self) {
        self.state.ending.store(true, Relaxed);
        let _ = self.feed.try_send(Message::End);
        // Dropping the sender ends the feeder, and so the worker's input, even when the queue was full.
        let (dead, _) = sync_channel(1);
        self.feed = dead;
    }

    /// Its output is at an end and everything that came back is in the track.
    pub fn ended(&self) -> bool {
        self.state.done.load(Relaxed)
    }

    /// Kills what is left and takes the threads in.
    pub fn reap(mut self) {
        // The feeder waits for units as long as somebody could send one.
        self.end();
        self.kill();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session that panicked reaps nothing: its worker must not go on beside the next one's.
impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program, with nothing in its environment that is not for the device's driver.
pub(crate) fn command(program: &Path, subcommand: &str, device: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command.arg(subcommand).env_clear();
    if let Some(device) = device {
        // Its sandbox has no files for one.
        command.env("MESA_SHADER_CACHE_DISABLE", "true");
        command.arg("--vaapi").arg(device);
    }
    command
}

/// A worker's process, with nothing but two pipes; and the graphics device that it is to encode on, if it is.
pub(crate) fn spawn(program: &Path, device: Option<&Path>) -> std::io::Result<Child> {
    command(program, "mask", device)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

#[derive(serde::Serialize)]
struct Setup<'a> {
    v: u32,
    task: &'static str,
    mask: &'a str,
    style: Style,
    cell: Option<u32>,
    colour: Option<[u8; 3]>,
    codec: &'static str,
    config: String,
    width: u16,
    height: u16,
    polygons: &'a [Vec<shared::mask::polygon::Corner>],
    fps: Option<f64>,
    max_kbit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show: Option<&'static str>,
}

/// What stays the same for all of a worker's setups.
struct Same {
    mask: Mask,
    task: &'static str,
    fps: f64,
    max_kbit: Option<u32>,
}

fn setup_json(p: &Parameters, same: &Same) -> Vec<u8> {
    let codec = match p.codec {
        Codec::H264 => "h264",
        Codec::H265 => "h265",
    };
    let mask = &same.mask;
    let setup = Setup {
        v: VERSION,
        task: same.task,
        mask: &mask.id,
        style: mask.style,
        cell: mask.cell,
        colour: mask.colour,
        codec,
        config: STANDARD.encode(&p.config),
        width: p.width,
        height: p.height,
        polygons: &mask.polygons,
        fps: (same.fps > 0.0).then_some(same.fps),
        max_kbit: same.max_kbit,
        show: (same.task == "still").then_some("outline"),
    };
    serde_json::to_vec(&setup).unwrap_or_default()
}

/// The setup for one still: the picture as it is, with the mask's outlines.
pub(crate) fn still_setup(parameters: &Parameters, mask: &Mask) -> Vec<u8> {
    let same = Same {
        mask: mask.clone(),
        task: "still",
        fps: 0.0,
        max_kbit: None,
    };
    setup_json(parameters, &same)
}

pub(crate) enum Said {
    Jpeg(Vec<u8>),
    Failed(String),
}

/// Reads until the still, or why there is none.
pub(crate) fn still(from: &mut impl Read) -> Result<Said, String> {
    loop {
        let message = message(from).map_err(|e| e.to_string())?;
        let Some(message) = message else {
            return Err("it ended without a word".into());
        };
        match message[0] {
            b'J' => return Ok(Said::Jpeg(message[1..].to_vec())),
            b'X' => return Ok(Said::Failed(failure(&message[1..]).why)),
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct Failure {
    why: String,
    /// It was the encoder that failed.
    #[serde(default)]
    encoder: bool,
}

fn failure(body: &[u8]) -> Failure {
    serde_json::from_slice(body).unwrap_or_else(|_| Failure {
        why: "it failed and did not say why".into(),
        encoder: true,
    })
}

/// One message to a worker.
pub(crate) fn put(to: &mut impl Write, kind: u8, parts: &[&[u8]]) -> std::io::Result<()> {
    let length: usize = 1 + parts.iter().map(|p| p.len()).sum::<usize>();
    let mut head = u32::try_from(length)
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    head.push(kind);
    to.write_all(&head)?;
    parts.iter().try_for_each(|p| to.write_all(p))?;
    to.flush()
}

fn feeder(mut stdin: ChildStdin, units: Receiver<Message>, state: &State) {
    let mut write = |kind: u8, parts: &[&[u8]]| put(&mut stdin, kind, parts);
    for message in units {
        let done = match &message {
            Message::Setup(json) => write(b'C', &[json]),
            Message::Unit(u) => {
                let taken = state.taken.fetch_add(1, Relaxed) + 1;
                let behind = state.sent.load(Relaxed).saturating_sub(taken);
                let behind = u8::try_from(behind).unwrap_or(u8::MAX).min(127);
                let flags = (u8::from(u.key) * KEY) | (behind << 1);
                write(b'F', &[&[flags], &u.pts.to_be_bytes(), &u.bytes])
            }
            Message::End => write(b'E', &[]),
        };
        if let Err(e) = done {
            // It may have said why on its output, which is not read to its end yet.
            if !state.ending.load(Relaxed) {
                tracing::debug!(error = %e, "the picture worker closed its input");
                state.mute.store(true, Relaxed);
            }
            return;
        }
    }
}

#[derive(Deserialize)]
struct Params {
    config: String,
    codec: String,
    width: u32,
    height: u32,
    /// Of the mask that is painted in.
    mask: String,
}

fn parameters(body: &[u8], mask: &str) -> Result<Parameters, String> {
    let p: Params = serde_json::from_slice(body).map_err(|e| format!("bad parameters: {e}"))?;
    if p.mask != mask {
        return Err(format!("it painted the mask {:?}, not {mask}", p.mask));
    }
    let codec = match p.codec.as_str() {
        "h264" => Codec::H264,
        "h265" => Codec::H265,
        other => return Err(format!("unknown codec {other:?}")),
    };
    let config = STANDARD
        .decode(&p.config)
        .map_err(|e| format!("bad parameters: {e}"))?;
    let (Ok(width), Ok(height)) = (u16::try_from(p.width), u16::try_from(p.height)) else {
        return Err("picture too large".into());
    };
    Ok(Parameters {
        codec,
        width,
        height,
        config,
        sound: None,
    })
}

/// How a worker ended that did not say why.
pub(crate) fn last_word(status: ExitStatus) -> String {
    const KILLED_BY_SANDBOX: i32 = nix::libc::SIGSYS;
    match status.signal() {
        Some(KILLED_BY_SANDBOX) => {
            "the kernel ended it: it made a system call its sandbox forbids; pictures made to attack it may do that, \
             the kernel's log has the call's number (type=1326)"
                .into()
        }
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it ended without a word ({status})"),
    }
}

#[derive(Deserialize)]
struct Sandboxed {
    v: u32,
    missing: Vec<String>,
}

fn sandboxed(body: &[u8]) -> Result<Vec<String>, String> {
    let s: Sandboxed = serde_json::from_slice(body)
        .map_err(|e| format!("what it says of its sandbox cannot be understood: {e}"))?;
    if s.v != 1 {
        return Err(format!(
            "it speaks of its sandbox in version {}; install daemon and picture worker of the same version",
            s.v
        ));
    }
    Ok(s.missing)
}

#[derive(Deserialize)]
struct Rate {
    one_in: u32,
}

/// User and system time out of `/proc/PID/stat`, whose second field is in brackets and may hold anything.
fn cpu_secs(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    let per_sec = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .filter(|t| *t > 0)?;
    Some((user + system) as f64 / per_sec as f64)
}

/// `track`: where painted pictures go; None of a worker that proves.
fn reader(
    mut stdout: ChildStdout,
    track: Option<&Mutex<Recorder>>,
    mask: &str,
    state: &State,
    clock: &dyn Clock,
) {
    let mut pending = None;
    loop {
        let message = match message(&mut stdout) {
            Ok(Some(m)) => m,
            Ok(None) => {
                // The pipe closes a little before the exit status can be had.
                state.mute.store(!state.ending.load(Relaxed), Relaxed);
                break;
            }
            Err(e) => {
                state.fail(format!("its answer cannot be read: {e}"));
                break;
            }
        };
        let body = message.slice(1..);
        match message[0] {
            b'S' => match sandboxed(&body) {
                Ok(missing) => *lock(&state.sandbox) = Some(missing),
                Err(why) => {
                    state.fail(why);
                    break;
                }
            },
            b'P' => match parameters(&body, mask) {
                Ok(p) => pending = Some(p),
                Err(why) => {
                    state.fail(why);
                    break;
                }
            },
            b'F' if body.len() > 9 && track.is_some() => {
                let mut pts = [0; 8];
                pts.copy_from_slice(&body[1..9]);
                let flags = body[0];
                let pts = i64::from_be_bytes(pts);
                let Some((wall_us, dated)) = state.given(pts) else {
                    state.fail(format!(
                        "it sent a picture (time {pts}) that it was not given"
                    ));
                    break;
                };
                let unit = Unit {
                    pts,
                    wall_us,
                    dated,
                    key: flags & KEY != 0,
                    bytes: body.slice(9..),
                    lost: state.lost.swap(0, Relaxed),
                    shed: u32::from(flags >> 1) + state.shed.swap(0, Relaxed),
                    parameters: pending.take(),
                };
                state.answered(1 + u64::from(flags >> 1), clock.now().mono);
                if let Some(track) = track {
                    lock(track).unit(unit);
                }
            }
            b'V' if track.is_none() => match serde_json::from_slice::<Verdict>(&body) {
                Ok(verdict) if verdict.v == VERSION => {
                    let _ = state.given(verdict.pts);
                    state.answered(1, clock.now().mono);
                    lock(&state.verdicts).push_back(verdict);
                }
                Ok(_) | Err(_) => {
                    state.fail("its verdict cannot be understood; install daemon and picture worker of the same version".into());
                    break;
                }
            },
            b'R' => {
                // It lives: while it waits for a key picture after a damaged one it sends no pictures.
                state.last_out.store(clock.now().mono, Relaxed);
                if let Ok(rate) = serde_json::from_slice::<Rate>(&body) {
                    state.one_in.store(rate.one_in.max(1), Relaxed);
                }
            }
            b'D' => break,
            b'X' => {
                let failure = failure(&body);
                state.encoder_well.store(!failure.encoder, Relaxed);
                state.fail(failure.why);
                break;
            }
            other => {
                state.fail(format!("it sent a message of unknown kind {other}"));
                break;
            }
        }
    }
    if lock(&state.failed).is_some() || state.mute.load(Relaxed) {
        // What came back is masked and good; what did not is gone.
        if let Some(track) = track {
            lock(track).finish(Cause::Mask);
        }
    }
    state.done.store(true, Relaxed);
}

/// One message, kind byte first; None at the end of the stream.
fn message(from: &mut impl Read) -> std::io::Result<Option<Bytes>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let length = u32::from_be_bytes(head) as usize;
    if length == 0 || length > MAX_MESSAGE {
        return Err(std::io::Error::other(format!(
            "a message of {length} bytes"
        )));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some(Bytes::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let mut bytes: &[u8] = &[0, 0, 0, 3, b'F', 1, 2, 0, 0, 0, 1, b'D'];
        assert_eq!(
            message(&mut bytes).expect("reads").as_deref(),
            Some(&[b'F', 1, 2][..])
        );
        assert_eq!(
            message(&mut bytes).expect("reads").as_deref(),
            Some(&b"D"[..])
        );
        assert_eq!(message(&mut bytes).expect("reads"), None);
        assert!(
            message(&mut &[0xff, 0, 0, 0, 0][..]).is_err(),
            "a length that cannot be is refused"
        );
        assert!(
            message(&mut &[0, 0, 0, 9, b'F'][..]).is_err(),
            "a torn message is not a picture"
        );
    }

    /// MSK-5: how a worker ended that could not say so itself; one that its sandbox ended stands out.
    #[test]
    fn last_words() {
        assert!(last_word(ExitStatus::from_raw(31)).contains("sandbox forbids"));
        assert_eq!(
            last_word(ExitStatus::from_raw(9)),
            "it was ended by signal 9"
        );
        assert_eq!(
            last_word(ExitStatus::from_raw(0x100)),
            "it ended without a word (exit status: 1)"
        );
        assert_eq!(
            sandboxed(br#"{"v":1,"missing":["TCP"]}"#),
            Ok(vec!["TCP".into()])
        );
        assert!(sandboxed(br#"{"v":2,"missing":[]}"#).is_err_and(|e| e.contains("same version")));
    }

    #[test]
    fn setup() {
        let p = Parameters {
            codec: Codec::H264,
            width: 640,
            height: 360,
            config: vec![1, 2, 3],
            sound: None,
        };
        let same = Same {
            mask: Mask {
                id: "m7".into(),
                polygons: vec![vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]],
                ..Mask::default()
            },
            task: "paint",
            fps: 25.0,
            max_kbit: None,
        };
        let json = String::from_utf8(setup_json(&p, &same)).expect("text");
        assert_eq!(
            json,
            r#"{"v":2,"task":"paint","mask":"m7","style":"solid","cell":null,"colour":null,"codec":"h264","config":"AQID","width":640,"height":360,"polygons":[[[0.0,0.0],[1.0,0.0],[0.0,1.0]]],"fps":25.0,"max_kbit":null}"#
        );
        let said = |codec: &str, mask: &str| {
            let json = format!(
                r#"{{"config":"AQID","codec":"{codec}","width":640,"height":360,"mask":"{mask}"}}"#
            );
            parameters(json.as_bytes(), "m7")
        };
        assert!(said("h265", "m7").is_ok());
        assert!(said("vp9", "m7").is_err());
        assert!(
            said("h264", "m8").is_err_and(|e| e.contains("m8")),
            "MSK-5: painted with another mask"
        );
    }

    #[test]
    fn what_a_process_has_used() {
        let stat = "17 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        let hertz = 100.0;
        assert!(cpu_secs(stat).is_some_and(|s| (s - 200.0 / hertz).abs() < 0.01));
        assert_eq!(cpu_secs("17 (a"), None);
    }
}
