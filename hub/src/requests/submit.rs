//! Task. Takes a request in: judged, recorded, logged; then the fetching task has it.

use shared::{
    id::{BoxCamera, ExhibitRef},
    record::{hex, salted},
    time::Utc,
};

use super::{
    clip::{self, class::RequesterClass},
    rules::{self, Asked, Known, TextField},
};
use crate::{
    access::authorise::Permit,
    desk::Desk,
    disposal::acts::Given,
    error::{HubError, plain},
    keys,
};

/// Hashes a text with a fresh salt; salt and text go to the erasable side table. Blocking.
pub fn keep_salted(desk: &Desk, text: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = salted(&salt, text);
    desk.db
        .keep_side(&hash, &hex(&salt), text, desk.now())
        .map_err(plain)?;
    Ok(hash)
}

/// Blocking. A refusal is logged too, and uses no number up. The exhibit will be of class general.
pub fn submit(desk: &Desk, asked: &Asked, permit: &Permit) -> Result<ExhibitRef, HubError> {
    submit_as(desk, asked, &Given::default(), permit)
}

/// The same with the class that says how long the exhibit is kept. One that cannot be is refused before anything is recorded.
pub fn submit_as(
    desk: &Desk,
    asked: &Asked,
    class: &Given,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    rules::texts([
        (TextField::Purpose, &asked.purpose),
        (TextField::Reference, &asked.reference),
        (TextField::Requester, &asked.requester),
    ])?;
    let request = clip::draft::Asked {
        class: RequesterClass::Police,
        cameras: vec![asked.camera.clone()],
        span: Some((asked.t0, asked.t1)),
        texts: clip::draft::Texts {
            purpose: Some(asked.purpose.clone()),
            reference: Some(asked.reference.clone()),
            requester: Some(asked.requester.clone()),
            ..clip::draft::Texts::default()
        },
        keep: class.clone(),
    };
    clip::acts::pull(desk, &request, permit)
}

/// Gathers what is known of a camera and a span, and hands it to a rule.
pub(super) fn with_known<T>(
    desk: &Desk,
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    rule: impl FnOnce(&Known<'_>) -> T,
) -> Result<T, HubError> {
    let record = desk.db.box_named(&camera.r#box).map_err(plain)?;
    let mut cameras = desk.db.cameras_seen(&camera.r#box).map_err(plain)?;
    if let Some(hello) = record.as_ref().and_then(|b| b.hello.as_ref()) {
        cameras.extend(hello.cameras.iter().map(|c| c.cam.to_string()));
    }
    cameras.sort();
    cameras.dedup();
    let now = desk.now();
    let held: Vec<(Utc, Utc)> = desk
        .db
        .placed_holds(camera)
        .map_err(plain)?
        .iter()
        .filter(|h| h.standing.keeps(now))
        .map(|h| (h.t0, h.t1))
        .collect();
    let known = Known {
        now,
        zone: &desk.config.zone,
        box_state: record.as_ref().map(|b| b.state.as_str()),
        cameras: &cameras,
        extent: desk.db.extent(camera).map_err(plain)?,
        segments: &desk.db.segments(camera, t0, t1).map_err(plain)?,
        gaps: &desk.db.gaps(camera, t0, t1).map_err(plain)?,
        held: &held,
    };
    Ok(rule(&known))
}
