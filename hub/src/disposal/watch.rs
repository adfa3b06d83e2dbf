//! Task. Finishes disposals that were begun, clears what goes by itself, and raises what a person has to look at as faults of the hub's
//! own, on its record when they begin and when they end (RET-5, FLT-3). At the start and each hour.

use std::{sync::Arc, time::Duration};

use shared::time::Utc;

use super::{
    carry,
    clear::{self, Leftovers},
    files,
    gather::{self, Survey},
    turn,
};
use crate::{
    blocking::blocking,
    db::faults::{FaultSubject, FoundFault},
    error::{HubError, plain},
    faults::printer,
    hub::Hub,
    periods::{self, DueThing, PeriodStanding},
};

pub const DUE: &str = "evidence.due";
pub const EXPIRING: &str = "evidence.expiring";
pub const DISPOSAL: &str = "evidence.disposal";
pub const UNKNOWN: &str = "evidence.unknown";

const LOOK_EVERY: Duration = Duration::from_secs(3600);

pub async fn run(hub: Arc<Hub>) {
    loop {
        let d = hub.clone();
        match blocking(move || look(&d)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!("evidence could not be looked through: {e}"),
            Err(_) => return,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// All of it once. Blocking.
pub fn look(hub: &Hub) -> Result<(), HubError> {
    let mut stuck = unfinished(hub)?;
    // Whatever is in the way of the disposal may be in the way of the rest.
    for (exhibit, why) in &stuck {
        self::stuck(hub, exhibit, why)?;
    }
    crate::register::acts::expire_saves(hub)?;
    printer::look(hub)?;
    let found = gather::all(hub)?;
    stuck.extend(clear::clear(hub, &found)?);
    let found = gather::all(hub)?;
    let mut counted = Vec::new();
    for e in &found.kept.exhibits {
        let of = files::measure(&hub.state, &hub.config.evidence, &e.exhibit);
        counted.push((e.exhibit.as_str(), of.map_err(plain)?));
    }
    hub.db.evidence_counted(&counted)?;
    settle(hub, &faults(hub, &found, stuck))
}

/// The faults anew, after somebody did something. What could not be removed is not tried again by this.
pub fn refresh(hub: &Hub) -> Result<(), HubError> {
    let found = gather::all(hub)?;
    let mut stuck = Leftovers::new();
    for f in hub.db.found_faults().map_err(plain)? {
        let FaultSubject::Evidence(exhibit) = f.about else {
            continue;
        };
        let done = hub.db.disposal(&exhibit).map_err(plain)?;
        if f.code == DISPOSAL && done.is_none_or(|d| d.gone.is_none()) {
            stuck.push((exhibit, f.text));
        }
    }
    settle(hub, &faults(hub, &found, stuck))
}

/// A disposal that could not be completed.
pub fn stuck(hub: &Hub, exhibit: &str, why: &str) -> Result<(), HubError> {
    let f = fault(hub, exhibit, DISPOSAL, hub.now(), why.to_owned());
    crate::faults::begin(hub, &f)
}

/// Disposals whose intent is on record and whose certificate is not.
fn unfinished(hub: &Hub) -> Result<Leftovers, HubError> {
    let _turn = turn::turn(&hub.pulls.disposals);
    let mut stuck = Leftovers::new();
    for d in hub.db.disposals().map_err(plain)? {
        if d.gone.is_some() {
            continue;
        }
        let exhibit = d.r#ref.to_string();
        match carry::finish(hub, d) {
            Ok(_) => tracing::info!(exhibit, "a disposal that was interrupted is complete"),
            Err(why) => stuck.push((exhibit, why.to_string())),
        }
    }
    Ok(stuck)
}

/// It belongs to no box, so its log is the hub's own.
fn fault(hub: &Hub, exhibit: &str, code: &str, since: Utc, text: String) -> FoundFault {
    FoundFault {
        about: FaultSubject::Evidence(exhibit.into()),
        code: code.into(),
        log: hub.log.origin().into(),
        since,
        text,
    }
}

fn faults(hub: &Hub, found: &Survey, stuck: Leftovers) -> Vec<FoundFault> {
    let (periods, zone, now) = (&hub.config.periods, &hub.config.zone, hub.now());
    let due = periods::due(&found.kept, periods, zone, now);
    let due = due.into_iter().filter_map(|d| match d.what {
        DueThing::Exhibit(exhibit) => Some(fault(hub, &exhibit, DUE, d.since, d.why)),
        _ => None,
    });
    let soon = found.kept.exhibits.iter().filter_map(|e| {
        let stands = periods::standing(e, &found.kept.claims, periods, zone, now);
        (stands == PeriodStanding::Soon).then(|| {
            let last = periods::last_day(e.class, e.made, periods, zone);
            let text = match e.class.review() {
                Some(_) => format!("it is to be reviewed by {last}"),
                None => format!("its period ends with {last}"),
            };
            fault(hub, &e.exhibit, EXPIRING, now, text)
        })
    });
    let stuck = stuck
        .into_iter()
        .map(|(exhibit, why)| fault(hub, &exhibit, DISPOSAL, now, why));
    let unknown = found.unknown.iter().map(|path| {
        let name = path.display().to_string();
        let text = format!("{name} belongs to no request whose footage is kept here");
        fault(hub, &name, UNKNOWN, now, text)
    });
    due.chain(soon).chain(stuck).chain(unknown).collect()
}

fn settle(hub: &Hub, found: &[FoundFault]) -> Result<(), HubError> {
    let mine =
        |f: &FoundFault| matches!(f.about, FaultSubject::Evidence(_)) && f.code != printer::FAULT;
    crate::faults::settle(hub, mine, found)
}
