//! Task. The life of a staff account: made, named, given another password, closed. Blocking.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use shared::{
    time::Utc,
    types::{OpAdd, OpClose, OpName, OpPassword},
};

use super::{
    authorise::Permit,
    grants::{self, GrantRow},
    owners,
    role::{self, Role},
};
use crate::{
    acts,
    db::{Db, numbers::Numbered, staff::AccountRecord},
    desk::Desk,
    error::{HubError, plain},
    keys,
    list::{Part, Rows},
    ownlog::{self, OwnLog},
    requests::submit::keep_salted,
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

fn hashed(password: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(plain)?;
    Ok(hash.to_string())
}

/// Logs, then makes the account. The log knows the number only. Blocking.
pub fn add(
    db: &Db,
    log: &OwnLog,
    by: &str,
    name: &str,
    role: &str,
    password: &str,
) -> Result<u32, HubError> {
    let ok = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    if !ok {
        return Err(HubError::Malformed(format!(
            "{name:?} is not an account name (1 to 40 of letters, digits, . - _ @)"
        )));
    }
    let role = Role::parse(role).ok_or_else(|| {
        let roles = role::list(&Role::ALL);
        HubError::Malformed(format!("{role:?} is not a role; roles are {roles}"))
    })?;
    let hash = hashed(password)?;
    acts::act(db, log, |act| {
        if act.account(name)?.is_some() {
            return Err(HubError::Refused(format!(
                "there is an account {name} already"
            )));
        }
        let op = u32::try_from(act.number(Numbered::Account)?).map_err(plain)?;
        let line = OpAdd {
            op: ownlog::op(op),
            role: role.to_string(),
            by: vec![by.into()],
        };
        act.log(by, &line)?;
        act.add_account(op, name, role.word(), &hash)?;
        Ok(op)
    })
}

/// An account that is not closed, by its name.
pub fn open(hub: &Desk, name: &str) -> Result<AccountRecord, HubError> {
    let found = hub.db.account(name).map_err(plain)?;
    match found {
        Some(a) if a.closed.is_none() => Ok(a),
        Some(_) => Err(HubError::Refused(format!(
            "the account {name} is closed; nothing was done"
        ))),
        None => Err(HubError::Missing(format!(
            "there is no account {name}; `beadle-hub staff list` shows them"
        ))),
    }
}

/// An account as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// As the log names it.
    pub op: String,
    pub name: String,
    /// Name for people; None: none was written down, or it was erased.
    pub shown: Option<String>,
    pub roles: Vec<GrantRow>,
    /// The password is one that an administrator made and was not changed yet.
    pub once: bool,
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
pub fn list(hub: &Desk, closed: bool, part: &Part) -> Result<Rows<AccountRow>, HubError> {
    let after = part.after(|name| Some(name.to_owned()))?;
    let limit = part.limit();
    let found = hub.db.accounts_page(closed, after.as_deref(), limit + 1)?;
    Rows::cut(found, limit, |a| a.name.clone()).try_map(|a| {
        let shown = a.shown.as_ref().map(|hash| hub.db.side_text(hash));
        let roles = hub.db.grants(a.op)?;
        Ok(AccountRow {
            op: ownlog::op(a.op),
            name: a.name,
            shown: shown.transpose().map_err(plain)?.flatten(),
            roles: roles.iter().map(GrantRow::of).collect(),
            once: a.once,
            closed: a.closed,
        })
    })
}

/// Writes down an account's name for people. It is kept apart from the log; the one before is erased.
pub fn name(hub: &Desk, name: &str, shown: &str, permit: &Permit) -> Result<(), HubError> {
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

fn set(
    hub: &Desk,
    account: u32,
    password: &str,
    how: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    let hash = hashed(password)?;
    hub.act(|tx| {
        tx.set_password(account, &hash, how == "reset")?;
        let line = OpPassword {
            op: ownlog::op(account),
            how: how.into(),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })
}

/// A one-time password, by an administrator: it has to be changed before anything else is done with it. Sessions and tokens end.
pub fn reset(hub: &Desk, name: &str, permit: &Permit) -> Result<String, HubError> {
    let account = open(hub, name)?;
    if account.op == permit.number() {
        return Err(HubError::Refused(format!(
            "this is your own account: `beadle-hub staff password --as {name}` sets another password; nothing was done"
        )));
    }
    let password = one_time()?;
    set(hub, account.op, &password, "reset", permit)?;
    Ok(password)
}

/// One's own. Sessions and tokens from before end. It asks for the old one again: a page left open is not enough.
pub fn password(hub: &Desk, old: &str, new: &str, permit: &Permit) -> Result<(), HubError> {
    let account = hub.db.account_numbered(permit.number())?;
    let account = account.ok_or(HubError::SignedOut)?;
    let right = PasswordHash::new(&account.password).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(old.as_bytes(), &hash)
            .is_ok()
    });
    if !right {
        return Err(HubError::Refused(
            "the password of until now is another one; nothing was done".into(),
        ));
    }
    if !(LEAST..=MOST).contains(&new.chars().count()) || (account.once && old == new) {
        return Err(HubError::Refused(format!(
            "a password has {LEAST} to {MOST} characters, and is not the one that an administrator made; nothing was done"
        )));
    }
    set(hub, account.op, new, "own", permit)
}

/// Closes an account for good: sessions and tokens end at once. Its number and its name are not given to anybody else.
pub fn close(hub: &Desk, name: &str, permit: &Permit) -> Result<(), HubError> {
    let account = open(hub, name)?;
    hub.act(|tx| {
        grants::someone_left(hub, |g| g.op != account.op)?;
        if !tx.close_account(account.op, hub.now())? {
            return Err(HubError::Refused(format!(
                "the account {name} was closed meanwhile; nothing was done"
            )));
        }
        let line = OpClose {
            op: ownlog::op(account.op),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })
}
