//! Pure. The log rows of the tamper matrix (audit.md 4a), by name, and every bit of a small log flipped. AUD-2.

use super::{Options, Report, Verdict, log};
use crate::{
    note::SignedHead,
    record::{Record, hex, leaf_hash, sha256},
    testing::{Key, LogBuilder, MemoryFiles},
    types,
};

const BOX: &str = "cctv.example.gov.uk/box/ashby-high-street/1";

/// A log with its heads, as a folder holds it.
struct Case {
    lines: Vec<Vec<u8>>,
    head: Option<SignedHead>,
    cosigned: Option<SignedHead>,
    kept: Vec<SignedHead>,
    given: Vec<SignedHead>,
    live: bool,
    hub: bool,
}

impl Case {
    /// Twenty lines: two roll-overs, two countersignatures, segments, a declared gap; all well.
    fn new() -> Self {
        let mut log = LogBuilder::new(BOX);
        log.beat();
        log.segment("c03", 7, b"a");
        log.ack();
        let mut kept = vec![log.roll()];
        log.segment("c03", 8, b"b");
        log.segment("c04", 1, b"c");
        log.add(
            "sys:log",
            &types::ClockState {
                src: "ntp".into(),
                stratum: 2,
                offset_us: 5,
                err_us: 90,
                trust: "synced".into(),
            },
        );
        let cosigned = log.ack();
        log.segment("c03", 9, b"d");
        kept.push(log.roll());
        log.gap("c03", 10, 30_000);
        log.segment("c03", 10, b"e");
        log.restart();
        log.beat();
        log.segment("c04", 2, b"f");
        for _ in 0..3 {
            log.beat();
        }
        assert_eq!(log.size(), 20);
        Self {
            head: Some(log.head()),
            cosigned: Some(cosigned),
            kept,
            given: vec![],
            lines: log.lines,
            live: false,
            hub: true,
        }
    }

    fn files(&self) -> MemoryFiles {
        let mut files = MemoryFiles::default();
        files.put("0000000000.jsonl", self.lines.concat());
        for (name, head) in [("head.note", &self.head), ("cosigned.note", &self.cosigned)] {
            if let Some(head) = head {
                files.put(name, head.render());
            }
        }
        for head in &self.kept {
            files.put(&format!("heads/{}.note", head.head.size), head.render());
        }
        files
    }

    fn options(&self) -> Options {
        let heads = self.given.iter().map(|h| h.render().into_bytes()).collect();
        Options {
            hub: if self.hub {
                vec![Key::hub().vkey]
            } else {
                vec![]
            },
            live: self.live,
            heads,
            ..Options::default()
        }
    }

    fn report(&self) -> Report {
        log(&self.files(), &self.options())
    }

    /// What is found, but for the lines above the newest countersignature: here there always are some.
    fn codes(&self) -> Vec<&'static str> {
        let found = self.report().findings;
        let codes = found.iter().map(|f| f.code);
        codes.filter(|c| *c != "ABOVE-COUNTERSIGNED").collect()
    }

    /// The verdict is damage and this code is among the findings.
    #[track_caller]
    fn shows(&self, code: &str) {
        let report = self.report();
        assert_eq!(report.verdict, Verdict::NotIntact, "{}", report.render());
        assert!(
            report.render().contains(&format!("\n{code}")),
            "no {code} in\n{}",
            report.render()
        );
    }

    #[track_caller]
    fn ok(&self, notes: &[&str]) {
        let report = self.report();
        assert!(
            !matches!(report.verdict, Verdict::NotIntact | Verdict::CannotCheck),
            "{}",
            report.render()
        );
        assert_eq!(self.codes(), notes, "{}", report.render());
    }

    /// Replaces text in a line and leaves everything else.
    fn edit(&mut self, n: usize, from: &str, to: &str) {
        let line = String::from_utf8(self.lines[n].clone()).expect("ascii");
        assert!(line.contains(from), "{line}");
        self.lines[n] = line.replacen(from, to, 1).into_bytes();
    }

    /// Numbers and chains the lines anew, as an attacker would.
    fn rechain(&mut self) {
        let mut prev = [0; 32];
        for (n, line) in self.lines.iter_mut().enumerate() {
            let record = Record::parse(line).expect("a line");
            let text = String::from_utf8(line.clone()).expect("ascii");
            let text = text.replacen(&format!("\"n\":{}", record.n), &format!("\"n\":{n}"), 1);
            *line = text
                .replacen(&hex(&record.prev), &hex(&prev), 1)
                .into_bytes();
            prev = leaf_hash(line);
        }
    }

    /// Signs the lines as they are with log key `k`.
    fn signed(&self, size: usize, k: u8) -> SignedHead {
        let leaves: Vec<_> = self.lines[..size].iter().map(|l| leaf_hash(l)).collect();
        let head = crate::note::Head {
            origin: BOX.into(),
            size: size as u64,
            root: crate::tree::root(&leaves),
        };
        let key = Key::log(BOX, k);
        SignedHead::sign(head, &key.vkey, |m| key.sign(m))
    }

    fn cosign(mut head: SignedHead, time: u64) -> SignedHead {
        let hub = Key::hub();
        head.cosign(&hub.vkey, time, |m| hub.sign(m));
        head
    }
}

const TIME: u64 = 1_793_715_000;

#[test]
fn a_sound_log() {
    let mut case = Case::new();
    case.ok(&["GAP-DECLARED"]);
    assert_eq!(case.report().verdict, Verdict::Intact);
    assert_eq!(case.report().exit_status(), 0);
    case.hub = false;
    assert_eq!(case.report().verdict, Verdict::IntactHubKeyNotGiven);
    case.ok(&["GAP-DECLARED", "NO-HUB-KEY"]);
    case.head = None;
    case.kept.clear();
    case.ok(&["GAP-DECLARED", "NO-HUB-KEY", "UNSEALED"]);
}

#[test]
fn a1_bit_in_a_line() {
    let mut case = Case::new();
    case.edit(6, "\"size\":1", "\"size\":2");
    case.shows("CHAIN-BREAK\tline 7");
}

#[test]
fn a2_bit_in_the_last_line() {
    let mut case = Case::new();
    case.edit(19, "\"cams\":8", "\"cams\":9");
    case.shows("ALTERED\thead 20");
}

#[test]
fn a3_dropped_line_and_a5_swapped_lines() {
    let mut case = Case::new();
    case.lines.remove(9);
    case.shows("MISSING-OR-REORDERED\tline 9");
    assert_eq!(
        case.codes()
            .iter()
            .filter(|c| **c == "MISSING-OR-REORDERED")
            .count(),
        1
    );
    let mut case = Case::new();
    case.lines.swap(7, 8);
    case.shows("MISSING-OR-REORDERED\tline 7");
}

#[test]
fn a4_and_a6_dropped_or_inserted_and_rechained() {
    let mut case = Case::new();
    case.lines.remove(2);
    case.rechain();
    case.shows("ALTERED-OR-FORKED");
    let mut case = Case::new();
    case.lines.remove(6);
    case.rechain();
    case.shows("SEGMENT-MISSING\tcamera c03");
    let mut case = Case::new();
    case.lines.insert(3, case.lines[2].clone());
    case.rechain();
    case.shows("ALTERED-OR-FORKED");
}

#[test]
fn a7_a8_a9_cut_tail() {
    let mut case = Case::new();
    case.lines.truncate(18);
    case.shows("TRUNCATED\thead 20");
    case.head = Some(case.signed(12, 2));
    case.ok(&["GAP-DECLARED", "UNSEALED"]);
    case.given = vec![Case::cosign(Case::new().signed(20, 3), TIME)];
    case.shows("ROLLED-BACK\tcosigned 20");
    let mut case = Case::new();
    case.lines.truncate(16);
    case.head = Some(case.signed(16, 3));
    case.cosigned = Some(Case::cosign(Case::new().signed(18, 3), TIME));
    case.shows("ROLLED-BACK\tcosigned 18");
}

/// The stated limit: nothing is left that knows of more.
#[test]
fn a8b_cut_to_an_older_head() {
    let mut case = Case::new();
    case.lines.truncate(17);
    case.head = Some(case.signed(17, 3));
    case.ok(&["GAP-DECLARED"]);
}

#[test]
fn a10_torn_last_line() {
    let mut case = Case::new();
    case.lines.push(b"{\"v\":1,".to_vec());
    case.shows("RECORD-MALFORMED\ttail\ttorn");
    case.live = true;
    case.ok(&["GAP-DECLARED", "TORN-TAIL"]);
}

/// A log of its own for the rows about clocks.
fn clocks(change: impl FnOnce(&mut LogBuilder)) -> Report {
    let mut log = LogBuilder::new(BOX);
    log.beat();
    change(&mut log);
    log.beat();
    let cosigned = log.cosigned();
    super::log(
        &log.files(Some(&log.head()), Some(&cosigned)),
        &Options {
            hub: vec![Key::hub().vkey],
            ..Options::default()
        },
    )
}

#[track_caller]
fn says(report: &Report, code: &str) {
    assert!(
        report.render().contains(&format!("\n{code}")),
        "no {code} in\n{}",
        report.render()
    );
    assert_eq!(report.verdict, Verdict::NotIntact);
}

#[test]
fn a11_silent_hour() {
    says(
        &clocks(|log| {
            log.pass(3_600_000);
        }),
        "SILENCE",
    );
    assert_eq!(
        clocks(|log| {
            log.pass(74_000);
        })
        .verdict,
        Verdict::Intact
    );
}

#[test]
fn a12_a13_restart_logged_or_not() {
    assert_eq!(
        clocks(|log| {
            log.pass(3_000_000).restart();
        })
        .verdict,
        Verdict::Intact
    );
    says(&clocks(|log| log.boot += 1), "BOOT-NOT-LOGGED");
    says(
        &clocks(|log| {
            log.restart();
            log.boot -= 1;
            log.mono = 60_000;
            log.beat();
        }),
        "BOOT-NOT-LOGGED",
    );
    says(
        &clocks(|log| {
            log.add(
                "sys:log",
                &types::SysBoot {
                    why: "start".into(),
                    last_n: 2,
                    sw: "0".into(),
                },
            );
        }),
        "BOOT-NOT-LOGGED",
    );
}

#[test]
fn a14_a15_clock_back_logged_or_not() {
    let back = |log: &mut LogBuilder| log.t = log.t.plus_ms(-3_600_000);
    let logged = clocks(|log| {
        back(log);
        log.add(
            "sys:clock",
            &types::ClockStep {
                delta_ms: -3_600_000,
                src: "ntp".into(),
            },
        );
    });
    assert_eq!(logged.verdict, Verdict::Intact, "{}", logged.render());
    says(&clocks(back), "CLOCK-STEP-NOT-LOGGED");
}

#[test]
fn c6_mono_backwards() {
    says(
        &clocks(|log| {
            log.mono -= 5_000;
            log.t = log.t.plus_ms(-5_000);
        }),
        "RECORD-MALFORMED\tline 3\tmono backwards",
    );
}

#[test]
fn b1_cloned_disk_and_e2_hub_aware() {
    let mut case = Case::new();
    case.edit(19, "\"cams\":8", "\"cams\":9");
    case.head = Some(case.signed(20, 3));
    case.ok(&["GAP-DECLARED"]); // E1, stated limit: the hub has not seen line 19
    case.given = vec![Case::cosign(Case::new().signed(20, 3), TIME)];
    case.shows("FORKED\tcosigned 20");
}

#[test]
fn b2_two_heads_of_one_size() {
    let mut case = Case::new();
    let mut other = Case::new();
    other.edit(19, "\"cams\":8", "\"cams\":9");
    case.given = vec![other.signed(20, 3)];
    case.shows("PROOF-OF-FORK\thead 20");
}

#[test]
fn b3_b4_retired_and_too_new_keys() {
    let mut case = Case::new();
    case.head = Some(case.signed(20, 2));
    case.shows("WRONG-KEY\thead 20");
    let mut case = Case::new();
    let size = case.kept[1].head.size as usize;
    case.kept[1] = case.signed(size, 3);
    case.shows(&format!("WRONG-KEY\thead {size}"));
}

#[test]
fn b5_b6_strangers_key_and_key_id_collision() {
    let mut case = Case::new();
    case.head = Some(case.signed(20, 99));
    case.shows("UNKNOWN-KEY\thead 20");
    if let Some(head) = &mut case.head {
        head.signatures[0].id = Key::log(BOX, 3).vkey.id();
    }
    case.shows("BAD-SIGNATURE\thead 20");
}

#[test]
fn b7_line_from_another_box() {
    let mut case = Case::new();
    let mut other = LogBuilder::new("cctv.example.gov.uk/box/elsewhere/1");
    other.beat();
    case.lines[2] = other.lines[2].clone();
    case.shows("FOREIGN-RECORD\tline 2");
    let mut case = Case::new();
    case.head = Some(other.head());
    case.shows("FOREIGN-RECORD\thead 3");
}

#[test]
fn b8_b9_countersignature_altered_or_passed_off() {
    let mut case = Case::new();
    if let Some(head) = &mut case.cosigned {
        head.signatures[1].blob[7] ^= 1;
    }
    case.shows("BAD-SIGNATURE\tcosigned");
    if let Some(head) = &mut case.cosigned {
        head.signatures[1].blob = head.signatures[0].blob.clone();
        head.signatures[1].id = head.signatures[0].id;
    }
    case.shows("BAD-SIGNATURE\tcosigned");
    if let Some(head) = &mut case.cosigned {
        head.signatures.truncate(1);
    }
    case.shows("NO-HUB-COSIGNATURE\tcosigned");
}

#[test]
fn c1_to_c5_each_by_name() {
    for (from, to, name) in [
        ("\"cams\":8", "\"cams\":8,\"cams\":8", "duplicate key"),
        ("}\n", "}\r\n", "CRLF"),
        ("sys:health", "sys:h\u{e9}alth", "non-ASCII"),
        ("\"cams\":8", "\"cams\":8.0", "float"),
        ("\"cams\":8", "\"cams\": 8", "white space"),
    ] {
        let mut case = Case::new();
        case.edit(2, from, to);
        case.shows(&format!("RECORD-MALFORMED\tline 2\t{name}"));
    }
}

#[test]
fn files_in_order() {
    let case = Case::new();
    let mut files = case.files();
    files.put("0000000000.jsonl", case.lines[..12].concat());
    files.put("0000000012.jsonl", case.lines[12..].concat());
    assert_eq!(log(&files, &case.options()).verdict, Verdict::Intact);
    files.put("0000000013.jsonl", case.lines[12..].concat());
    files.0.remove("0000000012.jsonl");
    says(
        &log(&files, &case.options()),
        "MISSING-OR-REORDERED\tline 12",
    );
    let empty = log(&MemoryFiles::default(), &Options::default());
    assert_eq!(
        (empty.verdict, empty.exit_status()),
        (Verdict::CannotCheck, 2)
    );
}

#[test]
fn gaps_segments_types_versions() {
    let mut case = Case::new();
    case.lines.remove(12);
    case.rechain();
    case.shows("SEGMENT-MISSING\tcamera c03\tline 12: 3");
    let mut log = LogBuilder::new(BOX);
    log.add_raw("x.y", "sys:x", &serde_json::json!({}));
    log.add_raw("x.y", "sys:x", &serde_json::json!({}));
    log.add_raw("seg.gap", "sys:x", &serde_json::json!({ "cam": "c03" }));
    let report = super::log(&log.files(None, None), &Options::default());
    let text = report.render();
    assert!(
        text.contains("RECORD-MALFORMED\tline 4\tbad value: \"data.next\""),
        "{text}"
    );
    assert_eq!(text.matches("UNKNOWN-TYPE").count(), 1);
    let mut log = LogBuilder::new(BOX);
    log.beat();
    let line = String::from_utf8(log.lines[2].clone())
        .expect("ascii")
        .replacen("\"v\":1", "\"v\":2", 1);
    log.lines[2] = line.into_bytes();
    let report = super::log(&log.files(None, None), &Options::default());
    assert_eq!(report.verdict, Verdict::CannotCheck, "{}", report.render());
}

#[test]
fn late_anchored_after_an_hour_offline() {
    let mut log = LogBuilder::new(BOX);
    log.ack();
    for _ in 0..70 {
        log.pass(59_000).beat();
    }
    let cosigned = log.cosigned();
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    assert_eq!(
        super::log(&log.files(Some(&log.head()), Some(&cosigned)), &options).verdict,
        Verdict::IntactLateAnchored
    );
}

#[test]
fn at_most_a_hundred_findings_are_printed() {
    let mut case = Case::new();
    case.lines = vec![b"x\n".to_vec(); 300];
    let text = case.report().render();
    // A hundred, the first of each further code, and how many more; then what cannot be checked.
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        (103..110).contains(&lines.len()) && lines[1].starts_with("RECORD-MALFORMED\tline 0\t"),
        "{text}"
    );
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("MORE\tlog\t2") && l.ends_with(" further findings of damage")),
        "{text}"
    );
    for code in ["ALTERED-OR-FORKED", "UNREADABLE"] {
        assert!(lines.iter().any(|l| l.starts_with(code)), "{code}: {text}");
    }
}

/// No flipped bit of the lines or of any head goes unnoticed (one bit of every byte here, every bit in the suite `tamper`).
#[test]
fn no_flipped_bit_survives() {
    let case = Case::new();
    let (files, options) = (case.files(), case.options());
    let mut mutant = files.clone();
    let mut tried = 0;
    for (name, bytes) in &files.0 {
        for k in 0..bytes.len() {
            let bit = k % 8;
            mutant.0.get_mut(name).expect("file")[k] ^= 1 << bit;
            let report = log(&mutant, &options);
            assert!(
                matches!(report.verdict, Verdict::NotIntact | Verdict::CannotCheck),
                "{name} byte {k} bit {bit}: {}",
                report.render()
            );
            mutant.0.get_mut(name).expect("file")[k] ^= 1 << bit;
            tried += 1;
        }
    }
    assert!(tried > 8_000, "{tried}");
}

/// A month of eight cameras is judged in seconds (release); this is an eightieth of it.
#[test]
fn a_long_log() {
    let mut log = LogBuilder::new(BOX);
    let cams: Vec<String> = (1..9).map(|c| format!("c{c:02}")).collect();
    for minute in 0..600u64 {
        // A roll takes a second more.
        let lasts = if minute > 0 && minute % 60 == 0 {
            61_000
        } else {
            60_000
        };
        for cam in &cams {
            let t1 = log.t;
            log.add(
                "sys:rec",
                &types::SegWrite {
                    cam: crate::id::CameraId::parse(cam).expect("cam"),
                    s: minute,
                    t0: t1.plus_ms(-lasts),
                    t1,
                    size: 1,
                    sha256: hex(&sha256(b"x")),
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
                    offset_ms: None,
                    key: "k".into(),
                    rate: None,
                },
            );
        }
        log.ack();
        log.pass(51_000);
        if minute % 60 == 59 {
            log.roll();
        }
    }
    let cosigned = log.cosigned();
    let options = Options {
        hub: vec![Key::hub().vkey],
        ..Options::default()
    };
    let report = super::log(&log.files(Some(&log.head()), Some(&cosigned)), &options);
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.render());
}
