//! Adapter: python3. Random logs of lines that a box might have signed, right and wrong: Rust, verify.py and the page say the same of each.

use std::process::Command;

use beadle_tests::dice::Dice;
use serde_json::{Value, json};

use super::{
    corpus::*,
    harness::{Case, Memory, repo, verify_py},
};

/// What may stand anywhere in a line's data.
fn value(dice: &mut Dice) -> Value {
    let near = time(dice.below(400_000) as i64);
    let far = time(dice.below(20_000_000) as i64 - 10_000_000);
    let all = [
        json!(null),
        json!(0),
        json!(1),
        json!(-5),
        json!(9_007_199_254_740_991u64),
        json!("x"),
        json!("c03"),
        json!("m7"),
        json!("m9"),
        json!([]),
        json!({}),
        json!("op:1"),
        json!(["op:0002", "op:0003"]),
        json!(["a", "a"]),
        json!(near),
        json!(far),
        json!("timelapse-5"),
        json!("lifted"),
        json!("none"),
        json!("burned"),
        json!("proved"),
        json!("config"),
        json!(true),
        json!(5000),
        json!(60_000),
        json!(3_600_000),
    ];
    dice.one(&all).clone()
}

/// A log with a few things about its lines changed, chained and signed anew.
fn log(dice: &mut Dice) -> Case {
    let mut all = events();
    for event in &mut all {
        if event.ack.is_some() && dice.below(4) > 0 {
            continue;
        }
        event.ack = event.ack.filter(|_| dice.below(2) == 0);
    }
    for _ in 0..=dice.below(4) {
        let at = dice.below(all.len() as u64) as usize;
        let what = dice.below(8);
        match what {
            0 | 1 if all[at].ack.is_none() && !all[at].data.is_empty() => {
                let mut data: Value = serde_json::from_str(&all[at].data).expect("data");
                let object = data.as_object_mut().expect("an object");
                let keys: Vec<String> = object.keys().cloned().collect();
                let own = keys.get(dice.below(keys.len().max(1) as u64) as usize);
                let other = [
                    "off_ms", "day", "rate", "by", "until", "mask", "instead", "how", "proofs",
                    "cam", "why", "n",
                ];
                let key = match (what, own) {
                    (0, Some(own)) => own.clone(),
                    _ => (*dice.one(&other)).to_owned(),
                };
                match dice.below(4) {
                    0 => drop(object.remove(&key)),
                    _ => drop(object.insert(key, value(dice))),
                }
                all[at].data = data.to_string();
            }
            2 => {
                let kinds = [
                    "mask.lift",
                    "mask.end",
                    "mask.set",
                    "clock.step",
                    "sys.boot",
                    "log.torn",
                    "gap.open",
                    "del.range",
                    "del.done",
                    "log.close",
                    "what.ever",
                    "clock.state",
                ];
                all[at].kind = (*dice.one(&kinds)).into();
                all[at].ack = None;
                all[at].data = json!({"cam": "c03", "mask": "m7", "until": time(dice.below(100_000_000) as i64), "by": ["op:0002", "op:0003"], "why": "time", "n": 3, "instead": "m8"}).to_string();
            }
            3 => {
                let by = [-3_600_000, 3_600_000, -1_000, 700, -75_000][dice.below(5) as usize];
                all[at..].iter_mut().for_each(|e| e.off += by);
            }
            4 => {
                all[at..].iter_mut().for_each(|e| e.boot += 1);
                all[at].kind = "sys.boot".into();
            }
            5 => {
                let by = [80_000, 700_000, 8_000_000][dice.below(3) as usize];
                all[at..].iter_mut().for_each(|e| e.ms += by);
            }
            6 if all[at].kind == "seg.write" => {
                let by = [-60_000, 60_000, -400, -300, 300, 3_600_000][dice.below(6) as usize];
                let t0 = 63_000 + (at as i64) * 1_000;
                all[at].data = seg(184_223 + at as u64, t0 + by, t0 + 60_000);
            }
            7 => all
                .iter_mut()
                .for_each(|e| e.log = "cctv.example.gov.uk/box/ashby-high-street/2".into()),
            _ => {}
        }
    }
    // What is not JSON as the log writes it is told apart elsewhere.
    let mut case = Case::log(log_folder(&chain(&all)));
    case.live = dice.below(2) == 0;
    case
}

#[test]
fn x1_three_verifiers_of_random_logs_aud_2() {
    let mut dice = Dice::new(17);
    let cases: Vec<Case> = (0..400).map(|_| log(&mut dice)).collect();
    let given: Vec<Value> = cases.iter().map(Case::json).collect();
    let scratch = tempfile::tempdir().expect("tempdir");
    let file = scratch.path().join("cases.json");
    std::fs::write(&file, Value::Array(given.clone()).to_string()).expect("write");
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B"])
        .arg(repo().join("tests/suites/tamper/cases.py"))
        .arg(verify_py())
        .arg(&file)
        .output()
        .expect("python3");
    let said: Vec<String> = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    let mut browser = super::page::page(scratch.path());
    let page = super::page::reports(&mut browser, &given);
    let mut codes = std::collections::BTreeSet::new();
    for (case, (python, page)) in cases.iter().zip(said.iter().zip(&page)) {
        let ours = case.rust(&Memory(case.files.clone())).render();
        assert_eq!(&ours, python, "left: Rust, right: verify.py");
        assert_eq!(&ours, page, "left: Rust, right: the page");
        let found = ours.lines().skip(1).filter_map(|l| l.split('\t').next());
        codes.extend(found.map(str::to_owned));
    }
    assert!(codes.len() > 18, "they are to try many rules: {codes:?}");
}
