//! Adapter: SQLite. One part of a list, for somebody who may see some cameras only. Whoever sees all of them is given rows by number; whoever sees a few
//! is given theirs camera by camera, so that nobody goes through what is not theirs.

use std::collections::{BTreeSet, BinaryHeap};

use rusqlite::{OptionalExtension, params};
use shared::{id::BoxCamera, time::Utc};

use super::{
    Db, DbError, N, plain_rows,
    visible::{Cameras, Values, VisibleRows},
};

/// A list that is read by number.
pub(super) struct List {
    /// Where its numbers stand by camera, in an index of box, cam and number.
    pub cameras: &'static str,
    /// The number's name there, and in the rows' own statement.
    pub number: &'static str,
    pub of_row: &'static str,
    /// Where numbers stand by the time they were made; nothing is of a later time than that.
    pub made: &'static str,
    pub newest_first: bool,
}

/// Numbers of the rows of some cameras, in the list's order, each once.
struct Numbers {
    sql: String,
    cameras: Vec<BoxCamera>,
    /// The next one of each camera, by order; numbers are below 2^53.
    heads: BinaryHeap<(i64, usize)>,
    newest_first: bool,
    /// None of a lower number.
    floor: i64,
    last: Option<i64>,
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Numbers {
    fn head(&mut self, db: &Db, of: usize, beyond: i64) -> Result<(), DbError> {
        let Some(camera) = self.cameras.get(of) else {
            return Ok(());
        };
        let values = params![
            camera.r#box.as_str(),
            camera.cam.as_str(),
            beyond,
            self.floor
        ];
        let c = db.store.read();
        let found = c.query_row(&self.sql, values, |r| r.get::<_, i64>(0));
        if let Some(n) = found.optional()? {
            self.heads
                .push((if self.newest_first { n } else { -n }, of));
        }
        Ok(())
    }

    fn next(&mut self, db: &Db) -> Result<Option<i64>, DbError> {
        while let Some((key, of)) = self.heads.pop() {
            let n = key.abs();
            self.head(db, of, n)?;
            if self.last != Some(n) {
                self.last = Some(n);
                return Ok(Some(n));
            }
        }
        Ok(None)
    }
}

impl Db {
    /// Cameras that somebody sees, one by one; None: all there are.
    fn named_cameras(&self, seen: &VisibleRows) -> Result<Option<Vec<BoxCamera>>, DbError> {
        let mut all = BTreeSet::new();
        for (cameras, _) in &seen.0 {
            match cameras {
                Cameras::All => return Ok(None),
                Cameras::Owner(owner) => all.extend(self.cameras_of_owner(owner)?),
                Cameras::Named(cameras) => all.extend(cameras.iter().cloned()),
            }
        }
        Ok(Some(all.into_iter().collect()))
    }

    fn cameras_of_owner(&self, owner: &str) -> Result<Vec<BoxCamera>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, cam FROM camera_owners WHERE owner=$1")?;
        let rows = q.query_map([owner], |r| {
            Ok(format!(
                "{}/{}",
                r.get::<_, String>(0)?,
                r.get::<_, String>(1)?
            ))
        })?;
        let rows: Vec<String> = plain_rows("cameras of an owner", rows)?;
        Ok(rows
            .iter()
            .filter_map(|c| BoxCamera::parse(c).ok())
            .collect())
    }

    /// The lowest number of what was made then or later: what is older has a lower one, even where the clock was set back.
    fn first_since(&self, made: &str, number: &str, from: Utc) -> Result<Option<u64>, DbError> {
        // By the time: the plain number would be looked for from the lowest on.
        let sql = format!("SELECT MIN({number} + 0) FROM {made} WHERE made >= $1");
        let c = self.store.read();
        let found = c.query_row(&sql, [from.0], |r| r.get::<_, Option<N>>(0))?;
        Ok(found.map(|n| n.0))
    }

    /// So many rows at most that somebody may see, beyond `from`. `theirs` is the condition that a row has to meet besides, `rows` reads those that meet
    /// one: it is given what comes after WHERE.
    pub(super) fn part<T>(
        &self,
        list: &List,
        seen: &VisibleRows,
        from: Option<u64>,
        limit: u32,
        theirs: impl FnOnce(&mut Values) -> String,
        rows: impl Fn(&str, Values) -> Result<Vec<T>, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut floor = 0;
        if let Some(since) = seen.since() {
            match self.first_since(list.made, list.number, since)? {
                Some(first) => floor = first,
                None => return Ok(Vec::new()),
            }
        }
        let (of_row, mut values) = (list.of_row, Values::default());
        let (beyond, than, order) = match list.newest_first {
            true => (from.map_or(i64::MAX, number), "<", "DESC"),
            // One bound, for an index takes one.
            false => (from.map_or(0, number).max(number(floor) - 1), ">", "ASC"),
        };
        let Some(cameras) = self.named_cameras(seen)? else {
            let (beyond, floor) = (values.add(beyond), values.count(floor));
            let (theirs, limit) = (theirs(&mut values), values.add(limit));
            let which = format!(
                "{of_row} {than} {beyond} AND {of_row} >= {floor} AND {theirs} ORDER BY {of_row} {order} LIMIT {limit}"
            );
            return rows(&which, values);
        };
        let (table, name) = (list.cameras, list.number);
        let mut numbers = Numbers {
            sql: format!(
                "SELECT {name} FROM {table} WHERE box=$1 AND cam=$2 AND {name} {than} $3 AND {name} >= $4 ORDER BY {name} {order} LIMIT 1"
            ),
            floor: number(floor),
            heads: BinaryHeap::new(),
            newest_first: list.newest_first,
            last: None,
            cameras,
        };
        for of in 0..numbers.cameras.len() {
            numbers.head(self, of, beyond)?;
        }
        let one = values.add(0_i64);
        let which = format!("{of_row}={one} AND {}", theirs(&mut values));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut all = Vec::new();
        while all.len() < limit
            && let Some(n) = numbers.next(self)?
        {
            all.extend(rows(&which, values.with_first(n))?);
        }
        Ok(all)
    }
}
