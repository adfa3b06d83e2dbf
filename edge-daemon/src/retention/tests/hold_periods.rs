//! Task. What a hold keeps beyond its day, and no longer.
use super::*;

/// RET-3, RET-2: what a hold touches outlives its day, under the hold's own key, whole segments and no more; the day's key dies on
/// schedule all the same. When the hold is over its copies and their key go, on the record.
#[test]
fn a_hold_keeps_what_it_names_and_no_more() {
    let w = world("2026-12-01T23:59:59.000Z");
    let files: Vec<PathBuf> = (1..=3)
        .map(|s| w.record("2026-11-03", s, s as i64, false, true))
        .collect();
    let holds = w.holds(w.client.clone());
    let span = asked(12, "2026-11-03T12:00:02.200Z", "2026-11-03T12:00:02.300Z");
    let placed = w.place(&holds, &span).expect("a second before midnight");
    assert_eq!((placed.segments, placed.until), (1, span.until));
    assert_eq!(
        w.place(&holds, &span).expect("again"),
        placed,
        "the same answer"
    );
    assert_eq!(w.of("hold.set").len(), 1, "and one line");
    let day_key = w.volume.join("day.age");
    fs::copy(&files[1], &day_key).expect("copy");

    // The sweep makes the copy itself: nothing has looked after the hold yet.
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert!(!w.volume.join("footage/2026-11-03").exists());
    let kept = w.kept(12);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].file_name(), files[1].file_name());
    assert!(
        !w.client.undecryptable(&kept[0]).expect("tried"),
        "the hold's key opens the copy"
    );
    assert!(
        w.client.undecryptable(&day_key).expect("tried"),
        "and nothing the day's"
    );
    let of = |kind: &str| w.of(kind);
    let lines: Vec<String> = lines(&w.log).into_iter().map(|r| r.kind).collect();
    let at = |kind: &str| lines.iter().position(|k| k == kind).expect("a line");
    assert!(at("hold.set") < at("hold.kept") && at("hold.kept") < at("del.range"));
    assert_eq!(number(&of("del.done")[0], "held"), 1);
    assert_eq!(number(&of("del.range")[0], "count"), 3);
    let leaf = &of("seg.write")[1].leaf;
    assert_eq!(text(&of("hold.kept")[0], "set"), hex(&sha256(leaf)));

    // It can still be found, and its neighbours cannot.
    let index = w.index();
    let there = |s| {
        let segment = index.segment(&cam(), s).expect("index").expect("logged");
        holds.open_at(&w.index(), &segment).expect("index")
    };
    assert_eq!(there(2), Some((kept[0].clone(), "c03/hold-12".to_owned())));
    assert_eq!((there(1), there(3)), (None, None));

    // The index may be lost: the log knows.
    drop(index);
    fs::remove_file(w.state.index()).expect("removed");
    assert_eq!(w.index().holds().expect("holds").len(), 1);

    // A second hold of what only the first one keeps has a copy of its own before the first one's goes.
    let second = Asked {
        hold: HoldId(13),
        ..span.clone()
    };
    w.place(&holds, &second).expect("held twice");
    w.release(&holds, HoldId(12), vec!["op:0001".into(), "op:0002".into()])
        .expect("cleared");
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!w.volume.join("held/H-000012").exists());
    let done = &w.of("hold.done")[0];
    assert_eq!((number(done, "count"), text(done, "claim")), (1, "file"));
    let segment = w
        .index()
        .segment(&cam(), 2)
        .expect("index")
        .expect("logged");
    assert_eq!(
        holds.open_at(&w.index(), &segment).expect("index"),
        Some((w.kept(13)[0].clone(), "c03/hold-13".to_owned()))
    );
    assert!(!w.client.undecryptable(&w.kept(13)[0]).expect("tried"));
    let again = w.place(&holds, &span).expect_err("it is over");
    assert!(again.why.contains("never set again"), "{}", again.why);
    w.release(&holds, HoldId(12), Vec::new())
        .expect("no harm done");
    assert_eq!(w.of("hold.clear").len(), 1);
}

/// RET-2, RET-3: what is past its day is neither held nor shown any more, whether it was deleted yet or not, and whatever the clock is worth.
#[test]
fn past_its_day_nothing_is_held() {
    let w = world("2026-12-02T00:05:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(1, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    let late = w.place(&holds, &span).expect_err("past its day");
    assert!(
        late.why.contains("28 days") && !late.passes(),
        "{}",
        late.why
    );
    let index = w.index();
    let segment = index.segment(&cam(), 1).expect("index").expect("logged");
    assert_eq!(holds.open_at(&w.index(), &segment).expect("index"), None);
    let none = asked(2, "2026-11-05T12:00:00.000Z", "2026-11-05T12:00:01.000Z");
    let none = w.place(&holds, &none).expect_err("none");
    assert!(none.why.contains("no footage of c03"), "{}", none.why);
    let ahead = asked(3, "2026-11-03T12:00:00.000Z", "2026-12-03T12:00:01.000Z");
    assert!(w.place(&holds, &ahead).is_err(), "not recorded yet");
}

/// RET-3: a hold that does not fit is refused with the reason; those there are stay. One that is extended stays the same hold.
#[test]
fn a_hold_that_does_not_fit() {
    let w = world("2026-11-20T12:00:00.000Z");
    for s in 1..=2 {
        w.record("2026-11-03", s, s as i64 * 10, false, true);
    }
    let size = number(&w.of("seg.write")[0], "size") as u64;
    let tight = w.holds_up_to(size * 3 / 2);
    let first = asked(1, "2026-11-03T12:00:10.000Z", "2026-11-03T12:00:11.000Z");
    let second = asked(2, "2026-11-03T12:00:20.000Z", "2026-11-03T12:00:21.000Z");
    w.place(&tight, &first).expect("fits");
    let refused = w.place(&tight, &second).expect_err("full");
    assert!(
        refused.code == Code::NoRoom && refused.why.contains("reserved for holds"),
        "{}",
        refused.why
    );
    let longer = Asked {
        until: utc("2027-12-01T00:00:00.000Z"),
        ..first.clone()
    };
    assert_eq!(
        w.place(&tight, &longer).expect("extended").until,
        longer.until
    );
    assert_eq!(
        w.place(&tight, &first).expect("an older order").until,
        longer.until
    );
    assert_eq!(w.of("hold.set").len(), 2);
    tight.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(w.kept(1).len(), 1, "copied before its day is over");
    w.release(&tight, HoldId(1), Vec::new()).expect("over");
    w.place(&tight, &second).expect("now it fits");
    let other = Asked {
        t1: utc("2026-11-03T12:00:30.000Z"),
        ..second
    };
    assert!(w.place(&tight, &other).is_err(), "another span");
}

/// RET-3: what is to be held and cannot be copied is not deleted; the other days go. A damaged segment is never passed off as held.
#[test]
fn what_cannot_be_copied_is_not_deleted() {
    let w = world("2026-12-01T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(5, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    w.place(&holds, &span).expect("held");
    let whole = fs::read(&file).expect("read");
    let mut bytes = whole.clone();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).expect("damaged");
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    let why = &failed[&Some(cam())];
    assert!(why.contains("not what was logged"), "{why}");
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    let mut sweeper = w.sweeper(w.client.clone());
    let swept = sweeper.sweep(utc("2026-12-02T00:05:00.000Z"));
    let stuck = swept.expect("swept").stuck.expect("stuck");
    assert!(stuck.contains("is not deleted before"), "{stuck}");
    assert!(file.exists() && w.of("del.range").is_empty() && w.kept(5).is_empty());
    fs::write(&file, &whole).expect("mended");
    sweeper
        .sweep(utc("2026-12-02T00:06:00.000Z"))
        .expect("swept");
    assert!(!file.exists() && w.kept(5).len() == 1);
}

/// RET-3: a hold is limited in time; it ends by itself, by a corroborated clock.
#[test]
fn a_hold_ends_by_itself() {
    let w = world("2026-11-20T12:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(7, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    w.place(&holds, &span).expect("held");
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(w.kept(7).len(), 1);
    w.clock.pass(200 * 86_400_000);
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(text(&w.of("hold.clear")[0], "why"), "expired");
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert!(w.kept(7).is_empty());
    assert_eq!(w.of("hold.done").len(), 1);
}
