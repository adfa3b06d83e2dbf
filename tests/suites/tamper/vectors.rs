//! Adapter: filesystem. The worked vectors in tests/vectors: made from fixed keys, committed, judged by both verifiers.
//!
//! `BEADLE_BLESS=1 cargo test -p beadle-tests --test suites tamper::vectors` writes them anew.

use std::path::Path;

use super::{
    corpus::*,
    harness::{Case, lay_out, repo},
};

struct Vector {
    name: &'static str,
    case: Case,
}

fn vectors() -> Vec<Vector> {
    let at = |name, case| Vector { name, case };
    let mut altered = log_folder(&lines());
    altered
        .entry("0000000000.jsonl".into())
        .and_modify(|b| b[2000] ^= 1);
    let mut forked = log_folder(&lines()[..21]);
    forked.insert(
        "cosigned.note".into(),
        log_folder(&lines())["cosigned.note"].clone(),
    );
    vec![
        at("box-log", Case::log(log_folder(&lines()))),
        at("hub-log", Case::log(hub_folder())),
        at("altered-log", Case::log(altered)),
        at(
            "package/EXH-2026-000123",
            Case::package(Package::default().build()),
        ),
    ]
}

/// Signatures by the seal key hold a random number, so a package that is there and judged as expected is kept.
fn bless(folder: &Path, vector: &Vector) {
    let _ = std::fs::remove_dir_all(folder);
    lay_out(folder, &vector.case.files);
    let expected = vector.case.judge_at(folder);
    std::fs::write(expected_path(folder), expected).expect("write");
}

fn expected_path(folder: &Path) -> std::path::PathBuf {
    folder.with_file_name(format!(
        "{}.expected.txt",
        folder.file_name().expect("name").to_string_lossy()
    ))
}

#[test]
fn vectors_give_what_is_written_beside_them_aud_2() {
    for vector in vectors() {
        let folder = repo().join("tests/vectors").join(vector.name);
        if std::env::var_os("BEADLE_BLESS").is_some() {
            bless(&folder, &vector);
        }
        let report = vector.case.judge_at(&folder);
        let expected = std::fs::read_to_string(expected_path(&folder)).expect("expected.txt");
        assert_eq!(report, expected, "{}", vector.name);
        // The committed bytes are those the fixed keys give, but for the seal.
        for (name, bytes) in &vector.case.files {
            let there = std::fs::read(folder.join(name)).expect("vector file");
            assert!(
                name == "SHA256SUMS.sig" || there == *bytes,
                "{}/{name} is not what the fixed keys give",
                vector.name
            );
        }
    }
}

/// The worked line of audit.md 2.1 and the worked head of 2.4 hash and verify as that page says.
#[test]
fn vectors_of_the_format_page_aud_2() {
    let page = std::fs::read_to_string(repo().join("docs/audit.md")).expect("audit.md");
    let line = page
        .lines()
        .find(|l| l.starts_with("{\"v\":1,"))
        .expect("worked line");
    assert_eq!(
        hex(&leaf(format!("{line}\n").as_bytes())),
        "8e5b9cd2a3aadeacd90b9c82215e818cce6660bfdb2966df81fa8cc1c3de97a4"
    );
}
