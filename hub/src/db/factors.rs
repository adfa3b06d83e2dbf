//! Adapter: SQLite. Second factors of accounts.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, N, plain_rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorRecord {
    pub n: u64,
    pub op: u32,
    /// code, passkey
    pub kind: String,
    pub label: String,
    /// Of a code: sealed; of a passkey: its public key, JSON.
    pub secret: String,
    /// Of a code: the last that was taken.
    pub step: Option<u64>,
    pub made: Utc,
    pub used: Option<Utc>,
}

const FACTOR: &str = "SELECT n, op, kind, label, secret, step, made, used FROM factors";

fn factor(r: &rusqlite::Row<'_>) -> rusqlite::Result<FactorRecord> {
    Ok(FactorRecord {
        n: r.get::<_, N>(0)?.0,
        op: r.get(1)?,
        kind: r.get(2)?,
        label: r.get(3)?,
        secret: r.get(4)?,
        step: r.get::<_, Option<N>>(5)?.map(|n| n.0),
        made: Utc(r.get(6)?),
        used: r.get::<_, Option<i64>>(7)?.map(Utc),
    })
}

impl Db {
    /// The number it was given. One unit of work with its line.
    pub fn add_factor(
        &self,
        op: u32,
        kind: &str,
        label: &str,
        secret: &str,
        step: Option<u64>,
        now: Utc,
    ) -> Result<u64, DbError> {
        self.whole(|c| {
            let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM factors", [], |r| {
                r.get(0)
            })?;
            c.execute(
                "INSERT INTO factors (n, op, kind, label, secret, step, made) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![n, op, kind, label, secret, step.map(N), now.0],
            )?;
            Ok(n.0)
        })
    }

    /// Those of an account that are worth something, oldest first.
    pub fn factors(&self, op: u32) -> Result<Vec<FactorRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "{FACTOR} WHERE op=$1 AND ended IS NULL ORDER BY n"
        ))?;
        plain_rows("factors", q.query_map([op], factor)?)
    }

    /// So many of them at most, with a higher number than `after`.
    pub fn factors_page(
        &self,
        op: u32,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<FactorRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "{FACTOR} WHERE op=$1 AND ended IS NULL AND n > $2 ORDER BY n LIMIT $3"
        ))?;
        let of = params![op, N(after.unwrap_or(0)), limit];
        plain_rows("factors", q.query_map(of, factor)?)
    }

    /// Every one that is worth something.
    pub fn all_factors(&self) -> Result<Vec<FactorRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("{FACTOR} WHERE ended IS NULL ORDER BY n"))?;
        plain_rows("factors", q.query_map([], factor)?)
    }

    /// How many an account has.
    pub fn has_factor(&self, op: u32) -> Result<bool, DbError> {
        let row = self.store.read().query_row(
            "SELECT 1 FROM factors WHERE op=$1 AND ended IS NULL LIMIT 1",
            [op],
            |_| Ok(()),
        );
        Ok(row.optional()?.is_some())
    }

    /// A code was used. False: that one, or a later one, was taken meanwhile.
    pub fn code_used(&self, n: u64, step: u64, now: Utc) -> Result<bool, DbError> {
        let done = self.store.write().execute(
            "UPDATE factors SET step=$2, used=$3 WHERE n=$1 AND ended IS NULL AND (step IS NULL OR step<$2)",
            params![N(n), N(step), now.0],
        )?;
        Ok(done == 1)
    }

    /// A passkey was used: its key with another count, in place of `before`. False: somebody was quicker.
    pub fn passkey_used(
        &self,
        n: u64,
        before: &str,
        after: &str,
        now: Utc,
    ) -> Result<bool, DbError> {
        let done = self.store.write().execute(
            "UPDATE factors SET secret=$3, used=$4 WHERE n=$1 AND secret=$2 AND ended IS NULL",
            params![N(n), before, after, now.0],
        )?;
        Ok(done == 1)
    }

    /// False: there is no such, or not any more. What was secret of it is gone.
    pub fn end_factor(&self, n: u64, now: Utc) -> Result<bool, DbError> {
        let done = self.store.write().execute(
            "UPDATE factors SET ended=$2, secret='' WHERE n=$1 AND ended IS NULL",
            params![N(n), now.0],
        )?;
        Ok(done == 1)
    }
}
