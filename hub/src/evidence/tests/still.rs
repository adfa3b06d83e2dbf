//! Adapter: filesystem. The package of a still picture: made on a real log, judged by both verifiers; another picture, another line and another time
//! are found.
use shared::types::RegStill;

use super::*;
use crate::{
    evidence::package::{StillOrder, build_still},
    model::rank::Rank,
    papers::still::StillFacts,
};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture \xff\xd9";

/// Makes a still of the second master, with a line of the hub's log that says what `change` makes of it.
fn made(scene: &Scene, change: impl FnOnce(&mut RegStill)) -> Result<Resting, PackageError> {
    let parent = &scene.order.request.exhibit;
    let exhibit = ExhibitRef::new(2026, 124);
    let n = scene.order.masters[1].n;
    let mut log = logbook::LogFolder::new(&scene.order.box_log);
    let bytes = log.line(n).expect("reads").expect("a line");
    let record = shared::record::Record::parse(&bytes).expect("parses");
    let origin = record.log.clone();
    let segment: SegWrite = crate::papers::lines::LogLine { bytes, record }
        .data()
        .expect("a segment");
    let t = segment.t0.plus_ms(1_300);
    let mut line = RegStill {
        r#ref: exhibit.to_string(),
        parent: parent.to_string(),
        log: origin.clone(),
        n,
        picture: 33,
        t,
        sha256: hex(&sha256(JPEG)),
        reason: "0".repeat(64),
        authority: "1".repeat(64),
        rank: "inspector".into(),
        by: vec!["op:0147".into()],
    };
    change(&mut line);
    let line = scene.hub.append("op:0147", &line).expect("a line").n;
    let by = Person {
        op: "op:0147".into(),
        name: Some("Siân Evans".into()),
        roles: Vec::new(),
    };
    let order = StillOrder {
        facts: StillFacts {
            exhibit: &exhibit,
            parent,
            camera: &scene.order.request.camera,
            title: "High Street",
            scheme: SCHEME,
            log: &origin,
            n,
            master: "master/c03_x_9.mp4",
            segment: &segment,
            picture: 33,
            pictures: 250,
            t,
            offset: 40_000,
            bytes: 700,
            sha256: &hex(&sha256(JPEG)),
            reason: "an appeal",
            authority: "Rees",
            rank: Rank::Inspector,
            by: &by,
            made: SystemClock.now().wall,
            zone: &scene.order.request.zone,
            line,
        },
        evidence: scene.order.evidence.clone(),
        box_log: scene.order.box_log.clone(),
        identity: scene.order.identity.clone(),
        line,
        jpeg: JPEG,
        operator: &by,
        to: &scene.order.to,
        trusted: TrustAnchors::default(),
    };
    let folder = build_still(&scene.hub, &order)?;
    Ok(Resting::new(folder, scene.order.identity.clone()))
}

/// EVI-8: a still picture is an exhibit of its own: it verifies by Rust and verify.py alike, its certificate says which picture of which master it is and
/// who authorised it, and nothing of the recording lies beside it.
#[test]
fn a_still_picture_is_an_exhibit() {
    let scene = scene([320; 5]);
    let rest = made(&scene, |_| {}).expect("made");
    let report = verify::package(&rest, &options(&scene.hub)).render();
    assert!(report.starts_with("INTACT\nCLOCK-NOT-SHOWN"), "{report}");
    let names = rest.list().expect("list");
    assert!(names.contains(&"still/EXH-2026-000124.jpg".to_owned()));
    let recording = |n: &&String| n.starts_with("master/") || n.starts_with("working/");
    assert_eq!(names.iter().find(recording), None);
    let certificate = rest.read(names::CERTIFICATE).expect("certificate");
    let certificate = String::from_utf8(certificate).expect("text");
    let words = certificate.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "EXH-2026-000123",
        "picture 33 of 250",
        "begin at byte 40000",
        "Rees, Inspector",
        "of this very package: INTACT",
        &hex(&sha256(JPEG)),
    ] {
        assert!(words.contains(said), "{said}: {certificate}");
    }
    assert!(certificate.lines().all(|l| l.chars().count() <= 92));
    // In plain, as it is handed over.
    let folder = scene.folder.path().join("still");
    for name in &names {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, rest.read(name).expect("opens")).expect("written");
    }
    let both = || {
        let rust = verify::package(&logbook::Folder(folder.clone()), &options(&scene.hub));
        let python = Command::new("python3")
            .args(["-B", "verify/verify.py", "bundle", "."])
            .args(["--hub", &scene.hub.key.to_string()])
            .current_dir(&folder)
            .output()
            .expect("python3");
        let said = String::from_utf8_lossy(&python.stdout).into_owned();
        assert_eq!(said, rust.render());
        said
    };
    assert_eq!(both(), report);
    let picture = folder.join("still/EXH-2026-000124.jpg");
    std::fs::write(&picture, b"another").expect("written");
    let said = both();
    assert!(
        said.contains("ALTERED-FILE\tfile still/EXH-2026-000124.jpg"),
        "{said}"
    );
    assert!(
        said.contains("WORKING-COPY-NOT-AS-LOGGED\tfile still/"),
        "{said}"
    );
    std::fs::remove_file(&picture).expect("removed");
    assert!(both().starts_with("NOT-INTACT\nALTERED-FILE"));
}

/// EVI-8, AUD-4: a line that speaks of another picture, another exhibit, another segment or another time is not that of this picture: nothing is released.
#[test]
fn a_line_of_another_picture() {
    let changes: [(&str, fn(&mut RegStill)); 5] = [
        ("picture", |l| l.sha256 = "ab".repeat(32)),
        ("exhibit", |l| l.parent = "EXH-2026-000122".into()),
        ("segment", |l| l.n += 1),
        ("log", |l| l.log = format!("{SCHEME}/box/tenby/1")),
        ("time", |l| l.t = l.t.plus_ms(60_000)),
    ];
    for (what, change) in changes {
        let scene = scene([320; 5]);
        let refused = made(&scene, change).map(|_| ()).expect_err(what);
        let PackageError::NotIntact(report) = refused else {
            panic!("{what}: {refused}");
        };
        let said = report.render();
        assert!(
            said.contains("WORKING-COPY-NOT-AS-LOGGED") || said.contains("NOT-IN-LOG"),
            "{said}"
        );
        let left = scene.order.evidence.join("EXH-2026-000124/c03");
        assert!(!left.exists(), "{what}");
    }
}
