//! Task. Holds: footage that is kept at its box beyond its day (RET-3, RET-6).
//!
//! | file | what lives there |
//! |---|---|
//! | [`model::hold`](crate::model::hold) | where a hold stands, and what each event makes of it |
//! | [`due`] | when footage goes without a hold, and which dates somebody has to look at |
//! | [`acts`] | what people do: place, extend, release, approve |
//! | [`keeper`] | the task that tells boxes, hears their answers and ends holds in time |
//! | [`shown`] | rows for pages and commands, and the faults |
//! | [`watch`] | puts those faults on the record |
//!
//! A hold is a row before it is an order. Every act is a line of the hub's log before it counts: `hold.ask`, `hold.extend`,
//! `hold.drop`, `hold.free`, and `order.fail` for what a box did not obey. Line and row are one act.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    id::{BoxCamera, HoldId},
    time::{Day, Utc},
    types::{HoldAsk, HoldFree, OrderFail},
};

use crate::{
    acts::Act,
    blocking::blocking,
    db::{holds::HoldRecord, numbers::Numbered, requests::RequestRecord},
    error::{HubError, plain},
    hub::Hub,
    model::hold::{Event, HoldLine, HoldStanding, State},
    reason::{self, PullReason},
    texts::keep_salted,
};

pub mod acts;
pub mod due;
pub mod keeper;
pub mod rows;
pub mod shown;
pub mod watch;

/// In lines, for what nobody in particular did.
const HUB: &str = "sys:hub";
/// How long a clip waits for its hold, so that a box that knows nothing of holds does not keep the clip waiting.
pub const PULL_WAITS: Duration = Duration::from_secs(10);

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new hold; texts are hashes already.
struct NewHold {
    camera: BoxCamera,
    t0: Utc,
    t1: Utc,
    until: Utc,
    review: Day,
    reason: String,
    authority: String,
    reference: String,
    /// Exhibit and grant of the clip request that makes it.
    exhibit: Option<(String, String)>,
    /// Number of that request.
    request: Option<u64>,
    who: String,
}

/// Logs and records it; the caller wakes the task once that is stored. Blocking.
fn place(hub: &Hub, act: &Act<'_>, p: NewHold) -> Result<HoldRecord, HubError> {
    let id = HoldId(act.number(Numbered::Hold)?);
    let (exhibit, grant) = p.exhibit.unzip();
    let named = p
        .request
        .map_or_else(|| id.to_string(), crate::model::clip_request::name);
    let line = HoldAsk {
        hold: id,
        r#box: p.camera.r#box.to_string(),
        cam: p.camera.cam.clone(),
        t0: p.t0,
        t1: p.t1,
        until: p.until,
        review: Some(p.review),
        reason: p.reason.clone(),
        authority: p.authority.clone(),
        reference: p.reference.clone(),
        r#ref: exhibit.clone(),
        by: p.who.clone(),
    };
    let line = act.log(&p.who, &line)?;
    let now = hub.now();
    let record = HoldRecord {
        id,
        camera: p.camera,
        t0: p.t0,
        t1: p.t1,
        review: p.review,
        reason: p.reason,
        authority: p.authority,
        reference: p.reference,
        exhibit,
        grant: grant.unwrap_or(named),
        request: p.request,
        who: p.who,
        made: now,
        line,
        kept: false,
        drop: None,
        freed: Vec::new(),
        standing: HoldStanding::new(p.until),
        changed: now,
    };
    act.put_hold(&record)?;
    Ok(record)
}

/// What a clip request has held, from when it is submitted on.
pub struct ForRequest<'a> {
    pub request: u64,
    pub camera: &'a BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    /// Salted hashes.
    pub purpose: &'a str,
    pub reference: &'a str,
    /// Exhibit and grant, of one that is granted at once.
    pub exhibit: Option<(String, String)>,
    pub who: &'a str,
}

/// The hold of one camera of a request: as long as a hold is by default, over when the clip is here or the request came to nothing. Blocking.
pub fn for_request(hub: &Hub, act: &Act<'_>, r: ForRequest<'_>) -> Result<HoldId, HubError> {
    let now = hub.now();
    let until = now.plus_ms(i64::from(hub.config.hold_days) * 86_400_000);
    let named = match &r.exhibit {
        Some((_, grant)) => grant.clone(),
        None => crate::model::clip_request::name(r.request),
    };
    let placing = NewHold {
        camera: r.camera.clone(),
        t0: r.t0,
        // A request may reach a little into the future; a hold may not.
        t1: r.t1.min(now).max(r.t0.plus_ms(1)),
        until,
        review: due::review(now, until, &hub.config.zone),
        reason: r.purpose.to_owned(),
        authority: keep_salted(hub, &format!("clip request {named}"))?,
        reference: r.reference.to_owned(),
        exhibit: r.exhibit,
        request: Some(r.request),
        who: r.who.to_owned(),
    };
    Ok(place(hub, act, placing)?.id)
}

/// The request is granted: its hold is the exhibit's from now on. One that ended while it waited for the second person is placed anew. Blocking.
pub fn granted(hub: &Hub, act: &Act<'_>, r: ForRequest<'_>) -> Result<(), HubError> {
    let held = act.hold_of_request(r.request, r.camera)?;
    let keeps = |h: &HoldRecord| matches!(h.standing.state, State::Pending | State::Placed);
    match held.filter(keeps) {
        Some(mut h) => {
            h.exhibit = r.exhibit.map(|(exhibit, _)| exhibit);
            act.put_hold(&h)?;
        }
        None => drop(for_request(hub, act, r)?),
    }
    Ok(())
}

/// One event, on the record before it counts; the hold as it is then. `by`: who had a part in it. Blocking.
fn change(hub: &Hub, id: HoldId, event: Event, by: &[String]) -> Result<HoldRecord, HubError> {
    in_turn(hub, |act| {
        let before = find(hub, id)?;
        let mut h = before.clone();
        let line = h.standing.apply(event);
        write(hub, act, before, h, line, by)
    })
}

/// One act about holds at a time; then the task looks again.
fn in_turn<T>(
    hub: &Hub,
    work: impl FnOnce(&Act<'_>) -> Result<T, HubError>,
) -> Result<T, HubError> {
    let done = hub.act(work)?;
    hub.pulls.holds.wake();
    Ok(done)
}

/// Logs what is to be logged, and records.
fn write(
    hub: &Hub,
    act: &Act<'_>,
    before: HoldRecord,
    mut h: HoldRecord,
    line: Option<HoldLine>,
    by: &[String],
) -> Result<HoldRecord, HubError> {
    let who = by.last().map_or(HUB, String::as_str);
    match line {
        Some(HoldLine::Free(ended)) => {
            h.freed = by.to_vec();
            let free = HoldFree {
                hold: h.id,
                why: ended.as_str().into(),
                by: h.freed.clone(),
            };
            // The order to clear it stands on this line.
            h.line = act.log(who, &free)?;
        }
        Some(HoldLine::Fail(failure)) => {
            let fail = OrderFail {
                order: h.line,
                r#box: h.camera.r#box.to_string(),
                cam: Some(h.camera.cam.clone()),
                code: failure.code,
                why: failure.why,
            };
            hub.log.append(who, &fail).map_err(plain)?;
        }
        None => {}
    }
    if h != before {
        h.changed = hub.now();
        act.put_hold(&h)?;
    }
    Ok(h)
}

fn find(hub: &Hub, id: HoldId) -> Result<HoldRecord, HubError> {
    let found = hub.db.hold(id)?;
    found.ok_or_else(|| reason::Holds::Unknown { hold: id }.into())
}

/// Waits until the box has answered, or as long as `limit`; the hold as it is then.
pub async fn settled(hub: &Arc<Hub>, id: HoldId, limit: Duration) -> Result<HoldRecord, HubError> {
    let mut changes = hub.pulls.holds.watch();
    let end = tokio::time::Instant::now() + limit;
    loop {
        changes.mark_unchanged();
        let d = hub.clone();
        let h = blocking(move || find(&d, id)).await??;
        let waits = h.standing.state.alive() && h.standing.wants().is_some();
        if !waits
            || tokio::time::timeout_at(end, changes.changed())
                .await
                .is_err()
        {
            return Ok(h);
        }
    }
}

/// Before a clip's order goes out on connection `line`: its footage is held, or a reason says why it is not.
pub async fn before_pull(
    hub: &Arc<Hub>,
    row: &RequestRecord,
    line: u64,
) -> Result<Option<PullReason>, HubError> {
    let (d, exhibit) = (hub.clone(), row.r#ref.to_string());
    let found = blocking(move || d.db.hold_for(&exhibit).map_err(plain)).await;
    let Some(mut h) = found.map_err(plain)?? else {
        // No hold was placed for it.
        return Ok(None);
    };
    let name = &h.camera.r#box;
    let silent = lock(&hub.pulls.holds.silent).get(name) == Some(&line);
    if h.standing.state == State::Pending && !silent {
        h = settled(hub, h.id, PULL_WAITS).await?;
    }
    let name = &h.camera.r#box;
    Ok(match h.standing.state {
        State::Pending => {
            if lock(&hub.pulls.holds.silent).insert(name.clone(), line) != Some(line) {
                tracing::warn!(%name, hold = %h.id, "the box has not answered a hold; the clip is pulled without");
            }
            let (name, hold) = (name.clone(), h.id);
            Some(PullReason::HoldUnanswered { name, hold })
        }
        State::Refused => Some(not_held(&h)),
        State::Placed | State::Releasing(_) | State::Over(_) => None,
    })
}

fn not_held(h: &HoldRecord) -> PullReason {
    PullReason::NotHeld {
        name: h.camera.r#box.clone(),
        full: h.standing.full,
        why: h.standing.why.clone(),
    }
}

/// What there is to say of the hold of a request that did not end well: that it was refused, or of one that is partial that it goes on.
/// Blocking.
pub fn after_pull(hub: &Hub, exhibit: &str, partial: bool) -> Option<PullReason> {
    let h = hub.db.hold_for(exhibit).ok()??;
    match h.standing.state {
        State::Refused => Some(not_held(&h)),
        State::Pending | State::Placed if partial => Some(PullReason::HoldGoesOn {
            hold: h.id,
            until: h.standing.ends(),
        }),
        _ => None,
    }
}
