//! Wiring. What is no package, or nothing that is known: drafts, parts, failed ones, texts.

use super::*;

/// RET-5: what came of requests that failed goes seven days after, with its key, its segments, its texts; half-fetched parts, packages in the
/// making and keys that were never finished after one day; nothing of that while its request is open; one line with counts each time.
#[test]
fn drafts_and_parts_go_by_themselves() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    rig.request(2, State::Failed, Utc(0));
    rig.fetched(2);
    rig.request(3, State::Waiting, Utc(0));
    rig.fetched(3);
    rig.request(4, State::Refused, Utc(0));
    let old = std::time::UNIX_EPOCH
        + std::time::Duration::from_millis(u64::try_from(utc(START).0).expect("time"));
    let part = |n: u32| rig.sealed(n).with_extension("age.part");
    let making = rig
        .hub
        .config
        .evidence
        .join(exh(1).as_str())
        .join(".c02.making");
    fs::create_dir_all(making.join("master")).expect("folder");
    let key = gather::keys(&rig.hub).join(format!("{}.key.tmp", exh(1)));
    let parts = [part(1), part(3), making.join("master/b.mp4"), key.clone()];
    for path in &parts {
        fs::write(path, [7; 1000]).expect("written");
        let file = fs::File::options().write(true).open(path).expect("open");
        file.set_modified(old).expect("set");
    }
    for folder in [making.join("master"), making.clone()] {
        let file = fs::File::open(folder).expect("open");
        file.set_modified(old).expect("set");
    }
    let sealed = fs::read(rig.sealed(2)).expect("sealed");
    let stands = || parts.iter().map(|p| p.exists()).collect::<Vec<_>>();

    rig.at("2026-11-04T13:59:59.999Z");
    rig.look();
    assert_eq!(stands(), [true; 4]);
    assert!(rig.lines("copy.clear", "").is_empty());
    rig.at("2026-11-04T14:00:00.000Z");
    rig.look();
    assert_eq!(stands(), [false, true, false, false], "3 is being fetched");
    assert!(!making.exists() && rig.sealed(1).exists() && rig.sealed(2).exists());
    let line = rig.lines("copy.clear", "");
    let count = |n: usize| {
        ["requests", "parts", "files", "bytes", "texts"]
            .map(|k| line_int(&rig.lines("copy.clear", "")[n], k))
    };
    assert_eq!((line.len(), count(0)), (1, [0, 3, 3, 3000, 0]));

    rig.at("2026-11-10T14:00:00.000Z");
    rig.look();
    rig.look();
    assert_eq!(rig.lines("copy.clear", "").len(), 2, "once");
    assert_eq!(count(1), [2, 0, 1, sealed.len() as i64, 6]);
    rig.nothing_is_left(2, &sealed, false);
    assert!(rig.sealed(1).exists() && rig.sealed(3).exists() && part(3).exists());
    rig.hub.keys.exhibit_identity(&exh(1)).expect("kept");
    rig.hub.keys.exhibit_identity(&exh(3)).expect("kept");
    let texts = rig.hub.db.side_texts().expect("texts");
    assert_eq!(texts.len(), 6, "of the exhibit and of the open request");
    let r = rig.hub.db.request(exh(2).as_str()).expect("reads");
    assert_eq!(r.expect("row").state, State::Failed, "the row stays");
    let no = rig.dispose(2, &who(2)).expect_err("no exhibit");
    assert!(no.to_string().contains("gave no exhibit"), "{no}");
}

fn line_int(r: &Record, key: &str) -> i64 {
    r.data.get(key).and_then(|v| v.as_int()).expect(key)
}

/// RET-5: a failed request whose package was put in its place is evidence: it does not go by itself.
#[test]
fn a_package_that_failed_its_check_needs_a_person() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    rig.hub
        .db
        .request_state(exh(1).as_str(), State::Failed, None, &[], rig.hub.now())
        .expect("set");
    rig.at("2026-12-03T14:00:00.000Z");
    rig.look();
    assert!(rig.sealed(1).exists());
    assert_eq!(rig.row(1).standing, "kept");
}

/// RET-5: after a disposal nothing of its purpose, reference or requester is in any file of the hub, SQLite's journal included; a text that
/// a hold which is not over refers to stays with that hold. What nothing kept refers to goes after three years.
#[test]
fn texts_are_erased() {
    let mut rig = Rig::new(START);
    rig.exhibit(1);
    keep_salted(&rig.hub, "viewing, for the file").expect("kept");
    let sealed = fs::read(rig.sealed(1)).expect("sealed");
    assert!(
        rig.every_file()
            .iter()
            .any(|(_, b)| b.windows(PURPOSE.len()).any(|w| w == PURPOSE.as_bytes())),
        "the search finds it before"
    );
    let lasts = |rig: &Rig| {
        let texts = rig.hub.db.side_texts().expect("texts");
        texts.len()
    };
    rig.at(LAST);
    rig.look();
    assert_eq!(lasts(&rig), 4);
    rig.at(AFTER);
    rig.look();
    assert_eq!(lasts(&rig), 3, "of the viewing, which nothing refers to");
    rig.dispose(1, &who(2)).expect("disposed of");
    rig.nothing_is_left(1, &sealed, true);
    assert_eq!(lasts(&rig), 1, "the reason of the disposal");
    rig.at("2032-11-05T00:00:00.000Z");
    rig.look();
    assert_eq!(lasts(&rig), 0, "and that three years later");
    let page = shown::certificate(&rig.hub, &exh(1))
        .expect("certificate")
        .to_text();
    assert!(page.contains("(erased)"), "{page}");

    // One that a hold needs.
    let t0 = rig.log.t;
    rig.exhibit_at(5, t0);
    let row = rig.hub.db.request(exh(5).as_str()).expect("reads");
    let row = row.expect("row");
    let held = rig.hub.act(|act| {
        let hold = crate::holds::ForRequest {
            request: 5,
            camera: &row.camera,
            t0: row.t0,
            t1: row.t1,
            purpose: &row.purpose,
            reference: &row.reference,
            exhibit: Some((row.r#ref.to_string(), row.grant.clone())),
            who: &row.who,
        };
        crate::holds::for_request(&rig.hub, act, hold)
    });
    held.expect("held");
    let hashes = [row.purpose.clone(), row.requester.clone()];
    let erased = rig.hub.db.erase_side(&hashes, exh(5).as_str(), None);
    assert_eq!(erased.expect("erases"), 1, "the requester");
    let text = rig.hub.db.side_text(&row.purpose).expect("reads");
    assert_eq!(text.as_deref(), Some(PURPOSE));
    rig.restart();
}

/// RET-5: what no request explains has no period, so it is a fault: a folder put there by hand, and an exhibit that is back after it was
/// disposed of (somebody restored an old copy).
#[test]
fn what_nothing_explains_is_a_fault() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    let evidence = rig.hub.config.evidence.clone();
    fs::create_dir_all(evidence.join("lost+found")).expect("folder");
    rig.look();
    assert!(rig.hub.db.found_faults().expect("faults").is_empty());
    let stray = evidence.join("EXH-2019-000007");
    fs::create_dir_all(&stray).expect("folder");
    rig.look();
    assert_eq!(rig.fault(&stray.display().to_string()), [watch::UNKNOWN]);
    let shown = rig.due();
    assert!(shown.faults[0].text.contains("EXH-2019-000007"));
    fs::remove_dir(&stray).expect("removed");
    rig.at(AFTER);
    rig.dispose(1, &who(2)).expect("disposed of");
    let back = evidence.join(exh(1).as_str());
    fs::create_dir_all(&back).expect("folder");
    rig.look();
    assert_eq!(rig.fault(&back.display().to_string()), [watch::UNKNOWN]);
    fs::remove_dir(&back).expect("removed");
    rig.look();
    assert!(rig.hub.db.found_faults().expect("faults").is_empty());
    assert_eq!(rig.faults(watch::UNKNOWN), (2, 2));
}
