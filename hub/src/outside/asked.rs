//! Task. How all those outside stand to the hub's log, for people. Blocking.

use shared::time::Utc;

use crate::{
    attestations::{Due, Store},
    error::{HubError, plain},
    hub::Hub,
    model::outside::{OutsideRow, OutsideStatus},
};

/// How it stands with all of them. Blocking.
pub fn status(hub: &Hub) -> Result<OutsideStatus, HubError> {
    let store = Store::new(&hub.log.folder());
    let (due, kept) = (store.due().map_err(plain)?, store.kept().map_err(plain)?);
    let waiting = |whom: &str| -> (u64, Option<Utc>) {
        let mine: Vec<&Due> = due.iter().filter(|d| d.whom == whom).collect();
        (mine.len() as u64, mine.iter().map(|d| d.since).min())
    };
    let mut rows = Vec::new();
    for a in &hub.config.outside.authorities {
        let stamped = kept
            .iter()
            .rev()
            .find(|k| k.stamps.iter().any(|(name, _)| *name == a.name));
        let (waiting, since) = waiting(&a.name);
        rows.push(OutsideRow {
            name: a.name.clone(),
            what: "authority".into(),
            url: Some(a.url.to_string()),
            known_by: a.roots.iter().map(|r| r.name()).collect(),
            lines: stamped.map(|k| k.head.head.size),
            waiting,
            since,
            trouble: hub.outside.why(&a.name),
        });
    }
    for w in &hub.config.outside.witnesses {
        let id = w.id();
        let (waiting, since) = waiting(&id);
        rows.push(OutsideRow {
            name: w.key.name.clone(),
            what: "witness".into(),
            url: w.url.as_ref().map(ToString::to_string),
            known_by: vec![w.key.to_string()],
            lines: store.seen_by(&id).map_err(plain)?,
            waiting,
            since,
            trouble: hub.outside.why(&id),
        });
    }
    Ok(OutsideStatus {
        lines: hub.log.handle().size(),
        rows,
    })
}
