//! Adapter: SQLite. Lifts of masks that somebody asked for: what each is to be. Who asked, and what became of that, is in the table of
//! approvals, under the same number.

use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use shared::{id::BoxCamera, mask::Mask, time::Utc};

use super::{
    Db, DbError, N,
    approvals::{self, ApprovalRecord, approval},
    plain_rows, readable,
    visible::{Values, VisibleRows},
};

/// What a lift is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLift {
    pub camera: BoxCamera,
    pub mask: String,
    /// Hides meanwhile; None: nothing does.
    pub instead: Option<Mask>,
    pub until: Option<Utc>,
    /// From the approval on, when there is no `until`.
    pub minutes: Option<u32>,
    /// Salted hash; the text is in the side table.
    pub authority: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LiftRecord {
    pub asked: ApprovalRecord,
    pub lift: NewLift,
}

/// Columns of an approval, which has this many, come first.
const OWN: usize = 9;
const COLUMNS: &str = "l.box, l.cam, l.mask, l.until, l.minutes, l.authority, l.instead";
const FROM: &str = "FROM lifts l JOIN approvals a ON a.n = l.n";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<LiftRecord, DbError>> {
    let (name, cam): (String, String) = (r.get(OWN)?, r.get(OWN + 1)?);
    let until: Option<i64> = r.get(OWN + 3)?;
    let camera =
        BoxCamera::parse(&format!("{name}/{cam}")).map_err(|e| DbError::Row(e.to_string()));
    let instead: Option<String> = r.get(OWN + 6)?;
    // Without it the whole mask would be lifted: what cannot be read is no request.
    let instead = instead
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| DbError::Row(format!("a lift's other mask: {e}")));
    Ok(match (camera, instead) {
        (Ok(camera), Ok(instead)) => Ok(LiftRecord {
            asked: approval(r)?,
            lift: NewLift {
                camera,
                mask: r.get(OWN + 2)?,
                instead,
                until: until.map(Utc),
                minutes: r.get(OWN + 4)?,
                authority: r.get(OWN + 5)?,
            },
        }),
        (Err(e), _) | (_, Err(e)) => Err(e),
    })
}

impl Db {
    /// What the request of this number is for.
    pub fn add_lift(&self, n: u64, l: &NewLift) -> Result<(), DbError> {
        let instead = l.instead.as_ref().map(serde_json::to_string).transpose();
        let instead = instead.map_err(|e| DbError::Row(e.to_string()))?;
        self.store.write().execute(
            "INSERT INTO lifts (n, box, cam, mask, until, minutes, authority, instead) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                N(n),
                l.camera.r#box.as_str(),
                l.camera.cam.as_str(),
                l.mask,
                l.until.map(|t| t.0),
                l.minutes,
                l.authority,
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
        let asked = approvals::COLUMNS;
        let sql = format!("SELECT {asked}, {COLUMNS} {FROM} WHERE l.n=$1");
        c.query_row(&sql, [N(n)], record).optional()?.transpose()
    }

    /// Those that wait for a second person and that somebody may see, oldest first; with `after` those with a higher number.
    pub fn pending_lifts(
        &self,
        seen: &VisibleRows,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LiftRecord>, DbError> {
        let mut values = Values::default();
        let after = values.count(after.unwrap_or(0));
        let seen = seen.condition(("l.box", "l.cam", None), &mut values);
        let limit = values.add(limit);
        let (c, asked) = (self.store.read(), approvals::COLUMNS);
        let mut statement = c.prepare(&format!(
            "SELECT {asked}, {COLUMNS} {FROM} WHERE a.state='waiting' AND a.kind='lift' AND l.n > {after} AND {seen} ORDER BY l.n LIMIT {limit}"
        ))?;
        let rows = statement.query_map(params_from_iter(values.0), record)?;
        readable("lifts", rows.map(|r| r?))
    }

    /// Under which authorities masks of a camera were lifted: salted hashes.
    pub fn lift_authorities(&self, camera: &BoxCamera) -> Result<Vec<String>, DbError> {
        let c = self.store.read();
        let mut statement = c.prepare(&format!(
            "SELECT DISTINCT l.authority {FROM} WHERE l.box=$1 AND l.cam=$2 AND a.state='approved'"
        ))?;
        let rows = statement
            .query_map(params![camera.r#box.as_str(), camera.cam.as_str()], |r| {
                r.get(0)
            })?;
        plain_rows("lifts", rows)
    }
}
