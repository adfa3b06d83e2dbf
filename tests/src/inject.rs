//! Task. One call of one program fails, at a log, a package or a key: EIO, ENOSPC and calls that were interrupted by strace, writes that stop in
//! the middle by a limit on files. What was acknowledged is there afterwards, and an ordinary start puts right what is not.
//!
//! First everything is done once under strace, which lists each `write`, `fsync`, `rename` and `unlink` below the folders of box and hub:
//! the *points*. Then one of them fails in each round. The program may go on, raise a fault, refuse, or end in a sentence; after an
//! ordinary start it records, is countersigned, and has every line that it had.
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    dice::Dice,
    fault::{snapshot, still_there},
    hub::{Hub, time},
    places,
    program::{Program, UNDER},
    town::{Plan, Town},
    wait::{self, Look},
};

const CAM: &str = "c01";
const NAME: &str = "inject";
/// The calls that put something on a disk or take it away.
const CALLS: &str = "write,pwrite64,writev,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,unlinkat,ftruncate";
/// A program whose call failed has so long to do what it did before, or to end.
const PATIENCE: Duration = Duration::from_secs(12);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Reader,
    Recorder,
    Hub,
}

const VICTIMS: [Victim; 3] = [Victim::Reader, Victim::Recorder, Victim::Hub];

/// A call of a program at a path, as strace is told it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    victim: Victim,
    call: String,
    path: PathBuf,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.victim, self.call, self.path.display())
    }
}

/// What was tried.
#[derive(Debug, Default)]
pub struct Report {
    /// Points there are, and those of them that failed in some round.
    pub points: usize,
    pub tried: usize,
    pub rounds: usize,
    /// Rounds in which the program ended.
    pub ended: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls failed at {} of {} points; the program ended {} times; nothing acknowledged was lost",
            self.rounds, self.tried, self.points, self.ended
        )
    }
}

struct Rig {
    folder: Folder,
    _cameras: Cameras,
    hub: Hub,
    town: Town,
}

impl Rig {
    fn make() -> Done<Self> {
        let folder = Folder::new(NAME)?;
        let cameras = Cameras::start(Scene::new().street_low("/i/c01"))?;
        let plan = Plan::new(NAME)
            .segment_secs(2)
            .camera(CAM, cameras.url("/i/c01"));
        let mut hub = Hub::make(folder.path())?.started()?;
        let town = Town::make(folder.path(), plan)?
            .enrolled(&mut hub)?
            .started()?;
        let mut rig = Self {
            folder,
            _cameras: cameras,
            hub,
            town,
        };
        rig.well(40)?;
        Ok(rig)
    }

    fn stop(&mut self, victim: Victim) -> Done<()> {
        let (program, secs) = match victim {
            Victim::Reader => (self.town.reader.take(), 15),
            Victim::Recorder => (self.town.recorder.take(), 30),
            Victim::Hub => (self.hub.process.take(), 30),
        };
        program.map_or(Ok(()), |mut p| p.stop(secs))
    }

    fn start(&mut self, victim: Victim, under: Option<String>) -> Done<()> {
        let env = under.map(|words| (UNDER.to_owned(), words));
        let (town, hub) = (&mut self.town, &mut self.hub);
        match victim {
            Victim::Reader | Victim::Recorder => town.env.extend(env),
            Victim::Hub => hub.env.extend(env),
        }
        let started = match victim {
            Victim::Reader => town.start_reader(),
            Victim::Recorder => town.start_recorder(),
            Victim::Hub => hub.start(),
        };
        town.env.retain(|(name, _)| name != UNDER);
        hub.env.retain(|(name, _)| name != UNDER);
        started
    }

    fn program(&mut self, victim: Victim) -> Option<&mut Program> {
        match victim {
            Victim::Reader => self.town.reader.as_mut(),
            Victim::Recorder => self.town.recorder.as_mut(),
            Victim::Hub => self.hub.process.as_mut(),
        }
    }

    /// What it said, in the file it has for its life.
    fn said(&self, victim: Victim) -> String {
        let name = match victim {
            Victim::Reader => format!("reader-{NAME}"),
            Victim::Recorder => format!("box-{NAME}"),
            Victim::Hub => "hub".into(),
        };
        let file = self.folder.path().join("logs").join(name + ".log");
        fs::read_to_string(file).unwrap_or_default()
    }

    fn segments(&self) -> usize {
        self.town.lines_of("seg.write", Some(CAM)).len()
    }

    fn cosigned(&self) -> u64 {
        let newest = |log: &Path| {
            let note = fs::read_to_string(log.join("cosigned.note")).ok()?;
            note.lines().nth(1)?.parse::<u64>().ok()
        };
        newest(&self.hub.box_log(NAME)).unwrap_or(0)
    }

    /// Everything does what it is there for.
    fn well(&mut self, secs: u64) -> Done<()> {
        let (segments, lines) = (self.segments(), self.town.lines().len() as u64);
        wait::until("records, and is countersigned", secs, || {
            self.hub.must_run()?;
            self.town.must_run()?;
            let (now, cosigned) = (self.segments(), self.cosigned());
            Ok(match now > segments && cosigned >= lines {
                true => Look::Yes(()),
                false => Look::NotYet(format!("{now} segments, {cosigned} of {lines} lines")),
            })
        })
    }

    /// A clip of what landed last is asked for; whoever asked waits for it no longer than that.
    fn pull(&mut self, patience: Duration) -> Done<()> {
        let lines = self.town.lines_of("seg.write", Some(CAM));
        let Some(last) = lines.last() else {
            return Ok(());
        };
        let (from, to) = (time(&last["data"]["t0"])?, time(&last["data"]["t1"])?);
        let (camera, from, to) = (format!("{NAME}/{CAM}"), from.to_string(), to.to_string());
        let words = args![
            "--state",
            self.hub.state,
            "clip",
            "pull",
            "--camera",
            camera,
            "--from",
            from,
            "--to",
            to,
            "--purpose",
            "Fault run",
            "--reference",
            "FAULT-2",
            "--requester",
            "make fault"
        ];
        let mut asked = Command::new(places::program("beadle-hub")?)
            .args(words)
            .args(self.hub.as_first())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .told("starting a pull")?;
        let since = Instant::now();
        while asked.try_wait()?.is_none() && since.elapsed() < patience {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = asked.kill();
        asked.wait()?;
        Ok(())
    }

    /// All logs of both, the hub's copies too.
    fn logs(&self) -> Vec<PathBuf> {
        vec![
            self.town.state.join("recorder/log"),
            self.hub.state.join("boxes").join(NAME).join("log"),
            self.hub.state.join("log"),
        ]
    }
}

/// Every point that strace saw, and how often.
fn points(victim: Victim, trace: &str, below: &[PathBuf], into: &mut BTreeMap<Point, u64>) {
    for line in trace.lines() {
        let Some((call, rest)) = call_of(line) else {
            continue;
        };
        // What strace compares with is a descriptor's path, or a path as it stands in the call.
        let of_descriptor = rest
            .split_once('<')
            .filter(|(fd, _)| fd.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|(_, path)| path.split_once('>'))
            .map(|(path, _)| path);
        let quoted = rest.split('"').nth(1).filter(|p| p.starts_with('/'));
        let path = of_descriptor.or(quoted);
        let Some(path) = path.map(PathBuf::from) else {
            continue;
        };
        let name = path.to_string_lossy();
        let ours = below.iter().any(|folder| path.starts_with(folder));
        // The derived index and the hub's records have their own crash rules, and sockets are no files.
        let other = name.contains(".sqlite") || name.contains("/run/") || name.contains("/logs/");
        if ours && !other {
            let call = call.to_owned();
            *into.entry(Point { victim, call, path }).or_default() += 1;
        }
    }
}

/// `1234 fdatasync(7</x>) = 0`: the call's name, and what is between its brackets.
fn call_of(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
    let (call, rest) = line.split_once('(')?;
    let plain = call.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && CALLS.split(',').any(|c| c == call)).then_some((call, rest))
}

/// strace's words; it traces from beside, so that the program's number is its own.
fn strace(words: &[&str], to: &Path) -> String {
    let to = to.display().to_string();
    let mut all = vec!["strace", "-D", "-f", "--seccomp-bpf", "-qqq", "-o", &to];
    all.extend(words);
    all.join("\n")
}

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Error(&'static str),
    /// Nothing may become longer than the log is now and a few bytes.
    Short,
}

fn ways(call: &str) -> &'static [Way] {
    match call {
        "write" | "pwrite64" | "writev" => &[
            Way::Error("EIO"),
            Way::Error("ENOSPC"),
            Way::Error("EINTR"),
            Way::Short,
        ],
        "unlink" | "unlinkat" => &[Way::Error("EIO")],
        _ => &[Way::Error("EIO"), Way::Error("ENOSPC")],
    }
}

/// So many rounds; the same seed gives the same ones of the same points.
pub fn inject(rounds: u64, seed: u64) -> Done<Report> {
    let mut dice = Dice::new(seed);
    let mut rig = Rig::make()?;
    let all = discover(&mut rig)?;
    let mut report = Report {
        points: all.len(),
        ..Report::default()
    };
    println!("{} points", all.len());
    // Each once, in an order of chance, those of each program in turn, before any a second time.
    let mut left: Vec<Vec<(&Point, u64)>> = Vec::new();
    for round in 0..rounds as usize {
        let victim = VICTIMS[round % VICTIMS.len()];
        if left.len() < VICTIMS.len() || left.iter().all(Vec::is_empty) {
            let of = |v| all.iter().filter(move |(p, _)| p.victim == v);
            left = VICTIMS
                .iter()
                .map(|v| of(*v).map(|(p, n)| (p, *n)).collect())
                .collect();
        }
        let mine = &mut left[round % VICTIMS.len()];
        if mine.is_empty() {
            continue;
        }
        let (point, times) = mine.swap_remove(dice.below(mine.len() as u64) as usize);
        let way = *dice.one(ways(&point.call));
        let which = 1 + dice.below(times);
        println!(
            "{:>3}/{rounds} {way:?} at call {which} of {times}: {point}",
            round + 1
        );
        let ended = one(&mut rig, victim, point, way, which)
            .map_err(|e| Trouble(format!("{way:?} at call {which} of {point}: {e}")))?;
        report.rounds += 1;
        report.ended += usize::from(ended);
        report.tried += 1;
    }
    report.tried = report.tried.min(report.points);
    finish(&mut rig)?;
    Ok(report)
}

/// Everything once, under strace.
fn discover(rig: &mut Rig) -> Done<BTreeMap<Point, u64>> {
    let trace = |victim: Victim| format!("trace-{victim:?}");
    for victim in VICTIMS {
        rig.stop(victim)?;
        let to = rig.folder.path().join(trace(victim));
        rig.start(
            victim,
            Some(strace(
                &["-y", "-s", "300", "-e", &format!("trace={CALLS}")],
                &to,
            )),
        )?;
    }
    rig.well(60)?;
    rig.pull(Duration::from_secs(60))?;
    for victim in VICTIMS {
        rig.stop(victim)?;
        rig.start(victim, None)?;
    }
    let below = [
        rig.town.state.clone(),
        rig.hub.state.clone(),
        rig.hub.evidence.clone(),
    ];
    let mut all = BTreeMap::new();
    for victim in VICTIMS {
        let file = rig.folder.path().join(trace(victim));
        let text = fs::read(&file).told(file.display())?;
        let text = String::from_utf8_lossy(&text);
        points(victim, &text, &below, &mut all);
        let any = all.keys().any(|p| p.victim == victim);
        if !any {
            return Err(Trouble(format!("strace saw no call of {victim:?}")));
        }
    }
    Ok(all)
}

/// One round. Whether the program ended.
fn one(rig: &mut Rig, victim: Victim, point: &Point, way: Way, which: u64) -> Done<bool> {
    rig.stop(victim)?;
    let heard = rig.said(victim).len();
    let path = place_now(rig, &point.path);
    let under = match way {
        Way::Error(error) => {
            let (call, path) = (&point.call, path.display().to_string());
            let fail = format!("inject={call}:error={error}:when={which}");
            let words = ["-e", &format!("trace={call}"), "-P", &path, "-e", &fail];
            strace(&words, Path::new("/dev/null"))
        }
        // Whoever is told that a file is long enough is not to be ended by it.
        Way::Short => "env\n--ignore-signal=XFSZ".into(),
    };
    let started = rig.start(victim, Some(under));
    if started.is_ok() {
        if way == Way::Short {
            limited(rig, victim, &path)?;
        }
        let since = Instant::now();
        let segments = rig.segments();
        while rig.segments() == segments && since.elapsed() < PATIENCE {
            if rig.program(victim).is_none_or(|p| p.ended().is_some()) {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        rig.pull(PATIENCE)?;
    }
    let gone = |p: &mut Program| p.ended().is_some();
    let ended = rig.program(victim).is_none_or(gone);
    // An end that the fault brought may be one with an error.
    let _ = rig.stop(victim);
    let said = rig.said(victim);
    let said = said.get(heard..).unwrap_or_default();
    if said.contains("panicked") || said.contains("RUST_BACKTRACE") {
        return Err(Trouble(format!("it panicked:\n{said}")));
    }
    if ended {
        println!(
            "    ended: {}",
            said.lines().last().unwrap_or("(without a word)")
        );
    }
    let logs = rig.logs();
    let before: Vec<_> = logs.iter().map(|log| snapshot(log)).collect();
    for victim in VICTIMS {
        if rig.program(victim).is_none_or(gone) {
            rig.stop(victim).ok();
            rig.start(victim, None)?;
        }
    }
    rig.well(60)?;
    for (log, before) in logs.iter().zip(&before) {
        still_there(&log.display().to_string(), before, log)?;
    }
    Ok(ended)
}

/// The same place now: an exhibit has another number each time.
fn place_now(rig: &Rig, path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let Some(at) = text.find("EXH-") else {
        return path.to_owned();
    };
    let exhibits = fs::read_dir(rig.hub.state.join("keys/exhibits"));
    let names = exhibits.into_iter().flatten().filter_map(Result::ok);
    let number = |name: String| name.get(9..15)?.parse::<u64>().ok();
    let newest = names.filter_map(|e| number(e.file_name().into_string().ok()?));
    let next = newest.max().unwrap_or(0) + 1;
    // EXH-2026-000123
    let before = text.get(..at + 9).unwrap_or_default();
    let after = text.get(at + 15..).unwrap_or_default();
    PathBuf::from(format!("{before}{next:06}{after}"))
}

/// No file of the program becomes longer, for a while, than this one and a few bytes.
fn limited(rig: &mut Rig, victim: Victim, path: &Path) -> Done<()> {
    let Some(program) = rig.program(victim) else {
        return Ok(());
    };
    let pid = format!("--pid={}", program.pid());
    let length = fs::metadata(path).map_or(0, |m| m.len());
    for limit in [
        format!("--fsize={}:unlimited", length + 37),
        "--fsize=unlimited:unlimited".into(),
    ] {
        let done = Command::new("prlimit").args([&pid, &limit]).status()?;
        // It may have ended by it.
        if !done.success() {
            return Ok(());
        }
        thread::sleep(Duration::from_secs(3));
    }
    Ok(())
}

/// What was asked for is there, and everything verifies.
fn finish(rig: &mut Rig) -> Done<()> {
    wait::until("every clip came to an end", 240, || {
        rig.hub.must_run()?;
        let list = rig.hub.ask(args!["clip", "list", "--json"])?;
        let list = list.well("beadle-hub clip list")?;
        let rows: Vec<serde_json::Value> = serde_json::from_str(&list.out)?;
        let over = |r: &&serde_json::Value| {
            matches!(r["state"].as_str(), Some("Ready" | "Partial" | "Refused"))
        };
        let ready = rows.iter().filter(over).count();
        Ok(match ready == rows.len() {
            true => Look::Yes(()),
            false => {
                let first = rows.iter().find(|r| !over(r));
                Look::NotYet(format!(
                    "{ready} of {}; {}",
                    rows.len(),
                    first.map_or(String::new(), |r| format!(
                        "{}: {} {}",
                        r["ref"], r["state"], r["why"]
                    ))
                ))
            }
        })
    })?;
    for package in places::files_below(&rig.hub.evidence, "SHA256SUMS") {
        let exhibit = package.ancestors().nth(2).and_then(Path::file_name);
        let exhibit = exhibit.unwrap_or_default().to_string_lossy();
        let saved = rig.hub.save(&exhibit, &rig.hub.saved)?;
        rig.hub.intact("bundle", &saved, false)?;
    }
    rig.town.stop()?;
    rig.hub.stop()?;
    for logs in rig.logs() {
        let all = fs::read_dir(&logs).told(logs.display())?;
        for log in all.filter_map(Result::ok) {
            if log.file_name().to_string_lossy().parse::<u64>().is_ok() {
                rig.hub.intact("log", &log.path(), false)?;
            }
        }
    }
    // What a line says is on the disk is.
    for line in rig.town.lines_of("seg.write", Some(CAM)) {
        let end = format!("-{}.mp4.age", line["data"]["s"]);
        if places::files_below(&rig.town.volume, &end).is_empty() {
            return Err(Trouble(format!("no file of a line: {line}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What strace writes is taken apart as it should be.
    #[test]
    fn points_are_read_from_a_trace() {
        let trace = "\
12 fdatasync(7</t/box/log/1/0000000000.jsonl>) = 0
12 write(7</t/box/log/1/0000000000.jsonl>, \"{}\", 2) = 2
13 rename(\"/t/box/log/1/head.note.new\", \"/t/box/log/1/head.note\") = 0
13 renameat(9</t/box/reader>, \"a.new\", 9</t/box/reader>, \"a\") = 0
14 write(1<pipe:[7]>, \"x\", 1) = 1
14 fsync(8</t/box/recorder/index.sqlite-wal>) = 0
14 write(3<socket:[1]>, \"y\", 1 <unfinished ...>
15 <... write resumed>) = 1
";
        let mut all = BTreeMap::new();
        points(
            Victim::Recorder,
            trace,
            &[PathBuf::from("/t/box")],
            &mut all,
        );
        let shown: Vec<String> = all.keys().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "Recorder fdatasync /t/box/log/1/0000000000.jsonl",
                "Recorder rename /t/box/log/1/head.note.new",
                "Recorder renameat /t/box/reader",
                "Recorder write /t/box/log/1/0000000000.jsonl",
            ]
        );
    }
}
