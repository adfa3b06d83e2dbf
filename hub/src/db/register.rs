//! Adapter: SQLite. Registers of exhibits: the producer's reference, saves under way, copies, what media may do, stills; and the texts they
//! refer to.

use rusqlite::{OptionalExtension, Row, params};
use shared::{id::ExhibitRef, time::Utc};

use super::{Db, DbError, N, plain_rows, readable, upsert};
use crate::model::copy::{CopyKind, CopyStanding, CopyState};

/// A copy of an exhibit. Texts are hashes of the side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRecord {
    pub exhibit: ExhibitRef,
    /// From 1, of this exhibit.
    pub n: u64,
    pub standing: CopyStanding,
    /// folder, zip
    pub form: String,
    /// none, passphrase, recipient
    pub seal: String,
    /// Of the file; of a folder that of its SHA256SUMS.
    pub sha256: String,
    pub sums: String,
    pub bytes: u64,
    pub medium: String,
    pub place: String,
    /// Line of its last hand-over.
    pub hand: Option<u64>,
    pub made: Utc,
    pub changed: Utc,
}

/// A save of which nobody has said how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveRecord {
    /// Of the hub's log: its `copy.save`.
    pub line: u64,
    pub exhibit: String,
    pub who: String,
    pub sums: String,
    pub made: Utc,
}

/// What media may do with an exhibit. Texts are hashes of the side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRecord {
    pub exhibit: String,
    pub document: String,
    pub sha256: Option<String>,
    pub uses: String,
    pub limits: String,
    /// Who authorised it: an account's number.
    pub by: u32,
    pub made: Utc,
}

/// A still picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillRecord {
    pub exhibit: ExhibitRef,
    pub parent: ExhibitRef,
    /// When the picture was taken.
    pub t: Utc,
    pub sha256: String,
    pub made: Utc,
}

const COPIES: &str = "ref, n, what, form, seal, sha256, sums, bytes, medium, place, state, hand, received, made, changed";

fn copy(r: &Row<'_>) -> rusqlite::Result<Result<CopyRecord, DbError>> {
    let (exhibit, what, state): (String, String, String) = (r.get(0)?, r.get(2)?, r.get(10)?);
    let odd = |what: &str| Ok(Err(DbError::Row(format!("a copy's {what}"))));
    let Ok(exhibit) = ExhibitRef::parse(&exhibit) else {
        return odd("exhibit");
    };
    let (Some(kind), Some(state)) = (CopyKind::parse(&what), CopyState::parse(&state)) else {
        return odd("kind or state");
    };
    Ok(Ok(CopyRecord {
        exhibit,
        n: r.get::<_, N>(1)?.0,
        standing: CopyStanding {
            kind,
            state,
            received: r.get(12)?,
        },
        form: r.get(3)?,
        seal: r.get(4)?,
        sha256: r.get(5)?,
        sums: r.get(6)?,
        bytes: r.get::<_, N>(7)?.0,
        medium: r.get(8)?,
        place: r.get(9)?,
        hand: r.get::<_, Option<N>>(11)?.map(|n| n.0),
        made: Utc(r.get(13)?),
        changed: Utc(r.get(14)?),
    }))
}

fn save(r: &Row<'_>) -> rusqlite::Result<SaveRecord> {
    Ok(SaveRecord {
        line: r.get::<_, N>(0)?.0,
        exhibit: r.get(1)?,
        who: r.get(2)?,
        sums: r.get(3)?,
        made: Utc(r.get(4)?),
    })
}

fn still(r: &Row<'_>) -> rusqlite::Result<Result<StillRecord, DbError>> {
    let parse = |text: String| ExhibitRef::parse(&text).map_err(|e| DbError::Row(e.to_string()));
    let (exhibit, parent) = match (parse(r.get(0)?), parse(r.get(1)?)) {
        (Ok(exhibit), Ok(parent)) => (exhibit, parent),
        (Err(e), _) | (_, Err(e)) => return Ok(Err(e)),
    };
    Ok(Ok(StillRecord {
        exhibit,
        parent,
        t: Utc(r.get(2)?),
        sha256: r.get(3)?,
        made: Utc(r.get(4)?),
    }))
}

const STILLS: &str = "ref, parent, t, sha256, made";

impl Db {
    /// The producer's reference: a hash of the side table.
    pub fn exhibit_mark(&self, exhibit: &str) -> Result<Option<String>, DbError> {
        let c = self.store.read();
        let sql = "SELECT mark FROM exhibit_marks WHERE ref=$1";
        Ok(c.query_row(sql, [exhibit], |r| r.get(0)).optional()?)
    }

    pub fn put_exhibit_mark(&self, exhibit: &str, mark: &str, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("exhibit_marks", "ref, mark, changed", "ref"),
            params![exhibit, mark, now.0],
        )?;
        Ok(())
    }

    pub fn add_save(&self, s: &SaveRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("saves", "line, ref, who, sums, made", "line"),
            params![N(s.line), s.exhibit, s.who, s.sums, s.made.0],
        )?;
        Ok(())
    }

    /// One that was not ended yet.
    pub fn save(&self, line: u64) -> Result<Option<SaveRecord>, DbError> {
        let c = self.store.read();
        let sql = "SELECT line, ref, who, sums, made FROM saves WHERE line=$1";
        Ok(c.query_row(sql, [N(line)], save).optional()?)
    }

    /// Those that were begun before then.
    pub fn saves_before(&self, then: Utc) -> Result<Vec<SaveRecord>, DbError> {
        let c = self.store.read();
        let sql = "SELECT line, ref, who, sums, made FROM saves WHERE made < $1 ORDER BY line";
        let mut q = c.prepare(sql)?;
        plain_rows("saves", q.query_map([then.0], save)?)
    }

    /// Whether there was one.
    pub fn end_save(&self, line: u64) -> Result<bool, DbError> {
        let sql = "DELETE FROM saves WHERE line=$1";
        Ok(self.store.write().execute(sql, [N(line)])? > 0)
    }

    /// Of an exhibit, in the order of their numbers.
    pub fn copies(&self, exhibit: &str) -> Result<Vec<CopyRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COPIES} FROM copies WHERE ref=$1 ORDER BY n"
        ))?;
        let rows = q.query_map([exhibit], copy)?;
        readable("copies", rows.map(|r| r.map_err(DbError::from)?))
    }

    pub fn copy(&self, exhibit: &str, n: u64) -> Result<Option<CopyRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let sql = format!("SELECT {COPIES} FROM copies WHERE ref=$1 AND n=$2");
        c.query_row(&sql, params![exhibit, N(n)], copy)
            .optional()?
            .transpose()
    }

    pub fn put_copy(&self, c: &CopyRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("copies", COPIES, "ref, n"),
            params![
                c.exhibit.as_str(),
                N(c.n),
                c.standing.kind.word(),
                c.form,
                c.seal,
                c.sha256,
                c.sums,
                N(c.bytes),
                c.medium,
                c.place,
                c.standing.state.word(),
                c.hand.map(N),
                c.standing.received,
                c.made.0,
                c.changed.0
            ],
        )?;
        Ok(())
    }

    pub fn media_release(&self, exhibit: &str) -> Result<Option<MediaRecord>, DbError> {
        let c = self.store.read();
        let sql = "SELECT ref, document, sha256, uses, limits, allowed_by, made FROM media_releases WHERE ref=$1";
        let found = c.query_row(sql, [exhibit], |r| {
            Ok(MediaRecord {
                exhibit: r.get(0)?,
                document: r.get(1)?,
                sha256: r.get(2)?,
                uses: r.get(3)?,
                limits: r.get(4)?,
                by: r.get(5)?,
                made: Utc(r.get(6)?),
            })
        });
        Ok(found.optional()?)
    }

    pub fn put_media_release(&self, m: &MediaRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert(
                "media_releases",
                "ref, document, sha256, uses, limits, allowed_by, made",
                "ref",
            ),
            params![
                m.exhibit, m.document, m.sha256, m.uses, m.limits, m.by, m.made.0
            ],
        )?;
        Ok(())
    }

    pub fn add_still(&self, s: &StillRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("stills", STILLS, "ref"),
            params![
                s.exhibit.as_str(),
                s.parent.as_str(),
                s.t.0,
                s.sha256,
                s.made.0
            ],
        )?;
        Ok(())
    }

    /// One, when this exhibit is a still picture.
    pub fn still(&self, exhibit: &str) -> Result<Option<StillRecord>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {STILLS} FROM stills WHERE ref=$1");
        c.query_row(&sql, [exhibit], still).optional()?.transpose()
    }

    /// Those that were made of an exhibit.
    pub fn stills_of(&self, parent: &str) -> Result<Vec<StillRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {STILLS} FROM stills WHERE parent=$1 ORDER BY made, ref"
        ))?;
        let rows = q.query_map([parent], still)?;
        readable("stills", rows.map(|r| r.map_err(DbError::from)?))
    }

    /// The register of this exhibit refers to that text.
    pub fn register_refers(&self, exhibit: &str, hash: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO register_texts (ref, hash) VALUES ($1, $2) ON CONFLICT (ref, hash) DO NOTHING",
            params![exhibit, hash],
        )?;
        Ok(())
    }

    pub fn register_texts(&self, exhibit: &str) -> Result<Vec<String>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT hash FROM register_texts WHERE ref=$1 ORDER BY hash")?;
        let rows = q.query_map([exhibit], |r| r.get(0))?;
        plain_rows("register_texts", rows)
    }
}
