//! The retention pages.
use super::*;
use crate::retention::report::{CameraPage, Report};

/// RET-1, RET-2, RET-4: what is held against what was promised, of all cameras and of one, by pages that lead to each other, and as JSON.
#[tokio::test]
async fn retention_pages() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let front = site.get("/", &cookie, "").await.text();
    assert!(front.contains("href=\"/retention\""), "{front}");
    let page = site.get("/retention", &cookie, "").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for part in [
        "local day D+32",
        "href=\"/retention/ashby/c02\"",
        "1 days held of 31 promised",
        "&#60;script&#62;",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.matches("31 days means").count(), 1);
    let json = site.get("/api/v1/retention", &cookie, "").await;
    let value: Report = serde_json::from_slice(&json.body).expect("a report");
    assert_eq!(value.cameras.len(), 3);
    let camera = site.get("/retention/ashby/c01", &cookie, "").await.text();
    assert!(
        camera.contains("2026-11-03") && camera.contains("2 segments"),
        "{camera}"
    );
    let json = site.get("/api/v1/retention/ashby/c01", &cookie, "").await;
    let value: CameraPage = serde_json::from_slice(&json.body).expect("a camera");
    assert_eq!((value.days.len(), value.days[0].count), (1, 2));
    for (path, status) in [
        ("/retention/ashby/c99", 404),
        ("/retention/ASHBY/c01", 404),
        ("/api/v1/retention/ashby/c99", 404),
        ("/api/v1/retention/ASHBY/c01", 400),
    ] {
        assert_eq!(site.get(path, &cookie, "").await.status, status, "{path}");
    }
}
