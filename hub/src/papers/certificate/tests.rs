//! Pure. What a certificate says of masks and lifts, and how.
use shared::{
    id::CameraId,
    record::Record,
    testing::LogBuilder,
    types::{MaskEnd, MaskLift, MaskSet},
};

use super::*;
use crate::words::en::certificate::period as en;

pub(crate) fn request(t: Utc) -> Request {
    Request {
        exhibit: ExhibitRef::new(2026, 1),
        camera: BoxCamera::parse("ashby/c03").expect("camera"),
        title: String::new(),
        scheme: String::new(),
        t0: t,
        t1: t,
        people: People::default(),
        grant: String::new(),
        operator: String::new(),
        authorities: BTreeMap::new(),
        zone: Zone::parse("Europe/London").expect("zone"),
        zone_name: String::new(),
    }
}

/// Of a package that has these masters and lines, and nothing else.
pub(super) fn facts<'a>(
    request: &'a Request,
    masters: &'a [Master],
    lines: &'a [&'a LogLine],
    check: &'a Check,
    made: Utc,
) -> Facts<'a> {
    Facts {
        request,
        made,
        log: "",
        size: 0,
        countersigned: made,
        masters,
        working: &[],
        working_short: &[],
        lines,
        hub_key: "",
        short: None,
        later: None,
        seal_key: "",
        check,
    }
}

/// MSK-4, MSK-2: the certificate says of each run of segments how its mask was imposed, and of each lift under whose word, under
/// which authority, from when to when and why it ended.
#[test]
fn what_is_said_of_masks() {
    let cam = CameraId::parse("c03").expect("cam");
    let mut log = LogBuilder::new("cctv.example.gov.uk/box/ashby/1");
    let mut masters = Vec::new();
    let set = MaskSet {
        cam: cam.clone(),
        mask: "m7".into(),
        sha256: "0".repeat(64),
        permille: 125,
        review: None,
        style: Some("pixelated".into()),
        how: Some("burned".into()),
        reviewer: None,
        order: Some(38),
    };
    log.add("sys:rec", &set);
    let segment = |log: &mut LogBuilder, s: u64, how: &str, proofs: u64| {
        let t0 = log.t;
        let line = SegWrite {
            cam: cam.clone(),
            s,
            t0,
            t1: log.pass(10_000).t,
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
            rate: None,
        };
        let n = log.add("sys:rec", &line);
        Master {
            n,
            file: format!("master/{s}.mp4"),
            line,
        }
    };
    masters.push(segment(&mut log, 7, "burned", 0));
    masters.push(segment(&mut log, 8, "burned", 0));
    let lift = |authority: &str, until| MaskLift {
        cam: cam.clone(),
        mask: "m7".into(),
        until,
        authority: authority.repeat(64),
        by: vec!["op:0002".into(), "op:0003".into()],
        order: Some(40),
        instead: None,
        sha256: None,
        permille: None,
    };
    let until = log.t.plus_ms(60_000);
    log.add("hub:order", &lift("a", until));
    masters.push(segment(&mut log, 9, "lifted", 0));
    let end = MaskEnd {
        cam: cam.clone(),
        mask: "m7".into(),
        why: "time".into(),
        order: Some(40),
    };
    log.add("sys:rec", &end);
    masters.push(segment(&mut log, 10, "proved", 4));
    masters.push(segment(&mut log, 11, "proved", 5));
    log.add("hub:order", &lift("b", until));
    masters.push(segment(&mut log, 12, "lifted", 0));
    let smaller = MaskLift {
        instead: Some("m7-door".into()),
        sha256: Some("0".repeat(64)),
        permille: Some(31),
        ..lift("b", until)
    };
    log.add("hub:order", &smaller);
    masters.push(segment(&mut log, 13, "lifted", 0));
    let kept: Vec<LogLine> = log
        .lines
        .iter()
        .map(|bytes| LogLine {
            bytes: bytes.clone(),
            record: Record::parse(bytes).expect("line"),
        })
        .collect();
    let lines: Vec<&LogLine> = kept.iter().collect();
    let authorities = [("a".repeat(64), "RIPA 2026/17".to_owned())].into();
    let request = Request {
        authorities,
        ..request(log.t)
    };
    let check = Check {
        verdict: "INTACT",
        damage: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let facts = facts(&request, &masters, &lines, &check, log.t);
    let parts = en::masks(&Certificate::of(&facts).masks, &request.zone);
    for (i, words) in [
        &["mask m7 (pixelated) painted into the picture"][..],
        &["mask m7 LIFTED by order of two people", "visible"],
        &[
            "mask m7 (pixelated) set in the camera and proved",
            "9 key pictures tested",
        ],
        &["mask m7 LIFTED by order of two people", "visible, from"],
        &[
            "mask m7 LIFTED by order of two people",
            "visible but for what m7-door covers, painted in its place, from",
        ],
        &["m7 covers 12.5 %", "set by the hub's order 38"],
        &[
            "m7 lifted by op:0002 and op:0003 under authority RIPA 2026/17, from ",
            " to ",
            "its time was over",
        ],
        &[
            "under authority on record as bbbbbbbbbbb…",
            "until",
            "at the latest",
        ],
        &["m7 lifted to m7-door, which hides 3.1 % of the picture, by op:0002 and op:0003"],
    ]
    .iter()
    .enumerate()
    {
        assert!(
            parts
                .get(i)
                .is_some_and(|p| words.iter().all(|w| p.contains(w))),
            "{words:?} not in part {i} of {parts:#?}"
        );
    }
    assert_eq!(parts.len(), 9, "{parts:#?}");
}
