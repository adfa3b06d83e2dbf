//! Adapter: SQLite. Boxes and their one-time codes.

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::BoxName,
    schema::message::{self, Health, Hello},
    time::Utc,
    wire::ToHub,
};

use super::{Db, DbError, plain_rows, readable};

#[derive(Clone, Debug)]
pub struct BoxRecord {
    pub name: BoxName,
    pub state: String,
    pub fingerprint: Option<String>,
    pub revoked_why: Option<String>,
    pub last_seen: Option<Utc>,
    /// What it said of itself when it last came, and how it last said it is; judged, as all that is kept of a box.
    pub hello: Option<Hello>,
    pub health: Option<Health>,
}

/// What the hub did not take from a box, and why: a `hello` or a `report`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRecord {
    pub what: String,
    pub why: String,
    pub since: Utc,
}

/// A one-time code as kept: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    pub hash: String,
    pub until: Utc,
    pub used: bool,
    pub tries: u32,
}

const COLUMNS: &str = "name, state, fingerprint, revoked_why, last_seen, hello, health";

fn record(r: &Row<'_>) -> rusqlite::Result<(String, BoxRecordRest)> {
    let seen: Option<i64> = r.get(4)?;
    Ok((
        r.get(0)?,
        (
            r.get(1)?,
            r.get(2)?,
            r.get(3)?,
            seen.map(Utc),
            r.get(5)?,
            r.get(6)?,
        ),
    ))
}

type BoxRecordRest = (
    String,
    Option<String>,
    Option<String>,
    Option<Utc>,
    Option<String>,
    Option<String>,
);

fn named(
    (name, (state, fingerprint, revoked_why, last_seen, hello, health)): (String, BoxRecordRest),
) -> Result<BoxRecord, DbError> {
    let name = BoxName::parse(&name).map_err(|e| DbError::Row(e.to_string()))?;
    Ok(BoxRecord {
        name,
        state,
        fingerprint,
        revoked_why,
        last_seen,
        // What an older hub took in is judged as if it came now; what does not pass was never said.
        hello: hello
            .and_then(|text| serde_json::from_str::<Hello>(&text).ok())
            .filter(|hello| hello.judge().is_ok()),
        health: health
            .and_then(|text| serde_json::from_str::<ToHub>(&text).ok())
            .and_then(|said| message::to_hub(said).ok())
            .and_then(Health::of),
    })
}

impl Db {
    pub fn boxes(&self) -> Result<Vec<BoxRecord>, DbError> {
        let c = self.lock();
        let mut q = c.prepare_cached(&format!("SELECT {COLUMNS} FROM boxes ORDER BY name"))?;
        let rows = q.query_map([], record)?;
        readable("boxes", rows.map(|r| named(r?)))
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
        row.map(named).transpose()
    }

    /// The box a certificate belongs to; the flag says whether it is its present one.
    pub fn box_by_cert(&self, fingerprint: &str) -> Result<Option<(BoxRecord, bool)>, DbError> {
        let c = self.lock();
        let now = c
            .query_row(
                &format!("SELECT {COLUMNS} FROM boxes WHERE fingerprint=?1"),
                [fingerprint],
                record,
            )
            .optional()?;
        if let Some(row) = now {
            return Ok(Some((named(row)?, true)));
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM boxes WHERE name=(SELECT box FROM old_certs WHERE fingerprint=?1)"
        );
        let old = c.query_row(&sql, [fingerprint], record).optional()?;
        old.map(|row| Ok((named(row)?, false))).transpose()
    }

    /// Registers a box (or takes a revoked one up again) and replaces its one-time code.
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
             ON CONFLICT (name) DO UPDATE SET state = CASE state WHEN 'revoked' THEN 'registered' ELSE state END",
            params![name.as_str(), now.0],
        )?;
        t.execute(
            "INSERT INTO codes (box, hash, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (box) DO UPDATE SET hash=?2, until=?3, used=0, tries=0",
            params![name.as_str(), hash, until.0],
        )?;
        Ok(t.commit()?)
    }

    pub fn code(&self, name: &BoxName) -> Result<Option<CodeRecord>, DbError> {
        let c = self.lock();
        let row = c.query_row(
            "SELECT hash, until, used, tries FROM codes WHERE box=?1",
            [name.as_str()],
            |r| {
                Ok(CodeRecord {
                    hash: r.get(0)?,
                    until: Utc(r.get(1)?),
                    used: r.get::<_, i64>(2)? != 0,
                    tries: r.get(3)?,
                })
            },
        );
        Ok(row.optional()?)
    }

    /// Counts a try before it is judged, so that two at once cannot share one.
    pub fn code_tried(&self, name: &BoxName) -> Result<(), DbError> {
        self.lock().execute(
            "UPDATE codes SET tries = tries + 1 WHERE box=?1",
            [name.as_str()],
        )?;
        Ok(())
    }

    /// Uses up the code and takes the certificate as the box's. False when the code was used meanwhile.
    pub fn enrol(
        &self,
        name: &BoxName,
        hash: &str,
        fingerprint: &str,
        until: Utc,
    ) -> Result<bool, DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        if t.execute(
            "UPDATE codes SET used=1 WHERE box=?1 AND hash=?2 AND used=0",
            params![name.as_str(), hash],
        )? != 1
        {
            return Ok(false);
        }
        t.execute(
            "INSERT OR REPLACE INTO old_certs (fingerprint, box) SELECT fingerprint, name FROM boxes WHERE name=?1 AND fingerprint IS NOT NULL",
            [name.as_str()],
        )?;
        t.execute(
            "UPDATE boxes SET state='enrolled', fingerprint=?2, cert_until=?3, revoked_why=NULL WHERE name=?1",
            params![name.as_str(), fingerprint, until.0],
        )?;
        t.commit()?;
        Ok(true)
    }

    pub fn revoke_box(&self, name: &BoxName, why: &str) -> Result<(), DbError> {
        let mut c = self.lock();
        let t = c.transaction()?;
        t.execute(
            "UPDATE boxes SET state='revoked', revoked_why=?2 WHERE name=?1",
            params![name.as_str(), why],
        )?;
        t.execute("UPDATE codes SET used=1 WHERE box=?1", [name.as_str()])?;
        Ok(t.commit()?)
    }

    /// What it says of itself, and the rules it keeps footage by from now on.
    pub fn box_hello(&self, name: &BoxName, hello: &Hello, now: Utc) -> Result<(), DbError> {
        let text = serde_json::to_string(hello).map_err(|e| DbError::Row(e.to_string()))?;
        let mut c = self.lock();
        let t = c.transaction()?;
        t.execute(
            "UPDATE boxes SET hello=?2, last_seen=?3 WHERE name=?1",
            params![name.as_str(), text, now.0],
        )?;
        super::retention::note_policies(&t, name, hello, now)?;
        t.execute(
            "DELETE FROM box_refusals WHERE box=?1 AND what='hello'",
            [name.as_str()],
        )?;
        Ok(t.commit()?)
    }

    /// `report`: a `health` message that was judged.
    pub fn box_health(&self, name: &BoxName, report: &ToHub, now: Utc) -> Result<(), DbError> {
        let text = serde_json::to_string(report).map_err(|e| DbError::Row(e.to_string()))?;
        let c = self.lock();
        c.execute(
            "UPDATE boxes SET health=?2, last_seen=?3 WHERE name=?1",
            params![name.as_str(), text, now.0],
        )?;
        c.prepare_cached("DELETE FROM box_refusals WHERE box=?1 AND what='report'")?
            .execute([name.as_str()])?;
        Ok(())
    }

    /// Something a box said was not taken. The first time counts until one of its kind is.
    pub fn box_refused(
        &self,
        name: &BoxName,
        what: &str,
        why: &str,
        now: Utc,
    ) -> Result<(), DbError> {
        self.lock().execute(
            "INSERT INTO box_refusals (box, what, why, since) VALUES (?1,?2,?3,?4) ON CONFLICT (box, what) DO UPDATE SET why=?3",
            params![name.as_str(), what, why, now.0],
        )?;
        Ok(())
    }

    /// The next of its kind was taken.
    pub fn box_taken(&self, name: &BoxName, what: &str) -> Result<(), DbError> {
        let c = self.lock();
        c.prepare_cached("DELETE FROM box_refusals WHERE box=?1 AND what=?2")?
            .execute([name.as_str(), what])?;
        Ok(())
    }

    pub fn box_refusals(&self, name: &BoxName) -> Result<Vec<RefusalRecord>, DbError> {
        let c = self.lock();
        let mut q = c.prepare_cached(
            "SELECT what, why, since FROM box_refusals WHERE box=?1 ORDER BY what",
        )?;
        let rows = q.query_map([name.as_str()], |r| {
            Ok(RefusalRecord {
                what: r.get(0)?,
                why: r.get(1)?,
                since: Utc(r.get(2)?),
            })
        })?;
        plain_rows("box_refusals", rows)
    }
}
