//! The page of masks.
use shared::id::BoxCamera;

use super::*;
use crate::{db::reviews::ReviewRecord, retention::rig::day};

/// MSK-3: each camera's mask, whether it has to be looked at, when that was done last and by whom, and the clip that shows what it
/// looked like; the same as JSON.
#[tokio::test]
async fn masks_and_their_reviews() {
    let site = Site::new().await;
    let review = ReviewRecord {
        n: 9,
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        mask: "m6".into(),
        exhibit: scene::exhibit(1),
        op: 2,
        made: now(),
        next: day("2026-10-01"),
    };
    site.hub().db.add_review(&review).expect("recorded");
    let cookie = site.cookie().await;
    let front = site.get("/", &cookie, "").await.text();
    assert!(front.contains("href=\"/masks\""), "{front}");
    let page = site.get("/masks", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    for part in [
        "&#60;script&#62;",
        "m7: pixelated, burned in by the box, 6.2 % of the picture",
        "overdue since 2026-10-01: look at it",
        "href=\"/clip/EXH-2026-000001\"",
        "mask m6, by op:0002 at",
        "due on 2027-10-01",
        "no mask",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = site.get("/api/v1/masks", &cookie, "").await.text();
    assert!(
        json.contains("\"due\":\"overdue\"") && json.contains("\"exhibit\":\"EXH-2026-000001\""),
        "{json}"
    );
    // Whoever may not see the clip is told its number, and not led to it.
    let cookie = site.cookie_of("contractor").await;
    let text = site.get("/masks", &cookie, "").await.text();
    assert!(
        text.contains("EXH-2026-000001") && !text.contains("/clip/"),
        "{text}"
    );
}
