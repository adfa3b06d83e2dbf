//! Wiring. `beadle-hub declaration show|accept|list`.

use clap::Subcommand;

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, ops::own};

#[derive(Subcommand)]
pub enum Command {
    /// The declaration as it reads now
    Show,
    /// Accept it, as it reads now
    Accept,
    /// Who accepted which text, and when
    List {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Show => {
            let d = hub.ask(&own::ShowDeclaration {})?;
            println!("{}\n", d.text);
            let accepted = if d.accepted {
                "accepted"
            } else {
                "not accepted"
            };
            let since = d.since.for_people(&hub.zone()?);
            println!("sha256 {}   since {since}   {accepted}", d.sha256);
        }
        Command::Accept => {
            let d = hub.ask(&own::ShowDeclaration {})?;
            println!("{}\n", d.text);
            hub.ask(&own::Accept {
                sha256: d.sha256.clone(),
            })?;
            println!("accepted: sha256 {}", d.sha256);
        }
        Command::List { json } => {
            let rows = hub.all(|part| own::Acceptances { part })?;
            if json {
                return print_json(&rows);
            }
            let zone = hub.zone()?;
            for a in rows {
                let which = if a.newest {
                    "as it reads now"
                } else {
                    "before"
                };
                let accepted = a.accepted.for_people(&zone);
                println!("{accepted}  {:<20} {}  {which}", a.account, a.sha256);
            }
        }
    }
    Ok(())
}
