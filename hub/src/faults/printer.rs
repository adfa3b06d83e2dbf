//! Task. The fault that stands while no PDF can be made. Blocking.

use crate::{
    db::faults::{FaultSubject, FoundFault},
    error::HubError,
    hub::Hub,
    printer::PrinterError,
};

/// Of shared::conditions.
pub const FAULT: &str = "evidence.documents";

/// Where it stands on record that no PDF was made, tries again. Blocking.
pub fn look(hub: &Hub) -> Result<(), HubError> {
    let stands = hub.db.found_faults()?.iter().any(|f| f.code == FAULT);
    match stands {
        true => note(hub, hub.printer.works().as_ref().map(drop)),
        false => Ok(()),
    }
}

/// Puts on record that no PDF was made, or that one was again. Blocking.
pub fn note(hub: &Hub, outcome: Result<(), &PrinterError>) -> Result<(), HubError> {
    let found: Vec<FoundFault> = outcome
        .err()
        .map(|why| FoundFault {
            about: FaultSubject::Evidence(hub.printer.program().display().to_string()),
            code: FAULT.into(),
            log: hub.log.origin().into(),
            since: hub.now(),
            text: why.to_string(),
        })
        .into_iter()
        .collect();
    super::settle(hub, |f| f.code == FAULT, &found)
}
