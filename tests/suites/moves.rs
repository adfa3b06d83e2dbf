//! Task. The hub moves: its boxes know where before the old address goes, or find it by a name of the DNS, and nobody visits them.
use std::{fs, net::Ipv4Addr, path::Path};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    disks,
    dns::Dns,
    hub::Hub,
    places::files_below,
    site::Site,
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::Value;

use crate::rig;

const NAME: &str = "beadle.moves.example";

/// Has a hub that is stopped listen for boxes at another address.
fn settle(hub: &Hub, address: &str, port: u16) -> Done<()> {
    let path = hub.state.join("hub.toml");
    let text = fs::read_to_string(&path).told(path.display())?;
    let lines = text.lines().map(|l| match l.starts_with("quic = ") {
        true => format!("quic = \"{address}:{port}\""),
        false => l.to_owned(),
    });
    let text: Vec<String> = lines.collect();
    fs::write(&path, text.join("\n") + "\n").told(path.display())
}

fn on_the_line(hub: &Hub, what: &str) -> Done<()> {
    wait::until(what, 30, || {
        let row = hub.box_row("ashby")?;
        Ok(match row["online"] == true {
            true => Look::Yes(()),
            false => Look::NotYet(row["state"].to_string()),
        })
    })
}

fn moves(hub: &Hub) -> Done<Value> {
    let said = hub
        .ask(args!["box", "moves", "--json"])?
        .well("box moves")?;
    Ok(serde_json::from_str(&said.out)?)
}

/// Two people tell all boxes where the hub will be.
fn tell(hub: &Hub, to: &str) -> Done<String> {
    let [_, second, _, file] = hub.as_second();
    let reason = "the house is sold";
    let words = args![
        "box",
        "move",
        to,
        "--reason",
        reason,
        "--second",
        second,
        "--second-password-file",
        file
    ];
    Ok(hub.ask(words)?.well("box move")?.out)
}

/// FLT-3, REC-6: told in time, the boxes are at the new address by themselves, after a restart of theirs too; a stranger there is told
/// nothing; with both addresses gone, a name of the DNS leads to the hub, and what is kept and is not the hub's word counts for nothing.
#[test]
fn the_hub_moves_and_boxes_follow() -> Done<()> {
    if !disks::possible("a network and a DNS of a test's own") {
        return Ok(());
    }
    let _alone = rig::alone();
    let folder = Folder::new("moves")?;
    let dns = Dns::enter(folder.path())?;
    let mut hub = Hub::make(folder.path())?;
    let port = hub.quic;
    let toml = hub.state.join("hub.toml");
    let text = fs::read_to_string(&toml).told(toml.display())?;
    fs::write(&toml, format!("lookup = \"{NAME}:{port}\"\n{text}")).told(toml.display())?;
    hub.start()?;
    let plan = Plan::new("ashby").camera("c01", "rtsp://127.0.0.1:1/x");
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    on_the_line(&hub, "the box is on the line")?;
    hub.box_add("tenby")?;

    let first = format!("127.0.0.2:{port}");
    assert!(tell(&hub, &first)?.contains(&first));
    let known = wait::until("the box knows the new address", 20, || {
        let all = moves(&hub)?;
        Ok(match all["known"] == 1 {
            true => Look::Yes(all),
            false => Look::NotYet(all["boxes"].to_string()),
        })
    })?;
    assert_eq!(known["of"], 2, "{known}");
    assert_eq!(known["boxes"][1]["state"], "waiting", "{known}");
    let said = hub.ask(args!["box", "moves"])?.well("box moves")?.out;
    let wanted = format!("1 of 2 boxes know that the hub will be at {first}; tenby not yet");
    assert!(said.contains(&wanted), "{said}");
    let line = town.lines_of("hub.set", None).pop();
    let line = line.ok_or_else(|| Trouble::new("no hub.set line"))?;
    assert_eq!(line["data"]["hub"], first.as_str(), "{line}");
    assert_eq!(line["data"]["by"].as_array().map(Vec::len), Some(2));

    hub.stop()?;
    settle(&hub, "127.0.0.2", port)?;
    hub.start()?;
    on_the_line(&hub, "the box is at the new address")?;
    again(&mut town)?;
    on_the_line(&hub, "and after a restart of its own")?;

    // Both are gone; somebody else's hub answers at the new address.
    hub.stop()?;
    settle(&hub, "127.0.0.3", port)?;
    dns.set(NAME, Ipv4Addr::new(127, 0, 0, 3));
    let beside = Site::Beside(folder.path().join("stranger"));
    let mut stranger = Hub::make_at(&beside, "127.0.0.2", Vec::new())?;
    settle(&stranger, "127.0.0.2", port)?;
    stranger.start()?;
    hub.start()?;
    on_the_line(&hub, "the box is where the DNS says")?;
    assert!(stranger.boxes()?.is_empty());
    let journal = journal(&folder.path().join("stranger/logs/hub.log"))?;
    assert!(!journal.contains("ashby"), "{journal}");

    // What is kept, by another hand: no word of the hub's.
    let kept = town.state.join("recorder/hub-move.json");
    let text = fs::read_to_string(&kept).told(kept.display())?;
    fs::write(&kept, text.replace("127.0.0.2", "127.0.0.9")).told(kept.display())?;
    again(&mut town)?;
    on_the_line(&hub, "the box believes no other hand")?;
    stranger.stop()?;
    hub.stop()?;
    town.stop()
}

/// The folder as it is, owners, rights and links too, at another place; the old one is gone.
fn carried(from: &Path, to: &Path) -> Done<()> {
    let above = to.parent().ok_or_else(|| Trouble::new("a folder"))?;
    fs::create_dir_all(above).told(above.display())?;
    disks::tell("cp", args!["-a", from, to])?;
    fs::remove_dir_all(from).told(from.display())
}

/// FLT-3, AUD-2, EVI-1: docs/hub.md, Moving the hub: what lies in the two folders is the hub. On another machine it goes on with its own log and
/// with those of its boxes, which come by themselves; what was pulled before can be saved there, and clips are pulled as before.
#[test]
fn the_hub_goes_on_on_another_machine() -> Done<()> {
    if !disks::possible("a network of a test's own") {
        return Ok(());
    }
    let _alone = rig::alone();
    let folder = Folder::new("machines")?;
    let _dns = Dns::enter(folder.path())?;
    let cameras = Cameras::start(Scene::new().street_low("/a/c01"))?;
    let mut hub = Hub::make(folder.path())?.started()?;
    let plan = Plan::new("ashby")
        .segment_secs(2)
        .camera("c01", cameras.url("/a/c01"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let span = |segments: &[Value], n: usize| {
        let text = |key: &str| {
            segments[n]["data"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (text("t0"), text("t1"))
    };
    let segments = town.segments("c01", 1, 60)?;
    let (from, to) = span(&segments, 0);
    let before = hub.pull("ashby/c01", &from, &to)?;
    assert!(before.said.out.contains("INTACT"), "{:?}", before.said);
    let port = hub.quic;
    tell(&hub, &format!("127.0.0.2:{port}"))?;
    wait::until("the box knows the new address", 20, || {
        Ok(moves(&hub)?["known"] == 1)
    })?;

    hub.stop()?;
    let size = |hub: &Hub| -> Done<usize> {
        let lines = files_below(&hub.own_log(), ".jsonl");
        let texts = lines
            .iter()
            .map(|f| fs::read_to_string(f).told(f.display()));
        Ok(texts.collect::<Done<String>>()?.lines().count())
    };
    let (own, there) = (size(&hub)?, folder.path().join("machine-2"));
    let (state, evidence) = (there.join("hub"), there.join("evidence"));
    carried(&hub.state, &state)?;
    carried(&hub.evidence, &evidence)?;
    let toml = state.join("hub.toml");
    let text = fs::read_to_string(&toml).told(toml.display())?;
    let (was, is) = (hub.evidence.display(), evidence.display());
    fs::write(&toml, text.replace(&was.to_string(), &is.to_string())).told(toml.display())?;
    (hub.state, hub.evidence) = (state, evidence);
    settle(&hub, "127.0.0.2", port)?;
    let lines = town.lines().len() as u64;
    hub.start()?;
    on_the_line(&hub, "the box is at the new machine")?;
    let saved = hub.save(&before.exhibit, &folder.path().join("stick"))?;
    hub.intact("bundle", &saved, false)?;
    let segments = town.segments("c01", segments.len() + 2, 60)?;
    let (from, to) = span(&segments, segments.len() - 2);
    let after = hub.pull("ashby/c01", &from, &to)?;
    assert!(after.said.out.contains("INTACT"), "{:?}", after.said);
    assert_ne!(after.exhibit, before.exhibit, "numbers go on");
    let held = hub.box_row("ashby")?["lines"].as_u64();
    assert!(
        held > Some(lines),
        "the box's log goes on: {held:?}, {lines}"
    );
    assert!(size(&hub)? > own, "its own log is one");
    hub.must_run()?;
    town.stop()?;
    hub.stop()?;
    hub.intact("log", &hub.own_log(), false)?;
    hub.intact("log", &hub.box_log("ashby"), false)
}

/// The recorder is started again.
fn again(town: &mut Town) -> Done<()> {
    if let Some(mut recorder) = town.recorder.take() {
        recorder.stop(30)?;
    }
    town.start_recorder()
}

fn journal(path: &Path) -> Done<String> {
    fs::read_to_string(path).told(path.display())
}
