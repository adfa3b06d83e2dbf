//! Task. The marker test (MSK-1, MSK-5): whatever happens to cameras, workers and box, no recorded picture shows the marker.
//!
//! **The marker** is a checker of magenta and green, moving under the polygon. Its squares average to grey, so a mosaic whose
//! cells are as large as two squares or larger leaves nothing that counts as magenta, whatever lies under it, while one square that
//! can be made out as such does count: "is there detail" becomes "is there magenta", the same question for black and for mosaic.
//!
//! **The box** has cameras whose mask it burns in, black and as a mosaic, which send the marker all the time; cameras with a zone of
//! their own, black and mosaic, which the box proves, and which lose it again and again, at a key picture or in mid-group, for at
//! least two groups (a zone that goes and comes back between two key pictures is beyond what key pictures can prove); H.264
//! with and without B pictures, and H.265; and one camera without a mask, which shows that the judge sees what there is to see. Those with
//! a zone of their own send the open scene beside each picture all the time, where no player shows it (messages, auxiliary pictures, layers).
//!
//! **The judge** opens every file on the box's disk with the box's own keys, at the end and, as it was, after each kill; stock
//! ffmpeg decodes every picture, and nothing but pictures and parameter sets may be in the file. The whole picture counts: damage may move what is under the mask to beside it, and a picture known to
//! be damaged is not to be recorded. Chance that happens to be a whole H.265 picture cannot be known for it by anybody: of such cameras,
//! what is beside the polygon after rubbish is counted and told, and so is a cell of the mosaic whose mean is magenta because chance threw the
//! marker's squares together; whatever else is under it counts as everywhere.
//! The acts come from a shuffled pack, so that each comes in every run of a few minutes; the same seed, the same acts.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;
use shared::time::Utc;

use crate::{
    Done, Folder, Told, Trouble,
    cameras::{CELL, Cameras, Coded, Cover, OVER_MARKER, Place, Scene, marked},
    dice::Dice,
    hub::time,
    judge::{Judge, Seen, sealed},
    pictures, places, record,
    town::{Plan, Town},
    wait::{self, Look},
    workers,
};

/// The polygons of a mask that is changed now and then: the second one reaches a little further.
const POLYGONS: [&str; 2] = [
    OVER_MARKER,
    "[[[0.60, 0.29], [0.81, 0.29], [0.81, 0.60], [0.60, 0.60]]]",
];
/// Longer than pictures are dated late, shorter than a start of the box with another mask takes.
const DATED_LATE_MS: i64 = 1_000;
/// What both of them cover.
const UNDER: [f64; 4] = [0.60, 0.30, 0.20, 0.30];
/// Side of the cells that the box paints: 32 in the height at most, sides in sixteens, so this at 360 lines.
const BOX_CELL: usize = 16;
/// A picture with fewer magenta pixels than this, at half its size, does not show the marker where it should be seen.
const SEEN: usize = 100;
/// A zone that went stays away for two groups of pictures at least.
const AWAY: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    None,
    /// By the box.
    Burned(Cover),
    /// By the camera, proved by the box.
    Own(Cover),
}

struct Watched {
    id: &'static str,
    coded: Coded,
    mask: Mask,
    /// Since when its own zone has been away.
    open: Option<Instant>,
    large: bool,
    acts: BTreeMap<&'static str, usize>,
}

impl Watched {
    fn path(&self) -> String {
        format!("/m/{}", self.id)
    }
    fn act(&mut self, name: &'static str) {
        *self.acts.entry(name).or_default() += 1;
    }
    fn what(&self) -> String {
        let mask = match self.mask {
            Mask::None => "no mask".into(),
            Mask::Burned(cover) => format!("burned, {}", cover.name()),
            Mask::Own(cover) => format!("the camera's own, {}", cover.name()),
        };
        format!("{} ({mask}, {:?})", self.id, self.coded)
    }
}

/// All, or those named.
fn watched(only: &[String]) -> Vec<Watched> {
    use Coded::{H264, H264B, H265};
    use Cover::{Mosaic, Solid};
    let all = [
        ("c00", H264, Mask::None),
        ("c01", H264B, Mask::Burned(Solid)),
        ("c02", H265, Mask::Burned(Solid)),
        ("c03", H264, Mask::Burned(Mosaic)),
        ("c04", H265, Mask::Burned(Mosaic)),
        ("c05", H264, Mask::Own(Solid)),
        ("c06", H265, Mask::Own(Solid)),
        ("c07", H264B, Mask::Own(Mosaic)),
        ("c08", H265, Mask::Own(Mosaic)),
    ];
    all.into_iter()
        .filter(|(id, _, mask)| {
            *mask == Mask::None || only.is_empty() || only.iter().any(|o| o == id)
        })
        .map(|(id, coded, mask)| Watched {
            id,
            coded,
            mask,
            open: None,
            large: false,
            acts: BTreeMap::new(),
        })
        .collect()
}

fn plan(all: &[Watched], cameras: &Cameras, version: usize) -> Plan {
    all.iter()
        .fold(Plan::new("marked").segment_secs(10), |p, w| {
            let p = p.camera(w.id, cameras.url(&w.path()));
            let polygons = POLYGONS[version % POLYGONS.len()];
            let masked = |p: Plan| p.mask(&format!("m{version}"), polygons);
            match w.mask {
                Mask::None => p,
                Mask::Burned(Cover::Solid) => masked(p),
                Mask::Burned(Cover::Mosaic) => masked(p).pixelated(None),
                Mask::Own(Cover::Solid) => masked(p).by_camera().colour("#000000"),
                Mask::Own(Cover::Mosaic) => masked(p).by_camera().pixelated(Some(CELL)),
            }
        })
}

/// That the judge sees the marker in what cameras send without a zone, in no picture with one, and when it goes and comes.
fn controls(all: &[Watched]) -> Done<usize> {
    let mut frames = 0;
    let mut see = |file: String, good: fn(&[usize]) -> bool| -> Done<()> {
        let seen = pictures::magenta(&places::footage(&file)?)?;
        frames += seen.len();
        if seen.is_empty() || !good(&seen) {
            return Err(Trouble(format!("the judge is no judge: {file}: {seen:?}")));
        }
        Ok(())
    };
    for w in all {
        see(marked(w.coded, "open"), |n| n.iter().all(|n| *n > SEEN))?;
        if let Mask::Own(cover) = w.mask {
            let cover = cover.name();
            see(marked(w.coded, cover), |n| n.iter().all(|n| *n == 0))?;
            see(marked(w.coded, &format!("{cover}-open")), |n| {
                n[0] == 0 && n[n.len() - 1] > SEEN
            })?;
            see(marked(w.coded, &format!("open-{cover}")), |n| {
                n[0] > SEEN && n[n.len() - 1] == 0
            })?;
        }
    }
    Ok(frames)
}

/// The camera whose folder a file is in.
fn of<'a>(all: &'a [Watched], file: &Path) -> Option<&'a Watched> {
    file.iter()
        .find_map(|part| all.iter().find(|w| part == w.id))
}

/// What a run has counted, by camera.
#[derive(Default, Clone)]
struct Count {
    segments: BTreeMap<String, usize>,
    frames: BTreeMap<String, usize>,
    torn_frames: usize,
    undecoded: usize,
    /// Pictures of chance that show the marker beside the polygon.
    beside: usize,
    proofs: u64,
}

struct Run {
    all: Vec<Watched>,
    cameras: Cameras,
    town: Town,
    dice: Dice,
    folder: Folder,
    /// When each version of the masks came into force.
    versions: Vec<Utc>,
    counts: BTreeMap<&'static str, Count>,
}

const PACK: [&str; 24] = [
    "kill-worker",
    "kill-worker",
    "hang-worker",
    "hang-worker",
    "stall",
    "drop",
    "reboot",
    "lose",
    "lose",
    "clock-jump",
    "resolution",
    "resolution",
    "rubbish",
    "rubbish",
    "uncover-key",
    "uncover-middle",
    "uncover-middle-drop",
    "cover-key",
    "cover-middle",
    "cover-middle",
    "drop-all",
    "kill-box",
    "new-mask",
    "restart",
];

/// So many seconds of faults; then everything on the disk is judged. Of all cameras, or those named (and the one without a mask).
pub fn marker(secs: u64, seed: u64, only: &[String]) -> Done<()> {
    let folder = Folder::new("marker")?;
    println!("marker: {secs} s, seed {seed}");
    let all = watched(only);
    println!(
        "marker: the judge saw what it had to in {} pictures of the cameras' own",
        controls(&all)?
    );
    let scene = all.iter().fold(Scene::new(), |s, w| match w.mask {
        Mask::None => s.marker_with_open_beside(&w.path(), w.coded),
        Mask::Burned(_) => s.marker_in(&w.path(), w.coded),
        Mask::Own(cover) => s.zoned_with_open_beside(&w.path(), w.coded, cover),
    });
    let cameras = Cameras::start(scene)?;
    let began = wait::now();
    let town = Town::make(folder.path(), plan(&all, &cameras, 0))?
        .labelled()?
        .started()?;
    let mut run = Run {
        all,
        cameras,
        town,
        dice: Dice::new(seed),
        folder,
        versions: vec![began],
        counts: BTreeMap::new(),
    };
    run.all_record()?;
    let end = Instant::now() + Duration::from_secs(secs);
    let mut pack: Vec<&str> = Vec::new();
    while Instant::now() < end {
        run.town.must_run()?;
        if pack.is_empty() {
            pack = PACK.to_vec();
        }
        let card = pack.swap_remove(run.dice.below(pack.len() as u64) as usize);
        run.act(card)
            .map_err(|e| Trouble(format!("act {card}: {e}")))?;
        thread::sleep(Duration::from_millis(300 + run.dice.below(4000)));
    }
    for i in 0..run.all.len() {
        run.cover(i, Place::Key)?;
    }
    run.all_record()?;
    run.town.stop()?;
    run.judge()?;
    record::declared(&run.town)?;
    run.say()
}

impl Run {
    fn pid(&self) -> u32 {
        self.town.recorder.as_ref().map_or(0, |p| p.pid())
    }

    /// Any camera but the one that is there for the judge.
    fn any(&mut self) -> usize {
        1 + self.dice.below(self.all.len() as u64 - 1) as usize
    }

    fn any_of(&mut self, good: impl Fn(&Watched) -> bool) -> Option<usize> {
        let fit: Vec<usize> = (0..self.all.len())
            .filter(|i| good(&self.all[*i]))
            .collect();
        (!fit.is_empty()).then(|| *self.dice.one(&fit))
    }

    fn act(&mut self, card: &'static str) -> Done<()> {
        let i = self.any();
        let path = self.all[i].path();
        match card {
            "kill-worker" | "hang-worker" => self.worker(card),
            "stall" => {
                self.all[i].act(card);
                self.cameras.stall(&path)?;
                thread::sleep(Duration::from_millis(500 + self.dice.below(12_000)));
                self.cameras.resume(&path)
            }
            "drop" => {
                self.all[i].act(card);
                self.cameras.drop_viewers(&path)
            }
            "drop-all" => {
                for w in self.all.iter_mut().skip(1) {
                    w.act(card);
                    self.cameras.drop_viewers(&w.path())?;
                }
                Ok(())
            }
            "reboot" => {
                self.all[i].act(card);
                self.cameras.reboot(&path, (1 + self.dice.below(6)) as f64)
            }
            // These need a viewer; without one the cameras refuse, which is no fault of the box.
            "lose" => {
                self.all[i].act(card);
                let packets = 1 + self.dice.below(30) as u32;
                self.cameras.lose(&path, packets).or(Ok(()))
            }
            "clock-jump" => {
                self.all[i].act(card);
                let secs = self.dice.below(40) as f64 - 20.0;
                self.cameras.clock_jump(&path, secs).or(Ok(()))
            }
            "resolution" => self.resolution(),
            "rubbish" => {
                // Of a camera that is not decoded, chance between key pictures would be recorded as it came: no matter for masks.
                let keys = matches!(self.all[i].mask, Mask::Own(_));
                self.all[i].act(card);
                let pictures = if keys {
                    1
                } else {
                    1 + self.dice.below(20) as u32
                };
                self.cameras.rubbish(&path, pictures, keys)
            }
            "uncover-key" => self.uncover(Place::Key, false),
            "uncover-middle" => self.uncover(Place::Middle, false),
            "uncover-middle-drop" => self.uncover(Place::Middle, true),
            "cover-key" | "cover-middle" => {
                let place = if card == "cover-key" {
                    Place::Key
                } else {
                    Place::Middle
                };
                let ready = |w: &Watched| w.open.is_some_and(|since| since.elapsed() > AWAY);
                match self.any_of(ready) {
                    Some(i) => self.cover(i, place),
                    None => Ok(()),
                }
            }
            "kill-box" => {
                self.town.kill9()?;
                for w in &mut self.all {
                    w.act(card);
                }
                self.torn()?;
                self.town.start()
            }
            "new-mask" => {
                self.town.stop()?;
                let version = self.versions.len();
                self.versions.push(wait::now());
                for w in &mut self.all {
                    w.act(card);
                }
                self.town
                    .configure(&plan(&self.all, &self.cameras, version))?;
                self.town.start()
            }
            "restart" => {
                self.town.stop()?;
                for w in &mut self.all {
                    w.act(card);
                }
                self.town.start()
            }
            other => Err(Trouble(format!("no act {other}"))),
        }
    }

    fn worker(&mut self, card: &'static str) -> Done<()> {
        let (parent, all) = (self.pid(), workers::workers(self.pid()));
        if all.is_empty() {
            return Ok(());
        }
        let pid = *self.dice.one(&all);
        // Whose it is cannot be seen from outside: it is counted with the box.
        self.all[0].act(card);
        if card == "kill-worker" {
            return workers::tell(pid, parent, Signal::SIGKILL).map(drop);
        }
        if workers::tell(pid, parent, Signal::SIGSTOP)? {
            thread::sleep(Duration::from_millis(200 + self.dice.below(6000)));
            workers::tell(pid, parent, Signal::SIGCONT)?;
        }
        Ok(())
    }

    fn resolution(&mut self) -> Done<()> {
        let Some(i) =
            self.any_of(|w| w.coded == Coded::H264 && w.mask != Mask::None && w.open.is_none())
        else {
            return Ok(());
        };
        let w = &mut self.all[i];
        let cover = match w.mask {
            Mask::Own(cover) => cover.name(),
            _ => "open",
        };
        let file = if w.large {
            marked(w.coded, cover)
        } else {
            format!("marker-720p12-{cover}.h264")
        };
        w.large = !w.large;
        w.act("resolution");
        self.cameras.resolution(&w.path(), &places::footage(&file)?)
    }

    fn uncover(&mut self, place: Place, and_drop: bool) -> Done<()> {
        let Some(i) = self.any_of(|w| matches!(w.mask, Mask::Own(_)) && w.open.is_none()) else {
            return Ok(());
        };
        let w = &mut self.all[i];
        w.open = Some(Instant::now());
        w.large = false;
        w.act(match (place, and_drop) {
            (Place::Key, _) => "uncover at a key picture",
            (_, false) => "uncover in mid-group",
            (_, true) => "uncover in mid-group, connection lost",
        });
        let path = w.path();
        self.cameras.uncover(&path, place)?;
        if and_drop {
            // Some of it falls before the next key picture, with the zone away and no proof to come.
            thread::sleep(Duration::from_millis(500 + self.dice.below(3000)));
            self.cameras.drop_viewers(&path)?;
        }
        Ok(())
    }

    fn cover(&mut self, i: usize, place: Place) -> Done<()> {
        let w = &mut self.all[i];
        if w.open.take().is_none() {
            return Ok(());
        }
        w.act(match place {
            Place::Key => "cover at a key picture",
            Place::Middle => "cover in mid-group",
        });
        self.cameras.cover(&w.path(), place)
    }

    /// Pictures of every camera have landed since this was called.
    fn all_record(&mut self) -> Done<()> {
        let since = wait::now();
        let ids: Vec<&str> = self.all.iter().map(|w| w.id).collect();
        let town = &mut self.town;
        wait::until("every camera records", 180, || {
            town.must_run()?;
            let not: Vec<&&str> = ids
                .iter()
                .filter(|id| town.landed(id).is_none_or(|t| t <= since))
                .collect();
            Ok(if not.is_empty() {
                Look::Yes(())
            } else {
                Look::NotYet(format!("not {not:?}"))
            })
        })
    }

    /// An error if a file shows the marker; else how many of its pictures show something magenta that chance has made: beside the polygon,
    /// or as the mean of a whole cell.
    fn shows(w: &Watched, file: &Path, seen: &Seen, plain: &Path) -> Done<usize> {
        if w.mask == Mask::None || seen.worst == 0 {
            return Ok(0);
        }
        if w.coded == Coded::H265 && w.acts.contains_key("rubbish") {
            let under = match w.mask {
                Mask::Burned(Cover::Mosaic) => pictures::magenta_detail(plain, UNDER, BOX_CELL)?,
                _ => pictures::magenta_in(plain, UNDER)?,
            };
            if under.iter().all(|n| *n == 0) {
                let all = pictures::magenta(plain)?;
                return Ok(all.iter().filter(|n| **n > 0).count());
            }
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let kept = places::target()
            .join("tmp")
            .join(format!("shows-the-marker-{}-{name}", w.id));
        fs::copy(plain, &kept).told(kept.display())?;
        Err(Trouble(format!(
            "{}: a recorded picture shows {} pixels of the marker: {name}; kept in {}",
            w.what(),
            seen.worst,
            kept.display()
        )))
    }

    /// What a killed box left open on its disk, before it can mend it.
    fn torn(&mut self) -> Done<()> {
        let judge = Judge::new(&self.town, self.folder.path())?;
        let open = |f: &PathBuf| !f.to_string_lossy().ends_with(".mp4.age");
        for file in sealed(&self.town).into_iter().filter(open) {
            let Some(w) = of(&self.all, &file) else {
                continue;
            };
            if let Some(seen) = judge.look(&file)? {
                let beside = Self::shows(w, &file, &seen, &judge.plain())?;
                let count = self.counts.entry(w.id).or_default();
                count.torn_frames += seen.decoded;
                count.beside += beside;
            }
        }
        Ok(())
    }

    /// Everything on the disk.
    fn judge(&mut self) -> Done<()> {
        let judge = Judge::new(&self.town, self.folder.path())?;
        let mut lines: BTreeMap<String, Value> = self
            .town
            .lines_of("seg.write", None)
            .into_iter()
            .map(|l| {
                (
                    l["data"]["sha256"].as_str().unwrap_or_default().to_owned(),
                    l,
                )
            })
            .collect();
        let mut wrong = Vec::new();
        for file in sealed(&self.town) {
            let Some(w) = of(&self.all, &file) else {
                return Err(Trouble(format!("{}: of no camera", file.display())));
            };
            let Some(seen) = judge.look(&file)? else {
                if file.to_string_lossy().ends_with(".mp4.age") {
                    wrong.push(format!("{}: no pictures in it", file.display()));
                }
                continue;
            };
            match Self::shows(w, &file, &seen, &judge.plain()) {
                Ok(beside) => self.counts.entry(w.id).or_default().beside += beside,
                Err(e) => wrong.push(e.0),
            }
            let Some(line) = lines.remove(&seen.sha256) else {
                wrong.push(format!("{}: the log does not know it", file.display()));
                continue;
            };
            if let Err(e) = self.said(w, &line["data"], &seen) {
                wrong.push(e.0);
            }
            if w.mask != Mask::None && seen.beside > 0 {
                wrong.push(format!(
                    "{}: {} units that are no part of a picture: {}",
                    w.what(),
                    seen.beside,
                    line["data"]
                ));
            }
            let how = line["data"]["how"].as_str().unwrap_or("?").to_owned();
            let count = self.counts.entry(w.id).or_default();
            *count.segments.entry(how.clone()).or_default() += 1;
            *count.frames.entry(how).or_default() += seen.decoded;
            count.undecoded += seen.pictures.saturating_sub(seen.decoded);
            count.proofs += line["data"]["proofs"].as_u64().unwrap_or(0);
        }
        if let Some((sha256, line)) = lines.iter().next() {
            wrong.push(format!("no file has {sha256}, of the line {line}"));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Trouble(wrong.join("\n")))
        }
    }

    /// A segment's line says what its mask was, and how it was imposed.
    fn said(&self, w: &Watched, data: &Value, seen: &Seen) -> Done<()> {
        // Its end: where footage lies in time is known some moments after its beginning. Pictures may be dated a little late: a segment that
        // ended with a start of the box may seem to reach beyond it.
        let t1 = time(&data["t1"])?;
        let in_force = |at: Utc| self.versions.iter().rposition(|v| *v <= at).unwrap_or(0);
        let (version, before) = (in_force(t1), in_force(t1.plus_ms(-DATED_LATE_MS)));
        let (how, proofs) = (
            data["how"].as_str().unwrap_or("?"),
            data["proofs"].as_u64().unwrap_or(0),
        );
        let bad = |what: String| Err(Trouble(format!("{}: {what}: {data}", w.what())));
        match (w.mask, how) {
            (Mask::None, "none") if data["mask"].is_null() => {
                return if seen.worst <= SEEN {
                    bad("the judge does not see the marker where there is no mask".into())
                } else if seen.beside < seen.pictures {
                    bad("of what the camera sent beside its pictures something is missing".into())
                } else {
                    Ok(())
                };
            }
            (Mask::Burned(_) | Mask::Own(_), "burned") => {}
            (Mask::Own(_), "proved") if proofs >= seen.keys && proofs > 0 => {}
            (Mask::Own(_), "proved") => {
                return bad(format!("{proofs} proofs for {} key pictures", seen.keys));
            }
            _ => return bad("how it was masked cannot be".into()),
        }
        if [version, before]
            .iter()
            .any(|v| data["mask"] == format!("m{v}"))
        {
            Ok(())
        } else {
            bad(format!("mask m{version} was in force"))
        }
    }

    /// The table; an error if there is nothing to it.
    fn say(&self) -> Done<()> {
        let mut empty = Vec::new();
        for w in &self.all {
            let count = self.counts.get(w.id).cloned().unwrap_or_default();
            let (segments, frames) = (listed(&count.segments), listed(&count.frames));
            println!(
                "  {}: segments {segments}; frames checked {frames}, {} more as they were after a kill, {} could not be decoded, {} show chance; {} proofs; {} gaps; faults: {}",
                w.what(),
                count.torn_frames,
                count.undecoded,
                count.beside,
                count.proofs,
                self.town.lines_of("seg.gap", Some(w.id)).len(),
                listed(&w.acts)
            );
            let needed: &[&str] = match w.mask {
                Mask::None => &["none"],
                Mask::Burned(_) => &["burned"],
                Mask::Own(_) => &["proved", "burned"],
            };
            for how in needed {
                // One that never lost its zone has no reason to be burned.
                let never = *how == "burned" && !w.acts.keys().any(|a| a.starts_with("uncover"));
                if !(never && matches!(w.mask, Mask::Own(_)))
                    && count.frames.get(*how).is_none_or(|n| *n == 0)
                {
                    empty.push(format!("{}: no frame checked of segments {how}", w.what()));
                }
            }
        }
        let sum = |how: &str| -> usize {
            self.counts
                .iter()
                .filter(|(id, _)| **id != "c00")
                .filter_map(|(_, c)| c.frames.get(how))
                .sum()
        };
        println!(
            "marker: in none of {} burned and {} proved frames is the marker",
            sum("burned"),
            sum("proved")
        );
        if empty.is_empty() {
            Ok(())
        } else {
            Err(Trouble(empty.join("\n")))
        }
    }
}

fn listed(of: &BTreeMap<impl std::fmt::Display, usize>) -> String {
    let all: Vec<String> = of.iter().map(|(k, n)| format!("{n} {k}")).collect();
    if all.is_empty() {
        "none".into()
    } else {
        all.join(", ")
    }
}
