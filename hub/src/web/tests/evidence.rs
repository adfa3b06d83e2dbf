//! The evidence page.
use super::*;
use crate::{
    db::approvals::NewApproval,
    disposal::acts,
    model::{evidence::Evidence, pull::State as Stands},
    retention::rig::utc,
    texts::keep_salted,
};

/// Long enough ago for its three years to be over.
const LONG_AGO: &str = "2023-10-01T12:00:00.000Z";

/// Exhibits in every state that the page tells apart: 11 and 14 past their period, 12 and 13 asked to go before theirs; 14 is gone.
fn kept(site: &Site) {
    let hub = site.hub();
    for (n, made) in [
        (11, utc(LONG_AGO)),
        (12, now()),
        (13, now()),
        (14, utc(LONG_AGO)),
    ] {
        scene::request(hub, n, Stands::Ready, made, Vec::new());
        scene::packed(hub, n, &scene::films());
    }
    let supervisor = scene::number("supervisor");
    for (n, op) in [(12, 2), (13, supervisor)] {
        let exhibit = scene::exhibit(n);
        let reason = keep_salted(hub, "not needed <script>").expect("kept");
        let asked = NewApproval {
            kind: "disposal",
            subject: exhibit.as_str(),
            what: "null",
            reason: Some(&reason),
            asked_by: op,
            made: now(),
            until: now().plus_ms(7 * 86_400_000),
        };
        hub.db.add_approval(&asked).expect("recorded");
    }
    let permit = Permit::of_test(2, "lee");
    acts::dispose(hub, &scene::exhibit(14), "its time is over", &permit).expect("disposed of");
}

/// RET-5, ROL-5, UI-1: the evidence page says of each exhibit how long it is kept, in words and a symbol as well as red; what is due is disposed of
/// with a reason, what is not by a second person; the certificate is there to print. The same as JSON, sizes in bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_shown_and_disposed_of() {
    let site = Site::new().await;
    kept(&site);
    let cookie = site.cookie_of("supervisor").await;
    let page = site.get("/evidence", &cookie, "").await;
    let text = page.text();
    for part in [
        "✖</span> due",
        "✔</span> kept",
        "class=\"bad-row\"",
        "general (3 years)",
        "2029-11-03",
        "<label for=\"reason-EXH-2026-000011\">",
        "Dispose of EXH-2026-000011 for good",
        "Approve: dispose of EXH-2026-000012 for good",
        "You asked for this",
        "Certificate of EXH-2026-000014",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script>") && !text.contains("style=\""));
    assert!(!text.contains("dispose of EXH-2026-000013 for good"));
    let form = page.form();
    let post = async |body: &str| {
        let body = format!("form={form}&{body}");
        site.post("/evidence", &cookie, &body, "").await
    };
    let strange = "form=x&exhibit=EXH-2026-000011&act=dispose&reason=over";
    let strange = site.post("/evidence", &cookie, strange, "").await;
    assert_eq!(strange.status, 403);
    let before = site.size();
    assert_eq!(post("exhibit=EXH-2026-000011&act=keep").await.status, 400);
    assert_eq!(post("exhibit=nonsense&act=dispose").await.status, 404);
    let none = post("exhibit=EXH-2026-000011&act=dispose&reason=").await;
    assert!(
        none.status == 422 && none.text().contains("eason is needed"),
        "{}",
        none.text()
    );
    let own = post("exhibit=EXH-2026-000013&act=approve").await;
    assert!(
        own.status == 422 && own.text().contains("second person must"),
        "{}",
        own.text()
    );
    assert_eq!(site.size(), before, "none of it was done");
    let done = post("exhibit=EXH-2026-000011&act=dispose&reason=over").await;
    assert!(
        done.text().contains("role=\"status\">EXH-2026-000011 "),
        "{}",
        done.text()
    );
    assert_eq!(
        post("exhibit=EXH-2026-000012&act=approve").await.status,
        200
    );
    assert_eq!(site.lines("copy.gone").len(), 3);
    let paper = site
        .get("/evidence/EXH-2026-000014/certificate", &cookie, "")
        .await;
    assert_eq!(
        paper.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(paper.text().contains("EXH-2026-000014"), "{}", paper.text());
    let none = site
        .get("/evidence/EXH-2026-000013/certificate", &cookie, "")
        .await;
    assert!(matches!(none.status, 404 | 422), "{}", none.status);
    let json = site.get("/api/v1/evidence", &cookie, "").await.text();
    let all: Evidence = serde_json::from_str(&json).expect("json");
    assert!(all.rows.iter().any(|r| r.bytes > 800_000), "{json}");
}

/// RET-5: what was disposed of is said to be so in a sentence, and neither played, saved nor its certificate shown. No answer with footage may be
/// kept by a browser or a cache.
#[tokio::test]
async fn what_was_disposed_of_is_not_played() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/clip/EXH-2026-000004", &cookie, "").await;
    let text = page.text();
    assert!(text.contains("Disposed") && text.contains("nothing of it is left here"));
    assert!(text.contains("/evidence/EXH-2026-000004/certificate") && !text.contains("<video"));
    for path in ["play/0", "save/0", "certificate"] {
        let no = site
            .get(&format!("/clip/EXH-2026-000004/{path}"), &cookie, "")
            .await;
        assert_eq!(no.status, 410, "{path}");
        assert!(no.text().contains("was disposed of at "), "{}", no.text());
    }
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await;
    let body = format!("form={}&purpose=theft&reference=b", page.form());
    site.post("/clip/EXH-2026-000001", &cookie, &body, "").await;
    for (path, more) in [
        ("play/0", ""),
        ("play/0", "Range: bytes=4-20\r\n"),
        ("save/0", ""),
        ("certificate", ""),
    ] {
        let answer = site
            .get(&format!("/clip/EXH-2026-000001/{path}"), &cookie, more)
            .await;
        assert!(matches!(answer.status, 200 | 206), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}
