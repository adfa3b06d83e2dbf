//! Task. The hub's disks fill, on real file systems: state on one, evidence on another, a stick that is too small.
use std::{fs, path::Path, thread};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    disks::{self, Disk},
    hub::{Hub, Pulled},
    site::Site,
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::Value;

use crate::rig;

struct Rig {
    hub: Hub,
    town: Town,
    state: Disk,
    evidence: Disk,
    from: String,
    to: String,
    _cameras: Cameras,
}

impl Rig {
    /// A hub on two small disks, and a box with some seconds of footage.
    fn start(folder: &Path) -> Done<Self> {
        let state = Disk::make(folder, "hub", 200)?;
        let evidence = Disk::make(folder, "evidence", 64)?;
        let mut hub = Hub::make_at(&Site::Beside(folder.into()), "127.0.0.1", Vec::new())?;
        hub.start()?;
        let cameras = Cameras::start(Scene::new().street_low("/t/c01"))?;
        let plan = Plan::new("ashby")
            .segment_secs(2)
            .camera("c01", cameras.url("/t/c01"));
        let mut town = Town::make(folder, plan)?.enrolled(&mut hub)?.started()?;
        let segments = town.segments("c01", 2, 60)?;
        let at = |n: usize, key: &str| {
            let time = segments[n]["data"][key].as_str();
            time.unwrap_or_default().to_owned()
        };
        Ok(Self {
            from: at(0, "t0"),
            to: at(1, "t1"),
            hub,
            town,
            state,
            evidence,
            _cameras: cameras,
        })
    }

    fn status(&self) -> Done<Value> {
        let said = self.hub.ask(args!["status", "--json"])?.well("status")?;
        Ok(serde_json::from_str(&said.out)?)
    }

    /// Lines of the hub's own log of a type that name this.
    fn own(&self, kind: &str, part: &str) -> Done<usize> {
        let mut count = 0;
        for file in beadle_tests::places::files_below(&self.hub.own_log(), ".jsonl") {
            let text = fs::read_to_string(&file).told(file.display())?;
            let kind = format!("\"type\":\"{kind}\"");
            count += text
                .lines()
                .filter(|l| l.contains(&kind) && l.contains(part))
                .count();
        }
        Ok(count)
    }
}

/// FLT-3, HLT-1, EVI-1: two disks are told apart and each is said by its path; a clip waits for room where its package will lie, and is made when there
/// is some; a stick that is too small is said before anything is written or put on record; a hub whose own disk is full refuses acts with a code,
/// and its boxes keep their lines; all of it goes on by itself.
#[test]
fn each_disk_is_said_by_its_path() -> Done<()> {
    if !disks::possible("disks of the hub's that fill") {
        return Ok(());
    }
    let _alone = rig::alone();
    let folder = Folder::new("hubdisks")?;
    disks::enter()?;
    let mut rig = Rig::start(folder.path())?;
    let shown = rig.status()?;
    let paths: Vec<&str> = shown["disks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|d| d["disk"].as_str())
        .collect();
    let (state, evidence) = (
        rig.hub.state.display().to_string(),
        rig.hub.evidence.display().to_string(),
    );
    assert_eq!(paths, [state.as_str(), evidence.as_str()], "{shown}");
    assert!(
        shown["faults"].as_array().is_some_and(Vec::is_empty),
        "{shown}"
    );

    // The evidence's disk is full: a fault with its path, and a clip that waits for it.
    rig.evidence.fill_but(4)?;
    rig.hub.stop()?;
    rig.hub.start()?;
    let stands = wait::until("the fault stands", 20, || {
        let shown = rig.status()?;
        Ok(match shown["faults"][0]["about"] == evidence.as_str() {
            true => Look::Yes(shown),
            false => Look::NotYet(shown.to_string()),
        })
    })?;
    assert_eq!(stands["faults"][0]["code"], "hub.disk", "{stands}");
    assert_eq!(stands["disks"][0]["state"], "good", "{stands}");
    assert_eq!(rig.own("fault.on", "\"hub.disk\"")?, 1);
    let pulled = thread::scope(|scope| -> Done<Pulled> {
        let pull = scope.spawn(|| rig.hub.pull("ashby/c01", &rig.from, &rig.to));
        let waits = wait::until("the clip waits for room", 30, || {
            let row = rig.clip()?;
            let why = row["why"].as_str().unwrap_or_default();
            Ok(match why.contains(&evidence) {
                true => Look::Yes(row),
                false => Look::NotYet(row.to_string()),
            })
        })?;
        assert_eq!(waits["state"], "Waiting", "{waits}");
        rig.evidence.make_room()?;
        pull.join().map_err(|_| Trouble::new("the pull"))?
    })?;
    assert!(pulled.said.out.contains("INTACT"), "{:?}", pulled.said);

    // A stick that is too small.
    let stick = Disk::make(folder.path(), "stick", 8)?;
    stick.fill_but(0)?;
    let words = args![
        "clip",
        "save",
        pulled.exhibit,
        stick.at,
        "--purpose",
        "For the court",
        "--reference",
        "CR/1"
    ];
    let said = rig.hub.ask(words)?;
    assert!(
        said.status != 0 && said.err.contains("nothing was saved"),
        "{said:?}"
    );
    assert!(
        said.err.contains(&stick.at.display().to_string()),
        "{said:?}"
    );
    assert_eq!(rig.own("copy.save", "")?, 1, "that of the pull alone");
    assert!(!stick.at.join(&pulled.exhibit).exists() && stick.holds(".part").is_empty());

    // The hub's own disk.
    rig.state.fill_but(1)?;
    let said = rig.hub.ask(args!["box", "add", "brook"])?;
    assert!(said.status != 0 && said.err.contains(&state), "{said:?}");
    assert!(said.err.contains("beadle-hub status"), "{said:?}");
    assert_eq!(rig.own("box.add", "brook")?, 0);
    let kept = rig.hub.box_row("ashby")?["lines"].clone();
    let before = rig.town.lines().len();
    wait::until("the box goes on", 20, || {
        Ok(rig.town.lines().len() > before + 2)
    })?;
    let lines = rig.hub.box_row("ashby")?["lines"].clone();
    assert!(
        lines.as_u64() <= kept.as_u64().map(|n| n + 2),
        "{lines} {kept}"
    );
    // A box offers its log, and finds no room: the disk's fault stands at once, and none of the box's.
    rig.town.stop()?;
    rig.town.start()?;
    wait::until("the disk's fault stands", 10, || {
        Ok(rig.own("fault.on", "\"hub.disk-full\"")? == 1)
    })?;
    assert_eq!(rig.own("fault.on", "OVER-BUDGET")?, 0);
    let boxs = rig.hub.box_row("ashby")?["faults"].to_string();
    assert!(!boxs.contains("log."), "{boxs}");
    rig.state.make_room()?;
    rig.hub.box_add("brook")?;
    // The box hears that there is room, and need not wait for its own next try.
    wait::until("the box's lines come", 10, || {
        let lines = rig.hub.box_row("ashby")?["lines"].as_u64();
        Ok(lines.is_some_and(|n| n > before as u64))
    })?;
    wait::until("the fault is over", 20, || {
        Ok(rig.own("fault.off", "\"hub.disk-full\"")? == 1)
    })?;
    rig.hub.must_run()?;
    rig.town.stop()?;
    rig.hub.stop()
}

impl Rig {
    /// The newest.
    fn clip(&self) -> Done<Value> {
        let said = self
            .hub
            .ask(args!["clip", "list", "--json"])?
            .well("clip list")?;
        let all: Value = serde_json::from_str(&said.out)?;
        Ok(all[0].clone())
    }
}
