//! The page of the hub: two people tell boxes where it will be.
use super::*;
use crate::api::call::encoded;

/// FLT-3, ROL-5: the form takes two people, each of whom may; what cannot be is refused in a sentence with what was typed still there, but for
/// the password; what is done is on the record once for each box. Whoever may look and not tell has no form.
#[tokio::test]
async fn boxes_are_told_by_a_form() {
    let site = Site::new().await;
    let hub = site.hub();
    let cookie = site.cookie_of("administrator").await;
    let page = site.get("/hub", &cookie, "").await;
    assert!(page.text().contains("Tell boxes where the hub will be"));
    let second = "coordinator";
    let body = |form: &str, to: &str, name: &str, password: &str| {
        let fields = [
            ("form", form),
            ("act", "move"),
            ("hub", to),
            ("boxes", "ashby"),
            ("reason", "the house is sold"),
            ("name", name),
            ("password", password),
        ];
        let fields = fields.iter().map(|(k, v)| format!("{k}={}", encoded(v)));
        fields.collect::<Vec<_>>().join("&")
    };
    let orders = || scene::lines(hub, "move.order").len();
    for (to, name, password) in [
        ("nowhere", second, PASSWORD),
        ("hub.example.org:4433", second, "a wrong password"),
        ("hub.example.org:4433", "administrator", PASSWORD),
    ] {
        let no = site
            .post("/hub", &cookie, &body(&page.form(), to, name, password), "")
            .await;
        assert!(
            (400..500).contains(&no.status),
            "{to} {name}: {}",
            no.text()
        );
        assert!(!no.text().contains(password), "{}", no.text());
        assert_eq!(orders(), 0);
    }
    let to = "hub.example.org:4433";
    let done = site
        .post(
            "/hub",
            &cookie,
            &body(&page.form(), to, second, PASSWORD),
            "",
        )
        .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(done.text().contains(to), "{}", done.text());
    assert_eq!(orders(), 1);
    let auditor = site.cookie_of("auditor").await;
    let page = site.get("/hub", &auditor, "").await;
    assert_eq!(page.status, 200);
    assert!(
        !page
            .text()
            .contains("<form method=\"post\" action=\"/hub\"")
    );
}
