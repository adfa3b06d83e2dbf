//! Adapter: SQLite. That these records are an older copy: since when, what boxes showed of it, and who settled it.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, N, Tx, numbers::Numbered, plain_rows, store::Sql};

/// How many accounts may have been made between a copy and the loss: so many numbers are passed over.
const ACCOUNTS: u64 = 100;

/// One that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRollback {
    /// By `beadle-hub restore`.
    pub restored: bool,
    pub backup: Option<u64>,
    /// The moment that the copy shows, where that is known.
    pub copied: Option<Utc>,
    pub since: Utc,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackRecord {
    pub n: u64,
    pub restored: bool,
    pub backup: Option<u64>,
    pub copied: Option<Utc>,
    pub since: Utc,
    /// What boxes showed.
    pub logs: Vec<ShownLog>,
}

/// A log of a box of which this hub had countersigned more than it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLog {
    pub log: String,
    pub shown: u64,
    pub held: u64,
    pub at: Utc,
}

fn open_one(c: &Sql) -> Result<Option<u64>, DbError> {
    let sql = "SELECT n FROM rollbacks WHERE settled IS NULL ORDER BY n DESC LIMIT 1";
    let n: Option<N> = c.query_row(sql, [], |r| r.get(0)).optional()?;
    Ok(n.map(|n| n.0))
}

fn begin(c: &Sql, new: &NewRollback) -> Result<u64, DbError> {
    let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM rollbacks", [], |r| {
        r.get(0)
    })?;
    c.execute(
        "INSERT INTO rollbacks (n, restored, backup, copied, since) VALUES ($1, $2, $3, $4, $5)",
        params![
            n,
            new.restored,
            new.backup.map(N),
            new.copied.map(|t| t.0),
            new.since.0
        ],
    )?;
    Ok(n.0)
}

impl Tx<'_> {
    /// It stands from here on; one that stood is one with it.
    pub fn begin_rollback(&self, new: &NewRollback) -> Result<u64, DbError> {
        let c = self.store.write();
        c.execute(
            "UPDATE rollbacks SET settled=$1, settled_by='sys:hub' WHERE settled IS NULL",
            [new.since.0],
        )?;
        begin(&c, new)
    }

    /// What a copy is not to go on with: people sign in anew, and numbers of accounts that may have been given out since are passed over.
    pub fn forget_after_copy(&self) -> Result<(), DbError> {
        let known: N = {
            let c = self.store.write();
            c.execute("DELETE FROM sessions", [])?;
            c.execute("UPDATE backups SET state='made' WHERE state='begun'", [])?;
            let sql = "SELECT COALESCE(MAX(highest), 0) FROM numbers WHERE kind='account'";
            c.query_row(sql, [], |r| r.get(0))?
        };
        self.number_used(Numbered::Account, known.0.saturating_add(ACCOUNTS))
    }

    /// Two people settled it. False: nothing stands.
    pub fn settle_rollback(&self, n: u64, by: &[String], now: Utc) -> Result<bool, DbError> {
        let settled = self.store.write().execute(
            "UPDATE rollbacks SET settled=$2, asked_by=$3, settled_by=$4 WHERE n=$1 AND settled IS NULL",
            params![N(n), now.0, by.first(), by.last()],
        )?;
        Ok(settled == 1)
    }
}

impl Db {
    /// The one that stands.
    pub fn rollback(&self) -> Result<Option<RollbackRecord>, DbError> {
        let c = self.store.read();
        let sql = "SELECT n, restored, backup, copied, since FROM rollbacks WHERE settled IS NULL ORDER BY n DESC LIMIT 1";
        let found = c.query_row(sql, [], |r| {
            Ok(RollbackRecord {
                n: r.get::<_, N>(0)?.0,
                restored: r.get(1)?,
                backup: r.get::<_, Option<N>>(2)?.map(|n| n.0),
                copied: r.get::<_, Option<i64>>(3)?.map(Utc),
                since: Utc(r.get(4)?),
                logs: Vec::new(),
            })
        });
        let Some(mut found) = found.optional()? else {
            return Ok(None);
        };
        let mut q =
            c.prepare("SELECT log, shown, held, at FROM rollback_logs WHERE n=$1 ORDER BY log")?;
        let rows = q.query_map([N(found.n)], |r| {
            Ok(ShownLog {
                log: r.get(0)?,
                shown: r.get::<_, N>(1)?.0,
                held: r.get::<_, N>(2)?.0,
                at: Utc(r.get(3)?),
            })
        })?;
        found.logs = plain_rows("rollback_logs", rows)?;
        Ok(Some(found))
    }

    /// A box showed this hub's own countersignature over more lines than are held. What was shown first is kept with what was held then.
    pub fn rollback_shown(&self, shown: &ShownLog) -> Result<(), DbError> {
        self.whole(|c| {
            let n = match open_one(c)? {
                Some(n) => n,
                None => begin(
                    c,
                    &NewRollback {
                        restored: false,
                        backup: None,
                        copied: None,
                        since: shown.at,
                    },
                )?,
            };
            c.execute(
                "INSERT INTO rollback_logs (n, log, shown, held, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (n, log) DO UPDATE SET shown=excluded.shown WHERE excluded.shown > rollback_logs.shown",
                params![N(n), shown.log, N(shown.shown), N(shown.held), shown.at.0],
            )?;
            Ok(())
        })
    }
}
