//! Task. Why somebody watches a clip, put on record before the first byte is sent (AUD-1, AUD-5). Blocking.

use shared::{id::ExhibitRef, types::AccView};

use super::{
    rules::{self, State, TextField},
    submit::keep_salted,
};
use crate::{
    access::{authorise::Permit, sessions::Reason},
    desk::Desk,
    error::{HubError, plain},
    reason::{Evidence, Footage},
};

pub fn begin(
    desk: &Desk,
    exhibit: &ExhibitRef,
    reason: &Reason,
    permit: &Permit,
) -> Result<(), HubError> {
    let given = [
        (TextField::Purpose, &reason.purpose),
        (TextField::Reference, &reason.reference),
    ];
    let present = reason.present();
    let others = present.iter().map(|text| (TextField::Present, text));
    rules::texts(given.into_iter().chain(others))?;
    let request = desk.db.request(exhibit.as_str()).map_err(plain)?;
    let request = request.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    if request.state == State::Disposed {
        return Err(Evidence::Disposed {
            exhibit: exhibit.clone(),
            why: request.why,
        }
        .into());
    }
    let line = AccView {
        exh: exhibit.to_string(),
        t0: request.t0,
        t1: request.t1,
        grant: request.grant,
        purpose: keep_salted(desk, reason.purpose.trim())?,
        reference: keep_salted(desk, reason.reference.trim())?,
        present: present.map(|text| keep_salted(desk, &text)).transpose()?,
    };
    desk.log.append(&permit.op(), &line).map_err(plain)?;
    Ok(())
}
