//! Wiring. Holds for a box that is off the line.

use super::*;

/// RET-3, RET-6: a hold for a box that is offline waits, with the date its footage is due, and is a fault before that; it is sent when the
/// box is back, and again when the line breaks before the answer; what no box heard of is simply void.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_for_a_box_that_is_offline() {
    let mut s = Scene::new().await;
    let (kim, lee) = (
        s.account("kim", "supervisor").await,
        s.account("lee", "coordinator").await,
    );
    s.leaves().await;
    let row = s.add(s.wanted(), &kim).await.expect("held");
    assert_eq!((row.state.as_str(), row.online), ("pending", false));
    let due = row.due.expect("a date");
    assert_eq!(
        due,
        goes(row.t0, 31, &s.desk().config.zone),
        "by what the box said of itself"
    );
    // A camera with days of its own.
    let name = BoxName::parse("ashby").expect("name");
    let says = async |days: Option<u32>| {
        let mut said = hello("ashby");
        if let Open::Control { cameras, .. } = &mut said {
            cameras[0].retention_days = days;
        }
        let said = Hello::of(&said).expect("a hello").expect("good");
        let name = name.clone();
        let written = s.act(move |d| {
            let done = d.db.box_hello(&name, &said, d.now());
            done.map_err(crate::error::plain)
        });
        written.await.expect("written");
        s.row(row.hold).await.due
    };
    let sooner = goes(row.t0, 28, &s.desk().config.zone);
    assert_eq!(says(Some(28)).await, Some(sooner));
    assert_eq!(says(None).await, Some(due));

    let found = async |now: Utc| {
        let desk = s.desk().clone();
        blocking(move || faults(&desk, now))
            .await
            .expect("runs")
            .expect("faults")
    };
    // Ten days are less than the box's 31: this one's review comes first. One for 40 days waits with the footage.
    let wanted = HoldRequest {
        days: Some(40),
        ..s.wanted()
    };
    let long = s.add(wanted, &kim).await.expect("held");
    let early = found(due.plus_ms(-3 * DAY_MS - 1)).await;
    assert!(
        early.iter().all(|(_, f)| f.code != "hold.pending"),
        "{early:?}"
    );
    let late = found(due.plus_ms(-3 * DAY_MS)).await;
    let (name, fault) = late
        .iter()
        .find(|(_, f)| f.code == "hold.pending")
        .expect("a fault");
    assert_eq!(
        (name.as_str(), fault.cam.as_ref().map(CameraId::as_str)),
        ("ashby", Some("c01"))
    );
    assert!(
        fault.text.contains("H-000001") && fault.text.contains("H-000002"),
        "{}",
        fault.text
    );

    // On the record once when it begins and once when it ends.
    let look = async |now: Utc| {
        s.act(move |d| watch::look(d, now)).await.expect("looked");
        let fault = |r: &&Record| r.kind.starts_with("fault.");
        let all = s.all_lines();
        let all: Vec<_> = all
            .iter()
            .filter(fault)
            .map(|r| {
                let text = |key: &str| r.data.get(key).and_then(|v| v.as_str().map(str::to_owned));
                assert_eq!(
                    text("log").as_deref(),
                    Some("cctv.example.gov.uk/box/ashby/1")
                );
                (r.kind.clone(), text("code").expect("code"))
            })
            .filter(|(_, code)| code == "hold.pending")
            .map(|(kind, _)| kind)
            .collect();
        all
    };
    let (soon, before) = (due.plus_ms(-DAY_MS), due.plus_ms(-4 * DAY_MS));
    assert!(look(before).await.is_empty());
    assert_eq!(look(soon).await, ["fault.on"]);
    assert_eq!(look(soon.plus_ms(60_000)).await, ["fault.on"], "once");
    assert_eq!(look(before).await, ["fault.on", "fault.off"]);

    // Released before the box heard of it: nothing is sent.
    let (id, k, l) = (long.hold, kim.clone(), lee.clone());
    s.act(move |d| acts::release(d, id, "Mistake", &k))
        .await
        .expect("asked for");
    let over = s
        .act(move |d| acts::approve(d, id, &l))
        .await
        .expect("released");
    assert_eq!(
        (over.state.as_str(), over.ended.as_deref()),
        ("over", Some("void"))
    );

    s.comes().await;
    let first = s.order().await;
    s.leaves().await;
    assert_eq!(s.row(row.hold).await.state, "pending");
    s.comes().await;
    assert_eq!(s.order().await, first, "the same again");
    s.says(placed(first.order + 77, Utc(1))).await;
    s.says(placed(first.order, row.until)).await;
    let row = s.until(row.hold, |r| r.state == "placed").await;
    assert_eq!(row.due, None);
    s.leaves().await;
    s.comes().await;
    // Nothing more is outstanding: the next order is that of the next hold.
    let next = s.add(s.wanted(), &kim).await.expect("held");
    assert_eq!(s.places().await.0, next.hold);
    assert_eq!(
        s.kinds(),
        ["hold.ask", "hold.ask", "hold.drop", "hold.free", "hold.ask"]
    );
}
