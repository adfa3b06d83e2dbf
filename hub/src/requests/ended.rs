//! Wiring. A clip out of a log that has ended (a fork, a successor): what of it can be proved.
use shared::{order::PullSegment, time::Utc};

use super::transfer::{self, Logged};
use crate::{
    db::{DbError, requests::RequestRecord},
    hub::Hub,
};

/// Of a log that has ended the hub holds what it countersigned, and nothing more comes: where another box, or the same disk put back, went on
/// with it, what this box recorded under it afterwards is under no countersigned head, and is left out.
pub(super) fn proven(
    hub: &Hub,
    row: &RequestRecord,
    footage: &str,
    mut segments: Vec<PullSegment>,
) -> Result<Result<Vec<PullSegment>, String>, DbError> {
    let Some(held) = hub.db.log(footage)? else {
        return Ok(Err(format!(
            "what is asked for was recorded under {footage}, of which this hub holds nothing: nothing can be proved of it; it stays on the box's disks until its day"
        )));
    };
    let copy = hub.logs.folder_of(footage);
    let Some(copy) = copy else {
        return Ok(Err("the box log's name is odd".into()));
    };
    segments.retain(|s| {
        s.n < held.size
            && transfer::logged(&copy, s.n, &row.camera.cam, s.s)
                .is_ok_and(|logged| transfer::announced(s.sealed, &logged).is_ok())
    });
    if segments.is_empty() {
        return Ok(Err(format!(
            "what the box has of the time asked for is not among the {} lines of {footage} that this hub countersigned: another box, or its own disk put back, had gone on with that log in its place. It stays on the box's disks until its day, and nothing can be proved of it",
            held.size
        )));
    }
    Ok(Ok(segments))
}

/// Where the log of the footage has ended, and the box handed out more than the hub countersigned of it: the end of what there is.
pub(super) fn unproven_from(
    hub: &Hub,
    row: &RequestRecord,
    last: Option<&Logged>,
) -> Result<Option<Utc>, String> {
    let (Some((log, n)), Some(last)) = (&row.line, last) else {
        return Ok(None);
    };
    if row.footage.as_ref() == Some(log) {
        return Ok(None);
    }
    let copy = hub.logs.folder_of(log);
    let copy = copy.ok_or("the box log's name is odd")?;
    let (_, s1) = transfer::handed_out(&copy, *n)?;
    Ok((s1 > last.s).then_some(last.t1))
}
