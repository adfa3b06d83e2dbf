//! Wiring. What was recorded before a fork, fetched after it: a package holds what the hub countersigned, and nothing of afterwards (V11).
use shared::evidence::names;

use super::*;
use crate::{
    evidence::save::{Form, SaveOrder, save},
    orders::succession,
    papers::card::Seal,
};

/// What a package out of the fork says.
struct Outcome {
    state: State,
    why: String,
    report: shared::verify::Report,
    masters: usize,
    certificate: String,
}

fn person(op: u32) -> Permit {
    Permit::of_test(op, &format!("person{op}"))
}

/// V11, EVI-1, AUD-2: the same disk went on in two boxes. The hub has the log of one as far as its second segment; the other recorded two
/// more after that, says so in its new log, and offers all that touches the time asked for. What the hub countersigned covers it: the package
/// is whole, by both verifiers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_of_footage_from_before_the_fork_is_whole() {
    let said = package_of_a_fork(2, 300, 3).await;
    assert_eq!(said.state, State::Ready, "{}", said.why);
    assert_eq!(said.masters, 2);
    let damage: Vec<_> = said
        .report
        .findings
        .iter()
        .filter(|f| f.is_damage())
        .collect();
    assert!(damage.is_empty(), "{}", said.report.render());
    assert!(
        said.report.render().starts_with("INTACT"),
        "{}",
        said.report.render()
    );
    assert!(
        !said.certificate.contains("PARTIAL"),
        "{}",
        said.certificate
    );
}

/// The same, asked for beyond the fork: the package has the two, is right as far as it goes, and says what is not in it and that it is not
/// because nothing was recorded; of the two after the fork not a byte is asked for. That the recordings end before what was asked is all that
/// is found wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_leaves_out_what_came_after_the_fork() {
    let said = package_of_a_fork(4, -1_000, 4).await;
    assert_eq!(said.state, State::Partial, "{}", said.why);
    assert_eq!(said.masters, 2);
    let damage: Vec<_> = said
        .report
        .findings
        .iter()
        .filter(|f| f.is_damage())
        .collect();
    let [short] = damage.as_slice() else {
        panic!("{}", said.report.render())
    };
    assert_eq!(short.code, "DOES-NOT-COVER-REQUEST");
    assert!(
        short.text.starts_with("the recordings end at "),
        "{}",
        short.text
    );
    assert!(
        said.why.contains("of which nothing can be proved")
            && !said.why.contains("no footage exists"),
        "{}",
        said.why
    );
    assert!(said.certificate.contains("PARTIAL"), "{}", said.certificate);
}

/// A box whose log was forked after two segments, of four; asked for up to `off` milliseconds after the end of segment `upto`, it offers the
/// first `offered`.
async fn package_of_a_fork(upto: usize, off: i64, offered: u64) -> Outcome {
    let hub = Rig::new();
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
    let mut ends = vec![begin, Utc(0), real.t];
    known.beat();
    for s in 3..=4u64 {
        let bytes = clips::footage_from(real.t);
        let n = real.segment("c01", s, &bytes);
        segments.push((s, n, bytes));
        ends.push(real.t);
    }
    segments.truncate(offered as usize);
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

    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: begin.plus_ms(1_000),
        t1: ends[upto].plus_ms(off),
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
            segments: offered,
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
            s1: offered,
            t0,
            t1,
            grant,
            purpose,
        },
    );
    let offered = sealed.iter().map(|(s, n, bytes)| PullSegment {
        s: *s,
        n: *n,
        sealed: bytes.len() as u64,
        part: None,
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
    let (state, why) = loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = p.state;
        if state.over() {
            break (state, crate::words::pulls(&p.why, &hub.desk.config.zone));
        }
    };
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
    for ((_, _, bytes), master) in segments.iter().zip(&masters) {
        assert!(rest.read(master).expect("master") == *bytes, "{master}");
    }
    let options = shared::verify::Options {
        hub: vec![desk.keys.cosign_vkey().clone()],
        ..Default::default()
    };
    let report = shared::verify::package(&rest, &options);
    // A court's page of Python finds what ours does.
    let (folder, short) = (
        tempfile::tempdir().expect("folder"),
        state == State::Partial,
    );
    let wanted = SaveOrder {
        exhibit: &exhibit,
        folder: folder.path(),
        form: Form::Folder,
        seal: &Seal::None,
        options: &options,
        short,
        now: shared::time::Utc(0),
        card: &|_, _| String::new(),
    };
    let saved = save(&rest, &wanted, |_, _| {}).expect("saved");
    let python = std::process::Command::new("python3")
        .arg("-B")
        .arg(saved.path.join(names::VERIFY_PY))
        .arg("bundle")
        .arg(&saved.path)
        .arg("--hub")
        .arg(desk.keys.cosign_vkey().to_string())
        .output()
        .expect("python3");
    assert_eq!(
        String::from_utf8_lossy(&python.stdout),
        report.render(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let certificate = rest.read(names::CERTIFICATE).expect("certificate");
    let _ = desk.log.close("test");
    Outcome {
        state,
        why,
        report,
        masters: masters.len(),
        certificate: String::from_utf8(certificate).expect("text"),
    }
}
