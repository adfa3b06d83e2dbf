//! Pure. For tests: fixed keys and builders of valid logs and packages. Nothing in the product uses this.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};

use crate::{
    evidence::names,
    note::{ALG_COSIGNATURE, ALG_ED25519, Head, SignedHead, Vkey, b64},
    record::{Digest, Envelope, leaf_hash, render},
    time::{Now, Utc},
    tree::{self, Frontier},
    types::{self, Data},
    verify::{Files, P256_SPKI},
};

mod authenticator;
mod corpus;
pub use authenticator::SoftKey;
pub use corpus::corpus;

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
        Self {
            vkey: Vkey::new(name, alg, key),
            pair,
        }
    }
    /// The log key number `n` of a log.
    pub fn log(origin: &str, n: u8) -> Self {
        Self::new(origin, ALG_ED25519, [n; 32])
    }
    /// A hub's cosigning key.
    pub fn hub() -> Self {
        Self::new(
            "cctv.example.gov.uk/hub/cosign-2026",
            ALG_COSIGNATURE,
            [200; 32],
        )
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
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| std::io::ErrorKind::NotFound.into())
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
    /// Size at which the newest key took over: a head of that size is still the old key's.
    rolled: u64,
    /// The mask that is burned into what cameras record from here on.
    pub mask: Option<String>,
    /// Where each camera's recordings end so far.
    ends: std::collections::BTreeMap<String, Utc>,
    frontier: Frontier,
    prev: Digest,
}

impl LogBuilder {
    /// `log.open` and `sys.boot` are written, with log key 1.
    pub fn new(origin: &str) -> Self {
        Self::begun(Self::empty(origin), None)
    }
    /// The successor of a log, as it stands: it begins a second after it, and names its newest head.
    pub fn after(origin: &str, before: &Self) -> Self {
        let mut log = Self::empty(origin);
        log.t = before.t.plus_ms(1_000);
        let head = before.head().head;
        Self::begun(
            log,
            Some(types::Pred {
                log: before.origin.clone(),
                size: head.size,
                root: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, head.root),
            }),
        )
    }
    /// The same at another time than the builder's own.
    pub fn new_at(origin: &str, t: Utc) -> Self {
        let mut log = Self::empty(origin);
        log.t = t;
        Self::begun(log, None)
    }
    fn begun(mut log: Self, pred: Option<types::Pred>) -> Self {
        let key = log.keys[0].vkey.to_string();
        log.add(
            "sys:log",
            &types::LogOpen {
                key,
                site: "Ashby".into(),
                hw: "test".into(),
                sw: "0".into(),
                pred,
                reason: None,
                whole: None,
                by: vec![],
            },
        );
        log.add(
            "sys:log",
            &types::SysBoot {
                why: "start".into(),
                last_n: -1,
                sw: "0".into(),
            },
        );
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
            rolled: 0,
            mask: None,
            ends: Default::default(),
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
        let now = Now {
            wall: self.t,
            mono: self.mono,
        };
        let envelope = Envelope {
            log: &self.origin,
            n,
            prev: &self.prev,
            now,
            boot: self.boot,
            kind,
            who,
        };
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
    /// A segment that is written as it ends, 59 s on, and begins where the camera's last one or declared gap ended.
    #[allow(clippy::expect_used)]
    pub fn segment(&mut self, cam: &str, s: u64, bytes: &[u8]) -> u64 {
        self.pass(58_000);
        let t1 = self.t.plus_ms(1000);
        let t0 = self
            .ends
            .insert(cam.into(), t1)
            .unwrap_or(t1.plus_ms(-59_000));
        let cam = crate::id::CameraId::parse(cam).expect("a camera id");
        let key = format!("{cam}/2026-11-03");
        let sha256 = crate::record::hex(&crate::record::sha256(bytes));
        self.add(
            "sys:rec",
            &types::SegWrite {
                cam,
                s,
                t0,
                t1,
                size: bytes.len() as u64,
                sha256,
                mask: self.mask.clone(),
                how: if self.mask.is_some() {
                    "burned"
                } else {
                    "none"
                }
                .into(),
                proofs: 0,
                lost: 0,
                day: None,
                shed: 0,
                short_t0: None,
                short_t1: None,
                stamps: None,
                off_ms: None,
                offset_ms: None,
                key,
                rate: None,
            },
        )
    }
    /// `ms` pass in which the camera gives nothing, and are declared.
    #[allow(clippy::expect_used)]
    pub fn gap(&mut self, cam: &str, next: u64, ms: u64) -> u64 {
        let t0 = self.ends.get(cam).copied().unwrap_or(self.t);
        let t1 = self.pass(ms).t.plus_ms(1000);
        self.ends.insert(cam.into(), t1);
        let cam = crate::id::CameraId::parse(cam).expect("a camera id");
        self.add(
            "sys:rec",
            &types::SegGap {
                cam,
                next,
                t0,
                t1,
                why: "camera".into(),
                packets: 0,
            },
        )
    }
    pub fn beat(&mut self) -> u64 {
        self.add(
            "sys:health",
            &types::Beat {
                free_mib: 1000,
                cams: 8,
                temp_c: None,
            },
        )
    }
    /// A new start of the daemon.
    pub fn restart(&mut self) -> u64 {
        self.boot += 1;
        self.mono = 0;
        let last_n = self.size() as i64 - 1;
        self.add(
            "sys:log",
            &types::SysBoot {
                why: "start".into(),
                last_n,
                sw: "0".into(),
            },
        )
    }
    /// `key.roll`; returns the head that ends there, signed by the old key.
    pub fn roll(&mut self) -> SignedHead {
        let next = Key::log(&self.origin, self.keys.len() as u8 + 1);
        self.add(
            "sys:log",
            &types::KeyRoll {
                new: next.vkey.to_string(),
            },
        );
        let head = self.head();
        self.keys.push(next);
        self.rolled = self.size();
        head
    }
    /// The key that signs a head over all lines.
    pub fn key(&self) -> &Key {
        let newest = self.keys.len() - 1;
        &self.keys[if self.rolled == self.size() {
            newest.saturating_sub(1)
        } else {
            newest
        }]
    }
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
    /// A head over all lines, signed by the key in force there.
    pub fn head(&self) -> SignedHead {
        let head = Head {
            origin: self.origin.clone(),
            size: self.size(),
            root: self.frontier.root(),
        };
        SignedHead::sign(head, &self.key().vkey, |m| self.key().sign(m))
    }
    /// The same, countersigned at the box's own time.
    pub fn cosigned(&self) -> SignedHead {
        let mut head = self.head();
        head.cosign(&self.hub.vkey, self.t.seconds() as u64, |m| {
            self.hub.sign(m)
        });
        head
    }
    /// Signs, has countersigned and logs `head.ack`; returns the countersigned head.
    pub fn ack(&mut self) -> SignedHead {
        let note = self.cosigned();
        let signature = &note.signatures[1];
        self.add(
            "sys:uplink",
            &types::HeadAck {
                size: note.head.size,
                root: b64(&note.head.root),
                hub: signature.name.clone(),
                time: self.t.seconds() as u64,
                sig: signature.b64(),
            },
        );
        note
    }
    pub fn leaves(&self) -> Vec<Digest> {
        self.lines.iter().map(|l| leaf_hash(l)).collect()
    }
    /// The proof of line `n` under a head of this log.
    #[allow(clippy::expect_used)]
    pub fn proof(&self, n: u64, head: &SignedHead) -> crate::note::Proof {
        let hashes =
            tree::inclusion(&self.leaves(), n, head.head.size).expect("a line below the head");
        crate::note::Proof {
            index: n,
            hashes,
            head: head.clone(),
        }
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

/// A P-256 key as packages are sealed with. Made anew each time: only its shape matters.
pub struct SealKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Default for SealKey {
    #[allow(clippy::expect_used)]
    fn default() -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
                .expect("a key");
        Self { pair, random }
    }
}

impl SealKey {
    pub fn spki(&self) -> Vec<u8> {
        [P256_SPKI.as_slice(), self.pair.public_key().as_ref()].concat()
    }
    #[allow(clippy::expect_used)]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair
            .sign(&self.random, message)
            .expect("a signature")
            .as_ref()
            .to_vec()
    }
}

/// An evidence package of camera c03: four segments with a declared gap before the last, lines and proofs, seal. Change the
/// fields to forge, or the files it makes.
pub struct PackageBuilder {
    pub log: LogBuilder,
    pub hub_log: LogBuilder,
    pub seal: SealKey,
    /// Line number of its key.seal.
    pub seal_line: u64,
    /// Line number, name and bytes of each master.
    pub masters: Vec<(u64, String, Vec<u8>)>,
    /// Lines that go into the package.
    pub records: Vec<u64>,
    pub asked: (Utc, Utc),
    /// The head all proofs end in.
    pub head: SignedHead,
    /// Further files.
    pub extra: Vec<(String, Vec<u8>)>,
}

impl Default for PackageBuilder {
    #[allow(clippy::expect_used)]
    fn default() -> Self {
        let cam = crate::id::CameraId::parse("c03").expect("a camera id");
        let mut log = LogBuilder::new("cctv.example.gov.uk/box/ashby-high-street/1");
        let hash = "0".repeat(64);
        log.add(
            "sys:cfg",
            &types::MaskSet {
                cam: cam.clone(),
                mask: "m7".into(),
                sha256: hash.clone(),
                permille: 83,
                review: None,
                style: None,
                how: None,
                reviewer: None,
                order: None,
            },
        );
        log.mask = Some("m7".into());
        let clock = types::ClockState {
            src: "ntp".into(),
            stratum: 2,
            offset_us: 5,
            err_us: 90,
            trust: "synced".into(),
        };
        log.add("sys:clock", &clock);
        let mut masters = Vec::new();
        let mut segment = |log: &mut LogBuilder, s: u64| {
            let bytes = format!("not really pictures: {s}").repeat(20).into_bytes();
            let n = log.segment("c03", s, &bytes);
            masters.push((n, format!("master/c03_{s}.mp4"), bytes));
        };
        let from = log.t.plus_ms(5_000);
        for s in 7..10 {
            segment(&mut log, s);
        }
        log.roll();
        log.gap("c03", 10, 20_000);
        segment(&mut log, 10);
        // Asked for up to ten seconds before what comes last.
        let asked = (from, log.t.plus_ms(2_000 - 10_000));
        let clip = types::ExpClip {
            r#ref: REF.into(),
            cam,
            s0: 7,
            s1: 10,
            t0: asked.0,
            t1: asked.1,
            grant: "g1".into(),
            purpose: hash,
        };
        log.add("op:0147", &clip);
        log.beat();
        let head = log.cosigned();

        let seal = SealKey::default();
        let mut hub_log = LogBuilder::new("cctv.example.gov.uk/hub/1");
        let seal_line = hub_log.add(
            "sys:hub",
            &types::KeySeal {
                spki: b64(&seal.spki()),
            },
        );
        let records = (0..log.size() - 1).collect();
        Self {
            log,
            hub_log,
            seal,
            seal_line,
            masters,
            records,
            asked,
            head,
            extra: vec![],
        }
    }
}

const REF: &str = "EXH-2026-000123";

impl PackageBuilder {
    /// The whole package, sealed.
    pub fn build(&mut self) -> MemoryFiles {
        let files = self.contents();
        self.sealed(files)
    }

    /// Every file that the sums list.
    pub fn contents(&self) -> MemoryFiles {
        let mut files = MemoryFiles::default();
        let entries: Vec<String> = self
            .masters
            .iter()
            .map(|(n, file, _)| format!("{{\"n\":{n},\"file\":\"{file}\"}}"))
            .collect();
        let (t0, t1) = self.asked;
        files.put(names::MANIFEST, format!(
            "{{\"v\":1,\"ref\":\"{REF}\",\"log\":\"{}\",\"cam\":\"c03\",\"t0\":\"{t0}\",\"t1\":\"{t1}\",\"master\":[{}]}}\n",
            self.log.origin, entries.join(","),
        ));
        files.put(names::CERTIFICATE, "in plain words\n");
        for (_, file, bytes) in &self.masters {
            files.put(file, bytes.clone());
        }
        let lines: Vec<&[u8]> = self
            .records
            .iter()
            .map(|n| self.log.lines[*n as usize].as_slice())
            .collect();
        files.put(names::RECORDS, lines.concat());
        for n in &self.records {
            files.put(
                &format!("{}/{n}.tlog-proof", names::PROOFS),
                self.log.proof(*n, &self.head).render(),
            );
        }
        files.put(
            names::SEAL_RECORD,
            self.hub_log.lines[self.seal_line as usize].clone(),
        );
        files.put(
            names::SEAL_PROOF,
            self.hub_log
                .proof(self.seal_line, &self.hub_log.cosigned())
                .render(),
        );
        files.put(
            names::SEAL_PEM,
            crate::note::pem("PUBLIC KEY", &self.seal.spki()),
        );
        files.put(
            names::HUB_LOG_VKEY,
            format!("{}\n", self.hub_log.key().vkey),
        );
        for (path, bytes) in &self.extra {
            files.put(path, bytes.clone());
        }
        files
    }

    /// Lists, seals and logs what is there, as an export does.
    #[allow(clippy::expect_used)]
    pub fn sealed(&mut self, mut files: MemoryFiles) -> MemoryFiles {
        fix_sums(&mut files);
        let sums = files.0.get(names::SUMS).cloned().unwrap_or_default();
        files.put(names::SEAL, self.seal.sign(&sums));
        let done = types::ExpDone {
            r#ref: REF.into(),
            cam: crate::id::CameraId::parse("c03").expect("a camera id"),
            sums: crate::record::hex(&crate::record::sha256(&sums)),
            to: "0".repeat(64),
        };
        let n = self.hub_log.add("op:0147", &done);
        files.put(names::SUMS_RECORD, self.hub_log.lines[n as usize].clone());
        files.put(
            names::SUMS_PROOF,
            self.hub_log.proof(n, &self.hub_log.cosigned()).render(),
        );
        files
    }
}

/// Writes SHA256SUMS anew and nothing else, as somebody with `sha256sum` can.
pub fn fix_sums(files: &mut MemoryFiles) {
    let listed = files
        .0
        .iter()
        .filter(|(path, _)| !names::UNLISTED.contains(&path.as_str()));
    let sums: String = listed
        .map(|(path, bytes)| {
            format!(
                "{}  {path}\n",
                crate::record::hex(&crate::record::sha256(bytes))
            )
        })
        .collect();
    files.put(names::SUMS, sums);
}

/// A program as a text of the table of conditions names it.
pub struct ProgramName {
    pub code: &'static str,
    /// The word before it, and those after it up to the end of the clause.
    pub before: String,
    pub after: Vec<String>,
}

/// Where the table of conditions names `program`.
pub fn named(program: &str) -> Vec<ProgramName> {
    let plain = |word: &str| word.trim_matches(|c: char| ".,;:()".contains(c)).to_owned();
    let ends = |word: &str| word.ends_with(['.', ',', ';', ':', ')']);
    let mut all = Vec::new();
    for c in crate::conditions::CONDITIONS {
        for text in [c.cause, c.next] {
            let words: Vec<&str> = text.split_whitespace().collect();
            for (i, _) in words
                .iter()
                .enumerate()
                .filter(|(_, w)| plain(w) == program)
            {
                let mut after = Vec::new();
                let mut open = !ends(words[i]);
                for word in &words[i + 1..] {
                    if !open {
                        break;
                    }
                    after.push(plain(word));
                    open = !ends(word);
                }
                let before = i.checked_sub(1).map_or(String::new(), |b| plain(words[b]));
                all.push(ProgramName {
                    code: c.code,
                    before,
                    after,
                });
            }
        }
    }
    all
}
