//! Task. The reader against real files: crash points of the keys, torn segments at every length, orders, erasing.
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use footage::{mp4, sealed};
use ring::signature::{Ed25519KeyPair, KeyPair};
use shared::{
    id::{BoxName, CameraId},
    note::{ALG_COSIGNATURE, ALG_ED25519, Vkey},
    order::{Act, ORDER_PREFIX, Order},
    record::{hex, sha256},
    segment::{KeyId, SegmentName},
    time::{Clock, Day, Utc, Zone},
};

use super::{
    Basis, Client, ReaderError, Recipients, Server, Source, Terms,
    keys::{Folders, KeyStore},
    root::{
        Kind, Wish,
        swtpm::{Place, Swtpm},
    },
    torn,
};
use crate::{below::Folder, state::State, testing::Hands};

/// A test for each place a root key may have.
macro_rules! in_both_places {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[test]
            fn in_a_file() {
                super::$name(super::Kind::File);
            }
            #[test]
            fn in_a_tpm() {
                super::$name(super::Kind::Tpm);
            }
        }
    )* };
}
mod keys;
mod segments;

in_both_places!(
    recipients_outlive_the_reader,
    rewrap_only_on_a_signed_order,
    destroyed_is_undecryptable_with_the_files_still_there,
);

/// The reader's folder at one moment, and the TPM as it was then.
struct Snap(PathBuf);

impl Snap {
    fn take(dir: &Path, tpm: Option<&Path>, to: &Path) -> Self {
        copy_dir(dir, &to.join("reader"));
        if let Some(state) = tpm {
            copy_dir(state, &to.join("tpm"));
        }
        Self(to.into())
    }
    fn dir(&self) -> PathBuf {
        self.0.join("reader")
    }
    /// The place its root key is in: for a TPM, another that holds the same.
    fn place(&self, kind: Kind) -> Place {
        let tpm = (kind == Kind::Tpm).then(|| Swtpm::from(&self.0.join("tpm")));
        Place { kind, tpm }
    }
}

pub(crate) fn cam() -> CameraId {
    CameraId::parse("c03").expect("camera")
}
pub(crate) fn day(t: &str) -> Day {
    Day::parse(t).expect("day")
}
fn key(t: &str) -> KeyId {
    KeyId::parse(t).expect("key id")
}
pub(crate) fn utc(t: &str) -> Utc {
    Utc::parse(t).expect("time")
}

/// A baseline avcC with a 640×360 SPS, so that the muxer has what it asks for.
fn parameters() -> mp4::Parameters {
    let sps = [
        0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
        0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48,
    ];
    let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
    let mut config = vec![1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, sps.len() as u8];
    config.extend_from_slice(&sps);
    config.extend_from_slice(&[1, 0, pps.len() as u8]);
    config.extend_from_slice(&pps);
    mp4::Parameters {
        codec: mp4::Codec::H264,
        width: 640,
        height: 360,
        config,
        sound: None,
    }
}

/// A plain segment of `fragments` half seconds; returns it and where each whole fragment ends.
pub(crate) fn plain(start: Utc, fragments: u32, frame_bytes: usize) -> (Vec<u8>, Vec<usize>) {
    let mut out = mp4::init(&parameters()).expect("init");
    let mut ends = Vec::new();
    for f in 0..fragments {
        let frames: Vec<mp4::Frame> = (0..12u32)
            .map(|i| {
                let n = f * 12 + i;
                let mut bytes = (frame_bytes as u32).to_be_bytes().to_vec();
                bytes.extend((0..frame_bytes).map(|b| (b as u32 * 7 + n) as u8));
                mp4::Frame {
                    dts: u64::from(n) * 3750,
                    cts: 0,
                    duration: 3750,
                    key: i == 0,
                    bytes: Bytes::from(bytes),
                }
            })
            .collect();
        mp4::fragment(
            f + 1,
            start.plus_ms(i64::from(f) * 500),
            &frames,
            &[],
            &mut out,
        )
        .expect("fragment");
        ends.push(out.len());
    }
    (out, ends)
}

pub(crate) fn seal(plain: &[u8], recipient: &str) -> Vec<u8> {
    sealed::seal(recipient, plain).expect("sealed")
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("dir");
    for entry in fs::read_dir(from).expect("list") {
        let path = entry.expect("entry").path();
        let target = to.join(path.file_name().expect("name"));
        if path.is_dir() {
            copy_dir(&path, &target)
        } else {
            fs::copy(&path, &target).map(drop).expect("copy")
        }
    }
}

pub(super) struct Box_ {
    pub(super) place: Place,
    pub(super) clock: Arc<Hands>,
    _home: tempfile::TempDir,
    pub(super) state: State,
    pub(super) volume: PathBuf,
    pub(super) client: Client,
    pub(super) recipients: Recipients,
}

pub(super) fn folders(home: &Path) -> Folders {
    let state = State::new(home);
    state.for_recorder().expect("folders");
    state.for_reader().expect("folders");
    Folders::of(&state)
}

/// An order as the tests' hub signs it; [`pin`] says that it is this box's.
pub(crate) fn ordered(act: Act) -> (String, String) {
    ordered_at(Utc(1_793_712_000_000), act)
}

/// The same, made at another time.
pub(crate) fn ordered_at(made: Utc, act: Act) -> (String, String) {
    let order = Order {
        order: 1,
        made,
        r#box: BoxName::parse("ashby").expect("name"),
        by: vec!["op:0002".into(), "op:0003".into()],
        act,
    };
    let text = serde_json::to_string(&order).expect("json");
    let signed = [ORDER_PREFIX, &text].concat();
    let sig = STANDARD.encode(signer().sign(signed.as_bytes()).as_ref());
    (text, sig)
}

pub(crate) fn signer() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("seed")
}

/// A reader of the box ashby, whose footage is kept 28 days; the kernel vouches for this clock.
pub(crate) fn basis(cams: &[CameraId], volume: &Path, clock: Arc<dyn Clock>, wish: Wish) -> Basis {
    let zone_name = "Europe/London";
    let terms = Terms {
        name: BoxName::parse("ashby").expect("name"),
        zone: Zone::parse(zone_name).expect("zone"),
        zone_name: zone_name.into(),
        cameras: cams.iter().map(|c| (c.clone(), 28)).collect(),
        days: 28,
        volumes: vec![volume.to_owned()],
        hold_days: 400,
        pull_hours: 100,
        segment_secs: 60,
    };
    Basis {
        source: Source::Given(Arc::new(Mutex::new(Arc::new(terms)))),
        clock,
        kernel: || crate::clock::Kernel {
            synced: true,
            offset_us: 0,
            err_us: 1000,
        },
        wish,
    }
}

/// As enrolment leaves it: the hub that signs orders with this key.
pub(crate) fn pin(state: &State) {
    let order: [u8; 32] = signer().public_key().as_ref().try_into().expect("32 bytes");
    let vkey = |name: &str, alg| {
        let name = format!("cctv.example.gov.uk/hub/{name}-2026");
        Vkey::new(&name, alg, order).to_string()
    };
    let facts = crate::identity::HubFacts {
        hub: "hub.example:7443".into(),
        scheme: "cctv.example.gov.uk".into(),
        r#box: BoxName::parse("ashby").expect("name"),
        cosign: vkey("cosign", ALG_COSIGNATURE),
        order: vkey("order", ALG_ED25519),
        lookup: "beadle.example:7443".into(),
        ca: String::new(),
        cert: String::new(),
    };
    fs::create_dir_all(state.hub()).expect("folder");
    let text = serde_json::to_string(&facts).expect("json");
    fs::write(state.hub().join("hub.json"), text).expect("write");
}

/// A reader of its own, answering on a socket.
fn a_box(kind: Kind) -> Box_ {
    a_box_at(kind, "2026-11-03T15:00:00.000Z")
}

pub(super) fn a_box_at(kind: Kind, now: &str) -> Box_ {
    let clock = Hands::new(utc(now), 5_000);
    let home = tempfile::tempdir().expect("dir");
    let state = State::new(home.path());
    state.for_recorder().expect("folders");
    let place = Place::new(kind);
    let volume = home.path().join("volume");
    fs::create_dir(&volume).expect("folder");
    let basis = basis(&[cam()], &volume, clock.clone(), place.wish());
    let server = Server::bind(&state, basis).expect("bind");
    std::thread::spawn(move || server.run());
    let client = Client::new(&state.reader_socket());
    let recipients = Recipients::load(&state);
    client
        .recipients(&[cam()], day("2026-11-03"), 36, &recipients)
        .expect("recipients");
    Box_ {
        place,
        clock,
        volume,
        _home: home,
        state,
        client,
        recipients,
    }
}

impl Box_ {
    pub(super) fn put(&self, name: &SegmentName, open: bool, bytes: &[u8]) -> String {
        let file = if open {
            name.open_path()
        } else {
            name.closed_path()
        };
        let path = self.volume.join(&file);
        fs::create_dir_all(path.parent().expect("folder")).expect("dir");
        fs::write(path, bytes).expect("write");
        file
    }
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.volume.join("footage/2026-11-03/c03"))
            .expect("list")
            .map(|e| e.expect("entry").file_name().into_string().expect("name"))
            .collect();
        names.sort();
        names
    }
}

pub(super) fn name(s: u64) -> SegmentName {
    SegmentName {
        day: day("2026-11-03"),
        cam: cam(),
        start: utc("2026-11-03T14:00:03.000Z"),
        s,
    }
}

/// A daemon started after the recipients were made records with no reader there; they reach 35 days ahead.
fn recipients_outlive_the_reader(kind: Kind) {
    let b = a_box(kind);
    let again = Recipients::load(&b.state);
    for d in [0, 35] {
        let (id, recipient) = again
            .seal_to(&cam(), day("2026-11-03").plus_days(d), 1, true)
            .expect("recipient");
        assert_eq!(
            id.to_string(),
            format!("c03/{}", day("2026-11-03").plus_days(d))
        );
        assert_eq!(
            (id, recipient),
            b.recipients
                .seal_to(&cam(), day("2026-11-03").plus_days(d), 1, true)
                .expect("recipient")
        );
    }
    assert!(matches!(
        again.seal_to(&cam(), day("2026-11-03").plus_days(36), 1, true),
        Ok((KeyId::Boot { .. }, _))
    ));
    assert!(
        matches!(
            again.seal_to(&cam(), day("2026-11-03"), 1, false),
            Ok((KeyId::Boot { .. }, _))
        ),
        "unknown clock"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(b.state.reader_socket())
            .expect("socket")
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o660);
    assert!(matches!(
        Server::bind(
            &b.state,
            basis(&[cam()], &b.volume, b.clock.clone(), b.place.wish())
        ),
        Err(super::ServeError::Second(_))
    ));
    assert!(matches!(
        Client::new(Path::new("/nowhere/reader.sock")).destroy("c03/2026-11-03", None),
        Err(ReaderError::Absent { .. })
    ));
}

/// AUD-5: footage leaves only under an order the hub signed, and only to the recipient it names.
fn rewrap_only_on_a_signed_order(kind: Kind) {
    let b = a_box(kind);
    let (id, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let (bytes, _) = plain(name(7).start, 8, 2_000);
    let sealed = seal(&bytes, &recipient);
    let path = b.volume.join(b.put(&name(7), false, &sealed));
    let (hub, hub_recipient) = sealed::keypair();
    let order = |t0: &str, t1: &str, cam: &str, to: &str| {
        let text = format!(
            r#"{{"order":5,"made":"2026-11-03T15:00:00.000Z","box":"ashby","by":["op:0002"],"is":"pull","ref":"EXH-2026-000001","cam":"{cam}","t0":"{t0}","t1":"{t1}","grant":"1","purpose":"00","recipient":"{to}"}}"#
        );
        let sig = signer().sign(&[ORDER_PREFIX.as_bytes(), text.as_bytes()].concat());
        (
            text,
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sig.as_ref()),
        )
    };
    let ask = |(text, sig): &(String, String)| b.client.rewrap(text, sig, &path, &id.to_string());
    let good = order(
        "2026-11-03T14:00:00.000Z",
        "2026-11-03T14:05:00.000Z",
        "c03",
        &hub_recipient,
    );
    assert!(
        ask(&good)
            .expect_err("not enrolled")
            .to_string()
            .contains("enrol")
    );
    pin(&b.state);
    let (old, header, part) = ask(&good).expect("rewrapped");
    let moved = [header.as_slice(), &sealed[old as usize..]].concat();
    let mut opener = sealed::Opener::new(&[hub.to_string()]);
    let mut out = Vec::new();
    opener.push(&moved, &mut out).expect("opens for the hub");
    opener.finish(&mut out).expect("whole");
    assert_eq!(out, bytes);
    assert_eq!(part.to, bytes.len() as u64, "all of it is in the span");
    // Begins before the span but reaches into it.
    ask(&order(
        "2026-11-03T14:00:06.500Z",
        "2026-11-03T14:05:00.000Z",
        "c03",
        &hub_recipient,
    ))
    .expect("touches");
    for (bad, why) in [
        (
            order(
                "2026-11-03T14:00:07.500Z",
                "2026-11-03T14:05:00.000Z",
                "c03",
                &hub_recipient,
            ),
            "ends before the span",
        ),
        (
            order(
                "2026-11-03T13:00:00.000Z",
                "2026-11-03T14:00:03.000Z",
                "c03",
                &hub_recipient,
            ),
            "begins after the span",
        ),
        (
            order(
                "2026-11-03T14:00:00.000Z",
                "2026-11-03T14:05:00.000Z",
                "c04",
                &hub_recipient,
            ),
            "another camera",
        ),
        (
            order(
                "2026-11-03T14:00:00.000Z",
                "2026-11-03T14:05:00.000Z",
                "c03",
                "age1nonsense",
            ),
            "no recipient",
        ),
        (
            (good.0.replace("14:05", "15:05"), good.1.clone()),
            "altered",
        ),
    ] {
        assert!(matches!(ask(&bad), Err(ReaderError::Refused(_))), "{why}");
    }
    // A file renamed into the span holds what it holds.
    let liar = SegmentName {
        start: utc("2026-11-03T16:00:00.000Z"),
        ..name(9)
    };
    let lied = b.volume.join(b.put(&liar, false, &sealed));
    let later = order(
        "2026-11-03T16:00:00.000Z",
        "2026-11-03T16:05:00.000Z",
        "c03",
        &hub_recipient,
    );
    let error = b
        .client
        .rewrap(&later.0, &later.1, &lied, &id.to_string())
        .expect_err("lied")
        .to_string();
    assert!(error.contains("does not touch"), "{error}");
}

/// RET-2: after the key is destroyed nothing the reader has opens the files that are left, and the next day's open as before.
fn destroyed_is_undecryptable_with_the_files_still_there(kind: Kind) {
    let b = a_box(kind);
    let (id, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let (_, other) = b
        .recipients
        .seal_to(&cam(), day("2026-11-04"), 1, true)
        .expect("recipient");
    let sealed = seal(&plain(name(7).start, 2, 100).0, &recipient);
    let path = b.volume.join(b.put(&name(7), false, &sealed));
    let kept = b.volume.join(b.put(
        &name(8),
        false,
        &seal(&plain(name(8).start, 2, 100).0, &other),
    ));
    assert!(!b.client.undecryptable(&path).expect("answer"));
    b.clock.reach(utc("2026-12-02T00:04:59.000Z"));
    let early = b.client.destroy(&id.to_string(), None);
    let said = early.expect_err("too early").to_string();
    assert!(said.contains("it is due at 2026-12-02T00:05"), "{said}");
    assert!(!b.client.undecryptable(&path).expect("answer"));
    b.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    for _ in 0..2 {
        assert_eq!(
            b.client.destroy(&id.to_string(), None).expect("destroyed"),
            b.place.claim()
        );
        assert!(b.client.undecryptable(&path).expect("answer"));
        assert!(!b.client.undecryptable(&kept).expect("answer"));
    }
    // With the whole of the reader's folder in hand.
    let volume = Folder::open(&b.volume).expect("open");
    let inner = name(7).closed_path();
    let copy = b.state.root().join("copy");
    copy_dir(&b.state.reader(), &copy);
    let store = KeyStore::open(&Folders::of(&b.state).at(&copy), &b.place.wish()).expect("opens");
    assert!(torn::none_opens(&volume, &inner, &store.all()).expect("tried"));
    assert!(matches!(
        b.client.undecryptable(Path::new("/nowhere")),
        Err(ReaderError::Refused(_))
    ));
}
