//! Task. REC-1, REC-4, RET-2: wrong clocks, for real: the box's own program runs on a clock that is set under it (libfaketime), and what
//! it records is opened and looked at picture by picture.

use std::path::PathBuf;

use beadle_tests::{Done, Trouble, cameras::Scene, keys, places, town::Plan, town::SetClock, wait};
use serde_json::Value;
use shared::time::{Utc, Zone};

use crate::rig::{Rig, seconds};

const SEGMENT: u32 = 4;
/// The test cameras' key frames are two seconds apart.
const KEY_MS: i64 = 2_000;
/// The clock is set so long before a moment: the hub must vouch for it again, and a segment or two end.
const LEAD_MS: i64 = 45_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn plan(days: u32) -> impl Fn(&beadle_tests::cameras::Cameras) -> Plan {
    move |cameras| {
        Plan::new("ashby")
            .segment_secs(SEGMENT)
            .retention_days(days)
            .camera("c01", cameras.url("/ashby/c01"))
    }
}

fn scene() -> Scene {
    Scene::new().street_low("/ashby/c01")
}

fn london() -> Done<Zone> {
    Zone::parse("Europe/London").map_err(|e| Trouble(e.to_string()))
}

/// One segment as its line has it.
#[derive(Debug)]
struct Seg {
    s: u64,
    t0: Utc,
    t1: Utc,
    key: String,
    mono: i64,
    line: u64,
}

fn segs(rig: &Rig) -> Done<Vec<Seg>> {
    rig.town
        .lines_of("seg.write", Some("c01"))
        .iter()
        .map(|l| {
            Ok(Seg {
                s: l["data"]["s"].as_u64().unwrap_or(0),
                t0: seconds(&l["data"]["t0"])?,
                t1: seconds(&l["data"]["t1"])?,
                key: l["data"]["key"].as_str().unwrap_or("").into(),
                mono: l["mono"].as_i64().unwrap_or(0),
                line: l["n"].as_u64().unwrap_or(0),
            })
        })
        .collect()
}

fn more(rig: &mut Rig, count: usize) -> Done<()> {
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + count, 90).map(drop)
}

/// The file of a segment: below the folder of its local day.
fn file_of(rig: &Rig, seg: &Seg) -> Done<PathBuf> {
    let day = london()?.day_of(seg.t0);
    let end = format!("-{}.mp4.age", seg.s);
    let folder = rig.town.volume.join(format!("footage/{day}/c01"));
    let mut found: Vec<PathBuf> = places::files_below(&folder, &end);
    match (found.pop(), found.is_empty()) {
        (Some(file), true) => Ok(file),
        _ => Err(Trouble(format!(
            "segment {} is not, or not once, in {}",
            seg.s,
            folder.display()
        ))),
    }
}

/// Two segments, one after the other: where the first ends, the second begins; to the millisecond. Unless all pictures of the session had
/// come late until then (a machine under load): one that comes in time shows how late, and the next segment begins at the right time
/// (segment/cutter.rs, `STEP_US`). That is earlier, never later, and by no more than pictures can have been late.
fn follows(before: &Seg, after: &Seg) -> bool {
    let back = before.t1.0 - after.t0.0;
    back == 0 || (500..3_000).contains(&back)
}

/// What holds whatever the clock did: no segment lost or deleted, each where its line says; inside each, times follow the camera and
/// never go back; between two, exactly contiguous unless the clock was set between; all that time was recorded, by the clock that
/// nobody sets; both verifiers agree that the log is intact.
fn all_is_there(rig: &mut Rig) -> Done<Vec<Seg>> {
    let all = segs(rig)?;
    let steps: Vec<u64> = rig
        .town
        .lines_of("clock.step", None)
        .iter()
        .filter_map(|l| l["n"].as_u64())
        .collect();
    for kind in ["seg.lost", "del.range", "del.done"] {
        assert!(rig.town.lines_of(kind, None).is_empty(), "{kind}");
    }
    let opened = keys::identities(&rig.town.state, rig.folder.path())?;
    let mut recorded = 0;
    for seg in &all {
        let found = keys::pictures_of(&file_of(rig, seg)?, &opened)?;
        assert_eq!(
            found.samples.first().map(|s| s.wall),
            Some(seg.t0),
            "{seg:?}"
        );
        for pair in found.samples.windows(2) {
            let (a, b) = (pair[0].wall.0, pair[1].wall.0);
            assert!(
                (39..=41).contains(&(b - a)) && pair[1].dts > pair[0].dts,
                "segment {}: from {a} to {b}",
                seg.s
            );
        }
        let length = found.samples.len() as i64 * 40;
        let said = seg.t1.0 - seg.t0.0;
        // The end is slewed to the next one's beginning by at most 100 ms.
        assert!(
            (said - length).abs() <= 101,
            "{seg:?}: {length} ms of pictures"
        );
        recorded += length;
    }
    let mut restarts = 0;
    for pair in all.windows(2) {
        assert_eq!(pair[1].s, pair[0].s + 1);
        let stepped = steps
            .iter()
            .any(|n| (pair[0].line..=pair[1].line).contains(n))
            || (pair[1].t0.0 - pair[0].t1.0).abs() > HOUR / 2;
        if !stepped {
            assert!(follows(&pair[0], &pair[1]), "contiguous: {pair:?}");
        }
        restarts += i64::from(pair[1].mono < pair[0].mono);
    }
    assert_eq!(restarts, 0);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Err(Trouble::new("nothing was recorded"));
    };
    // Each line is written when its segment has ended.
    let elapsed = last.mono - first.mono + (first.t1.0 - first.t0.0);
    assert!(
        (elapsed - recorded).abs() < 3_000,
        "{recorded} ms were recorded in {elapsed} ms"
    );
    rig.stop_and_verify_logs()?;
    Ok(all)
}

/// REC-1: a box that wakes up in 1970 records, under a key of that start; when the time comes right that is on the record, and from
/// then on it records under the day's key. What it recorded in 1970 is not deleted for its age.
#[test]
fn boot_in_1970() -> Done<()> {
    let clock = SetClock::at(Utc(300_000))?;
    let mut rig = Rig::beside("clock-1970", scene(), plan(31), Vec::new(), clock.env()?)?;
    more(&mut rig, 3)?;
    let early = segs(&rig)?;
    assert!(
        early.iter().all(|s| s.t0.0 < HOUR && s.key == "c01/boot-1"),
        "{early:?}"
    );
    let state = &rig.town.lines_of("clock.state", None)[0];
    assert_eq!(state["data"]["trust"], "unknown", "{state}");

    clock.set(0)?;
    let now = wait::now();
    let step = rig.town.line("the step is on the record", 20, |l| {
        l["type"] == "clock.step"
    })?;
    let delta = step["data"]["delta_ms"].as_i64().unwrap_or(0);
    assert!((delta - (now.0 - 300_000)).abs() < 10 * 60_000, "{step}");
    rig.town.line("the hub vouches for the clock", 90, |l| {
        l["type"] == "clock.state" && l["data"]["trust"] == "synced"
    })?;
    let day = format!("c01/{}", london()?.day_of(wait::now()));
    rig.town.line("footage under the day's key", 60, |l| {
        l["type"] == "seg.write" && l["data"]["key"] == day.as_str()
    })?;
    // Long enough for the clock to count as steady, and deletion as safe.
    wait::until("a minute later", 100, || Ok(wait::now().0 > now.0 + 75_000))?;
    more(&mut rig, 1)?;
    let gaps = rig.town.lines_of("seg.gap", Some("c01"));
    assert!(
        gaps.iter().any(|g| g["data"]["why"] == "clock"
            && seconds(&g["data"]["t1"]).is_ok_and(|t| (t.0 - now.0).abs() < 60_000)),
        "{gaps:?}"
    );
    let all = all_is_there(&mut rig)?;
    assert!(all.len() > early.len() + 3);
    Ok(())
}

/// REC-1, REC-4: the clock is set back and forth by an hour, a year, a day while the box records: each step is a line and a new segment,
/// nothing is lost, nothing is deleted, no time goes back inside a segment.
#[test]
fn steps_while_recording() -> Done<()> {
    let clock = SetClock::new(0)?;
    let mut rig = Rig::beside("clock-steps", scene(), plan(31), Vec::new(), clock.env()?)?;
    rig.town.line("the hub vouches for the clock", 90, |l| {
        l["type"] == "clock.state" && l["data"]["trust"] == "synced"
    })?;
    more(&mut rig, 2)?;
    let mut offset = 0;
    for (n, to) in [-HOUR, 0, 366 * DAY, 0, -DAY, 0].into_iter().enumerate() {
        clock.set(to)?;
        let want = to - offset;
        offset = to;
        let step = wait::until(&format!("step {n} on the record"), 20, || {
            rig.town.must_run()?;
            Ok(rig.town.lines_of("clock.step", None).get(n).cloned())
        })?;
        let delta = step["data"]["delta_ms"].as_i64().unwrap_or(0);
        assert!((delta - want).abs() < 300, "{step}, not {want}");
        more(&mut rig, 3)?;
        let last = segs(&rig)?;
        let Some(last) = last.last() else { continue };
        let shown = last.t1.0 - (wait::now().0 + to);
        assert!(
            shown.abs() < 15_000,
            "step {n}: recorded under the clock as it is: {shown} ms"
        );
    }
    let steps = rig.town.lines_of("clock.step", None).len();
    assert_eq!(steps, 6);
    let all = all_is_there(&mut rig)?;
    let jumps = all
        .windows(2)
        .filter(|p| (p[1].t0.0 - p[0].t1.0).abs() > HOUR / 2)
        .count();
    assert_eq!(jumps, 6, "a new segment at each step, and nowhere else");
    Ok(())
}

/// REC-4, RET-2: both nights of the year when the clocks change, at the change and at the midnights around it: segments are contiguous,
/// midnight cuts, and footage lies under the local day it belongs to, sealed with that day's key.
#[test]
fn both_nights_when_the_clocks_change() -> Done<()> {
    // (two minutes before and the moment itself, the local day before it, the local day after it)
    let nights = [
        ("2026-10-24T23:00:00.000Z", "2026-10-24", "2026-10-25"),
        ("2026-10-25T01:00:00.000Z", "2026-10-25", "2026-10-25"),
        ("2026-10-26T00:00:00.000Z", "2026-10-25", "2026-10-26"),
        ("2027-03-28T00:00:00.000Z", "2027-03-27", "2027-03-28"),
        ("2027-03-28T01:00:00.000Z", "2027-03-28", "2027-03-28"),
        ("2027-03-28T23:00:00.000Z", "2027-03-28", "2027-03-29"),
    ];
    let moment = |text: &str| Utc::parse(text).map_err(|e| Trouble(e.to_string()));
    let clock = SetClock::at(moment(nights[0].0)?.plus_ms(-300_000))?;
    // The hub is on the same clock, so that it is believed; a year of retention, so that March may not delete October.
    let (hub_env, box_env) = (clock.env()?, clock.env()?);
    let mut rig = Rig::beside("clock-dst", scene(), plan(366), hub_env, box_env)?;
    let mut told = Vec::new();
    for (at, before, after) in nights {
        let at = moment(at)?;
        clock.set_to(at.plus_ms(-LEAD_MS))?;
        rig.town
            .line("footage before it under the day's own key", 44, |l| {
                l["type"] == "seg.write"
                    && l["data"]["key"] == format!("c01/{before}")
                    && seconds(&l["data"]["t0"]).is_ok_and(|t| t.0 > at.0 - LEAD_MS && t.0 < at.0)
            })?;
        rig.town.line("footage after it", 90, |l| {
            l["type"] == "seg.write"
                && seconds(&l["data"]["t0"])
                    .is_ok_and(|t| t.0 > at.0 + 1000 * i64::from(SEGMENT) && t.0 < at.0 + HOUR)
        })?;
        let all = segs(&rig)?;
        let near: Vec<&Seg> = all
            .iter()
            .filter(|s| s.t1.0 > at.0 - 10_000 && s.t0.0 < at.0 + 10_000)
            .collect();
        for pair in near.windows(2) {
            assert!(follows(pair[0], pair[1]), "contiguous about {at}: {pair:?}");
        }
        let first = near
            .iter()
            .find(|s| s.t0 >= at)
            .ok_or_else(|| Trouble(format!("nothing begins after {at}")))?;
        if before != after {
            // Midnight cuts at the first key frame after it.
            assert!(
                first.t0.0 - at.0 <= KEY_MS + 40,
                "{} ms after midnight",
                first.t0.0 - at.0
            );
        }
        for seg in near {
            let day = if seg.t0 < at { before } else { after };
            assert_eq!(seg.key, format!("c01/{day}"), "{seg:?}");
            let path = file_of(&rig, seg)?;
            assert!(
                path.to_string_lossy().contains(&format!("/{day}/")),
                "{path:?}"
            );
        }
        told.push(at);
    }
    // Nothing but the steps of the test left a gap.
    let gaps: Vec<Value> = rig.town.lines_of("seg.gap", Some("c01"));
    assert!(
        gaps.iter()
            .all(|g| g["data"]["why"] == "clock" || g["data"]["why"] == "start"),
        "{gaps:?}"
    );
    let all = all_is_there(&mut rig)?;
    println!("{} segments about {} moments", all.len(), told.len());
    Ok(())
}
