//! Wiring. Faults about deletion: they begin on the record, are shown, and end by themselves.

use shared::{
    testing::LogBuilder,
    types::{ClockState, ClockStep},
};

use super::*;
use crate::retention::rig::{ORIGIN, Rig, ashby, cam, day, london, utc};

fn recorded() -> (Rig, u64) {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let s = rig.noon("c01", day("2026-11-01"), 1000);
    rig.hub_to(utc("2026-11-01T12:00:02.000Z"));
    rig.send();
    (rig, s)
}

/// The box is on the line at this time, and has nothing to say but that.
fn alive(rig: &mut Rig, t: &str) {
    rig.to(utc(t));
    rig.log.beat();
    rig.send();
}

fn shown(rig: &Rig) -> Vec<String> {
    let boxes = crate::shown::boxes(&rig.hub).expect("boxes");
    let row = boxes.iter().find(|b| b.name == ashby()).expect("ashby");
    row.faults
        .iter()
        .map(|f| format!("{} {}", f.code, f.text))
        .collect()
}

/// FLT-3, RET-4: a certificate that does not come within a day of its time is a fault at the hub, once, over a restart too; it is
/// shown with the box's own, and ends when the certificate comes.
#[test]
fn a_missing_certificate() {
    let (mut rig, s) = recorded();
    alive(&mut rig, "2026-11-30T20:00:00.000Z");
    look(&rig.hub, None, None).expect("looked");
    assert!(shown(&rig).is_empty(), "{:?}", shown(&rig));
    alive(&mut rig, "2026-12-01T00:06:00.000Z");
    look(&rig.hub, None, None).expect("looked");
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(MISSING), (1, 0));
    let seen = shown(&rig);
    assert!(
        seen.len() == 1 && seen[0].contains("footage of 2026-11-01: due"),
        "{seen:?}"
    );
    assert!(shared::conditions::condition(MISSING).is_some());
    rig.restart();
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(MISSING), (1, 0));
    rig.to(utc("2026-12-01T09:00:00.000Z"));
    rig.deleted("c01", day("2026-11-01"), s, "28d", None);
    rig.send();
    let news = rig.hub.live.take_deletions();
    assert_eq!(news.iter().collect::<Vec<_>>(), [&ashby()]);
    look(&rig.hub, Some(&news), None).expect("looked");
    assert_eq!(rig.faults(MISSING), (1, 1));
    assert!(shown(&rig).is_empty());
    // Settled: it is not judged again.
    assert!(
        rig.hub
            .db
            .unsettled_days(&ashby())
            .expect("days")
            .is_empty()
    );
}

/// RET-2: a certificate that says a key still opens the footage is a fault, which ends when a later certificate of the key is good.
#[test]
fn a_failed_certificate() {
    let (mut rig, s) = recorded();
    rig.to(london().at(day("2026-11-30"), 0, 5));
    let n = rig.range("c01", day("2026-11-01"), "c01/2026-11-01", (s, s), "28d");
    rig.done("c01", day("2026-11-01"), n, None, false);
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert_eq!((rig.faults(FAILED), rig.faults(MISSING)), ((1, 0), (0, 0)));
    assert!(shared::conditions::condition(FAILED).is_some());
    rig.to(utc("2026-11-30T08:00:00.000Z"));
    let n = rig.range("c01", day("2026-11-01"), "c01/2026-11-01", (s, s), "28d");
    rig.done("c01", day("2026-11-01"), n, None, true);
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(FAILED), (1, 1));
}

/// RET-2: the walker saw older footage than the rule allows: a fault until a newer certificate says otherwise.
#[test]
fn footage_was_left() {
    let (mut rig, first) = recorded();
    let second = rig.noon("c01", day("2026-11-02"), 1000);
    let stray = london().at(day("2026-10-20"), 9, 0);
    rig.to(london().at(day("2026-11-30"), 0, 5));
    rig.deleted("c01", day("2026-11-01"), first, "28d", Some(stray));
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(FAILED), (1, 0));
    rig.to(london().at(day("2026-12-01"), 0, 5));
    rig.deleted("c01", day("2026-11-02"), second, "28d", None);
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(FAILED), (1, 1));
}

/// FLT-3: a box that is off the line: the hub cannot show the deletion, which is a fault a day after its time, and says so. Just after
/// a start of the hub nobody is called silent; a box that was revoked is nobody's fault any more.
#[test]
fn a_box_off_the_line() {
    let (rig, _) = recorded();
    rig.hub_to(utc("2026-12-01T00:06:00.000Z"));
    look(&rig.hub, None, Some(rig.hub.now())).expect("looked");
    assert!(shown(&rig).is_empty());
    look(&rig.hub, None, None).expect("looked");
    let seen = shown(&rig);
    assert!(
        seen.len() == 1
            && seen[0].contains(
                "cannot show the deletion: the box has not been heard since Sun 1 Nov 2026"
            ),
        "{seen:?}"
    );
    assert_eq!(rig.faults(MISSING), (1, 0));
    rig.hub.db.revoke_box(&ashby(), "stolen").expect("revoked");
    look(&rig.hub, None, None).expect("looked");
    assert_eq!(rig.faults(MISSING), (1, 1));
}

/// FLT-3: what the watch reads does not grow with the years a box has recorded.
#[test]
fn judging_stays_small() {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let mut kept = Vec::new();
    for n in 0..400 {
        let d = day("2026-11-01").plus_days(n);
        kept.push(rig.noon("c01", d, 1000));
        if let Some(n) = n.checked_sub(28).filter(|n| *n >= 0) {
            let old = day("2026-11-01").plus_days(n);
            rig.box_to(london().at(d.plus_days(1), 0, 5).plus_ms(1000));
            rig.deleted("c01", old, kept[n as usize], "28d", None);
        }
    }
    rig.hub_to(rig.log.t);
    rig.send();
    assert_eq!(rig.hub.db.unsettled_days(&ashby()).expect("days").len(), 28);
    assert!(
        rig.hub
            .db
            .unsettled_certificates(&ashby())
            .expect("certificates")
            .is_empty()
    );
    look(&rig.hub, None, None).expect("looked");
    assert!(shown(&rig).is_empty(), "{:?}", shown(&rig));
}

/// The certificates are derived: dropped, or of an older version of the tables, they are made again from the logs' copies, of boxes
/// that do not come any more too.
#[test]
fn certificates_are_made_again() {
    let (mut rig, s) = recorded();
    let boot = rig.segment_of("c01", "c01/boot-1", 500);
    rig.to(london().at(day("2026-11-30"), 0, 5));
    rig.deleted("c01", day("2026-11-01"), s, "28d", None);
    rig.range("c01", day("2026-11-01"), "c01/boot-1", (boot, boot), "28d");
    rig.send();
    let known = |rig: &Rig| {
        let db = &rig.hub.db;
        (
            db.camera_days(&ashby(), None, (day("2026-01-01"), day("2099-01-01")))
                .expect("days"),
            db.certificates(&ashby(), None, (day("2026-01-01"), day("2099-01-01")))
                .expect("certificates"),
        )
    };
    let before = known(&rig);
    assert_eq!((before.0.len(), before.1.len()), (2, 2));
    assert_eq!(before.0.iter().filter(|d| d.settled).count(), 1);
    rig.hub.db.unindex(ORIGIN).expect("dropped");
    assert_eq!(known(&rig).0.len(), 0);
    rig.hub.logs.catch_up_all().expect("made again");
    assert_eq!(known(&rig), before);
    // As an older program left it.
    let path = rig.dir.path().join("hub.sqlite");
    rusqlite::Connection::open(&path)
        .and_then(|c| c.execute_batch("UPDATE derived SET version=1; DROP TABLE certificates; CREATE TABLE certificates (x)"))
        .expect("older");
    rig.restart();
    assert_eq!(known(&rig).0.len(), 0);
    rig.hub.logs.catch_up_all().expect("made again");
    assert_eq!(known(&rig), before);
}

/// RET-2: a box that woke up in 1970 and recorded before anybody told it the time: its footage is not called overdue; once the clock
/// is vouched for it is due by when it was really recorded.
#[test]
fn recorded_under_an_unset_clock() {
    let mut rig = Rig::new("2026-11-20T12:00:00.000Z");
    rig.hello(&[("c01", None)], 28);
    rig.log = LogBuilder::new_at(ORIGIN, utc("1970-01-01T00:01:00.000Z"));
    rig.segment_of("c01", "c01/boot-1", 1000);
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert!(shown(&rig).is_empty(), "{:?}", shown(&rig));
    let standing = |rig: &Rig| {
        let b = rig.hub.db.box_named(&ashby()).expect("row").expect("ashby");
        let facts = gather::unsettled(&rig.hub, &b).expect("facts");
        facts.camera_days(&cam("c01"))[0].standing
    };
    assert_eq!(standing(&rig), DayVerdict::Undated);
    let delta = rig.hub.now().0 - rig.log.t.0;
    rig.log.t = rig.log.t.plus_ms(delta);
    let step = ClockStep {
        delta_ms: delta,
        src: "hub".into(),
    };
    rig.log.add("sys:clock", &step);
    let state = ClockState {
        src: "hub".into(),
        stratum: 0,
        offset_us: 0,
        err_us: 0,
        trust: "synced".into(),
    };
    rig.log.add("sys:clock", &state);
    rig.send();
    let due = utc("2026-12-19T00:05:00.000Z");
    assert_eq!(standing(&rig), DayVerdict::NotDue { due });
    // Deleted by elapsed time, on that night: sound.
    rig.to(due);
    let n = rig.range("c01", day("1970-01-01"), "c01/boot-1", (1, 1), "28d");
    rig.done("c01", day("1970-01-01"), n, None, true);
    rig.send();
    look(&rig.hub, None, None).expect("looked");
    assert!(shown(&rig).is_empty(), "{:?}", shown(&rig));
    assert!(
        rig.hub
            .db
            .unsettled_days(&ashby())
            .expect("days")
            .is_empty()
    );
}
