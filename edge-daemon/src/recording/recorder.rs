//! Wiring. One camera's frames: cutter, numbers, the volume's queue.
//!
//! Owned by whoever has the frames: the capture thread, or the thread that reads the picture worker. Nothing here waits.
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
        mpsc::Sender,
    },
};

use shared::{
    id::CameraId,
    segment::SegmentName,
    time::{Clock, Utc, Zone},
};

use crate::{
    capture::relay::repair::Repairs,
    lock::lock,
    recording::{
        continuity::{Continuity, Contradiction},
        sequence::Sequence,
        watch::Hindrance,
    },
    segment::{
        Cause, Guard, Guarded, Heard, TICKS_PER_SEC, Unit,
        cutter::{Cutter, Flaws, MARKED_MS, Step},
        rate::{Thinner, Verdict, Wanted},
        ticks_us,
    },
    store::writer::{Begin, End, Landed, Queue, Ticket},
};
use crate::{
    masking::trust::MaskTrust,
    recording::report::{Closed, Report},
};

/// What all threads know of a camera.
#[derive(Debug)]
pub struct Shared {
    pub index: usize,
    pub config: crate::config::Camera,
    pub landed: Arc<Landed>,
    pub connected: AtomicBool,
    /// When the camera is tried again, in UTC ms; [`i64::MIN`] while nothing is waited for.
    next_try: AtomicI64,
    /// Where its recordings of the run before ended, in UTC ms; [`i64::MIN`] while that is not known.
    ended_before: AtomicI64,
    /// Packets that the network lost.
    pub lost: AtomicU64,
    /// Pictures that this box left out.
    pub shed: AtomicU64,
    /// The camera's clock minus ours in ms, [`i64::MIN`] while not known.
    offset_ms: AtomicI64,
    /// Somebody wants the open segment closed at its next key frame.
    pub cut: AtomicBool,
    /// Of a camera in time-lapse.
    pub wanted: Mutex<Wanted>,
    /// In time-lapse: how long the last picture stands until the next.
    pub stands_ms: AtomicU64,
    pub numbers: Mutex<Sequence<Closed>>,
    /// Of a camera that paints its mask itself.
    pub standing: Mutex<MaskTrust>,
    /// Told whenever a segment settles.
    pub settled: Condvar,
    /// What is in the way of its pictures, as far as is known.
    pub hindrance: Mutex<Option<Hindrance>>,
    /// How the last session ended of which nothing landed yet.
    pub ended: Mutex<Option<Hindrance>>,
    /// Its session goes by the relay, and what was mended so far.
    pub relayed: Mutex<Option<Repairs>>,
    /// The usual distance of its pictures in ms, from session to session; 0 while not known.
    pub rhythm_ms: AtomicU64,
    /// The longest time in ms that lay between two of its pictures at which a recording can begin.
    pub group_ms: AtomicU64,
}

impl Shared {
    pub fn new(index: usize, config: crate::config::Camera, numbers: Sequence<Closed>) -> Self {
        Self {
            index,
            config,
            landed: Arc::default(),
            connected: AtomicBool::new(false),
            next_try: AtomicI64::new(i64::MIN),
            ended_before: AtomicI64::new(i64::MIN),
            lost: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            offset_ms: AtomicI64::new(i64::MIN),
            cut: AtomicBool::new(false),
            wanted: Mutex::default(),
            stands_ms: AtomicU64::new(0),
            numbers: Mutex::new(numbers),
            standing: Mutex::default(),
            settled: Condvar::new(),
            hindrance: Mutex::new(None),
            ended: Mutex::new(None),
            relayed: Mutex::new(None),
            rhythm_ms: AtomicU64::new(0),
            group_ms: AtomicU64::new(0),
        }
    }
    pub fn next_try(&self) -> Option<Utc> {
        Some(self.next_try.load(Relaxed))
            .filter(|t| *t != i64::MIN)
            .map(Utc)
    }
    pub fn set_next_try(&self, at: Option<Utc>) {
        self.next_try.store(at.map_or(i64::MIN, |t| t.0), Relaxed);
    }
    /// Wall time of the last picture that landed on disk, in this run or the one before.
    pub fn landed_last(&self) -> Option<Utc> {
        let before = Some(self.ended_before.load(Relaxed)).filter(|t| *t != i64::MIN);
        self.landed.last().map(|(t, _)| t).or(before.map(Utc))
    }
    pub fn set_ended_before(&self, end: Utc) {
        self.ended_before.store(end.0, Relaxed);
    }
    /// What the camera's clock differs from ours by, as far as is known.
    pub fn offset_ms(&self) -> Option<i64> {
        Some(self.offset_ms.load(Relaxed)).filter(|o| *o != i64::MIN)
    }
    pub fn set_offset_ms(&self, offset: Option<i64>) {
        self.offset_ms.store(offset.unwrap_or(i64::MIN), Relaxed);
    }
    /// So long may lie between two recorded pictures, in ms: what is usual of the camera, and in time-lapse what was asked for.
    pub fn distance_ms(&self) -> u64 {
        let lapse = self.config.timelapse.as_ref();
        lapse
            .map_or(0, |t| u64::from(t.every_secs) * 1000)
            .max(self.stands_ms.load(Relaxed))
            .max(self.rhythm_ms.load(Relaxed))
    }
    pub fn hindered(&self, by: Option<Hindrance>) {
        if let Some(Hindrance::Ended(..)) = by {
            lock(&self.ended).clone_from(&by);
        }
        *lock(&self.hindrance) = by;
    }
    pub fn id(&self) -> &CameraId {
        &self.config.id
    }
}

/// The volumes' queues, and which of them takes new segments. Choosing reads the disks, so another thread does it.
#[derive(Default)]
pub struct VolumeQueues {
    pub queues: Mutex<HashMap<PathBuf, Queue>>,
    chosen: Mutex<Option<Queue>>,
}

impl VolumeQueues {
    pub fn choose(&self, queue: Option<Queue>) {
        *lock(&self.chosen) = queue;
    }
    fn chosen(&self) -> Option<Queue> {
        lock(&self.chosen).clone().filter(Queue::usable)
    }
    pub fn kick(&self) {
        for queue in lock(&self.queues).values() {
            queue.kick();
        }
    }
}

struct Current {
    ticket: Arc<Ticket>,
    queue: Queue,
    t0: Utc,
    /// Its pictures waited to be proved.
    held: bool,
}

pub struct Recorder {
    shared: Arc<Shared>,
    doors: Arc<VolumeQueues>,
    reports: Sender<Report>,
    cutter: Cutter,
    /// Of a camera in time-lapse.
    thinner: Option<Thinner>,
    /// No key frame for so many ticks is too long.
    patience: i64,
    steps: Vec<Step>,
    current: Option<Current>,
    /// What the session's pictures went through; None: nothing may be recorded.
    guard: Option<Guard>,
    /// A segment was cut short by us: why the next one does not follow on.
    short: Option<Cause>,
    /// End of the last picture handed to a queue.
    last: Option<Utc>,
    clock: Arc<dyn Clock>,
    continuity: Continuity,
    /// Times that cannot be: the session must be begun anew.
    contradiction: Option<Contradiction>,
}

impl Recorder {
    pub fn new(
        shared: Arc<Shared>,
        doors: Arc<VolumeQueues>,
        reports: Sender<Report>,
        zone: Zone,
        segment_secs: u32,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let lapse = shared.config.timelapse.as_ref();
        Self {
            thinner: lapse.map(|t| Thinner::new(t.every_secs)),
            patience: i64::from(2 * segment_secs + 30) * TICKS_PER_SEC,
            shared,
            doors,
            reports,
            cutter: Cutter::new(zone, segment_secs),
            steps: Vec::new(),
            current: None,
            guard: None,
            short: None,
            last: None,
            clock,
            continuity: Continuity::default(),
            contradiction: None,
        }
    }

    /// Said once a session, before its first unit: what all its units went through.
    pub fn guarded(&mut self, guard: Guard) {
        self.guard = Some(guard);
    }
    pub fn expect_reorder(&mut self, yes: bool) {
        self.cutter.expect_reorder(yes);
    }
    /// The session has sound, and it is to be recorded; said before its first unit.
    pub fn expect_sound(&mut self, sound: Option<footage::mp4::Sound>) {
        self.cutter.expect_sound(sound);
    }
    pub fn heard(&mut self, heard: Heard) {
        self.cutter.heard(heard);
    }
    pub fn because(&mut self, cause: Cause) {
        self.cutter.because(cause);
    }
    /// Packets that could not be used, after the session ended for them.
    pub fn lost(&mut self, packets: u32) {
        self.shared.lost.fetch_add(packets.into(), Relaxed);
        self.cutter.lost(packets);
    }
    pub fn starved(&self) -> bool {
        let lapsed = self.thinner.as_ref();
        lapsed.is_some_and(|t| t.starved(self.patience))
    }
    /// Times were refused because they cannot be: what was found, once. Its session is to be begun anew.
    pub fn contradiction(&mut self) -> Option<Contradiction> {
        self.contradiction.take()
    }
    /// End of the last picture recorded.
    pub fn last(&self) -> Option<Utc> {
        self.last
    }

    pub fn unit(&mut self, mut unit: Unit) {
        if self.guard.is_none() {
            tracing::error!(camera = %self.shared.id(), "a picture of which nothing is known was not recorded");
            return;
        }
        self.shared.lost.fetch_add(u64::from(unit.lost), Relaxed);
        self.shared.shed.fetch_add(u64::from(unit.shed), Relaxed);
        self.check();
        if self.shared.cut.swap(false, Relaxed) {
            self.cutter.cut_at_next_key();
            self.thinner.iter_mut().for_each(Thinner::soon);
        }
        match &mut self.thinner {
            None => self.cutter.unit(unit, &mut self.steps),
            Some(thinner) => {
                let at = self.cutter.at(&unit);
                let seen = thinner.unit(&mut unit, at, *lock(&self.shared.wanted));
                if seen.verdict == Verdict::Skip {
                    self.cutter.skipped(&unit, seen, &mut self.steps);
                } else {
                    if let Verdict::Lasts(ticks) = seen.verdict {
                        let ms = ticks_us(ticks.into()).unsigned_abs() / 1000;
                        self.shared.stands_ms.store(ms, Relaxed);
                    }
                    self.cutter.rated(unit, seen, &mut self.steps);
                }
            }
        }
        self.apply();
    }

    /// No frame has come for a while: what is held goes to disk.
    pub fn idle(&mut self) {
        self.check();
        self.cutter.flush_fragment(&mut self.steps);
        self.apply();
    }

    /// The session is over.
    pub fn finish(&mut self, cause: Cause) {
        self.check();
        self.cutter.finish(cause, &mut self.steps);
        self.thinner.iter_mut().for_each(Thinner::finish);
        self.apply();
        self.current = None;
        self.guard = None;
    }

    /// Did the writer give the open segment up?
    fn check(&mut self) {
        if let Some(current) = self.current.take_if(|c| c.ticket.failed()) {
            self.cutter.abandon(current.ticket.id, Cause::Disk);
        }
    }

    fn apply(&mut self) {
        let mut steps = std::mem::take(&mut self.steps);
        for step in steps.drain(..) {
            self.step(step);
        }
        self.steps = steps;
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Begin {
                id,
                t0,
                day,
                parameters,
                rate,
                gap,
            } => {
                let gap = gap.or(self.short.map(|c| (c, 0)));
                self.short = None;
                let shared = self.shared.clone();
                let s = lock(&shared.numbers).begin(id, t0, gap);
                let (Some(queue), Some(guard)) = (self.doors.chosen(), self.guard.clone()) else {
                    shared.hindered(Some(Hindrance::NoVolume));
                    let _ = self.reports.send(Report::Failed {
                        cam: shared.index,
                        id,
                        cause: Cause::Disk,
                    });
                    self.cutter.abandon(id, Cause::Disk);
                    return;
                };
                let held = guard.how == Guarded::Proved;
                let why = gap.map(|g| g.0);
                let now = self.clock.now();
                if let Err(contradiction) = self.continuity.begins(t0, why, now, held) {
                    // Nothing of it is on disk yet, nor will be: the session is begun anew, and its time with it.
                    self.refuse(contradiction);
                    let _ = self.reports.send(Report::Failed {
                        cam: shared.index,
                        id,
                        cause: Cause::Jump,
                    });
                    self.cutter.abandon(id, Cause::Jump);
                    return;
                }
                let shared = &self.shared;
                let ticket =
                    Ticket::new(shared.index, shared.id().clone(), id, shared.landed.clone());
                let name = SegmentName {
                    day,
                    cam: shared.id().clone(),
                    start: Utc(t0.seconds() * 1000),
                    s,
                };
                queue.begin(
                    &ticket,
                    Begin {
                        name,
                        t0,
                        parameters,
                        guard,
                        rate,
                    },
                );
                if *lock(&shared.hindrance) == Some(Hindrance::NoVolume) {
                    shared.hindered(None);
                }
                self.current = Some(Current {
                    ticket,
                    queue,
                    t0,
                    held,
                });
            }
            Step::Fragment {
                id,
                sequence,
                wall,
                end,
                frames,
                sound,
            } => {
                let Some(current) = self.current.as_ref().filter(|c| c.ticket.id == id) else {
                    return;
                };
                let count = frames.len() as u64;
                match current
                    .queue
                    .fragment(&current.ticket, sequence, wall, end, frames, sound)
                {
                    Ok(()) => self.last = Some(end),
                    Err(_) => {
                        // What has been handed over is good: end there, and wait for a key frame.
                        self.shared.shed.fetch_add(count, Relaxed);
                        let flaws = self.cutter.abandon(id, Cause::Shed).unwrap_or_default();
                        self.end(id, wall, flaws);
                        self.short = Some(Cause::Shed);
                    }
                }
            }
            Step::End { id, t1, flaws } => self.end(id, t1, flaws),
        }
    }

    /// What has been handed over of the open segment is all of it. When its end cannot be, it lands all the same, marked: its pictures
    /// are on disk.
    fn end(&mut self, id: u64, t1: Utc, mut flaws: Flaws) {
        let Some(current) = self.current.take_if(|c| c.ticket.id == id) else {
            return;
        };
        let (t0, now) = (current.t0, self.clock.now());
        if let Err(contradiction) = self.continuity.ends(t0, t1, now, current.held) {
            self.refuse(contradiction);
            let (Contradiction::Overlap(off)
            | Contradiction::Backwards(off)
            | Contradiction::Away(off)) = contradiction;
            let off = u32::try_from(off.abs()).unwrap_or(u32::MAX);
            flaws.off_ms = flaws.off_ms.max(Some(off).filter(|o| *o > MARKED_MS));
        }
        let end = End {
            // A segment ends after it begins, whatever its pictures say.
            t1: t1.max(t0.plus_ms(1)),
            flaws,
            offset_ms: self.shared.offset_ms(),
        };
        current.queue.end(&current.ticket, end);
    }

    fn refuse(&mut self, contradiction: Contradiction) {
        tracing::error!(camera = %self.shared.id(), why = %contradiction, "times that cannot be; the camera's session is begun anew");
        self.contradiction = Some(contradiction);
    }
}
