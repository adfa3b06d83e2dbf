//! The page of tokens.
use super::*;

/// ROL-1, SEC-2: somebody whose second factor only a browser can ask for makes a token on the page, for some operations and some days; it is
/// shown once, good for these operations at every door, and ended there.
#[tokio::test]
async fn a_token_is_made_and_ended_on_the_page() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/tokens", &cookie, "").await;
    let offered = page.text();
    assert!(offered.contains("<code>clip.list</code>"), "{offered}");
    for never in ["staff.add", "hold.approve", "factor.list", "mask.set"] {
        assert!(
            !offered.contains(&format!("<code>{never}</code>")),
            "{never}"
        );
    }
    let body = |scopes: &str, days: &str| {
        format!(
            "form={}&act=add&label=my+commands&scopes={scopes}&days={days}",
            page.form()
        )
    };
    for (scopes, days) in [
        ("clip.list", "a+week"),
        ("clip.list", "900"),
        ("mask.set", "9"),
        ("", "9"),
    ] {
        let no = site.post("/tokens", &cookie, &body(scopes, days), "").await;
        assert!(
            matches!(no.status, 400 | 403 | 404 | 422),
            "{scopes} {days}: {}",
            no.text()
        );
    }
    assert!(site.lines("op.token").is_empty());
    let made = site
        .post("/tokens", &cookie, &body("clip.list,box.list", "30"), "")
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let text = made.text();
    let at = text.find("beadle_").expect("the token");
    let secret = &text[at..at + 71];
    let bearer = format!("Authorization: Bearer {secret}\r\n");
    assert_eq!(site.get("/api/v1/clips", "", &bearer).await.status, 200);
    assert_eq!(site.get("/api/v1/holds", "", &bearer).await.status, 403);
    let again = site.get("/tokens", &cookie, "").await.text();
    assert!(
        !again.contains("beadle_") && again.contains("End token 1"),
        "{again}"
    );
    // Another operator neither sees it nor ends it.
    let other = site.cookie_of("operator").await;
    let others = site.get("/tokens", &other, "").await;
    assert!(!others.text().contains("my commands"));
    let end = |form: &str| format!("form={form}&act=revoke&token=1");
    let no = site.post("/tokens", &other, &end(&others.form()), "").await;
    assert_eq!(no.status, 404, "{}", no.text());
    let over = site.post("/tokens", &cookie, &end(&page.form()), "").await;
    assert!(over.text().contains("Token 1 is worth nothing any more."));
    assert_eq!(site.get("/api/v1/clips", "", &bearer).await.status, 401);
}
