//! Task. A day goes on its day, on the record, whatever interrupts it.
use super::*;

/// RET-2, RET-4, AUD-2: the day that is too old goes, on the record: intent under a signed head, keys and files gone, the certificate.
#[test]
fn a_day_is_deleted_on_the_record() {
    let w = world("2026-12-02T00:05:00.000Z");
    let files: Vec<PathBuf> = (1..=3)
        .map(|s| w.record("2026-11-03", s, s as i64, false, true))
        .collect();
    let stray = files[0].with_file_name("note.txt");
    fs::write(&stray, "unknown file").expect("write");
    let kept = w.record("2026-11-04", 4, 0, false, true);
    let copy = w.volume.join("copy.age");
    fs::copy(&files[1], &copy).expect("copy");
    let swept = w
        .sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert_eq!(swept.deleted.len(), 1);
    assert!(swept.waiting.is_empty());
    assert!(
        !w.volume.join("footage/2026-11-03").exists(),
        "folder and unknown file gone too"
    );
    assert!(kept.exists());
    assert!(
        w.client.undecryptable(&copy).expect("tried"),
        "a copy somebody made is noise"
    );
    assert!(!w.client.undecryptable(&kept).expect("tried"));
    let (range, done) = (w.of("del.range"), w.of("del.done"));
    assert_eq!((range.len(), done.len()), (1, 1));
    let leaves: Vec<u8> = w
        .of("seg.write")
        .iter()
        .take(3)
        .flat_map(|r| r.leaf)
        .collect();
    assert_eq!(text(&range[0], "set"), hex(&sha256(&leaves)));
    assert_eq!(
        (
            text(&range[0], "day"),
            text(&range[0], "rule"),
            text(&range[0], "key"),
            number(&range[0], "count")
        ),
        ("2026-11-03", "28d", "c03/2026-11-03", 3)
    );
    assert_eq!((number(&range[0], "s0"), number(&range[0], "s1")), (1, 3));
    assert_eq!(number(&done[0], "n"), range[0].n as i64);
    assert_eq!(text(&done[0], "oldest"), "2026-11-04T12:00:00.000Z");
    assert_eq!(done[0].data.get("undecryptable"), Some(&Value::Bool(true)));
    assert_eq!(text(&done[0], "claim"), "file");
    assert!(
        w.log.head().is_some_and(|h| h.head.size > range[0].n),
        "the intent is under a signed head"
    );
    let index = w.index();
    assert!(
        index
            .of_key("c03/2026-11-03")
            .expect("index")
            .iter()
            .all(|s| s.deleted)
    );
    assert!(index.unfinished_deletions().expect("index").is_empty());
    assert!(
        w.sweeper(w.client.clone())
            .sweep(utc("2026-12-02T00:06:00.000Z"))
            .expect("again")
            .deleted
            .is_empty()
    );
}

/// RET-4: with no reader nothing is unlinked; the intent stands, and the next sweep finishes it without a second one.
#[test]
fn an_interrupted_deletion_is_finished() {
    let w = world("2026-12-02T00:05:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let nobody = Client::new(&w.state.root().join("nobody.sock"));
    let failed = w.sweeper(nobody).sweep(utc("2026-12-02T00:05:00.000Z"));
    assert!(
        matches!(failed, Err(SweepError::Reader(ReaderError::Absent { .. }))),
        "{failed:?}"
    );
    assert!(file.exists());
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 0));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:06:00.000Z"))
        .expect("swept");
    assert!(!file.exists());
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 1));
    // Cut after the files went but before the last line: said once more, nothing to do.
    w.log
        .append(
            "sys:ret",
            &shared::types::DelRange {
                cam: cam(),
                day: day("2026-11-03"),
                s0: 1,
                s1: 1,
                t0: Utc(0),
                t1: Utc(0),
                count: 1,
                set: "0".repeat(64),
                rule: "28d".into(),
                key: "c03/2026-11-03".into(),
            },
        )
        .expect("logged");
    w.sweeper(w.client.clone()).redo().expect("redone");
    assert_eq!(w.of("del.done").len(), 2);
}

/// RET-2: one sweep takes one day of a camera; the rest waits, in sight.
#[test]
fn a_box_back_from_a_store_loses_one_day_a_sweep() {
    let w = world("2027-02-01T12:00:00.000Z");
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2), ("2026-11-05", 3)] {
        w.record(d, s, 0, false, true);
    }
    let mut sweeper = w.sweeper(w.client.clone());
    let swept = sweeper
        .sweep(utc("2027-02-01T12:00:00.000Z"))
        .expect("swept");
    assert_eq!(
        swept.deleted.iter().map(|d| d.day).collect::<Vec<_>>(),
        [day("2026-11-03")]
    );
    assert_eq!(swept.waiting.len(), 2);
    // Repeated within the same sweep it takes no second one.
    assert!(
        sweeper
            .sweep(utc("2027-02-01T12:01:00.000Z"))
            .expect("swept")
            .deleted
            .is_empty()
    );
    // The hub has made sure of the clock.
    sweeper.confirmed.give();
    let swept = sweeper
        .sweep(utc("2027-02-01T12:02:00.000Z"))
        .expect("swept");
    assert_eq!((swept.deleted.len(), swept.waiting.len()), (2, 0));
}

/// RET-2: a box back from a store, off line, whose recorder is started again within half a day, or whose night comes sooner: the reader
/// holds the next day up, which waits in sight. Nothing failed, no line of a deletion stands there without its end, and other cameras' days
/// would go all the same.
#[test]
fn what_the_reader_holds_up_waits() {
    let w = world_of("2026-12-10T20:00:00.000Z", Some("2026-11-06T12:00:00.000Z"));
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2), ("2026-11-05", 3)] {
        w.record(d, s, 0, false, true);
    }
    let sweep = || {
        let mut sweeper = w.sweeper(w.client.clone());
        sweeper
            .sweep(shared::time::Clock::now(&*w.clock).wall)
            .expect("swept")
    };
    let days = |all: &[super::super::policy::Due]| all.iter().map(|d| d.day).collect::<Vec<_>>();
    let first = sweep();
    assert_eq!(days(&first.deleted), [day("2026-11-03")]);
    assert_eq!((first.waiting.len(), first.reader), (2, None));
    for _ in 0..2 {
        w.clock.pass(4 * 3_600_000);
        let again = sweep();
        assert_eq!(days(&again.deleted), []);
        assert_eq!(days(&again.waiting), [day("2026-11-04"), day("2026-11-05")]);
        let why = again.reader.expect("the reader says why");
        assert!(why.contains("each half a day"), "{why}");
    }
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 1));
    w.clock.pass(4 * 3_600_000);
    assert_eq!(days(&sweep().deleted), [day("2026-11-04")]);

    w.clock.pass(12 * 3_600_000);
    assert_eq!(days(&sweep().deleted), [day("2026-11-05")]);
    assert_eq!(w.of("del.done").len(), 3);
}

/// RET-4, AUD-2, V14: what went early for want of room leaves its key until its day, and not a sweep sooner; then a second pair of lines says that
/// the key is gone, once.
#[test]
fn a_key_outlives_what_went_early_until_its_day() {
    let w = world("2026-11-10T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let copy = w.volume.join("copy.age");
    fs::copy(&file, &copy).expect("copy");
    let sure = || w.client.undecryptable(&copy).expect("tried");
    let line = shared::types::DelRange {
        cam: cam(),
        day: day("2026-11-03"),
        s0: 1,
        s1: 1,
        t0: utc("2026-11-03T12:00:00.000Z"),
        t1: utc("2026-11-03T12:00:01.000Z"),
        count: 1,
        set: "0".repeat(64),
        rule: super::super::policy::EARLY.into(),
        key: "c03/2026-11-03".into(),
    };
    w.log.append("sys:ret", &line).expect("logged");
    w.sweeper(w.client.clone()).redo().expect("gone early");
    let done = w.of("del.done").pop().expect("a line");
    assert_eq!(done.data.get("undecryptable"), Some(&Value::Bool(false)));
    assert!(!file.exists() && !sure());
    let lines = || (w.of("del.range").len(), w.of("del.done").len());
    // Neither before its day, nor by a clock that the reader does not share.
    for at in ["2026-11-30T00:05:00.000Z", "2026-12-03T00:05:00.000Z"] {
        w.sweeper(w.client.clone()).sweep(utc(at)).expect("swept");
        assert!(lines() == (1, 1) && !sure(), "{at}");
    }
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    for _ in 0..2 {
        w.sweeper(w.client.clone())
            .sweep(utc("2026-12-02T00:05:00.000Z"))
            .expect("swept");
        assert!(lines() == (2, 2) && sure());
    }
    let (range, done) = (w.of("del.range").pop(), w.of("del.done").pop());
    let (range, done) = (range.expect("a line"), done.expect("a line"));
    assert_eq!(
        (
            text(&range, "key"),
            text(&range, "rule"),
            number(&range, "count")
        ),
        ("c03/2026-11-03", "28d", 0)
    );
    assert_eq!(done.data.get("undecryptable"), Some(&Value::Bool(true)));
}

/// RET-2: a boot key that sealed two days dies with the second.
#[test]
fn a_boot_key_dies_with_its_last_day() {
    let w = world("2026-11-03T12:00:00.000Z");
    let boot = w
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 9, false)
        .expect("recipient");
    let mut paths = Vec::new();
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2)] {
        let start = utc(&format!("{d}T12:00:00.000Z"));
        let (bytes, _) = plain(start, 2, 40);
        let path = w.volume.join(w.name(day(d), s, start).closed_path());
        fs::create_dir_all(path.parent().expect("folder")).expect("dir");
        fs::write(&path, seal(&bytes, &boot.1)).expect("write");
        let line = SegWrite {
            cam: cam(),
            s,
            t0: start,
            t1: start.plus_ms(1000),
            size: 1,
            sha256: hex(&sha256(&bytes)),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            day: Some(day(d)),
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            offset_ms: None,
            key: boot.0.to_string(),
            rate: None,
        };
        w.log.append("sys:rec", &line).expect("logged");
        paths.push(path);
    }
    // The clock was known all along in this start, so the days are what their folders say.
    w.log
        .append(
            "sys:clock",
            &shared::types::ClockState {
                src: "kernel".into(),
                stratum: 0,
                offset_us: 0,
                err_us: 0,
                trust: "synced".into(),
            },
        )
        .expect("logged");
    let opened = w.client.undecryptable(&paths[0]);
    assert!(!opened.expect("tried"), "the reader has taken it in");
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert!(!paths[0].exists() && paths[1].exists());
    assert!(
        !w.client.undecryptable(&paths[1]).expect("tried"),
        "still to be kept"
    );
    assert_eq!(
        w.of("del.done")[0].data.get("undecryptable"),
        Some(&Value::Bool(false)),
        "said as it is"
    );
    let copy = w.volume.join("copy.age");
    fs::copy(&paths[1], &copy).expect("copy");
    w.clock.reach(utc("2026-12-03T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-03T00:05:00.000Z"))
        .expect("swept");
    assert!(!paths[1].exists());
    assert!(w.client.undecryptable(&copy).expect("tried"));
}
