//! Task. Sound: off unless a camera's configuration gives a reason for it, then on the record, in the masters and in the working copy.

use std::{collections::BTreeSet, path::Path};

use beadle_tests::{
    Done, Folder, Trouble, args,
    cameras::{Cameras, Scene},
    hub::{Hub, time},
    places, program,
    town::{Plan, Town},
};
use shared::time::Utc;

const REASON: &str = "Custody suite, assessment 2026-04";

fn streams(file: &Path) -> Done<Vec<String>> {
    let words = args![
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
        file
    ];
    let said = program::run(Path::new("ffprobe"), words)?.well("ffprobe")?;
    Ok(said.out.split_whitespace().map(str::to_owned).collect())
}

/// SHA-256 of each frame of sound.
fn sounds(file: &Path) -> Done<Vec<String>> {
    let words = args![
        "-v",
        "error",
        "-i",
        file,
        "-map",
        "0:a",
        "-c",
        "copy",
        "-f",
        "framehash",
        "-hash",
        "sha256",
        "-"
    ];
    let said = program::run(Path::new("ffmpeg"), words)?.well("ffmpeg")?;
    let hashes = said.out.lines().filter(|l| !l.starts_with('#'));
    Ok(hashes
        .filter_map(|l| Some(l.rsplit(',').next()?.trim().to_owned()))
        .collect())
}

/// Decodes all of it; an error for anything ffmpeg has to say.
fn plays(file: &Path) -> Done<()> {
    let said = program::run(
        Path::new("ffmpeg"),
        args!["-v", "error", "-i", file, "-f", "null", "-"],
    )?
    .well("ffmpeg")?;
    if said.err.is_empty() {
        Ok(())
    } else {
        Err(Trouble(format!("{}: {}", file.display(), said.err)))
    }
}

/// REC-2, EVI-2, AUD-2: of two cameras with sound only the one whose configuration allows it is heard; why is on the record; the copy
/// handed over holds the masters' sound, frame for frame, as long as its pictures. A camera allowed sound it does not have is recorded
/// without, and that is a fault.
#[test]
fn sound_only_where_there_is_a_reason() -> Done<()> {
    let folder = Folder::new("sound")?;
    let cameras = Cameras::start(
        Scene::new()
            .street_with_sound("/s/c01")
            .street_with_sound("/s/c02")
            .street_low("/s/c03"),
    )?;
    let plan = Plan::new("heard")
        .segment_secs(6)
        .camera("c01", cameras.url("/s/c01"))
        .sound(REASON)
        .camera("c02", cameras.url("/s/c02"))
        .camera("c03", cameras.url("/s/c03"))
        .sound(REASON);
    let mut hub = Hub::make(folder.path())?.started()?;
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    for cam in ["c01", "c02", "c03"] {
        town.segments(cam, 3, 90)?;
    }
    town.line("a fault for the camera without sound", 10, |l| {
        l["type"] == "fault.on" && l["data"]["code"] == "camera.sound" && l["data"]["cam"] == "c03"
    })?;
    let set = town.lines_of("sound.set", None);
    assert_eq!(set.len(), 1, "{set:?}");
    assert_eq!(
        (&set[0]["data"]["cam"], &set[0]["data"]["reason"]),
        (&"c01".into(), &REASON.into())
    );
    assert_eq!(
        (&set[0]["data"]["codec"], &set[0]["data"]["rate"]),
        (&"aac".into(), &16_000.into())
    );
    let first = town.lines_of("seg.write", Some("c01"));
    assert!(
        set[0]["n"].as_u64() < first[0]["n"].as_u64(),
        "the reason stands before the sound"
    );

    for (cam, heard) in [("c01", true), ("c02", false)] {
        let lines = town.lines_of("seg.write", Some(cam));
        let from = Utc(time(&lines[0]["data"]["t0"])?.0 + 2_500);
        let to = Utc(time(&lines[2]["data"]["t0"])?.0 + 1_500);
        let pulled = hub.pull(&format!("heard/{cam}"), &from.to_string(), &to.to_string())?;
        assert_eq!(
            pulled.said.status, 0,
            "{}{}",
            pulled.said.out, pulled.said.err
        );
        hub.intact("bundle", &pulled.package, false)?;
        let (mut masters, mut seen) = (Vec::new(), BTreeSet::new());
        let working = places::files_below(&pulled.package.join("working"), ".mp4");
        assert_eq!(working.len(), 1, "{working:?}");
        for file in places::files_below(&pulled.package.join("master"), ".mp4")
            .iter()
            .chain(&working)
        {
            plays(file)?;
            seen.insert(streams(file)?);
        }
        let wanted: &[&str] = if heard { &["h264", "aac"] } else { &["h264"] };
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [wanted], "{cam}");
        if heard {
            for file in places::files_below(&pulled.package.join("master"), ".mp4") {
                masters.extend(sounds(&file)?);
            }
            let copy = sounds(&working[0])?;
            assert!(
                beadle_tests::pictures::run_of(&masters, &copy).is_some(),
                "the copy's sound is a run of the masters'"
            );
            // A frame of sound is 64 ms; the copy begins at a key frame, at most two seconds before what was asked.
            let asked = to.0 - from.0;
            let length = copy.len() as i64 * 64;
            assert!(
                (asked - 200..=asked + 2_200).contains(&length),
                "{length} ms of sound for {asked} ms asked"
            );
        }
    }
    town.stop()?;
    hub.intact("log", &town.log(), false)?;
    hub.stop()
}
