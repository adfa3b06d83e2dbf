//! Task. Days of a box in one zone and a scheme in another.
use super::*;

/// RET-1, RET-2, RET-3: the box's zone is put right, from Auckland to London: what was recorded on the morning of the 3rd there, which
/// was the evening of the 2nd in London, is found, held and deleted by the day it was recorded under.
#[test]
fn a_day_stays_the_day_it_was_recorded_under() {
    let w = world("2026-11-03T23:00:00.000Z");
    let file = w.record("2026-11-03", 1, -14 * 3600, false, true);
    assert!(file.ends_with("footage/2026-11-03/c03/20261102T220000Z-1.mp4.age"));
    // Sealed to a start's key, which names no day: its line does.
    let (boot, recipient) = w
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 9, false)
        .expect("recipient");
    let start = utc("2026-11-02T22:00:01.000Z");
    let (bytes, _) = plain(start, 2, 40);
    let other = w
        .volume
        .join(w.name(day("2026-11-03"), 2, start).closed_path());
    fs::write(&other, seal(&bytes, &recipient)).expect("write");
    let line = SegWrite {
        cam: cam(),
        s: 2,
        t0: start,
        t1: start.plus_ms(1000),
        size: bytes.len() as u64,
        sha256: hex(&sha256(&bytes)),
        mask: None,
        how: "none".into(),
        proofs: 0,
        lost: 0,
        shed: 0,
        short_t0: None,
        short_t1: None,
        stamps: None,
        off_ms: None,
        day: shared::segment::day_beside(&boot.to_string(), day("2026-11-03")),
        offset_ms: None,
        key: boot.to_string(),
        rate: None,
    };
    w.log.append("sys:rec", &line).expect("logged");
    let known = shared::types::ClockState {
        src: "kernel".into(),
        stratum: 0,
        offset_us: 0,
        err_us: 0,
        trust: "synced".into(),
    };
    w.log.append("sys:clock", &known).expect("logged");

    let holds = w.holds(w.client.clone());
    let found = |s| {
        let segment = w
            .index()
            .segment(&cam(), s)
            .expect("index")
            .expect("logged");
        assert_eq!(segment.day, day("2026-11-03"));
        holds
            .open_at(&w.index(), &segment)
            .expect("index")
            .map(|(path, _)| path)
    };
    assert_eq!(
        (found(1), found(2)),
        (Some(file.clone()), Some(other.clone()))
    );
    let span = asked(4, "2026-11-02T22:00:00.000Z", "2026-11-02T22:00:00.500Z");
    assert_eq!(w.place(&holds, &span).expect("held").segments, 1);
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(w.kept(4).len(), 1, "copied under the day it lies under");
    // By London's reckoning it would have been the 2nd's, and due a day before.
    let sweep = |at: &str| {
        w.clock.reach(utc(at));
        w.sweeper(w.client.clone())
            .sweep(utc(at))
            .expect("swept")
            .deleted
            .len()
    };
    assert_eq!(sweep("2026-12-01T00:05:00.000Z"), 0);
    assert!(file.exists() && other.exists());
    assert_eq!(sweep("2026-12-02T00:05:00.000Z"), 1);
    assert!(!file.exists() && !other.exists());
    assert!(
        w.of("del.range")
            .iter()
            .all(|r| text(r, "day") == "2026-11-03")
    );
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (2, 2));
    assert_eq!((found(1), found(2)), (Some(w.kept(4)[0].clone()), None));
}

/// RET-1: from London to Auckland, where midnight comes thirteen hours earlier: what is due by the new midnight stays until it was kept
/// for its days, and goes then, without waiting for the next.
#[test]
fn a_zone_further_east_takes_nothing_early() {
    let w = world("2026-11-20T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 12 * 3600 - 60, false, true);
    {
        let mut terms = w.terms.lock().expect("terms");
        let moved = Arc::make_mut(&mut terms);
        moved.zone_name = "Pacific/Auckland".into();
        moved.zone = Zone::parse(&moved.zone_name).expect("zone");
    }
    let sweep = |at: &str| {
        w.clock.reach(utc(at));
        let mut sweeper = w.sweeper_in("Pacific/Auckland", w.client.clone());
        sweeper.sweep(utc(at)).expect("swept")
    };
    let midnight = sweep("2026-12-01T11:05:00.000Z");
    assert!(file.exists() && midnight.deleted.is_empty());
    let next = utc("2026-12-01T22:59:01.000Z");
    assert_eq!(
        midnight.next,
        Some(next),
        "28 days after its last picture, less an hour"
    );
    let segment = w
        .index()
        .segment(&cam(), 1)
        .expect("index")
        .expect("logged");
    let holds = w.holds_in("Pacific/Auckland", w.client.clone(), 1 << 20);
    assert!(
        holds
            .open_at(&w.index(), &segment)
            .expect("index")
            .is_some()
    );
    assert_eq!(sweep("2026-12-01T22:59:01.000Z").deleted.len(), 1);
    assert!(!file.exists());
}
