//! Task. What people do about holds: place, extend, ask that one be released, approve that (RET-3, ROL-5). Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, HoldId},
    time::{Day, Utc},
    types::{HoldDrop, HoldExtend},
};
use utoipa::ToSchema;

use super::{NewHold, due, find, in_turn, place, plain, rows::HoldRow, shown, write};
use crate::{
    access::{approvals, authorise::Permit},
    coverage::{self, known::with_known},
    db::holds::HoldRecord,
    error::HubError,
    hub::Hub,
    model::{
        approval::Kind,
        hold::{Event, HoldEnd, State},
        local_time::LocalTime,
        text::TextField,
    },
    ownlog::op,
    reason::Holds,
    texts::{self, keep_salted},
};

const DAY_MS: i64 = 86_400_000;
/// Longest span of one hold.
const LONGEST_MS: i64 = 31 * DAY_MS;

/// A hold as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = HoldWanted)]
pub struct HoldRequest {
    pub t0: Utc,
    pub t1: Utc,
    pub until: Option<Utc>,
    /// From now on, when there is no `until`.
    pub days: Option<u32>,
    pub review: Option<Day>,
    pub reason: String,
    pub authority: String,
    pub reference: String,
}

pub fn add(
    hub: &Hub,
    camera: &BoxCamera,
    wanted: &HoldRequest,
    permit: &Permit,
) -> Result<HoldRow, HubError> {
    texts::texts([
        (TextField::Reason, &wanted.reason),
        (TextField::Authority, &wanted.authority),
        (TextField::Reference, &wanted.reference),
    ])?;
    let now = hub.now();
    let until = match (wanted.until, wanted.days) {
        (Some(until), None) => until,
        (None, days) => now.plus_ms(i64::from(days.unwrap_or(hub.config.hold_days)) * DAY_MS),
        _ => {
            return Err(Holds::UntilOrDays.into());
        }
    };
    ends(hub, until, now)?;
    let review = reviewed(hub, wanted.review, until, now)?;
    let (t0, t1) = (wanted.t0, wanted.t1);
    with_known(hub, camera, t0, t1, |known| {
        coverage::there(camera, t0, t1, LONGEST_MS, known)
    })?
    .map_err(|no| no.reason)?;
    let text = |text: &str| keep_salted(hub, text.trim());
    let placed = in_turn(hub, |act| {
        let placing = NewHold {
            camera: camera.clone(),
            t0,
            t1: t1.min(now).max(t0.plus_ms(1)),
            until,
            review,
            reason: text(&wanted.reason)?,
            authority: text(&wanted.authority)?,
            reference: text(&wanted.reference)?,
            exhibit: None,
            request: None,
            who: permit.op(),
        };
        place(hub, act, placing)
    })?;
    shown::row(hub, placed)
}

/// RET-3: every hold ends.
fn ends(hub: &Hub, until: Utc, now: Utc) -> Result<(), HubError> {
    let longest = hub.config.hold_longest_days;
    if until <= now {
        let until = LocalTime::of(until, &hub.config.zone);
        return Err(Holds::EndPassed { until }.into());
    }
    // A day more: a date that was named ends with its day.
    if until.0 - now.0 > (i64::from(longest) + 1) * DAY_MS {
        return Err(Holds::EndTooFar { days: longest }.into());
    }
    Ok(())
}

fn reviewed(hub: &Hub, review: Option<Day>, until: Utc, now: Utc) -> Result<Day, HubError> {
    let zone = &hub.config.zone;
    let Some(day) = review else {
        return Ok(due::review(now, until, zone));
    };
    if day < zone.day_of(now) || day > zone.day_of(until) {
        return Err(Holds::ReviewOutside {
            review: day,
            last: zone.day_of(until),
        }
        .into());
    }
    Ok(day)
}

/// Until later, or the same with another review date. Whoever asked that it be released has to ask again.
pub fn extend(
    hub: &Hub,
    id: HoldId,
    until: Utc,
    review: Option<Day>,
    reason: &str,
    permit: &Permit,
) -> Result<HoldRow, HubError> {
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    let now = hub.now();
    ends(hub, until, now)?;
    let changed = in_turn(hub, |act| {
        let before = alive(hub, id)?;
        let had = before.standing.until;
        if until < had || until == had && review.is_none() {
            return Err(Holds::LastsAlready {
                hold: id,
                until: LocalTime::of(had, &hub.config.zone),
            }
            .into());
        }
        let review = reviewed(hub, review, until, now)?;
        let line = HoldExtend {
            hold: id,
            until,
            review: Some(review),
            reason: keep_salted(hub, reason.trim())?,
            by: permit.op(),
        };
        let mut h = before.clone();
        h.line = act.log(&permit.op(), &line)?;
        h.review = review;
        h.kept = true;
        approvals::set_aside(hub, act, Kind::Release, &id.to_string(), permit)?;
        if until > had {
            h.standing.apply(Event::Extended { until });
        }
        write(hub, act, before, h, None, &[permit.op()])
    })?;
    shown::row(hub, changed)
}

/// A hold that keeps something, or will.
fn alive(hub: &Hub, id: HoldId) -> Result<HoldRecord, HubError> {
    let h = find(hub, id)?;
    match h.standing.state {
        State::Pending | State::Placed => Ok(h),
        State::Releasing(_) => Err(Holds::BeingReleased { hold: id }.into()),
        State::Over(_) => Err(Holds::Over { hold: id }.into()),
        State::Refused => Err(Holds::RefusedByBox {
            hold: id,
            name: h.camera.r#box,
            why: h.standing.why,
        }
        .into()),
    }
}

/// One that may be released: RET-6, not while the clip request it was made for is open.
fn free(hub: &Hub, id: HoldId) -> Result<HoldRecord, HubError> {
    let h = alive(hub, id)?;
    let request = h.exhibit.as_deref().map(|e| hub.db.request(e)).transpose();
    match request.map_err(plain)?.flatten() {
        Some(r) if !r.state.over() => Err(Holds::ClipStillPulled {
            hold: id,
            exhibit: r.r#ref,
            state: r.state,
        }
        .into()),
        _ => Ok(h),
    }
}

/// One person asks that it be released before its time; a second has to approve.
pub fn release(hub: &Hub, id: HoldId, reason: &str, permit: &Permit) -> Result<HoldRow, HubError> {
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    let me = permit.op();
    let changed = in_turn(hub, |act| {
        let before = free(hub, id)?;
        if let Some(d) = before.drop.as_ref().filter(|d| d.by != me) {
            return Err(Holds::ReleaseAsked {
                hold: id,
                by: d.by.clone(),
            }
            .into());
        }
        // Asked again, with another reason.
        let subject = id.to_string();
        approvals::set_aside(hub, act, Kind::Release, &subject, permit)?;
        let reason = keep_salted(hub, reason.trim())?;
        let (kind, why) = (Kind::Release, Some(reason.as_str()));
        approvals::ask_within(hub, act, permit, kind, &subject, "null", why, |ask| {
            HoldDrop {
                hold: id,
                ask,
                reason: reason.clone(),
                by: me.clone(),
            }
        })?;
        find(hub, id)
    })?;
    shown::row(hub, changed)
}

/// The second person's word: it is over, and its box is told.
pub fn approve(hub: &Hub, id: HoldId, permit: &Permit) -> Result<HoldRow, HubError> {
    let me = permit.op();
    let changed = in_turn(hub, |act| {
        let before = free(hub, id)?;
        let request = approvals::about(hub, Kind::Release, &id.to_string())?;
        let request = request.ok_or(Holds::ReleaseNotAsked { hold: id })?;
        approvals::approve_within(hub, act, &request, permit)?;
        let asked = op(request.asked_by);
        let mut h = before.clone();
        let line = h.standing.apply(Event::Released {
            ended: HoldEnd::Order,
        });
        write(hub, act, before, h, line, &[asked, me])
    })?;
    shown::row(hub, changed)
}
