//! Adapter: SQLite. The daily spot check as the log has it (audit.md 2.21): what is drawn, and what was found wrong.
use rusqlite::{OptionalExtension, Transaction, params};
use shared::{
    id::CameraId,
    record::{Digest, Record, Value},
    spot::{self, Wrong},
    time::Day,
};

use super::{Hold, Index, IndexError, Segment, camera, int, uint, unreadable};

/// The draw of a day, which nobody has acted on yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// By the hub's clock, in UTC.
    pub day: Day,
    /// Line number of its `head.ack`, and how many lines that is about: what is drawn stands among them.
    pub n: u64,
    pub size: u64,
    pub seed: Digest,
}

/// The first `head.ack` of a day is its draw, once there is footage below its head.
pub(super) fn ack(tx: &Transaction<'_>, log: u64, n: u64, record: &Record) -> rusqlite::Result<()> {
    let number = |k: &str| record.data.get(k).and_then(Value::as_u64);
    let day = number("time").and_then(spot::day);
    let seed = record.data.get("sig").and_then(Value::as_str);
    let (Some(day), Some(seed), Some(size)) = (day, seed.and_then(spot::seed), number("size"))
    else {
        return Ok(());
    };
    tx.prepare_cached(
        "INSERT OR IGNORE INTO draw (day, log, n, size, seed) SELECT ?1, ?2, ?3, ?4, ?5
         WHERE EXISTS (SELECT 1 FROM segment WHERE deleted = 0 AND lost = 0 AND (log, n) < (?2, ?4))",
    )?
    .execute(params![day.to_string(), int(log), int(n), int(size), seed.as_slice()])?;
    Ok(())
}

/// A `spot.ok` or `spot.bad`.
pub(super) fn looked(
    tx: &Transaction<'_>,
    log: u64,
    n: u64,
    record: &Record,
) -> rusqlite::Result<()> {
    let text = |k: &str| record.data.get(k).and_then(Value::as_str);
    if let (Some(day), Some(cam), Some(s)) = (
        text("day"),
        text("cam"),
        record.data.get("s").and_then(Value::as_int),
    ) {
        let why = (record.kind == "spot.bad").then(|| text("why").unwrap_or("other"));
        tx.prepare_cached("INSERT OR REPLACE INTO spot VALUES (?1,?2,?3,?4,?5,?6)")?
            .execute(params![int(log), int(n), day, cam, s, why])?;
    }
    Ok(())
}

impl Index {
    /// The newest draw of the current log, if nothing was looked at for its day yet.
    pub fn draw(&self) -> Result<Option<Draw>, IndexError> {
        self.ok((|| {
            let newest = self.db.query_row(
                "SELECT day, n, size, seed FROM draw WHERE log = ?1 ORDER BY n DESC LIMIT 1",
                [int(self.number)],
                |r| {
                    let (day, seed): (String, Vec<u8>) = (r.get(0)?, r.get(3)?);
                    Ok(Draw {
                        day: Day::parse(&day).map_err(|e| unreadable(0, e))?,
                        n: uint(r, 1)?,
                        size: uint(r, 2)?,
                        seed: Digest::try_from(seed.as_slice()).unwrap_or_default(),
                    })
                },
            );
            let Some(draw) = newest.optional()? else {
                return Ok(None);
            };
            let done = self
                .db
                .prepare_cached("SELECT 1 FROM spot WHERE day = ?1")?
                .exists([draw.day.to_string()])?;
            Ok((!done).then_some(draw))
        })())
    }

    /// What is drawn: of all that is kept and below that head, the segment with the lowest score. None: nothing of it is kept any more.
    pub fn drawn(&self, draw: &Draw) -> Result<Option<Segment>, IndexError> {
        let below = params![int(self.number), int(draw.size)];
        let mut lowest: Option<(Digest, CameraId, u64)> = None;
        let mut score = |leaf: &Digest, cam: &CameraId, s: u64| {
            let score = spot::score(&draw.seed, leaf);
            if lowest.as_ref().is_none_or(|(least, _, _)| score < *least) {
                lowest = Some((score, cam.clone(), s));
            }
        };
        self.ok((|| {
            let mut q = self.db.prepare_cached(
                "SELECT leaf, cam, s FROM segment WHERE deleted = 0 AND lost = 0 AND (log, n) < (?1, ?2)",
            )?;
            let mut rows = q.query(below)?;
            while let Some(r) = rows.next()? {
                let leaf: Vec<u8> = r.get(0)?;
                let leaf = Digest::try_from(leaf.as_slice()).unwrap_or_default();
                score(&leaf, &camera(r, 1)?, uint(r, 2)?);
            }
            Ok(())
        })())?;
        for hold in self.holds()?.into_iter().filter(|h| h.kept.is_some()) {
            for s in self.ever_touching(&hold.cam, hold.t0, hold.t1)? {
                if s.deleted && !s.lost && (s.log, s.n) < (self.number, draw.size) {
                    score(&s.leaf, &s.cam, s.s);
                }
            }
        }
        match lowest {
            Some((_, cam, s)) => self.segment(&cam, s),
            None => Ok(None),
        }
    }

    /// Whether a segment is kept, as the log is now: not deleted, or a hold in force has a copy; and not lost.
    pub fn keeps(&self, segment: &Segment) -> Result<bool, IndexError> {
        let Some(now) = self.segment(&segment.cam, segment.s)? else {
            return Ok(false);
        };
        let held = |h: &Hold| h.kept.is_some() && h.touches(&now);
        Ok(!now.lost && (!now.deleted || self.holds()?.iter().any(held)))
    }

    /// What was found wrong, has not been found right since, and is still kept, oldest first.
    pub fn found_wrong(&self) -> Result<Vec<(Segment, Wrong)>, IndexError> {
        let all: Vec<(CameraId, u64, String)> = self.ok((|| {
            let mut q = self.db.prepare_cached(
                "SELECT cam, s, why FROM spot AS a WHERE why IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM spot AS b WHERE b.cam = a.cam AND b.s = a.s AND (b.log, b.n) > (a.log, a.n)) ORDER BY log, n",
            )?;
            q.query_map([], |r| Ok((camera(r, 0)?, uint(r, 1)?, r.get(2)?)))?
                .collect()
        })())?;
        let mut wrong = Vec::new();
        for (cam, s, why) in all {
            if let Some(segment) = self.segment(&cam, s)?
                && self.keeps(&segment)?
            {
                wrong.push((segment, Wrong::parse(&why).unwrap_or(Wrong::Other)));
            }
        }
        Ok(wrong)
    }
}
