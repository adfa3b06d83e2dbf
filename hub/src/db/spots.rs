//! Adapter: SQLite. Daily spot checks, as boxes' logs say: the newest of each log. Derived.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use shared::{
    id::{BoxName, CameraId},
    record::{Record, Value},
    time::{Day, Utc},
};

use super::{
    Db, DbError, N,
    footage::{int, text},
    readable,
    store::Sql,
};

/// One segment that a box read again and compared with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotRecord {
    pub day: Day,
    /// Of the line.
    pub t: Utc,
    pub cam: CameraId,
    pub s: u64,
    /// What was wrong with it, as its line says.
    pub wrong: Option<String>,
}

/// The first line of a day is of what was drawn; others of that day are of what was found wrong before.
pub(super) fn index_line(t: &Sql, origin: &str, name: &BoxName, r: &Record) -> Result<(), DbError> {
    let d = &r.data;
    let wrong = (r.kind == "spot.bad").then(|| text(d, "why"));
    t.execute(
        "INSERT INTO spots (log, n, box, t, day, cam, s, why) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
         ON CONFLICT (log) DO UPDATE SET n=excluded.n, box=excluded.box, t=excluded.t, day=excluded.day, cam=excluded.cam, s=excluded.s,
         why=excluded.why WHERE excluded.day <> spots.day",
        params![
            origin,
            N(r.n),
            name.as_str(),
            r.t.0,
            d.get("day").and_then(Value::as_str),
            text(d, "cam"),
            int(d, "s"),
            wrong
        ],
    )?;
    Ok(())
}

type Raw = (String, String, i64, String, u64, Option<String>);

fn raw(r: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        r.get(0)?,
        r.get(1)?,
        r.get(2)?,
        r.get(3)?,
        r.get::<_, N>(4)?.0,
        r.get(5)?,
    ))
}

fn record((name, day, t, cam, s, wrong): Raw) -> Result<(String, SpotRecord), DbError> {
    let bad = |e: &dyn std::fmt::Display| DbError::Row(e.to_string());
    let spot = SpotRecord {
        day: Day::parse(&day).map_err(|e| bad(&e))?,
        t: Utc(t),
        cam: CameraId::parse(&cam).map_err(|e| bad(&e))?,
        s,
        wrong,
    };
    Ok((name, spot))
}

impl Db {
    /// The newest of each box.
    pub fn newest_spots(&self) -> Result<BTreeMap<String, SpotRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, day, t, cam, s, why FROM spots ORDER BY box, t")?;
        let rows = q.query_map([], raw)?;
        let all: Vec<(String, SpotRecord)> = readable("spots", rows.map(|r| record(r?)))?;
        Ok(all.into_iter().collect())
    }

    /// The newest of one box.
    pub fn newest_spot(&self, name: &BoxName) -> Result<Option<SpotRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT box, day, t, cam, s, why FROM spots WHERE box=$1 ORDER BY t DESC LIMIT 1",
        )?;
        let rows = q.query_map([name.as_str()], raw)?;
        let found = readable("spots", rows.map(|r| record(r?)))?;
        Ok(found.into_iter().next().map(|(_, spot)| spot))
    }
}
