//! Adapter: SQLite. What somebody asked for and a second person has to approve: one table for every kind of it.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, N, holds::Drop, plain_rows, store::Sql};
use crate::ownlog::op;

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
    /// waiting, approved, withdrawn, expired, aside
    pub state: String,
    /// Hash of the side table.
    pub reason: Option<String>,
}

/// One that is to wait.
pub struct NewApproval<'a> {
    pub kind: &'a str,
    pub subject: &'a str,
    pub what: &'a str,
    pub reason: Option<&'a str>,
    pub asked_by: u32,
    pub made: Utc,
    pub until: Utc,
}

/// The columns that [`approval`] reads, first of a statement.
pub(super) const COLUMNS: &str =
    "a.n, a.kind, a.subject, a.what, a.asked_by, a.made, a.until, a.state, a.reason";

pub(super) fn approval(r: &rusqlite::Row<'_>) -> rusqlite::Result<ApprovalRecord> {
    Ok(ApprovalRecord {
        n: r.get::<_, N>(0)?.0,
        kind: r.get(1)?,
        subject: r.get(2)?,
        what: r.get(3)?,
        asked_by: r.get(4)?,
        made: Utc(r.get(5)?),
        until: Utc(r.get(6)?),
        state: r.get(7)?,
        reason: r.get(8)?,
    })
}

impl Db {
    /// The number it was given. One unit of work with its line.
    pub fn add_approval(&self, a: &NewApproval<'_>) -> Result<u64, DbError> {
        self.whole(|c| {
            let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM approvals", [], |r| {
                r.get(0)
            })?;
            c.execute(
                "INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')",
                params![n, a.kind, a.subject, a.what, a.reason, a.asked_by, a.made.0, a.until.0],
            )?;
            Ok(n.0)
        })
    }

    pub fn approval(&self, n: u64) -> Result<Option<ApprovalRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let row = c.query_row(
            &format!("SELECT {COLUMNS} FROM approvals a WHERE n=$1"),
            [N(n)],
            approval,
        );
        Ok(row.optional()?)
    }

    /// Those that wait, oldest first; also those whose time is over and of which nobody has said so yet.
    pub fn waiting_approvals(&self) -> Result<Vec<ApprovalRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM approvals a WHERE state='waiting' ORDER BY n"
        ))?;
        plain_rows("approvals", q.query_map([], approval)?)
    }

    /// What waits of one kind, by what it is about: who asked, why, and when. `subject`: of nothing else.
    pub(super) fn asked_for(
        c: &Sql,
        kind: &str,
        subject: Option<&str>,
    ) -> Result<BTreeMap<String, Drop>, DbError> {
        let which = match subject {
            Some(_) => "subject=$2",
            None => "$2=$2",
        };
        let mut q = c.prepare(&format!(
            "SELECT subject, asked_by, reason, made FROM approvals WHERE state='waiting' AND kind=$1 AND {which}"
        ))?;
        let rows = q.query_map([kind, subject.unwrap_or_default()], |r| {
            let asked = Drop {
                by: op(r.get(1)?),
                reason: r.get::<_, Option<String>>(2)?.unwrap_or_default(),
                made: Utc(r.get(3)?),
            };
            Ok((r.get(0)?, asked))
        })?;
        Ok(plain_rows("approvals", rows)?.into_iter().collect())
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
