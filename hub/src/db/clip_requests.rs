//! Adapter: SQLite. Clip requests: what was asked for, of which cameras, and what of each is missing.

use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Day, Utc},
};

use super::{
    Db, DbError, N,
    pages::List,
    readable, upsert,
    visible::{Values, VisibleRows},
};
use crate::model::{clip_request::State, pull::Absence, requester::RequesterClass};

/// A request as it is recorded. Texts are salted hashes; the texts are in the side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipRequestRecord {
    pub n: u64,
    pub class: RequesterClass,
    pub span: Option<(Utc, Utc)>,
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
    /// The order or power it is asked under.
    pub order: Option<String>,
    /// How the requester's identity was checked.
    pub identity: Option<String>,
    /// Free text of whoever ended or released it.
    pub note: Option<String>,
    /// How long its exhibits are kept.
    pub keep: (String, Option<Day>),
    /// Its pulls go before those that are planned, whatever the hour.
    pub urgent: bool,
    /// By when it has to be answered.
    pub due: Option<Utc>,
    /// People as the log names them.
    pub opened_by: String,
    pub submitted_by: Option<String>,
    pub authorised_by: Option<String>,
    /// What waits for a second person: its number among the approvals.
    pub ask: Option<u64>,
    pub state: State,
    /// Code, of the list that belongs to the state.
    pub reason: Option<String>,
    pub made: Utc,
    pub changed: Utc,
    pub cameras: Vec<RequestCamera>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCamera {
    pub camera: BoxCamera,
    /// Its exhibit, once it is granted.
    pub exhibit: Option<ExhibitRef>,
    /// Why nothing of it could be asked for.
    pub why: Option<Absence>,
}

/// Which requests are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Those that this person, as the log names them, opened or submitted.
    pub of: Option<String>,
    /// Those that wait for a second person.
    pub waits: bool,
}

impl Which {
    fn condition(&self, values: &mut Values) -> String {
        let mut all = String::new();
        if let Some(who) = &self.of {
            let (opened, submitted) = (values.add(who.clone()), values.add(who.clone()));
            all += &format!("(q.opened_by={opened} OR q.submitted_by={submitted}) AND ");
        }
        if self.waits {
            let state = values.add(State::Submitted.word().to_owned());
            all += &format!("q.state={state} AND ");
        }
        all
    }
}

const COLUMNS: &str = "n, class, t0, t1, purpose, reference, requester, legal_order, identity, note, keep_class, keep_review, due, opened_by, \
     submitted_by, authorised_by, ask, state, reason, made, changed, urgent";

/// Requests, newest first.
const LIST: List = List {
    cameras: "clip_request_cameras",
    number: "n",
    of_row: "q.n",
    made: "clip_requests",
    newest_first: true,
};

fn record(r: &Row<'_>) -> rusqlite::Result<Result<ClipRequestRecord, DbError>> {
    let (class, review, state): (String, Option<String>, String) =
        (r.get(1)?, r.get(11)?, r.get(17)?);
    let (t0, t1): (Option<i64>, Option<i64>) = (r.get(2)?, r.get(3)?);
    let odd = |what: &str| Ok(Err(DbError::Row(format!("a clip request's {what}"))));
    let (Some(class), Some(state)) = (RequesterClass::parse(&class), State::parse(&state)) else {
        return odd("class or state");
    };
    let Ok(review) = review.as_deref().map(Day::parse).transpose() else {
        return odd("review day");
    };
    Ok(Ok(ClipRequestRecord {
        n: r.get::<_, N>(0)?.0,
        class,
        span: t0.map(Utc).zip(t1.map(Utc)),
        purpose: r.get(4)?,
        reference: r.get(5)?,
        requester: r.get(6)?,
        order: r.get(7)?,
        identity: r.get(8)?,
        note: r.get(9)?,
        keep: (r.get(10)?, review),
        due: r.get::<_, Option<i64>>(12)?.map(Utc),
        opened_by: r.get(13)?,
        submitted_by: r.get(14)?,
        authorised_by: r.get(15)?,
        ask: r.get::<_, Option<N>>(16)?.map(|n| n.0),
        state,
        reason: r.get(18)?,
        made: Utc(r.get(19)?),
        changed: Utc(r.get(20)?),
        urgent: r.get(21)?,
        cameras: Vec::new(),
    }))
}

impl Db {
    /// Adds it with its cameras, or writes all of both.
    pub fn put_clip_request(&self, q: &ClipRequestRecord) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute(
                &upsert("clip_requests", COLUMNS, "n"),
                params![
                    N(q.n),
                    q.class.word(),
                    q.span.map(|s| s.0.0),
                    q.span.map(|s| s.1.0),
                    q.purpose,
                    q.reference,
                    q.requester,
                    q.order,
                    q.identity,
                    q.note,
                    q.keep.0,
                    q.keep.1.map(|d| d.to_string()),
                    q.due.map(|d| d.0),
                    q.opened_by,
                    q.submitted_by,
                    q.authorised_by,
                    q.ask.map(N),
                    q.state.word(),
                    q.reason,
                    q.made.0,
                    q.changed.0,
                    q.urgent
                ],
            )?;
            t.execute("DELETE FROM clip_request_cameras WHERE n=$1", [N(q.n)])?;
            for (place, c) in q.cameras.iter().enumerate() {
                t.execute(
                    "INSERT INTO clip_request_cameras (n, place, box, cam, ref, why) VALUES ($1, $2, $3, $4, $5, $6)",
                    params![
                        N(q.n),
                        N(place as u64),
                        c.camera.r#box.as_str(),
                        c.camera.cam.as_str(),
                        c.exhibit.as_ref().map(ExhibitRef::as_str),
                        c.why.map(Absence::word)
                    ],
                )?;
            }
            Ok(())
        })
    }

    fn with_cameras(
        &self,
        mut all: Vec<ClipRequestRecord>,
    ) -> Result<Vec<ClipRequestRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT box, cam, ref, why FROM clip_request_cameras WHERE n=$1 ORDER BY place",
        )?;
        for request in &mut all {
            let rows = q.query_map([N(request.n)], |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, Option<String>>(2)?,
                    r.get::<_, Option<String>>(3)?,
                ))
            })?;
            for row in rows {
                let (name, cam, exhibit, why) = row?;
                let odd = |e: shared::id::BadId| DbError::Row(e.to_string());
                request.cameras.push(RequestCamera {
                    camera: BoxCamera::parse(&format!("{name}/{cam}")).map_err(odd)?,
                    exhibit: exhibit
                        .map(|e| ExhibitRef::parse(&e))
                        .transpose()
                        .map_err(odd)?,
                    why: why.as_deref().and_then(Absence::parse),
                });
            }
        }
        Ok(all)
    }

    pub fn clip_request(&self, n: u64) -> Result<Option<ClipRequestRecord>, DbError> {
        let found = {
            let c = self.store.read();
            let sql = format!("SELECT {COLUMNS} FROM clip_requests WHERE n=$1");
            c.query_row(&sql, [N(n)], record).optional()?.transpose()?
        };
        Ok(self.with_cameras(found.into_iter().collect())?.pop())
    }

    /// The request that an exhibit belongs to.
    pub fn clip_request_of(&self, exhibit: &str) -> Result<Option<u64>, DbError> {
        let c = self.store.read();
        let sql = "SELECT n FROM clip_request_cameras WHERE ref=$1";
        let n = c.query_row(sql, [exhibit], |r| r.get::<_, N>(0));
        Ok(n.optional()?.map(|n| n.0))
    }

    /// So many at most of those whose every camera somebody may see, newest first; with `before` those with a lower number.
    pub fn clip_requests(
        &self,
        seen: &VisibleRows,
        which: &Which,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ClipRequestRecord>, DbError> {
        let wanted = which;
        let theirs = |values: &mut Values| {
            let wanted = wanted.condition(values);
            let theirs = seen.condition(("c.box", "c.cam", Some("q.t0")), values);
            format!(
                "{wanted}NOT EXISTS (SELECT 1 FROM clip_request_cameras c WHERE c.n = q.n AND NOT ({theirs}))"
            )
        };
        let all = self.part(&LIST, seen, before, limit, theirs, |which, values| {
            let c = self.store.read();
            let sql = format!("SELECT {COLUMNS} FROM clip_requests q WHERE {which}");
            let mut q = c.prepare(&sql)?;
            let rows = q.query_map(params_from_iter(values.0), record)?;
            readable("clip requests", rows.map(|r| r?))
        });
        self.with_cameras(all?)
    }

    /// Those that wait for a second person.
    pub fn submitted_clip_requests(&self) -> Result<Vec<ClipRequestRecord>, DbError> {
        let all = {
            let c = self.store.read();
            let sql = format!("SELECT {COLUMNS} FROM clip_requests WHERE state=$1 ORDER BY n");
            let mut q = c.prepare(&sql)?;
            let rows = q.query_map([State::Submitted.word()], record)?;
            readable("clip requests", rows.map(|r| r?))?
        };
        self.with_cameras(all)
    }

    /// What of an exhibit's span is not in it.
    pub fn put_missing(
        &self,
        exhibit: &str,
        missing: &[(Utc, Utc, Absence)],
    ) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute("DELETE FROM request_missing WHERE ref=$1", [exhibit])?;
            for (place, (t0, t1, why)) in missing.iter().enumerate() {
                t.execute(
                    "INSERT INTO request_missing (ref, place, t0, t1, why) VALUES ($1, $2, $3, $4, $5)",
                    params![exhibit, N(place as u64), t0.0, t1.0, why.word()],
                )?;
            }
            Ok(())
        })
    }

    pub fn missing(&self, exhibit: &str) -> Result<Vec<(Utc, Utc, Absence)>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT t0, t1, why FROM request_missing WHERE ref=$1 ORDER BY place")?;
        let rows = q.query_map([exhibit], |r| {
            Ok((Utc(r.get(0)?), Utc(r.get(1)?), r.get::<_, String>(2)?))
        })?;
        rows.map(|row| {
            let (t0, t1, why) = row?;
            let why = Absence::parse(&why)
                .ok_or_else(|| DbError::Row(format!("why something is missing: {why:?}")))?;
            Ok((t0, t1, why))
        })
        .collect()
    }
}
