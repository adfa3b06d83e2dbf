//! Task. Whole sweeps and start-up recovery: a real log, a real reader, real files, a clock that is told the time.
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use logbook::LogHandle;
use shared::{
    id::{BoxName, CameraId, HoldId},
    order::{Act, Code, Refusal},
    record::{Record, Value, hex, sha256},
    segment::SegmentName,
    time::{Day, Utc, Zone},
    types::SegWrite,
};

use super::{
    holds::{self, Asked, Deps, Holds},
    policy::Rules,
    sweeper::{Confirmed, SweepError, Sweeper},
};
use crate::{
    clock::{Kernel, Trust},
    health::Faults,
    reader::{
        Client, ReaderError, Recipients, Server, Source, Terms,
        tests::{cam, day, plain, seal, utc},
    },
    state::State,
    stop::Stop,
    store::{Index, Volumes, recovery, volume},
    testing::{Hands, lines, open_log},
};

struct World {
    _home: tempfile::TempDir,
    /// What the reader goes by.
    terms: Arc<Mutex<Arc<Terms>>>,
    state: State,
    clock: Arc<Hands>,
    log: LogHandle,
    volumes: Volumes,
    volume: PathBuf,
    client: Client,
    recipients: Recipients,
    faults: Faults,
}

fn world(now: &str) -> World {
    world_of(now, None)
}

/// `proven`: the machine was started anew after that, and nobody has proven to the reader since that it is later.
fn world_of(now: &str, proven: Option<&str>) -> World {
    let home = tempfile::tempdir().expect("dir");
    let state = State::new(home.path());
    state.for_recorder().expect("folders");
    if let Some(proven) = proven {
        state.for_reader().expect("folders");
        let ledger = serde_json::json!({
            "v": 1, "rules": {}, "zones": {}, "boot": {}, "looked": null, "holds": {}, "pulls": {}, "obeyed": {},
            "reckoning": {"proven": [utc(proven), 900_000_000], "settled": null, "given": {}},
        });
        fs::write(state.reader().join("ledger.json"), ledger.to_string()).expect("ledger");
    }
    let clock = Hands::new(utc(now), 5_000);
    let (log, _) = open_log(&state.recorder(), clock.clone());
    let name = BoxName::parse("ashby").expect("name");
    let volume = home.path().join("volume");
    let basis = crate::reader::tests::basis(
        &[cam()],
        &volume,
        clock.clone(),
        crate::reader::root::swtpm::in_a_file(),
    );
    crate::reader::tests::pin(&state);
    let Source::Given(terms) = &basis.source else {
        panic!("tests give it");
    };
    let terms = terms.clone();
    let server = Server::bind(&state, basis).expect("reader");
    std::thread::spawn(move || server.run());
    let key = crate::identity::BoxKey::open_or_make(&state.identity()).expect("key");
    volume::label(&volume, &name, Utc(0), true, |b| key.sign(b)).expect("label");
    let (volumes, problems) = Volumes::open(std::slice::from_ref(&volume), &name, key.public());
    assert!(problems.is_empty(), "{problems:?}");
    let client = Client::new(&state.reader_socket());
    let recipients = Recipients::load(&state);
    client
        .recipients(&[cam()], day("2026-11-01"), 36, &recipients)
        .expect("recipients");
    let faults = Faults::new(log.clone(), clock.clone());
    World {
        _home: home,
        terms,
        state,
        clock,
        log,
        volumes,
        volume,
        client,
        recipients,
        faults,
    }
}

fn vouched() -> Kernel {
    Kernel {
        synced: true,
        offset_us: 0,
        err_us: 1000,
    }
}

fn rules() -> Rules {
    Rules {
        configured: [(cam(), 28)].into(),
        recorded: Default::default(),
        scheme: 28,
    }
}

impl World {
    fn holds(&self, client: Client) -> Holds {
        self.holds_with(client, 1 << 20)
    }
    fn holds_up_to(&self, most: u64) -> Holds {
        self.holds_with(self.client.clone(), most)
    }
    fn holds_with(&self, client: Client, most: u64) -> Holds {
        self.holds_in("Europe/London", client, most)
    }
    fn holds_in(&self, zone: &str, client: Client, most: u64) -> Holds {
        let lent = Deps {
            volumes: self.volumes.clone(),
            log: self.log.clone(),
            index: self.state.index(),
            orders: self.state.orders(),
            client,
            clock: self.clock.clone(),
            trust: Trust::with_kernel(vouched),
            faults: self.faults.clone(),
        };
        let zone = Zone::parse(zone).expect("zone");
        Holds::with(zone, rules(), Some(most), lent)
    }
    fn sweeper(&self, client: Client) -> Sweeper {
        self.sweeper_in("Europe/London", client)
    }
    fn sweeper_in(&self, zone: &str, client: Client) -> Sweeper {
        Sweeper {
            zone: Zone::parse(zone).expect("zone"),
            rules: rules(),
            holds: self.holds_in(zone, client.clone(), 1 << 20),
            volumes: self.volumes.clone(),
            log: self.log.clone(),
            index: self.state.index(),
            client,
            clock: self.clock.clone(),
            trust: Trust::with_kernel(vouched),
            faults: self.faults.clone(),
            confirmed: Confirmed::default(),
            swept: Vec::new(),
        }
    }
    fn name(&self, d: Day, s: u64, start: Utc) -> SegmentName {
        SegmentName {
            day: d,
            cam: cam(),
            start,
            s,
        }
    }
    /// Records a one-second segment; logged when `logged`. Returns its file.
    fn record(&self, d: &str, s: u64, second: i64, open: bool, logged: bool) -> PathBuf {
        let start = utc(&format!("{d}T12:00:00.000Z")).plus_ms(second * 1000);
        let (id, recipient) = self
            .recipients
            .seal_to(&cam(), day(d), 1, true)
            .expect("recipient");
        let (bytes, _) = plain(start, 2, 40);
        let name = self.name(day(d), s, start);
        let path = self.volume.join(if open {
            name.open_path()
        } else {
            name.closed_path()
        });
        fs::create_dir_all(path.parent().expect("folder")).expect("dir");
        fs::write(&path, seal(&bytes, &recipient)).expect("write");
        if logged {
            let line = SegWrite {
                cam: cam(),
                s,
                t0: start,
                t1: start.plus_ms(1000),
                size: bytes.len() as u64,
                sha256: hex(&sha256(&bytes)),
                mask: None,
                how: "none".into(),
                proofs: 0,
                lost: 0,
                day: None,
                shed: 0,
                short_t0: None,
                short_t1: None,
                stamps: None,
                off_ms: None,
                offset_ms: None,
                key: id.to_string(),
                rate: None,
            };
            self.log.append("sys:rec", &line).expect("logged");
        }
        path
    }
    fn of(&self, kind: &str) -> Vec<Record> {
        lines(&self.log)
            .into_iter()
            .filter(|r| r.kind == kind)
            .collect()
    }
    fn index(&self) -> Index {
        Index::open(&self.state.index(), &self.log.folder()).expect("index")
    }
}

fn text<'a>(r: &'a Record, key: &str) -> &'a str {
    r.data.get(key).and_then(Value::as_str).unwrap_or("")
}
fn number(r: &Record, key: &str) -> i64 {
    r.data.get(key).and_then(Value::as_int).unwrap_or(-1)
}

/// RET-2, RET-4, AUD-2: the day that is too old goes, on the record: intent under a signed head, keys and files gone, the certificate.
#[test]
fn a_day_is_deleted_on_the_record() {
    let w = world("2026-12-02T00:05:00.000Z");
    let files: Vec<PathBuf> = (1..=3)
        .map(|s| w.record("2026-11-03", s, s as i64, false, true))
        .collect();
    let stray = files[0].with_file_name("note.txt");
    fs::write(&stray, "unknown file").expect("write");
    let kept = w.record("2026-11-04", 4, 0, false, true);
    let copy = w.volume.join("copy.age");
    fs::copy(&files[1], &copy).expect("copy");
    let swept = w
        .sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert_eq!(swept.deleted.len(), 1);
    assert!(swept.waiting.is_empty());
    assert!(
        !w.volume.join("footage/2026-11-03").exists(),
        "folder and unknown file gone too"
    );
    assert!(kept.exists());
    assert!(
        w.client.undecryptable(&copy).expect("tried"),
        "a copy somebody made is noise"
    );
    assert!(!w.client.undecryptable(&kept).expect("tried"));
    let (range, done) = (w.of("del.range"), w.of("del.done"));
    assert_eq!((range.len(), done.len()), (1, 1));
    let leaves: Vec<u8> = w
        .of("seg.write")
        .iter()
        .take(3)
        .flat_map(|r| r.leaf)
        .collect();
    assert_eq!(text(&range[0], "set"), hex(&sha256(&leaves)));
    assert_eq!(
        (
            text(&range[0], "day"),
            text(&range[0], "rule"),
            text(&range[0], "key"),
            number(&range[0], "count")
        ),
        ("2026-11-03", "28d", "c03/2026-11-03", 3)
    );
    assert_eq!((number(&range[0], "s0"), number(&range[0], "s1")), (1, 3));
    assert_eq!(number(&done[0], "n"), range[0].n as i64);
    assert_eq!(text(&done[0], "oldest"), "2026-11-04T12:00:00.000Z");
    assert_eq!(done[0].data.get("undecryptable"), Some(&Value::Bool(true)));
    assert_eq!(text(&done[0], "claim"), "file");
    assert!(
        w.log.head().is_some_and(|h| h.head.size > range[0].n),
        "the intent is under a signed head"
    );
    let index = w.index();
    assert!(
        index
            .of_key("c03/2026-11-03")
            .expect("index")
            .iter()
            .all(|s| s.deleted)
    );
    assert!(index.unfinished_deletions().expect("index").is_empty());
    assert!(
        w.sweeper(w.client.clone())
            .sweep(utc("2026-12-02T00:06:00.000Z"))
            .expect("again")
            .deleted
            .is_empty()
    );
}

/// RET-4: with no reader nothing is unlinked; the intent stands, and the next sweep finishes it without a second one.
#[test]
fn an_interrupted_deletion_is_finished() {
    let w = world("2026-12-02T00:05:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let nobody = Client::new(&w.state.root().join("nobody.sock"));
    let failed = w.sweeper(nobody).sweep(utc("2026-12-02T00:05:00.000Z"));
    assert!(
        matches!(failed, Err(SweepError::Reader(ReaderError::Absent { .. }))),
        "{failed:?}"
    );
    assert!(file.exists());
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 0));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:06:00.000Z"))
        .expect("swept");
    assert!(!file.exists());
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 1));
    // Cut after the files went but before the last line: said once more, nothing to do.
    w.log
        .append(
            "sys:ret",
            &shared::types::DelRange {
                cam: cam(),
                day: day("2026-11-03"),
                s0: 1,
                s1: 1,
                t0: Utc(0),
                t1: Utc(0),
                count: 1,
                set: "0".repeat(64),
                rule: "28d".into(),
                key: "c03/2026-11-03".into(),
            },
        )
        .expect("logged");
    w.sweeper(w.client.clone()).redo().expect("redone");
    assert_eq!(w.of("del.done").len(), 2);
}

/// RET-2: one sweep takes one day of a camera; the rest waits, in sight.
#[test]
fn a_box_back_from_a_store_loses_one_day_a_sweep() {
    let w = world("2027-02-01T12:00:00.000Z");
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2), ("2026-11-05", 3)] {
        w.record(d, s, 0, false, true);
    }
    let mut sweeper = w.sweeper(w.client.clone());
    let swept = sweeper
        .sweep(utc("2027-02-01T12:00:00.000Z"))
        .expect("swept");
    assert_eq!(
        swept.deleted.iter().map(|d| d.day).collect::<Vec<_>>(),
        [day("2026-11-03")]
    );
    assert_eq!(swept.waiting.len(), 2);
    // Repeated within the same sweep it takes no second one.
    assert!(
        sweeper
            .sweep(utc("2027-02-01T12:01:00.000Z"))
            .expect("swept")
            .deleted
            .is_empty()
    );
    // The hub has made sure of the clock.
    sweeper.confirmed.give();
    let swept = sweeper
        .sweep(utc("2027-02-01T12:02:00.000Z"))
        .expect("swept");
    assert_eq!((swept.deleted.len(), swept.waiting.len()), (2, 0));
}

/// RET-2: a box back from a store, off line, whose recorder is started again within half a day, or whose night comes sooner: the reader
/// holds the next day up, which waits in sight. Nothing failed, no line of a deletion stands there without its end, and other cameras' days
/// would go all the same.
#[test]
fn what_the_reader_holds_up_waits() {
    let w = world_of("2026-12-10T20:00:00.000Z", Some("2026-11-06T12:00:00.000Z"));
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2), ("2026-11-05", 3)] {
        w.record(d, s, 0, false, true);
    }
    let sweep = || {
        let mut sweeper = w.sweeper(w.client.clone());
        sweeper
            .sweep(shared::time::Clock::now(&*w.clock).wall)
            .expect("swept")
    };
    let days = |all: &[super::policy::Due]| all.iter().map(|d| d.day).collect::<Vec<_>>();
    let first = sweep();
    assert_eq!(days(&first.deleted), [day("2026-11-03")]);
    assert_eq!((first.waiting.len(), first.reader), (2, None));
    for _ in 0..2 {
        w.clock.pass(4 * 3_600_000);
        let again = sweep();
        assert_eq!(days(&again.deleted), []);
        assert_eq!(days(&again.waiting), [day("2026-11-04"), day("2026-11-05")]);
        let why = again.reader.expect("the reader says why");
        assert!(why.contains("each half a day"), "{why}");
    }
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (1, 1));
    w.clock.pass(4 * 3_600_000);
    assert_eq!(days(&sweep().deleted), [day("2026-11-04")]);

    w.clock.pass(12 * 3_600_000);
    assert_eq!(days(&sweep().deleted), [day("2026-11-05")]);
    assert_eq!(w.of("del.done").len(), 3);
}

/// RET-4, AUD-2, V14: what went early for want of room leaves its key until its day, and not a sweep sooner; then a second pair of lines says that
/// the key is gone, once.
#[test]
fn a_key_outlives_what_went_early_until_its_day() {
    let w = world("2026-11-10T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let copy = w.volume.join("copy.age");
    fs::copy(&file, &copy).expect("copy");
    let sure = || w.client.undecryptable(&copy).expect("tried");
    let line = shared::types::DelRange {
        cam: cam(),
        day: day("2026-11-03"),
        s0: 1,
        s1: 1,
        t0: utc("2026-11-03T12:00:00.000Z"),
        t1: utc("2026-11-03T12:00:01.000Z"),
        count: 1,
        set: "0".repeat(64),
        rule: super::policy::EARLY.into(),
        key: "c03/2026-11-03".into(),
    };
    w.log.append("sys:ret", &line).expect("logged");
    w.sweeper(w.client.clone()).redo().expect("gone early");
    let done = w.of("del.done").pop().expect("a line");
    assert_eq!(done.data.get("undecryptable"), Some(&Value::Bool(false)));
    assert!(!file.exists() && !sure());
    let lines = || (w.of("del.range").len(), w.of("del.done").len());
    // Neither before its day, nor by a clock that the reader does not share.
    for at in ["2026-11-30T00:05:00.000Z", "2026-12-03T00:05:00.000Z"] {
        w.sweeper(w.client.clone()).sweep(utc(at)).expect("swept");
        assert!(lines() == (1, 1) && !sure(), "{at}");
    }
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    for _ in 0..2 {
        w.sweeper(w.client.clone())
            .sweep(utc("2026-12-02T00:05:00.000Z"))
            .expect("swept");
        assert!(lines() == (2, 2) && sure());
    }
    let (range, done) = (w.of("del.range").pop(), w.of("del.done").pop());
    let (range, done) = (range.expect("a line"), done.expect("a line"));
    assert_eq!(
        (
            text(&range, "key"),
            text(&range, "rule"),
            number(&range, "count")
        ),
        ("c03/2026-11-03", "28d", 0)
    );
    assert_eq!(done.data.get("undecryptable"), Some(&Value::Bool(true)));
}

/// RET-2: a boot key that sealed two days dies with the second.
#[test]
fn a_boot_key_dies_with_its_last_day() {
    let w = world("2026-11-03T12:00:00.000Z");
    let boot = w
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 9, false)
        .expect("recipient");
    let mut paths = Vec::new();
    for (d, s) in [("2026-11-03", 1), ("2026-11-04", 2)] {
        let start = utc(&format!("{d}T12:00:00.000Z"));
        let (bytes, _) = plain(start, 2, 40);
        let path = w.volume.join(w.name(day(d), s, start).closed_path());
        fs::create_dir_all(path.parent().expect("folder")).expect("dir");
        fs::write(&path, seal(&bytes, &boot.1)).expect("write");
        let line = SegWrite {
            cam: cam(),
            s,
            t0: start,
            t1: start.plus_ms(1000),
            size: 1,
            sha256: hex(&sha256(&bytes)),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            day: Some(day(d)),
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            offset_ms: None,
            key: boot.0.to_string(),
            rate: None,
        };
        w.log.append("sys:rec", &line).expect("logged");
        paths.push(path);
    }
    // The clock was known all along in this start, so the days are what their folders say.
    w.log
        .append(
            "sys:clock",
            &shared::types::ClockState {
                src: "kernel".into(),
                stratum: 0,
                offset_us: 0,
                err_us: 0,
                trust: "synced".into(),
            },
        )
        .expect("logged");
    let opened = w.client.undecryptable(&paths[0]);
    assert!(!opened.expect("tried"), "the reader has taken it in");
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert!(!paths[0].exists() && paths[1].exists());
    assert!(
        !w.client.undecryptable(&paths[1]).expect("tried"),
        "still to be kept"
    );
    assert_eq!(
        w.of("del.done")[0].data.get("undecryptable"),
        Some(&Value::Bool(false)),
        "said as it is"
    );
    let copy = w.volume.join("copy.age");
    fs::copy(&paths[1], &copy).expect("copy");
    w.clock.reach(utc("2026-12-03T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-03T00:05:00.000Z"))
        .expect("swept");
    assert!(!paths[1].exists());
    assert!(w.client.undecryptable(&copy).expect("tried"));
}

/// REC-1, AUD-2: what a crash left is logged in order, with its gap, under the numbers that follow; recording may go on from there.
#[test]
fn what_a_crash_left_is_logged_in_order() {
    let w = world("2026-11-03T13:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let torn = w.record("2026-11-03", 2, 1, true, false);
    let empty = w.record("2026-11-03", 3, 2, true, false);
    fs::write(&empty, b"age-enc").expect("tear");
    w.record("2026-11-03", 4, 30, false, false);
    let whole = fs::read(&torn).expect("read");
    fs::write(&torn, &whole).expect("write");
    let mut index = w.index();
    let found = recovery::scan(&w.volumes, &index).expect("scan");
    assert_eq!(found.orphans(), 3);
    let other = CameraId::parse("c09").expect("camera");
    let mut told = Vec::new();
    found.recover(
        &[cam(), other.clone()],
        &w.client,
        &w.log,
        &mut index,
        &w.faults,
        &Stop::new(),
        |c, last| told.push((c.clone(), last)),
    );
    let end = utc("2026-11-03T12:00:31.000Z");
    assert_eq!(told, [(other, None), (cam(), Some((3, end)))]);
    let writes = w.of("seg.write");
    assert_eq!(
        writes.iter().map(|r| number(r, "s")).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let gaps = w.of("seg.gap");
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (
            number(&gaps[0], "next"),
            text(&gaps[0], "t0"),
            text(&gaps[0], "t1")
        ),
        (3, "2026-11-03T12:00:02.000Z", "2026-11-03T12:00:30.000Z")
    );
    assert!(gaps[0].n < writes[2].n && gaps[0].n > writes[1].n);
    index.catch_up().expect("index");
    for (s, seg) in index.live(&cam()).expect("index").iter().enumerate() {
        let path = w
            .volumes
            .find(&seg.name())
            .unwrap_or_else(|| panic!("segment {} on disk", s + 1));
        assert!(
            path.to_string_lossy()
                .ends_with(&format!("-{}.mp4.age", seg.s))
        );
    }
    let again = recovery::scan(&w.volumes, &index).expect("scan");
    assert_eq!(again.orphans(), 0);
}

/// FLT-3: a segment that is in the log and not on disk is said once.
#[test]
fn missing_footage_is_said_once() {
    let w = world("2026-11-03T13:00:00.000Z");
    let gone = w.record("2026-11-03", 1, 0, false, true);
    w.record("2026-11-03", 2, 1, false, true);
    fs::remove_file(gone).expect("remove");
    for _ in 0..2 {
        let mut index = w.index();
        let found = recovery::scan(&w.volumes, &index).expect("scan");
        found.recover(
            &[cam()],
            &w.client,
            &w.log,
            &mut index,
            &w.faults,
            &Stop::new(),
            |_, _| {},
        );
    }
    let lost = w.of("seg.lost");
    assert_eq!(lost.len(), 1);
    assert_eq!(number(&lost[0], "s"), 1);
}

/// AUD-2, FLT-3: a disk that is not there, whether it went before the disks were listed or after, has lost nothing.
#[test]
fn a_disk_that_is_away_has_lost_nothing() {
    let w = world("2026-11-03T13:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let away = w.state.root().join("away");
    let go = || {
        fs::rename(&w.volume, &away).expect("unmounted");
        fs::create_dir(&w.volume).expect("the bare mount point");
    };
    let come_back = || {
        fs::remove_dir(&w.volume).expect("bare");
        fs::rename(&away, &w.volume).expect("mounted");
    };
    let recover = |found: recovery::Found| {
        let (mut index, stop) = (w.index(), Stop::new());
        let (client, log, faults) = (&w.client, &w.log, &w.faults);
        found.recover(&[cam()], client, log, &mut index, faults, &stop, |_, _| {});
        w.of("seg.lost").len()
    };
    let scan = || recovery::scan(&w.volumes, &w.index()).expect("scan");
    go();
    assert_eq!(recover(scan()), 0, "listed when it was away");
    come_back();
    let found = scan();
    go();
    assert_eq!(recover(found), 0, "away by the time it would be said");
    come_back();
    let path = w.volumes.all()[0].path.join("footage");
    fs::remove_dir_all(path).expect("removed");
    assert_eq!(recover(scan()), 1, "the disk is there and the file is not");
}

/// FLT-3: of a disk that came late, only what an earlier run left is said to wait, not what is being recorded there by now.
#[test]
fn what_is_being_recorded_does_not_wait_for_recovery() {
    let w = world("2026-11-03T13:00:00.000Z");
    let volume = w.volumes.all()[0].path.clone();
    let waiting = || recovery::waiting(&w.volumes, &volume).expect("listed");
    w.volumes.told();
    let now = w.record("2026-11-03", 1, 0, true, false);
    assert_eq!(waiting(), 1, "nobody here is recording it");
    let recording = w.volumes.begun(&now);
    assert_eq!(waiting(), 0);
    drop(recording);
    assert_eq!(waiting(), 1, "given up: it waits");
    w.record("2026-11-03", 2, 1, false, false);
    assert_eq!(waiting(), 1, "closed ones do not");
}

/// The index is derived: deleted, damaged or of another log, it is rebuilt and says the same.
#[test]
fn the_index_is_rebuilt_from_the_log() {
    let w = world("2026-12-02T00:05:00.000Z");
    for s in 1..=3 {
        w.record("2026-11-03", s, s as i64, false, true);
    }
    w.record("2026-11-04", 4, 0, false, true);
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    let all = |i: &Index| {
        (
            i.of_key("c03/2026-11-03").expect("q"),
            i.live(&cam()).expect("q"),
            i.last().expect("q"),
            i.counts().expect("q").0,
        )
    };
    let before = all(&w.index());
    assert_eq!((before.0.len(), before.1.len(), before.3), (3, 1, 4));
    assert_eq!(before.2, [(cam(), 4, utc("2026-11-04T12:00:01.000Z"))]);
    let path = w.state.index();
    fs::remove_file(&path).expect("remove");
    assert_eq!(all(&w.index()), before, "deleted");
    for damage in [
        b"not a database at all, but long enough to be read as a header of one".as_slice(),
        b"",
    ] {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", path.display()));
        }
        fs::write(&path, damage).expect("damage");
        assert_eq!(all(&w.index()), before, "damaged");
    }
    let bytes = fs::read(&path).expect("read");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    assert_eq!(all(&w.index()), before, "cut in half");
    // Another log's: a box whose state was restored.
    let other = world("2026-12-02T00:05:00.000Z");
    for s in 1..=9 {
        other.record("2026-11-03", s, s as i64, false, true);
    }
    drop(other.index());
    fs::copy(other.state.index(), &path).expect("swap");
    assert_eq!(all(&w.index()), before, "of another log");
}

fn asked(hold: u64, from: &str, to: &str) -> Asked {
    Asked {
        hold: HoldId(hold),
        cam: cam(),
        t0: utc(from),
        t1: utc(to),
        until: utc("2027-06-01T00:00:00.000Z"),
        grant: "G-000001".into(),
    }
}

/// Nobody records here: there is no segment to close.
fn nothing() {}

impl World {
    /// As an order of the hub has it done.
    fn place(&self, holds: &Holds, asked: &Asked) -> Result<holds::Placed, Refusal> {
        self.tell(Act::HoldSet {
            hold: asked.hold,
            cam: asked.cam.clone(),
            t0: asked.t0,
            t1: asked.t1,
            until: asked.until,
            grant: asked.grant.clone(),
        })
        .map_err(|why| Refusal::new(Code::ReaderRefused, why))?;
        holds.place(asked, nothing)
    }
    fn release(&self, holds: &Holds, hold: HoldId, by: Vec<String>) -> Result<(), Refusal> {
        self.tell(Act::HoldClear {
            hold,
            why: "order".into(),
        })
        .map_err(|why| Refusal::new(Code::ReaderRefused, why))?;
        holds.clear(hold, "order", by)
    }
    fn tell(&self, act: Act) -> Result<(), String> {
        let (text, sig) = crate::reader::tests::ordered(act);
        let told = self.client.order(&text, &sig);
        told.map_err(|e| e.to_string())
    }
}

impl World {
    fn kept(&self, hold: u64) -> Vec<PathBuf> {
        let folder = self
            .volume
            .join("held")
            .join(HoldId(hold).to_string())
            .join("footage/2026-11-03/c03");
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .map(|all| all.map(|e| e.expect("entry").path()).collect())
            .unwrap_or_default();
        files.sort();
        files
    }
}

/// RET-3, RET-2: what a hold touches outlives its day, under the hold's own key, whole segments and no more; the day's key dies on
/// schedule all the same. When the hold is over its copies and their key go, on the record.
#[test]
fn a_hold_keeps_what_it_names_and_no_more() {
    let w = world("2026-12-01T23:59:59.000Z");
    let files: Vec<PathBuf> = (1..=3)
        .map(|s| w.record("2026-11-03", s, s as i64, false, true))
        .collect();
    let holds = w.holds(w.client.clone());
    let span = asked(12, "2026-11-03T12:00:02.200Z", "2026-11-03T12:00:02.300Z");
    let placed = w.place(&holds, &span).expect("a second before midnight");
    assert_eq!((placed.segments, placed.until), (1, span.until));
    assert_eq!(
        w.place(&holds, &span).expect("again"),
        placed,
        "the same answer"
    );
    assert_eq!(w.of("hold.set").len(), 1, "and one line");
    let day_key = w.volume.join("day.age");
    fs::copy(&files[1], &day_key).expect("copy");

    // The sweep makes the copy itself: nothing has looked after the hold yet.
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert!(!w.volume.join("footage/2026-11-03").exists());
    let kept = w.kept(12);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].file_name(), files[1].file_name());
    assert!(
        !w.client.undecryptable(&kept[0]).expect("tried"),
        "the hold's key opens the copy"
    );
    assert!(
        w.client.undecryptable(&day_key).expect("tried"),
        "and nothing the day's"
    );
    let of = |kind: &str| w.of(kind);
    let lines: Vec<String> = lines(&w.log).into_iter().map(|r| r.kind).collect();
    let at = |kind: &str| lines.iter().position(|k| k == kind).expect("a line");
    assert!(at("hold.set") < at("hold.kept") && at("hold.kept") < at("del.range"));
    assert_eq!(number(&of("del.done")[0], "held"), 1);
    assert_eq!(number(&of("del.range")[0], "count"), 3);
    let leaf = &of("seg.write")[1].leaf;
    assert_eq!(text(&of("hold.kept")[0], "set"), hex(&sha256(leaf)));

    // It can still be found, and its neighbours cannot.
    let index = w.index();
    let there = |s| {
        let segment = index.segment(&cam(), s).expect("index").expect("logged");
        holds.open_at(&w.index(), &segment).expect("index")
    };
    assert_eq!(there(2), Some((kept[0].clone(), "c03/hold-12".to_owned())));
    assert_eq!((there(1), there(3)), (None, None));

    // The index may be lost: the log knows.
    drop(index);
    fs::remove_file(w.state.index()).expect("removed");
    assert_eq!(w.index().holds().expect("holds").len(), 1);

    // A second hold of what only the first one keeps has a copy of its own before the first one's goes.
    let second = Asked {
        hold: HoldId(13),
        ..span.clone()
    };
    w.place(&holds, &second).expect("held twice");
    w.release(&holds, HoldId(12), vec!["op:0001".into(), "op:0002".into()])
        .expect("cleared");
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!w.volume.join("held/H-000012").exists());
    let done = &w.of("hold.done")[0];
    assert_eq!((number(done, "count"), text(done, "claim")), (1, "file"));
    let segment = w
        .index()
        .segment(&cam(), 2)
        .expect("index")
        .expect("logged");
    assert_eq!(
        holds.open_at(&w.index(), &segment).expect("index"),
        Some((w.kept(13)[0].clone(), "c03/hold-13".to_owned()))
    );
    assert!(!w.client.undecryptable(&w.kept(13)[0]).expect("tried"));
    let again = w.place(&holds, &span).expect_err("it is over");
    assert!(again.why.contains("never set again"), "{}", again.why);
    w.release(&holds, HoldId(12), Vec::new())
        .expect("no harm done");
    assert_eq!(w.of("hold.clear").len(), 1);
}

/// RET-2, RET-3: what is past its day is neither held nor shown any more, whether it was deleted yet or not, and whatever the clock is worth.
#[test]
fn past_its_day_nothing_is_held() {
    let w = world("2026-12-02T00:05:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(1, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    let late = w.place(&holds, &span).expect_err("past its day");
    assert!(
        late.why.contains("28 days") && !late.passes(),
        "{}",
        late.why
    );
    let index = w.index();
    let segment = index.segment(&cam(), 1).expect("index").expect("logged");
    assert_eq!(holds.open_at(&w.index(), &segment).expect("index"), None);
    let none = asked(2, "2026-11-05T12:00:00.000Z", "2026-11-05T12:00:01.000Z");
    let none = w.place(&holds, &none).expect_err("none");
    assert!(none.why.contains("no footage of c03"), "{}", none.why);
    let ahead = asked(3, "2026-11-03T12:00:00.000Z", "2026-12-03T12:00:01.000Z");
    assert!(w.place(&holds, &ahead).is_err(), "not recorded yet");
}

/// RET-3: a hold that does not fit is refused with the reason; those there are stay. One that is extended stays the same hold.
#[test]
fn a_hold_that_does_not_fit() {
    let w = world("2026-11-20T12:00:00.000Z");
    for s in 1..=2 {
        w.record("2026-11-03", s, s as i64 * 10, false, true);
    }
    let size = number(&w.of("seg.write")[0], "size") as u64;
    let tight = w.holds_up_to(size * 3 / 2);
    let first = asked(1, "2026-11-03T12:00:10.000Z", "2026-11-03T12:00:11.000Z");
    let second = asked(2, "2026-11-03T12:00:20.000Z", "2026-11-03T12:00:21.000Z");
    w.place(&tight, &first).expect("fits");
    let refused = w.place(&tight, &second).expect_err("full");
    assert!(
        refused.code == Code::NoRoom && refused.why.contains("reserved for holds"),
        "{}",
        refused.why
    );
    let longer = Asked {
        until: utc("2027-12-01T00:00:00.000Z"),
        ..first.clone()
    };
    assert_eq!(
        w.place(&tight, &longer).expect("extended").until,
        longer.until
    );
    assert_eq!(
        w.place(&tight, &first).expect("an older order").until,
        longer.until
    );
    assert_eq!(w.of("hold.set").len(), 2);
    tight.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(w.kept(1).len(), 1, "copied before its day is over");
    w.release(&tight, HoldId(1), Vec::new()).expect("over");
    w.place(&tight, &second).expect("now it fits");
    let other = Asked {
        t1: utc("2026-11-03T12:00:30.000Z"),
        ..second
    };
    assert!(w.place(&tight, &other).is_err(), "another span");
}

/// RET-3: what is to be held and cannot be copied is not deleted; the other days go. A damaged segment is never passed off as held.
#[test]
fn what_cannot_be_copied_is_not_deleted() {
    let w = world("2026-12-01T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(5, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    w.place(&holds, &span).expect("held");
    let whole = fs::read(&file).expect("read");
    let mut bytes = whole.clone();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).expect("damaged");
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    let why = &failed[&Some(cam())];
    assert!(why.contains("not what was logged"), "{why}");
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    let mut sweeper = w.sweeper(w.client.clone());
    let swept = sweeper.sweep(utc("2026-12-02T00:05:00.000Z"));
    let stuck = swept.expect("swept").stuck.expect("stuck");
    assert!(stuck.contains("is not deleted before"), "{stuck}");
    assert!(file.exists() && w.of("del.range").is_empty() && w.kept(5).is_empty());
    fs::write(&file, &whole).expect("mended");
    sweeper
        .sweep(utc("2026-12-02T00:06:00.000Z"))
        .expect("swept");
    assert!(!file.exists() && w.kept(5).len() == 1);
}

/// RET-3: a hold is limited in time; it ends by itself, by a corroborated clock.
#[test]
fn a_hold_ends_by_itself() {
    let w = world("2026-11-20T12:00:00.000Z");
    w.record("2026-11-03", 1, 0, false, true);
    let holds = w.holds(w.client.clone());
    let span = asked(7, "2026-11-03T12:00:00.000Z", "2026-11-03T12:00:01.000Z");
    w.place(&holds, &span).expect("held");
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(w.kept(7).len(), 1);
    w.clock.pass(200 * 86_400_000);
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert_eq!(text(&w.of("hold.clear")[0], "why"), "expired");
    holds.look(&mut BTreeSet::new()).expect("looked");
    assert!(w.kept(7).is_empty());
    assert_eq!(w.of("hold.done").len(), 1);
}

/// RET-1, RET-2, RET-3: the box's zone is put right, from Auckland to London: what was recorded on the morning of the 3rd there, which
/// was the evening of the 2nd in London, is found, held and deleted by the day it was recorded under.
#[test]
fn a_day_stays_the_day_it_was_recorded_under() {
    let w = world("2026-11-03T23:00:00.000Z");
    let file = w.record("2026-11-03", 1, -14 * 3600, false, true);
    assert!(file.ends_with("footage/2026-11-03/c03/20261102T220000Z-1.mp4.age"));
    // Sealed to a start's key, which names no day: its line does.
    let (boot, recipient) = w
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 9, false)
        .expect("recipient");
    let start = utc("2026-11-02T22:00:01.000Z");
    let (bytes, _) = plain(start, 2, 40);
    let other = w
        .volume
        .join(w.name(day("2026-11-03"), 2, start).closed_path());
    fs::write(&other, seal(&bytes, &recipient)).expect("write");
    let line = SegWrite {
        cam: cam(),
        s: 2,
        t0: start,
        t1: start.plus_ms(1000),
        size: bytes.len() as u64,
        sha256: hex(&sha256(&bytes)),
        mask: None,
        how: "none".into(),
        proofs: 0,
        lost: 0,
        shed: 0,
        short_t0: None,
        short_t1: None,
        stamps: None,
        off_ms: None,
        day: shared::segment::day_beside(&boot.to_string(), day("2026-11-03")),
        offset_ms: None,
        key: boot.to_string(),
        rate: None,
    };
    w.log.append("sys:rec", &line).expect("logged");
    let known = shared::types::ClockState {
        src: "kernel".into(),
        stratum: 0,
        offset_us: 0,
        err_us: 0,
        trust: "synced".into(),
    };
    w.log.append("sys:clock", &known).expect("logged");

    let holds = w.holds(w.client.clone());
    let found = |s| {
        let segment = w
            .index()
            .segment(&cam(), s)
            .expect("index")
            .expect("logged");
        assert_eq!(segment.day, day("2026-11-03"));
        holds
            .open_at(&w.index(), &segment)
            .expect("index")
            .map(|(path, _)| path)
    };
    assert_eq!(
        (found(1), found(2)),
        (Some(file.clone()), Some(other.clone()))
    );
    let span = asked(4, "2026-11-02T22:00:00.000Z", "2026-11-02T22:00:00.500Z");
    assert_eq!(w.place(&holds, &span).expect("held").segments, 1);
    let failed = holds.look(&mut BTreeSet::new()).expect("looked").failed;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(w.kept(4).len(), 1, "copied under the day it lies under");
    // By London's reckoning it would have been the 2nd's, and due a day before.
    let sweep = |at: &str| {
        w.clock.reach(utc(at));
        w.sweeper(w.client.clone())
            .sweep(utc(at))
            .expect("swept")
            .deleted
            .len()
    };
    assert_eq!(sweep("2026-12-01T00:05:00.000Z"), 0);
    assert!(file.exists() && other.exists());
    assert_eq!(sweep("2026-12-02T00:05:00.000Z"), 1);
    assert!(!file.exists() && !other.exists());
    assert!(
        w.of("del.range")
            .iter()
            .all(|r| text(r, "day") == "2026-11-03")
    );
    assert_eq!((w.of("del.range").len(), w.of("del.done").len()), (2, 2));
    assert_eq!((found(1), found(2)), (Some(w.kept(4)[0].clone()), None));
}

/// RET-1: from London to Auckland, where midnight comes thirteen hours earlier: what is due by the new midnight stays until it was kept
/// for its days, and goes then, without waiting for the next.
#[test]
fn a_zone_further_east_takes_nothing_early() {
    let w = world("2026-11-20T12:00:00.000Z");
    let file = w.record("2026-11-03", 1, 12 * 3600 - 60, false, true);
    {
        let mut terms = w.terms.lock().expect("terms");
        let moved = Arc::make_mut(&mut terms);
        moved.zone_name = "Pacific/Auckland".into();
        moved.zone = Zone::parse(&moved.zone_name).expect("zone");
    }
    let sweep = |at: &str| {
        w.clock.reach(utc(at));
        let mut sweeper = w.sweeper_in("Pacific/Auckland", w.client.clone());
        sweeper.sweep(utc(at)).expect("swept")
    };
    let midnight = sweep("2026-12-01T11:05:00.000Z");
    assert!(file.exists() && midnight.deleted.is_empty());
    let next = utc("2026-12-01T22:59:01.000Z");
    assert_eq!(
        midnight.next,
        Some(next),
        "28 days after its last picture, less an hour"
    );
    let segment = w
        .index()
        .segment(&cam(), 1)
        .expect("index")
        .expect("logged");
    let holds = w.holds_in("Pacific/Auckland", w.client.clone(), 1 << 20);
    assert!(
        holds
            .open_at(&w.index(), &segment)
            .expect("index")
            .is_some()
    );
    assert_eq!(sweep("2026-12-01T22:59:01.000Z").deleted.len(), 1);
    assert!(!file.exists());
}
