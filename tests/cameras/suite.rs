//! Task. The test cameras themselves: they must do what the suites rely on.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
use std::{path::Path, process::Command};

use beadle_tests::{
    Folder, args,
    cameras::{Cameras, Scene},
    pictures, places, program,
};

fn scene() -> Scene {
    Scene::new()
        .street("/a/c01")
        .street_h265("/a/c02", "beadle", "s3cret")
        .marked("/a/c03")
        .street_with_sound("/a/c04")
}

/// Records a few seconds with stock ffmpeg, as a recorder would see them.
fn record(url: &str, secs: &str, to: &Path) -> program::Said {
    program::run(
        Path::new("ffmpeg"),
        args![
            "-v",
            "error",
            "-y",
            "-rtsp_transport",
            "tcp",
            "-timeout",
            "5000000",
            "-i",
            url,
            "-t",
            secs,
            "-c",
            "copy",
            to
        ],
    )
    .unwrap()
}

#[test]
fn cameras_show_what_they_should() {
    let folder = Folder::new("cameras").unwrap();
    let cameras = Cameras::start(scene()).unwrap();
    let file = folder.path().join("c01.mkv");
    assert_eq!(record(cameras.url("/a/c01"), "3", &file).status, 0);
    let video = pictures::video(&file).unwrap();
    assert_eq!(
        (
            &video["codec_name"],
            &video["width"],
            &video["avg_frame_rate"]
        ),
        (&"h264".into(), &1920.into(), &"25/1".into())
    );
    let file = folder.path().join("c03.mkv");
    assert_eq!(record(cameras.url("/a/c03"), "3", &file).status, 0);
    let seen = pictures::magenta(&file).unwrap();
    assert!(
        seen.len() >= 12 && seen.iter().all(|n| *n > 500),
        "the marker is in every picture of the unmasked camera: {seen:?}"
    );
    let file = folder.path().join("c04.mkv");
    assert_eq!(record(cameras.url("/a/c04"), "3", &file).status, 0);
    let kinds: Vec<_> = pictures::probe(&file).unwrap()["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["codec_name"].clone())
        .collect();
    assert_eq!(kinds, ["h264", "aac"]);
}

#[test]
fn only_the_right_password_opens_a_camera() {
    let folder = Folder::new("cameras").unwrap();
    let cameras = Cameras::start(scene()).unwrap();
    let file = folder.path().join("c02.mkv");
    let url = cameras.url("/a/c02").to_owned();
    let with = |login: &str| url.replace("rtsp://", &format!("rtsp://{login}@"));
    assert!(record(&url, "1", &file).err.contains("401"));
    assert!(
        record(&with("beadle:wrong"), "1", &file)
            .err
            .contains("401")
    );
    assert_eq!(record(&with("beadle:s3cret"), "1", &file).status, 0);
    cameras.password("/a/c02", "n@w:1").unwrap();
    assert!(
        record(&with("beadle:s3cret"), "1", &file)
            .err
            .contains("401")
    );
    assert_eq!(record(&with("beadle:n%40w%3A1"), "1", &file).status, 0);
    assert_eq!(pictures::video(&file).unwrap()["codec_name"], "hevc");
}

#[test]
fn orders_are_carried_out_and_told() {
    let folder = Folder::new("cameras").unwrap();
    let cameras = Cameras::start(scene()).unwrap();
    let file = folder.path().join("c01.mkv");
    let mut viewer = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-rtsp_transport",
            "tcp",
            "-i",
            cameras.url("/a/c01"),
            "-c",
            "copy",
        ])
        .arg(&file)
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    cameras.played(0, "/a/c01").unwrap();
    cameras.stall("/a/c01").unwrap();
    cameras.resume("/a/c01").unwrap();
    cameras.lose("/a/c01", 3).unwrap();
    cameras.clock_jump("/a/c01", 5.0).unwrap();
    cameras
        .resolution("/a/c01", &places::footage("street-720p25.h264").unwrap())
        .unwrap();
    let since = cameras.events();
    cameras.drop_viewers("/a/c01").unwrap();
    cameras
        .event_since(since, "the viewer is gone", |e| {
            e["event"] == "gone" && e["cam"] == "/a/c01" && e["viewers"] == 0
        })
        .unwrap();
    viewer.wait().unwrap();
    cameras.reboot("/a/c01", 1.0).unwrap();
    assert!(
        record(cameras.url("/a/c01"), "1", &file)
            .err
            .contains("404")
    );
    cameras
        .event_since(since, "the camera is back", |e| e["event"] == "back")
        .unwrap();
    assert_eq!(record(cameras.url("/a/c01"), "1", &file).status, 0);
    assert_eq!(
        pictures::video(&file).unwrap()["width"],
        1280,
        "the other file stays"
    );
    let refused = cameras.stall("/nowhere").unwrap_err().to_string();
    assert!(refused.contains("no camera /nowhere"), "{refused}");
    assert_eq!(cameras.stats().unwrap()["cameras"]["/a/c01"]["plays"], 2);
}
