//! Task. Holds as pages and commands show them, and what of them somebody has to look at. Blocking.

use shared::{
    id::{BoxName, HoldId},
    promise,
    time::{Utc, Zone},
    wire::Fault,
};

use super::{
    due::{self, Warning},
    find, plain,
    rows::{HoldRow, ReleaseRow},
};
use crate::{db::holds::HoldRecord, desk::Desk, error::HubError};

/// What is over is shown so long.
const OVER_MS: i64 = 7 * 86_400_000;

/// How long the camera's box keeps footage, as it last said, and by which clock on the wall.
fn keeps(desk: &Desk, h: &HoldRecord) -> Result<Option<(u32, Zone)>, HubError> {
    let record = desk.db.box_named(&h.camera.r#box).map_err(plain)?;
    let Some(hello) = record.and_then(|b| b.hello) else {
        return Ok(None);
    };
    let own = hello.camera(&h.camera.cam);
    let days = own.map_or(hello.retention_days, |c| hello.days(c));
    Ok(Zone::parse(&hello.zone).ok().map(|zone| (days, zone)))
}

fn due(desk: &Desk, h: &HoldRecord) -> Result<Option<Utc>, HubError> {
    let Some((days, zone)) = keeps(desk, h)? else {
        return Ok(None);
    };
    // By the day it was recorded under; before its lines have come, by the day it is likely to be.
    let spans = desk.db.spans(&h.camera, h.t0, h.t1)?;
    let recorded = spans.iter().map(|s| s.day).min();
    let day = recorded.unwrap_or_else(|| zone.day_of(h.t0));
    Ok(Some(promise::due(day, days, &zone)))
}

fn warnings(desk: &Desk, h: &HoldRecord, now: Utc) -> Result<Vec<Warning>, HubError> {
    if !h.standing.state.alive() {
        return Ok(Vec::new());
    }
    let zone = &desk.config.zone;
    Ok(due::warnings(
        &h.standing,
        h.made,
        h.review,
        due(desk, h)?,
        zone,
        now,
    ))
}

pub fn row(desk: &Desk, h: HoldRecord) -> Result<HoldRow, HubError> {
    let now = desk.now();
    let text = |hash: &str| desk.db.side_text(hash).map_err(plain);
    let alive = h.standing.state.alive();
    let release = h.drop.as_ref().filter(|_| alive).map(|d| {
        Ok::<_, HubError>(ReleaseRow {
            by: d.by.clone(),
            reason: text(&d.reason)?,
            made: d.made,
        })
    });
    Ok(HoldRow {
        hold: h.id,
        camera: h.camera.to_string(),
        t0: h.t0,
        t1: h.t1,
        state: h.standing.state.word().into(),
        ended: h.standing.state.ended().map(|e| e.as_str().into()),
        until: h.standing.until,
        days_left: alive.then(|| (h.standing.ends().0 - now.0).max(0) / 86_400_000),
        review: h.review,
        segments: h.standing.segments,
        bytes: h.standing.bytes,
        full: h.standing.full,
        why: h.standing.why.clone(),
        due: match alive && h.standing.told.is_none() {
            true => due(desk, &h)?,
            false => None,
        },
        online: desk.live.online(&h.camera.r#box),
        warnings: warnings(desk, &h, now)?
            .into_iter()
            .map(|w| w.text)
            .collect(),
        reason: text(&h.reason)?,
        authority: text(&h.authority)?,
        reference: text(&h.reference)?,
        exhibit: h.exhibit.clone(),
        by: h.who.clone(),
        made: h.made,
        release: release.transpose()?,
        freed: h.freed.clone(),
    })
}

/// Oldest first: those that are not over, and those that ended in the last week, or all.
pub fn list(desk: &Desk, name: Option<&BoxName>, all: bool) -> Result<Vec<HoldRow>, HubError> {
    let since = match all {
        true => Utc(0),
        false => desk.now().plus_ms(-OVER_MS),
    };
    let rows = desk.db.holds(Some(since)).map_err(plain)?;
    rows.into_iter()
        .filter(|h| name.is_none_or(|n| h.camera.r#box == *n))
        .map(|h| row(desk, h))
        .collect()
}

pub fn one(desk: &Desk, id: HoldId) -> Result<HoldRow, HubError> {
    row(desk, find(desk, id)?)
}

/// What the hub itself finds: holds that no box has placed in time, that end soon, or that were to be looked at again. One fault for a
/// camera and a code, the oldest; the text names every hold it is about.
pub fn faults(desk: &Desk, now: Utc) -> Result<Vec<(BoxName, Fault)>, HubError> {
    let mut out: Vec<(BoxName, Fault)> = Vec::new();
    for h in desk.db.holds(None).map_err(plain)? {
        for w in warnings(desk, &h, now)? {
            let text = format!("hold {}: {}", h.id, w.text);
            let same = out.iter_mut().find(|(name, f)| {
                *name == h.camera.r#box && f.cam.as_ref() == Some(&h.camera.cam) && f.code == w.code
            });
            match same {
                Some((_, f)) => {
                    f.since = f.since.min(w.since);
                    f.text += &format!("; {text}");
                }
                None => out.push((
                    h.camera.r#box.clone(),
                    Fault {
                        code: w.code.into(),
                        cam: Some(h.camera.cam.clone()),
                        since: w.since,
                        text,
                    },
                )),
            }
        }
    }
    Ok(out)
}
