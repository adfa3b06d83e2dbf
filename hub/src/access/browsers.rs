//! Task. Who is signed in at the pages, as people see it, and signing out of all of them. Blocking.

use serde::{Deserialize, Serialize};
use shared::{time::Utc, types::OpSignout};
use utoipa::ToSchema;

use super::{accounts, authorise::Permit, table::roles::ADMINISTER};
use crate::{
    error::{HubError, plain},
    hub::{Hub, sessions::Place},
    list::{Part, Rows},
    ownlog,
    reason::Accounts,
};

/// A session that goes on, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRow {
    /// Whose: the account's name.
    pub account: String,
    pub begun: Utc,
    pub seen: Utc,
    /// If nothing more is asked for.
    pub ends: Utc,
}

/// One's own; who administers sees everybody's, unless they want their own only.
pub fn list(
    hub: &Hub,
    own: bool,
    part: &Part,
    permit: &Permit,
) -> Result<Rows<SessionRow>, HubError> {
    let (after, limit) = (part.after(place)?, part.limit());
    let whose = (own || !permit.has(ADMINISTER)).then(|| permit.number());
    let found = hub.sessions.page(hub.now(), whose, after, limit + 1);
    Rows::cut(found, limit, |(place, _)| mark(place)).try_map(|(_, s)| {
        let account = hub.db.account_numbered(s.op)?;
        Ok(SessionRow {
            account: account.map_or_else(|| ownlog::op(s.op), |a| a.name),
            begun: s.begun,
            seen: s.seen,
            ends: s.ends(),
        })
    })
}

fn mark((op, begun, key): &Place) -> String {
    format!("{op}.{}.{key}", begun.0)
}

pub fn place(text: &str) -> Option<Place> {
    let mut parts = text.split('.');
    let place = (
        parts.next()?.parse().ok()?,
        Utc(parts.next()?.parse().ok()?),
        parts.next()?.to_owned(),
    );
    parts.next().is_none().then_some(place)
}

/// Ends all sessions of an account: one's own, or anybody's by who administers. Tokens go on.
pub fn end(hub: &Hub, name: &str, permit: &Permit) -> Result<(), HubError> {
    let account = accounts::open(hub, name).map_err(|e| match permit.has(ADMINISTER) {
        true => e,
        // Which accounts there are is not for everybody.
        false => not_yours(permit),
    })?;
    if account.op != permit.number() && !permit.has(ADMINISTER) {
        return Err(not_yours(permit));
    }
    hub.act(|tx| {
        let line = OpSignout {
            op: ownlog::op(account.op),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        tx.end_sessions(account.op).map_err(plain)?;
        Ok::<_, HubError>(())
    })?;
    hub.sessions.forget(account.op);
    Ok(())
}

fn not_yours(permit: &Permit) -> HubError {
    Accounts::SessionsOfOthers {
        name: permit.name().into(),
    }
    .into()
}
