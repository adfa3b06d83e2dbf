//! The page of masks.
use super::*;

/// MSK-3: each camera's mask, whether it has to be looked at, when that was done last and by whom, and the clip that shows what it
/// looked like; the same as JSON.
#[tokio::test]
async fn masks_and_their_reviews() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let front = site.get("/", &cookie, "").await.text();
    assert!(front.contains("href=\"/masks\""), "{front}");
    let page = site.get("/masks", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    for part in [
        "Market &#60;1&#62;",
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
}
