//! Task. The life of a staff account: made, named, given another password, closed. Blocking.
//!
//! Nobody knows the password of somebody else's account but for the first moment, and that is kept ([`super::two`]): the hub makes a
//! one-time password, which has to be changed before anything else is done with it. What gives or restores a role that decides takes
//! two administrators.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use shared::{
    time::Utc,
    types::{OpAdd, OpAsk, OpClose, OpName, OpPassword, OpUnfactor},
};
use utoipa::ToSchema;

use super::{
    approvals,
    authorise::Permit,
    factors,
    grants::{self, Bounds, GrantRow},
    owners,
};
use crate::{
    acts::{self, Act},
    db::{Db, approvals::ApprovalRecord, staff::AccountRecord},
    error::{HubError, plain},
    hub::Hub,
    keys,
    list::{Part, Rows},
    model::{
        approval::Kind,
        role::{Role, WEIGHTY},
    },
    ownlog::{self, OwnLog},
    reason::{Access, Accounts},
    texts::keep_salted,
};

/// A password of one's own has at least so many characters.
const LEAST: usize = 10;
const MOST: usize = 200;
/// What one-time passwords are made of: nothing that is mistaken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// Sixteen letters and digits that are not mistaken for one another: 80 random bits.
pub fn one_time() -> Result<String, HubError> {
    let bytes: [u8; 16] = keys::random().map_err(plain)?;
    let text: Vec<char> = bytes
        .iter()
        .map(|b| char::from(LETTERS[usize::from(b & 31)]))
        .collect();
    let parts = text.chunks(4).map(|c| c.iter().collect::<String>());
    Ok(parts.collect::<Vec<_>>().join("-"))
}

pub(super) fn hashed(password: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(plain)?;
    Ok(hash.to_string())
}

/// An account that was made, with its one-time password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewAccount {
    pub op: u32,
    pub password: String,
    /// The request for its role, which a second administrator has to approve; None: it has the role.
    pub ask: Option<u64>,
}

/// One more account in an act: its number. The log knows the number only. `role`: None, none yet.
pub(super) fn insert(
    act: &Act<'_>,
    by: &str,
    name: &str,
    role: Option<Role>,
    password: &str,
) -> Result<u32, HubError> {
    let ok = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    if !ok {
        return Err(Accounts::NameMalformed { name: name.into() }.into());
    }
    if act.account(name)?.is_some() {
        return Err(Accounts::Exists { name: name.into() }.into());
    }
    let op = u32::try_from(act.account_number()?).map_err(plain)?;
    let line = OpAdd {
        op: ownlog::op(op),
        role: role.map(|r| r.to_string()),
        by: vec![by.into()],
    };
    act.log(by, &line)?;
    act.add_account(op, name, role, password, true)?;
    Ok(op)
}

/// One that a new hub begins with; its one-time password.
pub fn first(db: &Db, log: &OwnLog, name: &str, role: Role) -> Result<String, HubError> {
    let password = one_time()?;
    let hash = hashed(&password)?;
    acts::act(db, log, |act| {
        insert(act, "sys:init", name, Some(role), &hash)
    })?;
    Ok(password)
}

/// Makes an account. A role that decides is only asked for.
pub fn add(hub: &Hub, name: &str, role: &str, permit: &Permit) -> Result<NewAccount, HubError> {
    let role = Role::parse(role).ok_or_else(|| Access::RoleUnknown { role: role.into() })?;
    let password = one_time()?;
    let hash = hashed(&password)?;
    let at_once = (!WEIGHTY.contains(&role)).then_some(role);
    let op = hub.act(|act| {
        let op = insert(act, &permit.op(), name, at_once, &hash)?;
        act.add_hand(op, permit.number(), hub.now())?;
        Ok::<_, HubError>(op)
    })?;
    let ask = match at_once {
        Some(_) => None,
        None => {
            let all = Bounds {
                all: true,
                ..Bounds::default()
            };
            Some(grants::ask(hub, op, role, &all, permit)?)
        }
    };
    Ok(NewAccount { op, password, ask })
}

/// An account that is not closed, by its name.
pub fn open(hub: &Hub, name: &str) -> Result<AccountRecord, HubError> {
    let found = hub.db.account(name).map_err(plain)?;
    match found {
        Some(a) if a.closed.is_none() => Ok(a),
        Some(_) => Err(Access::AccountClosed {
            account: name.into(),
        }
        .into()),
        None => Err(Accounts::Unknown { name: name.into() }.into()),
    }
}

/// An account as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountRow {
    /// As the log names it.
    pub op: String,
    pub name: String,
    /// Name for people; None: none was written down, or it was erased.
    pub shown: Option<String>,
    pub roles: Vec<GrantRow>,
    /// The password is one that an administrator made and was not changed yet.
    pub once: bool,
    /// Whether they have accepted the declaration as it reads now.
    pub declared: bool,
    /// Kinds of second factors: code, passkey.
    pub factors: Vec<String>,
    /// When somebody last signed in to it.
    pub entered: Option<Utc>,
    pub closed: Option<Utc>,
}

impl AccountRow {
    /// Name and roles, for a sentence.
    pub fn person(&self) -> String {
        let name = self.shown.as_ref().unwrap_or(&self.name);
        let mut roles: Vec<&str> = self.roles.iter().map(|r| r.role.as_str()).collect();
        roles.dedup();
        match roles.is_empty() {
            true => format!("{name} (no role)"),
            false => format!("{name} ({})", roles.join(", ")),
        }
    }
}

/// Every account, by name; closed ones too, if `closed`.
pub fn list(hub: &Hub, closed: bool, part: &Part) -> Result<Rows<AccountRow>, HubError> {
    let after = part.after(|name| Some(name.to_owned()))?;
    let limit = part.limit();
    let found = hub.db.accounts_page(closed, after.as_deref(), limit + 1)?;
    Rows::cut(found, limit, |a| a.name.clone()).try_map(|a| {
        let shown = a.shown.as_ref().map(|hash| hub.db.side_text(hash));
        let roles = hub.db.grants(a.op)?;
        let factors = hub.db.factors(a.op)?;
        Ok(AccountRow {
            op: ownlog::op(a.op),
            name: a.name,
            shown: shown.transpose().map_err(plain)?.flatten(),
            roles: roles.iter().map(GrantRow::of).collect(),
            once: a.once,
            declared: !hub.db.has_to_accept(a.op)?,
            factors: factors.into_iter().map(|f| f.kind).collect(),
            entered: a.entered,
            closed: a.closed,
        })
    })
}

/// Writes down an account's name for people. It is kept apart from the log; the one before is erased.
pub fn name(hub: &Hub, name: &str, shown: &str, permit: &Permit) -> Result<(), HubError> {
    let account = open(hub, name)?;
    let shown = owners::title(shown, 80)?;
    hub.act(|tx| {
        let hash = keep_salted(hub, shown)?;
        tx.name_account(account.op, &hash)?;
        let line = OpName {
            op: ownlog::op(account.op),
            name: hash,
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok::<_, HubError>(())
    })?;
    if let Some(before) = account.shown {
        hub.db.erase_side(&[before], "", None)?;
    }
    Ok(())
}

/// Another password, as part of an act. All of the account's sessions and tokens are over.
fn set(
    tx: &Act<'_>,
    account: u32,
    hash: &str,
    how: &str,
    ask: Option<u64>,
    by: Vec<String>,
) -> Result<(), HubError> {
    tx.set_password(account, hash, how != "own")?;
    tx.end_sessions(account)?;
    let who = by.last().cloned().unwrap_or_default();
    let line = OpPassword {
        op: ownlog::op(account),
        how: how.into(),
        ask,
        by,
    };
    tx.log(&who, &line)?;
    Ok(())
}

/// Whether an account has, or is to have, a role that decides.
pub fn is_weighty(hub: &Hub, account: u32) -> Result<bool, HubError> {
    let held = hub.db.grants(account)?;
    Ok(held.iter().any(|g| WEIGHTY.contains(&g.grant.role)))
}

/// What became of it: there is a one-time password, or somebody else has to approve that first.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordRenewal {
    Password(String),
    Ask(u64),
}

/// What a request for a one-time password says.
#[derive(Serialize, Deserialize, ToSchema)]
struct PasswordRequest {
    op: u32,
}

fn not_own(account: &AccountRecord, permit: &Permit) -> Result<(), HubError> {
    match account.op == permit.number() {
        true => Err(Accounts::Own {
            name: account.name.clone(),
        }
        .into()),
        false => Ok(()),
    }
}

fn ask(hub: &Hub, account: u32, kind: Kind, permit: &Permit) -> Result<u64, HubError> {
    let subject = ownlog::op(account);
    approvals::ask(
        hub,
        permit,
        kind,
        &subject,
        &PasswordRequest { op: account },
        |ask| OpAsk {
            ask,
            what: kind.word().into(),
            op: ownlog::op(account),
            role: None,
            by: vec![permit.op()],
        },
    )
}

/// A one-time password: it has to be changed before anything else is done with it. Sessions and tokens end. For an account with a role
/// that decides it is only asked for.
pub fn reset(hub: &Hub, name: &str, permit: &Permit) -> Result<PasswordRenewal, HubError> {
    let account = open(hub, name)?;
    not_own(&account, permit)?;
    if is_weighty(hub, account.op)? {
        return Ok(PasswordRenewal::Ask(ask(
            hub,
            account.op,
            Kind::Reset,
            permit,
        )?));
    }
    let password = one_time()?;
    let hash = hashed(&password)?;
    hub.act(|tx| {
        set(tx, account.op, &hash, "reset", None, vec![permit.op()])?;
        tx.add_hand(account.op, permit.number(), hub.now())?;
        Ok::<_, HubError>(())
    })?;
    hub.sessions.forget(account.op);
    Ok(PasswordRenewal::Password(password))
}

/// Asks that an account begin anew, without its second factors: whoever lost them cannot sign in.
pub fn recover(hub: &Hub, name: &str, permit: &Permit) -> Result<u64, HubError> {
    let account = open(hub, name)?;
    not_own(&account, permit)?;
    ask(hub, account.op, Kind::Recovery, permit)
}

/// The second administrator's word; the one-time password.
pub fn approve(
    hub: &Hub,
    request: &ApprovalRecord,
    kind: Kind,
    permit: &Permit,
) -> Result<String, HubError> {
    let password = one_time()?;
    let hash = hashed(&password)?;
    let by = vec![ownlog::op(request.asked_by), permit.op()];
    let account = approvals::approve(hub, request, permit, |tx, wanted: PasswordRequest| {
        let account = hub.db.account_numbered(wanted.op)?;
        if account.is_none_or(|a| a.closed.is_some()) {
            return Err(Access::AccountClosed {
                account: ownlog::op(wanted.op),
            }
            .into());
        }
        set(
            tx,
            wanted.op,
            &hash,
            kind.word(),
            Some(request.n),
            by.clone(),
        )?;
        if kind == Kind::Recovery {
            for factor in hub.db.factors(wanted.op)? {
                tx.end_factor(factor.n, hub.now())?;
                let line = OpUnfactor {
                    op: ownlog::op(wanted.op),
                    factor: factor.n,
                    by: by.clone(),
                };
                tx.log(&permit.op(), &line)?;
            }
        }
        // Whoever approves is told the password.
        tx.add_hand(wanted.op, permit.number(), hub.now())?;
        Ok(wanted.op)
    })?;
    hub.sessions.forget(account);
    Ok(password)
}

/// Whether this is the password of an account. As slow as any look at one, and held to the pace of guesses.
pub fn knows(hub: &Hub, account: &AccountRecord, password: &str) -> Result<(), HubError> {
    factors::pace(hub, account.op)?;
    let right = PasswordHash::new(&account.password).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    match right {
        true => Ok(()),
        false => Err(Accounts::OldPasswordWrong.into()),
    }
}

/// The account of whoever asks.
pub fn own(hub: &Hub, permit: &Permit) -> Result<AccountRecord, HubError> {
    let account = hub.db.account_numbered(permit.number())?;
    account
        .filter(|a| a.closed.is_none())
        .ok_or(HubError::SignedOut)
}

/// One's own. Sessions and tokens from before end. It asks for the old one again: a page left open is not enough.
pub fn password(hub: &Hub, old: &str, new: &str, permit: &Permit) -> Result<(), HubError> {
    let account = own(hub, permit)?;
    knows(hub, &account, old)?;
    if !(LEAST..=MOST).contains(&new.chars().count()) || (account.once && old == new) {
        return Err(Accounts::PasswordUnfit {
            least: LEAST,
            most: MOST,
        }
        .into());
    }
    let hash = hashed(new)?;
    hub.act(|tx| set(tx, account.op, &hash, "own", None, vec![permit.op()]))?;
    hub.sessions.forget(account.op);
    Ok(())
}

/// Closes an account for good: sessions and tokens end at once. Its number and its name are not given to anybody else.
pub fn close(hub: &Hub, name: &str, permit: &Permit) -> Result<(), HubError> {
    let account = open(hub, name)?;
    hub.act(|tx| {
        grants::someone_left(hub, |g| g.op != account.op)?;
        if !tx.close_account(account.op, hub.now())? {
            return Err(Accounts::ClosedMeanwhile { name: name.into() }.into());
        }
        tx.end_sessions(account.op)?;
        let line = OpClose {
            op: ownlog::op(account.op),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })?;
    hub.sessions.forget(account.op);
    Ok(())
}
