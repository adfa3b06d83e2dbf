//! What the log promises about crashes, keys and countersignatures, on real files, judged by the verifier.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use ring::signature::{Ed25519KeyPair, KeyPair};
use shared::{
    note::{ALG_COSIGNATURE, SignedHead, Vkey},
    time::{Clock, Now, Utc},
    types::{CfgSet, ClockState},
    verify::{Options, Report, Verdict},
};
use tempfile::TempDir;

use crate::{Copy, CopyError, Folder, LogFolder, LogHandle, Opened, Refusal, Settings};

const BASE: &str = "cctv.example.gov.uk/box/ashby";

struct TestClock(Mutex<Now>);

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Now {
            wall: Utc(1_793_714_400_000),
            mono: 5_000_000,
        })))
    }
    fn pass(&self, ms: i64) {
        let mut now = self.0.lock().expect("clock");
        now.wall = now.wall.plus_ms(ms);
        now.mono += ms as u64;
    }
    fn step(&self, ms: i64) {
        let mut now = self.0.lock().expect("clock");
        now.wall = now.wall.plus_ms(ms);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        *self.0.lock().expect("clock")
    }
}

fn settings(key_life: Duration) -> Settings {
    Settings {
        base: BASE.into(),
        site: "Ashby High Street".into(),
        hw: "test".into(),
        sw: "0.1.0".into(),
        key_life,
        acks: true,
        resume: true,
    }
}

fn open(dir: &Path, clock: &Arc<TestClock>) -> (LogHandle, Opened) {
    open_with(dir, clock, Duration::from_secs(3600))
}

fn open_with(dir: &Path, clock: &Arc<TestClock>, key_life: Duration) -> (LogHandle, Opened) {
    LogHandle::open(dir, settings(key_life), clock.clone()).expect("log opens")
}

fn line(log: &LogHandle) {
    log.append(
        "sys:test",
        &CfgSet {
            sha256: "00".repeat(32),
        },
    )
    .expect("line is taken");
}

/// Drops the handle and waits until the owner thread has let go of the folder (it ends when its door closes).
fn crash(log: LogHandle) -> PathBuf {
    let folder = log.folder();
    log.crash();
    folder
}

fn verdict(folder: &Path, hub: &[Vkey]) -> Report {
    shared::verify::log(
        &Folder(folder.to_owned()),
        &Options {
            hub: hub.to_vec(),
            ..Default::default()
        },
    )
}

fn intact(log: &LogHandle) {
    let report = verdict(&log.folder(), &[]);
    assert_eq!(
        report.verdict,
        Verdict::IntactNotYetCountersigned,
        "{}",
        report.render()
    );
}

fn kinds(folder: &Path) -> Vec<String> {
    let bytes = LogFolder::new(folder)
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("reads");
    bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| shared::record::Record::parse(l).expect("a record").kind)
        .collect()
}

struct Hub {
    pair: Ed25519KeyPair,
    key: Vkey,
}

impl Hub {
    fn new() -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("key");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self {
            key: Vkey::new(
                "cctv.example.gov.uk/hub/cosign-2026",
                ALG_COSIGNATURE,
                public,
            ),
            pair,
        }
    }
    fn cosign(&self, head: &mut SignedHead, time: u64) {
        head.cosign(&self.key, time, |bytes| {
            let mut out = [0; 64];
            out.copy_from_slice(self.pair.sign(bytes).as_ref());
            out
        });
    }
}

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
        Verdict::IntactNotYetCountersigned,
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
            Verdict::IntactNotYetCountersigned,
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

/// Audit 2.6: the old key signs the head that ends at its roll, the new one every larger head, and the old one is gone.
#[test]
fn the_key_rolls_each_hour_and_the_old_one_is_gone() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open_with(dir.path(), &clock, Duration::from_secs(3600));
    let key_file = dir.path().join("log/keys/current.key");
    let mut seen = vec![fs::read(&key_file).expect("reads")];
    for _ in 0..3 {
        for _ in 0..61 {
            clock.pass(60_000);
            line(&log);
        }
        let heads = LogFolder::new(&log.folder()).head_sizes().expect("lists");
        assert_eq!(heads.len(), seen.len());
        let key = fs::read(&key_file).expect("reads");
        assert!(!seen.contains(&key));
        seen.push(key);
    }
    log.sign_head().expect("signs");
    assert!(!dir.path().join("log/keys/next.key").exists());
    intact(&log);
}

/// Audit 2.6: a roll cut short at any step is finished or undone at the next start.
#[test]
fn a_key_roll_cut_short_is_finished_or_undone() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open(dir.path(), &clock);
    line(&log);
    log.sign_head().expect("signs");
    let before = TempDir::new().expect("dir");
    copy_dir(dir.path(), before.path());
    clock.pass(60_000);
    line(&log);
    // One hour on: the next line makes the key due.
    for _ in 0..60 {
        clock.pass(60_000);
        line(&log);
    }
    log.sign_head().expect("signs");
    crash(log);
    let after = dir.path();
    let old_key = fs::read(before.path().join("log/keys/current.key")).expect("reads");
    let new_key = fs::read(after.join("log/keys/current.key")).expect("reads");
    assert_ne!(old_key, new_key);
    let size = LogFolder::new(&after.join("log/1"))
        .head_sizes()
        .expect("lists")[0];
    let upto_roll = LogFolder::new(&after.join("log/1"))
        .read_lines(0, size, usize::MAX)
        .expect("reads");
    let roll_head = fs::read(after.join(format!("log/1/heads/{size}.note"))).expect("reads");
    for step in [
        "next key written",
        "line written",
        "head stored",
        "old key overwritten",
    ] {
        let copy = TempDir::new().expect("dir");
        copy_dir(before.path(), copy.path());
        let keys = copy.path().join("log/keys");
        fs::write(keys.join("next.key"), &new_key).expect("writes");
        if step != "next key written" {
            fs::write(copy.path().join("log/1/0000000000.jsonl"), &upto_roll).expect("writes");
        }
        if step == "head stored" || step == "old key overwritten" {
            fs::write(copy.path().join("log/1/head.note"), &roll_head).expect("writes");
            fs::write(
                copy.path().join(format!("log/1/heads/{size}.note")),
                &roll_head,
            )
            .expect("writes");
        }
        if step == "old key overwritten" {
            fs::write(keys.join("current.key"), [0u8; 32]).expect("writes");
        }
        // A long key life here, so that no further roll hides what became of this one.
        let (log, opened) = open_with(copy.path(), &clock, Duration::from_secs(86_400));
        assert_eq!(opened.number, 1, "{step}: {:?}", opened.succeeded);
        line(&log);
        log.sign_head().expect("signs");
        let report = verdict(&log.folder(), &[]);
        assert_eq!(
            report.verdict,
            Verdict::IntactNotYetCountersigned,
            "{step}: {}",
            report.render()
        );
        let now = fs::read(keys.join("current.key")).expect("reads");
        assert_eq!(now == old_key, step == "next key written", "{step}");
        assert!(!keys.join("next.key").exists(), "{step}");
    }
}

/// Audit 2.1: a wall clock that jumps is announced before the next line; a writer that slept starts anew.
#[test]
fn clock_steps_and_stalls_are_announced() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open(dir.path(), &clock);
    clock.step(3_600_000);
    line(&log);
    clock.step(-7_200_000);
    line(&log);
    clock.pass(80_000);
    line(&log);
    log.append(
        "sys:clock",
        &ClockState {
            src: "kernel".into(),
            stratum: 0,
            offset_us: 0,
            err_us: 0,
            trust: "unknown".into(),
        },
    )
    .expect("taken");
    log.sign_head().expect("signs");
    let seen = kinds(&log.folder());
    assert_eq!(
        seen.iter().filter(|k| *k == "clock.step").count(),
        2,
        "{seen:?}"
    );
    assert_eq!(
        seen.iter().filter(|k| *k == "sys.boot").count(),
        2,
        "{seen:?}"
    );
    intact(&log);
}

/// Audit 2.4: a clock step is covered by a head at once, also when it was announced before a line that asks for none.
#[test]
fn a_step_before_any_line_is_signed_at_once() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    let (log, _) = open(dir.path(), &clock);
    line(&log);
    let before = log.sign_head().expect("signs");
    clock.step(3_600_000);
    line(&log);
    let head = log
        .wait_head(before.head.size + 2, Duration::from_secs(10))
        .expect("a head");
    let seen = kinds(&log.folder());
    let step = seen.iter().position(|k| k == "clock.step").expect("a step");
    assert!(head.head.size > step as u64, "{seen:?}");
}

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

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else if entry.file_name() != "reserve" {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}

/// A log of more than one file, its newest head beyond the first; closed in order.
fn long_log(dir: &Path, clock: &Arc<TestClock>) -> PathBuf {
    let (log, opened) = open(dir, clock);
    assert!(opened.skipped.is_none(), "nothing to skip yet");
    // The clock stands still while these are written: no beats, no other heads.
    for _ in 0..crate::files::LINES_PER_FILE + 50 {
        log.append_soon(
            "sys:test",
            &CfgSet {
                sha256: "00".repeat(32),
            },
        )
        .expect("line is taken");
    }
    log.sign_head().expect("signs");
    line(&log);
    crash(log)
}

fn altered(folder: &Path) {
    let first = folder.join("0000000000.jsonl");
    let mut bytes = fs::read(&first).expect("reads");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&first, bytes).expect("writes");
}

/// REC-1, AUD-2: a start reads a long log from its last file's beginning on, and goes on where the whole log would; what it
/// skipped is read afterwards.
#[test]
fn a_long_log_is_taken_up_at_its_last_file() {
    let (dir, clock) = (TempDir::new().expect("dir"), TestClock::new());
    let folder = long_log(dir.path(), &clock);
    let copy = TempDir::new().expect("dir");
    copy_dir(dir.path(), copy.path());
    fs::remove_file(copy.path().join("log/1/resume.json")).expect("there is a point");

    let (log, opened) = open(dir.path(), &clock);
    let skipped = opened.skipped.expect("old lines are not read");
    assert_eq!(skipped.lines(), crate::files::LINES_PER_FILE);
    assert!(skipped.check().expect("reads"));
    let (whole, from_the_start) = open(copy.path(), &clock);
    assert!(from_the_start.skipped.is_none());
    assert_eq!(opened.size, from_the_start.size);
    assert_eq!((opened.number, opened.boot), (1, from_the_start.boot));
    for log in [&log, &whole] {
        line(log);
        log.sign_head().expect("signs");
        intact(log);
    }
    crash(whole);
    let (_, again) = open(copy.path(), &clock);
    assert!(again.skipped.is_some(), "the point was made again");
    // A crash in the middle of a line: the same, from a point.
    let folder_again = crash(log);
    assert_eq!(folder, folder_again);
    let last = folder.join("0000065536.jsonl");
    let mut bytes = fs::read(&last).expect("reads");
    bytes.extend(b"{\"log\":\"cctv");
    fs::write(&last, bytes).expect("writes");
    let (log, opened) = open(dir.path(), &clock);
    assert!(opened.torn > 0 && opened.skipped.is_some());
    log.sign_head().expect("signs");
    assert_eq!(
        verdict(&log.folder(), &[]).verdict,
        Verdict::IntactNotYetCountersigned
    );
}

/// AUD-2: a point that does not lead to the signed root is not believed, and old lines that were altered are found out: the log
/// is closed as it stands and another begun.
#[test]
fn a_point_is_worth_what_the_signed_head_says() {
    let (dir, clock) = (TempDir::new().expect("dir"), TestClock::new());
    let folder = long_log(dir.path(), &clock);
    let point = folder.join("resume.json");
    let good = fs::read_to_string(&point).expect("a point");
    let mut lie: serde_json::Value = serde_json::from_str(&good).expect("json");
    lie["peaks"][0] = format!("{}=", "A".repeat(43)).into();
    for text in [
        lie.to_string(),
        "{".into(),
        good.replace("\"v\":1", "\"v\":2"),
    ] {
        fs::write(&point, text).expect("writes");
        let (log, opened) = open(dir.path(), &clock);
        assert!(opened.skipped.is_none() && opened.number == 1);
        crash(log);
    }
    fs::write(&point, &good).expect("writes");
    altered(&folder);
    let (log, opened) = open(dir.path(), &clock);
    let skipped = opened.skipped.expect("not read yet");
    assert!(!skipped.check().expect("reads"), "found out");
    crash(log);
    let (_, opened) = open(dir.path(), &clock);
    assert_eq!(opened.number, 2);
    let why = opened.succeeded.expect("said");
    assert!(why.contains("not those its newest head signed"), "{why}");
}

fn settings_of(base: &str) -> Settings {
    Settings {
        base: base.into(),
        ..settings(Duration::from_secs(3600))
    }
}

/// AUD-2: a log keeps the name it was begun under: nothing is written to it under another, and a first line that is damaged is no other
/// name.
#[test]
fn a_log_keeps_its_name() {
    let dir = TempDir::new().expect("dir");
    let clock = TestClock::new();
    assert_eq!(crate::named(dir.path()).expect("reads"), None);
    let (log, _) = open(dir.path(), &clock);
    line(&log);
    log.close("test").expect("closed");
    let file = dir.path().join("log/1/0000000000.jsonl");
    let whole = fs::read(&file).expect("reads");
    let other = "cctv.other.gov.uk/box/ashby";
    let refused = LogHandle::open(dir.path(), settings_of(other), clock.clone()).err();
    let said = refused.expect("refused").to_string();
    for part in [other, BASE, "nothing was written"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(fs::read(&file).expect("reads"), whole);
    assert!(!dir.path().join("log/2").exists());
    // One letter of the name in its first line flipped: that is damage, and the box goes on in a successor of its own name.
    let mut bytes = whole.clone();
    bytes[16] ^= 1;
    fs::write(&file, &bytes).expect("writes");
    let (log, opened) = open(dir.path(), &clock);
    assert_eq!((opened.number, opened.succeeded.is_some()), (2, true));
    log.sign_head().expect("signs");
    intact(&log);
}

/// AUD-2: lines of two names in one folder (an older version let that happen): the log is left as it is and a successor begun, by
/// itself under the first name, and by somebody's word under either; it names the reason and how much of the log before is whole.
#[test]
fn a_log_of_two_names_has_a_successor() {
    let dir = TempDir::new().expect("dir");
    let (clock, hub) = (TestClock::new(), Hub::new());
    let (log, _) = open(dir.path(), &clock);
    let mut head = log.sign_head().expect("signs");
    hub.cosign(&mut head, 1_793_714_401);
    log.countersigned(&head, &hub.key).expect("taken");
    line(&log);
    log.close("test").expect("closed");
    let good = kinds(&dir.path().join("log/1")).len() as u64;
    // What an older version did: carried on under the other name.
    let file = dir.path().join("log/1/0000000000.jsonl");
    let text = fs::read_to_string(&file).expect("reads");
    let last = text.lines().last().expect("a line");
    let other = "cctv.other.gov.uk/box/ashby";
    let mut mixed = text.clone().into_bytes();
    let prev = shared::record::hex(&shared::record::leaf_hash(format!("{last}\n").as_bytes()));
    let record = shared::record::Record::parse(format!("{last}\n").as_bytes()).expect("record");
    let foreign = format!(
        "{{\"v\":1,\"log\":\"{other}/1\",\"n\":{good},\"prev\":\"{prev}\",\"t\":\"{}\",\"boot\":2,\"mono\":{},\"type\":\"sys.boot\",\"who\":\"sys:log\",\"data\":{{\"why\":\"start\",\"last_n\":{},\"sw\":\"0\"}}}}\n",
        record.t,
        record.mono + 1,
        good - 1
    );
    mixed.extend(foreign.as_bytes());
    fs::write(&file, &mixed).expect("writes");
    let note = dir.path().join("log/1/head.note");
    let signed = fs::read_to_string(&note).expect("reads");
    fs::write(&note, signed.replace(BASE, other)).expect("writes");

    let itself = TempDir::new().expect("dir");
    copy_dir(dir.path(), itself.path());
    let (log, opened) = open(itself.path(), &clock);
    assert_eq!(opened.number, 2);
    assert!(opened.succeeded.expect("said").contains("two logs"));
    log.sign_head().expect("signs");
    intact(&log);

    for base in [BASE, other] {
        let copy = TempDir::new().expect("dir");
        copy_dir(dir.path(), copy.path());
        let done = crate::succeed(
            copy.path(),
            settings_of(base),
            clock.clone(),
            "the scheme's name was mistyped for a minute",
        )
        .expect("succeeded");
        assert_eq!(done.origin, format!("{base}/2"));
        assert_eq!((done.whole, done.renamed), (good, base != BASE));
        assert_eq!(
            (done.pred.log, done.pred.size),
            (format!("{BASE}/1"), head.head.size)
        );
        assert_eq!(
            fs::read(copy.path().join("log/1/0000000000.jsonl")).expect("reads"),
            mixed,
            "the log before stays as it was"
        );
        let folder = copy.path().join("log/2");
        assert_eq!(kinds(&folder), ["log.open", "sys.boot", "sys.stop"]);
        let first = fs::read_to_string(folder.join("0000000000.jsonl")).expect("reads");
        for part in [
            "mistyped for a minute".to_owned(),
            format!("\"whole\":{good}"),
            "sys:console".to_owned(),
        ] {
            assert!(first.contains(&part), "{part} in {first}");
        }
        // The next start carries it on.
        let (log, opened) =
            LogHandle::open(copy.path(), settings_of(base), clock.clone()).expect("opens");
        assert_eq!((opened.number, opened.succeeded), (2, None));
        line(&log);
        log.sign_head().expect("signs");
        intact(&log);
    }
    let nothing = TempDir::new().expect("dir");
    let refused = crate::succeed(
        nothing.path(),
        settings_of(BASE),
        clock,
        "a reason to do it",
    );
    assert!(refused.is_err_and(|e| e.to_string().contains("no log")));
}

/// V13, ROL-2: whatever lies in the place of a log's files keeps nobody waiting who reads them, and fills nobody's memory: root's commands read a
/// log that the recorder may write.
#[test]
fn what_is_no_file_holds_nobody_up() {
    let dir = TempDir::new().expect("folder");
    let (handle, _) = open(dir.path(), &TestClock::new());
    handle.close("test").expect("closed");
    let folder = dir.path().join("log/1");
    for name in ["head.note", "cosigned.note", "0000000000.jsonl"] {
        let (path, aside) = (folder.join(name), dir.path().join("aside"));
        let there = fs::rename(&path, &aside).is_ok();
        for endless in [false, true] {
            match endless {
                false => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("pipe"),
                // Of no more than a block on the disk.
                true => fs::File::create(&path)
                    .and_then(|f| f.set_len(1 << 40))
                    .expect("file"),
            }
            let (told, heard) = std::sync::mpsc::channel();
            let state = dir.path().to_owned();
            std::thread::spawn(move || {
                let _ = crate::named(&state);
                let mut log = LogFolder::new(&state.join("log/1"));
                let _ = (
                    log.read_lines(0, 10, 1 << 20),
                    log.head("head.note"),
                    log.frontier(10),
                );
                let _ = told.send(());
            });
            assert!(
                heard.recv_timeout(Duration::from_secs(20)).is_ok(),
                "{name} {endless}"
            );
            fs::remove_file(&path).expect("removed");
        }
        if there {
            fs::rename(&aside, &path).expect("back");
        }
    }
}
