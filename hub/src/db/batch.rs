//! Adapter: SQLite. Lines of boxes' logs into the derived tables, many at a time. What many lines say of one span, one camera-day, one
//! stretch of lost segments is added up here and written once, so that what a line costs does not depend on what was there before.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{OptionalExtension, params};
use shared::{
    id::{BoxName, ExhibitRef, HoldId},
    plain,
    record::{Record, Value},
    schema,
    time::Utc,
};

use super::{
    DERIVED_TABLES, Db, DbError, N,
    footage::{int, text, time},
    logs,
    numbers::{Numbered, claimed},
    retention::{self, Days},
    spans::{self, Newest},
    spots,
    store::Sql,
};

/// Lines that go into the tables at once, at most: a fiftieth of a second, after which whoever else wants to write has a turn.
pub const AT_ONCE: usize = 2048;
/// Segments reported lost are reckoned camera by camera, so many numbers at once: some milliseconds.
const LOST_AT_ONCE: i64 = 512;
/// Fewer are not worth a transaction of their own.
const LOST_APART: usize = 64;

/// Lines of one log, countersigned and not yet in the tables.
pub struct Lines<'a> {
    pub origin: &'a str,
    pub name: &'a BoxName,
    pub records: &'a [Record],
    /// What the log holds with these lines: size, root (base64), time of the countersignature. None: more lines of it are to come.
    pub grown: Option<(u64, &'a str, Utc)>,
}

/// What became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// They are in the tables; whether any of them bears on deletions.
    Whole { deletions: bool },
    /// Lines before them are missing in the tables; none of these was taken.
    Lagging,
}

impl Db {
    /// Lines of a log that are indexed.
    pub fn indexed(&self, origin: &str) -> Result<u64, DbError> {
        indexed(&self.store.read(), origin)
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

    /// Lines of several logs, each those that follow on from what is indexed of it (what is indexed already is left out), in one
    /// transaction. Not more than [`AT_ONCE`] lines in all should be given.
    pub fn index_next(&self, all: &[Lines<'_>]) -> Result<Vec<BatchOutcome>, DbError> {
        for lines in all {
            self.lost_first(lines.name, lines.records)?;
        }
        self.derived(|t| {
            let each = all.iter().map(|lines| {
                let from = indexed(t, lines.origin)?;
                let new = lines.records.iter().position(|r| r.n >= from);
                let new = lines.records.get(new.unwrap_or(lines.records.len())..);
                let new = new.unwrap_or_default();
                if new.first().is_some_and(|r| r.n > from) {
                    return Ok(BatchOutcome::Lagging);
                }
                let deletions = all_of(t, lines.origin, lines.name, new, true)?;
                if let Some((size, root, at)) = lines.grown {
                    logs::grew(t, lines.origin, size, root, at)?;
                }
                Ok(BatchOutcome::Whole { deletions })
            });
            each.collect()
        })
    }

    /// Adds verified lines, which follow on from those indexed. Whether any of them bears on deletions.
    pub fn index(&self, origin: &str, name: &BoxName, records: &[Record]) -> Result<bool, DbError> {
        let mut deletions = false;
        for part in records.chunks(AT_ONCE) {
            self.lost_first(name, part)?;
            deletions |= self.derived(|t| all_of(t, origin, name, part, false))?;
        }
        Ok(deletions)
    }

    /// Marks what many of these lines report lost, a stretch of one camera at a time, before the lines themselves are taken: a disk that
    /// was replaced is hundreds of thousands of segments, and each stretch means that its spans and camera-days are reckoned anew.
    /// What is marked and not yet taken when the power goes is marked again, which changes nothing.
    fn lost_first(&self, name: &BoxName, records: &[Record]) -> Result<(), DbError> {
        let of = |kind: &str| {
            let kind = kind.to_owned();
            records.iter().filter(move |r| r.kind == kind)
        };
        if of("seg.lost").count() < LOST_APART {
            return Ok(());
        }
        // What is written or deleted among these lines goes in their order.
        let written: HashSet<(&str, i64)> = of("seg.write")
            .map(|r| (text(&r.data, "cam"), int(&r.data, "s")))
            .collect();
        let deleted: HashSet<&str> = records
            .iter()
            .filter(|r| r.kind.starts_with("del."))
            .map(|r| text(&r.data, "cam"))
            .collect();
        let mut lost = LostRuns::default();
        for r in of("seg.lost") {
            let (cam, s) = (text(&r.data, "cam"), int(&r.data, "s"));
            if !deleted.contains(cam)
                && !written.contains(&(cam, s))
                && schema::line(r, schema::Writer::Box).is_ok()
            {
                lost.add(cam, s);
            }
        }
        for (cam, mut runs) in lost.0 {
            runs.sort_unstable();
            let mut rest = runs.as_slice();
            while let Some((first, _)) = rest.first() {
                let end = rest.partition_point(|(s0, _)| s0 - first < LOST_AT_ONCE);
                let (part, next) = rest.split_at(end.max(1));
                match self.derived(|t| mark(t, name, &cam, part)) {
                    // The lines themselves are judged one by one.
                    Err(e) if e.of_a_row() => {}
                    done => done?,
                }
                rest = next;
            }
        }
        Ok(())
    }
}

fn indexed(t: &Sql, origin: &str) -> Result<u64, DbError> {
    let mut q = t.prepare("SELECT indexed FROM logs WHERE origin=$1")?;
    let n: Option<N> = q.query_row([origin], |r| r.get(0)).optional()?;
    Ok(n.map_or(0, |n| n.0))
}

/// Lines of a log into all tables. `judged`: they are of the form that their types have.
fn all_of(
    t: &Sql,
    origin: &str,
    name: &BoxName,
    records: &[Record],
    judged: bool,
) -> Result<bool, DbError> {
    let Some(last) = records.last() else {
        return Ok(false);
    };
    let deletions = match part(t, || together(t, origin, name, records, judged)) {
        Ok(deletions) => deletions,
        // One of them says what no table can hold: which one is found line by line.
        Err(e) if e.of_a_row() => {
            let mut deletions = false;
            for r in records {
                let one = part(t, || {
                    together(t, origin, name, std::slice::from_ref(r), false)
                });
                match one {
                    Ok(bears) => deletions |= bears,
                    Err(e) if e.of_a_row() => odd(t, origin, name, r, &e)?,
                    Err(e) => return Err(e),
                }
            }
            deletions
        }
        Err(e) => return Err(e),
    };
    t.execute(
        "UPDATE logs SET indexed=$2 WHERE origin=$1",
        params![origin, N(last.n + 1)],
    )?;
    Ok(deletions)
}

/// All that `work` writes, or nothing of it.
fn part<T>(t: &Sql, work: impl FnOnce() -> Result<T, DbError>) -> Result<T, DbError> {
    t.prepare("SAVEPOINT lines")?.execute([])?;
    let done = work();
    if done.is_err() {
        t.prepare("ROLLBACK TO lines")?.execute([])?;
    }
    t.prepare("RELEASE lines")?.execute([])?;
    done
}

fn together(
    t: &Sql,
    origin: &str,
    name: &BoxName,
    records: &[Record],
    judged: bool,
) -> Result<bool, DbError> {
    let mut batch = Batch {
        t,
        origin,
        name,
        newest: Newest::default(),
        days: Days::default(),
        lost: LostRuns::default(),
    };
    let mut deletions = false;
    for r in records {
        // The door judged it before it was countersigned. A hub put back from a copy takes lines from its files, and they are judged here.
        if !judged && let Err(breach) = schema::line(r, schema::Writer::Box) {
            return Err(DbError::Row(breach.to_string()));
        }
        deletions |= batch.line(r)?;
    }
    batch.write()?;
    Ok(deletions)
}

/// Lines of one log on their way into the tables.
struct Batch<'a> {
    t: &'a Sql,
    origin: &'a str,
    name: &'a BoxName,
    newest: Newest,
    days: Days,
    lost: LostRuns,
}

impl Batch<'_> {
    /// A line has the fields of its type. Whether it bears on deletions.
    fn line(&mut self, r: &Record) -> Result<bool, DbError> {
        let (t, origin, name, d) = (self.t, self.origin, self.name, &r.data);
        let cam = text(d, "cam");
        let n = N(r.n);
        numbers_named(t, d)?;
        match r.kind.as_str() {
            "seg.write" => {
                // A number that was lost and is used again is another segment.
                if self.lost.reaches(cam, int(d, "s")) {
                    self.write()?;
                }
                segment(t, origin, name, r)?;
                self.newest.segment(t, origin, name, r)?;
                self.days.segment(t, origin, r)?;
                Ok(false)
            }
            "seg.lost" => {
                self.lost.add(cam, int(d, "s"));
                Ok(true)
            }
            "seg.gap" => {
                let (t0, t1) = (time(d, "t0"), time(d, "t1"));
                t.execute(
                    "INSERT INTO gaps (log, n, box, cam, next, t0, t1, why, packets, long) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
                     ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, next=excluded.next, t0=excluded.t0, t1=excluded.t1,
                     why=excluded.why, packets=excluded.packets, long=excluded.long",
                    params![
                        origin, n, name.as_str(), cam, int(d, "next"), t0, t1, text(d, "why"), int(d, "packets"),
                        i64::from(t1.saturating_sub(t0) > 86_400_000)
                    ],
                )?;
                Ok(false)
            }
            "cam.set" => {
                t.execute(
                    "INSERT INTO names (log, n, box, cam, title, site) VALUES ($1,$2,$3,$4,$5,$6)
                     ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, title=excluded.title, site=excluded.site",
                    params![origin, n, name.as_str(), cam, text(d, "title"), text(d, "site")],
                )?;
                Ok(false)
            }
            "exp.clip" => {
                t.execute(
                    "INSERT INTO clips (log, n, ref, cam) VALUES ($1,$2,$3,$4)
                     ON CONFLICT (log, n) DO UPDATE SET ref=excluded.ref, cam=excluded.cam",
                    params![origin, n, text(d, "ref"), cam],
                )?;
                Ok(false)
            }
            "del.range" => {
                self.write()?;
                // Segments of another key may lie between s0 and s1 and have a line of their own.
                t.execute(
                    "UPDATE segments SET gone='deleted' WHERE box=$1 AND cam=$2 AND s BETWEEN $3 AND $4 AND key=$5",
                    params![name.as_str(), cam, int(d, "s0"), int(d, "s1"), text(d, "key")],
                )?;
                spans::deleted(t, name, r)?;
                retention::index_line(t, origin, name, r)
            }
            "spot.ok" | "spot.bad" => {
                spots::index_line(t, origin, name, r)?;
                Ok(false)
            }
            "del.done" | "clock.state" | "clock.step" => {
                self.write()?;
                retention::index_line(t, origin, name, r)
            }
            _ => Ok(false),
        }
    }

    /// Stores what was added up.
    fn write(&mut self) -> Result<(), DbError> {
        self.newest.write(self.t, self.origin, self.name)?;
        self.days.write(self.t, self.origin, self.name)?;
        for (cam, runs) in std::mem::take(&mut self.lost.0) {
            mark(self.t, self.name, &cam, &runs)?;
        }
        Ok(())
    }
}

/// Numbers of lost segments, by camera, as runs.
#[derive(Default)]
struct LostRuns(BTreeMap<String, Vec<(i64, i64)>>);

impl LostRuns {
    fn add(&mut self, cam: &str, s: i64) {
        if let Some(runs) = self.0.get_mut(cam) {
            match runs.last_mut() {
                Some((_, s1)) if *s1 + 1 == s => *s1 = s,
                _ => runs.push((s, s)),
            }
        } else {
            self.0.insert(cam.to_owned(), vec![(s, s)]);
        }
    }

    /// Whether a number from `s` on is among them.
    fn reaches(&self, cam: &str, s: i64) -> bool {
        let runs = self.0.get(cam).into_iter().flatten();
        runs.into_iter().any(|(_, s1)| s <= *s1)
    }
}

/// Marks segments of a camera as lost, and reckons anew what they were part of. What is marked already costs little.
fn mark(t: &Sql, name: &BoxName, cam: &str, runs: &[(i64, i64)]) -> Result<(), DbError> {
    let mut keys = BTreeSet::new();
    for (s0, s1) in runs {
        let mut q = t.prepare(
            "UPDATE segments SET gone='lost' WHERE box=$1 AND cam=$2 AND s BETWEEN $3 AND $4 AND gone IS NULL RETURNING key",
        )?;
        let mut rows = q.query(params![name.as_str(), cam, s0, s1])?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            any = true;
            let key = row
                .get_ref(0)?
                .as_str()
                .map_err(|e| DbError::Row(e.to_string()))?;
            if !keys.contains(key) {
                keys.insert(key.to_owned());
            }
        }
        drop(rows);
        if any {
            spans::again(t, name.as_str(), cam, (*s0, *s1), None)?;
        }
    }
    for key in keys {
        retention::lost(t, name, cam, &key)?;
    }
    Ok(())
}

fn segment(t: &Sql, origin: &str, name: &BoxName, r: &Record) -> Result<(), DbError> {
    let d = &r.data;
    t.execute(
        "INSERT INTO segments (log, n, box, cam, s, t0, t1, size, sha256, mask, how, lost, day, key)
         VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)
         ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, s=excluded.s, t0=excluded.t0, t1=excluded.t1,
         size=excluded.size, sha256=excluded.sha256, mask=excluded.mask, how=excluded.how, lost=excluded.lost, day=excluded.day,
         key=excluded.key, gone=NULL",
        params![
            origin, N(r.n), name.as_str(), text(d, "cam"), int(d, "s"), time(d, "t0"), time(d, "t1"), int(d, "size"), text(d, "sha256"),
            d.get("mask").and_then(Value::as_str), text(d, "how"), int(d, "lost"), retention::day_of(d), text(d, "key")
        ],
    )?;
    Ok(())
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

/// Whatever line of a box names a number that the hub gave out: that one is not given out again.
fn numbers_named(t: &Sql, d: &Value) -> Result<(), DbError> {
    let number = |text: &str, before: &str| text.strip_prefix(before)?.parse::<u64>().ok();
    // 0 is the console.
    let account = |who: &str| number(who, "op:").filter(|n| *n > 0);
    let Value::Object(pairs) = d else {
        return Ok(());
    };
    for (key, value) in pairs {
        let words = value.as_str().unwrap_or_default();
        match key.as_str() {
            "ref" => {
                if let Ok(exhibit) = ExhibitRef::parse(words) {
                    claimed(t, Numbered::Request, exhibit.number())?;
                }
            }
            "hold" => {
                if let Ok(HoldId(n)) = HoldId::parse(words) {
                    claimed(t, Numbered::Hold, n)?;
                }
            }
            "order" => {
                if let Some(n) = value.as_u64() {
                    claimed(t, Numbered::Line, n)?;
                }
            }
            "who" => {
                if let Some(n) = account(words) {
                    claimed(t, Numbered::Account, n)?;
                }
            }
            "grant" => {
                if let Some(n) = number(words, "G-") {
                    claimed(t, Numbered::Request, n)?;
                }
            }
            "by" => {
                if let Value::Array(people) = value {
                    for n in people.iter().filter_map(Value::as_str).filter_map(account) {
                        claimed(t, Numbered::Account, n)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
