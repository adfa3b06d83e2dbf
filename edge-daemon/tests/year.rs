//! Task. RET-1, RET-2, RET-3, RET-4: a year of nights in minutes. Real log, real reader, real files, the product's own sweeper; only
//! the clock is told the time. `BEADLE_DAYS` says how many days are recorded (default 12, `make soak` 365).
//!
//! Eight cameras record each day. The nights are as bad as they come: the box is off for one to three days, its clock is in doubt for
//! hours, its reader dies in the middle of a deletion, the daemon is killed and begins anew; holds come and go. A model that only counts
//! days and nights says when each camera-day is to go; the log must say the same, and a walk over the disk, and the keys.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use beadle_edge::{
    clock::{Kernel, Trust},
    health::Faults,
    identity::{BoxKey, HubFacts},
    reader::{Basis, Client, Recipients, Server, Source, Terms, root},
    retention::{
        holds::{Asked, Deps, Holds},
        policy::{self, Rules},
        sweeper::{Confirmed, Sweeper},
    },
    state::State,
    store::{Volumes, volume},
};
use footage::mp4;
use logbook::{LogFolder, LogHandle, Settings};
use ring::signature::{Ed25519KeyPair, KeyPair};
use shared::{
    id::{BoxName, CameraId, HoldId},
    note::{ALG_ED25519, Vkey},
    order::{Act, ORDER_PREFIX, Order},
    record::{Record, Value, hex, sha256},
    segment::SegmentName,
    time::{Clock, Day, Now, Utc, Zone},
    types::{SegGap, SegWrite},
};

const CAMERAS: usize = 8;
const KEEP: u32 = 31;
/// Segments of a camera in a day: the year is long enough without sixty an hour.
const SEGMENTS: i64 = 4;
const HOUR: i64 = 3_600_000;

struct Told(Mutex<Now>);

impl Told {
    fn set(&self, wall: Utc) {
        let mut now = self.0.lock().expect("clock");
        now.mono += u64::try_from((wall.0 - now.wall.0).max(0)).expect("forward");
        now.wall = wall;
    }
}

impl Clock for Told {
    fn now(&self) -> Now {
        *self.0.lock().expect("clock")
    }
}

/// xorshift: the same nights each time.
struct Dice(u64);

impl Dice {
    fn one_in(&mut self, n: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(n)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.one_in(1);
        self.0 % n
    }
}

fn vouched() -> Kernel {
    Kernel {
        synced: true,
        offset_us: 0,
        err_us: 1000,
    }
}

fn settings() -> Settings {
    Settings {
        base: "cctv.example.gov.uk/box/ashby".into(),
        site: "Ashby".into(),
        hw: "test".into(),
        sw: "test".into(),
        key_life: Duration::from_secs(3600),
        acks: true,
        resume: true,
    }
}

/// A second of one picture, so that the reader finds when it is of.
fn segment(start: Utc, s: u64) -> Vec<u8> {
    let sps = [
        0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
        0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48,
    ];
    let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
    let head = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 25];
    let parameters = mp4::Parameters {
        codec: mp4::Codec::H264,
        width: 640,
        height: 360,
        config: [&head[..], &sps, &[1, 0, 5], &pps].concat(),
        sound: None,
    };
    let mut out = mp4::init(&parameters).expect("init");
    let picture = mp4::Frame {
        dts: 0,
        cts: 0,
        duration: 90_000,
        key: true,
        bytes: [&8u32.to_be_bytes()[..], &s.to_be_bytes()].concat().into(),
    };
    mp4::fragment(1, start, &[picture], &[], &mut out).expect("fragment");
    out
}

/// One start of the daemon, as far as it deletes.
struct Run {
    log: LogHandle,
    holds: Holds,
    sweeper: Sweeper,
}

struct World {
    home: PathBuf,
    state: State,
    zone: Zone,
    clock: Arc<Told>,
    volume: PathBuf,
    volumes: Volumes,
    client: Client,
    recipients: Recipients,
    cams: Vec<CameraId>,
    numbers: Vec<u64>,
    /// Where the last day's footage ended.
    last: Option<Utc>,
}

impl World {
    fn rules(&self) -> Rules {
        Rules {
            configured: self.cams.iter().map(|c| (c.clone(), KEEP)).collect(),
            recorded: BTreeMap::new(),
            scheme: KEEP,
        }
    }

    fn start(&self, client: &Client) -> Run {
        let (log, _) = LogHandle::open(&self.state.recorder(), settings(), self.clock.clone())
            .expect("log opens");
        let (faults, trust) = (
            Faults::new(log.clone(), self.clock.clone()),
            Trust::with_kernel(vouched),
        );
        let lent = Deps {
            volumes: self.volumes.clone(),
            log: log.clone(),
            index: self.state.index(),
            orders: self.state.orders(),
            client: client.clone(),
            clock: self.clock.clone(),
            trust: trust.clone(),
            faults: faults.clone(),
        };
        let holds = Holds::with(self.zone.clone(), self.rules(), Some(64 << 20), lent);
        let sweeper = Sweeper {
            zone: self.zone.clone(),
            rules: self.rules(),
            volumes: self.volumes.clone(),
            log: log.clone(),
            index: self.state.index(),
            client: client.clone(),
            clock: self.clock.clone(),
            trust,
            faults,
            holds: holds.clone(),
            confirmed: Confirmed::default(),
            swept: Vec::new(),
        };
        Run {
            log,
            holds,
            sweeper,
        }
    }

    /// A day of footage of every camera.
    fn record(&mut self, log: &LogHandle, day: Day) {
        self.client
            .recipients(&self.cams, day, 36, &self.recipients)
            .expect("recipients");
        let noon = self.zone.at(day, 12, 0);
        for part in 0..SEGMENTS {
            for c in 0..CAMERAS {
                let cam = &self.cams[c];
                self.numbers[c] += 1;
                if let Some(before) = self.last.filter(|_| part == 0) {
                    let gap = SegGap {
                        cam: cam.clone(),
                        next: self.numbers[c],
                        t0: before,
                        t1: noon,
                        why: "start".into(),
                        packets: 0,
                    };
                    log.append_soon("sys:rec", &gap).expect("logged");
                }
                let (s, start) = (self.numbers[c], noon.plus_ms(part * 60_000));
                let (key, recipient) = self
                    .recipients
                    .seal_to(cam, day, 1, true)
                    .expect("recipient");
                let bytes = segment(start, s);
                let name = SegmentName {
                    day,
                    cam: cam.clone(),
                    start,
                    s,
                };
                let path = self.volume.join(name.closed_path());
                fs::create_dir_all(path.parent().expect("folder")).expect("folder");
                let sealed = footage::sealed::seal(&recipient, &bytes).expect("sealed");
                fs::write(&path, sealed).expect("written");
                let line = SegWrite {
                    cam: cam.clone(),
                    s,
                    t0: start,
                    t1: start.plus_ms(60_000),
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
                    key: key.to_string(),
                    offset_ms: None,
                    rate: None,
                };
                log.append_soon("sys:rec", &line).expect("logged");
                if c == 0 && part == 0 {
                    fs::copy(&path, self.volume.join(format!("copy-{day}.age"))).expect("copied");
                }
            }
        }
        self.last = Some(noon.plus_ms(SEGMENTS * 60_000));
    }
}

fn signer() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("seed")
}

/// As enrolment leaves it.
fn pin(state: &State, name: &BoxName) {
    let key: [u8; 32] = signer().public_key().as_ref().try_into().expect("32 bytes");
    let vkey = Vkey::new("cctv.example.gov.uk/hub/order-2026", ALG_ED25519, key).to_string();
    let facts = HubFacts {
        hub: "hub.example:7443".into(),
        scheme: "cctv.example.gov.uk".into(),
        r#box: name.clone(),
        cosign: vkey.clone(),
        order: vkey,
        lookup: "beadle.example:7443".into(),
        ca: String::new(),
        cert: String::new(),
    };
    fs::create_dir_all(state.hub()).expect("folder");
    let text = serde_json::to_string(&facts).expect("json");
    fs::write(state.hub().join("hub.json"), text).expect("written");
}

/// The hub's order of a hold, to the reader.
fn order(client: &Client, asked: &Asked) {
    let order = Order {
        order: asked.hold.0,
        made: asked.t1,
        r#box: BoxName::parse("ashby").expect("name"),
        by: vec!["op:0001".into()],
        act: Act::HoldSet {
            hold: asked.hold,
            cam: asked.cam.clone(),
            t0: asked.t0,
            t1: asked.t1,
            until: asked.until,
            grant: asked.grant.clone(),
        },
    };
    let text = serde_json::to_string(&order).expect("json");
    let sig = signer().sign([ORDER_PREFIX, &text].concat().as_bytes());
    client
        .order(&text, &STANDARD.encode(sig.as_ref()))
        .expect("noted");
}

fn world(first: Day) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().to_owned();
    let (state, zone) = (
        State::new(&home),
        Zone::parse("Europe/London").expect("zone"),
    );
    state.for_recorder().expect("folders");
    let clock = Arc::new(Told(Mutex::new(Now {
        wall: zone.at(first, 6, 0),
        mono: 5_000,
    })));
    let name = BoxName::parse("ashby").expect("name");
    let wish = root::Wish {
        root: root::Asked::File,
        ..Default::default()
    };
    let volume = home.join("volume");
    let terms = Terms {
        name: name.clone(),
        zone: zone.clone(),
        zone_name: "Europe/London".into(),
        cameras: (1..=CAMERAS)
            .map(|n| (CameraId::parse(&format!("c{n:02}")).expect("camera"), KEEP))
            .collect(),
        days: KEEP,
        volumes: vec![volume.clone()],
        hold_days: 400,
        pull_hours: 100,
        segment_secs: 60,
    };
    let basis = Basis {
        source: Source::Given(Arc::new(Mutex::new(Arc::new(terms)))),
        clock: clock.clone(),
        kernel: vouched,
        wish,
    };
    pin(&state, &name);
    let server = Server::bind(&state, basis).expect("reader");
    std::thread::spawn(move || server.run());
    let key = BoxKey::open_or_make(&state.identity()).expect("key");
    volume::label(&volume, &name, Utc(0), true, |b| key.sign(b)).expect("label");
    let (volumes, problems) = Volumes::open(std::slice::from_ref(&volume), &name, key.public());
    assert!(problems.is_empty(), "{problems:?}");
    let world = World {
        client: Client::new(&state.reader_socket()),
        recipients: Recipients::load(&state),
        cams: (1..=CAMERAS)
            .map(|n| CameraId::parse(&format!("c{n:02}")).expect("camera"))
            .collect(),
        numbers: vec![0; CAMERAS],
        last: None,
        home,
        state,
        zone,
        clock,
        volume,
        volumes,
    };
    (world, folder)
}

#[test]
fn every_day_goes_on_its_day() {
    let days: i32 = std::env::var("BEADLE_DAYS").map_or(12, |d| d.parse().expect("days"));
    // The clocks change on the day before the sixth is due, and in a year once more.
    let first = Day::parse("2026-09-20").expect("day");
    let (mut w, _folder) = world(first);
    let absent = Client::new(&w.state.run_reader().join("nobody.sock"));
    let mut dice = Dice(20_261_122);
    // The model: days on disk and when each went, by counting.
    let mut there: BTreeSet<i32> = BTreeSet::new();
    let mut went: BTreeMap<i32, Utc> = BTreeMap::new();
    let (mut held, mut off) = (BTreeMap::new(), 0);
    let mut bad = [0u32; 4];
    let mut run = w.start(&w.client);
    // Days that were recorded, and days since the last of them: long enough for the last hold to end.
    let (mut recorded, mut quiet) = (0, 0);
    for today in 0.. {
        let day = first.plus_days(today);
        let ending = recorded >= days;
        quiet += i32::from(ending);
        if quiet > 64 {
            break;
        }
        // The last nights are calm, so that all that waits is made up for.
        let calm = quiet > 45;
        if off > 0 {
            off -= 1;
            continue;
        }
        // Doubt ends in the morning; what a sweep left waiting has another one half a day later.
        let mut at = w.zone.at(day, 0, 5);
        if !calm && dice.one_in(7) {
            at = at.plus_ms(7 * HOUR);
            bad[0] += 1;
        }
        if !calm && dice.one_in(11) {
            run.log.close("stop").expect("closed");
            run = w.start(&w.client);
            bad[1] += 1;
        }
        loop {
            w.clock.set(at);
            if dice.one_in(9) && there.first().is_some_and(|d| due(*d, today)) {
                // The line is written, then nobody answers; the daemon is killed.
                run.log.close("kill").expect("closed");
                let mut cut = w.start(&absent);
                cut.sweeper.sweep(at).expect_err("no reader");
                cut.log.close("kill").expect("closed");
                run = w.start(&w.client);
                bad[2] += 1;
            }
            let swept = run.sweeper.sweep(at).expect("swept");
            run.sweeper.swept.clear();
            let next = policy::next_sweep(at, &w.zone, !swept.waiting.is_empty());
            if let Some(oldest) = there.first().copied().filter(|d| due(*d, today)) {
                there.remove(&oldest);
                went.insert(oldest, at);
            }
            if swept.waiting.is_empty() || w.zone.day_of(next) != day {
                break;
            }
            at = next;
        }
        w.clock.set(w.clock.now().wall.max(w.zone.at(day, 13, 0)));
        if !ending {
            w.record(&run.log, day);
            recorded += 1;
            there.insert(today);
            if dice.one_in(9) {
                let n = held.len() as u64 + 1;
                let noon = w.zone.at(day, 12, 0);
                let asked = Asked {
                    hold: HoldId(n),
                    cam: w.cams[dice.below(8) as usize].clone(),
                    t0: noon.plus_ms(70_000),
                    t1: noon.plus_ms(130_000),
                    until: noon
                        .plus_ms((20 + i64::try_from(dice.below(40)).expect("small")) * 24 * HOUR),
                    grant: "G-000001".into(),
                };
                order(&w.client, &asked);
                let placed = run.holds.place(&asked, || {}).expect("held");
                assert_eq!(placed.segments, 2);
                held.insert(n, asked);
            }
        }
        if !calm && dice.one_in(13) {
            off = i32::try_from(1 + dice.below(3)).expect("small");
            bad[3] += 1;
        }
        let mut settled = BTreeSet::new();
        let failed = run.holds.look(&mut settled).expect("looked").failed;
        assert!(failed.is_empty(), "{failed:?}");
        for asked in held.values() {
            let folder = w.volume.join(format!("held/{}", asked.hold));
            assert_eq!(
                folder.exists(),
                asked.until > w.clock.now().wall,
                "{asked:?} at {}",
                w.clock.now().wall
            );
        }
    }
    assert_eq!(
        went.len(),
        usize::try_from(days).expect("small"),
        "every day"
    );
    check(&w, &run, first, &went, held.len());
    println!(
        "{} camera-days deleted on {} days, each on its own; nights with a clock in doubt {}, restarts {}, interrupted deletions {}, box off {}; {} holds",
        went.len() * CAMERAS,
        went.len(),
        bad[0],
        bad[1],
        bad[2],
        bad[3],
        held.len()
    );
}

/// Footage of that day goes at five past midnight of this one, or has been waiting since.
fn due(day: i32, today: i32) -> bool {
    day + i32::try_from(KEEP).expect("small") < today
}

fn text<'a>(r: &'a Record, key: &str) -> &'a str {
    r.data.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The log, the disk and the keys all say what the model says.
fn check(w: &World, run: &Run, first: Day, went: &BTreeMap<i32, Utc>, held: usize) {
    run.log.close("stop").expect("closed");
    let (mut done, mut cleared) = (BTreeMap::new(), 0);
    let mut checker = shared::check::Checker::new(None);
    let mut findings = Vec::new();
    let bytes = LogFolder::new(&run.log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("log is read");
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        checker.line(line, &mut findings);
        let r = Record::parse(line).expect("a record");
        match r.kind.as_str() {
            "del.done" => {
                let key = (text(&r, "cam").to_owned(), text(&r, "day").to_owned());
                assert!(
                    matches!(r.data.get("undecryptable"), Some(Value::Bool(true))),
                    "{r:?}"
                );
                assert!(done.insert(key, r.t).is_none(), "twice: {r:?}");
            }
            "hold.done" => cleared += 1,
            _ => {}
        }
    }
    findings.retain(|f| !shared::check::is_note(f.code) && f.code != "SILENCE");
    assert!(
        findings.is_empty(),
        "{:?}",
        &findings[..findings.len().min(5)]
    );
    let (mut early, mut late) = (0, 0);
    for (day, at) in went {
        let day = first.plus_days(*day);
        for cam in &w.cams {
            let key = (cam.to_string(), day.to_string());
            let t = done
                .get(&key)
                .unwrap_or_else(|| panic!("no certificate of {cam} on {day}"));
            early += i32::from(*t < *at);
            late += i32::from(t.0 > at.0 + 15 * 60_000);
        }
    }
    let orphans = files(&w.volume.join("footage")) + files(&w.volume.join("held"));
    assert_eq!(
        (done.len(), early, late, orphans),
        (went.len() * CAMERAS, 0, 0, 0),
        "certificates, early, late, left on disk"
    );
    assert_eq!(cleared, held, "every hold ended");
    for copy in fs::read_dir(&w.home).expect("home") {
        let copy = copy.expect("entry").path();
        if copy.extension().is_some_and(|e| e == "age") {
            assert!(w.client.undecryptable(&copy).expect("tried"), "{copy:?}");
        }
    }
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|e| {
            if e.path().is_dir() {
                files(&e.path())
            } else {
                1
            }
        })
        .sum()
}
