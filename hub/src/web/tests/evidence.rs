//! The evidence page.
use super::*;

/// RET-5, ROL-5, UI-1: the evidence page says of each exhibit how long it is kept, in words and a symbol as well as red; what is due is disposed of
/// with a reason, what is not by a second person; the certificate is there to print. The same as JSON, sizes in bytes.
#[tokio::test]
async fn evidence_is_shown_and_disposed_of() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/evidence", &cookie, "").await;
    let text = page.text();
    for part in [
        "✖</span> due",
        "✔</span> kept",
        "class=\"bad-row\"",
        "general (3 years)",
        "2029-11-03",
        "1.07 GB",
        "3.21 GB in all",
        "Evidence folder holds what no request explains: EXH-2019-000007",
        "<label for=\"reason-EXH-2026-000001\">",
        "Dispose of EXH-2026-000001 for good",
        "Approve: dispose of EXH-2026-000002 for good",
        "You asked for this",
        "Certificate of EXH-2026-000004",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=\""));
    assert!(!text.contains("dispose of EXH-2026-000003 for good"));
    let form = page.form();
    let post = async |body: &str| {
        let body = format!("form={form}&{body}");
        site.post("/evidence", &cookie, &body, "").await
    };
    let strange = site
        .post(
            "/evidence",
            &cookie,
            "form=x&exhibit=EXH-2026-000001&act=dispose&reason=over",
            "",
        )
        .await;
    assert_eq!(strange.status, 403);
    assert_eq!(post("exhibit=EXH-2026-000001&act=keep").await.status, 403);
    assert_eq!(post("exhibit=nonsense&act=dispose").await.status, 404);
    let none = post("exhibit=EXH-2026-000001&act=dispose&reason=").await;
    assert!(none.text().contains("a reason is needed"));
    let done = post("exhibit=EXH-2026-000001&act=dispose&reason=over").await;
    assert!(
        done.text()
            .contains("role=\"status\">EXH-2026-000001 it is disposed")
    );
    assert!(post("exhibit=EXH-2026-000002&act=approve").await.status == 200);
    let own = post("exhibit=EXH-2026-000003&act=approve").await;
    assert!(own.text().contains("a second person must approve"));
    let acts: Vec<String> = site.did().into_iter().skip(1).collect();
    assert_eq!(
        acts,
        [
            "dispose 7 EXH-2026-000001 over",
            "approve disposal 7 EXH-2026-000002"
        ]
    );
    let paper = site
        .get("/evidence/EXH-2026-000004/certificate", &cookie, "")
        .await;
    assert_eq!(
        paper.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(paper.text(), "CERTIFICATE OF DISPOSAL <b>");
    let none = site
        .get("/evidence/EXH-2026-000001/certificate", &cookie, "")
        .await;
    assert_eq!(none.status, 404);
    let json = site.get("/api/v1/evidence", &cookie, "").await.text();
    let all: Evidence = serde_json::from_str(&json).expect("json");
    assert_eq!((all.rows.len(), all.rows[0].bytes), (4, 1_070_000_000));
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
        assert!(no.text().contains("disposed of at noon"), "{}", no.text());
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
