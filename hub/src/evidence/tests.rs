//! Adapter: filesystem. Packages made from a real log and sealed masters, checked by the Rust verifier, verify.py, openssl and sha256sum.
mod at_rest;

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
    Authority, Fetched, Order, Package, PackageError, Resting, build,
    certificate::{
        Request,
        people::{People, Person},
    },
    resting,
    save::{SaveError, Saved, save},
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
            masters.push(Fetched { n, path });
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
        t1: start.plus_ms(46_100),
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

    fn saved_in(&self, folder: &str) -> Result<Saved, SaveError> {
        let folder = self.folder.path().join(folder);
        let short = self.order.short.is_some();
        let exhibit = &self.order.request.exhibit;
        save(
            &self.rest(),
            exhibit,
            &folder,
            &options(&self.hub),
            short,
            |_, _| {},
        )
    }

    /// The package in plain, as it is handed over.
    fn saved(&self) -> PathBuf {
        self.saved_in("saved").expect("saved").folder
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(self.rest().read(name).expect(name)).expect("text")
    }
}

/// EVI-1, EVI-2, AUD-4: a package verifies by our verifier, by the Python page, by sha256sum and by openssl; it holds masters
/// byte for byte, a working copy, the lines relied on and no other.
#[test]
fn a_package_verifies_in_every_way() {
    let scene = scene([320; 5]);
    let now = SystemClock.now().wall;
    let made = build(&scene.hub, now, &scene.order).expect("made");
    assert_eq!(
        made.folder,
        scene.order.evidence.join("EXH-2026-000123/c03")
    );
    assert_eq!(made.report.exit_status(), 0, "{}", made.report.render());
    assert!(
        made.report.render().starts_with("INTACT"),
        "{}",
        made.report.render()
    );
    assert_eq!(made.label().len(), 23);
    assert_eq!(
        (
            made.masters.len(),
            made.working.len(),
            made.working_short.len()
        ),
        (4, 1, 0)
    );
    let w = &made.working[0];
    assert_eq!(
        (
            w.t0.0 - scene.order.request.t0.0,
            w.t1.0 - scene.order.request.t1.0
        ),
        (-500, 20),
        "{w:?}"
    );

    let saved = scene.saved();
    let python = Command::new("python3")
        .arg(saved.join(names::VERIFY_PY))
        .arg("bundle")
        .arg(&saved)
        .arg("--hub")
        .arg(scene.hub.key.to_string())
        .output()
        .expect("python3");
    assert_eq!(
        String::from_utf8_lossy(&python.stdout),
        made.report.render(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let sums = Command::new("sha256sum")
        .args(["--strict", "--quiet", "-c", names::SUMS])
        .current_dir(&saved)
        .output()
        .expect("sha256sum");
    assert!(
        sums.status.success(),
        "{}",
        String::from_utf8_lossy(&sums.stdout)
    );
    let seal = Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-verify",
            names::SEAL_PEM,
            "-signature",
            names::SEAL,
            names::SUMS,
        ])
        .current_dir(&saved)
        .output()
        .expect("openssl");
    assert!(seal.status.success());

    let records = scene.read(names::RECORDS);
    for part in ["exp.clip", "seg.gap", "mask.set", "log.open", "disk-slow"] {
        assert!(records.contains(part), "{part}");
    }
    assert_eq!(records.matches("\"seg.write\"").count(), 4);
    for foreign in ["secret-of-another", "camera-silent"] {
        assert!(!records.contains(foreign), "{foreign}");
    }
    let certificate = scene.read(names::CERTIFICATE);
    let flat = certificate.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "EXH-2026-000123",
        "theft from shop",
        "CR/1234/26",
        "m7 covers 12.5 %",
        "camera silent",
        "own clock was 7300 ms ahead of the recorder's",
        "asked of the hub by Siân Evans (operator for town; op:0147)",
        "authorised by somebody whose name the hub does not hold (supervisor; op:0150)",
        "disk-slow",
        "Criminal Justice Act 1967",
        "op:0147",
    ] {
        assert!(flat.contains(part), "{part} in\n{certificate}");
    }
    assert!(
        certificate.lines().all(|l| l.chars().count() <= 110) && certificate.lines().count() <= 140,
        "two pages:\n{certificate}"
    );
    println!("{certificate}\n=====\n{}", scene.read(names::READ_ME));
    // Never over an existing one, and nothing half-made is left.
    assert!(matches!(
        build(&scene.hub, now, &scene.order),
        Err(PackageError::Exists(_))
    ));
    let left: Vec<_> = std::fs::read_dir(scene.order.evidence.join("EXH-2026-000123"))
        .expect("list")
        .map(|e| e.expect("entry").file_name())
        .collect();
    assert_eq!(left, ["c03"]);
    // The register names exactly this package.
    let own = std::fs::read_to_string(made.folder.join(names::SUMS_RECORD)).expect("record");
    assert!(own.contains(&hex(&made.sums)) && own.contains("exp.done"));
}

/// AUD-4: an altered byte anywhere in the finished package is found.
#[test]
fn altered_packages_do_not_verify() {
    let scene = scene([320; 5]);
    scene.made();
    let saved = scene.saved();
    let folder = logbook::Folder(saved.clone());
    for file in folder.list().expect("list") {
        let path = saved.join(&file);
        let good = std::fs::read(&path).expect("read");
        let mut bad = good.clone();
        let at = bad.len() / 2;
        bad[at] ^= 1;
        std::fs::remove_file(&path).expect("remove");
        std::fs::write(&path, &bad).expect("write");
        assert_eq!(
            verify::package(&folder, &options(&scene.hub)).exit_status(),
            1,
            "{file}"
        );
        std::fs::write(&path, &good).expect("write");
    }
    assert_eq!(
        verify::package(&folder, &options(&scene.hub)).exit_status(),
        0
    );
}

/// EVI-1: a clip known to be short says so itself, in words and in the verdict; one that is short unawares is not released.
#[test]
fn a_partial_package_says_so() {
    let mut scene = scene([320; 5]);
    scene.order.request.t1 = scene.order.request.t1.plus_ms(60_000);
    let now = SystemClock.now().wall;
    assert!(matches!(
        build(&scene.hub, now, &scene.order),
        Err(PackageError::NotIntact(_))
    ));
    scene.order.short = Some("the last minute was never recorded".into());
    let made = build(&scene.hub, now, &scene.order).expect("made");
    let codes: Vec<_> = made
        .report
        .findings
        .iter()
        .map(|f| f.code)
        .filter(|c| !shared::check::is_note(c))
        .collect();
    assert_eq!(codes, ["DOES-NOT-COVER-REQUEST"]);
    let certificate = scene.read(names::CERTIFICATE);
    assert!(
        certificate.contains("PARTIAL")
            && certificate.contains("the last minute was never recorded"),
        "{certificate}"
    );
}

/// EVI-2: a camera whose picture changed in the middle gets one working copy for each part.
#[test]
fn a_parameter_change_gives_two_working_copies() {
    let scene = scene([320, 320, 320, 640, 640]);
    let made = build(&scene.hub, SystemClock.now().wall, &scene.order).expect("made");
    assert_eq!(
        (made.masters.len(), made.working.len()),
        (4, 2),
        "{:?}",
        made.working_short
    );
    assert_ne!(made.working[0].file, made.working[1].file);
}

/// AUD-3: no receipt, no clip; and what was fetched must be what was logged. Failure leaves no folder and no exp.done.
#[test]
fn refusals_leave_nothing() {
    let Scene {
        folder,
        hub,
        mut order,
        box_log,
    } = scene([320; 5]);
    let now = SystemClock.now().wall;
    let before = hub.log.size();
    let good = order.masters.clone();

    let other = order.masters[0].path.clone();
    order.masters[1].path = other;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::MasterDiffers { .. })
    ));
    order.masters = good.clone();

    let cut = folder.path().join("cut.age");
    let bytes = std::fs::read(&good[2].path).expect("read");
    std::fs::write(&cut, &bytes[..bytes.len() - 5]).expect("write");
    order.masters[2].path = cut;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::MasterDiffers { .. })
    ));
    order.masters = good.clone();

    order.masters.remove(1);
    match build(&hub, now, &order) {
        Err(PackageError::NotIntact(report)) => assert!(
            report.render().contains("SEGMENT-MISSING"),
            "{}",
            report.render()
        ),
        other => panic!("{other:?}"),
    }
    order.masters = good.clone();

    order.masters[0].n += 1;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::WrongLine { .. })
    ));
    order.masters = good.clone();

    let clip = order.clip;
    order.clip = box_log
        .append(
            "sys:reader",
            &ExpClip {
                r#ref: "EXH-2026-000123".into(),
                cam: CameraId::parse("c03").expect("cam"),
                s0: 8,
                s1: 11,
                grant: "G".into(),
                purpose: "0".repeat(64),
            },
        )
        .expect("line")
        .n;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::NotCountersigned { .. })
    ));
    order.clip = clip - 1;
    assert!(matches!(
        build(&hub, now, &order),
        Err(PackageError::WrongLine { .. })
    ));
    order.clip = clip;

    let names: Vec<_> = std::fs::read_dir(order.evidence.join("EXH-2026-000123"))
        .expect("list")
        .collect();
    assert!(names.is_empty(), "{names:?}");
    let written = logbook::LogFolder::new(&hub.log.folder())
        .read_lines(before, u64::MAX, 1 << 20)
        .expect("lines");
    assert!(!String::from_utf8_lossy(&written).contains("exp.done"));
    // And then it goes.
    assert!(build(&hub, now, &order).is_ok());
}

/// AUD-4, V11: footage whose log has ended: the package shows that log, to its last countersigned head, and beside it the line of the later log
/// that says it was handed out; the certificate says so and why; both verifiers ask for that line, and for no other log's.
#[test]
fn footage_from_before_a_fork_v11() {
    use super::package::Later;

    let mut scene = scene([320; 5]);
    // The hub's copy of the log that the box writes now.
    let origin = format!("{SCHEME}/box/ashby/2");
    let mut next = LogBuilder::new(&origin);
    let clip = ExpClip {
        r#ref: "EXH-2026-000123".into(),
        cam: scene.order.request.camera.cam.clone(),
        s0: 8,
        s1: 11,
        grant: "G-1".into(),
        purpose: "0".repeat(64),
    };
    let n = next.add("hub:order", &clip);
    next.beat();
    let mut head = next.head();
    scene.hub.cosign(&mut head);
    let folder = scene.folder.path().join("next");
    std::fs::create_dir(&folder).expect("folder");
    for (name, bytes) in next.files(Some(&next.head()), Some(&head)).0 {
        std::fs::write(folder.join(name), bytes).expect("file");
    }
    scene.order.clip = n;
    scene.order.later = Some(Later {
        log: folder,
        origin: origin.clone(),
        dispute: Some(("FORKED".into(), "two histories".into())),
    });
    let made = scene.made();
    assert!(
        made.report.render().starts_with("INTACT"),
        "{}",
        made.report.render()
    );
    let said = scene.read(names::CERTIFICATE);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "ashby/1 has ended",
        &format!("Line {n} of that log"),
        "FORKED: two histories",
        "what the hub had countersigned of it before",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let saved = scene.saved();
    let both = || {
        let package = logbook::Folder(saved.clone());
        let ours = verify::package(&package, &options(&scene.hub)).render();
        let python = Command::new("python3")
            .arg("-B")
            .arg(saved.join(names::VERIFY_PY))
            .arg("bundle")
            .arg(&saved)
            .arg("--hub")
            .arg(scene.hub.key.to_string())
            .output()
            .expect("python3");
        let theirs = String::from_utf8_lossy(&python.stdout).into_owned();
        assert_eq!(theirs, ours, "{}", String::from_utf8_lossy(&python.stderr));
        ours
    };
    assert!(both().starts_with("INTACT"), "{}", both());
    // Another box's log, an earlier one, a hub's, another line, a head that no hub key signed: none of them is that line.
    let (record, proof) = (
        saved.join(names::CLIP_RECORD),
        saved.join(names::CLIP_PROOF),
    );
    let unsigned = next.proof(n, &next.head()).render();
    let signed = next.proof(n, &head).render();
    for (what, of, line, head) in [
        ("another box", "box/derby/2", clip.s0, true),
        ("no later log", "box/ashby/1", clip.s0, true),
        ("a hub", "hub/2", clip.s0, true),
        ("another scheme", "", clip.s0, true),
        ("a head of nobody's", "box/ashby/2", clip.s0, false),
    ] {
        let of = match of {
            "" => "evil.example/box/ashby/2".to_owned(),
            of => format!("{SCHEME}/{of}"),
        };
        let mut other = LogBuilder::new(&of);
        let at = other.add(
            "hub:order",
            &ExpClip {
                s0: line,
                ..clip.clone()
            },
        );
        let mut top = other.head();
        if head {
            scene.hub.cosign(&mut top);
        }
        std::fs::write(&record, &other.lines[at as usize]).expect("record");
        std::fs::write(&proof, other.proof(at, &top).render()).expect("proof");
        let said = both();
        let wanted = match head {
            true => "NOT-IN-LOG\tfile log/clip.record",
            false => "NO-HUB-COSIGNATURE\tfile log/clip.tlog-proof",
        };
        assert!(said.contains(wanted), "{what}: {said}");
    }
    // That line covers what is here: it may reach beyond what the hub had countersigned of the log before, and leaves out nothing.
    for (s0, s1, covers) in [
        (8, 12, true),
        (7, 11, true),
        (9, 11, false),
        (8, 10, false),
        (12, 20, false),
    ] {
        let mut other = LogBuilder::new(&origin);
        let at = other.add(
            "hub:order",
            &ExpClip {
                s0,
                s1,
                ..clip.clone()
            },
        );
        let mut top = other.head();
        scene.hub.cosign(&mut top);
        std::fs::write(&record, &other.lines[at as usize]).expect("record");
        std::fs::write(&proof, other.proof(at, &top).render()).expect("proof");
        let said = both();
        // The files beside the sums are listed in them; what was changed here is said of them alone.
        let short = said.contains(&format!(
            "line {at} does not say that segments 8 to 11 were exported"
        ));
        assert_eq!(short, !covers, "{s0} to {s1}: {said}");
    }
    std::fs::write(&record, &next.lines[n as usize]).expect("record");
    std::fs::write(&proof, &unsigned).expect("proof");
    assert!(both().contains("NO-HUB-COSIGNATURE\tfile log/clip.tlog-proof"));
    std::fs::write(&proof, &signed).expect("proof");
    assert!(both().starts_with("INTACT"), "{}", both());
    std::fs::remove_file(&proof).expect("removed");
    assert!(both().contains("NOT-IN-LOG\tfile log/clip.record"));
}
