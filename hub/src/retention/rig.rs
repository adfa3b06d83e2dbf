//! Wiring. For tests of retention: a hub with its clock in the test's hands, and a box whose log is written day by day.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    id::{BoxName, CameraId},
    schema::message::Hello,
    testing::LogBuilder,
    time::{Day, Utc, Zone},
    types::{DelDone, DelRange, SegGap, SegWrite},
    wire::CameraInfo,
};
use tempfile::TempDir;

pub use crate::hub::testing::SCHEME;
use crate::hub::{
    Hub,
    testing::{self, Hands},
};

pub const ORIGIN: &str = "cctv.example.gov.uk/box/ashby/1";

pub fn day(t: &str) -> Day {
    Day::parse(t).expect("day")
}

pub fn utc(t: &str) -> Utc {
    Utc::parse(t).expect("time")
}

pub fn cam(t: &str) -> CameraId {
    CameraId::parse(t).expect("camera")
}

pub fn london() -> Zone {
    Zone::parse("Europe/London").expect("zone")
}

pub fn ashby() -> BoxName {
    BoxName::parse("ashby").expect("name")
}

/// The hub `ashby` reports to, and that box's log.
pub struct Rig {
    pub dir: TempDir,
    pub hands: Arc<Hands>,
    pub hub: Arc<Hub>,
    pub log: LogBuilder,
    s: u64,
    /// Where each camera's recordings end.
    ends: BTreeMap<String, Utc>,
}

impl Rig {
    /// Both begin at this time.
    pub fn new(at: &str) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let hands = Hands::at(utc(at));
        let hub = Arc::new(testing::open(dir.path(), hands.clone()));
        hub.db
            .register_box(&ashby(), "hash", utc(at).plus_ms(86_400_000), utc(at))
            .expect("registered");
        Self {
            dir,
            hands,
            hub,
            log: LogBuilder::new_at(ORIGIN, utc(at)),
            s: 0,
            ends: BTreeMap::new(),
        }
    }

    /// What the box says of itself: cameras, each with the days its footage is kept.
    pub fn hello(&self, cameras: &[(&str, Option<u32>)], days: u32) {
        let hello = Hello {
            sw: "test".into(),
            cameras: cameras
                .iter()
                .map(|(c, days)| CameraInfo {
                    cam: cam(c),
                    title: format!("Street {c}"),
                    masked: false,
                    lapse_secs: None,
                    retention_days: *days,
                })
                .collect(),
            retention_days: days,
            zone: "Europe/London".into(),
        };
        self.hub
            .db
            .box_hello(&ashby(), &hello, self.hub.now())
            .expect("noted");
    }

    /// Both clocks go on to this time.
    pub fn to(&mut self, t: Utc) {
        self.box_to(t);
        self.hub_to(t);
    }

    /// The box's log goes on, as its next line will say: it was off meanwhile.
    pub fn box_to(&mut self, t: Utc) {
        let ms = u64::try_from(t.0 - self.log.t.0).expect("time goes on") - 1000;
        match ms.checked_sub(1000).filter(|ms| *ms > 50_000) {
            Some(off) => {
                self.log.pass(off);
                self.log.restart();
            }
            None => {
                self.log.pass(ms);
            }
        }
    }

    pub fn hub_to(&self, t: Utc) {
        self.hands.to(t);
    }

    /// A segment of a minute that ends now, sealed to this key.
    pub fn segment_of(&mut self, c: &str, key: &str, bytes: u64) -> u64 {
        self.s += 1;
        let t1 = self.log.t.plus_ms(1000);
        let (mut t0, before) = (t1.plus_ms(-60_000), self.ends.insert(c.into(), t1));
        match before {
            Some(end) if end < t0 => {
                let gap = SegGap {
                    cam: cam(c),
                    next: self.s,
                    t0: end,
                    t1: t0,
                    why: "restart".into(),
                    packets: 0,
                };
                self.log.add("sys:rec", &gap);
            }
            Some(end) => t0 = end,
            None => {}
        }
        let line = SegWrite {
            cam: cam(c),
            s: self.s,
            t0,
            t1,
            size: bytes,
            sha256: shared::record::hex(&[7; 32]),
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
            key: key.into(),
            offset_ms: None,
            rate: None,
        };
        self.log.add("sys:rec", &line);
        self.s
    }

    /// The same at noon of a local day, which both clocks reach first.
    pub fn noon(&mut self, c: &str, d: Day, bytes: u64) -> u64 {
        let at = london().at(d, 12, 0);
        if at.0 > self.log.t.0 + 1000 {
            self.box_to(at);
        }
        let key = format!("{c}/{d}");
        self.segment_of(c, &key, bytes)
    }

    pub fn range(&mut self, c: &str, d: Day, key: &str, (s0, s1): (u64, u64), rule: &str) -> u64 {
        let t0 = london().at(d, 11, 59);
        let line = DelRange {
            cam: cam(c),
            day: d,
            s0,
            s1,
            t0,
            t1: t0.plus_ms(60_000),
            count: s1 - s0 + 1,
            set: shared::record::hex(&[9; 32]),
            rule: rule.into(),
            key: key.into(),
        };
        self.log.add("sys:ret", &line)
    }

    pub fn done(&mut self, c: &str, d: Day, n: u64, oldest: Option<Utc>, good: bool) {
        let line = DelDone {
            cam: cam(c),
            day: d,
            n,
            oldest,
            undecryptable: good,
            claim: "file".into(),
            held: None,
        };
        self.log.add("sys:ret", &line);
    }

    /// A camera-day of one segment goes now, as it should.
    pub fn deleted(&mut self, c: &str, d: Day, s: u64, rule: &str, oldest: Option<Utc>) {
        let n = self.range(c, d, &format!("{c}/{d}"), (s, s), rule);
        self.done(c, d, n, oldest, true);
    }

    /// What the box has written comes to the hub.
    pub fn send(&self) {
        let (stream, have) = self.hub.logs.begin(&ashby(), 1, None).expect("begins");
        let lines: Vec<u8> = self.log.lines[have.size as usize..].concat();
        if !lines.is_empty() {
            stream.lines(&lines).expect("lines");
        }
        stream
            .head_indexed(self.log.head().render().as_bytes())
            .expect("countersigned");
    }

    /// The same hub after a restart.
    pub fn restart(&mut self) {
        self.hub.log.close("test").expect("closed");
        self.hub = Arc::new(testing::open(self.dir.path(), self.hands.clone()));
    }

    /// `fault.on` and `fault.off` lines of a code in the hub's own log.
    pub fn faults(&self, code: &str) -> (usize, usize) {
        let folder = self.hub.log.folder();
        let text = std::fs::read_to_string(folder.join("0000000000.jsonl")).expect("own log");
        let count = |kind: &str| {
            text.lines()
                .filter(|l| l.contains(kind) && l.contains(&format!("\"code\":\"{code}\"")))
                .count()
        };
        (count("\"fault.on\""), count("\"fault.off\""))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.hub.log.close("test");
    }
}
