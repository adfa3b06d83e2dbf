//! Adapter: SQLite. The box logs held here: size, newest countersignature, disputes.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::{id::BoxName, time::Utc};

use super::{Db, DbError, N, plain_rows, store::Sql};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub origin: String,
    pub r#box: String,
    pub number: u64,
    pub size: u64,
    /// base64
    pub root: String,
    pub cosigned: Utc,
    pub seen_size: u64,
    pub seen_time: Utc,
    /// Code: this log is not countersigned any more.
    pub dispute: Option<String>,
    pub why: Option<String>,
}

/// A fault of a box's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleRecord {
    pub since: Utc,
    pub text: String,
    /// Its `fault.on` is in the hub's log.
    pub on_record: bool,
}

const COLUMNS: &str =
    "origin, box, number, size, root, cosigned, seen_size, seen_time, dispute, why";

fn record(r: &Row<'_>) -> rusqlite::Result<LogRecord> {
    Ok(LogRecord {
        origin: r.get(0)?,
        r#box: r.get(1)?,
        number: r.get::<_, N>(2)?.0,
        size: r.get::<_, N>(3)?.0,
        root: r.get(4)?,
        cosigned: Utc(r.get(5)?),
        seen_size: r.get::<_, N>(6)?.0,
        seen_time: Utc(r.get(7)?),
        dispute: r.get(8)?,
        why: r.get(9)?,
    })
}

impl Db {
    /// All logs, oldest number of a box first.
    pub fn logs(&self) -> Result<Vec<LogRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("SELECT {COLUMNS} FROM logs ORDER BY box, number"))?;
        plain_rows("logs", q.query_map([], record)?)
    }

    pub fn log(&self, origin: &str) -> Result<Option<LogRecord>, DbError> {
        let c = self.store.read();
        Ok(c.query_row(
            &format!("SELECT {COLUMNS} FROM logs WHERE origin=$1"),
            [origin],
            record,
        )
        .optional()?)
    }

    /// The newest log of a box of which lines are held. One that was only announced is none.
    pub fn newest_log(&self, name: &BoxName) -> Result<Option<LogRecord>, DbError> {
        let c = self.store.read();
        let sql = format!(
            "SELECT {COLUMNS} FROM logs WHERE box=$1 AND size > 0 ORDER BY number DESC LIMIT 1"
        );
        Ok(c.query_row(&sql, [name.as_str()], record).optional()?)
    }

    /// The newest of each box.
    pub fn newest_logs(&self) -> Result<BTreeMap<String, LogRecord>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM logs WHERE size > 0 ORDER BY box, number");
        let mut q = c.prepare(&sql)?;
        let all = plain_rows("logs", q.query_map([], record)?)?;
        Ok(all.into_iter().map(|l| (l.r#box.clone(), l)).collect())
    }

    /// Makes a log known; nothing of it is held yet.
    pub fn meet_log(&self, origin: &str, name: &BoxName, number: u64) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO logs (origin, box, number) VALUES ($1, $2, $3) ON CONFLICT (origin) DO NOTHING",
            params![origin, name.as_str(), N(number)],
        )?;
        Ok(())
    }

    pub fn log_grew(
        &self,
        origin: &str,
        size: u64,
        root: &str,
        cosigned: Utc,
    ) -> Result<(), DbError> {
        grew(&self.store.write(), origin, size, root, cosigned)
    }

    pub fn log_seen(&self, origin: &str, size: u64, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE logs SET seen_size=$2, seen_time=$3 WHERE origin=$1",
            params![origin, N(size), now.0],
        )?;
        Ok(())
    }

    pub fn dispute_log(&self, origin: &str, code: &str, why: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE logs SET dispute=$2, why=$3 WHERE origin=$1 AND dispute IS NULL",
            params![origin, code, why],
        )?;
        Ok(())
    }

    /// A fault of a box's log began.
    pub fn put_trouble(
        &self,
        name: &BoxName,
        code: &str,
        trouble: &TroubleRecord,
    ) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO troubles (box, code, since, text, on_record) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (box, code) DO UPDATE SET since=excluded.since, text=excluded.text, on_record=excluded.on_record",
            params![name.as_str(), code, trouble.since.0, trouble.text, trouble.on_record],
        )?;
        Ok(())
    }

    /// It is over.
    pub fn end_trouble(&self, name: &BoxName, code: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "DELETE FROM troubles WHERE box=$1 AND code=$2",
            params![name.as_str(), code],
        )?;
        Ok(())
    }

    /// Those that have begun and are not over: box, code, what it is.
    pub fn troubles(&self) -> Result<Vec<(String, String, TroubleRecord)>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, code, since, text, on_record FROM troubles")?;
        let rows = q.query_map([], |r| {
            let trouble = TroubleRecord {
                since: Utc(r.get(2)?),
                text: r.get(3)?,
                on_record: r.get(4)?,
            };
            Ok((r.get(0)?, r.get(1)?, trouble))
        })?;
        plain_rows("troubles", rows)
    }
}

pub(super) fn grew(
    t: &Sql,
    origin: &str,
    size: u64,
    root: &str,
    cosigned: Utc,
) -> Result<(), DbError> {
    t.execute(
        "UPDATE logs SET size=$2, root=$3, cosigned=$4 WHERE origin=$1",
        params![origin, N(size), root, cosigned.0],
    )?;
    Ok(())
}
