use super::*;
use crate::{
    record::{Envelope, render},
    testing::LogBuilder,
    time::Now,
    types::KNOWN,
};

const BOX: &str = "cctv.example.gov.uk/box/ashby/1";
const PAGE: &str = include_str!("../../../docs/audit.md");

fn record(kind: &str, data: &str) -> Record {
    record_of(kind, "sys:rec", data)
}

fn record_of(kind: &str, who: &str, data: &str) -> Record {
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    let envelope = Envelope {
        log: BOX,
        n: 7,
        prev: &[0; 32],
        now: Now {
            wall: Utc::parse("2026-11-28T10:00:00.000Z").expect("time"),
            mono: 5,
        },
        boot: 1,
        kind,
        who,
    };
    Record::parse(&render(&envelope, &data).expect("renders")).expect("a record")
}

fn refused(kind: &str, data: &str) -> String {
    line(&record(kind, data), Writer::Box)
        .expect_err(data)
        .to_string()
}

const T: &str = "2026-11-28T10:00:00.000Z";

fn segment(change: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let mut data = serde_json::json!({
        "cam": "c01", "s": 1, "t0": T, "t1": T, "size": 1, "sha256": "0".repeat(64), "mask": null,
        "how": "none", "proofs": 0, "lost": 0, "shed": 0, "key": "c01/2026-11-28"
    });
    change(data.as_object_mut().expect("object"));
    data.to_string()
}

/// Every type that is known has a row, once, and every row is a known type or one that older lines have.
#[test]
fn every_type_has_a_row() {
    for kind in KNOWN {
        assert!(of(kind).is_some(), "{kind} has no row");
    }
    for (i, line) in TYPES.iter().enumerate() {
        assert!(
            KNOWN.contains(&line.kind),
            "{} is written by nobody",
            line.kind
        );
        assert!(
            TYPES[..i].iter().all(|l| l.kind != line.kind),
            "{}",
            line.kind
        );
    }
}

/// The row of `docs/audit.md` 2.2 that has a type: its data column, and who writes it.
fn page_rows() -> Vec<(String, Writer, String)> {
    let table = PAGE.split("| type | data |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    let mut out = Vec::new();
    for row in rows {
        let mut cells = row.trim_matches('|').splitn(2, " | ");
        let (kinds, data) = (cells.next().expect("types"), cells.next().expect("data"));
        // A mark counts for all types before it, back to the mark before.
        let mut waiting: Vec<String> = Vec::new();
        for part in kinds.split_whitespace() {
            match part {
                "(hub)" | "(box)" => {
                    let writer = if part == "(hub)" {
                        Writer::Hub
                    } else {
                        Writer::Box
                    };
                    out.extend(waiting.drain(..).map(|k| (k, writer, data.to_owned())));
                }
                part if part.starts_with('`') => waiting.push(part.trim_matches('`').to_owned()),
                _ => {}
            }
        }
        out.extend(
            waiting
                .drain(..)
                .map(|k| (k, Writer::Both, data.to_owned())),
        );
    }
    out
}

/// The page that people read and the table that is obeyed say the same: types, writers, fields.
#[test]
fn the_page_agrees() {
    let rows = page_rows();
    for row in TYPES {
        let (_, writer, data) = rows
            .iter()
            .find(|(kind, ..)| kind == row.kind)
            .unwrap_or_else(|| panic!("docs/audit.md has no row for {}", row.kind));
        assert_eq!(
            *writer, row.writer,
            "docs/audit.md: who writes {}",
            row.kind
        );
        for field in row.fields {
            assert!(
                data.contains(&format!("`{}`", field.key)),
                "docs/audit.md: {} has no `{}`",
                row.kind,
                field.key
            );
        }
    }
    for (kind, ..) in &rows {
        assert!(
            of(kind).is_some() || kind.ends_with(".*"),
            "docs/audit.md has {kind}, the table has not"
        );
    }
}

/// security.md V4, V5 and kind 2: the lines that blinded a scheme are refused, each in a sentence that names field and value.
#[test]
fn the_attacks_lines_v4_v5() {
    assert!(line(&record("seg.write", &segment(|_| {})), Writer::Box).is_ok());
    let neg = r#"{"cam":"c01","day":"2026-11-28","s0":-1,"s1":-1,"t0":"bad","t1":5,"count":-9,"set":"","rule":"\u202e","key":"c01/2026-11-28"}"#;
    assert_eq!(
        refused("del.range", neg),
        "data.s0 -1 is not a whole number from 0 to 9007199254740991"
    );
    assert_eq!(
        refused(
            "seg.write",
            &segment(|d| {
                d.insert("cam".into(), "../../etc".into());
            })
        ),
        "data.cam \"../../etc\" is not a camera id (1 to 32 of a-z, 0-9 and -, like c03)"
    );
    assert!(
        refused(
            "seg.write",
            &segment(|d| {
                d.insert("size".into(), 9_007_199_254_740_991u64.into());
            })
        )
        .starts_with("data.size 9007199254740991 is not a whole number from 0 to 17179869184")
    );
    let hold = format!(
        r#"{{"hold":"H-999999999999999","cam":"c01","t0":"{T}","t1":"{T}","until":"{T}","grant":"G"}}"#
    );
    assert!(
        refused("hold.set", &hold).starts_with("data.hold \"H-999999999999999\" is not a hold")
    );
    for (key, value) in [
        ("s", serde_json::json!(-1)),
        ("s", "1".into()),
        ("t0", "9998-12-31T23:59:59.999Z".into()),
        ("t0", "0001-01-01T00:00:00.000Z".into()),
        ("t1", serde_json::Value::Null),
        ("sha256", "F".repeat(64).into()),
        ("mask", "\u{1b}[31m".into()),
        ("how", "x".repeat(65).into()),
        ("how", "".into()),
        ("lost", serde_json::json!(-5)),
        ("key", "c01/boot-9223372036854775807".into()),
        ("key", "c01/hold-1000000000".into()),
        ("key", "c01/boot-+1".into()),
        ("key", "c01/0001-01-01".into()),
        ("day", "2026-13-01".into()),
        ("rate", "a b".into()),
        ("extra", "\u{202e}".into()),
    ] {
        let said = refused(
            "seg.write",
            &segment(|d| {
                d.insert(key.into(), value.clone());
            }),
        );
        assert!(said.starts_with(&format!("data.{key} ")), "{said}");
        assert!(plain::all_plain(&said), "{said}");
    }
    for key in ["cam", "s", "t0", "size", "how", "proofs", "key"] {
        let said = refused(
            "seg.write",
            &segment(|d| {
                d.remove(key);
            }),
        );
        assert_eq!(said, format!("data.{key} is missing"));
    }
    let beat = r#"{"free_mib":1,"cams":0,"temp_c":null}"#;
    assert!(line(&record_of("beat", "sys:\u{7}", beat), Writer::Box).is_err());
    assert!(line(&record_of("beat", "", beat), Writer::Box).is_err());
}

/// AUD-2: a box writes no line of the hub's, the hub none of a box's.
#[test]
fn each_writes_its_own_lines() {
    for row in TYPES {
        let judged = |writer| match line(&record(row.kind, "{}"), writer) {
            Err(breach) => breach.field == "type",
            Ok(()) => false,
        };
        assert_eq!(
            judged(Writer::Box),
            row.writer == Writer::Hub,
            "{}",
            row.kind
        );
        assert_eq!(
            judged(Writer::Hub),
            row.writer == Writer::Box,
            "{}",
            row.kind
        );
    }
    for kind in ["copy.new", "grant.new", "op.new", "reg.new", "box.new"] {
        assert!(refused(kind, "{}").contains("only the hub"), "{kind}");
    }
    let said = refused("key.seal", r#"{"spki":"AAAA"}"#);
    assert_eq!(
        said,
        "type \"key.seal\" stands in a box's log, and only the hub writes lines of that type"
    );
    assert_eq!(writer_of(BOX), Some(Writer::Box));
    assert_eq!(
        writer_of("cctv.example.gov.uk/box/hub/1"),
        Some(Writer::Box)
    );
    assert_eq!(writer_of("cctv.example.gov.uk/hub/1"), Some(Writer::Hub));
    assert_eq!(writer_of("evil.example/other/hub/9"), None);
}

/// A newer box may write what this hub does not know, and not without end.
#[test]
fn unknown_types_have_bounds() {
    let mut door = Door::default();
    let one =
        |door: &mut Door, kind: &str, data: &str| door.admit(&record(kind, data), Writer::Box);
    for k in 0..UNKNOWN_TYPES {
        one(&mut door, &format!("new.t{k}"), r#"{"a":[{"b":"fine"}]}"#).expect("let in");
    }
    one(&mut door, "new.t0", "{}").expect("known by now");
    let why = one(&mut door, "new.more", "{}")
        .expect_err("one too many")
        .to_string();
    assert!(
        why.starts_with("type \"new.more\" would be one more than 64 types"),
        "{why}"
    );
    let mut again = Door::default();
    for kind in ["", "x", ".x", "X.y", "x.\u{1b}", "x y.z", &"x.".repeat(40)] {
        assert!(one(&mut again, kind, "{}").is_err(), "{kind:?}");
    }
    for data in [
        r#"{"a":"\u001b"}"#,
        r#"{"a":[{"b":"\u202e"}]}"#,
        r#"{"a\u0007":1}"#,
        &format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST_TEXT + 1)),
    ] {
        assert!(one(&mut again, "new.type", data).is_err(), "{data}");
    }
    for k in 0..CAMERAS_OF_A_LOG {
        one(
            &mut again,
            "gap.open",
            &format!(r#"{{"cam":"c{k}","t0":"{T}","why":"start"}}"#),
        )
        .expect("let in");
    }
    assert!(
        one(
            &mut again,
            "gap.open",
            &format!(r#"{{"cam":"d","t0":"{T}","why":"start"}}"#)
        )
        .is_err()
    );
}

/// What the builders of logs and packages in the tests write is what a box may write.
#[test]
fn built_logs_pass() {
    let mut log = LogBuilder::new(BOX);
    log.segment("c01", 1, b"pictures");
    log.gap("c01", 2, 20_000);
    log.roll();
    log.beat();
    let mut door = Door::default();
    for bytes in &log.lines {
        let record = Record::parse(bytes).expect("a record");
        door.admit(&record, Writer::Box)
            .unwrap_or_else(|e| panic!("{}: {e}", record.kind));
    }
    let worked = include_bytes!("../../../tests/vectors/box-log/0000000000.jsonl");
    for bytes in worked.split_inclusive(|b| *b == b'\n') {
        let record = Record::parse(bytes).expect("a record");
        line(&record, Writer::Box).unwrap_or_else(|e| panic!("{}: {e}", record.kind));
    }
}

mod messages {
    use super::super::message::{self, CAMERAS, Hello};
    use crate::{
        id::CameraId,
        plain,
        wire::{CameraInfo, Open, ToHub},
    };

    fn hello(cameras: usize) -> Hello {
        let camera = |k| CameraInfo {
            cam: CameraId::parse(&format!("c{k}")).expect("camera"),
            title: "Street".into(),
            masked: false,
            lapse_secs: None,
            retention_days: None,
        };
        Hello {
            sw: "0.1.0".into(),
            zone: "Europe/London".into(),
            retention_days: 31,
            cameras: (0..cameras).map(camera).collect(),
        }
    }

    /// security.md V10, V4c, V16: a hello is refused as a whole, in a sentence that names the field.
    #[test]
    fn absurd_hellos_v10() {
        assert_eq!(hello(CAMERAS).judge(), Ok(()));
        let refused = |change: &dyn Fn(&mut Hello)| {
            let mut h = hello(2);
            change(&mut h);
            let said = h.judge().expect_err("refused").to_string();
            assert!(plain::all_plain(&said), "{said}");
            said
        };
        assert_eq!(
            hello(20_000).judge().expect_err("refused").to_string(),
            "cameras (a list of 20000) has more than the 256 cameras that a box may have"
        );
        for days in [0, 3654, 2_147_483_647, u32::MAX] {
            assert_eq!(
                refused(&|h| h.retention_days = days),
                format!("retention_days {days} is not a whole number of days from 1 to 3653")
            );
            assert!(
                refused(&|h| h.cameras[1].retention_days = Some(days))
                    .starts_with("cameras.c1.retention_days")
            );
        }
        for title in ["\u{1b}[2J", "a\nb", "\u{202e}evil", &"x".repeat(121)] {
            assert!(
                refused(&|h| h.cameras[0].title = title.into()).starts_with("cameras.c0.title \"")
            );
        }
        assert!(refused(&|h| h.sw = "\u{1b}[2Jsw<b>".into()).starts_with("sw \"\\u{1b}"));
        assert!(refused(&|h| h.zone = "Nowhere/At all".into()).starts_with("zone "));
        assert!(
            refused(&|h| h.cameras[1].cam = h.cameras[0].cam.clone())
                .starts_with("cameras.c0.cam stands there twice")
        );
        assert!(
            refused(&|h| h.cameras[0].lapse_secs = Some(0)).starts_with("cameras.c0.lapse_secs 0")
        );
    }

    /// A log of 10^15, numbers and times at the end of their ranges.
    #[test]
    fn absurd_messages_v5_v16() {
        let said = message::open(&Open::Audit {
            log: 1_000_000_000_000_000,
            cosigned: None,
        });
        assert!(
            said.expect_err("refused")
                .to_string()
                .starts_with("log 1000000000000000 is not")
        );
        let health = |text: &str| -> ToHub { serde_json::from_str(text).expect("a message") };
        for (text, field) in [
            (
                r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":18446744073709551615,"cameras":[],"faults":[]}"#,
                "free_mib",
            ),
            (
                r#"{"is":"health","time":"9998-11-28T19:00:00.000Z","free_mib":1,"cameras":[],"faults":[]}"#,
                "time",
            ),
            (
                r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":1,"cameras":[{"cam":"c01","recording":true,"landed":"9998-12-31T23:59:59.999Z"}],"faults":[]}"#,
                "cameras.c01.landed",
            ),
            (
                r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":1,"cameras":[{"cam":"c01","recording":true,"rate":"\u001b[2J"}],"faults":[]}"#,
                "cameras.c01.rate",
            ),
            (
                r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":1,"cameras":[{"cam":"c01","recording":true,"outlook":{"days_left":4294967295,"days_kept":4294967295}}],"faults":[]}"#,
                "cameras.c01.outlook.days_left",
            ),
            (
                r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":1,"cameras":[],"faults":[{"code":"\u001b[31mx","cam":null,"since":"2026-11-28T19:00:00.000Z","text":""}]}"#,
                "faults.code",
            ),
            (
                r#"{"is":"answer","order":1,"outcome":{"done":{"what":"hold","until":"2026-11-28T19:00:00.000Z","segments":1,"bytes":18446744073709551615}}}"#,
                "bytes",
            ),
            (
                r#"{"is":"answer","order":18446744073709551615,"outcome":{"done":{"what":"rate","until":"2026-11-28T19:00:00.000Z"}}}"#,
                "order",
            ),
        ] {
            let said = message::to_hub(health(text)).expect_err(field).to_string();
            assert!(said.starts_with(&format!("{field} ")), "{said}");
        }
        // What is only not fit to be shown is made so, and kept.
        let kept = message::to_hub(health(
            r#"{"is":"health","time":"2026-11-28T19:00:00.000Z","free_mib":1,"cameras":[],"faults":[{"code":"x","cam":null,"since":"2026-11-28T19:00:00.000Z","text":"\u001b[1;1HALL GOOD\u202e"}]}"#,
        ));
        let Ok(ToHub::Health { faults, .. }) = kept else {
            panic!("{kept:?}");
        };
        assert_eq!(faults[0].text, "[1;1HALL GOOD");
        let failed = health(
            r#"{"is":"answer","order":1,"outcome":{"refused":{"class":"standing","code":"not-on-disk","why":"no\u001b[31m"}}}"#,
        );
        assert!(
            matches!(message::to_hub(failed), Ok(ToHub::Answer { outcome: crate::order::Outcome::Refused(r), .. }) if r.why == "no [31m")
        );
    }
}
