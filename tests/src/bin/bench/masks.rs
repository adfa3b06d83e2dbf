//! Wiring. What masks cost.
//!
//! `mask.burned`: what the picture worker of one burned 1080p25 camera spends on a picture, beside `ffmpeg` that decodes and encodes the
//! same camera with the same encoder settings in the same minute. `mask.proved`: eight 1080p25 cameras whose own mask is proved, beside
//! the same cameras recorded plainly by a second box in the same minute; CPU of everything a box runs. `mask.cameras`: how many of the
//! 1080p25 cameras of a box with one too many at least are burned in before it refuses the rest.
use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, OVER_MARKER, Scene},
    figure::Figure,
    measure::{Cost, cost, machine},
    town::{Plan, Town},
    wait::{self, Look},
    workers::workers,
};
use shared::time::Utc;

use crate::{
    boxes::{boxed, spent, undisturbed},
    peers::Peers,
};

/// The worker beside bare decoding and encoding: the same camera, the same settings, at the same time.
pub fn burned(secs: u64) -> Done<Vec<Figure>> {
    let folder = Folder::new("mask-burned")?;
    let cameras = Cameras::start(Scene::new().street("/bench/c01"))?;
    let plan = Plan::new("bench")
        .segment_secs(10)
        .camera("c01", cameras.url("/bench/c01"))
        .mask("m1", OVER_MARKER);
    let mut town = boxed(folder.path(), plan, 1)?;
    let child = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            "-threads",
            "1",
        ])
        .args([
            "-i",
            cameras.url("/bench/c01"),
            "-map",
            "0:v",
            "-vsync",
            "passthrough",
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "superfast",
            "-tune",
            "zerolatency",
            "-crf",
            "23",
        ])
        // As the worker: no more than the camera's own rate, slices in two threads, a key picture where the camera has one, in the same rhythm.
        .args([
            "-maxrate",
            "4M",
            "-bufsize",
            "8M",
            "-threads",
            "2",
            "-x264-params",
        ])
        .arg("keyint=50:min-keyint=50:scenecut=0:bframes=0")
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .told("starting ffmpeg")?;
    let peers = Peers(vec![child]);
    thread::sleep(Duration::from_secs(10)); // both have settled
    let parent = town.recorder.as_ref().map_or(0, |p| p.pid());
    let all = workers(parent);
    let [worker] = all[..] else {
        return Err(Trouble(format!("{} workers for one camera", all.len())));
    };
    let worker = worker.unsigned_abs();
    let since = wait::now();
    let (then, peer_then, began) = (cost(worker)?, peers.cost()?, Instant::now());
    eprintln!("  measuring for {secs} s");
    thread::sleep(Duration::from_secs(secs));
    let (own, peer) = (cost(worker)?.since(then), peers.cost()?.since(peer_then));
    // Both took every picture of a camera of 25 a second: less would have left a gap, or frames shed.
    let pictures = began.elapsed().as_secs_f64() * 25.0;
    town.must_run()?;
    town.stop()?;
    undisturbed(&town, since, "burned")?;
    let ms = |c: Cost| c.cpu_secs * 1000.0 / pictures;
    Ok(vec![
        Figure::new("mask.burned", "", ms(own), "CPU ms per picture")
            .beside("ffmpeg decode + encode", ms(peer))
            .at_most(1.05),
    ])
}

/// Eight cameras with masks of their own, proved, beside the same recorded plainly by another box at the same time.
pub fn proved(secs: u64) -> Done<Vec<Figure>> {
    const CAMERAS: usize = 8;
    let folder = Folder::new("mask-proved")?;
    let paths: Vec<String> = (0..CAMERAS).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths
        .iter()
        .fold(Scene::new(), |s, p| s.file(p, "zoned-1080p25.h264", 25));
    let cameras = Cameras::start(scene)?;
    let plan = |name: &str| {
        let all = paths.iter().enumerate();
        all.fold(Plan::new(name).segment_secs(10), |p, (i, path)| {
            let p = p.camera(&format!("c{i:02}"), cameras.url(path));
            if name == "proved" {
                p.mask("m1", OVER_MARKER).by_camera().colour("#000000")
            } else {
                p
            }
        })
    };
    let mut own = boxed(folder.path(), plan("proved"), CAMERAS)?;
    let mut plain = boxed(folder.path(), plan("plain"), CAMERAS)?;
    thread::sleep(Duration::from_secs(10)); // both have settled
    let since = wait::now();
    let (then, plain_then, began) = (spent(&own)?, spent(&plain)?, Instant::now());
    eprintln!("  measuring for {secs} s");
    thread::sleep(Duration::from_secs(secs));
    let (cost, plain_cost) = (spent(&own)?.since(then), spent(&plain)?.since(plain_then));
    let minutes = began.elapsed().as_secs_f64() / 60.0 * CAMERAS as f64;
    for (town, how) in [(&mut own, "proved"), (&mut plain, "none")] {
        town.must_run()?;
        town.stop()?;
        undisturbed(town, since, how)?;
    }
    let unit = "CPU s per stream-minute";
    Ok(vec![
        Figure::new("mask.proved", "", cost.cpu_secs / minutes, unit)
            .beside("the same, without proofs", plain_cost.cpu_secs / minutes)
            .at_most(2.0),
    ])
}

/// A box with more cameras to burn in than it can carry: those it refuses say so, the others record every picture.
pub fn carried(_: u64) -> Done<Vec<Figure>> {
    let folder = Folder::new("mask-cameras")?;
    let number = 2 + 4 * machine().cores;
    let paths: Vec<String> = (0..number).map(|i| format!("/bench/c{i:02}")).collect();
    let scene = paths.iter().fold(Scene::new(), |s, p| s.street(p));
    let cameras = Cameras::start(scene)?;
    let plan =
        paths
            .iter()
            .enumerate()
            .fold(Plan::new("bench").segment_secs(10), |p, (i, path)| {
                p.camera(&format!("c{i:02}"), cameras.url(path))
                    .mask("m1", OVER_MARKER)
            });
    let mut town = boxed(folder.path(), plan, 1)?;
    let refused = |town: &Town| {
        let status = town.status().unwrap_or_default();
        let faults = status["faults"].as_array().into_iter().flatten();
        faults.filter(|f| f["code"] == "mask.capacity").count()
    };
    let recording = |town: &Town, since: Utc| {
        let all = town.cameras.iter();
        all.filter(|c| town.landed(c).is_some_and(|t| t > since))
            .count()
    };
    // Refused ones ask again: what a minute later is so, stays so.
    let settled = Instant::now() + Duration::from_secs(60);
    let carried = wait::until("every camera records or is refused", 300, || {
        town.must_run()?;
        let (good, no) = (recording(&town, Utc(wait::now().0 - 3000)), refused(&town));
        let done = Instant::now() > settled && good + no == number && no > 0;
        Ok(if done {
            Look::Yes(good)
        } else {
            Look::NotYet(format!("{good} record, {no} are refused, of {number}"))
        })
    })?;
    let shed = town.fault("mask.overload");
    town.stop()?;
    if let Some(detail) = shed {
        return Err(Trouble(format!("more are carried than can be: {detail}")));
    }
    Ok(vec![Figure::new(
        "mask.cameras",
        "",
        carried as f64,
        "1080p25 burned in",
    )])
}
