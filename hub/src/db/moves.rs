//! Adapter: SQLite. Where each box was last told that the hub will be.

use rusqlite::params;
use shared::{id::BoxName, time::Utc};

use super::{Db, DbError, N, readable};

/// The last order for a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRecord {
    pub name: BoxName,
    /// Line of the hub's log: the order's number.
    pub n: u64,
    pub hub: String,
    pub second: Option<String>,
    pub lookup: Option<String>,
    /// Two people, as the log names them.
    pub by: [String; 2],
    pub made: Utc,
    /// waiting, told, known, refused
    pub state: String,
    /// Refused: of docs/orders.md.
    pub code: String,
    pub changed: Utc,
}

const COLUMNS: &str =
    "box, n, hub, second, lookup, asked_by, second_by, made, state, code, changed";

impl Db {
    /// In the place of the order before it.
    pub fn put_move(&self, m: &MoveRecord) -> Result<(), DbError> {
        self.store.write().execute(
            &format!(
                "INSERT INTO moves ({COLUMNS}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)
                 ON CONFLICT (box) DO UPDATE SET n=$2, hub=$3, second=$4, lookup=$5, asked_by=$6, second_by=$7, made=$8, state=$9,
                 code=$10, changed=$11"
            ),
            params![
                m.name.as_str(),
                N(m.n),
                m.hub,
                m.second,
                m.lookup,
                m.by[0],
                m.by[1],
                m.made.0,
                m.state,
                m.code,
                m.changed.0
            ],
        )?;
        Ok(())
    }

    /// What became of an order, unless another has taken its place.
    pub fn move_state(
        &self,
        name: &BoxName,
        n: u64,
        (state, code): (&str, &str),
        now: Utc,
    ) -> Result<(), DbError> {
        self.store.write().execute(
            "UPDATE moves SET state=$3, code=$4, changed=$5 WHERE box=$1 AND n=$2 AND (state<>$3 OR code<>$4)",
            params![name.as_str(), N(n), state, code, now.0],
        )?;
        Ok(())
    }

    /// All of them, by box; `open`: only those that their box has not answered.
    pub fn moves(&self, open: bool) -> Result<Vec<MoveRecord>, DbError> {
        let c = self.store.read();
        let only = match open {
            true => "WHERE state IN ('waiting', 'told')",
            false => "",
        };
        let mut q = c.prepare(&format!("SELECT {COLUMNS} FROM moves {only} ORDER BY box"))?;
        let rows = q.query_map([], |r| {
            let name: String = r.get(0)?;
            let name = BoxName::parse(&name).map_err(|e| DbError::Row(e.to_string()));
            let n: N = r.get(1)?;
            let by = [r.get(5)?, r.get(6)?];
            let (hub, second, lookup) = (r.get(2)?, r.get(3)?, r.get(4)?);
            let (made, changed) = (Utc(r.get(7)?), Utc(r.get(10)?));
            let (state, code) = (r.get(8)?, r.get(9)?);
            Ok(name.map(|name| MoveRecord {
                name,
                n: n.0,
                hub,
                second,
                lookup,
                by,
                made,
                state,
                code,
                changed,
            }))
        })?;
        readable("moves", rows.map(|r| r?))
    }
}
