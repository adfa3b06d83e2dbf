//! Adapter: SQLite. Boxes and their one-time codes.

use rusqlite::{OptionalExtension, Row, params};
use shared::{id::BoxName, time::Utc};

use super::{Db, DbError};

#[derive(Clone, Debug)]
pub struct BoxRecord {
    pub name: BoxName,
    pub state: String,
    /// SHA-256 of its public key, lower hex; None until it is enrolled.
    pub key: Option<String>,
    /// The newest certificate made for it, PEM.
    pub cert: Option<String>,
    pub revoked_why: Option<String>,
    pub last_seen: Option<Utc>,
    pub hello: Option<String>,
    pub health: Option<String>,
}

/// A one-time code as kept: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    pub hash: String,
    pub until: Utc,
    /// SHA-256 of the public key of the box that used it, lower hex.
    pub key: Option<String>,
}

const COLUMNS: &str = "name, state, key, cert, revoked_why, last_seen, hello, health";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<BoxRecord, DbError>> {
    let (name, seen): (String, Option<i64>) = (r.get(0)?, r.get(5)?);
    let (state, key, cert) = (r.get(1)?, r.get(2)?, r.get(3)?);
    let (revoked_why, hello, health) = (r.get(4)?, r.get(6)?, r.get(7)?);
    Ok(BoxName::parse(&name)
        .map(|name| BoxRecord {
            name,
            state,
            key,
            cert,
            revoked_why,
            last_seen: seen.map(Utc),
            hello,
            health,
        })
        .map_err(|e| DbError::Row(e.to_string())))
}

impl Db {
    pub fn boxes(&self) -> Result<Vec<BoxRecord>, DbError> {
        let c = self.lock();
        let mut q = c.prepare_cached(&format!("SELECT {COLUMNS} FROM boxes ORDER BY name"))?;
        let rows: Vec<_> = q.query_map([], record)?.collect::<Result<_, _>>()?;
        rows.into_iter().collect()
    }

    pub fn box_named(&self, name: &BoxName) -> Result<Option<BoxRecord>, DbError> {
        let c = self.lock();
        let row = c
            .query_row(
                &format!("SELECT {COLUMNS} FROM boxes WHERE name=?1"),
                [name.as_str()],
                record,
            )
            .optional()?;
        row.transpose()
    }

    /// Registers a box (or takes a revoked one up again, whose certificates stay void) and replaces its one-time code.
    pub fn register_box(
        &self,
        name: &BoxName,
        hash: &str,
        until: Utc,
        now: Utc,
    ) -> Result<(), DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        t.execute(
            "INSERT INTO boxes (name, state, added) VALUES (?1, 'registered', ?2)
             ON CONFLICT (name) DO UPDATE SET state = CASE state WHEN 'revoked' THEN 'registered' ELSE state END,
               key = CASE state WHEN 'revoked' THEN NULL ELSE key END",
            params![name.as_str(), now.0],
        )?;
        t.execute(
            "INSERT INTO codes (box, hash, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (box) DO UPDATE SET hash=?2, until=?3, key=NULL",
            params![name.as_str(), hash, until.0],
        )?;
        Ok(t.commit()?)
    }

    pub fn code(&self, name: &BoxName) -> Result<Option<CodeRecord>, DbError> {
        let c = self.lock();
        let row = c.query_row(
            "SELECT hash, until, key FROM codes WHERE box=?1",
            [name.as_str()],
            |r| {
                Ok(CodeRecord {
                    hash: r.get(0)?,
                    until: Utc(r.get(1)?),
                    key: r.get(2)?,
                })
            },
        );
        Ok(row.optional()?)
    }

    /// Uses up the code and takes the key and its certificate (PEM) as the box's. False when the code was used meanwhile.
    pub fn enrol(
        &self,
        name: &BoxName,
        hash: &str,
        key: &str,
        cert: &str,
    ) -> Result<bool, DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        if t.execute(
            "UPDATE codes SET key=?3 WHERE box=?1 AND hash=?2 AND key IS NULL",
            params![name.as_str(), hash, key],
        )? != 1
        {
            return Ok(false);
        }
        t.execute(
            "UPDATE boxes SET state='enrolled', key=?2, cert=?3, revoked_why=NULL WHERE name=?1",
            params![name.as_str(), key, cert],
        )?;
        t.commit()?;
        Ok(true)
    }

    /// Takes a new certificate (PEM) of a box for the key it has. False when it has another by now, or is revoked.
    pub fn renewed(&self, name: &BoxName, key: &str, cert: &str) -> Result<bool, DbError> {
        let changed = self.lock().execute(
            "UPDATE boxes SET cert=?3 WHERE name=?1 AND key=?2 AND state='enrolled'",
            params![name.as_str(), key, cert],
        )?;
        Ok(changed == 1)
    }

    pub fn revoke_box(&self, name: &BoxName, why: &str) -> Result<(), DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        t.execute(
            "UPDATE boxes SET state='revoked', revoked_why=?2 WHERE name=?1",
            params![name.as_str(), why],
        )?;
        t.execute("DELETE FROM codes WHERE box=?1", [name.as_str()])?;
        Ok(t.commit()?)
    }

    /// What it says of itself, and the rules it keeps footage by from now on.
    pub fn box_hello(&self, name: &BoxName, hello: &str, now: Utc) -> Result<(), DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        t.execute(
            "UPDATE boxes SET hello=?2, last_seen=?3 WHERE name=?1",
            params![name.as_str(), hello, now.0],
        )?;
        super::retention::note_policies(&t, name, hello, now)?;
        Ok(t.commit()?)
    }

    pub fn box_health(&self, name: &BoxName, health: &str, now: Utc) -> Result<(), DbError> {
        self.lock().execute(
            "UPDATE boxes SET health=?2, last_seen=?3 WHERE name=?1",
            params![name.as_str(), health, now.0],
        )?;
        Ok(())
    }
}
