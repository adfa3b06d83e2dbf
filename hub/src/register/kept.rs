//! Task. An exhibit that is not gone, and texts about it that are kept where they can be erased. Blocking.

use shared::{
    id::ExhibitRef,
    record::{hex, salted},
};

use crate::{
    acts::Act,
    db::requests::RequestRecord,
    error::{HubError, plain},
    hub::Hub,
    keys,
    model::pull::State,
    reason::{Evidence, Footage, Register, pulls::DisposalNote},
};

/// The exhibit, if it is not disposed of.
pub fn kept(hub: &Hub, exhibit: &ExhibitRef) -> Result<RequestRecord, HubError> {
    let request = hub.db.request(exhibit.as_str())?;
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
    Ok(request)
}

/// A text in the side table, which stays as long as the exhibit; its salted hash.
pub fn keep(
    hub: &Hub,
    act: &Act<'_>,
    exhibit: &ExhibitRef,
    text: &str,
) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let text = text.trim();
    let hash = salted(&salt, text);
    act.keep_side(&hash, &hex(&salt), text, hub.now())?;
    act.register_refers(exhibit.as_str(), &hash)?;
    Ok(hash)
}

pub fn hash(text: &str) -> Result<(), HubError> {
    let ok = text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match ok {
        true => Ok(()),
        false => Err(Register::HashMalformed.into()),
    }
}
