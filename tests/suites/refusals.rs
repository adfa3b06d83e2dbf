//! Task. Wrong codes, bad configuration, a full disk, a disk put back, words for terminals, on machines with the units' users: one clear sentence each,
//! and nothing else breaks.

use std::{ffi::OsStr, fs};

use beadle_tests::{
    Done, Folder, Trouble, args,
    cameras::{Cameras, Scene},
    hub::Hub,
    machine,
    program::Said,
    site::Site,
    staff::Staff,
    town::{Plan, Town},
    wait,
};

use crate::rig::{self, Rig};

fn clear(said: &Said, must: &[&str]) -> Done<()> {
    let text = format!("{}{}", said.out, said.err);
    let good = said.status != 0
        && !text.contains("panicked")
        && text.trim().lines().count() <= 3
        && must.iter().all(|m| text.contains(m));
    if good {
        Ok(())
    } else {
        Err(Trouble(format!(
            "status {}; wanted a sentence with {must:?}; got: {text}",
            said.status
        )))
    }
}

/// What a refused enrolment must leave as it was: each file's mode, owner, path and contents.
const HELD: &str = "cd /var/lib/beadle-edge && find . -printf '%M %u %g %p\\n' | sort; find . -type f -exec sha256sum {} + | sort -k2";

/// V2, ROL-2: enrolment by root, of a box whose programs are other users: a mistyped code, a wrong hub, another box's code, a code used twice, another
/// hub's authority. Each is refused in a sentence, and leaves no file, no owner and no mode other than it was.
#[test]
fn codes_that_are_wrong_are_refused_in_a_sentence() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("codes")?;
    let (here, there) = (
        Site::installed("here", folder.path())?,
        Site::installed("there", folder.path())?,
    );
    machine::link(
        "lan",
        (here.machine()?, "10.77.0.1/24"),
        (there.machine()?, "10.77.0.2/24"),
    )?;
    let hub = Hub::make_at(&here, "10.77.0.1", Vec::new())?.started()?;
    let other = Hub::make_at(&there, "10.77.0.2", Vec::new())?.started()?;
    let cameras = Cameras::start(Scene::new().street_low("/ashby/c01"))?;
    there.sees(&cameras)?;
    let plan = Plan::new("ashby")
        .segment_secs(4)
        .camera("c01", cameras.url("/ashby/c01"));
    let town = Town::make_at(&here, plan.clone())?;
    let (code, _) = hub.box_codes("ashby")?;
    let at = |code: &str| format!("--hub 10.77.0.1:{} {code}", hub.quic);
    let refused = |site: &Site, town: &Town, code: &str, must: &[&str]| -> Done<()> {
        let before = site.sh(HELD)?.out;
        clear(&town.enrol(code)?, must)?;
        assert_eq!(site.sh(HELD)?.out, before, "{code}");
        Ok(())
    };

    // What is made before anything is sent is there after the first.
    let mut typo = code.clone();
    let last = typo.pop().unwrap_or('a');
    typo.push(if last == 'A' { 'B' } else { 'A' });
    clear(&town.enrol(&at(&typo))?, &["mistyped", "nothing was sent"])?;
    refused(&here, &town, &at(&typo), &["mistyped", "nothing was sent"])?;
    // It is not said where the hub is.
    refused(&here, &town, &code, &["--hub", "nothing was sent"])?;
    // A false hub in the way: the code is not shown to it.
    let wrong_way = format!("--hub 10.77.0.2:{} {code}", other.quic);
    clear(&town.enrol(&wrong_way)?, &["was not shown to it"])?;
    refused(&here, &town, &wrong_way, &["was not shown to it"])?;
    // Another box's code.
    let bury = hub.box_add("bury")?;
    refused(&here, &town, &bury, &["bury"])?;
    // Nobody but root enrols: not the recorder, which could name another hub.
    let long = at(&code.to_lowercase().replace('-', " "));
    let beadle = format!("beadle-edge enrol {long}");
    let before = here.sh(HELD)?.out;
    let said = here.machine()?.sh_as("beadle", &beadle)?;
    assert_ne!(said.status, 0, "{said:?}");
    assert_eq!(here.sh(HELD)?.out, before, "{said:?}");
    // Good, then used twice by another box.
    town.enrol(&long)?.well("enrol")?;
    let twin = Town::make_at(&there, plan.clone())?;
    clear(&twin.enrol(&at(&code))?, &["used already"])?;
    refused(&there, &twin, &at(&code), &["used already"])?;
    // Enrolled at one hub, then told to speak to another: its certificate is from another authority.
    let foreign = other.box_add("ashby")?;
    let mut mixed = Town::make_at(&there, plan)?;
    mixed.enrol(&foreign)?.well("enrol at the other hub")?;
    for name in ["recorder/identity/box.crt", "recorder/identity/box.key"] {
        // The owner of the file it takes the place of stays.
        fs::write(mixed.state.join(name), fs::read(town.state.join(name))?)?;
    }
    mixed = mixed.labelled()?;
    mixed.start()?;
    mixed.segments("c01", 1, 60)?;
    mixed.line("the box says that the hub refused it", 60, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "hub.refused"
    })?;
    let status = wait::until("and why", 10, || Ok(mixed.status()))?.to_string();
    assert!(
        status.contains("does not accept this box's certificate"),
        "{status}"
    );
    mixed.stop()
}

/// AUD-2: a box whose disk was put back to an older copy is found out by the hub, which keeps both heads; recording goes on.
#[test]
fn a_box_put_back_to_an_older_copy_is_found_out() -> Done<()> {
    let mut rig = Rig::installed("rolled-back", 5)?;
    rig.town.segments("c01", 1, 60)?;
    rig.town.stop()?;
    let older = rig.folder.path().join("older");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        rig::shell(
            &format!("rm -rf {to:?}; cp -a {from:?} {to:?}"),
            "copying a state folder",
        )
    };
    copy(&rig.town.state, &older)?;
    let known = rig.town.lines().len();
    rig.town.start()?;
    rig.town.segments("c01", 3, 60)?;
    rig.town.stop()?;
    let newer = beadle_tests::places::files_below(&rig.hub.box_log("ashby"), ".jsonl");
    let held = fs::read_to_string(&newer[0])?.lines().count();
    assert!(held > known, "the hub holds what came after the copy");

    copy(&older, &rig.town.state)?;
    rig.town.start()?;
    let own = rig.hub.own_log();
    wait::until("the hub says so in its own log", 60, || {
        let said = beadle_tests::places::files_below(&own, ".jsonl")
            .iter()
            .filter_map(|f| fs::read_to_string(f).ok())
            .any(|t| {
                t.lines()
                    .any(|l| l.contains("\"fault.on\"") && l.contains("\"ROLLED-BACK\""))
            });
        Ok(said)
    })?;
    let disputed = beadle_tests::places::files_below(&rig.hub.box_log("ashby"), ".note")
        .into_iter()
        .filter(|f| f.to_string_lossy().contains("disputed"))
        .count();
    assert!(disputed > 0, "the head the box offered is kept");
    rig.town.line("the box says so too", 30, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "log.refused"
    })?;
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 2, 60)?;

    // Settled from the hub: two people have the box begin a new log, which the hub takes.
    let staff = Staff::make(&rig.hub, &rig.site.files()?)?;
    let lees = staff.file("lee")?.display().to_string();
    let words = [
        "box",
        "succeed",
        "ashby",
        "--reason",
        "its disk was put back from a backup",
        "--second",
        "lee",
        "--second-password-file",
        &lees,
    ];
    staff.says(&rig.hub, "kim", &words)?.well("box succeed")?;
    // It ends by itself, and whatever keeps it running starts it again.
    wait::until("the recorder ends", 60, || {
        let recorder = rig.town.recorder.as_mut();
        Ok(recorder.is_none_or(|r| r.ended().is_some()))
    })?;
    rig.town.start_recorder()?;
    wait::until("the hub countersigns the new log", 60, || {
        let folder = rig.hub.state.join("boxes/ashby/log/2/cosigned.note");
        Ok(folder.exists())
    })
}

/// Every error of a configuration at once, each with path, value and example; and a file that is not there.
#[test]
fn bad_configuration_is_explained() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("config")?;
    let town = Town::make(
        folder.path(),
        Plan::new("ashby").camera("c01", "rtsp://127.0.0.1:1/x"),
    )?;
    let text = fs::read_to_string(&town.config)?
        .replace("days = 31", "days = 0")
        .replace("rtsp://127.0.0.1:1/x", "http://user:secret@127.0.0.1/x")
        .replace("Europe/London", "Europe/Londres");
    fs::write(&town.config, text)?;
    let check = |file: &std::path::Path| {
        beadle_tests::program::run(
            &beadle_tests::places::program("beadle-edge")?,
            args!["check-config", file],
        )
    };
    let said = check(&town.config)?;
    let all = format!("{}{}", said.out, said.err);
    assert_ne!(said.status, 0);
    for must in [
        "retention.days",
        "camera c01 (line",
        "box.zone",
        "Europe/Londres",
    ] {
        assert!(all.contains(must), "{must} in: {all}");
    }
    assert!(
        !all.contains("secret"),
        "a password is never printed: {all}"
    );
    let said = check(&folder.path().join("nowhere.toml"))?;
    clear(&said, &["nowhere.toml"])
}

/// REC-1, FLT-3: the footage disk fills up under the recorder's own user, whom no reserve of root's helps: a fault says so, the log goes on, and
/// recording comes back with the space.
#[test]
fn a_full_disk_is_a_fault_and_nothing_else_breaks() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("full")?;
    let site = Site::installed("full", folder.path())?;
    site.sh("mkdir -p /srv/beadle/footage1 && mount -t tmpfs -o size=96m,mode=755 tmpfs /srv/beadle/footage1")?;
    let plan = |cameras: &Cameras| rig::plan(cameras, 5);
    let mut rig = Rig::on(site, folder, rig::scene(), plan, Vec::new(), Vec::new())?;
    rig.town.line("the fault says the disk is full", 120, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "disk.full"
    })?;
    rig.town.must_run()?;
    // Somebody makes room.
    for file in beadle_tests::places::files_below(&rig.town.volume, ".mp4.age") {
        let _ = fs::remove_file(file);
    }
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 1, 90)?;
    rig.town.stop()
}

/// HLT-1, FLT-1: `doctor`, `status` and `box list` judge alike. Before the first start nothing is damaged; then a camera that is not there
/// is red and comes first with its cause, wherever one looks, and no path of an address is shown; a silent box is unknown.
#[test]
fn a_dead_camera_is_red_everywhere_and_a_silent_box_unknown() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("judged")?;
    let cameras = Cameras::start(rig::scene())?;
    let site = Site::installed("judged", folder.path())?;
    site.sees(&cameras)?;
    let mut hub = Hub::make_at(&site, "127.0.0.1", Vec::new())?.started()?;
    // A port where nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let plan = rig::plan(&cameras, 5).camera("c09", &format!("rtsp://127.0.0.1:{port}/hidden"));
    let mut town = Town::make_at(&site, plan)?.enrolled(&mut hub)?;
    let doctor = |town: &Town| town.command(args!["doctor"]).map(|said| said.out);
    let said = doctor(&town)?;
    assert!(
        said.contains("! box: has not been started yet")
            && said.contains("! log: not started")
            && !said.contains("amaged"),
        "{said}"
    );
    town.start()?;
    for cam in ["c01", "c02", "c03"] {
        town.segments(cam, 1, 90)?;
    }
    wait::until("the fault of the camera that is not there", 60, || {
        town.must_run()?;
        Ok(town.fault("camera.unreachable"))
    })?;
    let first = |text: &str| {
        let line = text.lines().find(|l| l.contains(" camera c"));
        line.unwrap_or_default().to_owned()
    };
    let red = |line: &str| {
        line.starts_with("✗ camera c09")
            && line.contains("nothing recorded since")
            && line.contains("Camera does not answer")
            && line.contains("camera.unreachable")
    };
    let said = doctor(&town)?;
    assert!(
        said.contains("✗ box: runs, 3 of 4 cameras recording; not: c09"),
        "{said}"
    );
    assert!(red(&first(&said)), "{said}");
    assert!(
        said.contains("✓ camera c01: recording, last picture landed"),
        "{said}"
    );
    let status = town.command(args!["status"])?.well("status")?.out;
    assert!(red(&first(&status)), "{status}");
    for words in [args!["doctor", "--json"], args!["status", "--json"]] {
        let said = town.command(words)?.out;
        assert!(!said.contains("hidden"), "{said}");
    }
    let row = wait::until("the hub says so too", 60, || {
        let row = hub.box_row("ashby")?;
        let cameras = &row["cameras"];
        let alike = row["standing"]["mark"] == "red"
            && cameras[0]["cam"] == "c09"
            && cameras[0]["standing"]["cause"]["code"] == "camera.unreachable"
            && cameras[1]["standing"]["state"] == "recording";
        Ok(alike.then_some(row))
    })?;
    assert_eq!(row["standing"]["down"][0], "c09", "{row}");
    town.stop()?;
    wait::until("the hub hears nothing of the box", 60, || {
        let row = hub.box_row("ashby")?;
        let silent = row["standing"]["state"] == "silent" && row["standing"]["mark"] == "unknown";
        Ok(silent.then_some(()))
    })?;
    let listed = hub.ask(args!["box", "list"])?.well("box list")?.out;
    assert!(
        listed.contains("unknown: silent") && !listed.contains("not recording"),
        "{listed}"
    );
    let said = doctor(&town)?;
    assert!(
        said.contains("✗ box: does not run: nothing is recorded"),
        "{said}"
    );
    Ok(())
}

/// V16: what boxes and cameras said that a terminal obeys, or that turns text round, in records of before anything was judged: no command
/// prints it, in words, in JSON, in CSV or on a page of its own, and each says the rest.
#[test]
fn no_command_prints_what_a_terminal_obeys() -> Done<()> {
    let mut rig = Rig::installed_of("plain", Scene::new().street_low("/ashby/c01"), |cameras| {
        Plan::new("ashby")
            .segment_secs(2)
            .camera("c01", cameras.url("/ashby/c01"))
            .title("MARKET street")
    })?;
    // A pull has the log signed at once.
    let first = &rig.town.segments("c01", 2, 60)?[0]["data"];
    let t0 = rig::seconds(&first["t0"])?;
    rig.pull("c01", t0.plus_ms(200), t0.plus_ms(1_200))?;
    let none = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"];
    rig.hub.pull("ashby/c01", none[0], none[1])?;
    rig.stop_and_verify_logs()?;
    // Every text of the records that is a box's or a camera's, in the shape it has there.
    let spoil = r#"
import json, sqlite3, sys
evil = "\x1b]0;owned\x07\x1b[2J\u202eMARKET\u2066\ufeff"
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE boxes SET sw=?", (evil,))
db.execute("UPDATE box_cameras SET title=?", (evil,))
db.execute("DELETE FROM box_faults")
for n, (code, cam) in enumerate([("camera.silent", "c01"), (evil, None)]):
    db.execute("INSERT INTO box_faults (box, place, code, cam, since, text) VALUES ('ashby', ?, ?, ?, 0, ?)", (n, code, cam, evil))
db.execute("UPDATE names SET title=?, site=?", (evil, evil))
why = [{"code": "segment-refused", "facts": {"name": "ashby", "s": 1, "why": evil}}]
db.execute("UPDATE requests SET why=?", (json.dumps(why),))
db.execute("INSERT INTO troubles VALUES ('ashby', 'FORKED', 0, ?, 0)", (evil,))
db.execute("INSERT INTO box_refusals VALUES ('ashby', 'clip', ?, 0)", (evil,))
db.execute("INSERT INTO found_faults VALUES ('ashby', '', 'log.line', 'cctv.example.gov.uk/box/ashby/1', 0, ?)", (evil,))
db.commit()
"#;
    let words = ["python3", "-c", spoil, "/var/lib/beadle-hub/hub.sqlite"];
    let machine = rig.site.machine()?;
    machine.run_as("beadle-hub", &words)?.well("spoilt")?;
    rig.hub.start()?;
    let html = rig.site.files()?.join("report.html");
    let commands: &[&[&OsStr]] = &[
        args!["box", "list"],
        args!["box", "list", "--json"],
        args!["footage", "list", "--camera", "ashby/c01"],
        args!["footage", "list", "--camera", "ashby/c01", "--json"],
        args!["clip", "list"],
        args!["clip", "list", "--json"],
        args!["clip", "watch", "EXH-2026-000001"],
        args!["mask", "reviews"],
        args!["mask", "show", "ashby/c01"],
        args!["mask", "list"],
        args!["hold", "list"],
        args!["hold", "list", "--json"],
        args!["evidence", "list"],
        args!["evidence", "list", "--json"],
        args!["retention", "report"],
        args!["retention", "report", "--json"],
        args!["retention", "report", "--csv", "-"],
        args!["retention", "report", "--html", html],
    ];
    let mut said_it = 0;
    for words in commands {
        let said = rig.hub.ask(words)?;
        let text = format!("{}{}", said.out, said.err);
        assert!(
            !text.trim().is_empty() || words.contains(&html.as_os_str()),
            "{words:?} says nothing"
        );
        assert!(!text.contains("panicked"), "{words:?}: {text}");
        let odd = text.lines().find(|l| !shared::plain::all_plain(l));
        assert_eq!(odd, None, "{words:?}");
        for escaped in ["\\u001b", "\\u0007", "\\u202e"] {
            assert!(!text.contains(escaped), "{words:?}: {text}");
        }
        said_it += usize::from(text.contains("MARKET"));
    }
    assert!(
        said_it >= 6,
        "{said_it} of the commands say what can be read"
    );
    let page = fs::read_to_string(&html)?;
    assert!(page.split('\n').all(shared::plain::all_plain), "{page}");
    rig.hub.stop()
}
