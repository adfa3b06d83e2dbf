//! Task. Beats, status and the watchdog, until it is time to stop.
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use shared::{id::CameraId, time::Day, types::Beat};

use super::{RunError, build::BoxContext};
use crate::{
    health::{status, watchdog},
    memory, reader,
    uplink::Uplink,
};

const STATUS_EVERY: Duration = Duration::from_secs(2);
const GIVE_BACK_EVERY: Duration = Duration::from_secs(30);
/// The log beats every minute; one that has not grown for this long is stuck.
const LOG_STUCK: Duration = Duration::from_secs(100);

pub(super) struct Watch<'a> {
    pub(super) context: &'a BoxContext,
    /// The log's older lines were found to be others than were signed.
    pub(super) changed: &'a AtomicBool,
}

impl Watch<'_> {
    /// Beats, status and watchdog until it is time to stop.
    pub(super) fn run(&self, uplink: &Uplink) -> Result<(), RunError> {
        let every = watchdog::period().unwrap_or(STATUS_EVERY).min(STATUS_EVERY);
        let (mut size, mut grown, mut said) = (0, Instant::now(), String::new());
        let mut given_back = Instant::now();
        loop {
            let today = self
                .context
                .config
                .zone
                .day_of(self.context.clock.now().wall);
            self.reviews(today);
            self.pulls(today);
            if given_back.elapsed() >= GIVE_BACK_EVERY {
                memory::give_back();
                given_back = Instant::now();
            }
            let recording = self.beat();
            self.write_status(uplink);
            if self.context.log.size() != size {
                (size, grown) = (self.context.log.size(), Instant::now());
            }
            if grown.elapsed() > LOG_STUCK {
                self.context.faults.on(
                    "log.unwritable",
                    None,
                    "no line was written for longer than a minute",
                );
                return Err(RunError::Stuck);
            }
            if self.changed.load(Relaxed) {
                return Err(RunError::LogChanged);
            }
            if self.context.succession.now() {
                return Err(RunError::Succession);
            }
            // Reached only when the log grew, every camera answered and the status was written.
            watchdog::alive();
            let say = format!(
                "{recording} of {} cameras recording; hub {}",
                self.context.config.cameras.len(),
                uplink.status().state
            );
            if say != said {
                watchdog::status(&say);
                said = say;
            }
            if self.context.stop.wait(every) {
                return Ok(());
            }
        }
    }

    /// MSK-3: says of each mask whose review date has passed that it is due; the mask stays in force.
    fn reviews(&self, today: Day) {
        for (cam, mask) in self.context.cameras.masks() {
            let due = mask.and_then(|m| Some((m.review.filter(|review| *review < today)?, m)));
            match due {
                Some((review, mask)) => {
                    // The configuration's date counts for nothing once the hub has had a word.
                    let here = match mask.order {
                        Some(_) => "",
                        None => ", or set the next review in the camera's [camera.mask]",
                    };
                    let why = format!(
                        "mask {} was to be reviewed by {review}; it stays in force. Look at it in a clip and say so at the hub (beadle-hub mask review){here}",
                        mask.id
                    );
                    self.context.faults.on("mask.review", Some(&cam), &why);
                }
                None => self.context.faults.off("mask.review", Some(&cam)),
            }
        }
    }

    /// V14: says that the reader refuses pulls today, by its own count.
    fn pulls(&self, today: Day) {
        let counted = reader::counted(&self.context.state.public());
        let count = counted.and_then(|days| days.get(&today).copied());
        match count.filter(|c| c.refused > 0) {
            Some(count) => self.context.faults.on(
                "pull.limit",
                None,
                &format!(
                    "pulls refused today: {}; handed out today: {} of {} hours",
                    count.refused,
                    reader::hours(count.secs),
                    self.context.config.pull_hours
                ),
            ),
            None => self.context.faults.off("pull.limit", None),
        }
    }

    fn beat(&self) -> usize {
        let recording = self
            .context
            .cameras
            .status()
            .iter()
            .filter(|(_, s)| s.flow.recording)
            .count();
        self.context.log.set_beat(Beat {
            free_mib: self.context.volumes.free_mib(),
            cams: recording as u64,
            temp_c: temperature(),
        });
        recording
    }

    pub(super) fn write_status(&self, uplink: &Uplink) {
        let now = self.context.clock.now();
        let title = |cam: &CameraId| {
            self.context
                .config
                .cameras
                .iter()
                .find(|c| c.id == *cam)
                .map_or_else(String::new, |c| c.title.clone())
        };
        let cameras = self
            .context
            .cameras
            .status()
            .into_iter()
            .map(|(cam, s)| status::Camera {
                title: title(&cam),
                forecast: self.context.outlook.of(&cam).map(|f| status::Forecast {
                    mib_per_day: f.bytes_per_day >> 20,
                    retention_days: f.retention_days,
                    days_left: f.days_left,
                    days_kept: f.days_kept,
                }),
                cam,
                flow: s.flow,
                frames: s.frames,
                lost: s.lost,
                shed: s.shed,
                rate: s.rate.map_or("continuous".into(), |(rate, _)| rate.code()),
                rate_until: s.rate.and_then(|(_, until)| until),
                relay: s
                    .relayed
                    .map(|r| r.iter().map(|r| r.code().into()).collect()),
            });
        let faults = self
            .context
            .faults
            .list()
            .into_iter()
            .map(|r| status::Fault {
                code: r.code.into(),
                cam: r.cam,
                since: r.since,
                detail: r.detail,
            });
        let size = |head: Option<shared::note::SignedHead>| head.map_or(0, |h| h.head.size);
        let all = status::Status {
            t: now.wall,
            pid: std::process::id(),
            r#box: self.context.config.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            boot: self.context.opened.boot,
            log: status::Log {
                origin: self.context.opened.origin.clone(),
                size: self.context.log.size(),
                signed: size(self.context.log.head()),
                countersigned: size(self.context.log.cosigned()),
            },
            free_mib: self.context.volumes.free_mib(),
            clock: self.context.trust.level(now).as_str().into(),
            cameras: cameras.collect(),
            faults: faults.collect(),
            uplink: uplink.status(),
        };
        if let Err(e) = status::write(&self.context.state.status(), &all) {
            self.context.faults.on(
                "state.unwritable",
                None,
                &format!("{}: {e}", self.context.state.status().display()),
            );
        } else {
            self.context.faults.off("state.unwritable", None);
        }
    }
}

/// The hottest part of the machine, in whole degrees.
fn temperature() -> Option<i64> {
    let zones = std::fs::read_dir("/sys/class/thermal").ok()?;
    let read = |zone: io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(zone.ok()?.path().join("temp"))
            .ok()?
            .trim()
            .parse::<i64>()
            .ok()
    };
    zones.filter_map(read).max().map(|milli| milli / 1000)
}
