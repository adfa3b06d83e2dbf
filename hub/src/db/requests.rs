//! Adapter: SQLite. Clip requests and the segments they fetch.

use std::path::Path;

use rusqlite::{OptionalExtension, Params, Row, params, params_from_iter};
use shared::{
    id::{BoxCamera, ExhibitRef},
    order::PullSegment,
    time::Utc,
};

use super::{
    Db, DbError, N,
    pages::List,
    plain_rows, readable,
    visible::{Values, VisibleRows},
};
use crate::{
    model::pull::{Absence, State},
    reason::PullReason,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    pub r#ref: ExhibitRef,
    pub grant: String,
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    /// Salted hashes; texts are in the side table.
    pub purpose: String,
    pub reference: String,
    pub requester: String,
    /// Who asked, as the log names them.
    pub who: String,
    pub state: State,
    /// Why it stands so, the weightiest first.
    pub why: Vec<PullReason>,
    /// Why nothing came of it.
    pub reason: Option<Absence>,
    /// Line of the hub's log that grants it: the number of the order to its box.
    pub granted: u64,
    /// Box log and line of its `exp.clip`, once the box has answered.
    pub line: Option<(String, u64)>,
    /// Box log that the segments' lines are in.
    pub footage: Option<String>,
    pub package: Option<String>,
    pub made: Utc,
    /// It goes before those that are planned, whatever the hour.
    pub urgent: bool,
    /// Who has it wait until somebody lets it go on, as the log names them.
    pub paused: Option<String>,
    /// Bytes that crossed the line for it and were thrown away.
    pub wasted: u64,
}

/// A request with its texts, as far as they are not erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPageRow {
    pub request: RequestRecord,
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRecord {
    pub s: u64,
    pub n: u64,
    pub sealed: u64,
    pub done: bool,
}

pub(super) const COLUMNS: &str = "ref, grant_id, box, cam, t0, t1, purpose, reference, requester, who, state, why, log, line, package, made, footage, granted, reason, urgent, paused, wasted";

pub(super) fn record(r: &Row<'_>) -> rusqlite::Result<Result<RequestRecord, DbError>> {
    let (exhibit, name, cam, state): (String, String, String, String) =
        (r.get(0)?, r.get(2)?, r.get(3)?, r.get(10)?);
    let (log, line): (Option<String>, Option<N>) = (r.get(12)?, r.get(13)?);
    let row = |e: String| DbError::Row(e);
    let (grant, t0, t1, purpose, reference) = (
        r.get(1)?,
        Utc(r.get(4)?),
        Utc(r.get(5)?),
        r.get(6)?,
        r.get(7)?,
    );
    let why: String = r.get(11)?;
    let (requester, who, package, made, footage) = (
        r.get(8)?,
        r.get(9)?,
        r.get(14)?,
        Utc(r.get(15)?),
        r.get(16)?,
    );
    let granted: N = r.get(17)?;
    let reason: Option<String> = r.get(18)?;
    let (urgent, paused, wasted) = (r.get(19)?, r.get(20)?, r.get::<_, N>(21)?.0);
    Ok((|| {
        Ok(RequestRecord {
            granted: granted.0,
            reason: reason.as_deref().and_then(Absence::parse),
            r#ref: ExhibitRef::parse(&exhibit).map_err(|e| row(e.to_string()))?,
            camera: BoxCamera::parse(&format!("{name}/{cam}")).map_err(|e| row(e.to_string()))?,
            state: State::parse(&state).ok_or_else(|| row(format!("state {state:?}")))?,
            line: log.zip(line.map(|n| n.0)),
            footage,
            grant,
            t0,
            t1,
            purpose,
            reference,
            requester,
            who,
            why: serde_json::from_str(&why)
                .map_err(|e| row(format!("why {exhibit} stands so: {e}")))?,
            package,
            made,
            urgent,
            paused,
            wasted,
        })
    })())
}

/// As a row has them.
pub(super) fn reasons(why: &[PullReason]) -> Result<String, DbError> {
    let text = serde_json::to_string(why);
    text.map_err(|e| DbError::Row(format!("why a pull stands as it does: {e}")))
}

/// Clips and what is kept of them, newest first.
pub(super) const LIST: List = List {
    cameras: "requests",
    number: "id",
    of_row: "r.id",
    made: "requests",
    newest_first: true,
};

/// Which clips are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    pub camera: Option<BoxCamera>,
    /// What ends after then, and what begins before.
    pub from: Option<Utc>,
    pub to: Option<Utc>,
}

impl Which {
    fn condition(&self, values: &mut Values) -> String {
        let mut all = String::new();
        if let Some(camera) = &self.camera {
            let name = values.add(camera.r#box.to_string());
            let cam = values.add(camera.cam.to_string());
            all += &format!("r.box={name} AND r.cam={cam} AND ");
        }
        if let Some(from) = self.from {
            all += &format!("r.t1 > {} AND ", values.add(from.0));
        }
        if let Some(to) = self.to {
            all += &format!("r.t0 < {} AND ", values.add(to.0));
        }
        all
    }
}

impl Db {
    pub fn add_request(&self, id: u32, r: &RequestRecord) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO requests (id, ref, grant_id, box, cam, t0, t1, purpose, reference, requester, who, state, why, made, changed, granted, urgent)
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$14,$15,$16)",
            params![
                id, r.r#ref.as_str(), r.grant, r.camera.r#box.as_str(), r.camera.cam.as_str(), r.t0.0, r.t1.0, r.purpose, r.reference,
                r.requester, r.who, r.state.as_str(), reasons(&r.why)?, r.made.0, N(r.granted), r.urgent
            ],
        )?;
        Ok(())
    }

    pub fn request(&self, exhibit: &str) -> Result<Option<RequestRecord>, DbError> {
        let c = self.store.read();
        c.query_row(
            &format!("SELECT {COLUMNS} FROM requests WHERE ref=$1"),
            [exhibit],
            record,
        )
        .optional()?
        .transpose()
    }

    /// So many at most of those that somebody may see, newest first, with their texts; with `before` those with a lower number.
    pub fn requests_page(
        &self,
        seen: &VisibleRows,
        which: &Which,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RequestPageRow>, DbError> {
        let theirs = |values: &mut Values| {
            let wanted = which.condition(values);
            let seen = seen.condition(("r.box", "r.cam", Some("r.t0")), values);
            format!("{wanted}{seen}")
        };
        self.part(&LIST, seen, before, limit, theirs, |which, values| {
            self.page_rows(which, params_from_iter(values.0))
        })
    }

    /// One of them, by its exhibit.
    pub fn request_page_row(&self, exhibit: &str) -> Result<Option<RequestPageRow>, DbError> {
        Ok(self.page_rows("r.ref=$1", [exhibit])?.pop())
    }

    fn page_rows(&self, which: &str, values: impl Params) -> Result<Vec<RequestPageRow>, DbError> {
        let columns: Vec<String> = COLUMNS.split(", ").map(|c| format!("r.{c}")).collect();
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {}, a.text, b.text, c.text FROM requests r LEFT JOIN side a ON a.hash=r.purpose
             LEFT JOIN side b ON b.hash=r.reference LEFT JOIN side c ON c.hash=r.requester WHERE {which}",
            columns.join(", ")
        ))?;
        let rows = q.query_map(values, |r| {
            let texts: (Option<String>, Option<String>, Option<String>) =
                (r.get(22)?, r.get(23)?, r.get(24)?);
            Ok(record(r)?.map(|request| RequestPageRow {
                request,
                purpose: texts.0,
                reference: texts.1,
                requester: texts.2,
            }))
        })?;
        readable("requests", rows.map(|r| r?))
    }

    /// Whether a request is for somebody to see.
    pub fn sees_request(&self, seen: &VisibleRows, exhibit: &str) -> Result<bool, DbError> {
        let mut values = Values::default();
        let exhibit = values.add(exhibit.to_owned());
        let seen = seen.condition(("box", "cam", Some("t0")), &mut values);
        let c = self.store.read();
        let sql = format!("SELECT COUNT(*) FROM requests WHERE ref={exhibit} AND {seen}");
        Ok(c.query_row(&sql, params_from_iter(values.0), |r| r.get::<_, i64>(0))? > 0)
    }

    /// Those that are not over and want footage of a camera within [t0, t1), newest first.
    pub fn requests_that_want(
        &self,
        camera: &BoxCamera,
        t0: Utc,
        t1: Utc,
    ) -> Result<Vec<RequestRecord>, DbError> {
        let c = self.store.read();
        // A request is for a day at most.
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM requests WHERE box=$1 AND cam=$2 AND t0 < $4 AND t0 >= $3 - 172800000 AND t1 > $3
             AND state NOT IN ('Ready', 'Partial', 'Refused', 'Failed', 'Disposed') ORDER BY id DESC"
        ))?;
        let of = params![camera.r#box.as_str(), camera.cam.as_str(), t0.0, t1.0];
        let rows = q.query_map(of, record)?;
        readable("requests", rows.map(|r| r?))
    }

    /// Newest first.
    pub fn requests(&self) -> Result<Vec<RequestRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!("SELECT {COLUMNS} FROM requests ORDER BY id DESC"))?;
        let rows = q.query_map([], record)?;
        readable("requests", rows.map(|r| r?))
    }

    pub fn request_state(
        &self,
        exhibit: &str,
        state: State,
        reason: Option<Absence>,
        why: &[PullReason],
        now: Utc,
    ) -> Result<(), DbError> {
        // What was taken back or disposed of stays so, whatever was still under way.
        self.store.write().execute(
            "UPDATE requests SET state=$2, why=$3, changed=$4, reason=$5 WHERE ref=$1 AND state NOT IN ('Cancelled', 'Disposed')",
            params![exhibit, state.as_str(), reasons(why)?, now.0, reason.map(Absence::word)],
        )?;
        Ok(())
    }

    /// Packages that do not lie where they were made, but below this folder, lie there from now on: the hub moved to another machine. How many.
    pub fn packages_at(&self, evidence: &Path) -> Result<usize, DbError> {
        let all: Vec<(String, String)> = {
            let c = self.store.read();
            let mut q = c.prepare("SELECT ref, package FROM requests WHERE package IS NOT NULL")?;
            let rows = q.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            plain_rows("packages", rows)?
        };
        let mut moved = 0;
        for (exhibit, package) in all {
            let was = Path::new(&package);
            if was.starts_with(evidence) {
                continue;
            }
            let mut names = was.iter().rev();
            let (Some(cam), Some(folder)) = (names.next(), names.next()) else {
                continue;
            };
            let is = evidence.join(folder).join(cam);
            if !was.is_dir() && is.is_dir() {
                self.request_package(&exhibit, &is.to_string_lossy())?;
                moved += 1;
            }
        }
        Ok(moved)
    }

    pub fn request_package(&self, exhibit: &str, package: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE requests SET package=$2 WHERE ref=$1 AND state NOT IN ('Cancelled', 'Disposed')",
            params![exhibit, package],
        )?;
        Ok(())
    }

    /// The box's answer: its `exp.clip` line and the segments, with the log they are of. Segments already fetched stay fetched.
    pub fn request_answered(
        &self,
        exhibit: &str,
        (log, line): (&str, u64),
        footage: &str,
        segments: &[PullSegment],
    ) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute(
                "UPDATE requests SET log=$2, line=$3, footage=$4 WHERE ref=$1",
                params![exhibit, log, N(line), footage],
            )?;
            let done: Vec<(N, N)> = {
                let mut q =
                    t.prepare("SELECT s, n FROM request_segments WHERE ref=$1 AND done=1")?;
                q.query_map([exhibit], |r| Ok((r.get(0)?, r.get(1)?)))?
                    .collect::<Result<_, _>>()?
            };
            t.execute("DELETE FROM request_segments WHERE ref=$1", [exhibit])?;
            for p in segments {
                t.execute(
                "INSERT INTO request_segments (ref, s, n, sealed, done) VALUES ($1,$2,$3,$4,$5)",
                params![
                    exhibit,
                    N(p.s),
                    N(p.n),
                    N(p.sealed),
                    done.contains(&(N(p.s), N(p.n)))
                ],
            )?;
            }
            Ok(())
        })
    }

    pub fn request_segments(&self, exhibit: &str) -> Result<Vec<FetchRecord>, DbError> {
        let c = self.store.read();
        let mut q =
            c.prepare("SELECT s, n, sealed, done FROM request_segments WHERE ref=$1 ORDER BY s")?;
        let rows = q.query_map([exhibit], |r| {
            Ok(FetchRecord {
                s: r.get::<_, N>(0)?.0,
                n: r.get::<_, N>(1)?.0,
                sealed: r.get::<_, N>(2)?.0,
                done: r.get(3)?,
            })
        })?;
        // All of them or none: a clip is not made of what is left.
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// `by`: who has it wait; None: it goes on.
    pub fn request_paused(&self, exhibit: &str, by: Option<&str>) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE requests SET paused=$2 WHERE ref=$1",
            params![exhibit, by],
        )?;
        Ok(())
    }

    /// So many more bytes crossed the line for nothing.
    pub fn request_wasted(&self, exhibit: &str, bytes: u64) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE requests SET wasted=wasted+$2 WHERE ref=$1",
            params![exhibit, N(bytes)],
        )?;
        Ok(())
    }

    pub fn segment_done(&self, exhibit: &str, s: u64) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE request_segments SET done=1 WHERE ref=$1 AND s=$2",
            params![exhibit, N(s)],
        )?;
        Ok(())
    }
}
