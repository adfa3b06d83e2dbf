//! Wiring. Clip requests of several cameras, over real QUIC against a pretended box: held, authorised, cancelled, refused, taken back.

use super::*;
use crate::{
    classes::RetentionClassInput,
    model::{
        clip_request::{CancelReason, CloseReason, RefusalReason, State as Stands},
        pull::Absence,
        requester::RequesterClass,
    },
    requests::clip::{
        acts,
        draft::{self, Changes, DraftRequest as Request, Texts},
        ends,
        rows::RequestRow,
        shown,
    },
};

const CAMERAS: [&str; 2] = ["c01", "c09"];

fn asked(s: &holds::Scene, class: RequesterClass) -> Request {
    let say = |t: &str| Some(t.to_owned());
    Request {
        class,
        cameras: CAMERAS
            .map(|c| BoxCamera::parse(&format!("ashby/{c}")).expect("camera"))
            .to_vec(),
        span: Some((s.start.plus_ms(2_000), s.start.plus_ms(8_000))),
        texts: Texts {
            purpose: say("a report"),
            reference: say("PR/1"),
            requester: say("The Gazette"),
            ..Texts::default()
        },
        keep: RetentionClassInput::default(),
        urgent: false,
    }
}

async fn open(s: &holds::Scene, class: RequesterClass, who: &Permit) -> u64 {
    let (asked, who) = (asked(s, class), who.clone());
    let row = s.act(move |d| draft::open(d, &asked, &who)).await;
    number(&row.expect("opened"))
}

fn number(row: &RequestRow) -> u64 {
    crate::model::clip_request::number(&row.request).expect("a number")
}

async fn submit(s: &holds::Scene, n: u64, who: &Permit) -> RequestRow {
    let who = who.clone();
    let done = s.act(move |d| acts::submit(d, n, &Texts::default(), &who));
    done.await.expect("submitted")
}

async fn until(s: &holds::Scene, n: u64, is: impl Fn(&RequestRow) -> bool) -> RequestRow {
    let wait = async {
        loop {
            let row = s.act(move |d| shown::one(d, n)).await.expect("a row");
            if is(&row) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("in time")
}

/// EVI-1: a draft says another span, other cameras and another class once it is changed, what it said before is erased, and the change is on
/// the record; what was asked for cannot be changed any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_changed() {
    let s = holds::Scene::new().await;
    let pat = s.account("pat", "operator").await;
    let n = open(&s, RequesterClass::Media, &pat).await;
    let before = s.desk().db.clip_request(n).expect("read").expect("there");
    let change = |changes: Changes| {
        let p = pat.clone();
        s.act(move |d| draft::change(d, n, &changes, &p))
    };
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let to = s.start.plus_ms(5_000);
    let row = change(Changes {
        class: Some(RequesterClass::DataSubject),
        cameras: Some(vec![camera.clone(), camera]),
        to: Some(to),
        texts: Texts {
            purpose: Some("their own report".into()),
            ..Texts::default()
        },
        ..Changes::default()
    });
    let row = row.await.expect("changed");
    let cameras: Vec<&str> = row.cameras.iter().map(|c| c.camera.as_str()).collect();
    assert_eq!((row.state, cameras), (Stands::Draft, vec!["ashby/c01"]));
    assert_eq!(
        (row.from, row.to, row.due.is_some()),
        (Some(s.start.plus_ms(2_000)), Some(to), true)
    );
    assert_eq!(
        (row.purpose.as_deref(), row.reference.as_deref()),
        (Some("their own report"), Some("PR/1"))
    );
    let hash = before.purpose.expect("a purpose");
    assert_eq!(s.desk().db.side_text(&hash).expect("read"), None, "erased");
    let row = change(Changes::default()).await.expect("as it was");
    assert_eq!(row.to, Some(to));

    let p = pat.clone();
    let more = Texts {
        identity: Some("passport seen".into()),
        ..Texts::default()
    };
    let row = s.act(move |d| acts::submit(d, n, &more, &p)).await;
    assert_eq!(row.expect("submitted").state, Stands::Submitted);
    let late = change(Changes::default()).await.expect_err("submitted");
    assert_eq!(late.code(), "clip-request-stands");
    let kinds = s.all_lines().into_iter().map(|l| l.kind);
    let changes = kinds.filter(|k| k == "request.change").count();
    assert_eq!(changes, 2);
}

/// EVI-1, AUD-5, ROL-5: what a class needs is asked for by name; submitting holds the footage, and nothing is fetched before somebody else
/// authorises it; the camera that is none says why, and the rest is fetched; what failed at the box leaves no hold behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_takes_a_second_person() {
    let mut s = holds::Scene::new().await;
    let pat = s.account("pat", "operator").await;
    let kim = s.account("kim", "supervisor").await;
    let n = open(&s, RequesterClass::DataSubject, &pat).await;
    let p = pat.clone();
    let lacks = s.act(move |d| acts::submit(d, n, &Texts::default(), &p));
    let lacks = lacks.await.expect_err("no identity").to_string();
    assert!(
        lacks.contains("identity was checked") && lacks.contains("no access"),
        "{lacks}"
    );
    assert!(!s.all_lines().iter().any(|l| l.kind == "hold.ask"));

    let p = pat.clone();
    let more = Texts {
        identity: Some("passport seen".into()),
        ..Texts::default()
    };
    let row = s
        .act(move |d| acts::submit(d, n, &more, &p))
        .await
        .expect("submitted");
    assert_eq!((row.state, row.due.is_some()), (Stands::Submitted, true));
    assert_eq!(row.cameras[1].why, Some(Absence::NoCamera));
    let (hold, _) = s.places().await;
    assert_eq!(s.row(hold).await.exhibit, None, "held before it is granted");
    let p = pat.clone();
    let own = s
        .act(move |d| acts::authorise(d, n, &p))
        .await
        .expect_err("own");
    assert!(own.to_string().contains("second person"), "{own}");

    let k = kim.clone();
    let row = s
        .act(move |d| acts::authorise(d, n, &k))
        .await
        .expect("authorised");
    let exhibit = row.cameras[0].exhibit.clone().expect("an exhibit");
    assert_eq!(exhibit.number(), 1);
    assert_eq!(s.row(hold).await.exhibit.as_deref(), Some(exhibit.as_str()));
    let Order {
        order: number,
        act: Act::Pull { r#ref, .. },
        ..
    } = s.order().await
    else {
        panic!("a pull was due");
    };
    assert_eq!(r#ref, exhibit);
    s.says(says_refused(number, Code::NotOnDisk, "on no disk"))
        .await;
    let row = until(&s, n, |r| r.state == Stands::Failed).await;
    assert_eq!(row.cameras[0].why, Some(Absence::NotOnDisk));
    // What was held for it is let go, on the record.
    let Order {
        act: Act::HoldClear { hold: freed, why },
        ..
    } = s.order().await
    else {
        panic!("the end of the hold was due");
    };
    assert_eq!((freed, why.as_str()), (hold, "unused"));
    let kinds: Vec<String> = s.all_lines().into_iter().map(|l| l.kind).collect();
    for kind in [
        "request.open",
        "request.submit",
        "request.authorise",
        "request.done",
    ] {
        assert_eq!(
            kinds.iter().filter(|k| *k == kind).count(),
            1,
            "{kind}: {kinds:?}"
        );
    }
}

/// EVI-1: a request that is refused, taken back before or after it is granted, or that nobody authorised in time leaves no hold behind, and
/// none is fetched any more; one that came to nothing uses no number of an exhibit up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_nothing_leaves_nothing() {
    let mut s = holds::Scene::new().await;
    let pat = s.account("pat", "operator").await;
    let kim = s.account("kim", "supervisor").await;

    // Refused.
    let n = open(&s, RequesterClass::Media, &pat).await;
    submit(&s, n, &pat).await;
    let (hold, _) = s.places().await;
    let k = kim.clone();
    let why = RefusalReason::Disproportionate;
    let refused = s
        .act(move |d| ends::refuse(d, n, why, Some("too long"), &k))
        .await;
    let refused = refused.expect("refused");
    assert_eq!(refused.state, Stands::Refused);
    assert_eq!(refused.reason.as_deref(), Some("disproportionate"));
    let cleared = |s: &Order| match &s.act {
        Act::HoldClear { hold, why } => (*hold, why.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(cleared(&s.order().await), (hold, "unused".into()));
    let k = kim.clone();
    let late = s
        .act(move |d| acts::authorise(d, n, &k))
        .await
        .expect_err("over");
    assert!(late.to_string().contains("is Refused"), "{late}");

    // Taken back while its box prepares it.
    let n = open(&s, RequesterClass::Police, &pat).await;
    submit(&s, n, &pat).await;
    let (hold, _) = s.places().await;
    let Order {
        order: number,
        act: Act::Pull { r#ref, .. },
        ..
    } = s.order().await
    else {
        panic!("a pull was due");
    };
    assert_eq!(r#ref.number(), 1, "a refused request used no number up");
    let p = pat.clone();
    let why = CancelReason::Mistake;
    let row = s
        .act(move |d| ends::cancel(d, n, why, None, &p))
        .await
        .expect("taken back");
    assert_eq!(row.state, Stands::Cancelled);
    assert_eq!(row.cameras[0].why, Some(Absence::Cancelled));
    assert_eq!(cleared(&s.order().await), (hold, "unused".into()));
    // Its answer comes too late, and changes nothing.
    s.says(says_refused(number, Code::NotOnDisk, "late")).await;
    let p = pat.clone();
    let again = s.act(move |d| ends::cancel(d, n, why, None, &p)).await;
    assert!(
        again
            .expect_err("over")
            .to_string()
            .contains("is Cancelled")
    );
    let p = pat.clone();
    let close = CloseReason::Other;
    let closed = s.act(move |d| ends::close(d, n, close, None, &p)).await;
    assert!(closed.is_err(), "there is nothing to close");

    // Nobody authorises it in time.
    let n = open(&s, RequesterClass::Media, &pat).await;
    submit(&s, n, &pat).await;
    let (hold, _) = s.places().await;
    let ask = s.act(move |d| {
        let ask = shown::find(d, n)?.ask.expect("waits");
        d.db.settle_approval(ask, "expired", None, d.now())?;
        ends::expire(d)
    });
    ask.await.expect("looked");
    let row = until(&s, n, |r| r.state == Stands::Cancelled).await;
    assert_eq!(row.reason.as_deref(), Some("not-authorised"));
    s.desk().pulls.holds.wake();
    assert_eq!(cleared(&s.order().await), (hold, "unused".into()));
}
