//! Pure. English about boxes, cameras, logs and clips.

use crate::{
    reason::Footage::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Footage) -> Text {
    match reason {
        BoxUnknown { name } => {
            say!("there is no box {name}"; "`beadle-hub box list` shows them")
        }
        BoxRevokedAlready { name } => say!("box {name} is revoked already; nothing was done"),
        CameraUnknown { camera, seen } if seen.is_empty() => say!(
            "box {} has no camera {}, and no footage of one is on record",
            camera.r#box,
            camera.cam
        ),
        CameraUnknown { camera, seen } => say!(
            "box {} has no camera {}; footage is known of: {}",
            camera.r#box,
            camera.cam,
            seen.join(", ")
        ),
        ExhibitUnknown { exhibit } => say!(
            "there is no exhibit {exhibit}"; "`beadle-hub clip list` and `beadle-hub evidence list` show them"
        ),
        LogUnknown { log } => say!(
            "no log {log} is held here"; "say `hub`, a box's name, or a log's full name"
        ),
        LogNameMalformed { log } => say!("{log} is not a log's name"),
    }
}
