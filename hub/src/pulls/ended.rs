//! Wiring. A clip out of a log that has ended (a fork, a successor): what of it can be proved.
use shared::{order::PullSegment, time::Utc};

use crate::{
    db::{DbError, requests::RequestRecord},
    hub::Hub,
    reason::PullReason,
    transfer::{self, LoggedSegment},
};

/// Of a log that has ended the hub holds what it countersigned, and nothing more comes: where another box, or the same disk put back, went on
/// with it, what this box recorded under it afterwards is under no countersigned head, and is left out.
pub(super) fn proven(
    hub: &Hub,
    row: &RequestRecord,
    footage: &str,
    mut segments: Vec<PullSegment>,
) -> Result<Result<Vec<PullSegment>, PullReason>, DbError> {
    let Some(held) = hub.db.log(footage)? else {
        let log = footage.into();
        return Ok(Err(PullReason::LogNotHeld { log }));
    };
    let copy = hub.logs.folder_of(footage);
    let Some(copy) = copy else {
        let log = footage.into();
        return Ok(Err(PullReason::LogNameOdd { log }));
    };
    segments.retain(|s| {
        s.n < held.size
            && transfer::logged(&copy, s.n, &row.camera.cam, s.s)
                .is_ok_and(|logged| transfer::announced(s.sealed, &logged).is_ok())
    });
    if segments.is_empty() {
        return Ok(Err(PullReason::NothingProven {
            log: footage.into(),
            lines: held.size,
        }));
    }
    Ok(Ok(segments))
}

/// Where the log of the footage has ended, and the box handed out more than the hub countersigned of it: the end of what there is.
pub(super) fn unproven_from(
    hub: &Hub,
    row: &RequestRecord,
    last: Option<&LoggedSegment>,
) -> Result<Option<Utc>, PullReason> {
    let (Some((log, n)), Some(last)) = (&row.line, last) else {
        return Ok(None);
    };
    if row.footage.as_ref() == Some(log) {
        return Ok(None);
    }
    let copy = hub.logs.folder_of(log);
    let copy = copy.ok_or_else(|| PullReason::LogNameOdd { log: log.clone() })?;
    let (_, s1) = transfer::handed_out(&copy, *n)?;
    Ok((s1 > last.s).then_some(last.t1))
}
