//! Wiring. `beadle-hub staff add`.

use clap::Subcommand;

use super::{CommandError, client::Client, init};
use crate::{ops::staff, ownlog};

#[derive(Subcommand)]
pub enum Command {
    /// Make an account; its password is printed once
    Add {
        name: String,
        #[arg(long)]
        role: String,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let Command::Add { name, role } = command;
    let password = init::password()?;
    let made = hub.ask(&staff::Add {
        name: name.clone(),
        role,
        password: password.clone(),
    })?;
    println!(
        "{name} ({})   password {password}   (shown this once)",
        ownlog::op(made.op)
    );
    Ok(())
}
