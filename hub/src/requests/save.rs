//! Task. May this person have the package in plain? Said on the hub's record before a byte of it is opened (RET-5, AUD-3). Blocking.

use std::path::PathBuf;

use shared::{
    evidence::names,
    id::ExhibitRef,
    record::{hex, sha256},
    types::CopySave,
};

use super::{
    rules::{self, State},
    submit::keep_salted,
};
use crate::{
    board::{Account, Refusal, plain},
    desk::Desk,
    files,
    ownlog::{CONSOLE, op},
    roles::{Act, authorise},
};

/// A package that may be saved now.
pub struct Granted {
    pub package: PathBuf,
    /// SHA-256 of its SHA256SUMS, as the line has it.
    pub sums: String,
    /// Part of what was asked for was never recorded.
    pub short: bool,
}

/// Puts it on record that this package is saved in plain. `who`: a person, or None for the console.
pub fn grant(
    desk: &Desk,
    exhibit: &ExhibitRef,
    purpose: &String,
    reference: &String,
    who: Option<&Account>,
) -> Result<Granted, Refusal> {
    if let Some(who) = who {
        authorise(who, Act::Save)?;
    }
    rules::texts([("a purpose", purpose), ("a reference", reference)]).map_err(Refusal)?;
    let row = desk
        .db
        .request(exhibit.as_str())
        .map_err(plain)?
        .ok_or_else(|| Refusal(format!("there is no exhibit {exhibit}; nothing was saved")))?;
    let package = match (row.state, &row.package) {
        (State::Ready | State::Partial, Some(package)) => PathBuf::from(package),
        (state, _) => {
            return Err(Refusal(format!(
                "{exhibit} is {}: there is no package to save; `beadle-hub clip watch {exhibit}` says where it stands",
                state.as_str()
            )));
        }
    };
    let sums = hex(&sha256(
        &files::read(&package.join(names::SUMS)).map_err(plain)?,
    ));
    let line = CopySave {
        r#ref: exhibit.to_string(),
        cam: row.camera.cam.clone(),
        sums: sums.clone(),
        purpose: keep_salted(desk, purpose.trim())?,
        reference: keep_salted(desk, reference.trim())?,
    };
    let name = who.map_or(CONSOLE.to_owned(), |w| op(w.op));
    desk.log.append(&name, &line).map_err(plain)?;
    Ok(Granted {
        package,
        sums,
        short: row.state == State::Partial,
    })
}
