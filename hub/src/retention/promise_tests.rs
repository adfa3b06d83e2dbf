//! Pure. What a certificate is worth, at the minute where it changes.

use super::*;
use crate::{
    db::retention::DoneRecord,
    retention::rig::{cam, day, london, utc},
};

const HOUR: i64 = 3_600_000;

fn policy(days: u32) -> Policy {
    Policy {
        rules: vec![(Utc(0), days)],
        zone: london(),
        zones: Vec::new(),
    }
}

fn row(d: &str) -> DayRecord {
    let t0 = london().start_of(day(d));
    DayRecord {
        cam: cam("c01"),
        day: day(d),
        key: format!("c01/{d}"),
        s0: 1,
        s1: 9,
        t0,
        t1: t0.plus_ms(9 * 60_000),
        bytes: 9000,
        count: 9,
        held: 9,
        doubtful: false,
        latest: None,
        settled: false,
    }
}

fn gone(d: &str) -> DayRecord {
    DayRecord {
        held: 0,
        settled: true,
        ..row(d)
    }
}

fn certificate(d: &str, at: Utc, rule: &str) -> CertificateRecord {
    let r = row(d);
    CertificateRecord {
        log: "l".into(),
        n: 100,
        cam: r.cam,
        day: r.day,
        key: r.key,
        s0: 1,
        s1: 9,
        t0: r.t0,
        t1: r.t1,
        count: 9,
        digest: String::new(),
        rule: rule.into(),
        at,
        done: Some(DoneRecord {
            n: 101,
            at: at.plus_ms(2000),
            oldest: None,
            undecryptable: true,
            claim: "file".into(),
            held: 0,
        }),
    }
}

fn heard(now: Utc) -> Horizon {
    Horizon {
        now,
        upto: Some(now),
    }
}

fn with(d: &DayRecord, c: &CertificateRecord, p: &Policy, now: Utc) -> DayVerdict {
    judge(d, &[c], Some(c), p, heard(now))
}

fn without(d: &DayRecord, p: &Policy, heard: Horizon) -> DayVerdict {
    judge(d, &[], None, p, heard)
}

/// RET-1, RET-2: 28, 30 and 31 days, over both nights the clocks change: sound from 00:05 local on, early a millisecond before, late
/// a day after; without a certificate not due, awaited, and missing a day after it was due.
#[test]
fn days_of_the_calendar() {
    for (days, recorded, due_at) in [
        (28, "2026-11-03", "2026-12-02T00:05:00.000Z"),
        (30, "2026-11-03", "2026-12-04T00:05:00.000Z"),
        (31, "2026-11-03", "2026-12-05T00:05:00.000Z"),
        // recorded in summer time, due in winter time, and the other way round
        (28, "2026-10-01", "2026-10-30T00:05:00.000Z"),
        (28, "2026-03-10", "2026-04-07T23:05:00.000Z"),
        // due on the nights themselves, and on the mornings after
        (28, "2026-02-28", "2026-03-29T00:05:00.000Z"),
        (28, "2026-03-01", "2026-03-29T23:05:00.000Z"),
        (30, "2026-09-24", "2026-10-24T23:05:00.000Z"),
        (30, "2026-09-25", "2026-10-26T00:05:00.000Z"),
        (31, "2028-01-29", "2028-03-01T00:05:00.000Z"),
    ] {
        let (p, due_at, rule) = (policy(days), utc(due_at), format!("{days}d"));
        assert_eq!(due(day(recorded), days, &london()), due_at, "{recorded}");
        let now = due_at.plus_ms(60 * HOUR);
        let at = |ms| {
            with(
                &gone(recorded),
                &certificate(recorded, due_at.plus_ms(ms), &rule),
                &p,
                now,
            )
        };
        assert_eq!(at(0), DayVerdict::Sound, "{recorded}");
        assert_eq!(
            at(-1),
            DayVerdict::Early {
                due: due_at,
                space: false
            }
        );
        assert_eq!(at(GRACE_MS), DayVerdict::Late { due: due_at });
        let left = |ms| without(&row(recorded), &p, heard(due_at.plus_ms(ms)));
        assert_eq!(left(-1), DayVerdict::NotDue { due: due_at });
        assert_eq!(left(0), DayVerdict::Awaited { due: due_at });
        assert_eq!(left(GRACE_MS), DayVerdict::Awaited { due: due_at });
        assert_eq!(
            left(GRACE_MS + 1),
            DayVerdict::Missing {
                due: due_at,
                silent: None,
                begun: false
            }
        );
    }
}

/// RET-4: deleted for lack of space is early, and says why; it stays early however much later one looks.
#[test]
fn early_for_lack_of_space() {
    let at = utc("2026-11-20T10:00:00.000Z");
    let c = certificate("2026-11-03", at, "early");
    let seen = with(
        &gone("2026-11-03"),
        &c,
        &policy(31),
        at.plus_ms(400 * 24 * HOUR),
    );
    assert_eq!(
        seen,
        DayVerdict::Early {
            due: utc("2026-12-05T00:05:00.000Z"),
            space: true
        }
    );
    assert!(seen.text(&london()).contains("for lack of space"));
}

/// FLT-3: a box off the line: not known from then on, and a day past its time a fault that says why.
#[test]
fn a_box_off_the_line() {
    let (p, due_at) = (policy(31), utc("2026-12-05T00:05:00.000Z"));
    let away = due_at.plus_ms(-5 * HOUR);
    let at = |ms| {
        without(
            &row("2026-11-03"),
            &p,
            Horizon {
                now: due_at.plus_ms(ms),
                upto: Some(away),
            },
        )
    };
    assert_eq!(at(-1), DayVerdict::NotDue { due: due_at });
    assert_eq!(at(HOUR), DayVerdict::NotKnown { since: Some(away) });
    assert!(
        at(HOUR)
            .text(&london())
            .contains("not known since Fri 4 Dec 2026"),
        "{}",
        at(HOUR).text(&london())
    );
    let fault = at(GRACE_MS + 1);
    assert_eq!(
        fault,
        DayVerdict::Missing {
            due: due_at,
            silent: Some(Some(away)),
            begun: false
        }
    );
    let text = fault.text(&london());
    assert!(
        text.contains("cannot show the deletion") && text.contains("not been heard since"),
        "{text}"
    );
    // It went off the line in the hours after its time: the hub cannot know either.
    let late = without(
        &row("2026-11-03"),
        &p,
        Horizon {
            now: due_at.plus_ms(GRACE_MS + 1),
            upto: Some(due_at.plus_ms(HOUR)),
        },
    );
    assert!(matches!(
        late,
        DayVerdict::Missing {
            silent: Some(_),
            ..
        }
    ));
    let never = Horizon {
        now: due_at.plus_ms(HOUR),
        upto: None,
    };
    assert_eq!(
        without(&row("2026-11-03"), &p, never),
        DayVerdict::NotKnown { since: None }
    );
}

/// RET-4: a deletion that was begun and never reported done is awaited for a day, then missing.
#[test]
fn begun_and_not_done() {
    let due_at = utc("2026-12-05T00:05:00.000Z");
    let mut c = certificate("2026-11-03", due_at, "31d");
    c.done = None;
    let d = DayRecord {
        held: 0,
        ..row("2026-11-03")
    };
    let at = |ms| with(&d, &c, &policy(31), due_at.plus_ms(ms));
    assert_eq!(at(HOUR), DayVerdict::Awaited { due: due_at });
    assert!(matches!(
        at(GRACE_MS + 1),
        DayVerdict::Missing { begun: true, .. }
    ));
}

/// RET-2: a certificate that says a key still opens the footage fails, until a later one of the same key says none does.
#[test]
fn a_key_still_opens_it() {
    let at = utc("2026-12-05T00:05:00.000Z");
    let mut c = certificate("2026-11-03", at, "31d");
    c.done.as_mut().expect("done").undecryptable = false;
    let d = DayRecord {
        held: 0,
        ..row("2026-11-03")
    };
    assert_eq!(
        with(&d, &c, &policy(31), at.plus_ms(HOUR)),
        DayVerdict::Failing(Fails::Opens)
    );
    assert_eq!(
        with(&gone("2026-11-03"), &c, &policy(31), at.plus_ms(HOUR)),
        DayVerdict::Sound
    );
}

/// RET-2: what the newest certificate says is left on disk is held against the rule; an older one's word is history.
#[test]
fn older_footage_was_left() {
    let at = utc("2026-12-05T00:05:00.000Z");
    let zone = london();
    let left = |oldest: Utc, newest: bool| {
        let mut c = certificate("2026-11-03", at, "31d");
        c.done.as_mut().expect("done").oldest = Some(oldest);
        judge(
            &gone("2026-11-03"),
            &[&c],
            newest.then_some(&c),
            &policy(31),
            heard(at.plus_ms(HOUR)),
        )
    };
    let allowed = zone.start_of(day("2026-11-04"));
    assert_eq!(left(allowed, true), DayVerdict::Sound);
    let oldest = allowed.plus_ms(-1);
    assert_eq!(
        left(oldest, true),
        DayVerdict::Failing(Fails::Left { oldest })
    );
    assert_eq!(left(oldest, false), DayVerdict::Sound);
}

/// RET-1: a rule made longer does not make earlier deletions early; one made shorter makes nothing due before it was made.
#[test]
fn a_rule_that_changed() {
    let changed = utc("2026-12-01T12:00:00.000Z");
    let longer = Policy {
        rules: vec![(Utc(0), 28), (changed, 31)],
        zone: london(),
        zones: Vec::new(),
    };
    let by_the_old = certificate("2026-11-01", utc("2026-11-30T00:05:00.000Z"), "28d");
    let now = utc("2026-12-02T00:00:00.000Z");
    assert_eq!(
        with(&gone("2026-11-01"), &by_the_old, &longer, now),
        DayVerdict::Sound
    );
    // A box that goes on by the old rule deletes early.
    let after = certificate("2026-11-06", utc("2026-12-05T00:05:00.000Z"), "28d");
    assert!(matches!(
        with(
            &gone("2026-11-06"),
            &after,
            &longer,
            utc("2026-12-06T00:00:00.000Z")
        ),
        DayVerdict::Early { .. }
    ));
    let shorter = Policy {
        rules: vec![(Utc(0), 31), (changed, 28)],
        zone: london(),
        zones: Vec::new(),
    };
    let d = row("2026-11-01");
    assert_eq!(
        without(&d, &shorter, heard(changed.plus_ms(HOUR))),
        DayVerdict::Awaited { due: changed }
    );
    let swept = certificate("2026-11-01", changed.plus_ms(12 * HOUR), "28d");
    assert_eq!(
        with(
            &gone("2026-11-01"),
            &swept,
            &shorter,
            changed.plus_ms(20 * HOUR)
        ),
        DayVerdict::Sound
    );
}

/// RET-2: footage under a clock that was never set lies under 1970: nothing is due before somebody knows when it was recorded.
#[test]
fn recorded_under_an_unset_clock() {
    let d = DayRecord {
        doubtful: true,
        ..row("1970-01-01")
    };
    let now = utc("2026-11-20T12:00:00.000Z");
    assert_eq!(without(&d, &policy(31), heard(now)), DayVerdict::Undated);
    let known = DayRecord {
        latest: Some(utc("2026-11-03T15:00:00.000Z")),
        ..d
    };
    assert_eq!(
        without(&known, &policy(31), heard(now)),
        DayVerdict::NotDue {
            due: utc("2026-12-05T00:05:00.000Z")
        }
    );
    let c = certificate("1970-01-01", utc("2026-12-05T00:05:00.000Z"), "31d");
    let settled = DayRecord {
        held: 0,
        settled: true,
        ..known
    };
    assert_eq!(
        with(&settled, &c, &policy(31), utc("2026-12-06T00:00:00.000Z")),
        DayVerdict::Sound
    );
}

/// RET-1, RET-4: a box whose zone was put right: what it deleted by its old midnight was not early, what it leaves under its old days is
/// not left over, and what it keeps for its days after a move to the east is not late.
#[test]
fn a_zone_that_changed() {
    let auckland = Zone::parse("Pacific/Auckland").expect("zone");
    let moved = utc("2026-12-02T12:00:00.000Z");
    let policy = |before: &Zone, now: &Zone| Policy {
        rules: vec![(Utc(0), 28)],
        zone: now.clone(),
        zones: vec![(Utc(0), before.clone()), (moved, now.clone())],
    };
    let west = policy(&auckland, &london());
    // At five past midnight in Auckland, half a day before London's: by the zone it had then.
    let then = certificate("2026-11-02", auckland.at(day("2026-12-01"), 0, 5), "28d");
    let now = moved.plus_ms(HOUR);
    assert_eq!(
        with(&gone("2026-11-02"), &then, &west, now),
        DayVerdict::Sound
    );
    // Weeks later no such hour is excused.
    let early = certificate("2026-11-22", auckland.at(day("2026-12-21"), 0, 5), "28d");
    let now = utc("2026-12-22T00:00:00.000Z");
    assert!(matches!(
        with(&gone("2026-11-22"), &early, &west, now),
        DayVerdict::Early { .. }
    ));
    // The next day, of which the morning in Auckland is London's evening before.
    let mut kept = certificate("2026-11-05", utc("2026-12-04T00:05:00.000Z"), "28d");
    if let Some(done) = &mut kept.done {
        done.oldest = Some(auckland.start_of(day("2026-11-06")));
    }
    let now = utc("2026-12-04T12:00:00.000Z");
    assert_eq!(
        with(&gone("2026-11-05"), &kept, &west, now),
        DayVerdict::Sound
    );
    if let Some(done) = &mut kept.done {
        done.oldest = Some(auckland.start_of(day("2026-11-05")));
    }
    assert!(matches!(
        with(&gone("2026-11-05"), &kept, &west, now),
        DayVerdict::Failing(Fails::Left { .. })
    ));
    // To the east: midnight comes early, and the day is kept for its days.
    let east = policy(&london(), &auckland);
    let last = london().start_of(day("2026-11-06"));
    let d = DayRecord {
        t1: last,
        ..row("2026-11-05")
    };
    let DayVerdict::NotDue { due } = without(&d, &east, heard(utc("2026-12-03T12:00:00.000Z")))
    else {
        panic!("kept for its days")
    };
    assert_eq!(due.0 - last.0, (28 * 24 - 1) * HOUR);
}
