//! Wiring. `beadle-hub look`: footage looked at without being taken. The film goes to a pipe, and to no file: nothing of it is to rest anywhere.

use std::{
    io::{IsTerminal, Write},
    os::fd::AsFd,
};

use clap::Args;
use shared::id::BoxCamera;

use super::{
    client::Client,
    terminal::{typed, typed_end},
};
use crate::{failure::CommandError, ops::looks};

/// `beadle-hub look BOX/CAM --from T --to T --purpose … --reference … | ffplay -`
#[derive(Args)]
pub struct Command {
    /// BOX/CAM
    camera: String,
    /// Local time, or with Z
    #[arg(long)]
    from: String,
    #[arg(long)]
    to: String,
    #[arg(long)]
    purpose: String,
    /// Crime, request or log number
    #[arg(long)]
    reference: String,
    /// Who else is there
    #[arg(long)]
    present: Option<String>,
}

/// A player reads from a pipe; a file would be a copy.
fn to_a_pipe() -> Result<(), CommandError> {
    let out = std::io::stdout();
    let kind = nix::sys::stat::fstat(out.as_fd()).map(|s| {
        nix::sys::stat::SFlag::from_bits_truncate(s.st_mode) & nix::sys::stat::SFlag::S_IFMT
    });
    let pipe = kind
        .is_ok_and(|k| k == nix::sys::stat::SFlag::S_IFIFO || k == nix::sys::stat::SFlag::S_IFSOCK);
    match pipe && !out.is_terminal() {
        true => Ok(()),
        false => Err(CommandError::Plain(
            "what is looked at is not kept: give the film to a player, as in `beadle-hub look … | ffplay -`; nothing was asked for. To have a copy, pull a clip".into(),
        )),
    }
}

pub fn run(hub: &Client, asked: Command) -> Result<(), CommandError> {
    to_a_pipe()?;
    let camera = BoxCamera::parse(&asked.camera).map_err(|e| CommandError::Plain(e.to_string()))?;
    let zone = hub.zone()?;
    let look = hub.ask(&looks::Begin {
        r#box: camera.r#box,
        cam: camera.cam,
        from: typed(&zone, "--from", &asked.from)?,
        to: typed_end(&zone, "--to", &asked.to)?,
        purpose: asked.purpose,
        reference: asked.reference,
        present: asked.present,
    })?;
    eprintln!(
        "not yet verified: {} {} to {}",
        look.cam,
        look.from.for_people(&zone),
        look.to.for_people(&zone)
    );
    let film = looks::Film {
        look: look.look,
        stretch: 0,
    };
    hub.film(&film, |bytes| std::io::stdout().write_all(bytes))
}
