//! Wiring. What a camera sends lands on disk, is numbered and is in the log; a disk that fails is left for another.
use std::time::Duration;

use logbook::SystemClock;
use shared::{
    segment::SegmentName,
    time::{Clock, Utc, Zone},
};

use super::{
    fake::{FakeCamera, GOP},
    rig::{PATIENCE, cam, wait, world, world_with},
};

/// REC-1, REC-2, REC-4, AUD-2: a camera's own pictures land on disk, sealed, contiguous, numbered, hashed and logged.
#[test]
fn a_camera_is_recorded() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    let status = &cameras.status()[0].1;
    assert!(
        status.flow.connected && status.flow.recording && status.frames >= 100,
        "{status:?}"
    );
    assert!(
        cameras.close_open(&cam(), PATIENCE),
        "a pull closes the open segment"
    );
    let asked = world.lines("seg.write").len();
    assert!(asked >= 3, "its line is in the log: {asked}");
    wait("the next segment", || {
        (cameras.status()[0].1.frames > status.frames + 60).then_some(())
    });
    cameras.stop();
    let lines = world.lines("seg.write");
    assert!(
        lines.len() > asked,
        "stopping closes and logs the open segment"
    );
    assert!(
        world.files().iter().all(|f| f.ends_with(".mp4.age")),
        "{:?}",
        world.files()
    );
    assert_eq!(world.files().len(), lines.len());
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line.int("s"), i as u64 + 1);
        assert_eq!((line.text("how"), line.int("lost")), ("none".into(), 0));
        let parsed = footage::mp4::parse(&world.plain(line)).expect("plays");
        assert!(parsed.samples[0].key && parsed.samples.iter().all(|s| s.duration == 3600));
        assert_eq!(parsed.samples[0].wall, line.time("t0"));
        if let Some(next) = lines.get(i + 1) {
            assert_eq!(line.time("t1"), next.time("t0"), "exactly contiguous");
            assert_eq!(parsed.samples.len() as u64 % GOP, 0);
        }
    }
    let now = SystemClock.now().wall;
    assert!(
        (now.0 - lines[lines.len() - 1].time("t1").0).abs() < 5_000,
        "by the box's clock"
    );
    let session = &world.lines("cam.session")[0];
    assert_eq!(
        (
            session.text("codec"),
            session.int("w"),
            session.int("h"),
            session.int("fps_milli")
        ),
        ("h264".into(), 640, 360, 25_000)
    );
    assert!(world.lines("seg.gap").is_empty());
    world.verify();
}

/// Lines wait until torn segments are dealt with, and files get the number their line carries.
#[test]
fn numbers_wait_for_recovery() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let now = SystemClock.now().wall;
    let torn = SegmentName {
        day: Zone::utc().day_of(now),
        cam: cam(),
        start: Utc(now.seconds() * 1000 - 60_000),
        s: 7,
    };
    let path = world.volume.join(torn.open_path());
    std::fs::create_dir_all(path.parent().expect("folder")).expect("dir");
    std::fs::write(&path, b"torn").expect("write");
    let cameras = world.start(world.config(&camera), Some((5, Utc(now.0 - 120_000))));
    wait("a closed file", || {
        world
            .files()
            .iter()
            .any(|f| f.ends_with("-8.mp4.age"))
            .then_some(())
    });
    assert!(world.lines("seg.write").is_empty());
    assert!(!cameras.close_open(&cam(), Duration::from_millis(100)));
    // Recovery found nothing worth keeping: the log still ends with 5.
    std::fs::remove_file(&path).expect("set aside");
    cameras.recovered(&cam(), Some((5, Utc(now.0 - 120_000))));
    let lines = world.wait_segments(1);
    cameras.stop();
    assert_eq!(lines[0].int("s"), 6);
    for line in world.lines("seg.write") {
        world.plain(&line);
    }
    assert_eq!(world.files().len(), world.lines("seg.write").len());
    world.verify();
}

/// A disk that fails takes only its open segment with it: the next one goes to another volume, and the gap is on the record.
#[test]
fn a_failed_disk_is_left_for_another() {
    let (world, camera) = (world_with(2), FakeCamera::start(false));
    let mut config = world.config(&camera);
    config.volumes.push(world.spare.clone());
    // Both lie on one disk here, and which has more room changes from look to look: the other one is away until its turn.
    let away = world.home.path().join("away");
    std::fs::rename(&world.spare, &away).expect("rename");
    let cameras = world.start(config, None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    let (bad, good) = (&world.volume, &world.spare);
    // A segment may begin between the two steps and make the folder again.
    let mut gone = 0;
    while std::fs::write(bad.join("footage"), b"a file where a folder should be").is_err() {
        std::fs::rename(bad.join("footage"), bad.join(format!("gone-{gone}"))).expect("rename");
        gone += 1;
    }
    wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "disk.failed" && f.detail.contains(&bad.display().to_string()))
    });
    std::fs::rename(&away, good).expect("rename");
    let lines = wait("a segment on the other volume", || {
        let lines = world.lines("seg.write");
        let found = lines.iter().any(|l| {
            let t0 = l.time("t0");
            good.join(
                SegmentName {
                    day: Zone::utc().day_of(t0),
                    cam: cam(),
                    start: t0,
                    s: l.int("s"),
                }
                .closed_path(),
            )
            .exists()
        });
        found.then_some(lines)
    });
    cameras.stop();
    assert!(lines.windows(2).all(|w| w[0].int("s") + 1 == w[1].int("s")));
    assert!(
        world
            .lines("seg.gap")
            .iter()
            .any(|g| g.text("why") == "disk"),
        "{:?}",
        world.lines("seg.gap")
    );
    world.verify();
}
