//! Adapter: filesystem. Orders of the hub: checked, carried out by the room they are for, answered by number.
//!
//! What the hub does next it decides by the class and code of a refusal; the sentence in it is for whoever waits.

use std::{sync::Arc, time::Duration};

use shared::{
    approval::{Approval, Change, Subject, mark},
    id::BoxName,
    note::Vkey,
    order::{Act, Code, Done, Order, Ordered, Outcome, Refusal},
    time::{Clock, Utc},
    types::{ApproverSet, DelConfirm},
    wire::ToHub,
};

use super::{
    looks::{self, Looks},
    moved, pulls,
    signed::{signed, understood},
    succession,
};
use crate::{
    cameras::Cameras,
    clock::Trust,
    config::Config,
    masking::{
        approvals::{Approvals, ApprovalsError},
        lift,
        masks::{self, Reviewed},
    },
    reader::Client,
    retention::{
        holds::{self, Holds},
        sweeper::Confirmed,
    },
    state::State,
    store::{Volumes, outlook::Outlook},
};

/// How long an order that touches now waits for the open segment to close: cameras send a key frame at least every few seconds.
pub(super) const CLOSE_OPEN: Duration = Duration::from_secs(30);

/// What carrying orders out needs from the rest of the box.
pub struct BoxContext {
    pub config: Arc<Config>,
    pub state: State,
    pub log: logbook::LogHandle,
    pub cameras: Cameras,
    pub volumes: Volumes,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub trust: Trust,
    pub holds: Holds,
    pub confirmed: Confirmed,
    pub outlook: Outlook,
    pub succession: succession::Due,
    pub approvals: Approvals,
    pub looks: Looks,
}

/// Checks and carries out one order. None: the hub did not sign it, or it is no order: nobody waits for an answer.
pub fn carry_out(context: &BoxContext, key: &Vkey, text: &str, sig: &str) -> Option<ToHub> {
    if let Err(why) = signed(key, text, sig) {
        tracing::error!(why, "an order was not carried out");
        return None;
    }
    let Some((ordered, approved)) = understood(text) else {
        tracing::warn!("an order was not understood");
        return None;
    };
    let order = ordered.order.order;
    let outcome = match obey(context, &ordered, &approved, (text, sig)) {
        Ok(done) => Outcome::Done(done),
        Err(refusal) => {
            let code = refusal.code.as_str();
            tracing::warn!(order, code, why = refusal.why, "an order was refused");
            Outcome::Refused(refusal)
        }
    };
    Some(ToHub::Answer { order, outcome })
}

/// What an order queues behind: others of its kind only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Now,
    Holds,
    /// Somebody waits for a picture: not behind a day that is being prepared.
    Looks,
    Footage,
    /// Pulls that go before those that are planned.
    Urgent,
}

/// Which thread an order is for. It is checked there; what is no order is found out anywhere.
pub fn lane(text: &str) -> Lane {
    match serde_json::from_str::<Order>(text).map(|o| o.act) {
        Ok(Act::Pull { urgent: true, .. }) => Lane::Urgent,
        Ok(Act::Pull { .. }) => Lane::Footage,
        Ok(Act::Look { .. }) => Lane::Looks,
        Ok(Act::HoldSet { .. } | Act::HoldClear { .. }) => Lane::Holds,
        _ => Lane::Now,
    }
}

/// The answer to an order for which there is no room; None: it is no order.
pub fn put_off(text: &str) -> Option<ToHub> {
    let order = serde_json::from_str::<Ordered>(text).ok()?.order.order;
    let why = "the box has more orders waiting than it keeps; nothing was done";
    let outcome = Outcome::Refused(Refusal::new(Code::Busy, why));
    Some(ToHub::Answer { order, outcome })
}

fn obey(
    context: &BoxContext,
    ordered: &Ordered,
    approved: &str,
    (text, sig): (&str, &str),
) -> Result<Done, Refusal> {
    let order = &ordered.order;
    here(context, &order.r#box)?;
    let number = order.order;
    let subject = Subject {
        number,
        text: approved,
        by: &order.by,
    };
    match &order.act {
        Act::Pull { .. } => pulls::pull(context, order, text, sig),
        Act::Look { .. } => looks::look(context, order, text, sig),
        Act::Rate { cam, minutes } => {
            let until = context
                .cameras
                .order_rate(cam, number, order.made, *minutes)?;
            Ok(Done::Rate { until })
        }
        Act::MaskLift {
            cam,
            mask,
            instead,
            until,
            authority,
        } => {
            context
                .approvals
                .approve(subject, &ordered.approvals)
                .map_err(not_approved)?;
            let asked = lift::Asked {
                order: number,
                mask: mask.clone(),
                instead: instead.clone(),
                until: *until,
                authority: authority.clone(),
                by: order.by.clone(),
                made: order.made,
            };
            let until = context.cameras.lift_mask(cam, &asked)?;
            Ok(Done::Lift { until })
        }
        Act::MaskEnd { cam } => {
            context.cameras.end_lift(cam, number, order.made)?;
            Ok(Done::Mask)
        }
        Act::MaskSet {
            cam,
            mask,
            reviewer,
        } => {
            let set = masks::Ordered {
                order: number,
                made: order.made,
                mask: mask.clone(),
                reviewer: reviewer.clone(),
                by: order.by.clone(),
            };
            context.cameras.set_mask(cam, &set)?;
            Ok(Done::Mask)
        }
        Act::MaskReview {
            cam,
            mask,
            sha256,
            review,
            reviewer,
        } => {
            let reviewed = Reviewed {
                order: number,
                made: order.made,
                mask: mask.clone(),
                sha256: sha256.clone(),
                review: *review,
                reviewer: reviewer.clone(),
                by: order.by.clone(),
            };
            context.cameras.mask_reviewed(cam, &reviewed)?;
            Ok(Done::Mask)
        }
        Act::HoldSet {
            hold,
            cam,
            t0,
            t1,
            until,
            grant,
        } => {
            let asked = holds::Asked {
                hold: *hold,
                cam: cam.clone(),
                t0: *t0,
                t1: *t1,
                until: *until,
                grant: grant.clone(),
            };
            context.holds.tell_reader(text, sig)?;
            let placed = context.holds.place(&asked, || {
                context.cameras.close_open(cam, CLOSE_OPEN);
            })?;
            Ok(Done::Hold {
                until: placed.until,
                segments: placed.segments,
                bytes: placed.bytes,
            })
        }
        Act::HoldClear { hold, why } => {
            context.holds.tell_reader(text, sig)?;
            context.holds.clear(*hold, why, order.by.clone())?;
            Ok(Done::Cleared)
        }
        Act::Sweep => {
            // To the reader it says how late it is.
            context.holds.tell_reader(text, sig)?;
            sweep(context, order)?;
            Ok(Done::Sweep)
        }
        Act::LogSucceed { above } => {
            succeed(context, order, *above)?;
            Ok(Done::Succession)
        }
        Act::Approvers { change } => {
            approvers(context, order, subject, change, &ordered.approvals)?;
            Ok(Done::Approvers)
        }
        Act::HubMove { .. } => {
            moved::obey(context, order, (text, sig))?;
            Ok(Done::Addresses)
        }
        Act::Unknown => Err(Refusal::new(
            Code::UnknownAct,
            "this box's version does not know such an order; nothing was done: bring the box up to date",
        )),
    }
}

/// An order for another box is not obeyed.
fn here(context: &BoxContext, name: &BoxName) -> Result<(), Refusal> {
    if *name == context.config.name {
        return Ok(());
    }
    let why = format!(
        "the order is for the box {name}, this is {}",
        context.config.name
    );
    Err(Refusal::new(Code::OtherBox, why))
}

fn not_approved(e: ApprovalsError) -> Refusal {
    let code = match &e {
        ApprovalsError::Io { .. } => Code::Disk,
        ApprovalsError::NotPinned { .. }
        | ApprovalsError::Pinned { .. }
        | ApprovalsError::Kept { .. }
        | ApprovalsError::NotAsked
        | ApprovalsError::NotApproved(_) => Code::NotApproved,
    };
    Refusal::new(code, e.to_string())
}

/// Who may approve from now on.
fn approvers(
    context: &BoxContext,
    order: &Order,
    subject: Subject<'_>,
    change: &Change,
    approvals: &[Approval],
) -> Result<(), Refusal> {
    context
        .approvals
        .change(subject, change, approvals)
        .map_err(not_approved)?;
    let (what, who, key) = match change {
        Change::Add { approver } => ("add", &approver.who, mark(&approver.passkey.id)),
        Change::Remove { who, id } => ("remove", who, mark(id)),
    };
    let line = ApproverSet {
        order: order.order,
        what: what.into(),
        who: who.clone(),
        key,
        by: order.by.clone(),
    };
    context.log.append("hub:order", &line).map_err(|e| {
        let why = format!("it is done, and the log took no line of it: {e}");
        Refusal::new(Code::Log, why)
    })?;
    Ok(())
}

/// The hub's word that the clock is right; an old one says nothing of now.
fn sweep(context: &BoxContext, order: &Order) -> Result<(), Refusal> {
    const FRESH_MS: i64 = 600_000;
    let now = context.clock.now();
    if !context.trust.corroborated(now) {
        let why = "the box's clock is in doubt, and nothing is deleted by it; the hub's word about its deletions does not mend that";
        return Err(Refusal::new(Code::Clock, why));
    }
    if too_old(now.wall, order.made, FRESH_MS) {
        let why = format!(
            "the order was made at {}, and the box's clock says {}",
            order.made, now.wall
        );
        return Err(Refusal::new(Code::Late, why));
    }
    let line = DelConfirm {
        order: order.order,
        by: order.by.clone(),
    };
    context.log.append("hub:order", &line).map_err(|e| {
        let why = format!("the log took no line: {e}; nothing was done");
        Refusal::new(Code::Log, why)
    })?;
    context.confirmed.give();
    Ok(())
}

/// Whether two clocks are further apart than that, whichever is ahead.
fn too_old(now: Utc, made: Utc, most_ms: i64) -> bool {
    now.0.abs_diff(made.0) > most_ms.unsigned_abs()
}

/// The next start begins a new log.
fn succeed(context: &BoxContext, order: &Order, above: u64) -> Result<(), Refusal> {
    let folder = context.log.folder();
    let present = folder.file_name().and_then(|n| n.to_str()?.parse().ok());
    let present = present.ok_or_else(|| {
        Refusal::new(
            Code::Log,
            "the log's folder has no number; nothing was done",
        )
    })?;
    let asked = succession::Asked {
        order: order.order,
        above,
        by: order.by.clone(),
    };
    succession::ask(
        &context.state.recorder(),
        present,
        &asked,
        context.clock.now().wall,
        &context.succession,
    )
}
