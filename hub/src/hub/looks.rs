//! Task. Looks that can still be watched. All of it is in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use shared::{
    id::{BoxCamera, ExhibitRef},
    order::Part,
    time::Utc,
    types::LookStop,
};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{error::HubError, ownlog::OwnLog, transfer::LoggedSegment};

/// How long a look can be watched.
pub const LASTS: Duration = Duration::from_secs(900);

/// Looks of one person, and of all, that are kept at once: the oldest goes.
const MOST_OF_ONE: usize = 4;

const MOST: usize = 64;

/// A segment as it is watched.
#[derive(Clone, Debug)]
pub struct FilmSegment {
    pub logged: LoggedSegment,
    pub sealed: u64,
    /// None: all of it.
    pub part: Option<Part>,
}

/// Where what is watched comes from.
pub enum Source {
    /// A box that was ordered to prepare it, and the key that opens it.
    Box {
        order: u64,
        identity: Zeroizing<String>,
        segments: Vec<FilmSegment>,
    },
    /// A clip that is being fetched.
    Exhibit(ExhibitRef),
}

/// Why what was being watched is turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sealed piece did not open.
    Altered,
    /// No fragment with a key frame where one was said to be.
    NotAsNoted,
    /// The whole segment is another than its line.
    NotAsLogged,
}

impl Fault {
    pub fn code(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::NotAsNoted => "not-as-noted",
            Self::NotAsLogged => "not-as-logged",
        }
    }
}

pub struct Look {
    pub id: String,
    /// Who began it, as the log names them.
    pub op: String,
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    pub source: Source,
    pub begun: Instant,
    /// How many films it is, as far as is known: one for each kind of pictures.
    pub stretches: AtomicU32,
    /// It is being turned off.
    pub stopping: AtomicBool,
    /// Why it was turned off.
    pub off: watch::Sender<Option<Fault>>,
}

impl Look {
    /// How long it can still be watched.
    pub fn left(&self) -> Duration {
        LASTS.saturating_sub(self.begun.elapsed())
    }

    pub fn off(&self) -> Option<Fault> {
        *self.off.borrow()
    }

    /// Ends when it is turned off.
    pub async fn turned_off(&self) -> Fault {
        let mut off = self.off.subscribe();
        match off.wait_for(Option::is_some).await.map(|fault| *fault) {
            Ok(Some(fault)) => fault,
            // The look holds the sender.
            _ => std::future::pending().await,
        }
    }

    fn exhibit(&self) -> Option<&ExhibitRef> {
        match &self.source {
            Source::Exhibit(exhibit) => Some(exhibit),
            Source::Box { .. } => None,
        }
    }

    /// Turns it off, once, and puts on record why. Blocking.
    pub fn turn_off(&self, log: &OwnLog, fault: Fault, s: u64, why: &str) -> Result<(), HubError> {
        if self.stopping.swap(true, Relaxed) {
            return Ok(());
        }
        let order = match &self.source {
            Source::Box { order, .. } => Some(*order),
            Source::Exhibit(_) => None,
        };
        let line = LookStop {
            order,
            exh: self.exhibit().map(ToString::to_string),
            cam: self.camera.cam.clone(),
            s,
            code: fault.code().into(),
            why: why.chars().take(300).collect(),
        };
        tracing::warn!(camera = %self.camera, segment = s, code = fault.code(), why, "what was watched is turned off");
        // On record before anybody sees it; off in any case.
        let logged = log.append("sys:look", &line);
        self.off.send_replace(Some(fault));
        logged?;
        Ok(())
    }
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Looks(Arc<Mutex<HashMap<String, Arc<Look>>>>);

impl Looks {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Look>>> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|_, l| !l.left().is_zero());
        looks
    }

    /// One that is not over, if it is theirs.
    pub fn find(&self, id: &str, op: &str) -> Option<Arc<Look>> {
        self.lock().get(id).filter(|l| l.op == op).cloned()
    }

    /// Whichever it is: for what somebody may.
    pub fn about(&self, id: &str) -> Option<(BoxCamera, Utc)> {
        let looks = self.lock();
        let look = looks.get(id)?;
        Some((look.camera.clone(), look.t0))
    }

    /// The newest look of theirs at an exhibit.
    pub fn at(&self, exhibit: &ExhibitRef, op: &str) -> Option<Arc<Look>> {
        let looks = self.lock();
        let theirs = looks
            .values()
            .filter(|l| l.op == op && l.exhibit() == Some(exhibit));
        theirs.max_by_key(|l| l.begun).cloned()
    }

    pub fn keep(&self, look: Look) -> Arc<Look> {
        let look = Arc::new(look);
        let mut looks = self.lock();
        let oldest = |looks: &HashMap<String, Arc<Look>>, op: Option<&str>| {
            let of = looks.values().filter(|l| op.is_none_or(|op| l.op == op));
            let oldest = of.clone().min_by_key(|l| l.begun);
            oldest.map(|l| (of.count(), l.id.clone()))
        };
        for (op, most) in [(Some(look.op.as_str()), MOST_OF_ONE), (None, MOST)] {
            if let Some((count, id)) = oldest(&looks, op)
                && count >= most
            {
                looks.remove(&id);
            }
        }
        looks.insert(look.id.clone(), look.clone());
        drop(looks);
        // Its key goes with it, whether anybody asks for a look again or not.
        let (all, left) = (self.clone(), look.left());
        tokio::spawn(async move {
            tokio::time::sleep(left).await;
            drop(all.lock());
        });
        look
    }

    /// A segment of an exhibit is not what its line says: whoever watches it arrive watches no longer. Blocking.
    pub fn not_as_logged(&self, log: &OwnLog, exhibit: &ExhibitRef, s: u64, why: &str) {
        let watched: Vec<_> = {
            let looks = self.lock();
            let of = looks.values().filter(|l| l.exhibit() == Some(exhibit));
            of.cloned().collect()
        };
        for look in watched {
            if let Err(e) = look.turn_off(log, Fault::NotAsLogged, s, why) {
                tracing::error!("that a look was turned off is not on record: {e}");
            }
        }
    }
}
