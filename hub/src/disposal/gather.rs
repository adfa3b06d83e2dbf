//! Task. What the hub keeps: the records and the folders, as the rule wants them. Blocking.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use shared::time::Utc;

use super::files;
use crate::{
    db::{disposal::EvidenceRecord, holds::HoldRecord, requests::RequestRecord},
    error::{HubError, plain},
    hub::Hub,
    model::pull::State,
    periods::{Claim, Draft, Exhibit, Inventory, Part, Text},
};

/// What file systems put there themselves.
const NOT_OURS: &[&str] = &["lost+found"];

/// Everything, and what nothing explains.
pub struct Survey {
    pub kept: Inventory,
    pub requests: BTreeMap<String, RequestRecord>,
    pub evidence: BTreeMap<String, EvidenceRecord>,
    /// In a folder of evidence, of fetched segments or of keys, and of no request whose footage is here.
    pub unknown: Vec<PathBuf>,
}

/// A package stands there: one that is only being made does not.
fn has_package(evidence: &Path, exhibit: &str) -> Result<bool, HubError> {
    let entries = files::entries(&evidence.join(exhibit)).map_err(plain)?;
    Ok(entries.iter().any(|p| !name(p).starts_with('.')))
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Whether it is evidence: it needs a person to go.
fn is_exhibit(hub: &Hub, r: &RequestRecord) -> Result<bool, HubError> {
    Ok(match r.state {
        State::Ready | State::Partial => true,
        // A package that was made and did not stand its check may be all there is.
        State::Failed | State::Refused | State::Cancelled => {
            has_package(&hub.config.evidence, r.r#ref.as_str())?
        }
        _ => false,
    })
}

/// What the rule has to know of one exhibit; None when the request has none.
pub fn exhibit(
    hub: &Hub,
    r: &RequestRecord,
    e: &EvidenceRecord,
) -> Result<Option<Exhibit>, HubError> {
    Ok(is_exhibit(hub, r)?.then(|| Exhibit {
        exhibit: r.r#ref.to_string(),
        camera: r.camera.clone(),
        t0: r.t0,
        t1: r.t1,
        made: r.made,
        class: e.class,
    }))
}

/// RET-6: what wants footage now.
pub fn claims(hub: &Hub, requests: &[RequestRecord]) -> Result<Vec<Claim>, HubError> {
    let open = requests.iter().filter(|r| !r.state.over());
    let open = open.map(request_claim);
    let held = hub.db.holds(None).map_err(plain)?.into_iter();
    let held = held.filter(|h| h.standing.state.alive()).map(hold_claim);
    Ok(open.chain(held).collect())
}

/// The same for one exhibit: what wants its footage.
pub fn claims_on(hub: &Hub, e: &Exhibit) -> Result<Vec<Claim>, HubError> {
    let open = hub.db.requests_that_want(&e.camera, e.t0, e.t1)?;
    let open = open.into_iter().map(|r| request_claim(&r));
    let held = hub.db.holds_that_want(&e.camera, e.t0, e.t1)?;
    let held = held.into_iter().filter(|h| h.standing.state.alive());
    Ok(open.chain(held.map(hold_claim)).collect())
}

fn request_claim(r: &RequestRecord) -> Claim {
    Claim {
        camera: r.camera.clone(),
        t0: r.t0,
        t1: r.t1,
        by: format!("the request {} ({})", r.r#ref, r.state.as_str()),
    }
}

fn hold_claim(h: HoldRecord) -> Claim {
    Claim {
        by: format!("the hold {} ({})", h.id, h.standing.state.word()),
        camera: h.camera,
        t0: h.t0,
        t1: h.t1,
    }
}

pub fn all(hub: &Hub) -> Result<Survey, HubError> {
    let rows = hub.db.requests().map_err(plain)?;
    let evidence = hub.db.all_evidence().map_err(plain)?;
    let changed = hub.db.requests_changed().map_err(plain)?;
    let mut kept = Inventory {
        claims: claims(hub, &rows)?,
        ..Inventory::default()
    };
    // Requests of which there may be something here.
    let mut known = BTreeSet::new();
    for r in &rows {
        let name = r.r#ref.to_string();
        let e = evidence.get(&name).cloned().unwrap_or_default();
        let gone = match r.state {
            // One that is not finished has its own fault.
            State::Disposed => hub
                .db
                .disposal(&name)
                .map_err(plain)?
                .is_none_or(|d| d.gone.is_some()),
            _ => e.cleared.is_some(),
        };
        if !gone {
            known.insert(name.clone());
        }
        match exhibit(hub, r, &e)? {
            Some(x) => kept.exhibits.push(x),
            None if matches!(r.state, State::Failed | State::Refused | State::Cancelled)
                && e.cleared.is_none() =>
            {
                kept.drafts.push(Draft {
                    over: changed.get(&name).copied().unwrap_or(r.made),
                    exhibit: name,
                });
            }
            None => {}
        }
    }
    let texts = hub.db.side_texts().map_err(plain)?;
    kept.texts = texts
        .into_iter()
        .map(|(hash, made, used)| Text { hash, made, used })
        .collect();
    let requests: BTreeMap<String, RequestRecord> =
        rows.into_iter().map(|r| (r.r#ref.to_string(), r)).collect();
    kept.parts = parts(hub, &requests)?;
    let unknown = unknown(hub, &known, &kept.parts)?;
    Ok(Survey {
        kept,
        requests,
        evidence,
        unknown,
    })
}

/// Keys of exhibits.
pub fn keys(hub: &Hub) -> PathBuf {
    crate::keys::Keys::folder(&hub.state).join("exhibits")
}

/// What interrupted work left behind: partial files, packages in the making, keys that were never finished.
fn parts(hub: &Hub, requests: &BTreeMap<String, RequestRecord>) -> Result<Vec<Part>, HubError> {
    let (fetched, evidence, keys) = (
        hub.state.join("exhibits"),
        hub.config.evidence.clone(),
        keys(hub),
    );
    let mut making = Vec::new();
    for folder in files::entries(&evidence).map_err(plain)? {
        if folder.is_dir() {
            making.extend(files::entries(&folder).map_err(plain)?);
        }
    }
    making.retain(|p| name(p).ends_with(".making"));
    let places = [
        (&fetched, files::ending(&fetched, ".part").map_err(plain)?),
        (&evidence, making),
        (&keys, files::ending(&keys, ".tmp").map_err(plain)?),
    ];
    let mut out = Vec::new();
    for (folder, paths) in places {
        for path in paths {
            let of = path.strip_prefix(folder).unwrap_or(&path);
            let of = of.components().next().map(|c| c.as_os_str());
            let of = of.unwrap_or_default().to_string_lossy();
            let of = of.strip_suffix(".key.tmp").unwrap_or(&of);
            let open = requests.get(of).is_some_and(|r| !r.state.over());
            // Gone meanwhile.
            let Some(touched) = files::touched(&path).map_err(plain)? else {
                continue;
            };
            out.push(Part {
                path,
                touched: touched.max(Utc(0)),
                open,
            });
        }
    }
    Ok(out)
}

fn unknown(hub: &Hub, known: &BTreeSet<String>, parts: &[Part]) -> Result<Vec<PathBuf>, HubError> {
    let mut out = Vec::new();
    for folder in [
        hub.config.evidence.clone(),
        hub.state.join("exhibits"),
        keys(hub),
    ] {
        for path in files::entries(&folder).map_err(plain)? {
            let name = name(&path);
            let of = name.strip_suffix(".key").unwrap_or(&name);
            let of = of.strip_prefix(files::MARK).unwrap_or(of);
            let part = parts.iter().any(|p| p.path == path);
            if !part && !known.contains(of) && !NOT_OURS.contains(&of) {
                out.push(path);
            }
        }
    }
    Ok(out)
}
