//! Adapter: SQLite. Sessions of the pages: a row for each that goes on.

use rusqlite::params;
use shared::time::Utc;

use super::{Db, DbError, plain_rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of what the browser holds, lower hex.
    pub hash: String,
    pub op: u32,
    pub generation: u32,
    pub begun: Utc,
    pub seen: Utc,
}

impl Db {
    pub fn sessions(&self) -> Result<Vec<SessionRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT hash, op, generation, begun, seen FROM sessions")?;
        let rows = q.query_map([], |r| {
            Ok(SessionRecord {
                hash: r.get(0)?,
                op: r.get(1)?,
                generation: r.get(2)?,
                begun: Utc(r.get(3)?),
                seen: Utc(r.get(4)?),
            })
        })?;
        plain_rows("sessions", rows)
    }

    pub fn add_session(&self, s: &SessionRecord) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO sessions (hash, op, generation, begun, seen) VALUES ($1, $2, $3, $4, $5)",
            params![s.hash, s.op, s.generation, s.begun.0, s.seen.0],
        )?;
        Ok(())
    }

    pub fn session_seen(&self, hash: &str, seen: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE sessions SET seen=$2 WHERE hash=$1",
            params![hash, seen.0],
        )?;
        Ok(())
    }

    pub fn end_session(&self, hash: &str) -> Result<(), DbError> {
        self.store
            .write()
            .execute("DELETE FROM sessions WHERE hash=$1", [hash])?;
        Ok(())
    }

    /// Those that began before then.
    pub fn end_old_sessions(&self, before: Utc) -> Result<(), DbError> {
        self.store
            .write()
            .execute("DELETE FROM sessions WHERE begun<$1", [before.0])?;
        Ok(())
    }

    /// All of one account; how many there were.
    pub fn end_sessions(&self, op: u32) -> Result<usize, DbError> {
        let c = self.store.write();
        Ok(c.execute("DELETE FROM sessions WHERE op=$1", [op])?)
    }
}
