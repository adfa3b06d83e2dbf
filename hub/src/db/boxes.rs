//! Adapter: SQLite. Boxes and their one-time codes.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::BoxName,
    schema::message::{Health, Hello},
    time::Utc,
};

use super::{
    Db, DbError, plain_rows, readable,
    reports::{ReportColumns, Rows},
};

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
    /// What it said of itself when it last came, and how it last said it is; judged, as all that is kept of a box.
    pub hello: Option<Hello>,
    pub health: Option<Health>,
}

/// What changes in a box's row whenever it says something, or something is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxStamp {
    pub state: String,
    key: Option<String>,
    pub last_seen: Option<Utc>,
    reported: Option<i64>,
    free_mib: Option<i64>,
    sw: Option<String>,
    zone: Option<String>,
    retention_days: Option<i64>,
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
    /// SHA-256 of the public key of the box that used it, lower hex.
    pub key: Option<String>,
}

const COLUMNS: &str = "name, state, key, cert, revoked_why, last_seen, sw, zone, retention_days, reported, free_mib, approvals";

fn columns(r: &Row<'_>) -> rusqlite::Result<(String, ReportColumns, BoxColumns)> {
    let said = ReportColumns {
        sw: r.get(6)?,
        zone: r.get(7)?,
        // Out of its range it is judged with the rest.
        retention_days: r
            .get::<_, Option<i64>>(8)?
            .map(|n| u32::try_from(n).unwrap_or(0)),
        reported: r.get(9)?,
        free_mib: r.get(10)?,
        approvals: r.get(11)?,
    };
    let rest = BoxColumns {
        state: r.get(1)?,
        key: r.get(2)?,
        cert: r.get(3)?,
        revoked_why: r.get(4)?,
        last_seen: r.get::<_, Option<i64>>(5)?.map(Utc),
    };
    Ok((r.get(0)?, said, rest))
}

/// What a row holds beside its name and what the box said.
struct BoxColumns {
    state: String,
    key: Option<String>,
    cert: Option<String>,
    revoked_why: Option<String>,
    last_seen: Option<Utc>,
}

fn named(
    (name, said, rest): (String, ReportColumns, BoxColumns),
    rows: &mut Rows,
) -> Result<BoxRecord, DbError> {
    let reports = rows.of(&name, said);
    Ok(BoxRecord {
        name: BoxName::parse(&name).map_err(|e| DbError::Row(e.to_string()))?,
        state: rest.state,
        key: rest.key,
        cert: rest.cert,
        revoked_why: rest.revoked_why,
        last_seen: rest.last_seen,
        hello: reports.hello,
        health: reports.health,
    })
}

impl Db {
    pub fn boxes(&self) -> Result<Vec<BoxRecord>, DbError> {
        let c = self.store.read();
        let mut all = Rows::read(&c, None)?;
        let mut q = c.prepare(&format!("SELECT {COLUMNS} FROM boxes ORDER BY name"))?;
        let rows = q.query_map([], columns)?;
        readable("boxes", rows.map(|r| named(r?, &mut all)))
    }

    /// Every box that can be read, by name, without its reports.
    pub fn box_stamps(&self) -> Result<BTreeMap<BoxName, BoxStamp>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT name, state, key, last_seen, reported, free_mib, sw, zone, retention_days FROM boxes",
        )?;
        let rows = q.query_map([], |r| {
            let stamp = BoxStamp {
                state: r.get(1)?,
                key: r.get(2)?,
                last_seen: r.get::<_, Option<i64>>(3)?.map(Utc),
                reported: r.get(4)?,
                free_mib: r.get(5)?,
                sw: r.get(6)?,
                zone: r.get(7)?,
                retention_days: r.get(8)?,
            };
            Ok((r.get::<_, String>(0)?, stamp))
        })?;
        let rows = rows.map(|row| {
            let (name, stamp) = row?;
            let name = BoxName::parse(&name).map_err(|e| DbError::Row(e.to_string()))?;
            Ok((name, stamp))
        });
        Ok(readable("boxes", rows)?.into_iter().collect())
    }

    pub fn box_named(&self, name: &BoxName) -> Result<Option<BoxRecord>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM boxes WHERE name=$1");
        let row = c.query_row(&sql, [name.as_str()], columns).optional()?;
        let Some(row) = row else {
            return Ok(None);
        };
        let mut all = Rows::read(&c, Some(name))?;
        named(row, &mut all).map(Some)
    }

    /// Registers a box (or takes a revoked one up again, whose certificates stay void) and replaces its one-time code.
    pub fn register_box(
        &self,
        name: &BoxName,
        hash: &str,
        until: Utc,
        now: Utc,
    ) -> Result<(), DbError> {
        self.whole(|t| {
        t.execute(
            "INSERT INTO boxes (name, state, added) VALUES ($1, 'registered', $2)
             ON CONFLICT (name) DO UPDATE SET state = CASE state WHEN 'revoked' THEN 'registered' ELSE state END,
               key = CASE state WHEN 'revoked' THEN NULL ELSE key END",
            params![name.as_str(), now.0],
        )?;
        t.execute(
            "INSERT INTO codes (box, hash, until) VALUES ($1, $2, $3)
             ON CONFLICT (box) DO UPDATE SET hash=$2, until=$3, key=NULL",
            params![name.as_str(), hash, until.0],
        )?;
        Ok(())
        })
    }

    pub fn code(&self, name: &BoxName) -> Result<Option<CodeRecord>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT hash, until, key FROM codes WHERE box=$1",
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
        self.whole(|t| {
            if t.execute(
                "UPDATE codes SET key=$3 WHERE box=$1 AND hash=$2 AND key IS NULL",
                params![name.as_str(), hash, key],
            )? != 1
            {
                return Ok(false);
            }
            t.execute(
            "UPDATE boxes SET state='enrolled', key=$2, cert=$3, revoked_why=NULL WHERE name=$1",
            params![name.as_str(), key, cert],
        )?;
            Ok(true)
        })
    }

    /// Takes a new certificate (PEM) of a box for the key it has. False when it has another by now, or is revoked.
    pub fn renewed(&self, name: &BoxName, key: &str, cert: &str) -> Result<bool, DbError> {
        let changed = self.store.write().execute(
            "UPDATE boxes SET cert=$3 WHERE name=$1 AND key=$2 AND state='enrolled'",
            params![name.as_str(), key, cert],
        )?;
        Ok(changed == 1)
    }

    pub fn revoke_box(&self, name: &BoxName, why: &str) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute(
                "UPDATE boxes SET state='revoked', revoked_why=$2 WHERE name=$1",
                params![name.as_str(), why],
            )?;
            t.execute("DELETE FROM codes WHERE box=$1", [name.as_str()])?;
            Ok(())
        })
    }

    /// Something a box said was not taken. The first time counts until one of its kind is.
    pub fn box_refused(
        &self,
        name: &BoxName,
        what: &str,
        why: &str,
        now: Utc,
    ) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO box_refusals (box, what, why, since) VALUES ($1,$2,$3,$4) ON CONFLICT (box, what) DO UPDATE SET why=$3",
            params![name.as_str(), what, why, now.0],
        )?;
        Ok(())
    }

    /// The next of its kind was taken.
    pub fn box_taken(&self, name: &BoxName, what: &str) -> Result<(), DbError> {
        let c = self.store.write();
        c.prepare("DELETE FROM box_refusals WHERE box=$1 AND what=$2")?
            .execute([name.as_str(), what])?;
        Ok(())
    }

    pub fn box_refusals(&self, name: &BoxName) -> Result<Vec<RefusalRecord>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT what, why, since FROM box_refusals WHERE box=$1 ORDER BY what")?;
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
