//! Wiring. `beadle-edge camera accept CAMERA`: the certificate that a camera shows now is its own.

use std::{path::Path, process::ExitCode};

use crate::{
    capture::relay::{grouped, known::Known},
    config::{self, Passwords},
    failure::{Failed, exit},
};

pub fn accept(config_path: &Path, id: &str) -> Result<ExitCode, Failed> {
    let config = config::load(config_path, Passwords::None)?;
    let usage = |text: String| Err(Failed::new(exit::USAGE, text));
    let Some(camera) = config.cameras.iter().find(|c| c.id.as_str() == id) else {
        return usage(format!(
            "no camera {id} in {}; nothing was changed",
            config_path.display()
        ));
    };
    if !camera.url.tls() || camera.tls_ca.is_some() {
        return usage(format!(
            "camera {id} has no certificate to accept: {}; nothing was changed",
            if camera.url.tls() {
                "tls_ca vouches for it"
            } else {
                "its address is not rtsps://"
            }
        ));
    }
    super::as_owner(&config)?;
    let known = Known::new(config.state().cameras());
    let failed = |e: std::io::Error| {
        let text = format!(
            "{} cannot be read or written: {e}; nothing was changed",
            config.state().cameras().display()
        );
        Failed::new(exit::IO, text)
    };
    let mut memory = known.read(&camera.id).map_err(failed)?;
    let Some(refused) = memory.refused.take() else {
        let accepted = memory.accepted.map_or_else(
            || "it has shown none yet, and the first one is accepted by itself".to_owned(),
            |a| format!("the accepted one is {}", grouped(&a.sha256)),
        );
        return usage(format!(
            "camera {id} has shown no other certificate than the accepted one: {accepted}; nothing was changed"
        ));
    };
    let before = memory.accepted.replace(refused.clone());
    known.write(&camera.id, &memory).map_err(failed)?;
    println!(
        "camera {id}: accepted its certificate {} (SHA-256), first shown {}",
        grouped(&refused.sha256),
        refused.at
    );
    if let Some(before) = before {
        println!("it takes the place of {}", grouped(&before.sha256));
    }
    println!("a running box connects within seconds, and then puts this on its log (cam.accept)");
    Ok(ExitCode::SUCCESS)
}
