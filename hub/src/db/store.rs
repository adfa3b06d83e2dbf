//! Adapter: SQLite. The connections to `hub.sqlite`: one that writes, a few that read, and the unit of work.
//!
//! Statements are written in the subset that SQLite and PostgreSQL share: parameters are `$1`, `$2` …, and what is there already is met by
//! `ON CONFLICT`. Only this file knows that SQLite numbers its parameters with another sign.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use rusqlite::{
    CachedStatement, Connection, OpenFlags, Params, Row,
    backup::{Backup, StepResult},
};

use super::DbError;

/// Connections that read. Pages and commands share them; whoever finds all of them in use waits for one.
const READERS: usize = 4;
/// Statements a connection keeps prepared: about as many as there are.
const STATEMENTS: usize = 256;
/// Pages of a copy that are read in one go.
const COPIED_AT_ONCE: i32 = 4096;
/// How long a connection waits for another process, as `beadle-hub init` beside a running hub is one.
const BUSY: Duration = Duration::from_secs(10);

/// What is derived gives way to others who write, for so long at most at a time.
const GIVE_WAY: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// A connection, and statements in the words that both engines know.
pub struct Sql(
    Connection,
    #[cfg(test)] Mutex<std::collections::BTreeSet<String>>,
);

impl Sql {
    fn over(connection: Connection) -> Self {
        Self(
            connection,
            #[cfg(test)]
            Mutex::default(),
        )
    }

    pub fn execute(&self, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(values)
    }

    pub fn query_row<T>(
        &self,
        sql: &str,
        values: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare(sql)?.query_row(values, row)
    }

    pub fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        // `$1` is a name to SQLite, numbered by where it first stands; `?1` is the number.
        let sql = sql.replace('$', "?");
        #[cfg(test)]
        lock(&self.1).insert(sql.clone());
        self.0.prepare_cached(&sql)
    }

    /// Steps that its statements have taken so far.
    #[cfg(test)]
    fn steps(&self) -> u64 {
        let all = lock(&self.1).clone();
        let steps = all.iter().map(|sql| {
            let statement = self.0.prepare_cached(sql).expect("a statement");
            u64::try_from(statement.get_status(rusqlite::StatementStatus::VmStep)).unwrap_or(0)
        });
        steps.sum()
    }

    pub fn execute_batch(&self, sql: &str) -> rusqlite::Result<()> {
        self.0.execute_batch(sql)
    }
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in one statement leaves SQLite's own transaction to roll back.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All connections of a hub.
pub struct Store {
    path: PathBuf,
    /// Whoever has it is the one that writes.
    turn: Mutex<()>,
    /// How many wait for it, but for those that give way.
    waiting: AtomicUsize,
    writer: Mutex<Sql>,
    /// The thread within a unit of work.
    within: Mutex<Option<ThreadId>>,
    readers: Vec<Mutex<Sql>>,
    next: AtomicUsize,
}

/// The writing connection, for one or a few statements.
pub struct WritingConnection<'a> {
    sql: MutexGuard<'a, Sql>,
    /// None within a unit of work, which has it already.
    _turn: Option<MutexGuard<'a, ()>>,
}

impl Deref for WritingConnection<'_> {
    type Target = Sql;

    fn deref(&self) -> &Sql {
        &self.sql
    }
}

impl Store {
    /// `prepare` brings the records to this program's version, before anybody reads.
    pub fn open(
        path: &Path,
        prepare: impl FnOnce(&mut Connection) -> Result<(), DbError>,
    ) -> Result<Self, DbError> {
        let mut writer = Connection::open(path)?;
        writer.busy_timeout(BUSY)?;
        // FULL: what was answered "done" survives a power cut. secure_delete: an erased name is overwritten.
        writer.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;")?;
        prepare(&mut writer)?;
        writer.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let reader = Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            reader.busy_timeout(BUSY)?;
            reader.set_prepared_statement_cache_capacity(STATEMENTS);
            readers.push(Mutex::new(Sql::over(reader)));
        }
        Ok(Self {
            path: path.to_owned(),
            turn: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            writer: Mutex::new(Sql::over(writer)),
            within: Mutex::new(None),
            readers,
            next: AtomicUsize::new(0),
        })
    }

    /// Steps of SQLite's that all statements have taken so far.
    #[cfg(test)]
    pub fn steps(&self) -> u64 {
        let readers: u64 = self.readers.iter().map(|r| lock(r).steps()).sum();
        readers + lock(&self.writer).steps()
    }

    /// Whether this thread is within a unit of work: then all it reads and writes is of it.
    pub fn is_within(&self) -> bool {
        *lock(&self.within) == Some(thread::current().id())
    }

    /// For statements that read: what has been committed, or what this thread's own unit of work has written.
    pub fn read(&self) -> MutexGuard<'_, Sql> {
        if self.is_within() {
            return lock(&self.writer);
        }
        for reader in &self.readers {
            if let Ok(free) = reader.try_lock() {
                return free;
            }
        }
        // All are in use: their users are waited for by turns.
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        match self.readers.get(n % READERS) {
            Some(reader) => lock(reader),
            None => lock(&self.writer),
        }
    }

    /// For one statement that writes, alone or within this thread's unit of work.
    pub fn write(&self) -> WritingConnection<'_> {
        let turn = (!self.is_within()).then(|| self.turn());
        WritingConnection {
            sql: lock(&self.writer),
            _turn: turn,
        }
    }

    /// All that `work` writes, or nothing of it. One at a time; one within another is part of it.
    pub fn unit<T, E: From<DbError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.is_within() {
            return self.between(
                "SAVEPOINT part",
                "RELEASE part",
                "ROLLBACK TO part; RELEASE part",
                work,
            );
        }
        let _turn = self.turn();
        self.between("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", || {
            let _within = Within::begin(&self.within);
            work()
        })
    }

    /// The same of what is derived: it waits until nobody else does (a mutex would hand itself to whoever asks again at once), and is not
    /// synced by itself. Within a unit of work it is part of it.
    pub fn derived<T>(&self, work: impl FnOnce() -> Result<T, DbError>) -> Result<T, DbError> {
        if self.is_within() {
            return self.unit(work);
        }
        let since = Instant::now();
        while self.waiting.load(Ordering::Acquire) > 0 && since.elapsed() < GIVE_WAY {
            thread::sleep(LOOK_AGAIN);
        }
        let _turn = lock(&self.turn);
        self.between(
            "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE",
            "COMMIT; PRAGMA synchronous=FULL",
            "ROLLBACK; PRAGMA synchronous=FULL",
            || {
                let _within = Within::begin(&self.within);
                work()
            },
        )
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let turn = lock(&self.turn);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        turn
    }

    fn between<T, E: From<DbError>>(
        &self,
        begin: &str,
        end: &str,
        back: &str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |sql: &str| lock(&self.writer).execute_batch(sql).map_err(DbError::from);
        run(begin)?;
        let undo = Undo { store: self, back };
        let done = work()?;
        run(end)?;
        std::mem::forget(undo);
        Ok(done)
    }

    /// A copy of one moment, page by page; `then` is done in that moment, while nobody writes. Readers and the writer go on while it is copied.
    pub fn copy_all<T, E: From<DbError>>(
        &self,
        to: &Path,
        then: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let open = || -> Result<(Connection, Connection), DbError> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let from = Connection::open_with_flags(&self.path, flags)?;
            from.busy_timeout(BUSY)?;
            Ok((from, Connection::open(to)?))
        };
        let (from, mut copy) = open()?;
        let look = "SELECT COUNT(*) FROM sqlite_master";
        let done = {
            let _turn = self.turn();
            // The moment is that of the first statement that reads.
            let begin = || -> rusqlite::Result<i64> {
                from.execute_batch("BEGIN")?;
                from.query_row(look, [], |r| r.get(0))
            };
            begin().map_err(DbError::from)?;
            then()?
        };
        let mut copied = || -> rusqlite::Result<()> {
            let pages = Backup::new(&from, &mut copy)?;
            loop {
                match pages.step(COPIED_AT_ONCE)? {
                    StepResult::Done => return Ok(()),
                    StepResult::More => {}
                    // Somebody else has the file for a moment.
                    _ => thread::sleep(LOOK_AGAIN),
                }
            }
        };
        copied().map_err(DbError::from)?;
        Ok(done)
    }

    /// Empties SQLite's journal: what was overwritten in the records is in it no more. Nobody reads meanwhile.
    pub fn empty_journal(&self) -> Result<(), DbError> {
        let _readers: Vec<MutexGuard<'_, Sql>> = self.readers.iter().map(lock).collect();
        let sql = self.write();
        // It answers with a row.
        Ok(sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}

/// Marks the thread that is within a unit of work, until it is dropped.
struct Within<'a>(&'a Mutex<Option<ThreadId>>);

impl<'a> Within<'a> {
    fn begin(within: &'a Mutex<Option<ThreadId>>) -> Self {
        *lock(within) = Some(thread::current().id());
        Self(within)
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        *lock(self.0) = None;
    }
}

/// Takes back what a unit of work has written, if it does not come to its end.
struct Undo<'a> {
    store: &'a Store,
    back: &'a str,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Err(e) = lock(&self.store.writer).execute_batch(self.back) {
            tracing::error!("what was half written in hub.sqlite could not be taken back: {e}");
        }
    }
}
