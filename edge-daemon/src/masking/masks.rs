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
    types::{MaskEnd, MaskLift},
    wire::MaskInfo,
};

use crate::{
    clock::{Level, Trust},
    config::Mask,
    health::Faults,
    lock::lock,
    masking::{
        lift::{Asked, Lift},
        lines,
        orders::{newer, read, unlogged, write},
    },
    recording::recorder::Shared,
};

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

    /// The hub's order to lift a camera's mask: its end by the box's clock, or why not, in a sentence.
    pub fn lift(&self, cam: &CameraId, asked: &Asked) -> Result<Utc, Refusal> {
        let index = self.find(cam)?;
        let mut kept = lock(&self.0.kept);
        let now = self.0.deps.clock.now();
        let state = self.in_force(index);
        let before = kept.0.get(cam).and_then(|one| one.lift.clone());
        if let Some(last) = &before {
            if last.asked == *asked {
                let lifted = state.lifted.filter(|l| l.order == asked.order);
                return lifted.map(|l| ends(&l, now)).ok_or_else(|| {
                    Refusal::new(
                        Code::Superseded,
                        format!(
                            "this order was obeyed before, and is over; the mask of {cam} is in force"
                        ),
                    )
                });
            }
            if asked.made <= last.asked.made {
                return Err(newer(cam, last.asked.order));
            }
        }
        let mask = state.mask.ok_or_else(|| {
            let why = format!("camera {cam} has no mask; there is nothing to lift");
            Refusal::new(Code::NoMask, why)
        })?;
        if mask.id != asked.mask {
            let why = format!(
                "the mask in force on {cam} is {}, and the order is to lift {}",
                mask.id, asked.mask
            );
            return Err(Refusal::new(Code::OtherMask, why));
        }
        if mask.how == How::Camera {
            let why = format!(
                "the mask {} of {cam} is in the camera itself, and what the camera hides the box cannot show; lift it there, and take it out of the box's configuration for as long",
                mask.id
            );
            return Err(Refusal::new(Code::NotThisCamera, why));
        }
        asked.replaces(&mask)?;
        let ms = asked.ms(now.wall)?;
        let lifted = Lifted {
            order: asked.order,
            until_mono: now.mono.saturating_add(ms),
            instead: asked.instead.clone().map(Arc::new),
        };
        let until = ends(&lifted, now);
        // An end that is not on the record yet comes first.
        self.say_ended(index, &mut kept).map_err(|e| unlogged(&e))?;
        let mut new = kept.clone();
        new.0.entry(cam.clone()).or_default().lift = Some(Lift {
            asked: asked.clone(),
            since: now.wall,
            ms,
            over: false,
        });
        self.keep(&mut kept, new, |log| {
            log.append(
                ORDERED,
                &MaskLift {
                    cam: cam.clone(),
                    mask: asked.mask.clone(),
                    until,
                    authority: asked.authority.clone(),
                    by: asked.by.clone(),
                    order: Some(asked.order),
                    instead: asked.instead.as_ref().map(|m| m.id.clone()),
                    sha256: asked.instead.as_ref().map(|m| hex(&m.digest())),
                    permille: asked.instead.as_ref().map(Mask::permille),
                },
            )
        })?;
        self.change(index, |one| one.lifted = Some(lifted));
        tracing::warn!(camera = %cam, order = asked.order, %until, "a mask is lifted by order");
        Ok(until)
    }

    /// The hub's order that a lift be over.
    pub fn end(&self, cam: &CameraId, order: u64, made: Utc) -> Result<(), Refusal> {
        let index = self.find(cam)?;
        let mut kept = lock(&self.0.kept);
        let state = self.in_force(index);
        let (Some(mask), Some(_)) = (state.mask, state.lifted) else {
            let why = format!("no mask of {cam} is lifted; there is nothing to end");
            return Err(Refusal::new(Code::NoMask, why));
        };
        let last = kept.0.get(cam).and_then(|one| one.lift.as_ref());
        if let Some(last) = last.filter(|l| made <= l.asked.made) {
            return Err(newer(cam, last.asked.order));
        }
        self.change(index, |one| {
            one.lifted = None;
            one.ended = Some(("order", mask.id.clone(), Some(order)));
        });
        if let Err(e) = self.say_ended(index, &mut kept) {
            tracing::error!(error = %e, "a mask is back by order; the line that says so waits");
        }
        Ok(())
    }

    /// The hub's order of another mask, in force from the camera's next session on; or why not, in a sentence.
    pub fn set(&self, cam: &CameraId, ordered: &Ordered) -> Result<(), Refusal> {
        let index = self.find(cam)?;
        let shared = &self.0.cameras[index];
        if shared.config.ptz {
            return Err(Refusal::new(Code::NotThisCamera, crate::config::PTZ_MASK));
        }
        if let Err(wrong) = ordered.mask.check() {
            let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let why = format!("this mask cannot be used: {}", wrong.join("; "));
            return Err(Refusal::new(Code::BadMask, why));
        }
        let mut kept = lock(&self.0.kept);
        if let Some(last) = kept.0.get(cam).and_then(|one| one.set.as_ref()) {
            if last.ordered == *ordered {
                return match last.over {
                    false => Ok(()),
                    true => Err(Refusal::new(
                        Code::Superseded,
                        format!(
                            "this order was obeyed before; the mask of {cam} in the box's configuration was changed since, and has taken its place"
                        ),
                    )),
                };
            }
            if ordered.made <= last.ordered.made {
                return Err(newer(cam, last.ordered.order));
            }
        }
        if self.in_force(index).lifted.is_some() {
            let why = format!("the mask of {cam} is lifted; end that first (beadle-hub mask end)");
            return Err(Refusal::new(Code::OtherMask, why));
        }
        // Where it is not known what was ordered before, all is hidden until the next order; what counts is the configuration's then.
        let unknown = kept.0.get(cam).is_some_and(|one| one.unknown);
        let before = match unknown {
            true => shared.config.mask.clone().map(Arc::new),
            false => self.in_force(index).mask,
        };
        if let Some(before) = before
            && let Some(exposure) = before.exposed_by(&ordered.mask)
        {
            let why = format!(
                "the mask {} hides less than {}, which is in force: {exposure}. Less than before is a lift, which takes two people, an \
                 authority and an end (beadle-hub mask lift --file); for good, the mask is changed in the box's configuration",
                ordered.mask.id, before.id
            );
            return Err(Refusal::new(Code::HidesLess, why));
        }
        self.say_ended(index, &mut kept).map_err(|e| unlogged(&e))?;
        let mut new = kept.clone();
        let one = new.0.entry(cam.clone()).or_default();
        one.unknown = false;
        one.set = Some(MaskTrust {
            ordered: ordered.clone(),
            config: identity(shared.config.mask.as_ref()),
            over: false,
        });
        self.keep(&mut kept, new, |log| {
            log.append(
                ORDERED,
                &lines::set(
                    cam,
                    &ordered.mask,
                    ordered.reviewer.clone(),
                    Some(ordered.order),
                ),
            )
        })?;
        self.change(index, |one| {
            *one = Live {
                mask: Some(Arc::new(ordered.mask.clone())),
                order: Some((ordered.order, ordered.reviewer.clone())),
                said: true,
                ..Live::default()
            }
        });
        if !kept.0.values().any(|one| one.unknown) {
            self.0.deps.faults.off(UNREADABLE, None);
        }
        tracing::info!(camera = %cam, order = ordered.order, mask = ordered.mask.id, "a mask is set by order");
        Ok(())
    }

    /// The mask in force was looked at and stays, with another review date: from here on it is the hub's order, as if the hub had set it.
    pub fn reviewed(&self, cam: &CameraId, seen: &Reviewed) -> Result<(), Refusal> {
        let index = self.find(cam)?;
        let mask = self.in_force(index).mask.ok_or_else(|| {
            let why = format!("camera {cam} has no mask; there is nothing to review");
            Refusal::new(Code::NoMask, why)
        })?;
        if mask.id != seen.mask || hex(&mask.digest()) != seen.sha256 {
            let why = format!(
                "the mask in force on {cam} is {} now, not the {} that was looked at; look at it again",
                mask.id, seen.mask
            );
            return Err(Refusal::new(Code::OtherMask, why));
        }
        if lock(&self.0.kept).0.get(cam).is_some_and(|one| one.unknown) {
            let why = format!(
                "the whole picture of {cam} is hidden because the orders about its mask could not be read; set its mask again"
            );
            return Err(Refusal::new(Code::OtherMask, why));
        }
        self.set(
            cam,
            &Ordered {
                order: seen.order,
                made: seen.made,
                mask: Mask {
                    review: Some(seen.review),
                    reviewer: None,
                    ..Mask::clone(&mask)
                },
                reviewer: seen.reviewer.clone(),
                by: seen.by.clone(),
            },
        )
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
