//! Adapter: SQLite. The index derived from box logs: segments, gaps, deletions, clips. May be dropped and made again from the copies.

use rusqlite::params;
use shared::{
    id::{BoxCamera, BoxName, ExhibitRef, HoldId},
    plain,
    record::{Record, Value},
    schema,
    time::{Day, Utc, Zone},
};

use super::{
    DERIVED_TABLES, Db, DbError, N,
    numbers::{Numbered, claimed},
    plain_rows, retention, spans,
    store::Sql,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRecord {
    pub log: String,
    pub n: u64,
    pub s: u64,
    /// The local day it was recorded under.
    pub day: Day,
    pub t0: Utc,
    pub t1: Utc,
    pub size: u64,
    pub mask: Option<String>,
    pub how: String,
    /// `deleted`, `lost`, or None while the box still has it.
    pub gone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRecord {
    pub t0: Utc,
    pub t1: Utc,
    pub why: String,
    pub packets: u64,
}

/// Lines held of a log that break their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddRecord {
    pub log: String,
    pub count: u64,
    /// The first of them, and what is wrong with it.
    pub n: u64,
    pub why: String,
}

/// What a camera was called and where it stood, for what its log says from line `n` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRecord {
    pub log: String,
    pub n: u64,
    pub title: String,
    pub site: String,
}

/// Gaps of a camera that touch [$3, $4): those of up to a day, and the few that are longer.
pub(super) const SHORT_GAPS: &str =
    "FROM gaps WHERE box=$1 AND cam=$2 AND long=0 AND t0 < $4 AND t0 >= $3 - 86400000 AND t1 > $3";
pub(super) const LONG_GAPS: &str =
    "FROM gaps WHERE box=$1 AND cam=$2 AND long=1 AND t0 < $4 AND t1 > $3";

/// The name that held for what line `n` of a log says.
pub fn named<'a>(names: &'a [NameRecord], log: &str, n: u64) -> Option<&'a NameRecord> {
    names.iter().rfind(|name| name.log == log && name.n < n)
}

impl Db {
    /// All that a camera was ever called, by log, in the order of its lines.
    pub fn names(&self, camera: &BoxCamera) -> Result<Vec<NameRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT log, n, title, site FROM names WHERE box=$1 AND cam=$2 ORDER BY log, n",
        )?;
        let rows = q.query_map(params![camera.r#box.as_str(), camera.cam.as_str()], |r| {
            Ok(NameRecord {
                log: r.get(0)?,
                n: r.get::<_, N>(1)?.0,
                title: r.get(2)?,
                site: r.get(3)?,
            })
        })?;
        plain_rows("box logs", rows)
    }

    /// The logs of a box that hold lines which break their schema.
    pub fn odd_lines(&self, name: &BoxName) -> Result<Vec<OddRecord>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT log, count, n, why FROM odd_lines WHERE box=$1 ORDER BY log")?;
        let rows = q.query_map([name.as_str()], |r| {
            Ok(OddRecord {
                log: r.get(0)?,
                count: r.get::<_, N>(1)?.0,
                n: r.get::<_, N>(2)?.0,
                why: r.get(3)?,
            })
        })?;
        plain_rows("odd_lines", rows)
    }

    /// Lines of a log that are indexed.
    pub fn indexed(&self, origin: &str) -> Result<u64, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT indexed FROM logs WHERE origin=$1")?;
        let mut rows = q.query([origin])?;
        Ok(match rows.next()? {
            Some(r) => r.get::<_, N>(0)?.0,
            None => 0,
        })
    }

    /// Forgets what is indexed of a log.
    pub fn unindex(&self, origin: &str) -> Result<(), DbError> {
        self.whole(|t| {
            for table in DERIVED_TABLES {
                t.execute(&format!("DELETE FROM {table} WHERE log=$1"), [origin])?;
            }
            t.execute("UPDATE logs SET indexed=0 WHERE origin=$1", [origin])?;
            Ok(())
        })
    }

    /// Adds verified lines, which follow on from those indexed. Whether any of them bears on deletions.
    pub fn index(&self, origin: &str, name: &BoxName, records: &[Record]) -> Result<bool, DbError> {
        let Some(last) = records.last() else {
            return Ok(false);
        };
        self.whole(|t| {
            let mut deletions = false;
            for r in records {
                // The door judged it before it was countersigned. A hub put back from a copy takes lines from its files, and they are judged here.
                let judged = match schema::line(r, schema::Writer::Box) {
                    Ok(()) => one(t, origin, name, r),
                    Err(breach) => Err(DbError::Row(breach.to_string())),
                };
                match judged {
                    Ok(bears) => deletions |= bears,
                    Err(e) if e.of_a_row() => odd(t, origin, name, r, &e)?,
                    Err(e) => return Err(e),
                }
            }
            t.execute(
                "UPDATE logs SET indexed=$2 WHERE origin=$1",
                params![origin, N(last.n + 1)],
            )?;
            Ok(deletions)
        })
    }

    /// Segments of a camera that touch [t0, t1), in order; deleted and lost ones too.
    pub fn segments(
        &self,
        camera: &BoxCamera,
        t0: Utc,
        t1: Utc,
    ) -> Result<Vec<SegmentRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT log, n, s, t0, t1, size, mask, how, gone, day FROM segments
             WHERE box=$1 AND cam=$2 AND t0 < $4 AND t0 >= $3 - 86400000 AND t1 > $3 ORDER BY s",
        )?;
        let rows = q.query_map(
            params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0],
            |r| {
                Ok(SegmentRecord {
                    log: r.get(0)?,
                    n: r.get::<_, N>(1)?.0,
                    s: r.get::<_, N>(2)?.0,
                    day: Day::parse(&r.get::<_, String>(9)?)
                        .unwrap_or_else(|_| Zone::utc().day_of(Utc(0))),
                    t0: Utc(r.get(3)?),
                    t1: Utc(r.get(4)?),
                    size: r.get::<_, N>(5)?.0,
                    mask: r.get(6)?,
                    how: r.get(7)?,
                    gone: r.get(8)?,
                })
            },
        )?;
        plain_rows("box logs", rows)
    }

    pub fn gaps(&self, camera: &BoxCamera, t0: Utc, t1: Utc) -> Result<Vec<GapRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT t0, t1, why, packets {SHORT_GAPS} UNION ALL SELECT t0, t1, why, packets {LONG_GAPS} ORDER BY 1"
        ))?;
        let rows = q.query_map(
            params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0],
            |r| {
                Ok(GapRecord {
                    t0: Utc(r.get(0)?),
                    t1: Utc(r.get(1)?),
                    why: r.get(2)?,
                    packets: r.get::<_, N>(3)?.0,
                })
            },
        )?;
        plain_rows("box logs", rows)
    }

    /// Whether line `n` of a log is the `exp.clip` of this exhibit and camera.
    pub fn is_clip_line(
        &self,
        origin: &str,
        n: u64,
        exhibit: &str,
        cam: &str,
    ) -> Result<bool, DbError> {
        let c = self.store.read();
        let sql = "SELECT COUNT(*) FROM clips WHERE log=$1 AND n=$2 AND ref=$3 AND cam=$4";
        Ok(c.query_row(sql, params![origin, N(n), exhibit, cam], |r| {
            r.get::<_, i64>(0)
        })? > 0)
    }
}

pub(super) fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn int(data: &Value, key: &str) -> i64 {
    data.get(key).and_then(Value::as_int).unwrap_or_default()
}

pub(super) fn time(data: &Value, key: &str) -> i64 {
    Utc::parse(text(data, key)).map_or(0, |t| t.0)
}

/// One line into all tables, or into none. Whether it bears on deletions.
fn one(t: &Sql, origin: &str, name: &BoxName, r: &Record) -> Result<bool, DbError> {
    t.prepare("SAVEPOINT line")?.execute([])?;
    let done = index_line(t, origin, name, r)
        .and_then(|()| spans::index_line(t, origin, name, r))
        .and_then(|()| retention::index_line(t, origin, name, r));
    if done.is_err() {
        t.prepare("ROLLBACK TO line")?.execute([])?;
    }
    t.prepare("RELEASE line")?.execute([])?;
    done
}

/// A line that says nothing the tables can hold: it stays in the log, and is counted.
fn odd(t: &Sql, origin: &str, name: &BoxName, r: &Record, why: &DbError) -> Result<(), DbError> {
    let why = match why {
        DbError::Row(why) => why.clone(),
        e => e.to_string(),
    };
    let why = plain::plain(&format!("{}: {why}", r.kind), 300);
    t.prepare(
        "INSERT INTO odd_lines (log, box, count, n, why, t) VALUES ($1, $2, 1, $3, $4, $5)
         ON CONFLICT (log) DO UPDATE SET count=count+1",
    )?
    .execute(params![origin, name.as_str(), N(r.n), why, r.t.0])?;
    Ok(())
}

/// A line has the fields of its type: [`schema::line`] was asked.
fn index_line(t: &Sql, origin: &str, name: &BoxName, r: &Record) -> Result<(), DbError> {
    let d = &r.data;
    let cam = text(d, "cam");
    match r.kind.as_str() {
        "seg.write" => {
            t.prepare(
                "INSERT INTO segments (log, n, box, cam, s, t0, t1, size, sha256, mask, how, lost, day, key)
                 VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)
                 ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, s=excluded.s, t0=excluded.t0, t1=excluded.t1,
                 size=excluded.size, sha256=excluded.sha256, mask=excluded.mask, how=excluded.how, lost=excluded.lost, day=excluded.day,
                 key=excluded.key, gone=NULL",
            )?
            .execute(params![
                origin, N(r.n), name.as_str(), cam, int(d, "s"), time(d, "t0"), time(d, "t1"), int(d, "size"), text(d, "sha256"),
                d.get("mask").and_then(Value::as_str), text(d, "how"), int(d, "lost"), retention::day_of(d), text(d, "key")
            ])?;
        }
        "seg.gap" => {
            let (t0, t1) = (time(d, "t0"), time(d, "t1"));
            t.prepare("INSERT INTO gaps (log, n, box, cam, next, t0, t1, why, packets, long) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
                ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, next=excluded.next, t0=excluded.t0, t1=excluded.t1,
                why=excluded.why, packets=excluded.packets, long=excluded.long")?
                .execute(params![
                    origin, N(r.n), name.as_str(), cam, int(d, "next"), t0, t1, text(d, "why"), int(d, "packets"),
                    i64::from(t1.saturating_sub(t0) > 86_400_000)
                ])?;
        }
        "cam.set" => {
            t.prepare("INSERT INTO names (log, n, box, cam, title, site) VALUES ($1,$2,$3,$4,$5,$6)
                ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, title=excluded.title, site=excluded.site")?
                .execute(params![origin, N(r.n), name.as_str(), cam, text(d, "title"), text(d, "site")])?;
        }
        "seg.lost" => {
            t.prepare(
                "UPDATE segments SET gone='lost' WHERE box=$1 AND cam=$2 AND s=$3 AND gone IS NULL",
            )?
            .execute(params![name.as_str(), cam, int(d, "s")])?;
        }
        "del.range" => {
            // Segments of another key may lie between s0 and s1 and have a line of their own.
            t.prepare("UPDATE segments SET gone='deleted' WHERE box=$1 AND cam=$2 AND s BETWEEN $3 AND $4 AND key=$5")?
                .execute(params![name.as_str(), cam, int(d, "s0"), int(d, "s1"), text(d, "key")])?;
        }
        "exp.clip" => {
            t.prepare(
                "INSERT INTO clips (log, n, ref, cam) VALUES ($1,$2,$3,$4)
                 ON CONFLICT (log, n) DO UPDATE SET ref=excluded.ref, cam=excluded.cam",
            )?
            .execute(params![origin, N(r.n), text(d, "ref"), cam])?;
        }
        _ => {}
    }
    numbers_named(t, d)
}

/// Whatever line of a box names a number that the hub gave out: that one is not given out again.
fn numbers_named(t: &Sql, d: &Value) -> Result<(), DbError> {
    if let Ok(exhibit) = ExhibitRef::parse(text(d, "ref")) {
        claimed(t, Numbered::Request, exhibit.number())?;
    }
    if let Ok(HoldId(n)) = HoldId::parse(text(d, "hold")) {
        claimed(t, Numbered::Hold, n)?;
    }
    if let Some(n) = d.get("order").and_then(Value::as_u64) {
        claimed(t, Numbered::Line, n)?;
    }
    let number = |text: &str, before: &str| text.strip_prefix(before)?.parse::<u64>().ok();
    if let Some(n) = number(text(d, "who"), "op:").filter(|n| *n > 0) {
        claimed(t, Numbered::Account, n)?;
    }
    if let Some(n) = number(text(d, "grant"), "G-") {
        claimed(t, Numbered::Request, n)?;
    }
    if let Some(Value::Array(people)) = d.get("by") {
        for who in people.iter().filter_map(Value::as_str) {
            // 0 is the console.
            if let Some(n) = number(who, "op:").filter(|n| *n > 0) {
                claimed(t, Numbered::Account, n)?;
            }
        }
    }
    Ok(())
}
