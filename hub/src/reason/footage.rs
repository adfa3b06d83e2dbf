//! Pure. Reasons about boxes, cameras, logs and clips.

use shared::id::{BoxCamera, BoxName, ExhibitRef};

use super::table::reasons;

reasons! {
    Footage {
        BoxUnknown { name: BoxName } => Missing "box-unknown",
        BoxRevokedAlready { name: BoxName } => Refused "box-revoked-already",
        /// `seen`: cameras of which there is footage.
        CameraUnknown { camera: BoxCamera, seen: Vec<String> } => Missing "camera-unknown",
        ExhibitUnknown { exhibit: ExhibitRef } => Missing "exhibit-unknown",
        LogUnknown { log: String } => Missing "log-unknown",
        LogNameMalformed { log: String } => Refused "log-name-malformed",
    }
}
