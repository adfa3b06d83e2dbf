//! Task. Tables that lag behind the logs they are made of, brought up to them from the copies: after a crash, or when they were dropped.
//! Blocking.

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::LogFolder;
use shared::{id::BoxName, note::Cosigned, record::Record, time::Utc};

use super::{BoxLogs, CountersignedLines, Log, LogRefusal, lock, ours};
use crate::db::DbError;

/// Bytes of lines that are read at once to make an index anew.
const CAUGHT_UP: usize = 1 << 20;

/// What is held of a log.
pub(super) struct HeldLog<'a> {
    origin: &'a str,
    name: &'a BoxName,
    folder: &'a std::path::Path,
    size: u64,
    /// base64
    root: String,
    /// When that was countersigned; None: it is not, or not by this hub.
    at: Option<Utc>,
}

impl<'a> HeldLog<'a> {
    pub fn of(arrived: &'a CountersignedLines) -> Self {
        Self {
            origin: &arrived.origin,
            name: &arrived.name,
            folder: &arrived.folder,
            size: arrived.size,
            root: arrived.root.clone(),
            at: Some(arrived.at),
        }
    }
}

impl BoxLogs {
    /// Brings the records and the index up to what the copy holds (after a crash between storing and indexing, or when dropped).
    pub(super) fn catch_up(&self, held: &HeldLog<'_>) -> Result<(), DbError> {
        let (origin, name) = (held.origin, held.name);
        let row = |e: std::io::Error| DbError::Row(format!("{origin}: {e}"));
        let mut from = self.db.indexed(origin)?;
        if from > held.size {
            self.db.unindex(origin)?;
            from = 0;
        }
        let mut folder = LogFolder::new(held.folder);
        while from < held.size {
            let bytes = folder.read_lines(from, held.size, CAUGHT_UP).map_err(row)?;
            if bytes.is_empty() {
                break;
            }
            let records: Vec<Record> = bytes
                .split_inclusive(|b| *b == b'\n')
                .filter_map(|l| Record::parse(l).ok())
                .collect();
            from += bytes.iter().filter(|b| **b == b'\n').count() as u64;
            if self.db.index(origin, name, &records)? {
                self.live.deleted(name);
            }
        }
        if let (Some(at), Some(record)) = (held.at, self.db.log(origin)?)
            && record.size != held.size
        {
            self.db.log_grew(origin, held.size, &held.root, at)?;
        }
        Ok(())
    }

    /// The same of a log that is open.
    pub(super) fn catch_up_open(
        &self,
        origin: &str,
        name: &BoxName,
        log: &Log,
    ) -> Result<(), DbError> {
        let time = log.copy.cosigned().map_or(Cosigned::Absent, |h| {
            h.check_cosigned(self.keys.cosign_vkey())
        });
        let at = match time {
            Cosigned::Good { time } => Some(Utc(i64::try_from(time).unwrap_or(0) * 1000)),
            _ => None,
        };
        self.catch_up(&HeldLog {
            origin,
            name,
            folder: log.copy.folder(),
            size: log.copy.size(),
            root: STANDARD.encode(log.copy.root()),
            at,
        })
    }

    /// Brings the index of every log up to its copy: of boxes that do not come by themselves, too.
    pub fn catch_up_all(&self) -> Result<(), LogRefusal> {
        for l in self.db.logs().map_err(ours)? {
            let Ok(name) = BoxName::parse(&l.r#box) else {
                continue;
            };
            // What a power cut undid in the records is less than the copy has.
            let head = LogFolder::new(&self.folder(&name, l.number)).head("head.note");
            let size = match head {
                Ok(head) => head.map_or(0, |h| h.head.size),
                Err(_) => l.size,
            };
            if size == 0 || self.db.indexed(&l.origin).map_err(ours)? == size {
                continue;
            }
            let log = lock(&self.open)
                .entry(l.origin.clone())
                .or_default()
                .clone();
            let mut slot = lock(&log);
            match self.opened(&l.origin, &name, l.number, &mut slot) {
                Ok(open) => self.catch_up_open(&l.origin, &name, open).map_err(ours)?,
                Err(e) => tracing::error!(log = l.origin, "its index was not made: {}", e.why),
            }
        }
        Ok(())
    }
}
