//! Adapter: SQLite. Rows of a county, written straight into a hub's tables: a year of metadata is made in minutes, not in a year. The hub's own
//! tests use it too, at a smaller size, to see that no list does more work the longer the history is.

use rusqlite::{Connection, params};
use shared::time::{Day, Utc, Zone};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Boxes, of five cameras each.
    pub towns: u32,
    /// Days of everything but segments.
    pub days: u32,
    /// Days of segments, the last ones; 1,436 rows of each camera and day.
    pub segment_days: u32,
    /// Clip requests, each with a hold that is over; one in five has an exhibit, the others' were disposed of.
    pub clips: u32,
    /// Holds in force.
    pub holds: u32,
}

/// Writes it; how many segments there are.
pub fn write(db: &Connection, size: Size, now: Utc) -> rusqlite::Result<u64> {
    tables(db, size, now)?;
    let segments = segments(db, size)?;
    of_boxes(db, now)?;
    of_the_hub(db, size, now)?;
    Ok(segments)
}

/// What the rest is made of: `town`s with their logs, `cal`endar, `minute`s, `cam`eras.
fn tables(db: &Connection, size: Size, now: Utc) -> rusqlite::Result<()> {
    let zone = Zone::parse("Europe/London").unwrap_or_else(|_| Zone::utc());
    db.execute_batch(&format!(
        "CREATE TEMP TABLE cam (k INTEGER PRIMARY KEY, cam TEXT);
         INSERT INTO cam WITH RECURSIVE n(k) AS (VALUES (1) UNION ALL SELECT k+1 FROM n WHERE k < 5) SELECT k, printf('c%02d', k) FROM n;
         CREATE TEMP TABLE town (k INTEGER PRIMARY KEY, box TEXT, log TEXT);
         INSERT INTO town WITH RECURSIVE n(k) AS (VALUES (1) UNION ALL SELECT k+1 FROM n WHERE k < {towns})
           SELECT k, printf('town-%02d', k), printf('cctv.example.gov.uk/box/town-%02d/1', k) FROM n;
         CREATE TEMP TABLE minute (m INTEGER PRIMARY KEY);
         INSERT INTO minute WITH RECURSIVE n(m) AS (VALUES (0) UNION ALL SELECT m+1 FROM n WHERE m < 1499) SELECT m FROM n;
         CREATE TEMP TABLE cal (i INTEGER PRIMARY KEY, day TEXT, t0 INTEGER, t1 INTEGER, gone TEXT);
         CREATE TEMP TABLE clip (q INTEGER PRIMARY KEY);
         INSERT INTO clip WITH RECURSIVE n(q) AS (VALUES (1) UNION ALL SELECT q+1 FROM n WHERE q < {clips}) SELECT q FROM n;",
        towns = size.towns,
        clips = size.clips
    ))?;
    let today = zone.day_of(now);
    for i in 0..size.days {
        let back = i64::from(i) - i64::from(size.days);
        let day: Day = today.plus_days(i32::try_from(back).unwrap_or(0));
        let (t0, t1) = (zone.start_of(day), zone.start_of(day.plus_days(1)));
        let gone = (i + 31 < size.days).then_some("deleted");
        db.execute(
            "INSERT INTO cal VALUES (?1, ?2, ?3, ?4, ?5)",
            params![i, day.to_string(), t0.0, t1.0, gone],
        )?;
    }
    Ok(())
}

/// The mask of a camera and how it was applied: the first of each box has one.
const MASK: &str =
    "CASE WHEN c.k = 1 THEN 'm1' END, CASE WHEN c.k = 1 THEN 'burned' ELSE 'none' END";

fn segments(db: &Connection, size: Size) -> rusqlite::Result<u64> {
    let whole = "SELECT sql FROM sqlite_master WHERE type='index' AND tbl_name='segments' AND sql IS NOT NULL";
    let indexes: Vec<String> = db
        .prepare(whole)?
        .query_map([], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    db.execute_batch("BEGIN; DROP INDEX segments_by_time; DROP INDEX segments_by_s;")?;
    db.execute(
        &format!(
            "INSERT INTO segments (log, n, box, cam, s, t0, t1, size, sha256, mask, how, lost, day, key, gone)
             SELECT t.log, ((cal.i * 1500 + m.m) * 5 + c.k) + 100, t.box, c.cam, cal.i * 1500 + m.m + 1, cal.t0 + m.m * 60000, cal.t0 + m.m * 60000 + 60000,
               14000000 + m.m * 1000, printf('%064x', m.m * 7919 + c.k), {MASK}, 0, cal.day, c.cam || '/' || cal.day, cal.gone
             FROM town t CROSS JOIN cal CROSS JOIN minute m CROSS JOIN cam c
             WHERE cal.i >= ?1 AND m.m * 60000 < cal.t1 - cal.t0 AND m.m % 360 > 0"
        ),
        [size.days.saturating_sub(size.segment_days)],
    )?;
    let segments = db.query_row("SELECT COUNT(*) FROM segments", [], |r| r.get::<_, i64>(0))?;
    for index in indexes {
        db.execute_batch(&index)?;
    }
    db.execute_batch("COMMIT;")?;
    Ok(segments.unsigned_abs())
}

/// What is derived from boxes' logs, and what boxes said of themselves.
fn of_boxes(db: &Connection, now: Utc) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "BEGIN;
         INSERT INTO spans (log, cam, s0, s1, n0, n1, box, day, key, t0, t1, count, bytes, mask, how, gone)
           SELECT t.log, c.cam, cal.i * 1500 + m.m + 2, cal.i * 1500 + m.m + 360, ((cal.i * 1500 + m.m + 1) * 5 + c.k) + 100,
             ((cal.i * 1500 + m.m + 359) * 5 + c.k) + 100, t.box, cal.day, c.cam || '/' || cal.day, cal.t0 + m.m * 60000 + 60000,
             MIN(cal.t1, cal.t0 + m.m * 60000 + 21600000), 359, 359 * 14000000, {MASK}, cal.gone
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
         COMMIT;",
        now = now.0
    ))
}

/// The hub's own: requests, holds, exhibits, disposals, lifts, reviews, a hundred acts of staff a day.
fn of_the_hub(db: &Connection, size: Size, now: Utc) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "BEGIN;
         INSERT INTO side (hash, salt, text, made) SELECT printf('%s%061x', w.w, q), 'ab', 'a text of some length, number ' || q, {now}
           FROM clip, (SELECT '001' AS w UNION ALL SELECT '002' UNION ALL SELECT '003') w;
         INSERT INTO requests (id, ref, grant_id, box, cam, t0, t1, purpose, reference, requester, who, state, why, made, changed)
           SELECT q, printf('EXH-2026-%06d', q), printf('G-%06d', q), t.box, printf('c%02d', 1 + q % 5), cal.t0 + 36000000, cal.t0 + 39600000,
             printf('001%061x', q), printf('002%061x', q), printf('003%061x', q), 'op:0001', CASE WHEN q % 5 = 0 THEN 'Ready' ELSE 'Disposed' END, '[]', cal.t1, cal.t1
           FROM (SELECT q, 1 + q % {towns} AS tk, MAX(0, {days} - 1 - ({clips} - q) / 6) AS ck FROM clip) k JOIN town t ON t.k = k.tk JOIN cal ON cal.i = k.ck;
         UPDATE numbers SET highest={clips} WHERE kind IN ('request', 'clip-request');
         INSERT INTO clip_requests (n, class, t0, t1, purpose, reference, requester, keep_class, opened_by, submitted_by, state, made, changed)
           SELECT id, 'police', t0, t1, purpose, reference, requester, 'general', who, who, CASE state WHEN 'Ready' THEN 'Ready' ELSE 'Closed' END, made, changed FROM requests;
         INSERT INTO clip_request_cameras (n, place, box, cam, ref) SELECT id, 0, box, cam, ref FROM requests;
         INSERT INTO declarations (n, sha256, text, since) SELECT q, printf('%064x', q), 'what is declared', {now} - 86400000 FROM clip WHERE q <= {clips} / 10;
         INSERT INTO acceptances (op, declaration, made) SELECT 1 + a.q, d.n, {now} - 86400000 + d.n FROM declarations d, clip a WHERE a.q <= 20;
         INSERT INTO evidence (ref, class) SELECT ref, 'general' FROM requests;
         INSERT INTO disposals (ref, class, until, reason, who, files, bytes, log, size, begun, line, undecryptable, gone, ended)
           SELECT ref, 'general', made, purpose, 'op:0001', 3, 1000, 'cctv.example.gov.uk/hub/1', 1, made, 1, 1, 2, made FROM requests WHERE state='Disposed';
         INSERT INTO holds (n, box, cam, t0, t1, review, reason, authority, reference, ref, grant_id, who, made, line, state, until, told, sent, segments, bytes, changed)
           SELECT {clips} + q, t.box, printf('c%02d', 1 + q % 5), {now} - 86400000 * 5, {now} - 86400000 * 4, '2027-01-31', printf('001%061x', q), printf('002%061x', q),
             printf('003%061x', q), NULL, printf('H-%06d', q), 'op:0001', {now}, q, 'placed', {now} + 86400000 * 60, {now} + 86400000 * 60, 1, 1440, 20000000000, {now}
           FROM clip JOIN town t ON t.k = 1 + q % {towns} WHERE q <= {holds};
         INSERT INTO lifts (n, box, cam, mask, minutes, authority)
           SELECT q, t.box, 'c01', 'm1', 30, printf('001%061x', q) FROM clip JOIN town t ON t.k = q WHERE q <= 20;
         INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state)
           SELECT n, 'lift', box || '/' || cam, 'null', printf('002%061x', n), 1, {now}, {now} + 3600000, 'waiting' FROM lifts;
         INSERT INTO mask_reviews (n, box, cam, mask, exhibit, op, made, next)
           SELECT q, t.box, 'c01', 'm1', printf('EXH-2026-%06d', q), 1, {now}, '2027-03-01' FROM clip JOIN town t ON t.k = 1 + q % {towns} WHERE q <= 300;
         INSERT INTO holds (n, box, cam, t0, t1, review, reason, authority, reference, ref, grant_id, who, made, line, state, ended, until, changed)
           SELECT id, box, cam, t0, t1, '2027-01-31', purpose, reference, requester, ref, grant_id, who, made, id, 'over', 'fetched', made, MIN(changed, {now} - 86400000 * 8)
           FROM requests;
         INSERT INTO lifts (n, box, cam, mask, minutes, authority)
           SELECT 1000 + q, t.box, 'c01', 'm1', 30, printf('001%061x', q) FROM clip JOIN town t ON t.k = 1 + q % {towns};
         INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state)
           SELECT n, 'lift', box || '/' || cam, 'null', printf('002%061x', n - 1000), 1, {now} - 86400000, {now} - 82800000, 'approved' FROM lifts WHERE n > 1000;
         INSERT INTO own_lines (log, n, t, kind, who, roles, box, cam, exhibit, reference, leaf, data)
           SELECT 'cctv.example.gov.uk/hub/1', 1000 + cal.i * 100 + m.m, cal.t0 + m.m * 600000, CASE m.m % 4 WHEN 0 THEN 'acc.view' WHEN 1 THEN 'copy.save' WHEN 2 THEN 'log.read'
               ELSE 'grant.set' END, printf('op:%04d', 1 + m.m % 20), 'operator', t.box, printf('c%02d', 1 + m.m % 5), printf('EXH-2026-%06d', 1 + (cal.i * 100 + m.m) % {clips}),
             printf('002%061x', 1 + (cal.i * 100 + m.m) % {clips}), printf('%064x', cal.i * 100 + m.m), '{{\"purpose\":\"00\"}}'
           FROM cal, minute m JOIN town t ON t.k = 1 + m.m % {towns} WHERE m.m < 100;
         INSERT INTO own_read (log, upto) VALUES ('cctv.example.gov.uk/hub/1', 1000000000);
         COMMIT;",
        now = now.0,
        days = size.days,
        clips = size.clips,
        towns = size.towns,
        holds = size.holds
    ))
}
