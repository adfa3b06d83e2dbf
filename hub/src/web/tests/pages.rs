//! The first page.
use super::*;
use crate::{
    db::faults::{FaultSubject, FoundFault},
    faults,
};

/// HLT-1: boxes, cameras, days and clips in words and symbols; what people typed is shown, not run.
#[tokio::test]
async fn the_first_page() {
    let site = Site::new().await;
    let due = FoundFault {
        about: FaultSubject::Evidence("EXH-2026-000001".into()),
        code: "evidence.due".into(),
        log: site.hub().log.origin().into(),
        since: now(),
        text: "its 3 years ended".into(),
    };
    faults::begin(site.hub(), &due).expect("begun");
    let cookie = site.cookie().await;
    let text = site.get("/cameras", &cookie, "").await.text();
    for part in [
        "ashby",
        "?</span> unknown",
        "masked",
        "2026-11-03",
        "aria-label=\"2026-11-03: 0 h 02 min recorded, 2 stretches",
        "32 days left",
        "EXH-2026-000001",
        "Ready",
        "Waiting",
        "log lines held here, countersigned",
        "Evidence is past its period: EXH-2026-000001: its 3 years ended",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script>") && !text.contains("style=\""));
    let text = site.get("/footage/ashby/c02", &cookie, "").await.text();
    for part in ["Market", "12:59:02 to 13:00:02", "1.0 MB"] {
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

/// security.md V16: whatever a box says or somebody wrote, no page and no answer to a program carries what a terminal obeys or what turns text round.
#[tokio::test]
async fn text_from_boxes_is_plain_v16() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    for path in [
        "/",
        "/cameras",
        "/find?cam=ashby/c02&day=2026-11-03&from=12:59&to=13:00",
        "/requests",
        "/clip/EXH-2026-000001",
        "/footage/ashby/c02",
        "/retention",
        "/retention/ashby/c02",
        "/api/v1/clips",
        "/masks",
        "/holds",
        "/evidence",
        "/nothing",
    ] {
        let text = site.get(path, &cookie, "").await.text();
        let odd = text.split('\n').find(|l| !shared::plain::all_plain(l));
        assert_eq!(odd, None, "{path}");
        assert!(
            !text.contains("\\u001b") && !text.contains("\\u0007"),
            "{path}: {text}"
        );
    }
    let text = site.get("/cameras", &cookie, "").await.text();
    assert!(text.contains("Market"), "what can be read is there");
}
