//! Wiring. How soon footage is seen over a line, and for how many bytes.
//!
//! `link.first`: from asking for twenty seconds out of the middle of a minute until the first whole picture is at whoever watches, on a
//! line of 20 Mbit/s and 40 ms there and back; `.far`: 200 ms, and 2 packets lost of a hundred. `link.fetched`: bytes that the line carried, all
//! that carries them counted, until the twenty seconds were there, by the bytes of their own frames. Medians of three.
use std::thread;

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, Scene},
    figure::Figure,
    hub::{Hub, time},
    line::{HUB, Kind, Line},
    looking::{first, look},
    pages::Person,
    site::Site,
    staff::Staff,
    town::{Plan, Town},
};

const RUNS: usize = 3;

pub fn looks(_: u64) -> Done<Vec<Figure>> {
    // The line is its thread's for good.
    let work = thread::spawn(on_line);
    work.join()
        .map_err(|_| Trouble::new("link.first ended in the middle"))?
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn on_line() -> Done<Vec<Figure>> {
    let folder = Folder::new("link-first")?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let site = Site::Beside(folder.path().into());
    let mut hub = Hub::make_at(&site, &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("look").camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let staff = Staff::of(&hub, folder.path(), &[("pat", "operator")])?;
    let password = std::fs::read_to_string(staff.file("pat")?).told("pat's password")?;
    let pat = line.at_hub(|| {
        let address = HUB.to_string();
        Person::sign_in_at(&hub, &address, folder.path(), ("pat", password.trim()))
    })?;
    // The first may be cut short by its start.
    let segment = town.segments("street", 2, 180)?.remove(1);
    let t0 = time(&segment["data"]["t0"])?;
    let span = (t0.plus_ms(20_300), t0.plus_ms(40_300));
    let (mut near, mut bytes, mut far) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let seen = look(&line, &pat, "look/street", span)?;
        near.push(seen.first.as_secs_f64());
        bytes.push(seen.ratio());
        eprintln!(
            "  run {run}: first picture after {:?}, {:.3} bytes a byte",
            seen.first,
            seen.ratio()
        );
    }
    line.set(Kind {
        delay_ms: 100.0,
        loss_percent: 2.0,
        ..Kind::town(0.0)
    });
    for run in 1..=RUNS {
        let seen = first(&line, &pat, "look/street", span)?;
        far.push(seen.as_secs_f64());
        eprintln!("  run {run}, far: first picture after {seen:?}");
    }
    town.stop()?;
    let secs = "s to the first picture";
    Ok(vec![
        Figure::new("link.first", "", median(near), secs).at_most(1.0),
        Figure::new("link.first", ".far", median(far), secs).at_most(2.0),
        Figure::new("link.fetched", "", median(bytes), "bytes a byte asked for").at_most(1.15),
    ])
}
