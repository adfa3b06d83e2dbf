//! Adapter: the harness. Input made to confuse or exhaust a verifier: one clear answer each, the same from both, no crash.

use std::process::Command;

use super::{
    corpus::*,
    harness::{Case, lay_out, verify_py},
};

fn sound() -> Files {
    log_folder(&lines())
}

#[test]
fn h1_folders_that_are_no_log_aud_2() {
    let report = Case::log(Files::new()).judge();
    assert!(report.starts_with("CANNOT-CHECK\n"), "{report}");
    let report = Case::package(Files::new()).judge();
    assert!(report.starts_with("CANNOT-CHECK\n") || report.starts_with("NOT-INTACT\n"), "{report}");
    for bytes in [vec![], vec![b'\n'], vec![0; 100_000], vec![b'\n'; 5_000], vec![b'x'; 300_000], b"{}\n{}\n".to_vec()] {
        Case::log([("0000000000.jsonl".to_string(), bytes)].into()).judge();
    }
    let mut files = sound();
    files.remove("head.note");
    files.remove("cosigned.note");
    Case::log(files).judge();
}

#[test]
fn h2_files_in_the_wrong_place_aud_2() {
    let all = lines();
    let mut files = sound();
    files.insert("0000000000.jsonl".into(), all[..10].concat());
    files.insert("0000000010.jsonl".into(), all[10..].concat());
    Case::log(files.clone()).is("INTACT", &["GAP-DECLARED"]);
    let second = files.remove("0000000010.jsonl").expect("file");
    files.insert("0000000011.jsonl".into(), second.clone());
    Case::log(files.clone()).shows("MISSING-OR-REORDERED\tline 10");
    files.remove("0000000011.jsonl");
    files.insert("notes.jsonl".into(), second.clone());
    Case::log(files.clone()).shows("MISSING-OR-REORDERED\tline 10");
    files.remove("notes.jsonl");
    files.insert("0000000010.jsonl".into(), second.clone());
    // A torn line in the middle of a log is no tail.
    files.entry("0000000000.jsonl".into()).and_modify(|b| b.truncate(b.len() - 5));
    let report = Case::log(files.clone()).judge();
    assert!(report.starts_with("NOT-INTACT\n"), "{report}");
    let report = Case::log(files).live().judge();
    assert!(report.starts_with("NOT-INTACT\n"), "{report}");
}

#[test]
fn h3_a_line_without_end_aud_2() {
    let mut files = sound();
    let mut bytes = lines()[..5].concat();
    bytes.extend(vec![b'a'; 2_000_000]);
    bytes.push(b'\n');
    bytes.extend(lines()[5..].concat());
    files.insert("0000000000.jsonl".into(), bytes);
    let report = Case::log(files).shows("RECORD-MALFORMED\tline 5");
    assert!(report.contains("RECORD-MALFORMED\tline 5\ttoo long"), "{report}");
}

#[test]
fn h4_ten_thousand_findings_are_counted_not_printed_aud_2() {
    let mut files = sound();
    files.entry("0000000000.jsonl".into()).and_modify(|b| b.extend(b"nonsense\n".repeat(10_000)));
    let report = Case::log(files).judge();
    let last = report.lines().last().expect("line");
    assert!(report.lines().count() == 102 && last.starts_with("MORE\tlog\t"), "{} lines, {last}", report.lines().count());
}

#[test]
fn h5_names_from_outside_stay_in_their_column_aud_2() {
    let mut files = sound();
    let mut events = events();
    events[18].kind = "a\\tb\\u0175\\nINTACT".into();
    files.insert("0000000000.jsonl".into(), chain(&events).concat());
    let report = Case::log(files).judge();
    assert!(report.contains("UNKNOWN-TYPE\tline 18\t") && report.lines().all(|l| l == "NOT-INTACT" || l.split('\t').count() == 3), "{report}");
    let mut files = Package::default().build();
    files.insert("working/ŵ\n\tINTACT.mp4".into(), b"x".to_vec());
    let report = Case::package(files).shows("EXTRA-FILE\tfile working/???INTACT.mp4");
    assert!(report.lines().skip(1).all(|l| l.split('\t').count() == 3), "{report}");
}

#[test]
fn h6_strange_packages_evi_2() {
    let sound = Package::default().build();
    let with = |name: &str, bytes: &[u8]| {
        let mut files = sound.clone();
        files.insert(name.into(), bytes.to_vec());
        Case::package(files.clone()).judge();
        if !name.starts_with("SHA256SUMS") {
            Case::package(seal(files, 0)).judge()
        } else {
            Case::package(files).judge()
        }
    };
    for (name, bytes) in [
        ("manifest.json", b"".as_slice()), ("manifest.json", b"[]"), ("manifest.json", b"{\"v\":1}\n"), ("manifest.json", &[0xff; 40]), ("manifest.json", b"[[[[[[[[[[[[[[[["),
        ("SHA256SUMS", b""), ("SHA256SUMS", b"\n\n"), ("SHA256SUMS", &[0xff; 99]), ("SHA256SUMS.sig", b""), ("SHA256SUMS.sig", &[0x30; 72]),
        ("SHA256SUMS.sig", b"\x30\x06\x02\x01\x00\x02\x01\x00"), ("SHA256SUMS.record", b"{}\n"), ("SHA256SUMS.tlog-proof", b"x"),
        ("log/records.jsonl", b""), ("log/records.jsonl", b"\n"), ("log/records.jsonl", b"{}"), ("log/proof/10.tlog-proof", b""),
        ("keys/seal.record", b"{}\n"), ("keys/seal.pem", b"-----BEGIN PUBLIC KEY-----\n"), ("keys/seal.tlog-proof", b"c2sp.org/tlog-proof@v1\nindex 2\n\n"),
    ] {
        let report = with(name, bytes);
        assert!(!report.starts_with("INTACT") || name == "keys/seal.pem", "{name}\n{report}");
    }
    // A log twice in the records, in another order, and lines nobody asked for.
    for records in [vec![20, 17, 14, 13, 10, 9, 3, 2, 0], vec![0, 0, 2, 3, 9, 10, 10, 13, 14, 17, 20, 20], (0..22).collect()] {
        Case::package(Package { records, ..Package::default() }.build()).judge();
    }
}

/// A sparse file of a terabyte costs nothing to make and must cost nothing to refuse.
#[test]
fn h6b_files_too_large_to_read_aud_2() {
    let folder = tempfile::tempdir().expect("tempdir");
    let case = Case::log(sound());
    lay_out(folder.path(), &case.files);
    for name in ["head.note", "0000000022.jsonl"] {
        std::fs::File::create(folder.path().join(name)).and_then(|f| f.set_len(1 << 40)).expect("sparse file");
        let report = case.judge_at(folder.path());
        assert!(report.contains(&format!("UNREADABLE\tfile {name}\t")), "{report}");
    }
}

#[test]
fn h7_used_wrongly_it_says_how_it_is_used() {
    let folder = tempfile::tempdir().expect("tempdir");
    lay_out(folder.path(), &sound());
    let path = folder.path().to_str().expect("utf-8");
    for args in [vec![], vec!["--hub"], vec![path, "--hub", "nonsense"], vec![path, "--what"], vec![path, path], vec![path, "--head", "/nonexistent"]] {
        let out = Command::new("/usr/bin/env").args(["python3", "-B"]).arg(verify_py()).args(&args).output().expect("python3");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(2) && !said.is_empty() && !said.contains("Traceback"), "{args:?}: {said}");
    }
    let out = Command::new("/usr/bin/env").args(["python3", "-B"]).arg(verify_py()).arg("/nonexistent").output().expect("python3");
    assert!(out.status.code() == Some(2) && out.stderr.is_empty() && out.stdout.starts_with(b"CANNOT-CHECK\n"), "{out:?}");
}

/// The sentences are one table in two languages.
#[test]
fn h8_one_table_of_sentences() {
    let script = "import importlib.util as i,sys\ns=i.spec_from_file_location('v',sys.argv[1]);v=i.module_from_spec(s);s.loader.exec_module(v)\nfor k,w in v.WORDS.items(): print(k+'\\t'+w)";
    let out = Command::new("/usr/bin/env").args(["python3", "-B", "-c", script]).arg(verify_py()).output().expect("python3");
    let theirs = String::from_utf8(out.stdout).expect("utf-8");
    let ours: String = shared::verify::words::TABLE.iter().map(|(name, text)| format!("{name}\t{text}\n")).collect();
    assert_eq!(ours, theirs);
}
