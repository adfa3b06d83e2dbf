//! Task. RET-3, RET-6, ROL-5: holds on real parts. Box and hub record forty days ago, somebody asks for a minute to be kept, and then it is
//! today: the day is gone, and that minute is not.

use std::{fs, path::PathBuf};

use beadle_tests::{
    Done, Told, Trouble, keys, keys::identities, pictures, places, staff::Staff, town, wait,
};
use serde_json::Value;
use shared::time::Utc;

use crate::rig::{Rig, seconds};

const AUTHORITY: &str = "Magistrates' order 26/118";

fn vouched(rig: &mut Rig) -> Done<()> {
    rig.town
        .line("the hub vouches for the clock", 60, |l| {
            l["type"] == "clock.state" && l["data"]["trust"] == "synced"
        })
        .map(drop)
}

/// A segment of a camera that is sealed with the key of its day, and not the newest.
fn segment(rig: &mut Rig, cam: &str) -> Done<(u64, Utc, Utc)> {
    let begun = rig.town.lines_of("seg.write", Some(cam)).len();
    let all = rig.town.segments(cam, begun + 3, 90)?;
    let found = all[..all.len() - 1]
        .iter()
        .rev()
        .find(|l| {
            !l["data"]["key"]
                .as_str()
                .is_some_and(|k| k.contains("boot"))
        })
        .ok_or_else(|| Trouble(format!("no segment of {cam} under its day's key")))?;
    let data = &found["data"];
    Ok((
        data["s"].as_u64().unwrap_or(0),
        seconds(&data["t0"])?,
        seconds(&data["t1"])?,
    ))
}

/// Files that holds keep on the box's disk.
fn kept(rig: &Rig) -> Vec<PathBuf> {
    places::files_below(&rig.town.volume.join("held"), ".mp4.age")
}

fn hold(rig: &Rig, id: &str) -> Done<Value> {
    let words = ["hold", "show", id, "--json"].map(std::ffi::OsStr::new);
    let said = rig.hub.ask(&words)?.well("hold show")?;
    Ok(serde_json::from_str(&said.out)?)
}

#[test]
fn what_is_held_outlives_its_day_and_can_be_pulled() -> Done<()> {
    let mut rig = Rig::installed_with("holds", 5, town::clock("-40d")?)?;
    let staff = Staff::make(&rig.hub, &rig.site.files()?)?;
    vouched(&mut rig)?;
    let (s, t0, t1) = segment(&mut rig, "c01")?;
    let add = |rig: &Rig, who: &str, cam: &str, t0: Utc, t1: Utc| {
        let camera = format!("{}/{cam}", rig.town.name);
        let (from, to) = (t0.plus_ms(800).to_string(), t1.plus_ms(-800).to_string());
        let words = [
            "hold",
            "add",
            &camera,
            &from,
            &to,
            "--reason",
            "Assault in Market Place",
            "--authority",
            AUTHORITY,
            "--reference",
            "CRIME-26-000419",
            "--days",
            "60",
        ];
        staff.says(&rig.hub, who, &words)
    };
    // On the line: placed at once, copied out soon after.
    let said = add(&rig, "pat", "c01", t0, t1)?.well("hold add")?;
    let first = said.out.trim().to_owned();
    assert!(
        first.starts_with("H-") && said.err.contains("held"),
        "{said:?}"
    );
    let set = rig
        .town
        .line("the hold is on the record", 20, |l| l["type"] == "hold.set")?;
    assert_eq!(
        (&set["data"]["hold"], &set["data"]["cam"]),
        (&first.as_str().into(), &"c01".into())
    );
    let copied = rig.town.line("what it keeps is copied out", 60, |l| {
        l["type"] == "hold.kept"
    })?;
    assert_eq!(
        copied["data"]["count"], 1,
        "a segment, and no more: {copied}"
    );

    // Offline: it waits, and says until when it may.
    let (_, from, to) = segment(&mut rig, "c02")?;
    rig.town.stop()?;
    // A box that stops says so: the hub need not wait until the line has been silent for long (45 s).
    wait::until("the hub knows that the box has left", 10, || {
        Ok(rig.hub.box_row("ashby")?["online"] == false)
    })?;
    let said = add(&rig, "pat", "c02", from, to)?;
    let second = said.out.trim().to_owned();
    assert!(said.status == 0 && said.err.contains("offline"), "{said:?}");
    assert_eq!(hold(&rig, &second)?["state"], "pending");
    rig.town.start()?;
    let told =
        |id: String| move |l: &Value| l["type"] == "hold.kept" && l["data"]["hold"] == id.as_str();
    rig.town
        .line("the pending hold is placed", 60, told(second.clone()))?;
    wait::until("the hub knows", 20, || {
        Ok(hold(&rig, &second)?["state"] == "placed")
    })?;

    // Copies as somebody might make them, of the held segment and of its neighbour.
    let scratch = rig.folder.path().join("scratch");
    fs::create_dir_all(&scratch)?;
    let of = |s: u64| {
        let end = format!("-{s}.mp4.age");
        let found = places::files_below(&rig.town.volume.join("footage"), &end);
        found
            .into_iter()
            .find(|f| f.to_string_lossy().contains("/c01/"))
            .ok_or_else(|| Trouble(format!("no file of segment {s}")))
    };
    for n in [s, s - 1] {
        fs::copy(of(n)?, scratch.join(format!("{n}.mp4.age")))?;
    }
    rig.town.stop()?;
    rig.hub.stop()?;

    rig.town.env.clear();
    rig.hub.env.clear();
    rig.hub.start()?;
    rig.town.start()?;
    for (cam, held) in [
        ("c01", Value::from(1)),
        ("c02", 1.into()),
        ("c03", Value::Null),
    ] {
        let done = rig
            .town
            .line(&format!("the day of {cam} is deleted"), 120, |l| {
                l["type"] == "del.done" && l["data"]["cam"] == cam
            })?;
        assert_eq!(
            (&done["data"]["held"], &done["data"]["undecryptable"]),
            (&held, &true.into()),
            "{done}"
        );
    }
    let left = kept(&rig);
    assert_eq!(left.len(), 2, "{left:?}");
    let all = identities(&rig.town.state, &scratch)?;
    let list = scratch.join("identities.txt");
    fs::write(&list, all.join("\n") + "\n").told(list.display())?;
    for n in [s, s - 1] {
        let copy = scratch.join(format!("{n}.mp4.age"));
        assert!(
            !pictures::age_opens(&copy, &list, &scratch.join("plain.mp4"))?,
            "the day's key is gone for {n}, held or not"
        );
    }
    let mine = left.iter().find(|f| f.to_string_lossy().contains(&first));
    let mine = mine.ok_or_else(|| Trouble(format!("{first} keeps nothing: {left:?}")))?;
    assert!(!keys::pictures_of(mine, &all)?.samples.is_empty());

    // The officer comes late, and gets it; not the minute beside it.
    wait::until("the hub has the log", 60, || {
        Ok(rig.hub.box_row("ashby")?["online"] == true)
    })?;
    let pulled = rig.pull("c01", t0.plus_ms(800), t1.plus_ms(-800))?;
    rig.check_package(&pulled.package)?;
    let masters = places::files_below(&pulled.package.join("master"), ".mp4");
    assert_eq!(masters.len(), 1, "{masters:?}");
    let beside = rig.hub.pull(
        "ashby/c01",
        &t0.plus_ms(-4_000).to_string(),
        &t0.plus_ms(-3_000).to_string(),
    )?;
    assert!(
        beside.said.status != 0 && beside.package.as_os_str().is_empty(),
        "{:?}",
        beside.said
    );
    // The pull had a hold of its own, which ended with it.
    let fetched = rig.town.line("the pull's own hold is over", 60, |l| {
        l["type"] == "hold.clear" && l["data"]["why"] == "fetched"
    })?;
    assert_ne!(fetched["data"]["hold"], first.as_str());

    // Released before its time: by two people, and then nothing is left.
    let release = ["hold", "release", &first, "--reason", "No longer needed"];
    staff
        .says(&rig.hub, "kim", &release)?
        .well("hold release")?;
    let alone = staff.says(&rig.hub, "kim", &["hold", "approve", &first])?;
    assert!(
        alone.status != 0 && alone.err.contains("second person"),
        "{alone:?}"
    );
    staff
        .says(&rig.hub, "lee", &["hold", "approve", &first])?
        .well("hold approve")?;
    let id = first.clone();
    let done = rig.town.line("its copies are gone", 60, move |l| {
        l["type"] == "hold.done" && l["data"]["hold"] == id.as_str()
    })?;
    assert_eq!(
        (&done["data"]["undecryptable"], &done["data"]["count"]),
        (&true.into(), &1.into()),
        "{done}"
    );
    let left = kept(&rig);
    assert!(
        left.len() == 1 && left[0].to_string_lossy().contains(&second),
        "{left:?}"
    );
    assert_eq!(hold(&rig, &first)?["state"], "over");
    assert!(rig.town.fault("hold.copy").is_none());
    rig.stop_and_verify_logs()?;
    Ok(())
}
