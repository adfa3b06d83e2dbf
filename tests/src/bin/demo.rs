//! Wiring. `make demo`: two towns with three cameras each and a hub on this machine, a clip pulled and verified, all of it real.
//!
//! State is in target/demo: `box-<town>/` as /var/lib/beadle-edge, `hub/` as /var/lib/beadle-hub, `disk-<town>/` the footage
//! disks, `evidence/<EXH-ref>/<camera>/` the packages, sealed, `saved/<EXH-ref>/` what was saved of them in plain, `logs/` what every
//! program says. Each run starts anew.
use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Told, Trouble,
    cameras::{Cameras, OVER_MARKER, Scene},
    hub::{Hub, Pulled, Verdict, time},
    pictures, places,
    town::{Plan, Town},
    wait::{self, Look, STOP},
};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use shared::time::Utc;

const USAGE: &str = "usage: demo [--once]
--once ends by itself: status 0 if every step worked.";
/// The clip that is pulled.
const FROM: (&str, &str) = ("ashby", "c01");
const CLIP_SECS: i64 = 30;

extern "C" fn on_signal(_: i32) {
    STOP.store(true, Ordering::Relaxed);
}

fn main() -> ExitCode {
    let once = match std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => false,
        ["--once"] => true,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let action = SigAction::new(
            SigHandler::Handler(on_signal),
            SaFlags::SA_RESTART,
            SigSet::empty(),
        );
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        if let Err(e) = unsafe { sigaction(signal, &action) } {
            eprintln!("demo: cannot watch for {signal}: {e}");
            return ExitCode::FAILURE;
        }
    }
    match demo(once) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) if STOP.load(Ordering::Relaxed) => {
            eprintln!("demo: {e}");
            ExitCode::from(130)
        }
        Err(e) => {
            eprintln!("\ndemo: {e}\nWhat the programs said is in target/demo/logs.");
            ExitCode::FAILURE
        }
    }
}

fn say(text: impl std::fmt::Display) {
    println!("{text}");
    // Progress for people; a closed terminal is no reason to stop.
    let _ = std::io::stdout().flush();
}

/// Starts everything, shows it, ends it. True if every step worked.
fn demo(once: bool) -> Done<bool> {
    let began = Instant::now();
    let folder = places::root().join("target/demo");
    anew(&folder)?;
    let mut running = Running::new(&folder)?;

    say("1. Test cameras: real street footage over RTSP");
    let cameras = Cameras::start(
        Scene::new()
            .street("/ashby/c01")
            .street_h265("/ashby/c02", "beadle", "demo-Camera-2")
            .marked("/ashby/c03")
            .street_with_sound("/tenby/c01")
            .street_low("/tenby/c02")
            .marked("/tenby/c03"),
    )?;
    running.note(cameras.pid())?;

    say("2. Hub");
    let mut hub = Hub::make(&folder)?;
    hub.start()?;
    running.note(hub.process.as_ref().map_or(0, |p| p.pid()))?;

    say("3. Boxes: ashby and tenby");
    let ashby = Plan::new("ashby")
        .site("Ashby, Market Hall, first floor")
        .camera("c01", cameras.url("/ashby/c01"))
        .title("High Street by the bank")
        .camera("c02", cameras.url("/ashby/c02"))
        .title("Bus station")
        .login("beadle", "demo-Camera-2")
        .camera("c03", cameras.url("/ashby/c03"))
        .title("Church Lane, flats masked")
        .mask("m1", OVER_MARKER);
    let tenby = Plan::new("tenby")
        .site("Tenby, Town Hall, basement")
        .camera("c01", cameras.url("/tenby/c01"))
        .title("South Parade")
        .camera("c02", cameras.url("/tenby/c02"))
        .title("Harbour, over the radio link")
        .camera("c03", cameras.url("/tenby/c03"))
        .title("Frog Street, flats masked")
        .mask("m1", OVER_MARKER);
    let mut towns = Vec::new();
    for plan in [ashby, tenby] {
        let mut town = Town::make(&folder, plan)?.enrolled(&mut hub)?;
        town.start_reader()?;
        running.note(town.reader.as_ref().map_or(0, |p| p.pid()))?;
        town.start_recorder()?;
        running.note(town.recorder.as_ref().map_or(0, |p| p.pid()))?;
        towns.push(town);
    }
    let all: Vec<String> = towns
        .iter()
        .flat_map(|t| t.cameras.iter().map(move |c| format!("{}/{c}", t.name)))
        .collect();

    say("4. Recording");
    wait::until("every camera records", 90, || {
        watch(&mut hub, &mut towns)?;
        let rows = hub.boxes()?;
        let recording = rows
            .iter()
            .flat_map(|b| b["cameras"].as_array().into_iter().flatten())
            .filter(|c| c["recording"] == true)
            .count();
        Ok(if recording == all.len() {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{recording} of {} cameras", all.len()))
        })
    })?;
    wait::until(
        "a minute of each camera is recorded and known to the hub",
        150,
        || {
            watch(&mut hub, &mut towns)?;
            let mut there = 0;
            for camera in &all {
                there += usize::from(hub.recorded_ms(camera)? >= CLIP_SECS * 1000);
            }
            Ok(if there == all.len() {
                Look::Yes(())
            } else {
                Look::NotYet(format!("{there} of {} cameras", all.len()))
            })
        },
    )?;

    say(format!(
        "5. A clip of {CLIP_SECS} seconds from {}/{}",
        FROM.0, FROM.1
    ));
    let to = Utc(wait::now().0 / 1000 * 1000 - 5000);
    let from = Utc(to.0 - CLIP_SECS * 1000);
    let pulled = hub.pull(
        &format!("{}/{}", FROM.0, FROM.1),
        &from.to_string(),
        &to.to_string(),
    )?;
    for line in pulled.said.out.lines() {
        say(format!("  {line}"));
    }
    if pulled.said.status != 0 {
        return Err(Trouble(format!(
            "the clip was not made (status {}): {}",
            pulled.said.status, pulled.said.err
        )));
    }
    let clip = places::files_below(&pulled.package.join("working"), ".mp4")
        .into_iter()
        .next()
        .ok_or_else(|| {
            Trouble(format!(
                "{}: no working copy in it",
                pulled.package.display()
            ))
        })?;

    say("6. Checks");
    let mut well = true;
    let mut check = |what: &str, good: bool, detail: &str| {
        say(format!(
            "  {} {what}{}{detail}",
            if good { "✓" } else { "✗" },
            if detail.is_empty() { "" } else { ": " }
        ));
        well &= good;
    };
    let rests = hub.check(&pulled.exhibit)?;
    check(
        "package at rest, sealed under its own key",
        rests.intact() && plain_below(&pulled.resting)? == 0,
        rests.word(),
    );
    let (ours, theirs) = (
        hub.verify("bundle", &pulled.package, false)?,
        hub.verify_py("bundle", &pulled.package, false)?,
    );
    check("package, beadle-hub verify", ours.intact(), ours.word());
    check(
        "package, docs/verify/verify.py",
        theirs.intact(),
        theirs.word(),
    );
    check(
        "both say the same, word for word",
        ours == theirs,
        &difference(&ours, &theirs),
    );
    for town in &towns {
        let (ours, theirs) = (
            hub.verify("log", &town.log(), true)?,
            hub.verify_py("log", &town.log(), true)?,
        );
        check(
            &format!("log of {}", town.name),
            ours.intact() && theirs.intact(),
            &format!("{}, verify.py {}", ours.word(), theirs.word()),
        );
    }
    let (ours, theirs) = (
        hub.verify("log", &hub.own_log(), true)?,
        hub.verify_py("log", &hub.own_log(), true)?,
    );
    check(
        "log of the hub",
        ours.intact() && theirs.intact(),
        &format!("{}, verify.py {}", ours.word(), theirs.word()),
    );
    let seconds = length(&clip)?;
    check(
        "working copy is as long as asked, or a little longer",
        (CLIP_SECS as f64 - 0.05..CLIP_SECS as f64 + 3.0).contains(&seconds),
        &format!("{seconds:.2} s"),
    );
    let (copy, mut found) = (pictures::framehash(&clip)?, Vec::new());
    for master in places::files_below(&pulled.package.join("master"), ".mp4") {
        found.extend(pictures::framehash(&master)?);
    }
    check(
        "its coded pictures are the masters', bit for bit",
        pictures::run_of(&found, &copy).is_some(),
        &format!("{} pictures", copy.len()),
    );

    summary(
        &hub,
        &mut towns,
        &all,
        &pulled,
        &clip,
        &theirs_word(&hub, &pulled.package)?,
        began,
    )?;
    if !once {
        say("\nIt all stays up until Ctrl-C.");
        while !STOP.load(Ordering::Relaxed) {
            watch(&mut hub, &mut towns)?;
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    say("\nEnding what was started");
    STOP.store(false, Ordering::Relaxed);
    for town in &mut towns {
        if let Err(e) = town.stop() {
            check(
                &format!("{} stops in order", town.name),
                false,
                &e.to_string(),
            );
        }
    }
    if let Err(e) = hub.stop() {
        check("the hub stops in order", false, &e.to_string());
    }
    drop(cameras);
    running.over();
    say(if well {
        "demo: every step worked"
    } else {
        "demo: NOT every step worked; see the lines marked ✗"
    });
    Ok(well)
}

/// Pictures that lie there in plain.
fn plain_below(folder: &Path) -> Done<usize> {
    let mut found = 0;
    for file in places::files_below(folder, "") {
        let bytes = fs::read(&file).told(file.display())?;
        found += usize::from(bytes.get(4..8) == Some(b"ftyp"));
    }
    Ok(found)
}

fn theirs_word(hub: &Hub, package: &Path) -> Done<String> {
    let (ours, theirs) = (
        hub.verify("bundle", package, false)?,
        hub.verify_py("bundle", package, false)?,
    );
    Ok(format!(
        "{} (beadle-hub verify) · {} (verify.py)",
        ours.word(),
        theirs.word()
    ))
}

/// An error as soon as one of the programs has ended.
fn watch(hub: &mut Hub, towns: &mut [Town]) -> Done<()> {
    hub.must_run()?;
    towns.iter_mut().try_for_each(Town::must_run)
}

fn difference(a: &Verdict, b: &Verdict) -> String {
    if a == b {
        return String::new();
    }
    let line = a.text.lines().zip(b.text.lines()).find(|(x, y)| x != y);
    line.map_or_else(
        || "one says more than the other".into(),
        |(x, y)| format!("{x:?} / {y:?}"),
    )
}

fn length(clip: &Path) -> Done<f64> {
    let probe = pictures::probe(clip)?;
    probe["format"]["duration"]
        .as_str()
        .and_then(|d| d.parse().ok())
        .ok_or_else(|| Trouble(format!("{}: no length", clip.display())))
}

fn summary(
    hub: &Hub,
    towns: &mut [Town],
    all: &[String],
    pulled: &Pulled,
    clip: &Path,
    verdict: &str,
    began: Instant,
) -> Done<()> {
    say("\n────────────────────────────────────────────────────────────────────────────");
    let shown = |path: &Path| {
        path.strip_prefix(places::root())
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let mut lines = 0;
    for row in hub.boxes()? {
        let name = row["name"].as_str().unwrap_or("?").to_owned();
        let count = row["lines"].as_u64().unwrap_or(0);
        lines += count;
        let newest = time(&row["countersigned"]).map_or("never".into(), |t| t.to_string());
        say(format!(
            "box {name:<7} {count} audit lines countersigned, newest {newest}"
        ));
        for camera in row["cameras"].as_array().into_iter().flatten() {
            let id = camera["cam"].as_str().unwrap_or("?");
            let seconds = hub.recorded_ms(&format!("{name}/{id}"))? / 1000;
            let masked = if camera["masked"] == true {
                ", masked"
            } else {
                ""
            };
            say(format!(
                "  {id}  {seconds:>4} s recorded{masked:<9} {}",
                camera["title"].as_str().unwrap_or("")
            ));
        }
    }
    say(format!(
        "cameras      {} in {} towns",
        all.len(),
        towns.len()
    ));
    say(format!("audit lines  {lines} countersigned by the hub"));
    say(format!("clip         {}", shown(clip)));
    say(format!(
        "package      {} (saved in plain)",
        shown(&pulled.package)
    ));
    say(format!("at rest      {} (sealed)", shown(&pulled.resting)));
    say(format!("verdict      {verdict}"));
    say(format!(
        "hub page     https://127.0.0.1:{}/   name {}   password {}",
        hub.https, hub.sign_in.0, hub.sign_in.1
    ));
    say(format!("verify key   {}", hub.vkey()?));
    say(format!(
        "state        {}   ({} s since the start)",
        shown(&hub.state.join("..")).replace("hub/..", ""),
        began.elapsed().as_secs()
    ));
    say("────────────────────────────────────────────────────────────────────────────");
    Ok(())
}

/// Process ids of what this run has started, kept in a file so that the next run can end what a killed one left behind.
struct Running {
    file: PathBuf,
}

impl Running {
    fn new(folder: &Path) -> Done<Self> {
        let file = folder.join("running");
        fs::write(&file, "").told(file.display())?;
        Ok(Self { file })
    }

    fn note(&self, pid: u32) -> Done<()> {
        let mut file = fs::File::options()
            .append(true)
            .open(&self.file)
            .told(self.file.display())?;
        writeln!(file, "{pid}").told(self.file.display())
    }

    fn over(&mut self) {
        // If it stays, the next run finds nothing running under these ids.
        let _ = fs::remove_file(&self.file);
    }
}

static ASKED: AtomicBool = AtomicBool::new(false);

/// An empty demo folder; programs left by a run that was killed are ended first, by id, if they still are ours.
fn anew(folder: &Path) -> Done<()> {
    for pid in fs::read_to_string(folder.join("running"))
        .unwrap_or_default()
        .lines()
        .filter_map(|l| l.parse::<i32>().ok())
        .filter(|p| *p > 1)
    {
        let told = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told).replace('\0', " ");
        if !told.contains(&folder.display().to_string()) || !told.contains("beadle-") {
            continue;
        }
        if !ASKED.swap(true, Ordering::Relaxed) && std::io::stdout().is_terminal() {
            say("Ending what an earlier demo left running");
        }
        let pid = nix::unistd::Pid::from_raw(pid);
        // Gone in the meantime is as good.
        let _ = nix::sys::signal::kill(pid, Signal::SIGTERM);
        let path = PathBuf::from(format!("/proc/{pid}"));
        wait::until(
            &format!("process {pid} of an earlier demo has ended"),
            20,
            || Ok(!path.exists()),
        )?;
    }
    if folder.exists() {
        fs::remove_dir_all(folder).told(folder.display())?;
    }
    fs::create_dir_all(folder).told(folder.display())
}
