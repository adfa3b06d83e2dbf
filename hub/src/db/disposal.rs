//! Adapter: SQLite. Classes of exhibits, disposals, and what of the side table nothing refers to any more.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Params, Row, params, params_from_iter};
use shared::{
    id::ExhibitRef,
    time::{Day, Utc},
};

use super::{
    Db, DbError, N,
    holds::Drop,
    readable,
    requests::{self, RequestRecord, reasons},
    store::Sql,
    upsert,
    visible::{Values, VisibleRows},
};
use crate::{model::pull::State, periods::Class, reason::PullReason};

/// What is on record of an exhibit beside its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceRecord {
    pub class: Class,
    /// Who made its period shorter by giving it that class.
    pub shortened_by: Option<String>,
    /// Somebody asked that it be disposed of before its time. In the table of approvals, and read only here.
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
/// request that is not granted yet, the register of an exhibit, a lift that waits for a second person or for touches, what else waits for one. `$2`: an exhibit that does not count.
///
/// Each part is read once for a statement, not once for a text.
const USED: &str = "s.hash IN (WITH kept AS (SELECT r.purpose, r.reference, r.requester FROM requests r LEFT JOIN evidence e ON e.ref = r.ref
      WHERE r.state <> 'Disposed' AND e.cleared IS NULL AND r.ref <> $2)
    SELECT purpose FROM kept UNION ALL SELECT reference FROM kept UNION ALL SELECT requester FROM kept)
  OR s.hash IN (WITH held AS (SELECT reason, authority, reference FROM holds WHERE state IN ('pending', 'placed', 'releasing'))
    SELECT reason FROM held UNION ALL SELECT authority FROM held UNION ALL SELECT reference FROM held)
  OR s.hash IN (SELECT reason FROM approvals WHERE state = 'waiting' AND reason IS NOT NULL AND subject <> $2)
  OR s.hash IN (WITH asked AS (SELECT purpose, reference, requester FROM clip_requests WHERE state IN ('Draft', 'Submitted'))
    SELECT purpose FROM asked WHERE purpose IS NOT NULL UNION ALL SELECT reference FROM asked WHERE reference IS NOT NULL
    UNION ALL SELECT requester FROM asked WHERE requester IS NOT NULL)
  OR s.hash IN (WITH open AS (SELECT legal_order, identity, note FROM clip_requests WHERE state NOT IN ('Closed', 'Refused', 'Failed', 'Cancelled'))
    SELECT legal_order FROM open WHERE legal_order IS NOT NULL UNION ALL SELECT identity FROM open WHERE identity IS NOT NULL
    UNION ALL SELECT note FROM open WHERE note IS NOT NULL)
  OR s.hash IN (WITH open AS (SELECT n FROM approvals WHERE kind = 'lift' AND state = 'waiting' UNION ALL SELECT ask FROM key_orders WHERE state = 'waiting')
    SELECT authority FROM lifts WHERE n IN (SELECT n FROM open) UNION ALL SELECT reason FROM approvals WHERE n IN (SELECT n FROM open) AND reason IS NOT NULL)
  OR s.hash IN (SELECT shown FROM accounts WHERE closed IS NULL AND shown IS NOT NULL)
  OR s.hash IN (SELECT name FROM breaks UNION ALL SELECT reason FROM breaks)
  OR s.hash IN (WITH kept AS (SELECT r.ref FROM requests r LEFT JOIN evidence e ON e.ref = r.ref
      WHERE r.state <> 'Disposed' AND e.cleared IS NULL AND r.ref <> $2)
    SELECT hash FROM register_texts WHERE ref IN (SELECT ref FROM kept))";

fn class(word: &str, review: Option<&str>) -> Result<Class, DbError> {
    let review = review
        .map(Day::parse)
        .transpose()
        .map_err(|e| DbError::Row(e.to_string()))?;
    Class::parse(word, review).map_err(|e| DbError::Row(e.to_string()))
}

/// The kind of an approval that a disposal waits for.
const DISPOSAL: &str = "disposal";

const EVIDENCE: &str = "ref, class, review, cleared, shortened_by";

/// The columns of [`EVIDENCE`] but the first, from column `i` on; of an exhibit without a row all are NULL.
fn evidence(r: &Row<'_>, i: usize) -> Result<EvidenceRecord, DbError> {
    let Some(word) = r.get::<_, Option<String>>(i)? else {
        return Ok(EvidenceRecord::default());
    };
    let review: Option<String> = r.get(i + 1)?;
    Ok(EvidenceRecord {
        class: class(&word, review.as_deref())?,
        drop: None,
        cleared: r.get::<_, Option<i64>>(i + 2)?.map(Utc),
        shortened_by: r.get(i + 3)?,
    })
}

/// Which exhibits a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExhibitSelection {
    All,
    /// Made before then, or to be reviewed before that day; and disposals that are not complete.
    Due {
        made: Utc,
        review: Day,
    },
    /// Somebody asked that they be disposed of.
    Asked,
}

/// All that is on record of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePageRow {
    pub request: RequestRecord,
    pub evidence: EvidenceRecord,
    pub disposal: Option<DisposalRecord>,
    /// Files and bytes of its folders, once they were counted.
    pub files: Option<(u64, u64)>,
}

/// Requests that have none yet. (Told by what they are not: a list in order of its numbers is not to be read by its states.)
const OPEN: &str = "'Draft', 'Submitted', 'Authorised', 'Waiting', 'Fetching', 'Verifying'";
/// Requests that may have an exhibit.
const ENDED: &str = "'Ready', 'Partial', 'Failed', 'Refused'";

const COLUMNS: &str = "ref, class, review, until, reason, who, files, bytes, header, log, size, begun, line, undecryptable, texts, gone, ended, emptied";

fn disposal(r: &Row<'_>) -> rusqlite::Result<Result<DisposalRecord, DbError>> {
    disposal_at(r, 0)
}

/// Of the columns from `i` on.
fn disposal_at(r: &Row<'_>, i: usize) -> rusqlite::Result<Result<DisposalRecord, DbError>> {
    let (exhibit, word, review): (String, String, Option<String>) =
        (r.get(i)?, r.get(i + 1)?, r.get(i + 2)?);
    let known = (
        ExhibitRef::parse(&exhibit).map_err(|e| DbError::Row(e.to_string())),
        class(&word, review.as_deref()),
    );
    let (exhibit, class) = match known {
        (Ok(exhibit), Ok(class)) => (exhibit, class),
        (Err(e), _) | (_, Err(e)) => return Ok(Err(e)),
    };
    let (gone, ended): (Option<N>, Option<i64>) = (r.get(i + 15)?, r.get(i + 16)?);
    Ok(Ok(DisposalRecord {
        r#ref: exhibit,
        class,
        until: Utc(r.get(i + 3)?),
        reason: r.get(i + 4)?,
        who: r
            .get::<_, String>(i + 5)?
            .split_whitespace()
            .map(Into::into)
            .collect(),
        files: r.get::<_, N>(i + 6)?.0,
        bytes: r.get::<_, N>(i + 7)?.0,
        header: r.get(i + 8)?,
        log: r.get(i + 9)?,
        size: r.get::<_, N>(i + 10)?.0,
        begun: Utc(r.get(i + 11)?),
        line: r.get::<_, Option<N>>(i + 12)?.map(|n| n.0),
        undecryptable: r.get(i + 13)?,
        texts: r.get::<_, N>(i + 14)?.0,
        gone: gone.map(|n| n.0).zip(ended.map(Utc)),
        emptied: r.get(i + 17)?,
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
fn say(c: &Sql, exhibit: &str, why: &[PullReason], now: Utc) -> Result<(), DbError> {
    c.execute(
        "UPDATE requests SET state=$2, why=$3, changed=$4, package=NULL WHERE ref=$1",
        params![exhibit, State::Disposed.as_str(), reasons(why)?, now.0],
    )?;
    Ok(())
}

impl Db {
    /// Of one exhibit; one without a row is general.
    pub fn evidence(&self, exhibit: &str) -> Result<EvidenceRecord, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {EVIDENCE} FROM evidence WHERE ref=$1");
        let row = c.query_row(&sql, [exhibit], |r| Ok(evidence(r, 1)));
        let found = row.optional()?.transpose()?.unwrap_or_default();
        let drop = Self::asked_for(&c, DISPOSAL, Some(exhibit))?.remove(exhibit);
        Ok(EvidenceRecord { drop, ..found })
    }

    pub fn all_evidence(&self) -> Result<BTreeMap<String, EvidenceRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("SELECT {EVIDENCE} FROM evidence"))?;
        let mut rows = q.query([])?;
        let mut out = BTreeMap::new();
        while let Some(r) = rows.next()? {
            out.insert(r.get(0)?, evidence(r, 1)?);
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
    pub fn begin_disposal(&self, d: &DisposalRecord, why: &[PullReason]) -> Result<(), DbError> {
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
    pub fn end_disposal(
        &self,
        d: &DisposalRecord,
        why: &[PullReason],
        now: Utc,
    ) -> Result<(), DbError> {
        self.whole(|t| {
            write(t, d)?;
            say(t, d.r#ref.as_str(), why, now)
        })
    }

    pub fn disposal(&self, exhibit: &str) -> Result<Option<DisposalRecord>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM disposals WHERE ref=$1");
        c.query_row(&sql, [exhibit], disposal)
            .optional()?
            .transpose()
    }

    /// So many exhibits that somebody may see, newest first; with `before` those with a lower number.
    pub fn evidence_page(
        &self,
        seen: &VisibleRows,
        picked: &ExhibitSelection,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EvidencePageRow>, DbError> {
        let which_of = |values: &mut Values| match picked {
            ExhibitSelection::All => "1=1".to_owned(),
            ExhibitSelection::Due { made, review } => {
                let (made, review) = (values.add(made.0), values.add(review.to_string()));
                format!(
                    "r.ref IN (SELECT ref FROM requests WHERE state IN ({ENDED}) AND made < {made}
                     UNION SELECT ref FROM evidence WHERE class='review' AND review < {review}
                     UNION SELECT ref FROM disposals WHERE gone IS NULL)"
                )
            }
            ExhibitSelection::Asked => format!(
                "r.ref IN (SELECT subject FROM approvals WHERE state='waiting' AND kind='{DISPOSAL}')"
            ),
        };
        if matches!(picked, ExhibitSelection::All) {
            let theirs =
                |values: &mut Values| seen.condition(("r.box", "r.cam", Some("r.t0")), values);
            return self.part(
                &requests::LIST,
                seen,
                before,
                limit,
                theirs,
                |which, values| self.evidence_rows(which, params_from_iter(values.0)),
            );
        }
        // Few, however long the history is: looked through as they are, and by no index of cameras.
        let mut values = Values::default();
        let before = values.count(before.unwrap_or(u64::from(u32::MAX)));
        let picked = which_of(&mut values);
        let seen = seen.condition(("r.box || ''", "r.cam || ''", Some("r.t0")), &mut values);
        let limit = values.add(limit);
        self.evidence_rows(
            &format!("r.id < {before} AND {picked} AND {seen} ORDER BY r.id DESC LIMIT {limit}"),
            params_from_iter(values.0),
        )
    }

    /// One of them.
    pub fn evidence_row(&self, exhibit: &str) -> Result<Option<EvidencePageRow>, DbError> {
        Ok(self.evidence_rows("r.ref=$1", [exhibit])?.pop())
    }

    fn evidence_rows(
        &self,
        which: &str,
        values: impl Params,
    ) -> Result<Vec<EvidencePageRow>, DbError> {
        let of = |table: &str, columns: &str| {
            let columns: Vec<String> = columns
                .split(", ")
                .map(|c| format!("{table}.{c}"))
                .collect();
            columns.join(", ")
        };
        let (requests, evidences, disposals) = (
            of("r", requests::COLUMNS),
            of("e", EVIDENCE),
            of("d", COLUMNS),
        );
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {requests}, {evidences}, {disposals}, e.files, e.bytes FROM requests r LEFT JOIN evidence e ON e.ref=r.ref
             LEFT JOIN disposals d ON d.ref=r.ref WHERE r.state NOT IN ({OPEN}) AND e.cleared IS NULL AND {which}"
        ))?;
        let count = |text: &str| text.split(", ").count();
        let (e, d) = (
            count(requests::COLUMNS),
            count(requests::COLUMNS) + count(EVIDENCE),
        );
        let last = d + count(COLUMNS);
        let rows = q.query_map(values, |r| {
            let disposed: Option<String> = r.get(d)?;
            let disposal = disposed.map(|_| disposal_at(r, d)).transpose()?;
            let files: (Option<N>, Option<N>) = (r.get(last)?, r.get(last + 1)?);
            let request = requests::record(r)?;
            let evidence = evidence(r, e + 1);
            Ok((|| {
                Ok(EvidencePageRow {
                    request: request?,
                    evidence: evidence?,
                    disposal: disposal.transpose()?,
                    files: files.0.map(|n| n.0).zip(files.1.map(|n| n.0)),
                })
            })())
        })?;
        let mut all = readable("evidence", rows.map(|r| r?))?;
        let one = match all.as_slice() {
            [one] => Some(one.request.r#ref.to_string()),
            _ => None,
        };
        let mut drops = match all.is_empty() {
            true => BTreeMap::new(),
            false => Self::asked_for(&c, DISPOSAL, one.as_deref())?,
        };
        for row in &mut all {
            row.evidence.drop = drops.remove(row.request.r#ref.as_str());
        }
        Ok(all)
    }

    /// What the folders of exhibits hold was counted: files and bytes.
    pub fn evidence_counted(&self, counted: &[(&str, (u64, u64))]) -> Result<(), DbError> {
        self.whole(|t| {
            for (exhibit, (files, bytes)) in counted {
                t.execute(
                    "INSERT INTO evidence (ref, class, files, bytes) VALUES ($1, 'general', $2, $3)
                     ON CONFLICT (ref) DO UPDATE SET files=excluded.files, bytes=excluded.bytes
                     WHERE evidence.files IS DISTINCT FROM excluded.files OR evidence.bytes IS DISTINCT FROM excluded.bytes",
                    params![exhibit, N(*files), N(*bytes)],
                )?;
            }
            Ok(())
        })
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
