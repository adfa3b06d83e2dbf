//! Starts, stops and crashes.
use super::*;

/// AUD-2: a log begins with log.open and sys.boot; a stop and a crash are told apart; the whole verifies.
#[test]
fn starts_stops_and_crashes_are_on_the_record() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, opened) = open(dir.path(), &clock);
    assert_eq!(
        (opened.number, opened.boot, opened.origin.as_str()),
        (1, 1, "cctv.example.gov.uk/box/ashby/1")
    );
    line(&log);
    log.close("stopped by systemd").expect("closes");
    clock.pass(5000);
    let (log, opened) = open(dir.path(), &clock);
    assert_eq!(opened.boot, 2);
    line(&log);
    let folder = crash(log);
    clock.pass(5000);
    let (log, _) = open(dir.path(), &clock);
    log.sign_head().expect("signs");
    let whys: Vec<String> = fs::read_to_string(folder.join("0000000000.jsonl"))
        .expect("reads")
        .lines()
        .filter(|l| l.contains("sys.boot"))
        .map(|l| {
            l.split("\"why\":\"")
                .nth(1)
                .and_then(|r| r.split('"').next())
                .unwrap_or("")
                .to_owned()
        })
        .collect();
    assert_eq!(whys, ["start", "start", "crash"]);
    assert_eq!(&kinds(&folder)[..2], ["log.open", "sys.boot"]);
    let report = verdict(&folder, &[]);
    assert_eq!(
        report.verdict,
        Verdict::IntactHubKeyNotGiven,
        "{}",
        report.render()
    );
}

/// AUD-2: a tail cut anywhere above the newest head is set aside and described; nothing below it changes.
#[test]
fn a_torn_tail_is_described_wherever_it_was_cut() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open(dir.path(), &clock);
    log.sign_head().expect("signs");
    let signed = log.size();
    line(&log);
    line(&log);
    let folder = crash(log);
    let file = folder.join("0000000000.jsonl");
    let whole = fs::read(&file).expect("reads");
    let above = LogFolder::new(&folder)
        .read_lines(signed, u64::MAX, usize::MAX)
        .expect("reads")
        .len();
    for cut in ((whole.len() - above)..whole.len())
        .step_by(5)
        .chain([whole.len() - 1, whole.len()])
    {
        let copy = TempDir::new().expect("dir");
        copy_dir(dir.path(), copy.path());
        fs::write(copy.path().join("log/1/0000000000.jsonl"), &whole[..cut]).expect("writes");
        let (log, opened) = open(copy.path(), &clock);
        log.sign_head().expect("signs");
        let whole_lines = whole[..cut]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |p| p + 1);
        assert_eq!(opened.torn as usize, cut - whole_lines, "cut at {cut}");
        assert_eq!(opened.number, 1, "cut at {cut}: {:?}", opened.succeeded);
        let report = verdict(&log.folder(), &[]);
        assert_eq!(
            report.verdict,
            Verdict::IntactHubKeyNotGiven,
            "cut at {cut}: {}",
            report.render()
        );
        assert_eq!(
            kinds(&log.folder()).contains(&"log.torn".to_owned()),
            opened.torn > 0
        );
    }
}

/// AUD-2: a log that is shorter than its own head, or different below it, is not repaired: a successor cites the hub's last head.
#[test]
fn a_log_cut_below_its_head_gets_a_successor() {
    let hub = Hub::new();
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open(dir.path(), &clock);
    let mut head = log.sign_head().expect("signs");
    hub.cosign(&mut head, 1_793_714_401);
    log.countersigned(&head, &hub.key).expect("taken");
    line(&log);
    log.sign_head().expect("signs");
    let folder = crash(log);
    let file = folder.join("0000000000.jsonl");
    let whole = fs::read(&file).expect("reads");
    for damage in ["cut", "changed"] {
        let copy = TempDir::new().expect("dir");
        copy_dir(dir.path(), copy.path());
        let mut bytes = whole.clone();
        match damage {
            "cut" => bytes.truncate(whole.len() - 20),
            _ => bytes[60] ^= 1,
        }
        fs::write(copy.path().join("log/1/0000000000.jsonl"), &bytes).expect("writes");
        let (log, opened) = open(copy.path(), &clock);
        assert_eq!(opened.number, 2, "{damage}");
        assert!(opened.succeeded.is_some());
        assert_eq!(
            fs::read(copy.path().join("log/1/0000000000.jsonl")).expect("reads"),
            bytes,
            "the old log stays as it was"
        );
        let first = fs::read_to_string(log.folder().join("0000000000.jsonl")).expect("reads");
        assert!(
            first.contains(&format!(
                "\"pred\":{{\"log\":\"{BASE}/1\",\"size\":{}",
                head.head.size
            )),
            "{first}"
        );
        log.sign_head().expect("signs");
        intact(&log);
    }
}
