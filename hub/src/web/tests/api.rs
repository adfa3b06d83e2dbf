//! The API over HTTPS.
use super::*;

/// SEC-2, ROL-1: the API does for whoever is signed in what the pages do, and tells everybody else why not, as a problem.
#[tokio::test]
async fn the_api_is_for_whoever_is_signed_in() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let clip = site.get("/api/v1/clips/EXH-2026-000001", &cookie, "").await;
    assert_eq!(clip.status, 200);
    assert_eq!(clip.header("content-type"), Some("application/json"));
    assert!(
        clip.text().contains("\"purpose\":\"theft\""),
        "{}",
        clip.text()
    );
    let no = site
        .get("/api/v1/clips", &site.cookie_of("contractor").await, "")
        .await;
    let problem: http::Problem = serde_json::from_slice(&no.body).expect("a problem");
    assert_eq!((no.status, problem.status), (403, 403));
    assert!(
        problem.detail.contains("is a contractor here"),
        "{problem:?}"
    );
    for (path, status) in [
        ("/api/v1/clips/EXH-2026-000099", 404),
        ("/api/v1/clips/nonsense", 400),
        ("/api/v1/nothing", 404),
        ("/api/v1/evidence/EXH-2026-000001/dispose", 405),
        ("/api/v1/holds?all=perhaps", 400),
    ] {
        assert_eq!(site.get(path, &cookie, "").await.status, status, "{path}");
    }
}

/// SEC-2: what changes something is JSON of our own site, or nothing is done.
#[tokio::test]
async fn no_other_site_has_anything_done() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let path = "/api/v1/clips/EXH-2026-000001/view";
    let body = r#"{"purpose":"theft","reference":"CR/1"}"#;
    let before = site.size();
    for more in [
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: http://localhost\r\n",
        "Origin: null\r\n",
    ] {
        assert_eq!(
            site.call(path, &cookie, body, more).await.status,
            403,
            "{more}"
        );
    }
    let form = site
        .post(path, &cookie, "purpose=theft&reference=a", "")
        .await;
    assert_eq!(form.status, 400);
    assert_eq!(site.call(path, "", body, "").await.status, 401);
    let large = format!(r#"{{"purpose":"{}","reference":"a"}}"#, "x".repeat(70_000));
    assert_eq!(site.call(path, &cookie, &large, "").await.status, 413);
    assert_eq!(site.size(), before, "none of it was done");
    let own = "Sec-Fetch-Site: same-origin\r\nOrigin: https://localhost\r\n";
    let done = site.call(path, &cookie, body, own).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(site.lines("acc.view").len(), 1);
    // A viewing by the API is on record, and opens no film on a page: the page asks itself.
    let film = site.get("/clip/EXH-2026-000001/play/0", &cookie, "").await;
    assert_eq!(film.status, 403);
}

/// EVI-1: who waits for a clip is told as it goes on, and no longer than the session lasts.
#[tokio::test]
async fn news_come_as_they_are_made() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let over = site
        .get("/api/v1/clips/EXH-2026-000001/events", &cookie, "")
        .await;
    assert_eq!(over.header("content-type"), Some("text/event-stream"));
    assert!(over.text().contains("event: news") && over.text().contains("Ready"));
    // This one waits for its box: the first news is here while the answer goes on.
    let mut tls = site.connect().await;
    let ask = format!(
        "GET /api/v1/clips/EXH-2026-000002/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
    );
    tls.write_all(ask.as_bytes()).await.expect("sent");
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("Waiting") {
        let n = tls.read(&mut buffer).await.expect("news");
        assert!(n > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..n]);
    }
    // Signed out: at the next news they end.
    let form = site.get("/", &cookie, "").await.form();
    let out = site
        .post("/sign-out", &cookie, &format!("form={form}"), "")
        .await;
    assert_eq!(out.status, 303);
    site.hub().pulls.tell(crate::hub::pulls::Progress {
        r#ref: "EXH-2026-000002".into(),
        state: crate::model::pull::State::Fetching,
        why: Vec::new(),
        bytes: 1,
        total: 2,
        segments_done: 0,
        segments: 1,
        package: None,
    });
    let mut rest = Vec::new();
    let _ = tls.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("Fetching"));
}

/// EVI-1, V2: what breaks while somebody follows a clip ends the news with a problem: its class and code, the number under which the journal has
/// it, and no word of the records.
#[tokio::test]
async fn broken_news_end_in_a_problem() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let mut tls = site.connect().await;
    let ask = format!(
        "GET /api/v1/clips/EXH-2026-000002/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
    );
    tls.write_all(ask.as_bytes()).await.expect("sent");
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("Waiting") {
        let n = tls.read(&mut buffer).await.expect("news");
        assert!(n > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..n]);
    }
    let records = rusqlite::Connection::open(site.rig.dir.path().join("hub.sqlite"));
    let broken = records.expect("records");
    broken
        .execute_batch("ALTER TABLE requests RENAME TO gone")
        .expect("broken");
    // More news of other clips than whoever follows can have missed: the record is looked at.
    for n in 0..3000 {
        site.hub().pulls.tell(crate::hub::pulls::Progress {
            r#ref: format!("EXH-2026-{:06}", 900 + n % 9),
            state: crate::model::pull::State::Fetching,
            why: Vec::new(),
            bytes: n,
            total: 3000,
            segments_done: 0,
            segments: 1,
            package: None,
        });
    }
    let mut rest = Vec::new();
    tls.read_to_end(&mut rest).await.expect("the end");
    let rest = String::from_utf8_lossy(&rest);
    let data = rest.split("event: problem\ndata: ").nth(1);
    let data = data.unwrap_or_else(|| panic!("no problem: {rest}"));
    let data = data.lines().next().expect("a line");
    let problem: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(
        (&problem["class"], &problem["status"], &problem["code"]),
        (&"broken".into(), &500.into(), &"broken".into())
    );
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(
        detail.contains("its journal says why under the number"),
        "{detail}"
    );
    for word in ["SELECT", "table", "sqlite", "requests"] {
        assert!(!rest.contains(word), "{word} in {rest}");
    }
}

/// ROL-1, AUD-1: a program with a token of somebody's has done what the token is for, without a cookie, and nothing more; a token that was
/// revoked is nobody's.
#[tokio::test]
async fn a_program_comes_with_a_token() {
    let site = Site::new().await;
    let kim = crate::access::signin::person(site.hub(), scene::KIM)
        .expect("read")
        .expect("kim");
    let who = crate::access::principal::Principal::Person(kim);
    let wanted = crate::ops::tokens::Add {
        label: "the wall panel".into(),
        scopes: vec!["box.list".into()],
        days: 30,
    };
    let made = crate::ops::operation::perform(&site.rig.hub, &who, wanted)
        .await
        .expect("made");
    let bearer = format!("Authorization: Bearer {}\r\n", made.secret);
    let status = async |path: &str, more: &str| site.get(path, "", more).await.status;
    assert_eq!(status("/api/v1/boxes", &bearer).await, 200);
    assert_eq!(
        status("/api/v1/clips", &bearer).await,
        403,
        "another operation"
    );
    assert_eq!(status("/api/v1/boxes", "").await, 401, "without it");
    let wrong = "Authorization: Bearer beadle_0000\r\n";
    assert_eq!(status("/api/v1/boxes", wrong).await, 401);
    assert_eq!(status("/", &bearer).await, 303, "pages are for people");
    let revoke = crate::ops::tokens::Revoke { token: made.token };
    crate::ops::operation::perform(&site.rig.hub, &who, revoke)
        .await
        .expect("revoked");
    assert_eq!(status("/api/v1/boxes", &bearer).await, 401);
}
