//! Task. Texts that people give: judged, salted, and kept where they can be erased. Blocking.

use shared::record::{hex, salted};

use crate::{
    error::{HubError, plain},
    hub::Hub,
    keys,
    model::text::TextField,
    reason::Clips,
};

const LONGEST_TEXT: usize = 500;

/// Refuses texts that are empty or too long.
pub fn texts<'a>(given: impl IntoIterator<Item = (TextField, &'a String)>) -> Result<(), Clips> {
    for (field, text) in given {
        if text.trim().is_empty() {
            return Err(Clips::TextWanted { field });
        }
        if text.len() > LONGEST_TEXT {
            let most = LONGEST_TEXT;
            return Err(Clips::TextTooLong { field, most });
        }
    }
    Ok(())
}

/// Hashes a text with a fresh salt; salt and text go to the erasable side table. Blocking.
pub fn keep_salted(hub: &Hub, text: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = salted(&salt, text);
    hub.db
        .keep_side(&hash, &hex(&salt), text, hub.now())
        .map_err(plain)?;
    Ok(hash)
}
