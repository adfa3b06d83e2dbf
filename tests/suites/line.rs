//! Task. Clips over lines as towns have them: 20 Mbit/s that lose packets nobody had to lose.
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

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
    let (ours, pulled) = rate(&line, || {
        hub.pull("line/street", &at(0, "t0"), &at(3, "t1"))
    })?;
    assert!(pulled.said.out.contains("INTACT"), "{:?}", pulled.said);
    let tcp = |bytes: usize, control: &str| -> Done<f64> {
        Ok(bytes as f64 * 8e-6 / line.tcp(bytes, control)?.as_secs_f64())
    };
    let (bbr, cubic) = (tcp(BBR_BYTES, "bbr")?, tcp(CUBIC_BYTES, "cubic")?);
    println!("    2 % lost: {ours:.1} Mbit/s; TCP BBR {bbr:.1}, CUBIC {cubic:.1}");
    assert!(
        ours >= 0.85 * bbr && ours >= 4.0 * cubic,
        "{ours} {bbr} {cubic}"
    );
    Ok(())
}

/// Mbit/s while the middle nine tenths of what the work sends cross the line.
fn rate<T: Send>(line: &Line, work: impl FnOnce() -> Done<T> + Send) -> Done<(f64, T)> {
    let over = AtomicBool::new(false);
    let (before, began) = (line.carried(), Instant::now());
    let (done, looks) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut looks = Vec::new();
            while !over.load(Relaxed) {
                looks.push((began.elapsed().as_secs_f64(), line.carried() - before));
                thread::sleep(Duration::from_millis(20));
            }
            looks
        });
        let done = work();
        over.store(true, Relaxed);
        (done, watch.join())
    });
    let looks = looks.map_err(|_| Trouble::new("the watch failed"))?;
    let all = looks.last().map_or(0, |(_, bytes)| *bytes);
    let when = |part: u64| looks.iter().find(|(_, bytes)| *bytes * 20 >= all * part);
    let (Some(first), Some(last)) = (when(1), when(19)) else {
        return Err(Trouble::new("nothing crossed the line"));
    };
    let mbit = (last.1 - first.1) as f64 * 8e-6 / (last.0 - first.0).max(0.001);
    Ok((mbit, done?))
}
