//! Adapter: the harness. Rows A1–A15 and C1–C6: what can be done to the lines.

use super::{corpus::*, harness::Case};

/// A log as its box would have left it, over these events: every head signed and countersigned anew.
fn honest(events: &[Event]) -> Case {
    Case::log(log_folder(&chain(events)))
}

/// The sound log's heads over other lines.
fn with_lines(lines: &[Vec<u8>]) -> Case {
    let mut files = log_folder(&super::corpus::lines());
    files.insert("0000000000.jsonl".into(), lines.concat());
    Case::log(files)
}

/// Events of a log made again by someone who cannot sign: numbered and chained anew, the countersignatures copied as they were.
fn rechained(change: impl Fn(&mut Vec<Event>)) -> Vec<Vec<u8>> {
    let sound = lines();
    let mut events = events();
    for (n, event) in events.iter_mut().enumerate() {
        if event.ack.take().is_some() {
            let text = String::from_utf8(sound[n].clone()).expect("ascii");
            event.data = text[text.find("\"data\":").expect("data") + 7..text.len() - 2].into();
        }
    }
    change(&mut events);
    chain(&events)
}

#[test]
fn a00_the_sound_log_is_intact_aud_2() {
    Case::log(log_folder(&lines())).is("INTACT", &["GAP-DECLARED"]);
    Case::log(log_folder(&lines()))
        .no_hub()
        .is("INTACT-HUB-KEY-NOT-GIVEN", &["GAP-DECLARED", "NO-HUB-KEY"]);
    Case::log(hub_folder()).is("INTACT", &[]);
}

#[test]
fn a01_bit_flip_in_a_line_aud_2() {
    let mut lines = lines();
    let at = lines[5].len() - 30;
    assert!(lines[5][at].is_ascii_digit() || lines[5][at].is_ascii_lowercase());
    lines[5][at] ^= 1;
    with_lines(&lines).shows("CHAIN-BREAK\tline 6");
}

#[test]
fn a02_bit_flip_in_the_last_line_aud_2() {
    let mut lines = lines();
    let at = String::from_utf8_lossy(&lines[21])
        .find("812345")
        .expect("beat");
    lines[21][at] ^= 1;
    with_lines(&lines).shows("ALTERED\thead 22");
}

#[test]
fn a03_line_dropped_aud_2() {
    let mut lines = lines();
    lines.remove(12);
    with_lines(&lines).shows("MISSING-OR-REORDERED\tline 12");
}

#[test]
fn a04_line_dropped_renumbered_rechained_aud_2() {
    with_lines(&rechained(|e| {
        e.remove(12);
    }))
    .shows("ALTERED-OR-FORKED");
}

#[test]
fn a04b_segment_line_dropped_renumbered_rechained_aud_2() {
    with_lines(&rechained(|e| {
        e.remove(14);
    }))
    .shows("SEGMENT-MISSING\tcamera c03");
}

#[test]
fn a05_lines_swapped_aud_2() {
    let mut lines = lines();
    lines.swap(12, 13);
    with_lines(&lines).shows("MISSING-OR-REORDERED\tline 12");
}

#[test]
fn a06_line_inserted_renumbered_rechained_aud_2() {
    let report = with_lines(&rechained(|e| {
        let beat = Event {
            ms: 150_000,
            ..e[12].clone()
        };
        e.insert(12, beat);
    }))
    .shows("ALTERED-OR-FORKED");
    assert!(!report.contains("SEGMENT-MISSING"), "{report}");
}

#[test]
fn a07_tail_cut_aud_2() {
    with_lines(&lines()[..19]).shows("TRUNCATED\thead 22");
}

/// Older heads of the sound log, as an older backup of the folder would hold them.
fn older(lines_kept: usize, head_size: usize) -> Case {
    let all = lines();
    let mut files = log_folder(&all);
    files.insert("0000000000.jsonl".into(), all[..lines_kept].concat());
    files.insert(
        "head.note".into(),
        head(BOX_LOG, &all, head_size, &box_key(2), None).into(),
    );
    files.insert(
        "cosigned.note".into(),
        head(BOX_LOG, &all, 13, &box_key(2), Some(hub_time(185_500))).into(),
    );
    Case::log(files)
}

#[test]
fn a08_tail_and_head_cut_leaves_unsealed_lines_aud_2() {
    older(20, 18).is("INTACT", &["GAP-DECLARED", "UNSEALED"]);
}

#[test]
fn a08b_cut_to_an_older_head_is_the_stated_limit_aud_2() {
    older(18, 18).is("INTACT", &["GAP-DECLARED"]);
}

#[test]
fn a09_tail_and_head_cut_but_the_hub_remembers_aud_2() {
    let hub = head(BOX_LOG, &lines(), 21, &box_key(2), Some(hub_time(301_000)));
    older(20, 18).knowing(hub.clone()).shows("ROLLED-BACK");
    older(18, 18).knowing(hub).shows("ROLLED-BACK");
    // The box's own folder may remember it, too.
    let mut case = older(18, 18);
    case.files.insert(
        "cosigned.note".into(),
        log_folder(&lines())["cosigned.note"].clone(),
    );
    case.shows("ROLLED-BACK");
}

#[test]
fn a10_torn_last_line_aud_2() {
    let mut files = log_folder(&lines());
    files
        .entry("0000000000.jsonl".into())
        .and_modify(|b| b.extend(&lines()[5][..77]));
    Case::log(files.clone())
        .live()
        .is("INTACT", &["GAP-DECLARED", "TORN-TAIL"]);
    Case::log(files).shows("RECORD-MALFORMED\ttail");
}

#[test]
fn a11_silent_hour_aud_2() {
    let mut events = events();
    for event in &mut events[19..] {
        event.ms += 3_600_000;
    }
    honest(&events).shows("SILENCE\tline 19");
}

fn rebooted(logged: bool) -> Vec<Event> {
    let mut events = events();
    for event in &mut events[12..] {
        event.boot += 1;
    }
    if logged {
        let boot = Event {
            boot: 18,
            ..ev(
                130_000,
                "sys.boot",
                r#"{"why":"crash","last_n":11,"sw":"0.1.0"}"#,
            )
        };
        events.insert(12, boot);
        events
            .iter_mut()
            .skip(13)
            .for_each(|e| e.ack = e.ack.map(|size| size + 1));
    }
    events
}

#[test]
fn a12_reboot_logged_aud_2() {
    honest(&rebooted(true)).is("INTACT", &["GAP-DECLARED"]);
}

#[test]
fn a13_reboot_not_logged_aud_2() {
    honest(&rebooted(false)).shows("BOOT-NOT-LOGGED\tline 12");
}

fn clock_back(logged: bool) -> Vec<Event> {
    let mut events = events();
    for event in &mut events[19..] {
        event.off -= 3_600_000;
    }
    if logged {
        let step = Event {
            off: -3_600_000,
            ..ev(
                260_000,
                "clock.step",
                r#"{"delta_ms":-3600000,"src":"chrony"}"#,
            )
        };
        events.insert(19, step);
    }
    events
}

#[test]
fn a14_clock_back_an_hour_logged_aud_2() {
    let report = honest(&clock_back(true)).judge();
    assert!(report.starts_with("INTACT\n"), "{report}");
}

#[test]
fn a15_clock_back_an_hour_not_logged_aud_2() {
    honest(&clock_back(false)).shows("CLOCK-STEP-NOT-LOGGED\tline 19");
}

/// The last line replaced, and the whole signed anew by the box itself: only the fault is left.
fn refused(name: &str, change: impl Fn(String) -> Vec<u8>) {
    let mut lines = lines();
    let last = String::from_utf8(lines.pop().expect("line")).expect("ascii");
    lines.push(change(last));
    let report = Case::log(log_folder(&lines)).shows("RECORD-MALFORMED\tline 21");
    assert!(
        report
            .lines()
            .any(|l| l.starts_with(&format!("RECORD-MALFORMED\tline 21\t{name}"))),
        "{name}:\n{report}"
    );
}

#[test]
fn c01_duplicate_key_aud_2() {
    refused("duplicate key", |l| {
        l.replace("\"cams\":1,", "\"cams\":1,\"cams\":2,").into()
    });
    refused("duplicate key", |l| {
        l.replace("\"who\":", "\"n\":21,\"who\":").into()
    });
}

#[test]
fn c02_crlf_aud_2() {
    refused("CRLF", |l| l.replace('\n', "\r\n").into());
}

#[test]
fn c03_non_ascii_aud_2() {
    refused("non-ASCII", |l| l.replace("sys:", "sŵs:").into());
}

#[test]
fn c04_float_aud_2() {
    refused("float", |l| l.replace("812345", "812345.5").into());
    refused("float", |l| l.replace("812345", "8e5").into());
}

#[test]
fn c05_added_space_aud_2() {
    refused("white space", |l| l.replace("\"who\":", "\"who\": ").into());
    refused("white space", |l| l.replace("}}\n", "}} \n").into());
}

#[test]
fn c06_mono_backwards_aud_2() {
    let mut events = events();
    events[21].ms = 250_000;
    events[21].off = 51_000;
    let report = honest(&events).shows("RECORD-MALFORMED\tline 21");
    assert!(
        report.contains("RECORD-MALFORMED\tline 21\tmono backwards"),
        "{report}"
    );
}

#[test]
fn c07_every_other_fault_of_a_line_by_name_aud_2() {
    refused("unknown key", |l| {
        l.replace("\"who\":", "\"why\":\"x\",\"who\":").into()
    });
    refused("missing key", |l| l.replace("\"mono\":302000,", "").into());
    refused("key order", |l| {
        l.replace("\"boot\":17,\"mono\":302000", "\"mono\":302000,\"boot\":17")
            .into()
    });
    refused("number out of range", |l| {
        l.replace("812345", "9007199254740992").into()
    });
    refused("bad time", |l| {
        l.replace("2026-11-03T", "2026-02-30T").into()
    });
    refused("too long", |l| {
        l.replace("sys:box", &"x".repeat(4096)).into()
    });
    refused("not JSON", |l| l.replace("}}\n", "}\n").into());
    refused("bad value", |l| {
        l.replace("\"boot\":17", "\"boot\":\"17\"").into()
    });
}

/// A deep line, a line of another version, and the last allowed spellings.
#[test]
fn c08_edges_of_the_line_format_aud_2() {
    let edge = |change: &dyn Fn(String) -> String| {
        let mut lines = lines();
        let last = String::from_utf8(lines.pop().expect("line")).expect("ascii");
        lines.push(change(last).into_bytes());
        Case::log(log_folder(&lines)).judge()
    };
    let report = edge(&|l| l.replace("\"v\":1", "\"v\":2"));
    assert!(report.starts_with("CANNOT-CHECK\n"), "{report}");
    for (old, new) in [
        ("812345", "9007199254740991"),
        ("812345", "-9007199254740991"),
        ("\"temp_c\":41", r#""temp_c":41,"note":"\u0175\n\"\\""#),
        (
            "\"temp_c\":41",
            r#""temp_c":41,"a":[[],{},[true,false,null]]"#,
        ),
        ("beat", "some.day"),
        ("\"temp_c\":41", r#""temp_c":41,"x":"\ud83d\ude00""#),
    ] {
        let report = edge(&|l| l.replace(old, new));
        assert!(report.starts_with("INTACT\n"), "{old} {new}\n{report}");
    }
    for (old, new) in [
        ("812345", "-0"),
        ("812345", "01"),
        ("812345", "- 1"),
        ("41", r#""\u0041""#),
        ("41", r#""\/""#),
        ("41", r#""\u00E4""#),
        ("41", r#""\ud800""#),
        ("41", r#""\ud800\u0041""#),
        ("41", r#""\x""#),
        ("41", "NaN"),
        ("41", "tru"),
        ("41", "[1,]"),
        ("41", "{,}"),
        ("41", "12345678901234567890"),
        ("41", r#""\u007F""#),
        ("41", r#""\u00""#),
        ("{\"v\"", "[\"v\""),
        ("41", ""),
        ("41", &"[".repeat(3000)),
        ("\"v\":1", "\"v\":1.0"),
        ("\"v\":1", "\"v\":true"),
        ("\"mono\":302000", "\"mono\":-1"),
        ("\"data\":{", "\"data\":[{"),
        ("41", r#"{"a":1,"b":{"a":1,"a":2}}"#),
        ("812345", "1E5"),
        ("\"prev\":\"", "\"prev\":\"g"),
        ("T14:", "T24:"),
        (":01.000Z", ":60.000Z"),
    ] {
        let report = edge(&|l| l.replace(old, new));
        assert!(
            report.starts_with("NOT-INTACT\nRECORD-MALFORMED")
                && report.contains("RECORD-MALFORMED\tline 21"),
            "{old} {new}\n{report}"
        );
    }
}

/// MSK-4, MSK-2: a segment without its mask, and no lift; within a lift; beyond its end; a proof that was none.
#[test]
fn m01_a_mask_that_was_not_lifted_msk_4() {
    let with = |change: &dyn Fn(&mut Vec<Event>, usize)| {
        let mut all = events();
        let at = all
            .iter()
            .position(|e| e.kind == "seg.write")
            .expect("a segment");
        change(&mut all, at);
        honest(&all)
    };
    let lifted = |all: &mut Vec<Event>, at: usize| {
        all[at].data = all[at].data.replace(
            "\"how\":\"proved\",\"proofs\":60",
            "\"how\":\"lifted\",\"proofs\":0",
        );
        assert!(all[at].data.contains("lifted"));
    };
    // In the place of a line that nothing else depends on.
    let order = |all: &mut Vec<Event>, until: i64| {
        let line = all
            .iter_mut()
            .find(|e| e.kind == "mask.set")
            .expect("mask.set");
        line.kind = "mask.lift".into();
        line.data = format!(
            r#"{{"cam":"c03","mask":"m7","until":"{}","authority":"{}","by":["op:0002","op:0003"],"order":40}}"#,
            time(until),
            "0".repeat(64)
        );
    };
    with(&lifted).shows("LIFT-NOT-LOGGED\tline 6");
    with(&|all, at| {
        lifted(all, at);
        order(all, 86_400_000);
    })
    .is("INTACT", &["GAP-DECLARED"]);
    with(&|all, at| {
        lifted(all, at);
        order(all, 1);
    })
    .shows("LIFT-NOT-LOGGED\tline 6");
    with(&|all, at| {
        all[at].data = all[at].data.replace("\"proofs\":60", "\"proofs\":0");
    })
    .shows("MASK-NOT-PROVED\tline 6");
}

/// RET-2, AUD-2: the day a segment says it was recorded under is one that its first picture can have been recorded on, in whatever zone.
#[test]
fn c09_the_day_of_a_segment_ret_2() {
    let with = |day: &str| {
        let mut all = events();
        let at = all.iter().position(|e| e.kind == "seg.write");
        let line = &mut all[at.expect("a segment")];
        line.data = line
            .data
            .replace("\"key\":", &format!("\"day\":{day},\"key\":"));
        assert!(line.data.contains("\"day\":"));
        honest(&all)
    };
    for good in ["\"2026-11-02\"", "\"2026-11-03\"", "\"2026-11-04\""] {
        with(good).is("INTACT", &["GAP-DECLARED"]);
    }
    for bad in [
        "\"2026-11-01\"",
        "\"2026-11-05\"",
        "\"2025-11-03\"",
        "\"2026-11-31\"",
        "\"2026-11-3\"",
        "\"tomorrow\"",
        "\"\"",
        "null",
        "20261103",
        "[]",
    ] {
        let report = with(bad).shows("RECORD-MALFORMED\tline 6");
        assert!(
            report.contains("bad value: \"data.day\""),
            "{bad}\n{report}"
        );
    }
}
