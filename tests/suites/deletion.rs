//! Task. RET-2, RET-3, FLT-3: when nothing may be deleted, and what goes when it may again: a month in a store, clocks that are wrong or
//! disagree, the nights when the clocks change, disks that are too small, cameras that are gone. The real programs on clocks that are set
//! under them (libfaketime), and on a real small disk.

use std::{fs, path::PathBuf};

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, Scene},
    disks::{self, Disk},
    hub::Hub,
    places,
    site::Site,
    staff::Staff,
    town::{Plan, SetClock, Town},
    wait,
};
use serde_json::Value;
use shared::time::{Day, Utc, Zone};

use crate::rig::{Rig, seconds};

const DAY: i64 = 86_400_000;

fn scene() -> Scene {
    Scene::new()
        .street_low("/ashby/c01")
        .street_low("/ashby/c02")
}

fn plan(days: u32, cams: &[&str]) -> impl Fn(&Cameras) -> Plan {
    let cams: Vec<String> = cams.iter().map(|c| (*c).to_owned()).collect();
    move |cameras| {
        let plan = Plan::new("ashby").segment_secs(4).retention_days(days);
        cams.iter().fold(plan, |plan, cam| {
            plan.camera(cam, cameras.url(&format!("/ashby/{cam}")))
        })
    }
}

fn local_day(t: Utc) -> Done<Day> {
    Ok(Zone::parse("Europe/London")
        .map_err(|e| Trouble(e.to_string()))?
        .day_of(t))
}

fn moment(text: &str) -> Done<Utc> {
    Utc::parse(text).map_err(|e| Trouble(e.to_string()))
}

/// Noon (UTC), so many days ago.
fn noon(days_ago: i64) -> Utc {
    let now = wait::now().0;
    Utc(now - now.rem_euclid(DAY) + DAY / 2 - days_ago * DAY)
}

/// Two segments of each camera under the key of that day; the last but one of the first camera.
fn records(town: &mut Town, day: Day) -> Done<(Utc, Utc)> {
    let cams = town.cameras.clone();
    for cam in &cams {
        let key = format!("{cam}/{day}");
        wait::until(&format!("two segments under {key}"), 120, || {
            town.must_run()?;
            let lines = town.lines_of("seg.write", Some(cam));
            Ok(lines
                .iter()
                .filter(|l| l["data"]["key"] == key.as_str())
                .count()
                >= 2)
        })?;
    }
    let key = format!("{}/{day}", cams[0]);
    let lines = town.lines_of("seg.write", Some(&cams[0]));
    let line = lines
        .iter()
        .rev()
        .find(|l| l["data"]["key"] == key.as_str())
        .ok_or_else(|| Trouble::new("no segment"))?;
    Ok((seconds(&line["data"]["t0"])?, seconds(&line["data"]["t1"])?))
}

/// Box and hub are off, and then it is another time.
fn wakes_up_at(rig: &mut Rig, set: impl FnOnce() -> Done<()>) -> Done<()> {
    rig.town.stop()?;
    rig.hub.stop()?;
    set()?;
    rig.hub.start()?;
    rig.town.start()
}

fn folder(town: &Town, day: Day, cam: &str) -> PathBuf {
    town.volume.join(format!("footage/{day}/{cam}"))
}

fn deleted(town: &mut Town, day: Day, cam: &str, secs: u64) -> Done<Value> {
    let what = format!("{cam}: {day} is deleted");
    let day = day.to_string();
    town.line(&what, secs, |l| {
        l["type"] == "del.done" && l["data"]["cam"] == cam && l["data"]["day"] == day.as_str()
    })
}

/// A pull of a span is refused in words with `says` in them.
fn refused(rig: &Rig, (t0, t1): (Utc, Utc), says: &str) -> Done<()> {
    let (from, to) = (t0.plus_ms(500).to_string(), t1.plus_ms(-500).to_string());
    let pulled = rig.hub.pull("ashby/c01", &from, &to)?;
    let said = format!("{}{}", pulled.said.out, pulled.said.err);
    if pulled.said.status == 0 || !pulled.package.as_os_str().is_empty() || !said.contains(says) {
        return Err(Trouble(format!("not refused with {says:?}: {said}")));
    }
    Ok(())
}

fn report(rig: &Rig) -> Done<Value> {
    let words = ["retention", "report", "--json"].map(std::ffi::OsStr::new);
    let said = rig.hub.ask(&words)?.well("retention report")?;
    Ok(serde_json::from_str(&said.out)?)
}

/// RET-2, ROL-1, RET-4, with the users the units name: a box that was off for a month has several days due. One day of each camera goes, the rest waits, unseen, and
/// goes at once when a supervisor confirms. A camera that is not configured any more falls under the rule it was recorded under, and
/// what nobody knows under the longest. What cannot be deleted holds up no other camera and no other day.
#[test]
fn a_month_in_a_store() -> Done<()> {
    let all = Folder::new("deletion-store")?;
    let site = Site::installed("store", all.path())?;
    let clock = SetClock::of(&site, "both", noon(40))?;
    let mut rig = Rig::on(
        site,
        all,
        scene(),
        plan(31, &["c01", "c02"]),
        clock.env()?,
        clock.env()?,
    )?;
    let staff = Staff::make(&rig.hub, &rig.site.files()?)?;
    let mut days = Vec::new();
    let mut spans = Vec::new();
    for ago in [40, 39, 38] {
        if ago < 40 {
            wakes_up_at(&mut rig, || clock.set_to(noon(ago)))?;
        }
        let day = local_day(noon(ago))?;
        spans.push(records(&mut rig.town, day)?);
        days.push(day);
    }
    // One of these cameras goes; somebody put files where none belong.
    let strange = folder(&rig.town, days[0], "c77");
    fs::create_dir_all(&strange).told(strange.display())?;
    fs::write(strange.join("holiday.mp4"), "not ours").told(strange.display())?;
    let beside = folder(&rig.town, days[0], "c01").join("notes.txt");
    fs::write(&beside, "not ours either").told(beside.display())?;
    rig.town.configure(&plan(31, &["c01"])(&rig.cameras))?;
    rig.town.cameras.retain(|c| c == "c01");
    wakes_up_at(&mut rig, || clock.set(0))?;

    for cam in ["c01", "c02"] {
        let done = deleted(&mut rig.town, days[0], cam, 120)?;
        assert_eq!(done["data"]["undecryptable"], true, "{done}");
        assert!(!folder(&rig.town, days[0], cam).exists(), "{cam}");
    }
    // What root put there the recorder's user cannot delete: it says so, begins it once, and goes on with all the rest.
    let stuck = wait::until("what cannot be deleted is a fault", 60, || {
        Ok(rig.town.fault("retention.failed"))
    })?;
    assert!(
        stuck.contains("c77") && stuck.contains("Permission denied"),
        "{stuck}"
    );
    let waiting = wait::until("the rest waits, and says so", 20, || {
        Ok(rig.town.fault("retention.waiting"))
    })?;
    assert!(
        waiting.starts_with("4 camera-days past their day wait")
            && waiting.contains(&days[1].to_string())
            && waiting.contains("unless the hub confirms"),
        "{waiting}"
    );
    for day in &days[1..] {
        assert!(folder(&rig.town, *day, "c01").exists() && folder(&rig.town, *day, "c02").exists());
    }
    refused(&rig, spans[1], "past its day")?;
    refused(&rig, spans[0], "deleted on schedule")?;

    let confirm = [
        "retention",
        "confirm",
        "ashby",
        "--reason",
        "Back from repair, clock checked",
    ];
    let pat = staff.says(&rig.hub, "pat", &confirm)?;
    assert!(
        pat.status != 0 && rig.town.lines_of("del.confirm", None).is_empty(),
        "{pat:?}"
    );
    let said = staff
        .says(&rig.hub, "kim", &confirm)?
        .well("retention confirm")?;
    assert!(
        said.out.contains("ashby deletes all that is past its day"),
        "{said:?}"
    );
    let confirmed = rig.town.line("the word is on the record", 20, |l| {
        l["type"] == "del.confirm"
    })?;
    for cam in ["c01", "c02"] {
        for day in &days[1..] {
            let done = deleted(&mut rig.town, *day, cam, 60)?;
            assert_eq!(done["data"]["undecryptable"], true, "{done}");
            assert!(
                done["n"].as_u64() > confirmed["n"].as_u64(),
                "{done} after {confirmed}"
            );
            assert!(!folder(&rig.town, *day, cam).exists());
        }
    }
    wait::until("nothing waits any more", 30, || {
        Ok(rig.town.fault("retention.waiting").is_none())
    })?;
    assert_eq!(rig.town.lines_of("del.range", Some("c77")).len(), 1);
    rig.site.sh(&format!(
        "chown -R beadle:beadle-footage /srv/beadle/footage1/footage/{}/c77",
        days[0]
    ))?;
    deleted(&mut rig.town, days[0], "c77", 120)?;
    assert!(!strange.exists());
    wait::until("the fault is over", 30, || {
        Ok(rig.town.fault("retention.failed").is_none())
    })?;
    // By its rule, by the rule it was recorded under, and by the longest there is.
    for range in rig.town.lines_of("del.range", None) {
        assert_eq!(range["data"]["rule"], "31d", "{range}");
    }
    let all = wait::until("the hub has every certificate", 60, || {
        let all = report(&rig)?;
        let rows = all["cameras"].as_array().cloned().unwrap_or_default();
        let newest = days[2].to_string();
        let known = ["c01", "c02"].iter().all(|cam| {
            rows.iter()
                .any(|r| r["cam"] == *cam && r["certificate"]["day"] == newest.as_str())
        });
        Ok(known.then_some(rows))
    })?;
    let row = |cam: &str| {
        all.iter()
            .find(|r| r["cam"] == cam)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        (&row("c01")["configured"], &row("c02")["configured"]),
        (&true.into(), &false.into())
    );
    assert_eq!(row("c02")["days_on_disk"], 0);
    rig.stop_and_verify_logs()
}

/// RET-2, REC-1: the box's clock is wrong and the hub knows better: 1970 at the start, a day behind, a year ahead. Nothing is deleted,
/// and what is past its day by either is not handed out. When the clock is right, what is due goes, and nothing else.
#[test]
fn clocks_that_disagree() -> Done<()> {
    // The right time is noon when this begins, whatever it is here: footage comes due at five past midnight, and nothing of this is to
    // happen beside that edge.
    let today = noon(0);
    let right = today.0 - wait::now().0;
    let ago = |days: i64| right - days * DAY;
    let (hub_clock, box_clock) = (SetClock::new(ago(40))?, SetClock::new(ago(40))?);
    // What was recorded forty days ago is due today.
    let mut rig = Rig::beside(
        "deletion-clocks",
        scene(),
        plan(39, &["c01"]),
        hub_clock.env()?,
        box_clock.env()?,
    )?;
    let (old, new) = (
        local_day(today.plus_ms(-40 * DAY))?,
        local_day(today.plus_ms(-2 * DAY))?,
    );
    let long_ago = records(&mut rig.town, old)?;
    wakes_up_at(&mut rig, || {
        hub_clock.set(ago(2))?;
        box_clock.set(ago(2))
    })?;
    let lately = records(&mut rig.town, new)?;
    let none_deleted = |rig: &Rig, when: &str| {
        assert!(rig.town.lines_of("del.range", None).is_empty(), "{when}");
        assert!(folder(&rig.town, old, "c01").exists(), "{when}");
    };
    let written = |rig: &mut Rig| {
        let before = rig.town.lines_of("seg.write", Some("c01")).len();
        rig.town.segments("c01", before + 2, 60).map(drop)
    };

    // 1970, or a day behind: by its own clock nothing is due, by the hub's time something is.
    wakes_up_at(&mut rig, || {
        hub_clock.set(right)?;
        box_clock.set_to(Utc(300_000))
    })?;
    rig.town.line("the hub contradicts", 60, |l| {
        l["type"] == "clock.state" && l["data"]["src"] == "hub" && l["data"]["trust"] == "unknown"
    })?;
    written(&mut rig)?;
    refused(&rig, long_ago, "past its day")?;
    none_deleted(&rig, "in 1970");
    box_clock.set(ago(1))?;
    rig.town.line("the step is on the record", 20, |l| {
        l["type"] == "clock.step" && l["data"]["src"] == "jump"
    })?;
    written(&mut rig)?;
    refused(&rig, long_ago, "past its day")?;
    none_deleted(&rig, "a day behind");
    // What is not past its day can be had all the same: only deleting needs the right time.
    let pulled = rig.pull("c01", lately.0.plus_ms(500), lately.1.plus_ms(-500))?;
    rig.check_package(&pulled.package)?;

    // A year ahead: all that has a date looks due, and nobody may see any of it.
    box_clock.set(ago(-366))?;
    let doubt = wait::until("the doubt is a fault", 30, || {
        rig.town.must_run()?;
        Ok(rig.town.fault("retention.clock"))
    })?;
    assert!(
        doubt.starts_with("2 camera-days look past their day"),
        "{doubt}"
    );
    written(&mut rig)?;
    refused(&rig, lately, "past its day")?;
    none_deleted(&rig, "a year ahead");

    // Right again: the one day that is due goes, and the rest can be seen.
    box_clock.set(right)?;
    let done = deleted(&mut rig.town, old, "c01", 420)?;
    assert_eq!(done["data"]["undecryptable"], true, "{done}");
    wait::until("the doubt is over", 30, || {
        Ok(rig.town.fault("retention.clock").is_none())
    })?;
    let gone: Vec<Value> = rig.town.lines_of("del.range", None);
    assert!(
        gone.iter()
            .all(|l| l["data"]["day"] == old.to_string().as_str()),
        "{gone:?}"
    );
    let pulled = rig.pull("c01", lately.0.plus_ms(500), lately.1.plus_ms(-500))?;
    rig.check_package(&pulled.package)?;
    rig.stop_and_verify_logs()
}

/// RET-2: the sweeps of the nights when the clocks change, and of the night after: between 00:05 and 00:15 by the clock on the wall.
#[test]
fn both_nights_when_the_clocks_change() -> Done<()> {
    let clock = SetClock::at(moment("2026-09-26T12:00:00.000Z")?)?;
    let mut rig = Rig::beside(
        "deletion-nights",
        scene(),
        plan(28, &["c01"]),
        clock.env()?,
        clock.env()?,
    )?;
    // (recorded at noon of these days before, switched on at, the day due, and when)
    let nights: [(&[&str], &str, &str, &str); 3] = [
        // in October the night begins in summer time
        (
            &["2026-09-26"],
            "2026-10-24T23:04:20.000Z",
            "2026-09-26",
            "2026-10-24T23:05:00.000Z",
        ),
        // in March in winter time
        (
            &["2027-02-27", "2027-02-28"],
            "2027-03-28T00:04:20.000Z",
            "2027-02-27",
            "2027-03-28T00:05:00.000Z",
        ),
        // and the next one in summer time
        (
            &[],
            "2027-03-28T23:04:20.000Z",
            "2027-02-28",
            "2027-03-28T23:05:00.000Z",
        ),
    ];
    for (recorded, on, day, due) in nights {
        for day in recorded {
            let noon = moment(&format!("{day}T12:00:00.000Z"))?;
            wakes_up_at(&mut rig, || clock.set_to(noon))?;
            records(&mut rig.town, local_day(noon)?)?;
        }
        let (on, due) = (moment(on)?, moment(due)?);
        wakes_up_at(&mut rig, || clock.set_to(on))?;
        let day = Day::parse(day).map_err(|e| Trouble(e.to_string()))?;
        let done = deleted(&mut rig.town, day, "c01", 180)?;
        let day = day.to_string();
        let began = rig
            .town
            .lines_of("del.range", Some("c01"))
            .into_iter()
            .find(|l| l["data"]["day"] == day.as_str())
            .ok_or_else(|| Trouble(format!("no del.range of {day}")))?;
        for line in [&began, &done] {
            let t = seconds(&line["t"])?;
            assert!(
                (due.0..due.0 + 600_000).contains(&t.0),
                "{day} is due from {due} on and went at {t}"
            );
        }
    }
    rig.stop_and_verify_logs()
}

/// FLT-3, RET-2, RET-3: the disk is too small for what was promised: the oldest day goes before its time, on the record as early and
/// as a fault at once; what is held does not; the hub says in red that less was kept than promised.
#[test]
fn a_disk_that_is_too_small() -> Done<()> {
    if !disks::possible("early deletion on a real small disk") {
        return Ok(());
    }
    disks::enter()?;
    let folder_of_all = Folder::new("deletion-small")?;
    let disk = Disk::make(folder_of_all.path(), "disk-ashby", 512)?;
    let clock = SetClock::at(noon(3))?;
    let cameras = Cameras::start(scene())?;
    let mut hub = Hub::make_with(folder_of_all.path(), clock.env()?)?.started()?;
    let mut town = Town::make(folder_of_all.path(), plan(31, &["c01"])(&cameras))?;
    town.env = clock.env()?;
    let code = hub.box_add("ashby")?;
    town.enrol(&code)?.well("enrol")?;
    town.label(&disk.at)?;
    town.start()?;
    let staff = Staff::make(&hub, folder_of_all.path())?;
    let mut days = Vec::new();
    let mut held = None;
    for ago in [3, 2, 1] {
        if ago < 3 {
            town.stop()?;
            hub.stop()?;
            clock.set_to(noon(ago))?;
            hub.start()?;
            town.start()?;
        }
        let day = local_day(noon(ago))?;
        let (t0, t1) = records(&mut town, day)?;
        days.push(day);
        if ago == 3 {
            let (from, to) = (t0.plus_ms(500).to_string(), t1.plus_ms(-500).to_string());
            let words = [
                "hold",
                "add",
                "ashby/c01",
                &from,
                &to,
                "--reason",
                "Theft",
                "--authority",
                "DP/17",
                "--reference",
                "CRIME-26-000420",
            ];
            let said = staff.says(&hub, "pat", &words)?.well("hold add")?;
            town.line("what is held is copied out", 60, |l| {
                l["type"] == "hold.kept"
            })?;
            held = Some(said.out.trim().to_owned());
        }
    }
    let held = held.ok_or_else(|| Trouble::new("no hold"))?;
    // Room for recording, but for less than the fiftieth of the disk that is to be free beyond it.
    disk.fill_but(64 + 6)?;
    let done = deleted(&mut town, days[1], "c01", 120)?;
    // Its files are gone; the reader destroys no key before its day, whatever room there is.
    assert_eq!(done["data"]["undecryptable"], false, "{done}");
    let range = &town.lines_of("del.range", Some("c01"))[0];
    assert_eq!(
        (&range["data"]["rule"], &range["data"]["day"]),
        (&"early".into(), &days[1].to_string().as_str().into()),
        "the oldest that nobody holds: {range}"
    );
    let said = wait::until("that is a fault", 20, || Ok(town.fault("disk.early")))?;
    assert!(said.contains("went before their time"), "{said}");
    assert!(
        town.volume
            .join(format!("footage/{}/c01", days[0]))
            .exists(),
        "held"
    );
    assert!(!places::files_below(&disk.at.join("held").join(&held), ".mp4.age").is_empty());
    let red = wait::until("the hub says that less was kept", 60, || {
        let words = ["retention", "report", "--json"].map(std::ffi::OsStr::new);
        let report: Value = serde_json::from_str(&hub.ask(&words)?.well("report")?.out)?;
        let row = &report["cameras"][0];
        Ok((row["verdict"] == "under").then(|| row["why"].to_string()))
    })?;
    assert!(red.contains("early") || red.contains("before"), "{red}");

    // Bigger again: nothing more goes early, and the fault ends with the next sweep.
    let before = town.lines_of("del.range", None).len();
    disk.make_room()?;
    town.stop()?;
    town.start()?;
    wait::until("the fault is over", 60, || {
        town.must_run()?;
        Ok(town.status().is_some() && town.fault("disk.early").is_none())
    })?;
    assert_eq!(town.lines_of("del.range", None).len(), before);
    town.stop()?;
    hub.stop()?;
    hub.intact("log", &town.log(), false)
}
