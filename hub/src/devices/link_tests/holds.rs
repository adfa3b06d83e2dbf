//! Wiring. Tests of holds over real QUIC on loopback, against a pretended box.

mod days;

use logbook::LogFolder;
use shared::{
    id::HoldId,
    promise,
    record::Record,
    time::Zone,
    types::{DelRange, HoldClear, HoldSet, SegWrite},
};

use super::*;
use crate::{
    access::authorise::Permit,
    error::HubError,
    reason::PullReason,
    requests::holds::rows::HoldRow,
    requests::holds::{
        acts::{self, HoldRequest},
        faults, shown,
        state::{Event, State as Stands},
        watch,
    },
    words,
};

const DAY_MS: i64 = 86_400_000;

/// When footage of that moment is deleted by a box that keeps it so many days.
fn goes(t: Utc, days: u32, zone: &shared::time::Zone) -> Utc {
    promise::due(zone.day_of(t), days, zone)
}

/// The day a box in London records a moment under.
fn recorded(t: Utc) -> shared::time::Day {
    let zone = shared::time::Zone::parse("Europe/London").expect("zone");
    zone.day_of(t)
}

/// The next order that a box gets, and that it is signed.
pub(super) async fn order(inc: &mut quinn::RecvStream, desk: &Hub) -> Order {
    let next = tokio::time::timeout(SOON, frame(inc)).await.expect("order");
    let ToBox::Order { order, sig } = next.expect("order").json().expect("json") else {
        panic!("an order was due")
    };
    let key = desk.keys.order_vkey().key;
    let message = [order::ORDER_PREFIX, &order].concat();
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key)
        .verify(message.as_bytes(), &STANDARD.decode(&sig).expect("base64"))
        .expect("signed");
    assert!(
        !order.contains("Robbery") && !order.contains("PACE"),
        "free text stays at the hub: {order}"
    );
    serde_json::from_str(&order).expect("order")
}

/// A hub, a box that has recorded half a minute, and its log.
pub(super) struct Scene {
    hub: Rig,
    who: (CertificateDer<'static>, Vec<u8>),
    line: quinn::Connection,
    out: quinn::SendStream,
    inc: quinn::RecvStream,
    log: LogBuilder,
    pub(super) start: Utc,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let hub = Rig::new();
        let who = hub.enrolled("ashby").await;
        let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
        let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
        log.beat();
        let start = log.t;
        log.add(
            "sys:rec",
            &SegWrite {
                cam: CameraId::parse("c01").expect("cam"),
                s: 1,
                t0: start,
                t1: start.plus_ms(30_000),
                size: 1000,
                sha256: "0".repeat(64),
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
                key: format!("c01/{}", recorded(start)),
                rate: None,
            },
        );
        let line = hub.dial(Some(&who)).await.expect("box");
        let (out, inc) = control(&line, "ashby").await;
        let mut scene = Self {
            hub,
            who,
            line,
            out,
            inc,
            log,
            start,
        };
        scene.told().await;
        scene
    }

    /// Hands the log over.
    async fn told(&mut self) {
        match audit(&self.line, &self.log).await {
            AuditReply::Cosigned { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn desk(&self) -> &Arc<Hub> {
        &self.hub.desk
    }

    /// The box leaves; the hub knows.
    async fn leaves(&self) {
        let mut changes = self.desk().live.arrivals();
        self.line.close(0u32.into(), b"gone");
        let name = BoxName::parse("ashby").expect("name");
        let gone = async {
            while self.desk().live.online(&name) {
                changes.changed().await.expect("changes");
            }
        };
        tokio::time::timeout(SOON, gone).await.expect("gone");
    }

    async fn comes(&mut self) {
        self.line = self.hub.dial(Some(&self.who)).await.expect("box");
        (self.out, self.inc) = control(&self.line, "ashby").await;
    }

    pub(super) async fn order(&mut self) -> Order {
        order(&mut self.inc, &self.hub.desk).await
    }

    pub(super) async fn says(&mut self, message: ToHub) {
        send(&mut self.out, &message).await;
    }

    /// Takes the order of a hold, and says that it is in place.
    pub(super) async fn places(&mut self) -> (HoldId, Utc) {
        let Order {
            order: number,
            act: Act::HoldSet { hold, until, .. },
            ..
        } = self.order().await
        else {
            panic!("a hold was due");
        };
        self.says(placed(number, until)).await;
        (hold, until)
    }

    pub(super) async fn account(&self, name: &'static str, role: &'static str) -> Permit {
        let desk = self.desk().clone();
        let op = blocking(move || desk.hire(name, role, "secret"))
            .await
            .expect("runs");
        Permit::of_test(op, name)
    }

    pub(super) async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Hub) -> Result<T, HubError> + Send + 'static,
    ) -> Result<T, HubError> {
        let desk = self.desk().clone();
        blocking(move || act(&desk)).await.expect("runs")
    }

    fn wanted(&self) -> HoldRequest {
        HoldRequest {
            t0: self.start.plus_ms(2_000),
            t1: self.start.plus_ms(8_000),
            until: None,
            days: Some(10),
            review: None,
            reason: "Robbery".into(),
            authority: "PACE s19".into(),
            reference: "CR/77".into(),
        }
    }

    async fn add(&self, wanted: HoldRequest, who: &Permit) -> Result<HoldRow, HubError> {
        let who = who.clone();
        let camera = camera();
        self.act(move |d| acts::add(d, &camera, &wanted, &who))
            .await
    }

    pub(super) async fn row(&self, id: HoldId) -> HoldRow {
        self.act(move |d| shown::one(d, id)).await.expect("a row")
    }

    /// Waits until a hold stands as wanted.
    async fn until(&self, id: HoldId, is: impl Fn(&HoldRow) -> bool) -> HoldRow {
        let mut changes = self.desk().pulls.holds.watch();
        let wait = async {
            loop {
                changes.mark_unchanged();
                let row = self.row(id).await;
                if is(&row) {
                    return row;
                }
                changes.changed().await.expect("changes");
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("in time")
    }

    pub(super) fn all_lines(&self) -> Vec<Record> {
        let bytes = LogFolder::new(&self.desk().log.folder())
            .read_lines(0, u64::MAX, usize::MAX)
            .expect("own log");
        bytes
            .split_inclusive(|b| *b == b'\n')
            .map(|l| Record::parse(l).expect("line"))
            .collect()
    }

    fn lines(&self) -> Vec<Record> {
        self.all_lines()
            .into_iter()
            .filter(|r| r.kind.starts_with("hold.") || r.kind == "order.fail")
            .collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.lines().into_iter().map(|r| r.kind).collect()
    }
}

fn camera() -> BoxCamera {
    BoxCamera::parse("ashby/c01").expect("camera")
}

fn placed(order: u64, until: Utc) -> ToHub {
    says_done(
        order,
        Done::Hold {
            until,
            segments: 1,
            bytes: 1000,
        },
    )
}

/// RET-3, ROL-5, AUD-1: a hold goes to its box signed, and is in force when the box says so, once or twice; it is extended, and what
/// the box does not take is undone and recorded; before its time it ends by two people, whom the order names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_and_its_two_people() {
    let mut s = Scene::new().await;
    let pat = s.account("pat", "operator").await;
    let (kim, lee) = (
        s.account("kim", "supervisor").await,
        s.account("lee", "coordinator").await,
    );
    type Change = fn(&mut HoldRequest);
    let bad: [(Change, &str); 6] = [
        (|w| w.reason = " ".into(), "a reason is needed"),
        (|w| w.authority = String::new(), "an authority is needed"),
        (|w| w.days = Some(500), "400 days"),
        (|w| w.until = Some(Utc(0)), "either until when"),
        (|w| w.t1 = w.t0, "does not come after"),
        (|w| w.t1 = w.t1.plus_ms(3_600_000), "lies in the future"),
    ];
    for (change, why) in bad {
        let mut wanted = s.wanted();
        change(&mut wanted);
        let no = s.add(wanted, &pat).await.expect_err(why);
        assert!(no.to_string().contains(why), "{no}");
    }
    assert!(s.kinds().is_empty(), "nothing was asked for");

    let row = s.add(s.wanted(), &pat).await.expect("held");
    assert_eq!(
        (row.hold.to_string().as_str(), row.state.as_str()),
        ("H-000001", "pending")
    );
    let Order {
        order: number,
        r#box,
        act:
            Act::HoldSet {
                hold,
                cam,
                t0,
                t1,
                until,
                grant,
            },
        ..
    } = s.order().await
    else {
        panic!("a hold was due");
    };
    assert_eq!((hold, until), (row.hold, row.until));
    assert_eq!((t0, t1), (s.start.plus_ms(2_000), s.start.plus_ms(8_000)));
    assert_eq!(
        (r#box.as_str(), cam.as_str(), grant.as_str()),
        ("ashby", "c01", "H-000001")
    );
    s.says(placed(number, until)).await;
    s.says(placed(number, until)).await;
    let row = s.until(hold, |r| r.state == "placed").await;
    assert_eq!((row.segments, row.bytes), (Some(1), Some(1000)));
    assert_eq!(row.reason.as_deref(), Some("Robbery"));
    assert_eq!(row.review, s.desk().config.zone.day_of(until), "always one");

    // Footage the hub has no line of yet: the box knows.
    let newest = HoldRequest {
        t0: s.start.plus_ms(31_000),
        t1: s.start.plus_ms(33_000),
        ..s.wanted()
    };
    let unknown = s.add(newest, &pat).await.expect("the box says").hold;
    let number = s.order().await.order;
    let why = "this box holds no footage of c01";
    s.says(says_refused(number, Code::NothingRecorded, why))
        .await;
    s.until(unknown, |r| r.state == "refused").await;

    // Longer; what the box does not take is undone.
    let later = until.plus_ms(20 * DAY_MS);
    let extend = |until: Utc, who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::extend(d, hold, until, None, "Trial adjourned", &who)
    };
    let no = s.act(extend(until, &pat)).await.expect_err("no longer");
    assert!(no.to_string().contains("already"), "{no}");
    let no = s
        .act(extend(until.plus_ms(500 * DAY_MS), &pat))
        .await
        .expect_err("too long");
    assert!(no.to_string().contains("400 days"), "{no}");
    s.act(extend(later, &pat)).await.expect("extended");
    assert_eq!(s.places().await, (hold, later));
    s.until(hold, |r| r.state == "placed" && r.days_left == Some(29))
        .await;
    let last = later.plus_ms(DAY_MS);
    s.act(extend(last, &pat)).await.expect("extended");
    let Order {
        order: number,
        act: Act::HoldSet { until: asked, .. },
        ..
    } = s.order().await
    else {
        panic!("an extension was due");
    };
    assert_eq!(asked, last);
    s.says(says_refused(number, Code::Late, "the disk is going"))
        .await;
    let row = s.until(hold, |r| r.until == later).await;
    assert_eq!(row.state, "placed");
    assert!(row.why.contains("not extended: the disk"), "{}", row.why);

    // Before its time it ends by two people.
    let release = |who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::release(d, hold, "Not needed", &who)
    };
    let approve = |who: &Permit| {
        let who = who.clone();
        move |d: &Hub| acts::approve(d, hold, &who)
    };
    let no = s.act(approve(&lee)).await.expect_err("nobody asked");
    assert!(no.to_string().contains("nobody asked"), "{no}");
    s.act(release(&kim)).await.expect("asked for");
    let no = s.act(approve(&kim)).await.expect_err("one person");
    assert!(no.to_string().contains("a second person"), "{no}");
    let no = s.act(release(&lee)).await.expect_err("asked already");
    assert!(no.to_string().contains("approve it"), "{no}");
    assert_eq!(s.row(hold).await.state, "placed");
    s.act(approve(&lee)).await.expect("released");
    let Order {
        order: number,
        by,
        act: Act::HoldClear { why, .. },
        ..
    } = s.order().await
    else {
        panic!("the end of a hold was due");
    };
    assert_eq!(why, "order");
    assert_eq!(by, [kim.op(), lee.op()]);
    s.says(says_done(number, Done::Cleared)).await;
    let row = s.until(hold, |r| r.state == "over").await;
    assert_eq!(
        (row.ended.as_deref(), row.freed),
        (Some("order"), by.clone())
    );
    let no = s.act(approve(&lee)).await.expect_err("twice");
    assert!(no.to_string().contains("is over"), "{no}");

    assert_eq!(
        s.kinds(),
        [
            "hold.ask",
            "hold.ask",
            "order.fail",
            "hold.extend",
            "hold.extend",
            "order.fail",
            "hold.drop",
            "hold.free"
        ]
    );
    let (ask, fail) = (&s.lines()[0], &s.lines()[5]);
    assert_eq!(ask.who, pat.op());
    assert_eq!(
        fail.data.get("order").and_then(|v| v.as_int()),
        i64::try_from(s.lines()[4].n).ok(),
        "names the line it is about"
    );
    assert_eq!(fail.data.get("code").and_then(|v| v.as_str()), Some("late"));
    let text =
        std::fs::read_to_string(s.desk().log.folder().join("0000000000.jsonl")).expect("own log");
    for secret in ["Robbery", "PACE", "CR/77", "Trial", "Not needed"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

/// RET-3, RET-6: a hold for a box that is offline waits, with the date its footage is due, and is a fault before that; it is sent when the
/// box is back, and again when the line breaks before the answer; what no box heard of is simply void.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_for_a_box_that_is_offline() {
    let mut s = Scene::new().await;
    let (kim, lee) = (
        s.account("kim", "supervisor").await,
        s.account("lee", "coordinator").await,
    );
    s.leaves().await;
    let row = s.add(s.wanted(), &kim).await.expect("held");
    assert_eq!((row.state.as_str(), row.online), ("pending", false));
    let due = row.due.expect("a date");
    assert_eq!(
        due,
        goes(row.t0, 31, &s.desk().config.zone),
        "by what the box said of itself"
    );
    // A camera with days of its own.
    let name = BoxName::parse("ashby").expect("name");
    let says = async |days: Option<u32>| {
        let mut said = hello("ashby");
        if let Open::Control { cameras, .. } = &mut said {
            cameras[0].retention_days = days;
        }
        let said = Hello::of(&said).expect("a hello").expect("good");
        let name = name.clone();
        let written = s.act(move |d| {
            let done = d.db.box_hello(&name, &said, d.now());
            done.map_err(crate::error::plain)
        });
        written.await.expect("written");
        s.row(row.hold).await.due
    };
    let sooner = goes(row.t0, 28, &s.desk().config.zone);
    assert_eq!(says(Some(28)).await, Some(sooner));
    assert_eq!(says(None).await, Some(due));

    let found = async |now: Utc| {
        let desk = s.desk().clone();
        blocking(move || faults(&desk, now))
            .await
            .expect("runs")
            .expect("faults")
    };
    // Ten days are less than the box's 31: this one's review comes first. One for 40 days waits with the footage.
    let wanted = HoldRequest {
        days: Some(40),
        ..s.wanted()
    };
    let long = s.add(wanted, &kim).await.expect("held");
    let early = found(due.plus_ms(-3 * DAY_MS - 1)).await;
    assert!(
        early.iter().all(|(_, f)| f.code != "hold.pending"),
        "{early:?}"
    );
    let late = found(due.plus_ms(-3 * DAY_MS)).await;
    let (name, fault) = late
        .iter()
        .find(|(_, f)| f.code == "hold.pending")
        .expect("a fault");
    assert_eq!(
        (name.as_str(), fault.cam.as_ref().map(CameraId::as_str)),
        ("ashby", Some("c01"))
    );
    assert!(
        fault.text.contains("H-000001") && fault.text.contains("H-000002"),
        "{}",
        fault.text
    );

    // On the record once when it begins and once when it ends.
    let look = async |now: Utc| {
        s.act(move |d| watch::look(d, now)).await.expect("looked");
        let fault = |r: &&Record| r.kind.starts_with("fault.");
        let all = s.all_lines();
        let all: Vec<_> = all
            .iter()
            .filter(fault)
            .map(|r| {
                let text = |key: &str| r.data.get(key).and_then(|v| v.as_str().map(str::to_owned));
                assert_eq!(
                    text("log").as_deref(),
                    Some("cctv.example.gov.uk/box/ashby/1")
                );
                (r.kind.clone(), text("code").expect("code"))
            })
            .filter(|(_, code)| code == "hold.pending")
            .map(|(kind, _)| kind)
            .collect();
        all
    };
    let (soon, before) = (due.plus_ms(-DAY_MS), due.plus_ms(-4 * DAY_MS));
    assert!(look(before).await.is_empty());
    assert_eq!(look(soon).await, ["fault.on"]);
    assert_eq!(look(soon.plus_ms(60_000)).await, ["fault.on"], "once");
    assert_eq!(look(before).await, ["fault.on", "fault.off"]);

    // Released before the box heard of it: nothing is sent.
    let (id, k, l) = (long.hold, kim.clone(), lee.clone());
    s.act(move |d| acts::release(d, id, "Mistake", &k))
        .await
        .expect("asked for");
    let over = s
        .act(move |d| acts::approve(d, id, &l))
        .await
        .expect("released");
    assert_eq!(
        (over.state.as_str(), over.ended.as_deref()),
        ("over", Some("void"))
    );

    s.comes().await;
    let first = s.order().await;
    s.leaves().await;
    assert_eq!(s.row(row.hold).await.state, "pending");
    s.comes().await;
    assert_eq!(s.order().await, first, "the same again");
    s.says(placed(first.order + 77, Utc(1))).await;
    s.says(placed(first.order, row.until)).await;
    let row = s.until(row.hold, |r| r.state == "placed").await;
    assert_eq!(row.due, None);
    s.leaves().await;
    s.comes().await;
    // Nothing more is outstanding: the next order is that of the next hold.
    let next = s.add(s.wanted(), &kim).await.expect("held");
    assert_eq!(s.places().await.0, next.hold);
    assert_eq!(
        s.kinds(),
        ["hold.ask", "hold.ask", "hold.drop", "hold.free", "hold.ask"]
    );
}

/// RET-6: a box whose space for holds is full refuses one, and it is said; a clip of that footage is pulled at once all the same.
/// Trouble of the box's own is not a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_room_for_a_hold() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let full = "2 GB are needed, and 1 GB of the 20 GB for holds is left";
    let row = s.add(s.wanted(), &kim).await.expect("held");
    let number = s.order().await.order;
    s.says(says_refused(
        number,
        Code::Reader,
        "its reader does not answer",
    ))
    .await;
    let row = s.until(row.hold, |r| r.why.contains("reader")).await;
    assert_eq!(row.state, "pending");
    // What passes is tried again, on a new connection at once.
    s.leaves().await;
    s.comes().await;
    let again = s.order().await.order;
    assert_eq!(again, number);
    s.says(says_refused(number, Code::NoRoom, full)).await;
    let row = s.until(row.hold, |r| r.state == "refused").await;
    assert!(row.full && row.why == full, "{row:?}");
    let id = row.hold;
    let no = s
        .act(move |d| acts::release(d, id, "x", &kim))
        .await
        .expect_err("keeps nothing");
    assert!(no.to_string().contains("keeps nothing"), "{no}");

    let not_held = |r: &PullReason| matches!(r, PullReason::NotHeld { .. });
    let mut news = s.desk().pulls.listen();
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(2_000),
        t1: s.start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let exhibit = s
        .act(move |d| submit::submit(d, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect("granted");
    let Order {
        order: number,
        act: Act::HoldSet { .. },
        ..
    } = s.order().await
    else {
        panic!("a hold comes first");
    };
    s.says(says_refused(number, Code::NoRoom, full)).await;
    let Order {
        order: number,
        act: Act::Pull { r#ref, .. },
        ..
    } = s.order().await
    else {
        panic!("a pull was due");
    };
    assert_eq!(r#ref, exhibit);
    let said = async {
        loop {
            let p = news.recv().await.expect("news");
            if p.why.iter().any(not_held) {
                return p;
            }
        }
    };
    let p = tokio::time::timeout(SOON, said).await.expect("said");
    let said = words::pulls(&p.why, &Zone::utc());
    assert!(
        said.contains("no room left") && said.contains(full),
        "{said}"
    );
    s.says(says_refused(
        number,
        Code::NotOnDisk,
        "the footage was lost",
    ))
    .await;
    let over = async {
        loop {
            let p = news.recv().await.expect("news");
            if p.state == State::Failed {
                return p.why;
            }
        }
    };
    let why = tokio::time::timeout(SOON, over).await.expect("over");
    let lost = matches!(&why[0], PullReason::BoxRefused { refusal, .. } if refusal.code == Code::NotOnDisk);
    assert!(lost && why.iter().any(not_held), "{why:?}");
    assert_eq!(
        s.kinds(),
        ["hold.ask", "order.fail", "hold.ask", "order.fail"]
    );
}

/// RET-6: a box that knows nothing of holds keeps a clip waiting for seconds only. While a request is open its hold is not let go; when
/// the clip failed nothing is held for it any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_knows_no_holds() {
    let mut s = Scene::new().await;
    let kim = s.account("kim", "supervisor").await;
    let asked = PullRequest {
        camera: camera(),
        t0: s.start.plus_ms(2_000),
        t1: s.start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    for silent in [true, false] {
        let a = asked.clone();
        let mut news = s.desk().pulls.listen();
        let exhibit = s
            .act(move |d| submit::submit(d, &a, &Permit::of_test(1, "pat")))
            .await
            .expect("granted");
        let Order {
            order: number,
            act: Act::HoldSet { hold, until, .. },
            ..
        } = s.order().await
        else {
            panic!("a hold comes first");
        };
        if !silent {
            s.says(placed(number, until)).await;
        }
        let Order {
            order: number,
            act: Act::Pull { .. },
            ..
        } = s.order().await
        else {
            panic!("a pull was due");
        };
        let k = kim.clone();
        let no = s
            .act(move |d| acts::release(d, hold, "Not needed", &k))
            .await
            .expect_err("it is open");
        assert!(no.to_string().contains("still being pulled"), "{no}");
        s.says(says_refused(number, Code::NotOnDisk, "its key is gone"))
            .await;
        let over = async {
            loop {
                let p = news.recv().await.expect("news");
                if p.r#ref == exhibit.as_str() && p.state == State::Failed {
                    return p.why;
                }
            }
        };
        let why = tokio::time::timeout(SOON, over).await.expect("over");
        let refused = |r: &PullReason| matches!(r, PullReason::BoxRefused { .. });
        assert!(why.iter().any(refused), "{why:?}");
        // The box may know of it, answered or not: it is told that it is over.
        let Order {
            order: number,
            act: Act::HoldClear { hold: freed, why },
            ..
        } = s.order().await
        else {
            panic!("the end of its hold was due");
        };
        assert_eq!((freed, why.as_str()), (hold, "unused"));
        s.says(says_done(number, Done::Cleared)).await;
        s.until(hold, |r| r.state == "over").await;
    }
}
