//! Adapter: SQLite. Lifts of masks that one person has asked for and a second has to approve.

use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use shared::{id::BoxCamera, mask::Mask, time::Utc};

use super::{
    Db, DbError, N, plain_rows, readable,
    seen::{Seen, Values},
};
use crate::requests::lift_state::State;

#[derive(Clone, Debug, PartialEq)]
pub struct LiftRecord {
    /// Line of the hub's log that asks for it.
    pub n: u64,
    pub camera: BoxCamera,
    pub mask: String,
    /// Hides meanwhile; None: nothing does.
    pub instead: Option<Mask>,
    pub until: Option<Utc>,
    /// From the order on, when there is no `until`.
    pub minutes: Option<u32>,
    /// Salted hashes; texts are in the side table.
    pub authority: String,
    pub reason: String,
    /// Who asked.
    pub op: u32,
    pub made: Utc,
    pub state: State,
}

const COLUMNS: &str =
    "n, box, cam, mask, until, minutes, authority, reason, op, made, state, instead";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<LiftRecord, DbError>> {
    let (name, cam): (String, String) = (r.get(1)?, r.get(2)?);
    let until: Option<i64> = r.get(4)?;
    let camera =
        BoxCamera::parse(&format!("{name}/{cam}")).map_err(|e| DbError::Row(e.to_string()));
    let instead: Option<String> = r.get(11)?;
    // Without it the whole mask would be lifted: what cannot be read is no request.
    let instead = instead
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| DbError::Row(format!("a lift's other mask: {e}")));
    let word: String = r.get(10)?;
    let state = State::parse(&word).ok_or_else(|| DbError::Row(format!("a lift's state {word:?}")));
    let rest = |camera, instead, state| {
        Ok::<_, rusqlite::Error>(LiftRecord {
            n: r.get::<_, N>(0)?.0,
            camera,
            mask: r.get(3)?,
            instead,
            until: until.map(Utc),
            minutes: r.get(5)?,
            authority: r.get(6)?,
            reason: r.get(7)?,
            op: r.get(8)?,
            made: Utc(r.get(9)?),
            state,
        })
    };
    Ok(match (camera, instead, state) {
        (Ok(camera), Ok(instead), Ok(state)) => Ok(rest(camera, instead, state)?),
        (Err(e), ..) | (_, Err(e), _) | (.., Err(e)) => Err(e),
    })
}

impl Db {
    pub fn add_lift(&self, l: &LiftRecord) -> Result<(), DbError> {
        let instead = l.instead.as_ref().map(serde_json::to_string).transpose();
        let instead = instead.map_err(|e| DbError::Row(e.to_string()))?;
        self.store.write().execute(
            &format!("INSERT INTO lifts ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
            params![
                N(l.n),
                l.camera.r#box.as_str(),
                l.camera.cam.as_str(),
                l.mask,
                l.until.map(|t| t.0),
                l.minutes,
                l.authority,
                l.reason,
                l.op,
                l.made.0,
                l.state.word(),
                instead
            ],
        )?;
        Ok(())
    }

    pub fn lift(&self, n: u64) -> Result<Option<LiftRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM lifts WHERE n=$1");
        c.query_row(&sql, [N(n)], record).optional()?.transpose()
    }

    /// Those that wait for a second person and that somebody may see, oldest first; with `after` those with a higher number.
    pub fn pending_lifts(
        &self,
        seen: &Seen,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LiftRecord>, DbError> {
        let mut values = Values::default();
        let after = values.count(after.unwrap_or(0));
        let seen = seen.condition(("box", "cam", None), &mut values);
        let limit = values.add(limit);
        let c = self.store.read();
        let mut statement = c.prepare(&format!(
            "SELECT {COLUMNS} FROM lifts WHERE state='pending' AND n > {after} AND {seen} ORDER BY n LIMIT {limit}"
        ))?;
        let rows = statement.query_map(params_from_iter(values.0), record)?;
        readable("lifts", rows.map(|r| r?))
    }

    /// Numbers of those that wait and were made then or before.
    pub fn stale_lifts(&self, made: Utc) -> Result<Vec<u64>, DbError> {
        let c = self.store.read();
        let mut statement =
            c.prepare("SELECT n FROM lifts WHERE state='pending' AND made <= $1 ORDER BY n")?;
        let rows = statement.query_map([made.0], |r| Ok(r.get::<_, N>(0)?.0))?;
        plain_rows("lifts", rows)
    }

    /// Under which authorities masks of a camera were lifted: salted hashes.
    pub fn lift_authorities(&self, camera: &BoxCamera) -> Result<Vec<String>, DbError> {
        let c = self.store.read();
        let mut statement = c.prepare(
            "SELECT DISTINCT authority FROM lifts WHERE box=$1 AND cam=$2 AND state='ordered'",
        )?;
        let rows = statement
            .query_map(params![camera.r#box.as_str(), camera.cam.as_str()], |r| {
                r.get(0)
            })?;
        plain_rows("lifts", rows)
    }

    /// Settles one that is pending; false when somebody was quicker.
    pub fn settle_lift(&self, n: u64, state: State) -> Result<bool, DbError> {
        let changed = self.store.write().execute(
            "UPDATE lifts SET state=$2 WHERE n=$1 AND state='pending'",
            params![N(n), state.word()],
        )?;
        Ok(changed == 1)
    }
}
