//! Task. MSK-1: a picture worker that hangs costs its own camera two seconds and no other anything; one that is slow costs pictures. By
//! itself: it measures what is lost.

use std::{
    collections::BTreeMap,
    process::{Child, Command},
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Told,
    cameras::{Coded, OVER_MARKER, Scene},
    record,
    stalls::Stalls,
    wait,
    workers::{tell, workers},
};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::rig::{alone::Alone, seconds};

/// MSK-5: a picture worker that hangs, or is fed rubbish by its camera, costs that camera 2 s at most, by the record, and the others
/// nothing. A camera whose own mask is proved loses nothing either: its pictures wait while another worker takes the proofs over.
#[test]
fn a_worker_that_hangs_costs_its_own_camera_two_seconds() -> Done<()> {
    let scene = Scene::new()
        .marker("/w/c01")
        .marker("/w/c02")
        .zoned("/w/c03")
        .marker("/w/c04");
    let mut rig = Alone::new("hangs", scene, |plan, cameras| {
        plan.camera("c01", cameras.url("/w/c01"))
            .mask("m1", OVER_MARKER)
            .camera("c02", cameras.url("/w/c02"))
            .mask("m2", OVER_MARKER)
            .pixelated(None)
            .camera("c03", cameras.url("/w/c03"))
            .mask("m3", OVER_MARKER)
            .by_camera()
            .camera("c04", cameras.url("/w/c04"))
    })?;
    let all = ["c01", "c02", "c03", "c04"];
    let settled = |rig: &mut Alone| -> Done<()> {
        let now = all.map(|cam| rig.town.lines_of("seg.write", Some(cam)).len());
        for (cam, now) in all.into_iter().zip(now) {
            rig.town.segments(cam, now + 2, 60)?;
        }
        Ok(())
    };
    let stalls = Stalls::watch(rig.folder.path())?;
    settled(&mut rig)?;
    let mut costs = BTreeMap::new();
    // Each has one worker; the first in turn is the one that has been there longest.
    for round in 0..3 {
        let raised = |rig: &Alone| {
            let mut all = rig.town.lines_of("fault.on", None);
            all.retain(|f| f["data"]["code"] == "mask.worker");
            all
        };
        let fails = raised(&rig).len();
        let gaps = rig.town.lines_of("seg.gap", None).len();
        let parent = rig.pid();
        let mut there = wait::until("one worker for each masked camera", 10, || {
            let now = workers(parent);
            Ok((now.len() == 3).then_some(now))
        })?;
        there.sort_unstable();
        assert!(tell(there[0], parent, Signal::SIGSTOP)?);
        let fail = wait::until(
            &format!("a failure on the record, round {round}"),
            20,
            || {
                rig.town.must_run()?;
                Ok(raised(&rig).get(fails).cloned())
            },
        )?;
        let victim = fail["data"]["cam"].as_str().unwrap_or_default().to_owned();
        settled(&mut rig)?;
        cost(&rig, gaps, &victim, &stalls, &mut costs)?;
    }
    let gaps = rig.town.lines_of("seg.gap", None).len();
    rig.cameras.rubbish("/w/c01", 5, false)?;
    settled(&mut rig)?;
    costs.remove("c01");
    cost(&rig, gaps, "c01", &stalls, &mut costs)?;
    assert_eq!(costs.len(), 3, "each camera had its turn: {costs:?}");
    rig.town.stop()?;
    record::declared(&rig.town)?;
    let mut frames = 0;
    for (cam, segments) in rig.judged(false)? {
        for (data, seen, _) in segments {
            assert!(
                cam == "c04" || seen.worst == 0,
                "{cam} shows the marker: {data}"
            );
            frames += seen.decoded;
        }
    }
    println!("{frames} pictures checked; the most that one failure cost, in ms: {costs:?}");
    Ok(())
}

/// What a camera lost since there were so many gaps, by the record: 2 s at most, and what the machine stood still; no other camera lost
/// anything.
fn cost(
    rig: &Alone,
    before: usize,
    victim: &str,
    stalls: &Stalls,
    costs: &mut BTreeMap<String, i64>,
) -> Done<()> {
    let (mut lost, mut still) = (0, 0);
    for gap in rig.town.lines_of("seg.gap", None).iter().skip(before) {
        let data = &gap["data"];
        assert_eq!(
            data["cam"], victim,
            "only its own camera is to lose anything: {data}"
        );
        let (t0, t1) = (seconds(&data["t0"])?, seconds(&data["t1"])?);
        lost += t1.0 - t0.0;
        // Gaps close together felt the same standing still: it counts once.
        still = still.max(stalls.before(t1));
    }
    let allowed = if victim == "c03" { 0 } else { 2000 };
    assert!(
        lost - still <= allowed,
        "{victim} lost {lost} ms; the machine stood still for {still}"
    );
    assert!(
        costs.insert(victim.to_owned(), lost).is_none(),
        "{victim} twice"
    );
    Ok(())
}

/// Programs that compute and nothing else, several for each core, until dropped.
struct Load(Vec<Child>);

impl Load {
    fn full() -> Done<Self> {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
        let hog = || {
            Command::new("sh")
                .args(["-c", "while :; do :; done"])
                .spawn()
                .told("starting a program that computes")
        };
        let mut all = Self(Vec::new());
        for _ in 0..cores * 4 {
            all.0.push(hog()?);
        }
        Ok(all)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

/// REC-1, MSK-5: a worker that gets little of the processor is slow and no more: two H.265 cameras whose masks are painted beside a full
/// load lose pictures at most, and no session. BEADLE_LOAD_SECS changes how long; five minutes belong to a release.
#[test]
fn beside_a_full_load_pictures_are_left_out_and_no_session_is() -> Done<()> {
    let secs = std::env::var("BEADLE_LOAD_SECS").ok();
    let secs = secs.and_then(|s| s.parse().ok()).unwrap_or(20);
    let scene = Scene::new()
        .marker_in("/l/c01", Coded::H265)
        .marker_in("/l/c02", Coded::H265);
    let mut rig = Alone::new("load", scene, |plan, cameras| {
        plan.camera("c01", cameras.url("/l/c01"))
            .mask("m1", OVER_MARKER)
            .camera("c02", cameras.url("/l/c02"))
            .mask("m2", OVER_MARKER)
            .pixelated(None)
    })?;
    let all = [("c01", "/l/c01"), ("c02", "/l/c02")];
    for (cam, _) in all {
        rig.town.segments(cam, 1, 60)?;
    }
    let load = Load::full()?;
    let until = Instant::now() + Duration::from_secs(secs);
    while Instant::now() < until {
        rig.town.must_run()?;
        for (cam, _) in all {
            // It goes on recording meanwhile.
            let now = rig.town.lines_of("seg.write", Some(cam)).len();
            rig.town.segments(cam, now + 1, 90)?;
        }
    }
    drop(load);
    for (cam, path) in all {
        assert_eq!(rig.cameras.plays(path), 1, "{cam} has had one session");
        let gaps = rig.town.lines_of("seg.gap", Some(cam));
        assert!(
            gaps.iter().all(|g| g["data"]["why"] != "mask-worker"),
            "{gaps:?}"
        );
    }
    let faults = rig.town.lines_of("fault.on", None);
    let failed = |f: &&Value| f["data"]["code"] == "mask.worker";
    assert_eq!(faults.iter().find(failed), None);
    rig.town.stop()?;
    for (cam, segments) in rig.judged(false)? {
        for (data, seen, _) in segments {
            assert_eq!(seen.worst, 0, "{cam} shows the marker: {data}");
        }
    }
    Ok(())
}
