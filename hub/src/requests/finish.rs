//! Task. The last step of a pull: what came is registered, what is missing is said, and the package is made. Blocking.

use shared::types::CopyMade;

use super::{
    Progress,
    bytes::said_in_log,
    ended,
    fetch::{Ended, Try, again, odd, ours},
    rules::{self, State},
};
use crate::{evidence, hub::Hub};

/// All segments are here and checked: register the masters, make the package. Blocking.
pub(super) fn finish(hub: &Hub, exhibit: &str) -> Try<(State, String)> {
    let row = hub
        .db
        .request(exhibit)
        .map_err(again)?
        .ok_or_else(|| ours("the request is gone"))?;
    let segments = hub.db.request_segments(exhibit).map_err(again)?;
    let logged = segments
        .iter()
        .map(|s| said_in_log(hub, &row, s))
        .collect::<Result<Vec<_>, _>>()
        .map_err(odd)?;
    if row.state.over() {
        return Err(Ended::Over(row.state, row.reason, row.why));
    }
    for l in &logged {
        let line = CopyMade {
            r#ref: exhibit.into(),
            cam: row.camera.cam.clone(),
            what: "master".into(),
            sha256: l.sha256.clone(),
        };
        hub.log.append(&row.who, &line).map_err(again)?;
    }
    let spans: Vec<_> = logged.iter().map(|l| (l.t0, l.t1)).collect();
    let missing = rules::missing(&spans, row.t0, row.t1);
    let numbers: Vec<u64> = logged.iter().map(|l| l.s).collect();
    let holes = rules::holes(&numbers);
    let known = hub
        .db
        .segments(&row.camera, row.t0, row.t1)
        .map_err(again)?;
    let footage = row.footage.as_deref().unwrap_or_default();
    let unproven = ended::unproven_from(hub, &row, logged.last()).map_err(odd)?;
    let parts = [
        rules::shortfall(&missing, &hub.config.zone, footage, &known, unproven),
        rules::left_out(&holes, &known),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let short = (!parts.is_empty()).then(|| parts.join("; "));
    let made = evidence::make(hub, &row, &logged, short.clone(), holes);
    let made = made.map_err(|e| match e.passes() {
        true => again(e),
        false => ours(e),
    })?;
    let absent = rules::absent(&missing, footage, &known, unproven);
    hub.db.put_missing(exhibit, &absent).map_err(again)?;
    hub.db
        .request_package(exhibit, &made.folder.to_string_lossy())
        .map_err(again)?;
    if let Some(last) = hub.pulls.last(exhibit) {
        hub.pulls.tell(Progress {
            package: Some(made.folder.to_string_lossy().into_owned()),
            ..last
        });
    }
    Ok(match short {
        None => (State::Ready, String::new()),
        Some(why) => (State::Partial, why),
    })
}
