//! Task. Finishes disposals that were begun, clears what goes by itself, and raises what a person has to look at as faults of the hub's
//! own, on its record when they begin and when they end (RET-5, FLT-3). At the start and each hour.

use std::{sync::Arc, time::Duration};

use shared::time::Utc;

use super::{
    acts, carry, clear,
    clear::Stuck,
    files,
    gather::{self, Found},
    policy::{self, Standing, What},
};
use crate::{
    db::faults::{About, FoundFault},
    desk::{Desk, blocking},
    error::{HubError, plain},
};

pub const DUE: &str = "evidence.due";
pub const EXPIRING: &str = "evidence.expiring";
pub const DISPOSAL: &str = "evidence.disposal";
pub const UNKNOWN: &str = "evidence.unknown";

const LOOK_EVERY: Duration = Duration::from_secs(3600);

pub async fn run(desk: Arc<Desk>) {
    loop {
        let d = desk.clone();
        match blocking(move || look(&d)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!("evidence could not be looked through: {e}"),
            Err(_) => return,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// All of it once. Blocking.
pub fn look(desk: &Desk) -> Result<(), HubError> {
    let mut stuck = unfinished(desk)?;
    // Whatever is in the way of the disposal may be in the way of the rest.
    for (exhibit, why) in &stuck {
        self::stuck(desk, exhibit, why)?;
    }
    let found = gather::all(desk)?;
    stuck.extend(clear::clear(desk, &found)?);
    let found = gather::all(desk)?;
    let mut counted = Vec::new();
    for e in &found.kept.exhibits {
        let of = files::measure(&desk.state, &desk.config.evidence, &e.exhibit);
        counted.push((e.exhibit.as_str(), of.map_err(plain)?));
    }
    desk.db.evidence_counted(&counted)?;
    settle(desk, &faults(desk, &found, stuck))
}

/// The faults anew, after somebody did something. What could not be removed is not tried again by this.
pub fn refresh(desk: &Desk) -> Result<(), HubError> {
    let found = gather::all(desk)?;
    let mut stuck = Stuck::new();
    for f in desk.db.found_faults().map_err(plain)? {
        let About::Evidence(exhibit) = f.about else {
            continue;
        };
        let done = desk.db.disposal(&exhibit).map_err(plain)?;
        if f.code == DISPOSAL && done.is_none_or(|d| d.gone.is_none()) {
            stuck.push((exhibit, f.text));
        }
    }
    settle(desk, &faults(desk, &found, stuck))
}

/// A disposal that could not be completed.
pub fn stuck(desk: &Desk, exhibit: &str, why: &str) -> Result<(), HubError> {
    let f = fault(desk, exhibit, DISPOSAL, desk.now(), why.to_owned());
    crate::faults::begin(desk, &f)
}

/// Disposals whose intent is on record and whose certificate is not.
fn unfinished(desk: &Desk) -> Result<Stuck, HubError> {
    let _turn = acts::turn(&desk.pulls.disposals);
    let mut stuck = Stuck::new();
    for d in desk.db.disposals().map_err(plain)? {
        if d.gone.is_some() {
            continue;
        }
        let exhibit = d.r#ref.to_string();
        match carry::finish(desk, d) {
            Ok(_) => tracing::info!(exhibit, "a disposal that was interrupted is complete"),
            Err(why) => stuck.push((exhibit, why.to_string())),
        }
    }
    Ok(stuck)
}

/// It belongs to no box, so its log is the hub's own.
fn fault(desk: &Desk, exhibit: &str, code: &str, since: Utc, text: String) -> FoundFault {
    FoundFault {
        about: About::Evidence(exhibit.into()),
        code: code.into(),
        log: desk.log.origin().into(),
        since,
        text,
    }
}

fn faults(desk: &Desk, found: &Found, stuck: Stuck) -> Vec<FoundFault> {
    let (periods, zone, now) = (&desk.config.periods, &desk.config.zone, desk.now());
    let due = policy::due(&found.kept, periods, zone, now);
    let due = due.into_iter().filter_map(|d| match d.what {
        What::Exhibit(exhibit) => Some(fault(desk, &exhibit, DUE, d.since, d.why)),
        _ => None,
    });
    let soon = found.kept.exhibits.iter().filter_map(|e| {
        let stands = policy::standing(e, &found.kept.claims, periods, zone, now);
        (stands == Standing::Soon).then(|| {
            let last = policy::last_day(e.class, e.made, periods, zone);
            let text = match e.class.review() {
                Some(_) => format!("it is to be reviewed by {last}"),
                None => format!("its period ends with {last}"),
            };
            fault(desk, &e.exhibit, EXPIRING, now, text)
        })
    });
    let stuck = stuck
        .into_iter()
        .map(|(exhibit, why)| fault(desk, &exhibit, DISPOSAL, now, why));
    let unknown = found.unknown.iter().map(|path| {
        let name = path.display().to_string();
        let text = format!("{name} belongs to no request whose footage is kept here");
        fault(desk, &name, UNKNOWN, now, text)
    });
    due.chain(soon).chain(stuck).chain(unknown).collect()
}

fn settle(desk: &Desk, found: &[FoundFault]) -> Result<(), HubError> {
    let mine = |f: &FoundFault| matches!(f.about, About::Evidence(_));
    crate::faults::settle(desk, mine, found)
}
