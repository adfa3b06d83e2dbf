//! Task. The hub's pages as people of each role have them, in a real browser: without barriers, light and dark, and narrow.
use std::{fs, path::Path, process::Command};

use beadle_tests::{
    Done, Told, Trouble, browser::Browser, cameras::Scene, staff::Staff, town::Plan,
};
use serde_json::Value;
use shared::time::Utc;

use crate::rig::{Rig, seconds};

/// Somebody of each role whose pages differ.
const PEOPLE: [(&str, &str); 4] = [
    ("kim", "supervisor"),
    ("ann", "auditor"),
    ("carl", "contractor"),
    ("ada", "administrator"),
];
/// What axe-core looks for: WCAG 2.2 A and AA.
const LOOK: &str = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] })\
    .then(r => r.violations.map(v => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' ; ')))";

/// The script that looks for barriers.
pub fn axe() -> Done<String> {
    let axe = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/npm/axe/axe.min.js");
    fs::read_to_string(axe).told("axe-core, which scripts/npm.sh axe fetches")
}

/// The page as it is shown now: no barrier, light or dark; nothing to the side of a narrow screen.
pub fn look(browser: &mut Browser, axe: &str, name: &str) -> Done<Vec<String>> {
    let mut found = Vec::new();
    browser.eval(&format!("{axe}; true"))?;
    for (shade, dark) in [("light", false), ("dark", true)] {
        browser.dark(dark)?;
        let all = browser.eval(LOOK)?;
        let all = all
            .as_array()
            .ok_or_else(|| Trouble::new("axe said nothing"))?;
        found.extend(all.iter().map(|v| format!("{name}, {shade}: {v}")));
        shot(browser, &format!("{name}-{shade}"))?;
    }
    browser.dark(false)?;
    browser.size(390, 844)?;
    let over = browser
        .eval("document.documentElement.scrollWidth - document.documentElement.clientWidth")?;
    if over.as_i64().is_none_or(|px| px > 0) {
        found.push(format!("{name}: {over} px too wide for a screen of 390"));
    }
    shot(browser, &format!("{name}-narrow"))?;
    browser.size(1280, 800)?;
    Ok(found)
}

/// With BEADLE_SHOTS, a picture of it in that folder.
fn shot(browser: &mut Browser, name: &str) -> Done<()> {
    let Some(folder) = std::env::var_os("BEADLE_SHOTS") else {
        return Ok(());
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).told(folder.display())?;
    let text = folder.join("picture");
    fs::write(&text, browser.picture()?).told(text.display())?;
    let to = fs::File::create(folder.join(format!("{name}.png")))?;
    let said = Command::new("base64")
        .arg("-d")
        .arg(&text)
        .stdout(to)
        .status();
    said.told("base64")?;
    Ok(())
}

pub fn signed_in(browser: &mut Browser, home: &str, name: &str, password: &str) -> Done<()> {
    browser.goto(&format!("{home}/sign-in"))?;
    browser.submit(&[("name", name), ("password", password)])?;
    browser.until(
        "signed in",
        20,
        "document.querySelector('form[action=\"/sign-out\"]') != null",
    )
}

/// EVI-1, AUD-5, UI-1: signed in, somebody finds a camera by a part of its name, marks a few seconds of it by the handles and by typing, asks once, and
/// sees it arrive without asking again.
fn asks(rig: &mut Rig, staff: &Staff, browser: &mut Browser, home: &str) -> Done<()> {
    let segments = rig.town.segments("c01", 4, 60)?;
    let from = seconds(&segments[2]["data"]["t0"])?;
    let password = fs::read_to_string(staff.file("kim")?).told("kim")?;
    signed_in(browser, home, "kim", password.trim())?;
    browser.eval("document.querySelector('.title a.button').click(); true")?;
    browser.until(
        "the way to footage",
        20,
        "location.pathname == '/find' && document.getElementById('search') != null",
    )?;
    let press = |label: &str| {
        format!(
            "[...document.querySelectorAll('main button')].find(b => b.textContent.trim() == {label:?}).click(); true"
        )
    };
    browser.eval("document.getElementById('search').value = 'ashby'; true")?;
    browser.eval(&press("Search"))?;
    browser.until(
        "it is found",
        20,
        "location.search.includes('ashby') && document.getElementById('cam-ashby/c01') != null",
    )?;
    browser.eval("document.getElementById('cam-ashby/c01').click(); true")?;
    browser.eval(&press("Show these cameras"))?;
    browser.until(
        "its day is drawn",
        20,
        "document.querySelectorAll('.lane .recorded').length > 0 && !document.querySelector('.handles').hidden",
    )?;
    // The handles say the same as the fields do.
    browser.eval("(h => { h.value = String(Number(h.min) + 3600000); h.dispatchEvent(new Event('input')) })(document.getElementById('from-at')); true")?;
    browser.until("a handle is typing too", 5, "/^01:00:00/.test(document.getElementById('from').value) && document.querySelector('.lane .marked').getAttribute('width') != null")?;
    browser.eval(&format!(
        "document.getElementById('from').value = '{from}'; document.getElementById('to').value = '{}'; true",
        Utc(from.0 + 3_000)
    ))?;
    browser.eval(&press("Mark this"))?;
    browser.until(
        "the form is there",
        20,
        "document.getElementById('purpose') != null",
    )?;
    browser.submit(&[
        ("purpose", "Theft from a shop"),
        ("reference", "CRIME-26-000512"),
        ("requester", "PC 1742 Evans"),
    ])?;
    browser.until(
        "it leads to the request",
        20,
        "location.pathname.startsWith('/requests/R-')",
    )?;
    browser.until(
        "all of it is there, and the page says so by itself",
        60,
        "document.querySelector('.progress .state').textContent.includes('ready')",
    )
}

/// UI-1, ROL-1: every page that the navigation leads somebody to, of every role, and those of a box, a camera and a clip, has no barrier that
/// axe-core finds (WCAG 2.2 AA), light or dark, and fits a screen of 390 px; it says where one is.
#[test]
fn no_page_has_a_barrier() -> Done<()> {
    let axe = axe()?;
    let scene = Scene::new().street_low("/ashby/c01").marked("/ashby/c02");
    let plan = |cameras: &beadle_tests::cameras::Cameras| {
        Plan::new("ashby")
            .segment_secs(3)
            .camera("c01", cameras.url("/ashby/c01"))
            .camera("c02", cameras.url("/ashby/c02"))
            .mask("m1", crate::rig::MASK)
    };
    let mut rig = Rig::beside("pages", scene, plan, Vec::new(), Vec::new())?;
    let staff = Staff::of(&rig.hub, rig.folder.path(), &PEOPLE)?;
    let segments = rig.town.segments("c01", 2, 60)?;
    let from = seconds(&segments[0]["data"]["t0"])?;
    let clip = rig.pull("c01", from, Utc(from.0 + 3_000))?.exhibit;
    let home = format!("https://127.0.0.1:{}", rig.hub.https);
    let mut browser = Browser::open(rig.folder.path())?;
    browser.size(1280, 800)?;

    browser.goto(&format!("{home}/sign-in"))?;
    let mut found = look(&mut browser, &axe, "sign-in")?;
    let mut seen = 0;
    for (name, role) in PEOPLE {
        let password = fs::read_to_string(staff.file(name)?).told(name)?;
        signed_in(&mut browser, &home, name, password.trim())?;
        let led = browser.eval(
            "[...document.querySelectorAll('#pages a, .who a')].map(a => a.getAttribute('href'))",
        )?;
        let led = led.as_array().cloned().unwrap_or_default();
        let mut pages: Vec<String> = led
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        if name == "kim" {
            for page in [
                "/waiting",
                "/box/ashby",
                "/footage/ashby/c01",
                "/watch?cam=ashby/c01",
            ] {
                pages.push(page.into());
            }
            pages.push(format!(
                "/find?cam=ashby%2Fc01&cam=ashby%2Fc02&from={from}&to={}",
                Utc(from.0 + 3_000)
            ));
            pages.push("/requests/R-000001".into());
            pages.push("/retention/ashby/c01".into());
            pages.push(format!("/clip/{clip}"));
            pages.push(format!("/exhibit/{clip}"));
        } else {
            // What one role has seen looks the same to the next.
            pages.retain(|p| ["/", "/staff", "/log"].contains(&p.as_str()));
        }
        for page in pages {
            browser.goto(&format!("{home}{page}"))?;
            let named = browser.eval("document.title")?;
            let here = browser.eval("[...document.querySelectorAll('#pages a[aria-current], .who a[aria-current]')].map(a => a.getAttribute('href')).join()")?;
            let led = led.iter().any(|l| *l == page.as_str());
            if led && here != page.as_str() {
                found.push(format!("{page}: the navigation marks {here}"));
            }
            if named
                .as_str()
                .is_none_or(|t| !t.ends_with("Beadle") || t.len() < 10)
            {
                found.push(format!("{page}: its title is {named}"));
            }
            let path = page.split('?').next().unwrap_or_default();
            let file = format!("{role}{}", path.replace('/', "-"));
            found.extend(look(&mut browser, &axe, &file)?);
            seen += 1;
        }
        browser
            .eval("document.querySelector('form[action=\"/sign-out\"]').requestSubmit(); true")?;
        browser.until("signed out", 20, "location.pathname == '/sign-in'")?;
    }
    asks(&mut rig, &staff, &mut browser, &home)?;
    println!("    {seen} pages, light, dark and narrow");
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}
