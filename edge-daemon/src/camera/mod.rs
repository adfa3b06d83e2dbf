//! Wiring. Cameras: sessions, capture threads, picture workers, recorders.
use std::sync::Arc;
use shared::{id::CameraId, time::{Clock, Utc}};
use crate::{config::Config, health::Faults, reader::Recipients, store::Volumes};

/// What recording needs from the rest of the box.
pub struct Deps {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub log: logbook::LogHandle,
    pub boot: u64,
    pub recipients: Recipients,
    pub volumes: Volumes,
    pub faults: Faults,
    /// Per camera, what the log already says: the last `s` and the end of the last segment.
    pub last: std::collections::HashMap<CameraId, (u64, Utc)>,
}

/// How a camera is doing, measured on frames landed on disk.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub connected: bool,
    pub recording: bool,
    pub landed: Option<Utc>,
    pub frames: u64,
    pub lost: u64,
}

/// All cameras of the box. Dropping it does not stop them; [`Cameras::stop`] does, closing every open segment.
#[derive(Clone)]
pub struct Cameras {}

impl Cameras {
    pub fn start(deps: Deps) -> Self { let _ = deps; todo!() }
    pub fn status(&self) -> Vec<(CameraId, Status)> { todo!() }
    /// Closes the camera's open segment at its next key frame; returns when its line is in the log (or at the timeout).
    pub fn close_open(&self, cam: &CameraId, timeout: std::time::Duration) -> bool { let _ = (cam, timeout); todo!() }
    /// A camera's torn segments are dealt with: its `seg.write` lines, held back until now, may follow.
    /// `last` replaces what [`Deps::last`] said.
    pub fn recovered(&self, cam: &CameraId, last: Option<(u64, Utc)>) { let _ = (cam, last); todo!() }
    pub fn stop(&self) { todo!() }
}
