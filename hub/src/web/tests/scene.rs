//! What the pages of these tests show: one box, two cameras, footage, clips, accounts of every role. Put there as boxes and people put it.
use std::path::{Path, PathBuf};

use shared::{
    id::{BoxCamera, BoxName, ExhibitRef},
    record::Record,
    schema::message::{Health, Hello},
    standing::Flow,
    time::{Day, Utc},
    wire::{CameraHealth, CameraInfo, MaskInfo},
};

use crate::{
    db::{numbers::Numbered, requests::RequestRecord},
    evidence::Resting,
    hub::Hub,
    model::{pull::State, role::Role},
    reason::PullReason,
    retention::rig::{Rig, ashby, cam, day, utc},
    texts::keep_salted,
};

const NOW: &str = "2026-11-03T14:00:00.000Z";
/// What somebody may have written that a terminal or a page would obey (security.md V16). What boxes say of it is refused at their door.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}Market\u{2066}\u{feff}\u{0}";
/// Number of kim, an operator. Those of the roles follow [`FIRST`].
pub const KIM: u32 = 7;
const FIRST: u32 = 20;

pub fn now() -> Utc {
    utc(NOW)
}

/// Number of the account that has this role's name.
pub fn number(role: &str) -> u32 {
    let at = Role::ALL.iter().position(|r| r.word() == role);
    FIRST + u32::try_from(at.expect("a role")).expect("few")
}

fn own_log(hub: &Hub) -> String {
    let files = beside(&hub.log.folder()).into_iter();
    let texts = files.map(|path| std::fs::read_to_string(path).expect("own log"));
    texts.collect()
}

pub fn lines(hub: &Hub, kind: &str) -> Vec<Record> {
    let text = own_log(hub);
    let all = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    let all = all.map(|l| Record::parse(l.as_bytes()).expect("a line"));
    all.filter(|r| r.kind == kind).collect()
}

/// How many lines there are but for those that the log writes by itself.
pub fn acts(hub: &Hub) -> u64 {
    let text = own_log(hub);
    let acts = text.lines().filter(|l| !l.contains("\"who\":\"sys:log\""));
    acts.count() as u64
}

fn beside(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).expect("own log");
    let mut all: Vec<PathBuf> = all.map(|e| e.expect("entry").path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "jsonl"));
    all.sort();
    all
}

pub fn mask(id: &str, review: &str) -> MaskInfo {
    MaskInfo {
        id: id.into(),
        how: "burned".into(),
        style: "pixelated".into(),
        permille: 62,
        sha256: "ab".repeat(32),
        review: Some(day(review)),
        order: Some(40),
        lifted: None,
        instead: None,
    }
}

/// A clip as it was asked for at `made`, with what is said about it.
pub fn request(hub: &Hub, n: u32, state: State, made: Utc, why: Vec<PullReason>) {
    let text = |t: &str| keep_salted(hub, t).expect("kept");
    // Each of the later ones is of a minute of its own.
    let t0 = match n {
        ..10 => utc("2026-11-03T11:59:10.000Z"),
        n => utc("2026-11-03T10:00:00.000Z").plus_ms(60_000 * i64::from(n)),
    };
    let row = RequestRecord {
        r#ref: exhibit(n),
        grant: format!("G-{n:06}"),
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0,
        t1: t0.plus_ms(30_000),
        purpose: text("theft"),
        reference: text("CR/1"),
        requester: text(&format!("PC 17{EVIL}")),
        who: "op:0007".into(),
        state,
        why,
        urgent: false,
        paused: None,
        wasted: 0,
        granted: 1,
        reason: None,
        line: None,
        footage: None,
        package: None,
        made,
    };
    let put = hub.db.write(|tx| {
        tx.add_request(n, &row)?;
        tx.number_used(Numbered::Request, n.into())
    });
    put.expect("recorded");
}

pub fn exhibit(n: u32) -> ExhibitRef {
    ExhibitRef::new(2026, n)
}

/// Where an exhibit's package rests.
pub fn package(hub: &Hub, n: u32) -> PathBuf {
    hub.config.evidence.join(exhibit(n).as_str()).join("c01")
}

/// Puts files into the package of an exhibit, sealed to its key, and has it on record.
pub fn packed(hub: &Hub, n: u32, files: &[(&str, Vec<u8>)]) {
    hub.keys.exhibit_recipient(&exhibit(n)).expect("a key");
    let identity = hub.keys.exhibit_identity(&exhibit(n)).expect("a key");
    let folder = package(hub, n);
    std::fs::create_dir_all(folder.join("working")).expect("folder");
    std::fs::create_dir_all(folder.join("master")).expect("folder");
    let rest = Resting::new(folder.clone(), identity);
    for (name, bytes) in files {
        rest.put(name, bytes).expect("written");
    }
    std::fs::write(folder.join("SHA256SUMS"), "sums").expect("written");
    let at = folder.to_string_lossy().into_owned();
    hub.db
        .request_package(exhibit(n).as_str(), &at)
        .expect("recorded");
}

fn film(kind: &[u8; 4]) -> Vec<u8> {
    let head = b"\0\0\0\x20ftypisom....stsd\0\0\0\0\0\0\0\x01\0\0\0\x10".as_slice();
    [head, kind, &(0..200u8).collect::<Vec<_>>()].concat()
}

/// A long H.264 copy, a short H.265 one, and a certificate.
pub fn films() -> Vec<(&'static str, Vec<u8>)> {
    let long = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    vec![
        ("working/a.mp4", [film(b"avc1"), long].concat()),
        ("working/b.mp4", film(b"hvc1")),
        ("CERTIFICATE.txt", b"CERTIFICATE <b>".to_vec()),
    ]
}

pub fn rig() -> Rig {
    let mut rig = Rig::new("2026-11-03T00:00:00.000Z");
    let hub = rig.hub.clone();
    hub.account(KIM, "kim", "operator");
    for role in Role::ALL {
        hub.account(number(role.word()), role.word(), role.word());
    }
    hub.db
        .enrol(&ashby(), "hash", "key", "cert")
        .expect("enrolled");
    let camera = |c: &str, title: String| CameraInfo {
        cam: cam(c),
        title,
        masked: true,
        lapse_secs: None,
        retention_days: None,
    };
    let hello = Hello {
        sw: "1.0".into(),
        cameras: vec![
            camera("c01", "<script>alert(1)</script>".into()),
            camera("c02", "Market <2>".into()),
            camera("c03", "Yard".into()),
        ],
        retention_days: 31,
        zone: "Europe/London".into(),
    };
    hub.db
        .box_hello(&ashby(), &hello, hub.now())
        .expect("noted");
    let today: Day = day("2026-11-03");
    rig.noon("c01", today, 1 << 30);
    rig.box_to(utc("2026-11-03T13:00:00.000Z"));
    rig.segment_of("c01", "c01/2026-11-03", 1 << 20);
    rig.segment_of("c02", "c02/2026-11-03", 1 << 20);
    rig.to(now());
    rig.log.beat();
    rig.send();
    let health = |c: &str, mask| CameraHealth {
        cam: cam(c),
        flow: Flow {
            recording: true,
            landed: Some(now()),
            ..Flow::default()
        },
        rate: None,
        stands_secs: None,
        mask,
        outlook: None,
    };
    let report = Health {
        time: now(),
        free_mib: 2048,
        cameras: vec![
            health("c01", Some(mask("m7", "2026-10-01"))),
            health("c02", Some(mask("m8", "2027-10-01"))),
            health("c03", None),
        ],
        faults: Vec::new(),
        approvers: None,
    };
    hub.db
        .box_health(&ashby(), &report, hub.now())
        .expect("noted");

    let made = now().plus_ms(-3_600_000);
    request(&hub, 1, State::Ready, made, Vec::new());
    packed(&hub, 1, &films());
    // A link is no copy, whatever it names.
    let secret = rig.dir.path().join("secret");
    std::fs::write(&secret, "secret").expect("written");
    let link = package(&hub, 1).join("working/c.mp4.age");
    std::os::unix::fs::symlink(secret, link).expect("link");
    let evil = PullReason::NotHeld {
        name: BoxName::parse("ashby").expect("name"),
        full: false,
        why: format!("the disk is full{EVIL}"),
    };
    request(&hub, 2, State::Waiting, made, vec![evil]);
    let gone = PullReason::Disposed {
        by: vec!["op:0002".into()],
        at: Some(made),
    };
    request(&hub, 4, State::Disposed, made, vec![gone]);
    rig
}
