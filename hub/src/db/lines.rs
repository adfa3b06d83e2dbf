//! Adapter: SQLite. What boxes' lines may be used for, and what they were measured to carry.

use rusqlite::params;
use shared::{id::BoxName, time::Utc};

use super::{Db, DbError, N, readable, upsert};
use crate::model::line::{Hours, LineWish, RATES, Rate};

fn name(text: &str) -> Result<BoxName, DbError> {
    BoxName::parse(text).map_err(|e| DbError::Row(e.to_string()))
}

impl Db {
    pub fn put_box_line(&self, name: &BoxName, wish: LineWish) -> Result<(), DbError> {
        let (begins, ends) = wish.hours.map(|h| (h.begins, h.ends)).unzip();
        self.store.write().execute(
            &upsert("box_lines", "box, most_kbit, begins, ends", "box"),
            params![name.as_str(), wish.most_kbit.map(N), begins, ends],
        )?;
        Ok(())
    }

    /// Of every box for which something was said.
    pub fn box_lines(&self) -> Result<Vec<(BoxName, LineWish)>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, most_kbit, begins, ends FROM box_lines")?;
        let rows = q.query_map([], |r| {
            let (text, most): (String, Option<N>) = (r.get(0)?, r.get(1)?);
            let (begins, ends): (Option<u16>, Option<u16>) = (r.get(2)?, r.get(3)?);
            let hours = begins.zip(ends).and_then(|(a, b)| Hours::of(a, b));
            let most_kbit = most.map(|n| n.0);
            Ok(name(&text).map(|name| (name, LineWish { most_kbit, hours })))
        })?;
        readable("lines of boxes", rows.map(|r| r?))
    }

    /// The newest few are kept.
    pub fn add_line_rate(&self, name: &BoxName, rate: Rate, now: Utc) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute(
                &upsert("line_rates", "box, at, bytes, ms", "box, at"),
                params![name.as_str(), now.0, N(rate.bytes), N(rate.ms)],
            )?;
            t.execute(
                "DELETE FROM line_rates WHERE box=$1 AND at NOT IN
                   (SELECT at FROM line_rates WHERE box=$1 ORDER BY at DESC LIMIT $2)",
                params![name.as_str(), RATES as i64],
            )?;
            Ok(())
        })
    }

    /// The oldest first.
    pub fn line_rates(&self) -> Result<Vec<(BoxName, Rate)>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, bytes, ms FROM line_rates ORDER BY box, at")?;
        let rows = q.query_map([], |r| {
            let (text, bytes, ms): (String, N, N) = (r.get(0)?, r.get(1)?, r.get(2)?);
            let rate = Rate {
                bytes: bytes.0,
                ms: ms.0,
            };
            Ok(name(&text).map(|name| (name, rate)))
        })?;
        readable("rates of lines", rows.map(|r| r?))
    }
}
