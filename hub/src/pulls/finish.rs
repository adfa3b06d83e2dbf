//! Task. The last step of a pull: what came is registered, what is missing is said, and the package is made. Blocking.

use shared::types::CopyMade;

use super::{
    bytes::said_in_log,
    ended,
    outcome::{PullEnd, PullResult, broken, odd, ours, unpacked},
};
use crate::{
    coverage, evidence,
    hub::{Hub, pulls::Progress},
    model::pull::State,
    reason::PullReason,
    words,
};

/// All segments are here and checked: register the masters, make the package. Blocking.
pub(super) fn finish(hub: &Hub, exhibit: &str) -> PullResult<(State, Vec<PullReason>)> {
    let row = hub.db.request(exhibit).map_err(broken)?;
    let row = row.ok_or_else(|| ours(PullReason::RequestGone))?;
    let segments = hub.db.request_segments(exhibit).map_err(broken)?;
    let logged = segments
        .iter()
        .map(|s| said_in_log(hub, &row, s))
        .collect::<Result<Vec<_>, _>>()
        .map_err(odd)?;
    if row.state.over() {
        return Err(PullEnd::Over(row.state, row.reason, row.why));
    }
    for l in &logged {
        let line = CopyMade {
            r#ref: exhibit.into(),
            cam: row.camera.cam.clone(),
            what: "master".into(),
            sha256: l.sha256.clone(),
        };
        hub.log.append(&row.who, &line).map_err(broken)?;
    }
    let spans: Vec<_> = logged.iter().map(|l| (l.t0, l.t1)).collect();
    let missing = coverage::missing(&spans, row.t0, row.t1);
    let numbers: Vec<u64> = logged.iter().map(|l| l.s).collect();
    let holes = coverage::holes(&numbers);
    let known = hub
        .db
        .segments(&row.camera, row.t0, row.t1)
        .map_err(broken)?;
    let footage = row.footage.as_deref().unwrap_or_default();
    let unproven = ended::unproven_from(hub, &row, logged.last()).map_err(odd)?;
    let mut short = coverage::shortfall(&missing, footage, &known, unproven);
    short.extend(coverage::left_out(&holes, &known));
    // In the package stands what was said of it then, in words.
    let said = (!short.is_empty()).then(|| words::pulls(&short, &hub.config.zone));
    let made = evidence::make(hub, &row, &logged, said, holes).map_err(unpacked)?;
    let absent = coverage::absent(&missing, footage, &known, unproven);
    hub.db.put_missing(exhibit, &absent).map_err(broken)?;
    hub.db
        .request_package(exhibit, &made.folder.to_string_lossy())
        .map_err(broken)?;
    if let Some(last) = hub.pulls.last(exhibit) {
        hub.pulls.tell(Progress {
            package: Some(made.folder.to_string_lossy().into_owned()),
            ..last
        });
    }
    Ok(match short.is_empty() {
        true => (State::Ready, Vec::new()),
        false => (State::Partial, short),
    })
}
