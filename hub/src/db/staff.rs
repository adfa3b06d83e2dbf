//! Adapter: SQLite. Staff accounts, and the erasable side table of the log.

use rusqlite::{OptionalExtension, params};
use shared::time::Utc;

use super::{Db, DbError, plain_rows};
use crate::model::{grant::Grant, role::Role};

/// Addresses remembered of one account.
const PLACES: u32 = 32;

#[derive(Clone, Debug)]
pub struct AccountRecord {
    pub op: u32,
    pub name: String,
    /// argon2id in PHC form.
    pub password: String,
    /// Sessions and tokens of an earlier one are over.
    pub generation: u32,
    /// The password is one that an administrator made.
    pub once: bool,
    /// Name for people: hash of the side table.
    pub shown: Option<String>,
    pub closed: Option<Utc>,
    /// When somebody last signed in to it.
    pub entered: Option<Utc>,
}

const ACCOUNT: &str =
    "SELECT op, name, password, generation, once, shown, closed, entered FROM accounts";

fn account(r: &rusqlite::Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        op: r.get(0)?,
        name: r.get(1)?,
        password: r.get(2)?,
        generation: r.get(3)?,
        once: r.get::<_, i64>(4)? != 0,
        shown: r.get(5)?,
        closed: r.get::<_, Option<i64>>(6)?.map(Utc),
        entered: r.get::<_, Option<i64>>(7)?.map(Utc),
    })
}

impl Db {
    /// With one role for all cameras, or none yet. `once`: the password has to be changed.
    pub fn add_account(
        &self,
        op: u32,
        name: &str,
        role: Option<Role>,
        password: &str,
        once: bool,
    ) -> Result<(), DbError> {
        self.whole(|c| {
            let word = role.map_or("", Role::word);
            c.execute(
                "INSERT INTO accounts (op, name, role, password, once) VALUES ($1, $2, $3, $4, $5)",
                params![op, name, word, password, i64::from(once)],
            )?;
            if let Some(role) = role {
                super::grants::insert(c, op, &Grant::everywhere(role), "sys:hub", Utc(0))?;
            }
            Ok(())
        })
    }

    pub fn account(&self, name: &str) -> Result<Option<AccountRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(&format!("{ACCOUNT} WHERE name=$1"), [name], account);
        Ok(row.optional()?)
    }

    /// The account of this number.
    pub fn account_numbered(&self, op: u32) -> Result<Option<AccountRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(&format!("{ACCOUNT} WHERE op=$1"), [op], account);
        Ok(row.optional()?)
    }

    /// So many accounts by name, after that one; closed ones too, if `closed`.
    pub fn accounts_page(
        &self,
        closed: bool,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "{ACCOUNT} WHERE name > $1 AND (closed IS NULL OR $2 = 1) ORDER BY name LIMIT $3"
        ))?;
        let of = params![after.unwrap_or_default(), i64::from(closed), limit];
        plain_rows("accounts", q.query_map(of, account)?)
    }

    /// Every account, closed ones too, by name.
    pub fn accounts(&self) -> Result<Vec<AccountRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("{ACCOUNT} ORDER BY name"))?;
        plain_rows("accounts", q.query_map([], account)?)
    }

    /// Another password; sessions and tokens of before are over. `once`: it has to be changed.
    pub fn set_password(&self, op: u32, hash: &str, once: bool) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE accounts SET password=$2, once=$3, generation=generation+1 WHERE op=$1",
            params![op, hash, i64::from(once)],
        )?;
        Ok(())
    }

    /// Closes an account for good. False: it was closed before.
    pub fn close_account(&self, op: u32, now: Utc) -> Result<bool, DbError> {
        let n = self.store.write().execute(
            "UPDATE accounts SET closed=$2, generation=generation+1 WHERE op=$1 AND closed IS NULL",
            params![op, now.0],
        )?;
        Ok(n == 1)
    }

    pub fn name_account(&self, op: u32, shown: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE accounts SET shown=$2 WHERE op=$1",
            params![op, shown],
        )?;
        Ok(())
    }

    /// Somebody signed in to it.
    pub fn entered(&self, op: u32, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE accounts SET entered=$2 WHERE op=$1",
            params![op, now.0],
        )?;
        Ok(())
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
