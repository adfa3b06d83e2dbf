//! Adapter: SQLite. Classes of exhibits, disposals, and what of the side table nothing refers to any more.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::ExhibitRef,
    time::{Day, Utc},
};

use super::{Db, DbError, N, holds::Drop, store::Sql, upsert};
use crate::{disposal::policy::Class, requests::rules::State};

/// What is on record of an exhibit beside its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceRecord {
    pub class: Class,
    /// Who made its period shorter by giving it that class.
    pub shortened_by: Option<String>,
    /// Somebody asked that it be disposed of before its time.
    pub drop: Option<Drop>,
    /// Of a request without an exhibit: when all that came of it went.
    pub cleared: Option<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposalRecord {
    pub r#ref: ExhibitRef,
    pub class: Class,
    pub until: Utc,
    /// Salted hash.
    pub reason: String,
    /// Who disposed; or who asked, who approved.
    pub who: Vec<String>,
    pub files: u64,
    pub bytes: u64,
    /// Of one of its sealed files, until the end.
    pub header: Option<Vec<u8>>,
    /// The hub's log, and its size before any line of this.
    pub log: String,
    pub size: u64,
    pub begun: Utc,
    /// Its `copy.dispose`.
    pub line: Option<u64>,
    /// Its folders were there, and went.
    pub emptied: bool,
    pub undecryptable: Option<bool>,
    pub texts: u64,
    /// Its `copy.gone`, and when that was.
    pub gone: Option<(u64, Utc)>,
}

/// Rows that refer to a text and are kept themselves: a request whose footage is at the hub or on its way, a hold that is not over, a
/// request that is not granted yet, a lift that waits or was ordered lately, a disposal somebody asked for. `$2`: an exhibit that does not count.
const USED: &str = "EXISTS (SELECT 1 FROM requests r LEFT JOIN evidence e ON e.ref = r.ref
      WHERE s.hash IN (r.purpose, r.reference, r.requester) AND r.state <> 'Disposed' AND e.cleared IS NULL AND r.ref <> $2)
  OR EXISTS (SELECT 1 FROM holds h WHERE s.hash IN (h.reason, h.authority, h.reference, h.drop_reason)
      AND h.state IN ('pending', 'placed', 'releasing'))
  OR EXISTS (SELECT 1 FROM clip_requests q WHERE q.state IN ('Draft', 'Submitted') AND s.hash IN (q.purpose, q.reference, q.requester))
  OR EXISTS (SELECT 1 FROM clip_requests q WHERE q.state NOT IN ('Closed', 'Refused', 'Failed', 'Cancelled')
      AND s.hash IN (q.legal_order, q.identity, q.note))
  OR EXISTS (SELECT 1 FROM lifts l WHERE s.hash IN (l.authority, l.reason) AND l.state = 'pending')
  OR EXISTS (SELECT 1 FROM evidence e WHERE s.hash = e.drop_reason AND e.ref <> $2)
  OR EXISTS (SELECT 1 FROM accounts a WHERE s.hash = a.shown AND a.closed IS NULL)";

fn class(word: &str, review: Option<&str>) -> Result<Class, DbError> {
    let review = review
        .map(Day::parse)
        .transpose()
        .map_err(|e| DbError::Row(e.to_string()))?;
    Class::parse(word, review).map_err(DbError::Row)
}

const EVIDENCE: &str = "ref, class, review, drop_by, drop_reason, drop_made, cleared, shortened_by";

const COLUMNS: &str = "ref, class, review, until, reason, who, files, bytes, header, log, size, begun, line, undecryptable, texts, gone, ended, emptied";

fn disposal(r: &Row<'_>) -> rusqlite::Result<Result<DisposalRecord, DbError>> {
    let (exhibit, word, review): (String, String, Option<String>) =
        (r.get(0)?, r.get(1)?, r.get(2)?);
    let known = (
        ExhibitRef::parse(&exhibit).map_err(|e| DbError::Row(e.to_string())),
        class(&word, review.as_deref()),
    );
    let (exhibit, class) = match known {
        (Ok(exhibit), Ok(class)) => (exhibit, class),
        (Err(e), _) | (_, Err(e)) => return Ok(Err(e)),
    };
    let (gone, ended): (Option<N>, Option<i64>) = (r.get(15)?, r.get(16)?);
    Ok(Ok(DisposalRecord {
        r#ref: exhibit,
        class,
        until: Utc(r.get(3)?),
        reason: r.get(4)?,
        who: r
            .get::<_, String>(5)?
            .split_whitespace()
            .map(Into::into)
            .collect(),
        files: r.get::<_, N>(6)?.0,
        bytes: r.get::<_, N>(7)?.0,
        header: r.get(8)?,
        log: r.get(9)?,
        size: r.get::<_, N>(10)?.0,
        begun: Utc(r.get(11)?),
        line: r.get::<_, Option<N>>(12)?.map(|n| n.0),
        undecryptable: r.get(13)?,
        texts: r.get::<_, N>(14)?.0,
        gone: gone.map(|n| n.0).zip(ended.map(Utc)),
        emptied: r.get(17)?,
    }))
}

fn write(c: &Sql, d: &DisposalRecord) -> Result<(), DbError> {
    c.execute(
        &upsert("disposals", COLUMNS, "ref"),
        params![
            d.r#ref.as_str(),
            d.class.word(),
            d.class.review().map(|d| d.to_string()),
            d.until.0,
            d.reason,
            d.who.join(" "),
            N(d.files),
            N(d.bytes),
            d.header,
            d.log,
            N(d.size),
            d.begun.0,
            d.line.map(N),
            d.undecryptable,
            N(d.texts),
            d.gone.map(|g| N(g.0)),
            d.gone.map(|g| g.1.0),
            d.emptied
        ],
    )?;
    Ok(())
}

/// The request says so, and names no package any more.
fn say(c: &Sql, exhibit: &str, why: &str, now: Utc) -> Result<(), DbError> {
    c.execute(
        "UPDATE requests SET state=$2, why=$3, changed=$4, package=NULL WHERE ref=$1",
        params![exhibit, State::Disposed.as_str(), why, now.0],
    )?;
    Ok(())
}

impl Db {
    /// Of one exhibit; one without a row is general.
    pub fn evidence(&self, exhibit: &str) -> Result<EvidenceRecord, DbError> {
        Ok(self.all_evidence()?.remove(exhibit).unwrap_or_default())
    }

    pub fn all_evidence(&self) -> Result<BTreeMap<String, EvidenceRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("SELECT {EVIDENCE} FROM evidence"))?;
        let mut rows = q.query([])?;
        let mut out = BTreeMap::new();
        while let Some(r) = rows.next()? {
            let (word, review): (String, Option<String>) = (r.get(1)?, r.get(2)?);
            let drop: (Option<String>, Option<String>, Option<i64>) =
                (r.get(3)?, r.get(4)?, r.get(5)?);
            let drop = match drop {
                (Some(by), Some(reason), Some(made)) => Some(Drop {
                    by,
                    reason,
                    made: Utc(made),
                }),
                _ => None,
            };
            out.insert(
                r.get(0)?,
                EvidenceRecord {
                    class: class(&word, review.as_deref())?,
                    drop,
                    cleared: r.get::<_, Option<i64>>(6)?.map(Utc),
                    shortened_by: r.get(7)?,
                },
            );
        }
        Ok(out)
    }

    pub fn put_evidence(&self, exhibit: &str, e: &EvidenceRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("evidence", EVIDENCE, "ref"),
            params![
                exhibit,
                e.class.word(),
                e.class.review().map(|d| d.to_string()),
                e.drop.as_ref().map(|d| &d.by),
                e.drop.as_ref().map(|d| &d.reason),
                e.drop.as_ref().map(|d| d.made.0),
                e.cleared.map(|t| t.0),
                e.shortened_by
            ],
        )?;
        Ok(())
    }

    /// When each request last changed its state.
    pub fn requests_changed(&self) -> Result<BTreeMap<String, Utc>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT ref, changed FROM requests")?;
        let rows = q.query_map([], |r| Ok((r.get(0)?, Utc(r.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The intent: from here on the exhibit cannot be shown, and is finished at the next start if not before.
    pub fn begin_disposal(&self, d: &DisposalRecord, why: &str) -> Result<(), DbError> {
        self.whole(|t| {
            write(t, d)?;
            say(t, d.r#ref.as_str(), why, d.begun)?;
            Ok(())
        })
    }

    pub fn put_disposal(&self, d: &DisposalRecord) -> Result<(), DbError> {
        write(&self.store.write(), d)
    }

    /// It has its certificate.
    pub fn end_disposal(&self, d: &DisposalRecord, why: &str, now: Utc) -> Result<(), DbError> {
        self.whole(|t| {
            write(t, d)?;
            say(t, d.r#ref.as_str(), why, now)?;
            // Nobody asks for it any more.
            t.execute(
                "UPDATE evidence SET drop_by=NULL, drop_reason=NULL, drop_made=NULL WHERE ref=$1",
                [d.r#ref.as_str()],
            )?;
            Ok(())
        })
    }

    pub fn disposal(&self, exhibit: &str) -> Result<Option<DisposalRecord>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM disposals WHERE ref=$1");
        c.query_row(&sql, [exhibit], disposal)
            .optional()?
            .transpose()
    }

    /// Oldest first.
    pub fn disposals(&self) -> Result<Vec<DisposalRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM disposals ORDER BY begun, ref"
        ))?;
        let rows = q.query_map([], disposal)?;
        rows.map(|r| r.map_err(DbError::from)?).collect()
    }

    /// Texts of the side table: hash, when it was written, and whether something that is kept refers to it.
    pub fn side_texts(&self) -> Result<Vec<(String, Utc, bool)>, DbError> {
        let c = self.store.read();
        let sql =
            format!("SELECT s.hash, s.made, ({USED}) FROM side s WHERE $1 = 0 ORDER BY s.hash");
        let mut q = c.prepare(&sql)?;
        let rows = q.query_map(params![0, ""], |r| {
            Ok((r.get(0)?, Utc(r.get(1)?), r.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Which of these [`Self::erase_side`] would erase.
    pub fn erasable_side(&self, hashes: &[String], but: &str) -> Result<Vec<String>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT s.hash FROM side s WHERE s.hash = $1 AND NOT ({USED})"
        ))?;
        let mut out = Vec::new();
        for hash in hashes {
            out.extend(
                q.query_row(params![hash, but], |r| r.get::<_, String>(0))
                    .optional()?,
            );
        }
        Ok(out)
    }

    /// Erases these texts but those that something else than the exhibit `but` refers to and keeps; how many went. A disposal they
    /// belong to counts them in the same transaction. What is overwritten in the records is emptied out of SQLite's journal too.
    pub fn erase_side(
        &self,
        hashes: &[String],
        but: &str,
        disposal: Option<&mut DisposalRecord>,
    ) -> Result<u64, DbError> {
        let erased = self.whole(|t| {
            let mut erased = 0;
            let mut q = t.prepare(&format!(
                "DELETE FROM side AS s WHERE s.hash = $1 AND NOT ({USED})"
            ))?;
            for hash in hashes {
                erased += q.execute(params![hash, but])? as u64;
            }
            if let Some(d) = disposal {
                d.texts += erased;
                write(t, d)?;
            }
            Ok(erased)
        })?;
        self.store.empty_journal()?;
        Ok(erased)
    }
}
