//! Adapter: a county's hub. A year of 155 cameras' metadata, written straight into a hub's tables; then the hub is started and its pages
//! are asked for.
//!
//! 31 boxes of five cameras. A camera-day is 1,440 segments, four runs of them, three gaps; what is older than 31 days is deleted, with
//! its certificate. 2,000 clip requests with their holds, 200 more holds, 36,500 acts of staff. Segments are by far the most rows: they go back [`DAYS`] days, everything else a
//! year. BEADLE_COUNTY_DAYS=365 makes all of it: 81 million segments, about 300 bytes of disk each.

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use shared::time::Utc;

pub mod rows;

use crate::{
    Done, Told, Trouble,
    hub::Hub,
    pages::{Person, curl},
    places::Folder,
};

/// Days of segments, unless BEADLE_COUNTY_DAYS says otherwise.
const DAYS: u32 = 31;
const YEAR: u32 = 365;
/// Each page is asked for so often.
const TIMES: usize = 20;

/// What was measured.
pub struct County {
    pub segments: u64,
    pub bytes: u64,
    /// How long the tables took.
    pub made: Duration,
    /// From the start of the hub's process to its first answer.
    pub start: Duration,
    pub pages: Vec<(&'static str, Answers)>,
}

/// How long the answers of one page took.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// Within which half of them were whole, and 19 of 20.
    pub p50: Duration,
    pub p95: Duration,
    /// What one took of the hub's processor time: whatever else runs.
    pub cpu: Duration,
}

const PAGES: [&str; 27] = [
    "/",
    "/cameras",
    "/find?cam=town-01%2Fc01&cam=town-01%2Fc02",
    "/footage/town-01/c01",
    "/retention",
    "/retention/town-01/c01",
    "/masks",
    "/holds",
    "/lifts",
    "/evidence",
    "/clip/EXH-2026-002000",
    "/log",
    "/log?camera=town-01%2Fc01",
    "/log?reference=a+text+of+some+length%2C+number+7",
    "/api/v1/boxes",
    "/api/v1/footage",
    "/api/v1/cameras/town-01/c01/footage",
    "/api/v1/retention",
    "/api/v1/retention/town-01/c01",
    "/api/v1/clips",
    "/api/v1/evidence",
    "/api/v1/holds",
    "/api/v1/masks",
    "/api/v1/lifts",
    "/api/v1/owners",
    "/api/v1/staff",
    "/api/v1/tokens",
];

/// Makes it, starts it, asks it.
pub fn county() -> Done<County> {
    let days = env::var("BEADLE_COUNTY_DAYS")
        .ok()
        .and_then(|n| n.parse().ok());
    let days: u32 = days.unwrap_or(DAYS).clamp(1, YEAR);
    let folder = Folder::new("county")?;
    let mut hub = Hub::make(folder.path())?;
    let began = Instant::now();
    let path = hub.state.join("hub.sqlite");
    let segments = fill(&path, days)?;
    let made = began.elapsed();
    let bytes = fs::metadata(&path).told(path.display())?.len();
    eprintln!(
        "{segments} segments and a year of all else in {:.0} s, {:.1} GB",
        made.as_secs_f64(),
        bytes as f64 / 1e9
    );
    let began = Instant::now();
    hub.start()?;
    let https = format!("https://127.0.0.1:{}", hub.https);
    curl(&["--fail", "-o", "/dev/null", &format!("{https}/sign-in")])?;
    let start = began.elapsed();
    let (name, password) = hub.sign_in.clone();
    let person = Person::sign_in(&hub, folder.path(), &name, &password)?;
    let pages = PAGES
        .iter()
        .map(|page| Ok((*page, asked(&hub, &person, page)?)));
    let pages = pages.collect::<Done<Vec<_>>>()?;
    hub.stop()?;
    Ok(County {
        segments,
        bytes,
        made,
        start,
        pages,
    })
}

/// User and system time of the hub's process so far.
fn cpu(hub: &Hub) -> Done<Duration> {
    let pid = hub.process.as_ref().map_or(0, |p| p.pid());
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).told(&path)?;
    // The name, in brackets, may have spaces in it.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|t| t.parse::<u64>().ok()).sum();
    // A hundredth of a second each, on every Linux.
    Ok(Duration::from_millis(ticks * 10))
}

fn asked(hub: &Hub, person: &Person, page: &str) -> Done<Answers> {
    let (jar, url) = (person.jar().to_string_lossy(), person.address(page));
    let mut words = vec![
        "-b",
        &*jar,
        "-w",
        "%{time_total} %{http_code} %{size_download}\n",
    ];
    for _ in 0..TIMES {
        words.extend(["-o", "/dev/null", &url]);
    }
    let mut times = Vec::new();
    let before = cpu(hub)?;
    let said = curl(&words)?;
    let cpu = cpu(hub)?.saturating_sub(before) / TIMES as u32;
    for line in said.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [secs, "200", _] => times.push(secs.parse::<f64>().unwrap_or(f64::MAX)),
            _ => return Err(Trouble(format!("{page}: {line}"))),
        }
    }
    times.sort_by(f64::total_cmp);
    let within = |percent: usize| {
        let time = times.get(times.len() * percent / 100).or(times.last());
        Duration::from_secs_f64(time.copied().unwrap_or(0.0))
    };
    let answers = Answers {
        p50: within(50),
        p95: within(95),
        cpu,
    };
    let [p50, p95, cpu] = [answers.p50, answers.p95, cpu].map(|t| t.as_secs_f64() * 1000.0);
    eprintln!("{page}: {p50:.0} ms, {p95:.0} ms, {cpu:.1} ms of processor");
    Ok(answers)
}

fn fill(path: &Path, days: u32) -> Done<u64> {
    let db = Connection::open(path).told(path.display())?;
    let fail = |e: rusqlite::Error| Trouble(format!("{}: {e}", path.display()));
    db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=FILE;")
        .map_err(fail)?;
    let now = Utc(jiff::Timestamp::now().as_millisecond());
    let size = rows::Size {
        towns: 31,
        days: YEAR,
        segment_days: days,
        clips: 2000,
        holds: 200,
    };
    rows::write(&db, size, now).map_err(fail)
}
