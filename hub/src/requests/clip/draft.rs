//! Task. Clip requests while they are drafts: opened, changed. Each act is its line and its rows, both or neither. Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    record::{hex, salted},
    time::{Day, Utc},
    types::{RequestChange, RequestOpen},
};
use utoipa::ToSchema;

use super::{
    objection::not_done,
    rows::RequestRow,
    shown::{find, row},
};
use crate::{
    access::authorise::Permit,
    acts::Act,
    classes::RetentionClassInput,
    db::{
        clip_requests::{ClipRequestRecord, RequestCamera},
        numbers::Numbered,
    },
    error::{HubError, plain},
    hub::Hub,
    keys,
    model::{
        clip_request::{Event, State},
        requester::RequesterClass,
        text::TextField,
    },
    reason::Clips,
    texts,
};

const DAY_MS: i64 = 86_400_000;
/// Most cameras of one request.
pub const CAMERAS: usize = 32;

/// What somebody asks for, as far as they have said it.
#[derive(Clone, Debug)]
pub struct DraftRequest {
    pub class: RequesterClass,
    pub cameras: Vec<BoxCamera>,
    pub span: Option<(Utc, Utc)>,
    pub texts: Texts,
    /// How long its exhibits are kept.
    pub keep: RetentionClassInput,
    /// Its pulls go before those that are planned, whatever the hour.
    pub urgent: bool,
}

/// What they say for themselves; empty is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = RequestTexts)]
pub struct Texts {
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
    /// The order or power it is asked under.
    pub order: Option<String>,
    /// How the requester's identity was checked.
    pub identity: Option<String>,
}

impl Texts {
    /// Nothing that is too long; what is blank is not said.
    pub(super) fn cleaned(&self) -> Result<Self, HubError> {
        let one = |what: TextField, text: &Option<String>| {
            let text = text.as_ref().map(|t| t.trim().to_owned());
            let text = text.filter(|t| !t.is_empty());
            if let Some(text) = &text {
                texts::texts([(what, text)])?;
            }
            Ok::<_, HubError>(text)
        };
        Ok(Self {
            purpose: one(TextField::Purpose, &self.purpose)?,
            reference: one(TextField::Reference, &self.reference)?,
            requester: one(TextField::Requester, &self.requester)?,
            order: one(TextField::Order, &self.order)?,
            identity: one(TextField::Identity, &self.identity)?,
        })
    }

    /// What they say takes the place of what was said before; the salted hashes of that.
    pub(super) fn put(
        &self,
        act: &Act<'_>,
        q: &mut ClipRequestRecord,
        now: Utc,
    ) -> Result<Vec<String>, HubError> {
        let mut before = Vec::new();
        for (place, text) in [
            (&mut q.purpose, &self.purpose),
            (&mut q.reference, &self.reference),
            (&mut q.requester, &self.requester),
            (&mut q.order, &self.order),
            (&mut q.identity, &self.identity),
        ] {
            if let Some(text) = text {
                before.extend(place.replace(keep(act, text, now)?));
            }
        }
        Ok(before)
    }
}

/// Hashes a text with a fresh salt; salt and text go to the erasable side table with the act.
pub(super) fn keep(act: &Act<'_>, text: &str, now: Utc) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = salted(&salt, text);
    act.keep_side(&hash, &hex(&salt), text, now)?;
    Ok(hash)
}

pub(super) fn keep_some(
    act: &Act<'_>,
    text: Option<&String>,
    now: Utc,
) -> Result<Option<String>, HubError> {
    text.map(|t| keep(act, t, now)).transpose()
}

/// Each camera once.
fn named(cameras: &[BoxCamera]) -> Result<Vec<RequestCamera>, HubError> {
    let mut all: Vec<RequestCamera> = Vec::new();
    for camera in cameras {
        if !all.iter().any(|c| c.camera == *camera) {
            all.push(RequestCamera {
                camera: camera.clone(),
                exhibit: None,
                why: None,
            });
        }
    }
    match all.len() <= CAMERAS {
        true => Ok(all),
        false => Err(Clips::TooManyCameras { most: CAMERAS }.into()),
    }
}

/// By when one of a class that was made then has to be answered.
fn due(class: RequesterClass, made: Utc) -> Option<Utc> {
    let days = class.requirements().answer_days;
    days.map(|d| made.plus_ms(i64::from(d) * DAY_MS))
}

/// How long exhibits are kept, as it is recorded.
fn kept(keep: &RetentionClassInput) -> (String, Option<Day>) {
    let class = keep.class.clone();
    (class.unwrap_or_else(|| "general".into()), keep.review)
}

/// Both ends of a span, or none.
pub fn span(from: Option<Utc>, to: Option<Utc>) -> Result<Option<(Utc, Utc)>, HubError> {
    match (from, to) {
        (Some(from), Some(to)) => Ok(Some((from, to))),
        (None, None) => Ok(None),
        _ => Err(Clips::SpanHalf.into()),
    }
}

/// Takes a draft in.
pub fn open(hub: &Hub, asked: &DraftRequest, permit: &Permit) -> Result<RequestRow, HubError> {
    let texts = asked.texts.cleaned()?;
    asked.keep.class(hub)?;
    let opened = hub.act(|act| draft(hub, act, asked, &texts, permit))?;
    row(hub, &opened)
}

pub(super) fn draft(
    hub: &Hub,
    act: &Act<'_>,
    asked: &DraftRequest,
    texts: &Texts,
    permit: &Permit,
) -> Result<ClipRequestRecord, HubError> {
    let now = hub.now();
    let me = permit.op();
    let cameras = named(&asked.cameras)?;
    let q = ClipRequestRecord {
        n: act.number(Numbered::ClipRequest)?,
        class: asked.class,
        span: asked.span,
        purpose: keep_some(act, texts.purpose.as_ref(), now)?,
        reference: keep_some(act, texts.reference.as_ref(), now)?,
        requester: keep_some(act, texts.requester.as_ref(), now)?,
        order: keep_some(act, texts.order.as_ref(), now)?,
        identity: keep_some(act, texts.identity.as_ref(), now)?,
        note: None,
        keep: kept(&asked.keep),
        urgent: asked.urgent,
        due: due(asked.class, now),
        opened_by: me.clone(),
        submitted_by: None,
        authorised_by: None,
        ask: None,
        state: State::Draft,
        reason: None,
        made: now,
        changed: now,
        cameras,
    };
    let line = RequestOpen {
        request: q.n,
        class: q.class.word().into(),
        by: vec![me.clone()],
    };
    // First what it is about: the line says whose cameras these are.
    act.put_clip_request(&q)?;
    act.log(&me, &line)?;
    Ok(q)
}

/// What a draft is to say instead; None: what it said before.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub class: Option<RequesterClass>,
    /// All of them.
    pub cameras: Option<Vec<BoxCamera>>,
    pub from: Option<Utc>,
    pub to: Option<Utc>,
    pub texts: Texts,
    pub keep: Option<RetentionClassInput>,
    pub urgent: Option<bool>,
}

/// A draft says something else from here on. What it said before is erased.
pub fn change(
    hub: &Hub,
    n: u64,
    changes: &Changes,
    permit: &Permit,
) -> Result<RequestRow, HubError> {
    let texts = changes.texts.cleaned()?;
    if let Some(keep) = &changes.keep {
        keep.class(hub)?;
    }
    let (me, now) = (permit.op(), hub.now());
    let (q, before) = hub.act(|act| {
        let mut q = find(hub, n)?;
        let state = q.state.apply(Event::Changed);
        q.state = state.map_err(|why| not_done(n, why, permit))?;
        if let Some(class) = changes.class {
            q.class = class;
            q.due = due(class, q.made);
        }
        if let Some(cameras) = &changes.cameras {
            q.cameras = named(cameras)?;
        }
        let (from, to) = q.span.unzip();
        q.span = span(changes.from.or(from), changes.to.or(to))?;
        if let Some(keep) = &changes.keep {
            q.keep = kept(keep);
        }
        if let Some(urgent) = changes.urgent {
            q.urgent = urgent;
        }
        let before = texts.put(act, &mut q, now)?;
        let line = RequestChange {
            request: n,
            class: q.class.word().into(),
            by: vec![me.clone()],
        };
        q.changed = now;
        act.put_clip_request(&q)?;
        act.log(&me, &line)?;
        Ok((q, before))
    })?;
    hub.db.erase_side(&before, "", None)?;
    row(hub, &q)
}
