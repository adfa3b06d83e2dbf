//! Pure. A box's log in memory: real lines, real hash tree, real keys that change each hour, heads signed as a box signs them. What the hub
//! has countersigned is forgotten.

use std::collections::VecDeque;

use ring::rand::{SecureRandom, SystemRandom};
use shared::{
    id::CameraId,
    note::{ALG_ED25519, Head, SignedHead, b64},
    record::{Digest, Envelope, leaf_hash, render},
    testing::Key,
    time::{Now, Utc, Zone},
    tree::Frontier,
    types::{self, Data},
};

use crate::{Done, Trouble};

/// A log key's life, as on a box.
const KEY_MS: i64 = 3_600_000;

/// A head is kept every so many lines, as on a box.
const KEPT: u64 = 2048;

/// A head that is to go up, after the lines below it.
struct Stop {
    size: u64,
    head: SignedHead,
    /// Others do not take its place.
    is_kept: bool,
}

/// One camera's recordings so far.
#[derive(Clone, Debug)]
pub struct Camera {
    pub id: CameraId,
    pub s: u64,
    pub end: Utc,
}

pub struct Log {
    pub origin: String,
    pub cameras: Vec<Camera>,
    zone: Zone,
    boot: u64,
    /// Wall time at `mono` 0.
    began: Utc,
    last: Utc,
    key: Key,
    key_since: Utc,
    frontier: Frontier,
    prev: Digest,
    /// Lines from number `first` on, each with its LF.
    lines: VecDeque<Vec<u8>>,
    first: u64,
    /// Heads that are to go up: those of keys that ended, then the newest.
    stops: VecDeque<Stop>,
}

fn seed() -> Done<[u8; 32]> {
    let mut seed = [0; 32];
    let filled = SystemRandom::new().fill(&mut seed);
    filled.map_err(|_| Trouble::new("no randomness"))?;
    Ok(seed)
}

impl Log {
    /// Begins at this time, with cameras c01, c02 …
    pub fn new(origin: &str, cameras: usize, at: Utc) -> Done<Self> {
        let bad = |e: &dyn std::fmt::Display| Trouble(e.to_string());
        let cameras = (1..=cameras)
            .map(|n| {
                let id = CameraId::parse(&format!("c{n:02}")).map_err(|e| bad(&e))?;
                Ok(Camera { id, s: 0, end: at })
            })
            .collect::<Done<Vec<_>>>()?;
        let mut log = Self {
            origin: origin.to_owned(),
            cameras,
            zone: Zone::parse("Europe/London").map_err(|e| bad(&e))?,
            boot: 1,
            began: at.plus_ms(-60_000),
            last: at,
            key: Key::new(origin, ALG_ED25519, seed()?),
            key_since: at,
            frontier: Frontier::default(),
            prev: [0; 32],
            lines: VecDeque::new(),
            first: 0,
            stops: VecDeque::new(),
        };
        let open = types::LogOpen {
            key: log.key.vkey.to_string(),
            site: "Fleet".into(),
            hw: "made up".into(),
            sw: "0".into(),
            pred: None,
            reason: None,
            whole: None,
            by: vec![],
        };
        log.add("sys:log", &open, at)?;
        let boot = types::SysBoot {
            why: "start".into(),
            last_n: -1,
            sw: "0".into(),
        };
        log.add("sys:log", &boot, at)?;
        Ok(log)
    }

    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Bytes of lines that the hub has not countersigned.
    pub fn waiting(&self) -> u64 {
        self.lines.iter().map(|l| l.len() as u64).sum()
    }

    pub fn time(&self) -> Utc {
        self.last
    }

    /// The number of the line.
    pub fn add<D: Data>(&mut self, who: &str, data: &D, at: Utc) -> Done<u64> {
        self.last = self.last.max(at);
        let n = self.size();
        let now = Now {
            wall: self.last,
            mono: u64::try_from(self.last.0 - self.began.0).unwrap_or(0),
        };
        let envelope = Envelope {
            log: &self.origin,
            n,
            prev: &self.prev,
            now,
            boot: self.boot,
            kind: D::KIND,
            who,
        };
        let line = render(&envelope, data).map_err(|e| Trouble(e.to_string()))?;
        self.prev = leaf_hash(&line);
        self.frontier.push(self.prev);
        self.lines.push_back(line);
        Ok(n)
    }

    /// The next segment of a camera, until now. `sha256` of its plain bytes.
    pub fn segment(&mut self, camera: usize, sha256: &Digest, size: u64, at: Utc) -> Done<u64> {
        self.fill(at)?;
        let Some(cam) = self.cameras.get_mut(camera) else {
            return Err(Trouble(format!("no camera {camera}")));
        };
        let t0 = cam.end;
        cam.s += 1;
        cam.end = at;
        let day = self.zone.day_of(t0);
        let line = types::SegWrite {
            cam: cam.id.clone(),
            s: cam.s,
            t0,
            t1: at,
            size,
            sha256: shared::record::hex(sha256),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            day: Some(day),
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            key: format!("{}/{day}", cam.id),
            offset_ms: None,
            rate: None,
        };
        self.add("sys:rec", &line, at)
    }

    /// A minute of all cameras, with what else a box writes in it.
    pub fn minute(&mut self, sha256: &Digest, size: u64) -> Done<()> {
        let step = 60_000 / (self.cameras.len() as i64 + 1);
        for camera in 0..self.cameras.len() {
            let at = self.last.plus_ms(step);
            self.segment(camera, sha256, size, at)?;
        }
        self.beat(self.last.plus_ms(step))
    }

    /// A box is never silent for longer than a minute.
    fn fill(&mut self, at: Utc) -> Done<()> {
        while at.0 - self.last.0 > 60_000 {
            self.beat(self.last.plus_ms(55_000))?;
        }
        Ok(())
    }

    pub fn beat(&mut self, at: Utc) -> Done<()> {
        let beat = types::Beat {
            free_mib: 100_000,
            cams: self.cameras.len() as u64,
            temp_c: Some(51),
        };
        self.add("sys:log", &beat, at)?;
        match at.0 - self.key_since.0 >= KEY_MS {
            true => self.roll(at),
            false => Ok(()),
        }
    }

    /// The key ends with a head over the line that names the next one.
    fn roll(&mut self, at: Utc) -> Done<()> {
        let next = Key::new(&self.origin, ALG_ED25519, seed()?);
        let line = types::KeyRoll {
            new: next.vkey.to_string(),
        };
        self.add("sys:log", &line, at)?;
        self.sign_as(true);
        self.key = next;
        self.key_since = at;
        Ok(())
    }

    /// A head over all lines, to go up after those before it.
    pub fn sign(&mut self) {
        let kept = self.stops.iter().rev().find(|stop| stop.is_kept);
        let kept = kept.map_or(self.first, |stop| stop.size);
        self.sign_as(self.size() - kept >= KEPT);
    }

    fn sign_as(&mut self, is_kept: bool) {
        let size = self.size();
        if self.stops.back().is_some_and(|stop| stop.size == size) {
            return;
        }
        if self.stops.back().is_some_and(|stop| !stop.is_kept) {
            self.stops.pop_back();
        }
        let head = Head {
            origin: self.origin.clone(),
            size,
            root: self.frontier.root(),
        };
        let head = SignedHead::sign(head, &self.key.vkey, |m| self.key.sign(m));
        self.stops.push_back(Stop {
            size,
            head,
            is_kept,
        });
    }

    /// As `recovery` writes them: the file of a segment is on no disk.
    pub fn lost(&mut self, camera: usize, s: u64, at: Utc) -> Done<()> {
        self.fill(at)?;
        let Some(cam) = self.cameras.get(camera) else {
            return Err(Trouble(format!("no camera {camera}")));
        };
        let line = types::SegLost {
            cam: cam.id.clone(),
            s,
            why: "its file is on none of the volumes".into(),
        };
        self.add("sys:rec", &line, at)?;
        if self.size().is_multiple_of(512) {
            self.sign();
        }
        Ok(())
    }

    /// The next head to go up: its size, and its text.
    pub fn next_stop(&self) -> Option<(u64, String)> {
        self.stops.front().map(|s| (s.size, s.head.render()))
    }

    /// Lines [from, to) one after the other.
    pub fn bytes(&self, from: u64, to: u64) -> Vec<u8> {
        let skip = from.saturating_sub(self.first) as usize;
        let take = to.saturating_sub(from.max(self.first)) as usize;
        self.lines
            .iter()
            .skip(skip)
            .take(take)
            .flatten()
            .copied()
            .collect()
    }

    /// The hub holds so many lines: none of them goes up again.
    pub fn held(&mut self, size: u64) {
        while self.first < size && self.lines.pop_front().is_some() {
            self.first += 1;
        }
        while self.stops.front().is_some_and(|stop| stop.size <= size) {
            self.stops.pop_front();
        }
    }

    /// A head came back countersigned: it is on the record here too.
    pub fn countersigned(&mut self, note: &SignedHead, at: Utc) -> Done<()> {
        self.held(note.head.size);
        let signature = note.signatures.iter().find(|s| s.name != self.origin);
        let Some(signature) = signature else {
            return Err(Trouble::new("a head came back without a countersignature"));
        };
        let ack = types::HeadAck {
            size: note.head.size,
            root: b64(&note.head.root),
            hub: signature.name.clone(),
            time: u64::try_from(at.seconds()).unwrap_or(0),
            sig: signature.b64(),
        };
        self.add("sys:log", &ack, at).map(|_| ())
    }
}
