//! Task. What people do about clip requests when they end: refuse, cancel, release, close; and those that nobody authorised in time. Blocking.

use shared::{
    time::Utc,
    types::{Data, RequestCancel, RequestClose, RequestRefuse, RequestRelease},
};

use super::{
    draft::{keep, keep_some},
    objection::not_done,
    rows::RequestRow,
    shown::{find, row},
};
use crate::{
    access::{approvals, authorise::Permit},
    acts::Act,
    db::clip_requests::ClipRequestRecord,
    error::{HubError, plain},
    hub::{Hub, pulls::Progress},
    model::{
        clip_request::{CancelReason, CloseReason, Event, RefusalReason},
        pull,
        text::TextField,
    },
    reason::PullReason,
    register::media,
    texts,
};

/// In lines, for what nobody in particular did.
const HUB: &str = "sys:hub";

fn note_of(act: &Act<'_>, note: Option<&str>, now: Utc) -> Result<Option<String>, HubError> {
    let note = note.map(str::trim).filter(|t| !t.is_empty());
    let note = note.map(str::to_owned);
    if let Some(note) = &note {
        texts::texts([(TextField::Note, note)])?;
    }
    keep_some(act, note.as_ref(), now)
}

/// One event of one request, on the record before it counts. `work` says what else changes, and makes the line.
fn turn<D: Data>(
    hub: &Hub,
    n: u64,
    event: Event,
    permit: &Permit,
    work: impl FnOnce(&Act<'_>, &mut ClipRequestRecord, Utc) -> Result<D, HubError>,
) -> Result<RequestRow, HubError> {
    let q = hub.act(|act| {
        let now = hub.now();
        let mut q = find(hub, n)?;
        let state = q.state.apply(event);
        q.state = state.map_err(|why| not_done(n, why, permit))?;
        let line = work(act, &mut q, now)?;
        act.log(&permit.op(), &line)?;
        q.changed = now;
        act.put_clip_request(&q)?;
        Ok(q)
    })?;
    row(hub, &q)
}

/// Somebody decides against it; what was held for it is let go.
pub fn refuse(
    hub: &Hub,
    n: u64,
    why: RefusalReason,
    note: Option<&str>,
    permit: &Permit,
) -> Result<RequestRow, HubError> {
    let refused = turn(hub, n, Event::Refused, permit, |act, q, now| {
        q.note = note_of(act, note, now)?;
        q.reason = Some(why.word().into());
        settled(hub, act, q, Some(permit))?;
        Ok(RequestRefuse {
            request: n,
            why: why.word().into(),
            note: q.note.clone(),
            by: vec![permit.op()],
        })
    })?;
    hub.pulls.holds.wake();
    Ok(refused)
}

/// Nothing waits for a second person any more.
fn settled(
    hub: &Hub,
    act: &Act<'_>,
    q: &mut ClipRequestRecord,
    permit: Option<&Permit>,
) -> Result<(), HubError> {
    if let Some(ask) = q.ask {
        let by = permit.map(Permit::number);
        act.settle_approval(ask, "withdrawn", by, hub.now())?;
    }
    Ok(())
}

/// It is taken back, wherever it stands until its cameras are through.
pub fn cancel(
    hub: &Hub,
    n: u64,
    why: CancelReason,
    note: Option<&str>,
    permit: &Permit,
) -> Result<RequestRow, HubError> {
    let q = cancelled(hub, n, why, note, Some(permit))?;
    row(hub, &q)
}

fn cancelled(
    hub: &Hub,
    n: u64,
    why: CancelReason,
    note: Option<&str>,
    permit: Option<&Permit>,
) -> Result<ClipRequestRecord, HubError> {
    let me = permit.map_or_else(|| HUB.to_owned(), Permit::op);
    let (q, stopped) = hub.act(|act| {
        let now = hub.now();
        let mut q = find(hub, n)?;
        let state = q.state.apply(Event::Cancelled);
        q.state = state.map_err(|why| match permit {
            Some(permit) => not_done(n, why, permit),
            None => plain("a request was settled meanwhile"),
        })?;
        q.note = note_of(act, note, now)?;
        q.reason = Some(why.word().into());
        settled(hub, act, &mut q, permit)?;
        let mut stopped = Vec::new();
        for exhibit in q.cameras.iter().filter_map(|c| c.exhibit.as_ref()) {
            let open = act.request(exhibit.as_str())?;
            if open.is_some_and(|r| !r.state.over()) {
                act.request_state(
                    exhibit.as_str(),
                    pull::State::Cancelled,
                    Some(pull::Absence::Cancelled),
                    &[PullReason::TakenBack],
                    now,
                )?;
                stopped.push(exhibit.clone());
            }
        }
        let line = RequestCancel {
            request: n,
            why: why.word().into(),
            note: q.note.clone(),
            by: vec![me.clone()],
        };
        act.log(&me, &line)?;
        q.changed = now;
        act.put_clip_request(&q)?;
        Ok((q, stopped))
    })?;
    for exhibit in stopped {
        hub.pulls.tell(Progress::of(
            &exhibit,
            pull::State::Cancelled,
            vec![PullReason::TakenBack],
        ));
        hub.pulls.cancel(exhibit.as_str());
    }
    hub.pulls.holds.wake();
    Ok(q)
}

/// Requests that nobody authorised in time are taken back, so that what is held for them is let go.
pub fn expire(hub: &Hub) -> Result<(), HubError> {
    let submitted = hub.db.submitted_clip_requests()?;
    if submitted.is_empty() {
        return Ok(());
    }
    let waiting = approvals::waiting(hub)?;
    for q in submitted {
        if !waiting.iter().any(|a| Some(a.n) == q.ask) {
            cancelled(hub, q.n, CancelReason::NotAuthorised, None, None)?;
        }
    }
    Ok(())
}

/// It is handed to whoever asked, or to somebody for them: on the record before it is.
pub fn release(hub: &Hub, n: u64, to: &str, permit: &Permit) -> Result<RequestRow, HubError> {
    let to = to.trim().to_owned();
    texts::texts([(TextField::Recipient, &to)])?;
    // EVI-9: nothing goes to media before a document says what for.
    for exhibit in find(hub, n)?
        .cameras
        .iter()
        .filter_map(|c| c.exhibit.as_ref())
    {
        media::may_leave(hub, exhibit)?;
    }
    turn(hub, n, Event::Released, permit, |act, q, now| {
        let to = keep(act, &to, now)?;
        q.note = Some(to.clone());
        Ok(RequestRelease {
            request: n,
            to,
            by: vec![permit.op()],
        })
    })
}

/// Nothing more is done with it. Its exhibits stay until their period is over.
pub fn close(
    hub: &Hub,
    n: u64,
    why: CloseReason,
    note: Option<&str>,
    permit: &Permit,
) -> Result<RequestRow, HubError> {
    turn(hub, n, Event::Closed(why), permit, |act, q, now| {
        if let Some(note) = note_of(act, note, now)? {
            q.note = Some(note);
        }
        q.reason = Some(why.word().into());
        Ok(RequestClose {
            request: n,
            why: why.word().into(),
            note: q.note.clone(),
            by: vec![permit.op()],
        })
    })
}
