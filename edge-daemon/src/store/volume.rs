//! Task. The footage volumes: which of them can be recorded to, and what is wrong with the others.
//!
//! Every configured volume is kept in view, good or not. One that is missing, wrong or sick is examined again until it is right;
//! then it is used, whether it was there at the start or not.
//!
//! ```text
//! configured ── examine ──▶ good ── look (label, device, space), a failed write ──▶ bad: code and why
//!                            ▲                                                        │
//!                            └────────────── examine ◀────────────────────────────────┘ every 2 s, after a failed write 10 s
//! ```
//! A disk may hang for as long as it likes: each is looked at in a thread of its own, at most one at a time.
//! The writer says when a write failed; the overseer alone looks, and alone says to people how the volumes are.
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use shared::{
    id::BoxName,
    segment::{CLOSED, SegmentName},
};

use super::label::{FEW_FILES, Known, examine, still_there};
pub use super::label::{LABEL, Label, Place, Room, VolumeError, check, code_of, label, label_in};

/// Below this a volume counts as full: enough for every camera to finish the segment it is writing.
const RESERVE_MIB: u64 = 64;
/// A full volume is used again from this on, so that it does not come and go with each segment.
const ROOM_MIB: u64 = RESERVE_MIB + 16;
/// How often a volume that is missing, wrong, full or read-only is looked at again, and one where a write failed.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_FAILED: Duration = Duration::from_secs(10);
/// A disk that does not answer in this time, to a look or to the writer's job, has failed.
pub const HUNG: Duration = Duration::from_secs(20);
/// Others need not wait for a look for longer.
const MOMENT: Duration = Duration::from_millis(100);
/// How long the start waits for disks.
const START: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    pub path: PathBuf,
    pub id: String,
}

/// What is wrong with a volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub path: PathBuf,
    /// One of `shared::conditions`.
    pub code: &'static str,
    pub why: String,
}

/// All configured volumes. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Volumes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    this_box: BoxName,
    key: Vec<u8>,
    entries: Mutex<Vec<Entry>>,
    /// Told when a look is over.
    seen: Condvar,
    /// Something changed that the overseer has not looked at.
    news: AtomicBool,
    begun: Mutex<Begun>,
}

/// Segments begun since the start. Those that are over are kept until recovery has told them from what the last run left.
#[derive(Debug, Default)]
struct Begun {
    /// And whether it is still being recorded.
    paths: HashMap<PathBuf, bool>,
    told: bool,
}

/// A segment that is being recorded; dropped when it is over, however it ends.
#[derive(Debug)]
pub struct Recording {
    volumes: Volumes,
    path: PathBuf,
}

impl Drop for Recording {
    fn drop(&mut self) {
        let mut begun = self.volumes.begun_lock();
        if begun.told {
            begun.paths.remove(&self.path);
        } else if let Some(going_on) = begun.paths.get_mut(&self.path) {
            *going_on = false;
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    /// The disk that was last found good here.
    known: Option<Known>,
    bad: Option<Bad>,
    free_mib: u64,
    /// A look at it began then, and is not over.
    looking: Option<Instant>,
    /// Counts failures, so that an examination begun before one does not clear it.
    failures: u64,
    /// How often it was found not to be at its place, or sick.
    lapses: u64,
    /// Came into use after the start.
    late: bool,
}

#[derive(Clone, Debug)]
struct Bad {
    code: &'static str,
    why: String,
    looked: Instant,
    again: Duration,
}

impl Entry {
    /// The disk is at its place, though perhaps sick or full.
    fn there(&self) -> Option<Volume> {
        let known = self.known.as_ref()?;
        let away = self.bad.as_ref().is_some_and(|b| b.code == "disk.label");
        (!away).then(|| Volume {
            path: self.path.clone(),
            id: known.label.id.clone(),
        })
    }

    fn bad(&mut self, code: &'static str, why: String, again: Duration) {
        self.lapses += u64::from(matches!(code, "disk.label" | "disk.failed"));
        self.bad = Some(Bad {
            code,
            why,
            looked: Instant::now(),
            again,
        });
    }

    fn hung(&mut self) {
        self.failures += 1;
        let why = format!("{} does not answer", self.path.display());
        self.bad("disk.failed", why, AGAIN_FAILED);
    }
}

/// What a look at a volume found, begun after so many failures of it.
struct Seen {
    path: PathBuf,
    failures: u64,
    found: Result<(Known, Room), VolumeError>,
}

/// When a volume that was found so is looked at again.
fn again(code: &str) -> Duration {
    if code == "disk.failed" {
        AGAIN_FAILED
    } else {
        AGAIN
    }
}

/// Why nothing can be recorded to a disk with so much room; None: there is enough. One that is full already needs more than one that is not.
pub fn full(path: &Path, room: Room, already: bool) -> Option<String> {
    let path = path.display();
    let floor = if already { ROOM_MIB } else { RESERVE_MIB };
    match room.few_files() {
        Some(n) => Some(format!(
            "{path}: no room for more files: {n} inodes are free, {FEW_FILES} are needed ({} MiB of the disk are free)",
            room.mib
        )),
        None if room.mib < floor => Some(format!(
            "{path}: {} MiB are free; recording there stops below {RESERVE_MIB} MiB and begins again from {ROOM_MIB} MiB on",
            room.mib
        )),
        None => None,
    }
}

impl Volumes {
    /// Examines every configured volume, all at once. Those that fail are said in the second value, and looked at again by [`Volumes::look`].
    pub fn open(paths: &[PathBuf], this_box: &BoxName, public_key: &[u8]) -> (Self, Vec<String>) {
        let entries = paths
            .iter()
            .map(|path| Entry {
                path: path.clone(),
                known: None,
                bad: None,
                free_mib: 0,
                looking: None,
                failures: 0,
                lapses: 0,
                late: false,
            })
            .collect();
        let volumes = Self(Arc::new(Inner {
            this_box: this_box.clone(),
            key: public_key.to_vec(),
            entries: Mutex::new(entries),
            seen: Condvar::new(),
            news: AtomicBool::new(false),
            begun: Mutex::default(),
        }));
        volumes.first_look();
        for e in volumes.lock().iter_mut() {
            e.late = false;
            if e.known.is_none() && e.bad.is_none() {
                e.hung();
            }
        }
        let problems = volumes.problems().into_iter().map(|p| p.why).collect();
        (volumes, problems)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Examines all at once and waits for them; of two that are the same volume the one named first is used.
    fn first_look(&self) {
        let (tell, told) = std::sync::mpsc::channel();
        let count = {
            let mut entries = self.lock();
            for e in entries.iter_mut() {
                e.looking = Some(Instant::now());
            }
            entries.len()
        };
        for at in 0..count {
            let (volumes, tell) = (self.clone(), tell.clone());
            self.on_a_thread(at, move || {
                if let Some(seen) = volumes.see(at) {
                    let _ = tell.send((at, seen));
                }
                volumes.looked(at);
            });
        }
        drop(tell);
        let until = Instant::now() + START;
        let next = || told.recv_timeout(until.saturating_duration_since(Instant::now()));
        let mut all: Vec<(usize, Seen)> = std::iter::from_fn(|| next().ok()).collect();
        all.sort_by_key(|(at, _)| *at);
        for (at, seen) in all {
            self.judge(at, seen);
        }
    }

    /// Examines one volume.
    fn examine(&self, at: usize) {
        if let Some(seen) = self.see(at) {
            self.judge(at, seen);
        }
    }

    /// Reads the disk. The lock is not held meanwhile: a sick one may hang.
    fn see(&self, at: usize) -> Option<Seen> {
        let (path, failures) = self.lock().get(at).map(|e| (e.path.clone(), e.failures))?;
        #[cfg(test)]
        tests::HUNG.wait_for(&path);
        let found = examine(&path, &self.0.this_box, &self.0.key)
            .map(|k| (k, Room::of(&path).unwrap_or_default()));
        Some(Seen {
            path,
            failures,
            found,
        })
    }

    fn judge(&self, at: usize, seen: Seen) {
        let Seen {
            path,
            failures,
            found,
        } = seen;
        let mut entries = self.lock();
        let twin = |id: &str| {
            entries
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != at)
                .filter_map(|(_, e)| e.there())
                .find(|v| v.id == id)
        };
        let found = found.and_then(|(known, room)| match twin(&known.label.id) {
            Some(other) => Err(VolumeError::Twice {
                path: path.display().to_string(),
                other: other.path.display().to_string(),
                id: other.id,
            }),
            None => Ok((known, room)),
        });
        let Some(e) = entries.get_mut(at).filter(|e| e.failures == failures) else {
            return;
        };
        let was_full = e.bad.as_ref().is_some_and(|b| b.code == "disk.full");
        match found {
            Ok((known, room)) => {
                e.late |= e.there().is_none();
                e.known = Some(known);
                e.free_mib = room.for_footage();
                match full(&e.path, room, was_full) {
                    Some(why) => e.bad("disk.full", why, AGAIN),
                    None => e.bad = None,
                }
            }
            Err(error) => {
                // Where a disk of ours was, "label it" would be the wrong advice.
                let error = match error {
                    VolumeError::Missing { path } if e.known.is_some() => {
                        VolumeError::Gone { path }
                    }
                    other => other,
                };
                let code = error.code();
                e.bad(code, error.to_string(), again(code));
            }
        }
        self.0.news.store(true, Relaxed);
    }

    /// Looks at every volume: is its disk still there, has it room? What is bad is examined again when it is time. Waits a moment
    /// for the answers, but not for a disk that hangs.
    pub fn look(&self) {
        self.0.news.store(false, Relaxed);
        self.look_all(MOMENT);
    }

    fn look_all(&self, patience: Duration) {
        let mut started = Vec::new();
        for (at, e) in self.lock().iter_mut().enumerate() {
            let due = e.bad.as_ref().is_none_or(|b| b.looked.elapsed() >= b.again);
            match e.looking {
                Some(since) if e.bad.is_none() && since.elapsed() > HUNG => {
                    e.hung();
                    self.0.news.store(true, Relaxed);
                }
                None if due => {
                    e.looking = Some(Instant::now());
                    started.push((at, e.clone()));
                }
                _ => {}
            }
        }
        for (at, entry) in &started {
            let (volumes, at, entry) = (self.clone(), *at, entry.clone());
            self.on_a_thread(at, move || {
                match &entry.known {
                    Some(known) if entry.bad.is_none() => volumes.look_at(at, &entry, known),
                    _ => volumes.examine(at),
                }
                volumes.looked(at);
            });
        }
        let busy = |all: &mut Vec<Entry>| {
            let mut mine = started.iter().filter_map(|(at, _)| all.get(*at));
            mine.any(|e| e.looking.is_some())
        };
        let waited = self.0.seen.wait_timeout_while(self.lock(), patience, busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn on_a_thread(&self, at: usize, work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::Builder::new().name("look".into());
        if let Err(e) = thread.spawn(work) {
            tracing::error!(error = %e, "a volume cannot be looked at: no thread");
            self.looked(at);
        }
    }

    /// A look is over.
    fn looked(&self, at: usize) {
        if let Some(e) = self.lock().get_mut(at) {
            e.looking = None;
        }
        self.0.seen.notify_all();
    }

    fn look_at(&self, at: usize, entry: &Entry, known: &Known) {
        let there = still_there(&entry.path, known);
        let room = Room::of(&entry.path).unwrap_or_default();
        let mut entries = self.lock();
        let Some(e) = entries.get_mut(at).filter(|e| e.failures == entry.failures) else {
            return;
        };
        e.free_mib = room.for_footage();
        match there {
            Err(error) => {
                let code = error.code();
                e.bad(code, error.to_string(), again(code));
            }
            Ok(()) => match full(&e.path, room, false) {
                Some(why) => e.bad("disk.full", why, AGAIN),
                None => return,
            },
        }
        self.0.news.store(true, Relaxed);
    }

    /// Something changed since the last look.
    pub fn news(&self) -> bool {
        self.0.news.load(Relaxed)
    }

    /// What is wrong, volume by volume.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |e: &Entry| {
            e.bad.as_ref().map(|b| Problem {
                path: e.path.clone(),
                code: b.code,
                why: b.why.clone(),
            })
        };
        self.lock().iter().filter_map(problem).collect()
    }

    /// Volumes whose disk is at its place, sick and full ones too: footage may still be read there.
    pub fn all(&self) -> Vec<Volume> {
        self.lock().iter().filter_map(Entry::there).collect()
    }

    /// Every configured volume is at its place: what is on none of them is on no disk.
    pub fn complete(&self) -> bool {
        self.lock().iter().all(|e| e.there().is_some())
    }

    /// Volumes that came into use since this was last asked.
    pub fn arrived(&self) -> Vec<Volume> {
        let mut entries = self.lock();
        let late = entries.iter_mut().filter(|e| e.late);
        late.filter_map(|e| {
            e.late = false;
            e.there()
        })
        .collect()
    }

    /// Where the next segment of a camera goes: of the good volumes the one with most space, as of the last look.
    pub fn pick(&self) -> Option<Volume> {
        self.lock()
            .iter()
            .filter(|e| e.bad.is_none())
            .filter_map(|e| Some((e.free_mib, e.there()?)))
            .max_by_key(|(free, _)| *free)
            .map(|(_, v)| v)
    }

    /// Before a segment is begun: whether the disk at this path is still the one that was found good, and its device.
    pub fn still_there(&self, path: &Path) -> Result<u64, VolumeError> {
        let known = self
            .lock()
            .iter()
            .find(|e| e.path == path)
            .and_then(|e| e.known.clone());
        let known = known.ok_or_else(|| VolumeError::Gone {
            path: path.display().to_string(),
        })?;
        still_there(path, &known).map(|()| known.device)
    }

    /// A write failed there: it is skipped until an examination succeeds. `code` is one of `shared::conditions`.
    pub fn failed(&self, path: &Path, code: &'static str, why: &str) {
        for e in self.lock().iter_mut().filter(|e| e.path == path) {
            e.failures += 1;
            let again = if code == "disk.label" {
                AGAIN
            } else {
                AGAIN_FAILED
            };
            e.bad(code, why.into(), again);
        }
        self.0.news.store(true, Relaxed);
    }

    /// Free space of the volumes that are in use, as of the last look.
    pub fn free_mib(&self) -> u64 {
        let entries = self.lock();
        let good = entries.iter().filter(|e| e.bad.is_none());
        good.map(|e| e.free_mib).sum()
    }

    /// Bytes that may still be recorded, as of the last look.
    pub fn room_bytes(&self) -> u64 {
        let entries = self.lock();
        let good = entries.iter().filter(|e| e.bad.is_none());
        good.map(|e| e.free_mib.saturating_sub(RESERVE_MIB) << 20)
            .sum()
    }

    /// Size of the disks that are there.
    pub fn total_bytes(&self) -> u64 {
        let size = |v: &Volume| {
            let s = nix::sys::statvfs::statvfs(&v.path).ok()?;
            Some(s.blocks() * s.fragment_size())
        };
        self.all().iter().filter_map(size).sum()
    }

    /// How often any volume was found not to be at its place, or sick: what was listed while this did not change was all there.
    pub fn lapses(&self) -> u64 {
        self.lock().iter().map(|e| e.lapses).sum()
    }

    /// Looks now: every configured volume is at its place.
    pub fn all_there(&self) -> bool {
        let there = |v: Volume| match self.still_there(&v.path) {
            Ok(_) | Err(VolumeError::ReadOnly { .. }) => true,
            Err(_) => false,
        };
        self.complete() && self.all().into_iter().all(there)
    }

    fn begun_lock(&self) -> MutexGuard<'_, Begun> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A segment is about to be begun at this path.
    pub fn begun(&self, path: &Path) -> Recording {
        self.begun_lock().paths.insert(path.to_owned(), true);
        Recording {
            volumes: self.clone(),
            path: path.to_owned(),
        }
    }

    /// Whether this run began the segment at this path. Of one that is over, right until [`Volumes::told`].
    pub fn begun_here(&self, path: &Path) -> bool {
        self.begun_lock().paths.contains_key(path)
    }

    /// Recovery has listed what there was: only what is being recorded need be known from now on.
    pub fn told(&self) {
        let mut begun = self.begun_lock();
        begun.told = true;
        begun.paths.retain(|_, going_on| *going_on);
    }

    /// Where a closed segment lies.
    pub fn find(&self, name: &SegmentName) -> Option<PathBuf> {
        self.find_below("", name)
    }

    /// The same, below a folder of each volume.
    pub fn find_below(&self, folder: &str, name: &SegmentName) -> Option<PathBuf> {
        let roots = self.all().into_iter().map(|v| v.path.join(folder));
        let roots: Vec<PathBuf> = roots.collect();
        let straight = roots
            .iter()
            .map(|root| root.join(name.closed_path()))
            .find(|p| p.is_file());
        straight.or_else(|| {
            // A recovered segment keeps the second its recorder began it, which may differ from its first whole frame's.
            let end = format!("-{}{CLOSED}", name.s);
            roots.iter().find_map(|root| {
                let folder = root.join(SegmentName::folder(name.day, &name.cam));
                fs::read_dir(folder)
                    .ok()?
                    .filter_map(Result::ok)
                    .find(|e| e.file_name().to_str().is_some_and(|f| f.ends_with(&end)))
                    .map(|e| e.path())
            })
        })
    }
}

#[cfg(test)]
mod tests;
