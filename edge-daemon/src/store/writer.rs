//! Adapter: filesystem. The writer of segments: one plain thread per volume.
//!
//! ```text
//! Begin → seal_to, open `.open`, header, init │ Fragment → MP4 bytes → SHA-256 → age pieces → write │ End → last piece,
//! fsync, rename, fsync folder → Report::Closed
//! ```
//! Each volume has a queue. Every camera may hold a bounded number of bytes in it; a fragment that does not fit is refused to
//! the caller, who sheds it and says so; Begin and End carry no pictures and always fit. Nothing here makes capture wait.
//! While a volume has open segments it is synced (`syncfs`) once a second, so that a power cut costs one second more.
use std::{
    collections::{HashMap, VecDeque},
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::Sender,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use footage::{
    mp4,
    sealed::{PIECE, Sealer},
};
use shared::{
    id::CameraId,
    segment::SegmentName,
    time::{Clock, Day, Utc},
};

use crate::{
    lock::lock,
    memory,
    reader::Recipients,
    recording::report::{Closed, Report},
    segment::{Cause, Guard, cutter::Flaws, rate::Rate},
    store::{Volumes, volume::HUNG},
};

mod open;

use open::{Open, WriteError, io, on_device, sync_folder};

/// Bytes one camera may hold in queues: ten seconds at 4 Mbit/s. This and no more is what a slow disk costs in memory.
const CAMERA_BYTES: usize = 5 << 20;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What a camera's frames have come to; shared by its capture and its writer.
#[derive(Debug, Default)]
pub struct Landed {
    queued_bytes: AtomicUsize,
    /// End of the last frame written, UTC ms; 0 when none.
    last: AtomicI64,
    last_mono: AtomicU64,
    frames: AtomicU64,
}

impl Landed {
    pub fn last(&self) -> Option<(Utc, u64)> {
        match self.last.load(Relaxed) {
            0 => None,
            t => Some((Utc(t), self.last_mono.load(Relaxed))),
        }
    }
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }
}

/// One segment on its way to disk.
#[derive(Debug)]
pub struct Ticket {
    pub cam: usize,
    pub camera: CameraId,
    pub id: u64,
    pub landed: Arc<Landed>,
    failed: AtomicBool,
}

impl Ticket {
    pub fn new(cam: usize, camera: CameraId, id: u64, landed: Arc<Landed>) -> Arc<Self> {
        Arc::new(Self {
            cam,
            camera,
            id,
            landed,
            failed: AtomicBool::new(false),
        })
    }
    /// It will not land: nothing more need be sent for it.
    pub fn failed(&self) -> bool {
        self.failed.load(Relaxed)
    }
}

pub struct Begin {
    pub name: SegmentName,
    pub t0: Utc,
    pub parameters: mp4::Parameters,
    pub guard: Guard,
    /// Of a camera with two rates.
    pub rate: Option<Rate>,
}

pub struct End {
    pub t1: Utc,
    pub flaws: Flaws,
    /// The camera's clock minus the box's.
    pub offset_ms: Option<i64>,
}

enum Job {
    Begin(Arc<Ticket>, Box<Begin>),
    Fragment {
        ticket: Arc<Ticket>,
        sequence: u32,
        wall: Utc,
        end: Utc,
        frames: Vec<mp4::Frame>,
        sound: Vec<mp4::SoundFrame>,
        bytes: usize,
    },
    End(Arc<Ticket>, End),
}

impl Job {
    fn ticket(&self) -> &Arc<Ticket> {
        match self {
            Job::Begin(t, _) | Job::End(t, _) | Job::Fragment { ticket: t, .. } => t,
        }
    }
}

#[derive(Default)]
struct Jobs {
    list: VecDeque<Job>,
    stop: bool,
    /// When the job in hand was begun.
    busy: Option<Instant>,
    /// Tickets begun on this volume and not ended.
    open: Vec<Arc<Ticket>>,
    /// Tickets were given up: the thread is to let go of their files.
    given_up: bool,
    /// The thread has not come back from the disk; nothing more is sent there.
    hung: bool,
}

/// A volume's queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    path: PathBuf,
    jobs: Arc<(Mutex<Jobs>, Condvar)>,
}

/// A fragment did not fit.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Queue {
    pub fn path(&self) -> &Path {
        &self.path
    }
    pub fn begin(&self, ticket: &Arc<Ticket>, begin: Begin) {
        let mut jobs = lock(&self.jobs.0);
        jobs.open.push(ticket.clone());
        jobs.list
            .push_back(Job::Begin(ticket.clone(), Box::new(begin)));
    }
    pub fn fragment(
        &self,
        ticket: &Arc<Ticket>,
        sequence: u32,
        wall: Utc,
        end: Utc,
        frames: Vec<mp4::Frame>,
        sound: Vec<mp4::SoundFrame>,
    ) -> Result<(), Full> {
        let pictures: usize = frames.iter().map(|f| f.bytes.len()).sum();
        let bytes = pictures + sound.iter().map(|f| f.bytes.len()).sum::<usize>();
        let queued = ticket.landed.queued_bytes.load(Relaxed);
        if queued > 0 && queued + bytes > CAMERA_BYTES {
            return Err(Full);
        }
        ticket.landed.queued_bytes.fetch_add(bytes, Relaxed);
        lock(&self.jobs.0).list.push_back(Job::Fragment {
            ticket: ticket.clone(),
            sequence,
            wall,
            end,
            frames,
            sound,
            bytes,
        });
        Ok(())
    }
    pub fn end(&self, ticket: &Arc<Ticket>, end: End) {
        lock(&self.jobs.0)
            .list
            .push_back(Job::End(ticket.clone(), end));
    }
    /// Wakes the writer; called once per turn rather than once per fragment.
    pub fn kick(&self) {
        if !lock(&self.jobs.0).list.is_empty() {
            self.jobs.1.notify_one();
        }
    }
    pub fn usable(&self) -> bool {
        !lock(&self.jobs.0).hung
    }
    /// Has the disk kept its thread for too long? Its segments are given up, once.
    pub fn give_up_if_hung(&self, reports: &Sender<Report>) -> bool {
        let mut jobs = lock(&self.jobs.0);
        let late = jobs.busy.is_some_and(|since| since.elapsed() > HUNG);
        let newly = late && !jobs.hung;
        jobs.hung = late;
        if newly {
            for ticket in std::mem::take(&mut jobs.open) {
                give_up(&ticket, Cause::Disk, reports);
            }
            // What waits belongs to segments given up: let go of its memory now.
            for job in std::mem::take(&mut jobs.list) {
                release(&job);
            }
        }
        newly
    }
    /// The disk went away under its open segments: they are given up, so that their cameras go on elsewhere at once.
    pub fn give_up(&self, reports: &Sender<Report>) {
        let mut jobs = lock(&self.jobs.0);
        for ticket in std::mem::take(&mut jobs.open) {
            give_up(&ticket, Cause::Disk, reports);
            jobs.given_up = true;
        }
        self.jobs.1.notify_one();
    }
    pub fn stop(&self) {
        lock(&self.jobs.0).stop = true;
        self.jobs.1.notify_one();
    }
}

fn release(job: &Job) {
    if let Job::Fragment { ticket, bytes, .. } = job {
        ticket.landed.queued_bytes.fetch_sub(*bytes, Relaxed);
    }
}

fn give_up(ticket: &Ticket, cause: Cause, reports: &Sender<Report>) {
    if !ticket.failed.swap(true, Relaxed) {
        let _ = reports.send(Report::Failed {
            cam: ticket.cam,
            id: ticket.id,
            cause,
        });
    }
}

/// What a writer needs from the rest of the box.
#[derive(Clone)]
pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub recipients: Recipients,
    pub volumes: Volumes,
    pub boot: u64,
    /// Whether the wall clock can be believed at all.
    pub clock_known: Arc<dyn Fn() -> bool + Send + Sync>,
    pub reports: Sender<Report>,
}

/// Starts a volume's writer.
pub fn start(volume: &Path, context: Context) -> std::io::Result<(Queue, JoinHandle<()>)> {
    let queue = Queue {
        path: volume.to_owned(),
        jobs: Arc::default(),
    };
    let mine = queue.clone();
    let thread = std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || {
            Writer {
                queue: mine,
                context,
                open: HashMap::new(),
                head: Vec::new(),
            }
            .run()
        })?;
    Ok((queue, thread))
}

struct Writer {
    queue: Queue,
    context: Context,
    open: HashMap<(usize, u64), Open>,
    /// A fragment's boxes, before its frames.
    head: Vec<u8>,
}

impl Writer {
    fn run(mut self) {
        let mut synced = Instant::now();
        let mut dirty = false;
        loop {
            let (list, stop) = self.wait(if dirty {
                SYNC_EVERY.saturating_sub(synced.elapsed())
            } else {
                Duration::from_secs(60)
            });
            for job in list {
                self.busy(true);
                dirty |= self.job(job);
                self.busy(false);
            }
            // Given up by others: nothing more will come for them.
            self.open.retain(|_, o| !o.ticket.failed());
            if dirty && synced.elapsed() >= SYNC_EVERY {
                // From begin to begin: what is written while the disk syncs waits for the next time.
                synced = Instant::now();
                self.busy(true);
                self.sync();
                self.busy(false);
                dirty = false;
            }
            if stop && lock(&self.queue.jobs.0).list.is_empty() {
                return;
            }
        }
    }

    fn wait(&self, timeout: Duration) -> (VecDeque<Job>, bool) {
        let guard = lock(&self.queue.jobs.0);
        let idle = |j: &mut Jobs| j.list.is_empty() && !j.stop && !j.given_up;
        let (mut jobs, _) = self
            .queue
            .jobs
            .1
            .wait_timeout_while(guard, timeout, idle)
            .unwrap_or_else(|e| e.into_inner());
        jobs.given_up = false;
        (std::mem::take(&mut jobs.list), jobs.stop)
    }

    fn busy(&self, yes: bool) {
        let mut jobs = lock(&self.queue.jobs.0);
        jobs.busy = yes.then(Instant::now);
        if !yes {
            jobs.hung = false;
        }
    }

    fn sync(&self) {
        let result = File::open(&self.queue.path)
            .and_then(|dir| nix::unistd::syncfs(&dir).map_err(std::io::Error::from));
        if let Err(e) = result {
            // The kernel reports write-back errors here too: what was handed over may not be on disk.
            self.volume_failed(&io("sync", &self.queue.path)(e));
            let tickets = std::mem::take(&mut lock(&self.queue.jobs.0).open);
            for ticket in tickets {
                tracing::error!(camera = %ticket.camera, segment = ticket.id, "segment given up: its volume cannot be synced");
                give_up(&ticket, Cause::Disk, &self.context.reports);
            }
        }
    }

    /// Returns whether something was written.
    fn job(&mut self, job: Job) -> bool {
        release(&job);
        let ticket = job.ticket().clone();
        let place = (ticket.cam, ticket.id);
        if ticket.failed() {
            self.open.remove(&place);
            return false;
        }
        let ended = matches!(job, Job::End(..));
        let done = match job {
            Job::Begin(_, begin) => self.begin(&ticket, begin).map(|open| {
                self.open.insert(place, open);
            }),
            Job::Fragment {
                sequence,
                wall,
                end,
                frames,
                sound,
                ..
            } => self.fragment(&ticket, sequence, wall, end, &frames, &sound),
            Job::End(_, end) => self.end(&ticket, end),
        };
        if ended || done.is_err() {
            lock(&self.queue.jobs.0)
                .open
                .retain(|t| (t.cam, t.id) != place);
        }
        if let Err(e) = done {
            // The file stays `.open` with all that was written: recovery makes a segment of it.
            self.open.remove(&place);
            let cause = match &e {
                WriteError::Io { .. } | WriteError::Volume(_) => {
                    self.volume_failed(&e);
                    Cause::Disk
                }
                WriteError::Key(why) => {
                    let _ = self
                        .context
                        .reports
                        .send(Report::Reader(Some(why.to_string())));
                    Cause::Reader
                }
                WriteError::Seal(_) | WriteError::Mp4(_) => Cause::Unsupported,
            };
            tracing::error!(camera = %ticket.camera, segment = ticket.id, error = %e, "segment given up");
            give_up(&ticket, cause, &self.context.reports);
        }
        true
    }

    /// Others look after the volume from here on: it is skipped until it has been examined.
    fn volume_failed(&self, error: &WriteError) {
        let code = match error {
            WriteError::Io { source, .. } => super::volume::code_of(source),
            WriteError::Volume(e) => e.code(),
            _ => "disk.failed",
        };
        // A path that went away under the writer is a disk that did.
        let there = self.context.volumes.still_there(&self.queue.path);
        let (code, why) = match there {
            Err(e) if e.code() != "disk.failed" => (e.code(), e.to_string()),
            _ => (code, error.to_string()),
        };
        self.context.volumes.failed(&self.queue.path, code, &why);
    }

    fn begin(&self, ticket: &Arc<Ticket>, begin: Box<Begin>) -> Result<Open, WriteError> {
        let known = (self.context.clock_known)();
        let (key, recipient) = self.context.recipients.seal_to(
            &begin.name.cam,
            begin.name.day,
            self.context.boot,
            known,
        )?;
        let path = self.queue.path.join(begin.name.open_path());
        let folder = path.parent().unwrap_or(&self.queue.path).to_owned();
        let device = self.context.volumes.still_there(&self.queue.path)?;
        let recording = self.context.volumes.begun(&path);
        self.make_folder(&folder)?;
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o660)
            .open(&path)
            .map_err(io("make", &path))?;
        on_device(&file, device).map_err(|e| {
            // Empty, and on another disk: an error here leaves an empty file, no footage.
            let _ = std::fs::remove_file(&path);
            io("record to", &path)(e)
        })?;
        let _ = self.context.reports.send(Report::Reader(None));
        tracing::debug!(camera = %ticket.camera, segment = ticket.id, key = %key, "segment begun");
        let mut init = mp4::init(&begin.parameters)?;
        if let Some(rate) = begin.rate {
            mp4::say_rate(&rate.code(), &mut init);
        }
        if let Some(mask) = &begin.guard.mask {
            mp4::say_mask(begin.guard.how.code(), mask, &mut init);
        }
        let mut open = Open {
            ticket: ticket.clone(),
            file,
            folder,
            begin,
            sha: ring::digest::Context::new(&ring::digest::SHA256),
            sealer: memory::leaving_no_trace(|| Sealer::new(&recipient))?,
            size: 0,
            key: key.to_string(),
            fragments: 0,
            keys: 0,
            marks: Vec::new(),
            _recording: recording,
        };
        open.put(&init)?;
        open.write()?;
        Ok(open)
    }

    /// Makes a camera-day's folder; new names above it are synced, so that a power cut cannot take the whole day.
    fn make_folder(&self, folder: &Path) -> Result<(), WriteError> {
        if folder.is_dir() {
            return Ok(());
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o770)
            .create(folder)
            .map_err(io("make folder", folder))?;
        for dir in folder
            .ancestors()
            .skip(1)
            .take_while(|d| d.starts_with(&self.queue.path))
        {
            sync_folder(dir)?;
        }
        Ok(())
    }

    fn fragment(
        &mut self,
        ticket: &Ticket,
        sequence: u32,
        wall: Utc,
        end: Utc,
        frames: &[mp4::Frame],
        sound: &[mp4::SoundFrame],
    ) -> Result<(), WriteError> {
        let Some(open) = self.open.get_mut(&(ticket.cam, ticket.id)) else {
            return Ok(());
        };
        self.head.clear();
        mp4::fragment_head(sequence, wall, frames, sound, &mut self.head)?;
        if let Some(first) = frames.first().filter(|f| f.key) {
            open.marks.push(mp4::Mark {
                time: first.dts.saturating_add_signed(i64::from(first.cts)),
                moof: open.size + mp4::PRFT,
            });
        }
        open.put(&self.head)?;
        let bytes = frames.iter().map(|f| &f.bytes);
        for bytes in bytes.chain(sound.iter().map(|f| &f.bytes)) {
            open.put(bytes)?;
        }
        if matches!(open.begin.rate, Some(Rate::Timelapse(_))) {
            // The next picture may be a minute away, and sealing holds the last piece back: filled up, it goes to disk now.
            let held = open.sealer.held_back() % PIECE;
            self.head.clear();
            mp4::fill(if held == 0 { 1 } else { PIECE + 1 - held }, &mut self.head);
            open.put(&self.head)?;
        }
        open.write()?;
        open.fragments += 1;
        open.keys += frames.iter().filter(|f| f.key).count() as u64;
        let landed = &ticket.landed;
        landed.last.store(end.0, Relaxed);
        landed
            .last_mono
            .store(self.context.clock.now().mono, Relaxed);
        landed.frames.fetch_add(frames.len() as u64, Relaxed);
        Ok(())
    }

    fn end(&mut self, ticket: &Ticket, end: End) -> Result<(), WriteError> {
        let Some(mut open) = self.open.remove(&(ticket.cam, ticket.id)) else {
            return Ok(());
        };
        let at = self.queue.path.join(open.begin.name.open_path());
        if open.fragments == 0 {
            std::fs::remove_file(&at).map_err(io("remove", &at))?;
            give_up(ticket, Cause::Lost, &self.context.reports);
            return Ok(());
        }
        self.head.clear();
        mp4::say_marks(&open.marks, &mut self.head);
        open.put(&self.head)?;
        let sealer = open.sealer;
        // Nothing of its key may be left in a thread that seals nothing more for days (audit.md 2.13).
        let last = memory::leaving_no_trace(|| sealer.finish())?;
        open.file.write_all(&last).map_err(io("write to", &at))?;
        open.file.sync_all().map_err(io("sync", &at))?;
        let closed = self.queue.path.join(open.begin.name.closed_path());
        std::fs::rename(&at, &closed).map_err(io("rename", &at))?;
        sync_folder(&open.folder)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(open.sha.finish().as_ref());
        let Begin {
            name,
            t0,
            guard,
            rate,
            ..
        } = *open.begin;
        let volume = self.queue.path.clone();
        let closed = Closed {
            volume,
            name,
            t0,
            t1: end.t1,
            size: open.size,
            sha256,
            key: open.key,
            guard,
            keys: open.keys,
            rate: rate.map(Rate::code),
            flaws: end.flaws,
            offset_ms: end.offset_ms,
        };
        let _ = self.context.reports.send(Report::Closed {
            cam: ticket.cam,
            id: ticket.id,
            closed: Box::new(closed),
        });
        Ok(())
    }
}

/// Gives a closed segment another number: renames it and syncs its folder.
pub fn renumber(volume: &Path, name: &SegmentName, s: u64) -> std::io::Result<SegmentName> {
    let new = SegmentName { s, ..name.clone() };
    let to = volume.join(new.closed_path());
    std::fs::rename(volume.join(name.closed_path()), &to)?;
    if let Some(folder) = to.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(new)
}

/// Highest number of any segment file of each camera in its newest day on these volumes, torn ones too. Only the order in which
/// recovery takes files up depends on it, so the other days, which may be a million files, are not read.
pub fn highest_on_disk(
    volumes: &[PathBuf],
    cams: &[CameraId],
) -> std::collections::BTreeMap<CameraId, u64> {
    let mut highest = std::collections::BTreeMap::new();
    for footage in volumes.iter().map(|v| v.join("footage")) {
        let days = std::fs::read_dir(footage).into_iter().flatten().flatten();
        let mut days: Vec<(Day, PathBuf)> = days
            .filter_map(|d| Some((Day::parse(d.file_name().to_str()?).ok()?, d.path())))
            .collect();
        days.sort();
        for cam in cams {
            let newest = days
                .iter()
                .rev()
                .map(|(day, at)| (day, at.join(cam.as_str())));
            let Some((day, folder)) = newest.into_iter().find(|(_, folder)| folder.is_dir()) else {
                continue;
            };
            for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = file.file_name();
                let parsed = name
                    .to_str()
                    .and_then(|f| SegmentName::parse_file(*day, cam, f).ok());
                if let Some((name, _)) = parsed {
                    let highest = highest.entry(cam.clone()).or_insert(0);
                    *highest = name.s.max(*highest);
                }
            }
        }
    }
    highest
}
