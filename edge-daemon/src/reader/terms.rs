//! Adapter: filesystem. What root says about this box, as far as the reader goes by it: the configuration, read anew when it changes.
//!
//! The recorder's word counts for none of it: which cameras there are, how long each one's footage is kept, whose days, which disks.
use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use shared::{
    id::{BoxName, CameraId},
    time::{Day, Now, Zone},
};

use crate::config::{self, Config, Passwords};

/// Longest hold without a word in the configuration, in days from when it is ordered or extended.
pub const HOLD_DAYS: u32 = 400;

/// Hours of footage that are handed out in a day without a word in the configuration: four whole days of a camera.
pub const PULL_HOURS: u32 = 100;

/// Of days so near today keys are made.
const NEAR: i32 = 400;

#[derive(Clone, Debug)]
pub struct Terms {
    pub name: BoxName,
    pub zone: Zone,
    pub zone_name: String,
    /// Days footage is kept, of each camera that is configured.
    pub cameras: BTreeMap<CameraId, u32>,
    /// The scheme's own.
    pub days: u32,
    pub volumes: Vec<PathBuf>,
    /// No hold reaches further from now, in days.
    pub hold_days: u32,
    /// No more footage than so many hours is handed out in one day.
    pub pull_hours: u32,
    /// How long a footage file is: what is handed out begins and ends with whole ones.
    pub segment_secs: u32,
}

impl Terms {
    pub fn of(config: &Config) -> Self {
        Self {
            name: config.name.clone(),
            zone: config.zone.clone(),
            zone_name: config.zone_name.clone(),
            cameras: config
                .cameras
                .iter()
                .map(|c| (c.id.clone(), c.retention_days))
                .collect(),
            days: config.retention_days,
            volumes: config.volumes.clone(),
            hold_days: config.hold_days,
            pull_hours: config.pull_hours,
            segment_secs: config.segment_secs,
        }
    }
}

impl Terms {
    /// Whether keys may be made of these days: whoever asks for those of all times fills the disk.
    ///
    /// # Errors
    /// In words: they are too far away.
    pub fn near(&self, from: Day, days: i32, now: Now) -> Result<(), String> {
        let today = self.zone.day_of(now.wall);
        if today.plus_days(-NEAR) <= from && from.plus_days(days) <= today.plus_days(NEAR) {
            return Ok(());
        }
        Err(format!(
            "no key is made of a day more than {NEAR} days from {today}; {days} from {from} were asked for"
        ))
    }
}

/// Where they come from.
pub enum Source {
    /// Given by whoever runs the reader.
    Given(Arc<Mutex<Arc<Terms>>>),
    File {
        path: PathBuf,
        read: Mutex<(Stamp, Arc<Terms>)>,
    },
}

/// What changes when a file is written or replaced: device, inode, size, time of its last change.
type Stamp = (u64, u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let m = std::fs::metadata(path).ok()?;
    Some((m.dev(), m.ino(), m.size(), m.ctime(), m.ctime_nsec()))
}

impl Source {
    /// The configuration in this file, which was just read.
    pub fn file(path: &Path, config: &Config) -> Self {
        let now = stamp(path).unwrap_or_default();
        Self::File {
            path: path.to_owned(),
            read: Mutex::new((now, Arc::new(Terms::of(config)))),
        }
    }

    /// The terms in force. A configuration that cannot be read leaves those of before in force.
    pub fn terms(&self) -> Arc<Terms> {
        let (path, read) = match self {
            Self::Given(terms) => {
                return terms.lock().unwrap_or_else(PoisonError::into_inner).clone();
            }
            Self::File { path, read } => (path, read),
        };
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = stamp(path).filter(|now| *now != read.0) {
            read.0 = now;
            match config::load(path, Passwords::None) {
                Ok(config) => read.1 = Arc::new(Terms::of(&config)),
                Err(e) => {
                    tracing::warn!(error = %e, "the configuration has changed and cannot be used; the reader goes on by the one before")
                }
            }
        }
        read.1.clone()
    }
}
