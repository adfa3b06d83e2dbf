//! Wiring. `beadle-hub token add|list|revoke`.

use clap::Subcommand;

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, ops::tokens};

#[derive(Subcommand)]
pub enum Command {
    /// Make a token for a program; it is printed once
    Add {
        /// What it is for
        label: String,
        /// An operation it is for, such as box.list; may be repeated
        #[arg(long = "for", value_name = "OPERATION", required = true)]
        scopes: Vec<String>,
        /// For so many days
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Your tokens; everybody's, if you administer
    List {
        #[arg(long)]
        json: bool,
    },
    /// End a token, at once
    Revoke { token: u64 },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Add {
            label,
            scopes,
            days,
        } => {
            let made = hub.ask(&tokens::Add {
                label,
                scopes,
                days,
            })?;
            println!(
                "token {} until {}   {}   (shown this once)",
                made.token,
                made.until.for_people(&hub.zone()?),
                made.secret
            );
        }
        Command::List { json } => {
            let rows = hub.all(|part| tokens::List { part })?;
            if json {
                return print_json(&rows);
            }
            if rows.is_empty() {
                println!("no token was made yet");
            }
            let zone = hub.zone()?;
            for t in rows {
                let good = if t.good { "good" } else { "over" };
                println!(
                    "{:>4} {good}  {}  {}  until {}  {}",
                    t.token,
                    t.account,
                    t.label,
                    t.until.for_people(&zone),
                    t.scopes.join(" ")
                );
            }
        }
        Command::Revoke { token } => {
            hub.ask(&tokens::Revoke { token })?;
            println!("token {token} is worth nothing any more");
        }
    }
    Ok(())
}
