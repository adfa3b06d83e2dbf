//! Task. One log as it comes in over one stream: lines, then a head, countersigned or refused. Blocking.

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::CopyError;
use shared::{id, note::SignedHead, types::BoxReplace};

use super::{LATER, Log, NO_SUCCESSOR, OVER_BUDGET, Refused, Stream, TWICE, lock, ours, refused};
use crate::devices::{budget, successor};

impl Stream {
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn with<T>(&self, work: impl FnOnce(&mut Log) -> Result<T, Refused>) -> Result<T, Refused> {
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
    pub fn lines(&self, bytes: &[u8]) -> Result<(), Refused> {
        self.with(|log| {
            let origin = self.origin.as_str();
            let later = |log: &mut Log, why: String| {
                log.copy.forget_pending();
                self.logs.raise_on(log, origin, OVER_BUDGET, &why);
                Err(refused(LATER, why))
            };
            if let Err(why) = self.logs.room_for(&self.name, bytes.len() as u64) {
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
    fn refuse(&self, log: &mut Log, refusal: logbook::Refusal, why: String) -> Refused {
        match refusal.convicts() {
            true => self.logs.dispute(log, &self.origin, refusal.code(), &why),
            false => self.logs.raise_on(log, &self.origin, refusal.code(), &why),
        }
        refused(refusal.code(), why)
    }

    /// Whether a log that begins is the box's next one, as far as that can be told ([`successor`]).
    fn follows(&self, log: &mut Log) -> Result<(), Refused> {
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

    /// A head over everything sent so far: the note with this hub's countersignature.
    pub fn head(&self, note: &[u8]) -> Result<String, Refused> {
        let head = SignedHead::parse(note)
            .map_err(|e| refused("MALFORMED", format!("a head cannot be read: {e}")))?;
        self.with(|log| self.take_head(log, head))
    }

    fn take_head(&self, log: &mut Log, head: SignedHead) -> Result<String, Refused> {
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
        // The lines are safe and countersigned: what follows is derived, and is caught up with later if it fails now.
        let size = signed.head.size;
        let mut grew = || {
            // An index that lags, because it could not be written before, is brought up from the copy.
            if logs.db.indexed(&self.origin)? != before {
                logs.catch_up(&self.origin, &self.name, log)?;
            } else if logs.db.index(&self.origin, &self.name, &records)? {
                logs.live.deleted(&self.name);
            }
            logs.db
                .log_grew(&self.origin, size, &STANDARD.encode(signed.head.root), now)
        };
        if let Err(e) = grew() {
            tracing::error!(log = self.origin, "the index lags behind the log: {e}");
        }
        if let Some(code) = log.fault.take() {
            logs.ended(&self.origin, &code);
        }
        for (code, was) in logs.budgets.settled(&self.name, logs.clock.now().mono) {
            logs.end(&self.origin, &code, &was);
        }
        logs.live.changed(&self.name);
        Ok(signed.render())
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
