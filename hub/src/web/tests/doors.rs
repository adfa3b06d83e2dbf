//! Signing in, and what strangers see.
use super::*;

/// EVI-2: whoever checks evidence of the scheme finds its verifier and public keys without signing in; no other name is a file.
#[tokio::test]
async fn strangers_find_what_is_published() {
    let site = Site::new().await;
    let page = site.get("/proof/", "", "").await;
    assert_eq!(page.status, 200);
    let links = String::from_utf8_lossy(&page.body).into_owned();
    for f in crate::ops::published::of(site.hub()) {
        let answer = site.get(&format!("/proof/{}", f.name), "", "").await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, f.text.as_bytes())
        );
        assert_eq!(answer.header("content-type"), Some(f.media.as_str()));
        assert!(f.name == crate::evidence::published::PAGE || links.contains(&f.name));
    }
    for path in ["/proof/hub.key", "/proof/..%2fhub.sqlite", "/proof/x/y"] {
        assert!(
            [303, 404].contains(&site.get(path, "", "").await.status),
            "{path}"
        );
    }
}

/// SEC-1: whoever is not signed in sees the sign-in page, the style sheet and what the scheme publishes, and nothing else.
#[tokio::test]
async fn strangers_see_nothing() {
    let mut site = Site::new().await;
    let before = site.size();
    for path in [
        "/",
        "/footage/ashby/c01",
        "/clip/EXH-2026-000001",
        "/clip/EXH-2026-000001/play/0",
        "/clip/EXH-2026-000001/certificate",
        "/masks",
        "/lifts",
        "/holds",
        "/evidence",
        "/evidence/EXH-2026-000004/certificate",
        "/retention",
        "/retention/ashby/c01",
        "/account",
        "/staff",
        "/nothing",
        "/api",
    ] {
        for cookie in [
            "",
            "__Host-beadle=",
            "__Host-beadle=0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            let answer = site.get(path, cookie, "").await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some("/sign-in")),
                "{path}"
            );
        }
    }
    let answer = site
        .post(
            "/clip/EXH-2026-000001",
            "",
            "form=x&purpose=a&reference=b",
            "",
        )
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(site.get("/style.css", "", "").await.status, 200);
    assert_eq!(site.get("/script.js", "", "").await.status, 200);
    for path in [
        "/api/v1/masks",
        "/api/v1/clips/EXH-2026-000001",
        "/api/v1/nothing",
    ] {
        let answer = site.get(path, "", "").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (401, None),
            "{path}"
        );
    }
    assert_eq!(site.size(), before);
    // Stops when told to, and takes no more.
    drop(site.stop.take());
    (&mut site.served).await.expect("ends");
    assert!(TcpStream::connect(site.addr).await.is_err());
}

/// SEC-2: the cookie cannot be read by scripts or sent by other sites; wrong passwords and foreign forms do not sign in.
#[tokio::test]
async fn signing_in() {
    let site = Site::new().await;
    let wrong = site.sign_in("wrong").await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.text().contains("name or password is wrong")
            && wrong.cookie("__Host-beadle").is_none()
    );
    let right = site.sign_in("right horse").await;
    let line = right
        .head
        .lines()
        .find(|l| l.starts_with("set-cookie: __Host-beadle="))
        .expect("cookie");
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(line.contains(part), "{line}");
    }
    let before = site.size();
    let form = site.get("/sign-in", "", "").await;
    let knock = format!(
        "__Host-beadle-knock={}",
        form.cookie("__Host-beadle-knock").expect("knock")
    );
    let body = format!("form={}&name=kim&password=right+horse", form.form());
    assert_eq!(
        site.post("/sign-in", "", &body, "").await.status,
        403,
        "no knock cookie"
    );
    assert_eq!(
        site.post(
            "/sign-in",
            &knock,
            "form=x&name=kim&password=right+horse",
            ""
        )
        .await
        .status,
        403,
        "no token"
    );
    assert_eq!(
        site.post("/sign-in", &knock, &body, "Sec-Fetch-Site: cross-site\r\n")
            .await
            .status,
        403,
        "another site"
    );
    assert_eq!(
        site.post(
            "/sign-in",
            &knock,
            &format!("{body}&x={}", "y".repeat(20_000)),
            ""
        )
        .await
        .status,
        413,
        "too large"
    );
    assert_eq!(
        site.size(),
        before,
        "none of them reached the password check"
    );

    let cookie = site.cookie().await;
    let home = site.get("/", &cookie, "").await;
    assert_eq!(home.status, 200);
    assert_eq!(
        site.post("/sign-out", &cookie, "form=x", "").await.status,
        403
    );
    assert_eq!(
        site.post("/sign-out", &cookie, &format!("form={}", home.form()), "")
            .await
            .status,
        303
    );
    assert_eq!(site.get("/", &cookie, "").await.status, 303);
    let cookie = site.cookie().await;
    site.later(IDLE_MS);
    assert_eq!(site.get("/", &cookie, "").await.status, 303, "idle");
}
