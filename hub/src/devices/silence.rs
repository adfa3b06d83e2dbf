//! Task. Boxes that are off the line for a while: a fault of that box on the hub's record, once for each silence (FLT-3).
//!
//! The page and `box list` call a box silent as soon as it is off the line. The record waits until a line that dropped for a moment, or a
//! box that was started again, has had its time to come back.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use shared::{
    id::{self, BoxName},
    time::Now,
};

use crate::{
    blocking::blocking,
    db::faults::{FaultSubject, FoundFault},
    error::{HubError, plain},
    faults,
    hub::Hub,
};

/// No connection of the box for long enough.
pub const SILENT: &str = "box.silent";

const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Off the line for so long is a silence.
const SILENCE_MS: u64 = 5 * 60_000;
/// For so long after a start of the hub nobody is called silent: boxes need a while to come back.
const SETTLE_MS: u64 = 10 * 60_000;

/// Since when boxes are off the line, by the monotonic clock; the time at which this hub began to look, at the earliest.
pub struct Absences {
    began: u64,
    since: HashMap<BoxName, u64>,
}

impl Absences {
    pub fn new(mono: u64) -> Self {
        Self {
            began: mono,
            since: HashMap::new(),
        }
    }

    /// Whether this box, which is off the line now, has been for long enough.
    fn long(&mut self, name: &BoxName, mono: u64) -> bool {
        let since = *self.since.entry(name.clone()).or_insert(mono);
        mono.saturating_sub(since) >= SILENCE_MS && mono.saturating_sub(self.began) >= SETTLE_MS
    }
}

pub async fn run(hub: Arc<Hub>) {
    let mut absences = Absences::new(hub.clock.now().mono);
    loop {
        let d = hub.clone();
        let looked = blocking(move || {
            let done = look(&d, &mut absences, d.clock.now(), |name| d.live.online(name));
            (absences, done)
        });
        let done;
        (absences, done) = match looked.await {
            Ok(looked) => looked,
            Err(_) => return,
        };
        if let Err(e) = done {
            tracing::error!("which boxes are silent could not be put on the record: {e}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Puts on the record which silences began and which are over.
fn look(
    hub: &Hub,
    absences: &mut Absences,
    now: Now,
    online: impl Fn(&BoxName) -> bool,
) -> Result<(), HubError> {
    let found = hub.db.found_faults().map_err(plain)?;
    let found: BTreeMap<&BoxName, &FoundFault> = found
        .iter()
        .filter(|f| f.code == SILENT)
        .filter_map(|f| match &f.about {
            FaultSubject::Box(name) => Some((name, f)),
            _ => None,
        })
        .collect();
    for (name, b) in hub.db.box_stamps().map_err(plain)? {
        // Nothing is expected of a box that has not enrolled yet, or is refused.
        let expected = !matches!(b.state.as_str(), "registered" | "revoked");
        let mine = |f: &FoundFault| f.about == FaultSubject::Box(name.clone()) && f.code == SILENT;
        if !expected || online(&name) {
            absences.since.remove(&name);
            if found.contains_key(&name) {
                faults::settle(hub, mine, &[])?;
            }
        } else if absences.long(&name, now.mono) {
            let log = hub.db.newest_log(&name).map_err(plain)?;
            let text = b.last_seen.map_or_else(
                || "nothing was heard of the box since it was enrolled".to_owned(),
                |t| {
                    let t = t.for_people(&hub.config.zone);
                    format!("the box is off the line; it last said how it is {t}")
                },
            );
            if found.get(&name).is_some_and(|f| f.text == text) {
                continue;
            }
            let fault = FoundFault {
                about: FaultSubject::Box(name.clone()),
                code: SILENT.into(),
                log: log.map_or_else(|| id::box_log(&hub.config.scheme, &name, 1), |l| l.origin),
                since: b.last_seen.unwrap_or(now.wall),
                text,
            };
            faults::begin(hub, &fault)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::rig::{Rig, ashby, day, utc};

    fn enrolled(rig: &Rig) {
        rig.hub
            .db
            .enrol(&ashby(), "hash", "key", "cert")
            .expect("enrolled");
        rig.hello(&[("c01", None)], 28);
    }

    /// FLT-3, HLT-1: a box off the line for five minutes is a fault on the hub's record, once, over a restart of the hub too; it ends
    /// when the box is back, and a short break is none. A box that was revoked, or has not enrolled yet, is nobody's fault.
    #[test]
    fn a_silence_is_said_once_and_ends() {
        let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
        let minutes = |mono: u64, n: u64| Now {
            wall: utc("2026-11-01T12:00:00.000Z"),
            mono: mono + n * 60_000,
        };
        let (away, there) = (|_: &BoxName| false, |_: &BoxName| true);
        let mut absences = Absences::new(0);
        let mut at = |rig: &Rig, n: u64, online: fn(&BoxName) -> bool| {
            look(&rig.hub, &mut absences, minutes(0, n), online).expect("looked");
            rig.faults(SILENT)
        };
        assert_eq!(at(&rig, 0, away), (0, 0));
        assert_eq!(at(&rig, 60, away), (0, 0), "it has not enrolled");
        enrolled(&rig);
        rig.noon("c01", day("2026-11-01"), 1000);
        rig.send();
        assert_eq!(at(&rig, 61, there), (0, 0));
        assert_eq!(at(&rig, 62, away), (0, 0));
        assert_eq!(at(&rig, 66, away), (0, 0));
        assert_eq!(at(&rig, 66, there), (0, 0), "a short break");
        assert_eq!(at(&rig, 70, away), (0, 0));
        assert_eq!(at(&rig, 75, away), (1, 0));
        assert_eq!(at(&rig, 500, away), (1, 0), "once");
        let shown = crate::shown::boxes(&rig.hub).expect("boxes");
        let row = shown.iter().find(|b| b.name == ashby()).expect("ashby");
        assert_eq!(row.standing.code.as_deref(), Some(SILENT));
        assert!(
            row.faults
                .iter()
                .any(|f| f.code == SILENT && f.cam.is_none())
        );
        // The hub is started again: what is on the record stays, and is not said again.
        let mut absences = Absences::new(7);
        let mut at = |rig: &Rig, n: u64, online: fn(&BoxName) -> bool| {
            look(&rig.hub, &mut absences, minutes(7, n), online).expect("looked");
            rig.faults(SILENT)
        };
        assert_eq!(at(&rig, 0, away), (1, 0));
        assert_eq!(at(&rig, 30, away), (1, 0));
        assert_eq!(at(&rig, 31, there), (1, 1));
        assert_eq!(at(&rig, 40, away), (1, 1));
        assert_eq!(at(&rig, 50, away), (2, 1), "another silence");
        rig.hub.db.revoke_box(&ashby(), "stolen").expect("revoked");
        assert_eq!(at(&rig, 51, away), (2, 2));
    }

    /// After a start of the hub boxes have ten minutes to come back.
    #[test]
    fn after_a_start_boxes_have_their_while() {
        let rig = Rig::new("2026-11-01T00:30:00.000Z");
        enrolled(&rig);
        rig.send();
        let mut absences = Absences::new(1000);
        let mut after = |ms: u64| {
            let now = Now {
                wall: utc("2026-11-01T12:00:00.000Z"),
                mono: 1000 + ms,
            };
            look(&rig.hub, &mut absences, now, |_| false).expect("looked");
            rig.faults(SILENT)
        };
        assert_eq!(after(0), (0, 0));
        assert_eq!(after(SETTLE_MS - 1), (0, 0));
        assert_eq!(after(SETTLE_MS), (1, 0));
    }
}
