//! Two boxes of one name, or one that was put back: named, told, settled from the hub (V11).
use super::*;
use crate::{
    access::{authorise::Permit, signin},
    model::pull::State,
    orders::succession,
    reason::PullReason,
    shown,
};

fn person(op: u32) -> Permit {
    Permit::of_test(op, &format!("person{op}"))
}

/// A log whose third line is another than the hub has.
fn logs() -> (LogBuilder, LogBuilder) {
    let new = || LogBuilder::new("cctv.example.gov.uk/box/ashby/1");
    let (mut real, mut other) = (new(), new());
    real.segment("c01", 1, b"footage");
    other.beat();
    other.beat();
    (real, other)
}

/// The number of the next order to begin a log, and above which; two people's names are in it.
async fn ordered(inc: &mut quinn::RecvStream) -> (u64, u64) {
    loop {
        let ToBox::Order { order, .. } = frame(inc).await.expect("order").json().expect("json")
        else {
            continue;
        };
        if let Ok(Order {
            order,
            by,
            act: Act::LogSucceed { above, .. },
            ..
        }) = serde_json::from_str(&order)
        {
            assert_eq!(by, ["op:0002", "op:0003"]);
            return (order, above);
        }
    }
}

/// V11, AUD-2, ROL-5: what does not follow on is named on the page and to whoever waits for a clip; two people have the box on the line
/// begin a new log, by one signed order that names both, and the new log ends the fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_is_named_and_settled_from_the_hub() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let name = BoxName::parse("ashby").expect("name");
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    let (real, other) = logs();
    assert!(matches!(
        audit(&line, &real).await,
        AuditReply::Cosigned { .. }
    ));
    match audit(&line, &other).await {
        AuditReply::Refused { code, .. } => assert_eq!(code, "FORKED"),
        answer => panic!("{answer:?}"),
    }
    let (desk, n) = (hub.desk.clone(), name.clone());
    let row = move || {
        let rows = shown::boxes(&desk).expect("rows");
        rows.into_iter().find(|r| r.name == n).expect("row")
    };
    let shown = blocking(row.clone()).await.expect("runs");
    let fault = |r: &crate::rows::BoxRow| r.faults.iter().any(|f| f.code == "box.twice");
    assert!(fault(&shown) && shown.dispute.is_some(), "{shown:?}");

    // Whoever waits for a clip of it is told.
    let mut told = hub.desk.pulls.listen();
    let start = Utc::parse("2026-07-28T12:00:00.000Z").expect("time");
    let (desk, t0) = (hub.desk.clone(), start);
    let asked = blocking(move || {
        let camera = BoxCamera::parse("ashby/c01").expect("camera");
        let (a, b) = desk.db.extent(&camera).expect("index").unwrap_or((t0, t0));
        let asked = PullRequest {
            camera,
            t0: a,
            t1: b,
            purpose: "theft".into(),
            reference: "CR/1".into(),
            requester: "PC 1".into(),
        };
        submit::submit(&desk, &asked, &Permit::of_test(1, "pat"))
    });
    asked.await.expect("runs").expect("granted");
    let why = tokio::time::timeout(SOON, async {
        loop {
            let p = told.recv().await.expect("news");
            if p.state == State::Waiting {
                return p.why;
            }
        }
    });
    let why = why.await.expect("told");
    let twice = |r: &PullReason| matches!(r, PullReason::TwoBoxes { .. });
    assert!(why.iter().any(twice), "{why:?}");

    // Two people.
    let no = succession::order(&hub.desk, &name, "restored", &person(2), &person(2)).await;
    let no = no.expect_err("refused").to_string();
    assert!(no.contains("a second person"), "{no}");
    let settle = || {
        let (desk, n) = (hub.desk.clone(), name.clone());
        tokio::spawn(async move {
            let (a, b) = (person(2), person(3));
            succession::order(&desk, &n, "restored from a backup", &a, &b).await
        })
    };
    // A box that does not obey: that is on the record.
    let refused = settle();
    let (order, _) = ordered(&mut inc).await;
    let why = "the disk is full".to_owned();
    send(&mut out, &says_refused(order, Code::Disk, &why)).await;
    let no = refused.await.expect("runs").expect_err("refused");
    assert!(no.to_string().contains("the disk is full"), "{no}");
    let own = hub.desk.log.folder().join("0000000000.jsonl");
    let own = std::fs::read_to_string(own).expect("log");
    let said = own.lines().find(|l| l.contains("\"log.fail\""));
    let said = said.expect("a line");
    assert!(
        said.contains(&format!("\"order\":{order},"))
            && said.contains("\"code\":\"disk\"")
            && said.contains("the disk is full"),
        "{said}"
    );

    let settled = settle();
    let (number, above) = ordered(&mut inc).await;
    assert_eq!(above, 1);
    send(&mut out, &says_done(number, Done::Succession)).await;
    settled.await.expect("runs").expect("obeyed");

    let mut next = LogBuilder::new("cctv.example.gov.uk/box/ashby/2");
    next.beat();
    match audit_of(&line, &next, 2).await {
        AuditReply::Cosigned { .. } => {}
        answer => panic!("{answer:?}"),
    }
    let shown = blocking(row).await.expect("runs");
    assert!(!fault(&shown) && shown.dispute.is_none(), "{shown:?}");
}

/// V8 at the desk itself: wrong passwords are counted, and the count stands before
/// the sign-in that follows; the address is remembered for its account alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_desk_counts() {
    let hub = Rig::new();
    let desk = hub.desk.clone();
    let done = blocking(move || {
        let secret = "right horse battery";
        let kim = desk.hire("kim", "operator", secret);
        desk.hire("lee", "operator", secret);
        let from = std::net::IpAddr::from([192, 0, 2, 7]).into();
        let lines = || {
            let file = desk.log.folder().join("0000000000.jsonl");
            std::fs::read_to_string(file).expect("log")
        };
        let before = lines().lines().count();
        for name in ["kim", "kim", "nobody", "kim"] {
            let no = signin::password(&desk, name, "wrong").expect_err("wrong");
            assert_eq!(no.to_string(), "name or password is wrong");
        }
        assert_eq!(lines().lines().count(), before, "no line each");
        assert!(!signin::was_here(&desk, "kim", from).expect("known"));
        let in_ = signin::password(&desk, "kim", secret).expect("right");
        let in_ = signin::enter(&desk, in_, None, Some(from)).expect("on record");
        assert_eq!(in_.op, kim);
        let new: Vec<String> = lines().lines().skip(before).map(str::to_owned).collect();
        assert!(
            new[0].contains("\"acc.fail\"") && new[0].contains("\"n\":3"),
            "{new:?}"
        );
        assert!(new[1].contains("\"acc.login\""), "{new:?}");
        assert!(signin::was_here(&desk, "kim", from).expect("known"));
        assert!(!signin::was_here(&desk, "lee", from).expect("known"));
        let elsewhere = std::net::IpAddr::from([192, 0, 2, 8]).into();
        assert!(!signin::was_here(&desk, "kim", elsewhere).expect("known"));
        signin::note(&desk, true).expect("noted");
        assert!(lines().contains("\"op\":\"unknown\""));
    });
    done.await.expect("runs");
}
