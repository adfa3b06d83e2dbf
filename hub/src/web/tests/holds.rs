//! The page of holds.
use shared::id::{BoxCamera, HoldId};

use super::*;
use crate::{
    db::{approvals::NewApproval, holds::HoldRecord, numbers::Numbered},
    model::hold::{HoldStanding, State as Stands},
    retention::rig::day,
    texts::keep_salted,
};

/// A hold as its box left it.
pub(super) fn held(hub: &Hub, n: u64, state: Stands, release: Option<u32>) {
    let text = |t: &str| keep_salted(hub, t).expect("kept");
    let placed = state == Stands::Placed;
    let record = HoldRecord {
        id: HoldId(n),
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: now().plus_ms(-7_200_000),
        t1: now().plus_ms(-3_600_000),
        review: day("2026-11-09"),
        reason: text("Robbery <script>"),
        authority: text("PACE s19"),
        reference: "a hash whose text was erased".into(),
        exhibit: None,
        grant: format!("H-{n:06}"),
        request: None,
        who: "op:0002".into(),
        made: now().plus_ms(-86_400_000 * 20),
        line: n,
        kept: false,
        drop: None,
        freed: Vec::new(),
        standing: HoldStanding {
            state,
            until: now().plus_ms(86_400_000 * 6),
            told: placed.then(|| now().plus_ms(86_400_000 * 6)),
            sent: !matches!(state, Stands::Pending),
            segments: placed.then_some(60),
            bytes: placed.then_some(1 << 30),
            full: state == Stands::Refused,
            why: String::new(),
        },
        changed: now(),
    };
    let (subject, reason) = (record.id.to_string(), text("not needed"));
    let put = hub.db.write(|tx| {
        tx.number_used(Numbered::Hold, n)?;
        tx.put_hold(&record)?;
        if let Some(asked_by) = release {
            tx.add_approval(&NewApproval {
                kind: "release",
                subject: &subject,
                what: "null",
                reason: Some(&reason),
                asked_by,
                made: now(),
                until: now().plus_ms(86_400_000),
            })?;
        }
        Ok::<_, crate::db::DbError>(())
    });
    put.expect("recorded");
}

/// RET-3, ROL-5: what is held is shown with its state, span, days left, size and reason, in words; its release is approved by another
/// person than who asked, and not by a form of another session.
#[tokio::test]
async fn holds_are_released_by_a_second_person() {
    let site = Site::new().await;
    held(site.hub(), 12, Stands::Placed, Some(2));
    held(
        site.hub(),
        13,
        Stands::Placed,
        Some(scene::number("supervisor")),
    );
    held(site.hub(), 14, Stands::Pending, None);
    held(site.hub(), 15, Stands::Refused, None);
    let cookie = site.cookie_of("supervisor").await;
    let page = site.get("/holds", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    for part in [
        "H-000012: ashby/c01",
        "</span> in force",
        "6 days left",
        "60 segments, 1.0 GB",
        "it ends at Mon 9 Nov 2026 14:00:00 GMT",
        "review by 2026-11-09",
        "Tue 3 Nov 2026 12:00:00 GMT to Tue 3 Nov 2026 13:00:00 GMT",
        "PACE s19",
        "(erased)",
        "op:0002 at",
        "</span> waiting for the box",
        "waits for the box, which is offline; the footage is deleted from Sat 5 Dec 2026 00:05:00 GMT on without it",
        "</span> refused",
        "no room left",
        "another person has to approve it",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script>") && !text.contains("style=\""));
    assert_eq!(
        text.matches("value=\"approve\"").count(),
        1,
        "not one's own, and none that nobody asked for: {text}"
    );
    let form = page.form();
    let post = async |body: String| site.post("/holds", &cookie, &body, "").await;
    for (bad, status) in [
        ("form=x&hold=H-000012&act=approve".to_owned(), 403),
        (format!("form={form}&hold=H-000012&act=erase"), 400),
        (format!("form={form}&hold=12&act=approve"), 400),
    ] {
        assert_eq!(post(bad.clone()).await.status, status, "{bad}");
    }
    let own = post(format!("form={form}&hold=H-000013&act=approve")).await;
    assert!(
        own.text().contains("a second person must approve it"),
        "{}",
        own.text()
    );
    assert!(site.lines("hold.free").is_empty());
    let yes = post(format!("form={form}&hold=H-000012&act=approve")).await;
    assert!(
        yes.text()
            .contains("H-000012 is released. Its box is told when it is back"),
        "{}",
        yes.text()
    );
    assert_eq!(site.lines("hold.free").len(), 1);
    let json = site.get("/api/v1/holds", &cookie, "").await;
    assert!(
        json.text().contains("\"hold\":\"H-000012\""),
        "{}",
        json.text()
    );
}
