//! Adapter: SQLite. Tokens for programs.

use rusqlite::{OptionalExtension, params, params_from_iter};
use shared::time::Utc;

use super::{Db, DbError, N, plain_rows, visible::Values};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    pub n: u64,
    pub op: u32,
    pub label: String,
    /// Names of operations.
    pub scopes: Vec<String>,
    /// Of the account when it was made.
    pub generation: u32,
    pub made: Utc,
    pub until: Utc,
    pub ended: Option<Utc>,
}

const TOKEN: &str = "SELECT n, op, label, scopes, generation, made, until, ended FROM tokens";

fn token(r: &rusqlite::Row<'_>) -> rusqlite::Result<TokenRecord> {
    let scopes: String = r.get(3)?;
    Ok(TokenRecord {
        n: r.get::<_, N>(0)?.0,
        op: r.get(1)?,
        label: r.get(2)?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        generation: r.get(4)?,
        made: Utc(r.get(5)?),
        until: Utc(r.get(6)?),
        ended: r.get::<_, Option<i64>>(7)?.map(Utc),
    })
}

impl Db {
    /// The number it was given. `hash`: SHA-256 of it.
    pub fn add_token(&self, hash: &str, record: &TokenRecord) -> Result<u64, DbError> {
        self.whole(|c| {
            let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM tokens", [], |r| {
                r.get(0)
            })?;
            c.execute(
                "INSERT INTO tokens (n, op, hash, label, scopes, generation, made, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                params![
                    n,
                    record.op,
                    hash,
                    record.label,
                    record.scopes.join(" "),
                    record.generation,
                    record.made.0,
                    record.until.0
                ],
            )?;
            Ok(n.0)
        })
    }

    pub fn token_of_hash(&self, hash: &str) -> Result<Option<TokenRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(&format!("{TOKEN} WHERE hash=$1"), [hash], token);
        Ok(row.optional()?)
    }

    pub fn token(&self, n: u64) -> Result<Option<TokenRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let row = c.query_row(&format!("{TOKEN} WHERE n=$1"), [N(n)], token);
        Ok(row.optional()?)
    }

    /// Of one account or all, by number, those with a higher one than `after`.
    pub fn tokens_page(
        &self,
        op: Option<u32>,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TokenRecord>, DbError> {
        let mut values = Values::default();
        let after = values.count(after.unwrap_or(0));
        let op = op.map_or("1=1".into(), |op| format!("op={}", values.add(op)));
        let limit = values.add(limit);
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "{TOKEN} WHERE n > {after} AND {op} ORDER BY n LIMIT {limit}"
        ))?;
        plain_rows("tokens", q.query_map(params_from_iter(values.0), token)?)
    }

    /// False: it was worth nothing before.
    pub fn end_token(&self, n: u64, now: Utc) -> Result<bool, DbError> {
        let ended = self.store.write().execute(
            "UPDATE tokens SET ended=$2 WHERE n=$1 AND ended IS NULL",
            params![N(n), now.0],
        )?;
        Ok(ended == 1)
    }
}
