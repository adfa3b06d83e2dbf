//! What is judged how.
use super::*;
use crate::time::Zone;

fn cam(id: &str) -> CameraId {
    CameraId::parse(id).expect("camera")
}

fn fault(code: &str, of: Option<&str>, since: i64) -> Fault {
    Fault {
        code: code.into(),
        cam: of.map(cam),
        since: Utc(since),
        text: "as seen".into(),
    }
}

fn down(since: i64) -> Flow {
    Flow {
        down_since: Some(Utc(since)),
        landed: Some(Utc(since)),
        next_try: Some(Utc(90_000)),
        ..Flow::default()
    }
}

fn up() -> Flow {
    Flow {
        recording: true,
        connected: true,
        landed: Some(Utc(59_000)),
        ..Flow::default()
    }
}

/// HLT-1: what is not known is never called good, and a silent box never "not recording".
#[test]
fn silence_is_unknown() {
    for flow in [up(), down(1_000)] {
        let judged = camera(&cam("c01"), Some(&flow), &[], Some(Utc(5_000)));
        assert_eq!(
            (judged.mark, judged.state),
            (Mark::Unknown, CameraState::Unknown)
        );
        let said = words::camera(&judged, Some(&flow), Utc(60_000), &Zone::utc());
        assert_eq!(said.word, "unknown");
        assert!(
            said.text.starts_with("its box is silent since"),
            "{}",
            said.text
        );
    }
    let judged = camera(&cam("c01"), None, &[], None);
    assert_eq!(judged.mark, Mark::Unknown);
    let silent = r#box(BoxState::Silent, &[], &[], Some(Utc(5_000)));
    assert_eq!(
        (silent.mark, silent.code.as_deref()),
        (Mark::Unknown, Some("box.silent"))
    );
}

/// FLT-1: dead cameras are red and come first, with since when, why and when the next try is; an overdue review is amber.
#[test]
fn the_dead_come_first() {
    let faults = [
        fault("mask.review", Some("c01"), 10),
        fault("camera.password", Some("c03"), 20),
        fault("camera.clock", Some("c04"), 30),
    ];
    let flows = [
        (cam("c01"), up()),
        (cam("c02"), down(2_000)),
        (cam("c03"), down(1_000)),
        (cam("c04"), up()),
    ];
    let mut all: Vec<_> = flows
        .iter()
        .map(|(id, flow)| (id, flow, camera(id, Some(flow), &faults, None)))
        .collect();
    all.sort_by_key(|(_, flow, judged)| order(judged, Some(*flow)));
    let marks: Vec<_> = all.iter().map(|(id, _, j)| (id.as_str(), j.mark)).collect();
    assert_eq!(
        marks,
        [
            ("c03", Mark::Red),
            ("c02", Mark::Red),
            ("c01", Mark::Amber),
            ("c04", Mark::Good)
        ]
    );
    let (_, flow, judged) = &all[0];
    let said = words::camera(judged, Some(flow), Utc(50_000), &Zone::utc());
    assert_eq!(
        said.text,
        "nothing recorded since Thu 1 Jan 1970 00:00:01 UTC; Camera refuses the password: as seen (camera.password, since Thu 1 Jan 1970 00:00:00 UTC); tried again in 40 s (Thu 1 Jan 1970 00:01:30 UTC)"
    );
    assert_eq!(said.next, words::next_step("camera.password"));
    let cameras: Vec<_> = all.iter().map(|(id, _, j)| (*id, j)).collect();
    let judged = r#box(BoxState::Running, &cameras, &faults, None);
    assert_eq!((judged.mark, judged.recording), (Mark::Red, 2));
    assert_eq!(
        words::recording(&judged),
        "2 of 4 cameras recording; not: c03, c02"
    );
    let amber = [cameras[2], cameras[3]];
    let judged = r#box(BoxState::Running, &amber, &faults, None);
    assert_eq!(judged.mark, Mark::Amber);
}

/// FLT-1: of cameras that a full disk stops, the disk is the cause; a disk that is away while another takes all is none.
#[test]
fn what_stops_a_box_is_named_with_its_cameras() {
    let full = [
        fault("recording.stopped", None, 5),
        fault("disk.full", None, 5),
    ];
    let flow = Flow {
        connected: true,
        ..down(5)
    };
    let judged = camera(&cam("c01"), Some(&flow), &full, None);
    assert_eq!(judged.cause.map(|f| f.code).as_deref(), Some("disk.full"));
    let judged = camera(&cam("c01"), Some(&flow), &full[1..], None);
    assert_eq!((judged.mark, judged.cause), (Mark::Red, None));
}

/// HLT-1: right after a start nothing is red that may only not have begun yet.
#[test]
fn a_start_is_no_failure() {
    let flow = Flow {
        starting: true,
        down_since: Some(Utc(1)),
        ..Flow::default()
    };
    let judged = camera(&cam("c01"), Some(&flow), &[], None);
    assert_eq!(
        (judged.mark, judged.state),
        (Mark::Unknown, CameraState::Starting)
    );
    let refused = [fault("camera.password", Some("c01"), 20)];
    let judged = camera(&cam("c01"), Some(&flow), &refused, None);
    assert_eq!(judged.state, CameraState::NotRecording);
    let unstarted = r#box(BoxState::NotStarted, &[], &[], None);
    assert_eq!(
        (unstarted.mark, unstarted.code.as_deref()),
        (Mark::Amber, Some("box.unstarted"))
    );
}

/// Every condition that a judgement names is in the table, and a camera that is recorded in spite of a fault is amber.
#[test]
fn codes_are_conditions() {
    for code in [
        "box.silent",
        "box.unstarted",
        "box.stopped",
        "log.refused",
        "recording.stopped",
    ] {
        assert!(words::next_step(code).is_some(), "{code}");
    }
    let faults = [fault("mask.unproved", Some("c01"), 1)];
    let judged = camera(&cam("c01"), Some(&up()), &faults, None);
    assert_eq!(
        (judged.mark, judged.state),
        (Mark::Amber, CameraState::Recording)
    );
    let faults = [fault("retention.certificate", Some("c01"), 1)];
    assert_eq!(
        camera(&cam("c01"), Some(&up()), &faults, None).mark,
        Mark::Red
    );
}
