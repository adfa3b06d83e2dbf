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

mod crashes;
mod deletion;
mod hold_periods;
mod spot;
mod zones;

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
