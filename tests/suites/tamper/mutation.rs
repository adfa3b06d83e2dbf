//! Adapter: python3. One bit flipped at every byte of a small log and a small package: no mutant passes for sound, and
//! both verifiers say the same of each.

use std::process::Command;

use shared::verify::Verdict;

use super::{
    corpus::*,
    harness::{Case, Memory, lay_out, repo, verify_py},
};

/// Mutant `k` of a file, as tests/suites/tamper/batch.py numbers them.
fn mutants(bytes: &[u8], stride: usize) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).step_by(stride).map(move |k| {
        let mut mutant = bytes.to_vec();
        mutant[k] ^= 1 << ((k / stride) % 8);
        (k, mutant)
    })
}

/// Every mutant of every file, judged in process.
fn reports(case: &Case, stride: usize) -> String {
    let mut out = String::new();
    let mut files = Memory(case.files.clone());
    for (name, bytes) in &case.files {
        for (k, mutant) in mutants(bytes, stride) {
            files.0.insert(name.clone(), mutant);
            out += &format!("== {name} {k}\n{}", case.rust(&files).render());
        }
        files.0.insert(name.clone(), bytes.clone());
    }
    out
}

/// The same by verify.py, in one process.
fn python_reports(case: &Case, stride: usize) -> String {
    let folder = tempfile::tempdir().expect("tempdir");
    lay_out(folder.path(), &case.files);
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B"])
        .arg(repo().join("tests/suites/tamper/batch.py"))
        .arg(verify_py())
        .arg(folder.path())
        .args([
            if case.package { "bundle" } else { "log" },
            &case.hub[0],
            &stride.to_string(),
        ])
        .output()
        .expect("python3");
    assert!(
        out.stderr.is_empty() && out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).expect("utf-8")
}

fn same(case: &Case, stride: usize) {
    let (ours, theirs) = (reports(case, stride), python_reports(case, stride));
    let (mut a, mut b) = (ours.split("== "), theirs.split("== "));
    loop {
        let (x, y) = (a.next(), b.next());
        assert_eq!(x, y, "left: Rust, right: verify.py");
        if x.is_none() {
            return;
        }
    }
}

/// Flips one bit of every byte of every file, and every bit of those that hold signatures; with `BEADLE_EXHAUSTIVE`
/// set every bit there is (minutes). What is still called sound.
fn survivors(case: &Case) -> Vec<String> {
    let all = std::env::var_os("BEADLE_EXHAUSTIVE").is_some();
    let mut out = Vec::new();
    let mut files = Memory(case.files.clone());
    for (name, bytes) in &case.files {
        let every = all || name.ends_with(".note") || name.starts_with("SHA256SUMS.");
        for k in 0..bytes.len() {
            for bit in (0..8).filter(|bit| every || *bit == k % 8) {
                let mut mutant = bytes.clone();
                mutant[k] ^= 1 << bit;
                files.0.insert(name.clone(), mutant);
                let report = case.rust(&files);
                if !matches!(report.verdict, Verdict::NotIntact | Verdict::CannotCheck) {
                    out.push(format!(
                        "{name} byte {k} bit {bit}: {}",
                        report.render().lines().next().unwrap_or_default()
                    ));
                }
            }
        }
        files.0.insert(name.clone(), bytes.clone());
    }
    out
}

#[test]
fn m1_both_verifiers_agree_on_every_mutant_of_a_log_aud_2() {
    same(&Case::log(log_folder(&lines())), 1);
}

#[test]
fn m2_both_verifiers_agree_on_mutants_of_a_package_evi_2() {
    same(&Case::package(Package::default().build()), 11);
}

#[test]
fn m3_no_flipped_bit_of_a_log_survives_aud_2() {
    let left = survivors(&Case::log(log_folder(&lines())));
    assert!(
        left.is_empty(),
        "{} survivors\n{}",
        left.len(),
        left.join("\n")
    );
}

#[test]
fn m4_no_flipped_bit_of_a_package_survives_evi_2() {
    let mut files = Package::default().contents();
    files.insert("working/c03.mp4".into(), b"a film".to_vec());
    let mut files = seal(files, 0);
    files.insert("SHA256SUMS.tsr".into(), b"a token".to_vec());
    let case = Case::package(files);
    let mut left = survivors(&case);
    // What is said not to be checked is the one thing that may change (docs/verdicts.md, "What may change").
    left.retain(|l| !l.starts_with("SHA256SUMS.tsr "));
    assert!(
        left.is_empty(),
        "{} survivors\n{}",
        left.len(),
        left.join("\n")
    );
}
