//! Wiring. How fast a hub takes in what boxes owe it, and what a town whose disk was replaced costs the others.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{Fleet, Size, number};
use crate::{
    Done, Folder, Told, Trouble,
    figure::Figure,
    hub::Hub,
    measure::cost,
    pages::Person,
    wait::{self, Look},
};

/// Boxes that come at once, with ten cameras each and what they recorded while they were away.
const BOXES: usize = 10;
const CAMERAS: usize = 10;
const OWED: u64 = 4_000;
/// The least that may be, as docs/scale.md has it.
const LINES_PER_SECOND: f64 = 50_000.0;

/// `audit.ingest`: ten boxes come back with about 44,000 lines each and send them at once. The boxes' own work is told apart.
pub fn ingest() -> Done<Vec<Figure>> {
    let folder = Folder::new("ingest")?;
    let mut hub = Hub::make(folder.path())?.started()?;
    let (name, password) = hub.sign_in.clone();
    let person = Person::sign_in(&hub, folder.path(), &name, &password)?;
    let size = Size {
        boxes: BOXES,
        cameras: CAMERAS,
        owed: OWED,
        segment: 60,
    };
    let mut fleet = Fleet::start(&hub, folder.path(), &person, "ingest", size)?;
    let pid = hub.process.as_ref().map_or(0, |p| p.pid());
    let (began, before) = (Instant::now(), cost(pid)?);
    let done = fleet.ask("owed")?;
    let taken = began.elapsed().as_secs_f64();
    let lines = number(&done, "lines");
    // Countersigned is not yet on every page: the tables follow.
    let records = hub.state.join("hub.sqlite");
    let db = Connection::open(&records).told(records.display())?;
    wait::until("every line is in the tables", 600, || {
        let behind: i64 = db
            .query_row("SELECT COUNT(*) FROM logs WHERE indexed < size", [], |r| {
                r.get(0)
            })
            .told("logs")?;
        let in_all: i64 = db
            .query_row("SELECT COALESCE(SUM(indexed), 0) FROM logs", [], |r| {
                r.get(0)
            })
            .told("logs")?;
        Ok(if behind == 0 && in_all as f64 >= lines {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{behind} logs lag, {in_all} lines are in"))
        })
    })?;
    let all = began.elapsed().as_secs_f64();
    let spent = cost(pid)?.since(before);
    hub.must_run()?;
    let bytes = fs::metadata(&records).told(records.display())?.len();
    let million = lines / 1e6;
    Ok(vec![
        Figure::new("audit.ingest", "", lines / taken, "lines/s countersigned")
            .at_least(LINES_PER_SECOND),
        Figure::new(
            "audit.ingest",
            ".pages",
            lines / all,
            "lines/s, in the tables too",
        ),
        Figure::new(
            "audit.ingest",
            ".cpu",
            spent.cpu_secs / million,
            "µs of the hub a line",
        ),
        Figure::new(
            "audit.ingest",
            ".boxes",
            number(&done, "cpu") / million,
            "µs of the boxes a line",
        ),
        Figure::new("audit.ingest", ".lines", lines / 1000.0, "thousand lines"),
        Figure::new("audit.ingest", ".memory", spent.rss_mib, "MiB of the hub"),
        Figure::new(
            "audit.ingest",
            ".records",
            bytes as f64 / lines,
            "bytes of records a line",
        ),
    ])
}

/// What another town's page may take of before.
const SLOWER: f64 = 1.1;

/// A page of another box, and how long countersignatures of others take, within 19 of 20.
fn others(person: &Person, fleet: &mut Fleet, secs: u64) -> Done<(f64, f64)> {
    fleet.ask("report")?;
    let (mut pages, end) = (Vec::new(), Instant::now() + Duration::from_secs(secs));
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = person.page("/footage/others-0001/c01")?;
        if !answer.is_done() {
            return Err(Trouble(format!("the page: {}", answer.status)));
        }
        pages.push(asked.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_millis(50));
    }
    pages.sort_by(f64::total_cmp);
    let p95 = pages.get(pages.len() * 95 / 100).or(pages.last());
    let report = fleet.ask("report")?;
    Ok((p95.copied().unwrap_or(0.0), number(&report, "p95")))
}

/// `hub.lost`: the disk of a month of `cameras` is replaced at one box; what it costs the pages and countersignatures of 20 others.
pub fn lost_disk(cameras: usize, minutes: u64) -> Done<Vec<Figure>> {
    let folder = Folder::new("lost")?;
    let hub = Hub::make(folder.path())?.started()?;
    let (name, password) = hub.sign_in.clone();
    let person = Person::sign_in(&hub, folder.path(), &name, &password)?;
    let many = Size {
        boxes: 20,
        cameras: 4,
        owed: 60,
        // A head each six seconds, so that there are some to be timed.
        segment: 6,
    };
    let one = Size {
        boxes: 1,
        cameras,
        owed: minutes,
        segment: 60,
    };
    let mut unlucky = Fleet::start(&hub, folder.path(), &person, "unlucky", one)?;
    eprintln!("  a month: {}", unlucky.ask("owed")?);
    let lines = number(&unlucky.ask("lose")?, "lines");
    let mut fleet = Fleet::start(&hub, folder.path(), &person, "others", many)?;
    fleet.ask("owed")?;
    fleet.ask("live")?;
    thread::sleep(Duration::from_secs(5));
    eprintln!("  others: {}", fleet.ask("report")?);
    let (page, countersigned) = others(&person, &mut fleet, 20)?;
    unlucky.tell("lost")?;
    let began = Instant::now();
    let (page_meanwhile, countersigned_meanwhile) = others(&person, &mut fleet, 20)?;
    let done = unlucky.hear()?;
    let records = hub.state.join("hub.sqlite");
    let db = Connection::open(&records).told(records.display())?;
    wait::until("every lost segment is in the tables", 900, || {
        let left: i64 = db
            .query_row(
                "SELECT COUNT(*) FROM segments WHERE box='unlucky-0001' AND gone IS NULL",
                [],
                |r| r.get(0),
            )
            .told("segments")?;
        Ok(match left {
            0 => Look::Yes(()),
            n => Look::NotYet(format!("{n} are left")),
        })
    })?;
    let secs = began.elapsed().as_secs_f64();
    Ok(vec![
        Figure::new("hub.lost", "", secs, "s, a disk of a month").at_most(300.0),
        Figure::new("hub.lost", ".lines", lines / 1000.0, "thousand segments"),
        Figure::new(
            "hub.lost",
            ".countersigned",
            number(&done, "secs"),
            "s, its last countersignature",
        ),
        Figure::new("hub.lost", ".page", page_meanwhile, "ms, another's page")
            .beside("the same before", page)
            .at_most(SLOWER),
        Figure::new(
            "hub.lost",
            ".head",
            countersigned_meanwhile,
            "ms, another's head",
        )
        .beside("the same before", countersigned),
    ])
}
