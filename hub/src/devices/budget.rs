//! Pure. What one box may bring: how fast, how much, and how much of the hub's disk. A box that is at its limit waits, or is told to try
//! later; no other box notices.
//!
//! A box of 32 cameras brings about a hundred lines a minute. One that was away for a month brings a million and a half at once, which is
//! let through at speed: a tenth of what a hub takes in or less, so that one box alone is through in minutes, several together use all of it,
//! and the others' pages and clips hardly notice one. Times are milliseconds of the monotonic clock, passed in.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::{id::BoxName, time::Utc};

use crate::{
    db::logs::TroubleRecord,
    disks::{outlook, room::Room},
    pace::{Pace, PaceBalance},
};

const DAY_US: u64 = 86_400_000_000;
const MIB: u64 = 1 << 20;
/// Lines and bytes of them: what is faster waits.
const LINES: Pace = Pace {
    burst: 50_000,
    every_us: 500,
};
const KIB: Pace = Pace {
    burst: 64 << 10,
    every_us: 125,
};
/// Heads to countersign, each of which is written to disk several times: a month away has 750, and one more for every 2,048 lines.
const HEADS: Pace = Pace {
    burst: 3000,
    every_us: 1_000_000,
};
/// MiB of lines in the long run: twice a month of 32 cameras at once, then eight times what such a box brings. What is more has to wait.
const GROWTH: Pace = Pace {
    burst: 2048,
    every_us: DAY_US / 256,
};
/// The same while the hub's disk is short of room: what an ordinary day brings.
const NEED: Pace = Pace {
    burst: 8 << 10,
    every_us: DAY_US / (64 << 10),
};
/// Connections, and streams for its log.
const CALLS: Pace = Pace {
    burst: 30,
    every_us: 5_000_000,
};
const STREAMS: Pace = CALLS;
/// Logs it may begin, after the first.
const LOGS: Pace = Pace {
    burst: 12,
    every_us: DAY_US / 4,
};
/// Reports of its health; what is more is not looked at.
const HEALTH: Pace = Pace {
    burst: 60,
    every_us: 1_000_000,
};
/// Faults of its log in the hub's own log; what is more is counted.
const FAULTS: Pace = Pace {
    burst: 20,
    every_us: 600_000_000,
};
/// Connections that take the place of one that is alive: a box that lost its line has one now and then.
const REPLACEMENTS: Pace = Pace {
    burst: 10,
    every_us: 300_000_000,
};
/// A fault that a box's own lines do not end is over when it was not found again for so long.
const FORGOTTEN_MS: u64 = 3_600_000;
/// Cameras in one log: each is kept in memory.
pub const CAMERAS: usize = 512;
/// Room on the hub's disk below which it is short of it: at most; and as a part of a small disk.
const RESERVE: u64 = 4096 * MIB;
const RESERVE_PART: u64 = 2;

/// Why lines of a box find no place. What it says is for the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPlace {
    pub why: String,
    /// Which room would be enough; None: it brought more than a box needs, whatever the disk has.
    pub until: Option<Roomy>,
}

/// How much room there has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Roomy {
    /// More than what is kept for the hub's own log: nobody's lines are taken until then, and the fault is the disk's.
    NotFull,
    /// It is not scarce any more: others' lines are taken.
    NotShort,
}

/// The hub's disk, and what the boxes' logs take of it. Bytes.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    pub free: u64,
    pub total: u64,
    /// Logs of this box, and of all.
    pub own: u64,
    pub all: u64,
    pub boxes: u64,
}

impl Disk {
    /// What is left is for the hub's own log.
    pub fn full(&self) -> bool {
        let (free, total, names) = (self.free, self.total, None);
        outlook::is_full(&Room { free, total, names })
    }

    /// Room is scarce.
    pub fn short(&self) -> bool {
        self.free < RESERVE.min(self.total / RESERVE_PART)
    }

    pub fn has(&self, room: Roomy) -> bool {
        match room {
            Roomy::NotFull => !self.full(),
            Roomy::NotShort => !self.short(),
        }
    }

    /// What each box could have, if all had the same.
    fn fair(&self) -> u64 {
        (self.all + self.free) / (self.boxes + 1)
    }
}

/// A fault of a box's log, as long as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Of shared::conditions.
    pub condition: &'static str,
    pub since: Utc,
    pub text: String,
    /// How often it was found since.
    pub times: u64,
    /// Its `fault.on` is in the hub's log.
    pub on_record: bool,
    /// When it was found last, by the monotonic clock.
    last: u64,
}

#[derive(Default)]
struct Usage {
    lines: PaceBalance,
    kib: PaceBalance,
    heads: PaceBalance,
    growth: PaceBalance,
    need: PaceBalance,
    calls: PaceBalance,
    streams: PaceBalance,
    logs: PaceBalance,
    health: PaceBalance,
    faults: PaceBalance,
    replacements: PaceBalance,
    replaced: u64,
    /// Bytes of lines since the last whole MiB and KiB were taken.
    odd: u64,
    troubles: BTreeMap<String, Trouble>,
}

#[derive(Default)]
pub struct Budgets(Mutex<HashMap<BoxName, Usage>>);

impl Budgets {
    fn lock(&self) -> MutexGuard<'_, HashMap<BoxName, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of<T>(&self, name: &BoxName, act: impl FnOnce(&mut Usage) -> T) -> T {
        act(self.lock().entry(name.clone()).or_default())
    }

    /// Whether it may call now.
    pub fn call(&self, name: &BoxName, now: u64) -> bool {
        self.of(name, |u| u.calls.take(CALLS, 1, now, 0)).is_some()
    }

    pub fn stream(&self, name: &BoxName, now: u64) -> bool {
        self.of(name, |u| u.streams.take(STREAMS, 1, now, 0))
            .is_some()
    }

    pub fn new_log(&self, name: &BoxName, now: u64) -> bool {
        self.of(name, |u| u.logs.take(LOGS, 1, now, 0)).is_some()
    }

    pub fn health(&self, name: &BoxName, now: u64) -> bool {
        self.of(name, |u| u.health.take(HEALTH, 1, now, 0))
            .is_some()
    }

    /// How many milliseconds it has to wait with these lines.
    pub fn lines(&self, name: &BoxName, lines: u64, bytes: u64, now: u64) -> u64 {
        self.of(name, |u| {
            let a = u.lines.take(LINES, lines, now, u64::MAX);
            let b = u.kib.take(KIB, bytes.div_ceil(1024), now, u64::MAX);
            a.max(b).unwrap_or(0)
        })
    }

    pub fn head(&self, name: &BoxName, now: u64) -> u64 {
        self.of(name, |u| u.heads.take(HEADS, 1, now, u64::MAX))
            .unwrap_or(0)
    }

    /// Whether there is room for so many bytes more of it; else why not.
    pub fn room(&self, name: &BoxName, bytes: u64, disk: &Disk, now: u64) -> Result<(), NoPlace> {
        let mib = |n: u64| n / MIB;
        let none = |until, why| Err(NoPlace { why, until });
        if disk.full() {
            return none(
                Some(Roomy::NotFull),
                format!(
                    "the hub's disk has {} MiB left, which are kept for its own log; the lines stay with the box, which tries again",
                    mib(disk.free)
                ),
            );
        }
        if disk.short() && disk.own + bytes > disk.fair() {
            return none(
                Some(Roomy::NotShort),
                format!(
                    "the hub's disk has {} MiB left, and the log of this box takes {} MiB of it, more than its share; the lines stay with the box, which tries again",
                    mib(disk.free),
                    mib(disk.own)
                ),
            );
        }
        self.of(name, |u| {
            let kib = bytes.div_ceil(1024);
            if disk.short() && u.need.take(NEED, kib, now, 0).is_none() {
                return none(Some(Roomy::NotShort), format!(
                    "the hub's disk has {} MiB left, so a box may bring what an ordinary day brings, and this one brought more; the lines stay with the box, which tries again",
                    mib(disk.free)
                ));
            }
            let whole = mib(u.odd + bytes);
            if whole > 0 && u.growth.take(GROWTH, whole, now, 0).is_none() {
                return none(None,
                    "this box brings more lines than any camera needs: it is held to 256 MiB a day; the lines stay with the box, which tries again".into(),
                );
            }
            u.odd = (u.odd + bytes) % MIB;
            Ok(())
        })
    }

    /// A fault of its log was found. None: it stands already. Else whether it is to be put on record, which is not too often.
    pub fn trouble(
        &self,
        name: &BoxName,
        code: &str,
        condition: &'static str,
        text: &str,
        (wall, now): (Utc, u64),
    ) -> Option<bool> {
        self.of(name, |u| {
            if let Some(stands) = u.troubles.get_mut(code) {
                stands.times += 1;
                stands.last = now;
                text.clone_into(&mut stands.text);
                return None;
            }
            let on_record = u.faults.take(FAULTS, 1, now, 0).is_some();
            let trouble = Trouble {
                condition,
                since: wall,
                text: text.into(),
                times: 1,
                on_record,
                last: now,
            };
            u.troubles.insert(code.into(), trouble);
            Some(on_record)
        })
    }

    /// One that stood when the hub was stopped.
    pub fn recall(
        &self,
        name: &BoxName,
        code: &str,
        condition: &'static str,
        stood: TroubleRecord,
        now: u64,
    ) {
        let trouble = Trouble {
            condition,
            since: stood.since,
            text: stood.text,
            times: 1,
            on_record: stood.on_record,
            last: now,
        };
        self.of(name, |u| u.troubles.insert(code.into(), trouble));
    }

    /// It is over. What it was, if it stood.
    pub fn over(&self, name: &BoxName, code: &str) -> Option<Trouble> {
        self.of(name, |u| u.troubles.remove(code))
    }

    /// Those that were not found again for an hour are over: their codes, and what they were.
    pub fn settled(&self, name: &BoxName, now: u64) -> Vec<(String, Trouble)> {
        self.of(name, |u| {
            let old = |t: &Trouble| now.saturating_sub(t.last) > FORGOTTEN_MS;
            let over = u.troubles.iter().filter(|(_, t)| old(t));
            let over: Vec<_> = over.map(|(c, t)| (c.clone(), t.clone())).collect();
            for (code, _) in &over {
                u.troubles.remove(code);
            }
            over
        })
    }

    /// A connection took the place of one that was alive. How often that was so, when it was too often for one box.
    pub fn replaced(&self, name: &BoxName, now: u64) -> Option<u64> {
        self.of(name, |u| {
            u.replaced += 1;
            match u.replacements.take(REPLACEMENTS, 1, now, 0) {
                Some(_) => None,
                None => Some(u.replaced),
            }
        })
    }

    pub fn troubles(&self, name: &BoxName) -> Vec<Trouble> {
        let all = self.lock();
        let own = all.get(name).map(|u| u.troubles.values().cloned());
        own.map(Iterator::collect).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> BoxName {
        BoxName::parse(text).expect("name")
    }

    fn disk(free: u64, own: u64, all: u64) -> Disk {
        Disk {
            free: free * MIB,
            total: 300 * MIB,
            own: own * MIB,
            all: all * MIB,
            boxes: 20,
        }
    }

    /// V9, AUD-2: a month of 32 cameras is through in minutes, and an ordinary day never waits; what no box needs is slowed.
    #[test]
    fn a_month_away_comes_through_at_speed() {
        let budgets = Budgets::default();
        let roomy = Disk {
            free: 500 << 30,
            total: 1 << 40,
            own: 0,
            all: 0,
            boxes: 20,
        };
        // 32 cameras, a line a minute each and half as many others, 31 days, in frames of 256 KiB; it sends what it may at once.
        let (mut now, mut left) = (1_000, 31 * 1440 * 48);
        while left > 0 {
            now += budgets.lines(&name("ashby"), 600, 256 << 10, now);
            budgets
                .room(&name("ashby"), 256 << 10, &roomy, now)
                .expect("room");
            left -= 600i64;
        }
        assert!(now < 15 * 60_000, "{} s", now / 1000);
        for minute in 0..1440 * 3 {
            now += 60_000;
            assert_eq!(
                budgets.lines(&name("ashby"), 100, 50 << 10, now),
                0,
                "{minute}"
            );
            assert_eq!(budgets.head(&name("ashby"), now), 0);
            assert!(budgets.health(&name("ashby"), now));
            budgets
                .room(&name("ashby"), 50 << 10, &roomy, now)
                .expect("room");
        }
        // A flood: so much, and no more that day. Another box is not concerned.
        let mut taken = 0u64;
        while budgets.room(&name("evil"), MIB, &roomy, now).is_ok() {
            taken += 1;
        }
        assert!((2048..2500).contains(&taken), "{taken} MiB");
        budgets
            .room(&name("derby"), MIB, &roomy, now)
            .expect("room");
        assert!(!(0..1000).all(|_| budgets.health(&name("evil"), now)));
    }

    /// V9: on a disk that is nearly full, a box that took more than its share gets no more; the others bring what an ordinary day brings.
    #[test]
    fn a_full_disk_is_shared() {
        let budgets = Budgets::default();
        let no = budgets
            .room(&name("evil"), 1 << 18, &disk(100, 150, 160), 1)
            .expect_err("no room");
        assert!(no.why.contains("more than its share"), "{no:?}");
        assert_eq!(no.until, Some(Roomy::NotShort));
        let mut now = 1;
        for _ in 0..1440 {
            budgets
                .room(&name("ashby"), 40 << 10, &disk(100, 1, 160), now)
                .expect("room");
            now += 60_000;
        }
        let mut taken = 0u64;
        while budgets
            .room(&name("greedy"), 1 << 18, &disk(100, 1, 160), now)
            .is_ok()
        {
            taken += 1 << 18;
        }
        assert!(taken <= 9 * MIB, "{taken}");
    }

    /// V11: the same fault again and again is one line, and different ones are not many.
    #[test]
    fn repeated_faults_are_counted() {
        let budgets = Budgets::default();
        let mut lines = 0;
        for n in 0..778 {
            let fault = budgets.trouble(
                &name("evil"),
                "ROLLED-BACK",
                "log.refused",
                "x",
                (Utc(0), n),
            );
            lines += usize::from(fault == Some(true));
        }
        assert_eq!(lines, 1);
        assert_eq!(budgets.troubles(&name("evil"))[0].times, 778);
        for n in 0..1000 {
            budgets.over(&name("evil"), "MALFORMED");
            let fault =
                budgets.trouble(&name("evil"), "MALFORMED", "log.refused", "x", (Utc(0), n));
            lines += usize::from(fault == Some(true));
        }
        assert!(lines <= 21, "{lines}");
        assert!(budgets.troubles(&name("derby")).is_empty());
    }
}
