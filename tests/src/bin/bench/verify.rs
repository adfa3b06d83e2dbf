//! Adapter: filesystem, `beadle-hub verify`. How long a log of ten million lines is judged, and what memory that takes (AUD-2).
//!
//! The log is eight cameras' for years: a segment a minute of each, a beat, the hub's countersignature, a key each hour.
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{Done, Told, Trouble, figure::Figure, places};
use serde_json::json;
use shared::{
    note::{ALG_ED25519, Head, Proof, SignedHead, b64},
    record::{Digest, Envelope, leaf_hash, render},
    testing::Key,
    time::{Now, Utc},
    tree::{Frontier, inclusion, root_from_inclusion},
};

const LINES: u64 = 10_000_000;
const LOG: &str = "cctv.example.gov.uk/box/ashby-high-street/1";
const CAMERAS: i64 = 8;
/// The first lines, of which a proof is made and checked.
const FEW: usize = 100_000;

/// Writes a log as a box would have, line by line.
struct Log<'a> {
    folder: &'a Path,
    file: BufWriter<File>,
    n: u64,
    prev: Digest,
    frontier: Frontier,
    t: Utc,
    mono: u64,
    few: Vec<Digest>,
}

impl Log<'_> {
    fn add(&mut self, kind: &str, who: &str, data: &serde_json::Value) -> Done<()> {
        if self.n > 0 && self.n.is_multiple_of(65_536) {
            self.file.flush().told("log")?;
            let path = self.folder.join(format!("{:010}.jsonl", self.n));
            self.file = BufWriter::new(File::create(&path).told(path.display())?);
        }
        let envelope = Envelope {
            log: LOG,
            n: self.n,
            prev: &self.prev,
            now: Now {
                wall: self.t,
                mono: self.mono,
            },
            boot: 1,
            kind,
            who,
        };
        let line = render(&envelope, data).told("line")?;
        self.prev = leaf_hash(&line);
        self.frontier.push(self.prev);
        if self.few.len() < FEW {
            self.few.push(self.prev);
        }
        self.n += 1;
        self.file.write_all(&line).told("log")
    }

    fn head(&self, key: &Key, hub: Option<&Key>) -> SignedHead {
        let head = Head {
            origin: LOG.into(),
            size: self.n,
            root: self.frontier.root(),
        };
        let mut head = SignedHead::sign(head, &key.vkey, |m| key.sign(m));
        if let Some(hub) = hub {
            head.cosign(&hub.vkey, self.t.seconds() as u64, |m| hub.sign(m));
        }
        head
    }
}

fn write(folder: &Path, lines: u64) -> Done<(Key, Vec<Digest>)> {
    fs::create_dir_all(folder.join("heads")).told("heads")?;
    let first = folder.join("0000000000.jsonl");
    let mut log = Log {
        folder,
        file: BufWriter::new(File::create(&first).told(first.display())?),
        n: 0,
        prev: [0; 32],
        frontier: Frontier::default(),
        t: Utc(1_793_714_400_000),
        mono: 1_000,
        few: Vec::new(),
    };
    let hub = Key::hub();
    let key = |n: u64| {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&n.to_le_bytes());
        Key::new(LOG, ALG_ED25519, seed)
    };
    let mut present = key(0);
    log.add("log.open", "sys:log", &json!({"key": present.vkey.to_string(), "site": "Ashby", "hw": "n100", "sw": "0.1.0", "pred": null, "by": []}))?;
    log.add(
        "sys.boot",
        "sys:log",
        &json!({"why": "start", "last_n": -1, "sw": "0.1.0"}),
    )?;
    for cam in 1..=CAMERAS {
        log.add("mask.set", "sys:rec", &json!({"cam": format!("c{cam:02}"), "mask": "m7", "sha256": "0".repeat(64), "permille": 83, "review": null}))?;
    }
    let mut minute = 0i64;
    while log.n + 16 < lines {
        log.t = log.t.plus_ms(60_000);
        log.mono += 60_000;
        minute += 1;
        for cam in 1..=CAMERAS {
            log.add("seg.write", "sys:rec", &json!({"cam": format!("c{cam:02}"), "s": minute, "t0": log.t.plus_ms(-60_500), "t1": log.t.plus_ms(-500), "size": 15_000_000 + minute, "sha256": "e52c2f55568ac4b802b0b4a68a2b704f694540cec275a2c7953ac31dd1cc2a5b", "mask": "m7", "how": "proved", "proofs": 60, "lost": 0, "shed": 0, "key": format!("c{cam:02}/2026-11-03"), "day": log.t.to_string()[..10], "offset_ms": -40}))?;
        }
        log.add(
            "beat",
            "sys:health",
            &json!({"free_mib": 812_345, "cams": 8, "temp_c": 41}),
        )?;
        let note = log.head(&present, Some(&hub));
        let signature = note
            .signatures
            .get(1)
            .ok_or("none")
            .told("a countersignature")?;
        let data = json!({"size": note.head.size, "root": b64(&note.head.root), "hub": signature.name, "time": log.t.seconds(), "sig": signature.b64()});
        log.add("head.ack", "sys:uplink", &data)?;
        if minute % 60 == 0 {
            let next = key(minute as u64);
            log.add(
                "key.roll",
                "sys:log",
                &json!({"new": next.vkey.to_string()}),
            )?;
            let ends = log.head(&present, None);
            fs::write(folder.join(format!("heads/{}.note", log.n)), ends.render()).told("head")?;
            present = next;
        }
    }
    for _ in log.n..lines {
        log.add(
            "beat",
            "sys:health",
            &json!({"free_mib": 812_345, "cams": 8, "temp_c": 41}),
        )?;
    }
    log.file.flush().told("log")?;
    let head = log.head(&present, Some(&hub));
    for name in ["head.note", "cosigned.note"] {
        fs::write(folder.join(name), head.render()).told(name)?;
    }
    Ok((hub, log.few))
}

/// A program's seconds, and the most memory it held, in MiB.
fn judged(folder: &Path, hub: &Key) -> Done<(f64, f64)> {
    let begun = Instant::now();
    let mut child = Command::new(places::program("beadle-hub")?)
        .args(["verify", "log"])
        .arg(folder)
        .args(["--hub", &hub.vkey.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .told("beadle-hub")?;
    let mut most = 0.0f64;
    let status = loop {
        let path = format!("/proc/{}/status", child.id());
        let text = fs::read_to_string(path).unwrap_or_default();
        let held = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = held.and_then(|l| l.trim().split(' ').next()?.parse::<f64>().ok());
        most = most.max(kib.unwrap_or(0.0) / 1024.0);
        if let Some(status) = child.try_wait().told("beadle-hub")? {
            break status;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let secs = begun.elapsed().as_secs_f64();
    let out = child.wait_with_output().told("beadle-hub")?;
    let said = String::from_utf8_lossy(&out.stdout);
    if !status.success() || !said.starts_with("INTACT\n") {
        return Err(Trouble(format!("it is not judged intact: {said}")));
    }
    Ok((secs, most))
}

pub fn verify(_: u64) -> Done<Vec<Figure>> {
    let folder = places::Folder::new("bench-verify")?;
    let (hub, few) = write(folder.path(), LINES)?;
    let (secs, mib) = judged(folder.path(), &hub)?;
    // Of any line under a head: made from the leaves that are at hand, then checked.
    let size = few.len() as u64;
    let key = Key::log(LOG, 1);
    let root = shared::tree::root(&few);
    let head = Head {
        origin: LOG.into(),
        size,
        root,
    };
    let mut head = SignedHead::sign(head, &key.vkey, |m| key.sign(m));
    head.cosign(&hub.vkey, 1, |m| hub.sign(m));
    let (mut worst, mut text) = (0.0f64, String::new());
    for index in (0..size).step_by(size as usize / 20) {
        let hashes = inclusion(&few, index, size).ok_or("none").told("a proof")?;
        let proof = Proof {
            index,
            hashes,
            head: head.clone(),
        };
        text.clone_from(&proof.render());
        let begun = Instant::now();
        let read = Proof::parse(text.as_bytes()).told("a proof")?;
        let leaf = few.get(index as usize).ok_or("none").told("a leaf")?;
        let reached = root_from_inclusion(leaf, read.index, size, &read.hashes);
        let good = reached == Some(root)
            && read.head.check(&key.vkey) == shared::note::SignatureCheck::Good
            && matches!(
                read.head.check_cosigned(&hub.vkey),
                shared::note::Cosigned::Good { .. }
            );
        worst = worst.max(begun.elapsed().as_secs_f64() * 1000.0);
        if !good {
            return Err(Trouble("a proof does not lead to its head".into()));
        }
    }
    Ok(vec![
        Figure::new("audit.verify", "", secs, "s for 10 million lines").at_most(20.0),
        Figure::new("audit.verify", ".memory", mib, "MiB").at_most(256.0),
        Figure::new("audit.verify", ".proof", worst, "ms, the slowest of 20").at_most(10.0),
    ])
}
