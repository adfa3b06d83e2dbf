//! Wiring. How fast a hub takes in what boxes owe it, and what a town whose disk was replaced costs the others.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::json;

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

/// What another town's page or clip may take of before.
const SLOWER: f64 = 1.1;

/// What others have of the hub: a page and a countersignature within 19 of 20, a clip in the middle; milliseconds.
struct Others {
    page: f64,
    head: f64,
    clip: f64,
}

/// For `secs`: one page after another, and one clip of a segment after another.
fn others(people: (&Person, &Person), fleet: &mut Fleet, secs: u64) -> Done<Others> {
    fleet.ask("report")?;
    let end = Instant::now() + Duration::from_secs(secs);
    let (pages, mut clips) = thread::scope(|scope| {
        let clips = scope.spawn(move || clips(people.1, end));
        let pages = pages(people.0, end)?;
        let clips = clips.join().map_err(|_| Trouble::new("the clips"))??;
        Ok::<_, Trouble>((pages, clips))
    })?;
    clips.sort_by(f64::total_cmp);
    let clip = clips.get(clips.len() / 2).copied();
    let p95 = pages.get(pages.len() * 95 / 100).or(pages.last());
    let report = fleet.ask("report")?;
    Ok(Others {
        page: p95.copied().unwrap_or(0.0),
        head: number(&report, "p95"),
        clip: clip.ok_or_else(|| Trouble::new("no clip was there in time"))?,
    })
}

/// What each page took, the shortest first.
fn pages(person: &Person, end: Instant) -> Done<Vec<f64>> {
    let mut all = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = person.page("/footage/others-0001/c01")?;
        if !answer.is_done() {
            return Err(Trouble(format!("the page: {}", answer.status)));
        }
        all.push(asked.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_millis(50));
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// What each clip of one segment took, from asking to the package.
fn clips(person: &Person, end: Instant) -> Done<Vec<f64>> {
    let mut all = Vec::new();
    while Instant::now() < end {
        // The last but one of the others' segments of six seconds.
        let to = wait::now().plus_ms(-8_000);
        let asked = json!({
            "box": "others-0002", "cam": "c01", "from": to.plus_ms(-1_000), "to": to,
            "purpose": "beside a lost disk", "reference": "R/1", "requester": "nobody",
        });
        let began = Instant::now();
        let exhibit = person.post("/clips", asked)?["exhibit"].clone();
        let path = format!("/clips/{}", exhibit.as_str().unwrap_or_default());
        // Looked at more often than others wait: it is there in a moment.
        loop {
            let row = person.get(&path)?;
            match row["state"].as_str() {
                Some("Ready" | "Partial") => break,
                Some("Failed") => return Err(Trouble(format!("it failed: {row}"))),
                _ if began.elapsed() > Duration::from_secs(120) => {
                    return Err(Trouble(format!("it does not come: {row}")));
                }
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
        all.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(all)
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
    let beside = folder.path().join("second");
    fs::create_dir(&beside).told(beside.display())?;
    let second = Person::sign_in(&hub, &beside, &name, &password)?;
    let people = (&person, &second);
    let before = others(people, &mut fleet, 20)?;
    unlucky.tell("lost")?;
    let began = Instant::now();
    let meanwhile = others(people, &mut fleet, 20)?;
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
        Figure::new("hub.lost", ".page", meanwhile.page, "ms, another's page")
            .beside("the same before", before.page)
            .at_most(SLOWER),
        Figure::new("hub.lost", ".clip", meanwhile.clip, "ms, another's clip")
            .beside("the same before", before.clip)
            .at_most(SLOWER),
        Figure::new("hub.lost", ".head", meanwhile.head, "ms, another's head")
            .beside("the same before", before.head),
    ])
}
