//! Task. Looks after the disks beside recording: what the last run left is recovered, what waits on a volume that came back is said,
//! and whether the disks will hold what was promised.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use shared::{id::CameraId, time::Clock};

use super::{
    Index, Volumes,
    forecast::{self, Forecast},
    index::IndexError,
    recovery,
};
use crate::{health::Faults, retention::holds::Holds, stop::Stop};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The forecast is made anew no oftener than this, and so rarely that it costs a thousandth of a core (of its own time: on a busy
/// box it may take long and cost little).
const SOONEST: Duration = Duration::from_secs(30);
const LATEST: Duration = Duration::from_secs(3600);

/// What was last forecast, for whoever shows it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Outlook(Arc<Mutex<BTreeMap<CameraId, Forecast>>>);

impl Outlook {
    pub fn of(&self, cam: &CameraId) -> Option<Forecast> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(cam).cloned()
    }
}

pub struct Watch {
    pub volumes: Volumes,
    pub retention: BTreeMap<CameraId, u32>,
    pub clock: Arc<dyn Clock>,
    pub faults: Faults,
    pub outlook: Outlook,
    pub holds: Holds,
}

impl Watch {
    /// Returns when told to stop.
    pub fn run(&self, index: &mut Index, stop: &Stop) {
        let (mut wait, mut since) = (SOONEST, Instant::now());
        while !stop.wait(LOOK_EVERY) {
            for volume in self.volumes.arrived() {
                self.came_back(&volume.path);
            }
            if since.elapsed() >= wait {
                let began = cpu();
                if let Err(e) = self.forecast(index) {
                    tracing::warn!(error = %e, "no forecast of disk space can be made");
                }
                wait = (cpu().saturating_sub(began) * 1000).clamp(SOONEST, LATEST);
                since = Instant::now();
            }
        }
    }

    fn came_back(&self, volume: &std::path::Path) {
        match recovery::waiting(&self.volumes, volume) {
            Ok(0) => {}
            Ok(torn) => {
                let why = format!(
                    "{torn} recordings on {} were cut short when it was away; they are kept, and made whole at the next start",
                    volume.display()
                );
                self.faults.on("footage.unrecovered", None, &why);
            }
            Err(e) => {
                let why = format!("footage on {} cannot be listed: {e}", volume.display());
                self.volumes.failed(volume, "disk.failed", &why);
            }
        }
    }

    fn forecast(&self, index: &mut Index) -> Result<(), IndexError> {
        index.catch_up()?;
        let today = self.clock.now().wall.0.div_euclid(86_400_000);
        let days = index.bytes_by_day()?;
        let room = self.volumes.room_bytes();
        let room = room.saturating_sub(self.holds.reserved_bytes());
        let all = forecast::forecast(&days, &self.retention, today, room);
        match forecast::in_words(&all, today) {
            Some(why) => self.faults.on("disk.forecast", None, &why),
            None => self.faults.off("disk.forecast", None),
        }
        let all = all.into_iter().map(|f| (f.cam.clone(), f)).collect();
        *self
            .outlook
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }
}

/// What this thread has cost so far.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
