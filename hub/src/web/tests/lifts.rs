//! The page of lifts.
use super::*;

/// MSK-4, ROL-5: lifts that wait are shown to those who may approve one, who is told when it is his own; nothing is approved by a form
/// of another session.
#[tokio::test]
async fn lifts_wait_for_a_second_person() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/lifts", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    assert!(
        text.contains("Request 40") && text.contains("for 20 minutes"),
        "{text}"
    );
    assert!(
        text.contains("meanwhile m7-door hides (solid, 3.1 % of the picture")
            && text.contains("meanwhile nothing hides"),
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
    let post = async |body: String| site.post("/lifts", &cookie, &body, "").await;
    assert_eq!(
        post("form=x&request=40&act=approve".into()).await.status,
        403
    );
    assert_eq!(
        post(format!("form={form}&request=40&act=erase"))
            .await
            .status,
        403
    );
    let own = post(format!("form={form}&request=41&act=approve")).await;
    assert!(
        own.text().contains("a second person must approve it"),
        "{}",
        own.text()
    );
    assert!(!site.did().iter().any(|d| d.starts_with("approve")));
    let yes = post(format!("form={form}&request=40&act=approve")).await;
    assert!(
        yes.text().contains("The mask is lifted until"),
        "{}",
        yes.text()
    );
    post(format!("form={form}&request=41&act=withdraw")).await;
    let did = site.did();
    assert!(
        did.contains(&"approve 7 40".into()) && did.contains(&"withdraw 7 41".into()),
        "{did:?}"
    );
    let json = site.get("/api/v1/lifts", &cookie, "").await;
    assert!(json.text().contains("\"n\":40"), "{}", json.text());
}
