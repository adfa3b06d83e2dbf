//! Finding footage and asking for it, and what becomes of a request.
use super::*;
use crate::api::call::encoded;

const VIEW: &str =
    "/find?cam=ashby%2Fc01&cam=ashby%2Fc02&day=2026-11-03&from=11%3A59%3A10&to=11%3A59%3A40";

/// UI-1, EVI-1, RET-2: cameras are found by a part of a name, several at once; the day is drawn for each, with what is held and was pulled before;
/// from and to are typed as the clock shows them; the address is the whole view.
#[tokio::test]
async fn a_view_is_drawn() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let found = site.get("/find?search=ASHBY", &cookie, "").await.text();
    assert!(
        found.contains("name=\"cam\" value=\"ashby/c01\""),
        "{found}"
    );
    assert!(!found.contains("id=\"from\""), "nothing is chosen yet");
    let none = site.get("/find?search=%3Cx%3E", &cookie, "").await.text();
    assert!(none.contains("No camera has this") && !none.contains("<x>"));
    // What is chosen stays chosen while something else is looked for.
    let kept = site
        .get("/find?search=nowhere&cam=ashby%2Fc01", &cookie, "")
        .await
        .text();
    assert!(kept.contains("type=\"hidden\" name=\"cam\" value=\"ashby/c01\""));

    let page = site.get(VIEW, &cookie, "").await;
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    for part in [
        "class=\"recorded\"",
        "class=\"marked\"",
        "12:59:02 to 13:00:02: recorded",
        "pulled before, EXH-2026-000001",
        "deleted in 32 days",
        "aria-current=\"date\"",
        "Ask for this footage",
        "ashby/c02",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("style=\""));
    // The hour that October repeats is asked for by its name.
    let twice = "/find?cam=ashby%2Fc01&day=2026-10-25&from=01%3A30&to=03%3A00";
    let text = site.get(twice, &cookie, "").await.text();
    for part in ["BST or GMT", "01 BST", "01 GMT", "value=\"01:30\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Ask for this footage"));
    let other = site.get("/find?cam=ashby%2Fc99", &cookie, "").await;
    assert_eq!(other.status, 404);
}

/// EVI-1, AUD-5, UI-1: one form asks class, purpose, reference and requester once, and leads to the request, camera by camera; what is not taken is
/// said, and what was typed stands.
#[tokio::test]
async fn footage_is_asked_for_once() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let form = site.get(VIEW, &cookie, "").await.form();
    let asked = |purpose: &str| {
        let fields = [
            ("form", form.as_str()),
            ("cam", "ashby/c01"),
            ("cam", "ashby/c02"),
            ("day", "2026-11-03"),
            ("from", "11:59:10"),
            ("to", "11:59:40"),
            ("class", "police"),
            ("purpose", purpose),
            ("reference", "CR/77"),
            ("requester", "PC 7 <b>"),
            ("urgent", "yes"),
        ];
        let fields = fields.iter().map(|(k, v)| format!("{k}={}", encoded(v)));
        fields.collect::<Vec<_>>().join("&")
    };
    let long = "x".repeat(2_000);
    let no = site.post("/find", &cookie, &asked(&long), "").await;
    assert!(matches!(no.status, 400 | 422), "{}", no.text());
    let text = no.text();
    assert!(
        text.contains("role=\"alert\"") && text.contains("PC 7 &"),
        "{text}"
    );
    let before = site.lines("request.submit").len();
    let done = site.post("/find", &cookie, &asked("a theft"), "").await;
    assert_eq!(done.status, 303, "{}", done.text());
    let address = done.header("location").expect("leads on").to_owned();
    assert!(address.starts_with("/requests/R-"), "{address}");
    assert_eq!(site.lines("request.submit").len(), before + 1);
    let page = site.get(&address, &cookie, "").await.text();
    for part in [
        "ashby/c01",
        "ashby/c02",
        "a theft",
        "CR/77",
        "Camera by camera",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("data-progress=\"/requests/R-"), "{page}");
    // It is the first of their own on the first page.
    let home = site.get("/", &cookie, "").await.text();
    assert!(home.contains(&format!("href=\"{address}\"")), "{home}");
    let odd = site
        .post("/find", &cookie, "form=x&cam=ashby%2Fc01", "")
        .await;
    assert_eq!(odd.status, 403, "{}", odd.text());
    let nobody = site.get("/requests/R-999999", &cookie, "").await;
    assert_eq!(nobody.status, 404, "{}", nobody.text());
    let auditor = site.cookie_of("auditor").await;
    for path in ["/find", &address, &format!("{address}/progress")] {
        assert_eq!(site.get(path, &auditor, "").await.status, 403, "{path}");
    }
}
