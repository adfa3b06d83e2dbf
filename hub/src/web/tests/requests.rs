//! The page of clip requests: a draft that is changed on it.
use super::*;
use crate::{
    api::call::encoded,
    model::requester::RequesterClass,
    requests::clip::{
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
    let n = crate::model::clip_request::number(&name).expect("a number");
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

/// EVI-1, ROL-1: a pull is paused and let go on by buttons of its request's page, on the record each time; whoever may not has no button, and is
/// refused what it would do.
#[tokio::test]
async fn a_pull_is_paused_and_resumed_by_buttons() {
    let site = Site::new().await;
    let hub = site.hub();
    let text = |t: &str| Some(t.to_owned());
    let start = crate::retention::rig::utc("2026-11-03T11:59:10.000Z");
    let asked = DraftRequest {
        class: RequesterClass::Police,
        cameras: vec![shared::id::BoxCamera::parse("ashby/c01").expect("camera")],
        span: Some((start, start.plus_ms(20_000))),
        texts: Texts {
            purpose: text("a theft"),
            reference: text("CR/7"),
            requester: text("PC 7"),
            ..Texts::default()
        },
        keep: Default::default(),
        urgent: false,
    };
    let permit = Permit::of_test(scene::KIM, "kim");
    let exhibit = crate::requests::clip::acts::pull(hub, &asked, &permit).expect("asked for");
    let paused = || {
        let row = hub.db.request(exhibit.as_str()).expect("reads");
        row.expect("row").paused
    };
    let lines = |kind: &str| scene::lines(hub, kind).len();
    let cookie = site.cookie().await;
    let page = site.get("/requests", &cookie, "").await;
    assert!(
        page.text().contains(&format!("Have it wait: {exhibit}")),
        "{}",
        page.text()
    );
    let body = |form: String, act: &str| format!("form={form}&exhibit={exhibit}&act={act}");
    let done = site
        .post("/requests", &cookie, &body(page.form(), "pause"), "")
        .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(
        done.text().contains("goes on from there"),
        "{}",
        done.text()
    );
    assert!(done.text().contains(&format!("Let it go on: {exhibit}")));
    assert_eq!((paused().is_some(), lines("pull.pause")), (true, 1));
    let done = site
        .post("/requests", &cookie, &body(done.form(), "resume"), "")
        .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!((paused(), lines("pull.resume")), (None, 1));

    let auditor = site.cookie_of("auditor").await;
    let page = site.get("/requests", &auditor, "").await;
    assert!(!page.text().contains("Have it wait"), "{}", page.text());
    let form = site.get("/", &auditor, "").await.form();
    let no = site
        .post("/requests", &auditor, &body(form, "pause"), "")
        .await;
    assert_eq!(no.status, 403, "{}", no.text());
    assert_eq!((paused(), lines("pull.pause")), (None, 1));
    let odd = format!("form={}&exhibit=nothing&act=pause", done.form());
    let no = site.post("/requests", &cookie, &odd, "").await;
    assert!((400..500).contains(&no.status), "{}", no.text());
}
