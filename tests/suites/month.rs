//! Task. A month of a scheme on real parts, in a minute: two owners, a box of each, forty requests of every class, refusals, a box that is away, a hold
//! about to end, acts of two asked of one, a contractor who tries every door. At its end the logs are intact and everything adds up.
//!
//! Hub and boxes are stopped between days, and go on at a later one (libfaketime).

use std::{collections::BTreeMap, path::Path};

use beadle_tests::{Done, Told, Trouble, args, hub, places, program, wait};
use serde_json::{Value, json};
use shared::time::Day;

use doors::every_door;
use scheme::{DAY_MS, Fate, Handled, Month, Request, clock_of};

mod doors;
mod scheme;

const REQUESTS: usize = 40;
/// How many of them are made on which day of the month.
const DAYS: [(i32, usize); 3] = [(3, 22), (12, 14), (25, 4)];

/// What two people have to do is refused to one, each of the three kinds, and done by two.
fn two_people(month: &mut Month, hold: &str, exhibit: &str) -> Done<()> {
    let (from, to) = month.span("ashby/c01")?;
    let (kim, dee) = (month.by("kim"), month.by("dee"));
    let own = kim.post(
        "/requests",
        json!({
            "class": "media", "cameras": ["ashby/c01"], "from": from.to_string(), "to": to.to_string(),
            "purpose": "Purpose of her own", "reference": "CRIME-own", "requester": "Requester no 99",
        }),
    )?;
    let own = own["request"].as_str().unwrap_or_default();
    kim.post(&format!("/requests/{own}/submit"), json!({}))?;
    kim.ask(&format!("/requests/{own}/authorise"), Some(&json!({})))?
        .refused("kim authorises her own")?;
    dee.post(&format!("/requests/{own}/refuse"), json!({"why": "others"}))?;

    let reason = json!({"reason": "not needed"});
    kim.post(&format!("/holds/{hold}/release"), reason.clone())?;
    kim.ask(&format!("/holds/{hold}/approve"), Some(&json!({})))?
        .refused("kim approves her own release")?;
    dee.post(&format!("/holds/{hold}/approve"), json!({}))?;

    kim.post(&format!("/evidence/{exhibit}/dispose"), reason)?;
    kim.ask(&format!("/evidence/{exhibit}/approve"), Some(&json!({})))?
        .refused("kim approves her own disposal")?;
    let gone = dee.post(&format!("/evidence/{exhibit}/approve"), json!({}))?;
    assert_eq!(gone["state"], "Disposed", "{gone}");
    Ok(())
}

/// What acts.py, which shares nothing with the hub, says of its log.
fn acts(month: &Month, words: &[&str]) -> Done<String> {
    let script = places::root().join("docs/verify/acts.py");
    let log = month.hub.own_log();
    let mut all = args![script, words[0], log].to_vec();
    all.extend(words[1..].iter().map(std::ffi::OsStr::new));
    Ok(program::run(Path::new("python3"), &all)?
        .well("acts.py")?
        .out)
}

/// Every request and exhibit stands in the rows as the log adds up to it, and as this test left it.
fn adds_up(month: &Month, requests: &[Request]) -> Done<()> {
    let counted: Value = serde_json::from_str(&acts(month, &["exhibits"])?)?;
    assert_eq!(counted["wrong"], json!([]));
    let rows = month.by("dee").all("/requests")?;
    // And the one that kim tried alone.
    assert_eq!(rows.len(), REQUESTS + 1);
    let mut fates = BTreeMap::new();
    for row in &rows {
        let name = row["request"].as_str().unwrap_or_default();
        assert_eq!(counted["requests"][name]["state"], row["state"], "{row}");
        let planned = requests.iter().find(|r| r.name == name);
        let Some(planned) = planned else { continue };
        *fates.entry(planned.fate).or_insert(0) += 1;
        let state = match planned.fate {
            Fate::Collected => "Closed",
            Fate::Kept => "Ready",
            Fate::Refused => "Refused",
            Fate::Mistake | Fate::Forgotten => "Cancelled",
            Fate::Nothing => "Draft",
        };
        // What was disposed of may have closed its request.
        let closed = planned.n == 0 && row["state"] == "Closed";
        assert!(row["state"] == state || closed, "{:?}: {row}", planned.fate);
    }
    assert_eq!(fates.len(), 6, "{fates:?}");
    let exhibits = counted["exhibits"].as_object().cloned().unwrap_or_default();
    let clips = month.by("dee").all("/clips")?;
    assert_eq!(clips.len(), exhibits.len());
    let wanted: usize = requests
        .iter()
        .filter(|r| r.fetched())
        .map(|r| r.cameras.len())
        .sum();
    assert_eq!(exhibits.len(), wanted);
    let mut gone = 0;
    for row in &clips {
        let name = row["ref"].as_str().unwrap_or_default();
        let of = &exhibits[name];
        let (made, lost) = (of["made"].is_u64(), of["gone"].is_u64());
        assert!(made, "{row}");
        assert_eq!(lost, row["state"] == "Disposed", "{row}");
        gone += usize::from(lost);
        let done = month.tally.get(name);
        let seen = Handled {
            views: of["views"].as_u64().unwrap_or_default(),
            saves: of["saves"].as_u64().unwrap_or_default(),
        };
        assert_eq!(Some(&seen), done, "{name}");
    }
    assert_eq!(gone, 1);
    Ok(())
}

/// AUD-1, AUD-2, AUD-5, AUD-6, EVI-6, ROL-1, ROL-2, ROL-4, ROL-5.
#[test]
fn everything_adds_up() -> Done<()> {
    let mut month = Month::new()?;
    month.staff()?;
    let mut requests: Vec<Request> = (0..REQUESTS).map(Request::planned).collect();
    let (mut done, mut hold, mut short) = (0, String::new(), String::new());
    for (stage, (day, count)) in DAYS.into_iter().enumerate() {
        let away = stage == 1;
        if stage > 0 {
            month.goes_on(day, !away)?;
        }
        month.sign_in(&["pat", "bea", "kim", "dee"])?;
        let all = ["ashby/c01", "ashby/c02", "brook/c01"];
        month.recorded(if away { &all[..2] } else { &all })?;
        for request in &mut requests[done..done + count] {
            month.ask(request)?;
        }
        done += count;
        // Those of a box that is away wait for it.
        let (waiting, there): (Vec<_>, Vec<_>) = requests[done - count..done]
            .iter()
            .filter(|r| r.fetched())
            .partition(|r| away && r.is_brooks());
        month.collect(&there)?;
        match stage {
            0 => {
                let (t0, t1) = month.span("ashby/c02")?;
                let add = |days: u32| {
                    json!({
                        "box": "ashby", "cam": "c02", "t0": t0.to_string(), "t1": t1.to_string(), "until": null, "days": days, "review": null,
                        "reason": "Purpose of a hold", "authority": "PACE s19", "reference": "CRIME-hold",
                    })
                };
                let placed = |days| {
                    let row = month.by("pat").post("/holds", add(days))?;
                    Ok::<_, Trouble>(row["hold"].as_str().unwrap_or_default().to_owned())
                };
                (hold, short) = (placed(50)?, placed(26)?);
                // ROL-4: each owner's operator sees what is theirs.
                let bea = month.by("bea");
                let theirs = bea.all("/requests")?;
                assert!(
                    !theirs.is_empty()
                        && theirs
                            .iter()
                            .all(|r| r["cameras"][0]["camera"] == "brook/c01")
                );
                let foreign = month.exhibit_of(&requests[0])?;
                bea.ask(&format!("/clips/{foreign}"), None)?
                    .refused("another owner's")?;
            }
            1 => {
                let rows = month.by("bea").all("/requests")?;
                for r in &waiting {
                    let row = rows.iter().find(|row| row["request"] == r.name.as_str());
                    assert_eq!(
                        row.map(|row| &row["state"]),
                        Some(&json!("Waiting")),
                        "{row:?}"
                    );
                }
                assert!(!waiting.is_empty());
                let disposed = month.exhibit_of(&requests[0])?;
                two_people(&mut month, &hold, &disposed)?;
                month.sign_in(&["con"])?;
                let exhibit = month.exhibit_of(&requests[1])?;
                every_door(&month, &short, &exhibit, &requests[1].name)?;
            }
            _ => {
                let back: Vec<&Request> = requests[DAYS[0].1..DAYS[0].1 + DAYS[1].1]
                    .iter()
                    .filter(|r| r.fetched() && r.is_brooks())
                    .collect();
                month.collect(&back)?;
                let row = month.by("pat").get(&format!("/holds/{short}"))?;
                let warned = row["warnings"].to_string();
                assert!(warned.contains("it ends at"), "{row}");
                let until = hub::time(&row["until"])?.plus_ms(20 * DAY_MS);
                let longer = json!({"until": until.to_string(), "reason": "the trial is later"});
                month
                    .by("pat")
                    .post(&format!("/holds/{short}/extend"), longer)?;
                let pat = month.by("pat");
                wait::until("the hold lasts", 20, || {
                    let row = pat.get(&format!("/holds/{short}"))?;
                    Ok(!row["warnings"].to_string().contains("it ends at"))
                })?;
            }
        }
    }

    // The first day of the next month, whose head draws the sample; and the second, when it can be drawn.
    month.ashby.stop()?;
    month.brook.stop()?;
    let next = month.begins.plus_days(31).to_string();
    let next = Day::parse(&format!("{}-01", &next[..7])).told("the next month")?;
    for day in [next, next.plus_days(1)] {
        month.hub.stop()?;
        month.hub.env = clock_of(day)?;
        month.hub.start()?;
    }
    month.sign_in(&["dee", "ann"])?;
    adds_up(&month, &requests)?;
    let name = month.begins.to_string()[..7].to_owned();
    let drawn = month
        .by("ann")
        .post("/log/sample", json!({"month": name, "count": 12}))?;
    let rows = drawn["rows"].as_array().cloned().unwrap_or_default();
    let hubs: Vec<String> = rows.iter().map(|row| row["n"].to_string()).collect();
    let said = acts(&month, &["sample", &name, "12"])?;
    let ours: Vec<&str> = said.lines().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(
        (hubs.len(), hubs),
        (12, ours.iter().map(|n| (*n).to_owned()).collect())
    );
    let result = json!({"month": name, "count": 12, "result": "all in order"});
    month.by("ann").post("/log/review", result)?;

    month.hub.stop()?;
    for log in [
        month.ashby.log(),
        month.brook.log(),
        month.hub.box_log("ashby"),
        month.hub.box_log("brook"),
        month.hub.own_log(),
    ] {
        month.hub.intact("log", &log, false)?;
    }
    Ok(())
}
