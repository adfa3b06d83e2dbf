//! Pictures: opened as they are sent, and only with a purpose on record.
use super::*;

/// RET-5, EVI-2: pages show what rests sealed, whole and in parts, opened as it is sent; no cache may keep it. An altered byte is not
/// sent, and neither is a package that lies in plain.
#[tokio::test]
async fn sealed_copies_are_opened_as_they_are_sent() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await;
    let body = format!("form={}&purpose=a&reference=b", page.form());
    assert_eq!(
        site.post("/clip/EXH-2026-000001", &cookie, &body, "")
            .await
            .status,
        303
    );
    let play = async |range: String| {
        site.get("/clip/EXH-2026-000001/play/0", &cookie, &range)
            .await
    };
    let plain: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let whole = play(String::new()).await;
    assert!(whole.status == 200 && whole.body.ends_with(&plain));
    let len = whole.body.len();
    for (from, to) in [
        (0, 1),
        (65_535, 65_536),
        (65_536, 400_000),
        (131_072, 131_072),
        (len - 70_000, len - 1),
    ] {
        let part = play(format!("Range: bytes={from}-{to}\r\n")).await;
        assert_eq!(part.status, 206, "{from} to {to}");
        assert!(part.body == whole.body[from..=to], "{from} to {to}");
    }
    let tail = play("Range: bytes=-9\r\n".into()).await;
    assert_eq!(tail.body, whole.body[len - 9..]);

    // On disk there is none of it in plain.
    let package = scene::package(site.hub(), 1);
    let file = package.join("working/a.mp4.age");
    let sealed = std::fs::read(&file).expect("read");
    assert!(!sealed.windows(64).any(|w| w == &plain[5000..5064]));
    // A bit of the middle: what lies before it comes, it and what follows do not.
    let mut bad = sealed.clone();
    let at = bad.len() / 2;
    bad[at] ^= 1;
    std::fs::write(&file, &bad).expect("write");
    let before = play("Range: bytes=0-99\r\n".into()).await;
    assert_eq!(before.body, whole.body[..100]);
    let broken = play(format!(
        "Range: bytes={}-{}\r\n",
        len / 2 - 50,
        len / 2 + 50
    ))
    .await;
    assert_eq!(broken.status, 500, "nothing altered is sent");
    assert!(
        broken
            .text()
            .contains("its journal says why under the number")
    );
    // Cut: it is not shown as a shorter one.
    std::fs::write(&file, &sealed[..sealed.len() - 70_000]).expect("write");
    assert_eq!(play(String::new()).await.status, 500);
    std::fs::write(&file, &sealed).expect("write");
    // What lies there in plain is no copy.
    std::fs::remove_file(&file).expect("removed");
    std::fs::write(package.join("working/a.mp4"), &plain).expect("write");
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await.text();
    assert!(!page.contains("a.mp4") && page.contains("b.mp4"), "{page}");
}

/// AUD-1: no picture before a purpose and a reference are on the log; the permission is for that exhibit and half an hour.
#[tokio::test]
async fn viewing_needs_a_logged_purpose() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    for path in ["play/0", "save/0", "certificate"] {
        assert_eq!(
            site.get(&format!("/clip/EXH-2026-000001/{path}"), &cookie, "")
                .await
                .status,
            403
        );
    }
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await;
    assert!(page.text().contains("Purpose") && !page.text().contains("<video"));
    let form = page.form();
    let blank = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose=+&reference=b"),
            "",
        )
        .await;
    assert!(blank.text().contains("A purpose is needed") && blank.text().contains("value=\"b\""));
    let no = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose={}&reference=b", "x".repeat(2000)),
            "",
        )
        .await;
    assert!(no.text().contains("may have at most"), "{}", no.text());
    assert_eq!(
        site.post(
            "/clip/EXH-2026-000001",
            &cookie,
            "form=x&purpose=a&reference=b",
            ""
        )
        .await
        .status,
        403
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        403
    );
    assert!(site.lines("acc.view").is_empty());

    let yes = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose=theft+case&reference=CR%2F1"),
            "",
        )
        .await;
    assert_eq!(
        (yes.status, yes.header("location")),
        (303, Some("/clip/EXH-2026-000001"))
    );
    let viewed = site.lines("acc.view");
    assert_eq!((viewed.len(), viewed[0].who.as_str()), (1, "op:0007"));
    let purpose = viewed[0].data.get("purpose").and_then(|v| v.as_str());
    let purpose = purpose.expect("a hash");
    let kept = site.hub().db.side_text(purpose).expect("kept");
    assert_eq!(kept.as_deref(), Some("theft case"));
    let reference = viewed[0].data.get("reference").and_then(|v| v.as_str());
    let kept = site.hub().db.side_text(reference.expect("a hash"));
    assert_eq!(kept.expect("kept").as_deref(), Some("CR/1"));
    // AUD-1: in which role.
    let role = viewed[0].data.get("as").and_then(|v| v.as_str());
    assert!(role.is_some_and(|r| !r.is_empty()), "{viewed:?}");
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await.text();
    assert_eq!(page.matches("<video").count(), 1);
    assert!(page.contains("This clip is H.265; this browser cannot play it here."));
    let whole = site.get("/clip/EXH-2026-000001/play/0", &cookie, "").await;
    assert_eq!(
        (
            whole.status,
            whole.header("content-type"),
            whole.header("accept-ranges")
        ),
        (200, Some("video/mp4"), Some("bytes"))
    );
    let part = site
        .get(
            "/clip/EXH-2026-000001/play/0",
            &cookie,
            "Range: bytes=10-19\r\n",
        )
        .await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 10-19/{}", whole.body.len()).as_str())
    );
    assert_eq!(
        site.get(
            "/clip/EXH-2026-000001/play/0",
            &cookie,
            "Range: bytes=9999999-\r\n"
        )
        .await
        .status,
        416
    );
    assert!(site.lines("copy.save").is_empty());
    let saved = site.get("/clip/EXH-2026-000001/save/1", &cookie, "").await;
    // AUD-3: a copy that leaves the hub is on the record by itself, with why.
    let line = site.lines("copy.save");
    assert_eq!((line.len(), line[0].who.as_str()), (1, "op:0007"));
    let purpose = line[0].data.get("purpose").and_then(|v| v.as_str());
    let kept = site.hub().db.side_text(purpose.expect("a hash"));
    assert_eq!(kept.expect("kept").as_deref(), Some("theft case"));
    assert_eq!(
        saved.header("content-disposition"),
        Some("attachment; filename=\"EXH-2026-000001_b.mp4\"")
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000001/save/2", &cookie, "")
            .await
            .status,
        404,
        "a link is no copy"
    );
    let certificate = site
        .get("/clip/EXH-2026-000001/certificate", &cookie, "")
        .await;
    assert_eq!(
        (
            certificate.header("content-type"),
            certificate.text().as_str()
        ),
        (Some("text/plain; charset=utf-8"), "CERTIFICATE <b>")
    );

    assert!(
        site.get("/clip/EXH-2026-000002", &cookie, "")
            .await
            .text()
            .contains("nothing to watch yet")
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000002/play/0", &cookie, "")
            .await
            .status,
        403
    );
    for bad in ["EXH-2026-000009", "x", "..", "EXH-2026-000001%00"] {
        assert_eq!(
            site.get(&format!("/clip/{bad}"), &cookie, "").await.status,
            404,
            "{bad}"
        );
    }
    let other = site.cookie().await;
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &other, "")
            .await
            .status,
        403,
        "another person's purpose does not count"
    );
    site.later(VIEWING_MS / 2);
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        200
    );
    site.later(VIEWING_MS / 2);
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        403
    );
}
