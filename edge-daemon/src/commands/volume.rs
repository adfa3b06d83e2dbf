//! Wiring. `beadle-edge volume label PATH`: says that a disk is this box's to record on.

use std::{path::Path, process::ExitCode};

use shared::time::Clock;

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    identity::BoxKey,
    state::State,
    store::volume::{self, Place, VolumeError},
};

/// Group of recorder and reader (`systemd/sysusers.d`).
const GROUP: &str = "beadle-footage";

/// `system_disk`: recording on the system disk is meant (`--system-disk`).
pub fn label(config_path: &Path, volume: &Path, system_disk: bool) -> Result<ExitCode, Failed> {
    let config = config::load(config_path, Passwords::None)?;
    let heir = logbook::heir(&config.state().recorder());
    // All that can be found wrong is found before anything is touched: as root, a mistyped path could be any folder of the machine.
    let place = Place::of(volume).map_err(failed)?;
    place
        .may_label(&config.state, system_disk, heir.is_some())
        .map_err(failed)?;
    let folder = place.made().map_err(failed)?;
    if let Some((owner, group)) = heir {
        let shared = nix::unistd::Group::from_name(GROUP).ok().flatten();
        // Group bit: what is made inside belongs to the group that reader and recorder share.
        folder
            .give(owner, shared.map_or(group, |g| g.gid), 0o2770)
            .map_err(|e| {
                let text = format!("{} cannot be given to the recorder: {e}", volume.display());
                Failed::new(exit::IO, text)
            })?;
    }
    super::as_owner(&config)?;
    let key = BoxKey::open_or_make(&State::new(&config.state).identity())
        .map_err(|e| Failed::new(exit::IO, e))?;
    let made = logbook::SystemClock.now().wall;
    let label = volume::label_in(&folder, &config.name, made, system_disk, |bytes| {
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
