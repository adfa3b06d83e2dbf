//! Wiring. Holds and the days of footage: what they keep, until when, and what is confirmed of it.

use super::*;
use crate::access::authorise::Permit;

/// RET-3: a hold ends at its date by the hub's clock, and the box is told why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_at_its_date() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "operator").await;
    let until = s.desk().now().plus_ms(1_500);
    let wanted = HoldRequest {
        until: Some(until),
        days: None,
        ..s.wanted()
    };
    let hold = s.add(wanted, &kim).await.expect("held").hold;
    assert_eq!(s.places().await, (hold, until));
    let desk = s.desk().clone();
    let wake = tokio::spawn(async move {
        // In place of the minute's look.
        loop {
            desk.pulls.holds.wake();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let Order {
        order: number,
        by,
        act: Act::HoldClear { why, .. },
        ..
    } = s.order().await
    else {
        panic!("its end was due");
    };
    wake.abort();
    assert!(s.desk().now() >= until, "not before");
    assert_eq!((why.as_str(), by), ("expired", vec!["sys:hub".to_owned()]));
    s.says(says_done(number, Done::Cleared)).await;
    let row = s.until(hold, |r| r.state == "over").await;
    assert_eq!(row.ended.as_deref(), Some("expired"));
    assert_eq!(s.kinds(), ["hold.ask", "hold.free"]);
}

/// RET-6: a clip request that waits for its box keeps its hold, however long it waits; the hub extends it, on the record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_request_keeps_its_hold() {
    let mut s = Scene::new().await;
    s.leaves().await;
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(20_000),
        t1: s.start.plus_ms(21_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let exhibit = s
        .act(move |d| submit::submit(d, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect("it waits for the box")
        .to_string();
    let desk = s.desk().clone();
    let hold = desk.db.hold_for(&exhibit).expect("read").expect("held");
    // Weeks later.
    let mut late = hold.clone();
    late.standing.until = desk.now().plus_ms(3 * DAY_MS);
    desk.db.put_hold(&late).expect("written");
    desk.pulls.holds.wake();
    let whole = i64::from(desk.config.hold_days) * DAY_MS;
    s.until(hold.id, |r| r.until.0 - r.made.0 >= whole).await;
    assert_eq!(s.kinds().last().map(String::as_str), Some("hold.extend"));
    // The box hears of the new date only.
    s.comes().await;
    let (id, until) = s.places().await;
    assert_eq!(id, hold.id);
    assert!(until.0 - hold.made.0 >= whole, "{until}");
}

/// RET-3, EVI-1: footage that was deleted on its day can be asked for while a hold keeps it, and not after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_footage_outlives_its_day() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "operator").await;
    let hold = s.add(s.wanted(), &kim).await.expect("held").hold;
    s.places().await;
    s.until(hold, |r| r.state == "placed").await;
    s.log.add(
        "sys:keep",
        &DelRange {
            cam: CameraId::parse("c01").expect("cam"),
            day: recorded(s.start),
            s0: 1,
            s1: 1,
            t0: s.start,
            t1: s.start.plus_ms(30_000),
            count: 1,
            set: "0".repeat(64),
            rule: "31 days".into(),
            key: format!("c01/{}", recorded(s.start)),
        },
    );
    s.told().await;
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(20_000),
        t1: s.start.plus_ms(21_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let gone = s
        .desk()
        .db
        .segments(&camera(), asked.t0, asked.t1)
        .expect("read");
    assert_eq!(gone[0].gone.as_deref(), Some("deleted"));
    let a = asked.clone();
    s.act(move |d| submit::submit(d, &a, &Permit::of_test(1, "pat")))
        .await
        .expect("whole segments are held");
    let mut over = s.desk().db.hold(hold).expect("read").expect("there");
    over.standing.apply(Event::Released {
        ended: crate::model::hold::HoldEnd::Order,
    });
    assert_ne!(over.standing.state, Stands::Placed);
    s.desk().db.put_hold(&over).expect("written");
    let no = s
        .act(move |d| submit::submit(d, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect_err("gone");
    assert!(no.to_string().contains("deleted on schedule"), "{no}");
}

/// RET-3: a number that the hub's own log or a box's names is not given out again, whatever became of the records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_holds_are_used_once() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "operator").await;
    for n in 1..=3 {
        assert_eq!(s.add(s.wanted(), &kim).await.expect("held").hold, HoldId(n));
    }
    // The records of before the first of them, with the log of now.
    let elsewhere = tempfile::tempdir().expect("folder");
    let db = Db::open(elsewhere.path()).expect("records");
    let name = BoxName::parse("ashby").expect("name");
    db.register_box(&name, "hash", Utc(i64::MAX / 2), s.desk().now())
        .expect("box");
    db.enrol(&name, "hash", "key", "certificate")
        .expect("enrolled");
    db.box_hello(
        &name,
        &Hello::of(&hello("ashby")).expect("a hello").expect("good"),
        s.desk().now(),
    )
    .expect("hello");
    let restored = s.desk().restarted_with(db);
    let (wanted, k) = (s.wanted(), kim.clone());
    let row = blocking(move || acts::add(&restored, &camera(), &wanted, &k))
        .await
        .expect("runs")
        .expect("held");
    assert_eq!(row.hold, HoldId(4));

    s.log.add(
        "hub:order",
        &HoldSet {
            hold: HoldId(500),
            cam: CameraId::parse("c01").expect("cam"),
            t0: s.start,
            t1: s.start.plus_ms(1_000),
            until: s.start.plus_ms(DAY_MS),
            grant: "H-000500".into(),
        },
    );
    // EVI-1, AUD-1: grants, exhibits and accounts that its lines name, by whatever lines.
    s.log.add(
        "hub:order",
        &HoldClear {
            hold: HoldId(500),
            why: "order".into(),
            by: vec!["op:0040".into(), "op:0041".into()],
        },
    );
    s.log.add(
        "hub:order",
        &HoldSet {
            hold: HoldId(499),
            cam: CameraId::parse("c01").expect("cam"),
            t0: s.start,
            t1: s.start.plus_ms(1_000),
            until: s.start.plus_ms(DAY_MS),
            grant: "G-000070".into(),
        },
    );
    s.told().await;
    assert_eq!(
        s.add(s.wanted(), &kim).await.expect("held").hold,
        HoldId(501)
    );
    assert_eq!(s.account("lee", "operator").await.op(), "op:0042");
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(2_000),
        t1: s.start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let exhibit = s.act(move |d| submit::submit(d, &asked, &Permit::of_test(1, "pat")));
    assert_eq!(exhibit.await.expect("granted").number(), 71);
}
