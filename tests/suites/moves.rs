//! Task. The hub moves: its boxes know where before the old address goes, or find it by a name of the DNS, and nobody visits them.
use std::{fs, net::Ipv4Addr, path::Path};

use beadle_tests::{
    Done, Folder, Told, Trouble, args, disks,
    dns::Dns,
    hub::Hub,
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
