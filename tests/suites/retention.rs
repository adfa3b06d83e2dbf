//! Task. RET-1, RET-2, RET-4: a day recorded long ago is gone, logged and undecryptable.

mod rig;

use std::{
    fs,
    path::{Path, PathBuf},
};

use beadle_tests::{Done, Trouble, keys::identities, pictures, places, town, wait};
use rig::Rig;

/// Whether the `age` program opens a file with any of these identities.
fn opens(sealed: &Path, identities: &[String], scratch: &Path) -> Done<bool> {
    let list = scratch.join("identities.txt");
    fs::write(&list, identities.join("\n") + "\n")?;
    pictures::age_opens(sealed, &list, &scratch.join("plain.mp4"))
}

#[test]
fn a_day_past_its_time_is_gone_logged_and_undecryptable() -> Done<()> {
    // The whole scheme forty days ago, hub and box agreeing on the time; then it is today. Policy: 31 days.
    let mut rig = Rig::with("retention", 5, town::clock("-40d")?)?;
    rig.town.line("the hub vouches for the clock", 60, |l| {
        l["type"] == "clock.state" && l["data"]["trust"] == "synced"
    })?;
    let begun = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", begun + 2, 60)?;
    let day = wait::now().0 - 40 * 86_400_000;
    let day = shared::time::Zone::parse("Europe/London")
        .map_err(|e| Trouble(e.to_string()))?
        .day_of(shared::time::Utc(day))
        .to_string();
    rig.town.stop()?;
    rig.hub.stop()?;
    let known = rig.town.lines_of("seg.write", Some("c01")).len();
    let footage = places::files_below(&rig.town.volume.join("footage"), ".mp4.age");
    let sealed: Vec<&PathBuf> = footage
        .iter()
        .filter(|f| f.to_string_lossy().contains("/c01/"))
        .collect();
    assert!(
        sealed.len() >= 3 && sealed.iter().all(|f| f.to_string_lossy().contains(&day)),
        "{footage:?} lie under {day}"
    );
    // Kept aside as somebody with a copy of the disk would have them.
    let scratch = rig.folder.path().join("scratch");
    fs::create_dir_all(&scratch)?;
    // The first was sealed before anybody vouched for the clock (its key is the start's), the last under the day's own key.
    let mut copies = Vec::new();
    for (name, from) in [("first", sealed.first()), ("last", sealed.last())] {
        let copy = scratch.join(name).with_extension("mp4.age");
        fs::copy(from.ok_or_else(|| Trouble::new("no footage"))?, &copy)?;
        assert!(
            opens(&copy, &identities(&rig.town.state, &scratch)?, &scratch)?,
            "before the sweep the box's keys open the {name}: the test can tell"
        );
        copies.push(copy);
    }

    rig.town.env.clear();
    rig.hub.env.clear();
    rig.hub.start()?;
    rig.town.start()?;
    for cam in ["c01", "c02", "c03"] {
        let done = rig
            .town
            .line(&format!("{cam}: the day of {day} is deleted"), 120, |l| {
                l["type"] == "del.done"
                    && l["data"]["cam"] == cam
                    && l["data"]["day"] == day.as_str()
            })?;
        assert_eq!(done["data"]["undecryptable"], true);
        assert_eq!(done["data"]["claim"], "file");
        let range = rig
            .town
            .lines_of("del.range", Some(cam))
            .pop()
            .ok_or_else(|| Trouble::new("no del.range line"))?;
        assert_eq!(range["n"], done["data"]["n"]);
        check_set(&rig, cam, &range)?;
    }
    let left: Vec<PathBuf> = rig
        .town
        .footage()
        .into_iter()
        .filter(|f| f.to_string_lossy().contains(&day))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    for copy in &copies {
        assert!(
            !opens(copy, &identities(&rig.town.state, &scratch)?, &scratch)?,
            "with every key left on the box {} cannot be opened",
            copy.display()
        );
    }
    rig.town.segments("c01", known + 3, 60)?;
    rig.town.stop()?;
    rig.hub.stop()?;
    Ok(())
}

/// `set` is the SHA-256 of the deleted lines' leaf hashes, in order.
fn check_set(rig: &Rig, cam: &str, range: &serde_json::Value) -> Done<()> {
    let (s0, s1) = (range["data"]["s0"].as_u64(), range["data"]["s1"].as_u64());
    let mut hashes = Vec::new();
    let mut count = 0;
    for file in places::files_below(&rig.town.log(), ".jsonl") {
        for line in fs::read(&file)?.split_inclusive(|b| *b == b'\n') {
            let Ok(record) = serde_json::from_slice::<serde_json::Value>(line) else {
                continue;
            };
            let s = record["data"]["s"].as_u64();
            if record["type"] == "seg.write" && record["data"]["cam"] == cam && s >= s0 && s <= s1 {
                hashes.extend_from_slice(&shared::record::leaf_hash(line));
                count += 1;
            }
        }
    }
    assert_eq!(range["data"]["count"].as_u64(), Some(count), "{range}");
    assert_eq!(
        range["data"]["set"],
        shared::record::hex(&shared::record::sha256(&hashes)).as_str()
    );
    Ok(())
}
