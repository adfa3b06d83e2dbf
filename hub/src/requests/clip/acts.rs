//! Task. What people do about clip requests until they are granted: submit, authorise. Each act is its lines and its rows, both or neither;
//! what boxes are told comes after it. Blocking.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::Utc,
    types::{GrantFail, GrantSet, RequestAuthorise, RequestSubmit},
};

use super::{
    draft::{DraftRequest, Texts, draft},
    objection::not_done,
    rows::RequestRow,
    shown::{find, row},
};
use crate::{
    access::{approvals, authorise::Permit},
    acts::Act,
    classes::classed,
    coverage::{self, Objection, Span, known::with_known},
    db::{clip_requests::ClipRequestRecord, numbers::Numbered, requests::RequestRecord},
    error::{HubError, plain},
    holds,
    hub::{Hub, pulls::Progress},
    model::{
        approval::Kind,
        clip_request::{Event, NotDone, name},
        pull,
        requester::{MissingItem, RequestContents},
    },
    periods::Class,
    reason::Clips,
};

/// What became of a submission.
enum Submission {
    Taken(Box<ClipRequestRecord>, Vec<RequestRecord>),
    /// None of its cameras has any of it: nothing was stored.
    Nothing(BoxCamera, Objection),
}

/// It is whole, and asked for: its footage is held from here on, and fetched as soon as nobody else has to authorise it. `more`: what had
/// not been said when it was opened.
pub fn submit(hub: &Hub, n: u64, more: &Texts, permit: &Permit) -> Result<RequestRow, HubError> {
    let texts = more.cleaned()?;
    let mut before = Vec::new();
    let done = hub.act(|act| {
        let mut q = find(hub, n)?;
        before = texts.put(act, &mut q, hub.now())?;
        submit_within(hub, act, q, permit)
    })?;
    hub.db.erase_side(&before, "", None)?;
    taken(hub, done, permit)
}

/// A request of one camera, opened and submitted in one act; its exhibit.
pub fn pull(hub: &Hub, asked: &DraftRequest, permit: &Permit) -> Result<ExhibitRef, HubError> {
    if asked.class.requirements().second_person {
        return Err(Clips::SecondPersonWanted { class: asked.class }.into());
    }
    let texts = asked.texts.cleaned()?;
    asked.keep.class(hub)?;
    let done = hub.act(|act| {
        let judged = first_objection(hub, asked)?;
        if let Some((camera, why)) = judged {
            return Ok(Submission::Nothing(camera, why));
        }
        let q = draft(hub, act, asked, &texts, permit)?;
        submit_within(hub, act, q, permit)
    })?;
    let row = taken(hub, done, permit)?;
    let exhibit = row.cameras.into_iter().find_map(|c| c.exhibit);
    exhibit.ok_or_else(|| plain("a request was granted without an exhibit"))
}

/// A request that cannot be met at all uses no number up.
fn first_objection(
    hub: &Hub,
    asked: &DraftRequest,
) -> Result<Option<(BoxCamera, Objection)>, HubError> {
    let (Some((t0, t1)), [camera]) = (asked.span, &asked.cameras[..]) else {
        return Ok(None);
    };
    let judged = judge(hub, camera, t0, t1)?;
    Ok(judged.err().map(|why| (camera.clone(), why)))
}

fn judge(
    hub: &Hub,
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
) -> Result<Result<(), Objection>, HubError> {
    let span = Span {
        camera: camera.clone(),
        t0,
        t1,
    };
    with_known(hub, camera, t0, t1, |known| coverage::judge(&span, known))
}

fn missing(q: &ClipRequestRecord) -> Vec<MissingItem> {
    q.class.requirements().missing(RequestContents {
        cameras: !q.cameras.is_empty(),
        span: q.span.is_some(),
        purpose: q.purpose.is_some(),
        reference: q.reference.is_some(),
        requester: q.requester.is_some(),
        order: q.order.is_some(),
        identity: q.identity.is_some(),
    })
}

fn submit_within(
    hub: &Hub,
    act: &Act<'_>,
    mut q: ClipRequestRecord,
    permit: &Permit,
) -> Result<Submission, HubError> {
    let (n, me, now) = (q.n, permit.op(), hub.now());
    let second = q.class.requirements().second_person;
    let state = q.state.apply(Event::Submitted { second });
    q.state = state.map_err(|why| not_done(n, why, permit))?;
    let lacks = missing(&q);
    let (Some((t0, t1)), Some(purpose), Some(reference), Some(requester), []) = (
        q.span,
        q.purpose.clone(),
        q.reference.clone(),
        q.requester.clone(),
        &lacks[..],
    ) else {
        return Err(Clips::Lacks {
            class: q.class,
            lacks,
        }
        .into());
    };
    let mut objection = None;
    for c in &mut q.cameras {
        if let Err(why) = judge(hub, &c.camera, t0, t1)? {
            c.why = Some(why.absence);
            objection.get_or_insert((c.camera.clone(), why));
        }
    }
    if q.cameras.iter().all(|c| c.why.is_some())
        && let Some((camera, why)) = objection
    {
        return Ok(Submission::Nothing(camera, why));
    }
    if second {
        let what = serde_json::json!({ "request": n });
        let ask = approvals::put(act, permit, Kind::Request, &name(n), &what, now)?;
        q.ask = Some(ask);
    }
    let line = RequestSubmit {
        request: n,
        class: q.class.word().into(),
        cams: q.cameras.iter().map(|c| c.camera.to_string()).collect(),
        t0,
        t1,
        purpose: purpose.clone(),
        reference: reference.clone(),
        requester,
        order: q.order.clone(),
        identity: q.identity.clone(),
        due: q.due,
        ask: q.ask,
        by: vec![me.clone()],
    };
    act.log(&me, &line)?;
    q.submitted_by = Some(me.clone());
    let granted = match second {
        false => grant(hub, act, &mut q, permit)?,
        true => {
            for c in q.cameras.iter().filter(|c| c.why.is_none()) {
                let hold = holds::ForRequest {
                    request: n,
                    camera: &c.camera,
                    t0,
                    t1,
                    purpose: &purpose,
                    reference: &reference,
                    exhibit: None,
                    who: &me,
                };
                holds::for_request(hub, act, hold)?;
            }
            Vec::new()
        }
    };
    q.changed = now;
    act.put_clip_request(&q)?;
    Ok(Submission::Taken(Box::new(q), granted))
}

/// Gives each camera of which there may be something its exhibit.
fn grant(
    hub: &Hub,
    act: &Act<'_>,
    q: &mut ClipRequestRecord,
    permit: &Permit,
) -> Result<Vec<RequestRecord>, HubError> {
    let now = hub.now();
    let (Some((t0, t1)), Some(purpose), Some(reference), Some(requester)) = (
        q.span,
        q.purpose.clone(),
        q.reference.clone(),
        q.requester.clone(),
    ) else {
        return Err(plain("a request is authorised that is not whole"));
    };
    let class = Class::parse(&q.keep.0, q.keep.1)?;
    let who = q.submitted_by.clone().unwrap_or_else(|| permit.op());
    let held = q.ask.is_some();
    let mut granted = Vec::new();
    let n = q.n;
    for c in q.cameras.iter_mut().filter(|c| c.why.is_none()) {
        let number = act.number(Numbered::Request)?;
        let short = u32::try_from(number).map_err(plain)?;
        let exhibit = ExhibitRef::new(hub.config.zone.day_of(now).year(), short);
        let mut record = RequestRecord {
            r#ref: exhibit.clone(),
            grant: format!("G-{number:06}"),
            camera: c.camera.clone(),
            t0,
            t1,
            purpose: purpose.clone(),
            reference: reference.clone(),
            requester: requester.clone(),
            who: who.clone(),
            state: pull::State::Authorised,
            why: Vec::new(),
            urgent: q.urgent,
            paused: None,
            wasted: 0,
            reason: None,
            granted: 0,
            line: None,
            footage: None,
            package: None,
            made: now,
        };
        // First what keeps the footage.
        let hold = holds::ForRequest {
            request: n,
            camera: &c.camera,
            t0,
            t1,
            purpose: &purpose,
            reference: &reference,
            exhibit: Some((exhibit.to_string(), record.grant.clone())),
            who: &who,
        };
        match held {
            true => holds::granted(hub, act, hold)?,
            false => {
                holds::for_request(hub, act, hold)?;
            }
        }
        let line = GrantSet {
            grant: record.grant.clone(),
            r#ref: exhibit.to_string(),
            cam: c.camera.to_string(),
            t0,
            t1,
            purpose: purpose.clone(),
            reference: reference.clone(),
            requester: requester.clone(),
        };
        record.granted = act.log(&permit.op(), &line)?;
        act.add_request(short, &record)?;
        classed(act, &exhibit, class, &purpose, &permit.op())?;
        c.exhibit = Some(exhibit);
        granted.push(record);
    }
    q.authorised_by = Some(permit.op());
    Ok(granted)
}

fn taken(hub: &Hub, done: Submission, permit: &Permit) -> Result<RequestRow, HubError> {
    match done {
        Submission::Taken(q, granted) => {
            begin(hub, &granted);
            row(hub, &q)
        }
        Submission::Nothing(camera, why) => {
            // A word of a list: nothing personal reaches the log.
            let line = GrantFail {
                cam: camera.to_string(),
                code: why.absence.word().into(),
            };
            hub.log.append(&permit.op(), &line)?;
            Err(why.reason.into())
        }
    }
}

/// Their boxes are asked from now on.
fn begin(hub: &Hub, granted: &[RequestRecord]) {
    hub.pulls.holds.wake();
    for r in granted {
        hub.pulls
            .tell(Progress::of(&r.r#ref, pull::State::Authorised, Vec::new()));
        hub.pulls.start(r.r#ref.as_str());
    }
}

/// The second person's word.
pub fn authorise(hub: &Hub, n: u64, permit: &Permit) -> Result<RequestRow, HubError> {
    let q = find(hub, n)?;
    let same = q.submitted_by.as_deref() == Some(&*permit.op()) || q.opened_by == permit.op();
    q.state
        .apply(Event::Authorised { same })
        .map_err(|why| not_done(n, why, permit))?;
    let ask = q
        .ask
        .ok_or_else(|| not_done(n, NotDone::Stands(q.state), permit))?;
    let waiting = approvals::about(hub, Kind::Request, &name(n))?;
    let waiting = waiting
        .filter(|a| a.n == ask)
        .ok_or_else(|| HubError::from(Clips::NotInTime { request: name(n) }))?;
    let (q, granted) = approvals::approve(hub, &waiting, permit, |act, _: serde_json::Value| {
        let mut q = find(hub, n)?;
        let state = q.state.apply(Event::Authorised { same });
        q.state = state.map_err(|why| not_done(n, why, permit))?;
        let by = [q.submitted_by.clone(), Some(permit.op())];
        let line = RequestAuthorise {
            request: n,
            ask,
            by: by.into_iter().flatten().collect(),
        };
        act.log(&permit.op(), &line)?;
        let granted = grant(hub, act, &mut q, permit)?;
        q.changed = hub.now();
        act.put_clip_request(&q)?;
        Ok((q, granted))
    })?;
    begin(hub, &granted);
    row(hub, &q)
}
