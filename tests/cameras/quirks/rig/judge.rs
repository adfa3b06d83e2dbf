//! Adapter: filesystem. What a box kept of each camera, held against what the camera sent: picture for picture, time for time.
use std::{collections::BTreeMap, path::PathBuf};

use beadle_tests::{Done, Trouble, hub::time, keys, places, record};
use serde_json::Value;

use super::{
    Case, Kept,
    camera::{Seen, Sent},
    house::House,
    stream::{self, Codec, Hash},
};

/// What came of one case.
pub struct Row {
    pub name: &'static str,
    pub kind: &'static str,
    /// Pictures that were to be kept, and those of them that were.
    pub sent: usize,
    pub kept: usize,
    /// The wall time that is furthest off, in ms; later is more.
    pub worst_ms: i64,
    pub sessions: u32,
    pub gaps: Vec<String>,
    pub faults: Vec<String>,
    /// Empty: as it should be.
    pub wrong: Vec<String>,
}

impl Row {
    pub fn complaint(&self) -> String {
        format!("  {} ({}): {}", self.name, self.kind, self.wrong.join("; "))
    }
}

/// A picture on the disk.
struct Picture {
    wall_ms: i64,
    hash: Hash,
}

/// What was sent within this time before the stop may be on its way still.
const UNDER_WAY_MS: i64 = 1_000;

pub fn rows(house: &House) -> Done<Vec<Row>> {
    let identities = keys::identities(&house.town.state, house.folder.path())?;
    house
        .cameras
        .iter()
        .map(|(case, camera)| row(house, case, &camera.seen(), &identities))
        .collect()
}

fn row(house: &House, case: &Case, seen: &Seen, identities: &[String]) -> Done<Row> {
    let mut wrong = Vec::new();
    let pictures = pictures_of(house, case, identities, &mut wrong)?;
    let due = demanded(&seen.sent, house.stopped_ms);
    let compared = compare(&pictures, &seen.sent);
    let kept = due
        .iter()
        .filter(|at| compared.kept.contains_key(at))
        .count();
    let expect = &case.expect;
    match expect.kept {
        Kept::Whole => {
            let missing: Vec<usize> = due
                .iter()
                .filter(|at| !compared.kept.contains_key(at))
                .copied()
                .collect();
            if due.is_empty() {
                wrong.push("it was never asked to play".into());
            } else if !missing.is_empty() {
                wrong.push(format!(
                    "{} pictures of {} are missing ({})",
                    missing.len(),
                    due.len(),
                    runs(&missing, &seen.sent)
                ));
            }
        }
        Kept::AtLeast(most) if pictures.len() < most => {
            wrong.push(format!("{} pictures kept, not {most}", pictures.len()))
        }
        Kept::Nothing if !pictures.is_empty() => wrong.push(format!(
            "{} pictures kept where none can be",
            pictures.len()
        )),
        _ => {}
    }
    if compared.unknown > 0 && !case.told.masked {
        wrong.push(format!(
            "{} samples are no picture that was sent",
            compared.unknown
        ));
    }
    if compared.disorder > 0 {
        wrong.push(format!(
            "{} pictures twice or out of order",
            compared.disorder
        ));
    }
    let worst_ms = compared
        .off_ms
        .iter()
        .copied()
        .max_by_key(|off| off.abs())
        .unwrap_or(0);
    if worst_ms.abs() > expect.within_ms {
        let many = compared
            .off_ms
            .iter()
            .filter(|off| off.abs() > expect.within_ms)
            .count();
        wrong.push(format!("{many} pictures are dated up to {worst_ms} ms off"));
    }
    if seen.plays < expect.sessions.0 || seen.plays > expect.sessions.1 {
        wrong.push(format!(
            "{} sessions ({} connections; {})",
            seen.plays,
            seen.connects,
            seen.ends.join(", ")
        ));
    }
    if seen.refused > expect.refused {
        wrong.push(format!("{} logins refused", seen.refused));
    }
    let gaps = gaps(house, case, &mut wrong)?;
    let faults = faults(house, case, &mut wrong);
    lines(house, case, &mut wrong)?;
    Ok(Row {
        name: case.name,
        kind: case.kind,
        sent: due.len(),
        kept: if case.told.masked {
            pictures.len()
        } else {
            kept
        },
        worst_ms,
        sessions: seen.plays,
        gaps,
        faults,
        wrong,
    })
}

/// Every picture on the disk, in order.
fn pictures_of(
    house: &House,
    case: &Case,
    identities: &[String],
    wrong: &mut Vec<String>,
) -> Done<Vec<Picture>> {
    let mut files: Vec<(u64, PathBuf)> =
        places::files_below(&house.town.volume.join("footage"), ".mp4.age")
            .into_iter()
            .filter(|f| f.parent().is_some_and(|p| p.ends_with(case.name)))
            .filter_map(|f| {
                let name = f
                    .file_name()?
                    .to_str()?
                    .strip_suffix(".mp4.age")?
                    .to_owned();
                Some((name.rsplit('-').next()?.parse().ok()?, f))
            })
            .collect();
    files.sort();
    let mut all = Vec::new();
    for (s, file) in files {
        let plain = keys::plain(&file, identities)?;
        let segment =
            footage::mp4::parse(&plain).map_err(|e| Trouble(format!("{}: {e}", file.display())))?;
        let codec = match segment.parameters.codec {
            footage::mp4::Codec::H264 => Codec::H264,
            _ => Codec::H265,
        };
        if case.told.sound
            && segment.sound.is_empty()
            && case.expect.faults.is_empty()
            && case.expect.may.is_empty()
        {
            wrong.push(format!("segment {s} has no sound"));
        }
        let mut last = None;
        for sample in &segment.samples {
            let from = sample.offset as usize;
            let bytes = plain
                .get(from..from + sample.size as usize)
                .unwrap_or_default();
            if last.is_some_and(|l| sample.wall.0 <= l) {
                wrong.push(format!("segment {s}: time stands still or goes back"));
            }
            last = Some(sample.wall.0);
            all.push(Picture {
                wall_ms: sample.wall.0,
                hash: stream::hash(codec, nals(bytes)),
            });
        }
    }
    Ok(all)
}

/// Units with their lengths before them.
fn nals(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = (u32::from_be_bytes(*length) as usize).min(rest.len());
        found.push(&rest[..length]);
        bytes = &rest[length..];
    }
    found
}

/// Which of the pictures sent are to be on the disk: of each session those from the first on that can be decoded alone.
fn demanded(sent: &[Sent], stopped_ms: i64) -> Vec<usize> {
    let mut opened = 0;
    let mut due = Vec::new();
    for (at, picture) in sent.iter().enumerate() {
        if picture.opens {
            opened = picture.session;
        }
        if opened == picture.session && picture.gone_ms < stopped_ms - UNDER_WAY_MS {
            due.push(at);
        }
    }
    due
}

struct Compared {
    /// Index of the picture sent → of the picture on the disk.
    kept: BTreeMap<usize, usize>,
    unknown: usize,
    disorder: usize,
    /// How far off each wall time is.
    off_ms: Vec<i64>,
}

/// Footage repeats itself, so a picture may be one of several that were sent: it is the one nearest to what is due next.
fn compare(pictures: &[Picture], sent: &[Sent]) -> Compared {
    let mut by_hash: BTreeMap<Hash, Vec<usize>> = BTreeMap::new();
    for (at, picture) in sent.iter().enumerate() {
        by_hash.entry(picture.hash).or_default().push(at);
    }
    let mut out = Compared {
        kept: BTreeMap::new(),
        unknown: 0,
        disorder: 0,
        off_ms: Vec::new(),
    };
    let mut next: Option<usize> = None;
    for (n, picture) in pictures.iter().enumerate() {
        let Some(candidates) = by_hash.get(&picture.hash) else {
            out.unknown += 1;
            continue;
        };
        let away = |at: &usize| match next {
            Some(next) => (*at as i64 - next as i64).abs(),
            None => off(picture, &sent[*at]).abs(),
        };
        let Some(at) = candidates.iter().copied().min_by_key(away) else {
            continue;
        };
        if next.is_some_and(|next| at < next) || out.kept.insert(at, n).is_some() {
            out.disorder += 1;
        }
        out.off_ms.push(off(picture, &sent[at]));
        next = Some(at + 1);
    }
    out
}

/// Right is any time between when a picture was due and when it had gone.
fn off(picture: &Picture, sent: &Sent) -> i64 {
    let (from, to) = (sent.due_ms, sent.gone_ms.max(sent.due_ms));
    picture.wall_ms - picture.wall_ms.clamp(from, to)
}

/// Which stretches of a session's pictures, in words.
fn runs(missing: &[usize], sent: &[Sent]) -> String {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for at in missing {
        match found.last_mut() {
            Some((_, to)) if *to + 1 == *at => *to = *at,
            _ => found.push((*at, *at)),
        }
    }
    let few: Vec<String> = found
        .iter()
        .take(4)
        .map(|(from, to)| {
            format!(
                "{} from no. {} of session {}",
                to - from + 1,
                sent[*from].number,
                sent[*from].session
            )
        })
        .collect();
    few.join(", ")
}

fn gaps(house: &House, case: &Case, wrong: &mut Vec<String>) -> Done<Vec<String>> {
    let mut said = Vec::new();
    for line in house.town.lines_of("seg.gap", Some(case.name)) {
        let data = &line["data"];
        let why = data["why"].as_str().unwrap_or_default();
        let ms = time(&data["t1"])?.0 - time(&data["t0"])?.0;
        said.push(format!("{why} {:.1} s", ms as f64 / 1000.0));
        let right = why == "start"
            || case.expect.kept == Kept::Nothing
            || case
                .expect
                .gaps
                .iter()
                .any(|(w, most)| *w == why && ms <= *most);
        if !right {
            wrong.push(format!("a gap of {ms} ms ({why}) that is none"));
        }
    }
    if said.len() > 5 {
        let more = said.len() - 5;
        said.truncate(5);
        said.push(format!("and {more} more"));
    }
    Ok(said)
}

fn faults(house: &House, case: &Case, wrong: &mut Vec<String>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for line in house.town.lines_of("fault.on", Some(case.name)) {
        let code = line["data"]["code"].as_str().unwrap_or_default();
        if !said.iter().any(|s| s == code) {
            said.push(code.to_owned());
        }
    }
    let expect = &case.expect;
    for code in &said {
        if !expect.faults.contains(&code.as_str()) && !expect.may.contains(&code.as_str()) {
            wrong.push(format!("fault {code}: {}", detail(house, case, code)));
        }
    }
    if !expect.faults.is_empty() && !said.iter().any(|s| expect.faults.contains(&s.as_str())) {
        wrong.push(format!("no fault ({})", expect.faults.join(" or ")));
    }
    said
}

fn detail(house: &House, case: &Case, code: &str) -> String {
    let all = house.status["faults"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mine =
        |f: &&Value| f["code"] == code && f.to_string().contains(&format!("\"{}\"", case.name));
    let found = all.iter().find(mine);
    found
        .and_then(|f| f["detail"].as_str())
        .unwrap_or("over by now")
        .to_owned()
}

/// What the log says of its segments: no stretch undeclared, nothing said to be lost that was not.
fn lines(house: &House, case: &Case, wrong: &mut Vec<String>) -> Done<()> {
    let segments = house.town.lines_of("seg.write", Some(case.name));
    let gaps = house.town.lines_of("seg.gap", Some(case.name));
    if let Err(what) = record::undeclared(&segments, &gaps) {
        wrong.push(what.to_string());
    }
    let lost: u64 = segments
        .iter()
        .chain(&gaps)
        .filter_map(|l| l["data"]["lost"].as_u64().or(l["data"]["packets"].as_u64()))
        .sum();
    if lost > 0 && !case.expect.lost {
        wrong.push(format!("{lost} packets are said to be lost, and none was"));
    }
    for pair in segments.windows(2) {
        let (end, begin) = (
            time(&pair[0]["data"]["t1"])?.0,
            time(&pair[1]["data"]["t0"])?.0,
        );
        if end - begin > 500 {
            wrong.push(format!(
                "segment {} overlaps the one before by {} ms",
                pair[1]["data"]["s"],
                end - begin
            ));
        }
    }
    Ok(())
}
