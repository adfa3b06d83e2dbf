//! Wiring. Faults as the rest of the box raises them.
use shared::{id::CameraId, time::Utc};

/// Raises and clears faults: logs `fault.on` / `fault.off` on change, keeps the list. Cheap to clone.
#[derive(Clone)]
pub struct Faults {}

#[derive(Clone, Debug)]
pub struct Raised { pub code: &'static str, pub cam: Option<CameraId>, pub since: Utc, pub detail: String }

impl Faults {
    pub fn new(log: logbook::LogHandle, clock: std::sync::Arc<dyn shared::time::Clock>) -> Self { let _ = (log, clock); todo!() }
    /// `code` is one of `shared::conditions`. Raising what is raised only updates the detail.
    pub fn on(&self, code: &'static str, cam: Option<&CameraId>, detail: &str) { let _ = (code, cam, detail); todo!() }
    pub fn off(&self, code: &'static str, cam: Option<&CameraId>) { let _ = (code, cam); todo!() }
    pub fn list(&self) -> Vec<Raised> { todo!() }
}
