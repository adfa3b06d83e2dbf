//! Task. REC-3: time-lapse and real time, switched by the hub and by the camera, on real parts.

use beadle_tests::{
    Done, Trouble, args,
    cameras::{OVER_MARKER, Scene},
    keys, pictures, places,
    program::Said,
    town::Plan,
    wait,
};
use serde_json::Value;
use shared::time::Utc;

use crate::rig::{Rig, seconds};

/// The test cameras' key frames are two seconds apart; the box reads its cameras eight times a second.
const KEY_MS: i64 = 2_000;
const TURN_MS: i64 = 250;

fn switches(rig: &Rig, cam: &str) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    rig.town
        .lines_of("rate.set", Some(cam))
        .iter()
        .map(|l| (text(&l["data"]["rate"]), text(&l["data"]["why"])))
        .collect()
}

fn set(rig: &mut Rig, cam: &str, rate: &str, why: &str, secs: u64) -> Done<Value> {
    rig.town
        .line(&format!("{cam} set to {rate} ({why})"), secs, |l| {
            l["type"] == "rate.set"
                && l["data"]["cam"] == cam
                && l["data"]["rate"] == rate
                && l["data"]["why"] == why
        })
}

fn order(rig: &Rig, words: &[&str]) -> Done<Said> {
    let mut all = vec!["rate"];
    all.extend(words);
    let all: Vec<&std::ffi::OsStr> = all.iter().map(std::ffi::OsStr::new).collect();
    rig.hub.ask(&all)
}

/// An order refused: nothing but one sentence, with these words in it.
fn refused(rig: &Rig, words: &[&str], must: &[&str]) -> Done<()> {
    let said = order(rig, words)?;
    let text = said.err.trim();
    let clear = said.status != 0
        && text.lines().count() == 1
        && text.split_whitespace().count() > 6
        && must.iter().all(|m| text.contains(m));
    if clear {
        Ok(())
    } else {
        Err(Trouble(format!("not refused in one sentence: {said:?}")))
    }
}

/// The segments of a camera in order: rate, start, end. Each begins where the one before ended, and no gap is declared but that a
/// start of the box leaves.
fn runs(rig: &Rig, cam: &str) -> Done<Vec<(String, Utc, Utc)>> {
    let mut all: Vec<(String, Utc, Utc)> = Vec::new();
    let gaps = rig.town.lines_of("seg.gap", Some(cam));
    for line in rig.town.lines_of("seg.write", Some(cam)) {
        let d = &line["data"];
        let (t0, t1) = (seconds(&d["t0"])?, seconds(&d["t1"])?);
        let declared = gaps.iter().any(|g| g["data"]["next"] == d["s"]);
        if let Some((_, _, before)) = all.last()
            && !declared
        {
            assert_eq!(*before, t0, "{cam}: segments are contiguous");
        }
        all.push((d["rate"].as_str().unwrap_or("").to_owned(), t0, t1));
    }
    for gap in &gaps {
        let why = gap["data"]["why"].as_str().unwrap_or("");
        assert!(
            matches!(why, "start" | "restart" | "lost-session"),
            "{cam}: a false gap: {gap}"
        );
    }
    Ok(all)
}

/// REC-3, AUD-1, EVI-2: a camera in time-lapse records its key frames at the interval and nothing else; the hub's order makes it real
/// time from its next key frame on; it goes back by itself; all of it is on both records. A clip over the switch verifies, says what
/// it is, and plays at true time.
#[test]
fn time_lapse_and_real_time_by_order() -> Done<()> {
    let scene = Scene::new()
        .street("/ashby/c01")
        .street_low("/ashby/c02")
        .marked("/ashby/c03");
    let mut rig = Rig::of("rates", scene, |cameras| {
        Plan::new("ashby")
            .segment_secs(12)
            .camera("c01", cameras.url("/ashby/c01"))
            .timelapse(4)
            .camera("c02", cameras.url("/ashby/c02"))
            .camera("c03", cameras.url("/ashby/c03"))
            .mask("m1", OVER_MARKER)
            .timelapse(4)
    })?;
    rig.town.segments("c01", 2, 120)?;
    set(&mut rig, "c01", "timelapse-4", "start", 5)?;
    let status = rig.town.status().unwrap_or(Value::Null);
    let rate = |cam: usize| status["cameras"][cam]["rate"].clone();
    assert_eq!(
        (rate(0), rate(1)),
        ("timelapse-4".into(), "continuous".into())
    );
    assert_eq!(status["cameras"][0]["recording"], true, "{status}");
    let check = beadle_tests::program::run(
        &places::program("beadle-edge")?,
        args!["check-config", rig.town.config],
    )?;
    assert!(
        check
            .out
            .contains("time-lapse, a picture every 4 s; real time by order")
            && check.out.contains("continuous"),
        "{}",
        check.out
    );

    // Refusals, each in a sentence.
    let tail = ["--minutes", "1", "--reason", "a reason"];
    let with = |cam| [["realtime", cam].as_slice(), tail.as_slice()].concat();
    refused(&rig, &with("ashby/c02"), &["ashby/c02", "continuously"])?;
    refused(&rig, &with("ashby/c09"), &["c09", "c01, c02, c03"])?;
    refused(&rig, &with("tenby/c01"), &["no box tenby"])?;
    assert_eq!(switches(&rig, "c01").len(), 1, "nothing was switched");

    let reason = "Disturbance outside the bank";
    let said = order(
        &rig,
        &[
            "realtime",
            "ashby/c01",
            "--minutes",
            "1",
            "--reason",
            reason,
        ],
    )?
    .well("rate realtime")?;
    assert!(said.out.contains("records in real time"), "{}", said.out);
    let on = set(&mut rig, "c01", "realtime", "order", 5)?;
    let (at, until) = (seconds(&on["t"])?, seconds(&on["data"]["until"])?);
    assert!((until.0 - at.0 - 60_000).abs() < 2_000, "{on}");
    // The hub's record: who and why (salted), under the number the box names.
    let own: String = places::files_below(&rig.hub.own_log(), ".jsonl")
        .iter()
        .map(|f| std::fs::read_to_string(f).unwrap_or_default())
        .collect();
    let ordered: Value = own
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .find(|l| l["type"] == "rate.order")
        .ok_or_else(|| Trouble::new("no rate.order line"))?;
    assert_eq!(ordered["n"], on["data"]["order"]);
    assert_eq!(
        (&ordered["data"]["cam"], &ordered["data"]["minutes"]),
        (&"c01".into(), &1.into())
    );
    assert!(!own.contains(reason), "free text stays out of the log");
    wait::until("the hub shows the rate", 20, || {
        Ok(rig.hub.box_row("ashby")?["cameras"][0]["rate"] == "realtime")
    })?;

    // Back by itself.
    let off = set(&mut rig, "c01", "timelapse-4", "end", 90)?;
    let late = seconds(&off["t"])?.0 - until.0;
    assert!((0..2_000).contains(&late), "ended {late} ms after its time");
    assert_eq!(off["data"]["order"], on["data"]["order"]);
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 2, 60)?;

    let all = runs(&rig, "c01")?;
    let rates: Vec<&str> = all.iter().map(|r| r.0.as_str()).collect();
    let mut kinds = rates.clone();
    kinds.dedup();
    assert_eq!(
        kinds,
        ["timelapse-4", "realtime", "timelapse-4"],
        "{rates:?}"
    );
    assert!(
        rig.town
            .lines_of("seg.write", Some("c02"))
            .iter()
            .all(|l| l["data"].get("rate").is_none()),
        "a camera with one rate says none"
    );
    let real: Vec<&(String, Utc, Utc)> = all.iter().filter(|r| r.0 == "realtime").collect();
    let begun = real[0].1.0 - at.0;
    assert!(
        (-TURN_MS..=KEY_MS + TURN_MS).contains(&begun),
        "real time began {begun} ms after the order"
    );
    let ended = real[real.len() - 1].2.0 - seconds(&off["t"])?.0;
    assert!(
        (-TURN_MS..=KEY_MS + TURN_MS).contains(&ended),
        "and went on {ended} ms after its end"
    );

    // A clip over the switch: from the middle of the time-lapse before it into real time.
    let (from, to) = (Utc(real[0].1.0 - 9_000), Utc(real[0].1.0 + 5_000));
    let pulled = rig.pull("c01", from, to)?;
    rig.check_package(&pulled.package)?;
    let mut masters = Vec::new();
    let mut seen = (0, 0);
    let mut files = places::files_below(&pulled.package.join("master"), ".mp4");
    files.sort();
    for file in &files {
        let packets = pictures::packets(file)?;
        let steps: Vec<i64> = packets.windows(2).map(|w| w[1].0 - w[0].0).collect();
        if packets.iter().all(|p| p.1) {
            // The frames of 4 s that were not recorded are not there: key frames only, at the interval.
            assert!(
                steps.iter().all(|s| *s == 4 * 90_000),
                "{}: {steps:?}",
                file.display()
            );
            seen.0 += 1;
        } else {
            assert!(steps.iter().all(|s| *s == 3_600), "{}", file.display());
            seen.1 += 1;
        }
        masters.extend(pictures::framehash(file)?);
    }
    assert!(seen.0 >= 1 && seen.1 >= 1, "both rates: {seen:?}");
    let working = places::files_below(&pulled.package.join("working"), ".mp4");
    assert_eq!(working.len(), 1, "{working:?}");
    let copy = pictures::framehash(&working[0])?;
    assert!(
        pictures::run_of(&masters, &copy).is_some(),
        "the working copy is a run of the masters"
    );
    let video = pictures::video(&working[0])?;
    let length: f64 = video["duration"]
        .as_str()
        .and_then(|d| d.parse().ok())
        .unwrap_or(0.0);
    assert!(
        (14.0 - 0.001..=18.1).contains(&length),
        "true time: 14 s were asked for, and begin with a picture up to 4 s before: {length}"
    );
    let packets = pictures::packets(&working[0])?;
    let first_real = packets.windows(2).position(|w| w[1].0 - w[0].0 < 90_000);
    let lapse = first_real.unwrap_or(0);
    assert!(
        (2..=4).contains(&lapse) && packets.len() - lapse >= 120,
        "{lapse} pictures of time-lapse, then every one: {}",
        packets.len()
    );
    let certificate = std::fs::read_to_string(pulled.package.join("CERTIFICATE.txt"))?;
    for words in [
        "TIME-LAPSE, one picture about every 4 s",
        "every picture the camera sent",
        "by the hub's order",
    ] {
        let flat = certificate.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{words}: not in\n{certificate}");
    }

    // The masked camera: the same, after its mask.
    let masked = rig.town.lines_of("seg.write", Some("c03"));
    assert!(
        masked.len() > 1
            && masked
                .iter()
                .all(|l| l["data"]["rate"] == "timelapse-4" && l["data"]["how"] == "burned"),
        "{masked:?}"
    );
    let opened = keys::identities(&rig.town.state, rig.folder.path())?;
    for file in places::files_below(&rig.town.volume.join("footage"), ".mp4.age") {
        if file.to_string_lossy().contains("/c03/") {
            let found = keys::pictures_of(&file, &opened)?;
            assert!(found.samples.iter().all(|s| s.key) && found.samples.len() <= 5);
            for pair in found.samples.windows(2) {
                let lasts = i64::from(pair[0].duration) - (pair[1].dts as i64 - pair[0].dts as i64);
                assert!(lasts.abs() <= 9_000, "each stands until the next: {pair:?}");
            }
        }
    }
    assert!(
        !places::files_below(&rig.town.volume, ".torn")
            .iter()
            .any(|_| true)
    );
    assert!(rig.town.lines_of("fault.on", Some("c01")).is_empty());
    rig.stop_and_verify_logs()
}

/// REC-1, REC-3: an order is kept over a kill of the box and ends by itself with no hub there; another can end it early; a box that is
/// offline is not ordered anything. A time-lapse picture is on the disk when it was taken, not when the next one comes.
#[test]
fn orders_and_pictures_survive_a_kill() -> Done<()> {
    let mut rig = Rig::of("rates-kill", Scene::new().street("/ashby/c01"), |cameras| {
        Plan::new("ashby")
            .segment_secs(60)
            .camera("c01", cameras.url("/ashby/c01"))
            .timelapse(8)
    })?;
    rig.town
        .line("the hub is there", 60, |l| l["type"] == "head.ack")?;
    // Pictures handed to the disk; the next is eight seconds away, and nothing is done for them any more.
    let mut frames = 0;
    wait::until("three pictures", 60, || {
        let status = rig.town.status().unwrap_or(Value::Null);
        frames = status["cameras"][0]["frames"].as_u64().unwrap_or(0);
        Ok(frames >= 3)
    })?;
    rig.town.kill9()?;
    rig.town.start()?;
    let line = rig.town.segments("c01", 1, 60)?.remove(0);
    assert_eq!(line["data"]["rate"], "timelapse-8", "recovered: {line}");
    let opened = keys::identities(&rig.town.state, rig.folder.path())?;
    let mut files = places::files_below(&rig.town.volume.join("footage"), ".mp4.age");
    files.sort();
    let kept = keys::pictures_of(&files[0], &opened)?.samples.len() as u64;
    assert!(
        kept >= frames,
        "{kept} pictures of {frames} were on the disk"
    );

    // Ended early by another order.
    order(
        &rig,
        &[
            "realtime",
            "ashby/c01",
            "--minutes",
            "60",
            "--reason",
            "a test",
        ],
    )?
    .well("rate realtime")?;
    let long = set(&mut rig, "c01", "realtime", "order", 5)?;
    order(&rig, &["timelapse", "ashby/c01", "--reason", "a mistake"])?.well("rate timelapse")?;
    set(&mut rig, "c01", "timelapse-8", "order", 5)?;

    order(
        &rig,
        &[
            "realtime",
            "ashby/c01",
            "--minutes",
            "1",
            "--reason",
            "a test",
        ],
    )?
    .well("rate realtime")?;
    let on = rig.town.line("the second order", 5, |l| {
        l["type"] == "rate.set"
            && l["data"]["rate"] == "realtime"
            && l["data"]["order"].as_u64() > long["data"]["order"].as_u64()
    })?;
    let until = seconds(&on["data"]["until"])?;
    rig.town.kill9()?;
    wait::until("the hub has noticed", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == false)
    })?;
    refused(
        &rig,
        &[
            "realtime",
            "ashby/c01",
            "--minutes",
            "5",
            "--reason",
            "a test",
        ],
        &["ashby", "offline"],
    )?;
    rig.hub.kill9()?;
    rig.town.start()?;
    let again = wait::until("the order goes on", 20, || {
        let lines = rig.town.lines_of("rate.set", Some("c01"));
        Ok(lines
            .last()
            .cloned()
            .filter(|l| l["boot"].as_u64() > on["boot"].as_u64() && l["data"]["why"] != "end"))
    })?;
    assert_eq!(
        (&again["data"]["rate"], &again["data"]["order"]),
        (&"realtime".into(), &on["data"]["order"])
    );
    assert!(
        (seconds(&again["data"]["until"])?.0 - until.0).abs() < 100,
        "{again}"
    );
    let off = set(&mut rig, "c01", "timelapse-8", "end", 75)?;
    let late = seconds(&off["t"])?.0 - until.0;
    assert!((0..2_000).contains(&late), "ended {late} ms after its time");
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 1, 90)?;
    let kinds: Vec<String> = runs(&rig, "c01")?.into_iter().map(|r| r.0).collect();
    assert!(kinds.contains(&"realtime".to_owned()), "{kinds:?}");
    rig.hub.start()?;
    rig.stop_and_verify_logs()
}

/// REC-3: the camera's own motion alarm, as it tells it in its ONVIF metadata stream, switches to real time and is held on to.
#[test]
fn a_camera_event_switches_to_real_time() -> Done<()> {
    let scene = Scene::new()
        .street_with_events("/ashby/c01")
        .street_low("/ashby/c02");
    let mut rig = Rig::of("rates-event", scene, |cameras| {
        Plan::new("ashby")
            .segment_secs(10)
            .camera("c01", cameras.url("/ashby/c01"))
            .timelapse_with(4, "VideoSource/MotionAlarm", 5)
            .camera("c02", cameras.url("/ashby/c02"))
            .timelapse_with(4, "VideoSource/MotionAlarm", 5)
    })?;
    rig.town.segments("c01", 1, 90)?;
    // A camera that tells none is recorded all the same, and it is said.
    rig.town.line("c02 tells no events", 10, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "camera.events" && l["data"]["cam"] == "c02"
    })?;
    assert!(rig.town.lines_of("fault.on", Some("c01")).is_empty());
    rig.town.segments("c02", 1, 60)?;
    rig.cameras.motion("/ashby/c01", true)?;
    let on = set(&mut rig, "c01", "realtime", "event", 10)?;
    assert!(on["data"]["until"].is_null() && on["data"]["order"].is_null());
    // It goes on for as long as the alarm does.
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 2, 60)?;
    assert_eq!(switches(&rig, "c01").len(), 2);
    let told = wait::now();
    rig.cameras.motion("/ashby/c01", false)?;
    let off = set(&mut rig, "c01", "timelapse-4", "end", 20)?;
    let held = seconds(&off["t"])?.0 - told.0;
    assert!(
        (4_900..=5_000 + 1_500).contains(&held),
        "held on for {held} ms"
    );
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 2, 60)?;
    let mut kinds: Vec<String> = runs(&rig, "c01")?.into_iter().map(|r| r.0).collect();
    kinds.dedup();
    assert_eq!(kinds, ["timelapse-4", "realtime", "timelapse-4"]);
    rig.stop_and_verify_logs()
}
