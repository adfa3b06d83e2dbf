//! Adapter: SQLite. Summary of the index: runs of a camera's segments that follow on each other within one camera-day and key, all masked
//! alike and all there, or all gone. Kept line by line with the index; pages read these, not the segments.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::{BoxCamera, BoxName},
    record::{Record, Value},
    time::{Day, Utc},
};

use super::{
    Db, DbError, N,
    footage::{int, text, time},
    plain_rows, retention,
    store::Sql,
};
use crate::model::pull::JOIN_MS;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanRecord {
    pub log: String,
    /// First and last of its segments, and their lines.
    pub s0: u64,
    pub s1: u64,
    pub n0: u64,
    pub n1: u64,
    /// The local day it was recorded under.
    pub day: Day,
    pub t0: Utc,
    pub t1: Utc,
    /// Segments and their bytes.
    pub count: u64,
    pub bytes: u64,
    pub mask: Option<String>,
    pub how: String,
    /// `deleted`, `lost`, or None while the box still has it.
    pub gone: Option<String>,
}

const COLUMNS: &str = "log, s0, s1, n0, n1, day, t0, t1, count, bytes, mask, how, gone";

fn record(r: &Row<'_>) -> rusqlite::Result<SpanRecord> {
    let n = |i| Ok::<_, rusqlite::Error>(r.get::<_, N>(i)?.0);
    Ok(SpanRecord {
        log: r.get(0)?,
        s0: n(1)?,
        s1: n(2)?,
        n0: n(3)?,
        n1: n(4)?,
        day: retention::day(r, 5)?,
        t0: Utc(r.get(6)?),
        t1: Utc(r.get(7)?),
        count: n(8)?,
        bytes: n(9)?,
        mask: r.get(10)?,
        how: r.get(11)?,
        gone: r.get(12)?,
    })
}

/// A segment of a span, as far as it matters which day it falls in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub n: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub bytes: u64,
}

impl Db {
    /// Spans of a camera that touch [t0, t1), in order; of footage that is gone too.
    pub fn spans(&self, camera: &BoxCamera, t0: Utc, t1: Utc) -> Result<Vec<SpanRecord>, DbError> {
        let c = self.store.read();
        // A span is of one camera-day: it begins two days before its end at most.
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM spans WHERE box=$1 AND cam=$2 AND t0 < $4 AND t0 >= $3 - 172800000 AND t1 > $3 ORDER BY s0"
        ))?;
        let of = params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0];
        plain_rows("spans", q.query_map(of, record)?)
    }

    /// What of a span's segments ends after `t`, last first.
    pub fn tail(
        &self,
        camera: &BoxCamera,
        span: &SpanRecord,
        t: Utc,
    ) -> Result<Vec<Piece>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT n, t0, t1, size FROM segments WHERE box=$1 AND cam=$2 AND s BETWEEN $3 AND $4 AND log=$5 ORDER BY s DESC",
        )?;
        let mut rows = q.query(params![
            camera.r#box.as_str(),
            camera.cam.as_str(),
            N(span.s0),
            N(span.s1),
            span.log
        ])?;
        let mut out = Vec::new();
        while let Some(r) = rows.next()? {
            let piece = Piece {
                n: r.get::<_, N>(0)?.0,
                t0: Utc(r.get(1)?),
                t1: Utc(r.get(2)?),
                bytes: r.get::<_, N>(3)?.0,
            };
            if piece.t1 <= t {
                break;
            }
            out.push(piece);
        }
        Ok(out)
    }

    /// First and last moment of footage of a camera that is still there.
    pub fn extent(&self, camera: &BoxCamera) -> Result<Option<(Utc, Utc)>, DbError> {
        self.ends(
            camera,
            "SELECT MIN(t0), MAX(t1) FROM spans WHERE box=$1 AND cam=$2 AND gone IS NULL",
        )
    }

    /// The same of everything ever logged, deleted footage too.
    pub fn logged_extent(&self, camera: &BoxCamera) -> Result<Option<(Utc, Utc)>, DbError> {
        self.ends(
            camera,
            // One end a statement: each is one step into an index.
            "SELECT (SELECT MIN(t0) FROM spans WHERE box=$1 AND cam=$2), (SELECT MAX(t1) FROM spans WHERE box=$1 AND cam=$2)",
        )
    }

    fn ends(&self, camera: &BoxCamera, sql: &str) -> Result<Option<(Utc, Utc)>, DbError> {
        let c = self.store.read();
        let of = params![camera.r#box.as_str(), camera.cam.as_str()];
        Ok(c.query_row(sql, of, |r| {
            let (a, b): (Option<i64>, Option<i64>) = (r.get(0)?, r.get(1)?);
            Ok(a.zip(b).map(|(a, b)| (Utc(a), Utc(b))))
        })?)
    }

    /// Cameras of a box of which any footage was ever logged.
    pub fn cameras_seen(&self, name: &BoxName) -> Result<Vec<String>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT DISTINCT cam FROM cameras WHERE box=$1 ORDER BY cam")?;
        plain_rows("cameras", q.query_map([name.as_str()], |r| r.get(0))?)
    }
}

/// The newest span of each camera of one log, in memory while its lines come in: a line makes it longer or begins the next one, and
/// [`Newest::write`] stores it once for all of them.
#[derive(Default)]
pub(super) struct Newest(HashMap<String, Option<Open>>);

struct Open {
    run: Run,
    day: String,
    key: String,
    grown: bool,
}

impl Newest {
    /// Adds a `seg.write`. Its segment is in the index already.
    pub fn segment(
        &mut self,
        t: &Sql,
        origin: &str,
        name: &BoxName,
        r: &Record,
    ) -> Result<(), DbError> {
        let d = &r.data;
        let (cam, key) = (text(d, "cam"), text(d, "key"));
        let (s, from, to, size) = (int(d, "s"), time(d, "t0"), time(d, "t1"), int(d, "size"));
        let (day, how) = (retention::day_of(d), text(d, "how"));
        let mask = d.get("mask").and_then(Value::as_str);
        if !self.0.contains_key(cam) {
            let newest = newest(t, origin, cam)?;
            self.0.insert(cam.to_owned(), newest);
        }
        let Some(slot) = self.0.get_mut(cam) else {
            return Ok(());
        };
        if let Some(open) = slot
            && open.run.s1 < s
            && from.saturating_sub(open.run.t1) <= JOIN_MS
            && open.run.t0 <= from
            && (open.day.as_str(), open.key.as_str()) == (day.as_str(), key)
            && (open.run.how.as_str(), open.run.mask.as_deref()) == (how, mask)
            && open.run.gone.is_none()
        {
            let run = &mut open.run;
            (run.s1, run.n1, run.t1) = (s, N(r.n), run.t1.max(to));
            run.count += 1;
            run.bytes = run.bytes.saturating_add(size).min(MOST_BYTES);
            open.grown = true;
            return Ok(());
        }
        let run = Run {
            s0: s,
            s1: s,
            n0: N(r.n),
            n1: N(r.n),
            t0: from,
            t1: to,
            count: 1,
            bytes: size,
            mask: mask.map(Into::into),
            how: how.into(),
            gone: None,
        };
        // A number from before the newest span has one of its own, and the newest stays what it is.
        if slot.as_ref().is_some_and(|open| s < open.run.s0) {
            return add(t, (origin, name.as_str(), cam, &day, key), &run);
        }
        let before = slot.replace(Open {
            run,
            day,
            key: key.to_owned(),
            grown: true,
        });
        match before {
            Some(open) if open.grown && open.run.s0 != s => store(t, origin, name, cam, &open),
            _ => Ok(()),
        }
    }

    /// Stores what grew, and forgets all: what follows may change it by other ways.
    pub fn write(&mut self, t: &Sql, origin: &str, name: &BoxName) -> Result<(), DbError> {
        for (cam, open) in self.0.drain() {
            if let Some(open) = open.filter(|open| open.grown) {
                store(t, origin, name, &cam, &open)?;
            }
        }
        Ok(())
    }
}

fn store(t: &Sql, origin: &str, name: &BoxName, cam: &str, open: &Open) -> Result<(), DbError> {
    let of = (
        origin,
        name.as_str(),
        cam,
        open.day.as_str(),
        open.key.as_str(),
    );
    add(t, of, &open.run)
}

fn newest(t: &Sql, origin: &str, cam: &str) -> Result<Option<Open>, DbError> {
    let mut q = t.prepare(
        "SELECT s0, s1, n0, n1, t0, t1, count, bytes, mask, how, gone, day, key FROM spans WHERE log=$1 AND cam=$2 ORDER BY s0 DESC LIMIT 1",
    )?;
    Ok(q.query_row(params![origin, cam], |r| {
        Ok(Open {
            run: Run {
                s0: r.get(0)?,
                s1: r.get(1)?,
                n0: r.get(2)?,
                n1: r.get(3)?,
                t0: r.get(4)?,
                t1: r.get(5)?,
                count: r.get(6)?,
                bytes: r.get(7)?,
                mask: r.get(8)?,
                how: r.get(9)?,
                gone: r.get(10)?,
            },
            day: r.get(11)?,
            key: r.get(12)?,
            grown: false,
        })
    })
    .optional()?)
}

/// Segments of a key are in a `del.range`.
pub(super) fn deleted(t: &Sql, name: &BoxName, r: &Record) -> Result<(), DbError> {
    let d = &r.data;
    let (cam, key) = (text(d, "cam"), text(d, "key"));
    let (s0, s1) = (int(d, "s0"), int(d, "s1"));
    t.execute(
        "UPDATE spans SET gone='deleted' WHERE box=$1 AND cam=$2 AND s0 >= $3 AND s0 <= $4 AND s1 <= $4 AND key=$5",
        params![name.as_str(), cam, s0, s1, key],
    )?;
    again(t, name.as_str(), cam, (s0, s1), Some(key))
}

/// So many bytes at most; counts in Beadle stay below 2^53.
const MOST_BYTES: i64 = 9_007_199_254_740_991;

/// A span as it is made of segments.
struct Run {
    s0: i64,
    s1: i64,
    n0: N,
    n1: N,
    t0: i64,
    t1: i64,
    count: i64,
    bytes: i64,
    mask: Option<String>,
    how: String,
    gone: Option<String>,
}

/// `of`: log, box, camera, day, key.
fn add(t: &Sql, of: (&str, &str, &str, &str, &str), run: &Run) -> Result<(), DbError> {
    let (log, name, cam, day, key) = of;
    t.execute(
        "INSERT INTO cameras (log, box, cam) VALUES ($1,$2,$3) ON CONFLICT (log, cam) DO NOTHING",
        params![log, name, cam],
    )?;
    t.execute(
        "INSERT INTO spans (log, cam, s0, s1, n0, n1, box, day, key, t0, t1, count, bytes, mask, how, gone)
         VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)
         ON CONFLICT (log, cam, s0) DO UPDATE SET s1=excluded.s1, n0=excluded.n0, n1=excluded.n1, box=excluded.box, day=excluded.day,
         key=excluded.key, t0=excluded.t0, t1=excluded.t1, count=excluded.count, bytes=excluded.bytes, mask=excluded.mask,
         how=excluded.how, gone=excluded.gone",
        params![
            log, cam, run.s0, run.s1, run.n0, run.n1, name, day, key, run.t0, run.t1, run.count,
            run.bytes, run.mask, run.how, run.gone
        ],
    )?;
    Ok(())
}

/// Makes anew the spans of which a part lies in these segments: something of them is gone. With `key`, those of that key.
pub(super) fn again(
    t: &Sql,
    name: &str,
    cam: &str,
    (s0, s1): (i64, i64),
    key: Option<&str>,
) -> Result<(), DbError> {
    // At most the span that `s0` falls in and the one that `s1` falls in, but for numbers used twice.
    let mut q = t.prepare(
        "SELECT log, s0, s1, day, key FROM spans WHERE box=$1 AND cam=$2 AND s0 <= $4 AND s1 >= $3 AND NOT (s0 >= $3 AND s1 <= $4 AND $5 IS NOT NULL)
         AND key=COALESCE($5, key)",
    )?;
    let parts = q.query_map(params![name, cam, s0, s1, key], |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
    })?;
    let parts: Vec<(String, i64, i64, String, String)> = parts.collect::<Result<_, _>>()?;
    drop(q);
    for (log, s0, s1, day, key) in parts {
        t.execute(
            "DELETE FROM spans WHERE log=$1 AND cam=$2 AND s0=$3",
            params![log, cam, s0],
        )?;
        let mut q = t.prepare(
            "SELECT s, n, t0, t1, size, mask, how, gone FROM segments
             WHERE box=$1 AND cam=$2 AND s BETWEEN $3 AND $4 AND log=$5 AND day=$6 AND key=$7 ORDER BY s",
        )?;
        let mut rows = q.query(params![name, cam, s0, s1, log, day, key])?;
        let mut run: Option<Run> = None;
        let of = (log.as_str(), name, cam, day.as_str(), key.as_str());
        while let Some(r) = rows.next()? {
            let (s, n): (i64, N) = (r.get(0)?, r.get(1)?);
            let (from, to, size): (i64, i64, i64) = (r.get(2)?, r.get(3)?, r.get(4)?);
            let (mask, how, gone): (Option<String>, String, Option<String>) =
                (r.get(5)?, r.get(6)?, r.get(7)?);
            match &mut run {
                Some(run)
                    if from - run.t1 <= JOIN_MS
                        && run.t0 <= from
                        && (&run.mask, &run.how, &run.gone) == (&mask, &how, &gone) =>
                {
                    (run.s1, run.n1, run.t1) = (s, n, run.t1.max(to));
                    run.count += 1;
                    run.bytes = run.bytes.saturating_add(size);
                }
                _ => {
                    let next = Run {
                        s0: s,
                        s1: s,
                        n0: n,
                        n1: n,
                        t0: from,
                        t1: to,
                        count: 1,
                        bytes: size,
                        mask,
                        how,
                        gone,
                    };
                    if let Some(done) = run.replace(next) {
                        add(t, of, &done)?;
                    }
                }
            }
        }
        if let Some(done) = run {
            add(t, of, &done)?;
        }
    }
    Ok(())
}

impl Db {
    /// First and last line of a camera's segments in [t0, t1), by log, in order. `matters`: whether something lies between the lines of the
    /// whole spans, which may be between those of the segments or not; else the lines of the spans do.
    pub fn line_ends(
        &self,
        camera: &BoxCamera,
        (t0, t1): (Utc, Utc),
        matters: impl Fn(&str, u64, u64) -> bool,
    ) -> Result<Vec<(String, u64, u64)>, DbError> {
        let spans = self.spans(camera, t0, t1)?;
        let mut out: Vec<(String, u64, u64)> = Vec::new();
        for span in &spans {
            match out.iter_mut().find(|(log, ..)| *log == span.log) {
                Some((_, first, last)) => {
                    (*first, *last) = ((*first).min(span.n0), (*last).max(span.n1))
                }
                None => out.push((span.log.clone(), span.n0, span.n1)),
            }
        }
        // The spans at both ends reach beyond; the lines of the first and last segment do not.
        let c = self.store.read();
        for (log, first, last) in &mut out {
            if !matters(log, *first, *last) {
                continue;
            }
            let end = |order: &str| -> Result<Option<u64>, DbError> {
                let sql = format!(
                    "SELECT n FROM segments WHERE box=$1 AND cam=$2 AND t0 < $4 AND t0 >= $3 - 86400000 AND t1 > $3 AND log=$5 ORDER BY t0 {order} LIMIT 1"
                );
                let of = params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0, *log];
                let n: Option<N> = c.query_row(&sql, of, |r| r.get(0)).optional()?;
                Ok(n.map(|n| n.0))
            };
            let (a, b) = (end("ASC")?, end("DESC")?);
            (*first, *last) = (a.unwrap_or(*first), b.unwrap_or(*last));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::rig::{Rig, ashby, cam, day, utc};
    use shared::types::SegLost;

    /// FLT-2, RET-2: the summary says what the index says, whatever is recorded, lost and deleted, and after the index is made anew.
    #[test]
    fn the_summary_is_that_of_the_index() {
        let mut rig = Rig::new("2026-11-03T14:00:00.000Z");
        rig.hello(&[("c01", None)], 31);
        let camera = BoxCamera::parse("ashby/c01").expect("camera");
        let mut x = 7_u64;
        let mut dice = move |n: u64| {
            x = x
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (x >> 33) % n
        };
        let d = day("2026-11-04");
        let mut last = 0;
        for step in 0..200 {
            if step == 0 {
                last = rig.noon("c01", d, 1000);
                continue;
            }
            match dice(8) {
                0 => {
                    let lost = SegLost {
                        cam: cam("c01"),
                        s: 1 + dice(last),
                        why: "disk".into(),
                    };
                    rig.log.add("sys:rec", &lost);
                }
                1 => {
                    let s0 = 1 + dice(last);
                    let s1 = (s0 + dice(6)).min(last);
                    let key = format!("c01/{}", d.plus_days(dice(2) as i32));
                    rig.range("c01", d, &key, (s0, s1), "space");
                }
                n => {
                    let at = rig.log.t.plus_ms(if n == 2 { 120_000 } else { 59_000 });
                    rig.box_to(at);
                    let key = format!("c01/{}", d.plus_days(i32::from(dice(9) == 0)));
                    last = rig.segment_of("c01", &key, 100 + dice(900));
                }
            }
        }
        let check = |rig: &Rig| {
            let (mut spans, mut bytes) = (Vec::new(), 0);
            let mut at = utc("2026-11-03T00:00:00.000Z");
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..4 {
                let to = at.plus_ms(86_400_000);
                for span in rig.hub.db.spans(&camera, at, to).expect("spans") {
                    if seen.insert(span.s0) {
                        bytes += span.bytes;
                        spans.push(span);
                    }
                }
                at = to;
            }
            let segments: Vec<_> = (0..4)
                .flat_map(|d| {
                    let at = utc("2026-11-03T00:00:00.000Z").plus_ms(d * 86_400_000);
                    let found = rig.hub.db.segments(&camera, at, at.plus_ms(86_400_000));
                    found.expect("segments")
                })
                .collect();
            assert!(segments.len() > 100);
            assert_eq!(
                spans.iter().map(|s| s.count).sum::<u64>(),
                segments.len() as u64
            );
            assert_eq!(bytes, segments.iter().map(|s| s.size).sum::<u64>());
            for s in &segments {
                let of: Vec<_> = spans
                    .iter()
                    .filter(|span| {
                        span.n0 <= s.n
                            && s.n <= span.n1
                            && span.gone == s.gone
                            && span.t0 <= s.t0
                            && s.t1 <= span.t1
                    })
                    .collect();
                assert!(!of.is_empty(), "{s:?}");
            }
            let kept = segments.iter().filter(|s| s.gone.is_none());
            let extent = kept
                .map(|s| (s.t0, s.t1))
                .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            assert_eq!(rig.hub.db.extent(&camera).expect("extent"), extent);
            spans.len()
        };
        rig.send();
        let spans = check(&rig);
        assert!(spans > 10, "{spans}");
        rig.hub
            .db
            .unindex(crate::retention::rig::ORIGIN)
            .expect("forgotten");
        assert!(
            rig.hub
                .db
                .cameras_seen(&ashby())
                .expect("cameras")
                .is_empty()
        );
    }
}
