//! Wiring. Tests of disposal on a hub with real records, real keys, a real log and real files; its clock is in the test's hands.

mod leftovers;
mod stops;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use footage::sealed;
use logbook::Folder;
use shared::{
    id::{BoxCamera, ExhibitRef},
    record::Record,
    time::{Day, Utc},
    verify::{self, Options},
};

use super::{acts, carry, gather, shown, watch};
use crate::{
    access::authorise::Permit,
    classes::RetentionClassInput,
    db::{
        clip_requests::{ClipRequestRecord, RequestCamera},
        faults::FaultSubject,
        numbers::Numbered,
        requests::RequestRecord,
        visible::VisibleRows,
    },
    error::HubError,
    holds::acts as hold_acts,
    list::Part,
    model::{
        clip_request::State as Stands,
        evidence::{Evidence, EvidenceRow},
        pull::State,
        requester::RequesterClass,
    },
    periods::Class,
    requests::submit::{self, PullRequest},
    retention::rig::{Rig, ashby, day, utc},
    texts::keep_salted,
};

const START: &str = "2026-11-03T14:00:00.000Z";
/// Of an exhibit made then: the last moment of its three years, and the first after.
const LAST: &str = "2029-11-03T23:59:59.999Z";
const AFTER: &str = "2029-11-04T00:00:00.000Z";
const PURPOSE: &str = "Robbery in Market Street";
const REFERENCE: &str = "CRIME/4711";
const REQUESTER: &str = "PC 4711 Example";

fn who(op: u32) -> Permit {
    Permit::of_test(op, &format!("kim{op}"))
}

fn exh(n: u32) -> ExhibitRef {
    ExhibitRef::new(2026, n)
}

/// What the box recorded: nothing a stranger's bytes would hold by chance.
fn plain(n: u32) -> Vec<u8> {
    let mut x = u64::from(n) + 1;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (x >> 56) as u8
    };
    (0..200_000).map(|_| next()).collect()
}

impl Rig {
    fn sealed(&self, n: u32) -> PathBuf {
        let folder = self.dir.path().join("exhibits").join(exh(n).as_str());
        folder.join("c01/c01_20261103T133000Z_1.mp4.age")
    }

    /// A request as it is on record when it is over, with its texts.
    fn request(&self, n: u32, state: State, t0: Utc) {
        let hub = &self.hub;
        let text = |t: &str| keep_salted(hub, t).expect("kept");
        let row = RequestRecord {
            r#ref: exh(n),
            grant: format!("G-{n:06}"),
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            t0,
            t1: t0.plus_ms(60_000),
            purpose: text(PURPOSE),
            reference: text(REFERENCE),
            requester: text(REQUESTER),
            who: "op:0001".into(),
            state,
            why: Vec::new(),
            urgent: false,
            paused: None,
            wasted: 0,
            granted: 1,
            reason: None,
            line: None,
            footage: None,
            package: None,
            made: hub.now(),
        };
        let recorded = hub.db.write(|tx| {
            tx.number_used(Numbered::Request, n.into())?;
            tx.add_request(n, &row)
        });
        recorded.expect("recorded");
    }

    /// What a pull leaves: the sealed segment, and its key.
    fn fetched(&self, n: u32) {
        let recipient = self.hub.keys.exhibit_recipient(&exh(n)).expect("key");
        let path = self.sealed(n);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        let sealed = sealed::seal(&recipient, &plain(n)).expect("sealed");
        fs::write(path, sealed).expect("written");
    }

    /// And a package.
    fn exhibit(&self, n: u32) {
        self.exhibit_at(n, utc("2026-11-03T13:30:00.000Z"));
    }

    fn exhibit_at(&self, n: u32, t0: Utc) {
        self.request(n, State::Ready, t0);
        self.fetched(n);
        let package = self.hub.config.evidence.join(exh(n).as_str()).join("c01");
        fs::create_dir_all(package.join("master")).expect("folder");
        fs::create_dir_all(package.join("log/proof")).expect("folder");
        for (name, bytes) in [
            ("master/a.mp4", plain(n)),
            ("SHA256SUMS", b"sums".to_vec()),
            ("log/proof/1.tlog-proof", b"proof".to_vec()),
        ] {
            fs::write(package.join(name), bytes).expect("written");
        }
        let at = package.to_string_lossy().into_owned();
        self.hub
            .db
            .request_package(exh(n).as_str(), &at)
            .expect("recorded");
    }

    fn at(&self, t: &str) {
        self.hub_to(utc(t));
    }

    fn row(&self, n: u32) -> EvidenceRow {
        shown::one(&self.hub, &exh(n)).expect("row")
    }

    fn due(&self) -> Evidence {
        let (which, part) = (shown::EvidenceFilter::Due, Part::default());
        shown::list(&self.hub, &VisibleRows::everything(), which, &part).expect("list")
    }

    fn state(&self, n: u32) -> State {
        let row = self.hub.db.request(exh(n).as_str()).expect("reads");
        row.expect("row").state
    }

    fn dispose(&self, n: u32, by: &Permit) -> Result<EvidenceRow, HubError> {
        acts::dispose(&self.hub, &exh(n), "no longer needed", by)
    }

    fn approve(&self, n: u32, by: &Permit) -> Result<EvidenceRow, HubError> {
        acts::approve(&self.hub, &exh(n), by)
    }

    /// Lines of the hub's own log of a type, about an exhibit.
    fn lines(&self, kind: &str, about: &str) -> Vec<Record> {
        let text = fs::read(self.hub.log.folder().join("0000000000.jsonl")).expect("own log");
        text.split_inclusive(|b| *b == b'\n')
            .map(|l| Record::parse(l).expect("line"))
            .filter(|r| r.kind == kind)
            .filter(|r| {
                let named = r.data.get("ref").and_then(|v| v.as_str());
                named.is_none_or(|n| n == about)
            })
            .collect()
    }

    /// The line lies under a countersigned head.
    fn covered(&self, n: u64) -> bool {
        let limit = std::time::Duration::from_secs(10);
        let head = self.hub.log.handle().wait_cosigned(n + 1, limit);
        head.is_some()
    }

    /// All that a thief finds: every file below the state folder, which holds the evidence too.
    fn every_file(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(folder: &Path, out: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(folder).expect("folder") {
                let path = entry.expect("entry").path();
                match path.is_dir() {
                    true => walk(&path, out),
                    false => out.push((path.clone(), fs::read(&path).unwrap_or_default())),
                }
            }
        }
        let mut out = Vec::new();
        walk(self.dir.path(), &mut out);
        out
    }

    /// RET-5: with all that is left of the hub this sealed file cannot be opened, and nothing of its footage or texts is to be found.
    fn nothing_is_left(&self, n: u32, sealed_before: &[u8], texts: bool) {
        let mut identities = Vec::new();
        for (path, bytes) in self.every_file() {
            let name = path.display().to_string();
            assert!(!name.contains(exh(n).as_str()), "{name}");
            let needle = &plain(n)[100_000..100_064];
            assert!(!bytes.windows(64).any(|w| w == needle), "footage in {name}");
            for text in [PURPOSE, REQUESTER].iter().filter(|_| texts) {
                let found = bytes.windows(text.len()).any(|w| w == text.as_bytes());
                assert!(!found, "{text} in {name}");
            }
            // Whatever looks like an identity, in whatever file.
            let mark = b"AGE-SECRET-KEY-1";
            for at in 0..bytes.len().saturating_sub(mark.len()) {
                if bytes[at..].starts_with(mark) {
                    let end = (at + 74).min(bytes.len());
                    identities.push(String::from_utf8_lossy(&bytes[at..end]).into_owned());
                }
            }
        }
        let mut opener = sealed::Opener::new(&identities);
        opener
            .push(sealed_before, &mut Vec::new())
            .expect_err("no key left opens it");
    }

    fn look(&self) {
        watch::look(&self.hub).expect("looked");
    }

    fn fault(&self, about: &str) -> Vec<String> {
        let all = self.hub.db.found_faults().expect("faults");
        let about = FaultSubject::Evidence(about.to_owned());
        let own = all.into_iter().filter(|f| f.about == about);
        own.map(|f| f.code).collect()
    }
}

/// RET-5, FLT-3, AUD-3: thirty days before its period ends an exhibit is a warning, then a fault, on the record when each begins and ends; it stays
/// until a person who may disposes of it; then the certificate says what, who, how much, and what was found left, under a
/// countersigned head.
#[test]
fn due_evidence_is_a_fault_until_a_person_disposes() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    rig.exhibit(2);
    acts::class(
        &rig.hub,
        &exh(2),
        &RetentionClassInput {
            class: Some("surveillance".into()),
            review: None,
        },
        "authorised",
        &who(2),
    )
    .expect("classed");
    let sealed = fs::read(rig.sealed(1)).expect("sealed");
    let bytes = rig.row(1).bytes;
    assert_eq!(
        (rig.row(1).standing.as_str(), rig.row(1).files),
        ("kept", 4)
    );
    assert!(bytes > 400_000);

    rig.at("2029-10-04T22:00:00.000Z");
    rig.look();
    assert!(rig.fault(exh(1).as_str()).is_empty());
    rig.at("2029-10-05T00:00:00.000Z");
    rig.look();
    rig.look();
    assert_eq!(rig.fault(exh(1).as_str()), [watch::EXPIRING]);
    assert_eq!(rig.row(1).standing, "soon");
    assert_eq!(rig.faults(watch::EXPIRING), (1, 0), "said once");
    rig.at(LAST);
    rig.look();
    assert_eq!(rig.faults(watch::DUE), (0, 0));
    rig.at(AFTER);
    rig.look();
    assert_eq!(rig.fault(exh(1).as_str()), [watch::DUE]);
    assert_eq!(rig.faults(watch::EXPIRING), (1, 1));
    let due = rig.due();
    assert_eq!(
        due.rows.iter().map(|r| &r.exhibit).collect::<Vec<_>>(),
        ["EXH-2026-000001"],
        "what is kept for five years is not due after three"
    );
    // Nothing goes by itself.
    rig.at("2029-12-24T00:00:00.000Z");
    rig.look();
    assert!(rig.sealed(1).exists());

    let no = acts::dispose(&rig.hub, &exh(1), " ", &who(2));
    assert!(
        no.expect_err("why")
            .to_string()
            .contains("a reason is needed")
    );
    assert!(rig.sealed(1).exists() && rig.lines("copy.dispose", exh(1).as_str()).is_empty());

    let row = rig.dispose(1, &who(2)).expect("disposed of");
    assert_eq!((row.standing.as_str(), row.bytes), ("disposed", bytes));
    assert_eq!(rig.state(1), State::Disposed);
    rig.nothing_is_left(1, &sealed, false);
    assert_eq!(rig.fault(exh(1).as_str()), Vec::<String>::new());
    assert_eq!(rig.faults(watch::DUE), (1, 1));
    assert!(rig.sealed(2).exists(), "the other is untouched");

    let (intent, gone) = (
        rig.lines("copy.dispose", exh(1).as_str()),
        rig.lines("copy.gone", exh(1).as_str()),
    );
    let (intent, gone) = (intent.first().expect("line"), gone.first().expect("line"));
    let int = |r: &Record, key: &str| r.data.get(key).and_then(|v| v.as_int());
    assert_eq!(int(gone, "n"), Some(intent.n as i64));
    assert_eq!(int(gone, "left"), Some(0));
    assert_eq!(int(gone, "bytes"), Some(bytes as i64));
    assert_eq!(int(gone, "texts"), Some(3));
    assert!(rig.covered(gone.n), "countersigned");
    let page = shown::certificate(&rig.hub, &exh(1))
        .expect("certificate")
        .to_text();
    for part in [
        "CERTIFICATE OF DISPOSAL",
        "EXH-2026-000001",
        "ashby/c01",
        "general (3 years)",
        "the end of 2029-11-03",
        "op:0002",
        "no longer needed",
        "none opens it",
        &format!("4 files, 0.00 GB ({bytes} bytes)"),
        "3 texts",
        &format!("lines {} and {}", intent.n, gone.n),
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let again = rig.dispose(1, &who(2)).expect_err("once");
    assert!(
        again.to_string().contains("nothing of it is left"),
        "{again}"
    );
    let none = shown::certificate(&rig.hub, &exh(2)).expect_err("kept");
    assert!(
        none.to_string().contains("has not been disposed of"),
        "{none}"
    );
}

/// RET-5, EVI-1: with the last of its exhibits a request is closed, whether it was handed over or not; of one whose footage is half here
/// what never came does not count.
#[test]
fn a_request_ends_with_its_last_exhibit() {
    let rig = Rig::new(START);
    for n in 1..=3 {
        rig.exhibit(n);
    }
    rig.request(4, State::Failed, utc("2026-11-03T13:30:00.000Z"));
    let made = rig.hub.now();
    for (n, exhibits, state) in [
        (7, vec![1, 2, 4], Stands::Partial),
        (8, vec![3], Stands::Released),
    ] {
        let camera = |n: &u32| RequestCamera {
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            exhibit: Some(exh(*n)),
            why: None,
        };
        let request = ClipRequestRecord {
            n,
            class: RequesterClass::Police,
            span: None,
            purpose: None,
            reference: None,
            requester: None,
            order: None,
            identity: None,
            note: None,
            keep: ("general".into(), None),
            urgent: false,
            due: None,
            opened_by: "op:0001".into(),
            submitted_by: Some("op:0001".into()),
            authorised_by: Some("op:0001".into()),
            ask: None,
            state,
            reason: None,
            made,
            changed: made,
            cameras: exhibits.iter().map(camera).collect(),
        };
        rig.hub.db.put_clip_request(&request).expect("recorded");
    }
    let stands = |n| {
        let q = rig.hub.db.clip_request(n).expect("reads").expect("there");
        (q.state, q.reason)
    };
    rig.at(AFTER);
    rig.dispose(1, &who(2)).expect("disposed of");
    assert_eq!(stands(7), (Stands::Partial, None), "one is left");
    let closed = |n| {
        assert_eq!(stands(n), (Stands::Closed, Some("disposed".into())));
    };
    rig.dispose(3, &who(2)).expect("disposed of");
    closed(8);
    rig.dispose(2, &who(2)).expect("disposed of");
    closed(7);
    rig.look();
    let text = fs::read(rig.hub.log.folder().join("0000000000.jsonl")).expect("own log");
    let lines = text.split_inclusive(|b| *b == b'\n');
    let lines = lines.map(|l| Record::parse(l).expect("line"));
    let closings: Vec<_> = lines.filter(|r| r.kind == "request.close").collect();
    assert_eq!(closings.len(), 2);
    assert!(closings.iter().all(|r| r.who == "op:0002"));
}

/// RET-5, ROL-5: before its time it takes two people: one asks, another approves; a new class sets the request aside. The certificate names
/// both. An exhibit whose review is not reached is kept like that too.
#[test]
fn before_its_time_it_takes_two() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    let (a, b) = (who(2), who(3));
    let none = rig.approve(1, &b).expect_err("nobody asked");
    assert!(none.to_string().contains("nobody asked"), "{none}");
    let row = rig.dispose(1, &a).expect("asked");
    assert_eq!(row.standing, "kept");
    assert_eq!(row.drop.expect("asked").by, "op:0002");
    assert!(rig.sealed(1).exists());
    let own = rig.approve(1, &a).expect_err("the same");
    assert!(
        own.to_string().contains("a second person must approve"),
        "{own}"
    );
    let other = rig.dispose(1, &b).expect_err("asked already");
    assert!(other.to_string().contains("evidence approve"), "{other}");

    let review = RetentionClassInput {
        class: Some("review".into()),
        review: Some(day("2027-05-01")),
    };
    let row = acts::class(&rig.hub, &exh(1), &review, "trial in May", &b).expect("classed");
    assert_eq!((row.drop, row.until), (None, day("2027-05-01")));
    assert!(
        rig.approve(1, &b).is_err(),
        "asked before the class changed"
    );
    rig.at("2027-05-01T22:00:00.000Z");
    rig.dispose(1, &a)
        .expect("asked, the review is not over yet");
    assert_eq!(rig.state(1), State::Ready);
    let row = rig.approve(1, &b).expect("two");
    assert_eq!(row.standing, "disposed");
    let page = shown::certificate(&rig.hub, &exh(1))
        .expect("certificate")
        .to_text();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        page.contains("(op:0002), approved by ")
            && page.contains("(op:0003)")
            && page.contains("before the end of its period"),
        "{page}"
    );
    assert_eq!(rig.lines("copy.drop", exh(1).as_str()).len(), 2);
    assert_eq!(rig.lines("copy.class", exh(1).as_str()).len(), 1);

    // At the end of a review day one is enough, but not who gave it that day.
    rig.exhibit(2);
    let review = RetentionClassInput {
        class: Some("review".into()),
        review: Some(day("2027-06-01")),
    };
    acts::class(&rig.hub, &exh(2), &review, "appeal", &a).expect("classed");
    rig.at("2027-06-01T23:00:00.000Z");
    rig.look();
    assert_eq!(rig.fault(exh(2).as_str()), [watch::DUE]);
    assert_eq!(rig.dispose(2, &b).expect("due").standing, "disposed");
}

/// RET-5, ROL-5: nobody makes an exhibit due by giving it a shorter period and disposes of it alone, not by giving another class once more either;
/// somebody else may.
#[test]
fn making_it_due_does_not_replace_the_second_person() {
    let rig = Rig::new(START);
    let (a, b) = (who(2), who(3));
    let review = |t: &str| RetentionClassInput {
        class: Some("review".into()),
        review: Some(day(t)),
    };
    for n in 1..=3 {
        rig.exhibit(n);
        let class = |given: &RetentionClassInput| acts::class(&rig.hub, &exh(n), given, "why", &a);
        class(&review("2026-11-03")).expect("shorter");
        class(&review("2026-11-04")).expect("longer than that, and still shorter");
    }
    rig.at("2026-11-05T00:00:00.000Z");
    for n in 1..=3 {
        assert_eq!(rig.row(n).standing, "due");
        let row = rig.dispose(n, &a).expect("asked");
        assert_eq!((row.standing.as_str(), row.disposed), ("due", None));
        assert!(rig.approve(n, &a).is_err() && rig.sealed(n).exists());
    }
    assert_eq!(rig.approve(1, &b).expect("two").standing, "disposed");
    assert_eq!(rig.dispose(2, &b).expect("another").standing, "disposed");
    // Somebody else's word on how long it is kept is a second person's too.
    acts::class(&rig.hub, &exh(3), &review("2026-11-06"), "why", &b).expect("longer");
    rig.at("2026-11-07T00:00:00.000Z");
    assert_eq!(rig.dispose(3, &a).expect("due").standing, "disposed");
}

/// RET-5: a class is one of three, a review has a day that is neither past nor too far ahead, and what a pull is asked with is on the
/// hub's log; a wrong one is refused before anything is recorded.
#[test]
fn a_class_is_given_and_changed_on_the_log() {
    let mut rig = Rig::new(START);
    let given = |class: &str, review: Option<Day>| RetentionClassInput {
        class: Some(class.into()),
        review,
    };
    let a = who(2);
    rig.exhibit(1);
    for (wrong, part) in [
        (given("forever", None), "not a class"),
        (given("review", None), "needs the day"),
        (given("review", Some(day("2026-11-02"))), "has passed"),
        (given("review", Some(day("2028-01-01"))), "365 days ahead"),
        (given("general", Some(day("2027-01-01"))), "review only"),
        (given("general", None), "kept so already"),
    ] {
        let no = acts::class(&rig.hub, &exh(1), &wrong, "why", &a).expect_err("wrong");
        assert!(no.to_string().contains(part), "{no}");
    }
    assert!(rig.lines("copy.class", exh(1).as_str()).is_empty());
    assert_eq!(rig.row(1).until, day("2029-11-03"));
    let row = acts::class(&rig.hub, &exh(1), &given("surveillance", None), "why", &a);
    assert_eq!(row.expect("classed").until, day("2031-11-03"));

    // With the pull.
    let t0 = rig.log.t;
    rig.segment_of("c01", "c01/2026-11-03", 1000);
    rig.send();
    rig.hello(&[("c01", None)], 31);
    rig.at("2026-11-03T14:05:00.000Z");
    rig.hub
        .db
        .enrol(&ashby(), "hash", "key", "certificate")
        .expect("enrolled");
    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0,
        t1: rig.log.t,
        purpose: PURPOSE.into(),
        reference: REFERENCE.into(),
        requester: REQUESTER.into(),
    };
    let before = rig.hub.db.requests().expect("rows").len();
    let no = submit::submit_as(&rig.hub, &asked, &given("review", None), false, &who(1));
    assert!(
        no.expect_err("no day")
            .to_string()
            .contains("needs the day")
    );
    assert_eq!(rig.hub.db.requests().expect("rows").len(), before);
    let review = given("review", Some(day("2027-01-31")));
    let pulled = submit::submit_as(&rig.hub, &asked, &review, false, &who(1)).expect("granted");
    let class = rig.hub.db.evidence(pulled.as_str()).expect("row").class;
    assert_eq!(
        class,
        Class::Review {
            review: day("2027-01-31")
        }
    );
    let line = rig.lines("copy.class", pulled.as_str());
    let review = line.first().expect("line").data.get("review");
    assert_eq!(review.and_then(|v| v.as_str()), Some("2027-01-31"));
    let usual = submit::submit(&rig.hub, &asked, &who(1)).expect("granted");
    assert_eq!(rig.lines("copy.class", usual.as_str()).len(), 1);
}

/// RET-6: what is being pulled cannot be disposed of, nor what an open request or a hold wants of the same camera and time, by one person or
/// two, past its period or not; then it is no fault either, and says why it stays.
#[test]
fn what_is_wanted_is_not_disposed_of() {
    let mut rig = Rig::new(START);
    let (a, b) = (who(2), who(3));
    let t0 = rig.log.t;
    rig.segment_of("c01", "c01/2026-11-03", 1000);
    rig.send();
    rig.exhibit_at(1, t0);
    rig.request(2, State::Waiting, t0.plus_ms(30_000));
    let no = rig.dispose(2, &a).expect_err("open");
    assert!(
        no.to_string().contains("still being pulled (Waiting)"),
        "{no}"
    );
    let no = rig.dispose(1, &a).expect_err("wanted");
    assert!(
        no.to_string()
            .contains("the request EXH-2026-000002 (Waiting)"),
        "{no}"
    );
    rig.at(AFTER);
    rig.look();
    assert_eq!(rig.row(1).standing, "wanted");
    assert!(rig.fault(exh(1).as_str()).is_empty());
    let no = rig.dispose(1, &a).expect_err("wanted");
    assert!(no.to_string().contains("so it stays"), "{no}");
    // That request ends; a hold comes.
    let set = |state| {
        rig.hub
            .db
            .request_state(exh(2).as_str(), state, None, &[], rig.hub.now())
            .expect("set");
    };
    set(State::Failed);
    rig.hub
        .db
        .enrol(&ashby(), "hash", "key", "certificate")
        .expect("enrolled");
    let wanted = hold_acts::HoldRequest {
        t0,
        t1: t0.plus_ms(5_000),
        until: None,
        days: Some(20),
        review: None,
        reason: "inquest".into(),
        authority: "coroner".into(),
        reference: "I/1".into(),
    };
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let hold = hold_acts::add(&rig.hub, &camera, &wanted, &a).expect("held");
    let no = rig.dispose(1, &a).expect_err("held");
    assert!(no.to_string().contains(&hold.hold.to_string()), "{no}");
    hold_acts::release(&rig.hub, hold.hold, "over", &a).expect("asked");
    hold_acts::approve(&rig.hub, hold.hold, &b).expect("released");
    rig.look();
    assert_eq!(rig.fault(exh(1).as_str()), [watch::DUE]);
    assert_eq!(rig.dispose(1, &a).expect("free").standing, "disposed");
}

/// AUD-3: both verifiers read a log with every line a disposal writes, know all its types, and say the same.
#[test]
fn both_verifiers_know_the_lines() {
    let rig = Rig::new(START);
    let (a, b) = (who(2), who(3));
    rig.exhibit(1);
    rig.request(2, State::Failed, Utc(0));
    let given = RetentionClassInput {
        class: Some("surveillance".into()),
        review: None,
    };
    acts::class(&rig.hub, &exh(1), &given, "why", &a).expect("classed");
    rig.dispose(1, &a).expect("asked");
    rig.approve(1, &b).expect("approved");
    rig.at("2026-11-10T14:00:00.000Z");
    rig.look();
    for kind in [
        "copy.class",
        "copy.drop",
        "copy.dispose",
        "copy.gone",
        "copy.clear",
    ] {
        assert_eq!(rig.lines(kind, exh(1).as_str()).len(), 1, "{kind}");
    }
    rig.hub.log.head_now().expect("head");
    let folder = rig.hub.log.folder();
    let key = rig.hub.keys.cosign_vkey().clone();
    let options = Options {
        hub: vec![key.clone()],
        ..Options::default()
    };
    let report = verify::log(&Folder(folder.clone()), &options).render();
    assert!(!report.contains("UNKNOWN-TYPE"), "{report}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify/verify.py");
    let said = Command::new("python3")
        .arg(script)
        .arg("log")
        .arg(&folder)
        .args(["--hub", &key.to_string()])
        .output()
        .expect("python3");
    assert_eq!(String::from_utf8_lossy(&said.stdout), report);
}

/// ROL-5: of several who approve one disposal at once, one does; it has one line and one certificate.
#[test]
fn approved_by_many_at_once() {
    let rig = Rig::new(START);
    rig.exhibit(1);
    rig.dispose(1, &who(1)).expect("asked for");
    let hub = &rig.hub;
    let gate = std::sync::Barrier::new(8);
    let approve = |op| {
        gate.wait();
        acts::approve(hub, &exh(1), &who(op)).is_ok()
    };
    let done: Vec<bool> = std::thread::scope(|s| {
        let threads: Vec<_> = (2..10).map(|op| s.spawn(move || approve(op))).collect();
        let joined = threads.into_iter().map(|t| t.join().expect("ran"));
        joined.collect()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
}
