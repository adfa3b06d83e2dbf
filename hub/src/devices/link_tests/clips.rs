//! Wiring. A clip over real QUIC: interrupted, gone on with, made a package.

use super::*;
use crate::access::authorise::Permit;

/// Ten seconds of footage that no decoder looks at.
pub(super) fn footage_from(start: Utc) -> Vec<u8> {
    let parameters = mp4::Parameters {
        codec: mp4::Codec::H264,
        width: 320,
        height: 180,
        config: vec![1, 0x42, 0, 0x1e, 0xff, 0xe0, 0],
        sound: None,
    };
    let mut out = mp4::init(&parameters).expect("init");
    for f in 0..25u64 {
        let frames: Vec<mp4::Frame> = (0..10)
            .map(|i| mp4::Frame {
                dts: (f * 10 + i) * 3600,
                cts: 0,
                duration: 3600,
                key: (f * 10 + i) % 50 == 0,
                bytes: vec![i as u8; 4000].into(),
            })
            .collect();
        mp4::fragment(
            f as u32 + 1,
            start.plus_ms(f as i64 * 400),
            &frames,
            &[],
            &mut out,
        )
        .expect("fragment");
    }
    out
}

/// EVI-1, RET-6: a clip, interrupted half-way by the box's death, goes on at the byte where it stood and becomes a package; the same
/// order is sent again word for word; without a countersigned `exp.clip` not one byte is asked for. Its footage is held before the order
/// goes out, until the package is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_goes_on_where_it_stood() {
    let mut hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
    let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
    log.beat();
    let start = log.t;
    let plain = footage_from(start);
    let n = log.add(
        "sys:rec",
        &shared::types::SegWrite {
            cam: cam.clone(),
            s: 1,
            t0: start,
            t1: start.plus_ms(10_000),
            size: plain.len() as u64,
            sha256: shared::record::hex(&sha256(&plain)),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            day: None,
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            offset_ms: None,
            key: format!("c01/{}", "2026-11-22"),
            rate: None,
        },
    );
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    send(
        &mut out,
        &ToHub::Health {
            time: SystemClock.now().wall,
            free_mib: 1000,
            cameras: vec![CameraHealth {
                cam: cam.clone(),
                flow: Flow {
                    landed: Some(start.plus_ms(10_000)),
                    recording: true,
                    ..Flow::default()
                },
                rate: None,
                stands_secs: None,
                mask: None,
                outlook: None,
            }],
            faults: vec![],
            approvers: None,
        },
    )
    .await;
    match audit(&line, &log).await {
        AuditReply::Cosigned { .. } => {}
        other => panic!("{other:?}"),
    }

    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: start.plus_ms(2_000),
        t1: start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let mut news = hub.desk.pulls.listen();
    let (desk, a) = (hub.desk.clone(), asked.clone());
    let exhibit = blocking(move || submit::submit(&desk, &a, &Permit::of_test(1, "pat")))
        .await
        .expect("runs")
        .expect("granted");
    let (number, hold, until) = match holds::order(&mut inc, &hub.desk).await {
        Order {
            order: number,
            act:
                Act::HoldSet {
                    hold,
                    cam: held,
                    t0,
                    t1,
                    until,
                    grant,
                    ..
                },
            ..
        } => {
            assert_eq!((held, t0, t1), (cam.clone(), asked.t0, asked.t1));
            assert_eq!(grant, "G-000001");
            (number, hold, until)
        }
        other => panic!("a hold comes first: {other:?}"),
    };
    let placed = says_done(
        number,
        Done::Hold {
            until,
            segments: 1,
            bytes: plain.len() as u64,
        },
    );
    send(&mut out, &placed).await;
    let ToBox::Order { order, sig } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("an order was due")
    };
    let key = ring::signature::UnparsedPublicKey::new(
        &ring::signature::ED25519,
        hub.desk.keys.order_vkey().key,
    );
    let message = format!("{}{order}", order::ORDER_PREFIX);
    key.verify(message.as_bytes(), &STANDARD.decode(&sig).expect("base64"))
        .expect("signed");
    let Order {
        order: number,
        act:
            Act::Pull {
                recipient,
                t0,
                t1,
                grant,
                purpose,
                ..
            },
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("a pull")
    };
    assert!(!order.contains("theft"), "free text stays at the hub");
    let sealed = sealed::seal(&recipient, &plain).expect("sealed");
    let clip = log.add(
        "hub:order",
        &ExpClip {
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            s0: 1,
            s1: 1,
            t0,
            t1,
            grant,
            purpose,
        },
    );
    let ready = says_done(
        number,
        Done::Pull {
            log: 1,
            n: clip,
            of: 1,
            segments: vec![PullSegment {
                s: 1,
                n,
                sealed: sealed.len() as u64,
                part: None,
            }],
        },
    );
    send(&mut out, &ready).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(700), line.accept_bi())
            .await
            .is_err(),
        "no receipt, no clip: nothing is asked for before the countersignature"
    );
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
    assert!(matches!(
        frame(&mut clip_in)
            .await
            .expect("ask")
            .json()
            .expect("json"),
        Open::Clip {
            offset: 0,
            s: 1,
            ..
        }
    ));
    send(
        &mut clip_out,
        &ClipReply::Bytes {
            size: sealed.len() as u64,
        },
    )
    .await;
    let half = sealed.len() / 2;
    clip_out
        .write_all(&wire::encode(b'B', &sealed[..half]))
        .await
        .expect("half");
    loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        if p.bytes == half as u64 {
            break;
        }
    }
    // The box dies; the hub is stopped and started too.
    line.close(0u32.into(), b"killed");
    hub.tasks.shutdown().await;
    let records = Db::open(&hub.desk.state).expect("records");
    let desk = Arc::new(hub.desk.restarted_with(records));
    let listener = Listener::bind(
        ([127, 0, 0, 1], 0).into(),
        &[],
        &desk.keys,
        SystemClock.now().wall,
    )
    .expect("port");
    let quic = listener.local_addr().expect("address");
    hub.tasks.spawn(arrivals::run(desk.clone(), listener));
    hub.tasks.spawn(crate::pulls::fetch::run(desk.clone()));
    hub.tasks.spawn(crate::holds::keeper::run(desk.clone()));

    let line = dial(quic, desk.keys.authority().der(), Some(&who))
        .await
        .expect("the box is back");
    let (mut out, mut inc) = control(&line, "ashby").await;
    let again: ToBox = tokio::time::timeout(SOON, frame(&mut inc))
        .await
        .expect("order")
        .expect("order")
        .json()
        .expect("json");
    assert_eq!(
        again,
        ToBox::Order { order, sig },
        "the same order, word for word"
    );
    let mut news = desk.pulls.listen();
    send(&mut out, &ready).await;
    let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
    match frame(&mut clip_in)
        .await
        .expect("ask")
        .json()
        .expect("json")
    {
        Open::Clip { offset, .. } => assert_eq!(offset, half as u64, "from where it stood"),
        other => panic!("{other:?}"),
    }
    send(
        &mut clip_out,
        &ClipReply::Bytes {
            size: sealed.len() as u64,
        },
    )
    .await;
    for piece in sealed[half..].chunks(50_000) {
        clip_out
            .write_all(&wire::encode(b'B', piece))
            .await
            .expect("rest");
    }
    loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = p.state;
        if state.over() {
            assert_eq!((state, p.why), (State::Ready, Vec::new()));
            break;
        }
    }
    match holds::order(&mut inc, &desk).await {
        Order {
            act: Act::HoldClear { hold: freed, why },
            ..
        } => assert_eq!((freed, why.as_str()), (hold, "fetched")),
        other => panic!("what it was held for is here: {other:?}"),
    }
    let row = desk
        .db
        .request(exhibit.as_str())
        .expect("row")
        .expect("row");
    let package = std::path::PathBuf::from(row.package.expect("package"));
    assert!(package.join("SHA256SUMS").is_file());
    let identity = desk.keys.exhibit_identity(&exhibit).expect("key");
    let rest = Resting::new(package.clone(), identity);
    let mut masters = rest.list().expect("files");
    masters.retain(|name| name.starts_with("master/"));
    assert_eq!(masters.len(), 1);
    assert_eq!(
        rest.read(&masters[0]).expect("master"),
        plain,
        "bit for bit"
    );
    let resting = std::fs::read(rest.path(&masters[0])).expect("sealed");
    assert!(resting == sealed, "the very file that came from the box");
    // RET-5: neither in the evidence folder nor in the state folder, records and all, is there any of it in plain, and the segment is in one place only.
    let mut copies = 0;
    assert!(desk.config.evidence.starts_with(&desk.state));
    for file in logbook::Folder(desk.state.clone()).list().expect("files") {
        let Ok(bytes) = std::fs::read(desk.state.join(&file)) else {
            continue; // a socket
        };
        for needle in [
            &b"ftypiso6"[..],
            b"ftypisom",
            &plain[plain.len() / 2..][..64],
        ] {
            let found = bytes.windows(needle.len()).any(|w| w == needle);
            assert!(!found, "{file} holds footage in plain");
        }
        copies += usize::from(bytes == sealed);
    }
    assert_eq!(copies, 1);
    assert!(!desk.state.join("exhibits").join(exhibit.as_str()).exists());

    // RET-5, AUD-3: saving it is on the record first, salted; nothing that is not there can be.
    let (d, e) = (desk.clone(), exhibit.clone());
    blocking(move || {
        let may = |exhibit: &ExhibitRef, purpose: &str| {
            let who = Permit::of_test(7, "kim");
            let reason = crate::hub::sessions::Reason {
                purpose: purpose.into(),
                reference: "CR/9".into(),
                present: None,
            };
            requests::save::grant(&d, exhibit, &reason, None, &who)
        };
        assert!(may(&e, " ").is_err());
        assert!(may(&ExhibitRef::new(2026, 999), "for court").is_err());
        let before = d.log.handle().size();
        let granted = may(&e, "for court").expect("granted");
        assert!(!granted.short && d.log.handle().size() == before + 1);
        let line = logbook::LogFolder::new(&d.log.folder())
            .line(before)
            .expect("read")
            .expect("line");
        let line = String::from_utf8(line).expect("text");
        for part in ["\"copy.save\"", "\"op:0007\"", &granted.sums, e.as_str()] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(!line.contains("court") && !line.contains("CR/9"), "{line}");
    })
    .await
    .expect("runs");
    let own = std::fs::read_to_string(desk.log.folder().join("0000000000.jsonl")).expect("own log");
    assert!(
        own.contains("\"grant.set\"")
            && own.find("\"hold.ask\"") < own.find("\"grant.set\"")
            && own.contains("\"hold.free\"")
            && own.contains("\"exp.done\"")
            && !own.contains("theft")
            && !own.contains("PC 1")
    );
    disposal::goes(&desk, &exhibit, &package);
    let _ = desk.log.close("test");
}

/// EVI-1, EVI-2: segments in the middle that the box lost: the clip gives what there is, its package and its state say which numbers are
/// not there and why, and the check by program says so too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_in_the_numbers_gives_what_there_is() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
    let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
    log.beat();
    let name = |title: &str| shared::types::CamSet {
        cam: cam.clone(),
        title: title.into(),
        site: "Ashby, Market Hall".into(),
    };
    log.add("sys:rec", &name("High Street"));
    let start = log.t;
    let mut plain = Vec::new();
    for s in 1..=3u64 {
        if s == 3 {
            log.add("sys:rec", &name("Car park"));
        }
        let t0 = start.plus_ms(s as i64 * 10_000 - 10_000);
        let bytes = footage_from(t0);
        let n = log.add(
            "sys:rec",
            &shared::types::SegWrite {
                cam: cam.clone(),
                s,
                t0,
                t1: t0.plus_ms(10_000),
                size: bytes.len() as u64,
                sha256: shared::record::hex(&sha256(&bytes)),
                mask: None,
                how: "none".into(),
                proofs: 0,
                lost: 0,
                shed: 0,
                short_t0: None,
                short_t1: None,
                stamps: None,
                off_ms: None,
                day: None,
                offset_ms: None,
                key: "c01/2026-11-22".into(),
                rate: None,
            },
        );
        plain.push((s, n, bytes));
    }
    let lost = shared::types::SegLost {
        cam: cam.clone(),
        s: 2,
        why: "its file is on none of the volumes".into(),
    };
    log.add("sys:rec", &lost);
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: start.plus_ms(2_000),
        t1: start.plus_ms(28_000),
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
            segments: 2,
            bytes: 1,
        },
    );
    send(&mut out, &placed).await;
    let Order {
        order: number,
        act:
            Act::Pull {
                recipient,
                t0,
                t1,
                grant,
                purpose,
                ..
            },
        ..
    } = holds::order(&mut inc, &hub.desk).await
    else {
        panic!("a pull")
    };
    plain.remove(1);
    let sealed: Vec<(u64, u64, Vec<u8>)> = plain
        .iter()
        .map(|(s, n, bytes)| (*s, *n, sealed::seal(&recipient, bytes).expect("sealed")))
        .collect();
    let clip = log.add(
        "hub:order",
        &ExpClip {
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            s0: 1,
            s1: 3,
            t0,
            t1,
            grant,
            purpose,
        },
    );
    let segments = sealed.iter().map(|(s, n, bytes)| PullSegment {
        s: *s,
        n: *n,
        sealed: bytes.len() as u64,
        part: None,
    });
    let ready = says_done(
        number,
        Done::Pull {
            log: 1,
            n: clip,
            of: 1,
            segments: segments.collect(),
        },
    );
    send(&mut out, &ready).await;
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    for (s, _, bytes) in &sealed {
        let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
        let asked: Open = frame(&mut clip_in)
            .await
            .expect("ask")
            .json()
            .expect("json");
        assert!(matches!(asked, Open::Clip { s: wanted, .. } if wanted == *s));
        let size = bytes.len() as u64;
        send(&mut clip_out, &ClipReply::Bytes { size }).await;
        for piece in bytes.chunks(50_000) {
            clip_out
                .write_all(&wire::encode(b'B', piece))
                .await
                .expect("sent");
        }
    }
    let why = loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = p.state;
        if state.over() {
            assert_eq!(state, State::Partial, "{:?}", p.why);
            break p.why;
        }
    };
    let lost = crate::reason::PullReason::SegmentsGone {
        first: 2,
        last: 2,
        gone: vec![crate::reason::pulls::SegmentLoss::Lost],
    };
    assert!(why.contains(&lost), "{why:?}");
    let desk = &hub.desk;
    let row = desk
        .db
        .request(exhibit.as_str())
        .expect("row")
        .expect("row");
    let package = std::path::PathBuf::from(row.package.expect("package"));
    let identity = desk.keys.exhibit_identity(&exhibit).expect("key");
    let rest = Resting::new(package, identity);
    let options = shared::verify::Options {
        hub: vec![desk.keys.cosign_vkey().clone()],
        ..Default::default()
    };
    let report = shared::verify::package(&rest, &options);
    let damage: Vec<_> = report.findings.iter().filter(|f| f.is_damage()).collect();
    assert!(
        matches!(damage.as_slice(), [f] if f.code == "SEGMENT-MISSING"),
        "{}",
        report.render()
    );
    // EVI-2: and it says what the camera was called when, not what it is called now.
    let text = |name: &str| {
        let bytes = rest.read(name).expect("read");
        String::from_utf8(bytes)
            .expect("text")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (certificate, read_me) = (text("CERTIFICATE.txt"), text("READ-ME-FIRST.txt"));
    for part in [
        crate::words::pull(&lost, &desk.config.zone).as_str(),
        "NOT-INTACT, of this package when it was made",
        "It finds SEGMENT-MISSING once: not all that was asked for is here (see PARTIAL), and for no other reason.",
    ] {
        assert!(certificate.contains(part), "{part} in {certificate}");
    }
    assert!(
        read_me.contains("PARTIAL: not all that was asked for is here"),
        "{read_me}"
    );
    for said in [&certificate, &read_me] {
        let at = |part: &str| {
            said.find(part)
                .unwrap_or_else(|| panic!("{part} in {said}"))
        };
        assert!(at("\"High Street\", Ashby, Market Hall, until") < at("then \"Car park\""));
        assert!(!said.contains("Street\" when"), "{said}");
    }
    let _ = desk.log.close("test");
}
