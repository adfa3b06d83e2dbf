//! Adapter: SQLite. What each line of the log adds to the index.
use rusqlite::{Transaction, params};
use shared::{
    record::{Record, Value},
    segment::recorded_day,
    time::{Utc, Zone},
};

use super::{draws, int};
use crate::retention::policy::EARLY;

/// Adds what one line says. A line that lacks something is passed over: the verifier names it.
pub(super) fn add(tx: &Transaction<'_>, log: u64, n: u64, record: &Record) -> rusqlite::Result<()> {
    let text = |k: &str| record.data.get(k).and_then(Value::as_str);
    let number = |k: &str| record.data.get(k).and_then(Value::as_int);
    let time = |k: &str| text(k).and_then(|t| Utc::parse(t).ok()).map(|t| t.0);
    let cam = text("cam");
    match record.kind.as_str() {
        "sys.boot" => {
            tx.prepare_cached("INSERT OR IGNORE INTO boot (boot, t, mono) VALUES (?1, ?2, ?3)")?
                .execute(params![int(record.boot), record.t.0, int(record.mono)])?;
        }
        "clock.step" => {
            if let Some(delta) = number("delta_ms") {
                tx.prepare_cached("INSERT INTO step VALUES (?1, ?2, ?3)")?
                    .execute(params![int(record.boot), int(record.mono), delta])?;
            }
        }
        "clock.state" if text("trust").is_some_and(|t| t != "unknown") => {
            tx.prepare_cached("UPDATE boot SET known = 1 WHERE boot = ?1")?
                .execute([int(record.boot)])?;
        }
        "seg.write" => {
            if let (Some(cam), Some(s), Some(t0), Some(t1), Some(size), Some(sha256), Some(key)) = (
                cam,
                number("s"),
                time("t0"),
                time("t1"),
                number("size"),
                text("sha256"),
                text("key"),
            ) {
                // A line that names no day is not of its form: the verifier names it.
                let day = recorded_day(&record.data).unwrap_or_else(|| Zone::utc().day_of(Utc(t0)));
                tx.prepare_cached("INSERT OR REPLACE INTO segment VALUES (?1,?2,?3,?4,?14,?5,?6,?7,?8,?9,?10,?11,?12,?13,0,0)")?.execute(params![
                    int(log), int(n), cam, s, t0, t1, size, sha256, text("mask"), key, record.leaf.as_slice(), int(record.boot), int(record.mono),
                    day.to_string()
                ])?;
            }
        }
        "seg.gap" => {
            if let (Some(cam), Some(next), Some(t0), Some(t1)) =
                (cam, number("next"), time("t0"), time("t1"))
            {
                tx.prepare_cached("INSERT OR REPLACE INTO gap VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?
                    .execute(params![
                        int(log),
                        int(n),
                        cam,
                        next,
                        t0,
                        t1,
                        text("why").unwrap_or(""),
                        number("packets").unwrap_or(0)
                    ])?;
            }
        }
        "cam.set" => {
            if let (Some(cam), Some(title), Some(site)) = (cam, text("title"), text("site")) {
                tx.prepare_cached("INSERT OR REPLACE INTO name VALUES (?1,?2,?3,?4)")?
                    .execute(params![int(log), cam, title, site])?;
            }
        }
        "cam.accept" => {
            if let (Some(cam), Some(cert)) = (cam, text("cert")) {
                tx.prepare_cached("INSERT OR REPLACE INTO accepted VALUES (?1,?2,?3)")?
                    .execute(params![int(log), cam, cert])?;
            }
        }
        "head.ack" => draws::ack(tx, log, n, record)?,
        "spot.ok" | "spot.bad" => draws::looked(tx, log, n, record)?,
        "seg.lost" => {
            tx.prepare_cached("UPDATE segment SET lost = 1 WHERE cam = ?1 AND s = ?2")?
                .execute(params![cam, number("s")])?;
        }
        "del.range" => {
            if let (Some(cam), Some(day), Some(s0), Some(s1), Some(key)) =
                (cam, text("day"), number("s0"), number("s1"), text("key"))
            {
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO deletion VALUES (?1,?2,?3,?4,?5,?6,?7,?8,0)",
                )?
                .execute(params![
                    int(log),
                    int(n),
                    cam,
                    day,
                    s0,
                    s1,
                    key,
                    i64::from(text("rule") == Some(EARLY))
                ])?;
                // Segments of another key may lie between s0 and s1 and have a line of their own.
                tx.prepare_cached("UPDATE segment SET deleted = 1 WHERE cam = ?1 AND s BETWEEN ?2 AND ?3 AND key = ?4")?.execute(params![cam, s0, s1, key])?;
            }
        }
        "hold.set" => {
            if let (Some(hold), Some(cam), Some(t0), Some(t1), Some(until)) =
                (text("hold"), cam, time("t0"), time("t1"), time("until"))
            {
                tx.prepare_cached(
                    "INSERT INTO hold (hold, cam, t0, t1, until) VALUES (?1,?2,?3,?4,?5)
                     ON CONFLICT (hold) DO UPDATE SET until = MAX(until, ?5)",
                )?
                .execute(params![hold, cam, t0, t1, until])?;
            }
        }
        "hold.kept" => {
            tx.prepare_cached("UPDATE hold SET kept = ?2 WHERE hold = ?1")?
                .execute(params![text("hold"), text("set")])?;
        }
        "hold.clear" => {
            tx.prepare_cached("UPDATE hold SET cleared = ?2 WHERE hold = ?1 AND cleared IS NULL")?
                .execute(params![text("hold"), int(n)])?;
        }
        "hold.done" => {
            tx.prepare_cached("UPDATE hold SET done = 1 WHERE hold = ?1")?
                .execute([text("hold")])?;
        }
        "del.done" => {
            tx.prepare_cached("UPDATE deletion SET done = 1 WHERE log = ?1 AND n = ?2")?
                .execute(params![int(log), number("n")])?;
        }
        _ => {}
    }
    Ok(())
}
