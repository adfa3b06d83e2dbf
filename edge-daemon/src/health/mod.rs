//! Wiring. Faults as the rest of the box raises them, and how the box tells others how it is.
//!
//! | file | what |
//! |---|---|
//! | [`status`] | `run/status.json`, each few seconds: for `beadle-edge status` and the installer |
//! | [`watchdog`] | systemd: ready, alive, stopping |
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    mpsc::{SyncSender, sync_channel},
};

use logbook::LogHandle;
use shared::{
    id::CameraId,
    time::{Clock, Utc},
    types::{FaultOff, FaultOn},
};

pub mod status;
pub mod watchdog;

/// Lines that wait for the log. Each change of a fault is one; more than this at once means the log is stuck, and then the list
/// of faults is still right, only the line is missing.
const QUEUE: usize = 256;

/// Raises and clears faults: logs `fault.on` / `fault.off` on change, keeps the list. Cheap to clone. Never blocks.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    raised: Mutex<Vec<Raised>>,
    lines: SyncSender<Change>,
    clock: Arc<dyn Clock>,
}

enum Change {
    On(FaultOn),
    Off(FaultOff),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    pub code: &'static str,
    pub cam: Option<CameraId>,
    pub since: Utc,
    pub detail: String,
}

impl Faults {
    pub fn new(log: LogHandle, clock: Arc<dyn Clock>) -> Self {
        let (lines, inbox) = sync_channel(QUEUE);
        let write = move || {
            for change in inbox {
                let done = match &change {
                    Change::On(line) => log.append_soon("sys:health", line),
                    Change::Off(line) => log.append_soon("sys:health", line),
                };
                if let Err(e) = done {
                    tracing::error!(error = %e, "a fault could not be logged");
                }
            }
        };
        if let Err(e) = std::thread::Builder::new().name("faults".into()).spawn(write) {
            tracing::error!(error = %e, "faults are kept but not logged: no thread");
        }
        Self(Arc::new(Inner { raised: Mutex::default(), lines, clock }))
    }

    fn raised(&self) -> MutexGuard<'_, Vec<Raised>> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, change: Change) {
        if self.0.lines.try_send(change).is_err() {
            tracing::error!("a change of fault was not logged: the log does not keep up");
        }
    }

    /// `code` is one of `shared::conditions`. Raising what is raised only updates the detail.
    pub fn on(&self, code: &'static str, cam: Option<&CameraId>, detail: &str) {
        let mut raised = self.raised();
        if let Some(there) = raised.iter_mut().find(|r| r.code == code && r.cam.as_ref() == cam) {
            if there.detail != detail {
                there.detail = detail.into();
            }
            return;
        }
        raised.push(Raised { code, cam: cam.cloned(), since: self.0.clock.now().wall, detail: detail.into() });
        tracing::warn!(code, camera = cam.map(CameraId::as_str), detail, "fault");
        self.say(Change::On(FaultOn { code: code.into(), cam: cam.cloned() }));
    }

    pub fn off(&self, code: &'static str, cam: Option<&CameraId>) {
        let mut raised = self.raised();
        let before = raised.len();
        raised.retain(|r| r.code != code || r.cam.as_ref() != cam);
        if raised.len() != before {
            tracing::info!(code, camera = cam.map(CameraId::as_str), "fault over");
            self.say(Change::Off(FaultOff { code: code.into(), cam: cam.cloned() }));
        }
    }

    pub fn list(&self) -> Vec<Raised> {
        self.raised().clone()
    }
}
