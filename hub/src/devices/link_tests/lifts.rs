//! Wiring. Lifts of masks over real QUIC: two people, one signed order.

use super::*;
use crate::{access::authorise::Permit, db::visible::VisibleRows, list::Part, orders::mask};

/// MSK-4, ROL-5, AUD-1: what one person asks for another must approve, in time; the order that goes out is signed, and names both; each
/// step is on the hub's record. What nobody approves is forgotten, and what the box refuses is said and recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_lift_takes_two_people() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let info = wire::MaskInfo {
        id: "m7".into(),
        how: "burned".into(),
        style: "solid".into(),
        permille: 100,
        sha256: "0".repeat(64),
        review: None,
        order: None,
        lifted: None,
        instead: None,
    };
    let health = ToHub::Health {
        time: SystemClock.now().wall,
        free_mib: 1000,
        cameras: vec![CameraHealth {
            cam: cam.clone(),
            flow: Flow {
                recording: true,
                ..Flow::default()
            },
            rate: None,
            stands_secs: None,
            mask: Some(info),
            outlook: None,
        }],
        faults: vec![],
        approvers: None,
    };
    send(&mut out, &health).await;
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let (desk, c) = (hub.desk.clone(), camera.clone());
    let known = async || {
        let (desk, c) = (desk.clone(), c.clone());
        blocking(move || mask::in_force(&desk, &c).is_ok_and(|m| m.is_some()))
            .await
            .expect("runs")
    };
    tokio::time::timeout(SOON, async {
        while !known().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the hub knows the mask");

    let account = async |name: &'static str, role: &'static str| {
        let desk = hub.desk.clone();
        let op = blocking(move || desk.hire(name, role, "secret"))
            .await
            .expect("runs");
        Permit::of_test(op, name)
    };
    let (kim, lee) = (
        account("kim", "supervisor").await,
        account("lee", "coordinator").await,
    );
    let wanted = mask::LiftRequest {
        until: None,
        minutes: Some(10),
        authority: "RIPA 2026/17".into(),
        reason: "Disturbance".into(),
        file: None,
    };
    let ask = async || {
        let (desk, c, w, k) = (
            hub.desk.clone(),
            camera.clone(),
            wanted.clone(),
            kim.clone(),
        );
        blocking(move || mask::ask(&desk, &c, &w, &k))
            .await
            .expect("runs")
            .expect("asked for")
    };
    let lift = ask().await;
    let same = mask::approve(&hub.desk, lift.n, &kim)
        .await
        .expect_err("one person");
    assert!(same.to_string().contains("second person"), "{same}");

    let (desk, l) = (hub.desk.clone(), lee.clone());
    let approved = tokio::spawn(async move { mask::approve(&desk, lift.n, &l).await });
    let ToBox::Order { order, sig } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("no order");
    };
    let signature = STANDARD.decode(&sig).expect("base64");
    let key = hub.desk.keys.order_vkey().key;
    let verify = |text: &str| {
        let message = [order::ORDER_PREFIX, text].concat();
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key)
            .verify(message.as_bytes(), &signature)
            .is_ok()
    };
    assert!(verify(&order));
    for at in 0..order.len() {
        let mut altered = order.clone().into_bytes();
        altered[at] ^= 1;
        assert!(!verify(&String::from_utf8_lossy(&altered)), "byte {at}");
    }
    let Order {
        order: number,
        by,
        made,
        act:
            Act::MaskLift {
                mask,
                until,
                authority,
                ..
            },
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("another order: {order}");
    };
    assert_eq!(mask, "m7");
    assert_eq!(by, [kim.op(), lee.op()]);
    assert!((until.0 - made.0 - 600_000).abs() < 10_000, "{order}");
    assert!(!order.contains("RIPA"), "salted: {order}");
    assert_eq!(
        hub.desk.db.side_text(&authority).expect("side").as_deref(),
        Some("RIPA 2026/17")
    );
    let done = says_done(number, Done::Lift { until });
    send(&mut out, &done).await;
    let lifted = approved.await.expect("runs").expect("lifted");
    assert_eq!((lifted.until, lifted.touches), (until, None));
    let twice = mask::approve(&hub.desk, lift.n, &lee)
        .await
        .expect_err("twice");
    assert!(twice.to_string().contains("approved already"), "{twice}");

    // A smaller mask in its place: what goes out, and what both lines name, are the polygons that were asked for (V12).
    const DOOR: &str =
        "polygons = [[[0.3, 0.3], [0.6, 0.3], [0.6, 0.4]]]\nreviewer = \"J. Rees\"\n";
    let with = async |file: String| {
        let (desk, c, k) = (hub.desk.clone(), camera.clone(), kim.clone());
        let wanted = mask::LiftRequest {
            file: Some(file),
            ..wanted.clone()
        };
        blocking(move || mask::ask(&desk, &c, &wanted, &k))
            .await
            .expect("runs")
    };
    for (file, says) in [
        (format!("id = \"m7\"\n{DOOR}"), "give it another"),
        (
            format!("id = \"m8\"\nhow = \"camera\"\n{DOOR}"),
            "the box paints",
        ),
        ("id = \"m8\"".to_owned(), "polygons"),
    ] {
        let why = with(file).await.expect_err(says).to_string();
        assert!(why.contains(says) && why.contains("nothing was"), "{why}");
    }
    let lift = with(format!("id = \"m8\"\n{DOOR}"))
        .await
        .expect("asked for");
    let wanted_mask = shared::mask::from_toml(&format!("id = \"m8\"\n{DOOR}")).expect("mask");
    let shown = lift.instead.clone().expect("shown to whoever approves");
    assert_eq!(
        (shown.id.as_str(), shown.sha256.clone()),
        ("m8", shared::record::hex(&wanted_mask.digest()))
    );
    let (desk, l) = (hub.desk.clone(), lee.clone());
    let approved = tokio::spawn(async move { mask::approve(&desk, lift.n, &l).await });
    let ToBox::Order { order, .. } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("no order");
    };
    let Order {
        order: number,
        by,
        act:
            Act::MaskLift {
                mask: lifted,
                instead: Some(instead),
                until,
                ..
            },
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("another order: {order}");
    };
    assert_eq!((lifted.as_str(), by.len()), ("m7", 2));
    assert_eq!(
        (instead.id.as_str(), &instead.polygons, &instead.reviewer),
        ("m8", &wanted_mask.polygons, &None)
    );
    let done = says_done(number, Done::Lift { until });
    send(&mut out, &done).await;
    let lifted = approved.await.expect("runs").expect("lifted");
    assert_eq!((lifted.until, lifted.touches), (until, None));

    // The box refuses.
    let lift = ask().await;
    let (desk, l) = (hub.desk.clone(), lee.clone());
    let approved = tokio::spawn(async move { mask::approve(&desk, lift.n, &l).await });
    let ToBox::Order { order, .. } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("no order");
    };
    let Order {
        order: turned_down,
        act: Act::MaskLift { .. },
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("another order: {order}");
    };
    let failed = says_refused(
        turned_down,
        Code::OtherMask,
        "the mask in force on c01 is m8",
    );
    send(&mut out, &failed).await;
    let why = approved.await.expect("runs").expect_err("refused");
    assert!(why.to_string().contains("is m8"), "{why}");

    // Nobody approves in time.
    let lift = ask().await;
    let made = lift.made.plus_ms(-3_600_000);
    let asked = crate::db::approvals::NewApproval {
        kind: "lift",
        subject: "ashby/c01",
        what: "null",
        reason: None,
        asked_by: kim.number(),
        made,
        until: made.plus_ms(3_600_000),
    };
    let record = hub.desk.db.lift(lift.n).expect("read").expect("there");
    let old = hub.desk.db.add_approval(&asked).expect("an old one");
    hub.desk.db.add_lift(old, &record.lift).expect("an old one");
    let late = mask::approve(&hub.desk, old, &lee).await.expect_err("late");
    assert!(late.to_string().contains("in time"), "{late}");
    let (seen, part) = (VisibleRows::everything(), Part::default());
    let waiting = mask::list(&hub.desk, &seen, &part).expect("list").rows;
    assert_eq!(waiting.iter().map(|l| l.n).collect::<Vec<_>>(), [lift.n]);

    let bytes = logbook::LogFolder::new(&hub.desk.log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("own log");
    let lines: Vec<_> = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| shared::record::Record::parse(l).expect("line"))
        .collect();
    let named: Vec<_> = lines
        .iter()
        .filter(|r| r.data.get("instead").is_some())
        .map(|r| {
            let text = |key: &str| r.data.get(key).and_then(shared::record::Value::as_str);
            (r.kind.as_str(), text("instead"), text("sha256"))
        })
        .collect();
    assert_eq!(
        named,
        ["lift.ask", "mask.order"].map(|kind| (kind, Some("m8"), Some(shown.sha256.as_str())))
    );
    let fail = lines.iter().find(|r| r.kind == "order.fail");
    let code = fail.and_then(|r| r.data.get("code")?.as_str());
    assert_eq!(code, Some("other-mask"), "{fail:?}");
    let kinds: Vec<String> = lines
        .into_iter()
        .map(|l| l.kind)
        .filter(|k| ["lift.ask", "op.drop", "mask.order", "order.fail"].contains(&k.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            "lift.ask",
            "mask.order",
            "lift.ask",
            "mask.order",
            "lift.ask",
            "mask.order",
            "order.fail",
            "lift.ask",
            "op.drop"
        ]
    );
}
