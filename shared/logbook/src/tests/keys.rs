//! The key that rolls each hour, and the clock.
use super::*;

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
            Verdict::IntactHubKeyNotGiven,
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
