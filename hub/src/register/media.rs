//! Task. What media may have of an exhibit, for what and within which limits; nothing goes to them before somebody has authorised that on the
//! record (EVI-9). Blocking.

use serde::{Deserialize, Serialize};
use shared::{id::ExhibitRef, types::RegMedia};
use utoipa::ToSchema;

use super::kept::{keep, kept};
use crate::{
    access::{authorise::Permit, two},
    db::register::MediaRecord,
    error::HubError,
    hub::Hub,
    model::{requester::RequesterClass, text::TextField},
    reason::Register,
    texts,
};

/// Who asked for an exhibit; None: no request is known.
pub fn class_of(hub: &Hub, exhibit: &ExhibitRef) -> Result<Option<RequesterClass>, HubError> {
    // A still picture was asked for by whoever asked for what it was made of.
    let still = hub.db.still(exhibit.as_str())?;
    let asked = still.map_or_else(|| exhibit.clone(), |s| s.parent);
    let Some(n) = hub.db.clip_request_of(asked.as_str())? else {
        return Ok(None);
    };
    Ok(hub.db.clip_request(n)?.map(|q| q.class))
}

/// What somebody authorises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MediaRelease {
    /// The document that says so: its title, number and day.
    pub document: String,
    /// SHA-256 of it, where there is a file.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What it may be used for.
    pub uses: String,
    /// What it may not be used for, until when, in which form.
    pub limits: String,
}

/// Somebody authorises that media have it.
pub fn allow(
    hub: &Hub,
    exhibit: &ExhibitRef,
    m: &MediaRelease,
    permit: &Permit,
) -> Result<(), HubError> {
    texts::texts([
        (TextField::Document, &m.document),
        (TextField::Uses, &m.uses),
        (TextField::Limits, &m.limits),
    ])?;
    if let Some(sha256) = &m.sha256 {
        super::kept::hash(sha256)?;
    }
    kept(hub, exhibit)?;
    match class_of(hub, exhibit)? {
        Some(RequesterClass::Media) => {}
        other => {
            return Err(Register::NotForMedia {
                exhibit: exhibit.clone(),
                class: other.unwrap_or(RequesterClass::Police),
            }
            .into());
        }
    }
    hub.act(|act| {
        let line = RegMedia {
            r#ref: exhibit.to_string(),
            document: keep(hub, act, exhibit, &m.document)?,
            sha256: m.sha256.clone(),
            uses: keep(hub, act, exhibit, &m.uses)?,
            limits: keep(hub, act, exhibit, &m.limits)?,
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        Ok(act.put_media_release(&MediaRecord {
            exhibit: exhibit.to_string(),
            document: line.document,
            sha256: line.sha256,
            uses: line.uses,
            limits: line.limits,
            by: permit.number(),
            made: hub.now(),
        })?)
    })
}

/// What was authorised; refuses where nothing was.
fn allowed(hub: &Hub, exhibit: &ExhibitRef) -> Result<MediaRecord, HubError> {
    let found = hub.db.media_release(exhibit.as_str())?;
    found.ok_or_else(|| {
        Register::MediaNotAllowed {
            exhibit: exhibit.clone(),
        }
        .into()
    })
}

/// Refuses to have it written out for media before that.
pub fn may_leave(hub: &Hub, exhibit: &ExhibitRef) -> Result<(), HubError> {
    match class_of(hub, exhibit)? {
        Some(RequesterClass::Media) => allowed(hub, exhibit).map(drop),
        _ => Ok(()),
    }
}

/// Refuses to hand it to media before that, and whoever authorised it.
pub(super) fn handed_by(hub: &Hub, exhibit: &ExhibitRef, permit: &Permit) -> Result<(), HubError> {
    let allowed = allowed(hub, exhibit)?;
    if allowed.by == permit.number() {
        let name = permit.name().to_owned();
        return Err(Register::MediaAuthoriser { name }.into());
    }
    two::people(hub, allowed.by, permit.number())
}
