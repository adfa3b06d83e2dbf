//! Task. What is remembered of asking those outside: since when one does not answer, and why; when it is asked again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shared::time::Now;

/// After a failure it is asked again after so long, then twice as long, up to an hour.
const AGAIN_MS: u64 = 60_000;

const AGAIN_MOST_MS: u64 = 3_600_000;

/// One that did not answer as it should.
#[derive(Clone, Debug)]
struct Trouble {
    fails: u32,
    /// When it is asked again, by the monotonic clock.
    next: u64,
    why: String,
    /// It says that the log is not what it was.
    refuses: bool,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Outside {
    troubles: Arc<Mutex<BTreeMap<String, Trouble>>>,
    /// One at a time asks.
    pub turn: Arc<tokio::sync::Mutex<()>>,
}

impl Outside {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn failed(&self, whom: &str, why: &impl std::fmt::Display, refuses: bool, now: Now) {
        let mut all = self.lock();
        let fails = all.get(whom).map_or(0, |t| t.fails);
        let wait = AGAIN_MS
            .saturating_mul(1 << fails.min(10))
            .min(AGAIN_MOST_MS);
        let trouble = Trouble {
            fails: fails.saturating_add(1),
            next: now.mono.saturating_add(wait),
            why: why.to_string(),
            refuses,
        };
        tracing::warn!(whom, "no answer from outside: {why}");
        all.insert(whom.to_owned(), trouble);
    }

    pub fn answered(&self, whom: &str) {
        self.lock().remove(whom);
    }

    /// Whether it is too early to ask again.
    pub fn waits(&self, whom: &str, now: Now) -> bool {
        self.lock().get(whom).is_some_and(|t| now.mono < t.next)
    }

    /// Who says that the log is not what it was, and why.
    pub fn refused(&self) -> Vec<(String, String)> {
        let all = self.lock();
        let refused = all.iter().filter(|(_, t)| t.refuses);
        refused.map(|(w, t)| (w.clone(), t.why.clone())).collect()
    }

    pub fn why(&self, whom: &str) -> Option<String> {
        self.lock().get(whom).map(|t| t.why.clone())
    }
}
