//! Pure. AUD-2, AUD-4, REC-4: what a log states of times, masks, people and deletion, where it cannot be; and how far a verdict reaches. What
//! an honest recorder writes after a crash, or of a clock that was set, stays INTACT.

use super::{Options, Report, Verdict, log, package};
use crate::{
    evidence::names,
    id::CameraId,
    testing::{Key, LogBuilder, MemoryFiles, PackageBuilder, SealKey, fix_sums},
    types,
};

const BOX: &str = "cctv.example.gov.uk/box/ashby-high-street/1";

fn cam() -> CameraId {
    CameraId::parse("c03").expect("cam")
}

fn judged(log_: &LogBuilder) -> Report {
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    log(
        &log_.files(Some(&log_.head()), Some(&log_.cosigned())),
        &options,
    )
}

fn codes(report: &Report) -> Vec<String> {
    report
        .findings
        .iter()
        .map(|f| format!("{} {}", f.code, f.place))
        .collect()
}

/// What is found in a log that was countersigned near its beginning and at its end.
fn found(build: impl FnOnce(&mut LogBuilder)) -> Vec<String> {
    let mut log = LogBuilder::new(BOX);
    log.ack();
    build(&mut log);
    // The builder's hub has the box's clock.
    let mut found = codes(&judged(&log));
    found.retain(|f| !f.starts_with("HUB-CLOCK-BACK"));
    found
}

fn none() -> Vec<String> {
    vec![]
}

/// A segment from `t0` to `t1`, both in ms from now, logged now.
fn segment(log: &mut LogBuilder, s: u64, t0: i64, t1: i64) -> types::SegWrite {
    let now = log.t.plus_ms(1_000);
    types::SegWrite {
        cam: cam(),
        s,
        t0: now.plus_ms(t0),
        t1: now.plus_ms(t1),
        size: 1,
        sha256: "0".repeat(64),
        mask: None,
        how: "none".into(),
        proofs: 0,
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
    }
}

fn add(log: &mut LogBuilder, s: u64, t0: i64, t1: i64) {
    let line = segment(log, s, t0, t1);
    log.add("sys:rec", &line);
}

/// A minute that is logged as it ends.
fn minute(log: &mut LogBuilder, s: u64) {
    log.pass(59_000);
    add(log, s, -60_000, 0);
}

/// The wall clock is set by so much, and the log says so.
fn step(log: &mut LogBuilder, ms: i64) {
    log.t = log.t.plus_ms(ms);
    log.add(
        "sys:log",
        &types::ClockStep {
            delta_ms: ms,
            src: "jump".into(),
        },
    );
}

#[test]
fn two_segments_for_one_minute_and_ends_before_beginnings() {
    assert_eq!(
        found(|l| {
            minute(l, 1);
            add(l, 2, -61_000, 0);
        }),
        ["SEGMENT-TIMES line 4"]
    );
    assert_eq!(
        found(|l| add(l, 1, 0, -5_000)),
        ["SEGMENT-TIMES line 3"],
        "backwards"
    );
    assert_eq!(
        found(|l| add(l, 1, 0, 0)),
        ["SEGMENT-TIMES line 3"],
        "empty"
    );
    assert_eq!(
        found(|l| add(l, 1, 0, 5 * 3_600_000)),
        ["SEGMENT-TIMES line 3"],
        "five hours that are still to come"
    );
    assert_eq!(
        found(|l| {
            minute(l, 1);
            l.pass(59_000);
            add(l, 2, -60_500, 500);
        }),
        none(),
        "half a second"
    );
    // What says itself by how much its times may be wrong is held to that.
    let off = |ms| {
        found(|l| {
            minute(l, 1);
            let mut line = segment(l, 2, -31_000, 0);
            line.off_ms = Some(ms);
            l.add("sys:rec", &line);
        })
    };
    assert_eq!(off(40_000), none());
    assert_eq!(off(2_000), ["SEGMENT-TIMES line 4"]);
}

#[test]
fn a_clock_that_was_set_explains_an_overlap_once() {
    // Back by an hour, on the record: the next minute lies an hour before the last one's end.
    assert_eq!(
        found(|l| {
            minute(l, 1);
            step(l, -3_600_000);
            minute(l, 2);
            minute(l, 3);
        }),
        none()
    );
    // It does not explain another one.
    assert_eq!(
        found(|l| {
            minute(l, 1);
            step(l, -3_600_000);
            minute(l, 2);
            add(l, 3, -3_000_000, 0);
            add(l, 4, -3_000_000, 0);
        }),
        ["SEGMENT-TIMES line 6", "SEGMENT-TIMES line 7"]
            .map(str::to_owned)
            .to_vec()
    );
    // Recovered after a crash, with a clock that stood back then: dated by the clock of before.
    assert_eq!(
        found(|l| {
            minute(l, 1);
            l.pass(40_000);
            l.restart();
            l.t = l.t.plus_ms(-3_600_000);
            l.lines.pop();
            let before = l.lines.len();
            *l = rebuilt(l, before);
            l.restart();
            step_at_start(l);
            add(l, 2, 3_600_000 - 45_000, 3_600_000 - 5_000);
            l.pass(60_000);
            add(l, 3, -59_000, 0);
        }),
        none()
    );
    let late = |set| {
        found(|l| {
            l.restart();
            minute(l, 1);
            if set {
                step(l, 3_600_000);
                add(l, 2, -3_602_000, -3_601_000);
            } else {
                l.pass(70_000).beat();
                for _ in 0..5 {
                    l.pass(60_000).beat();
                }
                add(l, 2, -378_000, -300_000);
            }
        })
    };
    assert_eq!(late(true), none());
    assert_eq!(late(false), ["LOGGED-LATE line 11"]);
}

/// The same lines, in a builder that can go on.
fn rebuilt(l: &LogBuilder, lines: usize) -> LogBuilder {
    let mut new = LogBuilder::empty(BOX);
    for line in &l.lines[..lines] {
        new.push(line.clone());
    }
    (new.t, new.boot, new.mono) = (l.t, l.boot - 1, l.mono);
    new
}

fn step_at_start(log: &mut LogBuilder) {
    log.add(
        "sys:log",
        &types::ClockStep {
            delta_ms: -3_600_000,
            src: "start".into(),
        },
    );
}

#[test]
fn the_clock_over_a_restart() {
    let restarted = |ms: i64, said: bool, mono: u64| {
        found(move |l| {
            l.beat();
            l.boot += 1;
            l.t = l.t.plus_ms(ms);
            l.mono = mono;
            l.add(
                "sys:log",
                &types::SysBoot {
                    why: "start".into(),
                    last_n: 3,
                    sw: "0".into(),
                },
            );
            if said {
                step_at_start(l);
            }
            l.beat();
        })
    };
    // The builder's start is a second after what is told here, by both clocks.
    assert_eq!(
        restarted(-3_600_000, false, 14_000),
        ["CLOCK-STEP-NOT-LOGGED line 4"]
    );
    assert_eq!(restarted(-3_600_000, true, 14_000), none());
    assert_eq!(
        restarted(30_000, false, 0),
        none(),
        "the machine was started"
    );
    assert_eq!(restarted(10_000, false, 14_000 + 10_000), none());
    assert_eq!(
        restarted(10_000, false, 500_000),
        ["CLOCK-OVER-RESTART line 4"]
    );
    // Killed between the two lines: the next start tells nothing of it.
    assert_eq!(
        found(|l| {
            l.beat();
            l.t = l.t.plus_ms(-3_600_000);
            l.restart();
            l.restart();
            l.beat();
        }),
        none()
    );
}

/// REC-1: a box whose clock begins in 1970 goes back by more than fifty years, and says so; what it recorded is no damage.
#[test]
fn a_clock_that_begins_in_1970() {
    let recorded = |l: &mut LogBuilder, s| {
        l.pass(60_000);
        let line = segment(l, s, -60_000, 0);
        l.add("sys:rec", &line);
    };
    assert_eq!(
        found(|l| {
            recorded(l, 1);
            l.boot += 1;
            l.t = crate::time::Utc(300_000);
            l.mono = 14_000;
            l.add(
                "sys:log",
                &types::SysBoot {
                    why: "start".into(),
                    last_n: 3,
                    sw: "0".into(),
                },
            );
            step_at_start(l);
            recorded(l, 2);
        }),
        none()
    );
}

#[test]
fn masks_that_no_line_sets() {
    let masked = |l: &mut LogBuilder, s, how: &str, mask: Option<&str>| {
        l.pass(59_000);
        let mut line = segment(l, s, -60_000, 0);
        (line.how, line.mask) = (how.into(), mask.map(str::to_owned));
        l.add("sys:rec", &line);
    };
    let set = |l: &mut LogBuilder, mask: &str| {
        l.add(
            "sys:rec",
            &types::MaskSet {
                cam: cam(),
                mask: mask.into(),
                sha256: "0".repeat(64),
                permille: 83,
                review: None,
                style: None,
                how: None,
                reviewer: None,
                order: None,
            },
        );
    };
    assert_eq!(
        found(|l| masked(l, 1, "burned", Some("m7"))),
        ["MASK-NOT-SET line 3"]
    );
    assert_eq!(
        found(|l| {
            set(l, "m7");
            masked(l, 1, "burned", Some("m7"));
            masked(l, 2, "burned", None);
        }),
        ["MASK-NOT-SET line 5"]
    );
    assert_eq!(
        found(|l| {
            set(l, "m7");
            masked(l, 1, "blurred", Some("m7"));
        }),
        ["MASK-NOT-KNOWN line 4"]
    );
    assert_eq!(
        found(|l| {
            set(l, "m7");
            for s in 1..6 {
                masked(l, s, "burned", Some("m7"));
            }
            masked(l, 6, "none", None);
        }),
        ["MASK-NOT-AS-SET line 9"]
    );
    // What was under way when it was set, and what a later start has, are not held to it.
    assert_eq!(
        found(|l| {
            set(l, "m7");
            masked(l, 1, "none", None);
            for _ in 0..4 {
                l.pass(60_000).beat();
            }
            l.restart();
            masked(l, 2, "none", None);
        }),
        ["SEGMENT-MISSING camera c03"],
        "but for the hole"
    );
    // A log that follows another holds what was recorded under that one.
    let mut first = LogBuilder::new(BOX);
    first.beat();
    let mut next = LogBuilder::after("cctv.example.gov.uk/box/ashby-high-street/2", &first);
    next.ack();
    masked(&mut next, 7, "burned", Some("m6"));
    set(&mut next, "m7");
    next.pass(58_000).beat();
    let hole = "SEGMENT-MISSING camera c03".to_owned();
    masked(&mut next, 8, "burned", Some("m7"));
    assert_eq!(codes(&judged(&next)), std::slice::from_ref(&hole));
    masked(&mut next, 9, "burned", Some("m6"));
    assert_eq!(codes(&judged(&next)), [hole, "MASK-NOT-SET line 7".into()]);
}

#[test]
fn a_lift_takes_two_people_and_ends_within_a_day() {
    let lift = |by: &[&str], hours: i64| {
        found(|l| {
            let line = types::MaskLift {
                cam: cam(),
                mask: "m7".into(),
                until: l.t.plus_ms(hours * 3_600_000),
                authority: "0".repeat(64),
                by: by.iter().map(|p| (*p).to_owned()).collect(),
                order: Some(40),
                instead: None,
                sha256: None,
                permille: None,
            };
            l.add("hub:order", &line);
        })
    };
    assert_eq!(lift(&["op:0002", "op:0003"], 24), none());
    for by in [
        &["op:0002", "op:0002"] as &[&str],
        &["op:0002", ""],
        &["op:0002"],
        &[],
    ] {
        assert_eq!(lift(by, 1), ["LIFT-NOT-AUTHORISED line 3"], "{by:?}");
    }
    assert_eq!(
        lift(&["op:0002", "op:0003"], 24 * 365 * 3),
        ["LIFT-NOT-AUTHORISED line 3"]
    );
}

#[test]
fn deletions_and_what_follows_a_close() {
    let done = |n| types::DelDone {
        cam: cam(),
        day: crate::time::Day::parse("2026-11-01").expect("day"),
        n,
        oldest: None,
        undecryptable: true,
        claim: "file".into(),
        held: None,
    };
    assert_eq!(
        found(|l| {
            l.add("sys:sweep", &done(2));
        }),
        ["DELETION-NOT-LOGGED line 3"]
    );
    assert_eq!(
        found(|l| {
            let close = types::LogClose {
                reason: "fork".into(),
                by: vec![],
            };
            l.add("sys:log", &close);
            l.beat();
            l.beat();
        }),
        ["AFTER-CLOSE line 4"]
    );
}

/// AUD-2: how far INTACT reaches, before the first countersignature and above the last.
#[test]
fn what_the_hub_did_not_see_is_counted() {
    let mut files = {
        let mut log = LogBuilder::new(BOX);
        log.ack();
        let seen = log.ack();
        for _ in 0..90 {
            log.pass(59_000).beat();
        }
        log.files(Some(&log.head()), Some(&seen))
    };
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    let report = log(&files, &options);
    assert_eq!(report.verdict, Verdict::IntactLateAnchored);
    assert!(
        report.render().contains(
            "ABOVE-COUNTERSIGNED\ttail\t91 lines, written over 5401 s, lie above the newest countersignature"
        ),
        "{}",
        report.render()
    );
    // Nothing known of the hub's: another verdict than when it said nothing.
    assert_eq!(
        log(&files, &Options::default()).verdict,
        Verdict::IntactHubKeyNotGiven
    );
    files.0.remove("cosigned.note");

    let mut late = LogBuilder::new(BOX);
    for _ in 0..120 {
        late.pass(59_000).beat();
    }
    let report = judged(&late);
    assert_eq!(report.verdict, Verdict::IntactLateAnchored);
    assert_eq!(codes(&report), ["LATE-FIRST line 0"]);
    let nobody = log(&late.files(Some(&late.head()), None), &options);
    assert_eq!(nobody.verdict, Verdict::IntactNotYetCountersigned);
}

/// AUD-4: the recorder's clock beside the hub's, and the hub's beside itself.
#[test]
fn clocks_that_differ_are_noted() {
    let with = |hub: [i64; 2]| {
        let mut log = LogBuilder::new(BOX);
        for ms in hub {
            let mut note = log.head();
            let time = log.t.plus_ms(ms).seconds() as u64;
            let key = Key::hub();
            note.cosign(&key.vkey, time, |m| key.sign(m));
            let sig = note.signatures[1].b64();
            log.add(
                "sys:uplink",
                &types::HeadAck {
                    size: note.head.size,
                    root: crate::note::b64(&note.head.root),
                    hub: key.vkey.name.clone(),
                    time,
                    sig,
                },
            );
        }
        let report = log_of(&log);
        (report.verdict, codes(&report))
    };
    fn log_of(l: &LogBuilder) -> Report {
        let options = Options {
            hub: vec![Key::hub().vkey],
            ..Options::default()
        };
        log(&l.files(Some(&l.head()), None), &options)
    }
    let above = "ABOVE-COUNTERSIGNED tail".to_owned();
    assert_eq!(with([0, 0]).1, std::slice::from_ref(&above));
    assert_eq!(
        with([7_200_000, 7_200_000]).1,
        [above.clone(), "CLOCK-APART log".into()]
    );
    assert_eq!(
        with([0, -3_600_000]),
        (
            Verdict::Intact,
            vec![
                above,
                "CLOCK-APART log".into(),
                "HUB-CLOCK-BACK cosigned 3".into()
            ]
        )
    );
}

#[test]
fn short_holes_and_silence_are_noted() {
    assert_eq!(
        found(|l| {
            minute(l, 1);
            l.pass(59_400);
            add(l, 2, -60_000, 0);
        }),
        ["SHORT-HOLES camera c03"]
    );
    assert_eq!(
        found(|l| {
            minute(l, 1);
            for _ in 0..12 {
                l.pass(59_000).beat();
            }
        }),
        ["CAMERA-SILENT camera c03"]
    );
    assert_eq!(
        found(|l| {
            minute(l, 1);
            let t0 = l.t;
            let open = types::GapOpen {
                cam: cam(),
                t0,
                why: "unreachable".into(),
            };
            l.add("sys:rec", &open);
            for _ in 0..12 {
                l.pass(59_000).beat();
            }
        }),
        none()
    );
}

/// Damage first, and no note hides it (AUD-2).
#[test]
fn damage_is_named_before_notes() {
    let mut log_ = LogBuilder::new(BOX);
    for s in 1..150 {
        log_.gap("c03", s, 1_000);
        log_.segment("c03", s, b"a");
    }
    let at = log_.lines.len() - 2;
    let text = String::from_utf8(log_.lines[at].clone()).expect("ascii");
    log_.lines[at] = text.replace("packets\":0", "packets\":1").into_bytes();
    let report = log(&log_.files(Some(&log_.head()), None), &Options::default());
    let text = report.render();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("CHAIN-BREAK\t"), "{text}");
    assert!(lines.contains(&"MORE\tlog\t48 further notes"), "{text}");
    assert!(text.contains("\nNO-HUB-KEY\t"), "{text}");
}

/// EVI-4: what a computer leaves behind is no damage; anything else is.
#[test]
fn what_a_computer_leaves() {
    let mut files = PackageBuilder::default().build();
    for name in [
        "Thumbs.db",
        "master/.DS_Store",
        "._x",
        "working/desktop.ini",
        "System Volume Information/x",
    ] {
        files.put(name, "x");
    }
    let judge = |files: &MemoryFiles| {
        package(
            files,
            &Options {
                hub: vec![Key::hub().vkey],
                ..Options::default()
            },
        )
    };
    let report = judge(&files);
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.render());
    let notes = report.findings.iter().filter(|f| f.code == "PC-FILE");
    assert_eq!(notes.count(), 5, "{}", report.render());
    // One that is listed is a file like others.
    fix_sums(&mut files);
    assert_eq!(judge(&files).verdict, Verdict::NotIntact);

    let mut log_ = LogBuilder::new(BOX);
    log_.ack();
    let mut files = log_.files(Some(&log_.head()), Some(&log_.cosigned()));
    for name in ["._0000000000.jsonl", "heads/.DS_Store", "heads/Thumbs.db"] {
        files.put(name, "x");
    }
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    let report = log(&files, &options);
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.render());
    assert_eq!(report.findings.len(), 3, "{}", report.render());
}

/// EVI-2, EVI-5: what was asked, what working copies are, and the time stamp: checked, or said to be unchecked.
#[test]
fn what_a_package_says_beside_its_masters() {
    let judge = |files: &MemoryFiles| {
        let options = Options {
            hub: vec![Key::hub().vkey],
            ..Options::default()
        };
        package(files, &options)
    };
    let mut package_ = PackageBuilder::default();
    package_.asked.0 = package_.asked.0.plus_ms(1);
    assert!(
        judge(&package_.build())
            .render()
            .contains("REQUEST-NOT-AS-LOGGED\tpackage\t")
    );
    let mut package_ = PackageBuilder::default();
    package_.asked = (package_.asked.1, package_.asked.0);
    assert!(
        judge(&package_.build())
            .render()
            .contains("REQUEST-NOT-AS-LOGGED\tfile manifest.json\t")
    );

    let mut files = PackageBuilder::default().build();
    files.put(names::TOKEN, "rubbish");
    assert!(
        judge(&files)
            .render()
            .starts_with("INTACT\nTIME-STAMP-NOT-CHECKED\tfile SHA256SUMS.tsr\t")
    );

    // A working copy: compared with nothing, with its own line, with another's.
    let copied = |line: Option<&[u8]>, proven: bool| {
        let mut package_ = PackageBuilder {
            seal: SealKey::default(),
            ..PackageBuilder::default()
        };
        package_.seal_line = package_.hub_log.add(
            "sys:hub",
            &types::KeySeal {
                spki: crate::note::b64(&package_.seal.spki()),
            },
        );
        package_
            .extra
            .push(("working/c03.mp4".into(), b"film".to_vec()));
        if let Some(of) = line {
            let made = types::CopyMade {
                r#ref: "EXH-2026-000123".into(),
                cam: cam(),
                what: "working".into(),
                sha256: crate::record::hex(&crate::record::sha256(of)),
            };
            let n = package_.hub_log.add("op:0147", &made);
            let text = package_.hub_log.lines[n as usize].clone();
            package_.extra.push((names::COPIES.into(), text));
            let head = package_.hub_log.cosigned();
            let proof = package_.hub_log.proof(if proven { n } else { 0 }, &head);
            let path = format!("{}/{n}.tlog-proof", names::COPY_PROOFS);
            package_.extra.push((path, proof.render().into()));
        }
        let report = judge(&package_.build());
        let of =
            |f: &&crate::check::Finding| !["GAP-DECLARED", "CLOCK-NOT-SHOWN"].contains(&f.code);
        let found: Vec<String> = report
            .findings
            .iter()
            .filter(of)
            .map(|f| format!("{} {}", f.code, f.place))
            .collect();
        found
    };
    assert_eq!(copied(Some(b"film"), true), none());
    assert_eq!(
        copied(None, true),
        ["WORKING-COPY-NOT-COMPARED file working/c03.mp4"]
    );
    assert_eq!(
        copied(Some(b"another"), true),
        ["WORKING-COPY-NOT-AS-LOGGED file working/c03.mp4"]
    );
    assert_eq!(
        copied(Some(b"film"), false),
        [
            "NOT-IN-LOG file log/copies.jsonl",
            "WORKING-COPY-NOT-AS-LOGGED file working/c03.mp4"
        ]
    );
}
