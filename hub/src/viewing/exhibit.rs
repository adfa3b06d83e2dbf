//! Task. Why somebody watches a clip, put on record before the first byte is sent (AUD-1, AUD-5). Blocking.

use std::sync::Arc;

use shared::{id::ExhibitRef, types::AccView};

use super::looks;
use crate::{
    access::authorise::Permit,
    error::{HubError, plain},
    hub::{Hub, looks::Look, sessions::Reason},
    model::{pull::State, text::TextField},
    reason::{Evidence, Footage, pulls::DisposalNote},
    texts::{self, keep_salted},
};

/// Of a clip that is still being fetched it is a look at what arrives.
pub fn begin(
    hub: &Hub,
    exhibit: &ExhibitRef,
    reason: &Reason,
    permit: &Permit,
) -> Result<Option<Arc<Look>>, HubError> {
    let given = [
        (TextField::Purpose, &reason.purpose),
        (TextField::Reference, &reason.reference),
    ];
    let present = reason.present();
    let others = present.iter().map(|text| (TextField::Present, text));
    texts::texts(given.into_iter().chain(others))?;
    let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let request = request.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    if request.state == State::Disposed {
        return Err(Evidence::Disposed {
            exhibit: exhibit.clone(),
            note: DisposalNote::of(&request.why, &hub.config.zone),
        }
        .into());
    }
    let line = AccView {
        exh: exhibit.to_string(),
        t0: request.t0,
        t1: request.t1,
        grant: request.grant,
        purpose: keep_salted(hub, reason.purpose.trim())?,
        reference: keep_salted(hub, reason.reference.trim())?,
        present: present.map(|text| keep_salted(hub, &text)).transpose()?,
    };
    hub.log.append(&permit.op(), &line).map_err(plain)?;
    match request.state.over() {
        true => Ok(None),
        false => looks::of_exhibit(hub, exhibit, permit).map(Some),
    }
}
