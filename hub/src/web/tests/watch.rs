//! Watching: why it is watched comes first and is on the log; then films side by side.
use super::*;

const CLIP: &str = "/watch?exhibit=EXH-2026-000001";

/// AUD-1, UI-1: nothing is shown before purpose and reference are on the log; those of the request stand in the form already. The page names what
/// is watched, and alone may have a film handed to its player by its script.
#[tokio::test]
async fn a_purpose_comes_before_the_player() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let nothing = site.get("/watch?cam=%3Cb%3E&look=x", &cookie, "").await;
    assert!(nothing.text().contains("Choose cameras and a span first."));
    let camera = "/watch?cam=ashby%2Fc01&cam=ashby%2Fc02&from=2026-11-03+12%3A59%3A10";
    let text = site.get(camera, &cookie, "").await.text();
    for part in [
        "name=\"cam\" value=\"ashby/c02\"",
        "value=\"2026-11-03 12:59:10\"",
        "for at most 15 minutes",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let over = format!("/watch?look={}", "0".repeat(32));
    let over = site.get(&over, &cookie, "").await;
    assert!(over.text().contains("role=\"alert\""), "{}", over.text());

    let first = site.get(CLIP, &cookie, "").await;
    let text = first.text();
    assert!(!text.contains("<video") && !text.contains("/watch.js"));
    assert!(text.contains("value=\"CR/1"), "asked once: {text}");
    let film = "/clip/EXH-2026-000001/film";
    assert_eq!(site.get(film, &cookie, "").await.status, 403);
    let form = first.form();
    let said = |purpose: &str| {
        format!("form={form}&exhibit=EXH-2026-000001&purpose={purpose}&reference=CR%2F1")
    };
    let blank = site.post("/watch", &cookie, &said("+"), "").await;
    assert!(blank.text().contains("A purpose is needed"));
    assert!(site.lines("acc.view").is_empty());
    let yes = site.post("/watch", &cookie, &said("theft"), "").await;
    assert_eq!((yes.status, yes.header("location")), (303, Some(CLIP)));
    assert_eq!(site.lines("acc.view").len(), 1);
    let page = site.get(CLIP, &cookie, "").await;
    let text = page.text();
    for part in [
        "data-film=\"/clip/EXH-2026-000001/film\"",
        "data-camera=\"ashby/c01\"",
        "src=\"/watch.js\"",
        "from this exhibit&#39;s masters",
        "That you watch is on the log.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let policy = |answer: &Answer| {
        let policy = answer.header("content-security-policy");
        policy.expect("a policy").to_owned()
    };
    assert!(policy(&page).contains("media-src 'self' blob:"));
    let clip = site.get("/clip/EXH-2026-000001", &cookie, "").await;
    assert!(!policy(&clip).contains("blob:") && clip.text().contains(CLIP));
    // A package without masters has no film; that is no fault.
    assert_eq!(site.get(film, &cookie, "").await.status, 204);
    let other = site.cookie().await;
    assert_eq!(site.get(film, &other, "").await.status, 403);

    // One that is not fetched yet.
    let waits = site
        .get("/watch?exhibit=EXH-2026-000002", &cookie, "")
        .await;
    assert!(waits.text().contains("there is nothing to watch now"));
    for module in ["/watch.js", "/film.js"] {
        let code = site.get(module, "", "").await;
        let kind = code.header("content-type");
        assert_eq!(kind, Some("text/javascript; charset=utf-8"), "{module}");
    }
}

/// AUD-1, EVI-1: a look at a box that is not on the line is refused in words, what was typed stands, and a time that cannot be read is said.
#[tokio::test]
async fn a_look_that_cannot_be_is_said() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let form = site.get("/watch?cam=ashby%2Fc01", &cookie, "").await.form();
    let asked = |from: &str| {
        format!(
            "form={form}&cam=ashby%2Fc01&from={from}&to=2026-11-03+11%3A59%3A20&purpose=a+theft&reference=CR%2F9"
        )
    };
    for from in ["yesterday", "2026-11-03+11%3A59%3A10"] {
        let no = site.post("/watch", &cookie, &asked(from), "").await;
        assert!(
            (400..500).contains(&no.status) || no.status == 503,
            "{no:?}"
        );
        let text = no.text();
        assert!(text.contains("role=\"alert\""), "{text}");
        assert!(text.contains("value=\"a theft\"") && text.contains("value=\"CR/9\""));
    }
    assert!(site.lines("acc.look").is_empty());
}
