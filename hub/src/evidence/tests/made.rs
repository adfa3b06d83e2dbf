//! Adapter: filesystem. What is made of footage that is not all there, or not all alike; what is refused leaves nothing.
use super::*;

/// EVI-1: a clip known to be short says so itself, in words and in the verdict; one that is short unawares is not released.
#[test]
fn a_partial_package_says_so() {
    let mut scene = scene_until([320; 5], 46_100 + 60_000);
    let now = SystemClock.now().wall;
    assert!(matches!(
        build(&scene.hub, now, &scene.order),
        Err(PackageError::NotIntact(_))
    ));
    scene.order.short = Some("the last minute was never recorded".into());
    let made = build(&scene.hub, now, &scene.order).expect("made");
    let codes: Vec<_> = made
        .report
        .findings
        .iter()
        .map(|f| f.code)
        .filter(|c| !shared::check::is_note(c))
        .collect();
    assert_eq!(codes, ["DOES-NOT-COVER-REQUEST"]);
    let certificate = scene.read(names::CERTIFICATE);
    assert!(
        certificate.contains("PARTIAL")
            && certificate.contains("the last minute was never recorded"),
        "{certificate}"
    );
}

/// EVI-2: a camera whose picture changed in the middle gets one working copy for each part, and each side of a gap one.
#[test]
fn a_parameter_change_gives_two_working_copies() {
    let scene = scene([320, 320, 320, 640, 640]);
    let made = build(&scene.hub, SystemClock.now().wall, &scene.order).expect("made");
    assert_eq!(
        (made.masters.len(), made.working.len()),
        (4, 3),
        "{:?}",
        made.working_short
    );
    assert_ne!(made.working[0].file, made.working[1].file);
}

/// AUD-3: no receipt, no clip; and what was fetched must be what was logged. Failure leaves no folder and no exp.done.
#[test]
fn refusals_leave_nothing() {
    let Scene {
        folder,
        hub,
        mut order,
        box_log,
    } = scene([320; 5]);
    let now = SystemClock.now().wall;
    let before = hub.log.size();
    let good = order.masters.clone();

    let other = order.masters[0].path.clone();
    order.masters[1].path = other;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::MasterDiffers { .. })
    ));
    order.masters = good.clone();

    let cut = folder.path().join("cut.age");
    let bytes = std::fs::read(&good[2].path).expect("read");
    std::fs::write(&cut, &bytes[..bytes.len() - 5]).expect("write");
    order.masters[2].path = cut;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::MasterDiffers { .. })
    ));
    order.masters = good.clone();

    order.masters.remove(1);
    match build(&hub, now, &order) {
        Err(PackageError::NotIntact(report)) => assert!(
            report.render().contains("SEGMENT-MISSING"),
            "{}",
            report.render()
        ),
        other => panic!("{other:?}"),
    }
    order.masters = good.clone();

    order.masters[0].n += 1;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::WrongLine { .. })
    ));
    order.masters = good.clone();

    let clip = order.clip;
    order.clip = box_log
        .append(
            "sys:reader",
            &ExpClip {
                r#ref: "EXH-2026-000123".into(),
                cam: CameraId::parse("c03").expect("cam"),
                s0: 8,
                s1: 11,
                t0: order.request.t0,
                t1: order.request.t1,
                grant: "G".into(),
                purpose: "0".repeat(64),
            },
        )
        .expect("line")
        .n;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::NotCountersigned { .. })
    ));
    order.clip = clip - 1;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::WrongLine { .. })
    ));
    order.clip = clip;

    let names: Vec<_> = std::fs::read_dir(order.evidence.join("EXH-2026-000123"))
        .expect("list")
        .collect();
    assert!(names.is_empty(), "{names:?}");
    let written = logbook::LogFolder::new(&hub.log.folder())
        .read_lines(before, u64::MAX, 1 << 20)
        .expect("lines");
    assert!(!String::from_utf8_lossy(&written).contains("exp.done"));
    // And then it goes.
    assert!(build(&hub, now, &order).is_ok());
}
