//! Wiring. `hub.fleet`: so many boxes of ten cameras each on one hub, for so long: lines that drop and addresses that change, fifty pulls at
//! once, a hub that is killed and comes back.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Fleet, Size, number};
use crate::{
    Done, Folder, Trouble,
    figure::Figure,
    hub::Hub,
    measure::cost,
    pages::Person,
    places,
    wait::{self, Look},
};

/// How large and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub boxes: usize,
    pub cameras: usize,
    /// Seconds that are measured.
    pub secs: u64,
    /// Clips asked for at once.
    pub pulls: usize,
    /// Seconds of a segment: 60, as on a box, or less where there is no time.
    pub segment: u64,
    /// The hub is killed and away for so long; None: it is stopped, and comes back at once.
    pub killed: Option<u64>,
}

/// What docs/scale.md promises of the whole fleet: back after a restart; an audit head countersigned; a page.
const BACK_SECS: f64 = 120.0;
const HEAD_MS: f64 = 5_000.0;
const PAGE_MS: f64 = 500.0;
/// The first page, whatever there is of boxes.
const HOME_MS: f64 = 100.0;
/// Syncs are counted for so long.
const COUNTED_SECS: u64 = 10;

struct Run {
    hub: Hub,
    fleet: Fleet,
    person: Person,
    load: Load,
    /// Milliseconds; those of the first page apart.
    pages: Vec<f64>,
    homes: Vec<f64>,
}

/// `hub.fleet`.
pub fn hub_fleet(load: Load) -> Done<Vec<Figure>> {
    let folder = Folder::new("fleet")?;
    let hub = Hub::make(folder.path())?.started()?;
    let (name, password) = hub.sign_in.clone();
    let person = Person::sign_in(&hub, folder.path(), &name, &password)?;
    let size = Size {
        boxes: load.boxes,
        cameras: load.cameras,
        owed: 0,
        segment: load.segment,
    };
    let mut fleet = Fleet::start(&hub, folder.path(), &person, "fleet", size)?;
    let began = Instant::now();
    fleet.ask("live")?;
    let mut run = Run {
        hub,
        fleet,
        person,
        load,
        pages: Vec::new(),
        homes: Vec::new(),
    };
    let first = run.back(began, 0.0)?;
    // Every box has begun its minutes.
    run.passes(load.segment + 2)?;
    let mut figures = vec![run.figure(".first", first, "s until all are there")];
    figures.extend(run.ordinary()?);
    figures.extend(run.pulls()?);
    figures.extend(run.restart()?);
    run.hub.must_run()?;
    Ok(figures)
}

impl Run {
    fn figure(&self, part: &str, value: f64, unit: &'static str) -> Figure {
        Figure::new("hub.fleet", part, value, unit)
    }

    /// Until every box is connected, and has been welcomed since there were so many `welcomes`: one that has not noticed yet that the hub
    /// went still counts as connected.
    fn back(&mut self, since: Instant, welcomes: f64) -> Done<f64> {
        let boxes = self.load.boxes as f64;
        let fleet = &mut self.fleet;
        wait::until("every box is back", 300, || {
            let report = fleet.ask("report")?;
            let connected = number(&report, "connected");
            let back = connected.min(number(&report, "welcomes") - welcomes);
            Ok(if back >= boxes {
                Look::Yes(())
            } else {
                Look::NotYet(format!("{back} of {boxes}; {}", report["last"]))
            })
        })?;
        Ok(since.elapsed().as_secs_f64())
    }

    /// So many seconds of what is always so, with lines that drop; each second a page.
    fn passes(&mut self, secs: u64) -> Done<()> {
        let end = Instant::now() + Duration::from_secs(secs);
        let (mut n, some) = (0_usize, (self.load.boxes / 100).max(1));
        while Instant::now() < end {
            let town = 1 + n * 7 % self.load.boxes;
            let page = match n % 3 {
                0 => "/".to_owned(),
                1 => format!("/footage/fleet-{town:04}/c01"),
                _ => format!("/retention/fleet-{town:04}/c01"),
            };
            let asked = Instant::now();
            let answer = self.person.page(&page)?;
            if !answer.is_done() {
                return Err(Trouble(format!("{page}: {}", answer.status)));
            }
            let took = asked.elapsed().as_secs_f64() * 1000.0;
            self.pages.push(took);
            if page == "/" {
                self.homes.push(took);
            }
            // A hundredth of the lines drop every ten seconds, and a street gets another address.
            if n % 10 == 5 {
                self.fleet.ask(&format!("cut {some}"))?;
                self.fleet.ask("move 1")?;
            }
            n += 1;
            thread::sleep(Duration::from_secs(1).saturating_sub(asked.elapsed()));
        }
        Ok(())
    }

    fn ordinary(&mut self) -> Done<Vec<Figure>> {
        let pid = self.hub.process.as_ref().map_or(0, |p| p.pid());
        let (then, disk, told) = (
            cost(pid)?,
            places::bytes_below(&self.hub.state),
            self.fleet.ask("report")?,
        );
        let began = Instant::now();
        self.pages.clear();
        self.homes.clear();
        self.passes(self.load.secs)?;
        let secs = began.elapsed().as_secs_f64();
        let (now, said) = (cost(pid)?.since(then), self.fleet.ask("report")?);
        let grown = places::bytes_below(&self.hub.state).saturating_sub(disk) as f64;
        let lines = number(&said, "lines") - number(&told, "lines");
        let simulated = number(&said, "cpu") - number(&told, "cpu");
        let page = p95(&mut self.pages);
        let home = p95(&mut self.homes);
        let mut all = vec![
            self.figure("", number(&said, "p95"), "ms, 19 of 20 heads countersigned")
                .at_most(HEAD_MS),
            self.figure(".page", page, "ms, 19 of 20 pages")
                .at_most(PAGE_MS),
            self.figure(".home", home, "ms, 19 of 20 first pages")
                .at_most(HOME_MS),
            self.figure(
                ".cpu",
                now.cpu_secs / secs * 100.0,
                "% of one core, the hub",
            ),
            self.figure(
                ".simulator",
                simulated / secs * 100.0,
                "% of one core, the boxes",
            ),
            self.figure(".memory", now.rss_mib, "MiB of the hub"),
            self.figure(".lines", lines / secs, "lines/s"),
            self.figure(".disk", grown / secs * 86_400.0 / 1e9, "GB a day"),
            self.figure(".refused", number(&said, "refused"), "logs refused")
                .at_most(0.0),
        ];
        if self.load.secs > 2 * COUNTED_SECS
            && let Some(syncs) = syncs(pid, COUNTED_SECS)
        {
            let each = syncs as f64 / COUNTED_SECS as f64;
            all.push(self.figure(".syncs", each, "syncs/s of the hub's disk"));
        }
        Ok(all)
    }

    /// Clips of as many boxes at once, until each is a package.
    fn pulls(&mut self) -> Done<Vec<Figure>> {
        if self.load.pulls == 0 {
            return Ok(Vec::new());
        }
        self.fleet.ask("report")?;
        // Whole segments of before, of every camera.
        let ms = i64::try_from(self.load.segment * 1000).unwrap_or(0);
        let to = wait::now().plus_ms(-ms - 1000);
        let from = to.plus_ms(-ms / 6);
        let began = Instant::now();
        for n in 0..self.load.pulls {
            let town = 1 + n % self.load.boxes;
            let asked = json!({
                "box": format!("fleet-{town:04}"), "cam": format!("c{:02}", 1 + n / self.load.boxes),
                "from": from, "to": to, "purpose": "a fleet", "reference": "R/1", "requester": "nobody",
            });
            self.person.post("/clips", asked)?;
        }
        let (person, pulls) = (&self.person, self.load.pulls);
        wait::until("every clip is a package", 600, || {
            let rows = person.all("/clips")?;
            let is = |row: &&Value, what: &str| {
                row["state"]
                    .as_str()
                    .is_some_and(|s| s.eq_ignore_ascii_case(what))
            };
            let ready = rows.iter().filter(|r| is(r, "ready")).count();
            if let Some(failed) = rows.iter().find(|r| is(r, "failed")) {
                return Err(Trouble(format!("a clip failed: {failed}")));
            }
            Ok(if ready >= pulls {
                Look::Yes(())
            } else {
                let other = rows.iter().find(|r| !is(r, "ready"));
                Look::NotYet(format!("{ready} of {pulls}; {other:?}"))
            })
        })?;
        let secs = began.elapsed().as_secs_f64();
        let said = self.fleet.ask("report")?;
        Ok(vec![
            self.figure(".pulls", secs, "s until all clips are packages"),
            self.figure(
                ".pulls.head",
                number(&said, "p95"),
                "ms, 19 of 20 heads meanwhile",
            )
            .at_most(HEAD_MS),
        ])
    }

    /// The hub goes, and is back.
    fn restart(&mut self) -> Done<Vec<Figure>> {
        let before = self.fleet.ask("report")?;
        match self.load.killed {
            Some(secs) => {
                self.hub.kill9()?;
                thread::sleep(Duration::from_secs(secs));
            }
            None => self.hub.stop()?,
        }
        let began = Instant::now();
        self.hub.start()?;
        let secs = self.back(began, number(&before, "welcomes"))?;
        let after = self.fleet.ask("report")?;
        let dials = number(&after, "dials") - number(&before, "dials");
        Ok(vec![
            self.figure(".back", secs, "s until all are back")
                .at_most(BACK_SECS),
            self.figure(
                ".back.dials",
                dials / self.load.boxes as f64,
                "dials of a box",
            ),
        ])
    }
}

fn p95(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    let at = all.get(all.len() * 95 / 100).or(all.last());
    at.copied().unwrap_or(0.0)
}

/// How often a process asks for its data to be on the disk, in `secs` seconds, counted by strace; None when that cannot be had.
fn syncs(pid: u32, secs: u64) -> Option<u64> {
    let out = Command::new("timeout")
        .args(["-s", "INT", &secs.to_string(), "strace", "-c", "-f", "-qq"])
        .args([
            "-e",
            "trace=fsync,fdatasync,sync_file_range,syncfs",
            "-U",
            "calls,name",
            "-p",
        ])
        .arg(pid.to_string())
        .output()
        .ok()?;
    let table = String::from_utf8_lossy(&out.stderr);
    let total = table.lines().find(|l| l.trim_end().ends_with(" total"))?;
    total.split_whitespace().next()?.parse().ok()
}
