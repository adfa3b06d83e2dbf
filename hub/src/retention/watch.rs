//! Task. Certificates that are missing or failed become faults of the hub's own, on its record, within a day (FLT-3).
//!
//! It looks at every box at the start and each hour, and at one box when its log spoke of deletions. Judging reads only camera-days
//! whose deletion is not on record as good: the days a box keeps, however long the hub has been there.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::Utc,
};

use super::{
    gather,
    promise::DayVerdict,
    report::{CameraDay, Facts},
};
use crate::{
    blocking::blocking,
    db::{
        boxes::BoxRecord,
        faults::{FaultSubject, FoundFault},
    },
    error::{HubError, plain},
    faults::{self, reports},
    hub::Hub,
};

/// No certificate, a day after its time.
pub const MISSING: &str = "retention.certificate";
/// A certificate that says of itself that it failed.
pub const FAILED: &str = "retention.certificate-failed";

const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// After a start boxes need a while to come back and send what the hub missed: until then nobody is called silent.
const SETTLE: Duration = Duration::from_secs(600);
/// The lines of one sweep come within seconds: they are judged together.
const TOGETHER: Duration = Duration::from_secs(2);

pub async fn run(hub: Arc<Hub>) {
    let d = hub.clone();
    if let Ok(Err(e)) = blocking(move || d.logs.catch_up_all()).await {
        tracing::error!("the index of box logs: {}", e.why);
    }
    let began = (hub.now(), tokio::time::Instant::now());
    let mut news = hub.live.deletions();
    let mut next = began.1;
    loop {
        let settling = began.1.elapsed() < SETTLE;
        let which = if tokio::time::Instant::now() >= next {
            // The second look comes when boxes have had their while.
            let wait = if settling { SETTLE } else { LOOK_EVERY };
            next = tokio::time::Instant::now() + wait;
            hub.live.take_deletions();
            None
        } else {
            Some(hub.live.take_deletions())
        };
        let (d, since) = (hub.clone(), settling.then_some(began.0));
        match blocking(move || look(&d, which.as_ref(), since)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!("certificates could not be judged: {e}"),
            Err(_) => return,
        }
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            rung = news.changed() => {
                if rung.is_err() {
                    return;
                }
                tokio::time::sleep(TOGETHER).await;
                news.mark_unchanged();
            }
        }
    }
}

/// Judges these boxes, or all, and puts what began and ended on the record. `since`: boxes not heard since then are left as they were.
pub fn look(
    hub: &Hub,
    which: Option<&BTreeSet<BoxName>>,
    since: Option<Utc>,
) -> Result<(), HubError> {
    let boxes: Vec<BoxRecord> = match which {
        None => hub.db.boxes().map_err(plain)?,
        Some(names) => names
            .iter()
            .filter_map(|n| hub.db.box_named(n).transpose())
            .collect::<Result<_, _>>()
            .map_err(plain)?,
    };
    let mut failed = None;
    for b in boxes {
        // What is wrong with one box keeps no fault of another from being raised.
        if let Err(e) = look_at(hub, &b, since) {
            tracing::error!("certificates of box {} could not be judged: {e}", b.name);
            failed = Some(e);
        }
    }
    failed.map_or(Ok(()), Err)
}

fn look_at(hub: &Hub, b: &BoxRecord, since: Option<Utc>) -> Result<(), HubError> {
    reports::look(hub, &b.name)?;
    let facts = gather::unsettled(hub, b).map_err(plain)?;
    if since.is_some_and(|t| facts.heard.upto.is_none_or(|heard| heard < t)) {
        return Ok(());
    }
    let log = hub.db.newest_log(&b.name).map_err(plain)?;
    let Some(log) = log else { return Ok(()) };
    let found = found(&facts, &log.origin);
    let mine = |f: &FoundFault| {
        let of_box = matches!(&f.about, FaultSubject::Camera(c) if c.r#box == b.name);
        of_box && [MISSING, FAILED].contains(&f.code.as_str())
    };
    faults::settle(hub, mine, &found)
}

/// The faults of a box as they are now.
fn found(facts: &Facts, log: &str) -> Vec<FoundFault> {
    // What a box that is refused still has is no news that its log could bring.
    if facts.revoked {
        return Vec::new();
    }
    let cams: BTreeSet<CameraId> = facts
        .days
        .iter()
        .map(|d| d.cam.clone())
        .chain(facts.newest.iter().map(|c| c.cam.clone()))
        .collect();
    let mut out = Vec::new();
    for cam in cams {
        let days = facts.camera_days(&cam);
        for (code, is) in [
            (
                MISSING,
                (|s| matches!(s, DayVerdict::Missing { .. })) as fn(&DayVerdict) -> bool,
            ),
            (FAILED, |s| matches!(s, DayVerdict::Failing(_))),
        ] {
            let bad: Vec<&CameraDay> = days.iter().filter(|d| is(&d.standing)).collect();
            let Some(first) = bad.first() else { continue };
            let more = match bad.len() {
                1 => String::new(),
                n => format!(" (and {} more days)", n - 1),
            };
            out.push(FoundFault {
                about: FaultSubject::Camera(BoxCamera {
                    r#box: facts.r#box.clone(),
                    cam: cam.clone(),
                }),
                code: code.into(),
                log: log.into(),
                since: facts.heard.now,
                text: format!(
                    "footage of {}: {}{more}",
                    first.day,
                    first.standing.text(&facts.zone)
                ),
            });
        }
    }
    out
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
