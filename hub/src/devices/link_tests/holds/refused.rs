//! Wiring. Holds that a box cannot keep, or does not know.

use shared::time::Zone;

use super::*;
use crate::{reason::PullReason, words};

/// RET-6: a box whose space for holds is full refuses one, and it is said; a clip of that footage is pulled at once all the same.
/// Trouble of the box's own is not a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_room_for_a_hold() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let full = "2 GB are needed, and 1 GB of the 20 GB for holds is left";
    let row = s.add(s.wanted(), &kim).await.expect("held");
    let number = s.order().await.order;
    s.says(says_refused(
        number,
        Code::Reader,
        "its reader does not answer",
    ))
    .await;
    let row = s.until(row.hold, |r| r.why.contains("reader")).await;
    assert_eq!(row.state, "pending");
    // What passes is tried again, on a new connection at once.
    s.leaves().await;
    s.comes().await;
    let again = s.order().await.order;
    assert_eq!(again, number);
    s.says(says_refused(number, Code::NoRoom, full)).await;
    let row = s.until(row.hold, |r| r.state == "refused").await;
    assert!(row.full && row.why == full, "{row:?}");
    let id = row.hold;
    let no = s
        .act(move |d| acts::release(d, id, "x", &kim))
        .await
        .expect_err("keeps nothing");
    assert!(no.to_string().contains("keeps nothing"), "{no}");

    let not_held = |r: &PullReason| matches!(r, PullReason::NotHeld { .. });
    let mut news = s.desk().pulls.listen();
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(2_000),
        t1: s.start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let exhibit = s
        .act(move |d| submit::submit(d, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect("granted");
    let Order {
        order: number,
        act: Act::HoldSet { .. },
        ..
    } = s.order().await
    else {
        panic!("a hold comes first");
    };
    s.says(says_refused(number, Code::NoRoom, full)).await;
    let Order {
        order: number,
        act: Act::Pull { r#ref, .. },
        ..
    } = s.order().await
    else {
        panic!("a pull was due");
    };
    assert_eq!(r#ref, exhibit);
    let said = async {
        loop {
            let p = news.recv().await.expect("news");
            if p.why.iter().any(not_held) {
                return p;
            }
        }
    };
    let p = tokio::time::timeout(SOON, said).await.expect("said");
    let said = words::pulls(&p.why, &Zone::utc());
    assert!(
        said.contains("no room left") && said.contains(full),
        "{said}"
    );
    s.says(says_refused(
        number,
        Code::NotOnDisk,
        "the footage was lost",
    ))
    .await;
    let over = async {
        loop {
            let p = news.recv().await.expect("news");
            if p.state == State::Failed {
                return p.why;
            }
        }
    };
    let why = tokio::time::timeout(SOON, over).await.expect("over");
    let lost = matches!(&why[0], PullReason::BoxRefused { refusal, .. } if refusal.code == Code::NotOnDisk);
    assert!(lost && why.iter().any(not_held), "{why:?}");
    assert_eq!(
        s.kinds(),
        ["hold.ask", "order.fail", "hold.ask", "order.fail"]
    );
}

/// RET-6: a box that knows nothing of holds keeps a clip waiting for seconds only. While a request is open its hold is not let go; when
/// the clip failed nothing is held for it any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_knows_no_holds() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(2_000),
        t1: s.start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    for silent in [true, false] {
        let a = asked.clone();
        let mut news = s.desk().pulls.listen();
        let exhibit = s
            .act(move |d| submit::submit(d, &a, &Permit::of_test(1, "pat")))
            .await
            .expect("granted");
        let Order {
            order: number,
            act: Act::HoldSet { hold, until, .. },
            ..
        } = s.order().await
        else {
            panic!("a hold comes first");
        };
        if !silent {
            s.says(placed(number, until)).await;
        }
        let Order {
            order: number,
            act: Act::Pull { .. },
            ..
        } = s.order().await
        else {
            panic!("a pull was due");
        };
        let k = kim.clone();
        let no = s
            .act(move |d| acts::release(d, hold, "Not needed", &k))
            .await
            .expect_err("it is open");
        assert!(no.to_string().contains("still being pulled"), "{no}");
        s.says(says_refused(number, Code::NotOnDisk, "its key is gone"))
            .await;
        let over = async {
            loop {
                let p = news.recv().await.expect("news");
                if p.r#ref == exhibit.as_str() && p.state == State::Failed {
                    return p.why;
                }
            }
        };
        let why = tokio::time::timeout(SOON, over).await.expect("over");
        let refused = |r: &PullReason| matches!(r, PullReason::BoxRefused { .. });
        assert!(why.iter().any(refused), "{why:?}");
        // The box may know of it, answered or not: it is told that it is over.
        let Order {
            order: number,
            act: Act::HoldClear { hold: freed, why },
            ..
        } = s.order().await
        else {
            panic!("the end of its hold was due");
        };
        assert_eq!((freed, why.as_str()), (hold, "unused"));
        s.says(says_done(number, Done::Cleared)).await;
        s.until(hold, |r| r.state == "over").await;
    }
}
