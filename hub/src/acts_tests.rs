//! Wiring. Tests of acts: many at once, what could not be stored, and records that are put back from a copy. A hub that is killed at any moment
//! is in `web::tests::at_once`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    thread,
};

use shared::{
    id::{BoxCamera, HoldId},
    record::Record,
    types::LiftAsk,
};

use crate::{
    access::{accounts, approvals::ask_within, authorise::Permit},
    acts,
    classes::RetentionClassInput,
    db::lifts::NewLift,
    disposal::acts as evidence,
    error::HubError,
    holds::acts as holds,
    hub::{Hub, testing},
    model::{approval::Kind, pull::State},
    orders::mask,
    reason::class::Class,
    requests::submit::{self, PullRequest},
    retention::rig::{Rig, ashby, day, utc},
};

const START: &str = "2026-11-03T14:00:00.000Z";

fn who(op: u32) -> Permit {
    Permit::of_test(op, &format!("kim{op}"))
}

fn camera() -> BoxCamera {
    BoxCamera::parse("ashby/c01").expect("camera")
}

/// A hub with a box that has a minute of footage.
fn rig() -> Rig {
    let mut rig = Rig::new(START);
    let enrolled = rig.hub.db.enrol(&ashby(), "hash", "ab", "PEM");
    assert!(enrolled.expect("enrolled"));
    rig.hello(&[("c01", None)], 31);
    rig.noon("c01", day("2026-11-04"), 1000);
    rig.send();
    rig.hub_to(utc("2026-11-04T13:00:00.000Z"));
    rig
}

fn pull(hub: &Hub, who: &Permit, purpose: &str) -> Result<String, HubError> {
    let t0 = utc("2026-11-04T11:59:10.000Z");
    let asked = PullRequest {
        camera: camera(),
        t0,
        t1: t0.plus_ms(20_000),
        purpose: purpose.into(),
        reference: "CRIME/1".into(),
        requester: "PC 1".into(),
    };
    Ok(submit::submit(hub, &asked, who)?.to_string())
}

fn hold(hub: &Hub, who: &Permit) -> Result<HoldId, HubError> {
    let t0 = utc("2026-11-04T11:59:10.000Z");
    let wanted = holds::HoldRequest {
        t0,
        t1: t0.plus_ms(20_000),
        until: None,
        days: Some(10),
        review: None,
        reason: "robbery".into(),
        authority: "PACE".into(),
        reference: "CRIME/1".into(),
    };
    Ok(holds::add(hub, &camera(), &wanted, who)?.hold)
}

/// All of these at once, each from a thread of its own.
fn at_once<T: Send>(n: u32, work: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let gate = std::sync::Barrier::new(n as usize);
    thread::scope(|s| {
        let run = |i| {
            gate.wait();
            work(i)
        };
        let threads: Vec<_> = (1..=n).map(|i| s.spawn(move || run(i))).collect();
        let joined = threads.into_iter().map(|t| t.join().expect("ran"));
        joined.collect()
    })
}

fn done<T>(results: Vec<Result<T, HubError>>) -> (Vec<T>, Vec<String>) {
    let (mut good, mut sentences) = (Vec::new(), Vec::new());
    for r in results {
        match r {
            Ok(t) => good.push(t),
            Err(e) if e.class() == Class::Refused => sentences.push(e.to_string()),
            Err(e) => panic!("neither done nor refused: {e:?}"),
        }
    }
    (good, sentences)
}

/// EVI-1, RET-3, ROL-5 (F2): twenty of each act at once from several people: each is done once or refused in a sentence, and numbers have
/// neither holes nor doubles.
#[test]
fn twenty_at_once() {
    let rig = rig();
    let hub = &rig.hub;

    let (pulled, refused) = done(at_once(24, |i| {
        // Every sixth gives no purpose.
        let purpose = if i % 6 == 0 { " " } else { "robbery" };
        pull(hub, &who(1 + i % 4), purpose)
    }));
    assert_eq!((pulled.len(), refused.len()), (20, 4), "{refused:?}");
    let numbers: BTreeSet<String> = pulled.into_iter().collect();
    let expected: BTreeSet<String> = (1..=20).map(|n| format!("EXH-2026-{n:06}")).collect();
    assert_eq!(numbers, expected);

    let (held, refused) = done(at_once(20, |i| hold(hub, &who(1 + i % 4))));
    assert!(refused.is_empty(), "{refused:?}");
    let numbers: BTreeSet<u64> = held.iter().map(|h| h.0).collect();
    assert_eq!(numbers, (21..=40).collect(), "each clip has one too");

    let (made, refused) = done(at_once(20, |i| {
        let name = format!("ann{}", i % 10);
        accounts::add(hub, &name, "operator", &who(1)).map(|made| made.op)
    }));
    assert_eq!((made.len(), refused.len()), (10, 10));
    assert_eq!(
        made.into_iter().collect::<BTreeSet<_>>(),
        (1..=10).collect()
    );

    // Each is released by one person's word and another's.
    for id in &held {
        holds::release(hub, *id, "no longer wanted", &who(1)).expect("asked");
    }
    let approved = at_once(20, |i| {
        let id = held[(i % 4) as usize];
        (id, holds::approve(hub, id, &who(1 + i)))
    });
    let mut by_hold: BTreeMap<HoldId, u32> = BTreeMap::new();
    for (id, result) in approved {
        *by_hold.entry(id).or_default() += u32::from(result.is_ok());
    }
    assert!(by_hold.values().all(|n| *n == 1), "{by_hold:?}");

    let lifts: Vec<u64> = (0..4).map(|_| lift(hub)).collect();
    let (withdrawn, refused) = done(at_once(20, |i| {
        mask::withdraw(hub, lifts[(i % 4) as usize], &who(i))
    }));
    assert_eq!((withdrawn.len(), refused.len()), (4, 16), "{refused:?}");

    agree(hub);
}

/// A lift somebody asks for, of a box that is not on the line.
fn lift(hub: &Hub) -> u64 {
    let line = |ask| LiftAsk {
        ask,
        r#box: "ashby".into(),
        cam: camera().cam,
        mask: "m1".into(),
        until: None,
        minutes: Some(10),
        authority: "a".into(),
        reason: "r".into(),
        by: "op:0001".into(),
        instead: None,
        sha256: None,
    };
    let lift = NewLift {
        camera: camera(),
        mask: "m1".into(),
        instead: None,
        until: None,
        minutes: Some(10),
        authority: "a".into(),
    };
    let asked = hub.act(|act| {
        let (kind, about) = (Kind::Lift, camera().to_string());
        let n = ask_within(hub, act, &who(1), kind, &about, "null", Some("r"), line)?;
        act.add_lift(n, &lift)?;
        Ok(n)
    });
    asked.expect("asked")
}

/// Every line of the hub's log.
fn log(folder: &Path) -> Vec<Record> {
    let mut out = Vec::new();
    acts::lines(folder, 0, |r| {
        out.push(r.clone());
        Ok(())
    })
    .expect("the log reads");
    out
}

/// What the log says was done and no `act.fail` takes back is in the records, and the other way round; no number was given out twice.
fn agree(hub: &Hub) {
    let lines = log(&hub.log.folder());
    let text = |r: &Record, key: &str| {
        let value = r.data.get(key).and_then(|v| v.as_str());
        value.map(str::to_owned).unwrap_or_default()
    };
    let failed: BTreeSet<i64> = lines
        .iter()
        .filter(|r| r.kind == "act.fail")
        .filter_map(|r| r.data.get("line")?.as_int())
        .collect();
    let of = |kind: &str| {
        let of_kind = lines.iter().filter(|r| r.kind == kind);
        of_kind
            .map(|r| (r, !failed.contains(&(r.n as i64))))
            .collect::<Vec<_>>()
    };
    let once = |numbers: Vec<String>| {
        let all = numbers.len();
        let different: BTreeSet<String> = numbers.into_iter().collect();
        assert_eq!(different.len(), all, "a number was given out twice");
        different
    };

    let grants = of("grant.set");
    once(grants.iter().map(|(r, _)| text(r, "grant")).collect());
    let said: BTreeSet<String> = grants
        .iter()
        .filter(|(_, done)| *done)
        .map(|(r, _)| text(r, "ref"))
        .collect();
    let requests = hub.db.requests().expect("requests");
    assert!(requests.iter().all(|r| r.state == State::Authorised));
    let stored: BTreeSet<String> = requests.iter().map(|r| r.r#ref.to_string()).collect();
    assert_eq!(said, stored);
    for exhibit in &stored {
        assert!(
            hub.db.hold_for(exhibit).expect("holds").is_some(),
            "{exhibit} is held"
        );
    }
    let all = hub.db.all_evidence().expect("classes");
    let classed = of("copy.class").into_iter().filter(|(_, done)| *done);
    let classed: BTreeSet<String> = classed.map(|(r, _)| text(r, "ref")).collect();
    assert_eq!(classed, all.keys().cloned().collect());

    let asked = of("hold.ask");
    once(asked.iter().map(|(r, _)| text(r, "hold")).collect());
    let said = asked.iter().filter(|(_, done)| *done);
    let said: BTreeSet<String> = said.map(|(r, _)| text(r, "hold")).collect();
    let holds = hub.db.holds(Some(shared::time::Utc(0))).expect("holds");
    let stored: BTreeSet<String> = holds.iter().map(|h| h.id.to_string()).collect();
    assert_eq!(said, stored);
    for (r, done) in of("hold.extend") {
        let id = HoldId::parse(&text(r, "hold")).expect("number");
        let h = hub.db.hold(id).expect("reads").expect("row");
        assert!(
            if done { h.line >= r.n } else { h.line != r.n },
            "{id} {}",
            r.n
        );
    }

    let accounts = of("op.add");
    once(accounts.iter().map(|(r, _)| text(r, "op")).collect());
    for (r, done) in accounts {
        let op = text(r, "op")
            .get(3..)
            .and_then(|n| n.parse().ok())
            .expect("op");
        assert_eq!(
            hub.db.account_numbered(op).expect("reads").is_some(),
            done,
            "{op}"
        );
    }
    // The number of a request that was not stored is the next one's.
    for (r, _) in of("lift.ask").into_iter().filter(|(_, done)| *done) {
        let ask = r.data.get("ask").and_then(|n| n.as_u64()).expect("number");
        assert!(hub.db.lift(ask).expect("reads").is_some());
    }
}

/// AUD-1: an act whose rows cannot be stored is refused, its line is said to have failed, and its number is not used again.
#[test]
fn not_stored() {
    let rig = rig();
    let hub = &rig.hub;
    pull(hub, &who(1), "robbery").expect("pulled");
    let failed = hub.act(|act| -> Result<(), HubError> {
        let n = act.number(crate::db::numbers::Numbered::Request)?;
        let line = shared::types::GrantSet {
            grant: format!("G-{n:06}"),
            r#ref: format!("EXH-2026-{n:06}"),
            cam: "ashby/c01".into(),
            t0: hub.now(),
            t1: hub.now().plus_ms(1000),
            purpose: "p".into(),
            reference: "r".into(),
            requester: "q".into(),
        };
        act.log("op:0001", &line)?;
        Err(HubError::Broken("the disk is full".into()))
    });
    assert!(failed.is_err());
    let last = log(&hub.log.folder()).pop().expect("line");
    assert_eq!(last.kind, "act.fail");
    let code = last.data.get("code").and_then(|v| v.as_str());
    assert_eq!(code, Some("not-stored"));
    assert_eq!(
        pull(hub, &who(1), "robbery").expect("pulled"),
        "EXH-2026-000003"
    );
    agree(hub);
    assert_eq!(acts::settle(&hub.db, &hub.log).expect("settled"), 0);
}

/// EVI-1: a hub whose records are put back from before some acts says so of each on its log, and gives none of their numbers out again;
/// one that has lost its records altogether gives none out again either.
#[test]
fn put_back_from_a_copy() {
    let mut rig = rig();
    pull(&rig.hub, &who(1), "robbery").expect("pulled");
    rig.hub.log.close("test").expect("closed");
    let path = rig.dir.path().join("hub.sqlite");
    let copy = |from: &Path, to: &Path| {
        for end in ["", "-wal"] {
            let name = |p: &Path| format!("{}{end}", p.display());
            let _ = std::fs::remove_file(name(to));
            if Path::new(&name(from)).exists() {
                std::fs::copy(name(from), name(to)).expect("copied");
            }
        }
    };
    let old = rig.dir.path().join("old");
    copy(&path, &old);
    rig.hub = Arc::new(testing::open(rig.dir.path(), rig.hands.clone()));
    for _ in 0..3 {
        pull(&rig.hub, &who(1), "robbery").expect("pulled");
    }
    rig.hub.log.close("test").expect("closed");
    copy(&old, &path);
    let _ = std::fs::remove_file(format!("{}-shm", path.display()));
    rig.hub = Arc::new(testing::open(rig.dir.path(), rig.hands.clone()));
    let failed = acts::settle(&rig.hub.db, &rig.hub.log).expect("settled");
    assert_eq!(failed, 15, "three acts of five lines");
    assert_eq!(
        pull(&rig.hub, &who(1), "robbery").expect("pulled"),
        "EXH-2026-000005"
    );
    agree(&rig.hub);

    let n = rig
        .hub
        .db
        .write(|tx| tx.number(crate::db::numbers::Numbered::Hold));
    assert_eq!(n.expect("number"), 6);
    rig.hub.log.close("test").expect("closed");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    rig.hub = Arc::new(testing::open(rig.dir.path(), rig.hands.clone()));
    acts::settle(&rig.hub.db, &rig.hub.log).expect("settled");
    let n = rig
        .hub
        .db
        .write(|tx| tx.number(crate::db::numbers::Numbered::Request));
    assert_eq!(n.expect("number"), 6, "the log knows");
    let n = rig
        .hub
        .db
        .write(|tx| tx.number(crate::db::numbers::Numbered::ClipRequest));
    assert_eq!(n.expect("number"), 6, "of requests too");
}

/// The class of an exhibit is one act with its line.
#[test]
fn classes() {
    let rig = rig();
    let exhibit = pull(&rig.hub, &who(1), "robbery").expect("pulled");
    let exhibit = shared::id::ExhibitRef::parse(&exhibit).expect("exhibit");
    let given = RetentionClassInput {
        class: Some("surveillance".into()),
        review: None,
    };
    let no = evidence::class(&rig.hub, &exhibit, &given, "why", &who(1)).expect_err("open");
    assert!(no.to_string().contains("still being pulled"), "{no}");
    agree(&rig.hub);
}
