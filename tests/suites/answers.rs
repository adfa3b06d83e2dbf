//! Task. Hostile cameras, whose answers do not end or lead astray: what they can make the box hold, and what it says of them.
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    endless::{Answer, Camera},
    hub::Hub,
    measure,
    town::{Plan, Town},
    wait::{self, Look},
};

use crate::rig;

/// All of them together, each several times over.
const ALLOWED_MIB: f64 = 32.0;

/// V17, REC-1, REC-6, FLT-3: an answer without an end, before a camera plays, while it does or when it is left, within the connection or beside its
/// pictures, byte by byte, of 200,000 streams, to an address at which nobody is, or one that asks for the password in Basic,
/// costs the box a few MiB and the camera its session, with a fault that says what it was; no password is told, and the others lose nothing.
#[test]
fn answers_without_an_end_cost_their_camera_only() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("answers")?;
    let cameras = Cameras::start(Scene::new().street_low("/a/quiet"))?;
    let hostile = [
        ("lines", Answer::Lines, "camera.answer", "head is longer"),
        ("line", Answer::Line, "camera.answer", "head is longer"),
        ("body", Answer::Body, "camera.answer", "body is longer"),
        (
            "announced",
            Answer::Announced,
            "camera.answer",
            "body is longer",
        ),
        (
            "later",
            Answer::LinesLater,
            "camera.flood",
            "between its pictures",
        ),
        (
            "beside",
            Answer::LinesBeside,
            "camera.flood",
            "between its pictures",
        ),
        ("goodbye", Answer::Goodbye, "camera.stalled", "no picture"),
        ("refusal", Answer::Refusal, "camera.breaks", "PLAY"),
        (
            "streams",
            Answer::Streams,
            "camera.answer",
            "body is longer",
        ),
        (
            "elsewhere",
            Answer::Elsewhere,
            "camera.unreachable",
            "sends on to another address of its own, 127.0.0.1:1",
        ),
        (
            "drip",
            Answer::Drip,
            "camera.unreachable",
            "no answer within",
        ),
        ("basic", Answer::Basic, "camera.password", "refuses"),
        // Nothing tells such pictures from others but a decoder, which only a mask needs.
        ("noise", Answer::Noise, "", ""),
    ];
    let mut plan = Plan::new("answers")
        .segment_secs(6)
        .camera("quiet", cameras.url("/a/quiet"));
    let mut all = Vec::new();
    for (name, answer, ..) in hostile {
        let camera = Camera::start(answer)?;
        plan = plan.camera(name, &camera.url());
        match answer {
            Answer::LinesBeside => plan = plan.udp(),
            Answer::Basic => plan = plan.login("beadle", "TopSecretCam"),
            _ => {}
        }
        all.push(camera);
    }
    let mut hub = Hub::make(folder.path())?.started()?;
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    let pid = town.recorder.as_ref().map_or(0, |p| p.pid());
    let stop = AtomicBool::new(false);
    let most = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut sizes = Vec::new();
            while !stop.load(Relaxed) {
                sizes.push(measure::cost(pid).map_or(0.0, |c| c.rss_mib));
                thread::sleep(Duration::from_millis(20));
            }
            sizes
        });
        let seen = (|| {
            for (name, _, code, words) in hostile.into_iter().filter(|h| !h.2.is_empty()) {
                wait::until(&format!("{code} of {name}"), 60, || {
                    town.must_run()?;
                    let now = town.status().unwrap_or_default();
                    let faults = now["faults"].as_array().map_or(&[][..], Vec::as_slice);
                    let mut own = faults.iter().filter(|f| f["cam"] == name);
                    let said = own.any(|f| {
                        let detail = f["detail"].as_str().unwrap_or_default();
                        f["code"] == code && detail.contains(words)
                    });
                    Ok(if said {
                        Look::Yes(())
                    } else {
                        Look::NotYet(now["faults"].to_string())
                    })
                })?;
            }
            wait::until("each is tried again", 60, || {
                // Where the password is refused seldom, so that no account is locked; and one of them plays.
                let mut often = all.iter().zip(hostile);
                Ok(often
                    .all(|(c, h)| c.opened() >= 3 || matches!(h.1, Answer::Basic | Answer::Noise)))
            })?;
            assert!(!all.iter().any(Camera::was_told), "a password in Basic");
            town.segments("noise", 2, 60)?;
            town.segments("quiet", 3, 60).map(drop)
        })();
        stop.store(true, Relaxed);
        seen.and_then(|()| watch.join().map_err(|_| Trouble::new("the watch failed")))
    })?;
    let least = most
        .iter()
        .copied()
        .filter(|s| *s > 0.0)
        .fold(f64::MAX, f64::min);
    let most = most.iter().copied().fold(0.0, f64::max);
    println!("    memory: from {least:.0} to {most:.0} MiB");
    assert!(
        most - least <= ALLOWED_MIB,
        "{least:.0} MiB grew to {most:.0} MiB"
    );
    assert_eq!(
        town.lines_of("seg.gap", Some("quiet")),
        Vec::<serde_json::Value>::new()
    );
    for line in town.lines_of("seg.write", Some("quiet")) {
        assert_eq!(line["data"]["lost"].as_u64().unwrap_or(0), 0, "{line}");
    }
    Ok(())
}
