//! Adapter: filesystem. A package is checked in every way there is, and what was altered is found.
use super::*;

/// EVI-1, EVI-2, AUD-4: a package verifies by our verifier, by the Python page, by sha256sum and by openssl; it holds masters
/// byte for byte, a working copy, the lines relied on and no other.
#[test]
fn a_package_verifies_in_every_way() {
    let scene = scene([320; 5]);
    let now = SystemClock.now().wall;
    let made = build(&scene.hub, now, &scene.order).expect("made");
    assert_eq!(
        made.folder,
        scene.order.evidence.join("EXH-2026-000123/c03")
    );
    assert_eq!(made.report.exit_status(), 0, "{}", made.report.render());
    assert!(
        made.report.render().starts_with("INTACT"),
        "{}",
        made.report.render()
    );
    assert_eq!(made.label().len(), 23);
    assert_eq!(
        (
            made.masters.len(),
            made.working.len(),
            made.working_short.len()
        ),
        (4, 2, 0)
    );
    // One on each side of the gap, and no picture stands for it.
    let (w, later) = (&made.working[0], &made.working[1]);
    assert_eq!(
        (
            w.t0.0 - scene.order.request.t0.0,
            later.t1.0 - scene.order.request.t1.0,
            later.t0.0 - w.t1.0
        ),
        (-500, 20, 3_000),
        "{w:?} {later:?}"
    );
    let words = scene.read(&w.subtitles.as_ref().expect("subtitles").file);
    assert!(
        words.contains("for 3.000 s (camera silent). It goes on in "),
        "{words}"
    );
    let read_me = scene.read(names::READ_ME);
    assert!(
        read_me.contains("\n    no footage for 3.000 s\n"),
        "{read_me}"
    );

    let saved = scene.saved();
    let python = Command::new("python3")
        .arg(saved.join(names::VERIFY_PY))
        .arg("bundle")
        .arg(&saved)
        .arg("--hub")
        .arg(scene.hub.key.to_string())
        .output()
        .expect("python3");
    assert_eq!(
        String::from_utf8_lossy(&python.stdout),
        made.report.render(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let sums = Command::new("sha256sum")
        .args(["--strict", "--quiet", "-c", names::SUMS])
        .current_dir(&saved)
        .output()
        .expect("sha256sum");
    assert!(
        sums.status.success(),
        "{}",
        String::from_utf8_lossy(&sums.stdout)
    );
    let seal = Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-verify",
            names::SEAL_PEM,
            "-signature",
            names::SEAL,
            names::SUMS,
        ])
        .current_dir(&saved)
        .output()
        .expect("openssl");
    assert!(seal.status.success());

    let records = scene.read(names::RECORDS);
    for part in ["exp.clip", "seg.gap", "mask.set", "log.open", "disk-slow"] {
        assert!(records.contains(part), "{part}");
    }
    assert_eq!(records.matches("\"seg.write\"").count(), 4);
    for foreign in ["secret-of-another", "camera-silent"] {
        assert!(!records.contains(foreign), "{foreign}");
    }
    let certificate = scene.read(names::CERTIFICATE);
    let flat = certificate.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "EXH-2026-000123",
        "theft from shop",
        "CR/1234/26",
        "m7 covers 12.5 %",
        "camera silent",
        "own clock was 7.3 s ahead of the recorder's",
        "asked of the hub by Siân Evans (operator for town; op:0147)",
        "authorised by somebody whose name the hub does not hold (supervisor; op:0150)",
        "disk-slow",
        "Criminal Justice Act 1967",
        "op:0147",
    ] {
        assert!(flat.contains(part), "{part} in\n{certificate}");
    }
    assert!(
        certificate.lines().all(|l| l.chars().count() <= 110) && certificate.lines().count() <= 140,
        "two pages:\n{certificate}"
    );
    println!("{certificate}\n=====\n{}", scene.read(names::READ_ME));
    // Never over an existing one, and nothing half-made is left.
    assert!(matches!(
        build(&scene.hub, now, &scene.order),
        Err(PackageError::Exists(_))
    ));
    let left: Vec<_> = std::fs::read_dir(scene.order.evidence.join("EXH-2026-000123"))
        .expect("list")
        .map(|e| e.expect("entry").file_name())
        .collect();
    assert_eq!(left, ["c03"]);
    // The register names exactly this package.
    let own = std::fs::read_to_string(made.folder.join(names::SUMS_RECORD)).expect("record");
    assert!(own.contains(&hex(&made.sums)) && own.contains("exp.done"));
}

/// AUD-4: an altered byte anywhere in the finished package is found.
#[test]
fn altered_packages_do_not_verify() {
    let scene = scene([320; 5]);
    scene.made();
    let saved = scene.saved();
    let folder = logbook::Folder(saved.clone());
    for file in folder.list().expect("list") {
        let path = saved.join(&file);
        let good = std::fs::read(&path).expect("read");
        let mut bad = good.clone();
        let at = bad.len() / 2;
        bad[at] ^= 1;
        std::fs::remove_file(&path).expect("remove");
        std::fs::write(&path, &bad).expect("write");
        assert_eq!(
            verify::package(&folder, &options(&scene.hub)).exit_status(),
            1,
            "{file}"
        );
        std::fs::write(&path, &good).expect("write");
    }
    assert_eq!(
        verify::package(&folder, &options(&scene.hub)).exit_status(),
        0
    );
}
