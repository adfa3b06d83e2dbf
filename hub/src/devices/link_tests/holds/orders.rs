//! Wiring. Orders that somebody waits for: obeyed, refused, unanswered; and the lines of those that came to nothing.

use super::*;
use crate::access::authorise::Permit;

/// RET-2, ROL-1: one who may confirms that a box may delete all that is past its day; the order is logged first and signed, and what
/// the box says to it comes back, and is on the record when it refuses.
#[tokio::test]
async fn a_larger_sweep_is_confirmed() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let name = BoxName::parse("ashby").expect("name");
    let desk = s.desk().clone();
    let confirm = async |reason: &str, who: &Permit| {
        crate::orders::sweep::confirm(&desk, &name, reason, who).await
    };
    assert!(confirm(" ", &kim).await.is_err(), "without a reason");
    assert!(!s.all_lines().iter().any(|r| r.kind == "sweep.order"));
    for refusal in [None, Some("the box's clock is in doubt")] {
        let (done, ()) = tokio::join!(confirm("Robbery", &kim), async {
            let Order {
                order,
                by,
                act: Act::Sweep,
                ..
            } = s.order().await
            else {
                panic!("a sweep was due");
            };
            assert_eq!(by, [kim.op()]);
            s.says(match refusal {
                None => says_done(order, Done::Sweep),
                Some(why) => says_refused(order, Code::Clock, why),
            })
            .await;
        });
        assert_eq!(done.is_ok(), refusal.is_none(), "{done:?}");
    }
    let of = |kind: &str| s.all_lines().iter().filter(|r| r.kind == kind).count();
    assert_eq!((of("sweep.order"), of("sweep.fail")), (2, 1));
    let last = s.all_lines().into_iter().rfind(|r| r.kind == "sweep.order");
    let order = last.expect("a line").n;
    assert_eq!(s.failure("sweep.fail"), (order, "clock".into()));
}

/// AUD-1: an answer finds the one who waits for it by its number, however much else the box says; nobody waits for a box that is gone, and
/// the record says that the order may not have been obeyed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_finds_whoever_waits() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let desk = s.hub.desk.clone();
    let confirm = || {
        let (desk, kim) = (desk.clone(), kim.clone());
        let name = BoxName::parse("ashby").expect("name");
        tokio::spawn(
            async move { crate::orders::sweep::confirm(&desk, &name, "Robbery", &kim).await },
        )
    };
    let (first, second) = (confirm(), confirm());
    let (a, b) = (s.order().await.order, s.order().await.order);
    assert_ne!(a, b);
    // More than any queue holds, about orders that nobody gave.
    for n in 0..600 {
        s.says(says_refused(b + 1000 + n, Code::Busy, "no")).await;
    }
    s.says(says_done(b, Done::Sweep)).await;
    s.says(says_refused(a, Code::Clock, "in doubt")).await;
    let answers = [first.await.expect("runs"), second.await.expect("runs")];
    assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1);
    // An answer to something else is none.
    let odd = confirm();
    let number = s.order().await.order;
    s.says(says_done(number, Done::Cleared)).await;
    let why = odd.await.expect("runs").expect_err("odd").to_string();
    assert!(why.contains("does not know"), "{why}");
    // The box goes away.
    let left = confirm();
    s.order().await;
    s.leaves().await;
    let why = tokio::time::timeout(Duration::from_secs(5), left);
    let why = why.await.expect("at once").expect("runs");
    let why = why.expect_err("nobody is there").to_string();
    assert!(why.contains("broke"), "{why}");
    let kinds: Vec<String> = s.all_lines().into_iter().map(|r| r.kind).collect();
    let of = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((of("sweep.order"), of("sweep.fail")), (4, 2));
    // What the hub knows of it alone has a code too.
    assert_eq!(s.failure("sweep.fail").1, "box-line-broke");
}

/// REC-4, AUD-1: real time for a camera in time-lapse is ordered on the record; what the box refuses is too, by the box's code and its words.
#[tokio::test]
async fn real_time_is_ordered() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "operator").await;
    let desk = s.desk().clone();
    let ask = async |minutes: u32, reason: &str| {
        crate::orders::rate::order(&desk, &camera(), minutes, reason, &kim).await
    };
    let all = ask(5, "a crowd")
        .await
        .expect_err("records all")
        .to_string();
    assert!(
        all.contains("time-lapse") || all.contains("records"),
        "{all}"
    );
    let name = camera().r#box;
    let said = desk.db.box_named(&name).expect("reads").expect("a box");
    let mut hello = said.hello.expect("said");
    hello.cameras[0].lapse_secs = Some(60);
    desk.db.box_hello(&name, &hello, desk.now()).expect("noted");
    assert!(ask(5, " ").await.is_err(), "without a reason");
    assert!(ask(1441, "a crowd").await.is_err(), "more than a day");
    assert!(!s.all_lines().iter().any(|r| r.kind == "rate.order"));
    let until = desk.now().plus_ms(300_000);
    for refused in [false, true] {
        let (done, ()) = tokio::join!(ask(5, "a crowd"), async {
            let order = s.order().await.order;
            s.says(match refused {
                false => says_done(order, Done::Rate { until }),
                true => says_refused(order, Code::Disk, "no room at this rate"),
            })
            .await;
        });
        assert_eq!(done.ok(), (!refused).then_some(until));
    }
    let orders: Vec<u64> = s
        .all_lines()
        .iter()
        .filter(|r| r.kind == "rate.order")
        .map(|r| r.n)
        .collect();
    assert_eq!(orders.len(), 2);
    assert_eq!(s.failure("rate.fail"), (orders[1], "disk".into()));
}
