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

use crate::{Copy, CopyError, Folder, LogFolder, LogHandle, OpenedLog, Refusal, Settings};

const BASE: &str = "cctv.example.gov.uk/box/ashby";

mod copies;
mod keys;
mod names;
mod starts;

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

fn open(dir: &Path, clock: &Arc<TestClock>) -> (LogHandle, OpenedLog) {
    open_with(dir, clock, Duration::from_secs(3600))
}

fn open_with(dir: &Path, clock: &Arc<TestClock>, key_life: Duration) -> (LogHandle, OpenedLog) {
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
        Verdict::IntactHubKeyNotGiven,
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
        Verdict::IntactHubKeyNotGiven
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
