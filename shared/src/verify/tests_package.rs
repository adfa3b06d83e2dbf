//! Pure. The package rows of the tamper matrix (audit.md 4a), by name. EVI-2.

use super::{Options, Report, Verdict, package};
use crate::{
    evidence::names,
    note::{b64, pem},
    testing::{Key, MemoryFiles, PackageBuilder, SealKey, fix_sums},
    types,
};

fn judge(files: &MemoryFiles) -> Report {
    package(
        files,
        &Options {
            hub: vec![Key::hub().vkey],
            ..Options::default()
        },
    )
}

#[track_caller]
fn shows(files: &MemoryFiles, code: &str) {
    let report = judge(files);
    assert_eq!(report.verdict, Verdict::NotIntact, "{}", report.render());
    assert!(
        report.render().contains(&format!("\n{code}")),
        "no {code} in\n{}",
        report.render()
    );
}

fn flip(files: &mut MemoryFiles, path: &str) {
    files.0.get_mut(path).expect("file")[40] ^= 4;
}

#[test]
fn a_sound_package() {
    let files = PackageBuilder::default().build();
    let report = judge(&files);
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.render());
    assert_eq!(
        report.findings.iter().map(|f| f.code).collect::<Vec<_>>(),
        ["GAP-DECLARED"]
    );
    assert_eq!(
        package(&files, &Options::default()).verdict,
        Verdict::IntactHubKeyNotGiven
    );
    assert_eq!(judge(&MemoryFiles::default()).verdict, Verdict::CannotCheck);
}

#[test]
fn d1_d2_video_flipped() {
    let mut files = PackageBuilder::default().build();
    flip(&mut files, "master/c03_8.mp4");
    shows(&files, "ALTERED-FILE\tfile master/c03_8.mp4");
    fix_sums(&mut files);
    shows(&files, "SEGMENT-NOT-AS-LOGGED\tfile master/c03_8.mp4");
}

#[test]
fn d3_d4_d5_dropped_trimmed_swapped() {
    let mut package = PackageBuilder::default();
    package.masters.remove(1);
    shows(&package.build(), "SEGMENT-MISSING\tcamera c03");
    let mut package = PackageBuilder::default();
    package.masters.pop();
    shows(&package.build(), "DOES-NOT-COVER-REQUEST\tpackage");
    let mut package = PackageBuilder::default();
    package.masters.remove(0);
    package.asked.0 = package.asked.0.plus_ms(60_000);
    shows(&package.build(), "DOES-NOT-COVER-REQUEST\tpackage");
    let mut package = PackageBuilder::default();
    let other = package.masters[2].2.clone();
    package.masters[2].2 = std::mem::replace(&mut package.masters[0].2, other);
    shows(
        &package.build(),
        "SEGMENT-NOT-AS-LOGGED\tfile master/c03_7.mp4",
    );
}

#[test]
fn d6_mask_line_altered() {
    let mut package = PackageBuilder::default();
    let mut files = package.contents();
    let records = String::from_utf8(files.0[names::RECORDS].clone()).expect("ascii");
    files.put(
        names::RECORDS,
        records.replace("\"permille\":83", "\"permille\":13"),
    );
    let files = package.sealed(files);
    shows(&files, "NOT-IN-LOG\tline 2");
}

#[test]
fn d7_countersignature_stripped() {
    let mut package = PackageBuilder::default();
    package.head = package.log.head();
    let head = package.head.head.size;
    shows(
        &package.build(),
        &format!("NO-HUB-COSIGNATURE\thead {head}"),
    );
}

#[test]
fn d8_d9_listing() {
    let mut files = PackageBuilder::default().build();
    files.put("working/extra.mp4", "look here");
    shows(&files, "EXTRA-FILE\tfile working/extra.mp4");
    for path in [
        "../outside",
        "/etc/hostname",
        "a/../b",
        "a//b",
        "./a",
        "a\\b",
        "manifest.json",
    ] {
        let mut files = PackageBuilder::default().build();
        files
            .0
            .get_mut(names::SUMS)
            .expect("sums")
            .extend(format!("{}  {path}\n", "0".repeat(64)).bytes());
        shows(&files, "LISTING-UNSAFE");
    }
}

#[test]
fn d10_wrong_proof() {
    let mut package = PackageBuilder::default();
    let mut files = package.contents();
    files.put(
        "log/proof/3.tlog-proof",
        files.0["log/proof/4.tlog-proof"].clone(),
    );
    let files = package.sealed(files);
    shows(&files, "PROOF-MISMATCH\tline 3");
}

#[test]
fn d11_listed_but_unlogged_video() {
    let mut package = PackageBuilder::default();
    package
        .extra
        .push(("master/c03_11.mp4".into(), b"made up".to_vec()));
    shows(
        &package.build(),
        "UNLOGGED-MASTER-FILE\tfile master/c03_11.mp4",
    );
    let mut package = PackageBuilder::default();
    package
        .masters
        .push((0, "master/c03_11.mp4".into(), b"made up".to_vec()));
    shows(
        &package.build(),
        "UNLOGGED-MASTER-FILE\tfile master/c03_11.mp4",
    );
}

#[test]
fn d12_certificate_changed_and_sums_fixed() {
    let mut files = PackageBuilder::default().build();
    files.put(names::CERTIFICATE, "in other words\n");
    shows(&files, "ALTERED-FILE\tfile CERTIFICATE.txt");
    fix_sums(&mut files);
    shows(&files, "SEAL-BROKEN\tfile SHA256SUMS.sig");
    shows(&files, "NOT-IN-LOG\tfile SHA256SUMS.record");
}

#[test]
fn d13_sealed_anew_with_another_key() {
    let mut package = PackageBuilder::default();
    let mut files = package.contents();
    let thief = SealKey::default();
    files.put(names::SEAL_PEM, pem("PUBLIC KEY", &thief.spki()));
    let mut files = package.sealed(files);
    let sums = files.0[names::SUMS].clone();
    files.put(names::SEAL, thief.sign(&sums));
    shows(&files, "SEAL-KEY-NOT-IN-LOG\tfile SHA256SUMS.sig");
    // With a line of his own that names his key.
    let mut package = PackageBuilder::default();
    let line = String::from_utf8(package.hub_log.lines[2].clone()).expect("ascii");
    let mut files = package.contents();
    files.put(
        names::SEAL_RECORD,
        line.replace(&b64(&package.seal.spki()), &b64(&thief.spki())),
    );
    let mut files = package.sealed(files);
    let sums = files.0[names::SUMS].clone();
    files.put(names::SEAL, thief.sign(&sums));
    shows(&files, "SEAL-KEY-NOT-IN-LOG\tfile keys/seal.record");
}

/// A hub's countersignature over a box's log does not make a box's line a hub's: a box cannot say that the hub exported.
#[test]
fn box_lines_do_not_pass_for_the_hubs() {
    let mut package = PackageBuilder::default();
    let mut files = package.build();
    let mut log = crate::testing::LogBuilder::new("cctv.example.gov.uk/box/rogue/1");
    let line = log.add(
        "sys:hub",
        &types::KeySeal {
            spki: b64(&package.seal.spki()),
        },
    );
    files.put(names::SEAL_RECORD, log.lines[2].clone());
    files.put(names::SEAL_PROOF, log.proof(line, &log.cosigned()).render());
    shows(&files, "SEAL-KEY-NOT-IN-LOG\tfile keys/seal.record");
}

#[test]
fn unreadable_manifest_is_not_called_intact() {
    let mut package = PackageBuilder::default();
    let mut files = package.contents();
    files.put(names::MANIFEST, "{}");
    let files = package.sealed(files);
    let report = judge(&files);
    assert_eq!(report.verdict, Verdict::NotIntact, "{}", report.render());
    assert!(report.render().contains("UNREADABLE\tfile manifest.json"));
}

/// One bit of every byte of everything that is not a listed file, and of each listed file: nothing goes unnoticed.
#[test]
fn no_flipped_bit_survives() {
    let files = PackageBuilder::default().build();
    let mut mutant = files.clone();
    for (name, bytes) in &files.0 {
        let stride = if names::UNLISTED.contains(&name.as_str()) {
            1
        } else {
            97
        };
        for k in (0..bytes.len()).step_by(stride) {
            mutant.0.get_mut(name).expect("file")[k] ^= 1 << (k % 8);
            let report = judge(&mutant);
            assert_ne!(
                report.verdict,
                Verdict::Intact,
                "{name} byte {k}: {}",
                report.render()
            );
            mutant.0.get_mut(name).expect("file")[k] ^= 1 << (k % 8);
        }
    }
}
