//! The page of holds.
use super::*;

/// RET-3, ROL-5: what is held is shown with its state, span, days left, size and reason, in words; its release is approved by another
/// person than who asked, and not by a form of another session.
#[tokio::test]
async fn holds_are_released_by_a_second_person() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/holds", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    for part in [
        "H-000012: ashby/c01",
        "</span> in force",
        "6 days left",
        "60 segments, 1.0 GB",
        "it ends soon",
        "review by 2026-11-09",
        "Tue 3 Nov 2026 12:00:00 GMT to Tue 3 Nov 2026 13:00:00 GMT",
        "PACE s19",
        "(erased)",
        "op:0002 at",
        "</span> waiting for the box",
        "waits for the box, which is offline; the footage is deleted from Thu 5 Nov 2026 14:00:00 GMT on without it",
        "</span> refused",
        "no room left",
        "another person has to approve it",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=\""));
    assert_eq!(
        text.matches("value=\"approve\"").count(),
        1,
        "not one's own, and none that nobody asked for: {text}"
    );
    let form = page.form();
    let post = async |body: String| site.post("/holds", &cookie, &body, "").await;
    for bad in [
        "form=x&hold=H-000012&act=approve".to_owned(),
        format!("form={form}&hold=H-000012&act=erase"),
        format!("form={form}&hold=12&act=approve"),
    ] {
        assert_eq!(post(bad.clone()).await.status, 403, "{bad}");
    }
    let own = post(format!("form={form}&hold=H-000013&act=approve")).await;
    assert!(
        own.text().contains("a second person must approve it"),
        "{}",
        own.text()
    );
    assert!(!site.did().iter().any(|d| d.starts_with("release")));
    let yes = post(format!("form={form}&hold=H-000012&act=approve")).await;
    assert!(
        yes.text()
            .contains("H-000012 is released. Its box is told when it is back"),
        "{}",
        yes.text()
    );
    assert!(site.did().contains(&"release 7 H-000012".into()));
    let json = site.get("/api/v1/holds", &cookie, "").await;
    assert!(
        json.text().contains("\"hold\":\"H-000012\""),
        "{}",
        json.text()
    );
}
