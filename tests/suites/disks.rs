//! Task. What can happen to footage disks, on real file systems: missing, late, pulled out, read-only, dead, full, slow, hung, another
//! box's, copied, and a label given to the wrong folder.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    disks::{self, Disk},
    hub::Hub,
    town::{Plan, Town},
    wait,
};
use shared::time::Utc;

use crate::rig;

/// Recording goes on elsewhere within this long, in seconds: the next key frame, and what a machine under load needs.
const SOON: u64 = 12;
/// A volume that is right again is used within this long.
const BACK: u64 = 30;

fn scene() -> Scene {
    Scene::new().street_low("/t/c01").street_low("/t/c02")
}

fn plan(cameras: &Cameras) -> Plan {
    Plan::new("ashby")
        .segment_secs(5)
        .camera("c01", cameras.url("/t/c01"))
        .camera("c02", cameras.url("/t/c02"))
}

/// Pictures of every camera that end after `t` are on a disk.
fn lands_after(town: &mut Town, t: Utc, secs: u64, what: &str) -> Done<()> {
    wait::within(&format!("pictures land: {what}"), secs, || {
        town.must_run()?;
        let cams = town.cameras.clone();
        Ok(cams.iter().all(|c| town.landed(c).is_some_and(|at| at > t)))
    })
}

fn fault(town: &mut Town, code: &str, says: &str) -> Done<()> {
    wait::until(&format!("the fault {code} says {says}"), SOON, || {
        town.must_run()?;
        Ok(town.fault(code).is_some_and(|detail| detail.contains(says)))
    })
}

fn well_again(town: &mut Town, code: &str) -> Done<()> {
    wait::until(&format!("the fault {code} is over"), BACK, || {
        town.must_run()?;
        Ok(town.status().is_some() && town.fault(code).is_none())
    })
}

/// New segments go to this disk.
fn used(town: &mut Town, disk: &Disk, what: &str) -> Done<()> {
    let before = disk.holds(".open").len() + disk.holds(".age").len();
    wait::until(what, BACK, || {
        town.must_run()?;
        Ok(disk.holds(".open").len() + disk.holds(".age").len() > before)
    })
}

/// Nothing at all lies in a folder.
fn bare(folder: &Path) -> Done<()> {
    match fs::read_dir(folder).told(folder.display())?.next() {
        None => Ok(()),
        Some(entry) => Err(Trouble(format!(
            "{:?} was written to the system disk below {}",
            entry?.file_name(),
            folder.display()
        ))),
    }
}

/// Both verifiers, and every segment logged is on one of the disks.
fn whole(hub: &Hub, town: &Town, disks: &[&Disk]) -> Done<()> {
    for verdict in [
        hub.verify("log", &town.log(), false)?,
        hub.verify_py("log", &town.log(), false)?,
    ] {
        if !verdict.intact() {
            return Err(Trouble(verdict.text));
        }
    }
    for line in town.lines_of("seg.write", None) {
        let (cam, s) = (
            line["data"]["cam"].as_str().unwrap_or("?"),
            &line["data"]["s"],
        );
        let end = format!("-{s}.mp4.age");
        let there = disks.iter().any(|d| {
            let files = d.holds(&end);
            files
                .iter()
                .any(|f| f.to_string_lossy().contains(&format!("/{cam}/")))
        });
        if !there {
            return Err(Trouble(format!("no disk holds the footage of {line}")));
        }
    }
    Ok(())
}

/// FLT-3, REC-1: a disk that is missing at the start is taken into use when it is there; one that is pulled out, dies, or turns
/// read-only is left for another within seconds; each is a fault in words; nothing is ever written below a bare mount
/// point; what was torn is recovered.
#[test]
fn disks_come_and_go() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("disks that come and go") {
        return Ok(());
    }
    disks::enter()?;
    let folder = Folder::new("disks")?;
    let cameras = Cameras::start(scene())?;
    let hub = Hub::make(folder.path())?;
    let a = Disk::make(folder.path(), "disk-ashby", 300)?;
    let b = Disk::make(folder.path(), "disk-b", 400)?;
    let c = Disk::make(folder.path(), "disk-c", 600)?;
    let mut town = Town::make(folder.path(), plan(&cameras).volume(&b.at).volume(&c.at))?;
    for disk in [&a, &b, &c] {
        town.label(&disk.at)?;
    }
    c.unmount()?;

    town.start()?;
    fault(&mut town, "disk.label", "disk-c has no label")?;
    town.segments("c01", 1, 30)?;
    bare(&c.at)?;

    c.mount()?;
    well_again(&mut town, "disk.label")?;
    used(&mut town, &c, "the disk that was late is used")?;

    assert_eq!(
        town.fault("footage.unrecovered"),
        None,
        "nothing was left on the disk that was late"
    );
    let now = wait::now();
    c.pull_out()?;
    lands_after(
        &mut town,
        Utc(now.0 + 3000),
        SOON,
        "the disk was pulled out",
    )?;
    fault(&mut town, "disk.label", "disk-c is not there any more")?;
    let before = town.lines_of("seg.write", Some("c01")).len();
    town.segments("c01", before + 2, 40)?;
    bare(&c.at)?;
    c.mount()?;
    well_again(&mut town, "disk.label")?;
    fault(&mut town, "footage.unrecovered", "disk-c")?;
    used(&mut town, &c, "the disk is back and used")?;

    let now = wait::now();
    c.meets_an_error()?;
    lands_after(
        &mut town,
        Utc(now.0 + 3000),
        SOON,
        "the disk turned read-only",
    )?;
    fault(&mut town, "disk.readonly", "disk-c can only be read")?;

    used(&mut town, &b, "the next disk is used")?;
    let now = wait::now();
    b.power_cut()?;
    lands_after(&mut town, Utc(now.0 + 3000), SOON, "the disk died")?;
    fault(&mut town, "disk.failed", "disk-b")?;
    let readonly = town.fault("disk.readonly").unwrap_or_default();
    assert!(
        readonly.contains("disk-c"),
        "one fault does not hide another: {readonly}"
    );
    used(&mut town, &a, "the last disk is used")?;

    // Nowhere left: said, and over as soon as there is one.
    a.pull_out()?;
    fault(&mut town, "recording.stopped", "no footage volume")?;
    bare(&a.at)?;
    a.mount()?;
    well_again(&mut town, "recording.stopped")?;
    let now = wait::now();
    lands_after(&mut town, now, BACK, "a disk is there again")?;

    assert!(
        town.lines_of("seg.gap", None)
            .iter()
            .any(|g| g["data"]["why"] == "disk"),
        "the gaps are on the record"
    );
    town.stop()?;
    for disk in [&b, &c] {
        disk.unmount()?;
        disk.mount()?;
    }
    town.start()?;
    wait::until("what was torn is recovered", 40, || {
        town.must_run()?;
        Ok([&a, &b, &c].iter().all(|d| {
            d.holds(".open").iter().all(|f| {
                // Two segments are open, the cameras' own.
                f.metadata().is_ok_and(|m| m.len() > 0) && town_began(f, &town)
            })
        }))
    })?;
    town.stop()?;
    assert!(
        town.lines_of("seg.lost", None).is_empty(),
        "nothing is called lost"
    );
    whole(&hub, &town, &[&a, &b, &c])
}

/// An open file begun after the town's present start.
fn town_began(file: &Path, town: &Town) -> bool {
    let boot = town.lines_of("sys.boot", None).pop();
    let boot = boot.and_then(|b| b["t"].as_str().map(str::to_owned));
    let (Some(boot), Some(name)) = (boot, file.file_name().and_then(|n| n.to_str())) else {
        return false;
    };
    let digits = |t: &str| {
        t.chars()
            .filter(char::is_ascii_digit)
            .take(14)
            .collect::<String>()
    };
    digits(name) >= digits(&boot)
}

/// FLT-3: a disk that fills up mid-write is left for another; it is used again once there is room.
#[test]
fn a_disk_that_fills_up_is_left_for_another() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("a disk that fills up") {
        return Ok(());
    }
    disks::enter()?;
    let folder = Folder::new("fills")?;
    let cameras = Cameras::start(scene())?;
    let hub = Hub::make(folder.path())?;
    let a = Disk::make(folder.path(), "disk-ashby", 400)?;
    let b = Disk::make(folder.path(), "disk-b", 200)?;
    let mut town = Town::make(folder.path(), plan(&cameras).volume(&b.at))?;
    town.label(&a.at)?;
    town.label(&b.at)?;
    town.start()?;
    town.segments("c01", 1, 30)?;
    let now = wait::now();
    a.fill_but(0)?;
    lands_after(&mut town, Utc(now.0 + 3000), SOON, "the disk filled up")?;
    fault(&mut town, "disk.full", "disk-ashby")?;
    let full = town.fault("disk.full").unwrap_or_default();
    assert!(!full.contains("disk-b"), "{full}");
    // Both at once: both are named.
    b.fill_but(8)?;
    fault(&mut town, "disk.full", "disk-b")?;
    fault(&mut town, "disk.full", "disk-ashby")?;
    a.make_room()?;
    used(&mut town, &a, "there is room: the disk is used again")?;
    b.make_room()?;
    well_again(&mut town, "disk.full")?;
    town.stop()?;
    let raised = town.lines_of("fault.on", None);
    let raised = raised
        .iter()
        .filter(|l| l["data"]["code"] == "disk.full")
        .count();
    assert_eq!(raised, 1, "one fault, raised once");
    whole(&hub, &town, &[&a, &b])
}

/// REC-1, FLT-3: a disk that stops answering for some seconds costs whole fragments and a logged gap, and no more memory than the
/// stated limit; one that hangs for longer is left for another, and used again when it answers.
#[test]
fn a_slow_disk_sheds_and_a_hung_one_is_left() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("disks that hang") {
        return Ok(());
    }
    /// `CAMERA_BYTES` of the writer, and what the box's other work may take meanwhile.
    const LIMIT_MIB: f64 = 5.0 + 8.0;
    disks::enter()?;
    let folder = Folder::new("hangs")?;
    let cameras = Cameras::start(Scene::new().street("/t/c01"))?;
    let hub = Hub::make(folder.path())?;
    let a = Disk::make(folder.path(), "disk-ashby", 600)?;
    let b = Disk::make(folder.path(), "disk-b", 600)?;
    let plan = Plan::new("ashby")
        .segment_secs(5)
        .camera("c01", cameras.url("/t/c01"));
    let mut town = Town::make(folder.path(), plan.clone())?;
    town.label(&a.at)?;
    town.label(&b.at)?;
    town.start()?;
    town.segments("c01", 2, 30)?;
    let pid = town.recorder.as_ref().map_or(0, |p| p.pid());
    let before = beadle_tests::measure::cost(pid)?.rss_mib;
    a.freeze()?;
    let shed = wait::until(
        "the disk does not answer: fragments are dropped",
        19,
        || {
            town.must_run()?;
            let status = town.status().unwrap_or_default();
            Ok(status["cameras"][0]["shed"].as_u64().is_some_and(|n| n > 0))
        },
    );
    let during = beadle_tests::measure::cost(pid)?.rss_mib;
    a.thaw()?;
    shed?;
    assert!(
        during - before < LIMIT_MIB,
        "memory grew from {before} to {during} MiB while the disk did not answer"
    );
    town.line("the gap is on the record", 30, |l| {
        l["type"] == "seg.gap" && l["data"]["why"] == "shed"
    })?;
    assert_eq!(town.fault("disk.failed"), None, "slow is not failed");
    town.stop()?;

    town.configure(&plan.volume(&b.at))?;
    // So that the disk about to hang is the one chosen.
    b.fill_but(300)?;
    town.start()?;
    used(&mut town, &a, "the disk with more room is used")?;
    a.freeze()?;
    let left = (|| {
        fault_within(&mut town, "disk.failed", "disk-ashby does not answer", 40)?;
        let now = wait::now();
        lands_after(&mut town, now, SOON, "the hung disk is left")?;
        used(&mut town, &b, "the other disk is used")
    })();
    a.thaw()?;
    left?;
    well_again(&mut town, "disk.failed")?;
    used(&mut town, &a, "it answers again and is used")?;
    town.stop()?;
    town.start()?;
    let known = town.lines_of("seg.write", None).len();
    town.segments("c01", known + 1, 40)?;
    town.stop()?;
    whole(&hub, &town, &[&a, &b])
}

fn fault_within(town: &mut Town, code: &str, says: &str, secs: u64) -> Done<()> {
    wait::until(&format!("the fault {code} says {says}"), secs, || {
        town.must_run()?;
        Ok(town.fault(code).is_some_and(|detail| detail.contains(says)))
    })
}

/// FLT-3: status says how much each camera takes and how long there is room; what cannot be kept is a fault before it is lost.
#[test]
fn the_forecast_says_what_cannot_be_kept() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("the forecast of a small disk") {
        return Ok(());
    }
    disks::enter()?;
    let folder = Folder::new("forecast")?;
    let cameras = Cameras::start(scene())?;
    let a = Disk::make(folder.path(), "disk-ashby", 800)?;
    let mut town = Town::make(folder.path(), plan(&cameras))?;
    town.label(&a.at)?;
    town.start()?;
    let detail = wait::until("the forecast", 180, || {
        town.must_run()?;
        Ok(town.fault("disk.forecast"))
    })?;
    assert!(
        detail.contains("footage disks are full") && detail.contains("of 31"),
        "{detail}"
    );
    let said = town
        .command(args!["status"])?
        .well("beadle-edge status")?
        .out;
    assert!(
        said.contains("GiB a day, disks full today")
            || said.contains("GiB a day, disks full in 1 day"),
        "{said}"
    );
    let json = town
        .command(args!["status", "--json"])?
        .well("beadle-edge status --json")?
        .out;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    let forecast = &json["cameras"][0]["forecast"];
    assert_eq!(forecast["retention_days"], 31);
    // 400 kbit/s are 4.0 GiB a day; 800 MiB are gone today.
    let mib = forecast["mib_per_day"].as_u64().unwrap_or(0);
    assert!((2500..7000).contains(&mib), "{forecast}");
    assert!(
        forecast["days_left"].as_u64().is_some_and(|d| d <= 1),
        "{forecast}"
    );
    town.stop()
}

/// REC-1, FLT-3: another box's disk and a copy of a disk are not written to, each is said with what it is, and the right disk in
/// the same place is used as soon as it is there.
#[test]
fn a_wrong_disk_and_a_copied_one_are_not_used() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("another box's disk and a copied one") {
        return Ok(());
    }
    disks::enter()?;
    let folder = Folder::new("wrong")?;
    let cameras = Cameras::start(scene())?;
    let a = Disk::make(folder.path(), "disk-ashby", 300)?;
    let b = Disk::make(folder.path(), "disk-b", 400)?;
    let c = Disk::make(folder.path(), "disk-c", 500)?;
    let right = Disk::make(folder.path(), "disk-right", 600)?;
    let mut town = Town::make(folder.path(), plan(&cameras).volume(&b.at).volume(&c.at))?;
    let brook = Town::make(
        folder.path(),
        Plan::new("brook").camera("c01", "rtsp://127.0.0.1:1/x"),
    )?;
    town.label(&a.at)?;
    town.label(&right.at)?;
    brook.label(&b.at)?;
    for disk in [&a, &c, &right] {
        disk.unmount()?;
    }
    let image = |name: &str| folder.path().join(format!("{name}.img"));
    fs::copy(image("disk-ashby"), image("disk-c")).told("copying a disk")?;
    a.mount()?;
    c.mount()?;

    town.start()?;
    fault(&mut town, "disk.label", "disk-b belongs to the box brook")?;
    fault(&mut town, "disk.label", "are the same volume")?;
    town.segments("c01", 2, 40)?;
    for disk in [&b, &c] {
        assert!(
            disk.holds(".open").is_empty() && disk.holds(".age").is_empty(),
            "{} was recorded to",
            disk.at.display()
        );
    }
    b.unmount()?;
    disks::tell("mount", args!["-o", "loop", image("disk-right"), b.at])?;
    used(&mut town, &b, "the right disk is used")?;
    let still = town.fault("disk.label").unwrap_or_default();
    assert!(
        still.contains("are the same volume") && !still.contains("brook"),
        "{still}"
    );
    town.stop()
}

/// The recorder's user, whom no machine knows.
const RECORDER: u32 = 47_110;

fn mode(path: &Path) -> Done<(u32, u32)> {
    let about = fs::metadata(path).told(path.display())?;
    Ok((about.uid(), about.permissions().mode() & 0o7777))
}

/// A command of root's gives a footage disk to the recorder, and nothing else to anybody: a folder with other things in it, the
/// system's own folders and a disk labelled already are refused and stay as they were.
#[test]
fn labelling_gives_away_footage_disks_only() -> Done<()> {
    let _alone = rig::alone();
    if !disks::possible("labelling as root for another user") {
        return Ok(());
    }
    disks::enter()?;
    let folder = Folder::new("label")?;
    // All that is written lies apart from the machine's own file system.
    disks::tell("mount", args!["-t", "tmpfs", "tmpfs", folder.path()])?;
    let plan = Plan::new("ashby").camera("c01", "rtsp://127.0.0.1:1/x");
    let a = Disk::make(folder.path(), "disk-ashby", 64)?;
    let other = Disk::make(folder.path(), "disk-other", 64)?;
    let state = Disk::make(folder.path(), "box-ashby", 64)?;
    let town = Town::make(folder.path(), plan)?;
    // The state folder is root's, the recorder's folder in it the recorder's, as the package makes them.
    let recorder = town.state.join("recorder");
    fs::create_dir_all(&recorder).told("mkdir")?;
    std::os::unix::fs::chown(&recorder, Some(RECORDER), Some(RECORDER)).told("chown")?;
    fs::write(other.at.join("accounts.ods"), b"somebody's").told("write")?;
    // If anything here were wrong, the machine's own folders would change hands: they cannot, below this mount.
    disks::tell("mount", args!["-o", "remount,bind,ro", "/"])?;

    for (path, says) in [
        (other.at.as_path(), "accounts.ods"),
        (Path::new("/"), "system disk"),
        (Path::new("/etc"), "system disk"),
        (state.at.as_path(), "state folder"),
    ] {
        let before = mode(path)?;
        let said = town.command(args!["volume", "label", path])?;
        assert!(
            said.status != 0 && said.err.contains(says),
            "{}: {said:?}",
            path.display()
        );
        assert_eq!(mode(path)?, before, "{}", path.display());
        assert!(!path.join("beadle-volume.json").exists());
    }
    for path in ["/", "/etc"] {
        let before = mode(Path::new(path))?;
        let said = town.command(args!["volume", "label", "--system-disk", path])?;
        let clear = said.err.contains("holds") || said.err.contains("state folder");
        assert!(said.status != 0 && clear, "{path}: {said:?}");
        assert_eq!(mode(Path::new(path))?, before);
    }

    town.label(&a.at)?;
    assert_eq!(mode(&a.at)?, (RECORDER, 0o2770));
    for file in ["beadle-volume.json", "beadle-volume.json.sig"] {
        assert_eq!(mode(&a.at.join(file))?.0, RECORDER, "{file}");
    }
    assert_eq!(
        mode(&town.state.join("recorder/identity/box.key"))?,
        (RECORDER, 0o600)
    );
    fs::set_permissions(&a.at, fs::Permissions::from_mode(0o755)).told("chmod")?;
    let said = town.command(args!["volume", "label", a.at])?;
    assert!(
        said.status != 0 && said.err.contains("labelled already"),
        "{said:?}"
    );
    assert_eq!(mode(&a.at)?, (RECORDER, 0o755), "not touched");
    for disk in [a, other, state] {
        drop(disk);
    }
    disks::tell("umount", args!["-l", folder.path()])?;
    disks::tell("mount", args!["-o", "remount,bind,rw", "/"])
}
