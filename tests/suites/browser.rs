//! Task. The hub's page as staff see it, in a real browser: sign in, look, say why, watch.

use beadle_tests::{Done, Folder, Told, Trouble, browser::Browser, hub::Hub};
use shared::time::Utc;

use crate::rig::{Rig, seconds};

const TEXT: &str = "document.body.innerText";

/// EVI-1, SEC-1, AUD-1: nothing without signing in, no picture without a purpose on the record; then the H.264 working copy plays.
/// An H.265 one, which most browsers cannot play, is said to be so and can be saved.
#[test]
fn staff_watch_a_clip() -> Done<()> {
    let mut rig = Rig::new("browser", 10)?;
    rig.town.segments("c01", 2, 60)?;
    rig.town.segments("c02", 2, 60)?;
    let mut clips = Vec::new();
    for cam in ["c01", "c02"] {
        let segments = rig.town.lines_of("seg.write", Some(cam));
        let from = seconds(&segments[0]["data"]["t0"])?;
        clips.push(rig.pull(cam, from, Utc(from.0 + 8_000))?.exhibit);
    }
    let home = format!("https://127.0.0.1:{}", rig.hub.https);
    let mut browser = Browser::open(rig.folder.path())?;

    // EVI-2: whoever checks evidence finds the page for it without signing in, and it runs as it is served.
    browser.goto(&format!("{home}/proof/verify.html"))?;
    browser.until(
        "the page that checks is there, with its script and its style",
        20,
        "typeof judge == 'function' && getComputedStyle(document.getElementById('drop')).borderTopStyle == 'dashed'",
    )?;
    browser.goto(&format!("{home}/clip/{}", clips[0]))?;
    browser.until(
        "signing in comes first",
        20,
        "location.pathname == '/sign-in'",
    )?;
    let (name, password) = rig.hub.sign_in.clone();
    browser.submit(&[("name", &name), ("password", "not the password")])?;
    browser.until(
        "a wrong password is refused",
        20,
        &format!("{TEXT}.includes('Not signed in')"),
    )?;
    browser.submit(&[("name", &name), ("password", &password)])?;
    browser.until("the first page is there", 20, "location.pathname == '/'")?;
    browser.goto(&format!("{home}/cameras"))?;
    browser.until(
        "the page of boxes and cameras shows them, and clips",
        20,
        &format!(
            "['ashby', 'Camera c01', {:?}].every(w => {TEXT}.includes(w))",
            clips[0]
        ),
    )?;

    for (clip, plays) in [(&clips[0], true), (&clips[1], false)] {
        browser.goto(&format!("{home}/clip/{clip}"))?;
        browser.until(
            "a purpose is asked for",
            20,
            "document.getElementById('purpose') != null",
        )?;
        if browser.eval("document.querySelector('video') != null")? != false {
            return Err(Trouble::new("a player is shown before a purpose was given"));
        }
        browser.submit(&[
            ("purpose", "Review of the clip"),
            ("reference", "CRIME-26-000417"),
        ])?;
        if !plays {
            browser.until(
                "H.265: said plainly",
                20,
                &format!("{TEXT}.includes('H.265') && document.querySelector('video') == null"),
            )?;
            continue;
        }
        browser.until(
            "the player is there",
            20,
            "document.querySelector('video') != null",
        )?;
        browser.eval("document.querySelector('video').muted = true; document.querySelector('video').play().then(() => true)")?;
        browser.until(
            "two seconds were played",
            60,
            "(v => v.currentTime > 2 && v.videoWidth == 1920 && v.getVideoPlaybackQuality().totalVideoFrames > 25)(document.querySelector('video'))",
        )?;
        browser.until(
            "and its last second",
            60,
            "(v => { if (v.currentTime < v.duration - 1) v.currentTime = v.duration - 1; return v.ended && v.error == null })(document.querySelector('video'))",
        )?;
    }
    let log = rig.hub.own_log();
    let viewed = beadle_tests::places::files_below(&log, ".jsonl")
        .iter()
        .filter_map(|f| std::fs::read_to_string(f).ok())
        .flat_map(|t| t.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|l| l.contains("\"acc.view\"") && l.contains("\"op:0001\""))
        .count();
    if viewed != 2 {
        return Err(Trouble(format!(
            "{viewed} viewings on the hub's record, not 2"
        )));
    }
    Ok(())
}

/// ROL-2: a browser makes a passkey and signs in with it: the page's own script, Chromium's own WebAuthn, the hub's own verifier. With the
/// password alone nobody is signed in any more.
#[test]
fn a_browser_makes_a_passkey() -> Done<()> {
    let folder = Folder::new("passkey")?;
    let mut hub = Hub::make(folder.path())?;
    // Passkeys are for a name; a number is none.
    let home = format!("https://localhost:{}", hub.https);
    let toml = hub.state.join("hub.toml");
    let text = std::fs::read_to_string(&toml).told(toml.display())?;
    std::fs::write(&toml, format!("{text}origin = {home:?}\n")).told(toml.display())?;
    hub.start()?;
    let (name, password) = hub.sign_in.clone();
    let mut browser = Browser::open(folder.path())?;
    browser.key()?;
    let sign_in = |browser: &mut Browser| {
        browser.goto(&format!("{home}/sign-in"))?;
        browser.submit(&[("name", &name), ("password", &password)])
    };
    let inside = "document.querySelector('form[action=\"/sign-out\"]') != null";
    sign_in(&mut browser)?;
    browser.until("signed in by the password", 20, inside)?;
    browser.goto(&format!("{home}/account"))?;
    browser.submit(&[("key-label", "Siân's key"), ("key-password", &password)])?;
    browser.until(
        "the passkey is made and kept",
        20,
        &format!("{TEXT}.includes(\"Siân's key\") && {inside}"),
    )?;
    browser.eval("document.querySelector('form[action=\"/sign-out\"]').requestSubmit(); true")?;
    browser.until("signed out", 20, "location.pathname == '/sign-in'")?;

    sign_in(&mut browser)?;
    browser.until(
        "the passkey is asked for",
        20,
        "document.querySelector('form[data-passkey=\"get\"]') != null",
    )?;
    browser.goto(&format!("{home}/"))?;
    browser.until(
        "a password alone opens nothing",
        20,
        "location.pathname == '/sign-in'",
    )?;
    sign_in(&mut browser)?;
    let form = "document.querySelector('form[data-passkey]')";
    browser.until(
        "the passkey is asked for again",
        20,
        &format!("{form} != null"),
    )?;
    browser.eval(&format!("{form}.requestSubmit(); true"))?;
    browser.until("signed in by the passkey", 20, inside)?;
    hub.stop()?;
    let lines: Vec<String> = beadle_tests::places::files_below(&hub.own_log(), ".jsonl")
        .iter()
        .filter_map(|f| std::fs::read_to_string(f).ok())
        .flat_map(|t| t.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let with = |part: &str| lines.iter().filter(|l| l.contains(part)).count();
    assert_eq!(with("\"password+passkey\""), 1);
    hub.intact("log", &hub.own_log(), false)
}
