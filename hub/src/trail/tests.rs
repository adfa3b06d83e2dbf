//! The log of staff acts on a whole hub.
use std::sync::Arc;

use super::*;
use crate::{
    access::{principal::Principal, signin},
    db::requests::RequestRecord,
    model::{pull::State, role::Role},
    ops::{
        self, clips, log,
        operation::{self, Operation},
        staff,
    },
    reason::class::Class,
    retention::rig::{Rig, utc},
};

const NOW: &str = "2026-11-03T14:00:00.000Z";

struct House(Rig);

impl House {
    /// Ann audits all of it, kim is an operator of tenby's camera only, lee keeps accounts.
    fn new() -> Self {
        let rig = Rig::new(NOW);
        rig.hello(&[("c01", None), ("c02", None)], 31);
        rig.hub.account(1, "ann", Role::Auditor.word());
        rig.hub.account(2, "kim", Role::Operator.word());
        rig.hub.account(3, "lee", Role::Administrator.word());
        for n in [1, 2] {
            let text = |t: &str| keep_salted(&rig.hub, t).expect("kept");
            let t0 = utc(NOW).plus_ms(-3_600_000);
            let row = RequestRecord {
                r#ref: ExhibitRef::new(2026, n),
                grant: format!("G-{n:06}"),
                camera: BoxCamera::parse(&format!("ashby/c0{n}")).expect("camera"),
                t0,
                t1: t0.plus_ms(1000),
                purpose: text("theft"),
                reference: text(&format!("REQ/{n}")),
                requester: text("PC 17"),
                who: "op:0002".into(),
                state: State::Ready,
                why: Vec::new(),
                urgent: false,
                paused: None,
                wasted: 0,
                line: None,
                footage: None,
                package: None,
                made: t0,
                reason: None,
                granted: 0,
            };
            rig.hub.db.add_request(n, &row).expect("recorded");
        }
        Self(rig)
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    async fn by<O: Operation>(&self, op: u32, operation: O) -> Result<O::Reply, HubError> {
        let person = signin::person(self.hub(), op)
            .expect("reads")
            .expect("somebody");
        operation::perform(self.hub(), &Principal::Person(person), operation).await
    }

    async fn view(&self, op: u32, n: u32, reference: &str) -> Result<clips::Viewing, HubError> {
        let view = clips::View {
            exhibit: ExhibitRef::new(2026, n),
            purpose: "a theft".into(),
            reference: reference.into(),
            present: None,
        };
        self.by(op, view).await
    }

    async fn found(&self, search: Search) -> Vec<TrailRow> {
        let part = Part::default();
        self.by(1, log::Show { search, part })
            .await
            .expect("found")
            .rows
    }
}

/// AUD-1: what people did is found by person, camera, reference, kind and time, with role, purpose and reference; refusals and the reading
/// itself too; who may not see it learns nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acts_are_found() {
    let house = House::new();
    house.view(2, 1, "CR/1").await.expect("watched");
    house.view(2, 2, "CR/2").await.expect("watched");
    let later = utc(NOW).plus_ms(3_600_000);
    house.0.hands.to(later);
    house.view(2, 1, "CR/2").await.expect("watched");
    let no = house
        .by(
            2,
            staff::List {
                closed: false,
                part: Part::default(),
            },
        )
        .await;
    assert_eq!(no.expect_err("refused").class(), Class::NotAllowed);
    let no = house.view(3, 1, "CR/3").await;
    assert_eq!(no.expect_err("refused").class(), Class::NotAllowed);

    let of = |person: &str| Search {
        person: Some(person.into()),
        ..Search::default()
    };
    let kim = house.found(of("kim")).await;
    let kinds: Vec<&str> = kim.iter().map(|r| r.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["acc.refuse", "acc.view", "acc.view", "acc.view"],
        "{kim:#?}"
    );
    assert_eq!(kim[0].data["what"], "staff.list");
    assert!(kim.iter().all(|r| r.name == "kim" && r.roles == "operator"));
    let view = &kim[1];
    assert_eq!(view.exhibit.as_deref(), Some("EXH-2026-000001"));
    assert_eq!(view.texts["purpose"], "a theft");
    assert_eq!(view.texts["reference"], "CR/2");
    assert_eq!(house.found(of("op:0002")).await.len(), 4);

    let camera = |c: &str| Search {
        camera: Some(c.into()),
        kind: Some("acc.view".into()),
        ..Search::default()
    };
    let all = house.found(camera("ashby/c01")).await;
    assert!(!all.is_empty() && all.iter().all(|r| r.camera.as_deref() == Some("ashby/c01")));
    let reference = Search {
        reference: Some("CR/2".into()),
        ..Search::default()
    };
    assert_eq!(house.found(reference).await.len(), 2);
    let late = Search {
        kind: Some("acc".into()),
        from: Some(later),
        ..Search::default()
    };
    assert_eq!(
        house.found(late).await.len(),
        3,
        "a viewing and two refusals"
    );
    // The readings are there as well, and come in parts.
    let read = Search {
        kind: Some("log.read".into()),
        ..Search::default()
    };
    let readings = house.found(read.clone()).await;
    assert!(readings.len() >= 4 && readings.iter().all(|r| r.name == "ann"));
    let part = Part::of(2);
    let first = log::Show {
        search: read.clone(),
        part,
    };
    let first = house.by(1, first).await.expect("found");
    assert_eq!(first.rows.len(), 2);
    let next = Part {
        after: first.next,
        ..Part::of(2)
    };
    let next = house
        .by(
            1,
            log::Show {
                search: read,
                part: next,
            },
        )
        .await
        .expect("found");
    assert!(next.rows[0].n < first.rows[1].n);
    for op in [2, 3] {
        let no = house.by(op, log::Show::default()).await;
        assert_eq!(no.expect_err("refused").class(), Class::NotAllowed);
    }
    let nobody = house
        .by(
            1,
            log::Show {
                search: of("nobody"),
                part: Part::default(),
            },
        )
        .await;
    assert_eq!(nobody.expect_err("nobody").class(), Class::Missing);
}

/// AUD-6: the sample of a month is there once the first day after it is over, the same for everybody; its result is a line. It is redone from
/// the log alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_sampled() {
    let house = House::new();
    for n in 0..30 {
        house
            .view(2, 1 + n % 2, &format!("CR/{n}"))
            .await
            .expect("watched");
    }
    let draw = || log::Draw {
        month: "2026-11".into(),
        count: 5,
    };
    let early = house.by(1, draw()).await.expect_err("too early");
    assert!(early.to_string().contains("2 Dec 2026"), "{early}");
    house.0.hands.to(utc("2026-12-01T09:00:00.000Z"));
    house.hub().log.head_now().expect("a head");
    house.0.hands.to(utc("2026-12-01T20:00:00.000Z"));
    let newest = house.hub().log.head_now().expect("a head");
    let early = house.by(1, draw()).await.expect_err("too early");
    assert!(early.to_string().contains("nothing was drawn"), "{early}");
    house.0.hands.to(utc("2026-12-02T00:00:00.000Z"));
    house.hub().log.head_now().expect("a later head");
    let sample = house.by(1, draw()).await.expect("drawn");
    assert_eq!((sample.rows.len(), sample.acts >= 30), (5, true));
    assert_eq!(sample.root, hex(&newest.head.root));
    assert_eq!(house.by(1, draw()).await.expect("drawn"), sample);
    // From the log's own bytes, as docs/audit.md says.
    let bytes = LogFolder::new(&house.hub().log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("the log");
    let lines = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| Record::parse(l).expect("a line"));
    let acts = lines.filter(|r| r.who.starts_with("op:") && r.t < utc("2026-12-01T00:00:00.000Z"));
    let acts: Vec<(u64, Digest)> = acts.map(|r| (r.n, r.leaf)).collect();
    let numbers: Vec<u64> = sample.rows.iter().map(|r| r.n).collect();
    assert_eq!(sample::draw(&newest.head.root, &acts, 5), numbers);
    let review = log::Review {
        month: "2026-11".into(),
        count: 5,
        result: "all five were for a case".into(),
    };
    house.by(1, review).await.expect("on record");
    let search = Search {
        kind: Some("log.review".into()),
        ..Search::default()
    };
    let found = house.found(search).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].texts["result"], "all five were for a case");
    assert_eq!(found[0].data["root"], sample.root.as_str());
}

/// AUD-6: where somebody outside stamped the head, the first such stamp draws with it, and neither a later one nor that of another head; whoever has
/// the log draws the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stamp_over_its_head_draws_the_sample() {
    let house = House::new();
    for n in 0..30 {
        house
            .view(2, 1 + n % 2, &format!("CR/{n}"))
            .await
            .expect("watched");
    }
    house.0.hands.to(utc("2026-12-01T20:00:00.000Z"));
    let head = house.hub().log.head_now().expect("a head").head;
    house.0.hands.to(utc("2026-12-02T00:00:00.000Z"));
    let draw = || log::Draw {
        month: "2026-11".into(),
        count: 5,
    };
    let bare = house.by(1, draw()).await.expect("drawn");
    assert_eq!(bare.root, hex(&head.root));
    let answers: Vec<Digest> = (0..3u8).map(|n| sha256(&[n])).collect();
    for (size, answer) in [(head.size + 1, 0), (head.size, 1), (head.size, 2)] {
        let line = HubAnchor {
            authority: "north".into(),
            size,
            root: shared::note::b64(&head.root),
            time: utc("2026-12-02T00:01:00.000Z"),
            sha256: hex(&answers[answer]),
        };
        house.hub().log.append("sys:hub", &line).expect("a line");
    }
    let sample = house.by(1, draw()).await.expect("drawn");
    let seed = sha256(&[head.root, answers[1]].concat());
    assert_eq!((sample.root.clone(), sample.size), (hex(&seed), head.size));
    assert_eq!(sample.acts, bare.acts);
    let bytes = LogFolder::new(&house.hub().log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("the log");
    let lines = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| Record::parse(l).expect("a line"));
    let acts = lines.filter(|r| r.who.starts_with("op:") && r.t < utc("2026-12-01T00:00:00.000Z"));
    let acts: Vec<(u64, Digest)> = acts.map(|r| (r.n, r.leaf)).collect();
    let numbers: Vec<u64> = sample.rows.iter().map(|r| r.n).collect();
    assert_eq!(sample::draw(&seed, &acts, 5), numbers);
    assert_ne!(sample::draw(&head.root, &acts, 5), numbers);
}

/// The table is derived: made again, it says the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_made_again() {
    let house = House::new();
    house.view(2, 1, "CR/1").await.expect("watched");
    let kim = || Search {
        person: Some("kim".into()),
        ..Search::default()
    };
    let before = house.found(kim()).await;
    house
        .hub()
        .db
        .unindex(house.hub().log.origin())
        .expect("forgotten");
    assert_eq!(house.found(kim()).await, before);
}

/// AUD-1, ROL-4: a viewing says who else was there, in words that can be erased, and whose camera it was at that time, whosever it is later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_there_and_whose_camera_it_was() {
    let house = House::new();
    let camera = house.hub().db.request("EXH-2026-000001").expect("reads");
    let camera = camera.expect("an exhibit").camera;
    house.view(2, 1, "CR/1").await.expect("watched");
    for owner in ["tenby", "brook"] {
        house
            .hub()
            .db
            .add_owner(owner, owner, utc(NOW))
            .expect("an owner");
        house
            .hub()
            .db
            .set_camera_owner(&camera, owner)
            .expect("assigned");
        let view = clips::View {
            exhibit: ExhibitRef::new(2026, 1),
            purpose: "a theft".into(),
            reference: "CR/1".into(),
            present: Some(" DC Hall, her sergeant ".into()),
        };
        house.by(2, view).await.expect("watched");
    }
    let long = clips::View {
        exhibit: ExhibitRef::new(2026, 1),
        purpose: "a theft".into(),
        reference: "CR/1".into(),
        present: Some("x".repeat(5_000)),
    };
    assert_eq!(
        house.by(2, long).await.expect_err("too long").class(),
        Class::Refused
    );
    let views = house
        .found(Search {
            kind: Some("acc.view".into()),
            ..Search::default()
        })
        .await;
    let told: Vec<_> = views
        .iter()
        .map(|r| {
            (
                r.owner.as_deref(),
                r.texts.get("present").map(String::as_str),
            )
        })
        .collect();
    let there = Some("DC Hall, her sergeant");
    assert_eq!(
        told,
        [(Some("brook"), there), (Some("tenby"), there), (None, None)]
    );
    let log = logbook::LogFolder::new(&house.hub().log.folder())
        .read_lines(0, u64::MAX, 1 << 20)
        .expect("lines");
    assert!(!String::from_utf8_lossy(&log).contains("Hall"));
}

/// AUD-1, AUD-5: an act on an account says by name whom it is about and which role it gave; one on a clip request is found by the request's
/// reference, and by its camera where it has one only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_says_what_it_is_about() {
    let house = House::new();
    let give = ops::roles::Give {
        name: "kim".into(),
        role: "police".into(),
        bounds: crate::access::grants::Bounds {
            all: true,
            ..Default::default()
        },
    };
    house.by(3, give).await.expect("given");
    let kind = |kind: &str| Search {
        kind: Some(kind.into()),
        ..Search::default()
    };
    let grants = house.found(kind("op.grant")).await;
    let [grant] = &grants[..] else {
        panic!("{grants:#?}");
    };
    assert_eq!(
        (grant.name.as_str(), grant.roles.as_str()),
        ("lee", "administrator")
    );
    assert_eq!(
        (&*grant.facts["account"], &*grant.facts["role"]),
        ("kim", "police")
    );

    let open = ops::requests::Open {
        class: crate::model::requester::RequesterClass::Media,
        cameras: vec![BoxCamera::parse("ashby/c01").expect("camera")],
        from: Some(utc(NOW).plus_ms(-60_000)),
        to: Some(utc(NOW)),
        texts: crate::requests::clip::draft::Texts {
            reference: Some("PR/9".into()),
            ..Default::default()
        },
        keep: Default::default(),
        urgent: false,
    };
    let request = house.by(2, open).await.expect("opened").request;
    let cancel = ops::requests::Cancel {
        request,
        why: crate::model::clip_request::CancelReason::Mistake,
        note: None,
    };
    house.by(2, cancel).await.expect("cancelled");
    for search in [
        Search {
            reference: Some("PR/9".into()),
            ..Search::default()
        },
        Search {
            camera: Some("ashby/c01".into()),
            ..Search::default()
        },
    ] {
        let found = house.found(search).await;
        let kinds: Vec<&str> = found.iter().map(|r| r.kind.as_str()).collect();
        assert_eq!(kinds, ["request.cancel", "request.open"]);
        assert!(found.iter().all(|r| r.facts["request"] == "R-000001"));
    }
}

/// ROL-4: a camera is given to an owner when its box is registered; a name that was mistyped is refused, and nobody's from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_of_no_box_is_nobodys() {
    let house = House::new();
    house
        .hub()
        .db
        .add_owner("tenby", "Tenby", utc(NOW))
        .expect("recorded");
    let assign = |name: &str| ops::owners::Assign {
        owner: "tenby".into(),
        r#box: shared::id::BoxName::parse(name).expect("a name"),
        cam: shared::id::CameraId::parse("c07").expect("a camera"),
    };
    let no = house
        .by(3, assign("ashbee"))
        .await
        .expect_err("no such box");
    assert_eq!((no.class(), no.code()), (Class::Missing, "box-unknown"));
    house.by(3, assign("ashby")).await.expect("assigned");
}
