//! Task. What a crash left, what is missing, and the index made anew.
use super::*;

/// REC-1, AUD-2: what a crash left is logged in order, with its gap, under the numbers that follow; recording may go on from there.
#[test]
fn what_a_crash_left_is_logged_in_order() {
    let w = world("2026-11-03T13:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let torn = w.record("2026-11-03", 2, 1, true, false);
    let empty = w.record("2026-11-03", 3, 2, true, false);
    fs::write(&empty, b"age-enc").expect("tear");
    w.record("2026-11-03", 4, 30, false, false);
    let whole = fs::read(&torn).expect("read");
    fs::write(&torn, &whole).expect("write");
    let mut index = w.index();
    let found = recovery::scan(&w.volumes, &index).expect("scan");
    assert_eq!(found.orphans(), 3);
    let other = CameraId::parse("c09").expect("camera");
    let mut told = Vec::new();
    found.recover(
        &[cam(), other.clone()],
        &w.client,
        &w.log,
        &mut index,
        &w.faults,
        &Stop::new(),
        |c, last| told.push((c.clone(), last)),
    );
    let end = utc("2026-11-03T12:00:31.000Z");
    assert_eq!(told, [(other, None), (cam(), Some((3, end)))]);
    let writes = w.of("seg.write");
    assert_eq!(
        writes.iter().map(|r| number(r, "s")).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let gaps = w.of("seg.gap");
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (
            number(&gaps[0], "next"),
            text(&gaps[0], "t0"),
            text(&gaps[0], "t1")
        ),
        (3, "2026-11-03T12:00:02.000Z", "2026-11-03T12:00:30.000Z")
    );
    assert!(gaps[0].n < writes[2].n && gaps[0].n > writes[1].n);
    index.catch_up().expect("index");
    for (s, seg) in index.live(&cam()).expect("index").iter().enumerate() {
        let path = w
            .volumes
            .find(&seg.name())
            .unwrap_or_else(|| panic!("segment {} on disk", s + 1));
        assert!(
            path.to_string_lossy()
                .ends_with(&format!("-{}.mp4.age", seg.s))
        );
    }
    let again = recovery::scan(&w.volumes, &index).expect("scan");
    assert_eq!(again.orphans(), 0);
}

/// FLT-3: a segment that is in the log and not on disk is said once.
#[test]
fn missing_footage_is_said_once() {
    let w = world("2026-11-03T13:00:00.000Z");
    let gone = w.record("2026-11-03", 1, 0, false, true);
    w.record("2026-11-03", 2, 1, false, true);
    fs::remove_file(gone).expect("remove");
    for _ in 0..2 {
        let mut index = w.index();
        let found = recovery::scan(&w.volumes, &index).expect("scan");
        found.recover(
            &[cam()],
            &w.client,
            &w.log,
            &mut index,
            &w.faults,
            &Stop::new(),
            |_, _| {},
        );
    }
    let lost = w.of("seg.lost");
    assert_eq!(lost.len(), 1);
    assert_eq!(number(&lost[0], "s"), 1);
}

/// AUD-2, FLT-3: a disk that is not there, whether it went before the disks were listed or after, has lost nothing.
#[test]
fn a_disk_that_is_away_has_lost_nothing() {
    let w = world("2026-11-03T13:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let away = w.state.root().join("away");
    let go = || {
        fs::rename(&w.volume, &away).expect("unmounted");
        fs::create_dir(&w.volume).expect("the bare mount point");
    };
    let come_back = || {
        fs::remove_dir(&w.volume).expect("bare");
        fs::rename(&away, &w.volume).expect("mounted");
    };
    let recover = |found: recovery::Found| {
        let (mut index, stop) = (w.index(), Stop::new());
        let (client, log, faults) = (&w.client, &w.log, &w.faults);
        found.recover(&[cam()], client, log, &mut index, faults, &stop, |_, _| {});
        w.of("seg.lost").len()
    };
    let scan = || recovery::scan(&w.volumes, &w.index()).expect("scan");
    go();
    assert_eq!(recover(scan()), 0, "listed when it was away");
    come_back();
    let found = scan();
    go();
    assert_eq!(recover(found), 0, "away by the time it would be said");
    come_back();
    let path = w.volumes.all()[0].path.join("footage");
    fs::remove_dir_all(path).expect("removed");
    assert_eq!(recover(scan()), 1, "the disk is there and the file is not");
}

/// FLT-3: of a disk that came late, only what an earlier run left is said to wait, not what is being recorded there by now.
#[test]
fn what_is_being_recorded_does_not_wait_for_recovery() {
    let w = world("2026-11-03T13:00:00.000Z");
    let volume = w.volumes.all()[0].path.clone();
    let waiting = || recovery::waiting(&w.volumes, &volume).expect("listed");
    w.volumes.told();
    let now = w.record("2026-11-03", 1, 0, true, false);
    assert_eq!(waiting(), 1, "nobody here is recording it");
    let recording = w.volumes.begun(&now);
    assert_eq!(waiting(), 0);
    drop(recording);
    assert_eq!(waiting(), 1, "given up: it waits");
    w.record("2026-11-03", 2, 1, false, false);
    assert_eq!(waiting(), 1, "closed ones do not");
}

/// The index is derived: deleted, damaged or of another log, it is rebuilt and says the same.
#[test]
fn the_index_is_rebuilt_from_the_log() {
    let w = world("2026-12-02T00:05:00.000Z");
    for s in 1..=3 {
        w.record("2026-11-03", s, s as i64, false, true);
    }
    w.record("2026-11-04", 4, 0, false, true);
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    let all = |i: &Index| {
        (
            i.of_key("c03/2026-11-03").expect("q"),
            i.live(&cam()).expect("q"),
            i.last().expect("q"),
            i.counts().expect("q").0,
        )
    };
    let before = all(&w.index());
    assert_eq!((before.0.len(), before.1.len(), before.3), (3, 1, 4));
    assert_eq!(before.2, [(cam(), 4, utc("2026-11-04T12:00:01.000Z"))]);
    let path = w.state.index();
    fs::remove_file(&path).expect("remove");
    assert_eq!(all(&w.index()), before, "deleted");
    for damage in [
        b"not a database at all, but long enough to be read as a header of one".as_slice(),
        b"",
    ] {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", path.display()));
        }
        fs::write(&path, damage).expect("damage");
        assert_eq!(all(&w.index()), before, "damaged");
    }
    let bytes = fs::read(&path).expect("read");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    assert_eq!(all(&w.index()), before, "cut in half");
    // Another log's: a box whose state was restored.
    let other = world("2026-12-02T00:05:00.000Z");
    for s in 1..=9 {
        other.record("2026-11-03", s, s as i64, false, true);
    }
    drop(other.index());
    fs::copy(other.state.index(), &path).expect("swap");
    assert_eq!(all(&w.index()), before, "of another log");
}
