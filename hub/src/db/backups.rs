//! Adapter: SQLite. Backups that were begun, what became of them, and the copy of the records that they are made of.

use std::path::Path;

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, N, Tx, plain_rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRecord {
    pub n: u64,
    pub id: String,
    pub recipient: String,
    pub who: String,
    pub made: Utc,
    pub ended: Option<Utc>,
    /// begun, made, failed
    pub state: String,
    pub sums: Option<String>,
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    pub fresh: Option<u64>,
}

/// What a backup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupEnd {
    pub sums: String,
    pub files: u64,
    pub bytes: u64,
    pub fresh: u64,
}

/// One that is written for longer is not written any more.
const LASTS_MS: i64 = 86_400_000;

const COLUMNS: &str = "n, id, recipient, who, made, ended, state, sums, files, bytes, fresh";

fn record(r: &rusqlite::Row<'_>) -> rusqlite::Result<BackupRecord> {
    let count = |at| Ok::<_, rusqlite::Error>(r.get::<_, Option<N>>(at)?.map(|n| n.0));
    Ok(BackupRecord {
        n: r.get::<_, N>(0)?.0,
        id: r.get(1)?,
        recipient: r.get(2)?,
        who: r.get(3)?,
        made: Utc(r.get(4)?),
        ended: r.get::<_, Option<i64>>(5)?.map(Utc),
        state: r.get(6)?,
        sums: r.get(7)?,
        files: count(8)?,
        bytes: count(9)?,
        fresh: count(10)?,
    })
}

impl Tx<'_> {
    /// The number of the next one, above `above`; one that was begun a day before and never ended has failed.
    pub fn begin_backup(
        &self,
        above: u64,
        id: &str,
        recipient: &str,
        who: &str,
        now: Utc,
    ) -> Result<u64, DbError> {
        let c = self.store.write();
        c.execute(
            "UPDATE backups SET state='failed', ended=$1 WHERE state='begun' AND made < $2",
            [now.0, now.plus_ms(-LASTS_MS).0],
        )?;
        let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM backups", [], |r| {
            r.get(0)
        })?;
        let n = n.0.max(above.saturating_add(1));
        c.execute(
            "INSERT INTO backups (n, id, recipient, who, made, state) VALUES ($1, $2, $3, $4, $5, 'begun')",
            params![N(n), id, recipient, who, now.0],
        )?;
        Ok(n)
    }

    /// False: there is none of that number that was begun and has not ended.
    pub fn end_backup(&self, n: u64, end: Option<&BackupEnd>, now: Utc) -> Result<bool, DbError> {
        let state = match end {
            Some(_) => "made",
            None => "failed",
        };
        let ended = self.store.write().execute(
            "UPDATE backups SET state=$2, ended=$3, sums=$4, files=$5, bytes=$6, fresh=$7 WHERE n=$1 AND state='begun'",
            params![
                N(n),
                state,
                now.0,
                end.map(|e| e.sums.as_str()),
                end.map(|e| N(e.files)),
                end.map(|e| N(e.bytes)),
                end.map(|e| N(e.fresh)),
            ],
        )?;
        Ok(ended == 1)
    }
}

impl Db {
    /// The newest first, so many.
    pub fn backups(&self, most: u32) -> Result<Vec<BackupRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM backups ORDER BY n DESC LIMIT $1"
        ))?;
        plain_rows("backups", q.query_map([most], record)?)
    }

    /// Those that are being written.
    pub fn backups_begun(&self) -> Result<Vec<u64>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT n FROM backups WHERE state='begun'")?;
        plain_rows("backups", q.query_map([], |r| Ok(r.get::<_, N>(0)?.0))?)
    }

    pub fn backup(&self, n: u64) -> Result<Option<BackupRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM backups WHERE n=$1");
        Ok(c.query_row(&sql, [N(n)], record).optional()?)
    }

    /// Copies the records as they are in one moment. `then` is done in that moment: nobody writes to them meanwhile, and whoever wants to waits
    /// only for it, not for the copy.
    pub fn copy_all<T, E: From<DbError>>(
        &self,
        to: &Path,
        then: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.copy_all(to, then)
    }
}
