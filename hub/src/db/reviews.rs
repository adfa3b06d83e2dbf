//! Adapter: SQLite. Reviews of masks: the last one of each camera is what counts.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Day, Utc},
};

use super::{Db, DbError, N, readable, upsert};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRecord {
    /// The order's line in the hub's log.
    pub n: u64,
    pub camera: BoxCamera,
    pub mask: String,
    pub exhibit: ExhibitRef,
    /// Who looked.
    pub op: u32,
    pub made: Utc,
    pub next: Day,
}

const COLUMNS: &str = "n, box, cam, mask, exhibit, op, made, next";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<ReviewRecord, DbError>> {
    let (name, cam, exhibit, next): (String, String, String, String) =
        (r.get(1)?, r.get(2)?, r.get(4)?, r.get(7)?);
    let (n, mask, op, made) = (r.get::<_, N>(0)?.0, r.get(3)?, r.get(5)?, Utc(r.get(6)?));
    let row = |e: String| DbError::Row(e);
    Ok((|| {
        Ok(ReviewRecord {
            n,
            camera: BoxCamera::parse(&format!("{name}/{cam}")).map_err(|e| row(e.to_string()))?,
            mask,
            exhibit: ExhibitRef::parse(&exhibit).map_err(|e| row(e.to_string()))?,
            op,
            made,
            next: Day::parse(&next).map_err(|e| row(e.to_string()))?,
        })
    })())
}

impl Db {
    pub fn add_review(&self, r: &ReviewRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &upsert("mask_reviews", COLUMNS, "n"),
            params![
                N(r.n),
                r.camera.r#box.as_str(),
                r.camera.cam.as_str(),
                r.mask,
                r.exhibit.as_str(),
                r.op,
                r.made.0,
                r.next.to_string()
            ],
        )?;
        Ok(())
    }

    /// The last one of each camera, by its name.
    pub fn last_reviews(&self) -> Result<BTreeMap<String, ReviewRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM mask_reviews WHERE n IN (SELECT (SELECT MAX(m.n) FROM mask_reviews m WHERE m.box=c.box AND m.cam=c.cam)
             FROM box_cameras c)"
        ))?;
        let rows = q.query_map([], record)?;
        let all = readable("mask_reviews", rows.map(|r| r?))?;
        Ok(all.into_iter().map(|r| (r.camera.to_string(), r)).collect())
    }

    /// The last one of a camera, whichever mask it was of.
    pub fn last_review(&self, camera: &BoxCamera) -> Result<Option<ReviewRecord>, DbError> {
        let c = self.store.read();
        let sql = format!(
            "SELECT {COLUMNS} FROM mask_reviews WHERE box=$1 AND cam=$2 ORDER BY n DESC LIMIT 1"
        );
        c.query_row(
            &sql,
            params![camera.r#box.as_str(), camera.cam.as_str()],
            record,
        )
        .optional()?
        .transpose()
    }
}
