//! Wiring. Disposal that is stopped on its way: power, a disk, a line, a certificate.

use super::*;

/// RET-5, AUD-3: the power goes between any two steps; the hub that starts again finishes, with one line of each kind, and nothing is left. Before the key
/// is destroyed the intent is on the log, under a countersigned head.
#[test]
fn power_goes_between_any_two_steps() {
    for done in 0..=carry::STEPS.len() {
        let mut rig = Rig::new(START);
        rig.exhibit(1);
        rig.exhibit(2);
        rig.at(AFTER);
        let sealed = fs::read(rig.sealed(1)).expect("sealed");
        let reason = keep_salted(&rig.hub, "no longer needed").expect("kept");
        let mut d = carry::begin(
            &rig.hub,
            &exh(1),
            (Class::General, utc(AFTER)),
            reason,
            vec!["op:0002".into()],
            |_| Ok(()),
        )
        .expect("begun");
        assert_eq!(
            rig.state(1),
            State::Disposed,
            "nothing is shown from here on"
        );
        let row = rig.hub.db.request(exh(1).as_str()).expect("reads");
        assert_eq!(row.expect("row").package, None);
        for (n, step) in carry::STEPS.iter().take(done).enumerate() {
            step(&rig.hub, &mut d).expect("step");
            if n == 0 {
                let line = rig.lines("copy.dispose", exh(1).as_str());
                assert!(rig.covered(line.first().expect("line").n));
                rig.hub
                    .keys
                    .exhibit_identity(&exh(1))
                    .expect("key is there");
                assert!(rig.sealed(1).exists());
            }
            if n == 1 {
                rig.hub.keys.exhibit_identity(&exh(1)).expect_err("gone");
                assert!(rig.sealed(1).exists());
            }
        }
        rig.restart();
        rig.look();
        assert_eq!(rig.row(1).standing, "disposed", "{done}");
        assert_eq!(
            rig.lines("copy.dispose", exh(1).as_str()).len(),
            1,
            "{done}"
        );
        let gone = rig.lines("copy.gone", exh(1).as_str());
        assert_eq!(gone.len(), 1, "{done}");
        let texts = gone[0].data.get("texts").and_then(|v| v.as_int());
        assert_eq!(texts, Some(3), "{done}");
        rig.nothing_is_left(1, &sealed, false);
        assert!(rig.sealed(2).exists(), "{done}");
        shown::certificate(&rig.hub, &exh(1)).expect("certificate");
        let d = rig.hub.db.disposal(exh(1).as_str()).expect("reads");
        let d = d.expect("row");
        assert_eq!((d.undecryptable, d.header), (Some(true), None), "{done}");
    }
}

/// RET-5: a disk of evidence that is not mounted is not taken for evidence that is gone: not when a disposal begins, and not when a hub
/// that was cut off finishes one.
#[test]
fn a_disk_that_is_away_is_not_gone() {
    let mut rig = Rig::new(START);
    rig.exhibit(1);
    rig.at(AFTER);
    let evidence = rig.hub.config.evidence.clone();
    let away = rig.dir.path().join("unmounted");
    let unmount = || {
        fs::rename(&evidence, &away).expect("away");
        fs::create_dir(&evidence).expect("the empty place");
    };
    let mount = || {
        fs::remove_dir(&evidence).expect("empty still");
        fs::rename(&away, &evidence).expect("back");
    };
    unmount();
    let no = rig.dispose(1, &who(2)).expect_err("away");
    assert!(no.to_string().contains("mount it"), "{no}");
    assert_eq!(rig.state(1), State::Ready);
    rig.hub.keys.exhibit_identity(&exh(1)).expect("kept");
    mount();
    for done in 0..3 {
        let n = done + 10;
        rig.exhibit(n);
        let reason = keep_salted(&rig.hub, "over").expect("kept");
        let by = vec!["op:0002".to_owned()];
        let d = carry::begin(
            &rig.hub,
            &exh(n),
            (Class::General, utc(AFTER)),
            reason,
            by,
            |_| Ok(()),
        );
        let mut d = d.expect("begun");
        for step in carry::STEPS.iter().take(done as usize) {
            step(&rig.hub, &mut d).expect("step");
        }
        unmount();
        rig.restart();
        rig.look();
        assert_eq!(rig.row(n).standing, "disposing");
        assert!(rig.row(n).faults[0].text.contains("is its disk mounted"));
        mount();
        rig.look();
        assert_eq!(rig.row(n).standing, "disposed");
        assert!(!evidence.join(exh(n).as_str()).exists());
        assert!(rig.fault(exh(n).as_str()).is_empty());
    }
    let left = fs::read_dir(&evidence).expect("folder").count();
    assert_eq!(left, 1, "the first exhibit, and no mark");
}

/// RET-5, AUD-3: power goes after a line is written and before the row knows of it: the line is found, not written again.
#[test]
fn no_line_twice() {
    let mut rig = Rig::new(START);
    rig.exhibit(1);
    rig.exhibit(2);
    rig.at(AFTER);
    let begin = |n: u32| {
        let reason = keep_salted(&rig.hub, "no longer needed").expect("kept");
        let by = vec!["op:0002".to_owned()];
        carry::begin(
            &rig.hub,
            &exh(n),
            (Class::General, utc(AFTER)),
            reason,
            by,
            |_| Ok(()),
        )
        .expect("begun")
    };
    // The row does not know of the first line.
    let begun = begin(1);
    carry::STEPS[0](&rig.hub, &mut begun.clone()).expect("line");
    rig.hub.db.put_disposal(&begun).expect("set back");
    // The row does not know of the last.
    let begun = begin(2);
    let mut last = begun.clone();
    for step in &carry::STEPS[..5] {
        step(&rig.hub, &mut last).expect("step");
    }
    carry::STEPS[5](&rig.hub, &mut last.clone()).expect("certificate");
    rig.hub.db.put_disposal(&last).expect("set back");
    rig.restart();
    rig.look();
    for n in [1, 2] {
        assert_eq!(rig.row(n).standing, "disposed");
        for kind in ["copy.dispose", "copy.gone"] {
            assert_eq!(rig.lines(kind, exh(n).as_str()).len(), 1, "{kind}");
        }
    }
}

/// RET-5, FLT-3: what cannot be removed, what bears its name elsewhere, and a copy of its key under another name each keep the certificate
/// away and are a fault; when that is mended the hub finishes by itself.
#[test]
fn no_certificate_before_all_of_it_is_gone() {
    let rig = Rig::new(START);
    let a = who(2);
    for n in 1..=3 {
        rig.exhibit(n);
    }
    rig.at(AFTER);
    let state = rig.dir.path();
    let stuck = |n: u32, part: &str| {
        let no = rig.dispose(n, &a).expect_err("not complete");
        assert!(
            no.to_string().contains(part) && no.to_string().contains("no certificate yet"),
            "{no}"
        );
        assert_eq!(rig.row(n).standing, "disposing");
        assert_eq!(rig.fault(exh(n).as_str()), [watch::DISPOSAL]);
        assert!(shown::certificate(&rig.hub, &exh(n)).is_err());
        assert!(rig.lines("copy.gone", exh(n).as_str()).is_empty());
        rig.look();
        assert_eq!(rig.row(n).standing, "disposing", "tried again");
        assert_eq!(rig.row(n).faults[0].code, watch::DISPOSAL);
    };
    let mended = |n: u32| {
        rig.look();
        assert_eq!(rig.row(n).standing, "disposed");
        assert!(rig.fault(exh(n).as_str()).is_empty());
        shown::certificate(&rig.hub, &exh(n)).expect("certificate");
    };
    // A copy by hand.
    let elsewhere = rig.hub.config.evidence.join("for-court");
    fs::create_dir(&elsewhere).expect("folder");
    let copy = elsewhere.join(format!("{}_c01.mp4", exh(1)));
    fs::write(&copy, "x").expect("written");
    stuck(1, "bear its name");
    fs::remove_file(&copy).expect("removed");
    mended(1);
    // A key by another name.
    let keys = gather::keys(&rig.hub);
    fs::copy(keys.join(format!("{}.key", exh(2))), keys.join("spare")).expect("copied");
    stuck(2, "still opens");
    fs::remove_file(keys.join("spare")).expect("removed");
    mended(2);
    // A folder that cannot be read: the disk is away between the intent and the act.
    let reason = keep_salted(&rig.hub, "over").expect("kept");
    let by = vec!["op:0002".to_owned()];
    carry::begin(
        &rig.hub,
        &exh(3),
        (Class::General, utc(AFTER)),
        reason,
        by,
        |_| Ok(()),
    )
    .expect("begun");
    let (there, away) = (state.join("exhibits"), state.join("away"));
    fs::rename(&there, &away).expect("away");
    fs::write(&there, "not a folder").expect("written");
    assert!(watch::look(&rig.hub).is_err(), "says so");
    assert!(
        rig.fault(exh(3).as_str())
            .contains(&watch::DISPOSAL.to_owned())
    );
    let d = rig.hub.db.disposal(exh(3).as_str()).expect("reads");
    assert_eq!(d.expect("row").gone, None);
    fs::remove_file(&there).expect("removed");
    fs::rename(&away, &there).expect("back");
    mended(3);
}
