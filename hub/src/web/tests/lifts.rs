//! The page of lifts.
use shared::{id::BoxCamera, mask::Mask};

use super::*;
use crate::{
    db::{approvals::NewApproval, lifts::NewLift},
    texts::keep_salted,
};

/// A lift that waits, as its request left it; its number.
pub(super) fn asked(hub: &Hub, op: u32, instead: Option<Mask>) -> u64 {
    let text = |t: &str| keep_salted(hub, t).expect("kept");
    let asked = NewApproval {
        kind: "lift",
        subject: "ashby/c01",
        what: "null",
        reason: Some(&text("Disturbance")),
        asked_by: op,
        made: now(),
        until: now().plus_ms(3_600_000),
    };
    let lift = NewLift {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        mask: "m7".into(),
        instead,
        until: None,
        minutes: Some(20),
        authority: text("RIPA <17>"),
    };
    let n = hub.db.add_approval(&asked).expect("recorded");
    hub.db.add_lift(n, &lift).expect("recorded");
    n
}

/// MSK-4, ROL-5: lifts that wait are shown to those who may approve one, who is told when it is his own; nothing is approved by a form
/// of another session. The same as JSON.
#[tokio::test]
async fn lifts_wait_for_a_second_person() {
    let site = Site::new().await;
    let door = Mask {
        id: "m7-door".into(),
        ..Mask::default()
    };
    let own = scene::number("supervisor");
    let other = asked(site.hub(), 2, Some(door));
    let own = asked(site.hub(), own, None);
    let cookie = site.cookie_of("supervisor").await;
    let page = site.get("/lifts", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    assert!(
        text.contains(&format!("Request {other}")) && text.contains("for 20 minutes"),
        "{text}"
    );
    assert!(
        text.contains("meanwhile m7-door hides (") && text.contains("meanwhile nothing hides"),
        "whoever approves sees what stays hidden: {text}"
    );
    assert!(
        text.contains("RIPA &#60;17&#62;") || text.contains("RIPA &lt;17&gt;"),
        "{text}"
    );
    assert_eq!(
        text.matches("value=\"approve\"").count(),
        1,
        "not one's own: {text}"
    );
    let form = page.form();
    let before = site.size();
    let post = async |body: String| site.post("/lifts", &cookie, &body, "").await;
    assert_eq!(
        post(format!("form=x&request={other}&act=approve"))
            .await
            .status,
        403
    );
    assert_eq!(
        post(format!("form={form}&request={other}&act=erase"))
            .await
            .status,
        400
    );
    let mine = post(format!("form={form}&request={own}&act=approve")).await;
    assert!(
        mine.text().contains("a second person must approve it"),
        "{}",
        mine.text()
    );
    // An order is for a box that is on the line; this one is not.
    let offline = post(format!("form={form}&request={other}&act=approve")).await;
    assert_eq!(offline.status, 422);
    assert!(offline.text().contains("is offline"), "{}", offline.text());
    assert_eq!(site.size(), before, "none of it was done");
    let json = site.get("/api/v1/lifts", &cookie, "").await;
    assert!(
        json.text().contains(&format!("\"n\":{other}")),
        "{}",
        json.text()
    );
    let done = post(format!("form={form}&request={own}&act=withdraw")).await;
    assert!(done.text().contains(&format!("Request {own} is withdrawn")));
    assert_eq!(site.lines("op.drop").len(), 1);
    let cookie = site.cookie_of("operator").await;
    assert_eq!(site.get("/lifts", &cookie, "").await.status, 403);
}
