//! Task. Where a request's cameras bring it, on the record when they are all through. Blocking.

use shared::types::{RequestClose, RequestDone};

use crate::{
    db::clip_requests::ClipRequestRecord,
    error::HubError,
    hub::Hub,
    model::{
        clip_request::{CloseReason, Event, State, rolled_up},
        pull,
    },
};

/// In lines, for what nobody in particular did.
const HUB: &str = "sys:hub";

fn stands(hub: &Hub, q: &ClipRequestRecord) -> Result<State, HubError> {
    let mut cameras = Vec::new();
    for c in &q.cameras {
        let exhibit = c.exhibit.as_ref();
        let request = exhibit.map(|e| hub.db.request(e.as_str())).transpose()?;
        cameras.push(match request.flatten() {
            Some(r) => r.state,
            None => pull::State::Failed,
        });
    }
    Ok(rolled_up(&cameras))
}

/// One of an exhibit's states changed: so does the request's.
pub fn after(hub: &Hub, exhibit: &str) -> Result<(), HubError> {
    let Some(n) = hub.db.clip_request_of(exhibit)? else {
        return Ok(());
    };
    let Some(q) = hub.db.clip_request(n)? else {
        return Ok(());
    };
    // Looked at once before: most changes change nothing here.
    let to = stands(hub, &q)?;
    if q.state == to || q.state.apply(Event::Cameras(to)).is_err() {
        return Ok(());
    }
    hub.act(|act| {
        let Some(mut q) = act.clip_request(n)? else {
            return Ok(());
        };
        let to = stands(hub, &q)?;
        let Ok(state) = q.state.apply(Event::Cameras(to)) else {
            return Ok(());
        };
        if state == q.state {
            return Ok(());
        }
        q.state = state;
        q.changed = hub.now();
        if !state.running() {
            let line = RequestDone {
                request: n,
                state: state.word().into(),
                by: vec![HUB.into()],
            };
            act.log(HUB, &line)?;
        }
        Ok(act.put_clip_request(&q)?)
    })
}

/// An exhibit is being disposed of: with the last of its exhibits a request is closed. Done again, it changes nothing.
pub fn disposed(hub: &Hub, exhibit: &str, by: &[String]) -> Result<(), HubError> {
    let Some(n) = hub.db.clip_request_of(exhibit)? else {
        return Ok(());
    };
    hub.act(|act| {
        let Some(mut q) = act.clip_request(n)? else {
            return Ok(());
        };
        for exhibit in q.cameras.iter().filter_map(|c| c.exhibit.as_ref()) {
            let there = act.request(exhibit.as_str())?.map(|r| r.state);
            if there.is_some_and(|s| matches!(s, pull::State::Ready | pull::State::Partial)) {
                return Ok(());
            }
        }
        let Ok(state) = q.state.apply(Event::Disposed) else {
            return Ok(());
        };
        let why = CloseReason::Disposed.word();
        q.state = state;
        q.reason = Some(why.into());
        q.changed = hub.now();
        let line = RequestClose {
            request: n,
            why: why.into(),
            note: q.note.clone(),
            by: by.to_vec(),
        };
        act.log(by.last().map_or(HUB, String::as_str), &line)?;
        Ok(act.put_clip_request(&q)?)
    })
}
