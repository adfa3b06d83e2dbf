//! Task. Staff accounts. Blocking.

use argon2::{Argon2, PasswordHasher};
use shared::types::OpAdd;

use super::role::{self, Role};
use crate::{
    acts,
    db::{Db, numbers::Numbered},
    error::{HubError, plain},
    keys,
    ownlog::{self, OwnLog},
};

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
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(plain)?;
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
        act.add_account(op, name, role.word(), &hash.to_string())?;
        Ok(op)
    })
}
