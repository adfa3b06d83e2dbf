//! Adapter: systemd's own checkers. The units are well formed and locked down.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use beadle_tests::{Done, Folder, Trouble, places};

/// The units by themselves: systemd's checkers take what lies beside a unit in `NAME.d` for a part of it.
fn units(to: &Folder) -> Done<Vec<PathBuf>> {
    let mut units = Vec::new();
    for unit in places::files_below(&places::root().join("systemd"), ".service") {
        let copy = to.path().join(unit.file_name().unwrap_or_default());
        fs::copy(&unit, &copy)?;
        units.push(copy);
    }
    Ok(units)
}

/// No unknown key, no bad value. Programs that are not installed here are the only complaint allowed.
#[test]
fn systemd_accepts_every_unit() -> Done<()> {
    let folder = Folder::new("units")?;
    let units = units(&folder)?;
    assert_eq!(units.len(), 3);
    for unit in units {
        let out = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&unit)
            .output()?;
        let said = String::from_utf8_lossy(&out.stderr);
        let bad: Vec<&str> = said
            .lines()
            .filter(|l| !l.contains("is not executable") && l.contains("beadle"))
            .collect();
        if !bad.is_empty() {
            return Err(Trouble(format!("{}: {bad:?}", unit.display())));
        }
    }
    Ok(())
}

/// What each service exposes, in tenths, by Debian 12's `systemd-analyze security` (0 to 100): docs/threats.md says so too.
const EXPOSURE: [(&str, u32); 3] = [
    ("beadle-edge.service", 14),
    ("beadle-hub.service", 12),
    ("beadle-reader.service", 5),
];

/// ROL-2 and §12 of the design: each service may do little, and no more than it could.
#[test]
fn every_unit_is_locked_down() -> Done<()> {
    let folder = Folder::new("locked")?;
    for unit in units(&folder)? {
        let known = EXPOSURE.iter().find(|(name, _)| unit.ends_with(name));
        let (name, most) = known.ok_or_else(|| Trouble(format!("{}?", unit.display())))?;
        let out = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(format!("--threshold={most}"))
            .arg(&unit)
            .output()?;
        if !out.status.success() {
            return Err(Trouble(format!(
                "{name} exposes more than {most} tenths: {}",
                String::from_utf8_lossy(&out.stdout)
            )));
        }
    }
    Ok(())
}

/// V9: what the hub's service may take of its machine has an end, whatever comes to its doors; nothing it holds is left in a swap or a core.
#[test]
fn the_hubs_unit_has_its_measure() -> Done<()> {
    let folder = places::root().join("systemd");
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let hub = read("beadle-hub.service")?;
    for limit in ["MemoryHigh=", "MemoryMax=", "TasksMax=", "LimitNOFILE="] {
        assert!(hub.lines().any(|l| l.starts_with(limit)), "{limit}");
    }
    for unit in [
        "beadle-hub.service",
        "beadle-reader.service",
        "beadle-edge.service",
    ] {
        assert!(read(unit)?.lines().any(|l| l == "LimitCORE=0"), "{unit}");
    }
    assert!(
        read("beadle-reader.service")?
            .lines()
            .any(|l| l == "MemorySwapMax=0")
    );
    Ok(())
}

/// Issue 4: with what a graphics device wants the recorder is still locked down, and reaches no other device.
#[test]
fn a_graphics_device_opens_little_more() -> Done<()> {
    const WITH: &str = "beadle-edge.service.d/vaapi.conf";
    let to = Folder::new("vaapi")?;
    units(&to)?;
    let unit = to.path().join("beadle-edge.service");
    let analyze = |words: &[&str]| -> Done<String> {
        let out = Command::new("systemd-analyze")
            .args(words)
            .arg(&unit)
            .output()?;
        let said = [out.stdout, out.stderr].concat();
        assert!(words[0] == "verify" || out.status.success());
        Ok(String::from_utf8_lossy(&said).into_owned())
    };
    const SECURITY: &[&str] = &["security", "--offline=true", "--threshold=20", "--no-pager"];
    let devices = |said: &str| -> Vec<String> {
        let row = said.lines().find(|l| l.contains("DeviceAllow="));
        row.and_then(|l| l.rsplit_once("special devices: "))
            .map(|(_, all)| {
                all.split_whitespace()
                    .filter(|w| w.contains(':'))
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
    };
    let before = devices(&analyze(SECURITY)?);
    fs::create_dir(to.path().join("beadle-edge.service.d"))?;
    fs::copy(
        places::root().join("systemd").join(WITH),
        to.path().join(WITH),
    )?;
    let said = analyze(&["verify"])?;
    assert!(!said.contains("vaapi.conf"), "{said}");
    let said = analyze(SECURITY)?;
    let mut after = devices(&said);
    after.retain(|d| !before.contains(d));
    assert_eq!(after, ["char-drm:rw"], "{before:?}: {said}");
    Ok(())
}

/// The reader has no network and a user of its own; the recorder is not that user.
#[test]
fn the_reader_stands_alone() -> Done<()> {
    let read =
        |name: &str| std::fs::read_to_string(Path::new(&places::root()).join("systemd").join(name));
    let (edge, reader) = (read("beadle-edge.service")?, read("beadle-reader.service")?);
    assert!(reader.contains("PrivateNetwork=yes") && reader.contains("User=beadle-reader"));
    assert!(
        edge.contains("User=beadle\n")
            && edge.contains("Type=notify")
            && edge.contains("WatchdogSec=")
    );
    // Design §5: the recorder's filter is also its picture workers', which shut themselves in with these.
    let shuts_in = edge.lines().any(|l| {
        l == "SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    });
    assert!(shuts_in, "a picture worker could not put its sandbox up");
    let tmpfiles = read("tmpfiles.d/beadle-edge.conf")?;
    let folder = |path: &str| -> Vec<&str> {
        let mut rows = tmpfiles.lines().map(|l| l.split_whitespace().collect());
        let row: Vec<&str> = rows
            .find(|r: &Vec<&str>| r.get(1) == Some(&path))
            .unwrap_or_default();
        row.into_iter().skip(2).collect()
    };
    // Nothing of the reader's or of root's lies below what the recorder owns.
    assert_eq!(folder("/var/lib/beadle-edge"), ["0755", "root", "root"]);
    assert_eq!(
        folder("/var/lib/beadle-edge/reader"),
        ["0700", "beadle-reader", "beadle-reader"]
    );
    assert_eq!(folder("/var/lib/beadle-edge/hub"), ["0755", "root", "root"]);
    assert!(!edge.contains("StateDirectory=") && !reader.contains("StateDirectory="));
    Ok(())
}
