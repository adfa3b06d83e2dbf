//! The page of clip requests: a draft that is changed on it.
use super::*;
use crate::{
    api::call::encoded,
    requests::clip::{
        class::RequesterClass,
        draft::{self, DraftRequest, Texts},
        shown,
    },
};

/// EVI-1, UI-1: the form of a draft shows what the draft says, by the clock on the wall; sent back as it is it changes nothing, what is changed in it
/// is changed, and what cannot be taken is refused in a sentence, with all that was typed in its fields still.
#[tokio::test]
async fn a_draft_is_changed_by_its_form() {
    let site = Site::new().await;
    let hub = site.hub();
    let text = |t: &str| Some(t.to_owned());
    let start = now().plus_ms(-3_600_000);
    let asked = DraftRequest {
        class: RequesterClass::Media,
        cameras: vec![shared::id::BoxCamera::parse("ashby/c01").expect("camera")],
        span: Some((start, start.plus_ms(60_000))),
        texts: Texts {
            purpose: text("a report"),
            reference: text("PR/1 <b>"),
            requester: text("The Gazette"),
            ..Texts::default()
        },
        keep: Default::default(),
        urgent: false,
    };
    let opened = draft::open(hub, &asked, &Permit::of_test(scene::KIM, "kim")).expect("opened");
    let name = opened.request.clone();
    let n = crate::requests::clip::number(&name).expect("a number");
    let cookie = site.cookie().await;
    let page = site.get("/requests", &cookie, "").await;
    let shown_page = page.text();
    let field = |text: &str, field: &str| {
        let at = text
            .find(&format!("id=\"{field}-{name}\""))
            .expect("a field");
        let value = text[at..].split("value=\"").nth(1).expect("a value");
        value.split('"').next().expect("an end").to_owned()
    };
    assert_eq!(field(&shown_page, "from"), "2026-11-03 13:00:00 GMT");
    assert_eq!(field(&shown_page, "cameras"), "ashby/c01");
    assert!(field(&shown_page, "reference").contains("PR/1 &"));
    let body = |cameras: &str, from: &str, purpose: &str| {
        let fields = [
            ("form", page.form()),
            ("request", name.clone()),
            ("act", "change".into()),
            ("class", "media".into()),
            ("cameras", cameras.into()),
            ("from", from.into()),
            ("to", "2026-11-03 13:01:00 GMT".into()),
            ("purpose", purpose.into()),
            ("reference", "PR/1 <b>".into()),
            ("requester", "The Gazette".into()),
        ];
        let fields = fields.iter().map(|(k, v)| format!("{k}={}", encoded(v)));
        fields.collect::<Vec<_>>().join("&")
    };
    let from = "2026-11-03 13:00:00 GMT";
    let same = site
        .post(
            "/requests",
            &cookie,
            &body("ashby/c01", from, "a report"),
            "",
        )
        .await;
    assert_eq!(same.status, 200, "{}", same.text());
    let now_says = shown::one(hub, n).expect("a row");
    assert_eq!((now_says.from, now_says.to), (opened.from, opened.to));
    assert_eq!(now_says.purpose, opened.purpose);
    let both = body("ashby/c01 ashby/c02", "3/11/2026 12:59", "another report");
    let other = site.post("/requests", &cookie, &both, "").await;
    assert_eq!(other.status, 200, "{}", other.text());
    let now_says = shown::one(hub, n).expect("a row");
    let cameras: Vec<&str> = now_says.cameras.iter().map(|c| c.camera.as_str()).collect();
    assert_eq!(cameras, ["ashby/c01", "ashby/c02"]);
    assert_eq!(now_says.from, Some(start.plus_ms(-60_000)));
    assert_eq!(now_says.purpose.as_deref(), Some("another report"));
    // The hour that the clocks repeat: asked back, and nothing that was typed is lost.
    let twice = body("ashby/c01 ashby/c02", "2026-10-25 01:30", "a third one");
    let twice = site.post("/requests", &cookie, &twice, "").await;
    let text = twice.text();
    assert!(
        matches!(twice.status, 400 | 422) && text.contains("BST or GMT"),
        "{text}"
    );
    assert_eq!(field(&text, "from"), "2026-10-25 01:30");
    assert_eq!(field(&text, "purpose"), "a third one");
    assert_eq!(shown::one(hub, n).expect("a row"), now_says);
}
