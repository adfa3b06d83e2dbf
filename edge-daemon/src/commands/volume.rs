//! Wiring. `beadle-edge volume label PATH`: says that a disk is this box's to record on.

use std::{path::Path, process::ExitCode};

use shared::time::Clock;

use super::{Failed, exit};
use crate::{
    config::{self, Passwords},
    identity::BoxKey,
    state::State,
    store::volume::{self, VolumeError},
};

/// Group of recorder and reader (`systemd/sysusers.d`).
const GROUP: &str = "beadle-footage";

/// `system_disk`: recording on the system disk is meant (`--system-disk`).
pub fn label(config_path: &Path, volume: &Path, system_disk: bool) -> Result<ExitCode, Failed> {
    let config = config::load(config_path, Passwords::None)?;
    let heir = logbook::heir(&config.state().recorder());
    // All that can be found wrong is found before anything is touched: as root, a mistyped path could be any folder of the machine.
    volume::may_label(volume, &config.state, system_disk, heir.is_some()).map_err(failed)?;
    if let Some(heir) = heir {
        logbook::hand_over(volume, heir, GROUP).map_err(|e| {
            let text = format!("{} cannot be given to the recorder: {e}", volume.display());
            Failed::new(exit::IO, text)
        })?;
    }
    super::as_owner(&config)?;
    let key = BoxKey::open_or_make(&State::new(&config.state).identity())
        .map_err(|e| Failed::new(exit::IO, e))?;
    let made = logbook::SystemClock.now().wall;
    let label = volume::label(volume, &config.name, made, system_disk, |bytes| {
        key.sign(bytes)
    })
    .map_err(failed)?;
    println!(
        "{} is volume {} of box {}",
        volume.display(),
        label.id,
        label.r#box
    );
    if !config.volumes.iter().any(|v| v == volume) {
        println!(
            "add it to `volumes` in {} to record there",
            config_path.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(e: VolumeError) -> Failed {
    let code = if matches!(e, VolumeError::Io { .. }) {
        exit::IO
    } else {
        exit::USAGE
    };
    Failed::new(code, e)
}
