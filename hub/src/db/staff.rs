//! Adapter: SQLite. Staff accounts, and the erasable side table of the log.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError};

/// Addresses remembered of one account.
const PLACES: u32 = 32;

#[derive(Clone, Debug)]
pub struct AccountRecord {
    pub op: u32,
    pub name: String,
    pub role: String,
    /// argon2id in PHC form.
    pub password: String,
}

impl Db {
    pub fn add_account(
        &self,
        op: u32,
        name: &str,
        role: &str,
        password: &str,
    ) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO accounts (op, name, role, password) VALUES ($1, $2, $3, $4)",
            params![op, name, role, password],
        )?;
        Ok(())
    }

    pub fn account(&self, name: &str) -> Result<Option<AccountRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT op, name, role, password FROM accounts WHERE name=$1",
            [name],
            |r| {
                Ok(AccountRecord {
                    op: r.get(0)?,
                    name: r.get(1)?,
                    role: r.get(2)?,
                    password: r.get(3)?,
                })
            },
        );
        Ok(row.optional()?)
    }

    /// The account of this number.
    pub fn account_numbered(&self, op: u32) -> Result<Option<AccountRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT op, name, role, password FROM accounts WHERE op=$1",
            [op],
            |r| {
                Ok(AccountRecord {
                    op: r.get(0)?,
                    name: r.get(1)?,
                    role: r.get(2)?,
                    password: r.get(3)?,
                })
            },
        );
        Ok(row.optional()?)
    }

    /// Remembers from where an account signed in: the newest few.
    pub fn signed_in_from(&self, op: u32, place: &str, now: Utc) -> Result<(), DbError> {
        let c = self.store.write();
        c.execute(
            "INSERT INTO entrances (op, place, last) VALUES ($1, $2, $3) ON CONFLICT (op, place) DO UPDATE SET last=excluded.last",
            params![op, place, now.0],
        )?;
        c.execute(
            "DELETE FROM entrances WHERE op=$1 AND place NOT IN (SELECT place FROM entrances WHERE op=$1 ORDER BY last DESC LIMIT $2)",
            params![op, PLACES],
        )?;
        Ok(())
    }

    /// Whether the account of this name signed in from there since `after`.
    pub fn was_here(&self, name: &str, place: &str, after: Utc) -> Result<bool, DbError> {
        Ok(self.store.read().query_row(
            "SELECT EXISTS (SELECT 1 FROM entrances JOIN accounts USING (op) WHERE name=$1 AND place=$2 AND last>$3)",
            params![name, place, after.0],
            |r| r.get(0),
        )?)
    }

    /// Keeps salt and text of a salted hash. Erasing the row makes the hash in the log say nothing.
    pub fn keep_side(&self, hash: &str, salt: &str, text: &str, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO side (hash, salt, text, made) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING",
            params![hash, salt, text, now.0],
        )?;
        Ok(())
    }

    pub fn side_text(&self, hash: &str) -> Result<Option<String>, DbError> {
        Ok(self
            .store
            .read()
            .query_row("SELECT text FROM side WHERE hash=$1", [hash], |r| r.get(0))
            .optional()?)
    }
}
