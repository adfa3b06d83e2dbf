//! Pure. EVI-2, AUD-4: packages of random logs, and what their certificates say held against the lines themselves, read apart from how the
//! certificate is computed.
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::{record::Record, testing::LogBuilder};

use super::*;
use crate::words;

/// What happens next in a log.
#[derive(Clone, Debug)]
enum Next {
    Segment {
        how: &'static str,
        rate: Option<&'static str>,
        lost: u64,
        shed: u64,
        arrival: bool,
    },
    Gap(i64, &'static str),
    Clock(&'static str, i64, i64),
    Step(i64),
    Fault(&'static str),
    Boot(&'static str),
    Ack,
}

fn next() -> impl Strategy<Value = Next> {
    let how = prop::sample::select(vec!["none", "burned", "proved", "lifted"]);
    let rate = prop::sample::select(vec![None, None, Some("realtime"), Some("timelapse-4")]);
    let few = || prop_oneof![3 => Just(0u64), 1 => 1..50u64];
    let segment = (how, rate, few(), few(), prop::bool::weighted(0.1)).prop_map(
        |(how, rate, lost, shed, arrival)| Next::Segment {
            how,
            rate,
            lost,
            shed,
            arrival,
        },
    );
    let why = prop::sample::select(vec!["stall", "loss", "disk", "a word of tomorrow"]);
    let trust = prop::sample::select(vec!["synced", "holdover", "unknown"]);
    prop_oneof![
        6 => segment,
        2 => (501..100_000i64, why).prop_map(|(ms, why)| Next::Gap(ms, why)),
        2 => (trust, -9_000_000..9_000_000i64, 0..5_000_000i64).prop_map(|(t, o, e)| Next::Clock(t, o, e)),
        1 => (-5_000..5_000i64).prop_map(Next::Step),
        1 => prop::sample::select(vec!["disk.slow", "camera.stalled"]).prop_map(Next::Fault),
        1 => prop::sample::select(vec!["0.9.1", "0.9.2"]).prop_map(Next::Boot),
        2 => Just(Next::Ack),
    ]
}

/// The log, and its masters.
fn log(all: &[Next]) -> (LogBuilder, Vec<u64>) {
    let mut log = LogBuilder::new("cctv.example.gov.uk/box/ashby/1");
    let (mut masters, mut s) = (Vec::new(), 1);
    for one in all {
        let t0 = log.t;
        match one {
            Next::Segment {
                how,
                rate,
                lost,
                shed,
                arrival,
            } => {
                let t1 = log.pass(10_000).t;
                let mut data = json!({
                    "cam": "c03", "s": s, "t0": t0, "t1": t1, "size": 1000 + s, "sha256": "0".repeat(64),
                    "mask": if *how == "none" { Value::Null } else { json!("m7") }, "how": how,
                    "proofs": if *how == "proved" { 5 } else { 0 }, "lost": lost, "shed": shed, "key": "c03/2026-11-03",
                });
                if let Some(rate) = rate {
                    data["rate"] = json!(rate);
                }
                if lost + shed > 0 {
                    data["short_t0"] = json!(t0);
                    data["short_t1"] = json!(t1);
                }
                if *arrival {
                    data["stamps"] = json!("arrival");
                }
                masters.push(log.add_raw("seg.write", "sys:rec", &data));
                s += 1;
            }
            Next::Gap(ms, why) => {
                let t1 = log.pass(ms.unsigned_abs()).t;
                let data =
                    json!({"cam": "c03", "next": s, "t0": t0, "t1": t1, "why": why, "packets": 0});
                log.add_raw("seg.gap", "sys:rec", &data);
            }
            Next::Clock(trust, offset, error) => {
                let data = json!({"src": "hub", "stratum": 0, "offset_us": offset, "err_us": error, "trust": trust});
                log.add_raw("clock.state", "sys:clock", &data);
            }
            Next::Step(ms) => {
                log.add_raw(
                    "clock.step",
                    "sys:clock",
                    &json!({"delta_ms": ms, "src": "hub"}),
                );
            }
            Next::Fault(code) => {
                log.add_raw(
                    "fault.on",
                    "sys:rec",
                    &json!({"code": code, "cam": null, "text": "x"}),
                );
            }
            Next::Boot(sw) => {
                log.add_raw(
                    "sys.boot",
                    "sys:rec",
                    &json!({"why": "start", "last_n": 0, "sw": sw}),
                );
            }
            Next::Ack => {
                log.ack();
            }
        }
    }
    (log, masters)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_sentence_is_on_the_log(all in prop::collection::vec(next(), 1..40)) {
        let (log, numbers) = log(&all);
        let kept: Vec<LogLine> = log.lines.iter().map(|bytes| LogLine {
            bytes: bytes.clone(),
            record: Record::parse(bytes).expect("line"),
        }).collect();
        let lines: Vec<&LogLine> = kept.iter().collect();
        let masters: Vec<Master> = numbers.iter().map(|n| Master {
            n: *n,
            file: format!("master/{n}.mp4"),
            line: kept[*n as usize].data().expect("a seg.write"),
        }).collect();
        let request = super::tests::request(log.t);
        let check = Check { verdict: "INTACT", damage: BTreeMap::new(), notes: BTreeMap::new() };
        let facts = super::tests::facts(&request, &masters, &lines, &check, log.t);
        let computed = Certificate::of(&facts);
        let said = words::certificate(&facts, &computed).to_text();
        prop_assert!(said.lines().all(|l| l.chars().count() <= 100), "{said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let has = |part: &str| said.contains(part);

        // The lines as anybody reads them.
        let json: Vec<Value> = log.lines.iter().map(|l| serde_json::from_slice(l).expect("JSON")).collect();
        let of = |kind: &str| json.iter().filter(|l| l["type"] == kind).map(|l| l["data"].clone()).collect::<Vec<_>>();
        let sum = |key: &str| of("seg.write").iter().map(|d| d[key].as_u64().unwrap_or(0)).sum::<u64>();
        let some = |kind: &str, test: &dyn Fn(&Value) -> bool| of(kind).iter().any(test);
        let time = |v: &Value| Utc::parse(v.as_str().unwrap_or_default()).expect("time");

        prop_assert_eq!(has("no gap is on record"), of("seg.gap").is_empty());
        for gap in of("seg.gap") {
            let ms = time(&gap["t1"]).0 - time(&gap["t0"]).0;
            let part = format!("from {} for {}:", time(&gap["t0"]).for_people(&request.zone), words::en::certificate::length(ms));
            prop_assert!(has(&part), "{} in {}", part, said);
        }
        let all_ms: i64 = of("seg.gap").iter().map(|g| time(&g["t1"]).0 - time(&g["t0"]).0).sum();
        if of("seg.gap").len() > 1 {
            let part = format!("{} gaps, {} in all", of("seg.gap").len(), words::en::certificate::length(all_ms));
            prop_assert!(has(&part), "{} in {}", part, said);
        }
        let (lost, shed) = (sum("lost"), sum("shed"));
        prop_assert_eq!(has("lost inside masters"), lost > 0);
        prop_assert_eq!(has("inside masters the recorder left out"), shed > 0);
        if lost > 1 {
            let part = format!("{lost} packets of the network were lost inside masters");
            prop_assert!(has(&part), "{} in {}", part, said);
        }
        let own = |d: &Value| d["rate"].is_null() || d["rate"] == "realtime";
        let every = lost == 0 && shed == 0 && (some("seg.write", &own) || of("seg.write").is_empty());
        prop_assert_eq!(has("every picture the camera sent"), every, "{}", said);
        prop_assert_eq!(has("TIME-LAPSE"), some("seg.write", &|d| d["rate"] == "timelapse-4"));
        prop_assert_eq!(has("encoded them anew"), some("seg.write", &|d| d["how"] == "burned"));
        prop_assert_eq!(has("only those were tested"), some("seg.write", &|d| d["how"] == "proved"));
        prop_assert_eq!(has("LIFTED"), some("seg.write", &|d| d["how"] == "lifted"));
        prop_assert_eq!(has("dated by when their pictures reached"), some("seg.write", &|d| d["stamps"] == "arrival"));
        let tested: u64 = computed.masks.stretches.iter().map(|s| match s.mask {
            masks::Imposition::Proved { tested, .. } => tested,
            _ => 0,
        }).sum();
        prop_assert_eq!(tested, sum("proofs"));
        prop_assert_eq!(has("whose state is not on record"), of("clock.state").is_empty());
        // What the clock was worth is said at least once for each word the log has for it, and never without one.
        for (word, part) in [("synced", " synchronised;"), ("holdover", "running on without its source"), ("unknown", "NOT SYNCHRONISED")] {
            prop_assert_eq!(has(part), some("clock.state", &|d| d["trust"] == word), "{} in {}", part, said);
        }
        for step in of("clock.step") {
            let ms = step["delta_ms"].as_i64().unwrap_or(0);
            let part = format!("set {} by {} ms", if ms < 0 { "back" } else { "forward" }, ms.abs());
            prop_assert!(has(&part), "{} in {}", part, said);
        }
        for fault in of("fault.on") {
            let part = format!("{} raised", fault["code"].as_str().unwrap_or_default());
            prop_assert!(has(&part));
        }
        if let Some(boot) = of("sys.boot").last() {
            let part = boot["sw"].as_str().unwrap_or_default().to_owned();
            prop_assert!(computed.recorder.software.contains(&part));
            prop_assert!(has(&part));
        }
        // The hub's times on either side are of countersignatures that cover none of the masters, and all.
        let (first, last) = (numbers.first(), numbers.last());
        let hub = |d: &Value| Utc(d["time"].as_i64().unwrap_or(0) * 1000);
        let acks = of("head.ack");
        let size = |d: &Value| d["size"].as_u64().unwrap_or(0);
        let after = acks.iter().rfind(|d| first.is_some_and(|n| size(d) <= *n)).map(hub);
        let before = acks.iter().find(|d| last.is_some_and(|n| size(d) > *n)).map(hub);
        prop_assert_eq!(computed.clock.after, after);
        if before.is_some() {
            prop_assert_eq!(computed.clock.before, before);
        }
    }
}
