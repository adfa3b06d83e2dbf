//! Wiring. Of a masked camera nothing is recorded but what the picture worker gives back.
use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering::SeqCst,
};

use shared::{mask::How, time::Utc};

use super::{
    fake::{FakeCamera, RAW},
    rig::{World, cam, wait, world},
};
use crate::{
    config::{Config, Mask},
    state::State,
};

/// A worker that "masks" by writing other bytes, and fails when told to; it writes down what it was given (`given`: time, key or not).
/// Asked to prove, it finds the mask while there is no file `open` beside it.
fn fake_worker(dir: &Path, fail_after: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("beadle-pictures");
    let script = format!(
        r#"#!/usr/bin/python3
import os, sys, json, struct
if sys.argv[1] == "measure":
    cost = {{k: 100 for k in ("decode_us", "paint_us", "encode_us")}}
    print(json.dumps({{"v": 1, "h264": cost, "h265": cost}})); sys.exit(0)
i, o = sys.stdin.buffer, sys.stdout.buffer
def send(kind, body):
    o.write(struct.pack(">I", len(body) + 1) + kind + body); o.flush()
n = 0
given = open(os.path.join(os.path.dirname(__file__), "given"), "a")
while True:
    head = i.read(4)
    if len(head) < 4: break
    m = i.read(struct.unpack(">I", head)[0])
    kind, body = m[:1], m[1:]
    if kind == b"C":
        c = json.loads(body)
        assert c["v"] == 3 and c["polygons"] == [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75]]]
        if c["task"] == "paint": send(b"P", json.dumps({{k: c[k] for k in ("config", "codec", "width", "height", "mask", "style")}}).encode())
    elif kind == b"F":
        n += 1
        if c["task"] == "prove":
            assert body[0] & 1, "key frames only"
            told = os.path.join(os.path.dirname(__file__), "told")
            if os.path.exists(told):
                act = open(told).read(); os.remove(told)
                if act == "die": sys.exit(1)
                import time; time.sleep(1000)
            uncovered = os.path.exists(os.path.join(os.path.dirname(__file__), "open"))
            why = "polygon 1 is not covered" if uncovered else None
            send(b"V", json.dumps({{"pts": struct.unpack(">q", body[1:9])[0], "why": why}}).encode())
            continue
        if n == {fail_after}:
            send(b"X", b'{{"why":"told to"}}'); sys.exit(1)
        print(struct.unpack(">q", body[1:9])[0], body[0] & 1, file=given, flush=True)
        send(b"F", body[:9] + body[9:14] + b"m" * (len(body) - 14))
    elif kind == b"E":
        send(b"D", b""); break
"#
    );
    std::fs::write(&path, script).expect("script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    path
}

fn raised(world: &World, code: &str) -> Option<crate::health::Raised> {
    world.faults.list().into_iter().find(|f| f.code == code)
}

fn masked(world: &World, camera: &FakeCamera, worker: PathBuf) -> Config {
    let mut config = world.config(camera);
    config.cameras[0].mask = Some(Mask {
        id: "m7".into(),
        polygons: vec![vec![(0.25, 0.25), (0.75, 0.25), (0.75, 0.75)]],
        ..Mask::default()
    });
    config.pictures = worker;
    config
}

/// MSK-1: of a masked camera only what came back from the picture worker is recorded.
#[test]
fn only_masked_pictures_reach_the_disk() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, fake_worker(world.home.path(), 0)),
        None,
    );
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    cameras.stop();
    let lines = world.lines("mask.set|seg.write");
    assert_eq!(
        lines[0].0.kind, "mask.set",
        "the mask is on the record before the first segment"
    );
    assert!(lines[0].int("permille").abs_diff(125) <= 1);
    for line in &lines[1..] {
        assert_eq!(
            (line.text("mask"), line.text("how")),
            ("m7".into(), "burned".into())
        );
        let plain = world.plain(line);
        assert!(
            !plain.windows(64).any(|w| w.iter().all(|b| *b == RAW)),
            "an unmasked picture is on disk"
        );
    }
    world.verify();
}

/// REC-1, FLT-3: measuring what the box can carry knocks at no camera: after a start a masked camera has one session, which begins when the
/// measurement is there.
#[test]
fn measuring_knocks_at_no_camera() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 0);
    let script = std::fs::read_to_string(&worker).expect("script");
    // Longer than three tries to connect would take.
    let slow = "    import time; time.sleep(2)\n    cost = ";
    std::fs::write(&worker, script.replacen("    cost = ", slow, 1)).expect("script");
    let cameras = world.start(masked(&world, &camera, worker), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    cameras.stop();
    assert_eq!(camera.orders.connections.load(SeqCst), 1);
    assert_eq!(camera.orders.playing.load(SeqCst), 1);
    world.verify();
}

/// MSK-5, MSK-1: after packets were lost the painter is given nothing before the next key picture: what relies on them is partly guessed,
/// and guesses carry what is under a mask to beside it.
#[test]
fn after_a_loss_nothing_is_painted_before_a_key_picture() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, fake_worker(world.home.path(), 0)),
        None,
    );
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    let given = || -> Vec<(i64, bool)> {
        let text = std::fs::read_to_string(world.home.path().join("given")).unwrap_or_default();
        let lines = text.lines().filter_map(|l| l.split_once(' '));
        lines
            .filter_map(|(pts, key)| Some((pts.parse().ok()?, key == "1")))
            .collect()
    };
    // In the middle of a group: at its beginning nothing would rely on what was lost. Pictures come several at a time.
    wait("the middle of a group", || {
        let all = given();
        let since = all.iter().rev().take_while(|(_, key)| !key).count();
        (5..=15).contains(&since).then_some(())
    });
    camera.orders.lose.store(5, SeqCst);
    let hole = |all: &[(i64, bool)]| all.windows(2).position(|w| w[1].0 - w[0].0 > 3 * 3600);
    let at = wait("a hole", || hole(&given()));
    world.wait_segments(2);
    cameras.stop();
    let all = given();
    assert!(!all[at].1 && all[at + 1].1, "{:?}", &all[at..at + 2]);
    let rest = &all[at + 1..];
    assert_eq!(hole(rest), None, "and nothing else is left out");
    let sum = |key: &str| -> u64 { world.lines("seg.write").iter().map(|l| l.int(key)).sum() };
    let (lost, shed) = (sum("lost"), sum("shed"));
    assert_eq!(lost, 5, "the packets");
    assert!(shed > 0, "the pictures left out, counted apart");
    world.verify();
}

/// MSK-5: when the mask cannot be imposed nothing is written; it is a fault and on the record; and it is tried again.
#[test]
fn a_failing_worker_fails_closed() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, fake_worker(world.home.path(), 60)),
        None,
    );
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || raised(&world, "mask.worker"));
    assert_eq!((fault.cam, fault.detail.as_str()), (Some(cam()), "told to"));
    assert!(raised(&world, "mask.program").is_none(), "it starts");
    wait("another try", || {
        (camera.orders.playing.load(SeqCst) >= 2).then_some(())
    });
    cameras.stop();
    let fail = &world.lines("mask.fail")[0];
    assert_eq!(
        (fail.text("mask"), fail.text("why")),
        ("m7".into(), "told to".into())
    );
    assert!(fail.time("t0") <= fail.time("t1"));
    for line in world.lines("seg.write") {
        assert!(
            !world
                .plain(&line)
                .windows(64)
                .any(|w| w.iter().all(|b| *b == RAW))
        );
    }
    world.verify();
}

fn by_camera(world: &World, camera: &FakeCamera) -> Config {
    let mut config = masked(world, camera, fake_worker(world.home.path(), 0));
    if let Some(mask) = &mut config.cameras[0].mask {
        mask.how = How::Camera;
    }
    config
}

fn is_raw(plain: &[u8]) -> bool {
    plain.windows(64).any(|w| w.iter().all(|b| *b == RAW))
}

/// MSK-2: a camera that paints its mask itself is recorded as it sends, every key frame proved; the line counts the proofs.
#[test]
fn a_mask_in_the_camera_is_proved() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(by_camera(&world, &camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(3);
    cameras.stop();
    let lines = world.lines("mask.set|seg.write");
    assert_eq!(lines[0].0.kind, "mask.set");
    for line in &lines[1..] {
        assert_eq!(
            (line.text("mask"), line.text("how")),
            ("m7".into(), "proved".into())
        );
        let plain = world.plain(line);
        let parsed = footage::mp4::parse(&plain).expect("parses");
        let keys = parsed.samples.iter().filter(|s| s.key).count() as u64;
        assert!(keys >= 1 && line.int("proofs") == keys, "{line:?}");
        assert_eq!(
            parsed.mask,
            Some(("proved".into(), "m7".into())),
            "the file says so, too"
        );
        assert!(is_raw(&plain), "the camera's pictures, bit for bit");
    }
    let all = &lines[1..];
    for pair in all.windows(2) {
        assert_eq!(pair[0].time("t1"), pair[1].time("t0"), "no picture is lost");
    }
    assert!(world.lines("mask.fail").is_empty() && world.lines("seg.gap").len() <= 1);
    world.verify();
}

/// MSK-2, MSK-5: a worker that proves and falls over, or hangs, is replaced by another, which is asked what the first did not answer:
/// no picture is lost, and none is recorded unproved.
#[test]
fn another_worker_goes_on_proving() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(by_camera(&world, &camera), None);
    cameras.recovered(&cam(), None);
    for act in ["die", "hang"] {
        let before = world.wait_segments(1).len();
        std::fs::write(world.home.path().join("told.new"), act).expect("told");
        std::fs::rename(
            world.home.path().join("told.new"),
            world.home.path().join("told"),
        )
        .expect("told");
        let fault = wait("the fault", || raised(&world, "mask.worker"));
        assert!(fault.detail.contains("no picture is lost"), "{fault:?}");
        world.wait_segments(before + 2);
        wait("the fault's end", || {
            raised(&world, "mask.worker").is_none().then_some(())
        });
    }
    cameras.stop();
    let all = world.lines("seg.write");
    for pair in all.windows(2) {
        assert_eq!(pair[0].time("t1"), pair[1].time("t0"), "no picture is lost");
    }
    for line in &all {
        let plain = world.plain(line);
        let parsed = footage::mp4::parse(&plain).expect("parses");
        let keys = parsed.samples.iter().filter(|s| s.key).count() as u64;
        assert_eq!(line.int("proofs"), keys, "every key frame: {line:?}");
    }
    assert_eq!(camera.orders.playing.load(SeqCst), 1, "one session");
    assert!(world.lines("mask.fail").is_empty());
    world.verify();
}

/// MSK-2, MSK-5: a camera whose mask is gone: what lies on either side of the failed proof is not recorded, a fault says so, and the
/// box paints the mask itself.
#[test]
fn a_mask_that_is_gone_is_painted_by_the_box() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(by_camera(&world, &camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    std::fs::write(world.home.path().join("open"), "").expect("open");
    let opened = Utc(shared::time::Clock::now(&logbook::SystemClock).wall.0);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "mask.unproved" && f.detail.contains("meanwhile"))
    });
    assert_eq!(
        (fault.cam, fault.detail.as_str()),
        (
            Some(cam()),
            "polygon 1 is not covered; the box paints the mask meanwhile"
        )
    );
    wait("painted segments", || {
        let painted = world.lines("seg.write");
        let painted = painted.iter().filter(|l| l.text("how") == "burned");
        (painted.count() >= 2).then_some(())
    });
    cameras.stop();
    for line in world.lines("seg.write") {
        let proved = line.text("how") == "proved";
        assert_eq!(is_raw(&world.plain(&line)), proved, "{line:?}");
        assert!(
            !proved || line.time("t1") <= opened,
            "not proved at both ends: {line:?}"
        );
    }
    let fail = &world.lines("mask.fail")[0];
    assert_eq!(
        (fail.text("mask"), fail.text("why")),
        ("m7".into(), "polygon 1 is not covered".into())
    );
    let gaps = world.lines("seg.gap");
    assert!(
        gaps.iter().any(|g| g.text("why") == "mask-unproved"),
        "{gaps:?}"
    );
    world.verify();
}

/// MSK-5: a camera whose mask is gone, and a box that cannot paint it: nothing is recorded, and that is said with the bill; as soon as
/// the mask is back it is recorded again. A mask the box is to paint and cannot is refused likewise.
#[test]
fn a_box_that_cannot_paint_records_nothing() {
    let (world, camera) = (world(), FakeCamera::start(false));
    crate::masking::capacity::pretend(&State::new(world.home.path()).pictures(), 1e6);
    let open = world.home.path().join("open");
    std::fs::write(&open, "").expect("open");
    let cameras = world.start(by_camera(&world, &camera), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "mask.unproved" && f.detail.contains("cores"))
    });
    assert!(
        fault.detail.contains("nothing is recorded meanwhile"),
        "{fault:?}"
    );
    let sessions = camera.orders.playing.load(SeqCst);
    assert!(world.files().is_empty());
    std::fs::remove_file(&open).expect("covered");
    world.wait_segments(1);
    assert_eq!(
        camera.orders.playing.load(SeqCst),
        sessions,
        "without a new session"
    );
    wait("the fault's end", || {
        world.faults.list().is_empty().then_some(())
    });
    cameras.stop();
    world.verify();

    let burned = masked(&world, &camera, fake_worker(world.home.path(), 0));
    let before = world.lines("seg.write").len();
    let cameras = world.start(burned, None);
    cameras.recovered(&cam(), None);
    let fault = wait("the bill", || raised(&world, "mask.capacity"));
    assert!(fault.detail.contains("needs about"), "{fault:?}");
    cameras.stop();
    assert_eq!(world.lines("seg.write").len(), before);
}

/// The fake worker does this before anything else.
fn begins_with(worker: &std::path::Path, acts: &str) {
    let script = std::fs::read_to_string(worker).expect("script");
    std::fs::write(worker, script.replacen("n = 0\n", acts, 1)).expect("script");
}

/// Design §5, FLT-1: a worker that says what its sandbox lacks raises a fault of the box, and recording goes on; one that
/// lacks nothing clears it.
#[test]
fn a_sandbox_with_a_gap_is_a_fault_until_it_has_none() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 40);
    let once = world.home.path().join("once");
    let saying = format!(
        r#"import os
lacks = b'"no Landlock", "no TCP"' if not os.path.exists({once:?}) else b""
open({once:?}, "w").close()
send(b"S", b'{{"v":3,"missing":[' + lacks + b']}}')
n = 0
"#
    );
    begins_with(&worker, &saying);
    let cameras = world.start(masked(&world, &camera, worker), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || raised(&world, "mask.sandbox"));
    assert_eq!(
        (fault.cam, fault.detail.as_str()),
        (None, "no Landlock; no TCP")
    );
    wait("the next worker to clear it", || {
        raised(&world, "mask.sandbox").is_none().then_some(())
    });
    world.wait_segments(1);
    cameras.stop();
    world.verify();
}

/// MSK-5, design §5: a worker that its sandbox ended is told apart from one that fell over.
#[test]
fn a_worker_ended_by_its_sandbox_is_named() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 0);
    let struck = "import os, signal; os.kill(os.getpid(), signal.SIGSYS)\n";
    begins_with(&worker, struck);
    let cameras = world.start(masked(&world, &camera, worker), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || raised(&world, "mask.worker"));
    assert!(fault.detail.contains("sandbox forbids"), "{}", fault.detail);
    cameras.stop();
    assert!(
        world.files().is_empty(),
        "no picture came back: none is recorded"
    );
}

/// MSK-5, FLT-3: a worker that fails while a graphics device encodes for it: the camera's next one does without the device, and that is a
/// fault in words; nothing but what came back is recorded.
#[test]
fn a_device_that_fails_a_camera_is_done_without() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 0);
    let begun = world.home.path().join("begun");
    let failing = format!(
        r#"n = 0
with open({begun:?}, "a") as f: print(*sys.argv[1:], file=f)
if "--vaapi" in sys.argv:
    send(b"X", b'{{"why":"the device said no","encoder":true}}'); sys.exit(1)
"#
    );
    begins_with(&worker, &failing);
    let device = Path::new("/dev/dri/renderD128");
    let mut config = masked(&world, &camera, worker);
    config.encoder = Some(device.into());
    let cameras = world.start(config, None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || raised(&world, "mask.encoder"));
    assert!(
        fault
            .detail
            .contains("/dev/dri/renderD128: a picture worker that used it failed")
            && fault.detail.contains("the device said no"),
        "{}",
        fault.detail
    );
    world.wait_segments(1);
    // After ten seconds it is tried again.
    const ON: &str = "mask --vaapi /dev/dri/renderD128";
    let begun = wait("the device to be tried again", || {
        let all = std::fs::read_to_string(&begun).ok()?;
        let all: Vec<String> = all.lines().map(str::to_owned).collect();
        (all.len() >= 3).then_some(all)
    });
    assert_eq!(begun[..3], [ON, "mask", ON]);
    cameras.stop();
    world.verify();
    let lines = world.lines("seg.write");
    let unmasked = |line| {
        world
            .plain(line)
            .windows(64)
            .any(|w| w.iter().all(|b| *b == RAW))
    };
    assert!(!lines.is_empty() && !lines.iter().any(unmasked));
}

/// MSK-5: a worker that fails for another reason than its encoder has the device again the next time: a camera's broken pictures are not
/// the device's fault.
#[test]
fn a_device_is_not_blamed_for_the_pictures() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 40);
    let begun = world.home.path().join("begun");
    let noting = format!("n = 0\nwith open({begun:?}, \"a\") as f: print(*sys.argv[1:], file=f)\n");
    begins_with(&worker, &noting);
    let mut config = masked(&world, &camera, worker);
    config.encoder = Some("/dev/dri/renderD128".into());
    let cameras = world.start(config, None);
    cameras.recovered(&cam(), None);
    let begun = wait("the next worker", || {
        let all = std::fs::read_to_string(&begun).ok()?;
        (all.lines().count() >= 2).then_some(all)
    });
    cameras.stop();
    world.verify();
    assert!(begun.lines().all(|l| l.contains("--vaapi")), "{begun}");
    assert!(raised(&world, "mask.encoder").is_none());
}

/// MSK-5: a picture worker that cannot be started any more: of the sessions from then on not one picture is recorded, not even one that
/// was under way when the session ended.
#[test]
fn a_worker_that_cannot_be_started_any_more() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 0);
    let cameras = world.start(masked(&world, &camera, worker.clone()), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    std::fs::remove_file(&worker).expect("gone");
    camera.orders.hang_up.store(1, SeqCst);
    wait("the fault", || raised(&world, "mask.program"));
    let sessions = camera.orders.playing.load(SeqCst);
    wait("another session", || {
        (camera.orders.playing.load(SeqCst) > sessions).then_some(())
    });
    cameras.stop();
    for line in world.lines("seg.write") {
        assert!(!is_raw(&world.plain(&line)), "{line:?}");
    }
    world.verify();
}

/// MSK-5: a program whose library is missing is a fault of its own, which says what to install and ends when another can start.
#[test]
fn a_program_that_lacks_a_library() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let worker = fake_worker(world.home.path(), 0);
    let whole = std::fs::read(&worker).expect("program");
    let said =
        "error while loading shared libraries: libswscale.so.6: cannot open shared object file";
    std::fs::write(
        &worker,
        format!("#!/bin/sh\necho \"$0: {said}\" >&2\nexit 127\n"),
    )
    .expect("write");
    let cameras = world.start(masked(&world, &camera, worker.clone()), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || raised(&world, "mask.program"));
    assert!(
        fault.detail.contains("apt install libswscale6"),
        "{}",
        fault.detail
    );
    let aside = worker.with_extension("new");
    std::fs::write(&aside, whole).expect("write");
    std::fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("mode");
    std::fs::rename(&aside, &worker).expect("mended");
    world.wait_segments(1);
    wait("its end", || {
        raised(&world, "mask.program").is_none().then_some(())
    });
    cameras.stop();
}

/// MSK-5: no picture worker at all: nothing is recorded.
#[test]
fn no_worker_no_pictures() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, "/nonexistent/beadle-pictures".into()),
        None,
    );
    cameras.recovered(&cam(), None);
    wait("the fault", || raised(&world, "mask.program"));
    assert!(raised(&world, "mask.worker").is_none(), "it never began");
    cameras.stop();
    assert!(world.files().is_empty());
}
