//! Task. Holds as pages and commands show them, and what of them somebody has to look at. Blocking.

use std::collections::BTreeMap;

use shared::{
    id::{BoxName, HoldId},
    promise,
    schema::message::Hello,
    time::{Utc, Zone},
    wire::Fault,
};

use super::{
    due::{self, Warning},
    find, plain,
    rows::{HoldRow, ReleaseRow},
};
use crate::{
    db::{holds::HoldRecord, visible::VisibleRows},
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
};

/// What is over is shown so long.
const OVER_MS: i64 = 7 * 86_400_000;

/// What boxes said of themselves, each asked for once.
struct Hellos<'a> {
    hub: &'a Hub,
    known: BTreeMap<BoxName, Option<(Hello, Zone)>>,
}

impl<'a> Hellos<'a> {
    fn of(hub: &'a Hub) -> Self {
        Self {
            hub,
            known: BTreeMap::new(),
        }
    }

    /// How long the camera's box keeps footage, as it last said, and by which clock on the wall.
    fn keeps(&mut self, h: &HoldRecord) -> Result<Option<(u32, &Zone)>, HubError> {
        let name = &h.camera.r#box;
        if !self.known.contains_key(name) {
            let record = self.hub.db.box_named(name).map_err(plain)?;
            let hello = record.and_then(|b| b.hello);
            let zoned = hello.and_then(|h| Zone::parse(&h.zone).ok().map(|zone| (h, zone)));
            self.known.insert(name.clone(), zoned);
        }
        let known = self.known.get(name).and_then(Option::as_ref);
        Ok(known.map(|(hello, zone)| {
            let own = hello.camera(&h.camera.cam);
            (own.map_or(hello.retention_days, |c| hello.days(c)), zone)
        }))
    }
}

fn due(hub: &Hub, hellos: &mut Hellos<'_>, h: &HoldRecord) -> Result<Option<Utc>, HubError> {
    let Some((days, zone)) = hellos.keeps(h)? else {
        return Ok(None);
    };
    // By the day it was recorded under; before its lines have come, by the day it is likely to be.
    let spans = hub.db.spans(&h.camera, h.t0, h.t1)?;
    let recorded = spans.iter().map(|s| s.day).min();
    let day = recorded.unwrap_or_else(|| zone.day_of(h.t0));
    Ok(Some(promise::due(day, days, zone)))
}

/// `due`: when the first of its footage is deleted without it.
fn warnings(hub: &Hub, h: &HoldRecord, due: Option<Utc>, now: Utc) -> Vec<Warning> {
    if !h.standing.state.alive() {
        return Vec::new();
    }
    let zone = &hub.config.zone;
    due::warnings(&h.standing, h.made, h.review, due, zone, now)
}

pub fn row(hub: &Hub, h: HoldRecord) -> Result<HoldRow, HubError> {
    shown(hub, &mut Hellos::of(hub), h)
}

fn shown(hub: &Hub, hellos: &mut Hellos<'_>, h: HoldRecord) -> Result<HoldRow, HubError> {
    let now = hub.now();
    let text = |hash: &str| hub.db.side_text(hash).map_err(plain);
    let alive = h.standing.state.alive();
    let due = match alive {
        true => due(hub, hellos, &h)?,
        false => None,
    };
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
        due: due.filter(|_| h.standing.told.is_none()),
        online: hub.live.online(&h.camera.r#box),
        warnings: warnings(hub, &h, due, now)
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
pub fn list(
    hub: &Hub,
    seen: &VisibleRows,
    name: Option<&BoxName>,
    all: bool,
    part: &Part,
) -> Result<Rows<HoldRow>, HubError> {
    let since = match all {
        true => Utc(0),
        false => hub.now().plus_ms(-OVER_MS),
    };
    let after = part.after(|text| HoldId::parse(text).ok())?;
    let (after, limit) = (after.map(|h| h.0), part.limit());
    let found = hub.db.holds_page(seen, name, since, after, limit + 1)?;
    let mut hellos = Hellos::of(hub);
    Rows::cut(found, limit, |h| h.id.to_string()).try_map(|h| shown(hub, &mut hellos, h))
}

pub fn one(hub: &Hub, id: HoldId) -> Result<HoldRow, HubError> {
    row(hub, find(hub, id)?)
}

/// What the hub itself finds: holds that no box has placed in time, that end soon, or that were to be looked at again. One fault for a
/// camera and a code, the oldest; the text names every hold it is about.
pub fn faults(hub: &Hub, now: Utc) -> Result<Vec<(BoxName, Fault)>, HubError> {
    let mut out: Vec<(BoxName, Fault)> = Vec::new();
    let mut hellos = Hellos::of(hub);
    for h in hub.db.holds(None).map_err(plain)? {
        let due = due(hub, &mut hellos, &h)?;
        for w in warnings(hub, &h, due, now) {
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
