//! Task. What the hub knows of a camera and a span, gathered for a rule. Blocking.

use shared::{id::BoxCamera, time::Utc};

use super::KnownFootage;
use crate::{
    error::{HubError, plain},
    hub::Hub,
};

/// Gathers what is known of a camera and a span, and hands it to a rule.
pub fn with_known<T>(
    hub: &Hub,
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    rule: impl FnOnce(&KnownFootage<'_>) -> T,
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
    let known = KnownFootage {
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
