//! Wiring. `beadle-hub owner add|list|assign`.

use clap::Subcommand;
use shared::id::BoxCamera;

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, ops::owners};

#[derive(Subcommand)]
pub enum Command {
    /// Add an owner of cameras
    Add {
        /// Short name: a to z, digits, -
        owner: String,
        /// Name for people
        #[arg(long)]
        title: String,
    },
    /// Owners and their cameras
    List {
        #[arg(long)]
        json: bool,
    },
    /// Say whose a camera is, from now on
    Assign {
        /// BOX/CAM
        camera: String,
        owner: String,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Add { owner, title } => {
            hub.ask(&owners::Add {
                owner: owner.clone(),
                title,
            })?;
            println!("owner {owner} added");
        }
        Command::List { json } => {
            let rows = hub.ask(&owners::List {})?;
            if json {
                return print_json(&rows);
            }
            if rows.is_empty() {
                println!("no owner yet; add one with `beadle-hub owner add OWNER --title NAME`");
            }
            for row in rows {
                println!("{:<20} {}", row.owner, row.title);
                for camera in row.cameras {
                    println!("    {camera}");
                }
            }
        }
        Command::Assign { camera, owner } => {
            let camera =
                BoxCamera::parse(&camera).map_err(|e| CommandError::Plain(e.to_string()))?;
            hub.ask(&owners::Assign {
                owner: owner.clone(),
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
            })?;
            println!("{camera} is {owner}'s from now on");
        }
    }
    Ok(())
}
