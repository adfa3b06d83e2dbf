//! Adapter: filesystem. Packages made from a real log and sealed masters, checked by the Rust verifier, verify.py, openssl and sha256sum.
mod at_rest;
mod checks;
mod film;
mod forked;
mod made;
mod printed;
mod saved;
mod still;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use footage::{
    mp4::{self, Codec, Frame, Parameters},
    sealed,
};
use logbook::{Line, LogHandle, Settings, SystemClock};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use shared::{
    evidence::names,
    id::{BoxCamera, CameraId, ExhibitRef},
    note::{ALG_COSIGNATURE, SignedHead, Vkey},
    record::{hex, sha256},
    testing::LogBuilder,
    time::{Clock, Utc, Zone},
    types::{self, Data, ExpClip, FaultOn, KeySeal, MaskSet, SegGap, SegWrite},
    verify::{self, Files, Options},
};

use super::{
    Authority, FetchedSegment, Order, Package, PackageError, Resting, build,
    package::TrustAnchors,
    resting,
    save::{Form, SaveError, SaveOrder, SavedPackage, save},
};
use crate::{
    documents::Printer,
    papers::{
        card::Seal,
        certificate::{
            Request,
            people::{People, Person},
        },
    },
};

const SCHEME: &str = "cctv.example.gov.uk";

fn settings(base: &str, acks: bool) -> Settings {
    Settings {
        base: format!("{SCHEME}/{base}"),
        site: "Ashby".into(),
        hw: "test".into(),
        sw: "0".into(),
        key_life: Duration::from_secs(3600),
        acks,
        resume: false,
    }
}

/// A hub with keys and a log of its own.
struct Hub {
    log: LogHandle,
    cosign: Ed25519KeyPair,
    key: Vkey,
    seal: EcdsaKeyPair,
    seal_line: u64,
}

impl Hub {
    fn new(state: &Path) -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&rng).expect("key");
        let cosign = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("key");
        let public: [u8; 32] = cosign.public_key().as_ref().try_into().expect("32 bytes");
        let key = Vkey::new(
            &format!("{SCHEME}/hub/cosign-2026"),
            ALG_COSIGNATURE,
            public,
        );
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).expect("key");
        let seal = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &rng)
            .expect("key");
        let (log, _) =
            LogHandle::open(state, settings("hub", false), Arc::new(SystemClock)).expect("hub log");
        let mut hub = Self {
            log,
            cosign,
            key,
            seal,
            seal_line: 0,
        };
        hub.seal_line = hub
            .log
            .append(
                "sys:hub",
                &KeySeal {
                    spki: STANDARD.encode(hub.seal_spki()),
                },
            )
            .expect("key.seal")
            .n;
        hub
    }

    fn cosign(&self, head: &mut SignedHead) {
        let time = SystemClock.now().wall.seconds() as u64;
        head.cosign(&self.key, time, |m| {
            self.cosign.sign(m).as_ref().try_into().expect("64 bytes")
        });
    }
}

impl Authority for Hub {
    fn hub_key(&self) -> Vkey {
        self.key.clone()
    }
    fn log_folder(&self) -> PathBuf {
        self.log.folder()
    }
    fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.seal
            .sign(&SystemRandom::new(), bytes)
            .map(|s| s.as_ref().to_vec())
            .map_err(|e| e.to_string())
    }
    fn seal_spki(&self) -> Vec<u8> {
        let head = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        [head.as_slice(), self.seal.public_key().as_ref()].concat()
    }
    fn seal_line(&self) -> Result<u64, String> {
        Ok(self.seal_line)
    }
    fn append<D: Data>(&self, who: &str, data: &D) -> Result<Line, String> {
        self.log.append(who, data).map_err(|e| e.to_string())
    }
    fn head_now(&self) -> Result<SignedHead, String> {
        let mut head = self.log.sign_head().map_err(|e| e.to_string())?;
        self.cosign(&mut head);
        self.log
            .countersigned(&head, &self.key)
            .map_err(|e| e.to_string())?;
        Ok(head)
    }
}

/// Ten seconds of footage that no decoder looks at.
fn segment(start: Utc, width: u16) -> Vec<u8> {
    let parameters = Parameters {
        codec: Codec::H264,
        width,
        height: 180,
        config: vec![1, 0x42, 0, 0x1e, 0xff, 0xe0, 0],
        sound: None,
    };
    let mut out = mp4::init(&parameters).expect("init");
    for f in 0..25u64 {
        let frames: Vec<Frame> = (0..10)
            .map(|i| Frame {
                dts: (f * 10 + i) * 3600,
                cts: 0,
                duration: 3600,
                key: (f * 10 + i) % 50 == 0,
                bytes: vec![(f * 10 + i) as u8; 700].into(),
            })
            .collect();
        mp4::fragment(
            f as u32 + 1,
            start.plus_ms(f as i64 * 400),
            &frames,
            &[],
            &mut out,
        )
        .expect("fragment");
    }
    out
}

struct Scene {
    folder: tempfile::TempDir,
    hub: Hub,
    order: Order,
    box_log: LogHandle,
}

/// A box that logged five segments with a gap before the last, another camera's line in between, and a clip of s = 8..=11.
fn scene(widths: [u16; 5]) -> Scene {
    scene_until(widths, 46_100)
}

/// The same, asked for up to so many ms after the first segment's beginning.
fn scene_until(widths: [u16; 5], end: i64) -> Scene {
    let folder = tempfile::tempdir().expect("folder");
    let hub = Hub::new(&folder.path().join("hub"));
    let (box_log, opened) = LogHandle::open(
        &folder.path().join("box"),
        settings("box/ashby", true),
        Arc::new(SystemClock),
    )
    .expect("log");
    let cam = CameraId::parse("c03").expect("cam");
    let (secret, recipient) = sealed::keypair();
    let start = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 30_000);
    let append = |data: &dyn Fn(&LogHandle) -> u64| data(&box_log);
    append(&|l| {
        l.append(
            "sys:rec",
            &MaskSet {
                cam: cam.clone(),
                mask: "m7".into(),
                sha256: "0".repeat(64),
                permille: 125,
                review: None,
                style: None,
                how: None,
                reviewer: None,
                order: None,
            },
        )
        .expect("line")
        .n
    });
    append(&|l| {
        l.append(
            "sys:rec",
            &FaultOn {
                code: "camera-silent".into(),
                cam: Some(CameraId::parse("c99").expect("cam")),
            },
        )
        .expect("line")
        .n
    });
    append(&|l| {
        l.append(
            "sys:rec",
            &FaultOn {
                code: "disk-slow".into(),
                cam: None,
            },
        )
        .expect("line")
        .n
    });
    let mut masters = Vec::new();
    for (i, width) in (0..5i64).zip(widths) {
        let gap = if i == 4 { 3_000 } else { 0 };
        let t0 = start.plus_ms(i * 10_000 + gap);
        let s = 7 + i as u64;
        if gap > 0 {
            let line = SegGap {
                cam: cam.clone(),
                next: s,
                t0: t0.plus_ms(-gap),
                t1: t0,
                why: "camera silent".into(),
                packets: 0,
            };
            append(&|l| l.append("sys:rec", &line).expect("line").n);
        }
        let plain = segment(t0, width);
        let line = SegWrite {
            cam: cam.clone(),
            s,
            t0,
            t1: t0.plus_ms(10_000),
            size: plain.len() as u64,
            sha256: hex(&sha256(&plain)),
            mask: Some("m7".into()),
            how: "burned".into(),
            proofs: 0,
            lost: 0,
            day: None,
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            offset_ms: Some(7_300),
            key: "c03/2026-11-03".into(),
            rate: None,
        };
        let n = append(&|l| l.append("sys:rec", &line).expect("line").n);
        let out = sealed::seal(&recipient, &plain).expect("sealed");
        let path = folder.path().join(format!("{s}.mp4.age"));
        std::fs::write(&path, out).expect("write");
        if i > 0 {
            masters.push(FetchedSegment { n, path });
        }
        append(&|l| {
            l.append(
                "op:0001",
                &types::AccLive {
                    cam: CameraId::parse("c01").expect("cam"),
                    t0,
                    t1: t0,
                    grant: "secret-of-another".into(),
                    purpose: "0".repeat(64),
                },
            )
            .expect("line")
            .n
        });
    }
    let exhibit = ExhibitRef::new(2026, 123);
    let clip = ExpClip {
        r#ref: exhibit.to_string(),
        cam: cam.clone(),
        s0: 8,
        s1: 11,
        t0: start.plus_ms(12_500),
        t1: start.plus_ms(end),
        grant: "G-1".into(),
        purpose: "0".repeat(64),
    };
    let clip = append(&|l| l.append("sys:reader", &clip).expect("line").n);
    let mut head = box_log.sign_head().expect("head");
    hub.cosign(&mut head);
    box_log
        .countersigned(&head, &hub.key)
        .expect("countersigned");
    let request = Request {
        exhibit,
        camera: BoxCamera::parse("ashby/c03").expect("camera"),
        title: "High Street, north end".into(),
        scheme: "cctv.example.gov.uk".into(),
        t0: start.plus_ms(12_500),
        t1: start.plus_ms(end),
        people: People {
            purpose: "theft\nfrom\u{7} shop".into(),
            reference: "CR/1234/26".into(),
            requester: "PC 4411 Example".into(),
            submitted: Person {
                op: "op:0147".into(),
                name: Some("Siân Evans".into()),
                roles: vec!["operator@town".into()],
            },
            authorised: Some(Person {
                op: "op:0150".into(),
                name: None,
                roles: vec!["supervisor".into()],
            }),
        },
        grant: "G-1".into(),
        authorities: [("a".repeat(64), "RIPA 2026/17".to_owned())].into(),
        operator: "op:0147".into(),
        zone: Zone::parse("Europe/London").expect("zone"),
        zone_name: "Europe/London".into(),
    };
    let _ = opened;
    let order = Order {
        request,
        evidence: folder.path().join("evidence"),
        box_log: box_log.folder(),
        clip,
        later: None,
        masters,
        identity: secret,
        to: "1".repeat(64),
        short: None,
        holes: Vec::new(),
        printer: Printer::at("/nonexistent/beadle-documents".into()),
        trusted: TrustAnchors::default(),
    };
    Scene {
        folder,
        hub,
        order,
        box_log,
    }
}

fn options(hub: &Hub) -> Options {
    Options {
        hub: vec![hub.key.clone()],
        ..Options::default()
    }
}

impl Scene {
    fn made(&self) -> Package {
        build(&self.hub, SystemClock.now().wall, &self.order).expect("made")
    }

    /// The package as it rests.
    fn rest(&self) -> Resting {
        let package = self.order.evidence.join("EXH-2026-000123/c03");
        Resting::new(package, self.order.identity.clone())
    }

    fn saved_in(&self, folder: &str) -> Result<SavedPackage, SaveError> {
        let folder = self.folder.path().join(folder);
        self.saved_as(&folder, Form::Folder, &Seal::None, |_, _| {})
    }

    fn saved_as(
        &self,
        folder: &Path,
        form: Form,
        seal: &Seal,
        told: impl FnMut(u64, u64),
    ) -> Result<SavedPackage, SaveError> {
        let wanted = SaveOrder {
            exhibit: &self.order.request.exhibit,
            folder,
            form,
            seal,
            options: &options(&self.hub),
            short: self.order.short.is_some(),
            now: SystemClock.now().wall,
            card: &|file, sha256| format!("{file} {sha256}\n"),
        };
        save(&self.rest(), &wanted, told)
    }

    /// The package in plain, as it is handed over.
    fn saved(&self) -> PathBuf {
        self.saved_in("saved").expect("saved").path
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(self.rest().read(name).expect(name)).expect("text")
    }
}
