//! Adapter: the harness, openssl, sha256sum. Rows D1–D13: what can be done to an evidence package; and the tools a court has.

use std::{path::Path, process::Command};

use super::{
    corpus::*,
    harness::{Case, lay_out, repo},
};

#[test]
fn d00_the_sound_package_is_intact_evi_2() {
    Case::package(Package::default().build()).is("INTACT", &["GAP-DECLARED"]);
    Case::package(Package::default().build())
        .no_hub()
        .is("INTACT-HUB-KEY-NOT-GIVEN", &["GAP-DECLARED", "NO-HUB-KEY"]);
}

fn flipped() -> (Files, String) {
    let package = Package::default();
    let name = package.masters[1].1.clone();
    let mut files = package.build();
    files.entry(name.clone()).and_modify(|b| b[40] ^= 4);
    (files, name)
}

#[test]
fn d01_video_flipped_evi_2() {
    let (files, name) = flipped();
    Case::package(files).shows(&format!("ALTERED-FILE\tfile {name}"));
}

#[test]
fn d02_video_flipped_and_sums_fixed_evi_2() {
    let (mut files, name) = flipped();
    fix_sums(&mut files);
    Case::package(files).shows(&format!("SEGMENT-NOT-AS-LOGGED\tfile {name}"));
}

#[test]
fn d03_middle_dropped_lists_fixed_evi_2() {
    let mut package = Package::default();
    package.masters.remove(1);
    package.records.retain(|n| *n != 14);
    Case::package(package.build()).shows("SEGMENT-MISSING\tcamera c03");
}

#[test]
fn d04_end_trimmed_lists_fixed_evi_2() {
    let mut package = Package::default();
    package.masters.pop();
    package.records.retain(|n| *n != 17);
    Case::package(package.build()).shows("DOES-NOT-COVER-REQUEST");
    // Trimmed so that what was asked would still be covered: exp.clip knows better.
    let mut package = Package {
        asked: (130_000, 240_000),
        ..Package::default()
    };
    package.masters.remove(0);
    Case::package(package.build()).shows("DOES-NOT-COVER-REQUEST");
}

#[test]
fn d05_names_swapped_lists_fixed_evi_2() {
    let mut package = Package::default();
    let other = package.masters[2].2.clone();
    package.masters[2].2 = std::mem::replace(&mut package.masters[0].2, other);
    Case::package(package.build()).shows("SEGMENT-NOT-AS-LOGGED");
}

#[test]
fn d06_mask_line_altered_evi_2() {
    let mut files = Package::default().contents();
    let records = String::from_utf8(files["log/records.jsonl"].clone()).expect("ascii");
    files.insert(
        "log/records.jsonl".into(),
        records.replace("\"permille\":83", "\"permille\":13").into(),
    );
    Case::package(seal(files, 0)).shows("NOT-IN-LOG\tline 3");
}

#[test]
fn d07_countersignature_stripped_evi_2() {
    Case::package(
        Package {
            cosigned: false,
            ..Package::default()
        }
        .build(),
    )
    .shows("NO-HUB-COSIGNATURE");
}

#[test]
fn d08_file_added_evi_2() {
    let mut files = Package::default().build();
    files.insert("working/extra.mp4".into(), b"look here".to_vec());
    Case::package(files).shows("EXTRA-FILE\tfile working/extra.mp4");
}

#[test]
fn d09_path_escape_evi_2() {
    for path in [
        "../outside.txt",
        "/etc/hostname",
        "master/../../x",
        "a//b",
        "./manifest.json",
        "a\\b",
        "a\tb",
        "manifest.json",
    ] {
        let mut files = Package::default().build();
        files
            .entry("SHA256SUMS".into())
            .and_modify(|b| b.extend(format!("{}  {path}\n", "0".repeat(64)).bytes()));
        Case::package(files).shows("LISTING-UNSAFE");
    }
}

#[cfg(unix)]
#[test]
fn d09b_links_are_not_followed_evi_2() {
    let files = Package::default().build();
    let case = Case::package(files.clone());
    let folder = tempfile::tempdir().expect("tempdir");
    lay_out(folder.path(), &files);
    let elsewhere = tempfile::tempdir().expect("tempdir");
    let moved = elsewhere.path().join("certificate");
    std::fs::rename(folder.path().join("CERTIFICATE.txt"), &moved).expect("move");
    std::os::unix::fs::symlink(&moved, folder.path().join("CERTIFICATE.txt")).expect("link");
    let report = case.judge_at(folder.path());
    assert!(
        report.contains("LISTING-UNSAFE\tfile CERTIFICATE.txt\t"),
        "{report}"
    );
    // A link nobody listed, to a folder.
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("more")).expect("link");
    let report = case.judge_at(folder.path());
    assert!(report.contains("EXTRA-FILE\tfile more\t"), "{report}");
}

#[test]
fn d10_wrong_proof_evi_2() {
    let mut files = Package::default().contents();
    files.insert(
        "log/proof/10.tlog-proof".into(),
        files["log/proof/14.tlog-proof"].clone(),
    );
    Case::package(seal(files, 0)).shows("PROOF-MISMATCH\tline 10");
    // Of another head of the same log.
    let mut files = Package::default().contents();
    files.insert(
        "log/proof/10.tlog-proof".into(),
        proof(
            BOX_LOG,
            &lines(),
            10,
            21,
            &box_key(2),
            Some(hub_time(301_500)),
        )
        .into(),
    );
    Case::package(seal(files, 0)).shows("PROOF-MISMATCH\tline 10");
    let mut files = Package::default().contents();
    files.remove("log/proof/10.tlog-proof");
    Case::package(seal(files, 0)).shows("PROOF-MISMATCH\tline 10");
}

#[test]
fn d11_listed_but_unlogged_video_evi_2() {
    let mut files = Package::default().contents();
    files.insert(
        "master/c03_20261103T140405Z_184227.mp4".into(),
        footage(184_227),
    );
    Case::package(seal(files, 0)).shows("UNLOGGED-MASTER-FILE");
    let mut package = Package::default();
    package.masters.push((
        18,
        "master/c03_20261103T140405Z_184227.mp4".into(),
        footage(184_227),
    ));
    Case::package(package.build()).shows("UNLOGGED-MASTER-FILE");
}

#[test]
fn d12_certificate_changed_sums_fixed_evi_2() {
    let mut files = Package::default().build();
    files
        .entry("CERTIFICATE.txt".into())
        .and_modify(|b| b.extend(b"Nothing happened.\n"));
    fix_sums(&mut files);
    Case::package(files).shows("SEAL-BROKEN");
}

#[test]
fn d13_sealed_again_with_another_key_evi_2() {
    Case::package(
        Package {
            seal_key: 1,
            ..Package::default()
        }
        .build(),
    )
    .shows("SEAL-KEY-NOT-IN-LOG");
}

/// AUD-2, evidence.md 1 and P7: only the log named `<scheme>/hub/<number>`, of the scheme of the package's box, speaks for the hub,
/// whatever else the hub's key has countersigned: not a box called hub, nor a log whose name only ends like the hub's.
#[test]
fn d15_lines_of_a_log_that_is_not_the_hubs_aud_2() {
    let scheme = "cctv.example.gov.uk";
    // The forgery itself is sound: in the hub's own log it would pass.
    Case::package(forged_in(HUB_LOG)).is("INTACT", &["GAP-DECLARED"]);
    for log in [
        &format!("{scheme}/box/hub/1"),
        &format!("{scheme}/box/ashby-high-street/hub/1"),
        &format!("{scheme}/other/hub/9"),
        &format!("{scheme}//hub/9"),
        &format!("evil.example/{scheme}/hub/9"),
        &format!("{scheme}/hub/01"),
        "evil.example/other/hub/9",
        "evil.example/hub/1",
        "/hub/1",
    ] {
        let case = Case::package(forged_in(log));
        case.shows("SEAL-KEY-NOT-IN-LOG\tfile keys/seal.record");
        case.shows("NOT-IN-LOG\tfile SHA256SUMS.record");
        // Nor with no key to ask, nor with one whose name is of that log's scheme.
        let mut other = case.clone().no_hub();
        other.shows("SEAL-KEY-NOT-IN-LOG\tfile keys/seal.record");
        other.hub = vec![key("evil.example/hub/cosign-2026", 4, 40).vkey()];
        other.shows("SEAL-KEY-NOT-IN-LOG\tfile keys/seal.record");
    }
    // A hub's key of another scheme vouches for nothing here, though it signed.
    let mut case = Case::package(Package::default().build());
    case.hub = vec![key("evil.example/hub/cosign-2026", 4, 40).vkey()];
    case.shows("NO-HUB-COSIGNATURE\thead 22");
}

/// The other way round: lines of the hub's log are no box's, and no log of another form is.
#[test]
fn d16_a_manifest_that_names_no_boxs_log_aud_2() {
    for log in [
        HUB_LOG,
        "cctv.example.gov.uk/ashby-high-street/1",
        "a/b/box/c/1",
        "",
        "\u{e9}",
    ] {
        let mut files = Package::default().contents();
        let text = String::from_utf8(files["manifest.json"].clone()).expect("text");
        files.insert("manifest.json".into(), text.replace(BOX_LOG, log).into());
        Case::package(seal(files, 0)).shows("FOREIGN-RECORD\tfile manifest.json");
    }
}

#[test]
fn d14_the_rest_of_the_hubs_word_evi_2() {
    let sound = Package::default().build();
    let without = |name: &str| {
        let mut files = sound.clone();
        files.remove(name);
        Case::package(files)
    };
    without("SHA256SUMS.sig").shows("SEAL-BROKEN");
    without("SHA256SUMS.record").shows("NOT-IN-LOG\tfile SHA256SUMS.record");
    without("SHA256SUMS.tlog-proof").shows("NOT-IN-LOG\tfile SHA256SUMS.record");
    without("keys/seal.record").shows("SEAL-KEY-NOT-IN-LOG");
    without("log/records.jsonl").shows("ALTERED-FILE\tfile log/records.jsonl");
    without("manifest.json").shows("ALTERED-FILE\tfile manifest.json");
    // A hub key the reader trusts, but another one than signed.
    let mut case = Case::package(sound.clone());
    case.hub = vec![key(HUB_NAME, 4, 50).vkey()];
    case.shows("BAD-SIGNATURE");
    // exp.clip left out.
    let package = Package {
        records: vec![0, 2, 3, 9, 10, 13, 14, 17],
        ..Package::default()
    };
    Case::package(package.build()).shows("NOT-IN-LOG\tpackage");
    // No key line left to check the head with.
    let package = Package {
        records: vec![10, 13, 14, 17, 20],
        ..Package::default()
    };
    Case::package(package.build()).shows("UNKNOWN-KEY");
}

fn run(folder: &Path, script: &str) -> (bool, String) {
    let out = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .output()
        .expect("bash");
    (
        out.status.success(),
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned(),
    )
}

/// audit.md 2.14, "Checks with ordinary tools", word for word on the committed package.
#[test]
fn d15_the_tools_a_court_has_agree_evi_2() {
    let package = repo().join("tests/vectors/package/EXH-2026-000123");
    let scratch = tempfile::tempdir().expect("tempdir");
    let work = scratch.path().to_str().expect("utf-8");
    for (what, script, want) in [
        ("sums", "sha256sum -c --quiet SHA256SUMS".to_string(), ""),
        (
            "seal",
            "openssl dgst -sha256 -verify keys/seal.pem -signature SHA256SUMS.sig SHA256SUMS"
                .into(),
            "Verified OK",
        ),
        (
            "leaf",
            "(printf '\\000'; sed -n 4p log/records.jsonl) | sha256sum".into(),
            &hex(&leaf(&lines()[9])),
        ),
        (
            "box signature",
            format!(
                "sed '1,/^$/d' log/proof/10.tlog-proof >{work}/head.note; cd {work}; head -3 head.note >b; \
             sed -n 5p head.note|awk '{{print $3}}'|base64 -d|tail -c64 >s; openssl pkeyutl -verify -pubin -inkey \"$OLDPWD\"/keys/box.pem -rawin -in b -sigfile s"
            ),
            "Signature Verified Successfully",
        ),
        (
            "countersignature",
            format!(
                "cd {work}; t=$((16#$(sed -n 6p head.note|awk '{{print $3}}'|base64 -d|tail -c72|head -c8|od -An -tx1|tr -d ' \\n'))); \
             (printf 'cosignature/v1\\ntime %d\\n' $t; cat b) >h; sed -n 6p head.note|awk '{{print $3}}'|base64 -d|tail -c64 >s; \
             openssl pkeyutl -verify -pubin -inkey \"$OLDPWD\"/keys/hub.pem -rawin -in h -sigfile s"
            ),
            "Signature Verified Successfully",
        ),
    ] {
        let (ok, out) = run(&package, &script);
        assert!(ok && out.contains(want), "{what}: {out}");
    }
    let (ok, out) = run(
        &package,
        &format!(
            "cp -r . {work}/p && cd {work}/p && printf x >>SHA256SUMS && openssl dgst -sha256 -verify keys/seal.pem -signature SHA256SUMS.sig SHA256SUMS"
        ),
    );
    assert!(!ok, "a changed list must not pass: {out}");
}
