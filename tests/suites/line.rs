//! Task. Clips over lines as towns have them: 20 Mbit/s with and without loss, and a telephone network.
use std::time::Instant;

use beadle_tests::{
    Done, Folder,
    cameras::{Cameras, Scene},
    hub::Hub,
    line::{HUB, Kind, Line},
    site::Site,
    town::{Plan, Town},
};

use crate::rig;

/// EVI-1: a clip crosses a line that loses packets nearly as fast as one that does not.
#[test]
fn clips_cross_lines_that_lose() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("line")?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let mut hub = Hub::make_at(
        &Site::Beside(folder.path().into()),
        &HUB.to_string(),
        Vec::new(),
    )?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("line")
        .segment_secs(10)
        .camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let segments = town.segments("street", 4, 90)?;
    let at = |n: usize, key: &str| {
        segments[n]["data"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for (name, kind) in [
        ("clean", Kind::town(0.0)),
        ("0.5 %", Kind::town(0.5)),
        ("2 %", Kind::town(2.0)),
        ("mobile", Kind::MOBILE),
    ] {
        line.set(kind);
        let (began, before) = (Instant::now(), line.carried());
        let pulled = hub.pull("line/street", &at(0, "t0"), &at(3, "t1"))?;
        let took = began.elapsed().as_secs_f64();
        let carried = line.carried() - before;
        println!(
            "    {name}: {carried} bytes in {took:.1} s: {:.2} Mbit/s",
            carried as f64 * 8e-6 / took
        );
        for control in ["bbr", "cubic"] {
            let took = line
                .tcp(usize::try_from(carried).unwrap_or(0), control)?
                .as_secs_f64();
            println!(
                "    {name}: {control} {:.2} Mbit/s",
                carried as f64 * 8e-6 / took
            );
        }
        println!("{}", pulled.said.out.lines().last().unwrap_or_default());
    }
    Ok(())
}
