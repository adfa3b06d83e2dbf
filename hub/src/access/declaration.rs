//! Task. The declaration and code of practice that everybody accepts before they do anything, and again when its text changes (ROL-3).
//!
//! The text is a file beside `hub.toml`, which the hub reads at its start and each minute. A hub without one asks for the text it had
//! before, or for the one in this program. Each text that counted stays in the records, with who accepted it when. Blocking.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shared::{
    plain as show,
    record::{hex, sha256},
    time::Utc,
    types::{DeclSet, OpAccept},
};
use utoipa::ToSchema;

use super::authorise::Permit;
use crate::{
    db::declarations::{AcceptanceRecord, DeclarationRecord},
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    ownlog,
    reason::Accounts,
};

/// What a new hub has, for the scheme to make its own of.
pub const FIRST: &str = include_str!("declaration.txt");
/// Bytes of a text, at most.
const LONGEST: u64 = 32 * 1024;

pub fn path(state: &Path) -> PathBuf {
    state.join("declaration.txt")
}

/// The text that is to count: None, the one of until now.
fn read(state: &Path) -> Result<Option<String>, String> {
    let path = path(state);
    let shown = path.display();
    let size = match std::fs::metadata(&path) {
        Ok(m) => m.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("{shown} cannot be read: {e}")),
    };
    if size > LONGEST {
        return Err(format!("{shown} is longer than {LONGEST} bytes"));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("{shown} cannot be read as text: {e}"))?;
    let text = show::lines(text.trim()).into_owned();
    match text.is_empty() {
        true => Err(format!("{shown} is empty")),
        false => Ok(Some(text)),
    }
}

/// Takes over the text in the file, if it is another. What cannot be read changes nothing, and is said in the journal.
pub fn look(hub: &Hub) -> Result<(), HubError> {
    let file = read(&hub.state).unwrap_or_else(|why| {
        tracing::error!("{why}; the declaration of until now goes on. Put the scheme's text there");
        None
    });
    let now = hub.db.declaration()?;
    let text = match (file, &now) {
        (Some(text), _) => text,
        (None, Some(_)) => return Ok(()),
        (None, None) => FIRST.trim().to_owned(),
    };
    let digest = hex(&sha256(text.as_bytes()));
    if now.is_some_and(|d| d.sha256 == digest) {
        return Ok(());
    }
    hub.act(|tx| {
        let line = DeclSet {
            sha256: digest.clone(),
            by: vec!["sys:hub".into()],
        };
        tx.log("sys:hub", &line)?;
        tx.add_declaration(&digest, &text, hub.now())?;
        Ok(())
    })
}

/// What has to be accepted, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Declaration {
    /// Of the text, lower hex.
    pub sha256: String,
    pub text: String,
    pub since: Utc,
    /// Whoever asks accepted this one.
    pub accepted: bool,
}

fn newest(hub: &Hub) -> Result<DeclarationRecord, HubError> {
    let found = hub.db.declaration()?;
    found.ok_or_else(|| Accounts::NoDeclaration.into())
}

pub fn show(hub: &Hub, permit: &Permit) -> Result<Declaration, HubError> {
    let d = newest(hub)?;
    Ok(Declaration {
        sha256: d.sha256,
        text: d.text,
        since: d.since,
        accepted: !hub.db.has_to_accept(permit.number())?,
    })
}

/// `sha256`: of the text that was read, so that nobody accepts one that changed meanwhile.
pub fn accept(hub: &Hub, sha256: &str, permit: &Permit) -> Result<(), HubError> {
    hub.act(|tx| {
        let d = newest(hub)?;
        if d.sha256 != sha256 {
            return Err(Accounts::DeclarationChanged.into());
        }
        if !hub.db.has_to_accept(permit.number())? {
            return Err(Accounts::DeclarationAccepted.into());
        }
        let line = OpAccept {
            op: permit.op(),
            sha256: d.sha256,
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        tx.accept_declaration(permit.number(), d.n, hub.now())
            .map_err(plain)
    })
}

/// Who accepted which text, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptanceRow {
    pub account: String,
    pub sha256: String,
    pub accepted: Utc,
    /// It is the text that counts now.
    pub newest: bool,
}

/// Newest first.
pub fn list(hub: &Hub, part: &Part) -> Result<Rows<AcceptanceRow>, HubError> {
    let (before, limit) = (part.after(place)?, part.limit());
    let found = hub.db.acceptances(before, limit + 1)?;
    let mark = |a: &AcceptanceRecord| format!("{}.{}.{}", a.made.0, a.declaration, a.op);
    Rows::cut(found, limit, mark).try_map(|a| {
        let account = hub.db.account_numbered(a.op)?;
        Ok(AcceptanceRow {
            account: account.map_or_else(|| ownlog::op(a.op), |a| a.name),
            sha256: a.sha256,
            accepted: a.made,
            newest: a.newest,
        })
    })
}

/// When, which text and who: a place in that list.
fn place(text: &str) -> Option<(Utc, u32, u32)> {
    let mut parts = text.split('.');
    let place = (
        Utc(parts.next()?.parse().ok()?),
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    parts.next().is_none().then_some(place)
}
