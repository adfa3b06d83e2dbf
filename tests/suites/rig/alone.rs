//! Task. One box without a hub, and its masked cameras; what its files show.
use std::{collections::BTreeMap, sync::MutexGuard};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    judge::{Judge, Seen, sealed},
    pictures,
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::Value;

/// A box without a hub, and its cameras; one at a time, as [`super::Rig`].
pub struct Alone {
    pub town: Town,
    pub cameras: Cameras,
    pub folder: Folder,
    _alone: MutexGuard<'static, ()>,
}

impl Alone {
    pub fn new(name: &str, scene: Scene, plan: impl FnOnce(Plan, &Cameras) -> Plan) -> Done<Self> {
        let alone = super::alone();
        let folder = Folder::new(name)?;
        let cameras = Cameras::start(scene)?;
        let plan = plan(Plan::new("ashby").segment_secs(5), &cameras);
        let town = Town::make(folder.path(), plan)?.labelled()?.started()?;
        Ok(Self {
            town,
            cameras,
            folder,
            _alone: alone,
        })
    }

    pub fn pid(&self) -> u32 {
        self.town.recorder.as_ref().map_or(0, |p| p.pid())
    }

    /// Its segments' lines with what their files show, by camera, in order, and hashes of the pictures if they are asked for; nothing else
    /// is on its disk.
    pub fn judged(
        &self,
        also_shown: bool,
    ) -> Done<BTreeMap<String, Vec<(Value, Seen, Vec<String>)>>> {
        let judge = Judge::new(&self.town, self.folder.path())?;
        let mut by_hash = BTreeMap::new();
        for file in sealed(&self.town) {
            let seen = judge
                .look(&file)?
                .ok_or_else(|| Trouble(format!("{}: no pictures", file.display())))?;
            let shown = if also_shown {
                pictures::decoded(&judge.plain())?
            } else {
                Vec::new()
            };
            by_hash.insert(seen.sha256.clone(), (seen, shown));
        }
        let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for line in self.town.lines_of("seg.write", None) {
            let data = line["data"].clone();
            let hash = data["sha256"].as_str().unwrap_or_default();
            let (seen, shown) = by_hash
                .remove(hash)
                .ok_or_else(|| Trouble(format!("no file of {data}")))?;
            let cam = data["cam"].as_str().unwrap_or_default().to_owned();
            all.entry(cam).or_default().push((data, seen, shown));
        }
        assert!(by_hash.is_empty(), "files that no line knows");
        Ok(all)
    }

    /// Waits until the last so many segments of a camera were masked so.
    pub fn last_segments(&mut self, cam: &str, how: &str, count: usize, secs: u64) -> Done<()> {
        let town = &mut self.town;
        wait::until(&format!("{count} segments of {cam} {how}"), secs, || {
            town.must_run()?;
            let all = town.lines_of("seg.write", Some(cam));
            let last = all.iter().rev();
            let good = last.take_while(|l| l["data"]["how"] == how).count();
            Ok(if good >= count {
                Look::Yes(())
            } else {
                let hows: Vec<_> = all.iter().map(|l| l["data"]["how"].to_string()).collect();
                Look::NotYet(hows.join(" "))
            })
        })
    }

    /// The detail of a camera's fault that is raised now.
    pub fn fault(&self, code: &str, cam: &str) -> Option<String> {
        let status = self.town.status()?;
        let all = status["faults"].as_array()?;
        let one = all.iter().find(|f| f["code"] == code && f["cam"] == cam)?;
        one["detail"].as_str().map(str::to_owned)
    }
}
