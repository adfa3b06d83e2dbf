//! Task. What the hub itself finds and somebody has to look at: one record of it, one way into the hub's log (FLT-3). Blocking.

use crate::{
    db::faults::{FaultSubject, FoundFault},
    error::{HubError, plain},
    hub::Hub,
    ownlog::{FaultBegins, FaultEnds},
};

pub mod disks;
pub mod printer;
pub mod reports;

const HUB: &str = "sys:hub";

/// What `cam` and `ref` of its lines are.
fn named(about: &FaultSubject) -> (Option<&str>, Option<&str>) {
    match about {
        FaultSubject::Camera(camera) => (Some(camera.cam.as_str()), None),
        FaultSubject::Box(_) => (None, None),
        FaultSubject::Evidence(about)
        | FaultSubject::Disk(about)
        | FaultSubject::Outside(about) => (None, Some(about)),
    }
}

/// Puts on the record what began and what ended. `mine`: which of those on record this look answers for; of these, what is not found any
/// more is over. Lines come before the record: a hub that dies in between says it once more.
pub fn settle(
    hub: &Hub,
    mine: impl Fn(&FoundFault) -> bool,
    found: &[FoundFault],
) -> Result<(), HubError> {
    let mut before = hub.db.found_faults().map_err(plain)?;
    before.retain(mine);
    for f in before.iter().filter(|b| !found.iter().any(|f| f.same(b))) {
        let (cam, exhibit) = named(&f.about);
        let line = FaultEnds {
            code: &f.code,
            cam,
            log: &f.log,
            r#ref: exhibit,
        };
        hub.log.append(HUB, &line).map_err(plain)?;
        hub.db.end_found_fault(f).map_err(plain)?;
    }
    for f in found {
        enter(hub, &before, f)?;
    }
    Ok(())
}

/// One that began, whatever else there is.
pub fn begin(hub: &Hub, f: &FoundFault) -> Result<(), HubError> {
    enter(hub, &hub.db.found_faults().map_err(plain)?, f)
}

fn enter(hub: &Hub, before: &[FoundFault], f: &FoundFault) -> Result<(), HubError> {
    let old = before.iter().find(|b| b.same(f));
    if old.is_some_and(|b| b.text == f.text) {
        return Ok(());
    }
    if old.is_none() {
        tracing::warn!("{}: {:?}: {}", f.code, f.about, f.text);
        let (cam, exhibit) = named(&f.about);
        let line = FaultBegins {
            code: &f.code,
            cam,
            log: &f.log,
            r#ref: exhibit,
        };
        hub.log.append(HUB, &line).map_err(plain)?;
    }
    hub.db.put_found_fault(f).map_err(plain)
}
