//! Adapter: child process `beadle-pictures mask`, one per session of a masked camera; it paints masks, or proves them.
//!
//! ```text
//! capture thread ──bounded queue──> feeder thread ──stdin──> worker ──stdout──> reader thread ──painted──> who records
//!       ↑                                                                            └──verdicts──┐
//!       └─────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! What is said over stdin and stdout is specified in [`shared::worker`].
//!
//! | file | what |
//! |---|---|
//! | [`process`] | the program: started, looked at, its end |
//! | [`pipes`] | its two threads |
//! | [`state`] | what all of us know of it |
//!
//! Invariant: of a worker that paints, nothing is handed on but what came back from it, painted with the mask it was given.
//! When it fails, nothing is. Nothing is painted that may rely on what was lost on the way: a decoder puts guesses in its place,
//! which can carry what is under a mask to beside it, and does not always notice (of a whole group lost, the next one's picture of the
//! same number looks like the one that is due).
pub mod pipes;
pub mod process;
pub mod state;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use footage::mp4::{Codec, Parameters};
use shared::worker::{self as protocol, Setup, Show, VERSION, Verdict};

use self::{
    pipes::{Answers, Message},
    state::State,
};
use crate::{
    config::Mask,
    lock::lock,
    masking::pulse::{Failure, Pulse},
    segment::Unit,
};

/// Units waiting for the worker: about four seconds; beyond that frames are shed until the next key frame.
const QUEUE: usize = 100;
/// A worker may do nothing for this long until its first answer: a process to start, a codec to open.
const FIRST_MS: u64 = 5_000;
/// And between answers. A hung worker is to cost its camera less than 2 s.
const BETWEEN_MS: u64 = 1_200;

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

impl WorkerError {
    fn breakdown(&self) -> Breakdown {
        use std::io::ErrorKind as Kind;
        match self {
            // Not there, not for this user, or not a program of this machine; anything else may be well the next time.
            Self::Start { source, .. }
                if matches!(source.kind(), Kind::NotFound | Kind::PermissionDenied)
                    || source.raw_os_error() == Some(nix::libc::ENOEXEC) =>
            {
                Breakdown::Program(self.to_string())
            }
            _ => Breakdown::Work(self.to_string()),
        }
    }
}

/// Why a worker is of no use, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// The program does not start on this machine: somebody has to mend that.
    Program(String),
    /// It stopped, hung, or was ended: another may do better.
    Work(String),
}

impl Breakdown {
    pub fn why(&self) -> &str {
        match self {
            Self::Program(why) | Self::Work(why) => why,
        }
    }
}

/// What comes of a worker that paints.
pub enum Painted {
    Unit(Unit),
    /// The worker failed: no more comes, and what came before is whole.
    Broken,
}

/// What a worker is for.
pub enum Task {
    /// Painted pictures go to `out`; a graphics device encodes them, if there is one.
    Paint {
        out: Box<dyn FnMut(Painted) + Send>,
        device: Option<PathBuf>,
    },
    Prove,
}

/// What a worker must know.
#[derive(Clone, Copy)]
pub struct About<'a> {
    pub mask: &'a Mask,
    pub parameters: &'a Parameters,
    pub fps_milli: u64,
    /// The camera's own rate: painted pictures take no more.
    pub max_kbit: Option<u32>,
}

pub struct Worker {
    child: Child,
    program: PathBuf,
    state: Arc<State>,
    feed: SyncSender<Message>,
    threads: Vec<JoinHandle<()>>,
    setup: Setup,
    /// The setup has been handed over.
    announced: bool,
    /// A graphics device encodes for it.
    on_device: bool,
    /// Until the next key frame nothing is handed over: what comes before it relies on what was lost, could not be taken, or never came.
    shedding: bool,
    pulse: Pulse,
    /// Signs of life when last looked at.
    signs: u64,
}

impl Worker {
    /// Starts it and sends it its setup.
    pub fn start(program: &Path, task: Task, about: &About<'_>) -> Result<Self, Breakdown> {
        Self::spawn(program, task, about).map_err(|e| e.breakdown())
    }

    fn spawn(program: &Path, task: Task, about: &About<'_>) -> Result<Self, WorkerError> {
        let (kind, answers, device) = match task {
            Task::Paint { out, device } => {
                let mask = about.mask.id.clone();
                let answers = Answers::Painted { mask, out };
                (protocol::Task::Paint, answers, device)
            }
            Task::Prove => (protocol::Task::Prove, Answers::Verdicts, None),
        };
        let mut child =
            process::spawn(program, device.as_deref()).map_err(|source| WorkerError::Start {
                program: program.display().to_string(),
                source,
            })?;
        let state = Arc::new(State::default());
        let (feed, units) = sync_channel(QUEUE);
        let mut threads = Vec::new();
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            let s = state.clone();
            let feeder = std::thread::Builder::new()
                .name("mask-feed".into())
                .spawn(move || pipes::feed(stdin, units, &s));
            let s = state.clone();
            let reader = std::thread::Builder::new()
                .name("mask-read".into())
                .spawn(move || pipes::read(stdout, answers, &s));
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
            program: program.to_owned(),
            state,
            feed,
            threads,
            setup: setup(kind, about),
            announced: false,
            on_device: device.is_some(),
            // A session may begin in the middle of a group.
            shedding: true,
            pulse: Pulse::default(),
            signs: 0,
        };
        worker.announce();
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
            announce(&mut self.setup, &p);
            self.announced = false;
        }
        self.shedding = !self.announce();
        if !self.shedding {
            self.state.sends(unit.pts, unit.wall_us, unit.dated);
            self.shedding = !self.send(Message::Unit(unit));
            if self.shedding {
                self.state.unsent();
            }
        }
        if self.shedding {
            self.state.shed.fetch_add(1, Relaxed);
        }
        !self.shedding
    }

    /// Hands the setup over, unless it knows it.
    fn announce(&mut self) -> bool {
        self.announced = self.announced || self.send(Message::Setup(Box::new(self.setup.clone())));
        self.announced
    }

    /// What it said of key frames since this was last asked, in order.
    pub fn verdicts(&self) -> VecDeque<Verdict> {
        std::mem::take(&mut *lock(&self.state.verdicts))
    }

    /// Verdicts of the worker before it, to be taken first.
    pub fn take_over(&self, before: VecDeque<Verdict>) {
        let mut verdicts = lock(&self.state.verdicts);
        for verdict in before.into_iter().rev() {
            verdicts.push_front(verdict);
        }
    }

    /// Under overload it masks one picture in so many and leaves the others out.
    pub fn one_in(&self) -> u32 {
        self.state.one_in.load(Relaxed)
    }

    /// CPU seconds its process has used.
    pub fn cost(&self) -> Option<f64> {
        process::used_ms(self.child.id()).map(|ms| ms as f64 / 1000.0)
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

    /// Why it failed. To be asked several times a second: one that does nothing while pictures are out hangs.
    pub fn failed(&mut self, mono_ms: u64) -> Option<Breakdown> {
        if self.state.mute.load(Relaxed)
            && self.ended()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            if let Some(why) = process::not_started(&self.program, status) {
                return Some(Breakdown::Program(why));
            }
            self.state.fail(process::last_word(status));
        }
        if let Some(why) = lock(&self.state.failed).clone() {
            return Some(Breakdown::Work(why));
        }
        // One that closed a pipe and lives on is as good as hung.
        let depth = match self.setup.task {
            protocol::Task::Paint => self.state.depth(),
            protocol::Task::Prove | protocol::Task::Still => 0,
        };
        let waiting = self.state.mute.load(Relaxed) || self.state.outstanding() > depth;
        let signs = self.state.signs();
        let answered = !waiting || std::mem::replace(&mut self.signs, signs) != signs;
        let patience_ms = match self.pictures_back() {
            0 => FIRST_MS,
            _ => BETWEEN_MS,
        };
        let pid = self.child.id();
        let failure = self
            .pulse
            .look(mono_ms, answered, patience_ms, || process::sample(pid))?;
        Some(Breakdown::Work(match failure {
            Failure::Hangs(ms) => format!("nothing came back for {ms} ms, and it did nothing"),
            Failure::Circles(ms) => format!("it computed for {ms} ms, and nothing came back"),
        }))
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
        self.state.back()
    }

    /// Asks it to finish what it has. Poll [`Worker::ended`] after.
    pub fn end(&mut self) {
        self.state.ending.store(true, Relaxed);
        let _ = self.feed.try_send(Message::End);
        // Dropping the sender ends the feeder, and so the worker's input, even when the queue was full.
        let (dead, _) = sync_channel(1);
        self.feed = dead;
    }

    /// Its output is at an end and everything that came back is handed on.
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

fn setup(task: protocol::Task, about: &About<'_>) -> Setup {
    let mask = about.mask;
    let fps = about.fps_milli as f64 / 1000.0;
    let mut setup = Setup {
        v: VERSION,
        task,
        codec: protocol::Codec::H264,
        config: Vec::new(),
        width: 0,
        height: 0,
        mask: mask.id.clone(),
        polygons: mask.polygons.clone(),
        style: mask.style,
        cell: mask.cell,
        colour: mask.colour,
        fps: (fps > 0.0).then_some(fps),
        max_kbit: about.max_kbit,
        show: None,
    };
    announce(&mut setup, about.parameters);
    setup
}

/// The setup for one still: the picture as it is, with the mask's outlines.
pub fn still_setup(parameters: &Parameters, mask: &Mask) -> Setup {
    let about = About {
        mask,
        parameters,
        fps_milli: 0,
        max_kbit: None,
    };
    Setup {
        show: Some(Show::Outline),
        ..setup(protocol::Task::Still, &about)
    }
}

/// What pictures with these parameters announce of themselves.
fn announce(setup: &mut Setup, parameters: &Parameters) {
    setup.codec = match parameters.codec {
        Codec::H264 => protocol::Codec::H264,
        Codec::H265 => protocol::Codec::H265,
    };
    setup.config.clone_from(&parameters.config);
    (setup.width, setup.height) = (parameters.width.into(), parameters.height.into());
}
