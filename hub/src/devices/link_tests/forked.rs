//! Wiring. What was recorded before a fork, fetched after it: a package holds what the hub countersigned, and nothing of afterwards (V11).
use super::*;
use crate::requests::succession;

fn person(op: u32) -> Permit {
    Permit::of_test(op, &format!("person{op}"))
}

/// V11, EVI-1, AUD-2: the same disk went on in two boxes. The hub has the log of one as far as its second segment; the other recorded two
/// more after that, says so in its new log, and offers all of them. The package has the two, is right as far as it goes, and says what is
/// not in it; of the two after the fork not a byte is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_leaves_out_what_came_after_the_fork() {
    let hub = Hub::new();
    let who = hub.enrolled("ashby").await;
    let name = BoxName::parse("ashby").expect("name");
    let cam = CameraId::parse("c01").expect("cam");
    let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 600_000);
    let both = || {
        let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
        let (mut numbers, begin) = (Vec::new(), log.t);
        for s in 1..=2u64 {
            let bytes = clips::footage_from(log.t);
            numbers.push((s, log.segment("c01", s, &bytes), bytes));
        }
        (log, numbers, begin)
    };
    let (mut known, ..) = both();
    let (mut real, mut segments, begin) = both();
    known.beat();
    for s in 3..=4u64 {
        let bytes = clips::footage_from(real.t);
        let n = real.segment("c01", s, &bytes);
        segments.push((s, n, bytes));
    }
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    assert!(matches!(
        audit(&line, &known).await,
        AuditReply::Cosigned { .. }
    ));
    match audit(&line, &real).await {
        AuditReply::Refused { code, .. } => assert_eq!(code, "FORKED"),
        answer => panic!("{answer:?}"),
    }
    // Two people have the box begin another.
    let (desk, n) = (hub.desk.clone(), name.clone());
    let settled = tokio::spawn(async move {
        let (a, b) = (person(2), person(3));
        succession::order(&desk, &n, "cloned disk", &a, &b).await
    });
    let Order {
        order,
        act: Act::LogSucceed { .. },
        ..
    } = holds::order(&mut inc, &hub.desk).await
    else {
        panic!("a new log")
    };
    send(&mut out, &says_done(order, Done::Succession)).await;
    settled.await.expect("runs").expect("obeyed");
    let mut next = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/2", real.t.plus_ms(1_000));
    next.beat();
    match audit_of(&line, &next, 2).await {
        AuditReply::Cosigned { .. } => {}
        answer => panic!("{answer:?}"),
    }

    let asked = Asked {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: begin.plus_ms(1_000),
        t1: real.t.plus_ms(-1_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let mut news = hub.desk.pulls.listen();
    let desk = hub.desk.clone();
    let exhibit = blocking(move || submit::submit(&desk, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect("runs")
        .expect("granted");
    let Order {
        order: number,
        act: Act::HoldSet { until, .. },
        ..
    } = holds::order(&mut inc, &hub.desk).await
    else {
        panic!("a hold comes first")
    };
    let placed = says_done(
        number,
        Done::Hold {
            until,
            segments: 4,
            bytes: 1,
        },
    );
    send(&mut out, &placed).await;
    let Order {
        order: number,
        act:
            Act::Pull {
                recipient,
                grant,
                purpose,
                ..
            },
        ..
    } = holds::order(&mut inc, &hub.desk).await
    else {
        panic!("a pull")
    };
    let sealed: Vec<(u64, u64, Vec<u8>)> = segments
        .iter()
        .map(|(s, n, bytes)| (*s, *n, sealed::seal(&recipient, bytes).expect("sealed")))
        .collect();
    let clip = next.add(
        "hub:order",
        &ExpClip {
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            s0: 1,
            s1: 4,
            grant,
            purpose,
        },
    );
    let offered = sealed.iter().map(|(s, n, bytes)| PullSegment {
        s: *s,
        n: *n,
        sealed: bytes.len() as u64,
    });
    let ready = says_done(
        number,
        Done::Pull {
            log: 2,
            n: clip,
            of: 1,
            segments: offered.collect(),
        },
    );
    send(&mut out, &ready).await;
    assert!(matches!(
        audit_of(&line, &next, 2).await,
        AuditReply::Cosigned { .. }
    ));
    for (s, _, bytes) in &sealed[..2] {
        let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
        let asked: Open = frame(&mut clip_in)
            .await
            .expect("ask")
            .json()
            .expect("json");
        assert!(
            matches!(asked, Open::Clip { s: wanted, .. } if wanted == *s),
            "{asked:?}"
        );
        let size = bytes.len() as u64;
        send(&mut clip_out, &ClipReply::Bytes { size }).await;
        for piece in bytes.chunks(50_000) {
            clip_out
                .write_all(&wire::encode(b'B', piece))
                .await
                .expect("sent");
        }
    }
    loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = State::parse(&p.state).expect("state");
        if state.over() {
            assert_eq!(state, State::Partial, "{}", p.why);
            break;
        }
    }
    let desk = &hub.desk;
    let row = desk
        .db
        .request(exhibit.as_str())
        .expect("row")
        .expect("row");
    let package = std::path::PathBuf::from(row.package.expect("package"));
    let identity = desk.keys.exhibit_identity(&exhibit).expect("key");
    let rest = Resting::new(package, identity);
    let mut masters = rest.list().expect("files");
    masters.retain(|name| name.starts_with("master/"));
    assert_eq!(masters.len(), 2, "{masters:?}");
    for ((_, _, bytes), master) in segments.iter().zip(&masters) {
        assert!(rest.read(master).expect("master") == *bytes, "{master}");
    }
    let options = shared::verify::Options {
        hub: vec![desk.keys.cosign_vkey().clone()],
        ..Default::default()
    };
    let report = shared::verify::package(&rest, &options);
    // That it is shorter than what was asked for is what is wrong with it, and all that is.
    assert!(
        report
            .findings
            .iter()
            .filter(|f| f.is_damage())
            .all(|f| f.code == "DOES-NOT-COVER-REQUEST"),
        "{}",
        report.render()
    );
    let _ = desk.log.close("test");
}
