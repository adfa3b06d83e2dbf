//! Pure. What a box kept of each camera, held against what the camera sent: picture for picture, time for time, word for word.
use std::collections::BTreeMap;

use beadle_tests::{Done, hub::time, keys, record};
use serde_json::Value;

use super::{
    Case, Kept,
    camera::{Seen, Sent},
    footage::{self, Picture},
    house::House,
    stream::Hash,
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
    // What cannot be shown is wrong with this camera, not with the test.
    let footage = footage::read(house, case, identities).unwrap_or_else(|e| {
        wrong.push(e.to_string());
        footage::Footage::default()
    });
    let after = if case.expect.learnt {
        seen.plays.saturating_sub(1)
    } else {
        0
    };
    let due = demanded(&seen.sent, after, house.stopped_ms);
    let compared = compare(&footage.pictures, &seen.sent, case.told.masked);
    let (expect, pictures) = (&case.expect, &footage.pictures);
    let missing: Vec<usize> = due
        .iter()
        .filter(|at| !compared.kept.contains_key(at))
        .copied()
        .collect();
    match expect.kept {
        Kept::Whole if due.is_empty() && seen.plays == 0 => {
            wrong.push("it was never asked to play".into())
        }
        Kept::Whole if due.is_empty() => {
            wrong.push("the box left before the first key picture".into())
        }
        Kept::Whole if !missing.is_empty() => {
            wrong.push(format!(
                "{} pictures of {} are missing ({})",
                missing.len(),
                due.len(),
                runs(&missing, &seen.sent)
            ));
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
    let mut count = |many: usize, what: &str| {
        if many > 0 {
            wrong.push(format!("{many} {what}"));
        }
    };
    let strange = compared.strange.unwrap_or(0);
    let slices = pictures.get(strange).map_or(0, |p| p.slices);
    count(
        compared.unknown,
        &format!(
            "samples are no picture that was sent (the first: {strange} of {}, with {slices} slices)",
            pictures.len()
        ),
    );
    count(compared.disorder, "pictures twice or out of order");
    count(footage.stands_still, "times that stand still or go back");
    count(footage.disordered, "segments say another order of fields");
    let silent = expect.may.contains(&"camera.sound");
    if case.told.sound && footage.sounds == 0 && expect.faults.is_empty() && !silent {
        wrong.push("no sound".into());
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
    said(house, case, &mut wrong);
    Ok(Row {
        name: case.name,
        kind: case.kind,
        sent: due.len(),
        kept: due.len() - missing.len(),
        worst_ms,
        sessions: seen.plays,
        gaps,
        faults,
        wrong,
    })
}

/// A camera that the box's configuration does not take.
pub fn refused(case: &Case, why: &str) -> Row {
    Row {
        name: case.name,
        kind: case.kind,
        sent: 0,
        kept: 0,
        worst_ms: 0,
        sessions: 0,
        gaps: Vec::new(),
        faults: Vec::new(),
        wrong: vec![format!(
            "the configuration is refused: {}",
            why.trim().replace('\n', " ")
        )],
    }
}

/// Which of the pictures sent are to be on the disk: of each session after `after` those from the first on that can be decoded alone.
fn demanded(sent: &[Sent], after: u32, stopped_ms: i64) -> Vec<usize> {
    let mut opened = 0;
    let mut due = Vec::new();
    for (at, picture) in sent.iter().enumerate() {
        if picture.opens {
            opened = picture.session;
        }
        if opened == picture.session
            && picture.session > after
            && picture.gone_ms < stopped_ms - UNDER_WAY_MS
        {
            due.push(at);
        }
    }
    due
}

struct Compared {
    /// Index of the picture sent → of the picture on the disk.
    kept: BTreeMap<usize, usize>,
    unknown: usize,
    /// Place on the disk of the first that is no picture.
    strange: Option<usize>,
    disorder: usize,
    /// How far off each wall time is, beyond what its segment says.
    off_ms: Vec<i64>,
}

/// Half of what most files hold: a picture so near to the one that is due next is not the same one of another round.
const NEAR: usize = 110;

/// Footage repeats itself, so a picture may be one of several that were sent: it is one near to what is due next, and of those (a session
/// that was begun anew shows the same) the one whose time is nearest.
fn compare(pictures: &[Picture], sent: &[Sent], masked: bool) -> Compared {
    let mut by_hash: BTreeMap<Hash, Vec<usize>> = BTreeMap::new();
    for (at, picture) in sent.iter().enumerate() {
        let hash = if masked {
            footage::of_mark(picture.mark)
        } else {
            picture.hash
        };
        by_hash.entry(hash).or_default().push(at);
    }
    let mut out = Compared {
        kept: BTreeMap::new(),
        unknown: 0,
        strange: None,
        disorder: 0,
        off_ms: Vec::new(),
    };
    let mut next: Option<usize> = None;
    for (n, picture) in pictures.iter().enumerate() {
        let Some(candidates) = by_hash.get(&picture.hash) else {
            out.unknown += 1;
            out.strange = out.strange.or(Some(n));
            continue;
        };
        let near = |at: &usize| next.is_none_or(|next| at.abs_diff(next) <= NEAR);
        let close = candidates.iter().copied().filter(near);
        let by_time = close.min_by_key(|at| off(picture, &sent[*at]).abs());
        let by_order = || {
            let away = |at: &usize| at.abs_diff(next.unwrap_or(0));
            candidates.iter().copied().min_by_key(away)
        };
        let Some(at) = by_time.or_else(by_order) else {
            continue;
        };
        // Painted pictures lie in the order shown, others in the order sent.
        let back = if masked { 4 } else { 0 };
        if next.is_some_and(|next| at + back < next) || out.kept.insert(at, n).is_some() {
            out.disorder += 1;
        }
        let off = off(picture, &sent[at]);
        out.off_ms
            .push(off.signum() * (off.abs() - picture.doubt_ms).max(0));
        next = Some(at + 1);
    }
    out
}

/// Right is any time between when a picture was due and when it had gone.
fn off(picture: &Picture, sent: &Sent) -> i64 {
    let from = sent.due_ms - sent.reorder_ms;
    picture.wall_ms
        - picture
            .wall_ms
            .clamp(from, sent.gone_ms.max(sent.due_ms) + sent.reorder_ms)
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
    for line in house.lines_of("seg.gap", case.name) {
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
    if case.expect.kept == Kept::Nothing {
        let open = house.lines_of("gap.open", case.name);
        let why = |line: &Value| line["data"]["why"].as_str().map(str::to_owned);
        match open.first().and_then(why) {
            None => wrong.push("no gap is open on the record".into()),
            Some(why) if !case.expect.opens.contains(&why.as_str()) => wrong.push(format!(
                "its gap is open for {why}, not {}",
                case.expect.opens.join(" or ")
            )),
            Some(_) => {}
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
    for line in house.lines_of("fault.on", case.name) {
        let code = line["data"]["code"].as_str().unwrap_or_default();
        if !said.iter().any(|s| s == code) {
            said.push(code.to_owned());
        }
    }
    let expect = &case.expect;
    let nothing = |code: &str| code == "camera.nothing" && expect.kept == Kept::Nothing;
    for code in &said {
        if !expect.faults.contains(&code.as_str())
            && !expect.may.contains(&code.as_str())
            && !nothing(code)
        {
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
    let segments = house.lines_of("seg.write", case.name);
    let gaps = house.lines_of("seg.gap", case.name);
    if let Err(what) = record::undeclared(&segments, &gaps) {
        wrong.push(what.to_string());
    }
    let number = |line: &Value, key: &str| line["data"][key].as_u64().unwrap_or(0);
    let lost: u64 = segments.iter().map(|l| number(l, "lost")).sum::<u64>()
        + gaps.iter().map(|l| number(l, "packets")).sum::<u64>();
    if (lost > 0) != case.expect.lost {
        wrong.push(if lost > 0 {
            format!("{lost} packets are said to be lost, and none was")
        } else {
            "no packet is said to be lost".into()
        });
    }
    let by_arrival = |l: &&Value| l["data"]["stamps"] == "arrival";
    let arrived = segments.iter().filter(by_arrival).count();
    // The first may have been closed before it was known.
    if case.expect.by_arrival && arrived + 1 < segments.len() {
        wrong.push(format!(
            "{arrived} segments of {} say that their times are those of arrival",
            segments.len()
        ));
    }
    let plain = case.expect.within_ms <= 300;
    if plain && (arrived > 0 || segments.iter().any(|l| !l["data"]["off_ms"].is_null())) {
        wrong.push("its right times are said to be doubtful".into());
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

/// What the recorder and the doctor say of it.
fn said(house: &House, case: &Case, wrong: &mut Vec<String>) {
    let named = |l: &&str| {
        (l.contains("WARN") || l.contains("ERROR"))
            && l.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .any(|w| w == case.name)
    };
    let warnings = house.output.lines().filter(named).count();
    if warnings > case.expect.warnings {
        wrong.push(format!("{warnings} lines of warning"));
    }
    let what = format!("camera {}", case.name);
    let lines = house.doctor.as_array().cloned().unwrap_or_default();
    let marks: Vec<&str> = lines
        .iter()
        .filter(|l| l["what"] == *what)
        .filter_map(|l| l["mark"].as_str())
        .collect();
    let well = !marks.is_empty() && marks.iter().all(|m| *m == "good");
    let texts: Vec<&str> = lines
        .iter()
        .filter(|l| l["what"] == *what)
        .filter_map(|l| l["text"].as_str())
        .collect();
    for words in case.expect.doctor {
        if !texts.iter().any(|text| text.contains(words)) {
            wrong.push(format!("the doctor does not say “{words}”, but {texts:?}"));
        }
    }
    match case.expect.kept {
        Kept::Nothing if well => wrong.push("the doctor finds nothing wrong with it".into()),
        Kept::Whole if marks.contains(&"bad") => {
            wrong.push("the doctor finds fault with it".into())
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Compared, Sent, compare, demanded};
    use crate::quirks::rig::footage::{Picture, of_mark};

    /// Ten pictures a second of a file that repeats after 240; the first that opens is the third.
    fn sent(many: usize) -> Vec<Sent> {
        (0..many)
            .map(|n| Sent {
                session: 1,
                number: n,
                due_ms: n as i64 * 100,
                gone_ms: n as i64 * 100 + 2,
                hash: of_mark((n % 240) as u8),
                mark: 0,
                reorder_ms: 0,
                opens: n % 240 == 2,
            })
            .collect()
    }

    fn kept(numbers: impl IntoIterator<Item = usize>, off_ms: i64) -> Compared {
        let pictures: Vec<Picture> = numbers
            .into_iter()
            .map(|n| Picture {
                wall_ms: n as i64 * 100 + off_ms,
                hash: of_mark((n % 240) as u8),
                doubt_ms: 0,
                slices: 1,
            })
            .collect();
        compare(&pictures, &sent(500), false)
    }

    /// REC-1: what the suites rest on: each fault of a recording shows.
    #[test]
    fn the_judge_sees_what_is_wrong() {
        assert_eq!(demanded(&sent(500), 0, 51_000).len(), 498);
        let whole = kept(2..500, 1);
        assert_eq!(
            (whole.kept.len(), whole.unknown, whole.disorder),
            (498, 0, 0)
        );
        assert!(whole.off_ms.iter().all(|off| *off == 0));
        let holes = kept((2..500).filter(|n| !(70..75).contains(n)), 0);
        assert_eq!((holes.kept.len(), holes.disorder), (493, 0));
        assert!(!holes.kept.contains_key(&72) && holes.kept.contains_key(&75));
        let twice = kept((2..100).chain([99]).chain(100..500), 0);
        assert_eq!((twice.kept.len(), twice.disorder), (498, 1));
        // Off by more than the file is long: its pictures are told apart by their order.
        let early = kept(2..500, -9_000);
        assert_eq!(
            (early.kept.len(), early.off_ms.first()),
            (498, Some(&-9_000))
        );
        let other = compare(
            &[Picture {
                wall_ms: 0,
                hash: of_mark(250),
                doubt_ms: 0,
                slices: 1,
            }],
            &sent(500),
            false,
        );
        assert_eq!(other.unknown, 1);
    }
}
