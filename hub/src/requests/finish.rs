//! Task. The last step of a pull: what came is registered, what is missing is said, and the package is made. Blocking.

use shared::types::CopyMade;

use super::{
    Progress, ended,
    fetch::{Ended, Try, again, odd, ours, said_in_log},
    rules::{self, State},
};
use crate::{desk::Desk, evidence};

/// All segments are here and checked: register the masters, make the package. Blocking.
pub(super) fn finish(desk: &Desk, exhibit: &str) -> Try<(State, String)> {
    let row = desk
        .db
        .request(exhibit)
        .map_err(again)?
        .ok_or_else(|| ours("the request is gone"))?;
    let segments = desk.db.request_segments(exhibit).map_err(again)?;
    let logged = segments
        .iter()
        .map(|s| said_in_log(desk, &row, s))
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
        desk.log.append(&row.who, &line).map_err(again)?;
    }
    let spans: Vec<_> = logged.iter().map(|l| (l.t0, l.t1)).collect();
    let missing = rules::missing(&spans, row.t0, row.t1);
    let numbers: Vec<u64> = logged.iter().map(|l| l.s).collect();
    let holes = rules::holes(&numbers);
    let known = desk
        .db
        .segments(&row.camera, row.t0, row.t1)
        .map_err(again)?;
    let footage = row.footage.as_deref().unwrap_or_default();
    let unproven = ended::unproven_from(desk, &row, logged.last()).map_err(odd)?;
    let parts = [
        rules::shortfall(&missing, &desk.config.zone, footage, &known, unproven),
        rules::left_out(&holes, &known),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let short = (!parts.is_empty()).then(|| parts.join("; "));
    let made = evidence::make(desk, &row, &logged, short.clone(), holes).map_err(ours)?;
    let absent = rules::absent(&missing, footage, &known, unproven);
    desk.db.put_missing(exhibit, &absent).map_err(again)?;
    desk.db
        .request_package(exhibit, &made.folder.to_string_lossy())
        .map_err(again)?;
    if let Some(last) = desk.pulls.last(exhibit) {
        desk.pulls.tell(Progress {
            package: Some(made.folder.to_string_lossy().into_owned()),
            ..last
        });
    }
    Ok(match short {
        None => (State::Ready, String::new()),
        Some(why) => (State::Partial, why),
    })
}
