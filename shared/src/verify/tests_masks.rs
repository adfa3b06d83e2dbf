//! Pure. MSK-4, MSK-2: a recording without its mask outside a logged lift is found, in a log and in a package; so is a proof that was none.

use super::{Options, Report, Verdict, log, package};
use crate::{
    id::CameraId,
    testing::{Key, LogBuilder, PackageBuilder},
    time::Utc,
    types,
};

const BOX: &str = "cctv.example.gov.uk/box/ashby-high-street/1";

fn cam() -> CameraId {
    CameraId::parse("c03").expect("cam")
}

fn lift(log: &mut LogBuilder, ms: i64) {
    let line = types::MaskLift {
        cam: cam(),
        mask: "m7".into(),
        until: log.t.plus_ms(1_000 + ms),
        authority: "0".repeat(64),
        by: vec!["op:0002".into(), "op:0003".into()],
        order: Some(40),
        instead: None,
        sha256: None,
        permille: None,
    };
    log.add("hub:order", &line);
}

fn end(log: &mut LogBuilder) {
    let line = types::MaskEnd {
        cam: cam(),
        mask: "m7".into(),
        why: "time".into(),
        order: Some(40),
    };
    log.add("sys:rec", &line);
}

/// A segment of the last `ms`.
fn segment(log: &mut LogBuilder, s: u64, how: &str, proofs: u64, ms: i64, rate: Option<&str>) {
    let t1 = log.pass(ms as u64).t;
    let line = types::SegWrite {
        cam: cam(),
        s,
        t0: t1.plus_ms(-ms),
        t1,
        size: 1,
        sha256: "0".repeat(64),
        mask: Some("m7".into()),
        how: how.into(),
        proofs,
        lost: 0,
        day: None,
        shed: 0,
        short_t0: None,
        short_t1: None,
        stamps: None,
        off_ms: None,
        key: "c03/2026-11-03".into(),
        offset_ms: None,
        rate: rate.map(str::to_owned),
    };
    log.add("sys:rec", &line);
}

fn judge(log_: &LogBuilder) -> Report {
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    log(
        &log_.files(Some(&log_.head()), Some(&log_.cosigned())),
        &options,
    )
}

/// What is found of masks, by code and place.
fn found(build: impl FnOnce(&mut LogBuilder)) -> Vec<String> {
    let mut log = LogBuilder::new(BOX);
    build(&mut log);
    let report = judge(&log);
    let of_masks: Vec<String> = report
        .findings
        .iter()
        .filter(|f| ["LIFT-NOT-LOGGED", "MASK-NOT-PROVED"].contains(&f.code))
        .map(|f| format!("{} {}", f.code, f.place))
        .collect();
    if !of_masks.is_empty() {
        assert_eq!(report.verdict, Verdict::NotIntact, "{}", report.render());
    }
    of_masks
}

#[test]
fn lifted_within_a_lift_and_nowhere_else() {
    let none: Vec<String> = vec![];
    assert_eq!(
        found(|l| {
            segment(l, 1, "burned", 0, 5_000, None);
            lift(l, 60_000);
            segment(l, 2, "lifted", 0, 50_000, None);
            segment(l, 3, "lifted", 0, 8_000, None);
            end(l);
            segment(l, 4, "burned", 0, 3_000, None);
        }),
        none
    );
    assert_eq!(
        found(|l| segment(l, 1, "lifted", 0, 5_000, None)),
        ["LIFT-NOT-LOGGED line 2"],
        "never"
    );
    assert_eq!(
        found(|l| {
            segment(l, 1, "lifted", 0, 5_000, None);
            lift(l, 60_000);
        }),
        ["LIFT-NOT-LOGGED line 2"],
        "before"
    );
    assert_eq!(
        found(|l| {
            lift(l, 10_000);
            segment(l, 1, "lifted", 0, 15_000, None);
        }),
        ["LIFT-NOT-LOGGED line 3"],
        "beyond its end"
    );
    assert_eq!(
        found(|l| {
            lift(l, 60_000);
            end(l);
            segment(l, 1, "lifted", 0, 5_000, None);
        }),
        ["LIFT-NOT-LOGGED line 4"],
        "after it was ended"
    );
    assert_eq!(
        found(|l| {
            lift(l, 60_000);
            end(l);
            segment(l, 1, "burned", 0, 20_000, None);
            lift(l, 60_000);
            segment(l, 2, "lifted", 0, 20_000, None);
        }),
        none,
        "a second one"
    );
}

#[test]
fn another_camera_or_mask_is_not_lifted_with_it() {
    for (from, to) in [
        ("\"c03\",\"mask\"", "\"c04\",\"mask\""),
        ("\"m7\",\"until\"", "\"m8\",\"until\""),
    ] {
        let mut log = LogBuilder::new(BOX);
        lift(&mut log, 60_000);
        let line = String::from_utf8(log.lines.pop().expect("line")).expect("ascii");
        assert!(line.contains(from));
        let mut other = LogBuilder::new(BOX);
        other.pass(1_000);
        other.push(line.replacen(from, to, 1).into_bytes());
        segment(&mut other, 1, "lifted", 0, 5_000, None);
        let codes: Vec<_> = judge(&other).findings.iter().map(|f| f.code).collect();
        assert!(codes.contains(&"LIFT-NOT-LOGGED"), "{codes:?}");
    }
}

#[test]
fn time_lapse_and_a_clock_that_is_set() {
    let none: Vec<String> = vec![];
    let lapse = |rate: Option<&'static str>| {
        found(move |l| {
            lift(l, 10_000);
            segment(l, 1, "lifted", 0, 15_000, rate);
        })
    };
    assert_eq!(lapse(Some("timelapse-5")), none, "the last picture stands");
    for rate in ["timelapse-1", "timelapse-005", "timelapse-+5", "realtime"] {
        assert_eq!(lapse(Some(rate)).len(), 1, "{rate}");
    }
    assert_eq!(
        found(|l| {
            lift(l, 60_000);
            l.t = l.t.plus_ms(-3_600_000);
            let step = types::ClockStep {
                delta_ms: -3_600_000,
                src: "ntp".into(),
            };
            l.add("sys:clock", &step);
            segment(l, 1, "lifted", 0, 5_000, None);
        }),
        none,
        "its times cannot be compared"
    );
    let over_a_restart = |ms: i64| {
        found(move |l| {
            lift(l, 60_000);
            let t = l.t;
            l.t = t.plus_ms(ms);
            l.restart();
            end(l);
            let now = std::mem::replace(&mut l.t, t);
            segment(l, 1, "lifted", 0, 20_000, None);
            l.t = now.plus_ms(20_000);
        })
    };
    assert_eq!(
        over_a_restart(-3_600_000),
        none,
        "recovered after a start in the past"
    );
    assert_eq!(over_a_restart(30_000), none, "recovered after a start");
    assert_eq!(
        over_a_restart(1_000).len(),
        1,
        "it goes on after the mask was back"
    );
}

#[test]
fn proved_means_at_least_one_proof() {
    assert_eq!(
        found(|l| {
            segment(l, 1, "proved", 1, 5_000, None);
            segment(l, 2, "proved", 0, 5_000, None);
        }),
        ["MASK-NOT-PROVED line 3"]
    );
}

/// EVI-2: the same in a package, where the line of the lift travels with the recording.
#[test]
fn in_a_package() {
    let with = |lifted: bool| {
        let mut p = PackageBuilder::default();
        let line = p.masters[1].0 as usize;
        let text = String::from_utf8(p.log.lines[line].clone()).expect("ascii");
        let text = text.replace("\"how\":\"burned\"", "\"how\":\"lifted\"");
        let at = String::from_utf8(p.log.lines[2].clone()).expect("ascii");
        if lifted {
            let (head, _) = at.split_once("\"type\":").expect("type");
            let until = Utc(p.log.t.0 + 3_600_000);
            let data = format!(
                "{head}\"type\":\"mask.lift\",\"who\":\"hub:order\",\"data\":{{\"cam\":\"c03\",\"mask\":\"m7\",\"until\":\"{until}\",\"authority\":\"ab\",\"by\":[\"op:0002\",\"op:0003\"]}}}}\n"
            );
            p.log.lines[2] = data.into_bytes();
        }
        p.log.lines[line] = text.into_bytes();
        let options = Options {
            hub: vec![Key::hub().vkey],
            ..Options::default()
        };
        let report = package(&p.build(), &options);
        report
            .findings
            .iter()
            .filter(|f| f.code == "LIFT-NOT-LOGGED")
            .map(|f| f.place.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(with(false).len(), 1);
    assert!(with(true).is_empty());
}
