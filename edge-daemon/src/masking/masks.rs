//! Task. Which mask each camera has, and whether it is lifted; puts both on the record, and keeps the hub's orders over a restart.
//!
//! A session is begun under what [`Masks::in_force`] says, and ends when that says something else: so no picture falls between two
//! masks. Whoever cannot be told what is in force gets the mask.
//!
//! `<state>/masks.json`, and its copy `masks.json.old`, hold each camera's orders. An order is kept, then logged, then in force: what
//! cannot be kept or logged is refused. The end of a lift is in force at once, and logged as soon as the log takes the line. An
//! ordered mask stands until the configuration's is another than it was when the order came.
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use logbook::{LogError, LogHandle};
use serde::{Deserialize, Serialize};
use shared::{
    id::CameraId,
    mask::{How, Position, UNKNOWN},
    order::{Code, Refusal},
    record::{hex, salted},
    time::{Clock, Day, Utc},
    types::MaskEnd,
    wire::MaskInfo,
};

use crate::{
    clock::{Level, Trust},
    config::Mask,
    health::Faults,
    lock::lock,
    masking::{
        lift::Lift,
        lines,
        orders::{read, unlogged, write},
    },
    recording::recorder::Shared,
};

mod obey;

const WHO: &str = "sys:rec";
const ORDERED: &str = "hub:order";
const UNREADABLE: &str = "mask.orders";
const MOVING: &str = "mask.moving";
const LOOK: Duration = Duration::from_millis(100);

/// What a camera's pictures must go through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InForce {
    pub mask: Option<Arc<Mask>>,
    /// The mask is lifted: pictures are recorded as they come, or under a mask that hides less.
    pub lifted: Option<Lifted>,
}

impl InForce {
    /// The mask that pictures go through: the one in force, or while that is lifted the one in its place, if there is one.
    pub fn imposed(&self) -> Option<&Arc<Mask>> {
        match &self.lifted {
            Some(lifted) => lifted.instead.as_ref(),
            None => self.mask.as_ref(),
        }
    }

    /// Whether pictures go through the same. Who looked at the mask, and when it is due again, changes nothing of them.
    pub fn same_for_pictures(&self, other: &Self) -> bool {
        self.lifted == other.lifted
            && match (&self.mask, &other.mask) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.same_for_pictures(b),
                (a, b) => a.is_none() && b.is_none(),
            }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lifted {
    /// Number of the hub's line.
    pub order: u64,
    /// Its end by the monotonic clock, in ms: not one picture that comes later is recorded without the mask.
    pub until_mono: u64,
    /// Painted meanwhile.
    pub instead: Option<Arc<Mask>>,
}

/// The hub's order of another mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    /// Number of the hub's line.
    pub order: u64,
    pub made: Utc,
    pub mask: Mask,
    /// Salted.
    pub reviewer: Option<String>,
    pub by: Vec<String>,
}

/// The hub's word that somebody looked at the mask in force (MSK-3).
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// Number of the hub's line.
    pub order: u64,
    pub made: Utc,
    /// What was looked at: the mask's version, and the SHA-256 of its polygons.
    pub mask: String,
    pub sha256: String,
    /// When it is to be looked at again.
    pub review: Day,
    /// Salted.
    pub reviewer: Option<String>,
    pub by: Vec<String>,
}

/// What [`Masks`] needs from the rest of the box.
pub struct Deps {
    pub path: PathBuf,
    pub log: LogHandle,
    pub clock: Arc<dyn Clock>,
    pub trust: Trust,
    pub faults: Faults,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Masks(Arc<Inner>);

struct Inner {
    deps: Deps,
    cameras: Vec<Arc<Shared>>,
    /// As in the file. Held while one order or one end is carried out; capture never waits for it.
    kept: Mutex<Kept>,
    /// By camera. Held for a moment only.
    live: Mutex<Vec<Live>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept(BTreeMap<CameraId, One>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct One {
    #[serde(default)]
    set: Option<MaskTrust>,
    #[serde(default)]
    lift: Option<Lift>,
    /// Salt and text of the configuration's reviewer: erased when the reviewer is another.
    #[serde(default)]
    reviewer: Option<(String, String)>,
    /// Its orders could not be read, and the configuration has no mask for it.
    #[serde(default)]
    unknown: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MaskTrust {
    #[serde(flatten)]
    ordered: Ordered,
    /// The configuration's mask when it came: id and SHA-256 of the polygons.
    config: Option<(String, String)>,
    /// The configuration's mask was changed since, and took its place.
    over: bool,
}

#[derive(Clone, Default)]
struct Live {
    mask: Option<Arc<Mask>>,
    /// Of an ordered mask: the order's number, and the reviewer as it is logged.
    order: Option<(u64, Option<String>)>,
    lifted: Option<Lifted>,
    /// The mask is back, and the log does not say so yet: why, and the order's number.
    ended: Option<(&'static str, String, Option<u64>)>,
    /// The log says in this start that it is in force.
    said: bool,
}

fn identity(mask: Option<&Mask>) -> Option<(String, String)> {
    mask.map(|m| (m.id.clone(), hex(&m.digest())))
}

impl Masks {
    /// Takes up the orders that are still in force.
    pub fn start(deps: Deps, cameras: &[Arc<Shared>]) -> Self {
        let read = read::<Kept>(&deps.path);
        let lost = read.as_ref().err().map(ToString::to_string);
        let mut kept: Kept = read.unwrap_or_default();
        if let Some(why) = &lost {
            for shared in cameras.iter().filter(|c| c.config.mask.is_none()) {
                kept.0.entry(shared.id().clone()).or_default().unknown = true;
            }
            tracing::error!(why, path = %deps.path.display(), "orders about masks cannot be read");
        }
        let before = kept.clone();
        let live = cameras
            .iter()
            .map(|shared| {
                resume(
                    &deps,
                    shared,
                    kept.0.entry(shared.id().clone()).or_default(),
                )
            })
            .collect();
        kept.0.retain(|_, one| *one != One::default());
        if (lost.is_some() || kept != before)
            && let Err(e) = write(&deps.path, &kept)
        {
            tracing::error!(error = %e, "which orders about masks are over is not kept");
        }
        if kept.0.values().any(|one| one.unknown) {
            let why = lost.unwrap_or_else(|| "they could not be read at an earlier start".into());
            deps.faults.on(UNREADABLE, None, &why);
        }
        let masks = Self(Arc::new(Inner {
            deps,
            cameras: cameras.to_vec(),
            kept: Mutex::new(kept),
            live: Mutex::new(live),
        }));
        masks.say_moving();
        masks.look();
        masks
    }

    /// A camera that was marked as one that turns after a mask was ordered for it: where the mask lies is not known any more.
    fn say_moving(&self) {
        for (index, shared) in self.0.cameras.iter().enumerate() {
            if shared.config.position() == Position::Unknown
                && let Some(mask) = self.in_force(index).mask
                && mask.id != UNKNOWN
            {
                let why = format!(
                    "mask {} was ordered for this camera before it was marked as one that moves (ptz = true)",
                    mask.id
                );
                self.0.deps.faults.on(MOVING, Some(shared.id()), &why);
            }
        }
    }

    pub fn in_force(&self, index: usize) -> InForce {
        let now = self.0.deps.clock.now().mono;
        lock(&self.0.live)
            .get(index)
            .map(|one| InForce {
                mask: one.mask.clone(),
                lifted: one.lifted.clone().filter(|l| now < l.until_mono),
            })
            .unwrap_or_default()
    }

    /// Puts the mask in force on the record, once a start and after each change, before the first line that relies on it.
    pub fn declare(&self, index: usize) -> Result<(), LogError> {
        let Some(shared) = self.0.cameras.get(index) else {
            return Ok(());
        };
        if !self.undeclared(index) {
            return Ok(());
        }
        let mut kept = lock(&self.0.kept);
        let one = lock(&self.0.live).get(index).cloned().unwrap_or_default();
        let (Some(mask), false) = (&one.mask, one.said) else {
            return Ok(());
        };
        let (order, reviewer) = match &one.order {
            Some((order, reviewer)) => (Some(*order), reviewer.clone()),
            None => (None, self.reviewer(shared.id(), mask, &mut kept)),
        };
        self.0
            .deps
            .log
            .append(WHO, &lines::set(shared.id(), mask, reviewer, order))?;
        self.change(index, |one| one.said = true);
        Ok(())
    }

    fn undeclared(&self, index: usize) -> bool {
        lock(&self.0.live)
            .get(index)
            .is_some_and(|one| one.mask.is_some() && !one.said)
    }

    /// The configuration's reviewer as it is logged: salted, with the same salt as long as the reviewer is the same.
    fn reviewer(&self, cam: &CameraId, mask: &Mask, kept: &mut Kept) -> Option<String> {
        let name = mask.reviewer.as_ref()?;
        let one = kept.0.entry(cam.clone()).or_default();
        if one.reviewer.as_ref().is_none_or(|(_, text)| text != name) {
            let mut salt = [0; 16];
            ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut salt).ok()?;
            one.reviewer = Some((hex(&salt), name.clone()));
            if let Err(e) = write(&self.0.deps.path, kept) {
                // A hash whose salt is lost says nothing.
                tracing::warn!(error = %e, "the salt of a reviewer's name could not be kept");
                return None;
            }
        }
        let (salt, text) = kept.0.get(cam)?.reviewer.as_ref()?;
        Some(salted(salt.as_bytes(), text))
    }

    /// Ends lifts whose time is over, and says so.
    pub fn run(&self, stop: &AtomicBool) {
        while !stop.load(Relaxed) {
            std::thread::sleep(LOOK);
            self.look();
        }
    }

    fn look(&self) {
        let now = self.0.deps.clock.now().mono;
        let due = |one: &mut Live| {
            if let (Some(lift), Some(mask)) = (&one.lifted, &one.mask)
                && now >= lift.until_mono
            {
                one.ended = Some(("time", mask.id.clone(), Some(lift.order)));
                one.lifted = None;
            }
            one.ended.is_some()
        };
        let ended: Vec<usize> = {
            let mut live = lock(&self.0.live);
            (0..live.len())
                .filter(|i| live.get_mut(*i).is_some_and(due))
                .collect()
        };
        for index in ended {
            if let Err(e) = self.say_ended(index, &mut lock(&self.0.kept)) {
                tracing::error!(error = %e, "a mask is back; the line that says so waits: the log takes none");
            }
        }
    }

    /// Logs the end of a lift, or of a mask, that is in force already.
    fn say_ended(&self, index: usize, kept: &mut Kept) -> Result<(), LogError> {
        let ended = lock(&self.0.live)
            .get(index)
            .and_then(|one| one.ended.clone());
        let (Some((why, mask, order)), Some(shared)) = (ended, self.0.cameras.get(index)) else {
            return Ok(());
        };
        let cam = shared.id();
        self.0.deps.log.append(
            WHO,
            &MaskEnd {
                cam: cam.clone(),
                mask,
                why: why.into(),
                order,
            },
        )?;
        self.change(index, |one| one.ended = None);
        tracing::info!(camera = %cam, why, "a mask is no longer lifted, or no longer there");
        if let Some(lift) = kept.0.get_mut(cam).and_then(|one| one.lift.as_mut())
            && !lift.over
        {
            lift.over = true;
            if let Err(e) = write(&self.0.deps.path, kept) {
                tracing::warn!(error = %e, "the end of a lift is on the record, but not kept");
            }
        }
        Ok(())
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Live)) {
        if let Some(one) = lock(&self.0.live).get_mut(index) {
            change(one);
        }
    }

    fn find(&self, cam: &CameraId) -> Result<usize, Refusal> {
        let found = self.0.cameras.iter().position(|c| c.id() == cam);
        found.ok_or_else(|| Refusal::new(Code::NoCamera, format!("this box has no camera {cam}")))
    }

    /// Keeps, then logs; what cannot be logged is not kept either.
    fn keep<T>(
        &self,
        kept: &mut Kept,
        new: Kept,
        say: impl FnOnce(&LogHandle) -> Result<T, LogError>,
    ) -> Result<(), Refusal> {
        let path = &self.0.deps.path;
        write(path, &new).map_err(|e| {
            let why = format!("the box could not keep the order, nothing was done: {e}");
            Refusal::new(Code::Disk, why)
        })?;
        if let Err(e) = say(&self.0.deps.log) {
            if let Err(e) = write(path, kept) {
                tracing::error!(error = %e, "an order that was refused is still on the disk");
            }
            return Err(unlogged(&e));
        }
        *kept = new;
        Ok(())
    }

    pub(crate) fn shown(&self, index: usize) -> Option<MaskInfo> {
        let InForce { mask, lifted } = self.in_force(index);
        let mask = mask?;
        let order = lock(&self.0.live)
            .get(index)
            .and_then(|one| Some(one.order.as_ref()?.0));
        Some(MaskInfo {
            id: mask.id.clone(),
            how: mask.how.code().into(),
            style: mask.style.code().into(),
            permille: mask.permille(),
            sha256: hex(&mask.digest()),
            review: mask.review,
            order,
            lifted: lifted.as_ref().map(|l| ends(l, self.0.deps.clock.now())),
            instead: lifted.and_then(|l| Some(l.instead?.id.clone())),
        })
    }
}

/// What a camera begins this start with.
fn resume(deps: &Deps, shared: &Shared, one: &mut One) -> Live {
    let config = shared.config.mask.as_ref();
    let now = deps.clock.now();
    let mut live = Live::default();
    one.unknown &= config.is_none();
    if let Some(set) = one.set.as_mut().filter(|s| !s.over) {
        if set.config == identity(config) {
            let mask = set.ordered.mask.clone();
            live.mask = Some(Arc::new(mask.in_frame(shared.config.position())));
            live.order = Some((set.ordered.order, set.ordered.reviewer.clone()));
        } else {
            tracing::warn!(camera = %shared.id(), order = set.ordered.order, "the configuration has another mask than when one was ordered; the configuration's is in force");
            set.over = true;
            live.ended = Some((
                "config",
                set.ordered.mask.id.clone(),
                Some(set.ordered.order),
            ));
        }
    }
    if live.mask.is_none() {
        let whole = one.unknown.then(|| Mask::of_everything(UNKNOWN));
        live.mask = config.cloned().or(whole).map(Arc::new);
    }
    if let Some(lift) = one.lift.as_ref().filter(|l| !l.over) {
        let same = live
            .mask
            .as_ref()
            .is_some_and(|m| m.id == lift.asked.mask && m.how == How::Burned);
        let known = deps.trust.level(now) != Level::Unknown;
        let left = if same {
            lift.left(now.wall, known)
        } else {
            Err("config")
        };
        match left {
            Ok(ms) => {
                live.lifted = Some(Lifted {
                    order: lift.asked.order,
                    until_mono: now.mono.saturating_add(ms),
                    instead: lift.asked.instead.clone().map(Arc::new),
                });
            }
            Err(why) => {
                tracing::warn!(camera = %shared.id(), order = lift.asked.order, why, "a lift ended with the restart; the mask is back");
                live.ended = Some((why, lift.asked.mask.clone(), Some(lift.asked.order)));
            }
        }
    }
    live
}

fn ends(lifted: &Lifted, now: shared::time::Now) -> Utc {
    let left = lifted.until_mono.saturating_sub(now.mono);
    now.wall.plus_ms(i64::try_from(left).unwrap_or(0))
}

#[cfg(test)]
#[path = "masks_tests.rs"]
mod tests;
