//! Task. Chooses the volume for new segments, watches for disks that hang, and says how the volumes are. Reads the disks, so that
//! capture need not.
//!
//! It alone raises and clears the faults of volumes: per condition one fault whose detail names every volume that has it.
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    volume::Problem,
    writer::{self, Queue},
};
use crate::{health::Faults, lock::lock, recording::recorder::VolumeQueues};

/// How often volumes are looked at when nothing has happened, and how soon when something has.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

pub struct VolumeMonitor {
    doors: Arc<VolumeQueues>,
    writer: writer::Context,
    writers: Arc<Mutex<Vec<JoinHandle<()>>>>,
    faults: Faults,
    /// What was last said, by condition.
    said: BTreeMap<&'static str, String>,
    stopped: bool,
}

impl VolumeMonitor {
    pub fn new(
        doors: Arc<VolumeQueues>,
        writer: writer::Context,
        writers: Arc<Mutex<Vec<JoinHandle<()>>>>,
        faults: Faults,
    ) -> Self {
        Self {
            doors,
            writer,
            writers,
            faults,
            said: BTreeMap::new(),
            stopped: false,
        }
    }

    pub fn run(mut self, stop: &AtomicBool) {
        let mut next = Instant::now() + LOOK_EVERY;
        while !stop.load(Relaxed) {
            std::thread::sleep(TICK);
            if Instant::now() >= next || self.writer.volumes.news() {
                self.look();
                next = Instant::now() + LOOK_EVERY;
            }
        }
    }

    pub fn look(&mut self) {
        let queues: Vec<Queue> = lock(&self.doors.queues).values().cloned().collect();
        for queue in queues {
            if queue.give_up_if_hung(&self.writer.reports) {
                let why = format!(
                    "{} does not answer: recording there was given up",
                    queue.path().display()
                );
                self.writer
                    .volumes
                    .failed(queue.path(), "disk.failed", &why);
            }
        }
        self.writer.volumes.look();
        let problems = self.writer.volumes.problems();
        for gone in problems.iter().filter(|p| p.code == "disk.label") {
            if let Some(queue) = lock(&self.doors.queues).get(&gone.path) {
                queue.give_up(&self.writer.reports);
            }
        }
        let chosen = self
            .writer
            .volumes
            .pick()
            .and_then(|v| self.queue(&v.path))
            .filter(Queue::usable);
        let stopped = chosen.is_none();
        self.doors.choose(chosen);
        self.say(&problems, stopped);
    }

    fn say(&mut self, problems: &[Problem], stopped: bool) {
        let now = by_code(problems);
        for code in self.said.keys().filter(|code| !now.contains_key(*code)) {
            self.faults.off(code, None);
        }
        for (code, why) in &now {
            if self.said.get(code) != Some(why) {
                self.faults.on(code, None, why);
            }
        }
        self.said = now;
        if stopped != self.stopped {
            self.stopped = stopped;
            if stopped {
                let why = "no footage volume can be written to";
                self.faults.on("recording.stopped", None, why);
            } else {
                self.faults.off("recording.stopped", None);
            }
        }
    }

    fn queue(&self, path: &Path) -> Option<Queue> {
        let mut queues = lock(&self.doors.queues);
        if let Some(queue) = queues.get(path) {
            return Some(queue.clone());
        }
        match writer::start(path, self.writer.clone()) {
            Ok((queue, thread)) => {
                lock(&self.writers).push(thread);
                queues.insert(path.to_owned(), queue.clone());
                Some(queue)
            }
            Err(e) => {
                tracing::error!(error = %e, "a writer thread could not be started");
                None
            }
        }
    }
}

/// One sentence per condition, naming every volume that has it.
fn by_code(problems: &[Problem]) -> BTreeMap<&'static str, String> {
    let mut by_code: BTreeMap<&'static str, String> = BTreeMap::new();
    for p in problems {
        let said = by_code.entry(p.code).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&p.why);
    }
    by_code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: two volumes in the same condition are both named, and one of another condition does not hide them.
    #[test]
    fn every_bad_volume_is_named() {
        let problem = |path: &str, code, why: &str| Problem {
            path: path.into(),
            code,
            why: why.into(),
        };
        let said = by_code(&[
            problem("/a", "disk.full", "/a is full"),
            problem("/b", "disk.label", "/b has no label"),
            problem("/c", "disk.full", "/c is full"),
        ]);
        let full = said.get("disk.full").map(String::as_str);
        assert_eq!(full, Some("/a is full; /c is full"));
        assert_eq!(said.len(), 2);
        for code in ["disk.label", "disk.readonly", "disk.full", "disk.failed"] {
            assert!(shared::conditions::condition(code).is_some(), "{code}");
        }
    }
}
