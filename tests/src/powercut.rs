//! Task. Power cuts: the file systems of state and footage take nothing more at a random moment, what was not flushed is lost, the
//! programs die; the file systems come back from their journals and the box starts again.
//!
//! After each: no camera lost more than design.md §3 allows it, and what the machine itself stood still just before ([`crate::stalls`]); every segment the log named before is there, byte for byte; every
//! line names footage that is there; the log verifies and is the same log.
use std::{collections::BTreeMap, fs, path::PathBuf, thread, time::Duration};

use serde_json::Value;
use shared::{
    record::{hex, sha256},
    time::Utc,
};

use crate::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, Scene},
    dice::Dice,
    disks::Disk,
    hub::{Hub, time},
    places,
    stalls::Stalls,
    town::{Plan, Town},
    wait::{self, Look},
};

const CAMERAS: [&str; 3] = ["c01", "c02", "c03"];
/// design.md §3: what a kill may cost a camera that sends this file (1 s; or 0.5 s and 64 KiB, where that is longer), and one
/// second more. Its rate varies: what counts is the longest that 64 KiB of it last.
fn allowed_ms(file: &str, fps: i64) -> Done<i64> {
    let path = places::footage(file)?;
    let sizes = picture_sizes(&fs::read(&path).told(path.display())?);
    let (mut first, mut bytes, mut longest) = (0, 0, 0);
    // Twice: the cameras play it in a loop.
    let twice: Vec<usize> = sizes.iter().chain(&sizes).copied().collect();
    for (last, size) in twice.iter().enumerate() {
        bytes += size;
        while bytes > 64 << 10 {
            bytes -= twice[first];
            first += 1;
        }
        longest = longest.max(last + 1 - first);
    }
    let ms = i64::try_from(longest).unwrap_or(i64::MAX) * 1000 / fps;
    Ok((500 + ms).max(1000) + 1000)
}

/// Bytes of each picture of an H.264 stream (Annex B): from its first slice to the next one's.
fn picture_sizes(stream: &[u8]) -> Vec<usize> {
    let starts: Vec<usize> = stream
        .windows(5)
        .enumerate()
        .filter(|(_, w)| w[..3] == [0, 0, 1] && matches!(w[3] & 31, 1 | 5) && w[4] & 0x80 != 0)
        .map(|(at, _)| at)
        .collect();
    starts.windows(2).map(|w| w[1] - w[0]).collect()
}

/// What the cuts cost: per cut the worst camera's loss in ms, of the 4 Mbit/s camera and of those of 400 kbit/s.
#[derive(Default)]
pub struct Losses {
    pub full: Vec<i64>,
    pub low: Vec<i64>,
}

impl Losses {
    pub fn histogram(&self) -> String {
        let mut text = String::new();
        for (what, all) in [("4 Mbit/s", &self.full), ("400 kbit/s", &self.low)] {
            let worst = all.iter().copied().max().unwrap_or(0);
            text += &format!("{what}, {} cuts, most lost at one: {worst} ms\n", all.len());
            for from in (0..=worst).step_by(250) {
                let count = all
                    .iter()
                    .filter(|l| (from..from + 250).contains(*l))
                    .count();
                text += &format!("{from:>5} ms {count:>4} {}\n", "#".repeat(count));
            }
        }
        text
    }
}

struct Box_ {
    // Dropped from the top: programs before the disks they stand on.
    town: Town,
    state: Disk,
    footage: Disk,
    /// Sealed files of logged segments, and their hashes.
    known: BTreeMap<PathBuf, String>,
}

/// So many cuts. The same seed gives the same moments. The thread must have entered [`disks::enter`].
pub fn powercut(rounds: u64, seed: u64) -> Done<Losses> {
    let mut dice = Dice::new(seed);
    let folder = Folder::new("powercut")?;
    let stalls = Stalls::watch(folder.path())?;
    let cameras = Cameras::start(
        Scene::new()
            .street_low("/t/c01")
            .street_low("/t/c02")
            .street("/t/c03"),
    )?;
    // For its verifier only.
    let hub = Hub::make(folder.path())?;
    let state = Disk::make(folder.path(), "box-cut", 400)?;
    let footage = Disk::make(folder.path(), "disk-cut", 4096)?;
    let mut plan = Plan::new("cut").segment_secs(6);
    for cam in CAMERAS {
        plan = plan.camera(cam, cameras.url(&format!("/t/{cam}")));
    }
    let town = Town::make(folder.path(), plan)?;
    town.label(&footage.at)?;
    let mut all = Box_ {
        town,
        state,
        footage,
        known: BTreeMap::new(),
    };
    let mut losses = Losses::default();
    let mut since = wait::now();
    all.town.start()?;
    let (low, full) = (
        allowed_ms("street-low.h264", 25)?,
        allowed_ms("street-1080p25.h264", 25)?,
    );
    let allowed = [low, low, full];
    for round in 1..=rounds {
        recording(&mut all.town, since)?;
        thread::sleep(Duration::from_millis(200 + dice.below(5000)));
        all.remember()?;
        let cut = wait::now();
        let still = stalls.before(cut);
        all.state.power_cut()?;
        all.footage.power_cut()?;
        all.town.kill9()?;
        all.state.unmount()?;
        all.footage.unmount()?;
        all.state.mount()?;
        all.footage.mount()?;
        all.still_there()?;
        since = wait::now();
        all.town.start()?;
        let lost = CAMERAS
            .iter()
            .zip(allowed)
            .map(|(cam, allowed)| lost_at(&mut all.town, cam, cut, allowed))
            .collect::<Done<Vec<i64>>>()?;
        all.claims()?;
        let verdict = hub.verify("log", &all.town.log(), true)?;
        let theirs = hub.verify_py("log", &all.town.log(), true)?;
        for verdict in [verdict, theirs] {
            if !verdict.intact() {
                return Err(Trouble(format!("round {round}: {}", verdict.text)));
            }
        }
        println!(
            "{round:>3}/{rounds} lost {lost:?} of {allowed:?} ms; the machine stood still for {still}"
        );
        for ((cam, lost), allowed) in CAMERAS.iter().zip(&lost).zip(allowed) {
            if lost - still > allowed {
                return Err(Trouble(format!(
                    "round {round}: {cam} lost {lost} ms at a power cut; {allowed} are allowed, and {still} that the machine stood still"
                )));
            }
        }
        losses.low.push(lost[0].max(lost[1]));
        losses.full.push(lost[2]);
    }
    all.town.stop()?;
    let verdict = hub.verify("log", &all.town.log(), false)?;
    if !verdict.intact() {
        return Err(Trouble(verdict.text));
    }
    Ok(losses)
}

impl Box_ {
    /// Where the file of a line's segment is.
    fn file_of(&self, line: &Value) -> Option<PathBuf> {
        let cam = line["data"]["cam"].as_str()?;
        let (dir, end) = (
            format!("/{cam}/"),
            format!("-{}.mp4.age", line["data"]["s"]),
        );
        self.footage
            .holds(&end)
            .into_iter()
            .find(|f| f.to_string_lossy().contains(&dir))
    }

    /// Every segment the log names: closed and synced, or its line would not be there.
    fn remember(&mut self) -> Done<()> {
        for line in self.town.lines_of("seg.write", None) {
            if let Some(file) = self.file_of(&line)
                && !self.known.contains_key(&file)
            {
                let bytes = fs::read(&file).told(file.display())?;
                self.known.insert(file, hex(&sha256(&bytes)));
            }
        }
        Ok(())
    }

    fn still_there(&self) -> Done<()> {
        for (file, hash) in &self.known {
            let bytes =
                fs::read(file).told(format!("a logged segment is gone: {}", file.display()))?;
            if hex(&sha256(&bytes)) != *hash {
                return Err(Trouble(format!(
                    "a logged segment changed: {}",
                    file.display()
                )));
            }
        }
        Ok(())
    }

    /// Every line's footage is there; none is called lost; it is the log it was.
    fn claims(&self) -> Done<()> {
        self.still_there()?;
        for line in self.town.lines_of("seg.write", None) {
            if self.file_of(&line).is_none() {
                return Err(Trouble(format!(
                    "a line claims footage that is not there: {line}"
                )));
            }
        }
        if self.town.state.join("recorder/log/2").exists() {
            return Err(Trouble::new("the log could not be carried on"));
        }
        match self.town.lines_of("seg.lost", None).first() {
            Some(lost) => Err(Trouble(format!("footage is called lost: {lost}"))),
            None => Ok(()),
        }
    }
}

/// Waits until pictures of every camera have landed after `since`.
fn recording(town: &mut Town, since: Utc) -> Done<()> {
    wait::until("all cameras record", 60, || {
        town.must_run()?;
        let landed = CAMERAS
            .iter()
            .filter(|cam| town.landed(cam).is_some_and(|t| t > since));
        Ok(landed.count() == CAMERAS.len())
    })
}

/// From the end of what was recorded before the cut to the cut.
fn lost_at(town: &mut Town, cam: &str, cut: Utc, allowed: i64) -> Done<i64> {
    // What was torn is recovered and logged after the start, before the camera's first new segment.
    wait::until(&format!("{cam}: what was torn is recovered"), 60, || {
        town.must_run()?;
        let (mut end, mut later) = (None, false);
        for line in town.lines_of("seg.write", Some(cam)) {
            let (t0, t1) = (time(&line["data"]["t0"])?, time(&line["data"]["t1"])?);
            if t0 <= cut {
                end = end.max(Some(t1));
            } else {
                later = true;
            }
        }
        let lost = end.map(|e| (cut.0 - e.0).max(0));
        Ok(match lost {
            Some(lost) if lost <= allowed || later => Look::Yes(lost),
            _ => Look::NotYet(format!("ends {lost:?} ms before the cut")),
        })
    })
}
