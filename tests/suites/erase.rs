//! Task. RET-2, RET-4, audit.md 2.13, on a machine with the units' users: somebody who takes a box after the sweep, with the memory of its programs, every file it has and
//! every sealed segment copied beforehand, tries to open the deleted day.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::Scene,
    keys, pictures, places, program,
    secrets::{self, Found, Search, Secret},
    site::Site,
    swtpm::Swtpm,
    town::{Plan, SetClock},
    wait,
};
use serde_json::json;
use shared::time::{Utc, Zone};

use crate::rig::{self, Rig};

const DAY: i64 = 86_400_000;
const SEGMENT: u32 = 4;

/// Whether `age` opens any of these files with any of these identities.
fn any_opens(files: &[PathBuf], identities: &[String], scratch: &Path) -> Done<Vec<PathBuf>> {
    let list = scratch.join("tried.txt");
    fs::write(&list, identities.join("\n") + "\n")?;
    let mut opened = Vec::new();
    for file in files {
        if pictures::age_opens(file, &list, &scratch.join("plain.mp4"))? {
            opened.push(file.clone());
        }
    }
    Ok(opened)
}

fn copy(from: &Path, to: &Path) -> Done<()> {
    fs::create_dir_all(to)?;
    let everything = from.join(".");
    program::run(OsStr::new("cp").as_ref(), args!["-a", everything, to])?
        .well(&format!("copying {}", from.display()))
        .map(drop)
}

/// Everything an intruder could look at, looked at.
fn look(rig: &Rig, tpm: Option<&Swtpm>, secrets: &[Secret]) -> Done<Found> {
    let search = Search::new(secrets);
    let mut found = Found::default();
    for program in [&rig.town.reader, &rig.town.recorder].into_iter().flatten() {
        search.process(&program.name, program.pid(), &mut found)?;
    }
    search.files(&rig.town.state, &mut found)?;
    search.files(&rig.town.volume, &mut found)?;
    search.files(&rig.site.logs()?, &mut found)?;
    if let Some(tpm) = tpm {
        search.files(&tpm.state(), &mut found)?;
    }
    Ok(found)
}

/// Each program is the user that its unit names, and the recorder's user reads nothing of the reader's: not its files, not its memory.
fn users(rig: &Rig) -> Done<()> {
    for (unit, user) in [
        ("beadle-reader", "beadle-reader"),
        ("beadle-edge", "beadle"),
        ("beadle-hub", "beadle-hub"),
    ] {
        let of = rig.site.machine()?.unit(unit)?;
        assert_eq!(of["User"], user, "{unit}");
        let said = rig
            .site
            .sh(&format!("stat -c %U /proc/{}", of["MainPID"]))?;
        assert_eq!(said.out.trim(), user, "{unit}");
    }
    let reader = rig.site.machine()?.unit("beadle-reader")?["MainPID"].clone();
    for what in [
        "cat /var/lib/beadle-edge/reader/root.json".to_owned(),
        "ls /var/lib/beadle-edge/reader".to_owned(),
        format!("head -c1 /proc/{reader}/mem"),
        format!("cat /proc/{reader}/maps"),
        format!("cat /proc/{reader}/environ"),
        "test -w /run/tpm/tpm".to_owned(),
    ] {
        let said = rig.site.machine()?.sh_as("beadle", &what)?;
        assert_ne!(said.status, 0, "{what}: {said:?}");
    }
    Ok(())
}

/// One box that records a day and deletes it. The same processes do both: nothing is forgotten by a restart.
fn try_it(name: &str, with_tpm: bool) -> Done<()> {
    let zone = Zone::parse("Europe/London").map_err(|e| Trouble(e.to_string()))?;
    let now = wait::now().0;
    let noon = Utc(now - now.rem_euclid(DAY) + DAY / 2 - 40 * DAY);
    let _alone = rig::alone();
    let folder = Folder::new(name)?;
    let site = Site::installed(name, folder.path())?;
    let clock = SetClock::of(&site, "both", noon)?;
    let (hub_env, box_env) = (clock.env()?, clock.env()?);
    let tpm = if with_tpm {
        // As the TPM's own device is: for its group, which is the reader's too.
        let tpm = Swtpm::start(&site.path("/run/tpm")?)?;
        site.sh("chgrp tss /run/tpm/tpm && chmod 660 /run/tpm/tpm && chmod 700 /run/tpm/state")?;
        Some(tpm)
    } else {
        None
    };
    let plan = |cameras: &beadle_tests::cameras::Cameras| {
        let plan = Plan::new("ashby")
            .segment_secs(SEGMENT)
            .camera("c01", cameras.url("/ashby/c01"));
        match &tpm {
            Some(tpm) => plan.tpm(&tpm.socket()),
            None => plan,
        }
    };
    // The camera comes up once the hub vouches for the clock. Footage from before that is under a key of that start and dated by elapsed
    // time; what this is about is a day with its own key.
    let scene = Scene::new().odd("/ashby/c01", "street-low.h264", 25, json!({"away": true}));
    let mut rig = Rig::on(site, folder, scene, plan, hub_env, box_env)?;
    users(&rig)?;
    rig.town.line("the hub vouches for the clock", 90, |l| {
        l["type"] == "clock.state" && l["data"]["trust"] == "synced"
    })?;
    rig.cameras.appear("/ashby/c01")?;
    let day = zone.day_of(noon).to_string();
    let key = format!("c01/{day}");
    wait::until("four segments under the day's own key", 180, || {
        rig.town.must_run()?;
        let lines = rig.town.lines_of("seg.write", Some("c01"));
        Ok(lines
            .iter()
            .filter(|l| l["data"]["key"] == key.as_str())
            .count()
            >= 4)
    })?;

    // Before the sweep: a copy of everything, and all that could open the day.
    let scratch = rig.folder.path().join("scratch");
    let before = scratch.join("before");
    copy(&rig.town.state, &before.join("state"))?;
    copy(&rig.town.volume, &before.join("disk"))?;
    let roots = match &tpm {
        Some(tpm) => tpm.roots(&rig.town.state)?,
        None => vec![fs::read(rig.town.state.join("reader/root.key"))?],
    };
    let identities = keys::of_key(&before.join("state"), &roots, &key)?;
    assert_eq!(identities.len(), 1, "the day has one identity");
    let folder = before.join(format!("disk/footage/{day}/c01"));
    let sealed = places::files_below(&folder, ".mp4.age");
    assert!(sealed.len() >= 4, "{sealed:?}");
    assert_eq!(
        any_opens(&sealed, &identities, &scratch)?.len(),
        sealed.len(),
        "the day's identity opens every segment of it: the test can tell"
    );
    let mut secrets = secrets::of_identity("the day's identity", &identities[0])?;
    secrets.extend(roots.iter().map(|r| Secret::new("the root key", r)));
    let mut open = places::files_below(&folder, ".open");
    open.retain(|f| fs::metadata(f).is_ok_and(|m| m.len() > 200));
    for file in sealed.iter().chain(&open) {
        let of = secrets::of_segment(file, &identities)?;
        secrets.extend(of.ok_or_else(|| Trouble(format!("{} does not open", file.display())))?);
    }
    let found = look(&rig, tpm.as_ref(), &secrets)?;
    println!(
        "{name}, before: {} MiB, {:#?}",
        found.bytes >> 20,
        found.secrets
    );
    assert!(
        found.has("the day's identity, text in reader-") && found.has("the root key in reader-"),
        "the search finds in the reader's memory what is there"
    );
    assert!(
        !found.secrets.iter().any(|s| s.contains(".mp4.age in ")),
        "a closed segment's key is nowhere, even before the sweep"
    );
    let at_rest = match &tpm {
        Some(tpm) => tpm.state().display().to_string(),
        None => rig.town.state.join("reader/root.key").display().to_string(),
    };
    assert!(
        found.has(&format!("the root key in {at_rest}")),
        "the search finds the root key where it lies"
    );
    let recording = rig.town.volume.join(format!("footage/{day}/c01"));
    wait::until(
        "the search finds the key of what is being recorded",
        60,
        || {
            rig.town.must_run()?;
            let Some(file) = places::files_below(&recording, ".open").pop() else {
                return Ok(false);
            };
            let Ok(Some(keys)) = secrets::of_segment(&file, &identities) else {
                return Ok(false);
            };
            let mut found = Found::default();
            if let Some(recorder) = &rig.town.recorder {
                Search::new(&keys).process(&recorder.name, recorder.pid(), &mut found)?;
            }
            Ok(found.has("payload key of"))
        },
    )?;
    // The camera sends nothing more: nothing is written over what its last segments left in memory.
    rig.cameras.stall("/ashby/c01")?;

    // Forty days later. The sweep comes by itself.
    clock.set(0)?;
    let done = rig
        .town
        .line(&format!("the day of {day} is deleted"), 180, |l| {
            l["type"] == "del.done" && l["data"]["day"] == day.as_str()
        })?;
    assert_eq!(done["data"]["undecryptable"], true, "{done}");
    let claim = if with_tpm { "tpm" } else { "file" };
    assert_eq!(done["data"]["claim"], claim, "{done}");
    assert!(!rig.town.volume.join(format!("footage/{day}")).exists());

    // Now the intruder.
    let found = look(&rig, tpm.as_ref(), &secrets)?;
    println!(
        "{name}, after: {} MiB searched for {} secrets; {} other identities found and tried on {} segments",
        found.bytes >> 20,
        secrets.len(),
        found.identities.len(),
        sealed.len()
    );
    assert!(
        found.secrets.is_empty(),
        "left after the sweep: {:#?}",
        found.secrets
    );
    assert!(
        !found.identities.is_empty(),
        "the reader holds identities of other days: the search can tell"
    );
    let others: Vec<String> = found.identities.into_iter().collect();
    assert_eq!(any_opens(&sealed, &others, &scratch)?, [] as [PathBuf; 0]);
    let left = match &tpm {
        Some(tpm) => tpm.roots(&rig.town.state)?,
        None => vec![fs::read(rig.town.state.join("reader/root.key"))?],
    };
    assert!(
        left.iter().all(|l| !roots.contains(l)),
        "the root key is another, in every place it has"
    );
    // Today's files with today's root key; and the old file of identities, as worn flash may keep it, with today's root key.
    let now = keys::identities_with(&rig.town.state, &left, &scratch)?;
    assert!(!now.is_empty());
    assert_eq!(any_opens(&sealed, &now, &scratch)?, [] as [PathBuf; 0]);
    let old = before.join("old");
    copy(&before.join("state"), &old)?;
    for gone in ["reader/root.key", "reader/root.key.new"] {
        let _ = fs::remove_file(old.join(gone));
    }
    assert!(
        keys::identities_with(&old, &left, &scratch)?.is_empty(),
        "the old identities are noise to the new root key"
    );
    // With every old copy of every file there is: where the root key is in the TPM, still nothing. Where it is in a file, the old
    // file of it and the old identities do open the day: what flash may keep, and why the claim is `file` and no more.
    let kept = keys::identities(&before.join("state"), &scratch)?;
    let opened = any_opens(&sealed, &kept, &scratch)?;
    if with_tpm {
        assert!(kept.is_empty() && opened.is_empty(), "{opened:?}");
    } else {
        assert_eq!(opened.len(), sealed.len(), "the documented weaker result");
    }
    let status = rig.town.command(args!["status"])?.well("status")?;
    assert!(
        status.out.contains(&format!("(claim {claim})")),
        "{}",
        status.out
    );
    let doctor = rig.town.command(args!["doctor"])?;
    assert!(doctor.out.contains("✓ root key: in "), "{}", doctor.out);
    if let Some(tpm) = tpm {
        recording_goes_on_without(tpm, &mut rig)?;
    }
    rig.stop_and_verify_logs().told(name)
}

/// REC-1, FLT-1: the TPM is dead when the box starts. It records, and says what is the matter.
fn recording_goes_on_without(tpm: Swtpm, rig: &mut Rig) -> Done<()> {
    rig.town.stop()?;
    drop(tpm);
    rig.town.start()?;
    let fault = wait::until("the fault names the TPM", 30, || {
        rig.town.must_run()?;
        Ok(rig
            .town
            .fault("reader.absent")
            .filter(|f| f.contains("TPM")))
    })?;
    assert!(fault.contains("cannot be used"), "{fault}");
    let doctor = rig.town.command(args!["doctor"])?;
    let said = doctor.out.lines().find(|l| l.contains("reader: "));
    assert!(
        said.is_some_and(|l| l.starts_with('✗') && l.contains("the TPM at")),
        "{}",
        doctor.out
    );
    let recorded = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.cameras.resume("/ashby/c01")?;
    rig.town.segments("c01", recorded + 2, 90).map(drop)
}

/// RET-2, RET-4, REC-1, FLT-1, audit.md 2.13: with the root key in a TPM (swtpm) nothing opens the deleted day: not memory, not files, not copies of
/// all files and segments from before, not what the TPM gives or keeps.
#[test]
fn nothing_opens_a_deleted_day_with_a_tpm() -> Done<()> {
    try_it("erase-tpm", true)
}

/// RET-2, RET-4, audit.md 2.13: with the root key in a file nothing left on the box opens the deleted day; old copies of two files do,
/// which is what the claim `file` says.
#[test]
fn a_deleted_day_with_the_key_in_a_file_opens_only_with_old_copies() -> Done<()> {
    try_it("erase-file", false)
}
