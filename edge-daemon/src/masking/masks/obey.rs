//! Task. What the hub orders about masks, carried out or refused in a sentence.
use std::sync::Arc;

use shared::{
    id::CameraId,
    mask::How,
    order::{Code, Refusal},
    record::hex,
    time::Utc,
    types::MaskLift,
};

use super::{
    Lifted, Live, MaskTrust, Masks, ORDERED, Ordered, Reviewed, UNREADABLE, ends, identity,
};
use crate::{
    config::Mask,
    lock::lock,
    masking::{
        lift::{Asked, Lift},
        lines,
        orders::{newer, unlogged},
    },
};

impl Masks {
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
}
