//! Adapter: ffmpeg. The peers that record beside a box.
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use beadle_tests::{
    Done, Told,
    cameras::Cameras,
    measure::{Cost, cost},
};

/// The ffmpegs beside; ended when this goes.
pub struct Peers(pub Vec<Child>);

impl Peers {
    /// How many have begun a file.
    pub fn writing(&self, folder: &Path) -> usize {
        let begun = |i: &usize| {
            fs::metadata(folder.join(format!("ffmpeg-{i:02}-000.mp4"))).is_ok_and(|m| m.len() > 0)
        };
        (0..self.0.len()).filter(begun).count()
    }

    pub fn cost(&self) -> Done<Cost> {
        self.0.iter().try_fold(
            Cost::default(),
            |sum, child| Ok(sum.plus(cost(child.id())?)),
        )
    }
}
impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn ffmpegs(cameras: &Cameras, paths: &[String], folder: &Path) -> Done<Peers> {
    let mut peers = Peers(Vec::new());
    for (i, path) in paths.iter().enumerate() {
        let child = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
                "-rtsp_transport",
                "tcp",
                "-i",
                cameras.url(path),
            ])
            .args([
                "-map",
                "0:v",
                "-c",
                "copy",
                "-f",
                "segment",
                "-segment_time",
                "60",
                "-segment_format",
                "mp4",
                "-reset_timestamps",
                "1",
            ])
            .arg(folder.join(format!("ffmpeg-{i:02}-%03d.mp4")))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .told("starting ffmpeg")?;
        peers.0.push(child);
    }
    Ok(peers)
}
