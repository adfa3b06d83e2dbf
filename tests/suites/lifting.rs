//! Task. MSK-4, ROL-5: masks lifted and set by order, on real parts: hub, box, camera, and every recorded picture looked at.

use std::{collections::BTreeMap, ffi::OsStr, fs, path::PathBuf};

use beadle_tests::{
    Done, Told, Trouble,
    cameras::{OVER_MARKER, Scene},
    hub::Hub,
    judge::{Judge, sealed},
    places,
    program::Said,
    staff,
    town::{Plan, SetClock},
    wait,
};
use serde_json::Value;
use shared::time::Utc;

use crate::rig::{Rig, seconds};

mod keys;

const CAM: &str = "ashby/c01";
const AUTHORITY: &str = "RIPA 2026/17";
/// Pictures of the test camera are 40 or 83 ms apart; their times are reckoned from its own clock.
const SLACK_MS: i64 = 2_000;

/// The marker under a mask that is burned in; a camera that is said to have its own; one without.
fn plan(url: &str) -> Plan {
    let nowhere = "rtsp://127.0.0.1:1/x";
    Plan::new("ashby")
        .segment_secs(4)
        .camera("c01", url)
        .mask("m1", OVER_MARKER)
        .camera("c02", nowhere)
        .mask("m2", OVER_MARKER)
        .by_camera()
        .camera("c03", nowhere)
}

fn rig(name: &str, env: Vec<(String, String)>) -> Done<Rig> {
    let scene = Scene::new().marked("/ashby/c01");
    Rig::at(name, scene, |c| plan(c.url("/ashby/c01")), Vec::new(), env)
}

/// Staff of the hub, and what they say about masks.
struct Staff(staff::Staff);

impl Staff {
    fn make(rig: &Rig) -> Done<Self> {
        Ok(Self(staff::Staff::make(&rig.hub, rig.folder.path())?))
    }

    /// `beadle-hub mask …` by one of them.
    fn mask(&self, rig: &Rig, who: &str, words: &[&str]) -> Done<Said> {
        self.0.says(&rig.hub, who, &[&["mask"], words].concat())
    }

    /// Refused in one sentence with these words in it.
    fn refused(&self, rig: &Rig, who: &str, words: &[&str], must: &[&str]) -> Done<()> {
        let said = self.mask(rig, who, words)?;
        let text = said.err.trim();
        let clear = said.status != 0
            && said.out.is_empty()
            && text.lines().count() == 1
            && text.split_whitespace().count() > 6
            && must.iter().all(|m| text.contains(m));
        match clear {
            true => Ok(()),
            false => Err(Trouble(format!(
                "{words:?}: not refused in one sentence: {said:?}"
            ))),
        }
    }

    fn ask(&self, rig: &Rig, minutes: &str) -> Done<String> {
        let said = self
            .mask(rig, "kim", &lift(CAM, minutes))?
            .well("mask lift")?;
        Ok(said.out.trim().to_owned())
    }

    /// Asked for by one, approved by the other; the line at the box.
    fn lift(&self, rig: &mut Rig, minutes: &str) -> Done<Value> {
        let before = rig.town.lines_of("mask.lift", Some("c01")).len();
        let request = self.ask(rig, minutes)?;
        let said = self
            .mask(rig, "lee", &["approve", &request])?
            .well("mask approve")?;
        assert!(said.out.contains("the mask is lifted"), "{said:?}");
        let lines = rig.town.lines_of("mask.lift", Some("c01"));
        assert_eq!(lines.len(), before + 1, "logged before it was answered");
        Ok(lines[before].clone())
    }
}

fn review<'a>(exhibit: &'a str, next: &'a str) -> [&'a str; 6] {
    ["review", CAM, "--exhibit", exhibit, "--next", next]
}

fn lift<'a>(camera: &'a str, minutes: &'a str) -> Vec<&'a str> {
    let more = [
        "--authority",
        AUTHORITY,
        "--reason",
        "Disturbance in the flats",
    ];
    [&["lift", camera, "--minutes", minutes][..], &more].concat()
}

/// The line that ends the lift which began with that line.
fn ended(rig: &mut Rig, lift: &Value, why: &str, secs: u64) -> Done<Value> {
    let from = lift["n"].as_u64().unwrap_or(0);
    rig.town.line(&format!("mask.end ({why})"), secs, |l| {
        l["type"] == "mask.end"
            && l["n"].as_u64().unwrap_or(0) > from
            && l["data"]["cam"] == "c01"
            && l["data"]["why"] == why
    })
}

fn how(line: &Value) -> &str {
    line["data"]["how"].as_str().unwrap_or("")
}

/// Waits until so many further segments of the camera are recorded that way, without a break.
fn recorded(rig: &mut Rig, wanted: &str, count: usize) -> Done<()> {
    wait::until(&format!("{count} segments {wanted}"), 90, || {
        rig.town.must_run()?;
        let all = rig.town.lines_of("seg.write", Some("c01"));
        Ok(all.len() >= count && all[all.len() - count..].iter().all(|l| how(l) == wanted))
    })
}

/// The hub's own log.
fn own(rig: &Rig, kind: &str) -> Vec<Value> {
    let all: String = places::files_below(&rig.hub.own_log(), ".jsonl")
        .iter()
        .map(|f| fs::read_to_string(f).unwrap_or_default())
        .collect();
    all.lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .filter(|l| l["type"] == kind)
        .collect()
}

/// Opens every closed segment: the marker is seen in all whose line says lifted (but where a smaller mask hid it meanwhile), and in none
/// other. How many pictures of each.
fn every_picture(rig: &Rig) -> Done<(usize, usize)> {
    // A file is closed before its line is written.
    let lines = rig.town.lines_of("seg.write", Some("c01"));
    let judge = Judge::new(&rig.town, rig.folder.path())?;
    let mut files = BTreeMap::new();
    let open = |f: &PathBuf| f.extension().is_some_and(|e| e == "open");
    for file in sealed(&rig.town).into_iter().filter(|f| !open(f)) {
        if let Some(seen) = judge.look(&file)? {
            assert_eq!(seen.decoded, seen.pictures, "{}", file.display());
            files.insert(seen.sha256.clone(), seen);
        }
    }
    let lifts = rig.town.lines_of("mask.lift", Some("c01"));
    let smaller = |segment: &Value| {
        let before = |l: &&Value| l["n"].as_u64() < segment["n"].as_u64();
        let lift = lifts.iter().rev().find(before);
        lift.is_some_and(|l| l["data"]["instead"].is_string())
    };
    let (mut hidden, mut shown) = (0, 0);
    for line in lines {
        let sha256 = line["data"]["sha256"].as_str().unwrap_or("");
        let seen = files
            .get(sha256)
            .ok_or_else(|| Trouble(format!("no file for {line}")))?;
        assert!(line["data"]["mask"].is_string(), "{line}");
        match how(&line) {
            "lifted" if smaller(&line) => {
                assert_eq!(seen.worst, 0, "the smaller mask was not painted: {line}");
                hidden += seen.pictures;
            }
            "lifted" => {
                assert!(seen.worst > 100, "lifted, and nothing is seen: {line}");
                shown += seen.pictures;
            }
            "burned" => {
                assert_eq!(seen.worst, 0, "the marker is seen: {line}");
                hidden += seen.pictures;
            }
            other => return Err(Trouble(format!("recorded {other}: {line}"))),
        }
    }
    Ok((hidden, shown))
}

/// MSK-4, ROL-5, AUD-1, EVI-2: one person asks and another approves; the marker under the mask is in the segments whose line says
/// lifted and in none other; the hub is killed meanwhile and the mask comes back by itself, to the minute; both records name both
/// people and hold no word of the authority; a clip over it verifies, and its certificate says under which authority it was.
#[test]
fn two_people_lift_a_mask_and_it_comes_back_by_itself() -> Done<()> {
    let mut rig = rig("lifting", Vec::new())?;
    let staff = Staff::make(&rig)?;
    rig.town.segments("c01", 1, 90)?;
    wait::until("the hub knows which masks there are", 30, || {
        let words = ["mask", "show", "ashby/c02"].map(OsStr::new);
        Ok(rig.hub.ask(&words)?.out.contains("in the camera"))
    })?;

    // Refusals, each in a sentence; nothing is lifted by them.
    let no = |who: &str, words: &[&str], must: &[&str]| staff.refused(&rig, who, words, must);
    no(
        "pat",
        &lift(CAM, "1"),
        &["pat is an operator", "supervisor"],
    )?;
    no(
        "kim",
        &lift("ashby/c02", "1"),
        &["in the camera itself", "lift it there"],
    )?;
    no("kim", &lift("ashby/c03", "1"), &["has no mask"])?;
    no("kim", &lift("ashby/c09", "1"), &["c09", "c01, c02, c03"])?;
    no(
        "kim",
        &[
            "lift",
            CAM,
            "--until",
            "2020-01-01T00:00:00Z",
            "--authority",
            "x",
            "--reason",
            "y",
        ],
        &["has passed"],
    )?;
    no(
        "kim",
        &[
            "lift",
            CAM,
            "--until",
            "2199-01-01T00:00:00Z",
            "--authority",
            "x",
            "--reason",
            "y",
        ],
        &["24 hours at most"],
    )?;
    no(
        "kim",
        &[
            "lift",
            CAM,
            "--minutes",
            "1",
            "--authority",
            " ",
            "--reason",
            "y",
        ],
        &["authority"],
    )?;
    no(
        "pat",
        &["end", CAM, "--reason", "not lifted at all"],
        &["nothing to end"],
    )?;
    let first = staff.ask(&rig, "1")?;
    no(
        "kim",
        &["approve", &first],
        &["second person must approve it"],
    )?;
    no("pat", &["approve", &first], &["pat is an operator"])?;
    no("lee", &["approve", "999999"], &["no request 999999"])?;
    let words = ["mask", "list"].map(OsStr::new);
    let listed = rig.hub.ask(&words)?.well("mask list")?;
    assert!(
        listed.out.contains(AUTHORITY) && listed.out.contains(CAM),
        "{}",
        listed.out
    );
    staff
        .mask(&rig, "kim", &["withdraw", &first])?
        .well("withdraw")?;
    no("lee", &["approve", &first], &["withdrawn already"])?;
    assert!(rig.town.lines_of("mask.lift", None).is_empty());
    assert!(
        rig.town
            .lines_of("seg.write", Some("c01"))
            .iter()
            .all(|l| how(l) == "burned")
    );

    let line = staff.lift(&mut rig, "1")?;
    let (at, until) = (seconds(&line["t"])?, seconds(&line["data"]["until"])?);
    assert!((until.0 - at.0 - 60_000).abs() < 5_000, "{line}");
    let asked = own(&rig, "lift.ask");
    let order = own(&rig, "mask.order")
        .pop()
        .ok_or_else(|| Trouble::new("no order"))?;
    assert_eq!(
        order["n"], line["data"]["order"],
        "the two lines name each other"
    );
    assert_eq!(order["data"]["by"], line["data"]["by"]);
    assert_eq!(order["data"]["by"][0], asked[1]["who"]);
    assert_eq!(order["data"]["by"][1], order["who"]);
    assert_ne!(order["data"]["by"][0], order["data"]["by"][1]);
    assert_eq!(order["data"]["ask"], asked[1]["data"]["ask"]);
    assert_eq!(order["data"]["authority"], line["data"]["authority"]);
    rig.hub.kill9()?;

    recorded(&mut rig, "lifted", 2)?;
    let end = ended(&mut rig, &line, "time", 90)?;
    let over = seconds(&end["t"])?;
    assert!((over.0 - until.0).abs() < SLACK_MS, "{end}");
    recorded(&mut rig, "burned", 2)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    for l in segments.iter().filter(|l| how(l) == "lifted") {
        let (t0, t1) = (seconds(&l["data"]["t0"])?, seconds(&l["data"]["t1"])?);
        assert!(t0.0 >= at.0 - SLACK_MS && t1.0 <= until.0 + SLACK_MS, "{l}");
    }
    let (hidden, shown) = every_picture(&rig)?;
    println!("{hidden} pictures with the mask, {shown} without, each looked at");
    assert!(hidden > 50 && shown > 300, "{hidden} {shown}");

    rig.hub.start()?;
    let (from, to) = (
        seconds(&segments[0]["data"]["t0"])?,
        seconds(&segments[segments.len() - 1]["data"]["t1"])?,
    );
    let pulled = rig.pull_with_gaps("c01", from, Utc(to.0 - 1))?;
    rig.check_package(&pulled.package)?;
    let certificate = places::files_below(&pulled.package, "CERTIFICATE.txt")
        .pop()
        .ok_or_else(|| Trouble::new("no certificate"))?;
    let text = fs::read_to_string(&certificate).told(certificate.display())?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "mask m1 LIFTED by order of two people",
        "under authority RIPA 2026/17",
        "its time was over",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    rig.stop_and_verify_logs()?;
    for log in [rig.town.log(), rig.hub.own_log()] {
        for file in places::files_below(&log, ".jsonl") {
            let lines = fs::read_to_string(&file).told(file.display())?;
            assert!(
                !lines.contains("RIPA") && !lines.contains("Disturbance"),
                "free text in the log"
            );
        }
    }
    Ok(())
}

/// MSK-4, MSK-5: the clock of the box is set back and forth under a lift, which ends after its minute all the same; a lift ends by one
/// person's order; a box that is killed comes back with its mask, since nobody vouches for its clock; an offline box gets no order, and
/// one that another key signed is not obeyed.
#[test]
fn a_lift_ends_whatever_happens() -> Done<()> {
    let clock = SetClock::new(0)?;
    let mut rig = rig("lifting-ends", clock.env()?)?;
    let staff = Staff::make(&rig)?;
    rig.town.segments("c01", 1, 90)?;
    wait::until("the hub knows which masks there are", 30, || {
        let words = ["mask", "show", CAM].map(OsStr::new);
        Ok(rig.hub.ask(&words)?.out.contains("mask m1"))
    })?;

    let line = staff.lift(&mut rig, "1")?;
    clock.set(-2 * 3_600_000)?;
    recorded(&mut rig, "lifted", 2)?;
    clock.set(26 * 3_600_000)?;
    recorded(&mut rig, "lifted", 3)?;
    clock.set(0)?;
    let end = ended(&mut rig, &line, "time", 90)?;
    let mono = |l: &Value| l["mono"].as_i64().unwrap_or(0);
    let lasted = mono(&end) - mono(&line);
    assert!(
        (60_000 - 5_000..=60_000 + SLACK_MS).contains(&lasted),
        "{lasted} ms"
    );
    recorded(&mut rig, "burned", 1)?;

    let line = staff.lift(&mut rig, "10")?;
    recorded(&mut rig, "lifted", 1)?;
    let words = ["mask", "show", CAM].map(OsStr::new);
    wait::until("the hub says that it is lifted", 15, || {
        Ok(rig.hub.ask(&words)?.out.contains("LIFTED"))
    })?;
    let said = staff
        .mask(&rig, "pat", &["end", CAM, "--reason", "It is over"])?
        .well("mask end")?;
    assert!(said.out.contains("is back"), "{said:?}");
    ended(&mut rig, &line, "order", 5)?;
    recorded(&mut rig, "burned", 1)?;

    let line = staff.lift(&mut rig, "10")?;
    recorded(&mut rig, "lifted", 1)?;
    rig.town.kill9()?;
    wait::until("the hub notices", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == false)
    })?;
    staff.refused(
        &rig,
        "kim",
        &lift(CAM, "1"),
        &["ashby is offline", "nothing was ordered"],
    )?;
    // Where nobody vouches for the clock of the box, this is not needed; where somebody does, it is.
    clock.set(-3_600_000)?;
    rig.town.start()?;
    ended(&mut rig, &line, "clock", 30)?;
    recorded(&mut rig, "burned", 2)?;
    clock.set(0)?;
    let (hidden, shown) = every_picture(&rig)?;
    println!("{hidden} pictures with the mask, {shown} without, each looked at");

    // Another hub's key under the order: the box does not even answer.
    let lifts = rig.town.lines_of("mask.lift", None).len();
    wait::until("the box is back", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == true)
    })?;
    let request = staff.ask(&rig, "10")?;
    rig.hub.stop()?;
    let stranger = Hub::make(&rig.folder.path().join("stranger"))?;
    for file in ["keys/order.key", "keys/order.vkey"] {
        let (from, to) = (stranger.state.join(file), rig.hub.state.join(file));
        fs::copy(&from, &to).told(from.display())?;
    }
    rig.hub.start()?;
    wait::until("the box is back", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == true)
    })?;
    staff.refused(&rig, "lee", &["approve", &request], &["has not answered"])?;
    assert_eq!(
        own(&rig, "order.fail").len(),
        1,
        "its failure is on the record"
    );
    assert_eq!(rig.town.lines_of("mask.lift", None).len(), lifts);
    recorded(&mut rig, "burned", 1)?;
    every_picture(&rig)?;
    rig.stop_and_verify_logs()
}

/// MSK-3: somebody looks at a clip and says that the mask stays: who, when, what it looked like and when it is due again is on both
/// records and shown; a clip of another mask shows nothing of this one.
fn reviewed(rig: &mut Rig, staff: &Staff) -> Done<()> {
    let all = rig.town.lines_of("seg.write", Some("c01"));
    let under = |mask: &str| -> Done<(Utc, Utc)> {
        let line = all.iter().rev().find(|l| l["data"]["mask"] == mask);
        let line = line.ok_or_else(|| Trouble(format!("nothing under {mask}")))?;
        Ok((seconds(&line["data"]["t0"])?, seconds(&line["data"]["t1"])?))
    };
    let mut clip = |mask: &str| -> Done<String> {
        let (t0, t1) = under(mask)?;
        Ok(rig.pull("c01", t0.plus_ms(200), t1.plus_ms(-200))?.exhibit)
    };
    let (before, now) = (clip("m1")?, clip("m9")?);
    let next = jiff::Zoned::now()
        .date()
        .checked_add(jiff::Span::new().days(300))
        .told("a day")?
        .to_string();
    for (who, exhibit, day, says) in [
        ("pat", &now[..], &next[..], "may not review a mask"),
        ("kim", &before, &next, "was recorded under the mask m9"),
        ("kim", "EXH-2026-009999", &next, "there is no exhibit"),
        ("kim", &now, "2199-01-01", "days ahead at most"),
    ] {
        staff.refused(rig, who, &review(exhibit, day), &[says])?;
    }
    let gaps = rig.town.lines_of("seg.gap", Some("c01")).len();
    let said = staff.mask(rig, "kim", &review(&now, &next))?;
    let said = said.well("mask review")?;
    assert!(
        said.out.contains("the mask m9") && said.out.contains(&now),
        "{said:?}"
    );

    let line = rig.town.line("the review on the box's record", 5, |l| {
        l["type"] == "mask.set" && l["data"]["review"] == next
    })?;
    let order = own(rig, "mask.order").pop().unwrap_or_default();
    assert_eq!(order["data"]["what"], "review");
    assert_eq!(
        (&order["data"]["ref"], &order["data"]["review"]),
        (&now[..].into(), &next[..].into())
    );
    assert_eq!(
        (&order["n"], &order["data"]["sha256"]),
        (&line["data"]["order"], &line["data"]["sha256"])
    );
    let shown = wait::until("the hub shows it", 15, || {
        let out = rig.hub.ask(&["mask", "reviews"].map(OsStr::new))?.out;
        Ok(out.contains(&format!("due on {next}")).then_some(out))
    })?;
    assert!(
        shown.contains(&now) && shown.contains("(mask m9)"),
        "{shown}"
    );
    let out = rig.hub.ask(&["mask", "show", CAM].map(OsStr::new))?.out;
    assert!(out.contains(&format!("as {now} shows")), "{out}");
    rig.town.line("recording under it goes on", 60, |l| {
        l["type"] == "seg.write"
            && l["data"]["mask"] == "m9"
            && l["n"].as_u64() > line["n"].as_u64()
    })?;
    let after = rig.town.lines_of("seg.gap", Some("c01")).len();
    assert_eq!(after, gaps, "no session ended for it");
    Ok(())
}

/// V12, MSK-4, ROL-5: a mask that hides less is not set by one person; two lift the one in force to it, for a while: it is painted, both
/// records name its polygons, and a box that restarts with a clock nobody vouches for has the former mask back.
fn lifted_to_a_smaller_one(rig: &mut Rig, staff: &Staff) -> Done<()> {
    let file = rig.folder.path().join("smaller.toml");
    let path = file.display().to_string();
    fs::write(
        &file,
        format!("id = \"m9-door\"\npolygons = {OVER_MARKER}\n"),
    )
    .told(&path)?;
    wait::until("the hub knows the mask", 15, || {
        let out = rig.hub.ask(&["mask", "show", CAM].map(OsStr::new))?.out;
        Ok(out.contains("mask m9"))
    })?;
    staff.refused(rig, "kim", &["set", CAM, "--file", &path], &["two people"])?;
    let words = [&lift(CAM, "10")[..], &["--file", &path]].concat();
    let request = staff.mask(rig, "kim", &words)?.well("mask lift")?;
    let request = request.out.trim().to_owned();
    let listed = rig.hub.ask(&["mask", "list"].map(OsStr::new))?.out;
    assert!(listed.contains("meanwhile m9-door hides"), "{listed}");
    staff.refused(rig, "kim", &["approve", &request], &["second person"])?;
    staff
        .mask(rig, "lee", &["approve", &request])?
        .well("mask approve")?;
    let line = rig.town.lines_of("mask.lift", Some("c01")).pop();
    let line = line.ok_or_else(|| Trouble::new("no lift"))?;
    let order = own(rig, "mask.order").pop().unwrap_or_default();
    for key in ["mask", "instead", "sha256", "authority", "by"] {
        assert_eq!(order["data"][key], line["data"][key], "{key}");
    }
    assert_eq!(
        (&line["data"]["mask"], &line["data"]["instead"]),
        (&"m9".into(), &"m9-door".into())
    );
    recorded(rig, "lifted", 2)?;
    rig.town.kill9()?;
    rig.town.start()?;
    ended(rig, &line, "clock", 30)?;
    recorded(rig, "burned", 1)
}

/// MSK-1, MSK-3: another mask by order, from a file that is checked with the sentences of the configuration; on both records, in force
/// from the next session on and over a restart; reviewed in a clip that shows it; the configuration's own, changed, takes its place.
#[test]
fn a_mask_is_set_by_order() -> Done<()> {
    let mut rig = rig("lifting-set", Vec::new())?;
    let staff = Staff::make(&rig)?;
    rig.town.segments("c01", 1, 90)?;
    let file = rig.folder.path().join("mask.toml");
    let path = file.display().to_string();
    let set = ["set", CAM, "--file", &path];
    fs::write(
        &file,
        "id = \"m9\"\npolygons = [[[0.1, 0.1], [0.2, 0.1]]]\ncolour = \"#000000\"\n",
    )
    .told(&path)?;
    let said = staff.mask(&rig, "kim", &set)?;
    assert!(
        said.status != 0
            && said.err.contains(
                "polygons[0] = [[0.1, 0.1], [0.2, 0.1]]: a polygon needs at least three corners"
            )
            && said.err.contains("colour: it is the camera's own colour"),
        "{said:?}"
    );
    let good = "id = \"m9\"\nreview = 2199-01-01\nreviewer = \"J. Rees\"\nstyle = \"solid\"\npolygons = [[[0.5, 0.2], [0.9, 0.2], [0.9, 0.7], [0.5, 0.7]]]\n";
    fs::write(&file, good).told(&path)?;
    staff.refused(
        &rig,
        "pat",
        &set,
        &["pat is an operator", "may not set a mask"],
    )?;
    let said = staff.mask(&rig, "kim", &set)?.well("mask set")?;
    assert!(said.out.contains("has the mask m9"), "{said:?}");
    let line = rig.town.line("mask.set by order", 5, |l| {
        l["type"] == "mask.set" && l["data"]["mask"] == "m9"
    })?;
    let order = own(&rig, "mask.order")
        .pop()
        .ok_or_else(|| Trouble::new("no order"))?;
    assert_eq!(
        (&order["n"], &order["data"]["sha256"]),
        (&line["data"]["order"], &line["data"]["sha256"])
    );
    assert_eq!(line["data"]["style"], "solid");
    assert!(
        line["data"]["reviewer"]
            .as_str()
            .is_some_and(|r| r.len() == 64),
        "{line}"
    );
    let with = |rig: &mut Rig, mask: &str| {
        rig.town.line(&format!("a segment under {mask}"), 60, |l| {
            l["type"] == "seg.write"
                && l["data"]["cam"] == "c01"
                && l["data"]["mask"] == mask
                && l["n"].as_u64() > line["n"].as_u64()
        })
    };
    with(&mut rig, "m9")?;
    let words = ["mask", "show", CAM].map(OsStr::new);
    let shown = wait::until("the hub says so", 15, || {
        let out = rig.hub.ask(&words)?.out;
        Ok(out.contains("mask m9").then_some(out))
    })?;
    assert!(
        shown.contains("solid") && shown.contains("order ") && shown.contains("2199-01-01"),
        "{shown}"
    );

    lifted_to_a_smaller_one(&mut rig, &staff)?;
    wait::until("the box is back", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == true)
    })?;
    rig.town.stop()?;
    rig.town.start()?;
    let after = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", after + 1, 60)?;
    let last = rig
        .town
        .lines_of("seg.write", Some("c01"))
        .pop()
        .unwrap_or_default();
    assert_eq!(last["data"]["mask"], "m9", "over a restart");
    reviewed(&mut rig, &staff)?;

    rig.town.stop()?;
    let other = OVER_MARKER.replace("0.60, 0.30", "0.58, 0.28");
    let changed = Plan::new("ashby")
        .segment_secs(4)
        .camera("c01", rig.cameras.url("/ashby/c01"))
        .mask("m3", &other);
    rig.town.configure(&changed)?;
    rig.town.start()?;
    rig.town.line("the order is over", 20, |l| {
        l["type"] == "mask.end" && l["data"]["why"] == "config" && l["data"]["mask"] == "m9"
    })?;
    rig.town.line("the configuration's mask", 60, |l| {
        l["type"] == "seg.write" && l["data"]["mask"] == "m3"
    })?;
    every_picture(&rig)?;
    rig.stop_and_verify_logs()
}
