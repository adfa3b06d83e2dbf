//! Countersigned logs and the hub's copies of them.
use super::*;

/// AUD-3: lines go to the hub, heads come back countersigned, the box logs each; both copies verify as INTACT.
#[test]
fn a_countersigned_log_verifies_on_both_sides() {
    let hub = Hub::new();
    let (box_dir, hub_dir) = (TempDir::new().expect("dir"), TempDir::new().expect("dir"));
    let clock = TestClock::new();
    let (log, opened) = open_with(box_dir.path(), &clock, Duration::from_secs(150));
    let mut copy = Copy::open(&hub_dir.path().join("log/1"), &opened.origin).expect("opens");
    let mut source = LogFolder::new(&log.folder());
    for minute in 0..8u64 {
        clock.pass(60_000);
        line(&log);
        let newest = log.sign_head().expect("signs");
        let mut heads: Vec<SignedHead> = source
            .head_sizes()
            .expect("lists")
            .into_iter()
            .filter(|s| *s > copy.size() && *s < newest.head.size)
            .map(|s| {
                source
                    .head(&format!("heads/{s}.note"))
                    .expect("reads")
                    .expect("is there")
            })
            .collect();
        heads.push(newest);
        for head in heads {
            let lines = source
                .read_lines(copy.size(), head.head.size, usize::MAX)
                .expect("reads");
            copy.lines(&lines).expect("good lines");
            let time = 1_793_714_400 + minute * 60;
            let (signed, _) = copy
                .head(head.clone(), |h| hub.cosign(h, time))
                .expect("good head");
            let (again, none) = copy
                .head(head, |_| panic!("the same head gets the same answer"))
                .expect("same head");
            assert_eq!((again, none.len()), (signed.clone(), 0));
            log.countersigned(&signed, &hub.key).expect("taken");
        }
    }
    for folder in [log.folder(), copy.folder().to_owned()] {
        let report = verdict(&folder, std::slice::from_ref(&hub.key));
        assert_eq!(
            report.verdict,
            Verdict::Intact,
            "{}: {}",
            folder.display(),
            report.render()
        );
    }
    assert!(kinds(&log.folder()).contains(&"head.ack".to_owned()));
    // The copy opens again as it was, and refuses a log that went back or forked.
    let size = copy.size();
    drop(copy);
    let mut copy = Copy::open(&hub_dir.path().join("log/1"), &opened.origin).expect("opens");
    assert_eq!(copy.size(), size);
    let old = source
        .head(&format!(
            "heads/{}.note",
            source.head_sizes().expect("lists")[0]
        ))
        .expect("reads")
        .expect("is there");
    let code = |r: Result<(SignedHead, Vec<shared::record::Record>), CopyError>| match r {
        Err(CopyError::Refused { refusal, .. }) => refusal.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(copy.head(old, |_| {})), "ROLLED-BACK");
    let mut forged = log.sign_head().expect("signs");
    let lines = source
        .read_lines(copy.size(), forged.head.size, usize::MAX)
        .expect("reads");
    copy.lines(&lines).expect("good lines");
    forged.head.root[0] ^= 1;
    assert_eq!(code(copy.head(forged, |_| {})), "FORKED");
    assert_eq!(
        fs::read_dir(copy.folder().join("disputed"))
            .expect("kept")
            .count(),
        1
    );
}

/// Audit 2.3: what the hub stored above its head is cut at the next opening, and a damaged line is refused by name.
#[test]
fn the_copy_keeps_only_what_a_head_covers() {
    let hub = Hub::new();
    let (box_dir, hub_dir) = (TempDir::new().expect("dir"), TempDir::new().expect("dir"));
    let clock = TestClock::new();
    let (log, opened) = open(box_dir.path(), &clock);
    let head = log.sign_head().expect("signs");
    let mut source = LogFolder::new(&log.folder());
    let mut copy = Copy::open(hub_dir.path(), &opened.origin).expect("opens");
    let lines = source
        .read_lines(0, head.head.size, usize::MAX)
        .expect("reads");
    copy.lines(&lines).expect("good");
    copy.head(head.clone(), |h| hub.cosign(h, 1)).expect("good");
    fs::OpenOptions::new()
        .append(true)
        .open(hub_dir.path().join("0000000000.jsonl"))
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"{\"half a line"))
        .expect("writes");
    let mut copy = Copy::open(hub_dir.path(), &opened.origin).expect("opens");
    assert_eq!(copy.size(), head.head.size);
    line(&log);
    let newest = log.sign_head().expect("signs");
    let mut bad = source
        .read_lines(copy.size(), newest.head.size, usize::MAX)
        .expect("reads");
    bad[40] ^= 1;
    match copy.lines(&bad) {
        Err(CopyError::Refused {
            refusal: Refusal::Malformed,
            why,
        }) => assert!(!why.is_empty()),
        other => panic!("{other:?}"),
    }
    bad[40] ^= 1;
    copy.lines(&bad).expect("good again");
}

/// AUD-3: a box writes tens of thousands of lines in one go, without the hub, and goes through a start in between: what lies between two
/// heads that are kept is always less than a hub holds until their head has come, so the log is taken, head by head, and verifies.
#[test]
fn what_was_written_in_one_go_goes_up_in_pieces() {
    let hub = Hub::new();
    let (box_dir, hub_dir) = (TempDir::new().expect("dir"), TempDir::new().expect("dir"));
    let clock = TestClock::new();
    let long = |log: &LogHandle| {
        for s in 0..16_000 {
            let lost = shared::types::SegLost {
                cam: shared::id::CameraId::parse("c01").expect("camera"),
                s,
                // As long as a line may say it.
                why: "x".repeat(300),
            };
            log.append_soon("sys:rec", &lost).expect("line is taken");
        }
    };
    let (log, opened) = open(box_dir.path(), &clock);
    long(&log);
    crash(log);
    let (log, _) = open(box_dir.path(), &clock);
    long(&log);
    let newest = log.sign_head().expect("signs");
    let mut source = LogFolder::new(&log.folder());
    let mut copy = Copy::open(&hub_dir.path().join("log/1"), &opened.origin).expect("opens");
    let kept = source.head_sizes().expect("lists");
    let mut heads: Vec<SignedHead> = kept
        .into_iter()
        .filter(|s| *s < newest.head.size)
        .map(|s| {
            source
                .head(&format!("heads/{s}.note"))
                .expect("reads")
                .expect("is there")
        })
        .collect();
    heads.push(newest);
    assert!(heads.len() > 8, "{}", heads.len());
    for head in heads {
        let lines = source
            .read_lines(copy.size(), head.head.size, usize::MAX)
            .expect("reads");
        copy.lines(&lines).expect("no more than it holds");
        copy.head(head, |h| hub.cosign(h, 1_793_714_400))
            .expect("good head");
    }
    assert_eq!(copy.size(), log.size());
    intact(&log);
    let report = verdict(copy.folder(), std::slice::from_ref(&hub.key));
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.render());
}
