//! Task. Takes a request in: judged, recorded, logged; then the fetching task has it.

use shared::{
    id::{BoxCamera, ExhibitRef},
    record::{hex, salted},
    time::Utc,
};

use super::{
    clip::{self, class::RequesterClass},
    rules::{self, Known, PullRequest, TextField},
};
use crate::{
    access::authorise::Permit,
    disposal::acts::RetentionClassInput,
    error::{HubError, plain},
    hub::Hub,
    keys,
};

/// Hashes a text with a fresh salt; salt and text go to the erasable side table. Blocking.
pub fn keep_salted(hub: &Hub, text: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = salted(&salt, text);
    hub.db
        .keep_side(&hash, &hex(&salt), text, hub.now())
        .map_err(plain)?;
    Ok(hash)
}

/// Blocking. A refusal is logged too, and uses no number up. The exhibit will be of class general.
pub fn submit(hub: &Hub, asked: &PullRequest, permit: &Permit) -> Result<ExhibitRef, HubError> {
    submit_as(hub, asked, &RetentionClassInput::default(), false, permit)
}

/// The same with the class that says how long the exhibit is kept, and whether it goes before what is planned. One that cannot be is refused before anything is recorded.
pub fn submit_as(
    hub: &Hub,
    asked: &PullRequest,
    class: &RetentionClassInput,
    urgent: bool,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    rules::texts([
        (TextField::Purpose, &asked.purpose),
        (TextField::Reference, &asked.reference),
        (TextField::Requester, &asked.requester),
    ])?;
    let request = clip::draft::DraftRequest {
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
        urgent,
    };
    clip::acts::pull(hub, &request, permit)
}

/// Gathers what is known of a camera and a span, and hands it to a rule.
pub(super) fn with_known<T>(
    hub: &Hub,
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    rule: impl FnOnce(&Known<'_>) -> T,
) -> Result<T, HubError> {
    let record = hub.db.box_named(&camera.r#box).map_err(plain)?;
    let mut cameras = hub.db.cameras_seen(&camera.r#box).map_err(plain)?;
    if let Some(hello) = record.as_ref().and_then(|b| b.hello.as_ref()) {
        cameras.extend(hello.cameras.iter().map(|c| c.cam.to_string()));
    }
    cameras.sort();
    cameras.dedup();
    let now = hub.now();
    let held: Vec<(Utc, Utc)> = hub
        .db
        .placed_holds(camera)
        .map_err(plain)?
        .iter()
        .filter(|h| h.standing.keeps(now))
        .map(|h| (h.t0, h.t1))
        .collect();
    let known = Known {
        now,
        zone: &hub.config.zone,
        box_state: record.as_ref().map(|b| b.state.as_str()),
        cameras: &cameras,
        extent: hub.db.extent(camera).map_err(plain)?,
        segments: &hub.db.segments(camera, t0, t1).map_err(plain)?,
        gaps: &hub.db.gaps(camera, t0, t1).map_err(plain)?,
        held: &held,
    };
    Ok(rule(&known))
}
