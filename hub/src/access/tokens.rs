//! Task. Tokens for programs: each is somebody's, for named operations and until a day, shown once and kept as its SHA-256. Blocking.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::{
    record::{hex, sha256},
    time::Utc,
    types::{OpToken, OpUntoken},
};
use utoipa::ToSchema;

use super::{
    authorise::Permit,
    owners,
    principal::{Limits, Person, Principal, Token},
    signin,
    table::{self, roles::ADMINISTER},
};
use crate::{
    db::tokens::TokenRecord,
    error::{HubError, plain},
    hub::Hub,
    keys,
    list::{Part, Rows},
    ownlog::op,
    reason::Access,
};

/// A token lasts at most so many days.
const DAYS: u32 = 366;
const DAY_MS: i64 = 86_400_000;
/// Operations that one token may name.
const SCOPES: usize = 64;
/// What every token begins with, so that one that lies somewhere is known for what it is.
const MARK: &str = "beadle_";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    pub token: u64,
    /// Whose: the account's name.
    pub account: String,
    pub label: String,
    pub scopes: Vec<String>,
    pub made: Utc,
    pub until: Utc,
    /// It is worth something now.
    pub good: bool,
}

/// A token as it is shown, once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    pub token: u64,
    pub secret: String,
    pub until: Utc,
}

/// A name of what it is for, the operations, and for how many days.
pub fn add(
    hub: &Hub,
    label: &str,
    scopes: &[String],
    days: u32,
    permit: &Permit,
) -> Result<NewToken, HubError> {
    let label = owners::title(label, 80)?;
    let Principal::Person(person) = permit.principal() else {
        return Err(Access::TokenIsAPersons.into());
    };
    if !(1..=DAYS).contains(&days) {
        return Err(Access::TokenDays { most: DAYS }.into());
    }
    let scopes: BTreeSet<String> = scopes.iter().cloned().collect();
    if !(1..=SCOPES).contains(&scopes.len()) {
        return Err(Access::TokenOperations { most: SCOPES }.into());
    }
    let roles = person.roles(hub.now());
    for scope in &scopes {
        let row = table::ALL.iter().find(|row| row.name == scope);
        let row = row.ok_or_else(|| Access::OperationUnknown {
            operation: scope.clone(),
        })?;
        if !Limits::token_may(row) {
            return Err(Access::TokenNeverForThis {
                operation: scope.clone(),
            }
            .into());
        }
        if !row.roles.iter().any(|role| roles.contains(role)) {
            return Err(Access::TokenBeyondRoles {
                name: person.name.clone(),
                row,
            }
            .into());
        }
    }
    let account = hub.db.account_numbered(person.op)?;
    let account = account.ok_or(HubError::SignedOut)?;
    let secret: [u8; 32] = keys::random().map_err(plain)?;
    let secret = format!("{MARK}{}", hex(&secret));
    let record = TokenRecord {
        n: 0,
        op: person.op,
        label: label.into(),
        scopes: scopes.iter().cloned().collect(),
        generation: account.generation,
        made: hub.now(),
        until: hub.now().plus_ms(i64::from(days) * DAY_MS),
        ended: None,
    };
    let token = hub.act(|tx| {
        let n = tx.add_token(&hash(&secret), &record)?;
        let line = OpToken {
            token: n,
            op: person.op(),
            scopes: record.scopes.clone(),
            until: record.until,
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok::<_, HubError>(n)
    })?;
    Ok(NewToken {
        token,
        secret,
        until: record.until,
    })
}

fn hash(secret: &str) -> String {
    hex(&sha256(secret.as_bytes()))
}

/// One's own; who administers sees everybody's.
pub fn list(hub: &Hub, part: &Part, permit: &Permit) -> Result<Rows<TokenRow>, HubError> {
    let now = hub.now();
    let whose = (!permit.has(ADMINISTER)).then(|| permit.number());
    let (after, limit) = (part.number()?, part.limit());
    let found = hub.db.tokens_page(whose, after, limit + 1)?;
    Rows::cut(found, limit, |t| t.n.to_string()).try_map(|t| {
        let account = hub.db.account_numbered(t.op)?;
        Ok(TokenRow {
            token: t.n,
            good: account.as_ref().is_some_and(|a| {
                a.closed.is_none() && a.generation == t.generation && lasts(&t, now)
            }),
            account: account.map_or_else(|| op(t.op), |a| a.name),
            label: t.label,
            scopes: t.scopes,
            made: t.made,
            until: t.until,
        })
    })
}

fn lasts(t: &TokenRecord, now: Utc) -> bool {
    t.ended.is_none() && now < t.until
}

pub fn revoke(hub: &Hub, n: u64, permit: &Permit) -> Result<(), HubError> {
    let found = hub.db.token(n)?;
    let own = found.filter(|t| t.op == permit.number() || permit.has(ADMINISTER));
    let token = own.ok_or_else(|| Access::TokenUnknown {
        name: permit.name().into(),
        token: n,
    })?;
    hub.act(|tx| {
        if !tx.end_token(n, hub.now())? {
            return Err(Access::TokenEnded { token: n }.into());
        }
        let line = OpUntoken {
            token: n,
            op: op(token.op),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })
}

/// Number of the account that a token is of; None: it is worth nothing.
pub fn owner(hub: &Hub, secret: &str) -> Result<Option<u32>, HubError> {
    let formed = secret
        .strip_prefix(MARK)
        .is_some_and(|rest| rest.len() == 64);
    if !formed {
        return Ok(None);
    }
    let found = hub.db.token_of_hash(&hash(secret))?;
    Ok(found.filter(|t| lasts(t, hub.now())).map(|t| t.op))
}

/// Whoever this token is of, held to what it is for. One that is not good is nobody's, whatever the reason.
pub fn bearer(hub: &Hub, secret: &str) -> Result<Person, HubError> {
    let no = || HubError::SignedOut;
    if !secret.starts_with(MARK) {
        return Err(no());
    }
    let found = hub.db.token_of_hash(&hash(secret))?.ok_or_else(no)?;
    let account = hub.db.account_numbered(found.op)?.ok_or_else(no)?;
    if account.generation != found.generation || !lasts(&found, hub.now()) {
        return Err(no());
    }
    let mut person = signin::person(hub, found.op)?.ok_or_else(no)?;
    person.limits.token = Some(Token {
        n: found.n,
        scopes: found.scopes.into_iter().collect(),
    });
    Ok(person)
}
