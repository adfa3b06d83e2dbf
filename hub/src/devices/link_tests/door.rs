//! Wiring. Tests of what a box says of itself, over real QUIC: absurd words are refused in a sentence, and change nothing.

use shared::{id::HoldId, wire::Fault};

use super::*;
use crate::{access::authorise::Permit, faults::reports, retention::gather, shown};

/// Sends an opening and waits for how the hub closes the line.
async fn refused(
    hub: &Rig,
    who: &(CertificateDer<'static>, Vec<u8>),
    open: &impl serde::Serialize,
) -> String {
    let line = hub.dial(Some(who)).await.expect("dials");
    let (mut out, _inc) = line.open_bi().await.expect("stream");
    send(&mut out, open).await;
    let (code, why) = closed(&line).await;
    assert_eq!(code, u64::from(close::BAD_MESSAGE), "{why}");
    assert!(shared::plain::all_plain(&why), "{why}");
    why
}

fn changed(change: impl Fn(&mut serde_json::Value)) -> serde_json::Value {
    let mut said = serde_json::to_value(hello("ashby")).expect("json");
    change(&mut said);
    said
}

async fn on_desk<T: Send + 'static>(hub: &Rig, f: impl FnOnce(&Hub) -> T + Send + 'static) -> T {
    let desk = hub.desk.clone();
    blocking(move || f(&desk)).await.expect("runs")
}

/// security.md V4c, V10, V16: hellos of 20,000 cameras, of 2^31 days, with what a terminal obeys in a title. Each is refused with the
/// field named; what the box said before stays; the box is at fault and no other; a good hello ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_hellos_change_nothing_v10_v4() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&who)).await.expect("dials");
    let _control = control(&line, "ashby").await;
    let name = BoxName::parse("ashby").expect("name");
    let stored = async |hub: &Rig| {
        let name = name.clone();
        on_desk(hub, move |d| {
            d.db.box_named(&name).expect("row").expect("box").hello
        })
        .await
    };
    tokio::time::timeout(SOON, async {
        while stored(&hub).await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("stored");
    let before = stored(&hub).await;
    for (said, field) in [
        (
            changed(|h| {
                let many = (0..20_000).map(
                    |k| serde_json::json!({"cam": format!("c{k}"), "title": "", "masked": false}),
                );
                h["cameras"] = many.collect::<Vec<_>>().into();
            }),
            "cameras (a list of 20000) has more than the 256 cameras",
        ),
        (
            changed(|h| h["retention_days"] = 2_147_483_647u32.into()),
            "retention_days 2147483647",
        ),
        (
            changed(|h| h["retention_days"] = u32::MAX.into()),
            "retention_days 4294967295",
        ),
        (
            changed(|h| h["retention_days"] = u64::MAX.into()),
            "invalid value: integer",
        ),
        (
            changed(|h| h["cameras"][0]["title"] = "\u{1b}[2J\u{202e}x".into()),
            "cameras.c01.title \"\\u{1b}[2J\\u{202e}x\"",
        ),
        (
            changed(|h| h["sw"] = "\u{1b}[2J".into()),
            "sw \"\\u{1b}[2J\"",
        ),
        (
            changed(|h| h["cameras"][0]["cam"] = "../../etc".into()),
            "camera id",
        ),
        (
            changed(|h| h["time"] = "9998-01-01T00:00:00.000Z".into()),
            "time \"9998",
        ),
    ] {
        let why = refused(&hub, &who, &said).await;
        assert!(why.contains(field), "{why}");
        assert!(why.contains("nothing of it is kept"), "{why}");
        assert_eq!(stored(&hub).await, before, "{field}");
    }
    let (rows, report) = on_desk(&hub, |d| {
        (
            shown::boxes(d),
            gather::report(d, None, &Default::default()),
        )
    })
    .await;
    let faults: Vec<Fault> = rows.expect("first page").remove(0).faults;
    assert_eq!(faults.len(), 1, "one fault, however often: {faults:?}");
    assert_eq!(
        (faults[0].code.as_str(), &faults[0].cam),
        (reports::REPORT, &None)
    );
    report.expect("the report goes on");
    let own = hub.desk.log.folder().join("0000000000.jsonl");
    let own = std::fs::read_to_string(own).expect("own log");
    assert_eq!(own.matches(reports::REPORT).count(), 1, "{own}");
    // It comes with a good one, and at the next look the fault is over.
    let line = hub.dial(Some(&who)).await.expect("dials");
    let _control = control(&line, "ashby").await;
    tokio::time::timeout(SOON, async {
        loop {
            let name = name.clone();
            let left = on_desk(&hub, move |d| {
                reports::look(d, &name).expect("looked");
                d.db.found_faults().expect("faults").len()
            })
            .await;
            if left == 0 {
                break;
            }
        }
    })
    .await
    .expect("the fault is over");
}

/// A report with numbers at the end of their ranges is not taken; one with words that are not fit to be shown is, made fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_reports_v16() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&who)).await.expect("dials");
    let (mut out, _inc) = control(&line, "ashby").await;
    let now = SystemClock.now().wall;
    let report = |free: u64, code: &str, text: &str| {
        serde_json::json!({"is": "health", "time": now, "free_mib": free, "cameras": [],
            "faults": [{"code": code, "cam": null, "since": now, "text": text}]})
    };
    send(&mut out, &report(u64::MAX, "x", "x")).await;
    send(&mut out, &report(1, "\u{1b}[31mx", "x")).await;
    send(&mut out, &serde_json::json!({"is": "hold-placed", "hold": "H-999999999999999", "until": now, "segments": 1, "bytes": 1})).await;
    send(
        &mut out,
        &report(7, "disk.full", "\u{1b}[1;1HALL GOOD\u{202e}\n<b>"),
    )
    .await;
    let row = tokio::time::timeout(SOON, async {
        loop {
            let row = on_desk(&hub, |d| shown::boxes(d).expect("first page").remove(0)).await;
            if row.free_mib.is_some() {
                break row;
            }
        }
    })
    .await
    .expect("the good one is taken");
    assert_eq!(row.free_mib, Some(7));
    let said = row
        .faults
        .iter()
        .find(|f| f.code == "disk.full")
        .expect("its fault");
    assert_eq!(said.text, "[1;1HALL GOOD <b>");
    assert!(line.close_reason().is_none(), "the line stays");
}

/// security.md V5, V11: a log of 10^15, or far ahead of those held, is refused in words, and nothing is made for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_log_numbers_v5() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&who)).await.expect("dials");
    for log in [
        1_000_000_000_000_000u64,
        999_999_999_999_999,
        u64::MAX,
        1001,
        0,
    ] {
        let (mut out, mut inc) = line.open_bi().await.expect("stream");
        send(
            &mut out,
            &Open::Audit {
                log,
                cosigned: None,
            },
        )
        .await;
        let reply = frame(&mut inc).await.expect("answer").json().expect("json");
        let AuditReply::Refused { code, why } = reply else {
            panic!("{reply:?}");
        };
        let could_be = log <= shared::schema::message::LOGS;
        assert_eq!(
            code,
            if could_be {
                "NO-SUCCESSOR"
            } else {
                "MALFORMED"
            }
        );
        assert!(
            why.contains(&format!("log {log}")) && why.contains("othing was done"),
            "{why}"
        );
    }
    assert!(hub.desk.db.logs().expect("logs").is_empty());
    assert!(!hub.desk.state.join("boxes").exists(), "no folder was made");
    let mut log = LogBuilder::new("cctv.example.gov.uk/box/ashby/1");
    log.beat();
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    for (number, good) in [(1, true), (13, true), (26, false), (1000, false)] {
        let d = hub.desk.clone();
        let begun = blocking(move || {
            let name = BoxName::parse("ashby").expect("name");
            d.logs.begin(&name, number, None).map(|_| ())
        });
        assert_eq!(begun.await.expect("runs").is_ok(), good, "log {number}");
    }
    assert_eq!(HoldId::LAST.to_string(), "H-999999999");
}

/// security.md V9: a segment of one byte, by its line, is announced with 16 GiB. Not one byte is asked for, nothing is written, the
/// request says why, and the box is at fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_beyond_its_line_v9() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
    let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
    let start = log.t;
    let n = log.segment("c01", 1, b"x");
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: start,
        t1: log.t,
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let mut news = hub.desk.pulls.listen();
    let exhibit = on_desk(&hub, move |d| {
        submit::submit(d, &asked, &Permit::of_test(1, "pat"))
    })
    .await;
    let exhibit = exhibit.expect("granted");
    let Order {
        order: number,
        act: Act::HoldSet { until, .. },
        ..
    } = holds::order(&mut inc, &hub.desk).await
    else {
        panic!("a hold comes first")
    };
    send(
        &mut out,
        &says_done(
            number,
            Done::Hold {
                until,
                segments: 1,
                bytes: 1,
            },
        ),
    )
    .await;
    let Order {
        order: number,
        act:
            Act::Pull {
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
    let clip = ExpClip {
        r#ref: exhibit.to_string(),
        cam: cam.clone(),
        s0: 1,
        s1: 1,
        t0,
        t1,
        grant,
        purpose,
    };
    let clip = log.add("hub:order", &clip);
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    let segments = vec![PullSegment {
        s: 1,
        n,
        sealed: 1 << 34,
        part: None,
    }];
    let ready = says_done(
        number,
        Done::Pull {
            log: 1,
            n: clip,
            of: 1,
            segments,
        },
    );
    send(&mut out, &ready).await;
    let why = loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = p.state;
        if state.over() {
            assert_eq!(state, State::Failed, "{:?}", p.why);
            break p.why;
        }
    };
    let odd = crate::reason::PullReason::LengthOdd {
        s: 1,
        n,
        announced: 1 << 34,
        size: 1,
        due: 201,
    };
    assert!(why.contains(&odd), "{why:?}");
    let said = crate::words::pull(&odd, &hub.desk.config.zone);
    let exhibits = hub.desk.state.join("exhibits");
    assert!(
        !exhibits.join(exhibit.as_str()).exists(),
        "nothing was written"
    );
    let row = on_desk(&hub, |d| shown::boxes(d).expect("first page").remove(0)).await;
    assert!(
        row.faults
            .iter()
            .any(|f| f.code == reports::REPORT && f.text.contains(&said)),
        "{:?}",
        row.faults
    );
    let _ = hub.desk.log.close("test");
}

/// FLT-3: whoever speaks another version is told so by a code of its own, whatever else the message has: a hello, a claim, a renewal. Nothing is kept of it,
/// no code is used up, and staff are shown which box it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_is_refused_by_its_code() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let code = hub.code("derby").await;
    let later = |is: &str| serde_json::json!({"is": is, "v": 2, "shape": "of another time"});
    let claim = serde_json::json!({
        "is": "enrol", "v": 0, "scheme": SCHEME, "box": "derby", "secret": code.secret_text(), "spki": "AAAA"
    });
    let told = changed(|h| h["v"] = u64::MAX.into());
    for (by, said) in [
        (Some(&who), later("control")),
        (Some(&who), told),
        (Some(&who), later("renew")),
        (None, later("enrol")),
        (None, claim),
    ] {
        let line = hub.dial(by).await.expect("dials");
        let (mut out, _inc) = line.open_bi().await.expect("stream");
        send(&mut out, &said).await;
        let (code, why) = closed(&line).await;
        assert_eq!(code, u64::from(close::VERSION), "{said}: {why}");
        let words = format!("version {} of the protocol is spoken there", said["v"]);
        assert!(
            why.contains(&words) && why.contains("version 1 here"),
            "{why}"
        );
    }
    let rows = on_desk(&hub, shown::boxes).await.expect("first page");
    let of = |name: &str| rows.iter().find(|b| b.name.as_str() == name).expect("row");
    let faults = &of("ashby").faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].code, reports::REPORT);
    assert!(of("derby").faults.is_empty());
    // What it says in the version that is spoken here is taken: the code was not used up.
    let key = rcgen::KeyPair::generate().expect("key");
    assert!(matches!(
        hub.enrol(&code.secret_text(), "derby", &key).await,
        EnrolReply::Enrolled { .. }
    ));
    let line = hub.dial(Some(&who)).await.expect("dials");
    let _control = control(&line, "ashby").await;
}
