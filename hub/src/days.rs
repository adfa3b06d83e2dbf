//! Task. Footage of a camera by local days, from the index's summary. Blocking.

use std::collections::BTreeMap;

use shared::{
    id::BoxCamera,
    time::{Day, Utc, Zone},
};

use crate::{
    db::{
        Db, DbError,
        footage::{NameRecord, named},
        spans::SpanRecord,
    },
    error::HubError,
    hub::Hub,
    model::pull::JOIN_MS,
    reason::Footage as Because,
    rows::{DayRow, Footage, GapRow, Span},
};

/// Most days listed at once.
pub const MOST: i32 = 400;

/// Footage of a camera, newest day first: of one day, or of `most` days, the newest or those before a day.
pub fn footage(
    hub: &Hub,
    camera: &BoxCamera,
    day: Option<Day>,
    before: Option<Day>,
    most: i32,
) -> Result<Footage, HubError> {
    let record = hub.db.box_named(&camera.r#box)?;
    let record = record.ok_or_else(|| Because::BoxUnknown {
        name: camera.r#box.clone(),
    })?;
    let keeps = record.hello.as_ref().map(|h| h.retention_days);
    let named = record.hello.as_ref();
    let has = named.is_some_and(|h| h.camera(&camera.cam).is_some());
    if !has {
        let seen = hub.db.cameras_seen(&camera.r#box)?;
        if !seen.iter().any(|c| c == camera.cam.as_str()) {
            return Err(Because::CameraUnknown {
                camera: camera.clone(),
                seen,
            }
            .into());
        }
    }
    match day {
        Some(day) => {
            let days = of_days(hub, camera, (day, day), keeps, true)?;
            Ok(of_camera(hub, camera, days, None))
        }
        None => newest(hub, camera, keeps, before, most),
    }
}

fn of_camera(hub: &Hub, camera: &BoxCamera, days: Vec<DayRow>, next: Option<Day>) -> Footage {
    Footage {
        camera: camera.to_string(),
        zone: hub.config.zone_name.clone(),
        days,
        next: next.map(|day| day.to_string()),
    }
}

/// The newest `most` days of a camera on which anything was recorded, or their like before a day. `keeps`: how many days its box keeps.
pub fn newest(
    hub: &Hub,
    camera: &BoxCamera,
    keeps: Option<u32>,
    before: Option<Day>,
    most: i32,
) -> Result<Footage, HubError> {
    let zone = &hub.config.zone;
    let Some((a, b)) = hub.db.logged_extent(camera)? else {
        return Ok(of_camera(hub, camera, Vec::new(), None));
    };
    let oldest = zone.day_of(a);
    let last = zone.day_of(b);
    let last = before.map_or(last, |day| last.min(day.plus_days(-1)));
    let first = oldest.max(last.plus_days(1 - most.clamp(1, MOST)));
    let days = match first <= last {
        true => of_days(hub, camera, (first, last), keeps, false)?,
        false => Vec::new(),
    };
    Ok(of_camera(
        hub,
        camera,
        days,
        Some(first).filter(|first| *first > oldest),
    ))
}

/// Days from `first` to `last`, newest first. `asked`: also those of which nothing is known.
fn of_days(
    hub: &Hub,
    camera: &BoxCamera,
    (first, last): (Day, Day),
    keeps: Option<u32>,
    asked: bool,
) -> Result<Vec<DayRow>, HubError> {
    let zone = &hub.config.zone;
    let today = zone.day_of(hub.now());
    let (from, to) = (zone.start_of(first), zone.start_of(last.plus_days(1)));
    let names = hub.db.names(camera)?;
    let gaps = hub.db.gaps(camera, from, to)?;
    let mut by_day: BTreeMap<Day, Vec<SpanRecord>> = BTreeMap::new();
    for span in hub.db.spans(camera, from, to)? {
        for (day, part) in parts(&hub.db, camera, span, zone)? {
            by_day.entry(day).or_default().push(part);
        }
    }
    let mut days = Vec::new();
    let mut at = last;
    while at >= first {
        let (from, to) = (zone.start_of(at), zone.start_of(at.plus_days(1)));
        let spans = by_day.remove(&at).unwrap_or_default();
        let gaps: Vec<GapRow> = gaps
            .iter()
            .filter(|g| g.t0 < to && g.t1 > from)
            .map(|g| GapRow {
                t0: g.t0,
                t1: g.t1,
                why: g.why.clone(),
                packets: g.packets,
            })
            .collect();
        if !spans.is_empty() || !gaps.is_empty() || asked {
            let kept: Vec<&SpanRecord> = spans.iter().filter(|s| s.gone.is_none()).collect();
            let ends: Vec<_> = spans.iter().map(|s| (s.log.clone(), s.n0, s.n1)).collect();
            days.push(DayRow {
                day: at,
                from,
                to,
                bytes: kept.iter().fold(0, |sum, s| s.bytes.saturating_add(sum)),
                spans: joined(&kept),
                gaps,
                called: over(&names, &ends),
                // Day D goes between 00:05 and 00:15 of day D+N+1 (design §4); of what was recorded under several, the first.
                days_left: keeps.map(|n| {
                    let recorded = kept.iter().map(|s| s.day).min().unwrap_or(at);
                    let days = i32::try_from(n).unwrap_or(i32::MAX);
                    today.days_until(recorded.plus_days(days.saturating_add(1)))
                }),
                deleted: kept.is_empty()
                    && spans.iter().any(|s| s.gone.as_deref() == Some("deleted")),
            });
        }
        at = at.plus_days(-1);
    }
    Ok(days)
}

/// What of a span falls in each local day. A segment that reaches over midnight is in both. Boxes end a segment at their own midnight, so
/// a span of a box in the hub's own zone is of one day, and no segment is looked at.
fn parts(
    db: &Db,
    camera: &BoxCamera,
    span: SpanRecord,
    zone: &Zone,
) -> Result<Vec<(Day, SpanRecord)>, DbError> {
    let ends = |t1: Utc, t0: Utc| zone.day_of(t1.plus_ms(-1).max(t0));
    let (first, last) = (zone.day_of(span.t0), ends(span.t1, span.t0));
    if first == last {
        return Ok(vec![(first, span)]);
    }
    let midnight = zone.start_of(first.plus_days(1));
    let mut head = span.clone();
    let mut later: BTreeMap<Day, SpanRecord> = BTreeMap::new();
    for piece in db.tail(camera, &span, midnight)? {
        if piece.t0 >= midnight {
            head.count = head.count.saturating_sub(1);
            head.bytes = head.bytes.saturating_sub(piece.bytes);
            head.n1 = head.n1.min(piece.n.saturating_sub(1));
            head.t1 = head.t1.min(piece.t0);
        }
        let mut day = zone.day_of(piece.t0.max(midnight));
        while day <= ends(piece.t1, piece.t0) {
            let part = later.entry(day).or_insert_with(|| SpanRecord {
                t0: piece.t0,
                t1: piece.t1,
                n0: piece.n,
                n1: piece.n,
                count: 0,
                bytes: 0,
                ..span.clone()
            });
            (part.t0, part.t1) = (part.t0.min(piece.t0), part.t1.max(piece.t1));
            (part.n0, part.n1) = (part.n0.min(piece.n), part.n1.max(piece.n));
            part.count += 1;
            part.bytes = part.bytes.saturating_add(piece.bytes);
            day = day.plus_days(1);
        }
    }
    let mut out: Vec<(Day, SpanRecord)> = later.into_iter().collect();
    if head.count > 0 {
        out.insert(0, (first, head));
    }
    Ok(out)
}

/// Spans that follow within half a second and were masked alike are one to look at, whatever key sealed them.
fn joined(spans: &[&SpanRecord]) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for s in spans {
        match out.last_mut() {
            Some(last)
                if s.t0.0 - last.t1.0 <= JOIN_MS && last.mask == s.mask && last.how == s.how =>
            {
                last.t1 = s.t1;
                last.segments += s.count;
            }
            _ => out.push(Span {
                t0: s.t0,
                t1: s.t1,
                segments: s.count,
                mask: s.mask.clone(),
                how: s.how.clone(),
            }),
        }
    }
    out
}

fn in_words(name: &NameRecord) -> String {
    format!("{}, {}", name.title, name.site)
}

/// What a camera was called when these lines of its box's logs were written, from the first to the last of each, by log; each name once,
/// in order.
pub fn over(names: &[NameRecord], ends: &[(String, u64, u64)]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (log, first, last) in ends {
        let between = names
            .iter()
            .filter(|name| name.log == *log && (*first..*last).contains(&name.n))
            .map(|name| name.n + 1);
        for n in std::iter::once(*first).chain(between) {
            if let Some(name) = named(names, log, n)
                && !out.contains(&in_words(name))
            {
                out.push(in_words(name));
            }
        }
    }
    out
}
