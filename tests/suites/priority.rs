//! Task. What clips leave of a thin line, and to whom: audit before orders before clips, urgent before planned, others' TCP its part; and
//! what is thrown away when the line drops and the hub is killed.
use std::time::Duration;

use beadle_tests::{
    Done, Folder, args,
    cameras::{Cameras, Scene},
    hub::Hub,
    line::{HUB, Kind, Line},
    sharing::{asked, beside, came, countersigned, obeyed, shares, stands},
    site::Site,
    town::{Plan, Town},
};

use crate::rig;

const MBIT: f64 = 2.0;

fn thin(loss_percent: f64) -> Kind {
    Kind {
        mbit: MBIT,
        loss_percent,
        ..Kind::town(0.0)
    }
}

/// EVI-1, AUD-2: a line of 2 Mbit/s that clips fill. Heads are countersigned within 5 s, an order is obeyed within 2 s; an urgent
/// clip gets nearly all, two planned ones share, TCP beside them gets a third; one that is paused keeps what it has; over a line that drops
/// and a hub that is killed hardly a byte crosses for nothing.
#[test]
fn clips_leave_the_line_to_what_matters_more() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("priority")?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let site = Site::Beside(folder.path().into());
    let mut hub = Hub::make_at(&site, &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("thin")
        .segment_secs(3)
        .camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let segments = town.segments("street", 5, 60)?;
    let at = |n: usize, key: &str| {
        let text = segments[n]["data"][key].as_str();
        text.unwrap_or_default().to_owned()
    };
    let span = |a: usize, b: usize| (at(a, "t0"), at(b, "t1"));
    line.set(thin(0.0));
    let (all, one) = (span(0, 4), span(2, 2));
    let (all, one) = ((&*all.0, &*all.1), (&*one.0, &*one.1));
    let planned = asked(&hub, "thin/street", all, false)?;
    stands(&hub, &planned, 30, |c| c["bytes"].as_u64() > Some(100_000))?;

    let audit = countersigned(&town, Duration::from_secs(3))?;
    let order = obeyed(&hub, "thin/street", one)?;
    println!("    countersigned in {audit:?}, obeyed in {order:?}");
    assert!(audit < Duration::from_secs(5), "{audit:?}");
    assert!(order < Duration::from_secs(2), "{order:?}");

    let second = asked(&hub, "thin/street", all, false)?;
    stands(&hub, &second, 30, |c| c["bytes"].as_u64() > Some(0))?;
    let (a, b) = shares(&hub, (&*planned, &*second), Duration::from_secs(2))?;
    println!("    two planned: {a} and {b} bytes");
    assert!(a > 0 && b > 0 && a < 4 * b && b < 4 * a, "{a} {b}");
    let tcp = beside(&line, 400_000)?;
    println!("    TCP beside them: {tcp:.2} of {MBIT} Mbit/s");
    assert!(tcp >= MBIT / 3.0, "{tcp}");

    let three = span(1, 3);
    let urgent = asked(&hub, "thin/street", (&*three.0, &*three.1), true)?;
    stands(&hub, &urgent, 30, |c| c["bytes"].as_u64() > Some(0))?;
    let (a, u) = shares(&hub, (&*planned, &*urgent), Duration::from_secs(1))?;
    println!("    urgent beside planned: {u} and {a} bytes");
    assert!(u > 9 * a, "{u} {a}");
    let waits = |c: &serde_json::Value| c["reasons"][0]["code"] == "urgent-first";
    stands(&hub, &second, 10, waits)?;

    // Somebody has it wait; the planned ones go on, and it goes on where it stands.
    hub.ask(args!["clip", "pause", urgent])?
        .well("clip pause")?;
    let paused = stands(&hub, &urgent, 10, |c| c["reasons"][0]["code"] == "paused")?;
    let before = came(&hub, &planned)?;
    stands(&hub, &planned, 20, |c| c["bytes"].as_u64() > Some(before))?;
    let each = |word: &str| -> Done<()> {
        for exhibit in [&planned, &second] {
            hub.ask(args!["clip", word, exhibit])?.well(word)?;
        }
        Ok(())
    };
    each("pause")?;
    line.set(Kind::town(0.0));
    hub.ask(args!["clip", "resume", urgent])?
        .well("clip resume")?;
    let ready = stands(&hub, &urgent, 60, |c| c["state"] == "Ready")?;
    assert!(ready["crossed"].as_u64() >= paused["bytes"].as_u64());

    // The line goes away for a moment, twice, and the hub for longer.
    line.set(thin(0.0));
    each("resume")?;
    for _ in 0..2 {
        line.set(thin(100.0));
        std::thread::sleep(Duration::from_millis(700));
        line.set(thin(0.0));
        std::thread::sleep(Duration::from_millis(800));
    }
    hub.kill9()?;
    line.set(Kind::town(0.0));
    line.at_hub(|| hub.start())?;
    for exhibit in [&planned, &second] {
        let ready = stands(&hub, exhibit, 60, |c| c["state"] == "Ready")?;
        let (crossed, kept) = (ready["crossed"].as_u64(), ready["kept"].as_u64());
        let (crossed, kept) = (crossed.unwrap_or(0), kept.unwrap_or(0));
        println!("    {exhibit}: {crossed} bytes crossed, {kept} are kept");
        assert!(
            kept > 0 && (crossed - kept) * 100 <= kept,
            "{crossed} {kept}"
        );
    }
    Ok(())
}
