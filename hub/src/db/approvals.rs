//! Adapter: SQLite. What somebody asked for and a second person has to approve: one table for every kind of it.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, N, plain_rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRecord {
    pub n: u64,
    pub kind: String,
    pub subject: String,
    /// JSON, by kind.
    pub what: String,
    pub asked_by: u32,
    pub made: Utc,
    pub until: Utc,
    /// waiting, approved, withdrawn, expired
    pub state: String,
}

const APPROVAL: &str = "SELECT n, kind, subject, what, asked_by, made, until, state FROM approvals";

fn approval(r: &rusqlite::Row<'_>) -> rusqlite::Result<ApprovalRecord> {
    Ok(ApprovalRecord {
        n: r.get::<_, N>(0)?.0,
        kind: r.get(1)?,
        subject: r.get(2)?,
        what: r.get(3)?,
        asked_by: r.get(4)?,
        made: Utc(r.get(5)?),
        until: Utc(r.get(6)?),
        state: r.get(7)?,
    })
}

impl Db {
    /// The number it was given. One unit of work with its line.
    pub fn add_approval(
        &self,
        kind: &str,
        subject: &str,
        what: &str,
        asked_by: u32,
        made: Utc,
        until: Utc,
    ) -> Result<u64, DbError> {
        self.whole(|c| {
            let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM approvals", [], |r| {
                r.get(0)
            })?;
            c.execute(
                "INSERT INTO approvals (n, kind, subject, what, asked_by, made, until, state) VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting')",
                params![n, kind, subject, what, asked_by, made.0, until.0],
            )?;
            Ok(n.0)
        })
    }

    pub fn approval(&self, n: u64) -> Result<Option<ApprovalRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let row = c.query_row(&format!("{APPROVAL} WHERE n=$1"), [N(n)], approval);
        Ok(row.optional()?)
    }

    /// Those that wait, oldest first; also those whose time is over and of which nobody has said so yet.
    pub fn waiting_approvals(&self) -> Result<Vec<ApprovalRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("{APPROVAL} WHERE state='waiting' ORDER BY n"))?;
        plain_rows("approvals", q.query_map([], approval)?)
    }

    /// Ends its waiting. False: somebody was quicker.
    pub fn settle_approval(
        &self,
        n: u64,
        state: &str,
        by: Option<u32>,
        now: Utc,
    ) -> Result<bool, DbError> {
        let settled = self.store.write().execute(
            "UPDATE approvals SET state=$2, decided_by=$3, decided=$4 WHERE n=$1 AND state='waiting'",
            params![N(n), state, by, now.0],
        )?;
        Ok(settled == 1)
    }
}
