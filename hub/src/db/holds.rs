//! Adapter: SQLite. Holds of footage at boxes.

use rusqlite::{Params, Row, params, params_from_iter};
use shared::{
    id::{BoxCamera, BoxName, HoldId},
    time::{Day, Utc},
};

use super::{
    Db, DbError, N,
    pages::List,
    plain_rows, readable, upsert,
    visible::{Values, VisibleRows},
};
use crate::model::hold::{HoldEnd, HoldStanding, State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRecord {
    pub id: HoldId,
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    pub review: Day,
    /// Salted hashes; texts are in the side table.
    pub reason: String,
    pub authority: String,
    pub reference: String,
    /// Exhibit of the clip request that made it.
    pub exhibit: Option<String>,
    pub grant: String,
    /// Number of that request; before it is granted there is no exhibit.
    pub request: Option<u64>,
    /// Who placed it, as the log names them.
    pub who: String,
    pub made: Utc,
    /// Line of the hub's log: its `hold.ask`, or the newest `hold.extend`.
    pub line: u64,
    /// Somebody extended it: it is not released by itself when its clip is here.
    pub kept: bool,
    /// In the table of approvals, and read only here.
    pub drop: Option<Drop>,
    /// Who had a part in its end.
    pub freed: Vec<String>,
    pub standing: HoldStanding,
    pub changed: Utc,
}

/// That somebody wants it released before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    pub by: String,
    pub reason: String,
    pub made: Utc,
}

const COLUMNS: &str = "n, box, cam, t0, t1, review, reason, authority, reference, ref, grant_id, who, made, line, kept, \
     state, ended, until, told, sent, segments, bytes, full, why, changed, freed_by, request";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<HoldRecord, DbError>> {
    let (name, cam, review): (String, String, String) = (r.get(1)?, r.get(2)?, r.get(5)?);
    let (state, ended): (String, Option<String>) = (r.get(15)?, r.get(16)?);
    let known = (
        BoxCamera::parse(&format!("{name}/{cam}")),
        Day::parse(&review),
        State::parse(&state, ended.as_deref()),
    );
    let (camera, review, state) = match known {
        (Ok(camera), Ok(review), Some(state)) => (camera, review, state),
        (Err(e), ..) => return Ok(Err(DbError::Row(e.to_string()))),
        (_, Err(e), _) => return Ok(Err(DbError::Row(e.to_string()))),
        _ => return Ok(Err(DbError::Row(format!("state {state:?} of a hold")))),
    };
    let id = HoldId(r.get::<_, N>(0)?.0);
    if !id.in_range() {
        return Ok(Err(DbError::Row(format!(
            "{id} is past the last number of a hold"
        ))));
    }
    Ok(Ok(HoldRecord {
        id,
        camera,
        t0: Utc(r.get(3)?),
        t1: Utc(r.get(4)?),
        review,
        reason: r.get(6)?,
        authority: r.get(7)?,
        reference: r.get(8)?,
        exhibit: r.get(9)?,
        grant: r.get(10)?,
        request: r.get::<_, Option<N>>(26)?.map(|n| n.0),
        who: r.get(11)?,
        made: Utc(r.get(12)?),
        line: r.get::<_, N>(13)?.0,
        kept: r.get(14)?,
        drop: None,
        standing: HoldStanding {
            state,
            until: Utc(r.get(17)?),
            told: r.get::<_, Option<i64>>(18)?.map(Utc),
            sent: r.get(19)?,
            segments: r.get::<_, Option<N>>(20)?.map(|n| n.0),
            bytes: r.get::<_, Option<N>>(21)?.map(|n| n.0),
            full: r.get(22)?,
            why: r.get(23)?,
        },
        changed: Utc(r.get(24)?),
        freed: r
            .get::<_, String>(25)?
            .split_whitespace()
            .map(Into::into)
            .collect(),
    }))
}

/// All there ever were, oldest first.
const LIST: List = List {
    cameras: "holds",
    number: "n",
    of_row: "n",
    made: "holds",
    newest_first: false,
};

impl Db {
    /// Adds it, or writes all that changes of it.
    pub fn put_hold(&self, h: &HoldRecord) -> Result<(), DbError> {
        let s = &h.standing;
        self.store.write().execute(
            &upsert("holds", COLUMNS, "n"),
            params![
                N(h.id.0),
                h.camera.r#box.as_str(),
                h.camera.cam.as_str(),
                h.t0.0,
                h.t1.0,
                h.review.to_string(),
                h.reason,
                h.authority,
                h.reference,
                h.exhibit,
                h.grant,
                h.who,
                h.made.0,
                N(h.line),
                h.kept,
                s.state.word(),
                s.state.ended().map(HoldEnd::as_str),
                s.until.0,
                s.told.map(|t| t.0),
                s.sent,
                s.segments.map(N),
                s.bytes.map(N),
                s.full,
                s.why,
                h.changed.0,
                h.freed.join(" "),
                h.request.map(N)
            ],
        )?;
        Ok(())
    }

    /// Rows of a statement, each with what is asked for about it.
    fn holds_of(&self, rest: &str, values: impl Params) -> Result<Vec<HoldRecord>, DbError> {
        let c = self.store.read();
        let mut statement = c.prepare(&format!("SELECT {COLUMNS} FROM holds {rest}"))?;
        let rows = statement.query_map(values, record)?;
        let mut all = readable("holds", rows.map(|r| r?))?;
        if !all.is_empty() {
            let one = match all.as_slice() {
                [one] => Some(one.id.to_string()),
                _ => None,
            };
            let mut drops = Self::asked_for(&c, "release", one.as_deref())?;
            for h in &mut all {
                h.drop = drops.remove(&h.id.to_string());
            }
        }
        Ok(all)
    }

    pub fn hold(&self, id: HoldId) -> Result<Option<HoldRecord>, DbError> {
        Ok(self.holds_of("WHERE n=$1", [N(id.0)])?.pop())
    }

    /// Of a clip request.
    pub fn hold_for(&self, exhibit: &str) -> Result<Option<HoldRecord>, DbError> {
        let rest = "WHERE ref=$1 ORDER BY n DESC LIMIT 1";
        Ok(self.holds_of(rest, [exhibit])?.pop())
    }

    /// Of a camera of a request that is not granted yet.
    pub fn hold_of_request(
        &self,
        request: u64,
        camera: &BoxCamera,
    ) -> Result<Option<HoldRecord>, DbError> {
        let rest = "WHERE request=$1 AND box=$2 AND cam=$3 AND ref IS NULL ORDER BY n DESC LIMIT 1";
        let values = params![N(request), camera.r#box.as_str(), camera.cam.as_str()];
        Ok(self.holds_of(rest, values)?.pop())
    }

    /// Those that are not over, oldest first; with `since` also those that ended after it.
    pub fn holds(&self, since: Option<Utc>) -> Result<Vec<HoldRecord>, DbError> {
        let rest = "WHERE state IN ('pending', 'placed', 'releasing') OR changed >= $1 ORDER BY n";
        self.holds_of(rest, [since.map_or(i64::MAX, |t| t.0)])
    }

    /// So many at most of those that somebody may see, oldest first, with a higher number than `after`: those that are not over, and with
    /// `since` those that ended after it; of one box, if it is named.
    pub fn holds_page(
        &self,
        seen: &VisibleRows,
        name: Option<&BoxName>,
        since: Utc,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<HoldRecord>, DbError> {
        let of_box = |values: &mut Values| match name {
            Some(name) => format!("box={}", values.add(name.to_string())),
            None => "1=1".into(),
        };
        if since <= Utc(0) {
            let theirs = |values: &mut Values| {
                let of_box = of_box(values);
                let seen = seen.condition(("box", "cam", Some("t0")), values);
                format!("{of_box} AND {seen}")
            };
            return self.part(&LIST, seen, after, limit, theirs, |which, values| {
                self.holds_of(&format!("WHERE {which}"), params_from_iter(values.0))
            });
        }
        // Few, however long the history is: each is looked at by its number.
        let open: Vec<N> = {
            let c = self.store.read();
            let mut q = c.prepare(
                "SELECT n FROM holds WHERE state IN ('pending', 'placed', 'releasing') UNION SELECT n FROM holds WHERE changed >= $1 ORDER BY n",
            )?;
            plain_rows("holds", q.query_map([since.0], |r| r.get(0))?)?
        };
        let mut values = Values::default();
        let n = values.add(0_i64);
        let seen = seen.condition(("box", "cam", Some("t0")), &mut values);
        let which = format!("WHERE n={n} AND {seen}");
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut all = Vec::new();
        for n in open.iter().filter(|n| n.0 > after.unwrap_or(0)) {
            if all.len() >= limit {
                break;
            }
            let one = values.with_first(i64::try_from(n.0).unwrap_or(i64::MAX));
            let found = self.holds_of(&which, params_from_iter(one.0))?.into_iter();
            all.extend(found.filter(|h| name.is_none_or(|name| h.camera.r#box == *name)));
        }
        Ok(all)
    }

    /// Those of a camera that are not over and want footage of [t0, t1).
    pub fn holds_that_want(
        &self,
        camera: &BoxCamera,
        t0: Utc,
        t1: Utc,
    ) -> Result<Vec<HoldRecord>, DbError> {
        self.holds_of(
            "WHERE box=$1 AND cam=$2 AND state IN ('pending', 'placed', 'releasing') AND t0 < $4 AND t1 > $3 ORDER BY n",
            params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0],
        )
    }

    /// Those of a camera that a box placed and that are not over.
    pub fn placed_holds(&self, camera: &BoxCamera) -> Result<Vec<HoldRecord>, DbError> {
        self.holds_of(
            "WHERE box=$1 AND cam=$2 AND state='placed' ORDER BY n",
            params![camera.r#box.as_str(), camera.cam.as_str()],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db::approvals::NewApproval, model::hold::Event};

    /// RET-3: a hold is read as it was written, in every state.
    #[test]
    fn rows() {
        let dir = tempfile::tempdir().expect("folder");
        let db = Db::open(dir.path()).expect("records");
        let mut h = HoldRecord {
            id: HoldId(101),
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            t0: Utc(1_000),
            t1: Utc(2_000),
            review: Day::parse("2026-11-30").expect("day"),
            reason: "r".into(),
            authority: "a".into(),
            reference: "f".into(),
            exhibit: Some("EXH-2026-000001".into()),
            grant: "G-000001".into(),
            request: Some(3),
            who: "op:0001".into(),
            made: Utc(3_000),
            line: 17,
            kept: true,
            drop: None,
            freed: Vec::new(),
            standing: HoldStanding::new(Utc(9_000)),
            changed: Utc(3_000),
        };
        let same = |h: &HoldRecord| {
            db.put_hold(h).expect("written");
            assert_eq!(db.hold(h.id).expect("read").as_ref(), Some(h));
        };
        same(&h);
        h.standing.apply(Event::Sent);
        h.standing.apply(Event::Placed {
            until: Utc(9_000),
            segments: 2,
            bytes: 5,
        });
        same(&h);
        db.add_approval(&NewApproval {
            kind: "release",
            subject: &h.id.to_string(),
            what: "null",
            reason: Some("x"),
            asked_by: 2,
            made: Utc(4_000),
            until: Utc(5_000),
        })
        .expect("asked");
        h.drop = Some(Drop {
            by: "op:0002".into(),
            reason: "x".into(),
            made: Utc(4_000),
        });
        same(&h);
        assert_eq!(db.holds(None).expect("list"), [h.clone()]);
        assert_eq!(db.placed_holds(&h.camera).expect("list"), [h.clone()]);
        assert_eq!(
            db.hold_for("EXH-2026-000001").expect("read"),
            Some(h.clone())
        );
        h.standing.apply(Event::Released {
            ended: HoldEnd::Order,
        });
        h.freed = vec!["op:0002".into(), "op:0003".into()];
        same(&h);
        assert!(db.placed_holds(&h.camera).expect("list").is_empty());
        h.standing.apply(Event::Cleared);
        same(&h);
        assert!(db.holds(None).expect("list").is_empty());
        assert_eq!(db.holds(Some(Utc(3_000))).expect("list").len(), 1);
    }
}
