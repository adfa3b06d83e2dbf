//! Wiring. Faults as the rest of the box raises them, and how the box tells others how it is.
//!
//! | file | what |
//! |---|---|
//! | [`checks`] | behind `beadle-edge doctor` |
//! | [`status`] | `run/status.json`, each few seconds: for `beadle-edge status` and the installer |
//! | [`watchdog`] | systemd: ready, alive, stopping |
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    mpsc::{SyncSender, sync_channel},
};

use logbook::LogHandle;
use shared::{
    id::CameraId,
    plain,
    schema::message::SAID,
    time::{Clock, Utc},
    types::{FaultOff, FaultOn},
};

pub mod checks;
#[cfg(test)]
mod next_steps;
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
        if let Err(e) = std::thread::Builder::new()
            .name("faults".into())
            .spawn(write)
        {
            tracing::error!(error = %e, "faults are kept but not logged: no thread");
        }
        Self(Arc::new(Inner {
            raised: Mutex::default(),
            lines,
            clock,
        }))
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
        // A camera's own words may be in it.
        let detail = plain::plain(detail, SAID);
        let detail = detail.as_str();
        let mut raised = self.raised();
        if let Some(there) = raised
            .iter_mut()
            .find(|r| r.code == code && r.cam.as_ref() == cam)
        {
            if there.detail != detail {
                there.detail = detail.into();
            }
            return;
        }
        raised.push(Raised {
            code,
            cam: cam.cloned(),
            since: self.0.clock.now().wall,
            detail: detail.into(),
        });
        tracing::warn!(code, camera = cam.map(CameraId::as_str), detail, "fault");
        self.say(Change::On(FaultOn {
            code: code.into(),
            cam: cam.cloned(),
        }));
    }

    pub fn off(&self, code: &'static str, cam: Option<&CameraId>) {
        let mut raised = self.raised();
        let before = raised.len();
        raised.retain(|r| r.code != code || r.cam.as_ref() != cam);
        if raised.len() != before {
            tracing::info!(code, camera = cam.map(CameraId::as_str), "fault over");
            self.say(Change::Off(FaultOff {
                code: code.into(),
                cam: cam.cloned(),
            }));
        }
    }

    pub fn list(&self) -> Vec<Raised> {
        self.raised().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: every fault this program raises is in the table, so that doctor and the hub can say what to do about it.
    #[test]
    fn every_code_raised_is_a_condition() {
        fn sources(folder: &std::path::Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("readable") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    sources(&path, into);
                } else if path.file_name().is_some_and(|n| n != "tests.rs") {
                    into.push(std::fs::read_to_string(path).expect("source"));
                }
            }
        }
        let mut all = Vec::new();
        sources(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut all,
        );
        let mut codes = std::collections::BTreeSet::new();
        for text in all {
            for call in ["faults.on(\"", "faults.off(\"", "fault(\""] {
                codes.extend(text.match_indices(call).filter_map(|(i, _)| {
                    text[i + call.len()..].split('"').next().map(str::to_owned)
                }));
            }
        }
        assert!(codes.len() > 5, "{codes:?}");
        for code in codes.iter().map(String::as_str).chain([
            "hub.unreachable",
            "hub.refused",
            "hub.version",
            "cert.missing",
            "log.refused",
        ]) {
            assert!(shared::conditions::condition(code).is_some(), "{code}");
        }
    }

    #[test]
    fn raised_once_cleared_once() {
        let dir = tempfile::tempdir().expect("dir");
        let clock: Arc<dyn Clock> = Arc::new(logbook::SystemClock);
        let (log, _) = crate::testing::open_log(dir.path(), clock.clone());
        let faults = Faults::new(log.clone(), clock);
        let cam = CameraId::parse("c01").expect("cam");
        faults.on("camera.stalled", Some(&cam), "one");
        faults.on("camera.stalled", Some(&cam), "two");
        faults.on("camera.stalled", None, "box");
        assert_eq!(
            faults
                .list()
                .iter()
                .map(|r| r.detail.as_str())
                .collect::<Vec<_>>(),
            ["two", "box"]
        );
        faults.off("camera.stalled", Some(&cam));
        faults.off("camera.stalled", Some(&cam));
        drop(faults);
        let lines =
            || std::fs::read_to_string(log.folder().join("0000000000.jsonl")).expect("lines");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while lines().matches("fault.off").count() == 0 && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let text = lines();
        assert_eq!(
            (
                text.matches("fault.on").count(),
                text.matches("fault.off").count()
            ),
            (2, 1),
            "{text}"
        );
    }
}
