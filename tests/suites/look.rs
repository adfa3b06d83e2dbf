//! Task. Footage looked at over a line without being taken: soon, for few bytes, on both logs, and leaving nothing behind.
use std::path::Path;

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, Scene},
    hub::{Hub, time},
    line::{HUB, Kind, Line},
    looking::{first, look, pictures},
    pages::Person,
    places::files_below,
    site::Site,
    staff::Staff,
    town::{Plan, Town},
};
use serde_json::{Value, json};

use crate::rig;

/// EVI-1, AUD-1, AUD-5, REC-6, ROL-2: a few seconds out of the middle of a segment, over a town's line: a picture soon (what bench `link.first` measures), on a
/// long line that loses too, little more than the span's own bytes, a line on both logs, no exhibit, and nothing of it on the hub's disk; nothing
/// at all for an account whose role is another's business.
#[test]
fn a_look_is_soon_and_takes_nothing() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("look")?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let site = Site::Beside(folder.path().into());
    let mut hub = Hub::make_at(&site, &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("look")
        .segment_secs(12)
        .camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let people = [("pat", "operator"), ("carl", "contractor")];
    let staff = Staff::of(&hub, folder.path(), &people)?;
    let person = |name: &str| -> Done<Person> {
        let password = std::fs::read_to_string(staff.file(name)?).told(name)?;
        let address = HUB.to_string();
        line.at_hub(|| Person::sign_in_at(&hub, &address, folder.path(), (name, password.trim())))
    };
    let (pat, carl) = (person("pat")?, person("carl")?);
    let segment = town.segments("street", 1, 60)?.remove(0);
    let t0 = time(&segment["data"]["t0"])?;
    let span = (t0.plus_ms(3_300), t0.plus_ms(8_300));

    let seen = look(&line, &pat, "look/street", span)?;
    println!(
        "    clean: first picture after {} ms, all after {} ms, {:.2} bytes a byte of {} KB",
        seen.first.as_millis(),
        seen.all.as_millis(),
        seen.ratio(),
        seen.asked / 1_000
    );
    assert!(seen.first.as_millis() <= 1_500, "{:?}", seen.first);
    assert!(seen.began <= span.0, "{} for {}", seen.began, span.0);
    assert!(pictures(&seen.film, folder.path())? > 50);
    let film = std::fs::metadata(folder.path().join("look.mp4"))?.len();
    assert_eq!(film, seen.film.len() as u64);
    std::fs::remove_file(folder.path().join("look.mp4"))?;

    // Both logs have it, and name each other.
    let of = |lines: Vec<Value>| lines.into_iter().next_back();
    let ours =
        of(town.lines_of("exp.look", Some("street"))).ok_or_else(|| Trouble::new("no exp.look"))?;
    let theirs = lines(&hub.own_log(), "acc.look")?;
    let theirs = theirs.last().ok_or_else(|| Trouble::new("no acc.look"))?;
    assert_eq!(ours["data"]["order"], theirs["n"]);
    assert_eq!(
        ours["data"]["s0"], segment["data"]["s"],
        "whole segments are what it says"
    );
    assert!(town.lines_of("exp.clip", None).is_empty());
    // Nothing of it rests: not a picture's bytes in plain, nor a sealed part.
    let middle = &seen.film[seen.film.len() / 2..][..64];
    for file in files_below(&hub.state, "") {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(
            !bytes.windows(64).any(|w| w == middle),
            "{}",
            file.display()
        );
        let name = file.to_string_lossy();
        assert!(!name.ends_with(".part") && !name.contains(".mp4"), "{name}");
    }
    // Not for everybody.
    let asked = json!({
        "box": "look", "cam": "street", "from": span.0.to_string(), "to": span.1.to_string(),
        "purpose": "curious", "reference": "none"
    });
    let refused = line.at_hub(|| carl.ask("/looks", Some(&asked)))?;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let other = line.at_hub(|| carl.ask(&format!("/looks/{}/film", seen.look), None))?;
    assert_eq!(other.status, 403, "{}", other.text);

    // A long line that loses.
    line.set(Kind {
        delay_ms: 100.0,
        ..Kind::town(2.0)
    });
    let far = first(&line, &pat, "look/street", span)?;
    println!(
        "    2 % lost, 200 ms: first picture after {} ms",
        far.as_millis()
    );
    assert!(far.as_millis() <= 3_000, "{far:?}");
    Ok(())
}

/// Lines of a kind in a log's folder.
fn lines(log: &Path, kind: &str) -> Done<Vec<Value>> {
    let mut found = Vec::new();
    for file in files_below(log, ".jsonl") {
        let text = std::fs::read_to_string(&file).told(file.display())?;
        let read = text
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok());
        found.extend(read.filter(|l| l["type"] == kind));
    }
    found.sort_by_key(|l| l["n"].as_u64());
    Ok(found)
}
