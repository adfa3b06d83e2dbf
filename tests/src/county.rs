//! Adapter: a county's hub. A year of 155 cameras' metadata, written straight into a hub's tables; then the hub is started and its pages
//! are asked for.
//!
//! 31 boxes of five cameras. A camera-day is 1,440 segments, four runs of them, three gaps; what is older than 31 days is deleted, with
//! its certificate. 2,000 clip requests, 200 holds. Segments are by far the most rows: they go back [`DAYS`] days, everything else a
//! year. BEADLE_COUNTY_DAYS=365 makes all of it: 81 million segments, about 300 bytes of disk each.

use std::{
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};
use shared::time::{Day, Utc, Zone};

use crate::{Done, Told, Trouble, hub::Hub, places::Folder};

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
    /// Each page, and the time within which 19 of 20 answers were whole.
    pub pages: Vec<(&'static str, Duration)>,
}

const PAGES: [&str; 12] = [
    "/",
    "/footage/town-01/c01",
    "/retention",
    "/retention/town-01/c01",
    "/masks",
    "/holds",
    "/lifts",
    "/evidence",
    "/clip/EXH-2026-002000",
    "/api/v1/retention",
    "/api/v1/holds",
    "/api/v1/masks",
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
    curl(&["-o", "/dev/null", &format!("{https}/sign-in")])?;
    let start = began.elapsed();
    let jar = folder.path().join("cookies");
    sign_in(&https, &jar, &hub.sign_in)?;
    let pages = PAGES
        .iter()
        .map(|page| Ok((*page, asked(&https, &jar, page)?)));
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

fn curl(words: &[&str]) -> Done<String> {
    let out = Command::new("curl")
        .args(["-sSk", "--fail"])
        .args(words)
        .output();
    let out = out.told("curl (apt-get install curl)")?;
    match out.status.success() {
        true => Ok(String::from_utf8_lossy(&out.stdout).into_owned()),
        false => Err(Trouble(format!(
            "curl {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&out.stderr)
        ))),
    }
}

fn sign_in(https: &str, jar: &Path, (name, password): &(String, String)) -> Done<()> {
    let (jar, page) = (jar.to_string_lossy(), format!("{https}/sign-in"));
    let form = curl(&["-b", &jar, "-c", &jar, &page])?;
    let hidden = form.split("name=\"form\" value=\"").nth(1);
    let hidden = hidden.and_then(|f| f.split('"').next()).unwrap_or_default();
    let field = |key: &str, value: &str| format!("{key}={value}");
    curl(&[
        "-b",
        &jar,
        "-c",
        &jar,
        "-H",
        &format!("Origin: {https}"),
        "--data-urlencode",
        &field("form", hidden),
        "--data-urlencode",
        &field("name", name),
        "--data-urlencode",
        &field("password", password),
        &page,
    ])?;
    Ok(())
}

/// Within what time 19 of 20 answers were whole.
fn asked(https: &str, jar: &Path, page: &str) -> Done<Duration> {
    let (jar, url) = (jar.to_string_lossy(), format!("{https}{page}"));
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
    let said = curl(&words)?;
    for line in said.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [secs, "200", _] => times.push(secs.parse::<f64>().unwrap_or(f64::MAX)),
            _ => return Err(Trouble(format!("{page}: {line}"))),
        }
    }
    times.sort_by(f64::total_cmp);
    let p95 = times.get(times.len() * 95 / 100).or(times.last());
    let p95 = Duration::from_secs_f64(p95.copied().unwrap_or(0.0));
    eprintln!("{page}: {:.0} ms", p95.as_secs_f64() * 1000.0);
    Ok(p95)
}

fn fill(path: &Path, days: u32) -> Done<u64> {
    let db = Connection::open(path).told(path.display())?;
    let fail = |e: rusqlite::Error| Trouble(format!("{}: {e}", path.display()));
    rows(&db, days).map_err(fail)
}

/// Tables of one year: `town`s with their logs, `cal`endar, `minute`s, `cam`eras. Then the hub's own from these.
fn rows(db: &Connection, days: u32) -> rusqlite::Result<u64> {
    db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=FILE;")?;
    db.execute_batch(
        "CREATE TEMP TABLE cam (k INTEGER PRIMARY KEY, cam TEXT);
         INSERT INTO cam WITH RECURSIVE n(k) AS (VALUES (1) UNION ALL SELECT k+1 FROM n WHERE k < 5) SELECT k, printf('c%02d', k) FROM n;
         CREATE TEMP TABLE town (k INTEGER PRIMARY KEY, box TEXT, log TEXT);
         INSERT INTO town WITH RECURSIVE n(k) AS (VALUES (1) UNION ALL SELECT k+1 FROM n WHERE k < 31)
           SELECT k, printf('town-%02d', k), printf('cctv.example.gov.uk/box/town-%02d/1', k) FROM n;
         CREATE TEMP TABLE minute (m INTEGER PRIMARY KEY);
         INSERT INTO minute WITH RECURSIVE n(m) AS (VALUES (0) UNION ALL SELECT m+1 FROM n WHERE m < 1499) SELECT m FROM n;
         CREATE TEMP TABLE cal (i INTEGER PRIMARY KEY, day TEXT, t0 INTEGER, t1 INTEGER, gone TEXT);",
    )?;
    let zone = Zone::parse("Europe/London").unwrap_or_else(|_| Zone::utc());
    let now = Utc(jiff::Timestamp::now().as_millisecond());
    let today = zone.day_of(now);
    for i in 0..YEAR {
        let day: Day = today.plus_days(i as i32 - YEAR as i32);
        let (t0, t1) = (zone.start_of(day), zone.start_of(day.plus_days(1)));
        let gone = (i + 31 < YEAR).then_some("deleted");
        db.execute(
            "INSERT INTO cal VALUES (?1, ?2, ?3, ?4, ?5)",
            params![i, day.to_string(), t0.0, t1.0, gone],
        )?;
    }
    let whole = "SELECT sql FROM sqlite_master WHERE type='index' AND tbl_name='segments' AND sql IS NOT NULL";
    let indexes: Vec<String> = db
        .prepare(whole)?
        .query_map([], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    db.execute_batch("BEGIN; DROP INDEX segments_by_time; DROP INDEX segments_by_s;")?;
    let mask = "CASE WHEN c.k = 1 THEN 'm1' END, CASE WHEN c.k = 1 THEN 'burned' ELSE 'none' END";
    db.execute(
        &format!(
            "INSERT INTO segments (log, n, box, cam, s, t0, t1, size, sha256, mask, how, lost, day, key, gone)
             SELECT t.log, ((cal.i * 1500 + m.m) * 5 + c.k) + 100, t.box, c.cam, cal.i * 1500 + m.m + 1, cal.t0 + m.m * 60000, cal.t0 + m.m * 60000 + 60000,
               14000000 + m.m * 1000, printf('%064x', m.m * 7919 + c.k), {mask}, 0, cal.day, c.cam || '/' || cal.day, cal.gone
             FROM town t CROSS JOIN cal CROSS JOIN minute m CROSS JOIN cam c
             WHERE cal.i >= ?1 AND m.m * 60000 < cal.t1 - cal.t0 AND m.m % 360 > 0"
        ),
        [YEAR - days],
    )?;
    let segments = db.query_row("SELECT COUNT(*) FROM segments", [], |r| r.get::<_, i64>(0))?;
    for index in indexes {
        db.execute_batch(&index)?;
    }
    db.execute_batch(&format!(
        "INSERT INTO spans (log, cam, s0, s1, n0, n1, box, day, key, t0, t1, count, bytes, mask, how, gone)
           SELECT t.log, c.cam, cal.i * 1500 + m.m + 2, cal.i * 1500 + m.m + 360, ((cal.i * 1500 + m.m + 1) * 5 + c.k) + 100,
             ((cal.i * 1500 + m.m + 359) * 5 + c.k) + 100, t.box, cal.day, c.cam || '/' || cal.day, cal.t0 + m.m * 60000 + 60000,
             MIN(cal.t1, cal.t0 + m.m * 60000 + 21600000), 359, 359 * 14000000, {mask}, cal.gone
           FROM town t, cal, minute m, cam c WHERE m.m IN (0, 360, 720, 1080);
         INSERT INTO gaps (log, n, box, cam, next, t0, t1, why, packets, long)
           SELECT t.log, ((cal.i * 1500 + m.m) * 5 + c.k) + 100, t.box, c.cam, cal.i * 1500 + m.m + 2, cal.t0 + m.m * 60000, cal.t0 + m.m * 60000 + 60000,
             'camera', 10, 0 FROM town t, cal, minute m, cam c WHERE m.m IN (360, 720, 1080);
         INSERT INTO days (log, box, cam, day, key, s0, s1, t0, t1, bytes, count, held, settled)
           SELECT t.log, t.box, c.cam, cal.day, c.cam || '/' || cal.day, cal.i * 1500 + 2, cal.i * 1500 + 1440, cal.t0 + 60000, cal.t1, 1436 * 14000000, 1436,
             CASE WHEN cal.gone IS NULL THEN 1436 ELSE 0 END, cal.gone IS NOT NULL FROM town t, cal, cam c;
         INSERT INTO certificates (log, n, box, cam, day, key, s0, s1, t0, t1, count, digest, rule, at, done_n, done_at, oldest, undecryptable, claim, held)
           SELECT t.log, cal.i * 7500 + c.k * 2 + 90, t.box, c.cam, cal.day, c.cam || '/' || cal.day, cal.i * 1500 + 2, cal.i * 1500 + 1440, cal.t0 + 60000, cal.t1,
             1436, printf('%064x', cal.i), 'days', cal.t1 + 31 * 86400000 + 600000, cal.i * 7500 + c.k * 2 + 91, cal.t1 + 31 * 86400000 + 660000, cal.t1, 1, 'file', 0
           FROM town t, cal, cam c WHERE cal.gone IS NOT NULL;
         INSERT INTO cameras (log, box, cam) SELECT t.log, t.box, c.cam FROM town t, cam c;
         INSERT INTO names (log, n, box, cam, title, site) SELECT t.log, 10 + c.k, t.box, c.cam, 'Market Place ' || c.k, 'Town ' || t.k FROM town t, cam c;
         INSERT INTO names (log, n, box, cam, title, site) SELECT t.log, 1300000 + c.k, t.box, c.cam, 'High Street ' || c.k, 'Town ' || t.k FROM town t, cam c;
         INSERT INTO boxes (name, state, key, added, last_seen, sw, zone, retention_days, reported, free_mib)
           SELECT box, 'enrolled', printf('%064x', k), {now}, {now}, '0.1.0', 'Europe/London', 31, {now}, 500000 FROM town;
         INSERT INTO box_cameras (box, cam, place, title, masked, retention_days) SELECT t.box, c.cam, c.k, 'Market Place ' || c.k, c.k = 1, 31 FROM town t, cam c;
         INSERT INTO camera_states (box, cam, place, recording, connected, starting, landed, days_kept) SELECT t.box, c.cam, c.k, 1, 1, 0, {now}, 31 FROM town t, cam c;
         INSERT INTO camera_masks (box, cam, id, how, style, permille, sha256, review) SELECT box, 'c01', 'm1', 'burned', 'solid', 60, printf('%064x', 7), '2027-03-01' FROM town;
         INSERT INTO policies (box, cam, since, days, zone) SELECT t.box, c.cam, 0, 31, 'Europe/London' FROM town t, cam c;
         INSERT INTO logs (origin, box, number, size, indexed, root, cosigned, seen_size, seen_time) SELECT log, box, 1, 2737600, 2737600, 'AAAA', {now}, 2737600, {now} FROM town;
         CREATE TEMP TABLE clip (q INTEGER PRIMARY KEY);
         INSERT INTO clip WITH RECURSIVE n(q) AS (VALUES (1) UNION ALL SELECT q+1 FROM n WHERE q < 2000) SELECT q FROM n;
         INSERT INTO side (hash, salt, text, made) SELECT printf('%s%061x', w.w, q), 'ab', 'a text of some length, number ' || q, {now}
           FROM clip, (SELECT '001' AS w UNION ALL SELECT '002' UNION ALL SELECT '003') w;
         INSERT INTO requests (id, ref, grant_id, box, cam, t0, t1, purpose, reference, requester, who, state, why, made, changed)
           SELECT q, printf('EXH-2026-%06d', q), printf('G-%06d', q), t.box, printf('c%02d', 1 + q % 5), cal.t0 + 36000000, cal.t0 + 39600000,
             printf('001%061x', q), printf('002%061x', q), printf('003%061x', q), 'op:0001', CASE WHEN q % 5 = 0 THEN 'Ready' ELSE 'Disposed' END, '', cal.t1, cal.t1
           FROM (SELECT q, 1 + q % 31 AS tk, 365 - 1 - (2000 - q) / 6 AS ck FROM clip) k JOIN town t ON t.k = k.tk JOIN cal ON cal.i = k.ck;
         UPDATE numbers SET highest=2000 WHERE kind='request';
         INSERT INTO evidence (ref, class) SELECT ref, 'general' FROM requests;
         INSERT INTO disposals (ref, class, until, reason, who, files, bytes, log, size, begun, line, undecryptable, gone, ended)
           SELECT ref, 'general', made, purpose, 'op:0001', 3, 1000, 'cctv.example.gov.uk/hub/1', 1, made, 1, 1, 2, made FROM requests WHERE state='Disposed';
         INSERT INTO holds (n, box, cam, t0, t1, review, reason, authority, reference, ref, grant_id, who, made, line, state, until, told, sent, segments, bytes, changed)
           SELECT q, t.box, printf('c%02d', 1 + q % 5), {now} - 86400000 * 5, {now} - 86400000 * 4, '2027-01-31', printf('001%061x', q), printf('002%061x', q),
             printf('003%061x', q), NULL, printf('H-%06d', q), 'op:0001', {now}, q, 'placed', {now} + 86400000 * 60, {now} + 86400000 * 60, 1, 1440, 20000000000, {now}
           FROM clip JOIN town t ON t.k = 1 + q % 31 WHERE q <= 200;
         INSERT INTO lifts (n, box, cam, mask, minutes, authority, reason, op, made, state)
           SELECT q, t.box, 'c01', 'm1', 30, printf('001%061x', q), printf('002%061x', q), 1, {now}, 'pending' FROM clip JOIN town t ON t.k = q WHERE q <= 20;
         INSERT INTO mask_reviews (n, box, cam, mask, exhibit, op, made, next)
           SELECT q, t.box, 'c01', 'm1', printf('EXH-2026-%06d', q), 1, {now}, '2027-03-01' FROM clip JOIN town t ON t.k = 1 + q % 31 WHERE q <= 300;
         COMMIT;",
        now = now.0
    ))?;
    Ok(segments.unsigned_abs())
}
