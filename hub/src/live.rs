//! Task. Who is on the line now, and what they last said.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use shared::{
    id::BoxName,
    order::Outcome,
    schema::Breach,
    wire::{ToBox, close},
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::link::Connection;
use guesses::{Guess, Guesses};

pub mod guesses;

/// Orders waiting for one box; more than this and the sender waits.
const ORDERS: usize = 32;

struct Caller {
    id: u64,
    line: Connection,
    orders: Option<mpsc::Sender<ToBox>>,
    /// Where the answer to the order of that number goes. They end with the connection.
    slots: HashMap<u64, oneshot::Sender<Answer>>,
}

/// What a box said became of an order; or that what it said cannot be taken.
pub type Answer = Result<Outcome, Breach>;

/// Somebody waits here for the answer to one order. It ends without one when the connection does.
pub struct Slot {
    live: Connections,
    name: BoxName,
    id: u64,
    number: u64,
    answer: oneshot::Receiver<Answer>,
}

impl Slot {
    /// None: the connection is over, or another waits for the same order.
    pub async fn answer(mut self) -> Option<Answer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.answer.close();
        let mut callers = self.live.lock();
        if let Some(caller) = callers.by_box.get_mut(&self.name)
            && caller.id == self.id
            && caller
                .slots
                .get(&self.number)
                .is_some_and(oneshot::Sender::is_closed)
        {
            caller.slots.remove(&self.number);
        }
    }
}

#[derive(Default)]
struct Callers {
    next: u64,
    by_box: HashMap<BoxName, Caller>,
    /// Of each box that was on the line since the start: counts its coming and going, and each growth of its log.
    changes: HashMap<BoxName, watch::Sender<u64>>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    callers: Arc<Mutex<Callers>>,
    /// Counts how often any box came or went.
    arrivals: Arc<watch::Sender<u64>>,
    /// Boxes whose log spoke of deletions since somebody took them from here.
    deletions: Arc<watch::Sender<BTreeSet<BoxName>>>,
    guesses: Arc<Mutex<Guesses>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            callers: Arc::default(),
            arrivals: Arc::new(watch::Sender::new(0)),
            deletions: Arc::new(watch::Sender::new(BTreeSet::new())),
            guesses: Arc::default(),
        }
    }
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.callers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A box came; an older connection of the same box is closed. Returns the caller's number, and where the older one came from.
    pub fn came(&self, name: &BoxName, line: Connection) -> (u64, Option<SocketAddr>) {
        let mut callers = self.lock();
        callers.next += 1;
        let id = callers.next;
        let before = callers.by_box.insert(
            name.clone(),
            Caller {
                id,
                line,
                orders: None,
                slots: HashMap::new(),
            },
        );
        drop(callers);
        let replaced = before.as_ref().map(|old| old.line.remote());
        if let Some(old) = before {
            old.line
                .close(close::REPLACED, "a newer connection of this box took over");
        }
        self.arrived(name);
        (id, replaced)
    }

    /// The connection ended (unless a newer one took its place already).
    pub fn went(&self, name: &BoxName, id: u64) {
        let mut callers = self.lock();
        if callers.by_box.get(name).is_some_and(|c| c.id == id) {
            callers.by_box.remove(name);
        }
        drop(callers);
        self.arrived(name);
    }

    /// Opens the way for orders: the control stream of caller `id` is up.
    pub fn control_up(&self, name: &BoxName, id: u64) -> Option<mpsc::Receiver<ToBox>> {
        let (tx, rx) = mpsc::channel(ORDERS);
        let mut callers = self.lock();
        let caller = callers.by_box.get_mut(name).filter(|c| c.id == id)?;
        caller.orders = Some(tx);
        drop(callers);
        self.arrived(name);
        Some(rx)
    }

    /// The connection and order queue of a box whose control stream is up, with the caller's number.
    pub fn reach(&self, name: &BoxName) -> Option<(u64, Connection, mpsc::Sender<ToBox>)> {
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
        self.arrived(name);
        cut
    }

    /// Somebody without a certificate showed a wrong code.
    pub fn guessed(&self, from: IpAddr, mono: u64) -> Guess {
        self.guesses
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .add(from, mono)
    }

    /// A place for the answer to an order, made before the order goes out on connection `id`. None: that one is over. Whoever waited for
    /// the same order before waits no longer.
    pub fn slot(&self, name: &BoxName, id: u64, number: u64) -> Option<Slot> {
        let (tx, answer) = oneshot::channel();
        let mut callers = self.lock();
        let caller = callers.by_box.get_mut(name).filter(|c| c.id == id)?;
        caller.slots.insert(number, tx);
        Some(Slot {
            live: self.clone(),
            name: name.clone(),
            id,
            number,
            answer,
        })
    }

    /// A box answered on connection `id`; whether somebody waited.
    pub fn answered(&self, name: &BoxName, id: u64, number: u64, answer: Answer) -> bool {
        let mut callers = self.lock();
        let caller = callers.by_box.get_mut(name).filter(|c| c.id == id);
        let slot = caller.and_then(|c| c.slots.remove(&number));
        drop(callers);
        slot.is_some_and(|slot| slot.send(answer).is_ok())
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

    fn arrived(&self, name: &BoxName) {
        self.changed(name);
        self.arrivals.send_modify(|n| *n += 1);
    }

    /// Something about a box is new: it came or went, or its log grew.
    pub fn changed(&self, name: &BoxName) {
        let changes = self.lock().changes.get(name).cloned();
        if let Some(changes) = changes {
            changes.send_modify(|n| *n += 1);
        }
    }

    /// Rings when something about that box is new.
    pub fn watch(&self, name: &BoxName) -> watch::Receiver<u64> {
        let mut callers = self.lock();
        let changes = callers.changes.entry(name.clone());
        changes.or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Rings when any box comes or goes.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }
}
