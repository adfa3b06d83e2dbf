//! The first page.
use super::*;

/// HLT-1: boxes, cameras, days and clips in words and symbols; what people typed is shown, not run.
#[tokio::test]
async fn the_first_page() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let text = site.get("/", &cookie, "").await.text();
    for part in [
        "ashby",
        "✔</span> recording",
        "✖</span> not recording",
        "nothing recorded since Tue 3 Nov 2026 13:59:59 GMT",
        "1 of 2 cameras recording; not: c02",
        "last picture landed Tue 3 Nov 2026 13:59:59 GMT",
        "masked",
        "2026-11-03",
        "aria-label=\"2026-11-03: 13 h 00 min recorded, 2 stretches",
        "31 days left",
        "EXH-2026-000001",
        "Ready",
        "Waiting",
        "5 bytes of 10 bytes",
        "17 log lines",
        "Evidence is past its period: EXH-2026-000001: its 3 years ended",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=\""));
    let text = site.get("/footage/ashby/c02", &cookie, "").await.text();
    for part in [
        "Market",
        "00:00:00 to 06:00:00",
        "06:00:00 to 07:00:00: camera silent",
        "1.0 GB",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        site.get("/footage/ashby/c99", &cookie, "").await.status,
        404
    );
    assert_eq!(
        site.get("/footage/ashby/..%2f..", &cookie, "").await.status,
        404
    );
    assert_eq!(site.get("/nothing", &cookie, "").await.status, 404);
}
