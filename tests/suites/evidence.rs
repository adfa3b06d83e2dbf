//! Task. The main job on real parts: cameras by GStreamer, the real box and hub, stock tools as judges.

mod rig;

use std::path::PathBuf;

use beadle_tests::{Done, Trouble, args, pictures, program, wait};
use rig::{Rig, seconds};

/// EVI-1, EVI-2, REC-2, REC-4, AUD-3, AUD-5: a clip of the H.264 camera comes through the hub with its certificate; the working copy is
/// the camera's own pictures from a key frame at or before what was asked to its end; both verifiers agree on everything.
#[test]
fn a_clip_from_camera_to_verified_package() -> Done<()> {
    let mut rig = Rig::new("evidence", 10)?;
    rig.town.segments("c01", 3, 90)?;
    rig.town.segments("c02", 3, 60)?;
    for (cam, codec) in [("c01", "h264"), ("c02", "hevc")] {
        let segments = rig.town.lines_of("seg.write", Some(cam));
        let (first, last) = (&segments[0]["data"], &segments[2]["data"]);
        // From the middle of one segment into the third.
        let from = shared::time::Utc(seconds(&first["t0"])?.0 + 3_500);
        let to = shared::time::Utc(seconds(&last["t0"])?.0 + 2_300);
        let pulled = rig.pull(cam, from, to)?;
        rig.check_package(&pulled.package)?;

        let working: Vec<PathBuf> =
            beadle_tests::places::files_below(&pulled.package.join("working"), ".mp4");
        assert_eq!(working.len(), 1, "one working copy: {working:?}");
        let video = pictures::video(&working[0])?;
        assert_eq!(video["codec_name"], codec);
        assert_eq!(video["avg_frame_rate"], "25/1", "{cam}");
        assert_eq!(
            (video["width"].as_u64(), video["height"].as_u64()),
            (Some(1920), Some(1080))
        );
        let length: f64 = video["duration"]
            .as_str()
            .and_then(|d| d.parse().ok())
            .unwrap_or(0.0);
        let asked = (to.0 - from.0) as f64 / 1000.0;
        // Key frames come every two seconds: at most that much before, and at the end at most one picture more.
        assert!(
            length >= asked - 0.001 && length <= asked + 2.0 + 0.1,
            "{cam}: asked {asked} s, got {length} s"
        );
        assert!(
            pictures::packets(&working[0])?.first().is_some_and(|p| p.1),
            "{cam}: it begins with a key frame"
        );

        let mut masters = Vec::new();
        for file in beadle_tests::places::files_below(&pulled.package.join("master"), ".mp4") {
            masters.extend(pictures::framehash(&file)?);
        }
        let copy = pictures::framehash(&working[0])?;
        assert!(
            pictures::run_of(&masters, &copy).is_some(),
            "{cam}: the working copy is a run of the masters, by stock ffmpeg"
        );
        // REC-2: its pictures are those the camera plays (round and round), each of them, untouched.
        let source = match codec {
            "h264" => "street-1080p25.h264",
            _ => "street-1080p25.h265",
        };
        let source: std::collections::BTreeSet<String> =
            pictures::decoded(&beadle_tests::places::footage(source)?)?
                .into_iter()
                .collect();
        let shown = pictures::decoded(&working[0])?;
        let strange = shown.iter().filter(|p| !source.contains(*p)).count();
        assert_eq!(
            (shown.len(), strange),
            (copy.len(), 0),
            "{cam}: pictures, and those that are not the camera's"
        );
    }
    rig.stop_and_verify_logs()
}

/// Audit 2.14: what a court's expert can do with coreutils and openssl alone.
#[test]
fn stock_tools_check_the_package() -> Done<()> {
    let mut rig = Rig::new("stock-tools", 10)?;
    rig.town.segments("c01", 2, 90)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let from = seconds(&segments[0]["data"]["t0"])?;
    let pulled = rig.pull("c01", from, shared::time::Utc(from.0 + 6_000))?;
    let script = r#"
        set -e
        cd "$1"
        sha256sum --quiet -c SHA256SUMS
        openssl dgst -sha256 -verify keys/seal.pem -signature SHA256SUMS.sig SHA256SUMS
        n=$(ls log/proof | head -1)
        sed '1,/^$/d' "log/proof/$n" > "$2/head.note"
        head -3 "$2/head.note" > "$2/b"
        sed -n 5p "$2/head.note" | awk '{print $3}' | base64 -d | tail -c64 > "$2/s"
        openssl pkeyutl -verify -pubin -inkey keys/box.pem -rawin -in "$2/b" -sigfile "$2/s"
        sed -n 6p "$2/head.note" | awk '{print $3}' | base64 -d > "$2/c"
        t=$((16#$(head -c12 "$2/c" | tail -c8 | od -An -tx1 | tr -d ' \n')))
        (printf 'cosignature/v1\ntime %d\n' "$t"; cat "$2/b") > "$2/h"
        tail -c64 "$2/c" > "$2/hs"
        openssl pkeyutl -verify -pubin -inkey keys/hub.pem -rawin -in "$2/h" -sigfile "$2/hs"
        line=$(head -1 log/records.jsonl)
        (printf '\000'; printf '%s\n' "$line") | sha256sum
    "#;
    let scratch = rig.folder.path().join("scratch");
    std::fs::create_dir_all(&scratch)?;
    program::run(
        std::path::Path::new("bash"),
        args!["-c", script, "bash", pulled.package, scratch],
    )?
    .well("checking with sha256sum and openssl")?;
    Ok(())
}

/// REC-1, FLT-3: recording does not need the hub; what was logged meanwhile is countersigned when it is back.
#[test]
fn recording_goes_on_without_the_hub() -> Done<()> {
    let mut rig = Rig::new("no-hub", 5)?;
    rig.town.segments("c01", 1, 60)?;
    rig.hub.kill9()?;
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 3, 60)?;
    let size = rig.town.lines().len() as u64;
    rig.hub.start()?;
    let note = rig.town.log().join("cosigned.note");
    wait::until("the hub has countersigned what it missed", 150, || {
        let text = std::fs::read_to_string(&note).unwrap_or_default();
        Ok(text
            .lines()
            .nth(1)
            .and_then(|l| l.parse::<u64>().ok())
            .is_some_and(|n| n >= size))
    })?;
    rig.stop_and_verify_logs()
}

/// EVI-1: footage that does not exist is refused with one sentence; the refusal is on the hub's record.
#[test]
fn footage_that_does_not_exist_is_refused() -> Done<()> {
    let mut rig = Rig::new("no-footage", 10)?;
    rig.town.segments("c01", 1, 60)?;
    let said = rig
        .hub
        .pull("ashby/c01", "2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z")?
        .said;
    assert_ne!(said.status, 0);
    one_sentence(&said, &["c01"])?;
    let said = rig
        .hub
        .pull("ashby/c99", "2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z")?
        .said;
    assert_ne!(said.status, 0);
    one_sentence(&said, &["c99"])?;
    rig.town.segments("c01", 2, 60)?;
    Ok(())
}

/// The last line says it, whether the hub knew at once (standard error) or the box had to be asked (the request's last state).
fn one_sentence(said: &program::Said, must: &[&str]) -> Done<()> {
    let text = format!("{}{}", said.out, said.err);
    let last = text.trim().lines().next_back().unwrap_or("");
    let clear = last.split_whitespace().count() > 6
        && !text.contains("panicked")
        && must.iter().all(|m| last.contains(m));
    if clear {
        Ok(())
    } else {
        Err(Trouble(format!("not one clear sentence: {text:?}")))
    }
}
