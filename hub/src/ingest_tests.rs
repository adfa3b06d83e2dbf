//! Wiring. Tests of the log ingest: a box's log as it should come, and every way it should not.

use std::sync::Arc;

use logbook::SystemClock;
use shared::{
    id::{BoxCamera, BoxName},
    note::{Cosigned, SignedHead},
    testing::LogBuilder,
    time::{Clock, Utc},
};
use tempfile::TempDir;

use super::{BoxLogs, LogRefusal, Stream};
use crate::{db::Db, keys::Keys, live::Connections, ownlog::OwnLog};

const SCHEME: &str = "cctv.example.gov.uk";
const ORIGIN: &str = "cctv.example.gov.uk/box/ashby/1";

struct Hub {
    dir: TempDir,
    keys: Arc<Keys>,
    db: Arc<Db>,
    own: OwnLog,
    logs: BoxLogs,
}

impl Hub {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(Keys::create(dir.path(), SCHEME, &[], clock.now().wall).expect("keys"));
        let db = Arc::new(Db::open(dir.path()).expect("records"));
        let (own, _) =
            OwnLog::open(dir.path(), SCHEME, keys.clone(), clock.clone()).expect("own log");
        let logs = BoxLogs::new(
            dir.path(),
            SCHEME,
            db.clone(),
            own.clone(),
            keys.clone(),
            clock,
            Connections::default(),
        );
        Self {
            dir,
            keys,
            db,
            own,
            logs,
        }
    }

    /// The hub after a restart: nothing in memory. `state` may be another folder: a restored backup.
    fn again(&self, state: &std::path::Path, db: Arc<Db>) -> BoxLogs {
        BoxLogs::new(
            state,
            SCHEME,
            db,
            self.own.clone(),
            self.keys.clone(),
            Arc::new(SystemClock),
            Connections::default(),
        )
    }

    fn own_lines(&self) -> String {
        std::fs::read_to_string(self.own.folder().join("0000000000.jsonl")).expect("own log")
    }

    fn faults(&self, code: &str) -> (usize, usize) {
        let text = self.own_lines();
        let count = |kind: &str| {
            text.lines()
                .filter(|l| l.contains(kind) && l.contains(&format!("\"code\":\"{code}\"")))
                .count()
        };
        (count("\"fault.on\""), count("\"fault.off\""))
    }

    fn disputed(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("boxes/ashby/log/1/disputed"))
            .map_or(0, Iterator::count)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.own.close("test");
    }
}

fn ashby() -> BoxName {
    BoxName::parse("ashby").expect("name")
}

fn log(beats: usize) -> LogBuilder {
    let mut log = LogBuilder::new(ORIGIN);
    for _ in 0..beats {
        log.beat();
    }
    log
}

/// Sends what the hub lacks, then the newest head.
fn send(stream: &Stream, log: &LogBuilder, have: u64) -> Result<SignedHead, LogRefusal> {
    let bytes: Vec<u8> = log
        .lines
        .iter()
        .skip(have as usize)
        .flatten()
        .copied()
        .collect();
    if !bytes.is_empty() {
        stream.lines(&bytes)?;
    }
    let note = stream.head_indexed(log.head().render().as_bytes())?;
    Ok(SignedHead::parse(note.as_bytes()).expect("a note"))
}

/// audit.md 2.5: verified, stored, then countersigned; the same head twice gets the same answer; a restart forgets nothing.
#[test]
fn a_good_log_is_countersigned_and_kept() {
    let hub = Hub::new();
    let mut a = log(5);
    a.segment("c01", 1, b"footage");
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    assert_eq!(have.size, 0);
    let signed = send(&stream, &a, 0).expect("accepted");
    assert!(matches!(
        signed.check_cosigned(hub.keys.cosign_vkey()),
        Cosigned::Good { .. }
    ));
    assert_eq!(
        stream
            .head_indexed(a.head().render().as_bytes())
            .expect("again"),
        signed.render(),
        "same head, same answer"
    );
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    assert!(hub.db.extent(&camera).expect("index").is_some());

    let (stream, have) = hub
        .again(hub.dir.path(), hub.db.clone())
        .begin(&ashby(), 1, Some(&signed.render()))
        .expect("begins again");
    assert_eq!(have.size, a.size());
    a.beat();
    send(&stream, &a, have.size).expect("goes on");
    assert_eq!(
        hub.db.log(ORIGIN).expect("row").expect("row").size,
        a.size()
    );
}

/// The index is derived: dropped, it is made again from the copy.
#[test]
fn the_index_is_made_again() {
    let hub = Hub::new();
    let mut a = log(1);
    a.segment("c01", 1, b"footage");
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &a, 0).expect("accepted");
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let before = hub.db.extent(&camera).expect("index");
    hub.db.unindex(ORIGIN).expect("drop");
    assert_eq!(hub.db.extent(&camera).expect("index"), None);
    hub.again(hub.dir.path(), hub.db.clone())
        .begin(&ashby(), 1, None)
        .expect("begins again");
    assert_eq!(hub.db.extent(&camera).expect("index"), before);
}

/// Row A9: a box that offers less than the hub holds. The alarm ends when the longer log comes back.
#[test]
fn rolled_back() {
    let hub = Hub::new();
    let long = log(8);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &long, 0).expect("accepted");
    let short = log(3);
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    let e = send(&stream, &short, have.size).expect_err("refused");
    assert_eq!(e.code, "ROLLED-BACK");
    assert_eq!(hub.faults("ROLLED-BACK"), (1, 0));
    assert_eq!(hub.disputed(), 1);
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &long, have.size).expect("the longer log is welcome");
    assert_eq!(hub.faults("ROLLED-BACK"), (1, 1));
}

/// Rows B1, E2: two histories of one size. The head is kept, and that log is not countersigned any more.
#[test]
fn forked_at_one_size() {
    let hub = Hub::new();
    let (mut a, mut b) = (log(3), log(3));
    a.beat();
    b.segment("c01", 1, b"footage");
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &a, 0).expect("accepted");
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    assert_eq!(
        send(&stream, &b, have.size).expect_err("refused").code,
        "FORKED"
    );
    assert_eq!(hub.disputed(), 1);
    a.beat();
    assert_eq!(
        hub.logs
            .begin(&ashby(), 1, None)
            .err()
            .expect("refused")
            .code,
        "FORKED"
    );
    let fresh = hub.again(hub.dir.path(), hub.db.clone());
    assert_eq!(
        fresh
            .begin(&ashby(), 1, None)
            .err()
            .expect("refused after a restart too")
            .code,
        "FORKED"
    );
    // The successor log that two people ordered is welcome, and is noted.
    fresh.ordered(&ashby(), 1);
    let next = LogBuilder::new("cctv.example.gov.uk/box/ashby/2");
    let (stream, have) = fresh.begin(&ashby(), 2, None).expect("successor");
    send(&stream, &next, have.size).expect("accepted");
    assert!(hub.own_lines().contains("\"box.replace\""));
    assert_eq!(
        fresh
            .begin(&ashby(), 1, None)
            .err()
            .expect("the old one")
            .code,
        "ROLLED-BACK"
    );
}

/// Row B1: the fork lies below what the hub holds, and the box's log is longer.
#[test]
fn forked_below() {
    let hub = Hub::new();
    let (mut a, mut b) = (log(3), log(3));
    a.beat();
    b.segment("c01", 1, b"footage");
    b.beat();
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &a, 0).expect("accepted");
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    assert_eq!(
        send(&stream, &b, have.size).expect_err("refused").code,
        "FORKED"
    );
    assert_eq!(hub.faults("FORKED"), (1, 0));
}

/// Row B3: a retired key signs a later head.
#[test]
fn wrong_key() {
    let hub = Hub::new();
    let mut a = log(3);
    let rolled = a.roll();
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    stream.lines(&a.lines.concat()).expect("lines");
    stream
        .head_indexed(rolled.render().as_bytes())
        .expect("the old key signs the head that ends with the roll");
    let held = a.size();
    a.beat();
    stream
        .lines(&a.lines[held as usize..].concat())
        .expect("lines");
    let retired = &a.keys()[0];
    let head = SignedHead::sign(a.head().head, &retired.vkey, |m| retired.sign(m));
    let e = stream
        .head_indexed(head.render().as_bytes())
        .expect_err("refused");
    assert_eq!(e.code, "WRONG-KEY");
    assert_eq!(hub.disputed(), 1);
    assert_eq!(
        hub.logs
            .begin(&ashby(), 1, None)
            .err()
            .expect("refused")
            .code,
        "WRONG-KEY"
    );
}

/// E2 at the hub's side: a hub restored from an old backup is shown its own signature, says so, and takes the lines again.
#[test]
fn hub_rolled_back() {
    let hub = Hub::new();
    let a = log(6);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    let signed = send(&stream, &a, 0).expect("accepted").render();
    let old = tempfile::tempdir().expect("folder");
    let restored = hub.again(old.path(), Arc::new(Db::open(old.path()).expect("records")));
    let (stream, have) = restored.begin(&ashby(), 1, Some(&signed)).expect("begins");
    assert_eq!(have.size, 0);
    assert_eq!(hub.faults("HUB-ROLLED-BACK"), (1, 0));
    send(&stream, &a, 0).expect("pulled again");
    assert_eq!(hub.faults("HUB-ROLLED-BACK"), (1, 1));
}

/// The hub's own signature over another history: the box was restored and went on elsewhere.
#[test]
fn shown_another_history() {
    let hub = Hub::new();
    let (mut a, mut b) = (log(3), log(3));
    a.beat();
    b.segment("c01", 1, b"footage");
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &a, 0).expect("accepted");
    let mut other = b.head();
    hub.keys.cosign(&mut other, Utc(1_793_714_400_000));
    assert_eq!(
        hub.logs
            .begin(&ashby(), 1, Some(&other.render()))
            .err()
            .expect("refused")
            .code,
        "FORKED"
    );
}

/// Rows A1, B7, C1…: damage is refused by name and nothing of it is stored.
#[test]
fn malformed() {
    let hub = Hub::new();
    let mut a = log(3);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    let mut bad = a.lines[2].clone();
    bad[60] ^= 1;
    a.lines[2] = bad;
    assert_eq!(send(&stream, &a, 0).expect_err("refused").code, "MALFORMED");
    assert_eq!(hub.logs.begin(&ashby(), 1, None).expect("begins").1.size, 0);
    assert_eq!(
        stream.head_indexed(b"garbage").expect_err("refused").code,
        "MALFORMED"
    );
}

/// Two connections of one box: the older one may not write any more.
#[test]
fn one_writer_per_log() {
    let hub = Hub::new();
    let a = log(3);
    let (old, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    old.lines(&a.lines[0]).expect("lines");
    let (new, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    assert_eq!(have.size, 0, "what no head covered is forgotten");
    assert_eq!(
        old.lines(&a.lines[1]).expect_err("refused").code,
        "REPLACED"
    );
    send(&new, &a, 0).expect("accepted");
}

/// V11: a log far ahead is no successor: nothing of it is taken, the box that has the name goes on, and the attempts are one line.
#[test]
fn a_clone_does_not_take_the_name() {
    let hub = Hub::new();
    let mut real = log(3);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &real, 0).expect("accepted");
    for n in [999_999_999_999_999, u64::MAX, 0, 14] {
        let e = hub.logs.begin(&ashby(), n, None).err().expect("refused");
        assert_eq!(e.code, "NO-SUCCESSOR", "{n}");
    }
    assert!(!hub.dir.path().join("boxes/ashby/log/14").exists());
    assert_eq!(hub.faults("NO-SUCCESSOR"), (1, 0));
    let found = hub.logs.troubles(&ashby());
    assert_eq!(
        (found.len(), found[0].condition, found[0].times),
        (1, "box.twice", 4)
    );
    real.beat();
    let (stream, have) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &real, have.size).expect("the box goes on");
    let next = LogBuilder::after("cctv.example.gov.uk/box/ashby/3", &real);
    let (stream, _) = hub
        .logs
        .begin(&ashby(), 3, None)
        .expect("one was never heard of");
    send(&stream, &next, 0).expect("accepted");
}

/// V11: a copy of a box's disk knows what was countersigned before it was made. The next log that it begins is told apart at once, while the
/// box itself goes on: nothing of it is taken, announcing it takes no number, and the page says that there are two.
#[test]
fn a_copys_next_log_is_no_successor_v11() {
    const NEXT: &str = "cctv.example.gov.uk/box/ashby/2";
    let hub = Hub::new();
    let mut real = log(3);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &real, 0).expect("accepted");
    let copy = LogBuilder::after(NEXT, &real);
    let held = real.size();
    real.beat();
    send(&stream, &real, held).expect("the box goes on");

    let mut larger = log(3);
    for _ in 0..5 {
        larger.beat();
    }
    for (what, next) in [
        ("an older head", copy),
        ("no head", LogBuilder::new(NEXT)),
        ("lines nobody has", LogBuilder::after(NEXT, &larger)),
    ] {
        let (twin, _) = hub.logs.begin(&ashby(), 2, None).expect("is listened to");
        let e = send(&twin, &next, 0).expect_err(what);
        assert_eq!(e.code, "TRY-LATER", "{what}");
        assert!(e.why.contains("a copy of this box"), "{what}: {}", e.why);
    }
    let found = hub.logs.troubles(&ashby());
    assert_eq!((found.len(), found[0].condition), (1, "box.twice"));
    assert_eq!(hub.faults("TWICE"), (1, 0));
    // The page says so after a restart too, and the box is no worse for what its copy announced.
    let again = hub.again(hub.dir.path(), hub.db.clone());
    assert_eq!(again.troubles(&ashby())[0].condition, "box.twice");
    let held = real.size();
    real.beat();
    let (stream, _) = again.begin(&ashby(), 1, None).expect("the box itself");
    send(&stream, &real, held).expect("goes on");

    // The box itself names the newest head, and is taken at once.
    let next = LogBuilder::after(NEXT, &real);
    let (stream, _) = again.begin(&ashby(), 2, None).expect("begins");
    send(&stream, &next, 0).expect("accepted");
    assert!(again.troubles(&ashby()).is_empty());
    assert_eq!(hub.faults("TWICE"), (1, 1));
    assert!(
        hub.again(hub.dir.path(), hub.db.clone())
            .troubles(&ashby())
            .is_empty()
    );
}

/// V11, V9: a box that offers an old log again and again, or begins one after the other, fills neither the hub's log nor its disk.
#[test]
fn attempts_are_counted() {
    let hub = Hub::new();
    let (stream, _) = hub.logs.begin(&ashby(), 2, None).expect("begins");
    let two = LogBuilder::new("cctv.example.gov.uk/box/ashby/2");
    send(&stream, &two, 0).expect("accepted");
    let before = hub.own_lines().lines().count();
    for _ in 0..500 {
        let e = hub.logs.begin(&ashby(), 1, None).err().expect("refused");
        assert!(matches!(e.code.as_str(), "ROLLED-BACK" | "TRY-LATER"));
    }
    assert_eq!(hub.faults("ROLLED-BACK"), (1, 0));
    assert!(hub.own_lines().lines().count() < before + 20);

    let derby = BoxName::parse("derby").expect("name");
    let mut begun = 0;
    for n in 1..=300 {
        begun += usize::from(hub.logs.begin(&derby, n, None).is_ok());
    }
    assert!((1..=13).contains(&begun), "{begun} logs");
}

/// V9: on a disk that is nearly full a box over its share is told to try later, with a fault of its own; another is countersigned.
#[test]
fn one_box_does_not_fill_the_disk() {
    let mut hub = Hub::new();
    let free = Arc::new(std::sync::atomic::AtomicU64::new(500 << 20));
    let left = free.clone();
    hub.logs.room = Arc::new(move || (left.load(std::sync::atomic::Ordering::SeqCst), 600 << 20));
    let derby = BoxName::parse("derby").expect("name");
    let mut other = LogBuilder::new("cctv.example.gov.uk/box/derby/1");
    let (derbys, _) = hub.logs.begin(&derby, 1, None).expect("begins");
    send(&derbys, &other, 0).expect("accepted");
    let mut evil = log(40_000);
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    send(&stream, &evil, 0).expect("while there is room");
    // Nearly full: its share is what all have and what is left, parted between both and one more.
    free.store(6 << 20, std::sync::atomic::Ordering::SeqCst);
    let held = evil.size();
    evil.beat();
    let e = send(&stream, &evil, held).expect_err("over its share");
    assert_eq!(e.code, "TRY-LATER");
    assert!(e.why.contains("more than its share"), "{}", e.why);
    assert_eq!(hub.faults("OVER-BUDGET"), (1, 0));
    assert_eq!(hub.logs.troubles(&ashby())[0].condition, "log.budget");
    let held = other.size();
    other.beat();
    send(&derbys, &other, held).expect("another box is countersigned");
    free.store(500 << 20, std::sync::atomic::Ordering::SeqCst);
    let held = hub.db.log(ORIGIN).expect("row").expect("row").size;
    send(&stream, &evil, held).expect("room again");
    assert_eq!(hub.faults("OVER-BUDGET"), (1, 1));
    assert!(hub.logs.troubles(&ashby()).is_empty());
}

/// FLT-3: while only the room of the hub's own log is left nobody's lines are taken, which is the disk's fault and no box's; each box that
/// found no room is named once when there is some again.
#[test]
fn a_full_disk_is_no_fault_of_a_boxs() {
    let mut hub = Hub::new();
    let free = Arc::new(std::sync::atomic::AtomicU64::new(1 << 20));
    let left = free.clone();
    hub.logs.room = Arc::new(move || (left.load(std::sync::atomic::Ordering::SeqCst), 600 << 20));
    assert_eq!(hub.logs.roomy(), None, "nobody waits");
    let derby = BoxName::parse("derby").expect("name");
    let other = LogBuilder::new("cctv.example.gov.uk/box/derby/1");
    let own = log(10);
    let (derbys, _) = hub.logs.begin(&derby, 1, None).expect("begins");
    let (ashbys, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    for _ in 0..3 {
        for (stream, log) in [(&derbys, &other), (&ashbys, &own)] {
            let e = send(stream, log, 0).expect_err("no room");
            assert_eq!(e.code, "NO-ROOM", "{}", e.why);
        }
    }
    assert_eq!(hub.faults("OVER-BUDGET"), (0, 0));
    assert!(hub.logs.troubles(&ashby()).is_empty());
    assert_eq!(hub.logs.roomy(), Some(Vec::new()), "not yet");
    free.store(500 << 20, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(hub.logs.roomy(), Some(vec![ashby(), derby]));
    assert_eq!(hub.logs.roomy(), None, "once");
    send(&ashbys, &own, 0).expect("room again");
}

/// V9: types of line that nobody knows are taken, but not any number of them.
#[test]
fn unknown_types_are_bounded() {
    let hub = Hub::new();
    let (stream, _) = hub.logs.begin(&ashby(), 1, None).expect("begins");
    let mut log = log(1);
    for n in 0..300 {
        log.add_raw(&format!("x.k{n}"), "sys:test", &serde_json::json!({}));
    }
    let e = send(&stream, &log, 0).expect_err("too many");
    assert!(
        e.code == "MALFORMED" && e.why.contains("one more than 64 types"),
        "{e:?}"
    );
}
