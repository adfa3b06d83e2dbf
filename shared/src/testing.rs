//! Pure. For tests: fixed keys and builders of valid logs and packages. Nothing in the product uses this.

use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::{
    note::{ALG_COSIGNATURE, ALG_ED25519, Head, SignedHead, Vkey, b64},
    record::{Digest, Envelope, leaf_hash, render},
    time::{Now, Utc},
    tree::{self, Frontier},
    types::{self, Data},
    verify::Files,
};

/// An Ed25519 key from a fixed seed.
pub struct Key {
    pub vkey: Vkey,
    pair: Ed25519KeyPair,
}

impl Key {
    #[allow(clippy::expect_used)] // any 32 bytes are a seed
    pub fn new(name: &str, alg: u8, seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 bytes");
        let mut key = [0; 32];
        key.copy_from_slice(pair.public_key().as_ref());
        Self { vkey: Vkey::new(name, alg, key), pair }
    }
    /// The log key number `n` of a log.
    pub fn log(origin: &str, n: u8) -> Self {
        Self::new(origin, ALG_ED25519, [n; 32])
    }
    /// A hub's cosigning key.
    pub fn hub() -> Self {
        Self::new("cctv.example.gov.uk/hub/cosign-2026", ALG_COSIGNATURE, [200; 32])
    }
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }
}

/// Files in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryFiles(pub std::collections::BTreeMap<String, Vec<u8>>);

impl MemoryFiles {
    pub fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), bytes.into());
    }
}

impl Files for MemoryFiles {
    fn list(&self) -> std::io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
    fn sha256(&self, path: &str) -> std::io::Result<Digest> {
        self.read(path).map(|bytes| crate::record::sha256(&bytes))
    }
}

/// Grows a valid log: each line a second after the last by both clocks unless told otherwise.
pub struct LogBuilder {
    pub origin: String,
    /// Every line, LF included. Change them to tamper; [`LogBuilder::rechain`] makes them fit again.
    pub lines: Vec<Vec<u8>>,
    pub t: Utc,
    pub boot: u64,
    pub mono: u64,
    keys: Vec<Key>,
    pub hub: Key,
    frontier: Frontier,
    prev: Digest,
}

impl LogBuilder {
    /// `log.open` and `sys.boot` are written, with log key 1.
    pub fn new(origin: &str) -> Self {
        let mut log = Self::empty(origin);
        let key = log.keys[0].vkey.to_string();
        log.add("sys:log", &types::LogOpen { key, site: "Ashby".into(), hw: "test".into(), sw: "0".into(), pred: None, by: vec![] });
        log.add("sys:log", &types::SysBoot { why: "start".into(), last_n: -1, sw: "0".into() });
        log
    }
    /// Nothing is written.
    pub fn empty(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            lines: vec![],
            t: Utc(1_793_714_400_000),
            boot: 1,
            mono: 10_000,
            keys: vec![Key::log(origin, 1)],
            hub: Key::hub(),
            frontier: Frontier::default(),
            prev: [0; 32],
        }
    }
    pub fn size(&self) -> u64 {
        self.lines.len() as u64
    }
    /// Lets time pass on both clocks.
    pub fn pass(&mut self, ms: u64) -> &mut Self {
        self.t = self.t.plus_ms(ms as i64);
        self.mono += ms;
        self
    }
    pub fn add<D: Data>(&mut self, who: &str, data: &D) -> u64 {
        self.add_raw(D::KIND, who, data)
    }
    /// Any type and data; its line number.
    #[allow(clippy::expect_used)] // a test that builds an impossible line is to stop
    pub fn add_raw(&mut self, kind: &str, who: &str, data: &impl serde::Serialize) -> u64 {
        self.pass(1000);
        let n = self.size();
        let now = Now { wall: self.t, mono: self.mono };
        let envelope = Envelope { log: &self.origin, n, prev: &self.prev, now, boot: self.boot, kind, who };
        let line = render(&envelope, data).expect("a line that can be rendered");
        self.push(line)
    }
    /// A line as it is.
    pub fn push(&mut self, line: Vec<u8>) -> u64 {
        self.prev = leaf_hash(&line);
        self.frontier.push(self.prev);
        self.lines.push(line);
        self.size() - 1
    }
    /// A segment of a minute, written as it ends.
    #[allow(clippy::expect_used)]
    pub fn segment(&mut self, cam: &str, s: u64, bytes: &[u8]) -> u64 {
        self.pass(58_000);
        let t1 = self.t.plus_ms(1000);
        let cam = crate::id::CameraId::parse(cam).expect("a camera id");
        let key = format!("{cam}/2026-11-03");
        let sha256 = crate::record::hex(&crate::record::sha256(bytes));
        self.add("sys:rec", &types::SegWrite {
            cam, s, t0: t1.plus_ms(-59_000), t1, size: bytes.len() as u64, sha256, mask: None, how: "none".into(), proofs: 0, lost: 0, key,
        })
    }
    pub fn beat(&mut self) -> u64 {
        self.add("sys:health", &types::Beat { free_mib: 1000, cams: 8, temp_c: None })
    }
    /// A new start of the daemon.
    pub fn restart(&mut self) -> u64 {
        self.boot += 1;
        self.mono = 0;
        let last_n = self.size() as i64 - 1;
        self.add("sys:log", &types::SysBoot { why: "start".into(), last_n, sw: "0".into() })
    }
    /// `key.roll`; returns the head that ends there, signed by the old key.
    pub fn roll(&mut self) -> SignedHead {
        let next = Key::log(&self.origin, self.keys.len() as u8 + 1);
        self.add("sys:log", &types::KeyRoll { new: next.vkey.to_string() });
        let head = self.head();
        self.keys.push(next);
        head
    }
    pub fn key(&self) -> &Key {
        &self.keys[self.keys.len() - 1]
    }
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
    /// A head over all lines, signed by the newest key.
    pub fn head(&self) -> SignedHead {
        let head = Head { origin: self.origin.clone(), size: self.size(), root: self.frontier.root() };
        SignedHead::sign(head, &self.key().vkey, |m| self.key().sign(m))
    }
    /// The same, countersigned at the box's own time.
    pub fn cosigned(&self) -> SignedHead {
        let mut head = self.head();
        head.cosign(&self.hub.vkey, self.t.seconds() as u64, |m| self.hub.sign(m));
        head
    }
    /// Signs, has countersigned and logs `head.ack`; returns the countersigned head.
    pub fn ack(&mut self) -> SignedHead {
        let note = self.cosigned();
        let signature = &note.signatures[1];
        self.add("sys:uplink", &types::HeadAck {
            size: note.head.size,
            root: b64(&note.head.root),
            hub: signature.name.clone(),
            time: self.t.seconds() as u64,
            sig: signature.b64(),
        });
        note
    }
    pub fn leaves(&self) -> Vec<Digest> {
        self.lines.iter().map(|l| leaf_hash(l)).collect()
    }
    /// The proof of line `n` under a head of this log.
    #[allow(clippy::expect_used)]
    pub fn proof(&self, n: u64, head: &SignedHead) -> crate::note::Proof {
        let hashes = tree::inclusion(&self.leaves(), n, head.head.size).expect("a line below the head");
        crate::note::Proof { index: n, hashes, head: head.clone() }
    }
    /// The log folder, with the heads given.
    pub fn files(&self, head: Option<&SignedHead>, cosigned: Option<&SignedHead>) -> MemoryFiles {
        let mut files = MemoryFiles::default();
        files.put("0000000000.jsonl", self.lines.concat());
        if let Some(head) = head {
            files.put("head.note", head.render());
        }
        if let Some(head) = cosigned {
            files.put("cosigned.note", head.render());
        }
        files
    }
}
