//! Task. Gathers what the hub knows of a fetched request and has its package made. Blocking.

use std::{collections::BTreeMap, path::PathBuf};

use logbook::Line;
use shared::{
    note::{SignedHead, Vkey},
    types::{Data, RequestAuthorise, RequestSubmit},
    verify,
};

use super::{
    authority::Authority,
    cleanup,
    package::{self, FetchedSegment, Order, PackageError, TrustAnchors},
    resting::Resting,
};
use crate::{
    db::{own_lines::LineFilter, requests::RequestRecord},
    error::HubError,
    faults::printer,
    hub::Hub,
    model::pull::State,
    ownlog::OwnLog,
    papers::certificate::{
        LaterLog, Request,
        people::{People, Person},
    },
    trail,
    transfer::{LoggedSegment, Place},
};

/// Newest acts of somebody that are looked through for the one of a request.
const SEARCHED: u32 = 200;

impl Authority for OwnLog {
    fn hub_key(&self) -> Vkey {
        self.keys().cosign_vkey().clone()
    }
    fn log_folder(&self) -> PathBuf {
        self.folder()
    }
    fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.keys().seal(bytes).map_err(|e| e.to_string())
    }
    fn seal_spki(&self) -> Vec<u8> {
        self.keys().seal_spki()
    }
    fn seal_line(&self) -> Result<u64, String> {
        match OwnLog::seal_line(self) {
            Ok(Some(n)) => Ok(n),
            Ok(None) => Err("no key.seal line of its log names the seal key".into()),
            Err(e) => Err(e.to_string()),
        }
    }
    fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, String> {
        OwnLog::append(self, who, data).map_err(|e| e.to_string())
    }
    fn head_now(&self) -> Result<SignedHead, String> {
        OwnLog::head_now(self).map_err(|e| e.to_string())
    }
}

/// A package in its place.
#[derive(Clone, Debug)]
pub struct FinishedPackage {
    pub folder: PathBuf,
    /// What the label on the stick carries; empty when the package was there already.
    pub label: String,
}

/// Makes the package of a request whose segments are all here. `short`: what of what was asked for is known to be missing;
/// `holes`: numbers of segments between the first and the last that are not to be had.
/// A package that is there already (the hub was stopped between putting it there and noting it) is checked and taken as it is.
pub fn make(
    hub: &Hub,
    row: &RequestRecord,
    segments: &[LoggedSegment],
    short: Option<String>,
    holes: Vec<(u64, u64)>,
) -> Result<FinishedPackage, PackageError> {
    let failed = |e: &dyn std::fmt::Display| PackageError::Hub(e.to_string());
    let (log, clip) = row
        .line
        .clone()
        .ok_or_else(|| failed(&"the box's answer is not on record"))?;
    let evidence = hub.config.evidence.clone();
    let there = evidence
        .join(row.r#ref.as_str())
        .join(row.camera.cam.as_str());
    let identity = hub
        .keys
        .exhibit_identity(&row.r#ref)
        .map_err(|e| failed(&e))?;
    if there.exists() {
        let options = TrustAnchors::of(&hub.config.outside).options(hub.log.hub_key());
        let report = verify::package(&Resting::new(there.clone(), identity), &options);
        let only_short = package::tolerable(&report, short.is_some());
        return match report.exit_status() == 0 || only_short {
            true => {
                fetched_away(hub, row);
                Ok(FinishedPackage {
                    folder: there,
                    label: String::new(),
                })
            }
            false => Err(PackageError::NotIntact(Box::new(report))),
        };
    }
    let text = |hash: &str| -> Result<String, PackageError> {
        Ok(hub
            .db
            .side_text(hash)
            .map_err(|e| failed(&e))?
            .unwrap_or_else(|| "(erased)".into()))
    };
    let hello = hub
        .db
        .box_named(&row.camera.r#box)
        .map_err(|e| failed(&e))?
        .and_then(|b| b.hello);
    let title = hello.and_then(|h| Some(h.camera(&row.camera.cam)?.title.clone()));
    let footage = row.footage.clone().unwrap_or_else(|| log.clone());
    let later = match footage == log {
        true => None,
        false => Some(LaterLog {
            log: hub
                .logs
                .folder_of(&log)
                .ok_or_else(|| failed(&"the box log's name is odd"))?,
            origin: log,
            dispute: hub
                .db
                .log(&footage)
                .map_err(|e| failed(&e))?
                .and_then(|l| l.dispute.zip(l.why)),
        }),
    };
    let masters = segments.iter().map(|s| {
        let place = Place::new(&hub.state, row.r#ref.as_str(), &row.camera.cam, s)
            .map_err(|e| failed(&e))?;
        Ok(FetchedSegment {
            n: s.n,
            path: place.done(),
        })
    });
    let mut authorities = BTreeMap::new();
    for hash in hub
        .db
        .lift_authorities(&row.camera)
        .map_err(|e| failed(&e))?
    {
        let said = text(&hash)?;
        authorities.insert(hash, said);
    }
    let order = Order {
        request: Request {
            authorities,
            exhibit: row.r#ref.clone(),
            camera: row.camera.clone(),
            title: title.unwrap_or_default(),
            scheme: hub.config.scheme.clone(),
            t0: row.t0,
            t1: row.t1,
            people: People {
                purpose: text(&row.purpose)?,
                reference: text(&row.reference)?,
                requester: text(&row.requester)?,
                ..people(hub, row).map_err(|e| failed(&e))?
            },
            grant: row.grant.clone(),
            operator: row.who.clone(),
            zone: hub.config.zone.clone(),
            zone_name: hub.config.zone_name.clone(),
        },
        evidence,
        box_log: hub
            .logs
            .folder_of(&footage)
            .ok_or_else(|| failed(&"the box log's name is odd"))?,
        clip,
        later,
        masters: masters.collect::<Result<_, PackageError>>()?,
        identity,
        to: row.requester.clone(),
        short,
        holes,
        printer: hub.printer.clone(),
        trusted: TrustAnchors::of(&hub.config.outside),
    };
    let made = package::build(&hub.log, hub.now(), &order)?;
    let printed = made.unprinted.as_ref().map_or(Ok(()), Err);
    if let Err(e) = printer::note(hub, printed) {
        tracing::warn!("whether its papers are there as PDF is not on record: {e}");
    }
    fetched_away(hub, row);
    tracing::info!(
        exhibit = row.r#ref.as_str(),
        label = made.label(),
        "package made"
    );
    Ok(FinishedPackage {
        label: made.label(),
        folder: made.folder,
    })
}

/// Who asked for it, and who authorised it.
fn people(hub: &Hub, row: &RequestRecord) -> Result<People, HubError> {
    let number = hub.db.clip_request_of(row.r#ref.as_str())?;
    let request = number
        .map(|n| hub.db.clip_request(n))
        .transpose()?
        .flatten();
    let (mut submitted, mut authorised) = (row.who.clone(), None);
    if let Some(q) = &request {
        submitted = q.submitted_by.clone().unwrap_or(submitted);
        // Where nobody else has to authorise it, it is authorised as it is submitted.
        authorised = q.authorised_by.clone().filter(|by| *by != submitted);
    }
    let n = request.map(|q| q.n);
    let authorised = authorised.map(|op| person(hub, op, RequestAuthorise::KIND, n));
    Ok(People {
        submitted: person(hub, submitted, RequestSubmit::KIND, n)?,
        authorised: authorised.transpose()?,
        ..People::default()
    })
}

/// Their name as it is now, and what they were when they wrote the newest line of this kind about the request.
pub fn person(hub: &Hub, op: String, kind: &str, n: Option<u64>) -> Result<Person, HubError> {
    let account = op.strip_prefix("op:").and_then(|n| n.parse().ok());
    let account = account.map(|n| hub.db.account_numbered(n)).transpose()?;
    let name = match account.flatten() {
        Some(a) => match &a.shown {
            Some(hash) => hub.db.side_text(hash)?,
            None => Some(a.name),
        },
        None => None,
    };
    trail::read_on(hub)?;
    let wanted = LineFilter {
        who: Some(op.clone()),
        kind: Some(kind.to_owned()),
        ..LineFilter::default()
    };
    let (lines, _) = hub.db.own_lines(&hub.log.name(), &wanted, None, SEARCHED)?;
    let about = |data: &str| {
        let data: Option<serde_json::Value> = serde_json::from_str(data).ok();
        data.and_then(|d| d["request"].as_u64())
    };
    let line = lines
        .into_iter()
        .find(|l| n.is_some() && about(&l.data) == n);
    let roles = line.map_or_else(Vec::new, |l| {
        let roles = l.roles.split_whitespace();
        let roles = roles.filter(|r| !["none", "unknown"].contains(r));
        roles.map(str::to_owned).collect()
    });
    Ok(Person { op, name, roles })
}

/// The masters are in the package. What cannot be taken away is sealed, and tried again at the hub's next start.
fn fetched_away(hub: &Hub, row: &RequestRecord) {
    if let Err(e) = cleanup::fetched(&hub.state, &row.r#ref, &row.camera.cam) {
        tracing::warn!(
            exhibit = row.r#ref.as_str(),
            "what was fetched is still there beside its package: {e}"
        );
    }
}

/// Tries again, at the hub's start, to take away what was fetched for packages that are in their place.
pub fn clear_fetched(hub: &Hub) -> std::io::Result<()> {
    for exhibit in cleanup::with_fetched(&hub.state)? {
        let row = hub.db.request(exhibit.as_str());
        let row = row.map_err(std::io::Error::other)?;
        if let Some(row) = row.filter(|r| matches!(r.state, State::Ready | State::Partial)) {
            fetched_away(hub, &row);
        }
    }
    Ok(())
}
