//! Task. The Debian packages on a bare Debian 12 (docs/install.md, step one): users, folders, services; upgrade, removal, purge.
use std::path::Path;

use beadle_tests::{
    Done, Folder, args,
    cameras::{Cameras, Scene},
    machine::{Base, Machine},
    packages::Packages,
    places, program,
    wait::{self, Look},
};
use serde_json::Value;

/// What a package must never touch: footage, keys, configuration. Each as mode, owner, path and contents.
const KEPT: &str = "cd / && find srv/beadle var/lib/beadle-edge etc/beadle -printf '%M %u %g %p\\n' | sort; \
     find srv/beadle var/lib/beadle-edge etc/beadle -type f -exec sha256sum {} + | sort -k2";

/// Upgrade restarts; removal and purge leave footage, keys and configuration as they were.
#[test]
fn packages_install_upgrade_and_go() -> Done<()> {
    let folder = Folder::new("installed")?;
    let first = Packages::make(folder.path(), "0.1.0")?;
    let second = Packages::make(folder.path(), "0.1.0+next")?;
    let mut machine = Machine::boot("box", folder.path(), Base::Bare)?;
    Packages::install(&first.edge, &machine)?;

    // It starts, and knows its users and folders; nothing runs that nobody configured; the libraries are there.
    machine.sh("beadle-edge --version && beadle-pictures --help >/dev/null && id beadle && id beadle-reader && getent group beadle-maintain")?;
    for unit in ["beadle-edge", "beadle-reader"] {
        let state = machine.unit(unit)?;
        assert_eq!(
            (state["LoadState"].as_str(), state["ActiveState"].as_str()),
            ("loaded", "inactive")
        );
    }
    assert_eq!(
        machine
            .sh("stat -c '%A %U' /var/lib/beadle-edge/reader /etc/beadle/passwords")?
            .out,
        "drwx------ beadle-reader\ndrwx------ root\n"
    );
    machine.sh("man -w beadle-edge 2>/dev/null || ls /usr/share/man/man1/beadle-edge.1.gz /usr/share/man/man1/beadle-edge-enrol.1.gz")?;
    // The page of the picture program says every word that the program does.
    machine.sh(
        "beadle-pictures --help | grep -o -e '--[a-z]*' -e '^  [a-z]*' | sort -u | while read -r word; do zgrep -q -e \"${word//-/.-}\" /usr/share/man/man1/beadle-pictures.1.gz || { echo \"$word\" >&2; exit 1; }; done",
    )?;
    // Nothing carries symbols; the packages beside these do.
    for (package, program) in [
        (&first.edge, "beadle-edge"),
        (&first.edge, "beadle-pictures"),
        (&first.hub, "beadle-hub"),
    ] {
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        let symbols = package.with_file_name(name.replace("_0.1.0", "-dbgsym_0.1.0"));
        let out = folder.path().join(format!("unpacked-{program}"));
        let unpack = |of: &Path| {
            program::run(Path::new("dpkg-deb"), args!["-x", of, out])?.well("dpkg-deb -x")
        };
        let sections = |file: &Path| -> Done<String> {
            let said = program::run(Path::new("readelf"), args!["-SW", file])?;
            Ok(said.well("readelf")?.out)
        };
        unpack(package)?;
        let shipped = sections(&out.join("usr/bin").join(program))?;
        assert!(
            shipped.contains(".text") && !shipped.contains(".symtab"),
            "{program}: {shipped}"
        );
        unpack(&symbols)?;
        let beside = places::files_below(&out.join("usr/lib/debug"), ".debug");
        assert!(!beside.is_empty(), "{}", symbols.display());
        for file in beside {
            assert!(sections(&file)?.contains(".symtab"), "{}", file.display());
        }
    }

    // The example stands there with every key; of what it names only the disks and the hub are missing.
    machine.sh("cp /usr/share/doc/beadle-edge/examples/edge.toml /etc/beadle/ && echo geheim | install -m 600 /dev/stdin /etc/beadle/passwords/c03")?;
    machine.sh("mkdir -p /srv/beadle/footage1 && beadle-edge check-config >/dev/null && beadle-edge volume label --system-disk /srv/beadle/footage1")?;
    machine.sh("systemctl enable --now beadle-reader beadle-edge || { journalctl -u beadle-reader -u beadle-edge --no-pager -n 30 >&2; false; }")?;
    machine.wait_unit("beadle-reader", "active", 10)?;
    machine.wait_unit("beadle-edge", "active", 10)?;
    assert_eq!(
        machine
            .sh("for u in beadle-edge beadle-reader; do stat -c %U /proc/$(systemctl show -P MainPID $u); done")?
            .out,
        "beadle\nbeadle-reader\n"
    );

    // Upgrade: the services run on, then restart with the new program.
    let pid = |m: &Machine| -> Done<String> { Ok(m.unit("beadle-edge")?["MainPID"].clone()) };
    let before = pid(&machine)?;
    Packages::install(&second.edge, &machine)?;
    machine.wait_unit("beadle-edge", "active", 10)?;
    machine.wait_unit("beadle-reader", "active", 10)?;
    assert_ne!(pid(&machine)?, before, "an upgrade restarts");
    assert_eq!(
        machine.sh("dpkg-query -W -f '${Version}' beadle-edge")?.out,
        "0.1.0+next"
    );

    // Removal and purge.
    machine.sh("systemctl stop beadle-edge beadle-reader")?;
    let kept = machine.sh(KEPT)?.out;
    machine.sh("systemctl start beadle-reader beadle-edge")?;
    machine.sh("apt remove -y beadle-edge")?;
    assert_ne!(
        machine.run(&["systemctl", "cat", "beadle-edge"])?.status,
        0,
        "the unit is gone"
    );
    assert_ne!(
        machine
            .run(&["bash", "-c", "grep -l beadle /proc/[0-9]*/comm"])?
            .status,
        0,
        "nothing of it runs"
    );
    let names = |all: &str| -> Vec<String> {
        all.lines()
            .filter(|l| {
                l.contains(" srv/beadle")
                    || l.contains("reader/")
                    || l.contains("public/")
                    || l.contains("etc/")
            })
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(names(&machine.sh(KEPT)?.out), names(&kept));
    let removed = machine.sh(KEPT)?.out;
    machine.sh("apt purge -y beadle-edge")?;
    assert_eq!(machine.sh(KEPT)?.out, removed);

    // And back: the box goes on with the keys it had, also after the next boot.
    Packages::install(&second.edge, &machine)?;
    machine.sh("systemctl enable --now beadle-reader beadle-edge || { journalctl -u beadle-reader -u beadle-edge --no-pager -n 30 >&2; false; }")?;
    machine.power_off()?;
    machine.start()?;
    machine.wait_unit("beadle-reader", "active", 10)?;
    machine.wait_unit("beadle-edge", "active", 10)
}

/// Whoever maintains the box (group `beadle-maintain`) is told how it is and restarts its services, and reads no key and no footage; anybody
/// else is told which group it takes. A camera whose password the recorder may not read costs itself alone, and a mask program that lacks a
/// library says which (people.md 3, 4, 19; REC-6, MSK-5, ROL-2).
#[test]
fn a_maintainer_needs_no_root() -> Done<()> {
    let folder = Folder::new("maintainer")?;
    let packages = Packages::make(folder.path(), "0.1.0")?;
    let machine = Machine::boot("box", folder.path(), Base::Ready)?;
    Packages::install(&packages.edge, &machine)?;
    machine.sh("useradd -m carl && usermod -aG beadle-maintain carl && useradd -m visitor")?;
    machine.sh("ip address add 10.20.0.13/32 dev lo; ip address add 10.20.0.17/32 dev lo")?;
    let small = "small-480x270p12.h264";
    let cameras = Cameras::start(Scene::new().file("/s", small, 12))?;
    machine.forward(([10, 20, 0, 13], 554).into(), cameras.port)?;
    machine.forward(([10, 20, 0, 17], 554).into(), cameras.port)?;

    // c01's password is in a file that only root may read, where user beadle has to.
    machine.put(
        "/etc/beadle/edge.toml",
        "[box]\nscheme = \"cctv.example.gov.uk\"\nname = \"ashby\"\nsite = \"Ashby\"\n[segment]\nsecs = 2\n[[volume]]\npath = \"/srv/beadle/footage1\"\n\
         [[camera]]\nid = \"c01\"\nurl = \"rtsp://10.20.0.13/s\"\nusername = \"beadle\"\npassword_file = \"/etc/beadle/c01.password\"\n\
         [[camera]]\nid = \"c02\"\nurl = \"rtsp://10.20.0.17/s\"\n\
         [[camera]]\nid = \"c03\"\nurl = \"rtsp://10.20.0.17/s\"\n[camera.mask]\nid = \"m1\"\npolygons = [[[0.1, 0.1], [0.3, 0.1], [0.3, 0.3]]]\n",
        0o644,
    )?;
    machine.put("/etc/beadle/c01.password", "geheim\n", 0o600)?;
    let checked = machine.run(&["beadle-edge", "check-config"])?;
    assert_eq!(checked.status, 78, "{checked:?}");
    for part in ["c01.password", "user beadle", "chgrp beadle"] {
        assert!(checked.err.contains(part), "{part}: {checked:?}");
    }
    // A library of the mask program is not there.
    let library = machine
        .sh("readlink -f /usr/lib/*-linux-gnu/libswscale.so.6")?
        .out;
    let library = library.trim();
    machine.sh(&format!("mv {library} /root/aside"))?;

    machine.sh("mkdir -p /srv/beadle/footage1 && beadle-edge volume label --system-disk /srv/beadle/footage1")?;
    machine.sh("systemctl enable --now beadle-reader beadle-edge || { journalctl -u beadle-reader -u beadle-edge --no-pager -n 30 >&2; false; }")?;
    let status = |who: &str| machine.run_as(who, &["beadle-edge", "status", "--json"]);
    wait::until(
        "c02 is recorded, and of c01 and c03 is known why they are not",
        60,
        || {
            let said = status("carl")?;
            let now: Value = serde_json::from_str(&said.out).unwrap_or_default();
            let faults = now["faults"].to_string();
            let recorded = now["cameras"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|c| c["cam"] == "c02" && c["frames"].as_u64() > Some(0));
            let all = recorded
                && faults.contains("camera.password-file")
                && faults.contains("mask.program")
                && faults.contains("libswscale.so.6 is missing")
                && faults.contains("apt install libswscale6");
            Ok(if all {
                Look::Yes(())
            } else {
                Look::NotYet(format!("{faults} {}", said.err))
            })
        },
    )?;

    // The maintainer: doctor and status, restarts, nothing else.
    let doctor = machine.run_as("carl", &["beadle-edge", "doctor"])?;
    for part in [
        "c01",
        "Camera's password cannot be read",
        "libswscale.so.6 is missing",
        "c02: recording",
    ] {
        assert!(doctor.out.contains(part), "{part}: {doctor:?}");
    }
    assert!(!doctor.out.contains("this box carries"), "{doctor:?}");
    machine
        .sh_as(
            "carl",
            "sudo -n systemctl restart beadle-edge && sudo -n systemctl restart beadle-reader",
        )?
        .well("restarts")?;
    for forbidden in [
        "systemctl stop beadle-edge",
        "systemctl restart dbus",
        "cat /etc/shadow",
        "-u beadle-reader true",
    ] {
        assert_ne!(
            machine
                .sh_as("carl", &format!("sudo -n {forbidden}"))?
                .status,
            0,
            "{forbidden}"
        );
    }
    wait::until("there is footage", 60, || {
        Ok(!machine
            .sh("find /srv/beadle/footage1 -name '*.age'")?
            .out
            .is_empty())
    })?;
    let read = machine.sh_as("carl", "! find /var/lib/beadle-edge /srv/beadle /etc/beadle -type f -readable 2>/dev/null | grep -v -e /run/recorder/status.json -e /etc/beadle/edge.toml")?;
    assert_eq!(
        (read.status, read.out.as_str()),
        (0, ""),
        "what a maintainer can read"
    );
    let keys = machine
        .sh("ls /var/lib/beadle-edge/reader /var/lib/beadle-edge/recorder/identity")?
        .out;
    assert!(
        keys.contains("identities") && keys.contains("box.key"),
        "{keys}"
    );

    // Anybody else is told which group it takes.
    let said = machine.run_as("visitor", &["beadle-edge", "status"])?;
    assert!(
        said.status != 0 && said.err.contains("group beadle-maintain"),
        "{said:?}"
    );
    let said = machine.run_as("visitor", &["beadle-edge", "doctor"])?;
    assert!(said.out.contains("group beadle-maintain"), "{said:?}");

    // Mended, all are recorded, without a restart.
    machine.sh(&format!("mv /root/aside {library}; chgrp beadle /etc/beadle/c01.password; chmod 640 /etc/beadle/c01.password"))?;
    machine.sh("beadle-edge check-config")?;
    wait::until("all three are recorded", 90, || {
        let said = status("carl")?;
        let now: Value = serde_json::from_str(&said.out).unwrap_or_default();
        let faults = now["faults"].to_string();
        let cameras = now["cameras"].as_array().map_or(&[][..], Vec::as_slice);
        let recorded = |cam: &str| {
            let mut of = cameras.iter().filter(|c| c["cam"] == cam);
            of.any(|c| c["frames"].as_u64() > Some(0))
        };
        let all = ["c01", "c02", "c03"].into_iter().all(recorded)
            && now["faults"].is_array()
            && !faults.contains("camera.")
            && !faults.contains("mask.");
        Ok(if all {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{faults} {} {}", now["cameras"], said.err))
        })
    })
}
