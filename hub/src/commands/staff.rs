//! Wiring. `beadle-hub staff …`: accounts, their roles, and what waits for a second administrator.

use std::path::PathBuf;

use clap::Subcommand;
use shared::time::Utc;

use super::{CommandError, client::Client, person::sign_in, print_json};
use crate::{
    access::{
        accounts,
        grants::{Bounds, Given},
    },
    ops::{roles, staff},
    ownlog,
};

#[derive(Subcommand)]
pub enum Command {
    /// Make an account; its password is printed once
    Add {
        name: String,
        #[arg(long)]
        role: String,
    },
    /// Accounts and their roles
    List {
        /// Closed ones too
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
    },
    /// Write down an account's name for people, accents and all; it is kept apart from the log
    Name { name: String, shown: String },
    /// Give an account a role: for all cameras, for one owner's, or for some
    Grant {
        name: String,
        #[arg(long)]
        role: String,
        /// For all cameras
        #[arg(long)]
        all: bool,
        /// For this owner's cameras
        #[arg(long)]
        owner: Option<String>,
        /// For this camera (BOX/CAM); may be repeated
        #[arg(long = "camera", value_name = "CAMERA")]
        cameras: Vec<String>,
        /// No footage older than so many days
        #[arg(long, value_name = "DAYS")]
        oldest: Option<u32>,
        /// Until then, like 2026-11-03T14:00:00Z
        #[arg(long)]
        until: Option<String>,
    },
    /// Take a role away, at once; `staff list` shows its number
    Revoke { grant: u64 },
    /// Give an account a one-time password; its sessions and tokens end
    Reset { name: String },
    /// Set your own password; your sessions and tokens end
    Password {
        /// Read the new one from this file instead of asking
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
    /// Close an account for good; its sessions and tokens end
    Close { name: String },
    /// What waits for a second administrator
    Waiting {
        #[arg(long)]
        json: bool,
    },
    /// Approve what another administrator asked for
    Approve { request: u64 },
    /// Withdraw what waits
    Withdraw { request: u64 },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    match command {
        Command::Add { name, role } => {
            let password = accounts::one_time()?;
            let made = hub.ask(&staff::Add {
                name: name.clone(),
                role,
                password: password.clone(),
            })?;
            println!(
                "{name} ({})   password {password}   (shown this once)",
                ownlog::op(made.op)
            );
        }
        Command::List { all, json } => {
            let rows = hub.all(|part| staff::List { closed: all, part })?;
            if json {
                return print_json(&rows);
            }
            for a in rows {
                let shown = a.shown.as_deref().unwrap_or_default();
                let state = match (a.closed, a.once) {
                    (Some(at), _) => format!("closed {at}"),
                    (None, true) => "has to set a password".into(),
                    (None, false) => String::new(),
                };
                println!("{} {:<20} {shown}  {state}", a.op, a.name);
                for g in a.roles {
                    println!(
                        "    role {:>3}  {:<13} {}",
                        g.grant,
                        g.role,
                        words(&g.bounds)
                    );
                }
            }
        }
        Command::Name { name, shown } => {
            hub.ask(&staff::Name {
                name: name.clone(),
                shown: shown.clone(),
            })?;
            println!("{name} is shown as {shown}");
        }
        Command::Grant {
            name,
            role,
            all,
            owner,
            cameras,
            oldest,
            until,
        } => {
            let until = until.as_deref().map(Utc::parse).transpose();
            let outcome = hub.ask(&roles::Give {
                name: name.clone(),
                role: role.clone(),
                bounds: Bounds {
                    all,
                    owner,
                    cameras,
                    oldest_days: oldest,
                    until: until.map_err(|e| plain(&e))?,
                },
            })?;
            match outcome {
                Given::Grant(n) => println!("{name} has the role {role} (role {n})"),
                Given::Ask(n) => println!(
                    "asked for as request {n}; another administrator has to approve it: beadle-hub staff approve {n}"
                ),
            }
        }
        Command::Revoke { grant } => {
            hub.ask(&roles::Take { grant })?;
            println!("role {grant} is taken away");
        }
        Command::Reset { name } => {
            let made = hub.ask(&staff::Reset { name: name.clone() })?;
            println!(
                "{name}   password {}   (shown this once; has to be changed first)",
                made.password
            );
        }
        Command::Password { new_password_file } => {
            let who = hub.who().ok_or_else(|| {
                CommandError::Plain("say whose password: give the command --as NAME".into())
            })?;
            let new = sign_in(
                &format!("{} from now on", who.name),
                new_password_file.as_deref(),
            )?;
            hub.ask(&staff::Password {
                old: who.password.clone(),
                new: new.password,
            })?;
            println!("the password of {} is another one now", who.name);
        }
        Command::Close { name } => {
            hub.ask(&staff::Close { name: name.clone() })?;
            println!("the account {name} is closed");
        }
        Command::Waiting { json } => {
            let rows = hub.all(|part| roles::Waiting { part })?;
            if json {
                return print_json(&rows);
            }
            for r in rows {
                println!(
                    "{:>4}  {} for {}, asked by {} at {}, until {}: {}",
                    r.request, r.kind, r.account, r.asked_by, r.made, r.expires, r.what
                );
            }
        }
        Command::Approve { request } => {
            hub.ask(&roles::Approve { request })?;
            println!("request {request} is approved, and done");
        }
        Command::Withdraw { request } => {
            hub.ask(&roles::Withdraw { request })?;
            println!("request {request} is withdrawn");
        }
    }
    Ok(())
}

/// What a role is for.
fn words(bounds: &Bounds) -> String {
    let mut text = match (&bounds.owner, bounds.all) {
        (_, true) => "all cameras".to_owned(),
        (Some(owner), false) => format!("cameras of {owner}"),
        (None, false) => bounds.cameras.join(" "),
    };
    if let Some(days) = bounds.oldest_days {
        text += &format!(", footage of the last {days} days");
    }
    if let Some(until) = bounds.until {
        text += &format!(", until {until}");
    }
    text
}
