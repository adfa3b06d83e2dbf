//! Task. MSK-1, MSK-2, MSK-5: what is under a polygon is in no recorded frame, painted by the box or proved to be painted by the
//! camera, whatever happens to the worker or to the camera's own mask. Five minutes of everything at once: suite `marker`.

use std::{collections::BTreeMap, fs, path::Path};

use beadle_tests::{
    Done, Folder, Trouble, args,
    cameras::{CELL, Cameras, Coded, Cover, OVER_MARKER, Place, Scene, marked},
    hub::Hub,
    pictures, places, program, record,
    town::{Plan, Town},
    wait,
    workers::{tell, workers},
};
use nix::sys::signal::Signal;
use shared::time::Utc;

use crate::rig::{self, Rig, alone::Alone, seconds};

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
        let old = wait::until("one worker for one masked camera", 10, || {
            let now = workers(recorder);
            Ok((now.len() == 1).then_some(now))
        })?;
        assert!(tell(old[0], recorder, Signal::SIGKILL)?);
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

/// Three cameras with zones of their own: black, a mosaic with B pictures, black in H.265.
fn zoned() -> Scene {
    Scene::new()
        .zoned("/z/c01")
        .zoned_pixelated("/z/c02")
        .zoned_in("/z/c03", Coded::H265, Cover::Solid)
}

fn by_cameras(plan: Plan, cameras: &Cameras) -> Plan {
    plan.camera("c01", cameras.url("/z/c01"))
        .mask("m1", OVER_MARKER)
        .by_camera()
        .colour("#000000")
        .camera("c02", cameras.url("/z/c02"))
        .mask("m2", OVER_MARKER)
        .by_camera()
        .pixelated(Some(CELL))
        .camera("c03", cameras.url("/z/c03"))
        .mask("m3", OVER_MARKER)
        .by_camera()
}

/// MSK-1, MSK-2, AUD-1: a mask in the camera is proved at every key frame, and that costs not one picture: what is recorded are the
/// camera's own, one after the other; each segment's line says how it was masked and how many proofs there were.
#[test]
fn a_cameras_own_mask_is_proved_and_costs_no_picture() -> Done<()> {
    let mut rig = Alone::new("proved", zoned(), by_cameras)?;
    let sources = [
        ("c01", "m1", marked(Coded::H264, "solid")),
        ("c02", "m2", marked(Coded::H264B, "mosaic")),
        ("c03", "m3", marked(Coded::H265, "solid")),
    ];
    for (cam, _, _) in &sources {
        rig.last_segments(cam, "proved", 4, 90)?;
    }
    rig.town.stop()?;
    record::declared(&rig.town)?;
    assert!(rig.town.lines_of("mask.fail", None).is_empty());
    let judged = rig.judged(true)?;
    for (cam, mask, source) in sources {
        let segments = &judged[cam];
        for (data, seen, _) in segments {
            assert_eq!(
                (&data["how"], &data["mask"]),
                (&"proved".into(), &mask.into())
            );
            assert!(
                seen.keys > 0 && data["proofs"].as_u64() >= Some(seen.keys),
                "{data}"
            );
            assert_eq!((seen.worst, seen.decoded), (0, seen.pictures), "{data}");
        }
        for pair in segments.windows(2) {
            assert_eq!(
                pair[0].0["t1"], pair[1].0["t0"],
                "{cam}: a picture is missing"
            );
        }
        let shown: Vec<String> = segments.iter().flat_map(|s| s.2.clone()).collect();
        let own = pictures::decoded(&places::footage(&source)?)?;
        let sent: Vec<String> = own.iter().cycle().take(own.len() * 6).cloned().collect();
        assert!(
            pictures::run_of(&sent, &shown).is_some(),
            "{cam}: {} pictures recorded, not all of them the camera's one after the other",
            shown.len()
        );
        println!("{cam}: {} pictures proved and recorded", shown.len());
    }
    Ok(())
}

/// MSK-2, MSK-5, FLT-3: a camera whose mask goes, in the middle of a group of pictures or at a key picture: not one uncovered picture is
/// recorded as it came; those on both sides of the failed proof are left out, and declared; a fault says why in a sentence; the box paints
/// the mask itself, and leaves it to the camera again after the mask has been back for a time; then the fault is over.
#[test]
fn a_cameras_mask_that_goes_is_noticed_and_painted_until_it_is_back() -> Done<()> {
    let mut rig = Alone::new("unproved", zoned(), by_cameras)?;
    for cam in ["c01", "c02", "c03"] {
        rig.last_segments(cam, "proved", 1, 60)?;
    }
    let acts = [("c01", Place::Middle), ("c02", Place::Key)];
    let mut opened = BTreeMap::new();
    for (cam, place) in acts {
        let (path, since) = (format!("/z/{cam}"), rig.cameras.events());
        rig.cameras.uncover(&path, place)?;
        rig.cameras.shown(since, &path, false)?;
        opened.insert(cam, wait::now());
    }
    for (cam, _) in acts {
        let said = wait::until(&format!("the fault of {cam}"), 30, || {
            rig.town.must_run()?;
            Ok(rig.fault("mask.unproved", cam))
        })?;
        assert!(
            said.contains("polygon 1") && said.contains("the box paints the mask meanwhile"),
            "{said}"
        );
        rig.last_segments(cam, "burned", 2, 60)?;
    }
    for (cam, place) in acts {
        rig.cameras.cover(&format!("/z/{cam}"), place)?;
    }
    for (cam, _) in acts {
        // The box waits for a minute of nothing but passes.
        rig.last_segments(cam, "proved", 2, 150)?;
        wait::until(&format!("the fault of {cam} is over"), 30, || {
            Ok(rig.fault("mask.unproved", cam).is_none())
        })?;
    }
    rig.town.stop()?;
    record::declared(&rig.town)?;
    let judged = rig.judged(false)?;
    for (cam, segments) in &judged {
        for (data, seen, _) in segments {
            assert_eq!(seen.worst, 0, "{cam} shows the marker: {data}");
            assert!(data["how"] != "proved" || data["proofs"].as_u64() >= Some(seen.keys));
        }
        let (frames, hows) = (
            segments.iter().map(|s| s.1.decoded).sum::<usize>(),
            segments.iter().map(|s| s.0["how"].as_str().unwrap_or("?")),
        );
        let mut hows: Vec<&str> = hows.collect();
        hows.dedup();
        println!("{cam}: {frames} pictures checked, segments {hows:?}");
        if !opened.contains_key(cam.as_str()) {
            assert_eq!(hows, ["proved"], "{cam} goes on as if nothing were");
            continue;
        }
        assert_eq!(hows, ["proved", "burned", "proved"], "{cam}");
        let burned = segments.iter().position(|s| s.0["how"] == "burned");
        let (before, after) = segments.split_at(burned.unwrap_or(0));
        let ends = seconds(&before[before.len() - 1].0["t1"])?;
        let begins = seconds(&after[0].0["t0"])?;
        let gaps = rig.town.lines_of("seg.gap", Some(cam));
        assert!(
            gaps.iter().any(|g| g["data"]["why"] == "mask-unproved"
                && seconds(&g["data"]["t0"]).is_ok_and(|t| t <= ends)
                && seconds(&g["data"]["t1"]).is_ok_and(|t| t >= begins)),
            "{cam}: {ends} to {begins}: {gaps:?}"
        );
        let fails = rig.town.lines_of("mask.fail", Some(cam));
        assert!(
            fails.iter().any(|f| f["data"]["why"]
                .as_str()
                .is_some_and(|w| w.contains("polygon 1"))),
            "{cam}: {fails:?}"
        );
        let others = rig.town.lines_of("seg.gap", Some(cam));
        println!(
            "{cam}: gaps {:?}",
            others
                .iter()
                .map(|g| g["data"]["why"].to_string())
                .collect::<Vec<_>>()
        );
    }
    // At a key picture: all that came before was covered, and of that the whole group of two seconds before it is left out too.
    let before = judged["c02"]
        .iter()
        .rev()
        .skip_while(|s| s.0["how"] != "burned");
    let last = before
        .skip_while(|s| s.0["how"] == "burned")
        .map(|s| &s.0["t1"])
        .next();
    let ends = last.map(seconds).transpose()?.unwrap_or(Utc(i64::MAX));
    assert!(
        opened["c02"].0 - ends.0 >= 1500,
        "pictures up to {ends} are recorded, the camera's zone went at {}",
        opened["c02"]
    );
    Ok(())
}

/// MSK-1, FLT-3: a box set to encode on a graphics device that is not there encodes by itself: masked as ever, no picture lost, and the
/// fault names the device and what to do; so does `doctor`.
#[test]
fn a_graphics_device_that_is_not_there_costs_nothing() -> Done<()> {
    const DEVICE: &str = "/dev/dri/renderD999";
    let mut rig = Alone::new("device", Scene::new().marked("/g/c01"), |plan, cameras| {
        plan.encoder(DEVICE)
            .camera("c01", cameras.url("/g/c01"))
            .mask("m1", OVER_MARKER)
    })?;
    rig.last_segments("c01", "burned", 2, 90)?;
    let said = wait::until("the fault mask.encoder", 20, || {
        Ok(rig.fault("mask.encoder", "c01"))
    })?;
    assert!(
        said.contains(DEVICE) && said.contains("No such file or directory"),
        "{said}"
    );
    let doctor = rig.town.command(args!["doctor", "--json"])?;
    assert!(
        doctor.out.contains("mask.encoder")
            && doctor.out.contains(&format!("more if {DEVICE} encodes")),
        "{}",
        doctor.out
    );
    rig.town.stop()?;
    record::declared(&rig.town)?;
    let fails = rig.town.lines_of("mask.fail", None);
    assert!(fails.is_empty(), "{fails:?}");
    for (data, seen, _) in &rig.judged(false)?["c01"] {
        assert_eq!((seen.worst, seen.decoded), (0, seen.pictures), "{data}");
    }
    Ok(())
}

/// MSK-3, MSK-1: a mask is shown in words, and drawn on what the camera sees for whoever sets it, until the box is enrolled; then at the
/// box nobody sees a picture. One that cannot be is refused in words, each fault by its polygon.
#[test]
fn a_mask_is_drawn_for_the_installer_only() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("drawn")?;
    let cameras = Cameras::start(Scene::new().marked("/d/c01"))?;
    let mut hub = Hub::make(folder.path())?.started()?;
    let plan = Plan::new("ashby")
        .camera("c01", cameras.url("/d/c01"))
        .mask("m7", OVER_MARKER)
        .review("2199-01-01");
    let town = Town::make(folder.path(), plan)?;
    let out = folder.path().join("still.jpg");
    let show = || town.command(args!["mask", "show", "c01", "--out", out]);
    let said = show()?;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out
            .contains("mask m7, solid, painted by this box, 6.0 %")
            && said
                .out
                .contains("polygon 1: 4 corners, 60 to 80 % across, 30 to 60 % down"),
        "{said:?}"
    );
    let still = pictures::video(&out)?;
    assert_eq!(
        (&still["codec_name"], &still["width"], &still["height"]),
        (&"mjpeg".into(), &640.into(), &360.into())
    );
    assert!(
        pictures::magenta(&out)?.iter().all(|n| *n > 100),
        "it shows what the mask is to hide"
    );
    let again = show()?;
    assert!(
        again.status != 0 && again.err.contains("cannot write"),
        "nothing is written over: {again:?}"
    );

    let file = folder.path().join("mask.toml");
    fs::write(&file, "id = \"m8\"\npolygons = [[[0.1, 0.1], [0.5, 0.5], [0.5, 0.1], [0.1, 0.5]], [[0.2, 0.2], [1.2, 0.2], [0.2, 0.4]]]\n")
        .map_err(|e| Trouble(e.to_string()))?;
    let check = town.command(args!["mask", "check", "c01", file])?;
    assert!(
        check.status != 0
            && check.err.contains("polygons[0]")
            && check.err.contains("cross")
            && check.err.contains("polygons[1]"),
        "{check:?}"
    );

    let town = town.enrolled(&mut hub)?;
    fs::remove_file(&out).map_err(|e| Trouble(e.to_string()))?;
    let said = town.command(args!["mask", "show", "c01", "--out", out])?;
    assert!(
        said.status != 0 && said.err.contains("this box is enrolled") && !out.exists(),
        "{said:?}"
    );
    assert!(said.out.contains("mask m7"), "in words it is");
    Ok(())
}
