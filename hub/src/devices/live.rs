//! Task. Who is on the line now, and what they last said.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use shared::{
    id::BoxName,
    wire::{ToBox, ToHub, close},
};
use tokio::sync::{broadcast, mpsc, watch};

use super::{
    guesses::{Guess, Guesses},
    link::Line,
};

/// Orders waiting for one box; more than this and the sender waits.
const ORDERS: usize = 32;

struct Caller {
    id: u64,
    line: Line,
    orders: Option<mpsc::Sender<ToBox>>,
}

#[derive(Default)]
struct Callers {
    next: u64,
    by_box: HashMap<BoxName, Caller>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Live {
    callers: Arc<Mutex<Callers>>,
    /// Counts every change: a box came or went, a log grew. Waiters look again.
    changes: Arc<watch::Sender<u64>>,
    said: broadcast::Sender<(BoxName, ToHub)>,
    /// Boxes whose log spoke of deletions since somebody took them from here.
    deletions: Arc<watch::Sender<BTreeSet<BoxName>>>,
    guesses: Arc<Mutex<Guesses>>,
}

impl Default for Live {
    fn default() -> Self {
        // A slow listener that misses messages asks the box again, so a bounded channel is enough.
        Self {
            callers: Arc::default(),
            changes: Arc::new(watch::Sender::new(0)),
            said: broadcast::Sender::new(256),
            deletions: Arc::new(watch::Sender::new(BTreeSet::new())),
            guesses: Arc::default(),
        }
    }
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.callers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A box came; an older connection of the same box is closed. Returns the caller's number, and where the older one came from.
    pub fn came(&self, name: &BoxName, line: Line) -> (u64, Option<SocketAddr>) {
        let mut callers = self.lock();
        callers.next += 1;
        let id = callers.next;
        let before = callers.by_box.insert(
            name.clone(),
            Caller {
                id,
                line,
                orders: None,
            },
        );
        drop(callers);
        let replaced = before.as_ref().map(|old| old.line.remote());
        if let Some(old) = before {
            old.line
                .close(close::REPLACED, "a newer connection of this box took over");
        }
        self.changed();
        (id, replaced)
    }

    /// The connection ended (unless a newer one took its place already).
    pub fn went(&self, name: &BoxName, id: u64) {
        let mut callers = self.lock();
        if callers.by_box.get(name).is_some_and(|c| c.id == id) {
            callers.by_box.remove(name);
        }
        drop(callers);
        self.changed();
    }

    /// Opens the way for orders: the control stream of caller `id` is up.
    pub fn control_up(&self, name: &BoxName, id: u64) -> Option<mpsc::Receiver<ToBox>> {
        let (tx, rx) = mpsc::channel(ORDERS);
        let mut callers = self.lock();
        let caller = callers.by_box.get_mut(name).filter(|c| c.id == id)?;
        caller.orders = Some(tx);
        drop(callers);
        self.changed();
        Some(rx)
    }

    /// The connection and order queue of a box whose control stream is up, with the caller's number.
    pub fn reach(&self, name: &BoxName) -> Option<(u64, Line, mpsc::Sender<ToBox>)> {
        let callers = self.lock();
        let c = callers.by_box.get(name)?;
        Some((c.id, c.line.clone(), c.orders.clone()?))
    }

    pub fn online(&self, name: &BoxName) -> bool {
        self.lock().by_box.contains_key(name)
    }

    pub fn count(&self) -> usize {
        self.lock().by_box.len()
    }

    /// Ends a box's connection at once.
    pub fn cut(&self, name: &BoxName, code: u32, why: &str) -> bool {
        let caller = self.lock().by_box.remove(name);
        let cut = caller.is_some_and(|c| {
            c.line.close(code, why);
            true
        });
        self.changed();
        cut
    }

    /// Somebody without a certificate showed a wrong code.
    pub fn guessed(&self, from: IpAddr, mono: u64) -> Guess {
        self.guesses
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .add(from, mono)
    }

    pub fn say(&self, name: &BoxName, message: ToHub) {
        // No listener is no fault.
        let _ = self.said.send((name.clone(), message));
    }

    pub fn listen(&self) -> broadcast::Receiver<(BoxName, ToHub)> {
        self.said.subscribe()
    }

    /// A box's log spoke of deletions.
    pub fn deleted(&self, name: &BoxName) {
        self.deletions
            .send_if_modified(|boxes| boxes.insert(name.clone()));
    }

    /// Rings when a box joins those whose log spoke of deletions.
    pub fn deletions(&self) -> watch::Receiver<BTreeSet<BoxName>> {
        self.deletions.subscribe()
    }

    /// Takes them all.
    pub fn take_deletions(&self) -> BTreeSet<BoxName> {
        let mut taken = BTreeSet::new();
        self.deletions.send_if_modified(|boxes| {
            taken = std::mem::take(boxes);
            false
        });
        taken
    }

    pub fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
