//! Task. Boxes as they stand, worst first, kept from one look to the next: a box that said nothing new is neither read nor judged again.
//! Blocking.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use shared::{
    id::BoxName,
    standing::{self, BoxOrder, BoxStanding, CameraStanding},
    wire::Fault,
};

use crate::{
    db::{
        boxes::{BoxRecord, BoxStamp},
        faults::FaultSubject,
        logs::LogRecord,
        spots::SpotRecord,
    },
    error::{HubError, plain},
    hub::{
        Hub,
        standings::{BoxSurroundings, KnownBox, Standings},
    },
    rows::{BoxRow, CameraRow, LineRow, SpotRow},
};

/// So many boxes that said something are read one by one; more of them all at once.
const FEW: usize = 100;

/// Where a box comes among all.
pub type Rank = (BoxOrder, BoxName);

pub fn rank(row: &BoxRow) -> Rank {
    (standing::box_order(&row.standing), row.name.clone())
}

/// Every box as its last report, its log and the hub itself have it.
pub fn worst_first(hub: &Hub, standings: &Standings) -> Result<Vec<Arc<BoxRow>>, HubError> {
    let mut known = standings.0.lock().unwrap_or_else(PoisonError::into_inner);
    let stamps = hub.db.box_stamps().map_err(plain)?;
    let stale =
        |name: &BoxName, stamp: &BoxStamp| known.get(name).is_none_or(|k| k.stamp != *stamp);
    let stale: Vec<&BoxName> = stamps
        .iter()
        .filter(|(name, stamp)| stale(name, stamp))
        .map(|(name, _)| name)
        .collect();
    let mut read = BTreeMap::new();
    if stale.len() > FEW {
        let all = hub.db.boxes().map_err(plain)?;
        read.extend(all.into_iter().map(|b| (b.name.clone(), b)));
    } else {
        for name in stale {
            match hub.db.box_named(name) {
                Ok(one) => read.extend(one.map(|b| (b.name.clone(), b))),
                Err(e) if e.of_a_row() => {
                    tracing::warn!(%name, "a box is shown as it was known last: {e}");
                }
                Err(e) => return Err(plain(e)),
            }
        }
    }
    let mut logs = hub.db.newest_logs().map_err(plain)?;
    let mut spots = hub.db.newest_spots().map_err(plain)?;
    let mut found = found(hub)?;
    let mut before = std::mem::take(&mut *known);
    for (name, stamp) in stamps {
        let around = around(
            hub,
            &name,
            logs.remove(name.as_str()),
            spots.remove(name.as_str()),
            found.remove(&name).unwrap_or_default(),
        );
        let before = before.remove(&name);
        let row = match (read.remove(&name), before) {
            (None, Some(before)) if before.around == around => before,
            (None, None) => continue,
            (Some(record), _) => judged(stamp, around, Arc::new(record)),
            (None, Some(before)) => judged(stamp, around, before.record),
        };
        known.insert(name, row);
    }
    let mut rows: Vec<Arc<BoxRow>> = known.values().map(|k| k.row.clone()).collect();
    drop(known);
    rows.sort_by_cached_key(|row| rank(row));
    Ok(rows)
}

/// One box. None: there is no such box.
pub fn one(hub: &Hub, name: &BoxName) -> Result<Option<BoxRow>, HubError> {
    let Some(record) = hub.db.box_named(name).map_err(plain)? else {
        return Ok(None);
    };
    let log = hub.db.newest_log(name).map_err(plain)?;
    let spot = hub.db.newest_spot(name).map_err(plain)?;
    let found = found(hub)?.remove(name).unwrap_or_default();
    let around = around(hub, name, log, spot, found);
    Ok(Some(row(&record, &around)))
}

/// What the hub found about boxes and their cameras.
fn found(hub: &Hub) -> Result<BTreeMap<BoxName, Vec<Fault>>, HubError> {
    let mut all: BTreeMap<BoxName, Vec<Fault>> = BTreeMap::new();
    for f in hub.db.found_faults().map_err(plain)? {
        let (name, cam) = match f.about {
            FaultSubject::Camera(c) => (c.r#box, Some(c.cam)),
            FaultSubject::Box(name) => (name, None),
            FaultSubject::Evidence(_) | FaultSubject::Disk(_) | FaultSubject::Outside(_) => {
                continue;
            }
        };
        all.entry(name).or_default().push(Fault {
            code: f.code,
            cam,
            since: f.since,
            text: f.text,
        });
    }
    Ok(all)
}

fn around(
    hub: &Hub,
    name: &BoxName,
    log: Option<LogRecord>,
    spot: Option<SpotRecord>,
    found: Vec<Fault>,
) -> BoxSurroundings {
    let troubles = hub.logs.troubles(name).into_iter().map(|t| Fault {
        code: t.condition.into(),
        cam: None,
        since: t.since,
        text: match t.times {
            1 => t.text,
            n => format!("{} ({n} times)", t.text),
        },
    });
    BoxSurroundings {
        online: hub.live.online(name),
        log,
        spot,
        faults: troubles.chain(found).collect(),
        line: line(hub, name),
    }
}

/// What clips may use of a box's line, and what it was measured to carry.
pub fn line(hub: &Hub, name: &BoxName) -> LineRow {
    let wish = hub.pulls.lines.wish(name);
    LineRow {
        most_kbit: wish.most_kbit,
        hours: wish.hours.map(Into::into),
        measured_kbit: hub.pulls.lines.measured(name),
    }
}

fn judged(stamp: BoxStamp, around: BoxSurroundings, record: Arc<BoxRecord>) -> KnownBox {
    KnownBox {
        row: Arc::new(row(&record, &around)),
        stamp,
        around,
        record,
    }
}

fn row(b: &BoxRecord, around: &BoxSurroundings) -> BoxRow {
    let log = around.log.as_ref();
    let mut row = BoxRow {
        online: around.online,
        line: around.line.clone(),
        name: b.name.clone(),
        state: b.state.clone(),
        sw: None,
        last_seen: b.last_seen,
        reported: None,
        free_mib: None,
        retention_days: None,
        cameras: Vec::new(),
        faults: Vec::new(),
        lines: log.map_or(0, |l| l.size),
        countersigned: log.filter(|l| l.size > 0).map(|l| l.cosigned),
        dispute: log.and_then(|l| {
            let code = l.dispute.as_ref()?;
            Some(format!("{code}: {}", l.why.as_deref().unwrap_or_default()))
        }),
        spot: around.spot.clone().map(|s| SpotRow {
            day: s.day,
            t: s.t,
            cam: s.cam,
            s: s.s,
            wrong: s.wrong,
        }),
        standing: BoxStanding::default(),
    };
    if let Some(hello) = &b.hello {
        row.sw = Some(hello.sw.clone());
        row.retention_days = Some(hello.retention_days);
        let cameras = hello.cameras.iter().map(|c| CameraRow {
            cam: c.cam.clone(),
            title: c.title.clone(),
            masked: c.masked,
            flow: None,
            standing: CameraStanding::default(),
            stands_secs: c.lapse_secs,
            rate: None,
        });
        row.cameras = cameras.collect();
    }
    if let Some(health) = &b.health {
        row.reported = Some(health.time);
        row.free_mib = Some(health.free_mib);
        row.faults = health.faults.clone();
        for h in &health.cameras {
            if let Some(c) = row.cameras.iter_mut().find(|c| c.cam == h.cam) {
                c.flow = Some(h.flow.clone());
                c.stands_secs = h.stands_secs.or(c.stands_secs);
                c.rate = h.rate.clone().filter(|_| around.online);
            }
        }
    }
    row.faults.extend(around.faults.iter().cloned());
    row.judged()
}
