//! Task. The Debian packages on a bare Debian 12 (docs/install.md, step one): users, folders, services; upgrade, removal, purge.
use beadle_tests::{
    Done, Folder,
    machine::{Base, Machine},
    packages::Packages,
};

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
    // Nothing carries symbols.
    assert!(
        !machine
            .sh("readelf -S /usr/bin/beadle-edge 2>/dev/null || true")?
            .out
            .contains(".symtab")
    );

    // The example stands there with every key; of what it names only the disks and the hub are missing.
    machine.sh("cp /usr/share/doc/beadle-edge/examples/edge.toml /etc/beadle/ && echo geheim | install -m 600 /dev/stdin /etc/beadle/passwords/c03")?;
    machine.sh("mkdir -p /srv/beadle/footage1 && beadle-edge check-config >/dev/null && beadle-edge volume label --system-disk /srv/beadle/footage1")?;
    machine.sh("systemctl enable --now beadle-reader beadle-edge")?;
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
    machine.sh("systemctl enable --now beadle-reader beadle-edge")?;
    machine.power_off()?;
    machine.start()?;
    machine.wait_unit("beadle-reader", "active", 10)?;
    machine.wait_unit("beadle-edge", "active", 10)
}
