//! Adapter: child process `beadle-pictures mask`, one per session of a masked camera.
//!
//! ```text
//! capture thread ──bounded queue──> feeder thread ──stdin──> worker ──stdout──> reader thread ──> track
//! ```
//! A message is `u32` length (big-endian) ‖ kind ‖ body. To the worker: `C` setup, `F` unit, `E` end. From it: `S` what its
//! sandbox lacks on this kernel (first), `P` parameters, `F` unit, `X` why it fails, `D` done. The body of `F`: flags (bit 0
//! key; from the worker bits 1–7 units dropped before this one) ‖ `i64` presentation time ‖ length-prefixed NAL units.
//!
//! Invariant: of a masked camera nothing reaches the track but what came back from the worker. When it fails, nothing is written.
use std::{
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use serde::Deserialize;
use shared::time::Clock;

use super::track::Track;
use crate::{
    config::Mask,
    segment::{Cause, Unit},
    store::writer::lock,
};

/// Units waiting for the worker: about four seconds; beyond that frames are shed until the next key frame.
const QUEUE: usize = 100;
const MAX_MESSAGE: usize = 16 << 20;
const KEY: u8 = 1;

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
    /// What its sandbox lacks, until the session has taken it.
    sandbox: Mutex<Option<Vec<String>>>,
    done: AtomicBool,
    /// We asked it to end.
    ending: AtomicBool,
    origin_us: AtomicI64,
    /// Monotonic ms of the last unit that came back (or of the start).
    last_out: AtomicU64,
    sent: AtomicU64,
    back: AtomicU64,
    /// Lost or shed before the worker, to be counted with the next unit that comes back.
    lost: AtomicU32,
}

impl State {
    fn fail(&self, why: String) {
        lock(&self.failed).get_or_insert(why);
    }
}

enum Message {
    Setup(Vec<u8>),
    Unit(Unit),
    End,
}

pub struct Worker {
    child: Child,
    state: Arc<State>,
    feed: SyncSender<Message>,
    threads: Vec<JoinHandle<()>>,
    setup: Box<dyn Fn(&Parameters) -> Vec<u8> + Send>,
    /// Shedding until the next key frame.
    shedding: bool,
}

impl Worker {
    /// Starts it and sends it its setup. What comes back goes to `track`.
    pub fn start(
        program: &Path,
        mask: &Mask,
        parameters: &Parameters,
        fps_milli: u64,
        track: Arc<Mutex<Track>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WorkerError> {
        let mut child = Command::new(program)
            .arg("mask")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| WorkerError::Start {
                program: program.display().to_string(),
                source,
            })?;
        let state = Arc::new(State {
            failed: Mutex::new(None),
            mute: AtomicBool::new(false),
            sandbox: Mutex::new(None),
            done: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            origin_us: AtomicI64::new(0),
            last_out: AtomicU64::new(clock.now().mono),
            sent: AtomicU64::new(0),
            back: AtomicU64::new(0),
            lost: AtomicU32::new(0),
        });
        let (feed, units) = sync_channel(QUEUE);
        let polygons = mask.polygons_json();
        let fps = fps_milli as f64 / 1000.0;
        let setup = Box::new(move |p: &Parameters| setup_json(p, &polygons, fps));
        let mut threads = Vec::new();
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            let s = state.clone();
            let feeder = std::thread::Builder::new()
                .name("mask-feed".into())
                .spawn(move || feeder(stdin, units, &s));
            let s = state.clone();
            let reader = std::thread::Builder::new()
                .name("mask-read".into())
                .spawn(move || reader(stdout, &track, &s, &*clock));
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
            shedding: false,
        };
        worker.send(Message::Setup((worker.setup)(parameters)));
        Ok(worker)
    }

    /// Hands a unit over; never waits. New parameters go ahead of the unit that carries them.
    pub fn unit(&mut self, mut unit: Unit, origin_us: i64) {
        self.state.origin_us.store(origin_us, Relaxed);
        self.state.lost.fetch_add(unit.lost, Relaxed);
        if self.shedding && !unit.key {
            self.state.lost.fetch_add(1, Relaxed);
            return;
        }
        if let Some(p) = unit.parameters.take() {
            self.send(Message::Setup((self.setup)(&p)));
        }
        self.shedding = !self.send(Message::Unit(unit));
        if self.shedding {
            self.state.lost.fetch_add(1, Relaxed);
        } else {
            self.state.sent.fetch_add(1, Relaxed);
        }
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

    /// Why it failed. Silent for `patience_ms` while pictures were sent: it hangs.
    pub fn failed(&mut self, mono: u64, patience_ms: u64) -> Option<String> {
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
        let waiting = self.state.mute.load(Relaxed)
            || self.state.sent.load(Relaxed) > self.state.back.load(Relaxed) + 8;
        let silent = mono.saturating_sub(self.state.last_out.load(Relaxed)) > patience_ms;
        (waiting && silent).then(|| format!("no picture came back for {patience_ms} ms"))
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

#[derive(serde::Serialize)]
struct Setup<'a> {
    v: u32,
    codec: &'static str,
    config: String,
    width: u16,
    height: u16,
    polygons: &'a serde_json::value::RawValue,
    fps: Option<f64>,
    bitrate_kbit: Option<u32>,
}

fn setup_json(p: &Parameters, polygons: &str, fps: f64) -> Vec<u8> {
    let codec = match p.codec {
        Codec::H264 => "h264",
        Codec::H265 => "h265",
    };
    let Ok(polygons) = serde_json::from_str::<&serde_json::value::RawValue>(polygons) else {
        return Vec::new();
    };
    let fps = (fps > 0.0).then_some(fps);
    let setup = Setup {
        v: 1,
        codec,
        config: STANDARD.encode(&p.config),
        width: p.width,
        height: p.height,
        polygons,
        fps,
        bitrate_kbit: None,
    };
    serde_json::to_vec(&setup).unwrap_or_default()
}

fn feeder(mut stdin: ChildStdin, units: Receiver<Message>, state: &State) {
    let mut write = |kind: u8, parts: &[&[u8]]| -> std::io::Result<()> {
        let length: usize = 1 + parts.iter().map(|p| p.len()).sum::<usize>();
        let mut head = u32::try_from(length)
            .unwrap_or(u32::MAX)
            .to_be_bytes()
            .to_vec();
        head.push(kind);
        stdin.write_all(&head)?;
        parts.iter().try_for_each(|p| stdin.write_all(p))?;
        stdin.flush()
    };
    for message in units {
        let done = match &message {
            Message::Setup(json) => write(b'C', &[json]),
            Message::Unit(u) => write(
                b'F',
                &[
                    &[if u.key { KEY } else { 0 }],
                    &u.pts.to_be_bytes(),
                    &u.bytes,
                ],
            ),
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
}

fn parameters(body: &[u8]) -> Result<Parameters, String> {
    let p: Params = serde_json::from_slice(body).map_err(|e| format!("bad parameters: {e}"))?;
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
fn last_word(status: ExitStatus) -> String {
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

fn reader(mut stdout: ChildStdout, track: &Mutex<Track>, state: &State, clock: &dyn Clock) {
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
            b'P' => match parameters(&body) {
                Ok(p) => pending = Some(p),
                Err(why) => {
                    state.fail(why);
                    break;
                }
            },
            b'F' if body.len() > 9 => {
                let mut pts = [0; 8];
                pts.copy_from_slice(&body[1..9]);
                let flags = body[0];
                let unit = Unit {
                    pts: i64::from_be_bytes(pts),
                    key: flags & KEY != 0,
                    bytes: body.slice(9..),
                    lost: u32::from(flags >> 1) + state.lost.swap(0, Relaxed),
                    parameters: pending.take(),
                };
                state.last_out.store(clock.now().mono, Relaxed);
                state.back.fetch_add(1, Relaxed);
                lock(track).unit(unit, state.origin_us.load(Relaxed));
            }
            b'D' => break,
            b'X' => {
                #[derive(Deserialize)]
                struct Failure {
                    why: String,
                }
                let why = serde_json::from_slice::<Failure>(&body)
                    .map_or("it failed and did not say why".into(), |f| f.why);
                state.fail(why);
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
        lock(track).finish(Cause::Mask);
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
        let json = String::from_utf8(setup_json(&p, "[[[0.0,0.0],[1.0,0.0],[0.0,1.0]]]", 25.0))
            .expect("text");
        assert_eq!(
            json,
            r#"{"v":1,"codec":"h264","config":"AQID","width":640,"height":360,"polygons":[[[0.0,0.0],[1.0,0.0],[0.0,1.0]]],"fps":25.0,"bitrate_kbit":null}"#
        );
        assert!(
            parameters(br#"{"config":"AQID","codec":"h265","width":640,"height":360}"#).is_ok()
        );
        assert!(
            parameters(br#"{"config":"AQID","codec":"vp9","width":640,"height":360}"#).is_err()
        );
    }
}
