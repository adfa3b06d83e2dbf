//! Adapter: filesystem. `run/status.json`: how the box is, for whoever may look at the box but not at its pictures.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId},
    plain,
    standing::Flow,
    time::Utc,
    wire,
};

/// The whole file. It may be read by anyone on the box: nothing in it is secret or personal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub t: Utc,
    pub pid: u32,
    pub r#box: BoxName,
    pub version: String,
    pub boot: u64,
    pub log: Log,
    pub free_mib: u64,
    /// synced, holdover or unknown
    pub clock: String,
    pub cameras: Vec<Camera>,
    pub faults: Vec<Fault>,
    pub uplink: Uplink,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    pub origin: String,
    /// Lines written.
    pub size: u64,
    /// Lines under the newest signed head, and under the newest countersigned one.
    pub signed: u64,
    pub countersigned: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    pub cam: CameraId,
    pub title: String,
    #[serde(flatten)]
    pub flow: Flow,
    pub frames: u64,
    /// Packets that the network lost.
    pub lost: u64,
    /// Pictures that the box left out, because a worker or a disk did not keep up.
    pub shed: u64,
    /// continuous, timelapse-N (a picture every N seconds) or realtime
    #[serde(default)]
    pub rate: String,
    /// When an order for real time ends.
    #[serde(default)]
    pub rate_until: Option<Utc>,
    /// Of a camera whose session goes by the relay: what is mended on the way, by code.
    #[serde(default)]
    pub relay: Option<Vec<String>>,
    /// Not known in a camera's first minutes.
    #[serde(default)]
    pub forecast: Option<Forecast>,
}

/// Whether the disks will hold what was promised of a camera, at today's rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    pub mib_per_day: u64,
    pub retention_days: u32,
    /// Days until the disks are full; none when there is room for all days promised.
    pub days_left: Option<u32>,
    /// Days of this camera there will be then.
    pub days_kept: u32,
}

impl Forecast {
    pub fn in_words(&self) -> String {
        let gib = self.mib_per_day as f64 / 1024.0;
        match self.days_left {
            None => format!(
                "{gib:.1} GiB a day, room for all {} days",
                self.retention_days
            ),
            Some(n) => {
                let when = match n {
                    0 => "today".to_owned(),
                    1 => "in 1 day".to_owned(),
                    n => format!("in {n} days"),
                };
                format!(
                    "{gib:.1} GiB a day, disks full {when}, with {} of {} days kept",
                    self.days_kept, self.retention_days
                )
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub code: String,
    pub cam: Option<CameraId>,
    pub since: Utc,
    pub detail: String,
}

impl Camera {
    /// For people: that its session goes by the relay, and what is mended on the way; empty where it goes directly.
    pub fn by_the_relay(&self) -> String {
        match self.relay.as_deref() {
            None => String::new(),
            Some([]) => "; by the relay, which has had nothing to mend".into(),
            Some(repairs) => format!("; by the relay, which mends {}", repairs.join(", ")),
        }
    }
}

impl Status {
    /// Its faults as they are judged.
    pub fn standing_faults(&self) -> Vec<wire::Fault> {
        let fault = |f: &Fault| wire::Fault {
            code: f.code.clone(),
            cam: f.cam.clone(),
            since: f.since,
            text: f.detail.clone(),
        };
        self.faults.iter().map(fault).collect()
    }
}

/// `state`: not-enrolled, dialling, connected, waiting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uplink {
    pub state: String,
    pub hub: Option<String>,
    pub since: Option<Utc>,
    /// Why the last attempt failed, in words.
    pub why: Option<String>,
}

/// More than it is long with a hundred cameras.
const MOST: u64 = 16 << 20;

pub fn read(path: &Path) -> std::io::Result<Status> {
    serde_json::from_value(value(path)?).map_err(std::io::Error::other)
}

/// The recorder writes it, quoting cameras, and others read it on their terminals: what it says is seen to here.
fn value(path: &Path) -> std::io::Result<serde_json::Value> {
    let bytes = crate::below::read_untrusted(path, MOST)?;
    let mut status = serde_json::from_slice(&bytes).map_err(std::io::Error::other)?;
    plain::message(&mut status);
    Ok(status)
}

/// Replaces the file; not synced, as it is only of use while the box runs.
pub fn write(path: &Path, status: &Status) -> std::io::Result<()> {
    let temp = path.with_extension("json.tmp");
    std::fs::write(
        &temp,
        serde_json::to_vec_pretty(status).map_err(std::io::Error::other)?,
    )?;
    std::fs::rename(&temp, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V13, kind 1: what the recorder may put in the place of its status neither keeps the reader waiting nor has anything else read.
    #[test]
    fn nothing_but_a_file_is_read() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("status.json");
        let refused = |what: &str| {
            let told = read(&path).expect_err(what);
            std::fs::remove_file(&path).expect("removed");
            told.to_string()
        };
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("pipe");
        assert!(refused("a pipe").contains("no ordinary file"));
        std::os::unix::fs::symlink("/etc/passwd", &path).expect("link");
        refused("a link");
        std::fs::File::create(&path)
            .and_then(|f| f.set_len(MOST + 1))
            .expect("large");
        assert!(refused("a large file").contains("larger than"));
        let folder = dir.path().join("folder");
        std::fs::create_dir(&folder).expect("folder");
        read(&folder).expect_err("a folder");
    }

    /// security.md V16: the recorder's file is read on root's terminal; whatever a camera said in it, it is words.
    #[test]
    fn what_is_read_is_plain_v16() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("status.json");
        let evil = serde_json::json!({"why": "\u{1b}[2J\u{202e}x"});
        std::fs::write(&path, evil.to_string()).expect("written");
        let value = super::value(&path).expect("read");
        assert_eq!(value["why"], " [2J x");
    }
}
