//! Task. What is known of a box's footage and deletions, taken together for the report and for the watch. Blocking.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Day, Utc, Zone},
};

use super::{
    promise::{Heard, Policy},
    report::{self, BEYOND, CameraPage, Facts, Report},
};
use crate::{
    db::{DbError, boxes::BoxRecord, retention::DayRecord},
    desk::Desk,
    error::{HubError, plain},
    list::{Part, Rows},
};

/// Days a camera's own page goes back.
const PAGE_DAYS: i32 = 400;

/// What a box said of itself.
struct Said {
    zone: Zone,
    zone_name: String,
    titles: BTreeMap<CameraId, String>,
    policies: BTreeMap<CameraId, Policy>,
}

fn said(desk: &Desk, b: &BoxRecord) -> Result<Said, DbError> {
    let mut out = Said {
        zone: desk.config.zone.clone(),
        zone_name: desk.config.zone_name.clone(),
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
    for p in desk.db.policies(&b.name)? {
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

/// Everything of a box, or of one of its cameras, that the report needs, from `back` days before today on.
fn facts(
    desk: &Desk,
    b: &BoxRecord,
    only: Option<&CameraId>,
    back: Option<i32>,
) -> Result<Facts, DbError> {
    let db = &desk.db;
    let said = said(desk, b)?;
    let now = desk.now();
    let longest = said
        .policies
        .values()
        .filter_map(Policy::days)
        .max()
        .unwrap_or(0);
    let back = back.unwrap_or_else(|| {
        i32::try_from(longest)
            .unwrap_or(PAGE_DAYS)
            .saturating_add(BEYOND + 1)
    });
    let from = said.zone.day_of(now).plus_days(-back);
    let days = db.camera_days(&b.name, only, from)?;
    let mut facts = known(desk, b, said, days, now)?;
    let mut certificates = db.certificates(&b.name, only, from)?;
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
    desk: &Desk,
    b: &BoxRecord,
    said: Said,
    days: Vec<DayRecord>,
    now: Utc,
) -> Result<Facts, DbError> {
    let db = &desk.db;
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
        heard: Heard {
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
pub fn unsettled(desk: &Desk, b: &BoxRecord) -> Result<Facts, DbError> {
    let days = desk.db.unsettled_days(&b.name)?;
    let mut facts = known(desk, b, said(desk, b)?, days, desk.now())?;
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
    HubError::Missing(format!(
        "there is no box {name}; `beadle-hub box list` shows them"
    ))
}

/// The report over all boxes, or one.
pub fn report(desk: &Desk, only: Option<&BoxName>) -> Result<Report, HubError> {
    let boxes = match only {
        Some(name) => vec![
            desk.db
                .box_named(name)
                .map_err(plain)?
                .ok_or_else(|| none_such(name))?,
        ],
        None => desk.db.boxes().map_err(plain)?,
    };
    let mut cameras = Vec::new();
    for b in boxes {
        cameras.extend(facts(desk, &b, None, None).map_err(plain)?.report());
    }
    Ok(Report {
        scheme: desk.config.scheme.clone(),
        now: desk.now(),
        zone: desk.config.zone_name.clone(),
        promises: report::promises(&cameras),
        cameras,
    })
}

/// One camera's row and its days, newest first.
pub fn of_camera(desk: &Desk, camera: &BoxCamera, part: &Part) -> Result<CameraPage, HubError> {
    let after = part.after(|text| Day::parse(text).ok())?;
    let b = desk.db.box_named(&camera.r#box).map_err(plain)?;
    let b = b.ok_or_else(|| none_such(&camera.r#box))?;
    let facts = facts(desk, &b, Some(&camera.cam), Some(PAGE_DAYS)).map_err(plain)?;
    let row = facts.report().into_iter().find(|r| r.cam == camera.cam);
    let row = row.ok_or_else(|| {
        HubError::Missing(format!(
            "box {} has no camera {}, and no footage of one is on record",
            camera.r#box, camera.cam
        ))
    })?;
    let days = facts.camera_days(&camera.cam).into_iter().rev();
    let days = days.filter(|d| after.is_none_or(|after| d.day < after));
    let days = Rows::cut(days.collect(), part.limit(), |d| d.day.to_string());
    Ok(CameraPage {
        camera: row,
        days: days
            .rows
            .into_iter()
            .map(|d| d.shown(&facts.zone))
            .collect(),
        next: days.next,
    })
}
