//! Task. Who asked for what is not theirs, on the hub's log: each operation and account at once, then a line a minute at most, with how
//! many times it was. Blocking.

use shared::types::AccRefuse;

use super::{authorise::Subject, principal::Person};
use crate::{
    error::{HubError, plain},
    hub::Hub,
    model::operation::Row,
};

/// Somebody was refused. `about`: what it was about, as far as that is known.
pub fn note(
    hub: &Hub,
    person: &Person,
    row: &'static Row,
    about: Option<&Subject>,
) -> Result<(), HubError> {
    let now = hub.clock.now().mono;
    let Some(n) = hub.denials.count(person.op, row.name, now) else {
        return Ok(());
    };
    let camera = about.and_then(|s| s.camera.as_ref());
    let line = AccRefuse {
        op: person.op(),
        what: row.name.into(),
        n,
        r#box: camera.map(|c| c.r#box.to_string()),
        cam: camera.map(|c| c.cam.clone()),
    };
    hub.log.append(&person.op(), &line).map_err(plain)?;
    Ok(())
}
