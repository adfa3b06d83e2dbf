//! Task. Pulls on the lines of their boxes, while they are under way: who wants which, what each line was measured to carry.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    id::BoxName,
    time::{Clock, Utc, Zone},
};
use tokio::sync::watch::{Receiver, Sender};

use super::turns::{self, Entry};
use crate::{
    model::line::{Forecast, LineWish, RATES, Rate},
    reason::PullReason,
};

/// The clock on the wall is looked at so often.
const LOOK: Duration = Duration::from_secs(10);

/// A stretch ends after so long, or when nothing came for a while; one with fewer bytes says little.
const STRETCH_MS: u64 = 10_000;
const QUIET_MS: u64 = 1_500;
const LEAST_BYTES: u64 = 128 << 10;

/// A stretch in which a line carries clips.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    begun: u64,
    last: u64,
    bytes: u64,
}

#[derive(Default)]
struct BoxLine {
    wish: LineWish,
    pulls: Vec<Entry>,
    stretch: Option<Stretch>,
    rates: VecDeque<Rate>,
}

impl BoxLine {
    /// Bytes came at that moment of the monotonic clock. A rate, when a stretch is over.
    fn arrived(&mut self, bytes: u64, now: u64) -> Option<Rate> {
        let rate = self.ended(now);
        let stretch = self.stretch.get_or_insert(Stretch {
            begun: now,
            last: now,
            // What came first was under way before the stretch began.
            bytes: 0,
        });
        if stretch.begun < now {
            stretch.bytes = stretch.bytes.saturating_add(bytes);
        }
        stretch.last = now;
        rate
    }

    fn ended(&mut self, now: u64) -> Option<Rate> {
        let stretch = self.stretch?;
        let quiet = now.saturating_sub(stretch.last) > QUIET_MS;
        if !quiet && now.saturating_sub(stretch.begun) < STRETCH_MS {
            return None;
        }
        self.stretch = None;
        let rate = Rate {
            bytes: stretch.bytes,
            ms: stretch.last.saturating_sub(stretch.begun),
        };
        if rate.bytes < LEAST_BYTES || rate.ms == 0 {
            return None;
        }
        self.keep(rate);
        Some(rate)
    }

    fn keep(&mut self, rate: Rate) {
        self.rates.push_back(rate);
        while self.rates.len() > RATES {
            self.rates.pop_front();
        }
    }

    /// The middle one of the kept.
    fn measured(&self) -> Option<u64> {
        let mut all: Vec<u64> = self.rates.iter().map(|r| r.kbit()).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Lines {
    boxes: Arc<Mutex<HashMap<BoxName, BoxLine>>>,
    /// Counts changes: whoever waits looks again.
    changes: Arc<Sender<u64>>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            boxes: Arc::default(),
            changes: Arc::new(Sender::new(0)),
        }
    }
}

/// A pull's place among those of its box, until it is dropped.
pub struct Place {
    lines: Lines,
    name: BoxName,
    exhibit: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let exhibit = &self.exhibit;
        self.lines.with(&self.name, |line| {
            line.pulls.retain(|e| e.exhibit != *exhibit);
            true
        });
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<BoxName, BoxLine>> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever waits looks again if `work` says that something is otherwise now.
    fn with(&self, name: &BoxName, work: impl FnOnce(&mut BoxLine) -> bool) {
        if work(self.lock().entry(name.clone()).or_default()) {
            self.changes.send_modify(|n| *n += 1);
        }
    }

    pub fn watch(&self) -> Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn set_wish(&self, name: &BoxName, wish: LineWish) {
        self.with(name, |line| std::mem::replace(&mut line.wish, wish) != wish);
    }

    pub fn wish(&self, name: &BoxName) -> LineWish {
        self.lock().get(name).map(|l| l.wish).unwrap_or_default()
    }

    /// What was measured before this start, the oldest first.
    pub fn recall(&self, name: &BoxName, rates: impl IntoIterator<Item = Rate>) {
        self.with(name, |line| {
            rates.into_iter().for_each(|r| line.keep(r));
            false
        });
    }

    /// Kilobits a second that a box's line was measured to carry.
    pub fn measured(&self, name: &BoxName) -> Option<u64> {
        self.lock().get(name).and_then(BoxLine::measured)
    }

    /// A pull is under way; it wants nothing of the line yet.
    pub fn enter(&self, name: &BoxName, entry: Entry) -> Place {
        let exhibit = entry.exhibit.clone();
        self.with(name, |line| {
            line.pulls.retain(|e| e.exhibit != exhibit);
            line.pulls.push(entry);
            true
        });
        Place {
            lines: self.clone(),
            name: name.clone(),
            exhibit,
        }
    }

    fn change(&self, name: &BoxName, exhibit: &str, change: impl FnOnce(&mut Entry)) {
        self.with(name, |line| {
            let Some(entry) = line.pulls.iter_mut().find(|e| e.exhibit == exhibit) else {
                return false;
            };
            let before = (entry.wants, entry.paused.clone());
            change(entry);
            before != (entry.wants, entry.paused.clone())
        });
    }

    /// It has so much to fetch from now on; 0: no more.
    pub fn want(&self, name: &BoxName, exhibit: &str, left: u64) {
        self.change(name, exhibit, |entry| {
            entry.wants = left > 0;
            entry.left = left;
        });
    }

    /// `by`: who has it wait; None: it goes on.
    pub fn pause(&self, name: &BoxName, exhibit: &str, by: Option<String>) {
        self.change(name, exhibit, |entry| entry.paused = by);
    }

    /// Bytes of a clip came over a box's line, at that moment of the monotonic clock. A rate to be kept, now and then.
    pub fn arrived(&self, name: &BoxName, exhibit: &str, bytes: u64, now: u64) -> Option<Rate> {
        let mut boxes = self.lock();
        let line = boxes.entry(name.clone()).or_default();
        if let Some(entry) = line.pulls.iter_mut().find(|e| e.exhibit == exhibit) {
            entry.left = entry.left.saturating_sub(bytes);
        }
        line.arrived(bytes, now)
    }

    /// Whether it may be asked for at its box now, whatever else is fetched from there.
    pub fn may_run(
        &self,
        name: &BoxName,
        exhibit: &str,
        now: Utc,
        zone: &Zone,
    ) -> Result<(), PullReason> {
        let boxes = self.lock();
        let Some(line) = boxes.get(name) else {
            return Ok(());
        };
        match line.pulls.iter().find(|e| e.exhibit == exhibit) {
            Some(entry) => turns::may_run(entry, line.wish, name, now, zone),
            None => Ok(()),
        }
    }

    pub fn verdict(
        &self,
        name: &BoxName,
        exhibit: &str,
        now: Utc,
        zone: &Zone,
    ) -> Result<(), PullReason> {
        let boxes = self.lock();
        let Some(line) = boxes.get(name) else {
            return Ok(());
        };
        turns::verdict(&line.pulls, exhibit, line.wish, name, now, zone)
    }

    /// Ends when it is not its turn any more, with what it waits for then.
    pub async fn lost(
        &self,
        clock: &dyn Clock,
        zone: &Zone,
        name: &BoxName,
        exhibit: &str,
    ) -> PullReason {
        let mut changes = self.watch();
        loop {
            changes.mark_unchanged();
            if let Err(why) = self.verdict(name, exhibit, clock.now().wall, zone) {
                return why;
            }
            // The sender lives as long as the hub.
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
    }

    /// When so many bytes more of a pull that is under way will be here.
    pub fn there(&self, exhibit: &str, left: u64, now: Utc, zone: &Zone) -> Option<Utc> {
        let found = self.lock().iter().find_map(|(name, line)| {
            let entry = line.pulls.iter().find(|e| e.exhibit == exhibit)?;
            Some((name.clone(), entry.urgent))
        });
        let (name, urgent) = found.filter(|_| left > 0)?;
        self.forecast(&name, exhibit, left, urgent, now, zone).there
    }

    /// When so many bytes more of a box's will be here; `exhibit`: of that pull, if it is one already.
    pub fn forecast(
        &self,
        name: &BoxName,
        exhibit: &str,
        bytes: u64,
        urgent: bool,
        now: Utc,
        zone: &Zone,
    ) -> Forecast {
        let boxes = self.lock();
        let Some(line) = boxes.get(name) else {
            return turns::forecast((bytes, 0), None, LineWish::default(), urgent, now, zone);
        };
        let ahead = turns::ahead(&line.pulls, exhibit, bytes, urgent);
        turns::forecast(
            (bytes, ahead),
            line.measured(),
            line.wish,
            urgent,
            now,
            zone,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line carries is measured while it is busy, whoever shares it; pauses do not make it slower.
    #[test]
    fn a_line_is_measured_while_it_is_busy() {
        let mut line = BoxLine::default();
        let mut now = 1_000;
        for _ in 0..3 {
            // 250 kB a second, for six seconds; then nothing for a minute.
            for _ in 0..60 {
                line.arrived(25_000, now);
                now += 100;
            }
            now += 60_000;
        }
        assert_eq!(line.rates.len(), 2);
        let measured = line.measured().expect("measured");
        assert!((1_900..=2_100).contains(&measured), "{measured}");
    }
}
