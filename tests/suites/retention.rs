//! Task. RET-1, RET-2, RET-4: a day recorded long ago is gone, logged and undecryptable; the hub shows its certificate.

use std::{
    fs,
    path::{Path, PathBuf},
};

use beadle_tests::{
    Done, Folder, Trouble, args,
    browser::Browser,
    cameras::{Cameras, Scene},
    hub::Hub,
    keys::identities,
    pictures, places,
    town::{self, Plan, Town},
    wait,
};
use shared::{record, spot as draw};

use crate::rig::{self, Rig};

/// Whether the `age` program opens a file with any of these identities.
fn opens(sealed: &Path, identities: &[String], scratch: &Path) -> Done<bool> {
    let list = scratch.join("identities.txt");
    fs::write(&list, identities.join("\n") + "\n")?;
    pictures::age_opens(sealed, &list, &scratch.join("plain.mp4"))
}

/// RET-1, RET-2, RET-4, FLT-3: what was recorded forty days ago goes at the next start, on the record, and cannot be decrypted; the
/// hub's report and its pages show the certificate.
#[test]
fn a_day_past_its_time_is_gone_logged_and_undecryptable() -> Done<()> {
    // The whole scheme forty days ago, hub and box agreeing on the time; then it is today. Policy: 31 days.
    let mut rig = Rig::with("retention", 5, town::clock("-40d")?)?;
    rig.town.line("the hub vouches for the clock", 60, |l| {
        l["type"] == "clock.state" && l["data"]["trust"] == "synced"
    })?;
    let begun = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", begun + 2, 60)?;
    // Each has something to lose; what paints takes a while to begin.
    for cam in ["c02", "c03"] {
        rig.town.segments(cam, 1, 60)?;
    }
    let day = wait::now().0 - 40 * 86_400_000;
    let day = shared::time::Zone::parse("Europe/London")
        .map_err(|e| Trouble(e.to_string()))?
        .day_of(shared::time::Utc(day))
        .to_string();
    rig.town.stop()?;
    rig.hub.stop()?;
    let known = rig.town.lines_of("seg.write", Some("c01")).len();
    let footage = places::files_below(&rig.town.volume.join("footage"), ".mp4.age");
    let sealed: Vec<&PathBuf> = footage
        .iter()
        .filter(|f| f.to_string_lossy().contains("/c01/"))
        .collect();
    assert!(
        sealed.len() >= 3 && sealed.iter().all(|f| f.to_string_lossy().contains(&day)),
        "{footage:?} lie under {day}"
    );
    // Kept aside as somebody with a copy of the disk would have them.
    let scratch = rig.folder.path().join("scratch");
    fs::create_dir_all(&scratch)?;
    // The first was sealed before anybody vouched for the clock (its key is the start's), the last under the day's own key.
    let mut copies = Vec::new();
    for (name, from) in [("first", sealed.first()), ("last", sealed.last())] {
        let copy = scratch.join(name).with_extension("mp4.age");
        fs::copy(from.ok_or_else(|| Trouble::new("no footage"))?, &copy)?;
        assert!(
            opens(&copy, &identities(&rig.town.state, &scratch)?, &scratch)?,
            "before the sweep the box's keys open the {name}: the test can tell"
        );
        copies.push(copy);
    }

    rig.town.env.clear();
    rig.hub.env.clear();
    rig.hub.start()?;
    rig.town.start()?;
    for cam in ["c01", "c02", "c03"] {
        let done = rig
            .town
            .line(&format!("{cam}: the day of {day} is deleted"), 120, |l| {
                l["type"] == "del.done"
                    && l["data"]["cam"] == cam
                    && l["data"]["day"] == day.as_str()
            })?;
        assert_eq!(done["data"]["undecryptable"], true);
        assert_eq!(done["data"]["claim"], "file");
        let range = rig
            .town
            .lines_of("del.range", Some(cam))
            .pop()
            .ok_or_else(|| Trouble::new("no del.range line"))?;
        assert_eq!(range["n"], done["data"]["n"]);
        check_set(&rig, cam, &range)?;
    }
    let left: Vec<PathBuf> = rig
        .town
        .footage()
        .into_iter()
        .filter(|f| f.to_string_lossy().contains(&day))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    for copy in &copies {
        assert!(
            !opens(copy, &identities(&rig.town.state, &scratch)?, &scratch)?,
            "with every key left on the box {} cannot be opened",
            copy.display()
        );
    }
    rig.town.segments("c01", known + 3, 60)?;
    shown_at_the_hub(&mut rig, &day)?;
    rig.town.stop()?;
    rig.hub.stop()?;
    Ok(())
}

/// The report as CSV, as a page to print, and in the browser.
fn shown_at_the_hub(rig: &mut Rig, day: &str) -> Done<()> {
    let csv = rig.folder.path().join("retention.csv");
    let cams = ["c01", "c02", "c03"];
    let rows = wait::until("the hub has all three certificates", 60, || {
        rig.hub
            .ask(args!["retention", "report", "--csv", csv])?
            .well("retention report")?;
        let text = fs::read_to_string(&csv)?;
        let rows: Vec<std::collections::BTreeMap<String, String>> = table(&text);
        let there = |cam: &str| {
            rows.iter()
                .any(|r| r["camera"] == cam && r["certificate_day"] == day)
        };
        Ok(cams.iter().all(|c| there(c)).then_some(rows))
    })?;
    assert_eq!(rows.len(), 3, "{rows:?}");
    for cam in cams {
        let row = rows
            .iter()
            .find(|r| r["camera"] == cam)
            .ok_or_else(|| Trouble(format!("{cam} has no row")))?;
        let range = rig.town.lines_of("del.range", Some(cam)).pop();
        let range = range.ok_or_else(|| Trouble::new("no del.range line"))?;
        for (key, wanted) in [
            ("box", rig.town.name.as_str()),
            ("policy_days", "31"),
            ("zone", "Europe/London"),
            ("undecryptable", "yes"),
            ("claim", "file"),
            ("verdict", "as promised"),
            ("certificate_rule", "31d"),
            ("certificate_segments", &range["data"]["count"].to_string()),
        ] {
            assert_eq!(row[key], wanted, "{key} of {row:?}");
        }
        let today = wait::now().0 - 86_400_000;
        let oldest = shared::time::Utc::parse(&row["oldest_left"]);
        assert!(
            oldest.is_ok_and(|t| t.0 > today) || row["oldest_left"] == "none",
            "{row:?}"
        );
        assert!(!row["last_frame"].is_empty(), "{row:?}");
    }
    let page = rig.folder.path().join("retention.html");
    rig.hub
        .ask(args!["retention", "report", "--html", page])?
        .well("retention report")?;
    let text = fs::read_to_string(&page)?;
    assert!(text.contains("@media print") && text.contains("31 days means") && text.contains(day));
    let said = rig.hub.ask(args!["retention", "report"])?.well("report")?;
    assert!(said.out.contains("3 as promised"), "{}", said.out);

    let home = format!("https://127.0.0.1:{}", rig.hub.https);
    let mut browser = Browser::open(rig.folder.path())?;
    browser.goto(&format!("{home}/sign-in"))?;
    browser.until("the form", 20, "document.getElementById('name') != null")?;
    let (name, password) = rig.hub.sign_in.clone();
    browser.submit(&[("name", &name), ("password", &password)])?;
    browser.until("signed in", 20, "location.pathname == '/'")?;
    browser.goto(&format!("{home}/retention"))?;
    browser.until(
        "the page says what is promised, and shows the verdict and the certificate",
        20,
        &format!(
            "['3 as promised', 'local day D+32', '{day}', 'deleted; key copies may survive in worn flash until overwritten'].every(w => document.body.innerText.includes(w))"
        ),
    )?;
    browser.until(
        "what is held is drawn, and in colour",
        20,
        "(b => b.length >= 3 && [...b].every(e => getComputedStyle(e).fill != 'rgb(0, 0, 0)' && e.getBoundingClientRect().width > 0))(document.querySelectorAll('svg .recorded'))",
    )?;
    browser.goto(&format!("{home}/retention/{}/c01", rig.town.name))?;
    let n = &rig.town.lines_of("del.range", Some("c01"))[0]["n"];
    browser.until(
        "the camera's page lists the day with the lines of its certificate",
        20,
        &format!(
            "['{day}', 'lines {n} and', 'No key left opens it'].every(w => document.body.textContent.includes(w))"
        ),
    )?;
    Ok(())
}

/// Rows of a CSV by their headers. No field in ours but the last is quoted here.
fn table(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut lines = text.lines();
    let headers: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines
        .map(|line| {
            let fields = line.splitn(headers.len(), ',').map(str::to_owned);
            headers
                .iter()
                .map(|h| (*h).to_owned())
                .zip(fields)
                .collect()
        })
        .collect()
}

/// `set` is the SHA-256 of the deleted lines' leaf hashes, in order.
fn check_set(rig: &Rig, cam: &str, range: &serde_json::Value) -> Done<()> {
    let (s0, s1) = (range["data"]["s0"].as_u64(), range["data"]["s1"].as_u64());
    let mut hashes = Vec::new();
    let mut count = 0;
    for file in places::files_below(&rig.town.log(), ".jsonl") {
        for line in fs::read(&file)?.split_inclusive(|b| *b == b'\n') {
            let Ok(record) = serde_json::from_slice::<serde_json::Value>(line) else {
                continue;
            };
            let s = record["data"]["s"].as_u64();
            if record["type"] == "seg.write" && record["data"]["cam"] == cam && s >= s0 && s <= s1 {
                hashes.extend_from_slice(&shared::record::leaf_hash(line));
                count += 1;
            }
        }
    }
    assert_eq!(range["data"]["count"].as_u64(), Some(count), "{range}");
    assert_eq!(
        range["data"]["set"],
        shared::record::hex(&shared::record::sha256(&hashes)).as_str()
    );
    Ok(())
}

/// AUD-2, FLT-1: somebody alters footage on the box's disk with an editor. The first countersignature of the day draws one of it: the box says on
/// its log which, and what is wrong, with a fault that everybody sees; whoever has the log draws the same; the file is left as it is.
#[test]
fn altered_footage_is_found_by_the_daily_check() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("spot")?;
    let cameras = Cameras::start(Scene::new().street_low("/spot/c01"))?;
    let mut hub = Hub::make(folder.path())?.started()?;
    let plan = Plan::new("ashby")
        .segment_secs(2)
        .camera("c01", cameras.url("/spot/c01"));
    let mut town = Town::make(folder.path(), plan)?.enrolled(&mut hub)?;
    // Nothing is countersigned, so nothing is drawn, before all that is closed was altered.
    hub.stop()?;
    town.start()?;
    town.segments("c01", 2, 60)?;
    town.stop()?;
    let mut altered = Vec::new();
    for file in places::files_below(&town.volume, ".mp4.age") {
        let mut bytes = fs::read(&file)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, &bytes)?;
        altered.push((file, bytes));
    }
    // No more of it, so that what is drawn is one of these.
    drop(cameras);
    hub.start()?;
    town.start()?;
    let spot = town.line("the check of the day", 120, |l| {
        l["type"].as_str().is_some_and(|t| t.starts_with("spot."))
    })?;
    let lines = town.lines();
    let ack = lines.iter().find(|l| l["n"] == spot["data"]["ack"]);
    let ack = ack.ok_or_else(|| Trouble::new("no such line"))?;
    assert_eq!(ack["type"], "head.ack");
    let seed = ack["data"]["sig"].as_str().and_then(draw::seed);
    let seed = seed.ok_or_else(|| Trouble::new("no seed"))?;
    let texts = places::files_below(&town.log(), ".jsonl");
    let text = fs::read_to_string(&texts[0])?;
    let below = ack["data"]["size"].as_u64().unwrap_or(0) as usize;
    let mut drawn = Vec::new();
    for (line, text) in lines.iter().zip(text.split_inclusive('\n')).take(below) {
        if line["type"] == "seg.write" {
            let leaf = record::leaf_hash(text.as_bytes());
            drawn.push((draw::score(&seed, &leaf), line["data"]["s"].clone()));
        }
    }
    drawn.sort_by_key(|(score, _)| *score);
    assert_eq!(Some(&spot["data"]["s"]), drawn.first().map(|(_, s)| s));
    let s = spot["data"]["s"].as_u64().unwrap_or(0) as usize;
    assert!(s <= altered.len(), "{spot}: of what was altered");
    assert_eq!(
        (&spot["type"], &spot["data"]["why"]),
        (&"spot.bad".into(), &"unopened".into())
    );
    let fault = wait::until("and a fault", 30, || Ok(town.fault("footage.spot")))?;
    assert!(fault.contains(&format!("segment {s} of c01")), "{fault}");
    let row = wait::until("the hub shows it", 60, || {
        let row = hub.box_row("ashby")?;
        let faults = row["faults"].as_array().into_iter().flatten();
        let told = faults.filter(|f| f["code"] == "footage.spot").count() == 1;
        Ok((told && row["spot"]["wrong"] == "unopened").then_some(row))
    })?;
    assert_eq!(row["spot"]["s"], spot["data"]["s"]);
    let listed = hub.ask(args!["box", "list"])?.well("box list")?.out;
    assert!(
        listed.contains("was read again: its file does not open any more"),
        "{listed}"
    );
    for (file, bytes) in altered {
        assert_eq!(fs::read(&file)?, bytes, "{}", file.display());
    }
    town.stop()?;
    hub.stop()?;
    hub.intact("log", &town.log(), false)
}
