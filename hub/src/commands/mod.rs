//! Wiring. The command line. Each subcommand has its file; these are the only files that print.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::CommandError;
use terminal::print_json;

mod approver;
pub mod backup;
pub mod boxes;
pub mod client;
mod clip;
mod declaration;
mod document;
mod evidence;
mod exhibit;
mod factor;
mod footage;
mod hold;
mod init;
mod log;
mod look;
mod mask;
mod meter;
mod outside;
mod owner;
mod person;
mod publish;
mod rate;
mod request;
mod retention;
mod run;
mod saving;
mod staff;
mod status;
pub mod terminal;
mod token;
mod verify;
mod witness;

#[derive(Parser)]
#[command(
    name = "beadle-hub",
    version,
    about = "The hub: countersigns box logs, fetches clips, makes evidence"
)]
pub struct Cli {
    /// State folder
    #[arg(long, global = true, default_value = "/var/lib/beadle-hub")]
    state: PathBuf,
    #[command(flatten)]
    person: person::Person,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new hub: keys, certificate authority, hub.toml, first staff account
    Init(init::Args),
    /// Run the hub
    Run,
    /// Boxes: register, look at, refuse, have one begin a new log
    #[command(subcommand)]
    Box(boxes::Command),
    /// Footage that exists
    #[command(subcommand)]
    Footage(footage::Command),
    /// Retention: what is kept against what was promised
    #[command(subcommand)]
    Retention(retention::Command),
    /// Clips: pull, follow, save, check
    #[command(subcommand)]
    Clip(clip::Command),
    /// Look at footage without taking it; the film goes to a player's pipe
    Look(look::Command),
    /// Clip requests: who asks, for what, of which cameras, and what became of it
    #[command(subcommand)]
    Request(request::Command),
    /// Evidence: how long each exhibit is kept, and its disposal
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Papers of exhibits and requests, as text and PDF: label, release form, receipt, notice of refusal
    #[command(subcommand)]
    Document(document::Command),
    /// Exhibits: what happened to each, its copies, handing over
    #[command(subcommand)]
    Exhibit(exhibit::Command),
    /// Holds: footage kept at its box beyond its day
    #[command(subcommand)]
    Hold(hold::Command),
    /// Recording rates: real time for a camera in time-lapse
    #[command(subcommand)]
    Rate(rate::Command),
    /// Privacy masks: show, set, and lift by two people
    #[command(subcommand)]
    Mask(mask::Command),
    /// Approvers: whose passkeys count at boxes that lift masks only by people's own keys
    #[command(subcommand)]
    Approver(approver::Command),
    /// Write what anybody needs to check the scheme's evidence into a folder, for a web server: the verifier and the public keys
    Publish { folder: PathBuf },
    /// Write what a lost hub cannot make again into a folder, sealed; each time what is new
    Backup(backup::MakeArgs),
    /// Backups that were made; or, of a folder, whether all of it is whole
    Backups(backup::ListArgs),
    /// Put a hub back from a backup, into an empty state folder
    Restore(backup::RestoreArgs),
    /// After a hub was put back: what it forgot, and what two people settle
    #[command(subcommand)]
    Rollback(backup::RollbackCommand),
    /// Check a log or an evidence package
    Verify(verify::Args),
    /// Logs: what people did, the monthly sample, export
    #[command(subcommand)]
    Log(log::Command),
    /// Owners of cameras
    #[command(subcommand)]
    Owner(owner::Command),
    /// Staff accounts and their roles
    #[command(subcommand)]
    Staff(staff::Command),
    /// The declaration that everybody accepts before they do anything
    #[command(subcommand)]
    Declaration(declaration::Command),
    /// Your own second factors
    #[command(subcommand)]
    Factor(factor::Command),
    /// Tokens for programs
    #[command(subcommand)]
    Token(token::Command),
    /// How the hub itself is: its disks, and its own faults
    Status(status::Args),
    /// Who outside the scheme stamps and attests the hub's log: list, send what waits
    #[command(subcommand)]
    Outside(outside::Command),
    /// Attest another hub's log, on a laptop: no hub runs there
    Witness(witness::Args),
    /// Print the API as an OpenAPI document
    Api,
    /// Write the manual pages of all commands into a folder
    #[command(hide = true)]
    Man { folder: PathBuf },
}

/// Runs one command; its exit status.
pub fn run(line: Cli) -> Result<u8, CommandError> {
    let state = line.state;
    // A hub that is made in a folder of another user's is that user's. No other command writes into the state folder.
    if matches!(line.command, Command::Init(_)) {
        logbook::act_as_owner(&state).map_err(|e| {
            let state = state.display();
            CommandError::Plain(format!(
                "root cannot go on as the owner of {state}: {e}; nothing was done"
            ))
        })?;
    }
    let hub = client::Client::new(state.clone(), &line.person)?;
    match line.command {
        Command::Init(args) => init::run(&state, &args).map(|()| 0),
        Command::Run => run::run(state).map(|()| 0),
        Command::Api => print_json(&crate::api::openapi::document()).map(|()| 0),
        Command::Man { folder } => clap_mangen::generate_to(Cli::command(), &folder)
            .map(|()| 0)
            .map_err(|e| CommandError::Plain(format!("{}: {e}", folder.display()))),
        Command::Box(c) => boxes::run(&hub, c).map(|()| 0),
        Command::Footage(c) => footage::run(&hub, c).map(|()| 0),
        Command::Retention(c) => retention::run(&hub, c).map(|()| 0),
        Command::Clip(c) => clip::run(&hub, c),
        Command::Look(c) => look::run(&hub, c).map(|()| 0),
        Command::Request(c) => request::run(&hub, c).map(|()| 0),
        Command::Evidence(c) => evidence::run(&hub, c),
        Command::Document(c) => document::run(&hub, c),
        Command::Exhibit(c) => exhibit::run(&hub, c).map(|()| 0),
        Command::Hold(c) => hold::run(&hub, c).map(|()| 0),
        Command::Rate(c) => rate::run(&hub, c).map(|()| 0),
        Command::Mask(c) => mask::run(&hub, c).map(|()| 0),
        Command::Approver(c) => approver::run(&hub, c).map(|()| 0),
        Command::Publish { folder } => publish::run(&hub, &folder).map(|()| 0),
        Command::Backup(args) => backup::make(&hub, &args).map(|()| 0),
        Command::Backups(args) => backup::list(&hub, &args),
        Command::Restore(args) => backup::restore(&state, &args).map(|()| 0),
        Command::Rollback(c) => backup::rollback(&hub, c).map(|()| 0),
        Command::Verify(args) => verify::run(&state, &args),
        Command::Log(c) => log::run(&hub, c).map(|()| 0),
        Command::Owner(c) => owner::run(&hub, c).map(|()| 0),
        Command::Staff(c) => staff::run(&hub, c).map(|()| 0),
        Command::Declaration(c) => declaration::run(&hub, c).map(|()| 0),
        Command::Factor(c) => factor::run(&hub, c).map(|()| 0),
        Command::Outside(command) => outside::run(&hub, &command).map(|()| 0),
        Command::Witness(args) => witness::run(&args),
        Command::Status(args) => status::run(&hub, &args).map(|()| 0),
        Command::Token(c) => token::run(&hub, c).map(|()| 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command can be given: no two of its words have one name.
    #[test]
    fn every_command_is_well_made() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
