//! Wiring. Sessions that break, packets that are lost or harmed, a password that is refused: a gap on the record or a fault.
use std::sync::atomic::Ordering::SeqCst;

use logbook::SystemClock;
use shared::time::{Clock, Utc};

use super::{
    fake::FakeCamera,
    rig::{cam, wait, world},
};

/// FLT-3, AUD-2: a session that breaks is begun again at once, and what is missing is on the record; so are lost packets.
#[test]
fn a_broken_session_and_lost_packets_are_gaps_on_the_record() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        world.config(&camera),
        Some((41, Utc(SystemClock.now().wall.0 - 3_600_000))),
    );
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.lose.store(5, SeqCst);
    world.wait_segments(2);
    // Long enough out of sight to be a gap: it comes straight back by the relay, then once more at once, and then after a second.
    for session in 2..=4 {
        camera.orders.hang_up.store(1, SeqCst);
        wait("another session", || {
            (camera.orders.playing.load(SeqCst) >= session).then_some(())
        });
    }
    wait("frames", || {
        (cameras.status()[0].1.flow.recording && world.lines("cam.session").len() >= 2)
            .then_some(())
    });
    cameras.stop();
    let lines = world.lines("seg.write");
    assert_eq!(lines[0].int("s"), 42, "numbers go on from the log");
    let lost: u64 = lines.iter().map(|l| l.int("lost")).sum();
    assert_eq!(lost, 5);
    let gaps = world.lines("seg.gap");
    assert_eq!(gaps[0].text("why"), "start");
    // Pictures go on: what is lost among them is no stretch without footage.
    assert!(gaps.iter().all(|g| g.text("why") != "loss"), "{gaps:?}");
    let hit = lines.iter().find(|l| l.int("lost") > 0).expect("said");
    assert_eq!((hit.int("lost"), hit.int("shed")), (5, 0));
    assert!(
        hit.time("t0") <= hit.time("short_t0")
            && hit.time("short_t0") < hit.time("short_t1")
            && hit.time("short_t1") <= hit.time("t1")
    );
    assert!(
        gaps.iter().any(|g| g.text("why") == "lost-session"),
        "{gaps:?}"
    );
    world.verify();
}

/// FLT-3: packets that cannot be used cost no session; each is on the record as lost.
#[test]
fn a_damaged_packet_is_a_lost_packet() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    for (harm, segments) in [(1, 1), (2, 2)] {
        world.wait_segments(segments);
        camera.orders.harm.store(harm, SeqCst);
    }
    world.wait_segments(4);
    cameras.stop();
    assert_eq!(camera.orders.playing.load(SeqCst), 1, "one session");
    let lines = world.lines("seg.write");
    assert!(
        lines.windows(2).all(|w| w[0].time("t1") == w[1].time("t0")),
        "no picture is missing"
    );
    let packets: u64 = lines.iter().map(|l| l.int("lost")).sum();
    assert_eq!(packets, 2, "{lines:?}");
    world.verify();
}

/// FLT-3: when a connection makes no sense any more it is begun again at once, and the gap says why.
#[test]
fn rubbish_in_the_stream_begins_the_session_anew() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.harm.store(3, SeqCst);
    wait("a second session", || {
        (camera.orders.playing.load(SeqCst) >= 2).then_some(())
    });
    let so_far = world.lines("seg.write").len();
    world.wait_segments(so_far + 2);
    cameras.stop();
    assert_eq!(camera.orders.connections.load(SeqCst), 2);
    let gaps = world.lines("seg.gap");
    // At this camera a session begins with a key frame, so the gap may be too short for a line.
    assert!(gaps.iter().all(|g| g.text("why") == "damaged"), "{gaps:?}");
    assert!(
        world.faults.list().is_empty(),
        "a session that comes straight back is no fault"
    );
    world.verify();
}

/// FLT-3: a picture that never ends is cut off before it fills the memory; the camera is a fault, and is tried again.
#[test]
fn an_endless_picture_is_cut_off() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.harm.store(4, SeqCst);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.flood")
    });
    assert!(fault.detail.contains("8 MiB"), "{}", fault.detail);
    // Its line comes with the segment that follows, some seconds later.
    wait("the gap on the record", || {
        let gaps = world.lines("seg.gap");
        gaps.iter().any(|g| g.text("why") == "flood").then_some(())
    });
    cameras.stop();
    world.verify();
}

/// FLT-1: a refused password is a fault at once, and the camera is not hammered.
#[test]
fn a_refused_password_is_a_fault() {
    let (world, camera) = (world(), FakeCamera::start(true));
    let cameras = world.start(world.config(&camera), None);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.password")
    });
    assert_eq!(fault.cam, Some(cam()));
    assert!(!fault.detail.contains("correct horse"), "{}", fault.detail);
    // Once directly; and once by the relay, which can tell a wrong password from a nonce that has grown old.
    assert_eq!(camera.orders.connections.load(SeqCst), 2);
    cameras.stop();
    assert!(world.files().is_empty());
}
