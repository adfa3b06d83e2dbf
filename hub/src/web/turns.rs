//! Task. How much of the pages is worked on at once. Requests of one address have a pace; work takes turns: one person's requests have a
//! few, their programs a few of their own, strangers share a few more, so that nobody's keep the others waiting. Work that nobody waits for any more holds its turn until it ends.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    pace::{Lanes, Pace},
    places::Origin,
};

/// Requests of one address.
const REQUESTS: Pace = Pace {
    burst: 300,
    every_us: 20_000,
};
/// How long a request waits that comes faster.
const PATIENCE_MS: u64 = 3000;
/// Addresses that are told apart.
const ADDRESSES: usize = 10_000;
/// Pieces of work at once: of one account, and as many of its programs; of all who are neither signed in nor have a token, and of all.
const TURNS_OWN: usize = 4;
const TURNS_STRANGERS: usize = 12;
const TURNS: usize = 32;

/// Whose turns a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Whoever is signed in to this account.
    Person(u32),
    /// Whatever has a token of it: a program keeps its owner's browser waiting no more than others.
    Programs(u32),
    Strangers,
}

pub struct Limits {
    requests: Mutex<Lanes<Origin>>,
    own: Mutex<HashMap<Lane, Weak<Semaphore>>>,
    strangers: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: Mutex::new(Lanes::new(REQUESTS, ADDRESSES)),
            own: Mutex::default(),
            strangers: Arc::new(Semaphore::new(TURNS_STRANGERS)),
            all: Arc::new(Semaphore::new(TURNS)),
        }
    }
}

impl Limits {
    /// How many milliseconds a request from there has to wait; None: it is turned away.
    pub fn pace(&self, from: Origin, now: u64) -> Option<u64> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.take(from, 1, now, PATIENCE_MS)
    }

    pub fn queue(&self, lane: Lane) -> Queue {
        let own = match lane {
            Lane::Strangers => self.strangers.clone(),
            own => {
                let mut by = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                match by.get(&own).and_then(Weak::upgrade) {
                    Some(own) => own,
                    None => {
                        by.retain(|_, turns| turns.strong_count() > 0);
                        let turns = Arc::new(Semaphore::new(TURNS_OWN));
                        by.insert(own, Arc::downgrade(&turns));
                        turns
                    }
                }
            }
        };
        Queue {
            own,
            all: self.all.clone(),
        }
    }
}

tokio::task_local! {
    static QUEUE: Queue;
}

/// Answers a request, all of whose work waits for its turns there.
pub async fn within<T>(queue: Queue, answer: impl Future<Output = T>) -> T {
    QUEUE.scope(queue, answer).await
}

/// Where the work for one request waits for its turn.
#[derive(Clone)]
pub struct Queue {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// Held while a piece of work goes on.
pub struct Turn(#[allow(dead_code)] Option<[OwnedSemaphorePermit; 2]>);

impl Turn {
    /// The next turn of the request this task answers.
    pub async fn next() -> Self {
        let Ok(queue) = QUEUE.try_with(Clone::clone) else {
            return Self(None);
        };
        // Neither is ever closed.
        let (Ok(own), Ok(all)) = (
            queue.own.acquire_owned().await,
            queue.all.acquire_owned().await,
        ) else {
            return Self(None);
        };
        Self(Some([own, all]))
    }
}
