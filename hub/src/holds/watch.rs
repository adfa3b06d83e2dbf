//! Task. What somebody has to look at about holds is a fault of the hub's own, on its record when it begins and when it ends (FLT-3).
//! Blocking.

use shared::{
    id::{BoxCamera, box_log},
    time::Utc,
};

use super::{due, plain, shown};
use crate::{
    db::faults::{FaultSubject, FoundFault},
    error::HubError,
    faults,
    hub::Hub,
};

pub fn look(hub: &Hub, now: Utc) -> Result<(), HubError> {
    let mut found = Vec::new();
    for (name, fault) in shown::faults(hub, now)? {
        let Some(cam) = fault.cam else { continue };
        let log = hub.db.newest_log(&name).map_err(plain)?;
        let log = log.map_or_else(|| box_log(&hub.config.scheme, &name, 1), |l| l.origin);
        found.push(FoundFault {
            about: FaultSubject::Camera(BoxCamera { r#box: name, cam }),
            code: fault.code,
            log,
            since: fault.since,
            text: fault.text,
        });
    }
    faults::settle(hub, |f| due::CODES.contains(&f.code.as_str()), &found)
}
