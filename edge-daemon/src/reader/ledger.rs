//! Adapter: filesystem. The reader's own record, `<state>/reader/ledger.json`: what it made keys for, which orders it obeyed, what time is
//! proven. None of it is the recorder's word, and the recorder cannot touch it.
//!
//! | key | what |
//! |---|---|
//! | `rules` | the rule each camera was last recorded under, in days: it outlives the camera's place in the configuration |
//! | `zones` | per day key not yet destroyed: the zone whose day it is, by the configuration when the day began |
//! | `boot` | per boot key: the earliest day that it can have sealed |
//! | `looked` | when it was last looked for identities left by the recorder: what is found later was made later |
//! | `holds` | per hold ordered: camera, span, until when, whether it is over |
//! | `pulls` | per local day, at most 400: pulls that were handed out first on it, the time they cover, and how many were refused ([`PullCount`]) |
//! | `obeyed` | SHA-256 of each pull obeyed on the last fourteen such days, with its day: the same order again is no further pull |
//! | `reckoning` | [`super::reckoning`] |
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shared::{
    id::{CameraId, HoldId},
    promise,
    record::{hex, sha256},
    segment::KeyId,
    time::{Day, Now, Utc, Zone},
};

use super::{
    keys::{KeyError, io, sync_dir, write_synced},
    order::{Hold, Pull},
    reckoning::{Kept as Proven, Reckoning},
    terms::Terms,
};
use crate::{below, retention::policy::Rules};

const NAME: &str = "ledger.json";
/// In its public folder.
pub const COUNTS: &str = "pulls.json";
const PULL_DAYS: usize = 400;
/// A pull is ordered anew until its clip is whole, which takes days at most where a link is bad; after that it counts once more.
const OBEYED_DAYS: usize = 14;
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    v: u32,
    rules: BTreeMap<CameraId, u32>,
    zones: BTreeMap<String, String>,
    boot: BTreeMap<String, Day>,
    looked: Option<Utc>,
    /// By key id, `c03/hold-12`.
    holds: BTreeMap<String, Held>,
    pulls: PullCounts,
    obeyed: BTreeMap<String, String>,
    reckoning: Proven,
}

/// Pulls of one local day: `{"orders", "secs", "refused"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullCount {
    pub orders: u64,
    /// The time they cover, with a footage file before and one after.
    pub secs: u64,
    /// Times that one was refused because it would have been too much.
    pub refused: u64,
}

/// By local day.
pub type PullCounts = BTreeMap<Day, PullCount>;

/// What the reader tells of its counts, in its public folder. None: there are none yet, or they cannot be read.
pub fn counted(public: &Path) -> Option<PullCounts> {
    let text = below::read_untrusted(&public.join(COUNTS), 1 << 20).ok()?;
    serde_json::from_slice(&text).ok()
}

/// What becomes of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its order was counted now.
    Counted,
    /// Its order was counted before: it is the same footage, for the same key.
    Known,
    /// It would be more than root allows in a day: why, in words.
    Spent(String),
}

/// A hold that was ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub t0: Utc,
    pub t1: Utc,
    pub until: Utc,
    /// Its key is destroyed, or may be: it was released, or ended. It is never set again.
    pub over: bool,
}

pub struct Ledger {
    path: PathBuf,
    kept: Kept,
    pub reckoning: Reckoning,
}

fn key_of(cam: &CameraId, hold: HoldId) -> String {
    let cam = cam.clone();
    KeyId::Hold { cam, hold }.to_string()
}

/// Hours to a tenth, rounded up.
pub fn hours(secs: u64) -> String {
    let tenths = secs.div_ceil(360);
    match tenths % 10 {
        0 => format!("{}", tenths / 10),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}

/// Why a key is not destroyed, in words.
#[derive(Debug, PartialEq, Eq)]
pub enum Objection {
    /// It is not due, or whether it is cannot be told yet: time mends that.
    Early(String),
    /// The reader knows nothing of it.
    Stranger(String),
}

impl Ledger {
    /// Opens it in the reader's own folder; the first start begins it.
    ///
    /// # Errors
    /// It cannot be read. It is never begun anew in silence: what it says keeps footage from being destroyed early.
    pub fn open(folder: &Path, now: Now) -> Result<Self, KeyError> {
        let path = folder.join(NAME);
        let kept: Kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| KeyError::Ledger {
                path: path.display().to_string(),
                why: e.to_string(),
            })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Kept {
                v: 1,
                ..Kept::default()
            },
            Err(e) => return Err(io("read", &path)(e)),
        };
        Ok(Self {
            reckoning: Reckoning::resume(kept.reckoning.clone(), now),
            path,
            kept,
        })
    }

    /// Keeps it as of now.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn save(&mut self, now: Now) -> Result<(), KeyError> {
        self.kept.reckoning = self.reckoning.keep(now);
        let bytes = serde_json::to_vec(&self.kept)
            .map_err(|_| KeyError::Crypto("the ledger could not be written as JSON"))?;
        let new = self.path.with_extension("json.new");
        write_synced(&new, &bytes, 0o600)?;
        std::fs::rename(&new, &self.path).map_err(io("rename", &new))?;
        self.path.parent().map_or(Ok(()), sync_dir)
    }

    /// Takes over the rules in force; true when that was news.
    pub fn rules_from(&mut self, terms: &Terms) -> bool {
        let before = self.kept.rules.clone();
        let configured = terms.cameras.iter().map(|(c, d)| (c.clone(), *d));
        self.kept.rules.extend(configured);
        self.kept.rules != before
    }

    /// Whether the box has, or had, this camera.
    pub fn knows(&self, cam: &CameraId) -> bool {
        self.kept.rules.contains_key(cam)
    }

    /// Recipients of these day keys are given out: days that have not begun yet are this zone's.
    pub fn made<'a>(&mut self, ids: impl Iterator<Item = &'a KeyId>, terms: &Terms, now: Now) {
        let today = terms.zone.day_of(self.reckoning.at_least(now));
        for id in ids {
            if let KeyId::Day { day, .. } = id {
                let id = id.to_string();
                if *day > today || !self.kept.zones.contains_key(&id) {
                    self.kept.zones.insert(id, terms.zone_name.clone());
                }
            }
        }
    }

    /// A boot key was taken in. `day`: of the recorder's clock when it made it, where that was known; it cannot say more than that it is
    /// old, and a second pair under the same name makes it no older.
    pub fn took_in(&mut self, id: &KeyId, day: Option<Day>, terms: &Terms, now: Now) {
        let now = self.reckoning.at_least(now);
        let came = terms
            .zone
            .day_of(self.kept.looked.map_or(now, |t| t.min(now)));
        let earliest = day.map_or(came, |day| day.min(came));
        let known = self.kept.boot.entry(id.to_string()).or_insert(earliest);
        *known = (*known).max(earliest);
    }

    /// Whatever the recorder had left until now is taken in.
    pub fn looked(&mut self, now: Now) {
        self.kept.looked = Some(self.reckoning.at_least(now));
    }

    /// When footage under this key is due, by the rules and zones of root.
    ///
    /// # Errors
    /// In words: it cannot be told.
    fn due(&self, id: &KeyId, terms: &Terms) -> Result<Utc, String> {
        let rules = Rules {
            configured: terms.cameras.clone(),
            recorded: self.kept.rules.clone(),
            scheme: terms.days,
        };
        let text = id.to_string();
        Ok(match id {
            KeyId::Day { cam, day } => {
                let due = rules.due(cam, *day, None, &terms.zone);
                let zone = self
                    .kept
                    .zones
                    .get(&text)
                    .filter(|z| **z != terms.zone_name);
                match zone.and_then(|z| Zone::parse(z).ok()) {
                    // Begun in another zone, it was recorded later than today's zone has it: kept for its days all the same.
                    Some(zone) => {
                        let days = i64::from(rules.days(cam));
                        due.max(zone.start_of(*day).plus_ms(days * DAY_MS - DAY_MS / 24))
                    }
                    None => due,
                }
            }
            KeyId::Boot { cam, .. } => {
                let day = self.kept.boot.get(&text);
                let day = day.ok_or_else(|| format!("the reader has no record of {id}"))?;
                promise::due(*day, rules.days(cam), &terms.zone)
            }
            KeyId::Hold { .. } => {
                let held = self.kept.holds.get(&text);
                held.ok_or_else(|| format!("the reader has no record of {id}"))?
                    .until
            }
        })
    }

    /// When the identities of this key were due, if they may be destroyed now.
    ///
    /// # Errors
    /// Why not.
    pub fn may_destroy(&self, id: &KeyId, terms: &Terms, now: Now) -> Result<Utc, Objection> {
        let held = self.kept.holds.get(&id.to_string());
        if let Some(held) = held.filter(|h| h.over) {
            return Ok(held.until);
        }
        let due = self.due(id, terms).map_err(Objection::Stranger)?;
        self.reckoning
            .reached(due, id.cam(), now)
            .map_err(|why| Objection::Early(format!("{id} was not destroyed: {why}")))?;
        Ok(due)
    }

    /// Whether a key that is not there may be called destroyed: not before its day, or it would be said of one that is made tomorrow.
    ///
    /// # Errors
    /// It is not its day.
    pub fn may_be_gone(&self, id: &KeyId, terms: &Terms, now: Now) -> Result<(), Objection> {
        match self.due(id, terms) {
            Ok(due) if due > self.reckoning.at_most(now) => Err(Objection::Early(format!(
                "there is no key {id} yet, and it would be due at {due}"
            ))),
            _ => Ok(()),
        }
    }

    /// They are destroyed, which were due then.
    pub fn destroyed(&mut self, id: &KeyId, due: Utc, now: Now) {
        let text = id.to_string();
        self.kept.zones.remove(&text);
        self.kept.boot.remove(&text);
        if let Some(held) = self.kept.holds.get_mut(&text) {
            held.over = true;
        } else {
            self.reckoning.given(id.cam(), due, now);
        }
    }

    /// Takes note of a hold that the hub ordered.
    ///
    /// # Errors
    /// In words: it reaches too far, is over, or is another one of the same number.
    pub fn hold(&mut self, hold: &Hold, terms: &Terms, now: Now) -> Result<(), String> {
        let latest = self.reckoning.at_most(now);
        let furthest = latest.plus_ms(i64::from(terms.hold_days) * DAY_MS);
        if hold.until > furthest {
            return Err(format!(
                "{} is to last until {}, and this box keeps nothing beyond its day for longer than {} days from now \
                 (retention.hold_days); extend it when that time comes",
                hold.hold, hold.until, terms.hold_days
            ));
        }
        let key = key_of(&hold.cam, hold.hold);
        let Some(known) = self.kept.holds.get_mut(&key) else {
            self.kept.holds.insert(
                key,
                Held {
                    t0: hold.t0,
                    t1: hold.t1,
                    until: hold.until,
                    over: false,
                },
            );
            return Ok(());
        };
        if known.over {
            return Err(format!(
                "{} is over, and a hold is never set again",
                hold.hold
            ));
        }
        if (known.t0, known.t1) != (hold.t0, hold.t1) {
            return Err(format!(
                "{} holds another span already; a hold's span is never changed",
                hold.hold
            ));
        }
        known.until = known.until.max(hold.until);
        Ok(())
    }

    /// The hub ordered its end.
    pub fn release(&mut self, hold: HoldId) {
        let end = format!("/hold-{}", hold.0);
        for (key, held) in &mut self.kept.holds {
            held.over |= key.ends_with(&end);
        }
    }

    /// A hold that was ordered and is not over.
    ///
    /// # Errors
    /// In words: there is none.
    pub fn held(&self, cam: &CameraId, hold: HoldId) -> Result<Held, String> {
        let held = self.kept.holds.get(&key_of(cam, hold));
        held.filter(|h| !h.over).cloned().ok_or_else(|| {
            format!(
                "{hold} of {cam}: no order of the hub for it has come to the reader, or it is over"
            )
        })
    }

    /// Counts a pull by the time it covers, the first time its order is obeyed, and keeps the count.
    ///
    /// # Errors
    /// The disk does not take it: it is not counted, and nothing is to be handed out.
    pub fn pulled(
        &mut self,
        order: &str,
        pull: &Pull,
        terms: &Terms,
        now: Now,
    ) -> Result<Admission, KeyError> {
        let today = terms.zone.day_of(now.wall);
        let digest = hex(&sha256(order.as_bytes()));
        if self.kept.obeyed.contains_key(&digest) {
            return Ok(Admission::Known);
        }
        let before = (self.kept.pulls.clone(), self.kept.obeyed.clone());
        let count = self.kept.pulls.entry(today).or_default();
        // Whole files are handed out: one may begin before the span, and one end after it.
        let span = u64::try_from(pull.t1.0.saturating_sub(pull.t0.0)).unwrap_or(u64::MAX);
        let secs = (span.div_ceil(1000)).saturating_add(2 * u64::from(terms.segment_secs));
        let most = u64::from(terms.pull_hours) * 3600;
        if count.secs.saturating_add(secs) > most {
            count.refused = count.refused.saturating_add(1);
            return Ok(Admission::Spent(format!(
                "this box hands out at most {} hours of footage a day (pull_hours of [box] in its configuration); {} were handed out on {today}, and this clip would be {} more",
                terms.pull_hours,
                hours(count.secs),
                hours(secs),
            )));
        }
        count.secs += secs;
        count.orders += 1;
        self.kept.obeyed.insert(digest, today.to_string());
        while self.kept.pulls.len() > PULL_DAYS {
            self.kept.pulls.pop_first();
        }
        let last = self.kept.pulls.keys().rev().take(OBEYED_DAYS);
        let days: BTreeSet<String> = last.map(Day::to_string).collect();
        self.kept.obeyed.retain(|_, day| days.contains(day));
        if let Err(e) = self.save(now) {
            (self.kept.pulls, self.kept.obeyed) = before;
            return Err(e);
        }
        Ok(Admission::Counted)
    }

    pub fn pulls(&self) -> &PullCounts {
        &self.kept.pulls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{reader::tests::basis, testing::Hands};
    use shared::time::Clock;

    fn of(secs: i64) -> Pull {
        Pull {
            cam: CameraId::parse("c01").expect("cam"),
            t0: Utc(0),
            t1: Utc(secs * 1000),
            recipient: "age1x".into(),
        }
    }

    /// V14, AUD-2: each order counts once on the day it was obeyed first, over a restart too; what cannot be counted is not handed out, also
    /// not when it is asked for again; the days that are kept have a limit.
    #[test]
    fn pulls_are_counted_before_they_are_handed_out() {
        let dir = tempfile::tempdir().expect("folder");
        let clock = Hands::new(Utc::parse("2026-11-22T12:00:00.000Z").expect("time"), 0);
        let wish = Default::default();
        let basis = basis(&[], dir.path(), clock.clone(), wish);
        let terms = basis.source.terms();
        let mut ledger = Ledger::open(dir.path(), clock.now()).expect("opens");
        let counts = |ledger: &Ledger| {
            let all = ledger.pulls().values();
            all.map(|c| c.orders).collect::<Vec<u64>>()
        };
        let pull =
            |ledger: &mut Ledger, order: &str| ledger.pulled(order, &of(60), &terms, clock.now());
        assert_eq!(pull(&mut ledger, "one").expect("asked"), Admission::Counted);
        assert_eq!(pull(&mut ledger, "one").expect("asked"), Admission::Known);
        assert_eq!(pull(&mut ledger, "two").expect("asked"), Admission::Counted);
        let mut ledger = Ledger::open(dir.path(), clock.now()).expect("opens");
        assert_eq!(pull(&mut ledger, "two").expect("asked"), Admission::Known);
        assert_eq!(counts(&ledger), [2]);

        // The disk takes nothing: a folder is in the way of the new file.
        let way = dir.path().join("ledger.json.new");
        std::fs::create_dir(&way).expect("folder");
        for _ in 0..2 {
            assert!(pull(&mut ledger, "three").is_err());
        }
        assert_eq!(counts(&ledger), [2]);
        std::fs::remove_dir(&way).expect("folder");
        clock.pass(24 * 3_600_000);
        assert_eq!(
            pull(&mut ledger, "three").expect("asked"),
            Admission::Counted
        );
        assert_eq!(counts(&ledger), [2, 1]);

        for n in 0..PULL_DAYS {
            clock.pass(24 * 3_600_000);
            pull(&mut ledger, &format!("order {n}")).expect("counted");
        }
        assert_eq!(counts(&ledger), [1; PULL_DAYS]);
        assert_eq!(ledger.kept.obeyed.len(), OBEYED_DAYS);
    }

    /// V14: what a day may have is a sum of the time that orders cover, whole files at both ends; it is no other after a start; an order at the
    /// end of the range of numbers overflows nothing; what was refused is no part of it.
    #[test]
    fn a_day_has_its_measure() {
        let dir = tempfile::tempdir().expect("folder");
        let clock = Hands::new(Utc::parse("2026-11-22T12:00:00.000Z").expect("time"), 0);
        let basis = basis(&[], dir.path(), clock.clone(), Default::default());
        let terms = basis.source.terms();
        let mut ledger = Ledger::open(dir.path(), clock.now()).expect("opens");
        // 100 hours, less the files at both ends.
        let most = 100 * 3600 - 120;
        let spent = |a: Admission| matches!(a, Admission::Spent(_));
        let ask = |ledger: &mut Ledger, order: &str, pull: &Pull| {
            ledger
                .pulled(order, pull, &terms, clock.now())
                .expect("asked")
        };
        assert!(spent(ask(&mut ledger, "too long", &of(most + 1))));
        let endless = Pull {
            t0: Utc(i64::MIN),
            t1: Utc(i64::MAX),
            ..of(0)
        };
        assert!(spent(ask(&mut ledger, "endless", &endless)));
        assert_eq!(
            ask(&mut ledger, "as long as may be", &of(most)),
            Admission::Counted
        );
        assert!(spent(ask(&mut ledger, "one more", &of(1))));
        let mut ledger = Ledger::open(dir.path(), clock.now()).expect("opens");
        assert!(spent(ask(&mut ledger, "one more", &of(1))));
        // As many short ones as there is room for, each with the files it touches.
        clock.pass(24 * 3_600_000);
        let terms = Terms {
            pull_hours: 1,
            ..(*terms).clone()
        };
        let mut short = |n: u64| {
            let order = format!("short {n}");
            ledger
                .pulled(&order, &of(1), &terms, clock.now())
                .expect("asked")
        };
        assert_eq!(
            (0..)
                .take_while(|n| short(*n) == Admission::Counted)
                .count(),
            3600 / 121
        );
        assert_eq!(hours(0), "0");
        assert_eq!(hours(1), "0.1");
        assert_eq!(hours(36_000), "10");
    }
}
