//! Task. What is known of a box's footage and deletions, taken together for the report and for the watch. Blocking.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Day, Utc, Zone},
};

use super::{
    promise::{Horizon, Policy},
    report::{self, BEYOND, CameraPage, Facts, Report},
};
use crate::{
    db::{DbError, boxes::BoxRecord, retention::DayRecord},
    error::{HubError, plain},
    hub::Hub,
    list::Part,
    reason::Footage,
};

/// Days a camera's own page goes back.
const PAGE_DAYS: i32 = 400;

/// What a box said of itself.
struct BoxReport {
    zone: Zone,
    zone_name: String,
    titles: BTreeMap<CameraId, String>,
    policies: BTreeMap<CameraId, Policy>,
}

fn said(hub: &Hub, b: &BoxRecord) -> Result<BoxReport, DbError> {
    let mut out = BoxReport {
        zone: hub.config.zone.clone(),
        zone_name: hub.config.zone_name.clone(),
        titles: BTreeMap::new(),
        policies: BTreeMap::new(),
    };
    if let Some(hello) = &b.hello {
        if let Ok(parsed) = Zone::parse(&hello.zone) {
            (out.zone, out.zone_name) = (parsed, hello.zone.clone());
        }
        for c in &hello.cameras {
            let days = hello.days(c);
            // As long as no rule was noted, the one named stands for all time.
            let policy = Policy {
                rules: vec![(Utc(0), days)],
                zone: out.zone.clone(),
                zones: Vec::new(),
            };
            out.policies.insert(c.cam.clone(), policy);
            out.titles.insert(c.cam.clone(), c.title.clone());
        }
    }
    let mut noted: BTreeMap<CameraId, Policy> = BTreeMap::new();
    for p in hub.db.policies(&b.name)? {
        let policy = noted.entry(p.cam).or_insert_with(|| Policy {
            rules: Vec::new(),
            zone: out.zone.clone(),
            zones: Vec::new(),
        });
        if policy.days() != Some(p.days) {
            policy.rules.push((p.since, p.days));
        }
        if let Ok(zone) = Zone::parse(&p.zone)
            && policy.zones.last().is_none_or(|(_, last)| *last != zone)
        {
            policy.zones.push((p.since, zone));
        }
    }
    out.policies.extend(noted);
    Ok(out)
}

/// The days that a report looks at: as many before today as the longest promise, and some.
fn looked_at(hub: &Hub, said: &BoxReport) -> (Day, Day) {
    let longest = said.policies.values().filter_map(Policy::days).max();
    let back = i32::try_from(longest.unwrap_or(0)).unwrap_or(PAGE_DAYS);
    let today = said.zone.day_of(hub.now());
    // A box in another zone may be a day ahead.
    let from = today.plus_days(-back.saturating_add(BEYOND + 1));
    (from, today.plus_days(1))
}

/// Everything of a box, or of one of its cameras, that the report needs of these days.
fn facts(
    hub: &Hub,
    b: &BoxRecord,
    only: Option<&CameraId>,
    said: BoxReport,
    days: (Day, Day),
) -> Result<Facts, DbError> {
    let db = &hub.db;
    let now = hub.now();
    let (from, to) = days;
    let days = db.camera_days(&b.name, only, (from, to))?;
    let mut facts = known(hub, b, said, days, now)?;
    let mut certificates = db.certificates(&b.name, only, (from, to))?;
    for c in std::mem::take(&mut facts.certificates) {
        if c.day < from {
            certificates.push(c);
        }
    }
    facts.certificates = certificates;
    let mut extents: BTreeMap<CameraId, (Utc, Utc)> = BTreeMap::new();
    for d in facts.days.iter().filter(|d| d.held > 0) {
        let e = extents.entry(d.cam.clone()).or_insert((d.t0, d.t1));
        *e = (e.0.min(d.t0), e.1.max(d.t1));
    }
    for (cam, (t0, t1)) in extents {
        let gaps = db.gaps_within(&b.name, &cam, t0, t1)?;
        facts.gaps.insert(cam, gaps);
    }
    if let Some(health) = &b.health {
        let outlooks = health
            .cameras
            .iter()
            .filter_map(|c| Some((c.cam.clone(), c.outlook.clone()?)));
        facts.outlooks = outlooks.collect();
    }
    Ok(facts)
}

/// The part of it that faults are judged by: cheap however long a box has recorded.
fn known(
    hub: &Hub,
    b: &BoxRecord,
    said: BoxReport,
    days: Vec<DayRecord>,
    now: Utc,
) -> Result<Facts, DbError> {
    let db = &hub.db;
    let log = db.newest_log(&b.name)?;
    let cams: BTreeSet<CameraId> = said
        .policies
        .keys()
        .cloned()
        .chain(days.iter().map(|d| d.cam.clone()))
        .collect();
    Ok(Facts {
        r#box: b.name.clone(),
        revoked: b.state == "revoked",
        zone: said.zone,
        zone_name: said.zone_name,
        heard: Horizon {
            now,
            upto: log.filter(|l| l.size > 0).map(|l| l.cosigned),
        },
        policies: said.policies,
        titles: said.titles,
        certificates: db.unsettled_certificates(&b.name)?,
        newest: db.newest_certificates(&b.name, &cams)?,
        days,
        gaps: BTreeMap::new(),
        outlooks: BTreeMap::new(),
    })
}

/// What the watch judges: camera-days whose deletion is not on record as good, and each camera's newest certificate.
pub fn unsettled(hub: &Hub, b: &BoxRecord) -> Result<Facts, DbError> {
    let days = hub.db.unsettled_days(&b.name)?;
    let mut facts = known(hub, b, said(hub, b)?, days, hub.now())?;
    for c in &facts.newest {
        if !facts
            .certificates
            .iter()
            .any(|o| (&o.log, o.n) == (&c.log, c.n))
        {
            facts.certificates.push(c.clone());
        }
    }
    Ok(facts)
}

fn none_such(name: &BoxName) -> HubError {
    Footage::BoxUnknown { name: name.clone() }.into()
}

/// The report over all boxes by name, one part of it, or over one box.
pub fn report(hub: &Hub, only: Option<&BoxName>, part: &Part) -> Result<Report, HubError> {
    let after = part.after(|text| BoxName::parse(text).ok())?;
    let names: Vec<BoxName> = match only {
        Some(name) => vec![name.clone()],
        None => hub
            .db
            .box_stamps()
            .map_err(plain)?
            .into_keys()
            .filter(|name| after.as_ref().is_none_or(|after| name > after))
            .collect(),
    };
    let (mut cameras, mut next) = (Vec::new(), None);
    for (at, name) in names.iter().enumerate() {
        let b = match hub.db.box_named(name) {
            Ok(Some(b)) => b,
            Ok(None) if only.is_some() => return Err(none_such(name)),
            Ok(None) => continue,
            Err(e) if e.of_a_row() && only.is_none() => {
                tracing::warn!(%name, "a box is left out of the report: {e}");
                continue;
            }
            Err(e) => return Err(plain(e)),
        };
        let said = said(hub, &b)?;
        let days = looked_at(hub, &said);
        cameras.extend(facts(hub, &b, None, said, days).map_err(plain)?.report());
        if cameras.len() >= part.limit() as usize && at + 1 < names.len() {
            next = Some(name.to_string());
            break;
        }
    }
    Ok(Report {
        scheme: hub.config.scheme.clone(),
        now: hub.now(),
        zone: hub.config.zone_name.clone(),
        promises: report::promises(&cameras),
        cameras,
        next,
    })
}

/// One camera's row and its days, newest first.
pub fn of_camera(hub: &Hub, camera: &BoxCamera, part: &Part) -> Result<CameraPage, HubError> {
    let after = part.after(|text| Day::parse(text).ok())?;
    let b = hub.db.box_named(&camera.r#box).map_err(plain)?;
    let b = b.ok_or_else(|| none_such(&camera.r#box))?;
    let said_now = said(hub, &b)?;
    let looked = looked_at(hub, &said_now);
    let of_now = facts(hub, &b, Some(&camera.cam), said_now, looked).map_err(plain)?;
    let row = of_now.report().into_iter().find(|r| r.cam == camera.cam);
    let row = row.ok_or_else(|| Footage::CameraUnknown {
        camera: camera.clone(),
        seen: Vec::new(),
    })?;
    let last = after.map_or(looked.1, |day| day.plus_days(-1));
    let most = i32::try_from(part.limit()).unwrap_or(PAGE_DAYS);
    let first = last.plus_days(1 - most);
    let known = facts(hub, &b, Some(&camera.cam), said(hub, &b)?, (first, last))?;
    let days = known.camera_days(&camera.cam).into_iter().rev();
    // Older ones that are not settled stand at the end of the first part, and again in their place.
    let days = days.filter(|d| d.day <= last && (after.is_none() || d.day >= first));
    let oldest = hub.db.first_day(&camera.r#box, &camera.cam)?;
    Ok(CameraPage {
        camera: row,
        days: days.map(|d| d.shown(&known.zone)).collect(),
        next: oldest.filter(|d| *d < first).map(|_| first.to_string()),
    })
}
