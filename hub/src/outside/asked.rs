//! Task. What is remembered of asking those outside: since when one does not answer, and why; when it is asked again. How it all stands, for
//! people.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use shared::time::{Now, Utc};
use utoipa::ToSchema;

use super::store::{Due, Store};
use crate::{
    error::{HubError, plain},
    hub::Hub,
};

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
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Outside {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failed(&self, whom: &str, why: &impl std::fmt::Display, refuses: bool, now: Now) {
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

    pub(super) fn answered(&self, whom: &str) {
        self.lock().remove(whom);
    }

    /// Whether it is too early to ask again.
    pub(super) fn waits(&self, whom: &str, now: Now) -> bool {
        self.lock().get(whom).is_some_and(|t| now.mono < t.next)
    }

    /// Who says that the log is not what it was, and why.
    pub(super) fn refused(&self) -> Vec<(String, String)> {
        let all = self.lock();
        let refused = all.iter().filter(|(_, t)| t.refuses);
        refused.map(|(w, t)| (w.clone(), t.why.clone())).collect()
    }

    pub(super) fn why(&self, whom: &str) -> Option<String> {
        self.lock().get(whom).map(|t| t.why.clone())
    }
}

/// How one outside stands to the hub's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideRow {
    pub name: String,
    /// `authority`: it stamps times. `witness`: it attests heads.
    pub what: String,
    pub url: Option<String>,
    /// Of an authority: the first 16 digits of the SHA-256 of each of its root certificates; of a witness its key.
    pub known_by: Vec<String>,
    /// Lines of the hub's log below the newest head that it stamped or attested.
    pub lines: Option<u64>,
    /// How many heads wait for it, and since when the oldest.
    pub waiting: u64,
    pub since: Option<Utc>,
    /// Why it gave no answer when it was last asked.
    pub trouble: Option<String>,
}

/// Who outside the scheme stands for the hub's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideStatus {
    /// Lines of the hub's log.
    pub lines: u64,
    pub rows: Vec<OutsideRow>,
}

/// How it stands with all of them. Blocking.
pub fn status(hub: &Hub) -> Result<OutsideStatus, HubError> {
    let store = Store::new(&hub.log.folder());
    let (due, kept) = (store.due().map_err(plain)?, store.kept().map_err(plain)?);
    let waiting = |whom: &str| -> (u64, Option<Utc>) {
        let mine: Vec<&Due> = due.iter().filter(|d| d.whom == whom).collect();
        (mine.len() as u64, mine.iter().map(|d| d.since).min())
    };
    let mut rows = Vec::new();
    for a in &hub.config.outside.authorities {
        let stamped = kept
            .iter()
            .rev()
            .find(|k| k.stamps.iter().any(|(name, _)| *name == a.name));
        let (waiting, since) = waiting(&a.name);
        rows.push(OutsideRow {
            name: a.name.clone(),
            what: "authority".into(),
            url: Some(a.url.to_string()),
            known_by: a.roots.iter().map(|r| r.name()).collect(),
            lines: stamped.map(|k| k.head.head.size),
            waiting,
            since,
            trouble: hub.outside.why(&a.name),
        });
    }
    for w in &hub.config.outside.witnesses {
        let id = w.id();
        let (waiting, since) = waiting(&id);
        rows.push(OutsideRow {
            name: w.key.name.clone(),
            what: "witness".into(),
            url: w.url.as_ref().map(ToString::to_string),
            known_by: vec![w.key.to_string()],
            lines: store.seen_by(&id).map_err(plain)?,
            waiting,
            since,
            trouble: hub.outside.why(&id),
        });
    }
    Ok(OutsideStatus {
        lines: hub.log.handle().size(),
        rows,
    })
}
