//! Task. Rows of boxes, footage and clips, made from the records, the derived index and who is on the line. Blocking.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, ExhibitRef},
    standing::{self, BoxStanding, CameraStanding},
    types::LogRead,
    wire::Fault,
};
use utoipa::ToSchema;

use crate::{
    access::authorise::Permit,
    days,
    db::{faults::About, footage::NameRecord, requests::RequestPageRow, visible::VisibleRows},
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    reason::{Footage as Because, pulls},
    requests::ahead,
    rows::{BoxRow, CameraRow, ExhibitRow, LineRow},
    words,
};

/// Every box as its last report, its log and the hub itself have it, worst first. Blocking.
pub fn boxes(hub: &Hub) -> Result<Vec<BoxRow>, HubError> {
    let mut rows = Vec::new();
    let found = hub.db.found_faults().map_err(plain)?;
    for b in hub.db.boxes().map_err(plain)? {
        let log = hub.db.newest_log(&b.name).map_err(plain)?;
        let mut row = BoxRow {
            online: hub.live.online(&b.name),
            line: LineRow::of(hub, &b.name),
            name: b.name,
            state: b.state,
            sw: None,
            last_seen: b.last_seen,
            reported: None,
            free_mib: None,
            retention_days: None,
            cameras: Vec::new(),
            faults: Vec::new(),
            lines: log.as_ref().map_or(0, |l| l.size),
            countersigned: log.as_ref().filter(|l| l.size > 0).map(|l| l.cosigned),
            dispute: log
                .and_then(|l| Some(format!("{}: {}", l.dispute?, l.why.unwrap_or_default()))),
            standing: BoxStanding::default(),
        };
        if let Some(hello) = b.hello {
            row.sw = Some(hello.sw);
            row.retention_days = Some(hello.retention_days);
            row.cameras = hello
                .cameras
                .into_iter()
                .map(|c| CameraRow {
                    cam: c.cam,
                    title: c.title,
                    masked: c.masked,
                    flow: None,
                    standing: CameraStanding::default(),
                    stands_secs: c.lapse_secs,
                    rate: None,
                })
                .collect();
        }
        if let Some(health) = b.health {
            row.reported = Some(health.time);
            row.free_mib = Some(health.free_mib);
            row.faults = health.faults;
            for h in health.cameras {
                if let Some(c) = row.cameras.iter_mut().find(|c| c.cam == h.cam) {
                    c.flow = Some(h.flow);
                    c.stands_secs = h.stands_secs.or(c.stands_secs);
                    c.rate = h.rate.filter(|_| row.online);
                }
            }
        }
        row.faults
            .extend(hub.logs.troubles(&row.name).into_iter().map(|t| Fault {
                code: t.condition.into(),
                cam: None,
                since: t.since,
                text: match t.times {
                    1 => t.text,
                    n => format!("{} ({n} times)", t.text),
                },
            }));
        let own = found.iter().filter_map(|f| match &f.about {
            About::Camera(c) if c.r#box == row.name => Some((Some(c.cam.clone()), f)),
            About::Box(name) if *name == row.name => Some((None, f)),
            _ => None,
        });
        row.faults.extend(own.map(|(cam, f)| Fault {
            code: f.code.clone(),
            cam,
            since: f.since,
            text: f.text.clone(),
        }));
        rows.push(row.judged());
    }
    rows.sort_by_cached_key(|r| (standing::box_order(&r.standing), r.name.clone()));
    Ok(rows)
}

/// Exhibits that somebody may see, newest first. Blocking.
pub fn exhibits(hub: &Hub, seen: &VisibleRows, part: &Part) -> Result<Rows<ExhibitRow>, HubError> {
    let before = part.after(|text| ExhibitRef::parse(text).ok())?;
    let before = before.as_ref().map(ExhibitRef::number);
    let limit = part.limit();
    let found = hub.db.requests_page(seen, before, limit + 1)?;
    let mut names = BTreeMap::new();
    Rows::cut(found, limit, |r| r.request.r#ref.to_string())
        .try_map(|r| exhibit_row(hub, &mut names, r))
}

/// One of them. Blocking.
pub fn exhibit(hub: &Hub, exhibit: &ExhibitRef) -> Result<ExhibitRow, HubError> {
    let request = hub.db.request_page_row(exhibit.as_str())?;
    let request = request.ok_or_else(|| Because::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    exhibit_row(hub, &mut BTreeMap::new(), request)
}

/// `names`: what cameras were called, as far as it was asked for already.
fn exhibit_row(
    hub: &Hub,
    names: &mut BTreeMap<String, Vec<NameRecord>>,
    RequestPageRow {
        request: r,
        purpose,
        reference,
        requester,
    }: RequestPageRow,
) -> Result<ExhibitRow, HubError> {
    let live = hub.pulls.last(r.r#ref.as_str());
    let camera = r.camera.to_string();
    if !names.contains_key(&camera) {
        names.insert(camera.clone(), hub.db.names(&r.camera)?);
    }
    let names = names.get(&camera).map_or(&[][..], Vec::as_slice);
    let ends = match names {
        [] => Vec::new(),
        _ => {
            let renamed = |log: &str, first: u64, last: u64| {
                let mut within = names.iter().filter(|n| n.log == log);
                within.any(|n| (first..=last).contains(&n.n))
            };
            hub.db.line_ends(&r.camera, (r.t0, r.t1), renamed)?
        }
    };
    let forecast = ahead::of_pull(hub, &r)?;
    let kept = ahead::kept(hub, &r)?;
    Ok(ExhibitRow {
        urgent: r.urgent,
        paused: r.paused.clone(),
        crossed: kept.saturating_add(r.wasted),
        kept,
        forecast,
        called: days::over(names, &ends),
        r#ref: r.r#ref.to_string(),
        grant: r.grant,
        camera,
        t0: r.t0,
        t1: r.t1,
        state: r.state.as_str().into(),
        why: words::pulls(&r.why, &hub.config.zone),
        reasons: pulls::rows(&r.why, &hub.config.zone),
        bytes: live.as_ref().map_or(0, |p| p.bytes),
        total: live.as_ref().map_or(0, |p| p.total),
        made: r.made,
        purpose,
        reference,
        requester,
        package: r.package,
    })
}

/// Where a log lies.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Folder {
    #[schema(value_type = String)]
    pub folder: PathBuf,
    pub origin: String,
}

/// Where a log lies: `hub`, a box's name (its newest log), or a log's full name. That it is read is put on record first. Blocking.
pub fn log(hub: &Hub, log: &str, permit: &Permit) -> Result<Folder, HubError> {
    let (origin, folder, size) = if log == "hub" || log == hub.log.origin() {
        (
            hub.log.origin().to_owned(),
            hub.log.folder(),
            hub.log.handle().size(),
        )
    } else {
        let by_name = BoxName::parse(log)
            .ok()
            .map(|n| hub.db.newest_log(&n))
            .transpose()
            .map_err(plain)?
            .flatten();
        let found = match by_name {
            Some(l) => Some(l),
            None => hub.db.log(log).map_err(plain)?,
        };
        let l = found.ok_or_else(|| Because::LogUnknown { log: log.into() })?;
        let folder = hub
            .logs
            .folder_of(&l.origin)
            .ok_or_else(|| Because::LogNameMalformed {
                log: l.origin.clone(),
            })?;
        (l.origin, folder, l.size)
    };
    let line = LogRead {
        log: origin.clone(),
        from: 0,
        to: size,
        op: permit.op(),
        what: "export".into(),
    };
    hub.log.append(&permit.op(), &line).map_err(plain)?;
    if origin == hub.log.origin() {
        // The reading itself is in what is handed out, under a countersigned head.
        hub.log.head_now().map_err(plain)?;
    }
    Ok(Folder { folder, origin })
}
