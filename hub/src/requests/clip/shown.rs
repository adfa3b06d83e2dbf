//! Task. Clip requests as pages and commands show them. Blocking.

use super::rows::{MissingRow, RequestCameraRow, RequestRow};
use crate::{
    db::{
        clip_requests::{ClipRequestRecord, RequestCamera, Which},
        visible::VisibleRows,
    },
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    model::clip_request::{State, name, number},
    reason::Clips,
    requests::ahead,
    rows, words,
};

pub fn find(hub: &Hub, n: u64) -> Result<ClipRequestRecord, HubError> {
    let found = hub.db.clip_request(n)?;
    found.ok_or_else(|| Clips::Unknown { request: name(n) }.into())
}

fn camera(
    hub: &Hub,
    q: &ClipRequestRecord,
    c: &RequestCamera,
) -> Result<RequestCameraRow, HubError> {
    let mut row = RequestCameraRow {
        camera: c.camera.to_string(),
        exhibit: c.exhibit.clone(),
        state: None,
        why: c.why,
        said: String::new(),
        reasons: Vec::new(),
        under_way: false,
        paused: None,
        segments: 0,
        bytes: 0,
        forecast: None,
        missing: Vec::new(),
    };
    let Some(exhibit) = &c.exhibit else {
        let waits = matches!(q.state, State::Draft | State::Submitted | State::Authorised);
        if let Some(span) = q.span.filter(|_| waits && c.why.is_none()) {
            let ahead = ahead::of_span(hub, &c.camera, span, q.urgent)?;
            row.forecast = Some(ahead.forecast);
        }
        return Ok(row);
    };
    if let Some(r) = hub.db.request(exhibit.as_str())? {
        row.forecast = ahead::of_pull(hub, &r)?;
        row.state = Some(r.state.as_str().into());
        row.under_way = !r.state.over();
        row.paused = r.paused.clone();
        row.why = r.reason.or(c.why);
        row.said = words::pulls(&r.why, &hub.config.zone);
        row.reasons = rows::reasons(&r.why, &hub.config.zone);
    }
    for s in hub.db.request_segments(exhibit.as_str())? {
        row.segments += 1;
        row.bytes = row.bytes.saturating_add(s.sealed);
    }
    let missing = hub.db.missing(exhibit.as_str())?;
    row.missing = missing
        .into_iter()
        .map(|(from, to, why)| MissingRow { from, to, why })
        .collect();
    Ok(row)
}

pub fn row(hub: &Hub, q: &ClipRequestRecord) -> Result<RequestRow, HubError> {
    let text = |hash: &Option<String>| match hash {
        Some(hash) => Ok::<_, HubError>(hub.db.side_text(hash)?),
        None => Ok(None),
    };
    let cameras = q.cameras.iter().map(|c| camera(hub, q, c));
    Ok(RequestRow {
        request: name(q.n),
        class: q.class,
        state: q.state,
        reason: q.reason.clone(),
        cameras: cameras.collect::<Result<_, _>>()?,
        from: q.span.map(|s| s.0),
        to: q.span.map(|s| s.1),
        purpose: text(&q.purpose)?,
        reference: text(&q.reference)?,
        requester: text(&q.requester)?,
        order: text(&q.order)?,
        identity: text(&q.identity)?,
        note: text(&q.note)?,
        due: q.due,
        opened_by: q.opened_by.clone(),
        submitted_by: q.submitted_by.clone(),
        authorised_by: q.authorised_by.clone(),
        urgent: q.urgent,
        second_person: q.class.requirements().second_person,
        made: q.made,
        changed: q.changed,
    })
}

pub fn one(hub: &Hub, n: u64) -> Result<RequestRow, HubError> {
    row(hub, &find(hub, n)?)
}

/// Those that somebody may see every camera of, newest first.
pub fn list(
    hub: &Hub,
    seen: &VisibleRows,
    which: &Which,
    part: &Part,
) -> Result<Rows<RequestRow>, HubError> {
    let before = part.after(number)?;
    let all = hub
        .db
        .clip_requests(seen, which, before, part.limit() + 1)?;
    Rows::cut(all, part.limit(), |q| name(q.n)).try_map(|q| row(hub, &q))
}
