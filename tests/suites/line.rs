//! Task. Clips over lines as towns have them: 20 Mbit/s that lose packets nobody had to lose.
use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    hub::Hub,
    line::{HUB, Kind, Line},
    site::Site,
    town::{Plan, Town},
};

use crate::rig;

/// What CUBIC is given to carry: at two packets lost of a hundred it would take a minute for a clip.
const CUBIC_BYTES: usize = 4 << 20;
const BBR_BYTES: usize = 8 << 20;

/// EVI-1: a clip crosses a line that loses two packets of a hundred nearly as fast as TCP with BBR does, and four times as fast as with
/// CUBIC.
#[test]
fn clips_cross_lines_that_lose() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("line")?;
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street("/a/street"))?;
    let site = Site::Beside(folder.path().into());
    let mut hub = Hub::make_at(&site, &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("line")
        .segment_secs(6)
        .camera("street", cameras.url("/a/street"));
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let segments = town.segments("street", 4, 60)?;
    let at = |n: usize, key: &str| {
        segments[n]["data"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    line.set(Kind::town(2.0));
    let (ours, pulled) = line.rate(|| hub.pull("line/street", &at(0, "t0"), &at(3, "t1")))?;
    assert!(pulled.said.out.contains("INTACT"), "{:?}", pulled.said);
    let tcp = |bytes, control| Ok::<_, Trouble>(line.rate(|| line.tcp(bytes, control))?.0);
    let (bbr, cubic) = (tcp(BBR_BYTES, "bbr")?, tcp(CUBIC_BYTES, "cubic")?);
    println!("    2 % lost: {ours:.1} Mbit/s; TCP BBR {bbr:.1}, CUBIC {cubic:.1}");
    assert!(
        // Beside other suites; alone it is more (bench `link.loss.2`).
        ours >= 0.8 * bbr && ours >= 4.0 * cubic,
        "{ours} {bbr} {cubic}"
    );
    Ok(())
}
