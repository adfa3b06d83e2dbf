//! Task. One log as it comes in over one stream: lines, then a head, countersigned or refused. Blocking.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::CopyError;
use shared::{id, note::SignedHead, types::BoxReplace, wire};

use super::{
    CountersignedLines, LATER, Log, LogRefusal, NO_SUCCESSOR, OVER_BUDGET, Stream, TWICE,
    behind::HeldLog,
    budget::{self, NoPlace, RoomWanted},
    lock, ours, refused, successor,
};
use crate::db::batch::BatchOutcome;

impl Stream {
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, LogRefusal>,
    ) -> Result<T, LogRefusal> {
        let mut slot = lock(&self.log);
        let log = slot.as_mut().ok_or_else(|| ours("the log is not open"))?;
        if log.turn != self.turn {
            return Err(refused(
                "REPLACED",
                "a newer connection of this box sends its log now",
            ));
        }
        work(log)
    }

    /// Whole lines, each with its LF.
    pub fn lines(&self, bytes: &[u8]) -> Result<(), LogRefusal> {
        self.with(|log| {
            let origin = self.origin.as_str();
            let later = |log: &mut Log, why: String| {
                log.copy.forget_pending();
                self.logs.raise_on(log, origin, OVER_BUDGET, &why);
                Err(refused(LATER, why))
            };
            if let Err(NoPlace { why, until }) = self.logs.room_for(&self.name, bytes.len() as u64)
            {
                if let Some(room) = until {
                    lock(&self.logs.waiting).insert(self.name.clone(), room);
                }
                if until == Some(RoomWanted::NotFull) {
                    // Whoever's disk it is has the fault.
                    log.copy.forget_pending();
                    return Err(refused(wire::NO_ROOM, why));
                }
                return later(log, why);
            }
            match log.copy.lines(bytes) {
                Ok(_) => match log.copy.ahead().remembered() {
                    (cams, _) if cams > budget::CAMERAS => later(
                        log,
                        format!("this log speaks of more than {} cameras", budget::CAMERAS),
                    ),
                    _ => Ok(()),
                },
                Err(CopyError::Refused { refusal, why }) => Err(self.refuse(log, refusal, why)),
                Err(e) => Err(ours(e)),
            }
        })
    }

    /// Puts on the record that something of the log is not taken.
    fn refuse(&self, log: &mut Log, refusal: logbook::Refusal, why: String) -> LogRefusal {
        match refusal.convicts() {
            true => self.logs.dispute(log, &self.origin, refusal.code(), &why),
            false => self.logs.raise_on(log, &self.origin, refusal.code(), &why),
        }
        refused(refusal.code(), why)
    }

    /// Whether a log that begins is the box's next one, as far as that can be told ([`successor`]).
    fn follows(&self, log: &mut Log) -> Result<(), LogRefusal> {
        let (logs, name) = (&self.logs, &self.name);
        let Some(opening) = log.copy.opening() else {
            return Ok(());
        };
        let Some(before) = logs.db.newest_log(name).map_err(ours)? else {
            return Ok(());
        };
        if logs.is_ordered(name, self.number) {
            return Ok(());
        }
        let now = logs.clock.now().wall;
        let Some(why) = successor::too_early(opening, &before, now) else {
            return Ok(());
        };
        log.copy.forget_pending();
        logs.raise_on(log, &self.origin, TWICE, &why);
        Err(refused(LATER, why))
    }

    /// A head over everything sent so far: the note with this hub's countersignature, and lines that [`Stream::index`] takes from there.
    pub fn head(&self, note: &[u8]) -> Result<(String, Option<CountersignedLines>), LogRefusal> {
        let head = SignedHead::parse(note)
            .map_err(|e| refused("MALFORMED", format!("a head cannot be read: {e}")))?;
        self.with(|log| self.take_head(log, head))
    }

    fn take_head(
        &self,
        log: &mut Log,
        head: SignedHead,
    ) -> Result<(String, Option<CountersignedLines>), LogRefusal> {
        let logs = &self.logs;
        let before = log.copy.size();
        if head.head.size < before {
            // Keep what the box offers: a copy cut back, or another past.
            log.copy.keep_disputed(&head).map_err(ours)?;
        }
        if before == 0 {
            self.follows(log)?;
        }
        let now = logs.clock.now().wall;
        let (signed, records) = match log.copy.head(head, |h| logs.keys.cosign(h, now)) {
            Ok(done) => done,
            Err(CopyError::Refused { refusal, why }) => {
                return Err(self.refuse(log, refusal, why));
            }
            Err(e) => return Err(ours(e)),
        };
        if before == 0 {
            logs.db
                .meet_log(&self.origin, &self.name, self.number)
                .map_err(ours)?;
        }
        if before == 0 && self.number > 1 {
            self.replaced();
        }
        if let Some(code) = log.fault.take() {
            logs.ended(&self.origin, &code);
        }
        for (code, was) in logs.budgets.settled(&self.name, logs.clock.now().mono) {
            logs.end(&self.origin, &code, &was);
        }
        // The same head again: the box asks for the countersignature once more, and nothing grew.
        let arrived = (signed.head.size > before).then(|| CountersignedLines {
            origin: self.origin.clone(),
            name: self.name.clone(),
            folder: log.copy.folder().to_owned(),
            records,
            size: signed.head.size,
            root: STANDARD.encode(signed.head.root),
            at: now,
        });
        if arrived.is_none() {
            logs.live.changed(&self.name);
        }
        Ok((signed.render(), arrived))
    }

    /// Brings lines into the tables that pages read. They are safe and countersigned: what fails here is caught up with later.
    pub fn index(&self, arrived: CountersignedLines) {
        let logs = &self.logs;
        let arrived = Arc::new(arrived);
        let done = match logs.queue.take(&logs.db, arrived.clone()) {
            Ok(BatchOutcome::Whole { deletions }) => {
                if deletions {
                    logs.live.deleted(&self.name);
                }
                Ok(())
            }
            // An index that lags, because it could not be written before, is brought up from the copy.
            Ok(BatchOutcome::Lagging) => logs
                .catch_up(&HeldLog::of(&arrived))
                .map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        if let Err(why) = done {
            tracing::error!(log = self.origin, "the index lags behind the log: {why}");
        }
        logs.live.changed(&self.name);
    }

    /// Both at once.
    #[cfg(test)]
    pub fn head_indexed(&self, note: &[u8]) -> Result<String, LogRefusal> {
        let (note, arrived) = self.head(note)?;
        if let Some(arrived) = arrived {
            self.index(arrived);
        }
        Ok(note)
    }

    /// The box opened a successor log: say so, with the last line held of the one before.
    fn replaced(&self) {
        let before = id::box_log(&self.logs.scheme, &self.name, self.number - 1);
        let last = self
            .logs
            .db
            .log(&before)
            .ok()
            .flatten()
            .map_or(-1, |l| i64::try_from(l.size).unwrap_or(i64::MAX) - 1);
        let line = BoxReplace {
            r#box: self.name.to_string(),
            log: self.origin.clone(),
            last_n: last,
            by: vec!["sys:hub".into()],
        };
        if let Err(e) = self.logs.own.append("sys:hub", &line) {
            tracing::error!("the hub's own log did not take a box.replace: {e}");
        }
        for code in ["FORKED", "ROLLED-BACK", NO_SUCCESSOR, TWICE] {
            self.logs.ended(&self.origin, code);
        }
    }
}
