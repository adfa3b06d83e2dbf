//! Pure. Pulls that are under way, and who wants to hear of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use shared::{
    id::BoxName,
    order::{Part, PullSegment},
};
use tokio::sync::{
    broadcast, mpsc,
    watch::{self, Receiver, Sender},
};

use super::lines::Lines;
use crate::{model::pull::State, reason::PullReason};

/// Where a pull stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub r#ref: String,
    pub state: State,
    pub why: Vec<PullReason>,
    pub bytes: u64,
    pub total: u64,
    pub segments_done: u64,
    pub segments: u64,
    /// Folder of the package, once there is one.
    pub package: Option<String>,
}

impl Progress {
    /// Where a clip stands of which nothing has come yet.
    pub fn of(exhibit: &shared::id::ExhibitRef, state: State, why: Vec<PullReason>) -> Self {
        Self {
            r#ref: exhibit.to_string(),
            state,
            why,
            bytes: 0,
            total: 0,
            segments_done: 0,
            segments: 0,
            package: None,
        }
    }
}

/// What of each segment is in the span asked for.
pub type Parts = HashMap<u64, Part>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Pulls {
    start: mpsc::UnboundedSender<String>,
    inbox: Arc<Mutex<Option<mpsc::UnboundedReceiver<String>>>>,
    told: broadcast::Sender<Progress>,
    /// Rings with the exhibit of a request that was taken back.
    cancelled: broadcast::Sender<String>,
    last: Arc<Mutex<HashMap<String, Progress>>>,
    /// What of which segments is in the span asked for, by exhibit: as its box said when it prepared them last.
    parts: Arc<Mutex<HashMap<String, Parts>>>,
    /// On which connection the box answered the order of a pull last: on that one it need not be asked again.
    answered: Arc<Mutex<HashMap<String, u64>>>,
    pub holds: Holds,
    pub lines: Lines,
    pub moves: Bell,
    /// One act about evidence at a time.
    pub disposals: Arc<Mutex<()>>,
}

impl Default for Pulls {
    fn default() -> Self {
        // Requests are rows in SQLite first; the channel carries only their names, one per staff act.
        let (start, inbox) = mpsc::unbounded_channel();
        Self {
            start,
            inbox: Arc::new(Mutex::new(Some(inbox))),
            told: broadcast::Sender::new(1024),
            cancelled: broadcast::Sender::new(256),
            last: Arc::default(),
            parts: Arc::default(),
            answered: Arc::default(),
            holds: Holds::default(),
            lines: Lines::default(),
            moves: Bell::default(),
            disposals: Arc::default(),
        }
    }
}

impl Pulls {
    /// Hands a recorded request to the fetching task.
    pub fn start(&self, exhibit: &str) {
        // The receiver only goes away when the hub stops; the row is taken up again at the next start.
        let _ = self.start.send(exhibit.to_owned());
    }

    /// Stops what is being fetched for it.
    pub fn cancel(&self, exhibit: &str) {
        // Nobody fetches it.
        let _ = self.cancelled.send(exhibit.to_owned());
    }

    /// Of requests that are taken back.
    pub fn cancellations(&self) -> broadcast::Receiver<String> {
        self.cancelled.subscribe()
    }

    /// The fetching task takes its inbox once.
    pub fn inbox(&self) -> Option<mpsc::UnboundedReceiver<String>> {
        self.inbox
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }

    pub fn tell(&self, progress: Progress) {
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        last.insert(progress.r#ref.clone(), progress.clone());
        drop(last);
        let _ = self.told.send(progress);
    }

    /// What a box says of the span asked for.
    pub fn prepared(&self, exhibit: &str, segments: &[PullSegment]) {
        let parts = segments.iter().filter_map(|p| Some((p.s, p.part?)));
        let mut all = self
            .parts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.insert(exhibit.to_owned(), parts.collect());
    }

    /// The same, while it is being fetched.
    pub fn parts(&self, exhibit: &str) -> Parts {
        let all = self
            .parts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.get(exhibit).cloned().unwrap_or_default()
    }

    /// Its box has prepared it, and sends it on this connection.
    pub fn answered(&self, exhibit: &str, connection: u64) {
        let mut all = self
            .answered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.insert(exhibit.to_owned(), connection);
    }

    pub fn answered_on(&self, exhibit: &str) -> Option<u64> {
        let all = self
            .answered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.get(exhibit).copied()
    }

    /// Its box is to be asked again.
    pub fn ask_again(&self, exhibit: &str) {
        let mut all = self
            .answered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.remove(exhibit);
    }

    /// Nothing more is fetched for it.
    pub fn over(&self, exhibit: &str) {
        self.ask_again(exhibit);
        let mut all = self
            .parts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.remove(exhibit);
    }

    pub fn listen(&self) -> broadcast::Receiver<Progress> {
        self.told.subscribe()
    }

    pub fn last(&self, exhibit: &str) -> Option<Progress> {
        self.last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(exhibit)
            .cloned()
    }
}

/// What the acts and the task share. Cheap to clone.
#[derive(Clone)]
pub struct Holds {
    /// Counts changes; the task and whoever waits look again.
    pub changes: Arc<Sender<u64>>,
    /// Connections on which a hold stayed without an answer: of boxes that know nothing of holds.
    pub silent: Arc<Mutex<HashMap<BoxName, u64>>>,
}

impl Default for Holds {
    fn default() -> Self {
        Self {
            changes: Arc::new(Sender::new(0)),
            silent: Arc::default(),
        }
    }
}

impl Holds {
    /// Something changed that holds depend on.
    pub fn wake(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    pub fn watch(&self) -> Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Rings when there is something new to tell.
#[derive(Clone)]
pub struct Bell(pub Arc<watch::Sender<u64>>);

impl Default for Bell {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Bell {
    pub fn ring(&self) {
        self.0.send_modify(|n| *n += 1);
    }
}
