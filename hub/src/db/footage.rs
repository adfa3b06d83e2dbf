//! Adapter: SQLite. The index derived from box logs: segments, gaps, deletions, clips. May be dropped and made again from the copies.

use rusqlite::params;
use shared::{
    id::{BoxCamera, BoxName},
    record::{Value, parse_time},
    time::{Day, Utc, Zone},
};

use super::{Db, DbError, N, plain_rows};

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
    parse_time(text(data, key)).map_or(0, |t| t.0)
}
