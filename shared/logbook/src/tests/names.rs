//! What a log is called, and what is in its place.
use super::*;

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
