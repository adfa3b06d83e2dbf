//! Wiring. Tests of holds over real QUIC on loopback, against a pretended box.

mod days;
mod offline;
mod orders;
mod people;
mod refused;

use logbook::LogFolder;
use shared::{
    id::HoldId,
    promise,
    record::Record,
    types::{DelRange, HoldClear, HoldSet, SegWrite},
};

use super::*;
use crate::{
    access::authorise::Permit,
    error::HubError,
    holds::{
        acts::{self, HoldRequest},
        rows::HoldRow,
        shown::{self, faults},
        watch,
    },
    model::hold::{Event, State as Stands},
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

    /// The last line of this kind, of an order that came to nothing: the order's number and the code.
    fn failure(&self, kind: &str) -> (u64, String) {
        let line = self.all_lines().into_iter().rfind(|r| r.kind == kind);
        let data = line.expect("a line").data;
        let order = data.get("order").and_then(|n| n.as_u64());
        let code = data.get("code").and_then(|c| c.as_str());
        (order.expect("order"), code.expect("code").to_owned())
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
