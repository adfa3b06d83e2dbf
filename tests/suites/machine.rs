//! Task. Test machines themselves: Debian's own systemd boots in namespaces, runs a unit as its user, is cabled, switched off and on, and leaves nothing.
use beadle_tests::{
    Done, Folder,
    machine::{self, Base, Machine},
};

/// What every suite on a test machine rests on.
#[test]
fn debian_boots_as_its_own_machine() -> Done<()> {
    let folder = Folder::new("machine")?;
    let mut one = Machine::boot("one", folder.path(), Base::Bare)?;
    let two = Machine::boot("two", folder.path(), Base::Bare)?;

    // It is a Debian 12 of its own: name, processes, users, network; nothing of the machine it runs on.
    assert_eq!(one.sh("hostname; cat /proc/1/comm")?.out, "one\nsystemd\n");
    assert!(one.read("/etc/os-release")?.contains("VERSION_ID=\"12\""));
    assert_eq!(one.sh("ls /mnt; getent passwd 1000 || true")?.out, "");

    // A unit runs as the user whom systemd-sysusers made, who may read nothing of root's.
    one.put(
        "/usr/lib/sysusers.d/probe.conf",
        "u probe - \"A probe\"\n",
        0o644,
    )?;
    one.put("/root/secret", "secret\n", 0o600)?;
    one.put(
        "/etc/systemd/system/probe.service",
        "[Service]\nUser=probe\nStateDirectory=probe\nPrivateUsers=yes\nProtectSystem=strict\nRestart=always\nRestartSec=0\n\
         ExecStart=/bin/sh -c 'id -un; cat /root/secret; touch /var/lib/probe/was-here /etc/was-here; exec sleep infinity'\n",
        0o644,
    )?;
    one.sh("systemd-sysusers && systemctl daemon-reload && systemctl start probe")?;
    one.wait_unit("probe", "active", 10)?;
    beadle_tests::wait::until("the probe said it all", 10, || {
        Ok(one.journal("probe")?.contains("/etc/was-here"))
    })?;
    let said = one.journal("probe")?;
    assert!(
        said.contains("probe\n")
            && said.contains("Permission denied")
            && said.contains("Read-only"),
        "{said}"
    );
    assert_eq!(one.sh("stat -c %U /var/lib/probe/was-here")?.out, "probe\n");
    assert_ne!(one.sh_as("probe", "cat /root/secret")?.status, 0);

    // Two machines are cabled; a port of this side's is within reach, and nothing else of it.
    machine::link("lan", (&one, "10.77.0.1/24"), (&two, "10.77.0.2/24"))?;
    two.sh("ping -c1 -W5 10.77.0.1")?;
    let here = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = here.local_addr()?.port();
    one.sh("ip address add 10.20.0.13/32 dev lo")?;
    one.forward(([10, 20, 0, 13], 554).into(), port)?;
    let far = one.spawn(
        "root",
        &["bash", "-c", "echo hello >/dev/tcp/10.20.0.13/554"],
    )?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut here.accept()?.0, &mut text)?;
    assert_eq!(text, "hello\n");
    assert!(far.wait_with_output()?.status.success());
    assert_ne!(
        one.sh_as("root", &format!("echo >/dev/tcp/127.0.0.1/{port}"))?
            .status,
        0
    );

    // Off and on again: what was written is there, what ran at boot runs.
    one.sh("mkdir -p /etc/systemd/system/multi-user.target.wants && ln -s ../probe.service /etc/systemd/system/multi-user.target.wants/")?;
    one.power_off()?;
    one.start()?;
    one.wait_unit("probe", "active", 10)?;

    // Nothing is left of a machine whose value has gone: no process, no control group, no mount.
    let init = one.init()?;
    drop((one, two));
    assert!(!std::path::Path::new(&format!("/proc/{init}")).exists());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    assert!(
        !mounts.contains(&folder.path().display().to_string()),
        "{mounts}"
    );
    Ok(())
}
