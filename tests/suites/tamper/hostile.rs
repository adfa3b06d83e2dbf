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
    assert!(
        report.starts_with("CANNOT-CHECK\n") || report.starts_with("NOT-INTACT\n"),
        "{report}"
    );
    for bytes in [
        vec![],
        vec![b'\n'],
        vec![0; 100_000],
        vec![b'\n'; 5_000],
        vec![b'x'; 300_000],
        b"{}\n{}\n".to_vec(),
    ] {
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
    files
        .entry("0000000000.jsonl".into())
        .and_modify(|b| b.truncate(b.len() - 5));
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
    assert!(
        report.contains("RECORD-MALFORMED\tline 5\ttoo long"),
        "{report}"
    );
}

#[test]
fn h4_ten_thousand_findings_are_counted_not_printed_aud_2() {
    let mut files = sound();
    files
        .entry("0000000000.jsonl".into())
        .and_modify(|b| b.extend(b"nonsense\n".repeat(10_000)));
    let report = Case::log(files).judge();
    let more = |end: &str| {
        report
            .lines()
            .any(|l| l.starts_with("MORE\tlog\t") && l.ends_with(end))
    };
    assert!(
        report.lines().count() < 110 && more("further findings of damage"),
        "{report}"
    );
}

#[test]
fn h5_names_from_outside_stay_in_their_column_aud_2() {
    let mut files = sound();
    let mut events = events();
    events[18].kind = "a\\tb\\u0175\\nINTACT".into();
    files.insert("0000000000.jsonl".into(), chain(&events).concat());
    let report = Case::log(files).judge();
    assert!(
        report.contains("UNKNOWN-TYPE\tline 18\t")
            && report
                .lines()
                .all(|l| l == "NOT-INTACT" || l.split('\t').count() == 3),
        "{report}"
    );
    let mut files = Package::default().build();
    files.insert("working/ŵ\n\tINTACT.mp4".into(), b"x".to_vec());
    let report = Case::package(files).shows("EXTRA-FILE\tfile working/???INTACT.mp4");
    assert!(
        report.lines().skip(1).all(|l| l.split('\t').count() == 3),
        "{report}"
    );
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
        ("manifest.json", b"".as_slice()),
        ("manifest.json", b"[]"),
        ("manifest.json", b"{\"v\":1}\n"),
        ("manifest.json", &[0xff; 40]),
        ("manifest.json", b"[[[[[[[[[[[[[[[["),
        ("SHA256SUMS", b""),
        ("SHA256SUMS", b"\n\n"),
        ("SHA256SUMS", &[0xff; 99]),
        ("SHA256SUMS.sig", b""),
        ("SHA256SUMS.sig", &[0x30; 72]),
        ("SHA256SUMS.sig", b"\x30\x06\x02\x01\x00\x02\x01\x00"),
        ("SHA256SUMS.record", b"{}\n"),
        ("SHA256SUMS.tlog-proof", b"x"),
        ("log/records.jsonl", b""),
        ("log/records.jsonl", b"\n"),
        ("log/records.jsonl", b"{}"),
        ("log/proof/10.tlog-proof", b""),
        ("keys/seal.record", b"{}\n"),
        ("keys/seal.pem", b"-----BEGIN PUBLIC KEY-----\n"),
        (
            "keys/seal.tlog-proof",
            b"c2sp.org/tlog-proof@v1\nindex 2\n\n",
        ),
    ] {
        let report = with(name, bytes);
        assert!(
            !report.starts_with("INTACT") || name == "keys/seal.pem",
            "{name}\n{report}"
        );
    }
    // A log twice in the records, in another order, and lines nobody asked for.
    for records in [
        vec![20, 17, 14, 13, 10, 9, 3, 2, 0],
        vec![0, 0, 2, 3, 9, 10, 10, 13, 14, 17, 20, 20],
        (0..22).collect(),
    ] {
        Case::package(
            Package {
                records,
                ..Package::default()
            }
            .build(),
        )
        .judge();
    }
}

/// A sparse file of a terabyte costs nothing to make and must cost nothing to refuse.
#[test]
fn h6b_files_too_large_to_read_aud_2() {
    let folder = tempfile::tempdir().expect("tempdir");
    let case = Case::log(sound());
    lay_out(folder.path(), &case.files);
    for name in ["head.note", "0000000022.jsonl"] {
        std::fs::File::create(folder.path().join(name))
            .and_then(|f| f.set_len(1 << 40))
            .expect("sparse file");
        let report = case.judge_at(folder.path());
        assert!(
            report.contains(&format!("UNREADABLE\tfile {name}\t")),
            "{report}"
        );
    }
}

#[test]
fn h7_used_wrongly_it_says_how_it_is_used() {
    let folder = tempfile::tempdir().expect("tempdir");
    lay_out(folder.path(), &sound());
    let path = folder.path().to_str().expect("utf-8");
    for args in [
        vec![],
        vec!["--hub"],
        vec![path, "--hub", "nonsense"],
        vec![path, "--what"],
        vec![path, path],
        vec![path, "--head", "/nonexistent"],
    ] {
        let out = Command::new("/usr/bin/env")
            .args(["python3", "-B"])
            .arg(verify_py())
            .args(&args)
            .output()
            .expect("python3");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.code() == Some(2) && !said.is_empty() && !said.contains("Traceback"),
            "{args:?}: {said}"
        );
    }
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B"])
        .arg(verify_py())
        .arg("/nonexistent")
        .output()
        .expect("python3");
    assert!(
        out.status.code() == Some(2)
            && out.stderr.is_empty()
            && out.stdout.starts_with(b"CANNOT-CHECK\n"),
        "{out:?}"
    );
}

/// The sentences are one table in two languages.
#[test]
fn h8_one_table_of_sentences() {
    let script = "import importlib.util as i,sys\ns=i.spec_from_file_location('v',sys.argv[1]);v=i.module_from_spec(s);s.loader.exec_module(v)\nfor k,w in v.WORDS.items(): print(k+'\\t'+w)";
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B", "-c", script])
        .arg(verify_py())
        .output()
        .expect("python3");
    let theirs = String::from_utf8(out.stdout).expect("utf-8");
    let ours: String = shared::verify::words::TABLE
        .iter()
        .map(|(name, text)| format!("{name}\t{text}\n"))
        .collect();
    assert_eq!(ours, theirs);
}

/// verify.py's own arithmetic against ring's, where implementations are known to differ: the second form of s, points in
/// another spelling, keys of small order, DER that is almost DER.
#[test]
fn h9_signatures_at_the_edges_are_judged_alike_aud_2() {
    use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
    let message = b"a head".as_slice();
    let signer = box_key(1).signing;
    let good = ed25519_dalek::Signer::sign(&signer, message).to_bytes();
    let public = signer.verifying_key().to_bytes();
    let small_order = [0u8, 1, 0xec, 0xed, 0xee, 0xff].map(|low| {
        let mut point = if low < 2 { [0u8; 32] } else { [0xff; 32] };
        point[0] = low;
        if low >= 2 {
            point[31] = 0x7f;
        }
        point
    });
    let mut second_s = good;
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, add) in second_s[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + add + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let mut cases: Vec<(bool, Vec<u8>, Vec<u8>)> = vec![
        (false, public.to_vec(), good.to_vec()),
        (false, public.to_vec(), second_s.to_vec()),
        (false, public.to_vec(), good[..63].to_vec()),
        (false, public.to_vec(), [good.as_slice(), &[0]].concat()),
        (false, public.to_vec(), vec![0; 64]),
    ];
    for point in small_order {
        for sign in [0, 0x80] {
            let mut key = point;
            key[31] |= sign;
            for r in small_order {
                cases.push((false, key.to_vec(), [r.as_slice(), &[0; 32]].concat()));
            }
            cases.push((false, key.to_vec(), good.to_vec()));
        }
    }
    let seal = SealKey::new(0);
    let (spki, der) = (seal.spki(), seal.sign(message));
    let (r, s) = (
        &der[4..4 + usize::from(der[3])],
        &der[6 + usize::from(der[3])..],
    );
    let sequence = |r: &[u8], s: &[u8]| {
        let body = [&[2, r.len() as u8], r, &[2, s.len() as u8], s].concat();
        [&[0x30, body.len() as u8], body.as_slice()].concat()
    };
    assert_eq!(sequence(r, s), der);
    let padded = [&[0], r].concat();
    for sig in [
        der.clone(),
        sequence(&padded, s),
        sequence(&[0], s),
        sequence(r, &[0]),
        sequence(&[], s),
        sequence(&[0x80], s),
        sequence(s, r),
        [der.as_slice(), &[0]].concat(),
        [&[0x30, 0x81, der.len() as u8 - 2], &der[2..]].concat(),
        der[..der.len() - 1].to_vec(),
        vec![],
        vec![0x30, 0],
        sequence(&[[0].as_slice(), &[0xff; 32]].concat(), s),
    ] {
        cases.push((true, spki.clone(), sig));
    }
    let mut off_curve = spki.clone();
    off_curve[60] ^= 1;
    cases.push((true, off_curve, der.clone()));
    let mut infinity = spki.clone();
    infinity[27..].fill(0);
    cases.push((true, infinity, der));

    let ours: String = cases
        .iter()
        .map(|(p256, key, sig)| {
            let good = if *p256 {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key[26..])
                    .verify(message, sig)
                    .is_ok()
            } else {
                UnparsedPublicKey::new(&ED25519, key)
                    .verify(message, sig)
                    .is_ok()
            };
            format!("{}\n", u8::from(good))
        })
        .collect();
    let list: String = cases
        .iter()
        .map(|(p256, key, sig)| format!("{} {} x{}\n", u8::from(*p256), hex(key), hex(sig)))
        .collect();
    let scratch = tempfile::tempdir().expect("tempdir");
    std::fs::write(scratch.path().join("cases"), &list).expect("write");
    let script = "import importlib.util as i,sys\ns=i.spec_from_file_location('v',sys.argv[1]);v=i.module_from_spec(s);s.loader.exec_module(v)\n\
        for l in open(sys.argv[2]):\n p,k,x=l.split();f=v.p256_good if p=='1' else v.ed25519_good\n print(int(f(bytes.fromhex(k),b'a head',bytes.fromhex(x[1:]))))";
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B", "-c", script])
        .arg(verify_py())
        .arg(scratch.path().join("cases"))
        .output()
        .expect("python3");
    let theirs = String::from_utf8(out.stdout).expect("utf-8");
    for (k, (line, (a, b))) in list
        .lines()
        .zip(ours.lines().zip(theirs.lines()))
        .enumerate()
    {
        assert_eq!(a, b, "case {k}: ring {a}, verify.py {b}: {line}");
    }
    assert_eq!(
        ours.lines().count(),
        theirs.lines().count(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(ours.starts_with('1') && ours.matches('1').count() < cases.len());
}
