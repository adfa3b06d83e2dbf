//! Wiring. `beadle-hub staff …`: accounts, their roles, and what waits for a second administrator.

use std::path::PathBuf;

use clap::Subcommand;

use super::{
    client::Client,
    person::sign_in,
    terminal::{print_json, typed_end},
};
use crate::{
    access::{
        accounts::{NewAccount, PasswordRenewal},
        grants::{Bounds, GrantOutcome},
    },
    failure::CommandError,
    ops::{own, roles, staff},
    ownlog,
};

#[derive(Subcommand)]
pub enum Command {
    /// Make an account; its one-time password is printed once. A role that decides waits for a second administrator
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
        /// Until the end of that day, or until that time
        #[arg(long)]
        until: Option<String>,
    },
    /// Take a role away, at once; `staff list` shows its number
    Revoke { grant: u64 },
    /// Give an account a one-time password; its sessions and tokens end. With a role that decides it waits for a second administrator
    Reset { name: String },
    /// Ask that an account begin anew, without the second factors it lost; a second administrator approves
    Recover { name: String },
    /// Sign an account out everywhere: your own, or anybody's if you administer
    SignOut { name: String },
    /// Where you are signed in; where everybody is, if you administer
    Sessions {
        #[arg(long)]
        json: bool,
    },
    /// Make an administrator for four hours, as root, because no two who administer can sign in any more
    BreakGlass {
        /// Name of the new account
        name: String,
        /// The person it is for
        #[arg(long)]
        person: String,
        #[arg(long)]
        reason: String,
    },
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
    match command {
        Command::Add { name, role } => {
            let made = hub.ask(&staff::Add {
                name: name.clone(),
                role,
            })?;
            once(&name, &made);
            if let Some(n) = made.ask {
                asked(n);
            }
        }
        Command::List { all, json } => {
            let rows = hub.all(|part| staff::List { closed: all, part })?;
            if json {
                return print_json(&rows);
            }
            let zone = hub.zone()?;
            for a in rows {
                let shown = a.shown.as_deref().unwrap_or_default();
                let state = match (a.closed, a.once) {
                    (Some(at), _) => format!("closed {}", at.for_people(&zone)),
                    (None, true) => "has to set a password".into(),
                    (None, false) => String::new(),
                };
                let factors = match a.factors.is_empty() {
                    true => "no second factor".into(),
                    false => a.factors.join(", "),
                };
                println!("{} {:<20} {shown}  {factors}  {state}", a.op, a.name);
                for g in a.roles {
                    println!(
                        "    role {:>3}  {:<13} {}",
                        g.grant,
                        g.role,
                        g.bounds.in_words(&zone)
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
            let zone = hub.zone()?;
            let until = until.map(|t| typed_end(&zone, "--until", &t)).transpose()?;
            let outcome = hub.ask(&roles::Give {
                name: name.clone(),
                role: role.clone(),
                bounds: Bounds {
                    all,
                    owner,
                    cameras,
                    oldest_days: oldest,
                    until,
                },
            })?;
            match outcome {
                GrantOutcome::Grant(n) => println!("{name} has the role {role} (role {n})"),
                GrantOutcome::Ask(n) => asked(n),
            }
        }
        Command::Revoke { grant } => {
            hub.ask(&roles::Take { grant })?;
            println!("role {grant} is taken away");
        }
        Command::Reset { name } => match hub.ask(&staff::Reset { name: name.clone() })? {
            PasswordRenewal::Password(password) => println!(
                "{name}   password {password}   (shown this once; has to be changed first)"
            ),
            PasswordRenewal::Ask(n) => asked(n),
        },
        Command::Recover { name } => {
            asked(hub.ask(&staff::Recover { name })?.ask);
        }
        Command::SignOut { name } => {
            hub.ask(&own::EndSessions { name: name.clone() })?;
            println!("{name} is signed out everywhere");
        }
        Command::Sessions { json } => {
            let rows = hub.all(|part| own::Sessions { own: false, part })?;
            if json {
                return print_json(&rows);
            }
            if rows.is_empty() {
                println!("nobody is signed in at the pages");
            }
            let zone = hub.zone()?;
            for s in rows {
                println!(
                    "{:<20} since {}  last {}  ends {}",
                    s.account,
                    s.begun.for_people(&zone),
                    s.seen.for_people(&zone),
                    s.ends.for_people(&zone)
                );
            }
        }
        Command::BreakGlass {
            name,
            person,
            reason,
        } => {
            let made = hub.ask(&staff::BreakGlass {
                name: name.clone(),
                person,
                reason,
            })?;
            once(&name, &made);
            println!(
                "an administrator for four hours; it is on the log, and every page says so for a week"
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
            if rows.is_empty() {
                println!("nothing waits for a second administrator");
            }
            let zone = hub.zone()?;
            for r in rows {
                println!(
                    "{:>4}  {}; asked by {} at {}, until {}",
                    r.request,
                    r.in_words(&zone),
                    r.asked_by,
                    r.made.for_people(&zone),
                    r.expires.for_people(&zone)
                );
            }
        }
        Command::Approve { request } => {
            let approved = hub.ask(&roles::Approve { request })?;
            println!("request {request} is approved, and done");
            if let Some(password) = approved.password {
                println!("password {password}   (shown this once; has to be changed first)");
            }
        }
        Command::Withdraw { request } => {
            hub.ask(&roles::Withdraw { request })?;
            println!("request {request} is withdrawn");
        }
    }
    Ok(())
}

fn once(name: &str, made: &NewAccount) {
    println!(
        "{name} ({})   password {}   (shown this once; has to be changed first)",
        ownlog::op(made.op),
        made.password
    );
}

fn asked(n: u64) {
    println!(
        "asked for as request {n}; another administrator has to approve it: beadle-hub staff approve {n}"
    );
}
