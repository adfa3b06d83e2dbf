//! Adapter: SQLite. Opens `hub.sqlite`; each table group has its file here.

use std::{ops::Deref, path::Path};

use rusqlite::{
    Connection, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

pub mod approvals;
pub mod backups;
pub mod batch;
pub mod boxes;
pub mod clip_requests;
pub mod declarations;
pub mod disks;
pub mod disposal;
pub mod factors;
pub mod faults;
pub mod footage;
pub mod grants;
pub mod hands;
pub mod holds;
pub mod lifts;
pub mod lines;
pub mod logs;
mod migrate;
pub mod moves;
pub mod numbers;
pub mod own_lines;
mod pages;
pub mod register;
mod reports;
pub mod requests;
pub mod retention;
pub mod reviews;
pub mod rolled;
pub mod sessions;
pub mod spans;
pub mod spots;
pub mod staff;
mod store;
pub mod tokens;
pub mod touches;
pub mod visible;

use store::{Sql, Store};

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the hub's records (hub.sqlite) cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "the hub's records (hub.sqlite) are version {found}; this program knows version {known}: install the newer program"
    )]
    Newer { found: i64, known: i64 },
    #[error("a row of the hub's records cannot be read: {0}")]
    Row(String),
    #[error("the numbers of {0} are used up; nothing was done. Report this as a fault in Beadle")]
    Numbers(&'static str),
}

/// Whether a number that somebody names can be one of a row's at all. Greater ones are of nothing, and no statement can ask for them.
fn may_be(n: u64) -> bool {
    i64::try_from(n).is_ok()
}

/// Of the derived tables.
const DERIVED: i64 = 11;
/// Their names. Every row names the log it comes from.
const DERIVED_TABLES: [&str; 13] = [
    "segments",
    "spans",
    "gaps",
    "cameras",
    "clips",
    "names",
    "days",
    "certificates",
    "clocks",
    "spots",
    "odd_lines",
    "own_lines",
    "own_read",
];

/// The hub's records. Calls block: use `spawn_blocking` from async code.
pub struct Db {
    store: Store,
}

/// Within a unit of work: what only there can be done.
pub struct Tx<'a> {
    db: &'a Db,
}

impl Deref for Tx<'_> {
    type Target = Db;

    fn deref(&self) -> &Db {
        self.db
    }
}

impl Db {
    pub fn open(state: &Path) -> Result<Self, DbError> {
        let store = Store::open(&state.join("hub.sqlite"), |connection| {
            migrate::migrate(connection)?;
            derive(connection)
        })?;
        Ok(Self { store })
    }

    /// One unit of work: all that it writes is stored, or nothing of it. One at a time. What this thread asks of the records meanwhile,
    /// by whatever way, is of the unit.
    pub fn write<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.unit(|| work(&Tx { db: self }))
    }

    /// Whether this thread is within a unit of work.
    pub fn is_within(&self) -> bool {
        self.store.is_within()
    }

    /// Steps of SQLite's that all statements have taken so far: the work that was done, whatever the machine.
    #[cfg(test)]
    pub fn steps(&self) -> u64 {
        self.store.steps()
    }

    /// The same for the statements of one function here.
    fn whole<T>(&self, work: impl FnOnce(&Sql) -> Result<T, DbError>) -> Result<T, DbError> {
        self.store.unit(|| work(&self.store.write()))
    }

    /// The same of what can be made again from the logs' copies: it gives way to whoever else wants to write, and a power cut may undo it.
    fn derived<T>(&self, work: impl FnOnce(&Sql) -> Result<T, DbError>) -> Result<T, DbError> {
        self.store.derived(|| work(&self.store.write()))
    }
}

impl DbError {
    /// It is one row that cannot be read, not the records as a whole.
    pub(crate) fn of_a_row(&self) -> bool {
        match self {
            DbError::Row(_) => true,
            DbError::Sqlite(e) => matches!(
                e,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
            ),
            DbError::Newer { .. } | DbError::Numbers(_) => false,
        }
    }
}

/// The rows that can be read. One that cannot, whoever it is from, is left out and said in the journal: it is no reason to show nobody
/// anything.
fn readable<T>(
    of: &str,
    rows: impl Iterator<Item = Result<T, DbError>>,
) -> Result<Vec<T>, DbError> {
    let mut out = Vec::new();
    for row in rows {
        match row {
            Ok(row) => out.push(row),
            Err(e) if e.of_a_row() => {
                tracing::warn!("a row of {of} in hub.sqlite was left out: {e}")
            }
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}

/// The same of rows that SQLite gives as they are.
fn plain_rows<T>(
    of: &str,
    rows: impl Iterator<Item = rusqlite::Result<T>>,
) -> Result<Vec<T>, DbError> {
    readable(of, rows.map(|r| r.map_err(DbError::from)))
}

/// Drops derived tables of another version; the logs' copies fill the new ones.
fn derive(connection: &mut Connection) -> Result<(), DbError> {
    let t = connection.transaction()?;
    let version: Option<i64> = t.query_row("SELECT MAX(version) FROM derived", [], |r| r.get(0))?;
    if version != Some(DERIVED) {
        for table in DERIVED_TABLES {
            t.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
        }
        t.execute("UPDATE logs SET indexed=0", [])?;
        t.execute("DELETE FROM derived", [])?;
        t.execute("INSERT INTO derived (version) VALUES (?)", [DERIVED])?;
    }
    t.execute_batch(include_str!("derived.sql"))?;
    Ok(t.commit()?)
}

/// The statement that adds a row, or, where there is one of that key, writes all of it anew.
fn upsert(table: &str, columns: &str, key: &str) -> String {
    let names: Vec<&str> = columns.split(',').map(str::trim).collect();
    let marks: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    let keys: Vec<&str> = key.split(',').map(str::trim).collect();
    let rest = names.iter().filter(|name| !keys.contains(name));
    let set: Vec<String> = rest.map(|name| format!("{name}=excluded.{name}")).collect();
    format!(
        "INSERT INTO {table} ({columns}) VALUES ({}) ON CONFLICT ({key}) DO UPDATE SET {}",
        marks.join(", "),
        set.join(", ")
    )
}

/// A count in a row. SQLite's whole numbers are signed; counts in Beadle stay below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct N(u64);

impl ToSql for N {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        i64::try_from(self.0)
            .map(ToSqlOutput::from)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
    }
}

impl FromSql for N {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let n = i64::column_result(value)?;
        u64::try_from(n)
            .map(N)
            .map_err(|_| FromSqlError::OutOfRange(n))
    }
}
