//! Adapter: SQLite. What the hub knows of deletion: camera-days and certificates (derived from box logs), and the
//! rules boxes said they keep footage by.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::{BoxName, CameraId},
    record::{Record, Value},
    schema::message::{DAYS, Hello},
    segment::{KeyId, recorded_day},
    time::{Day, Utc, Zone},
};

use super::{
    Db, DbError, N,
    footage::{LONG_GAPS, SHORT_GAPS, int, text, time},
    plain_rows,
    store::Sql,
};

/// Footage of one camera, day and key, as its lines say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRecord {
    pub cam: CameraId,
    pub day: Day,
    pub key: String,
    /// First and last segment recorded.
    pub s0: u64,
    pub s1: u64,
    /// First and last frame of what is left; of all, when nothing is.
    pub t0: Utc,
    pub t1: Utc,
    /// Recorded, and segments recorded.
    pub bytes: u64,
    pub count: u64,
    /// Segments that are neither lost nor in a `del.range`.
    pub held: u64,
    /// Sealed to a start's key: its day is by a clock nobody vouched for.
    pub doubtful: bool,
    /// When that was, at the latest.
    pub latest: Option<Utc>,
    pub settled: bool,
}

/// A `del.range`, and its `del.done` once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    pub log: String,
    pub n: u64,
    pub cam: CameraId,
    pub day: Day,
    pub key: String,
    pub s0: u64,
    pub s1: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub count: u64,
    /// Its `set`.
    pub digest: String,
    pub rule: String,
    /// By the box's clock, as is `DoneRecord::at`.
    pub at: Utc,
    pub done: Option<DoneRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneRecord {
    pub n: u64,
    pub at: Utc,
    /// Oldest byte of the camera left on the box's disks.
    pub oldest: Option<Utc>,
    pub undecryptable: bool,
    pub claim: String,
    /// Segments of which holds keep copies, under keys of their own.
    pub held: u64,
}

/// A rule from `since` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    pub cam: CameraId,
    pub since: Utc,
    pub days: u32,
    pub zone: String,
}

/// Gaps of one camera within a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    pub count: u64,
    pub ms: i64,
}

fn bad<T, E: std::fmt::Display>(r: Result<T, E>) -> rusqlite::Result<T> {
    r.map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            e.to_string().into(),
        )
    })
}

pub(super) fn cam(r: &Row<'_>, i: usize) -> rusqlite::Result<CameraId> {
    bad(CameraId::parse(&r.get::<_, String>(i)?))
}

pub(super) fn day(r: &Row<'_>, i: usize) -> rusqlite::Result<Day> {
    bad(Day::parse(&r.get::<_, String>(i)?))
}

fn n(r: &Row<'_>, i: usize) -> rusqlite::Result<u64> {
    Ok(r.get::<_, N>(i)?.0)
}

/// Days footage is kept, as a box may say it: what is stored is judged as if it came now.
fn days_kept(days: i64) -> rusqlite::Result<u32> {
    let kept = u32::try_from(days).ok().filter(|days| DAYS.contains(days));
    kept.ok_or(rusqlite::Error::IntegralValueOutOfRange(2, days))
}

const DAY: &str = "cam, day, key, t0, t1, bytes, count, held, boot, latest, settled, s0, s1";

fn day_record(r: &Row<'_>) -> rusqlite::Result<DayRecord> {
    Ok(DayRecord {
        cam: cam(r, 0)?,
        day: day(r, 1)?,
        key: r.get(2)?,
        s0: n(r, 11)?,
        s1: n(r, 12)?,
        t0: Utc(r.get(3)?),
        t1: Utc(r.get(4)?),
        bytes: n(r, 5)?,
        count: n(r, 6)?,
        held: n(r, 7)?,
        doubtful: r.get::<_, Option<i64>>(8)?.is_some(),
        latest: r.get::<_, Option<i64>>(9)?.map(Utc),
        settled: r.get::<_, i64>(10)? != 0,
    })
}

const CERTIFICATE: &str = "c.log, c.n, c.cam, c.day, c.key, c.s0, c.s1, c.t0, c.t1, c.count, c.digest, c.rule, c.at, \
     c.done_n, c.done_at, c.oldest, c.undecryptable, c.claim, c.held";

fn certificate(r: &Row<'_>) -> rusqlite::Result<CertificateRecord> {
    let done = r.get::<_, Option<N>>(13)?;
    Ok(CertificateRecord {
        log: r.get(0)?,
        n: n(r, 1)?,
        cam: cam(r, 2)?,
        day: day(r, 3)?,
        key: r.get(4)?,
        s0: n(r, 5)?,
        s1: n(r, 6)?,
        t0: Utc(r.get(7)?),
        t1: Utc(r.get(8)?),
        count: n(r, 9)?,
        digest: r.get(10)?,
        rule: r.get(11)?,
        at: Utc(r.get(12)?),
        done: match done {
            Some(N(done)) => Some(DoneRecord {
                n: done,
                at: Utc(r.get(14)?),
                oldest: r.get::<_, Option<i64>>(15)?.map(Utc),
                undecryptable: r.get::<_, i64>(16)? != 0,
                claim: r.get(17)?,
                held: n(r, 18)?,
            }),
            None => None,
        },
    })
}

impl Db {
    /// Camera-days of a box, or of one of its cameras, from `from` to `to`, and older ones whose deletion is not on record as good;
    /// oldest first.
    pub fn camera_days(
        &self,
        name: &BoxName,
        cam: Option<&CameraId>,
        (from, to): (Day, Day),
    ) -> Result<Vec<DayRecord>, DbError> {
        let c = self.store.read();
        let of = cam.map_or("", |_| "AND cam=$4");
        let mut q = c.prepare(&format!(
            "SELECT {DAY} FROM days WHERE box=$1 AND day >= $2 AND day <= $3 {of}
             UNION ALL SELECT {DAY} FROM days WHERE box=$1 AND settled=0 AND day < $2 {of} ORDER BY 2, 1, 4"
        ))?;
        let (from, to) = (from.to_string(), to.to_string());
        let rows = match cam {
            Some(cam) => q.query_map(params![name.as_str(), from, to, cam.as_str()], day_record),
            None => q.query_map(params![name.as_str(), from, to], day_record),
        };
        plain_rows("deletions", rows?)
    }

    /// The first day of a camera of which there was footage.
    pub fn first_day(&self, name: &BoxName, cam: &CameraId) -> Result<Option<Day>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT day FROM days WHERE box=$1 AND cam=$2 ORDER BY day LIMIT 1",
            params![name.as_str(), cam.as_str()],
            |r| day(r, 0),
        );
        Ok(row.optional()?)
    }

    /// Those alone whose deletion is not on record as good. Few: the days a box keeps.
    pub fn unsettled_days(&self, name: &BoxName) -> Result<Vec<DayRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {DAY} FROM days WHERE box=$1 AND settled=0 ORDER BY day, cam, t0"
        ))?;
        plain_rows("deletions", q.query_map([name.as_str()], day_record)?)
    }

    /// Certificates of the camera-days that are not settled, oldest first.
    pub fn unsettled_certificates(
        &self,
        name: &BoxName,
    ) -> Result<Vec<CertificateRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT DISTINCT {CERTIFICATE} FROM days d JOIN certificates c
             ON c.box=d.box AND c.cam=d.cam AND c.key=d.key AND c.s0 <= d.s1 AND c.s1 >= d.s0
             WHERE d.box=$1 AND d.settled=0 ORDER BY c.at, c.n"
        ))?;
        plain_rows("deletions", q.query_map([name.as_str()], certificate)?)
    }

    /// Certificates about a box's camera-days, or those of one of its cameras, from `from` to `to`, oldest first.
    pub fn certificates(
        &self,
        name: &BoxName,
        cam: Option<&CameraId>,
        (from, to): (Day, Day),
    ) -> Result<Vec<CertificateRecord>, DbError> {
        let c = self.store.read();
        let of = cam.map_or("", |_| "AND c.cam=$4");
        let mut q = c.prepare(&format!(
            "SELECT {CERTIFICATE} FROM certificates c WHERE c.box=$1 AND c.day >= $2 AND c.day <= $3 {of} ORDER BY c.at, c.n"
        ))?;
        let (from, to) = (from.to_string(), to.to_string());
        let rows = match cam {
            Some(cam) => q.query_map(params![name.as_str(), from, to, cam.as_str()], certificate),
            None => q.query_map(params![name.as_str(), from, to], certificate),
        };
        plain_rows("deletions", rows?)
    }

    /// The newest whole certificate of each of these cameras of a box.
    pub fn newest_certificates<'a>(
        &self,
        name: &BoxName,
        cams: impl IntoIterator<Item = &'a CameraId>,
    ) -> Result<Vec<CertificateRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {CERTIFICATE} FROM certificates c WHERE c.box=$1 AND c.cam=$2 AND c.done_at IS NOT NULL
             ORDER BY c.done_at DESC, c.done_n DESC LIMIT 1"
        ))?;
        let mut out = Vec::new();
        for cam in cams {
            let rows = q.query_map(params![name.as_str(), cam.as_str()], certificate)?;
            out.extend(plain_rows("deletions", rows)?);
        }
        Ok(out)
    }

    /// Gaps of a camera that touch [t0, t1), cut to it.
    pub fn gaps_within(
        &self,
        name: &BoxName,
        cam: &CameraId,
        t0: Utc,
        t1: Utc,
    ) -> Result<Gaps, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT COUNT(*), CAST(MIN(TOTAL(MIN(t1, $4) - MAX(t0, $3)), 9e15) AS INTEGER)
             FROM (SELECT t0, t1 {SHORT_GAPS} UNION ALL SELECT t0, t1 {LONG_GAPS}) g",
        ))?;
        Ok(
            q.query_row(params![name.as_str(), cam.as_str(), t0.0, t1.0], |r| {
                Ok(Gaps {
                    count: n(r, 0)?,
                    ms: r.get(1)?,
                })
            })?,
        )
    }

    /// Every rule a box ever named, oldest first.
    pub fn policies(&self, name: &BoxName) -> Result<Vec<PolicyRecord>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT cam, since, days, zone FROM policies WHERE box=$1 ORDER BY since")?;
        let rows = q.query_map([name.as_str()], |r| {
            Ok(PolicyRecord {
                cam: cam(r, 0)?,
                since: Utc(r.get(1)?),
                days: days_kept(r.get(2)?)?,
                zone: r.get(3)?,
            })
        })?;
        plain_rows("deletions", rows)
    }
}

/// Keeps what a box's hello says of its rules, where it is news.
pub(super) fn note_policies(
    t: &Sql,
    name: &BoxName,
    hello: &Hello,
    now: Utc,
) -> Result<(), DbError> {
    for c in &hello.cameras {
        let days = hello.days(c);
        let before: Option<(i64, String)> = t
            .query_row(
                "SELECT days, zone FROM policies WHERE box=$1 AND cam=$2 ORDER BY since DESC LIMIT 1",
                params![name.as_str(), c.cam.as_str()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        if before.as_ref() != Some(&(i64::from(days), hello.zone.clone())) {
            t.execute(
                "INSERT INTO policies (box, cam, since, days, zone) VALUES ($1,$2,$3,$4,$5)
                 ON CONFLICT (box, cam, since) DO UPDATE SET days=excluded.days, zone=excluded.zone",
                params![name.as_str(), c.cam.as_str(), now.0, days, hello.zone],
            )?;
        }
    }
    Ok(())
}

/// The local day a segment was recorded under, as its line says. (A line that says none is not of its form: its day in UTC.)
pub(super) fn day_of(d: &Value) -> String {
    recorded_day(d)
        .unwrap_or_else(|| Zone::utc().day_of(Utc(time(d, "t0"))))
        .to_string()
}

/// What lines say of camera-days, added up while they come in; [`Days::write`] stores it once for all of them.
#[derive(Default)]
pub(super) struct Days {
    /// By camera, day and key.
    grown: BTreeMap<(String, String, String), DayGrowth>,
    /// Starts of the box whose clock somebody vouches for, and those nobody does.
    clocks: HashMap<u64, bool>,
}

/// What new segments add to a camera-day.
struct DayGrowth {
    s0: i64,
    s1: i64,
    t0: i64,
    t1: i64,
    bytes: i64,
    count: i64,
    boot: Option<u64>,
    latest: Option<i64>,
}

impl Days {
    /// Adds a `seg.write`.
    pub fn segment(&mut self, t: &Sql, origin: &str, r: &Record) -> Result<(), DbError> {
        let d = &r.data;
        let (cam, key) = (text(d, "cam"), text(d, "key"));
        let (day, boot) = match KeyId::parse(key) {
            Ok(KeyId::Day { day, .. }) => (day.to_string(), None),
            _ => (day_of(d), Some(r.boot)),
        };
        let known = match boot {
            Some(boot) => self.vouched(t, origin, boot)?,
            None => false,
        };
        let (s, t0, t1, size) = (int(d, "s"), time(d, "t0"), time(d, "t1"), int(d, "size"));
        let latest = known.then_some(t1);
        let of = (cam.to_owned(), day, key.to_owned());
        match self.grown.entry(of) {
            Entry::Vacant(slot) => {
                slot.insert(DayGrowth {
                    s0: s,
                    s1: s,
                    t0,
                    t1,
                    bytes: size,
                    count: 1,
                    boot,
                    latest,
                });
            }
            Entry::Occupied(mut slot) => {
                let all = slot.get_mut();
                (all.s0, all.s1) = (all.s0.min(s), all.s1.max(s));
                (all.t0, all.t1) = (all.t0.min(t0), all.t1.max(t1));
                all.bytes = all.bytes.saturating_add(size).min(9_007_199_254_740_991);
                all.count += 1;
                all.boot = boot;
                all.latest = latest.map(|t| all.latest.map_or(t, |before| before.max(t)));
            }
        }
        Ok(())
    }

    fn vouched(&mut self, t: &Sql, origin: &str, boot: u64) -> Result<bool, DbError> {
        if let Some(known) = self.clocks.get(&boot) {
            return Ok(*known);
        }
        let known = t
            .prepare("SELECT COUNT(*) > 0 FROM clocks WHERE log=$1 AND boot=$2")?
            .query_row(params![origin, N(boot)], |r| r.get(0))?;
        self.clocks.insert(boot, known);
        Ok(known)
    }

    /// Stores what grew, and forgets all: what follows may change it by other ways.
    pub fn write(&mut self, t: &Sql, origin: &str, name: &BoxName) -> Result<(), DbError> {
        self.clocks.clear();
        while let Some(((cam, day, key), all)) = self.grown.pop_first() {
            t.prepare(
                "INSERT INTO days (log, box, cam, day, key, s0, s1, t0, t1, bytes, count, held, boot, latest)
                 VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$11,$12,$13)
                 ON CONFLICT (log, cam, day, key) DO UPDATE SET s0=MIN(s0,$6), s1=MAX(s1,$7), t0=MIN(t0,$8), t1=MAX(t1,$9),
                 bytes=MIN(bytes+$10, 9007199254740991), count=count+$11, held=held+$11, boot=$12,
                 latest=CASE WHEN $13 IS NULL THEN NULL ELSE MAX(COALESCE(latest, $13), $13) END, settled=0",
            )?
            .execute(params![
                origin, name.as_str(), cam, day, key, all.s0, all.s1, all.t0, all.t1, all.bytes, all.count, all.boot.map(N), all.latest
            ])?;
        }
        Ok(())
    }
}

/// Segments sealed to this key are lost: their camera-days are reckoned anew.
pub(super) fn lost(t: &Sql, name: &BoxName, cam: &str, key: &str) -> Result<(), DbError> {
    recount(t, name.as_str(), cam, key)?;
    settle(t, name.as_str(), cam, key)
}

/// Adds what a line says about clocks and deletions; whether it bears on deletions. What lines before it say of camera-days is stored.
pub(super) fn index_line(
    t: &Sql,
    origin: &str,
    name: &BoxName,
    r: &Record,
) -> Result<bool, DbError> {
    let (d, name) = (&r.data, name.as_str());
    let (cam, key) = (text(d, "cam"), text(d, "key"));
    match r.kind.as_str() {
        // Somebody vouches for the clock from here on: what was recorded before is older than this line.
        "clock.state" if text(d, "trust") != "unknown" => {
            t.prepare(
                "INSERT INTO clocks (log, boot) VALUES ($1, $2) ON CONFLICT (log, boot) DO NOTHING",
            )?
            .execute(params![origin, N(r.boot)])?;
            t.prepare("UPDATE days SET latest=MAX(t1, $2) WHERE log=$1 AND settled=0 AND boot <= $3 AND latest IS NULL")?
                .execute(params![origin, r.t.0, N(r.boot)])?;
            Ok(false)
        }
        "clock.step" if int(d, "delta_ms") > 0 => {
            t.prepare("UPDATE days SET latest=MIN(latest+$2, 7258118399999) WHERE log=$1 AND settled=0 AND boot=$3 AND latest IS NOT NULL")?
                .execute(params![origin, int(d, "delta_ms"), N(r.boot)])?;
            Ok(false)
        }
        "del.range" => {
            t.prepare(
                "INSERT INTO certificates (log, n, box, cam, day, key, s0, s1, t0, t1, count, digest, rule, at)
                 VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)
                 ON CONFLICT (log, n) DO UPDATE SET box=excluded.box, cam=excluded.cam, day=excluded.day, key=excluded.key, s0=excluded.s0,
                 s1=excluded.s1, t0=excluded.t0, t1=excluded.t1, count=excluded.count, digest=excluded.digest, rule=excluded.rule,
                 at=excluded.at",
            )?
            .execute(params![
                origin, N(r.n), name, cam, text(d, "day"), key, int(d, "s0"), int(d, "s1"), time(d, "t0"), time(d, "t1"), int(d, "count"),
                text(d, "set"), text(d, "rule"), r.t.0
            ])?;
            recount(t, name, cam, key)?;
            Ok(true)
        }
        "del.done" => {
            let oldest = d.get("oldest").and_then(Value::as_str);
            let oldest = oldest.and_then(|t| Utc::parse(t).ok()).map(|t| t.0);
            let undecryptable = matches!(d.get("undecryptable"), Some(Value::Bool(true)));
            t.prepare("UPDATE certificates SET done_n=$3, done_at=$4, oldest=$5, undecryptable=$6, claim=$7, held=$8 WHERE log=$1 AND n=$2")?
                .execute(params![
                    origin, int(d, "n"), N(r.n), r.t.0, oldest, i64::from(undecryptable), text(d, "claim"), int(d, "held")
                ])?;
            let key: Option<String> = t
                .prepare("SELECT key FROM certificates WHERE log=$1 AND n=$2")?
                .query_row(params![origin, int(d, "n")], |r| r.get(0))
                .optional()?;
            if let Some(key) = key {
                settle(t, name, cam, &key)?;
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What is left of the camera-days sealed to a key.
fn recount(t: &Sql, name: &str, cam: &str, key: &str) -> Result<(), DbError> {
    let left = "FROM segments g WHERE g.box=days.box AND g.cam=days.cam AND g.s BETWEEN days.s0 AND days.s1
                AND g.key=days.key AND g.day=days.day AND g.log=days.log AND g.gone IS NULL";
    t.prepare(&format!(
        "UPDATE days SET held=(SELECT COUNT(*) {left}), t0=COALESCE((SELECT MIN(g.t0) {left}), t0), t1=COALESCE((SELECT MAX(g.t1) {left}), t1)
         WHERE box=$1 AND cam=$2 AND key=$3"
    ))?
    .execute(params![name, cam, key])?;
    Ok(())
}

/// A camera-day is settled when nothing of it is left and either all of it was lost, or its deletion is done and its key, by this
/// certificate or a later one of the same key, opens nothing any more.
fn settle(t: &Sql, name: &str, cam: &str, key: &str) -> Result<(), DbError> {
    let of_key = "FROM certificates c WHERE c.box=days.box AND c.cam=days.cam AND c.key=days.key AND c.done_n IS NOT NULL";
    t.prepare(&format!(
        "UPDATE days SET settled=1 WHERE box=$1 AND cam=$2 AND key=$3 AND held=0 AND settled=0 AND (
           NOT EXISTS (SELECT 1 FROM segments g WHERE g.box=days.box AND g.cam=days.cam AND g.s BETWEEN days.s0 AND days.s1
                       AND g.key=days.key AND g.gone='deleted')
           OR (EXISTS (SELECT 1 {of_key} AND c.s0 <= days.s1 AND c.s1 >= days.s0) AND EXISTS (SELECT 1 {of_key} AND c.undecryptable=1)))"
    ))?
    .execute(params![name, cam, key])?;
    Ok(())
}
