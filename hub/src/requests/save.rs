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

use crate::{
    access::authorise::Permit,
    error::{HubError, plain},
    files,
    hub::{Hub, sessions::Reason},
    model::{copy::CopyKind, pull::State, text::TextField},
    reason::{Clips, Footage},
    register::{acts, media},
    texts::{self, keep_salted},
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
    /// Line of the hub's log that says it is saved: how that ends is told by it.
    pub line: u64,
    /// The name of whoever saves it, and its producer's reference: for the card that goes with it.
    pub by: String,
    pub mark: Option<String>,
}

/// Puts it on record that this package is saved. `copy`: what the copy is to be registered as when it is there; None: a film of it is
/// sent to a browser.
pub fn grant(
    hub: &Hub,
    exhibit: &ExhibitRef,
    reason: &Reason,
    copy: Option<CopyKind>,
    permit: &Permit,
) -> Result<Package, HubError> {
    let given = [
        (TextField::Purpose, &reason.purpose),
        (TextField::Reference, &reason.reference),
    ];
    let present = reason.present();
    let others = present.iter().map(|text| (TextField::Present, text));
    texts::texts(given.into_iter().chain(others))?;
    let row = hub
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
    media::may_leave(hub, exhibit)?;
    if let Some(kind) = copy {
        acts::may_be(hub, exhibit, kind)?;
    }
    let sums = hex(&sha256(
        &files::read(&package.join(names::SUMS)).map_err(plain)?,
    ));
    let line = CopySave {
        r#ref: exhibit.to_string(),
        cam: row.camera.cam.clone(),
        sums: sums.clone(),
        purpose: keep_salted(hub, reason.purpose.trim())?,
        reference: keep_salted(hub, reason.reference.trim())?,
        present: present.map(|text| keep_salted(hub, &text)).transpose()?,
    };
    let line = hub.log.append(&permit.op(), &line).map_err(plain)?.n;
    let line = hub.log.number(line);
    if copy.is_some() {
        acts::begun(hub, exhibit, line, &sums, permit)?;
    }
    let mark = hub.db.exhibit_mark(exhibit.as_str())?;
    let mark = mark.map(|hash| hub.db.side_text(&hash)).transpose()?;
    let account = hub.db.account_numbered(permit.number())?;
    let shown = account.and_then(|a| a.shown);
    let shown = shown.map(|hash| hub.db.side_text(&hash)).transpose()?;
    Ok(Package {
        line,
        by: shown.flatten().unwrap_or_else(|| permit.name().to_owned()),
        mark: mark.flatten(),
        package,
        sums,
        short: row.state == State::Partial,
    })
}
