//! Task. Break-glass: root at the hub machine makes an administrator for some hours, because no two can sign in any more (ROL-5 needs two).
//! It is loud: a line of its own on the log, and a sentence on every page for a week. Blocking.

use shared::{time::Utc, types::OpBreak};

use super::{
    accounts::{self, NewAccount},
    authorise::Permit,
    owners,
    table::roles::ADMINISTER,
};
use crate::{
    db::hands::BreakRecord,
    error::HubError,
    hub::Hub,
    model::{
        grant::{Grant, Scope},
        local_time::LocalTime,
        role::Role,
        text::TextField,
    },
    ownlog,
    reason::{Accounts, Notice},
    texts::{self, keep_salted},
};

/// The role ends after so long.
const LASTS_MS: i64 = 4 * 3_600_000;
/// Every page says so for so long.
const SHOWN_MS: i64 = 7 * 86_400_000;
/// Whoever signed in since then can, as far as anybody knows.
const LATELY_DAYS: i64 = 14;

/// Who administers and signed in lately: names.
fn able(hub: &Hub) -> Result<Vec<String>, HubError> {
    let now = hub.now();
    let lately = now.plus_ms(-LATELY_DAYS * 86_400_000);
    let grants = hub.db.all_grants()?;
    let all = hub.db.accounts()?.into_iter().filter(|a| {
        let mut held = grants.get(&a.op).into_iter().flatten();
        let administers = held.any(|g| {
            ADMINISTER.contains(&g.grant.role)
                && g.grant.scope == Scope::All
                && g.grant.holds_at(now)
        });
        a.closed.is_none() && administers && a.entered.is_some_and(|t| t > lately)
    });
    Ok(all.map(|a| a.name).collect())
}

/// `name`: of the account; `person`: who it is for, in words. Returns its one-time password.
pub fn make(
    hub: &Hub,
    name: &str,
    person: &str,
    reason: &str,
    permit: &Permit,
) -> Result<NewAccount, HubError> {
    let person = owners::title(person, 80)?;
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    let password = accounts::one_time()?;
    let hash = accounts::hashed(&password)?;
    let (now, by) = (hub.now(), permit.op());
    let until = now.plus_ms(LASTS_MS);
    let op = hub.act(|tx| {
        let able = able(hub)?;
        if able.len() >= 2 {
            return Err(Accounts::AdministratorsAble {
                names: able,
                days: LATELY_DAYS,
            }
            .into());
        }
        let op = accounts::insert(tx, &by, name, None, &hash)?;
        let grant = Grant {
            until: Some(until),
            ..Grant::everywhere(Role::Administrator)
        };
        tx.add_grant(op, &grant, &by, now)?;
        let (person, reason) = (keep_salted(hub, person)?, keep_salted(hub, reason.trim())?);
        let line = OpBreak {
            op: ownlog::op(op),
            name: person.clone(),
            reason: reason.clone(),
            until,
            by: vec![by.clone()],
        };
        tx.log(&by, &line)?;
        tx.name_account(op, &person)?;
        tx.add_break(&BreakRecord {
            op,
            name: person,
            reason,
            made: now,
            until,
        })?;
        Ok(op)
    })?;
    tracing::error!(
        "root made {name} an administrator until {until}: no two who administer this hub signed in lately"
    );
    Ok(NewAccount {
        op,
        password,
        ask: None,
    })
}

/// What every page says of it now.
pub fn notices(hub: &Hub) -> Result<Vec<Notice>, HubError> {
    let now = hub.now();
    let recent = hub.db.breaks(now.plus_ms(-SHOWN_MS))?.into_iter();
    recent
        .map(|b| {
            let at = |t: Utc| LocalTime::of(t, &hub.config.zone);
            Ok(Notice::GlassBroken {
                made: at(b.made),
                name: hub.db.side_text(&b.name)?,
                op: ownlog::op(b.op),
                until: at(b.until),
                over: b.until <= now,
                reason: hub.db.side_text(&b.reason)?,
            })
        })
        .collect()
}
