//! Task. May this person have the package in plain? Said on the hub's record before a byte of it is opened (RET-5, AUD-3). Blocking.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::{
    evidence::names,
    id::ExhibitRef,
    record::{hex, sha256},
    types::CopySave,
};
use utoipa::ToSchema;

use super::{
    rules::{self, State, TextField},
    submit::keep_salted,
};
use crate::{
    access::authorise::Permit,
    desk::Desk,
    error::{HubError, plain},
    files,
    reason::{Clips, Footage},
};

/// A package that may be saved now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Package {
    #[schema(value_type = String)]
    pub package: PathBuf,
    /// SHA-256 of its SHA256SUMS, as the line has it.
    pub sums: String,
    /// Part of what was asked for was never recorded.
    pub short: bool,
}

/// Puts it on record that this package is saved in plain.
pub fn grant(
    desk: &Desk,
    exhibit: &ExhibitRef,
    purpose: &String,
    reference: &String,
    permit: &Permit,
) -> Result<Package, HubError> {
    rules::texts([
        (TextField::Purpose, purpose),
        (TextField::Reference, reference),
    ])?;
    let row = desk
        .db
        .request(exhibit.as_str())
        .map_err(plain)?
        .ok_or_else(|| Footage::ExhibitUnknown {
            exhibit: exhibit.clone(),
        })?;
    let package = match (row.state, &row.package) {
        (State::Ready | State::Partial, Some(package)) => PathBuf::from(package),
        (state, _) => {
            return Err(Clips::NoPackage {
                exhibit: exhibit.clone(),
                state,
            }
            .into());
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
    desk.log.append(&permit.op(), &line).map_err(plain)?;
    Ok(Package {
        package,
        sums,
        short: row.state == State::Partial,
    })
}
