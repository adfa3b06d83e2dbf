//! Task. Rows of boxes, footage and clips, made from the records, the derived index and who is on the line. Blocking.

use std::{collections::BTreeMap, path::PathBuf};

use logbook::LogFolder;
use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, ExhibitRef},
    types::LogRead,
};
use utoipa::ToSchema;

use crate::{
    access::authorise::Permit,
    days,
    db::{
        footage::NameRecord,
        requests::{RequestPageRow, Which},
        visible::VisibleRows,
    },
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    reason::Footage as Because,
    requests::ahead,
    rows::{self, ExhibitRow},
    words,
};

/// Every box, worst first, with nothing kept from before. Blocking.
#[cfg(test)]
pub fn boxes(hub: &Hub) -> Result<Vec<crate::rows::BoxRow>, HubError> {
    let rows = crate::standings::worst_first(hub, &Default::default())?;
    Ok(rows.iter().map(|row| (**row).clone()).collect())
}

/// Exhibits that somebody may see, newest first. Blocking.
pub fn exhibits(
    hub: &Hub,
    seen: &VisibleRows,
    which: &Which,
    part: &Part,
) -> Result<Rows<ExhibitRow>, HubError> {
    let before = part.after(|text| ExhibitRef::parse(text).ok())?;
    let before = before.as_ref().map(ExhibitRef::number);
    let limit = part.limit();
    let found = hub.db.requests_page(seen, which, before, limit + 1)?;
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
        reasons: rows::reasons(&r.why, &hub.config.zone),
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
    let earlier = hub.log.all().into_iter().find(|(o, ..)| o == log);
    let (origin, folder, size) = if log == "hub" || log == hub.log.origin() {
        (
            hub.log.origin().to_owned(),
            hub.log.folder(),
            hub.log.handle().size(),
        )
    } else if let Some((origin, folder, _)) = earlier {
        // One that the hub went on from, when it was put back.
        let head = LogFolder::new(&folder).head("head.note").map_err(plain)?;
        (origin, folder, head.map_or(0, |h| h.head.size))
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
