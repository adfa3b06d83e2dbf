//! Task. What becomes of a scheme when a hub burns, and when a box is put back, copied, or goes on twice: played through with real programs, and
//! written down as each person sees it (docs/story.md; BEADLE_WRITE=1 makes it anew).
use std::{ffi::OsStr, fs, path::Path};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    hub::Hub,
    places,
    program::Said,
    site::Site,
    town::{Plan, Town},
    wait,
};
use shared::time::Utc;

use crate::rig;

const PAGE: &str = "docs/story.md";
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The page as it grows.
struct Story {
    folder: String,
    text: String,
}

impl Story {
    fn tell(&mut self, text: &str) {
        self.text += &format!("{text}\n\n");
    }

    /// What somebody types, and what they see; what differs from run to run is left out.
    fn seen(&mut self, who: &str, typed: &str, said: &str) {
        let plain = plain(&said.replace(&self.folder, ""));
        self.text += &format!("**{who}**\n```\n$ {typed}\n{}```\n\n", plain);
    }
}

/// Without times, hashes and counts: these are another's each time.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let (mut words, mut skip) = (Vec::new(), 0);
        for word in line.split(' ') {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let bare = word.trim_start_matches(['(', ':', ',']);
            if WEEKDAYS.contains(&bare) {
                words.push(word.replace(bare, "TIME"));
                // Day, month, year, time of day; and the zone's short name, of which the end may be punctuation.
                skip = 4;
                continue;
            }
            words.push(counted(word));
        }
        let line = words.join(" ");
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// One word without what is counted.
fn counted(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let hex = |w: &str| w.len() >= 32 && w.bytes().all(|b| b.is_ascii_hexdigit());
    if bare.contains("T") && bare.ends_with('Z') && bare.contains(':') {
        return word.replace(bare, "TIME");
    }
    if hex(bare) {
        return word.replace(bare, "HASH");
    }
    if bare.starts_with("cctv.") && word.contains('+') {
        return "KEY".into();
    }
    if bare.starts_with("EXH-")
        || bare.starts_with("op:")
        || bare.contains('/')
        || bare.contains(".md")
    {
        return word.to_owned();
    }
    match !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        true => word.replace(bare, "N"),
        false => word.to_owned(),
    }
}

fn well(said: Said, what: &str) -> Done<String> {
    said.well(what).map(|s| s.out)
}

fn copied(from: &Path, to: &Path) -> Done<()> {
    rig::shell(&format!("rm -rf {to:?}; cp -a {from:?} {to:?}"), "copying").map(drop)
}

fn second(hub: &Hub, words: &[&OsStr]) -> Done<Said> {
    let mut all = words.to_vec();
    all.extend(hub.as_second());
    hub.ask(&all)
}

/// AUD-3, RET-5, EVI-8, ROL-5, AUD-2: a hub is lost and put back while its box records; a box is put back, copied and goes on twice. Nothing of what
/// was recorded is lost, no number is given out twice, each says in plain words what happened and what to do.
#[test]
fn a_hub_burns_and_boxes_are_copied() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("story")?;
    let site = Site::Beside(folder.path().into());
    let cameras = Cameras::start(Scene::new().street_low("/a/c01"))?;
    let mut hub = Hub::make_at(&site, "127.0.0.1", Vec::new())?.started()?;
    let plan = Plan::new("ashby")
        .segment_secs(2)
        .camera("c01", cameras.url("/a/c01"));
    let mut town = Town::make_at(&site, plan)?.enrolled(&mut hub)?.started()?;
    let mut story = Story {
        folder: folder.path().display().to_string(),
        text: String::new(),
    };
    burns(&mut story, folder.path(), &mut hub, &mut town)?;
    put_back(&mut story, folder.path(), &mut hub, &mut town)?;
    town.stop()?;
    hub.stop()?;
    hub.intact("log", &hub.state.join("log/1"), false)?;
    hub.intact("log", &hub.state.join("log/2"), false)?;
    compare(&story)
}

fn pulled(hub: &Hub, town: &mut Town) -> Done<String> {
    let segments = town.segments("c01", 1, 60)?;
    let last = segments.last().ok_or_else(|| Trouble::new("no segment"))?;
    let at = |key: &str| -> Done<Utc> { beadle_tests::hub::time(&last["data"][key]) };
    let clip = hub.pull("ashby/c01", &at("t0")?.to_string(), &at("t1")?.to_string())?;
    assert!(clip.said.out.contains("INTACT"), "{:?}", clip.said);
    Ok(clip.exhibit)
}

fn burns(story: &mut Story, folder: &Path, hub: &mut Hub, town: &mut Town) -> Done<()> {
    story.tell("## The hub burns");
    story.tell("Each night the administrator's timer writes a backup to a share. Kim, who keeps the hub, began the folder once; its passphrase lies in a safe.");
    let stick = folder.join("share");
    let words = folder.join("passphrase");
    fs::write(&words, "three words in a safe\n").told(words.display())?;
    let first = pulled(hub, town)?;
    let made = hub.ask(args!["backup", stick, "--passphrase-file", words])?;
    let made = well(made, "backup")?;
    story.seen(
        "The administrator, the first night",
        "beadle-hub backup /share --passphrase-file /root/passphrase",
        &made,
    );
    let again = well(hub.ask(args!["backup", stick, "--json"])?, "backup")?;
    let again: serde_json::Value = serde_json::from_str(&again)?;
    assert!(again["fresh"].as_u64() < again["bytes"].as_u64(), "{again}");
    let listed = well(hub.ask(args!["backups", stick])?, "backups")?;
    assert!(listed.contains(" 0 damaged"), "{listed}");

    story.tell("The next day work goes on: a clip is pulled. Then the hub's machine burns; the town's box records, and finds nobody to tell.");
    let second_clip = pulled(hub, town)?;
    assert_eq!(next_of(&first), second_clip);
    let held = rig::cosigned(&hub.box_log("ashby"));
    hub.kill9()?;
    let lost = folder.join("lost");
    fs::create_dir_all(&lost).told(lost.display())?;
    for (from, name) in [(&hub.state, "hub"), (&hub.evidence, "evidence")] {
        fs::rename(from, lost.join(name)).told(from.display())?;
    }
    let before = town.lines_of("seg.write", Some("c01")).len();
    town.segments("c01", before + 1, 60)?;

    story.tell("On a fresh machine, with the package installed and the share at hand. A wrong passphrase changes nothing:");
    let wrong = folder.join("wrong");
    fs::write(&wrong, "three other words\n").told(wrong.display())?;
    let no = hub.ask(args!["restore", stick, "--passphrase-file", wrong])?;
    assert!(
        no.status != 0 && !hub.state.join("hub.toml").exists(),
        "{no:?}"
    );
    story.seen(
        "The administrator, in haste",
        "beadle-hub restore /share",
        &no.err,
    );
    let done = hub.ask(args!["restore", stick, "--passphrase-file", words])?;
    let done = well(done, "restore")?;
    story.seen("The administrator", "beadle-hub restore /share", &done);
    hub.start()?;

    story.tell("The box is back by itself, and shows the hub its own countersignature over lines that it does not know.");
    wait::until("the hub knows all that it had countersigned", 60, || {
        town.must_run()?;
        Ok(rig::cosigned(&hub.box_log("ashby")) >= held)
    })?;
    let shown = wait::until("what the box has told is shown", 30, || {
        let said = well(hub.ask(args!["rollback", "show"])?, "rollback show")?;
        Ok(said.contains("all of them are here again").then_some(said))
    })?;
    story.seen("The administrator", "beadle-hub rollback show", &shown);
    let status = well(hub.ask(args!["status", "--json"])?, "status")?;
    assert!(status.contains("hub.rolled-back"), "{status}");
    let box_list = well(hub.ask(args!["box", "list"])?, "box list")?;
    assert!(!box_list.contains("REFUSED"), "{box_list}");

    story.tell("Everybody who signs in reads on every page that the hub is an older copy. Clips are pulled as ever, and no number comes twice: the box has told which were given out.");
    let third = pulled(hub, town)?;
    assert_eq!(next_of(&second_clip), third, "its number was given out");
    story.tell(&format!("The clip that was pulled before the fire was `{second_clip}`; the first one after it is `{third}`."));
    let save = folder.join("court");
    let saved = hub.save(&first, &save)?;
    hub.intact("bundle", &saved, false)?;

    story.tell("Two people go through what nobody can tell, and settle it.");
    let reason = "accounts, boxes and tokens compared with last month's export";
    let asked = well(
        hub.ask(args!["rollback", "settle", "--reason", reason])?,
        "rollback settle",
    )?;
    let last: Vec<&str> = asked.lines().rev().take(2).collect();
    let last = format!("{}\n{}\n", last[1], last[0]);
    story.seen(
        "The coordinator",
        &format!("beadle-hub rollback settle --reason {reason:?} --as manager"),
        &last,
    );
    let no = hub.ask(args!["rollback", "approve"])?;
    assert_ne!(no.status, 0, "one person is not two: {no:?}");
    let settled = well(
        second(hub, args!["rollback", "approve"])?,
        "rollback approve",
    )?;
    story.seen(
        "Their deputy",
        "beadle-hub rollback approve --as deputy",
        &settled,
    );
    Ok(())
}

/// The exhibit after this one.
fn next_of(exhibit: &str) -> String {
    let (head, n) = exhibit.rsplit_once('-').unwrap_or((exhibit, "0"));
    format!("{head}-{:06}", n.parse::<u64>().unwrap_or(0) + 1)
}

fn put_back(story: &mut Story, folder: &Path, hub: &mut Hub, town: &mut Town) -> Done<()> {
    story.tell("## A box is put back, and another is a copy of it");
    story.tell("A contractor clones the box's disk to be on the safe side. A month later its disk fails, and he puts the clone in: the box goes on with an old log.");
    let older = folder.join("older");
    town.stop()?;
    copied(&town.state, &older)?;
    town.start()?;
    let before = town.lines_of("seg.write", Some("c01")).len();
    town.segments("c01", before + 2, 60)?;
    let own = town.lines().len() as u64;
    rig::until_cosigned(&hub.box_log("ashby"), own.saturating_sub(30))?;
    town.stop()?;
    let newer = folder.join("newer");
    copied(&town.state, &newer)?;
    copied(&older, &town.state)?;
    town.start()?;
    let twice = wait::until("the hub says that there are two histories", 60, || {
        let said = well(hub.ask(args!["box", "list"])?, "box list")?;
        Ok(said.contains("box.twice").then_some(said))
    })?;
    let lines: Vec<&str> = twice
        .lines()
        .filter(|l| {
            l.contains("REFUSED") || l.contains("box.twice") || l.contains("Find out which")
        })
        .collect();
    story.seen("Hub staff", "beadle-hub box list", &lines.join("\n"));
    town.line("the box says so too", 60, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "log.refused"
    })?;
    let doctor = town.command(args!["doctor"])?.out;
    let told: Vec<&str> = doctor
        .lines()
        .filter(|l| l.contains("log.refused") || l.contains(" log:") || l.contains("hub:"))
        .collect();
    story.seen(
        "The contractor, at the box",
        "beadle-edge doctor",
        &told.join("\n"),
    );
    let before = town.lines_of("seg.write", Some("c01")).len();
    town.segments("c01", before + 1, 60)?;
    story.tell("Recording goes on all the while. Two people settle it from the hub: the box ends its old log and begins the next.");
    let reason = "its disk was put back from a clone";
    let succeeded = succeed(hub, town, reason, 2)?;
    story.seen(
        "The coordinator and their deputy",
        &format!("beadle-hub box succeed ashby --reason {reason:?} --second deputy --as manager"),
        &succeeded,
    );
    let first = town.lines().into_iter().find(|l| {
        let log = l["log"].as_str().unwrap_or_default();
        log.ends_with("/2") && l["n"] == 0
    });
    let first = first.ok_or_else(|| Trouble::new("no line of the new log"))?;
    story.tell("The new log's first line says who ordered it and why, and which head of the old one stands:");
    let said = first["data"]["reason"].as_str().unwrap_or_default();
    story.seen(
        "An auditor, in the box's new log",
        "its first line",
        &format!("{said}\n"),
    );

    fork(story, folder, hub, town)?;

    story.tell("## A disk that was given up is started once more");
    story.tell("Somebody starts the disk that had failed, at a desk: now there are two boxes of one name. The hub takes nothing of it, and says so.");
    town.stop()?;
    copied(&newer, &town.state)?;
    town.start()?;
    let again = wait::until("the other box is refused", 60, || {
        let said = well(hub.ask(args!["box", "list"])?, "box list")?;
        Ok(said.contains("offers log 1").then_some(said))
    })?;
    let lines: Vec<&str> = again
        .lines()
        .filter(|l| l.contains("offers log 1"))
        .collect();
    story.seen("Hub staff", "beadle-hub box list", &lines.join("\n"));
    Ok(())
}

/// A box and its clone go on, one after the other, from the same line: two histories of one log.
fn fork(story: &mut Story, folder: &Path, hub: &mut Hub, town: &mut Town) -> Done<()> {
    story.tell("## A box and its clone both go on");
    story.tell("The contractor clones the disk again, while the box is off. The box goes on, and is countersigned; then the clone is put in while the line is down, and goes on from the same line.");
    town.stop()?;
    let clone = folder.join("clone");
    copied(&town.state, &clone)?;
    town.start()?;
    let before = town.lines_of("seg.write", Some("c01")).len();
    town.segments("c01", before + 1, 60)?;
    let log = hub.state.join("boxes/ashby/log/2");
    let own = lines_of_log(town, 2);
    rig::until_cosigned(&log, own.saturating_sub(1))?;
    town.stop()?;
    let held = rig::cosigned(&log);
    hub.stop()?;
    copied(&clone, &town.state)?;
    town.start()?;
    wait::until("the clone has more lines than the hub holds", 60, || {
        town.must_run()?;
        Ok(lines_of_log(town, 2) > held + 2)
    })?;
    hub.start()?;
    let forked = wait::until("the hub says that there are two histories", 60, || {
        let said = well(hub.ask(args!["box", "list"])?, "box list")?;
        Ok(said.contains("REFUSED FORKED").then_some(said))
    })?;
    let lines: Vec<&str> = forked.lines().filter(|l| l.contains("REFUSED")).collect();
    story.seen("Hub staff", "beadle-hub box list", &lines.join("\n"));
    story.tell("Both heads are kept: they convict, whichever of the two is shown. Two people settle it as before, and the box begins its third log.");
    succeed(hub, town, "its disk was cloned, and the clone went on", 3)?;
    Ok(())
}

/// Lines of that log at the box.
fn lines_of_log(town: &Town, number: u64) -> u64 {
    let end = format!("/{number}");
    let of = |l: &serde_json::Value| l["log"].as_str().is_some_and(|log| log.ends_with(&end));
    town.lines().iter().filter(|l| of(l)).count() as u64
}

/// Two people have the box begin that log; what the command said.
fn succeed(hub: &Hub, town: &mut Town, reason: &str, number: u64) -> Done<String> {
    let [_, name, _, file] = hub.as_second();
    let said = hub.ask(args![
        "box",
        "succeed",
        "ashby",
        "--reason",
        reason,
        "--second",
        name,
        "--second-password-file",
        file
    ])?;
    let said = well(said, "box succeed")?;
    wait::until("the recorder ends", 60, || {
        let recorder = town.recorder.as_mut();
        Ok(recorder.is_none_or(|r| r.ended().is_some()))
    })?;
    town.start_recorder()?;
    let note = format!("boxes/ashby/log/{number}/cosigned.note");
    let note = hub.state.join(note);
    wait::until("the hub countersigns the new log", 60, || Ok(note.exists()))?;
    Ok(said)
}

/// The page in the tree is the story, or becomes it.
fn compare(story: &Story) -> Done<()> {
    let head = "# A hub burns, a box is copied: what each person sees\n\nPlayed through by suite `story` with real programs, which writes this page (`BEADLE_WRITE=1 scripts/suites.sh story`) and is compared with it otherwise. \
TIME, N, HASH and KEY stand for what differs each time. How it is done: [hub.md](hub.md), \"Backups\" and \"Two boxes of one name\".\n\n";
    let text = format!("{head}{}\n", story.text.trim_end());
    let path = places::root().join(PAGE);
    if std::env::var_os("BEADLE_WRITE").is_some() {
        return fs::write(&path, text).told(path.display());
    }
    let is = fs::read_to_string(&path).told(path.display())?;
    for (is, now) in is.lines().zip(text.lines()) {
        assert_eq!(is, now, "{PAGE}; BEADLE_WRITE=1 makes it anew");
    }
    assert_eq!(is.lines().count(), text.lines().count(), "{PAGE}");
    Ok(())
}
