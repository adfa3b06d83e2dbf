//! Adapter: filesystem. Packages made from a real log and sealed masters, checked by the Rust verifier, verify.py, openssl and sha256sum.
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
    time::{Clock, Utc, Zone},
    types::{self, Data, ExpClip, FaultOn, KeySeal, MaskSet, SegGap, SegWrite},
    verify::{self, Files, Options},
};

use super::{
    Authority, Fetched, Made, Order, PackageError, Resting, build,
    certificate::Request,
    older::Older,
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
        site: "Ashby town centre".into(),
        t0: start.plus_ms(12_500),
        t1: start.plus_ms(46_100),
        purpose: "theft\nfrom\u{7} shop".into(),
        reference: "CR/1234/26".into(),
        requester: "PC 4411 Example".into(),
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
        masters,
        identity: secret,
        to: "1".repeat(64),
        short: None,
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
    fn made(&self) -> Made {
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

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let list = logbook::Folder(dir.to_owned()).list().expect("list");
    list.iter().map(|name| dir.join(name)).collect()
}

/// Files below `dir` that hold one of these.
fn holding(dir: &Path, needles: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut found = files_below(dir);
    found.retain(|path| {
        let bytes = std::fs::read(path).expect("read");
        needles
            .iter()
            .any(|n| bytes.windows(n.len()).any(|w| w == n))
    });
    found
}

/// What a plain master or working copy is known by, and 64 bytes of each of these.
fn needles(rest: &Resting) -> Vec<Vec<u8>> {
    let mut out = vec![
        b"ftypiso6".to_vec(),
        b"ftypisom".to_vec(),
        b"mvhd\0\0\0\0".to_vec(),
    ];
    for name in rest.list().expect("list") {
        if name.ends_with(".mp4") {
            let plain = rest.read(&name).expect("opens");
            for kind in [b"moov", b"mdat"] {
                let at = plain.windows(4).position(|w| w == kind).expect("a box");
                out.push(plain[at - 20..at + 44].to_vec());
            }
        }
    }
    out
}

/// RET-5, EVI-1: when a package has been made, no file of the hub holds a master, a working copy or the certificate in plain. The masters
/// are the very sealed files that came from the box, and are nowhere else any more.
#[test]
fn nothing_rests_in_plain() {
    let scene = scene([320; 5]);
    let fetched: Vec<(PathBuf, Vec<u8>)> = scene
        .order
        .masters
        .iter()
        .map(|f| (f.path.clone(), std::fs::read(&f.path).expect("read")))
        .collect();
    let made = scene.made();
    let rest = scene.rest();
    let mut needles = needles(&rest);
    assert_eq!(needles.len(), 3 + 2 * 5, "four masters and a working copy");
    needles.extend(["PC 4411 Example", "theft from shop", "seg.write"].map(Vec::from));
    for needle in &needles[..3] {
        // They are what a plain one would be found by.
        let names = rest.list().expect("list");
        let pictures = names.iter().filter(|n| n.ends_with(".mp4"));
        let plain: Vec<Vec<u8>> = pictures.map(|n| rest.read(n).expect("opens")).collect();
        let found = plain.iter().any(|p| p.windows(8).any(|w| w == needle));
        assert!(found, "{needle:?}");
    }
    for part in ["evidence", "hub"] {
        // The hub's own log and what is beside the sums hold neither.
        let found = holding(&scene.folder.path().join(part), &needles);
        assert!(found.is_empty(), "{found:?}");
    }
    for file in files_below(&made.folder) {
        let name = file.strip_prefix(&made.folder).expect("below");
        let name = name.to_string_lossy();
        assert!(
            name.starts_with("SHA256SUMS") != name.ends_with(".age"),
            "{name}"
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &file.metadata().expect("metadata").permissions(),
        );
        assert!(!name.ends_with(".age") || name.starts_with("master/") || mode & 0o77 == 0);
    }
    for ((path, sealed), master) in fetched.iter().zip(&made.masters) {
        assert!(!path.exists(), "{}", path.display());
        let there = std::fs::read(rest.path(&master.file)).expect("master");
        assert!(there == *sealed, "{}: sealed anew", master.file);
    }
    // Without the key nothing opens.
    let other = Resting::new(made.folder.clone(), sealed::keypair().0);
    let list = other.list().expect("list");
    for name in list.iter().filter(|n| !resting::in_plain(n)) {
        assert!(other.read(name).is_err(), "{name}");
    }
}

/// RET-5, EVI-1: the package that rests verifies, and the one that is saved is byte for byte what was verified: the same names, the same
/// hashes, the same report. It is there whole or not at all, for its owner only, and never over another.
#[test]
fn what_is_saved_is_what_was_verified() {
    let scene = scene([320; 5]);
    let made = scene.made();
    let rest = scene.rest();
    let report = verify::package(&rest, &options(&scene.hub));
    assert_eq!(report.render(), made.report.render());
    assert_eq!(report.exit_status(), 0);

    let left = scene.folder.path().join("saved/EXH-2026-000123.part/x");
    resting::private_dir(&left).expect("what a killed save left");
    let mut told = Vec::new();
    let saved = save(
        &rest,
        &scene.order.request.exhibit,
        &scene.folder.path().join("saved"),
        &options(&scene.hub),
        false,
        |at, of| told.push((at, of)),
    )
    .expect("saved");
    assert_eq!(saved.report.render(), report.render());
    assert_eq!(told.last(), Some(&(saved.bytes, saved.bytes)));
    let plain = logbook::Folder(saved.folder.clone());
    let names = rest.list().expect("list");
    assert_eq!(plain.list().expect("list"), names);
    assert_eq!(saved.files, names.len() as u64);
    for name in &names {
        assert!(
            plain.read(name).expect("read") == rest.read(name).expect("read"),
            "{name}"
        );
        let path = saved.folder.join(name);
        let about = path.metadata().expect("metadata").permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&about) & 0o77,
            0,
            "{name}"
        );
    }
    let names = || -> Vec<_> {
        let dir = scene.folder.path().join("saved").read_dir().expect("list");
        dir.map(|e| e.expect("entry").file_name()).collect()
    };
    assert_eq!(names(), ["EXH-2026-000123"]);
    assert!(matches!(scene.saved_in("saved"), Err(SaveError::Exists(_))));

    // Somebody who saves it to the same place at the same time is not disturbed.
    let part = scene.folder.path().join("twice/EXH-2026-000123.part");
    resting::private_dir(&part).expect("part");
    let held = nix::fcntl::Flock::lock(
        std::fs::File::open(&part).expect("open"),
        nix::fcntl::FlockArg::LockExclusiveNonblock,
    )
    .map_err(|(_, e)| e)
    .expect("lock");
    assert!(matches!(scene.saved_in("twice"), Err(SaveError::Busy(_))));
    assert!(part.exists());
    drop(held);
    scene.saved_in("twice").expect("saved");
}

/// RET-5, AUD-4: a flipped bit in any file of a resting package is found by the check, and nothing is saved of it.
#[test]
fn a_flipped_bit_at_rest_is_found() {
    let scene = scene([320; 5]);
    scene.made();
    let rest = scene.rest();
    let status = || verify::package(&rest, &options(&scene.hub)).exit_status();
    for path in files_below(rest.root()) {
        let good = std::fs::read(&path).expect("read");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("write");
            assert_ne!(status(), 0, "byte {at} of {}", path.display());
        }
        assert!(scene.saved_in("bad").is_err(), "{}", path.display());
        let cut = good.len() - 20.min(good.len());
        std::fs::write(&path, &good[..cut]).expect("write");
        assert_ne!(status(), 0, "cut: {}", path.display());
        std::fs::write(&path, &good).expect("write");
    }
    assert_eq!(status(), 0);
    let below = scene.folder.path().join("bad").read_dir().expect("list");
    assert_eq!(below.count(), 0, "nothing half-saved is left");
    // A plain file beside its sealed one is a leak, and no part of the package.
    let records = rest.read(names::RECORDS).expect("records");
    std::fs::write(rest.root().join(names::RECORDS), records).expect("write");
    let report = verify::package(&rest, &options(&scene.hub)).render();
    assert!(
        report.contains("EXTRA-FILE\tfile log/records.jsonl (not sealed)"),
        "{report}"
    );
}

/// RET-5: a package that an older version left in plain is sealed where it lies, with the very masters that were fetched where they still
/// are. Stopped before any step, and once more on the way, it is whole under one of its names, and ends sealed all the same.
#[test]
fn older_packages_are_sealed_wherever_it_stops() {
    let scene = scene([320; 5]);
    let made = scene.made();
    let plain = scene.saved();
    let (options, exhibit) = (options(&scene.hub), &scene.order.request.exhibit);
    let report = made.report.render();
    let needles = needles(&scene.rest());
    let kept: Vec<(String, Vec<u8>)> = made.masters[..2]
        .iter()
        .map(|m| {
            let sealed = std::fs::read(scene.rest().path(&m.file)).expect("master");
            (m.file.replace("master/", "") + ".age", sealed)
        })
        .collect();
    let root = scene.folder.path().join("old");
    let older = Older {
        evidence: root.join("evidence"),
        state: root.join("state"),
        exhibit: exhibit.clone(),
        cam: CameraId::parse("c03").expect("cam"),
        identity: scene.order.identity.clone(),
        options: options.clone(),
    };
    let of_exhibit = older.evidence.join(exhibit.as_str());
    let (package, fetched) = (
        of_exhibit.join("c03"),
        older.state.join("exhibits/EXH-2026-000123/c03"),
    );
    let whole = |folder: &Path| {
        let plain = logbook::Folder(folder.to_owned());
        let rest = Resting::new(folder.to_owned(), scene.order.identity.clone());
        folder.exists()
            && (verify::package(&plain, &options).render() == report
                || verify::package(&rest, &options).render() == report)
    };
    let stop_at = |k: usize| {
        let mut at = 0;
        move |_: &'static str| {
            at += 1;
            match at > k {
                true => Err(std::io::Error::other("killed")),
                false => Ok(()),
            }
        }
    };
    let (mut steps, mut stops) = (Vec::new(), 0);
    // First to its end, then stopped before each step, and before some of the many files and pieces.
    for k in [usize::MAX].into_iter().chain(0..) {
        let small = |step: &&str| ["a file", "a piece"].contains(step);
        if k < steps.len() && k % 16 != 0 && small(&steps[k]) {
            continue;
        }
        if k < usize::MAX && k >= steps.len() {
            break;
        }
        let _ = std::fs::remove_dir_all(&root);
        for file in logbook::Folder(plain.clone()).list().expect("list") {
            let to = package.join(&file);
            std::fs::create_dir_all(to.parent().expect("parent")).expect("folder");
            std::fs::copy(plain.join(&file), to).expect("copy");
        }
        resting::private_dir(&fetched).expect("folder");
        for (name, sealed) in &kept {
            std::fs::write(fetched.join(name), sealed).expect("write");
        }
        let mut stop = stop_at(k);
        let killed = older
            .one(&mut |step| {
                if k == usize::MAX {
                    steps.push(step);
                }
                stop(step)
            })
            .is_err();
        assert_eq!(killed, k < usize::MAX);
        stops += usize::from(killed);
        let places = ["c03", ".c03.plain"].map(|n| of_exhibit.join(n));
        assert!(places.iter().any(|p| whole(p)), "stopped at step {k}");
        if killed {
            let _ = older.one(&mut stop_at(k / 2));
            assert!(places.iter().any(|p| whole(p)), "stopped twice at {k}");
            older.one(&mut |_| Ok(())).expect("goes on");
        }
        older.tidy().expect("tidied");
        assert!(!older.one(&mut |_| Ok(())).expect("nothing to do"));
        let rest = Resting::new(package.clone(), scene.order.identity.clone());
        assert_eq!(verify::package(&rest, &options).render(), report);
        let found = holding(&root, &needles);
        assert!(found.is_empty(), "{found:?}");
        let left: Vec<_> = std::fs::read_dir(&of_exhibit)
            .expect("list")
            .map(|e| e.expect("entry").file_name())
            .collect();
        assert_eq!(left, ["c03"]);
        assert!(!older.state.join("exhibits/EXH-2026-000123").exists());
        for (name, sealed) in &kept {
            let there = std::fs::read(package.join("master").join(name)).expect("master");
            assert!(there == *sealed, "{name}: sealed anew");
        }
    }
    assert!(stops > 8, "{stops} of {steps:?}");
    // One that is damaged is sealed as it is, and says the same of itself.
    std::fs::remove_dir_all(&package).expect("remove");
    let plain = scene.saved_in("again").expect("saved").folder;
    std::fs::rename(&plain, &package).expect("rename");
    std::fs::write(package.join(names::CERTIFICATE), "forged").expect("write");
    let was = verify::package(&logbook::Folder(package.clone()), &options).render();
    assert!(older.one(&mut |_| Ok(())).expect("sealed"));
    let rest = Resting::new(package.clone(), scene.order.identity.clone());
    assert_eq!(verify::package(&rest, &options).render(), was);
    assert!(was.contains("ALTERED-FILE"), "{was}");
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
    for part in [
        "EXH-2026-000123",
        "theft from shop",
        "CR/1234/26",
        "m7 covers 12.5 %",
        "camera silent",
        "own clock differed by 7300 ms",
        "disk-slow",
        "Criminal Justice Act 1967",
        "op:0147",
    ] {
        assert!(certificate.contains(part), "{part} in\n{certificate}");
    }
    assert!(
        certificate.lines().all(|l| l.chars().count() <= 110) && certificate.lines().count() <= 72,
        "one page:\n{certificate}"
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
