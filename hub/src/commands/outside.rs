//! Wiring. `beadle-hub outside`: who outside the scheme stamps and attests the hub's log.

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, model::outside::OutsideStatus, ops::outside, words};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Who they are, and what waits for whom
    List {
        #[arg(long)]
        json: bool,
    },
    /// Send them a head of this moment, and all that waits
    Anchor {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(hub: &Client, command: &Command) -> Result<(), CommandError> {
    let (json, is) = match command {
        Command::List { json } => (*json, hub.ask(&outside::List {})?),
        Command::Anchor { json } => (*json, hub.ask(&outside::Anchor {})?),
    };
    if json {
        return print_json(&is);
    }
    let OutsideStatus { lines, rows } = is;
    println!("the hub's log has {lines} lines");
    if rows.is_empty() {
        println!("nobody outside stamps or attests it: hub.toml names nobody ([outside])");
    }
    let zone = hub.zone()?;
    for row in rows {
        let sign = if row.trouble.is_some() { "✖" } else { "✔" };
        println!(
            "{sign} {} {}: {}",
            row.what,
            row.name,
            words::outside(&row, &zone)
        );
        if let Some(url) = &row.url {
            println!("  asked at {url}");
        }
        for known in &row.known_by {
            println!("  known by {known}");
        }
    }
    Ok(())
}
