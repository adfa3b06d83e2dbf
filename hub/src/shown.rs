//! Task. Rows of boxes, footage and clips, made from the records, the derived index and who is on the line. Blocking.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, ExhibitRef},
    standing::{self, BoxStanding, CameraStanding},
    time::Day,
    types::LogRead,
    wire::Fault,
};

use crate::{
    access::authorise::Permit,
    db::requests::RequestRecord,
    db::{
        faults::About,
        footage::{NameRecord, SegmentRecord, named},
    },
    desk::Desk,
    error::{HubError, plain},
    requests::rules::JOIN_MS,
    rows::{BoxRow, CameraRow, DayRow, ExhibitRow, Footage, GapRow, Span},
};

/// Most days listed at once.
const DAYS: i32 = 400;

/// Every box as its last report, its log and the hub itself have it, worst first. Blocking.
pub fn boxes(desk: &Desk) -> Result<Vec<BoxRow>, HubError> {
    let mut rows = Vec::new();
    let found = desk.db.found_faults().map_err(plain)?;
    for b in desk.db.boxes().map_err(plain)? {
        let log = desk.db.newest_log(&b.name).map_err(plain)?;
        let mut row = BoxRow {
            online: desk.live.online(&b.name),
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
            .extend(desk.logs.troubles(&row.name).into_iter().map(|t| Fault {
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

/// Footage of a camera, newest day first. Blocking.
pub fn footage(desk: &Desk, camera: &BoxCamera, day: Option<Day>) -> Result<Footage, HubError> {
    let record = desk.db.box_named(&camera.r#box).map_err(plain)?;
    let record = record.ok_or_else(|| {
        HubError::Missing(format!(
            "there is no box {}; `beadle-hub box list` shows them",
            camera.r#box
        ))
    })?;
    let keeps = record.hello.as_ref().map(|h| h.retention_days);
    let has = record
        .hello
        .as_ref()
        .is_some_and(|h| h.camera(&camera.cam).is_some());
    let seen = desk.db.cameras_seen(&camera.r#box).map_err(plain)?;
    if !has && !seen.iter().any(|c| c == camera.cam.as_str()) {
        return Err(HubError::Missing(format!(
            "box {} has no camera {}; footage is known of: {}",
            camera.r#box,
            camera.cam,
            seen.join(", ")
        )));
    }
    let zone = &desk.config.zone;
    let today = zone.day_of(desk.now());
    let (first, last) = match day {
        Some(d) => (d, d),
        None => {
            let all = desk.db.segments_extent(camera).map_err(plain)?;
            let Some((a, b)) = all else {
                return Ok(Footage {
                    camera: camera.to_string(),
                    zone: desk.config.zone_name.clone(),
                    days: Vec::new(),
                });
            };
            let last = zone.day_of(b);
            (zone.day_of(a).max(last.plus_days(-DAYS)), last)
        }
    };
    let names = desk.db.names(camera).map_err(plain)?;
    let mut days = Vec::new();
    let mut at = last;
    while at >= first {
        let (from, to) = (zone.start_of(at), zone.start_of(at.plus_days(1)));
        let segments = desk.db.segments(camera, from, to).map_err(plain)?;
        let gaps = desk.db.gaps(camera, from, to).map_err(plain)?;
        if !segments.is_empty() || !gaps.is_empty() || day.is_some() {
            let kept: Vec<&SegmentRecord> = segments.iter().filter(|s| s.gone.is_none()).collect();
            days.push(DayRow {
                day: at,
                from,
                to,
                bytes: kept.iter().fold(0, |sum, s| s.size.saturating_add(sum)),
                spans: spans(&kept),
                gaps: gaps
                    .into_iter()
                    .map(|g| GapRow {
                        t0: g.t0,
                        t1: g.t1,
                        why: g.why,
                        packets: g.packets,
                    })
                    .collect(),
                called: called(&names, segments.iter().map(|s| (s.log.as_str(), s.n))),
                // Day D goes between 00:05 and 00:15 of day D+N+1 (design §4); of what was recorded under several, the first.
                days_left: keeps.map(|n| {
                    let recorded = kept.iter().map(|s| s.day).min().unwrap_or(at);
                    let days = i32::try_from(n).unwrap_or(i32::MAX);
                    today.days_until(recorded.plus_days(days.saturating_add(1)))
                }),
                deleted: kept.is_empty()
                    && segments
                        .iter()
                        .any(|s| s.gone.as_deref() == Some("deleted")),
            });
        }
        at = at.plus_days(-1);
    }
    Ok(Footage {
        camera: camera.to_string(),
        zone: desk.config.zone_name.clone(),
        days,
    })
}

/// Every exhibit, newest first. Blocking.
pub fn exhibits(desk: &Desk) -> Result<Vec<ExhibitRow>, HubError> {
    let requests = desk.db.requests().map_err(plain)?;
    requests.into_iter().map(|r| exhibit_row(desk, r)).collect()
}

/// One of them. Blocking.
pub fn exhibit(desk: &Desk, exhibit: &ExhibitRef) -> Result<ExhibitRow, HubError> {
    let request = desk.db.request(exhibit.as_str()).map_err(plain)?;
    let request =
        request.ok_or_else(|| HubError::Missing(format!("there is no exhibit {exhibit}")))?;
    exhibit_row(desk, request)
}

fn exhibit_row(desk: &Desk, r: RequestRecord) -> Result<ExhibitRow, HubError> {
    let text = |hash: &str| desk.db.side_text(hash).map_err(plain);
    let live = desk.pulls.last(r.r#ref.as_str());
    let names = desk.db.names(&r.camera).map_err(plain)?;
    let ends = desk.db.line_ends(&r.camera, r.t0, r.t1).map_err(plain)?;
    Ok(ExhibitRow {
        called: over(&names, &ends),
        r#ref: r.r#ref.to_string(),
        grant: r.grant,
        camera: r.camera.to_string(),
        t0: r.t0,
        t1: r.t1,
        state: r.state.as_str().into(),
        why: r.why,
        bytes: live.as_ref().map_or(0, |p| p.bytes),
        total: live.as_ref().map_or(0, |p| p.total),
        made: r.made,
        purpose: text(&r.purpose)?,
        reference: text(&r.reference)?,
        requester: text(&r.requester)?,
        package: r.package,
    })
}

/// Where a log lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Folder {
    pub folder: PathBuf,
    pub origin: String,
}

/// Where a log lies: `hub`, a box's name (its newest log), or a log's full name. That it is read is put on record first. Blocking.
pub fn log(desk: &Desk, log: &str, permit: &Permit) -> Result<Folder, HubError> {
    let (origin, folder, size) = if log == "hub" || log == desk.log.origin() {
        (
            desk.log.origin().to_owned(),
            desk.log.folder(),
            desk.log.handle().size(),
        )
    } else {
        let by_name = BoxName::parse(log)
            .ok()
            .map(|n| desk.db.newest_log(&n))
            .transpose()
            .map_err(plain)?
            .flatten();
        let found = match by_name {
            Some(l) => Some(l),
            None => desk.db.log(log).map_err(plain)?,
        };
        let l = found.ok_or_else(|| {
            HubError::Missing(format!(
                "no log {log} is held here; say `hub`, a box's name, or a log's full name"
            ))
        })?;
        let folder = desk
            .logs
            .folder_of(&l.origin)
            .ok_or_else(|| HubError::Refused(format!("{} is not a log's name", l.origin)))?;
        (l.origin, folder, l.size)
    };
    let line = LogRead {
        log: origin.clone(),
        from: 0,
        to: size,
        op: permit.op(),
    };
    desk.log.append(&permit.op(), &line).map_err(plain)?;
    if origin == desk.log.origin() {
        // The reading itself is in what is handed out, under a countersigned head.
        desk.log.head_now().map_err(plain)?;
    }
    Ok(Folder { folder, origin })
}

fn in_words(name: &NameRecord) -> String {
    format!("{}, {}", name.title, name.site)
}

/// What a camera was called when these lines of its box's logs were written, each once, in order.
fn called<'a>(names: &[NameRecord], lines: impl Iterator<Item = (&'a str, u64)>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in lines.filter_map(|(log, n)| named(names, log, n)) {
        if !out.contains(&in_words(name)) {
            out.push(in_words(name));
        }
    }
    out
}

/// The same of all lines from the first to the last, by log.
fn over(names: &[NameRecord], ends: &[(String, u64, u64)]) -> Vec<String> {
    let within = ends.iter().flat_map(|(log, first, last)| {
        let between = names
            .iter()
            .filter(move |name| name.log == *log && (*first..*last).contains(&name.n))
            .map(|name| name.n + 1);
        std::iter::once(*first)
            .chain(between)
            .map(move |n| (log.as_str(), n))
    });
    called(names, within)
}

/// Joins segments that follow within half a second and were masked alike.
fn spans(segments: &[&SegmentRecord]) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for s in segments {
        match out.last_mut() {
            Some(last)
                if s.t0.0 - last.t1.0 <= JOIN_MS && last.mask == s.mask && last.how == s.how =>
            {
                last.t1 = s.t1;
                last.segments += 1;
            }
            _ => out.push(Span {
                t0: s.t0,
                t1: s.t1,
                segments: 1,
                mask: s.mask.clone(),
                how: s.how.clone(),
            }),
        }
    }
    out
}
