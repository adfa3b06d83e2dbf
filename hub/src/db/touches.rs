//! Adapter: SQLite. Orders that wait until two people have approved them with their own passkeys, and who has.

use rusqlite::{OptionalExtension, Params, Row, params};
use shared::{
    id::{BoxName, CameraId},
    passkey::Assertion,
    time::Utc,
};

use super::{Db, DbError, N, readable};
use crate::model::touch::{State, TouchStanding};

/// An order whose text is fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyOrderRecord {
    /// Line of the hub's log that the order stands on.
    pub n: u64,
    /// Row of approvals.
    pub ask: u64,
    pub r#box: BoxName,
    /// None: it is about the box.
    pub cam: Option<CameraId>,
    /// Without approvals.
    pub text: String,
    pub made: Utc,
    pub standing: TouchStanding,
    /// Of one that failed: what to say.
    pub why: String,
}

/// One person's touch.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchRecord {
    pub op: u32,
    pub factor: u64,
    pub assertion: Assertion,
    pub made: Utc,
}

const COLUMNS: &str =
    "n, ask, box, cam, text, asked_by, approved_by, made, until, state, why, changed";

fn record(r: &Row<'_>) -> rusqlite::Result<Result<KeyOrderRecord, DbError>> {
    let (name, cam, state): (String, Option<String>, String) = (r.get(2)?, r.get(3)?, r.get(9)?);
    let bad = |e: &dyn std::fmt::Display| DbError::Row(e.to_string());
    let known = (
        BoxName::parse(&name).map_err(|e| bad(&e)),
        cam.map(|c| CameraId::parse(&c).map_err(|e| bad(&e)))
            .transpose(),
        State::parse(&state).ok_or_else(|| bad(&format!("state {state:?} of an order"))),
    );
    Ok(match known {
        (Ok(name), Ok(cam), Ok(state)) => Ok(KeyOrderRecord {
            n: r.get::<_, N>(0)?.0,
            ask: r.get::<_, N>(1)?.0,
            r#box: name,
            cam,
            text: r.get(4)?,
            made: Utc(r.get(7)?),
            standing: TouchStanding {
                state,
                people: [r.get(5)?, r.get(6)?],
                touched: Vec::new(),
                until: Utc(r.get(8)?),
                changed: Utc(r.get(11)?),
            },
            why: r.get(10)?,
        }),
        (Err(e), ..) | (_, Err(e), _) | (.., Err(e)) => Err(e),
    })
}

impl Db {
    /// One unit of work with its line.
    pub fn add_key_order(&self, o: &KeyOrderRecord) -> Result<(), DbError> {
        let s = &o.standing;
        self.store.write().execute(
            &format!("INSERT INTO key_orders ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
            params![
                N(o.n),
                N(o.ask),
                o.r#box.as_str(),
                o.cam.as_ref().map(CameraId::as_str),
                o.text,
                s.people[0],
                s.people[1],
                o.made.0,
                s.until.0,
                s.state.word(),
                o.why,
                s.changed.0
            ],
        )?;
        Ok(())
    }

    fn key_orders(&self, which: &str, values: impl Params) -> Result<Vec<KeyOrderRecord>, DbError> {
        let mut all = {
            let c = self.store.read();
            let mut q = c.prepare(&format!("SELECT {COLUMNS} FROM key_orders WHERE {which}"))?;
            let rows = q.query_map(values, record)?;
            readable("key_orders", rows.map(|r| r?))?
        };
        for o in &mut all {
            o.standing.touched = self.touches(o.n)?.iter().map(|t| t.op).collect();
        }
        Ok(all)
    }

    pub fn key_order(&self, n: u64) -> Result<Option<KeyOrderRecord>, DbError> {
        match super::may_be(n) {
            true => Ok(self.key_orders("n=$1", [N(n)])?.pop()),
            false => Ok(None),
        }
    }

    /// Those that are not over, oldest first.
    pub fn open_key_orders(&self) -> Result<Vec<KeyOrderRecord>, DbError> {
        self.key_orders("state IN ('waiting', 'sent') ORDER BY n", [])
    }

    /// Those that name somebody and are not over, or ended after `since`, oldest first, with a higher number than `after`.
    pub fn key_orders_of(
        &self,
        op: u32,
        since: Utc,
        after: u64,
        limit: u32,
    ) -> Result<Vec<KeyOrderRecord>, DbError> {
        self.key_orders(
            "(state IN ('waiting', 'sent') OR (state IN ('done', 'failed') AND changed >= $2)) AND (asked_by=$1 OR approved_by=$1) AND n > $3
             ORDER BY n LIMIT $4",
            params![op, since.0, N(after), limit],
        )
    }

    /// Another state. False: somebody was quicker.
    pub fn turn_key_order(
        &self,
        n: u64,
        (from, to): (State, State),
        why: &str,
        now: Utc,
    ) -> Result<bool, DbError> {
        let done = self.store.write().execute(
            "UPDATE key_orders SET state=$3, why=$4, changed=$5 WHERE n=$1 AND state=$2",
            params![N(n), from.word(), to.word(), why, now.0],
        )?;
        Ok(done == 1)
    }

    pub fn add_touch(&self, n: u64, t: &TouchRecord) -> Result<(), DbError> {
        let assertion =
            serde_json::to_string(&t.assertion).map_err(|e| DbError::Row(e.to_string()))?;
        self.store.write().execute(
            "INSERT INTO touches (n, op, factor, assertion, made) VALUES ($1, $2, $3, $4, $5)",
            params![N(n), t.op, N(t.factor), assertion, t.made.0],
        )?;
        Ok(())
    }

    /// Of one order.
    pub fn touches(&self, n: u64) -> Result<Vec<TouchRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT op, factor, assertion, made FROM touches WHERE n=$1 ORDER BY made, op",
        )?;
        let rows = q.query_map([N(n)], |r| {
            let assertion: String = r.get(2)?;
            let (op, factor, made) = (r.get(0)?, r.get::<_, N>(1)?.0, Utc(r.get(3)?));
            Ok(serde_json::from_str(&assertion)
                .map(|assertion| TouchRecord {
                    op,
                    factor,
                    assertion,
                    made,
                })
                .map_err(|e| DbError::Row(format!("a touch: {e}"))))
        })?;
        rows.map(|r| r.map_err(DbError::from)?).collect()
    }

    /// Whether an order about this box is not over.
    pub fn key_order_at(&self, name: &BoxName) -> Result<Option<u64>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT n FROM key_orders WHERE state IN ('waiting', 'sent') AND box=$1 LIMIT 1",
            [name.as_str()],
            |r| r.get::<_, N>(0),
        );
        Ok(row.optional()?.map(|n| n.0))
    }
}
