//! Adapter: SQLite. In whose hands accounts were, and administrators whom root made.

use std::collections::BTreeSet;

use rusqlite::params;
use shared::time::Utc;

use super::{Db, DbError, plain_rows};

/// An administrator whom root made because no two could sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakRecord {
    pub op: u32,
    /// With the next: hashes of the side table.
    pub name: String,
    pub reason: String,
    pub made: Utc,
    pub until: Utc,
}

impl Db {
    /// Whoever `by` is knew a password of this account.
    pub fn add_hand(&self, op: u32, by: u32, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO hands (n, op, by_op, made) SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3 FROM hands",
            params![op, by, now.0],
        )?;
        Ok(())
    }

    /// Those who knew one since then.
    pub fn hands(&self, op: u32, since: Utc) -> Result<BTreeSet<u32>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT by_op FROM hands WHERE op=$1 AND made>$2 AND ended IS NULL")?;
        let rows = q.query_map(params![op, since.0], |r| r.get(0))?;
        Ok(plain_rows("hands", rows)?.into_iter().collect())
    }

    /// A second administrator vouched for the account.
    pub fn end_hands(&self, op: u32, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE hands SET ended=$2 WHERE op=$1 AND ended IS NULL",
            params![op, now.0],
        )?;
        Ok(())
    }

    pub fn add_break(&self, b: &BreakRecord) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO breaks (n, op, name, reason, made, until) SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3, $4, $5 FROM breaks",
            params![b.op, b.name, b.reason, b.made.0, b.until.0],
        )?;
        Ok(())
    }

    /// Those made since then, newest first.
    pub fn breaks(&self, since: Utc) -> Result<Vec<BreakRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT op, name, reason, made, until FROM breaks WHERE made>$1 ORDER BY n DESC",
        )?;
        let rows = q.query_map([since.0], |r| {
            Ok(BreakRecord {
                op: r.get(0)?,
                name: r.get(1)?,
                reason: r.get(2)?,
                made: Utc(r.get(3)?),
                until: Utc(r.get(4)?),
            })
        })?;
        plain_rows("breaks", rows)
    }
}
