//! What doctor says of a box before, while and after it runs.
use shared::{
    id::{BoxName, CameraId},
    standing::Flow,
    time::Utc,
};

use super::*;
use crate::{
    config::{self, Passwords},
    health::status::{self, Status},
};

/// A configuration of two cameras that nobody is to ask: their port refuses connections at once.
fn looked(folder: &std::path::Path) -> Looked {
    let text = format!(
        r#"
[box]
name = "millbrook"
site = "Millbrook, Market Hall"
scheme = "cctv.example.gov.uk"
state = "{0}/state"
[retention]
days = 31
[[volume]]
path = "{0}/footage"
[[camera]]
id = "c01"
url = "rtsp://127.0.0.1:1/secret/one"
[[camera]]
id = "c02"
url = "rtsp://127.0.0.1:1/secret/two"
"#,
        folder.display()
    );
    let file = folder.join("beadle.toml");
    std::fs::write(&file, text).expect("write");
    let config = Arc::new(config::load(&file, Passwords::None).expect("configuration"));
    Looked {
        state: config.state(),
        config,
        file,
        now: Now {
            wall: Utc(1_793_000_000_000),
            mono: 5_000_000,
        },
    }
}

fn found<'a>(lines: &'a [Line], what: &str) -> &'a Line {
    lines.iter().find(|l| l.what == what).expect(what)
}

/// FLT-1: before its first start a box is not started; nothing of it is called damaged, missing or stopped.
#[test]
fn a_box_that_never_ran_is_not_damaged() {
    let folder = tempfile::tempdir().expect("folder");
    let lines = run(&looked(folder.path()), Duration::from_secs(20));
    for what in ["box", "log", "reader", "disks", "state"] {
        let line = found(&lines, what);
        assert_eq!(line.mark, Mark::Amber, "{line:?}");
        assert_eq!(line.code.as_deref(), Some("box.unstarted"), "{line:?}");
        for word in ["amage", "does not run", "does not answer"] {
            assert!(!line.text.contains(word), "{line:?}");
        }
    }
    let camera = found(&lines, "camera c01");
    assert_eq!(
        camera.code.as_deref(),
        Some("camera.unreachable"),
        "{camera:?}"
    );
}

/// FLT-1, AUD-2: one wrong word in the configuration is named, red, with what it was and what to put back.
#[test]
fn a_wrong_name_is_said() {
    use crate::testing::{Hands, open_log};
    let folder = tempfile::tempdir().expect("folder");
    let mut looked = looked(folder.path());
    let (log, _) = open_log(
        &looked.state.recorder(),
        Hands::new(Utc(1_793_000_000_000), 1),
    );
    log.close("test").expect("closed");
    let config = Arc::make_mut(&mut looked.config);
    config.scheme = "cctv.other.gov.uk".into();
    config.name = BoxName::parse("ashby").expect("name");
    let lines = run(&looked, Duration::from_secs(20));
    let line = found(&lines, "name");
    assert_eq!(line.mark, Mark::Red, "{line:?}");
    for part in [
        "box.scheme is \"cctv.other.gov.uk\", but this box's is \"cctv.example.gov.uk\"",
        "Put back scheme = \"cctv.example.gov.uk\" in [box]",
        "beadle.toml",
    ] {
        assert!(line.text.contains(part), "{part} in {line:?}");
    }
    Arc::make_mut(&mut looked.config).scheme = "cctv.example.gov.uk".into();
    let lines = run(&looked, Duration::from_secs(20));
    assert!(lines.iter().all(|l| l.what != "name"), "{lines:?}");
}

/// FLT-1, HLT-1: a camera's line has the running box's word: what landed last, its fault, the next try; the dead come first, and what is
/// connected or refused the password is not asked. No line shows the path of an address.
#[test]
fn the_box_knows_its_cameras() {
    let folder = tempfile::tempdir().expect("folder");
    let looked = looked(folder.path());
    let now = looked.now.wall;
    let cam = |id: &str| CameraId::parse(id).expect("cam");
    let camera = |id: &str, flow| status::Camera {
        cam: cam(id),
        title: "T".into(),
        flow,
        ..testing::camera(id)
    };
    let down = Flow {
        landed: Some(now.plus_ms(-60_000)),
        down_since: Some(now.plus_ms(-60_000)),
        next_try: Some(now.plus_ms(40_000)),
        ..Flow::default()
    };
    let up = Flow {
        recording: true,
        connected: true,
        landed: Some(now.plus_ms(-500)),
        ..Flow::default()
    };
    let fault = |code: &str, cam| status::Fault {
        code: code.into(),
        cam,
        since: now.plus_ms(-50_000),
        detail: "as seen".into(),
    };
    let status = Status {
        t: now,
        r#box: BoxName::parse("millbrook").expect("name"),
        cameras: vec![camera("c01", up), camera("c02", down)],
        faults: vec![
            fault("camera.password", Some(cam("c02"))),
            fault("disk.label", None),
        ],
        ..testing::status()
    };
    std::fs::create_dir_all(looked.state.run_recorder()).expect("folder");
    status::write(&looked.state.status(), &status).expect("status");
    let lines = run(&looked, Duration::from_secs(20));
    let first = found(&lines, "box");
    assert_eq!(first.mark, Mark::Red);
    assert_eq!(first.text, "runs, 1 of 2 cameras recording; not: c02");
    let cameras: Vec<&Line> = lines
        .iter()
        .filter(|l| l.what.starts_with("camera "))
        .collect();
    assert_eq!(cameras[0].what, "camera c02");
    assert!(
        cameras[0]
            .text
            .starts_with("not recording, nothing recorded since")
            && cameras[0]
                .text
                .contains("Camera refuses the password: as seen")
            && cameras[0].text.contains("tried again in 40 s"),
        "{}",
        cameras[0].text
    );
    assert!(!cameras[0].text.contains("asked"), "{}", cameras[0].text);
    assert_eq!(
        (cameras[1].mark, cameras[1].what.as_str()),
        (Mark::Good, "camera c01")
    );
    // The box's own fault about a disk is not hidden by a check that saw nothing.
    assert!(
        lines
            .iter()
            .any(|l| l.code.as_deref() == Some("disk.label")),
        "{lines:?}"
    );
    let json = serde_json::to_string(&lines).expect("json");
    assert!(!json.contains("secret") && !json.contains("/one"), "{json}");
}

/// FLT-1: what a check found by itself and what the box raised is one line.
#[test]
fn the_same_is_said_once() {
    let lines = once(vec![
        Line::unstarted("box", "of the check"),
        Line::wrong("box", "disk.label", "of the box"),
        Line::wrong("box", "hold.copy", "of the box"),
        Line::wrong("disk /a", "disk.label", "of the check"),
        Line::unstarted("log", "of the check"),
    ]);
    let said: Vec<_> = lines.iter().map(|l| l.what.as_str()).collect();
    assert_eq!(said, ["box", "box", "disk /a", "log"]);
}

/// Rows to begin with.
mod testing {
    use super::*;

    pub fn camera(id: &str) -> status::Camera {
        status::Camera {
            cam: CameraId::parse(id).expect("cam"),
            title: String::new(),
            flow: Flow::default(),
            frames: 0,
            lost: 0,
            shed: 0,
            rate: "continuous".into(),
            rate_until: None,
            relay: None,
            forecast: None,
        }
    }

    pub fn status() -> Status {
        Status {
            t: Utc(0),
            pid: 1,
            r#box: BoxName::parse("b").expect("name"),
            version: "1".into(),
            boot: 1,
            log: status::Log {
                origin: "o".into(),
                size: 0,
                signed: 0,
                countersigned: 0,
            },
            free_mib: 0,
            clock: "unknown".into(),
            cameras: Vec::new(),
            faults: Vec::new(),
            uplink: status::Uplink::default(),
        }
    }
}
