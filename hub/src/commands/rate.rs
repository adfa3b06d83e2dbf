//! Wiring. `beadle-hub rate realtime|timelapse`: orders for cameras in time-lapse.

use clap::Subcommand;
use shared::id::BoxCamera;

use super::client::Client;
use crate::{failure::CommandError, ops::footage};

#[derive(Subcommand)]
pub enum Command {
    /// Record a camera that is in time-lapse in real time; its box goes back by itself
    Realtime {
        /// BOX/CAM
        camera: String,
        /// For so long, 1 to 1440
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
    /// Back to time-lapse before the order's time is over
    Timelapse {
        /// BOX/CAM
        camera: String,
        #[arg(long)]
        reason: String,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let (camera, minutes, reason) = match command {
        Command::Realtime {
            camera,
            minutes,
            reason,
        } => (camera, minutes, reason),
        Command::Timelapse { camera, reason } => (camera, 0, reason),
    };
    let camera = BoxCamera::parse(&camera).map_err(|e| CommandError::Plain(e.to_string()))?;
    let zone = hub.zone()?;
    let set = hub.ask(&footage::Rate {
        r#box: camera.r#box.clone(),
        cam: camera.cam.clone(),
        minutes,
        reason,
    })?;
    match minutes {
        0 => println!("{camera} goes back to time-lapse with its next key frame"),
        _ => println!(
            "{camera} records in real time from its next key frame until {}",
            set.until.for_people(&zone)
        ),
    }
    Ok(())
}
