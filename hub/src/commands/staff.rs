//! Wiring. `beadle-hub staff add`, and making an account.

use std::path::Path;

use argon2::{Argon2, PasswordHasher};
use clap::Subcommand;
use shared::types::OpAdd;

use super::{CommandError, ask::ask, init};
use crate::{
    board::Refusal,
    control::{Ask, Told},
    db::Db,
    keys,
    ownlog::{self, OwnLog},
};

/// ROL-1.
pub const ROLES: &[&str] = &[
    "operator",
    "supervisor",
    "manager",
    "approver",
    "inspector",
    "police",
    "contractor",
    "administrator",
];

#[derive(Subcommand)]
pub enum Command {
    /// Make an account; its password is printed once
    Add {
        name: String,
        #[arg(long)]
        role: String,
    },
}

pub fn run(state: &Path, command: Command) -> Result<(), CommandError> {
    let Command::Add { name, role } = command;
    let password = init::password()?;
    ask(
        state,
        &Ask::StaffAdd {
            name: name.clone(),
            role,
            password: password.clone(),
        },
        |told| {
            if let Told::Staff { op } = told {
                println!(
                    "{name} ({})   password {password}   (shown this once)",
                    ownlog::op(op)
                );
            }
            Ok(())
        },
    )
}

/// Logs, then makes the account. The log knows the number only. Blocking.
pub fn add(
    db: &Db,
    log: &OwnLog,
    by: &str,
    name: &str,
    role: &str,
    password: &str,
) -> Result<u32, Refusal> {
    let plain = |e: &dyn std::fmt::Display| Refusal(e.to_string());
    let ok = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    if !ok {
        return Err(Refusal(format!(
            "{name:?} is not an account name (1 to 40 of letters, digits, . - _ @)"
        )));
    }
    if !ROLES.contains(&role) {
        return Err(Refusal(format!(
            "{role:?} is not a role; roles are {}",
            ROLES.join(", ")
        )));
    }
    if db.account(name).map_err(|e| plain(&e))?.is_some() {
        return Err(Refusal(format!("there is an account {name} already")));
    }
    let salt: [u8; 16] = keys::random().map_err(|e| plain(&e))?;
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| plain(&e))?;
    let op = db.next_op().map_err(|e| plain(&e))?;
    log.append(
        by,
        &OpAdd {
            op: ownlog::op(op),
            role: role.into(),
            by: vec![by.into()],
        },
    )
    .map_err(|e| plain(&e))?;
    db.add_account(op, name, role, &hash.to_string())
        .map_err(|e| plain(&e))?;
    Ok(op)
}
