//! Task. Footage watched in a real browser: two cameras on one clock as they arrive from a box, frame by frame over a join, over a gap, and a
//! clip out of its package; all of it by the keyboard.
use beadle_tests::{
    Done, Told, Trouble, browser::Browser, cameras::Scene, places::files_below, staff::Staff,
    town::Plan, wait,
};
use serde_json::Value;
use shared::time::Utc;

use crate::{
    pages,
    rig::{Rig, seconds},
};

const PEOPLE: [(&str, &str); 1] = [("kim", "supervisor")];
/// When each picture that is shown was taken, in ms.
const SHOWN: &str =
    "[...document.querySelectorAll('.film .picture')].map(p => Number(p.dataset.at || 0))";

fn numbers(value: &Value) -> Vec<i64> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_f64).map(|n| n as i64).collect()
}

/// Says why, on the page that asks, and waits for the player.
fn begins(browser: &mut Browser, url: &str) -> Done<()> {
    browser.goto(url)?;
    browser.until(
        "a purpose is asked for",
        20,
        "document.getElementById('purpose') != null",
    )?;
    if browser.eval("document.querySelector('video') != null")? != false {
        return Err(Trouble::new("a player is shown before a purpose was given"));
    }
    browser.submit(&[
        ("purpose", "Theft from a shop"),
        ("reference", "CRIME-26-000731"),
    ])?;
    browser.until(
        "the player is there",
        30,
        "document.querySelector('.deck:not([hidden])') != null",
    )
}

/// One frame on or back by the key; when the picture that is shown then was taken.
fn step(browser: &mut Browser, key: &str) -> Done<i64> {
    let before = numbers(&browser.eval(SHOWN)?);
    browser.press(key)?;
    browser.until(
        "another picture is shown",
        10,
        &format!("{SHOWN}[0] != {}", before[0]),
    )?;
    Ok(numbers(&browser.eval(SHOWN)?)[0])
}

fn lines(rig: &Rig, kind: &str) -> usize {
    let log = files_below(&rig.hub.own_log(), ".jsonl");
    let text = log.iter().filter_map(|f| std::fs::read_to_string(f).ok());
    let kind = format!("\"{kind}\"");
    text.map(|t| t.lines().filter(|l| l.contains(&kind)).count())
        .sum()
}

/// EVI-1, REC-4, AUD-1, UI-1: two cameras are watched as they arrive from the box, in step, each picture with the time that the recorder gave it; one steps
/// frame by frame over the join of two segments, and back; a gap is drawn, and hopped with how long it is; what is marked can be asked for. A clip
/// plays out of its package the same way. Each watching is on the log before its first picture; axe-core finds no barrier.
#[test]
fn cameras_are_watched_on_one_clock() -> Done<()> {
    let scene = Scene::new().street_low("/ashby/c01").marked("/ashby/c02");
    let plan = |cameras: &beadle_tests::cameras::Cameras| {
        Plan::new("ashby")
            .segment_secs(4)
            .camera("c01", cameras.url("/ashby/c01"))
            .camera("c02", cameras.url("/ashby/c02"))
            .mask("m1", crate::rig::MASK)
    };
    let mut rig = Rig::beside("watch", scene, plan, Vec::new(), Vec::new())?;
    let staff = Staff::of(&rig.hub, rig.folder.path(), &PEOPLE)?;
    rig.town.segments("c01", 3, 60)?;
    rig.town.segments("c02", 3, 60)?;
    let home = format!("https://127.0.0.1:{}", rig.hub.https);
    let mut browser = Browser::open(rig.folder.path())?;
    browser.size(1280, 800)?;
    let password = std::fs::read_to_string(staff.file("kim")?).told("kim")?;
    pages::signed_in(&mut browser, &home, "kim", password.trim())?;

    // Two cameras, over a join of the first one's segments that lies where both are recorded: what paints takes a while to begin.
    let begun = seconds(&rig.town.lines_of("seg.write", Some("c02"))[0]["data"]["t0"])?;
    let join = wait::until("a join where both are recorded", 60, || {
        let all = rig.town.lines_of("seg.write", Some("c01"));
        let all = all.iter().filter_map(|l| seconds(&l["data"]["t0"]).ok());
        Ok(all
            .min_by_key(|t| (t.0 < begun.0 + 3_000, t.0))
            .filter(|t| t.0 >= begun.0 + 3_000))
    })?;
    let (from, to) = (Utc(join.0 - 2_500), Utc(join.0 + 2_500));
    begins(
        &mut browser,
        &format!("{home}/watch?cam=ashby%2Fc01&cam=ashby%2Fc02&from={from}&to={to}"),
    )?;
    assert_eq!(lines(&rig, "acc.look"), 2);
    browser.until(
        "both play",
        30,
        &format!(
            "{SHOWN}.length == 2 && {SHOWN}.every(at => at > {})",
            from.0 + 300
        ),
    )?;
    let apart = browser.eval(&format!(
        "(async () => {{ const all = []; for (let n = 0; n < 12; n += 1) {{ await new Promise(r => setTimeout(r, 100)); const [a, b] = {SHOWN}; all.push(Math.abs(a - b)); }} return all.sort((a, b) => a - b); }})()"
    ))?;
    let apart = numbers(&apart);
    println!(
        "    in step: {} ms in the middle, {} at most",
        apart[6], apart[11]
    );
    assert!(apart[6] <= 200, "{apart:?}");
    browser.until(
        "all of it was watched, and the page says so",
        30,
        "document.querySelector('.said').textContent.includes('end of the span')",
    )?;

    // Frame by frame over the join.
    let clock = Utc(join.0 - 1_000).to_string();
    let typed = clock.get(11..19).unwrap_or_default().to_owned();
    browser.eval(&format!(
        "document.getElementById('goto').value = '{typed}'; document.querySelector('.goto button').click(); document.querySelector('.deck').focus(); true"
    ))?;
    browser.until(
        "it is there",
        10,
        &format!(
            "(at => at > {} && at < {})({SHOWN}[0])",
            join.0 - 2_100,
            join.0 + 10
        ),
    )?;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|at| *at < join.0 + 200) && seen.len() < 70 {
        seen.push(step(&mut browser, "ArrowRight")?);
    }
    let steps: Vec<i64> = seen.windows(2).map(|w| w[1] - w[0]).collect();
    println!(
        "    {} frames over the join, each {:?} ms after the one before",
        seen.len(),
        (steps.iter().min(), steps.iter().max())
    );
    assert!(
        seen[0] < join.0 && seen.last().is_some_and(|at| *at >= join.0),
        "{seen:?}"
    );
    assert!(
        steps.iter().all(|ms| (15..=85).contains(ms)),
        "every frame, none twice: {steps:?}"
    );
    let back = step(&mut browser, ",")?;
    assert_eq!(Some(&back), seen.get(seen.len() - 2));

    // From and to by the keys, and what they lead to.
    browser.press("i")?;
    for _ in 0..5 {
        step(&mut browser, ".")?;
    }
    browser.press("o")?;
    browser.until(
        "what is marked can be asked for",
        10,
        "(a => !a.hidden && a.getAttribute('href').startsWith('/find?cam=ashby%2Fc01&cam=ashby%2Fc02&from='))(document.querySelector('.marks a'))",
    )?;
    browser.press("l")?;
    browser.press("l")?;
    browser.until(
        "twice as fast",
        5,
        "document.querySelector('.pace').textContent.includes('2')",
    )?;
    browser.press("k")?;
    let found = pages::look(&mut browser, &pages::axe()?, "watch")?;
    assert!(found.is_empty(), "{}", found.join("\n"));

    // A gap.
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.cameras.reboot("/ashby/c01", 5.0)?;
    let segments = rig.town.segments("c01", before + 2, 60)?;
    let gaps = rig.town.lines_of("seg.gap", Some("c01"));
    let gap = gaps.last().ok_or_else(|| Trouble::new("no gap"))?;
    let (t0, t1) = (seconds(&gap["data"]["t0"])?, seconds(&gap["data"]["t1"])?);
    let end = segments.last().map(|s| seconds(&s["data"]["t1"]));
    let end = end.transpose()?.unwrap_or(t1);
    let (from, to) = (Utc(t0.0 - 1_500), Utc(end.0.min(t1.0 + 1_500)));
    begins(
        &mut browser,
        &format!("{home}/watch?cam=ashby%2Fc01&from={from}&to={to}"),
    )?;
    browser.until(
        "the gap is hopped, and said",
        30,
        &format!(
            "document.querySelector('.said').textContent.includes('Hopped') && {SHOWN}[0] >= {}",
            t1.0 - 50
        ),
    )?;
    browser.until(
        "and drawn",
        5,
        "document.querySelector('.deck svg .gap') != null",
    )?;

    // A clip that is here already.
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let from = seconds(&segments[0]["data"]["t0"])?;
    let clip = rig.pull("c01", from, Utc(from.0 + 3_000))?.exhibit;
    begins(&mut browser, &format!("{home}/watch?exhibit={clip}"))?;
    browser.until(
        "it plays out of its package",
        30,
        &format!(
            "{SHOWN}[0] >= {} && document.querySelector('.kind').textContent.includes('masters')",
            from.0 + 500
        ),
    )?;
    assert_eq!((lines(&rig, "acc.look"), lines(&rig, "acc.view")), (3, 1));
    Ok(())
}
