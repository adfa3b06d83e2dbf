//! Adapter: SQLite. The declaration that people accept before they do anything, and who accepted it.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, plain_rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationRecord {
    pub n: u32,
    pub sha256: String,
    pub text: String,
    pub since: Utc,
}

/// Somebody accepted a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptanceRecord {
    pub op: u32,
    pub sha256: String,
    /// Number of that text.
    pub declaration: u32,
    pub made: Utc,
    /// It is the text that counts now.
    pub newest: bool,
}

impl Db {
    /// The text that counts now; None: there never was one.
    pub fn declaration(&self) -> Result<Option<DeclarationRecord>, DbError> {
        let c = self.store.read();
        let sql = "SELECT n, sha256, text, since FROM declarations ORDER BY n DESC LIMIT 1";
        let row = c.query_row(sql, [], |r| {
            Ok(DeclarationRecord {
                n: r.get(0)?,
                sha256: r.get(1)?,
                text: r.get(2)?,
                since: Utc(r.get(3)?),
            })
        });
        Ok(row.optional()?)
    }

    pub fn add_declaration(&self, sha256: &str, text: &str, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO declarations (n, sha256, text, since) SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3 FROM declarations",
            params![sha256, text, now.0],
        )?;
        Ok(())
    }

    /// Whether somebody has to accept the newest text still.
    pub fn has_to_accept(&self, op: u32) -> Result<bool, DbError> {
        Ok(self.store.read().query_row(
            "SELECT EXISTS (SELECT 1 FROM declarations) AND NOT EXISTS \
             (SELECT 1 FROM acceptances WHERE op=$1 AND declaration=(SELECT MAX(n) FROM declarations))",
            [op],
            |r| r.get(0),
        )?)
    }

    pub fn accept_declaration(&self, op: u32, n: u32, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO acceptances (op, declaration, made) VALUES ($1, $2, $3) ON CONFLICT (op, declaration) DO NOTHING",
            params![op, n, now.0],
        )?;
        Ok(())
    }

    /// So many at most, newest first; with `before`, those that come after that one: when, which text and who.
    pub fn acceptances(
        &self,
        before: Option<(Utc, u32, u32)>,
        limit: u32,
    ) -> Result<Vec<AcceptanceRecord>, DbError> {
        let (made, declaration, op) = before.unwrap_or((Utc(i64::MAX), u32::MAX, u32::MAX));
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT a.op, d.sha256, a.made, a.declaration, a.declaration=(SELECT MAX(n) FROM declarations) \
             FROM acceptances a JOIN declarations d ON d.n=a.declaration WHERE (a.made, a.declaration, a.op) < ($1, $2, $3) \
             ORDER BY a.made DESC, a.declaration DESC, a.op DESC LIMIT $4",
        )?;
        let rows = q.query_map(params![made.0, declaration, op, limit], |r| {
            Ok(AcceptanceRecord {
                op: r.get(0)?,
                sha256: r.get(1)?,
                made: Utc(r.get(2)?),
                declaration: r.get(3)?,
                newest: r.get(4)?,
            })
        })?;
        plain_rows("acceptances", rows)
    }
}
