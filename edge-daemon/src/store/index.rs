//! Adapter: SQLite. The derived index of the audit log: segments, gaps, masks, deletions. May be deleted; rebuilt from the log.
//!
//! It covers this box's whole series of logs (`<state>/log/1`, `/2`, …): footage of a log that ended is still on disk under a
//! number of that log. Per log it remembers how many lines it has read and the hash of the last one; when that line is not in the
//! log, or the file is damaged, or was made by another version, everything is read again. Recording does not need it.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use logbook::LogFolder;
use rusqlite::{Connection, OptionalExtension, params};
use shared::{
    id::{CameraId, HoldId},
    record::{Digest, Record, leaf_hash},
    time::{Day, Utc},
};

mod draws;
mod intake;
mod rows;
mod tables;

pub use draws::Draw;
pub use rows::{Boot, DayBytes, Gap, Hold, Logged, Segment, Unfinished};

use tables::{SCHEMA, TABLES};

/// Bytes of log read into one transaction.
const BATCH: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error(
        "the index {path} cannot be used: {source}; it may be deleted at any time, it is rebuilt from the log"
    )]
    Sqlite {
        path: String,
        #[source]
        source: rusqlite::Error,
    },
    #[error("cannot read the log: {0}")]
    Log(#[source] std::io::Error),
}

/// One thread at a time opens one. Those that were looked through and found sound in this run: with a month in it that takes a
/// second or two, and every clip that is asked for opens the index.
static SOUND: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What it says of itself when a query finds it damaged: the next that opens it looks it through.
fn failed(path: &Path, source: rusqlite::Error) -> IndexError {
    if is_damage(&source) {
        SOUND
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
    }
    IndexError::Sqlite {
        path: path.display().to_string(),
        source,
    }
}

/// Owned by one thread at a time; open another for another thread.
pub struct Index {
    path: PathBuf,
    db: Connection,
    /// Folder of all logs, and number of the current one.
    logs: PathBuf,
    number: u64,
}

impl Index {
    /// Opens the index (or makes it) and brings it up to date with the log folder (`<state>/log/<number>`).
    /// A damaged file is set aside and rebuilt.
    pub fn open(path: &Path, log: &Path) -> Result<Self, IndexError> {
        Self::open_with(path, log, |_, _| {})
    }

    /// As [`Index::open`]; `progress` is told lines read and lines there are, about every 4 MiB.
    pub fn open_with(
        path: &Path,
        log: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Self, IndexError> {
        let sqlite = |source| IndexError::Sqlite {
            path: path.display().to_string(),
            source,
        };
        let mut opening = SOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let looked_through = opening.contains(path);
        let number = log
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let logs = log.parent().unwrap_or(log).to_owned();
        let make = || {
            connect(path, !looked_through).map(|db| Self {
                path: path.into(),
                db,
                logs: logs.clone(),
                number,
            })
        };
        let sound = |index: &Self| index.matches();
        // One at a time: what one thread sets aside, no other may have just found good.
        let mut index = match make() {
            Ok(index) if sound(&index) => index,
            Err(e) if !is_damage(&e) => return Err(sqlite(e)),
            first => {
                match &first {
                    Ok(_) => {
                        tracing::warn!(path = %path.display(), "the index does not match the log; rebuilt")
                    }
                    Err(e) => {
                        tracing::warn!(path = %path.display(), error = %e, "the index is damaged; set aside and rebuilt")
                    }
                }
                let damaged = first.is_err();
                drop(first);
                set_aside(path, damaged);
                make().map_err(sqlite)?
            }
        };
        opening.insert(path.to_owned());
        drop(opening);
        index.catch_up_with(&mut progress)?;
        Ok(index)
    }

    /// Whether the last line read of each log is still in that log.
    fn matches(&self) -> bool {
        let read = |db: &Connection| -> rusqlite::Result<Vec<(u64, u64, Vec<u8>)>> {
            let mut q = db.prepare("SELECT number, size, leaf FROM log")?;
            q.query_map([], |r| Ok((uint(r, 0)?, uint(r, 1)?, r.get(2)?)))?
                .collect()
        };
        let Ok(logs) = read(&self.db) else {
            return false;
        };
        logs.iter().all(|(number, size, leaf)| {
            *size == 0
                || LogFolder::new(&self.logs.join(number.to_string()))
                    .line(size - 1)
                    .is_ok_and(|l| l.is_some_and(|l| leaf_hash(&l).as_slice() == leaf.as_slice()))
        })
    }

    /// Number of the current log.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads lines written since.
    pub fn catch_up(&mut self) -> Result<(), IndexError> {
        self.catch_up_with(&mut |_, _| {})
    }

    fn catch_up_with(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<(), IndexError> {
        for number in log_numbers(&self.logs, self.number)? {
            let mut folder = LogFolder::new(&self.logs.join(number.to_string()));
            let mut size = self.read_of(number)?;
            loop {
                let bytes = folder
                    .read_lines(size, u64::MAX, BATCH)
                    .map_err(IndexError::Log)?;
                if bytes.is_empty() {
                    break;
                }
                size = self.batch(number, size, &bytes)?;
                progress(number, size);
            }
        }
        Ok(())
    }

    fn read_of(&self, number: u64) -> Result<u64, IndexError> {
        let size = self
            .db
            .query_row(
                "SELECT size FROM log WHERE number = ?1",
                [int(number)],
                |r| uint(r, 0),
            )
            .optional();
        Ok(self.ok(size)?.unwrap_or(0))
    }

    /// Adds whole lines in one transaction; returns the number of the line after them. When another thread's index was faster,
    /// nothing is added and its count is returned.
    fn batch(&mut self, number: u64, mut n: u64, bytes: &[u8]) -> Result<u64, IndexError> {
        let path = self.path.clone();
        let sqlite = |source| failed(&path, source);
        let tx = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let read = tx
            .query_row(
                "SELECT size FROM log WHERE number = ?1",
                [int(number)],
                |r| uint(r, 0),
            )
            .optional()
            .map_err(sqlite)?
            .unwrap_or(0);
        if read != n {
            return Ok(read);
        }
        let mut leaf = [0u8; 32];
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            leaf = leaf_hash(line);
            // A line that is no record is the verifier's business; here it only counts.
            if let Ok(record) = Record::parse(line) {
                intake::add(&tx, number, n, &record).map_err(sqlite)?;
            }
            n += 1;
        }
        tx.execute("INSERT INTO log VALUES (?1, ?2, ?3) ON CONFLICT (number) DO UPDATE SET size = ?2, leaf = ?3", params![int(number), int(n), leaf.as_slice()])
            .map_err(sqlite)?;
        tx.commit().map_err(sqlite)?;
        Ok(n)
    }

    fn ok<T>(&self, r: rusqlite::Result<T>) -> Result<T, IndexError> {
        r.map_err(|source| failed(&self.path, source))
    }

    fn segments(
        &self,
        filter: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<Segment>, IndexError> {
        let sql = format!(
            "SELECT log, n, cam, s, t0, t1, size, sha256, mask, key, leaf, deleted, lost, boot, mono, day FROM segment WHERE {filter} ORDER BY cam, s"
        );
        self.ok((|| {
            let mut q = self.db.prepare_cached(&sql)?;
            q.query_map(params, segment)?.collect()
        })())
    }

    /// Segments of a camera that touch [t0, t1), in order, deleted ones left out.
    pub fn touching(&self, cam: &CameraId, t0: Utc, t1: Utc) -> Result<Vec<Segment>, IndexError> {
        self.segments(
            "cam = ?1 AND t1 > ?2 AND t0 < ?3 AND deleted = 0",
            params![cam.as_str(), t0.0, t1.0],
        )
    }
    /// The same, with those that were deleted.
    pub fn ever_touching(
        &self,
        cam: &CameraId,
        t0: Utc,
        t1: Utc,
    ) -> Result<Vec<Segment>, IndexError> {
        self.segments(
            "cam = ?1 AND t1 > ?2 AND t0 < ?3",
            params![cam.as_str(), t0.0, t1.0],
        )
    }
    /// Segments sealed with a key id (e.g. `c03/2026-11-03`), in order, deleted ones too.
    pub fn of_key(&self, key: &str) -> Result<Vec<Segment>, IndexError> {
        self.segments("key = ?1", [key])
    }
    /// All segments of a camera that are not deleted, in order.
    pub fn live(&self, cam: &CameraId) -> Result<Vec<Segment>, IndexError> {
        self.segments("cam = ?1 AND deleted = 0", [cam.as_str()])
    }
    /// Every segment of a camera there ever was a line for, in order.
    pub fn logged(&self, cam: &CameraId) -> Result<Vec<Logged>, IndexError> {
        self.ok((|| {
            let mut q = self.db.prepare_cached(
                "SELECT s, t0, key LIKE '%/boot-%', deleted = 0 AND lost = 0 FROM segment WHERE cam = ?1 ORDER BY s",
            )?;
            q.query_map([cam.as_str()], |r| {
                Ok(Logged {
                    s: uint(r, 0)?,
                    t0: Utc(r.get(1)?),
                    boot_key: r.get(2)?,
                    live: r.get(3)?,
                })
            })?
            .collect()
        })())
    }

    /// What is on disk by camera and UTC day.
    pub fn bytes_by_day(&self) -> Result<Vec<DayBytes>, IndexError> {
        self.ok((|| {
            let mut q = self.db.prepare_cached(
                "SELECT cam, t0 / 86400000, SUM(size), SUM(MAX(t1 - t0, 0)) FROM segment WHERE deleted = 0 AND lost = 0 GROUP BY 1, 2 ORDER BY 1, 2",
            )?;
            q.query_map([], |r| {
                Ok(DayBytes {
                    cam: camera(r, 0)?,
                    day: r.get(1)?,
                    bytes: uint(r, 2)?,
                    ms: uint(r, 3)?,
                })
            })?
            .collect()
        })())
    }

    /// One segment.
    pub fn segment(&self, cam: &CameraId, s: u64) -> Result<Option<Segment>, IndexError> {
        Ok(self
            .segments("cam = ?1 AND s = ?2", params![cam.as_str(), int(s)])?
            .pop())
    }
    /// Cameras that have ever recorded.
    pub fn cameras(&self) -> Result<Vec<CameraId>, IndexError> {
        Ok(self.last()?.into_iter().map(|(cam, _, _)| cam).collect())
    }

    /// Gaps of a camera that touch [t0, t1), in order.
    pub fn gaps(&self, cam: &CameraId, t0: Utc, t1: Utc) -> Result<Vec<Gap>, IndexError> {
        self.ok((|| {
            let mut q = self.db.prepare_cached("SELECT log, n, cam, next, t0, t1, why, packets FROM gap WHERE cam = ?1 AND t1 > ?2 AND t0 < ?3 ORDER BY log, n")?;
            q.query_map(params![cam.as_str(), t0.0, t1.0], |r| {
                Ok(Gap { log: uint(r, 0)?, n: uint(r, 1)?, cam: camera(r, 2)?, next: uint(r, 3)?, t0: Utc(r.get(4)?), t1: Utc(r.get(5)?), why: r.get(6)?, packets: uint(r, 7)? })
            })?
            .collect()
        })())
    }

    /// Last segment logged per camera.
    pub fn last(&self) -> Result<Vec<(CameraId, u64, Utc)>, IndexError> {
        self.ok((|| {
            let mut q = self
                .db
                .prepare_cached("SELECT cam, MAX(s), t1 FROM segment GROUP BY cam ORDER BY cam")?;
            q.query_map([], |r| Ok((camera(r, 0)?, uint(r, 1)?, Utc(r.get(2)?))))?
                .collect()
        })())
    }

    /// What a camera is called, and where it stands, by the newest `cam.set` of the current log.
    pub fn called(&self, cam: &CameraId) -> Result<Option<(String, String)>, IndexError> {
        let row = self.db.query_row(
            "SELECT title, site FROM name WHERE log = ?1 AND cam = ?2",
            params![int(self.number), cam.as_str()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        );
        self.ok(row.optional())
    }

    /// The certificates taken for cameras' own, by the newest `cam.accept` of the current log.
    pub fn accepted(&self) -> Result<Vec<(CameraId, String)>, IndexError> {
        self.ok((|| {
            let mut q = self
                .db
                .prepare_cached("SELECT cam, cert FROM accepted WHERE log = ?1 ORDER BY cam")?;
            q.query_map([int(self.number)], |r| Ok((camera(r, 0)?, r.get(1)?)))?
                .collect()
        })())
    }

    /// `del.range` lines of the current log without their `del.done`.
    pub fn unfinished_deletions(&self) -> Result<Vec<Unfinished>, IndexError> {
        self.ok((|| {
            let mut q = self.db.prepare_cached("SELECT n, cam, day, s0, s1, key, early FROM deletion WHERE done = 0 AND log = ?1 ORDER BY n")?;
            q.query_map([int(self.number)], |r| {
                let day: String = r.get(2)?;
                let day = Day::parse(&day).map_err(|e| unreadable(2, e))?;
                Ok(Unfinished { n: uint(r, 0)?, cam: camera(r, 1)?, day, s0: uint(r, 3)?, s1: uint(r, 4)?, key: r.get(5)?, early: r.get::<_, i64>(6)? != 0 })
            })?
            .collect()
        })())
    }

    /// Keys of footage that went before its day, which live on until their day: camera, day, key.
    pub fn outliving(&self) -> Result<Vec<(CameraId, Day, String)>, IndexError> {
        self.ok((|| {
            let mut q = self.db.prepare_cached(
                "SELECT cam, day, key FROM deletion AS e WHERE early = 1 AND done = 1
                 AND NOT EXISTS (SELECT 1 FROM deletion WHERE key = e.key AND early = 0) GROUP BY key ORDER BY day",
            )?;
            q.query_map([], |r| {
                let day: String = r.get(1)?;
                let day = Day::parse(&day).map_err(|e| unreadable(1, e))?;
                Ok((camera(r, 0)?, day, r.get(2)?))
            })?
            .collect()
        })())
    }

    fn holds_where(
        &self,
        filter: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<Hold>, IndexError> {
        let sql = format!(
            "SELECT hold, cam, t0, t1, until, kept, cleared FROM hold WHERE {filter} ORDER BY hold"
        );
        self.ok((|| {
            let mut q = self.db.prepare_cached(&sql)?;
            q.query_map(params, |r| {
                let hold: String = r.get(0)?;
                let hold = HoldId::parse(&hold).map_err(|e| unreadable(0, e))?;
                let cleared: Option<i64> = r.get(6)?;
                Ok(Hold {
                    hold,
                    cam: camera(r, 1)?,
                    t0: Utc(r.get(2)?),
                    t1: Utc(r.get(3)?),
                    until: Utc(r.get(4)?),
                    kept: r.get(5)?,
                    over: cleared.is_some(),
                    cleared: cleared.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                })
            })?
            .collect()
        })())
    }

    /// Holds in force.
    pub fn holds(&self) -> Result<Vec<Hold>, IndexError> {
        self.holds_where("cleared IS NULL", [])
    }

    /// A hold that ever was.
    pub fn hold(&self, hold: HoldId) -> Result<Option<Hold>, IndexError> {
        Ok(self.holds_where("hold = ?1", [hold.to_string()])?.pop())
    }

    /// Holds that are over and whose copies may still be there.
    pub fn uncleared(&self) -> Result<Vec<Hold>, IndexError> {
        self.holds_where("cleared IS NOT NULL AND done = 0", [])
    }

    /// What is known of the clock of each start, oldest first.
    pub fn boots(&self) -> Result<Vec<Boot>, IndexError> {
        self.ok((|| {
            let mut q = self
                .db
                .prepare_cached("SELECT boot, t, mono, known FROM boot ORDER BY boot")?;
            let mut boots: Vec<Boot> = q
                .query_map([], |r| {
                    Ok(Boot {
                        boot: uint(r, 0)?,
                        t: Utc(r.get(1)?),
                        mono: uint(r, 2)?,
                        known: r.get(3)?,
                        steps: Vec::new(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let mut q = self
                .db
                .prepare_cached("SELECT boot, mono, delta FROM step ORDER BY boot, mono")?;
            let steps: Vec<(u64, u64, i64)> = q
                .query_map([], |r| Ok((uint(r, 0)?, uint(r, 1)?, r.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            for (boot, mono, delta) in steps {
                if let Some(b) = boots.iter_mut().find(|b| b.boot == boot) {
                    b.steps.push((mono, delta));
                }
            }
            Ok(boots)
        })())
    }

    /// Segments and lines there are, for whoever rebuilds it by hand.
    pub fn counts(&self) -> Result<(u64, u64), IndexError> {
        self.ok(self.db.query_row(
            "SELECT (SELECT COUNT(*) FROM segment), (SELECT COALESCE(SUM(size), 0) FROM log)",
            [],
            |r| Ok((uint(r, 0)?, uint(r, 1)?)),
        ))
    }
}

fn connect(path: &Path, look_through: bool) -> rusqlite::Result<Connection> {
    let mut db = Connection::open(path)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    // Looked at and made as one: several threads open a new index at the same time.
    let making = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = making.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if version == 0 {
        making.execute_batch(TABLES)?;
        making.pragma_update(None, "user_version", SCHEMA)?;
    }
    making.commit()?;
    if version != 0 && version != SCHEMA {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_SCHEMA),
            Some(format!("made by another version ({version})")),
        ));
    }
    if !look_through {
        return Ok(db);
    }
    let sound: String = db.pragma_query_value(None, "quick_check", |r| r.get(0))?;
    if sound == "ok" {
        Ok(db)
    } else {
        Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(sound),
        ))
    }
}

/// Whether the file itself is to blame, not a lock, a missing folder or a full disk.
fn is_damage(e: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SchemaChanged};
    matches!(
        e.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase | SchemaChanged)
    )
}

/// Moves a damaged file out of the way for whoever looks into it; one that merely does not match is removed.
fn set_aside(path: &Path, damaged: bool) {
    let name = path.display().to_string();
    for end in ["", "-wal", "-shm"] {
        let file = format!("{name}{end}");
        let gone = if damaged && end.is_empty() {
            fs::rename(&file, format!("{name}.damaged"))
        } else {
            fs::remove_file(&file)
        };
        if let Err(e) = gone
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(file, error = %e, "cannot be moved out of the way");
        }
    }
}

fn log_numbers(logs: &Path, current: u64) -> Result<Vec<u64>, IndexError> {
    let mut numbers = Vec::new();
    match fs::read_dir(logs) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(IndexError::Log)?;
                if let Some(n) = entry
                    .file_name()
                    .to_str()
                    .and_then(|n| n.parse::<u64>().ok())
                    && n <= current
                {
                    numbers.push(n);
                }
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(IndexError::Log(e)),
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// SQLite's integers are signed; all counters here stay far below 2^53.
fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
fn uint(r: &rusqlite::Row<'_>, i: usize) -> rusqlite::Result<u64> {
    r.get::<_, i64>(i).map(|n| u64::try_from(n).unwrap_or(0))
}
fn camera(r: &rusqlite::Row<'_>, i: usize) -> rusqlite::Result<CameraId> {
    let text: String = r.get(i)?;
    CameraId::parse(&text).map_err(|e| unreadable(i, e))
}
fn unreadable(i: usize, e: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(i, rusqlite::types::Type::Text, Box::new(e))
}

fn segment(r: &rusqlite::Row<'_>) -> rusqlite::Result<Segment> {
    let leaf: Vec<u8> = r.get(10)?;
    let day: String = r.get(15)?;
    Ok(Segment {
        day: Day::parse(&day).map_err(|e| unreadable(15, e))?,
        log: uint(r, 0)?,
        n: uint(r, 1)?,
        cam: camera(r, 2)?,
        s: uint(r, 3)?,
        t0: Utc(r.get(4)?),
        t1: Utc(r.get(5)?),
        size: uint(r, 6)?,
        sha256: r.get(7)?,
        mask: r.get(8)?,
        key: r.get(9)?,
        leaf: Digest::try_from(leaf.as_slice()).unwrap_or_default(),
        deleted: r.get(11)?,
        lost: r.get(12)?,
        boot: uint(r, 13)?,
        mono: uint(r, 14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At a first start several threads open the index at once: none takes another's half-made file for a damaged one.
    #[test]
    fn many_may_open_a_new_index_at_once() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, log) = (
            folder.path().join("index.sqlite"),
            folder.path().join("log/1"),
        );
        fs::create_dir_all(&log).expect("log");
        let open = || Index::open(&path, &log).expect("opened");
        std::thread::scope(|s| {
            let threads: Vec<_> = (0..8).map(|_| s.spawn(open)).collect();
            let all: Vec<Index> = threads
                .into_iter()
                .map(|t| t.join().expect("thread"))
                .collect();
            // What one writes, all see.
            all[0]
                .db
                .execute("INSERT INTO log VALUES (1, 7, x'00')", [])
                .expect("written");
            for index in &all {
                assert_eq!(index.read_of(1).expect("read"), 7);
            }
        });
        assert!(!folder.path().join("index.sqlite.damaged").exists());
    }

    /// Only a file that is to blame is set aside.
    #[test]
    fn a_damaged_index_is_set_aside_and_a_missing_folder_is_not_blamed_on_it() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, log) = (
            folder.path().join("index.sqlite"),
            folder.path().join("log/1"),
        );
        fs::create_dir_all(&log).expect("log");
        fs::write(&path, vec![7u8; 9000]).expect("rubbish");
        Index::open(&path, &log).expect("made anew");
        assert!(folder.path().join("index.sqlite.damaged").exists());
        let nowhere = folder.path().join("no/such/index.sqlite");
        assert!(matches!(
            Index::open(&nowhere, &log),
            Err(IndexError::Sqlite { .. })
        ));
    }
}
