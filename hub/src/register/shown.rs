//! Task. The register of an exhibit, and the release form of a copy, read from the records and the log. Blocking.

use shared::id::ExhibitRef;

use super::{events, media};
use crate::{
    db::register::CopyRecord,
    error::HubError,
    hub::Hub,
    model::{
        exhibit_event::{Erasable, ExhibitAct},
        register::{CopyRow, MediaRow, ReceiptRow, Register, ReleaseForm},
    },
    ownlog,
    reason::{Footage, Register as Because},
};

fn text(hub: &Hub, hash: &str) -> Result<Erasable, HubError> {
    Ok(hub.db.side_text(hash)?)
}

fn copy_row(hub: &Hub, c: CopyRecord) -> Result<CopyRow, HubError> {
    Ok(CopyRow {
        copy: c.n,
        kind: c.standing.kind,
        medium: text(hub, &c.medium)?,
        place: text(hub, &c.place)?,
        form: c.form,
        seal: c.seal,
        sha256: c.sha256,
        sums: c.sums,
        bytes: c.bytes,
        state: c.standing.state,
        received: c.standing.received,
        made: c.made,
        changed: c.changed,
    })
}

fn media_row(hub: &Hub, exhibit: &ExhibitRef) -> Result<Option<MediaRow>, HubError> {
    let Some(m) = hub.db.media_release(exhibit.as_str())? else {
        return Ok(None);
    };
    let account = hub.db.account_numbered(m.by)?;
    let name = match account {
        Some(a) => match &a.shown {
            Some(hash) => text(hub, hash)?,
            None => Some(a.name),
        },
        None => None,
    };
    Ok(Some(MediaRow {
        document: text(hub, &m.document)?,
        sha256: m.sha256,
        uses: text(hub, &m.uses)?,
        limits: text(hub, &m.limits)?,
        by: ownlog::op(m.by),
        name,
        at: m.made,
    }))
}

fn mark(hub: &Hub, exhibit: &ExhibitRef) -> Result<Erasable, HubError> {
    match hub.db.exhibit_mark(exhibit.as_str())? {
        Some(hash) => text(hub, &hash),
        None => Ok(None),
    }
}

/// Of one exhibit.
pub fn register(hub: &Hub, exhibit: &ExhibitRef) -> Result<Register, HubError> {
    let request = hub.db.request(exhibit.as_str())?;
    let request = request.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    let copies = hub.db.copies(exhibit.as_str())?.into_iter();
    let stills = hub.db.stills_of(exhibit.as_str())?.into_iter();
    Ok(Register {
        exhibit: exhibit.to_string(),
        camera: request.camera.to_string(),
        t0: request.t0,
        t1: request.t1,
        state: request.state.as_str().into(),
        mark: mark(hub, exhibit)?,
        class: media::class_of(hub, exhibit)?.map(|c| c.word().into()),
        copies: copies.map(|c| copy_row(hub, c)).collect::<Result<_, _>>()?,
        media: media_row(hub, exhibit)?,
        parent: hub
            .db
            .still(exhibit.as_str())?
            .map(|s| s.parent.to_string()),
        stills: stills.map(|s| s.exhibit.to_string()).collect(),
        events: events::of(hub, exhibit)?,
    })
}

/// The values of the form that goes with the last hand-over of a copy.
pub fn release(hub: &Hub, exhibit: &ExhibitRef, copy: u64) -> Result<ReleaseForm, HubError> {
    let request = hub.db.request(exhibit.as_str())?;
    let request = request.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    let unknown = || Because::CopyUnknown {
        exhibit: exhibit.clone(),
        copy,
    };
    let found = hub.db.copy(exhibit.as_str(), copy)?.ok_or_else(unknown)?;
    let state = found.standing.state;
    let events = events::of(hub, exhibit)?;
    let last = events.iter().rev().find_map(|e| match &e.what {
        ExhibitAct::HandedOver {
            copy: n,
            kind,
            class,
            to,
            agency,
            signed,
            factor,
        } if *n == copy => Some((e, kind, class, to, agency, signed, factor)),
        _ => None,
    });
    let Some((e, kind, class, to, agency, signed, factor)) = last else {
        return Err(Because::CopyNotOut {
            exhibit: exhibit.clone(),
            copy,
            state,
        }
        .into());
    };
    let receipt = events.iter().find_map(|r| match &r.what {
        ExhibitAct::Received {
            hand,
            from,
            receipt,
            ..
        } if *hand == e.line => Some(ReceiptRow {
            from: from.clone(),
            receipt: receipt.clone(),
            at: r.at,
            by: r.by.clone(),
        }),
        _ => None,
    });
    Ok(ReleaseForm {
        scheme: hub.config.scheme.clone(),
        exhibit: exhibit.to_string(),
        mark: mark(hub, exhibit)?,
        camera: request.camera.to_string(),
        t0: request.t0,
        t1: request.t1,
        purpose: text(hub, &request.purpose)?,
        reference: text(hub, &request.reference)?,
        copy: copy_row(hub, found)?,
        kind: kind.clone(),
        class: class.clone(),
        to: to.clone(),
        agency: agency.clone(),
        by: e.by.clone(),
        at: e.at,
        signed: signed.clone(),
        factor: factor.clone(),
        line: e.line,
        media: media_row(hub, exhibit)?,
        receipt,
    })
}
