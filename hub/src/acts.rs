//! Task. One act: its line in the hub's log and its rows, both or neither. Blocking.
//!
//! The line is on disk before the rows are stored, in one unit of work that also says how far log and records agree. What fails or breaks
//! off between the two leaves a line without rows: it gets an `act.fail` line, at once or at the next start, and its number is not used
//! again. So what the log says was done was done, or the log says that it was not.
//!
//! Effects (an order on its way, a task that is woken) come after the act.

use std::{cell::RefCell, ops::Deref, path::Path};

use logbook::{LogError, LogFolder};
use shared::{
    id::{ExhibitRef, HoldId},
    record::Record,
    types::{ActFail, Data, GrantSet, HoldAsk, OpAdd, RegStill, RequestOpen},
};

use crate::{
    db::{Db, DbError, Tx, numbers::Numbered},
    error::{HubError, plain},
    ownlog::{OwnLog, is_act},
};

/// In lines, for what nobody in particular did.
const HUB: &str = "sys:hub";

impl From<DbError> for HubError {
    fn from(e: DbError) -> Self {
        plain(e)
    }
}

impl From<LogError> for HubError {
    fn from(e: LogError) -> Self {
        plain(e)
    }
}

/// An act under way.
pub struct Act<'a> {
    tx: &'a Tx<'a>,
    log: &'a OwnLog,
    /// The last line of it.
    line: RefCell<Option<u64>>,
}

impl<'a> Deref for Act<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Tx<'a> {
        self.tx
    }
}

impl Act<'_> {
    /// The next number of an account.
    pub fn account_number(&self) -> Result<u64, HubError> {
        Ok(self
            .tx
            .account_number(self.log.number(self.log.handle().size()))?)
    }

    /// Writes its line and waits until that is on disk; the number that orders and rows have of it.
    pub fn log<D: Data>(&self, who: &str, data: &D) -> Result<u64, HubError> {
        const { assert!(is_act(D::KIND), "only lines of ownlog::ACTS are acts") };
        let n = self.log.write(who, data)?.n;
        *self.line.borrow_mut() = Some(n);
        Ok(self.log.number(n))
    }
}

/// Does `work` as one act. One at a time; an act is no part of another.
pub fn act<T>(
    db: &Db,
    log: &OwnLog,
    work: impl FnOnce(&Act<'_>) -> Result<T, HubError>,
) -> Result<T, HubError> {
    if db.is_within() {
        return Err(plain(
            "an act was begun within another; nothing was done. Report this as a fault in Beadle",
        ));
    }
    let mut logged = false;
    let done = db.write(|tx| {
        if log.is_unsettled() || tx.own_log(log.origin())?.is_none() {
            settle_within(tx, log)?;
        }
        let act = Act {
            tx,
            log,
            line: RefCell::default(),
        };
        let done = work(&act);
        let line = *act.line.borrow();
        logged = line.is_some();
        let done = done?;
        if let Some(n) = line {
            tx.own_log_checked(log.origin(), n + 1)?;
        }
        Ok(done)
    });
    if logged && let Err(why) = &done {
        tracing::error!("an act is on the hub's log and was not stored: {why}");
        log.unsettled(true);
        if let Err(e) = settle(db, log) {
            tracing::error!(
                "that it was not is on the log at the next act, or the next start: {e}"
            );
        }
    }
    done
}

/// Holds the log against the records: acts on it that are not stored are said to have failed. How many there were.
pub fn settle(db: &Db, log: &OwnLog) -> Result<usize, HubError> {
    db.write(|tx| settle_within(tx, log))
}

fn settle_within(tx: &Tx<'_>, log: &OwnLog) -> Result<usize, HubError> {
    let (origin, folder) = (log.origin(), log.folder());
    let Some(checked) = tx.own_log(origin)? else {
        // Records that know nothing of this log are new, or the log is. What it says was once done; its numbers are used.
        for other in folder
            .parent()
            .map(logs_in)
            .transpose()
            .map_err(plain)?
            .unwrap_or_default()
        {
            let numbers = lines(&other, 0, |r| used(tx, r));
            match numbers {
                Err(HubError::Broken(why)) if other != folder => {
                    tracing::warn!("an older log of the hub cannot be read for its numbers: {why}");
                }
                done => done?,
            }
        }
        tx.own_log_checked(origin, log.handle().size())?;
        log.unsettled(false);
        return Ok(0);
    };
    let (mut open, mut failed) = (Vec::new(), Vec::new());
    lines(&folder, checked, |r| {
        if r.kind == ActFail::KIND {
            failed.extend(r.data.get("line").and_then(|n| n.as_int()));
        } else if is_act(&r.kind) {
            open.push(log.number(r.n));
            used(tx, r)?;
        }
        Ok(())
    })?;
    open.retain(|n| !failed.contains(&(*n as i64)));
    for line in &open {
        tracing::error!(line, "what this line of the hub's log says was not done");
        let code = "not-stored".to_owned();
        log.handle().append(HUB, &ActFail { line: *line, code })?;
    }
    tx.own_log_checked(origin, log.handle().size())?;
    log.unsettled(false);
    Ok(open.len())
}

/// The number that a line gave out is not given out again.
fn used(tx: &Tx<'_>, r: &Record) -> Result<(), HubError> {
    let text = |key: &str| r.data.get(key).and_then(|v| v.as_str());
    if r.kind == RequestOpen::KIND {
        return match r.data.get("request").and_then(|v| v.as_u64()) {
            Some(n) => Ok(tx.number_used(Numbered::ClipRequest, n)?),
            None => Ok(()),
        };
    }
    let number = |text: &str| text.get(2..)?.trim_start_matches(':').parse::<u64>().ok();
    let (kind, n) = match r.kind.as_str() {
        GrantSet::KIND => (Numbered::Request, text("grant").and_then(number)),
        HoldAsk::KIND => {
            let hold = text("hold").and_then(|h| HoldId::parse(h).ok());
            (Numbered::Hold, hold.map(|h| h.0))
        }
        RegStill::KIND => {
            let exhibit = text("ref").and_then(|e| ExhibitRef::parse(e).ok());
            (Numbered::Request, exhibit.map(|e| e.number()))
        }
        OpAdd::KIND => (Numbered::Account, text("op").and_then(number)),
        _ => return Ok(()),
    };
    match n {
        Some(n) => Ok(tx.number_used(kind, n)?),
        None => Ok(()),
    }
}

/// Folders below `folder` that hold a log.
fn logs_in(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            out.push(path);
        }
    }
    Ok(out)
}

/// Every line of a log from `from` on.
pub fn lines(
    folder: &Path,
    mut from: u64,
    mut each: impl FnMut(&Record) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let mut folder = LogFolder::new(folder);
    loop {
        let bytes = folder.read_lines(from, u64::MAX, 1 << 20).map_err(plain)?;
        if bytes.is_empty() {
            return Ok(());
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            from += 1;
            if let Ok(record) = Record::parse(line) {
                each(&record)?;
            }
        }
    }
}

#[cfg(test)]
#[path = "acts_tests.rs"]
mod tests;
