//! The first page of a large scheme, and a box by itself: in parts.
use shared::{id::BoxName, schema::message::Hello, time::Utc, wire::CameraInfo};

use super::*;
use crate::retention::rig::cam;

fn town(site: &Site, name: &str, cameras: usize) {
    let (db, name) = (&site.hub().db, BoxName::parse(name).expect("name"));
    db.register_box(&name, "hash", now().plus_ms(60_000), now())
        .expect("registered");
    db.enrol(&name, "hash", name.as_str(), "cert")
        .expect("enrolled");
    hears(site, &name, cameras, "Street", now());
}

fn hears(site: &Site, name: &BoxName, cameras: usize, title: &str, at: Utc) {
    let cameras = (1..=cameras).map(|n| CameraInfo {
        cam: cam(&format!("c{n:02}")),
        title: format!("{title} {n}"),
        masked: false,
        lapse_secs: None,
        retention_days: None,
    });
    let hello = Hello {
        sw: "1.0".into(),
        cameras: cameras.collect(),
        retention_days: 31,
        zone: "Europe/London".into(),
    };
    site.hub().db.box_hello(name, &hello, at).expect("noted");
}

/// The boxes that a page shows, in order.
fn boxes(page: &str) -> Vec<String> {
    let sections = page.split("<section class=\"box\" aria-labelledby=\"box-");
    let names = sections.skip(1).filter_map(|s| s.split('"').next());
    names.map(str::to_owned).collect()
}

/// Where a link of a page leads.
fn link(page: &str, words: &str) -> Option<String> {
    let before = page.split(&format!(">{words}<")).next()?;
    (before.len() < page.len()).then_some(())?;
    let address = before.rsplit("href=\"").next()?.split('"').next()?;
    Some(address.replace("&#38;", "&").replace("&amp;", "&"))
}

/// FLT-1: of many boxes the first page shows a few, the worst first, and how many there are; every one is reached by going on, once; a box or
/// a camera is found by a part of its name; a box with many cameras shows the worst, and all of them on a page of its own.
#[tokio::test]
async fn a_large_scheme_comes_in_parts() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    for n in 1..=29 {
        town(&site, &format!("town-{n:02}"), 2);
    }
    town(&site, "city", 120);
    let db = &site.hub().db;
    let worst = BoxName::parse("town-17").expect("name");
    let log = "cctv.example.gov.uk/box/town-17/1";
    db.meet_log(log, &worst, 1).expect("log");
    db.log_grew(log, 9, "", now()).expect("log");
    db.dispute_log(log, "FORKED", "two pasts").expect("log");

    let first = site.get("/cameras", &cookie, "").await.text();
    let shown = boxes(&first);
    assert_eq!(
        (shown.len(), shown[0].as_str()),
        (8, "town-17"),
        "{shown:?}"
    );
    assert!(
        first.contains("31 boxes, worst first: 1 need somebody now"),
        "{first}"
    );
    let (mut all, mut page) = (shown, first);
    while let Some(next) = link(&page, "More boxes") {
        page = site.get(&next, &cookie, "").await.text();
        assert!(boxes(&page).len() <= 8);
        all.extend(boxes(&page));
    }
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!((all.len(), once.len()), (31, 31), "{all:?}");
    let back = link(&page, "Boxes before these").expect("back");
    assert!(!boxes(&site.get(&back, &cookie, "").await.text()).is_empty());

    // By a part of a name, of a box or of a camera.
    let found = site.get("/cameras?search=TOWN-2", &cookie, "").await.text();
    assert!(found.contains("Found: 10 boxes"), "{found}");
    let found = site
        .get("/cameras?search=street%20111", &cookie, "")
        .await
        .text();
    assert_eq!(boxes(&found), ["city"]);
    assert_eq!(
        found.matches("<div class=\"camera\">").count(),
        1,
        "{found}"
    );
    let none = site
        .get("/cameras?search=%3Cnowhere%3E", &cookie, "")
        .await
        .text();
    assert!(none.contains("No box and no camera") && !none.contains("<nowhere>"));

    // One box with many cameras.
    let found = site.get("/cameras?search=city", &cookie, "").await.text();
    assert_eq!(found.matches("<div class=\"camera\">").count(), 16);
    let mut address = link(&found, "104 more cameras of city").expect("a page of its own");
    let mut cameras = Vec::new();
    loop {
        let page = site.get(&address, &cookie, "").await.text();
        let parts: Vec<&str> = page.split("<div class=\"camera\">").collect();
        assert!(parts.len() <= 51);
        cameras.extend(parts[1..].iter().map(|p| {
            p.split("Street ")
                .nth(1)
                .expect("title")
                .split('<')
                .next()
                .expect("n")
                .trim()
                .to_owned()
        }));
        match link(&page, "Next") {
            Some(next) => address = next,
            None => break,
        }
    }
    cameras.sort();
    cameras.dedup();
    assert_eq!(cameras.len(), 120);
    assert_eq!(site.get("/box/nowhere", &cookie, "").await.status, 404);

    // What a box says stands there at the next look.
    hears(&site, &worst, 1, "Quay", now().plus_ms(1));
    let found = site.get("/cameras?search=quay", &cookie, "").await.text();
    assert_eq!(boxes(&found), ["town-17"]);
    db.revoke_box(&worst, "stolen").expect("revoked");
    let first = site.get("/cameras", &cookie, "").await.text();
    assert!(
        !boxes(&first).contains(&"town-17".to_owned()),
        "a revoked one comes last"
    );
}
