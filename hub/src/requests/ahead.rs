//! Task. How much a clip is, and when it will be there: what the boxes' logs say of its segments, over what their lines were measured to
//! carry. Blocking.

use serde::{Deserialize, Serialize};
use shared::{id::BoxCamera, time::Utc};
use utoipa::ToSchema;

use crate::{
    db::requests::RequestRecord,
    error::{HubError, plain},
    hub::Hub,
    model::line::Forecast,
};

/// What a clip would be, before it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ahead {
    /// Segments that are known of it; the newest minute may not be yet.
    pub segments: u64,
    #[serde(flatten)]
    pub forecast: Forecast,
}

/// Whole segments come, so there is more of it than was asked for.
pub fn of_span(
    hub: &Hub,
    camera: &BoxCamera,
    (t0, t1): (Utc, Utc),
    urgent: bool,
) -> Result<Ahead, HubError> {
    let known = hub.db.segments(camera, t0, t1).map_err(plain)?;
    let there = known.iter().filter(|s| s.gone.is_none());
    let (mut segments, mut bytes) = (0, 0u64);
    for s in there {
        segments += 1;
        bytes = bytes.saturating_add(footage::sealed::sealed_len(s.size));
    }
    let (now, zone) = (hub.now(), &hub.config.zone);
    let lines = &hub.pulls.lines;
    Ok(Ahead {
        segments,
        forecast: lines.forecast(&camera.r#box, "", bytes, urgent, now, zone),
    })
}

/// What is still to come of a pull; None: it is over.
pub fn of_pull(hub: &Hub, row: &RequestRecord) -> Result<Option<Forecast>, HubError> {
    if row.state.over() {
        return Ok(None);
    }
    let listed = hub.db.request_segments(row.r#ref.as_str()).map_err(plain)?;
    if listed.is_empty() {
        let ahead = of_span(hub, &row.camera, (row.t0, row.t1), row.urgent)?;
        return Ok(Some(ahead.forecast));
    }
    let left = listed.iter().filter(|s| !s.done);
    let left = left.fold(0u64, |sum, s| sum.saturating_add(s.sealed));
    let part = hub
        .pulls
        .last(row.r#ref.as_str())
        .map(|p| p.total.saturating_sub(p.bytes));
    let left = part
        .filter(|part| *part > 0)
        .map_or(left, |part| part.min(left));
    let (now, zone) = (hub.now(), &hub.config.zone);
    let lines = &hub.pulls.lines;
    let name = &row.camera.r#box;
    let of = lines.forecast(name, row.r#ref.as_str(), left, row.urgent, now, zone);
    Ok(Some(of))
}

/// Bytes of a pull that came and are kept: segments that are whole, and of the one under way what there is of it.
pub fn kept(hub: &Hub, row: &RequestRecord) -> Result<u64, HubError> {
    let listed = hub.db.request_segments(row.r#ref.as_str()).map_err(plain)?;
    let whole = listed.iter().filter(|s| s.done);
    let whole = whole.fold(0u64, |sum, s| sum.saturating_add(s.sealed));
    let live = hub.pulls.last(row.r#ref.as_str()).map_or(0, |p| p.bytes);
    Ok(whole.max(live))
}
