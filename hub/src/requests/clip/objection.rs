//! Pure. Why something is not done about a request.

use crate::{
    access::authorise::Permit,
    error::HubError,
    model::clip_request::{NotDone, name},
    reason::Clips,
};

pub fn not_done(n: u64, why: NotDone, permit: &Permit) -> HubError {
    let request = name(n);
    match why {
        NotDone::Stands(state) => Clips::Stands { request, state },
        NotDone::SamePerson => Clips::Own {
            name: permit.name().into(),
            request,
        },
        NotDone::Reason => Clips::HandedOver { request },
    }
    .into()
}
