//! The retention pages.
use super::*;

/// RET-1, RET-2, RET-4: the retention page says what is promised once, draws what is held, and shows verdict and certificate of each
/// camera in words; a camera's page lists its days with the numbers; both have a JSON twin.
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
        "1 as promised",
        "1 over",
        "local day D+32",
        "href=\"/retention/ashby/c02\"",
        "32 days held of 31 promised",
        "cryptographic erase",
        "3.21 GB",
        "2, 10 min",
        "class=\"state bad\"",
        "&#60;script&#62;",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.matches("31 days means").count(), 1);
    let json = site.get("/api/v1/retention", &cookie, "").await;
    let value: Report = serde_json::from_slice(&json.body).expect("a report");
    assert_eq!(value.cameras[1].verdict, Verdict::Over);
    let camera = site.get("/retention/ashby/c02", &cookie, "").await.text();
    for part in [
        "2026-10-01",
        "1440 segments",
        "cctv.example.gov.uk/box/ashby/1 lines 41 and 42",
        "tpm: cryptographic erase",
        &"ab".repeat(32),
        "is missing",
        "Copies that holds keep",
    ] {
        assert!(camera.contains(part), "{part} in {camera}");
    }
    let json = site.get("/api/v1/retention/ashby/c02", &cookie, "").await;
    let value: CameraPage = serde_json::from_slice(&json.body).expect("a camera");
    assert_eq!(value.days.len(), 2);
    for path in [
        "/retention/ashby/c99",
        "/retention/ASHBY/c01",
        "/api/v1/retention/ashby/c99",
    ] {
        assert_eq!(site.get(path, &cookie, "").await.status, 404, "{path}");
    }
}
