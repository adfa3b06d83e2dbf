//! Wiring. A hold from its placing to its release by two people.

use super::*;

/// RET-3, ROL-5, AUD-1: a hold goes to its box signed, and is in force when the box says so, once or twice; it is extended, and what
/// the box does not take is undone and recorded; before its time it ends by two people, whom the order names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_and_its_two_people() {
    let mut s = Scene::new().await;
    let pat = s.account("pat", "operator").await;
    let (kim, lee) = (
        s.account("kim", "supervisor").await,
        s.account("lee", "coordinator").await,
    );
    type Change = fn(&mut HoldRequest);
    let bad: [(Change, &str); 6] = [
        (|w| w.reason = " ".into(), "a reason is needed"),
        (|w| w.authority = String::new(), "an authority is needed"),
        (|w| w.days = Some(500), "400 days"),
        (|w| w.until = Some(Utc(0)), "either until when"),
        (|w| w.t1 = w.t0, "does not come after"),
        (|w| w.t1 = w.t1.plus_ms(3_600_000), "lies in the future"),
    ];
    for (change, why) in bad {
        let mut wanted = s.wanted();
        change(&mut wanted);
        let no = s.add(wanted, &pat).await.expect_err(why);
        assert!(no.to_string().contains(why), "{no}");
    }
    assert!(s.kinds().is_empty(), "nothing was asked for");

    let row = s.add(s.wanted(), &pat).await.expect("held");
    assert_eq!(
        (row.hold.to_string().as_str(), row.state.as_str()),
        ("H-000001", "pending")
    );
    let Order {
        order: number,
        r#box,
        act:
            Act::HoldSet {
                hold,
                cam,
                t0,
                t1,
                until,
                grant,
            },
        ..
    } = s.order().await
    else {
        panic!("a hold was due");
    };
    assert_eq!((hold, until), (row.hold, row.until));
    assert_eq!((t0, t1), (s.start.plus_ms(2_000), s.start.plus_ms(8_000)));
    assert_eq!(
        (r#box.as_str(), cam.as_str(), grant.as_str()),
        ("ashby", "c01", "H-000001")
    );
    s.says(placed(number, until)).await;
    s.says(placed(number, until)).await;
    let row = s.until(hold, |r| r.state == "placed").await;
    assert_eq!((row.segments, row.bytes), (Some(1), Some(1000)));
    assert_eq!(row.reason.as_deref(), Some("Robbery"));
    assert_eq!(row.review, s.desk().config.zone.day_of(until), "always one");

    // Footage the hub has no line of yet: the box knows.
    let newest = HoldRequest {
        t0: s.start.plus_ms(31_000),
        t1: s.start.plus_ms(33_000),
        ..s.wanted()
    };
    let unknown = s.add(newest, &pat).await.expect("the box says").hold;
    let number = s.order().await.order;
    let why = "this box holds no footage of c01";
    s.says(says_refused(number, Code::NothingRecorded, why))
        .await;
    s.until(unknown, |r| r.state == "refused").await;

    // Longer; what the box does not take is undone.
    let later = until.plus_ms(20 * DAY_MS);
    let extend = |until: Utc, who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::extend(d, hold, until, None, "Trial adjourned", &who)
    };
    let no = s.act(extend(until, &pat)).await.expect_err("no longer");
    assert!(no.to_string().contains("already"), "{no}");
    let no = s
        .act(extend(until.plus_ms(500 * DAY_MS), &pat))
        .await
        .expect_err("too long");
    assert!(no.to_string().contains("400 days"), "{no}");
    s.act(extend(later, &pat)).await.expect("extended");
    assert_eq!(s.places().await, (hold, later));
    s.until(hold, |r| r.state == "placed" && r.days_left == Some(29))
        .await;
    let last = later.plus_ms(DAY_MS);
    s.act(extend(last, &pat)).await.expect("extended");
    let Order {
        order: number,
        act: Act::HoldSet { until: asked, .. },
        ..
    } = s.order().await
    else {
        panic!("an extension was due");
    };
    assert_eq!(asked, last);
    s.says(says_refused(number, Code::Late, "the disk is going"))
        .await;
    let row = s.until(hold, |r| r.until == later).await;
    assert_eq!(row.state, "placed");
    assert!(row.why.contains("not extended: the disk"), "{}", row.why);

    // Before its time it ends by two people.
    let release = |who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::release(d, hold, "Not needed", &who)
    };
    let approve = |who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::approve(d, hold, &who)
    };
    let no = s.act(approve(&lee)).await.expect_err("nobody asked");
    assert!(no.to_string().contains("nobody asked"), "{no}");
    s.act(release(&kim)).await.expect("asked for");
    let no = s.act(approve(&kim)).await.expect_err("one person");
    assert!(no.to_string().contains("a second person"), "{no}");
    let no = s.act(release(&lee)).await.expect_err("asked already");
    assert!(no.to_string().contains("approve it"), "{no}");
    assert_eq!(s.row(hold).await.state, "placed");
    s.act(approve(&lee)).await.expect("released");
    let Order {
        order: number,
        by,
        act: Act::HoldClear { why, .. },
        ..
    } = s.order().await
    else {
        panic!("the end of a hold was due");
    };
    assert_eq!(why, "order");
    assert_eq!(by, [kim.op(), lee.op()]);
    s.says(says_done(number, Done::Cleared)).await;
    let row = s.until(hold, |r| r.state == "over").await;
    assert_eq!(
        (row.ended.as_deref(), row.freed),
        (Some("order"), by.clone())
    );
    let no = s.act(approve(&lee)).await.expect_err("twice");
    assert!(no.to_string().contains("is over"), "{no}");

    assert_eq!(
        s.kinds(),
        [
            "hold.ask",
            "hold.ask",
            "order.fail",
            "hold.extend",
            "hold.extend",
            "order.fail",
            "hold.drop",
            "hold.free"
        ]
    );
    let (ask, fail) = (&s.lines()[0], &s.lines()[5]);
    assert_eq!(ask.who, pat.op());
    assert_eq!(
        fail.data.get("order").and_then(|v| v.as_int()),
        i64::try_from(s.lines()[4].n).ok(),
        "names the line it is about"
    );
    assert_eq!(fail.data.get("code").and_then(|v| v.as_str()), Some("late"));
    let text =
        std::fs::read_to_string(s.desk().log.folder().join("0000000000.jsonl")).expect("own log");
    for secret in ["Robbery", "PACE", "CR/77", "Trial", "Not needed"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
