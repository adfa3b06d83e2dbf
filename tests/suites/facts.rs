//! Task. RET-2, RET-3, EVI-2, AUD-2: facts of the recording's time come from the recording, on real parts: a box whose zone, title and
//! place are changed, and one in whose configuration a word is wrong that is fixed for life.

use std::{ffi::OsStr, fs, path::Path};

use crate::rig::{Rig, seconds};
use beadle_tests::{
    Done, Trouble, args, cameras::Scene, places, program, staff::Staff, town::Plan, wait,
};
use shared::time::{Utc, Zone};

const SEGMENT: u32 = 4;

fn zone(name: &str) -> Done<Zone> {
    Zone::parse(name).map_err(|e| Trouble(e.to_string()))
}

/// A zone in which it is another day than in London just now.
fn elsewhere() -> Done<&'static str> {
    let (london, now) = (zone("Europe/London")?, wait::now());
    for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        if zone(name)?.day_of(now.plus_ms(300_000)) != london.day_of(now) {
            return Ok(name);
        }
    }
    Err(Trouble::new("it is the same day everywhere"))
}

fn text(package: &Path, name: &str) -> Done<String> {
    let text = fs::read_to_string(package.join(name))?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// First and last moment of a camera's segments from number `from` on.
fn span(rig: &Rig, from: usize) -> Done<(Utc, Utc)> {
    let all = rig.town.lines_of("seg.write", Some("c01"));
    let (Some(first), Some(last)) = (all.get(from), all.last()) else {
        return Err(Trouble::new("nothing was recorded"));
    };
    Ok((
        seconds(&first["data"]["t0"])?,
        seconds(&last["data"]["t1"])?,
    ))
}

/// RET-2, RET-3, EVI-2: recorded in one zone and under one name, pulled and held in another: found under the day it was recorded under,
/// with the name it had. A clip over the change says both.
#[test]
fn what_was_recorded_keeps_its_day_and_its_name() -> Done<()> {
    let there = elsewhere()?;
    let plan = |url: &str, zone: &str, title: &str, site: &str| {
        Plan::new("ashby")
            .zone(zone)
            .site(site)
            .segment_secs(SEGMENT)
            .camera("c01", url)
            .title(title)
    };
    let scene = Scene::new().street_low("/ashby/c01");
    let mut rig = Rig::of("facts", scene, |cameras| {
        plan(
            cameras.url("/ashby/c01"),
            there,
            "High Street",
            "Market Hall",
        )
    })?;
    let staff = Staff::make(&rig.hub, rig.folder.path())?;
    rig.town.segments("c01", 3, 90)?;
    rig.town.stop()?;
    let (t0, t1) = span(&rig, 0)?;
    let day = zone(there)?.day_of(t0);
    assert_ne!(day, zone("Europe/London")?.day_of(t0));
    let below = |day: &str| {
        places::files_below(&rig.town.volume.join("footage").join(day), ".mp4.age").len()
    };
    assert!(below(&day.to_string()) >= 3);

    let url = rig.cameras.url("/ashby/c01").to_owned();
    let now = plan(&url, "Europe/London", "Car park", "Town Hall");
    rig.town.configure(&now)?;
    rig.town.start()?;
    rig.town.segments("c01", 6, 90)?;
    let inside = |t: Utc, ms| t.plus_ms(ms);
    let pulled = rig.pull("c01", inside(t0, 500), inside(t1, -500))?;
    rig.check_package(&pulled.package)?;
    for name in ["CERTIFICATE.txt", "READ-ME-FIRST.txt"] {
        let said = text(&pulled.package, name)?;
        assert!(
            said.contains("\"High Street\", Market Hall") && !said.contains("Car park"),
            "{said}"
        );
    }
    let words = [
        "hold",
        "add",
        "ashby/c01",
        &inside(t0, 500).to_string(),
        &inside(t1, -500).to_string(),
        "--reason",
        "Assault in Market Place",
        "--authority",
        "Magistrates' order 26/118",
        "--reference",
        "CRIME-26-000419",
        "--days",
        "90",
    ];
    let said = staff.says(&rig.hub, "pat", &words)?.well("hold add")?;
    let hold = said.out.trim().to_owned();
    rig.town.line("what it keeps is copied out", 60, |l| {
        l["type"] == "hold.kept" && l["data"]["hold"] == hold.as_str()
    })?;
    let kept = rig
        .town
        .volume
        .join("held")
        .join(&hold)
        .join("footage")
        .join(day.to_string());
    assert!(!places::files_below(&kept, ".mp4.age").is_empty());
    assert!(rig.town.fault("hold.copy").is_none());

    let (_, end) = span(&rig, 0)?;
    let pulled = rig.pull_with_gaps("c01", inside(t0, 500), inside(end, -500))?;
    for name in ["CERTIFICATE.txt", "READ-ME-FIRST.txt"] {
        let said = text(&pulled.package, name)?;
        let at = |part: &str| {
            said.find(part)
                .ok_or_else(|| Trouble(format!("{part} in {said}")))
        };
        assert!(at("\"High Street\", Market Hall, until")? < at("then \"Car park\", Town Hall")?);
    }
    let shown = rig.hub.footage("ashby/c01")?.to_string();
    assert!(
        shown.contains("High Street, Market Hall") && shown.contains("Car park, Town Hall"),
        "{shown}"
    );
    rig.stop_and_verify_logs()
}

/// AUD-2, FLT-1: a wrong word in the configuration is refused by every command that would start something, and nothing is written; the
/// log's successor is begun by a command, the recorder stopped, and the hub takes it up.
#[test]
fn a_word_that_is_fixed_for_life() -> Done<()> {
    let scene = Scene::new().street_low("/ashby/c01");
    let mut rig = Rig::of("fixed", scene, |cameras| {
        Plan::new("ashby")
            .segment_secs(SEGMENT)
            .camera("c01", cameras.url("/ashby/c01"))
    })?;
    rig.town.segments("c01", 1, 90)?;
    let reason = "The hub refuses the log: its disk was put back";
    let succeed = |rig: &Rig| {
        rig.town
            .command(args!["log", "succeed", "--reason", reason])
    };
    let said = succeed(&rig)?;
    assert!(
        said.status != 0 && said.err.contains("systemctl stop beadle-edge"),
        "{said:?}"
    );
    rig.town.stop()?;

    let right = fs::read_to_string(&rig.town.config)?;
    fs::write(
        &rig.town.config,
        right.replace("cctv.example.gov.uk", "cctv.other.gov.uk"),
    )?;
    let files = || -> Done<Vec<(std::path::PathBuf, Vec<u8>)>> {
        let mut all = Vec::new();
        for end in [".jsonl", ".note", ".json", ".crt", "boot", ".vkey", ".key"] {
            for file in places::files_below(&rig.town.state, end) {
                let bytes = fs::read(&file)?;
                all.push((file, bytes));
            }
        }
        Ok(all)
    };
    let before = files()?;
    let edge = places::program("beadle-edge")?;
    let code = rig.hub.box_add("other")?;
    let config = rig.town.config.as_os_str();
    let commands: [&[&OsStr]; 3] = [
        args!["check-config", config],
        args!["run", "--config", config],
        args!["enrol", "--again", "--config", config, code],
    ];
    for words in commands {
        let said = program::run(&edge, words)?;
        assert_eq!(said.status, 78, "{words:?}: {said:?}");
        for part in [
            "box.scheme is \"cctv.other.gov.uk\"",
            "this box's is \"cctv.example.gov.uk\"",
            "nothing was written",
            "log succeed",
        ] {
            assert!(said.err.contains(part), "{part} in {words:?}: {}", said.err);
        }
    }
    assert!(before == files()?, "something was written");
    fs::write(&rig.town.config, right)?;
    program::run(&edge, args!["check-config", config])?.well("check-config")?;

    let old = fs::read(rig.town.log().join("0000000000.jsonl"))?;
    let short = rig
        .town
        .command(args!["log", "succeed", "--reason", "moved"])?;
    assert_eq!(short.status, 64, "{short:?}");
    succeed(&rig)?.well("log succeed")?;
    assert!(
        fs::read(rig.town.log().join("0000000000.jsonl"))? == old,
        "the log before is as it was"
    );
    rig.town.start()?;
    rig.town.segments("c01", 3, 90)?;
    let log = rig.town.state.join("recorder/log/2");
    crate::rig::until_cosigned(&log, 5)?;
    let (t0, _) = span(&rig, 2)?;
    let pulled = rig.pull("c01", t0.plus_ms(500), t0.plus_ms(2_500))?;
    rig.check_package(&pulled.package)?;
    // What was recorded under the log before can be had as well: its package shows that log, and the line of the new one beside it.
    let (first, _) = span(&rig, 0)?;
    let early = rig.pull("c01", first.plus_ms(500), first.plus_ms(2_500))?;
    rig.check_package(&early.package)?;
    let certificate = fs::read_to_string(early.package.join("CERTIFICATE.txt"))?;
    let certificate = certificate.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(certificate.contains("ashby/1 has ended"), "{certificate}");
    let clip = fs::read_to_string(early.package.join("log/clip.record"))?;
    assert!(
        clip.contains("box/ashby/2") && clip.contains(&early.exhibit),
        "{clip}"
    );
    let shown = fs::read_to_string(early.package.join("manifest.json"))?;
    assert!(shown.contains("box/ashby/1"), "{shown}");
    rig.stop_and_verify_logs()?;
    rig.hub.intact("log", &log, false)?;
    let held = rig.hub.state.join("boxes/ashby/log/2");
    rig.hub.intact("log", &held, false)?;
    let first = fs::read_to_string(log.join("0000000000.jsonl"))?;
    let first = first.lines().next().unwrap_or_default();
    for part in [reason, "\"whole\":", "ashby/1", "sys:console"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    Ok(())
}
