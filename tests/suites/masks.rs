//! Task. MSK-1, MSK-5: the marker under the polygon is in no recorded frame, whatever happens to the worker.

mod rig;

use std::{fs, path::Path};

use beadle_tests::{Done, Trouble, pictures, places, wait};
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
