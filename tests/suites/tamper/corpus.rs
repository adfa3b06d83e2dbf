//! Pure. A small box log, hub log and evidence package with fixed keys, and everything needed to forge them anew.
//!
//! Written from audit.md alone, without the product's own code, so that a shared mistake shows.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use ed25519_dalek::{Signer, SigningKey};
use ring::{digest, rand::SystemRandom, signature as rs};

pub type Hash = [u8; 32];
pub type Files = BTreeMap<String, Vec<u8>>;

pub const BOX_LOG: &str = "cctv.example.gov.uk/box/ashby-high-street/1";
pub const HUB_LOG: &str = "cctv.example.gov.uk/hub/1";
pub const HUB_NAME: &str = "cctv.example.gov.uk/hub/cosign-2026";
pub const REF: &str = "EXH-2026-000123";
/// 2026-11-03T14:00:00.000Z
pub const START: i64 = 1_793_714_400_000;
/// Private scalar and public point of the seal key, and of a stranger's.
const SEAL: [&str; 2] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
];
const SEAL_PUBLIC: [&str; 2] = [
    "040217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794",
    "04d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf350185e895372df6221ea3a137557e473fddb6755f05bd507c3c533fce9c91285",
];

pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|p| context.update(p));
    context.finish().as_ref().try_into().expect("32 bytes")
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex"))
        .collect()
}

pub fn b64(bytes: &[u8]) -> String {
    B64.encode(bytes)
}

pub fn leaf(line: &[u8]) -> Hash {
    sha256(&[&[0], line])
}

pub fn leaves(lines: &[Vec<u8>]) -> Vec<Hash> {
    lines.iter().map(|l| leaf(l)).collect()
}

/// RFC 6962 2.1, word for word.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => sha256(&[]),
        1 => leaves[0],
        n => {
            let k = n.next_power_of_two() / 2;
            sha256(&[&[1], &root(&leaves[..k]), &root(&leaves[k..])])
        }
    }
}

/// RFC 6962 2.1.1.
pub fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    let n = leaves.len();
    if n <= 1 {
        return Vec::new();
    }
    let k = n.next_power_of_two() / 2;
    let (mut out, other) = if m < k {
        (path(m, &leaves[..k]), root(&leaves[k..]))
    } else {
        (path(m - k, &leaves[k..]), root(&leaves[..k]))
    };
    out.push(other);
    out
}

/// A key with a fixed seed: 1, 2, 3 … box log keys; 40 hub cosign; 41 hub log; 60 and up strangers.
#[derive(Clone)]
pub struct Key {
    pub name: String,
    pub alg: u8,
    pub signing: SigningKey,
}

pub fn key(name: &str, alg: u8, seed: u8) -> Key {
    Key {
        name: name.into(),
        alg,
        signing: SigningKey::from_bytes(&[seed; 32]),
    }
}
pub fn box_key(seed: u8) -> Key {
    key(BOX_LOG, 1, seed)
}
pub fn hub_key() -> Key {
    key(HUB_NAME, 4, 40)
}
pub fn hub_log_key() -> Key {
    key(HUB_LOG, 1, 41)
}

impl Key {
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }
    fn blob(&self) -> Vec<u8> {
        [&[self.alg], self.public().as_slice()].concat()
    }
    pub fn id(&self) -> [u8; 4] {
        sha256(&[self.name.as_bytes(), b"\n", &self.blob()])[..4]
            .try_into()
            .expect("4 bytes")
    }
    pub fn vkey(&self) -> String {
        format!("{}+{}+{}", self.name, hex(&self.id()), b64(&self.blob()))
    }
    pub fn pem(&self) -> String {
        let spki = [unhex("302a300506032b6570032100"), self.public().to_vec()].concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            b64(&spki)
        )
    }
    /// Base64 of key id and log signature.
    pub fn sign(&self, body: &str) -> String {
        b64(&[
            self.id().as_slice(),
            &self.signing.sign(body.as_bytes()).to_bytes(),
        ]
        .concat())
    }
    /// Base64 of key id, time and countersignature.
    pub fn cosign(&self, body: &str, time: u64) -> String {
        let signed = format!("cosignature/v1\ntime {time}\n{body}");
        b64(&[
            self.id().as_slice(),
            &time.to_be_bytes(),
            &self.signing.sign(signed.as_bytes()).to_bytes(),
        ]
        .concat())
    }
    pub fn line(&self, sig: &str) -> String {
        format!("\u{2014} {} {sig}\n", self.name)
    }
}

pub fn body(origin: &str, size: usize, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", b64(root))
}

/// A head over the first `size` lines, signed by a log key and, when a time is given, by the hub.
pub fn head(
    origin: &str,
    lines: &[Vec<u8>],
    size: usize,
    signer: &Key,
    hub_time: Option<u64>,
) -> String {
    let body = body(origin, size, &root(&leaves(&lines[..size])));
    let mut note = format!("{body}\n{}", signer.line(&signer.sign(&body)));
    if let Some(time) = hub_time {
        note += &hub_key().line(&hub_key().cosign(&body, time));
    }
    note
}

pub fn proof(
    origin: &str,
    lines: &[Vec<u8>],
    n: usize,
    size: usize,
    signer: &Key,
    hub_time: Option<u64>,
) -> String {
    let hashes: String = path(n, &leaves(&lines[..size]))
        .iter()
        .map(|h| b64(h) + "\n")
        .collect();
    format!(
        "c2sp.org/tlog-proof@v1\nindex {n}\n{hashes}\n{}",
        head(origin, lines, size, signer, hub_time)
    )
}

/// A line to be: place, link and number come with [`chain`].
#[derive(Clone)]
pub struct Event {
    pub ms: i64,
    /// What the wall clock is off by.
    pub off: i64,
    pub boot: u64,
    pub kind: String,
    pub who: String,
    pub data: String,
    pub log: String,
    /// A `head.ack` of this size; its data is worked out from the lines before.
    pub ack: Option<usize>,
}

pub fn ev(ms: i64, kind: &str, data: impl Into<String>) -> Event {
    let who = match kind.split('.').next() {
        Some("seg" | "cam") => "sys:rec",
        Some("exp" | "acc") => "op:0147",
        Some("head") => "hub:1",
        _ => "sys:box",
    };
    Event {
        ms,
        off: 0,
        boot: 17,
        kind: kind.into(),
        who: who.into(),
        data: data.into(),
        log: BOX_LOG.into(),
        ack: None,
    }
}
pub fn ack(ms: i64, size: usize) -> Event {
    Event {
        ack: Some(size),
        ..ev(ms, "head.ack", "")
    }
}

pub fn time(ms: i64) -> String {
    shared::time::Utc(START + ms).to_string()
}
pub fn hub_time(ms: i64) -> u64 {
    ((START + ms) / 1000) as u64
}

pub fn seg(s: u64, t0: i64, t1: i64) -> String {
    let clip = footage(s);
    format!(
        r#"{{"cam":"c03","s":{s},"t0":"{}","t1":"{}","size":{},"sha256":"{}","mask":"m7","how":"proved","proofs":60,"lost":0,"key":"c03/2026-11-03"}}"#,
        time(t0),
        time(t1),
        clip.len(),
        hex(&sha256(&[&clip])),
    )
}
pub fn gap(next: u64, t0: i64, t1: i64) -> String {
    format!(
        r#"{{"cam":"c03","next":{next},"t0":"{}","t1":"{}","why":"rtp-loss","packets":12}}"#,
        time(t0),
        time(t1)
    )
}
/// Stands for a segment: what is checked is its hash.
pub fn footage(s: u64) -> Vec<u8> {
    format!(
        "not really a film, but segment {s} of camera c03; {}\n",
        "frame ".repeat((s % 7) as usize + 5)
    )
    .into_bytes()
}
pub fn master_name(s: u64, t0: i64) -> String {
    format!(
        "master/c03_{}_{s}.mp4",
        shared::time::Utc(START + t0).compact()
    )
}

pub fn render(event: &Event, n: usize, prev: &Hash, data: &str) -> Vec<u8> {
    let Event {
        log,
        boot,
        ms,
        kind,
        who,
        ..
    } = event;
    format!(
        "{{\"v\":1,\"log\":\"{log}\",\"n\":{n},\"prev\":\"{}\",\"t\":\"{}\",\"boot\":{boot},\"mono\":{},\"type\":\"{kind}\",\"who\":\"{who}\",\"data\":{data}}}\n",
        hex(prev), time(ms + event.off), 1000 + ms,
    )
    .into_bytes()
}

/// Lines from events, numbered and chained.
pub fn chain(events: &[Event]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut prev = [0; 32];
    for (n, event) in events.iter().enumerate() {
        let data = match event.ack {
            None => event.data.clone(),
            Some(size) => {
                let root = root(&leaves(&lines[..size.min(n)]));
                let time = hub_time(event.ms - 500);
                let sig = hub_key().cosign(&body(BOX_LOG, size, &root), time);
                format!(
                    r#"{{"size":{size},"root":"{}","hub":"{HUB_NAME}","time":{time},"sig":"{sig}"}}"#,
                    b64(&root)
                )
            }
        };
        let line = render(event, n, &prev, &data);
        prev = leaf(&line);
        lines.push(line);
    }
    lines
}

/// 22 lines of one box: a key rolled at line 9, one declared gap, three countersignatures.
pub fn events() -> Vec<Event> {
    let open = format!(
        r#"{{"key":"{}","site":"Ashby High Street","hw":"n100-2","sw":"0.1.0","pred":null,"by":[]}}"#,
        box_key(1).vkey()
    );
    let beat = r#"{"free_mib":812345,"cams":1,"temp_c":41}"#;
    let clock = r#"{"src":"chrony","stratum":2,"offset_us":-120,"err_us":900,"trust":"synced"}"#;
    vec![
        ev(0, "log.open", open),
        ev(
            200,
            "sys.boot",
            r#"{"why":"start","last_n":-1,"sw":"0.1.0"}"#,
        ),
        ev(400, "clock.state", clock),
        ev(
            1_000,
            "mask.set",
            format!(
                r#"{{"cam":"c03","mask":"m7","sha256":"{}","permille":83,"review":"2027-11-03"}}"#,
                hex(&sha256(&[b"polygons"]))
            ),
        ),
        ev(
            3_000,
            "cam.session",
            r#"{"cam":"c03","codec":"h264","w":1920,"h":1080,"fps_milli":25000,"serial":"4F0021","offset_ms":-40}"#,
        ),
        ev(58_000, "beat", beat),
        ev(63_100, "seg.write", seg(184_223, 3_000, 63_000)),
        ack(64_000, 6),
        ev(118_000, "beat", beat),
        ev(
            120_000,
            "key.roll",
            format!(r#"{{"new":"{}"}}"#, box_key(2).vkey()),
        ),
        ev(123_100, "seg.write", seg(184_224, 63_000, 123_000)),
        ack(124_000, 10),
        ev(178_000, "beat", beat),
        ev(181_000, "seg.gap", gap(184_225, 123_000, 125_000)),
        ev(185_100, "seg.write", seg(184_225, 125_000, 185_000)),
        ack(186_000, 13),
        ev(238_000, "beat", beat),
        ev(245_100, "seg.write", seg(184_226, 185_000, 245_000)),
        ev(
            250_000,
            "acc.live",
            format!(
                r#"{{"cam":"c03","t0":"{}","t1":"{}","grant":"G-17","purpose":"{}"}}"#,
                time(240_000),
                time(250_000),
                hex(&sha256(&[b"salt", b"why"]))
            ),
        ),
        ev(298_000, "beat", beat),
        ev(
            300_000,
            "exp.clip",
            format!(
                r#"{{"ref":"{REF}","cam":"c03","s0":184224,"s1":184226,"t0":"{}","t1":"{}","grant":"G-17","purpose":"{}"}}"#,
                time(ASKED.0),
                time(ASKED.1),
                hex(&sha256(&[b"salt", b"why"]))
            ),
        ),
        ev(301_000, "beat", beat),
    ]
}

/// What the clip was asked for, in milliseconds from the start.
pub const ASKED: (i64, i64) = (70_000, 240_000);
/// Line number of the key.roll in [`events`].
pub const ROLL: usize = 9;

/// Lays lines out as a log folder: stored head at the key.roll, newest head, newest countersigned one.
pub fn log_folder(lines: &[Vec<u8>]) -> Files {
    let newest = box_key(2);
    let cut = lines.len() - 1;
    let mut files = Files::new();
    files.insert("0000000000.jsonl".into(), lines.concat());
    files.insert(
        format!("heads/{}.note", ROLL + 1),
        head(BOX_LOG, lines, ROLL + 1, &box_key(1), None).into(),
    );
    files.insert(
        "head.note".into(),
        head(BOX_LOG, lines, lines.len(), &newest, None).into(),
    );
    files.insert(
        "cosigned.note".into(),
        head(BOX_LOG, lines, cut, &newest, Some(hub_time(301_000))).into(),
    );
    files
}

pub fn lines() -> Vec<Vec<u8>> {
    chain(&events())
}

/// A P-256 key in the shape openssl and the log want it.
pub struct SealKey {
    pair: rs::EcdsaKeyPair,
}

impl SealKey {
    /// 0 is the council's, 1 a stranger's.
    pub fn new(which: usize) -> Self {
        let public = unhex(SEAL_PUBLIC[which]);
        let pair = rs::EcdsaKeyPair::from_private_key_and_public_key(
            &rs::ECDSA_P256_SHA256_ASN1_SIGNING,
            &unhex(SEAL[which]),
            &public,
            &SystemRandom::new(),
        );
        Self {
            pair: pair.expect("fixed key"),
        }
    }
    pub fn spki(&self) -> Vec<u8> {
        [
            unhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
            rs::KeyPair::public_key(&self.pair).as_ref().to_vec(),
        ]
        .concat()
    }
    pub fn pem(&self) -> String {
        let text = b64(&self.spki());
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
            &text[..64],
            &text[64..]
        )
    }
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair
            .sign(&SystemRandom::new(), bytes)
            .expect("sign")
            .as_ref()
            .to_vec()
    }
}

/// Everything a package is made from; change a field, [`Package::build`], and the lists and seals fit again.
#[derive(Clone)]
pub struct Package {
    pub lines: Vec<Vec<u8>>,
    pub records: Vec<usize>,
    /// (line number, file name, bytes)
    pub masters: Vec<(usize, String, Vec<u8>)>,
    pub asked: (i64, i64),
    pub cosigned: bool,
    pub seal_key: usize,
}

impl Default for Package {
    fn default() -> Self {
        let master = |n, s, t0| (n, master_name(s, t0), footage(s));
        Self {
            lines: lines(),
            records: vec![0, 2, 3, 9, 10, 13, 14, 17, 20],
            masters: vec![
                master(10, 184_224, 63_000),
                master(14, 184_225, 125_000),
                master(17, 184_226, 185_000),
            ],
            asked: ASKED,
            cosigned: true,
            seal_key: 0,
        }
    }
}

impl Package {
    /// The files that SHA256SUMS lists.
    pub fn contents(&self) -> Files {
        let mut files = Files::new();
        let mut put = |name: &str, bytes: &[u8]| files.insert(name.into(), bytes.to_vec());
        put(
            "READ-ME-FIRST.txt",
            b"A worked package with fixed keys, for tests. Check it with verify/verify.py.\n",
        );
        put(
            "CERTIFICATE.txt",
            b"Continuity certificate of EXH-2026-000123 (worked example).\n",
        );
        let entries: Vec<String> = self
            .masters
            .iter()
            .map(|(n, file, _)| format!(r#"{{"n":{n},"file":"{file}"}}"#))
            .collect();
        put("manifest.json", format!(
            "{{\"v\":1,\"ref\":\"{REF}\",\"log\":\"{BOX_LOG}\",\"cam\":\"c03\",\"t0\":\"{}\",\"t1\":\"{}\",\"master\":[{}]}}\n",
            time(self.asked.0), time(self.asked.1), entries.join(","),
        ).as_bytes());
        for (_, file, bytes) in &self.masters {
            put(file, bytes);
        }
        let size = self.lines.len();
        let cosign = self.cosigned.then(|| hub_time(301_500));
        put(
            "log/records.jsonl",
            &self
                .records
                .iter()
                .map(|n| self.lines[*n].clone())
                .collect::<Vec<_>>()
                .concat(),
        );
        for n in &self.records {
            put(
                &format!("log/proof/{n}.tlog-proof"),
                proof(BOX_LOG, &self.lines, *n, size, &box_key(2), cosign).as_bytes(),
            );
        }
        let hub = hub_lines(&[0; 32]);
        put("keys/box.vkey", (box_key(2).vkey() + "\n").as_bytes());
        put("keys/box.pem", box_key(2).pem().as_bytes());
        put("keys/hub.vkey", (hub_key().vkey() + "\n").as_bytes());
        put("keys/hub.pem", hub_key().pem().as_bytes());
        put(
            "keys/hub-log.vkey",
            (hub_log_key().vkey() + "\n").as_bytes(),
        );
        put(
            "keys/seal.pem",
            SealKey::new(self.seal_key).pem().as_bytes(),
        );
        put("keys/seal.record", &hub[2]);
        put(
            "keys/seal.tlog-proof",
            proof(
                HUB_LOG,
                &hub[..4],
                2,
                4,
                &hub_log_key(),
                Some(hub_time(301_500)),
            )
            .as_bytes(),
        );
        files
    }

    pub fn build(&self) -> Files {
        seal(self.contents(), self.seal_key)
    }
}

/// SHA256SUMS and what lies beside it, made anew for these files: what the council's hub would do.
pub fn seal(mut files: Files, key: usize) -> Files {
    files.retain(|name, _| !name.starts_with("SHA256SUMS"));
    let sums: String = files
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(&[bytes]))))
        .collect();
    let hub = hub_lines(&sha256(&[sums.as_bytes()]));
    files.insert(
        "SHA256SUMS.sig".into(),
        SealKey::new(key).sign(sums.as_bytes()),
    );
    files.insert("SHA256SUMS.record".into(), hub[4].clone());
    files.insert(
        "SHA256SUMS.tlog-proof".into(),
        proof(HUB_LOG, &hub, 4, 5, &hub_log_key(), Some(hub_time(303_000))).into(),
    );
    files.insert("SHA256SUMS".into(), sums.into());
    files
}

/// Another's exhibit, changed and sealed with a stranger's key, whose lines stand in a log that somebody got the hub to countersign.
pub fn forged_in(log: &str) -> Files {
    let (log_key, thief) = (key(log, 1, 61), SealKey::new(1));
    let proven = |lines: &[Vec<u8>], n| {
        proof(
            log,
            lines,
            n,
            lines.len(),
            &log_key,
            Some(hub_time(303_000)),
        )
        .into_bytes()
    };
    let mut files = Package::default().contents();
    let lines = hub_lines_in(log, &log_key, &thief, &[0; 32]);
    files.insert("CERTIFICATE.txt".into(), b"Privacy masks: NONE\n".to_vec());
    files.insert("keys/seal.pem".into(), thief.pem().into());
    files.insert("keys/seal.record".into(), lines[2].clone());
    files.insert("keys/seal.tlog-proof".into(), proven(&lines[..4], 2));
    files.insert("keys/hub-log.vkey".into(), (log_key.vkey() + "\n").into());
    fix_sums(&mut files);
    let sums = files["SHA256SUMS"].clone();
    let lines = hub_lines_in(log, &log_key, &thief, &sha256(&[&sums]));
    files.insert("SHA256SUMS.sig".into(), thief.sign(&sums));
    files.insert("SHA256SUMS.record".into(), lines[4].clone());
    files.insert("SHA256SUMS.tlog-proof".into(), proven(&lines, 4));
    files
}

/// What anyone can do without a key: hash the files again and write the list.
pub fn fix_sums(files: &mut Files) {
    let sums: String = files
        .iter()
        .filter(|(name, _)| !name.starts_with("SHA256SUMS"))
        .map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(&[bytes]))))
        .collect();
    files.insert("SHA256SUMS".into(), sums.into());
}

/// The hub's own log: opened, seal key named, a grant, the export.
pub fn hub_lines(sums: &Hash) -> Vec<Vec<u8>> {
    hub_lines_in(HUB_LOG, &hub_log_key(), &SealKey::new(0), sums)
}

/// The same lines in a log of any name.
pub fn hub_lines_in(log: &str, log_key: &Key, seal: &SealKey, sums: &Hash) -> Vec<Vec<u8>> {
    let hub = |ms, kind: &str, data: String| Event {
        log: log.into(),
        who: "sys:hub".into(),
        boot: 3,
        ..ev(ms, kind, data)
    };
    chain(&[
        hub(
            0,
            "log.open",
            format!(
                r#"{{"key":"{}","site":"Hub","hw":"vm","sw":"0.1.0","pred":null,"by":["0001","0002"]}}"#,
                log_key.vkey()
            ),
        ),
        hub(
            100,
            "sys.boot",
            r#"{"why":"start","last_n":-1,"sw":"0.1.0"}"#.into(),
        ),
        hub(
            300,
            "key.seal",
            format!(r#"{{"spki":"{}"}}"#, b64(&seal.spki())),
        ),
        hub(
            60_000,
            "beat",
            r#"{"free_mib":512,"cams":0,"temp_c":null}"#.into(),
        ),
        hub(
            120_000,
            "exp.done",
            format!(
                r#"{{"ref":"{REF}","cam":"c03","sums":"{}","to":"{}"}}"#,
                hex(sums),
                hex(&sha256(&[b"salt", b"DC 1234"]))
            ),
        ),
    ])
}

pub fn hub_folder() -> Files {
    let lines = hub_lines(&sha256(&[b"sums"]));
    let mut files = Files::new();
    files.insert("0000000000.jsonl".into(), lines.concat());
    files.insert(
        "head.note".into(),
        head(HUB_LOG, &lines, 5, &hub_log_key(), None).into(),
    );
    files.insert(
        "cosigned.note".into(),
        head(HUB_LOG, &lines, 5, &hub_log_key(), Some(hub_time(303_000))).into(),
    );
    files
}
