//! Task. MSK-1, MSK-5: the marker under the polygon is in no recorded frame, whatever happens to the worker.

mod rig;

use std::{fs, path::Path};

use beadle_tests::{
    Done, Folder, Trouble, args,
    cameras::OVER_MARKER,
    pictures, places, program,
    town::{Plan, Town},
    wait,
};
use rig::{Rig, seconds};
use shared::time::Utc;

/// Process ids of the picture workers whose parent is `parent`.
fn workers(parent: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|n| n.parse::<i32>().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let ours = stat
            .rsplit(") ")
            .next()
            .and_then(|r| r.split(' ').nth(1))
            .and_then(|p| p.parse::<u32>().ok())
            == Some(parent);
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if ours && name.starts_with("beadle-picture") {
            found.push(pid);
        }
    }
    found
}

fn masters_are_clean(package: &Path) -> Done<usize> {
    let mut frames = 0;
    for file in places::files_below(package, ".mp4") {
        let seen = pictures::magenta(&file)?;
        if let Some(bad) = seen.iter().position(|n| *n > 0) {
            return Err(Trouble(format!(
                "{}: picture {bad} shows {} marker pixels",
                file.display(),
                seen[bad]
            )));
        }
        frames += seen.len();
    }
    Ok(frames)
}

#[test]
fn the_marker_is_in_no_recorded_frame_though_workers_die() -> Done<()> {
    // The test can see: the camera does send the marker.
    let source = places::footage("masked-640x360p12.h264")?;
    assert!(
        pictures::magenta(&source)?.iter().all(|n| *n > 100),
        "the camera's own pictures show the marker"
    );

    let mut rig = Rig::new("masks", 5)?;
    rig.town.segments("c03", 2, 90)?;
    let recorder = rig.town.recorder.as_ref().map_or(0, |p| p.pid());
    for round in 0..3 {
        let before = rig.town.lines_of("seg.write", Some("c03")).len();
        let old = workers(recorder);
        assert_eq!(old.len(), 1, "one worker for one masked camera");
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(old[0]),
            nix::sys::signal::Signal::SIGKILL,
        )
        .map_err(|e| Trouble(e.to_string()))?;
        wait::until(&format!("another worker, round {round}"), 30, || {
            Ok(workers(recorder).first().is_some_and(|p| *p != old[0]))
        })?;
        rig.town.segments("c03", before + 2, 60)?;
    }
    let written = rig.town.lines_of("seg.write", Some("c03"));
    assert!(
        written
            .iter()
            .all(|l| l["data"]["how"] == "burned" && l["data"]["mask"] == "m1"),
        "every segment says which mask and how"
    );
    assert!(!rig.town.lines_of("mask.set", Some("c03")).is_empty());
    assert!(
        rig.town.lines_of("mask.fail", Some("c03")).len() >= 3,
        "each failure is on the record"
    );
    let (from, to) = (
        seconds(&written[0]["data"]["t0"])?,
        seconds(&written[written.len() - 1]["data"]["t1"])?,
    );
    let pulled = rig.pull_with_gaps("c03", from, Utc(to.0 - 1))?;
    rig.check_package(&pulled.package)?;
    let frames = masters_are_clean(&pulled.package)?;
    println!("{frames} decoded frames of the masked camera checked");
    assert!(frames > 200, "{frames}");
    Ok(())
}

/// MSK-3: a mask past its review date is a fault of its camera, in words that say what to do; the mask stays. One that is not due is
/// none. Polygons over one another are refused before the box starts.
#[test]
fn a_mask_past_its_review_is_said() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("review")?;
    let nowhere = "rtsp://127.0.0.1:1/x";
    let plan = |polygons: &str| {
        Plan::new("ashby")
            .camera("c01", nowhere)
            .mask("m7", polygons)
            .review("2026-01-01")
            .camera("c02", nowhere)
            .mask("m8", OVER_MARKER)
            .review("2199-01-01")
    };
    let mut town = Town::make(folder.path(), plan(OVER_MARKER))?.labelled()?;
    town.start()?;
    let said = wait::until("the fault mask.review", 20, || {
        town.must_run()?;
        Ok(town.fault("mask.review"))
    })?;
    assert!(
        said.contains("mask m7") && said.contains("2026-01-01") && said.contains("stays in force"),
        "{said}"
    );
    let faults: Vec<_> = town.lines_of("fault.on", None);
    let due: Vec<_> = faults
        .iter()
        .filter(|l| l["data"]["code"] == "mask.review")
        .map(|l| l["data"]["cam"].clone())
        .collect();
    assert_eq!(due, ["c01"], "on the record, of the one camera");
    town.stop()?;

    let twice = Folder::new("overlap")?;
    let over = "[[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]], [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]]";
    let town = Town::make(twice.path(), plan(over))?;
    let check = program::run(
        &places::program("beadle-edge")?,
        args!["check-config", town.config],
    )?;
    assert!(
        check.status != 0
            && check.err.contains("25 % of the smaller one")
            && check.err.contains("middle"),
        "{check:?}"
    );
    Ok(())
}
