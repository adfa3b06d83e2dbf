//! Wiring. A fleet of simulated boxes beside a real hub, and what it costs the hub: `audit.ingest`, `hub.fleet`, a town whose disk was
//! replaced.
//!
//! Real: the hub's process, enrolment by one-time code, certificates, QUIC, lines, hash trees, keys that change each hour, heads and
//! countersignatures, orders, sealed segments. Made up: what the cameras saw.
mod dial;
pub(crate) mod footage;
mod idle;
mod ingest;
mod load;
mod log;
pub mod simulator;
mod town;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use simulator::Plan;

pub use idle::idle;
pub use ingest::{ingest, lost_disk};
pub use load::{Load, hub_fleet};

use crate::{Done, Told, Trouble, hub::Hub, pages::Person, places};

/// A simulator's process.
pub struct Fleet {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub ready: Value,
}

/// How many boxes of how many cameras, and the minutes each owes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub boxes: usize,
    pub cameras: usize,
    pub owed: u64,
    /// Seconds of a segment.
    pub segment: u64,
}

impl Fleet {
    /// Registers so many boxes at the hub, which runs, and enrols them.
    pub fn start(hub: &Hub, folder: &Path, person: &Person, name: &str, size: Size) -> Done<Self> {
        let names = (1..=size.boxes).map(|n| format!("{name}-{n:04}"));
        let codes = names.map(|name| {
            let codes = person.post("/boxes", json!({ "name": name }))?;
            let long = codes["long"].as_str().map(str::to_owned);
            long.ok_or_else(|| Trouble(format!("no code: {codes}")))
        });
        let plan = Plan {
            hub: format!("127.0.0.1:{}", hub.quic),
            authority: hub.state.join("keys/ca.crt"),
            scheme: "cctv.example.gov.uk".into(),
            codes: codes.collect::<Done<_>>()?,
            cameras: size.cameras,
            owed: size.owed,
            segment: size.segment,
            seed: 7,
        };
        let file = folder.join(format!("{name}.json"));
        fs::write(&file, serde_json::to_vec(&plan)?).told(file.display())?;
        let mut child = Command::new(places::program("fleet")?)
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .told("fleet")?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::new("fleet: no pipes"));
        };
        let mut fleet = Self {
            child,
            to,
            from: BufReader::new(from),
            ready: Value::Null,
        };
        fleet.ready = fleet.hear()?;
        Ok(fleet)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&mut self, what: &str) -> Done<()> {
        writeln!(self.to, "{what}").told("fleet")
    }

    pub fn hear(&mut self) -> Done<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line).told("fleet")?;
        match line.is_empty() {
            true => Err(Trouble::new("the fleet ended; its last words are above")),
            false => Ok(serde_json::from_str(&line)?),
        }
    }

    pub fn ask(&mut self, what: &str) -> Done<Value> {
        self.tell(what)?;
        self.hear()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or(0.0)
}
