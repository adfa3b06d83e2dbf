//! Pure. What may be deleted: the one place that decides (design.md §4).
//!
//! "N days" means: footage of local day D is deleted between 00:05 and 00:15 of local day D+N+1. So every second is kept for at
//! least N days and is gone within N + 1 days and a quarter of an hour (an hour more or less where the clocks change).
//! Days are calendar days of the scheme's time zone.
use std::collections::BTreeMap;

use shared::{
    id::CameraId,
    time::{Day, Utc, Zone},
};

use crate::store::index::Boot;

/// Footage of one camera in one day's folder, as found on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnDisk {
    /// Folder it lies in.
    pub day: Day,
    pub cam: CameraId,
    /// Day it was recorded, when the folder's day came from a clock that was wrong; never earlier than `day`.
    pub recorded: Day,
}

/// How many days each camera's footage is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// By the configuration in force.
    pub configured: BTreeMap<CameraId, u32>,
    /// The last rule of cameras that were ever configured.
    pub recorded: BTreeMap<CameraId, u32>,
    /// The scheme's own.
    pub scheme: u32,
}

impl Rules {
    /// Days a camera's footage is kept. A camera that is configured no more keeps the rule it was recorded under;
    /// one nobody knows falls under the longest rule there is.
    pub fn days(&self, cam: &CameraId) -> u32 {
        let known = self
            .configured
            .get(cam)
            .or_else(|| self.recorded.get(cam))
            .copied();
        known.unwrap_or_else(|| {
            self.configured
                .values()
                .chain(self.recorded.values())
                .copied()
                .fold(self.scheme, u32::max)
        })
    }

    /// When footage of a local day is to be deleted.
    pub fn due(&self, cam: &CameraId, day: Day, zone: &Zone) -> Utc {
        let days = i32::try_from(self.days(cam))
            .unwrap_or(i32::MAX)
            .saturating_add(1);
        zone.at(day.plus_days(days), 0, 5)
    }
}

/// One camera-day that goes, and the rule's name as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub cam: CameraId,
    pub day: Day,
    pub rule: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be deleted now, oldest first.
    pub delete: Vec<Due>,
    /// Past its day, but more than one sweep may delete: a wrong clock must not empty a box. The next sweep takes the oldest.
    pub waiting: Vec<Due>,
    /// Past its day by a clock that cannot be trusted: kept, and not to be shown to people.
    pub doubtful: Vec<Due>,
}

/// What one sweep deletes. `trusted`: the clock is corroborated. `confirmed`: the hub has confirmed that more than one day per
/// camera may go. `swept`: cameras that have already given a day in this sweep (it is being repeated after a failure).
pub fn decide(
    on_disk: &[OnDisk],
    rules: &Rules,
    zone: &Zone,
    now: Utc,
    trusted: bool,
    confirmed: bool,
    swept: &[CameraId],
) -> Decision {
    let mut decision = Decision::default();
    let mut taken: Vec<&CameraId> = swept.iter().collect();
    let mut found: Vec<&OnDisk> = on_disk.iter().collect();
    found.sort();
    found.dedup();
    for OnDisk { day, cam, recorded } in found {
        if rules.due(cam, *recorded.max(day), zone) > now {
            continue;
        }
        let due = Due {
            cam: cam.clone(),
            day: *day,
            rule: format!("{}d", rules.days(cam)),
        };
        if !trusted {
            decision.doubtful.push(due);
        } else if confirmed || !taken.contains(&cam) {
            taken.push(cam);
            decision.delete.push(due);
        } else {
            decision.waiting.push(due);
        }
    }
    decision
}

/// When the next sweep begins: 00:05 of the first local day whose 00:05 is still to come.
pub fn next_sweep(now: Utc, zone: &Zone) -> Utc {
    let today = zone.day_of(now);
    let at = zone.at(today, 0, 5);
    if at > now {
        at
    } else {
        zone.at(today.plus_days(1), 0, 5)
    }
}

/// When footage sealed to a boot key was really recorded, at the latest: the wall time on its line may come from a clock that
/// was never set (1970). Steps of the clock later in the same start say how wrong it was; a start whose clock was never known
/// ended before the next one whose clock was. None: no later start has known the time yet.
pub fn recorded_by(t: Utc, boot: u64, mono: u64, boots: &[Boot]) -> Option<Utc> {
    let stepped = |b: &Boot, t: Utc, mono: u64| {
        t.plus_ms(
            b.steps
                .iter()
                .filter(|(m, _)| *m >= mono)
                .map(|(_, d)| *d)
                .sum(),
        )
    };
    let own = boots.iter().find(|b| b.boot == boot)?;
    if own.known {
        return Some(stepped(own, t, mono).max(t));
    }
    let next = boots.iter().find(|b| b.boot > boot && b.known)?;
    Some(stepped(next, next.t, next.mono).max(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(t: &str) -> Day {
        Day::parse(t).expect("day")
    }
    fn utc(t: &str) -> Utc {
        Utc::parse(t).expect("time")
    }
    fn cam(t: &str) -> CameraId {
        CameraId::parse(t).expect("camera")
    }
    fn on(d: &str, c: &str) -> OnDisk {
        OnDisk {
            day: day(d),
            cam: cam(c),
            recorded: day(d),
        }
    }
    fn rules(days: u32) -> Rules {
        Rules {
            configured: [(cam("c01"), days)].into(),
            recorded: BTreeMap::new(),
            scheme: days,
        }
    }
    fn london() -> Zone {
        Zone::parse("Europe/London").expect("zone")
    }
    fn days_of(list: &[Due]) -> Vec<String> {
        list.iter()
            .map(|d| format!("{}/{}", d.cam, d.day))
            .collect()
    }

    /// RET-1, RET-2: 28, 30 and 31 days, over both clock-change nights, month ends and a leap day. Kept to the last second, due at 00:05.
    #[test]
    fn days_of_the_calendar() {
        for (days, recorded, due) in [
            (28, "2026-11-03", "2026-12-02T00:05:00.000Z"),
            (30, "2026-11-03", "2026-12-04T00:05:00.000Z"),
            (31, "2026-11-03", "2026-12-05T00:05:00.000Z"),
            // recorded in summer time, due in winter time, and the other way round
            (28, "2026-10-01", "2026-10-30T00:05:00.000Z"),
            (28, "2026-03-10", "2026-04-07T23:05:00.000Z"),
            // due on the nights themselves: the clocks change at 01:00, after the sweep
            (28, "2026-02-28", "2026-03-29T00:05:00.000Z"),
            (28, "2026-03-01", "2026-03-29T23:05:00.000Z"),
            (30, "2026-09-24", "2026-10-24T23:05:00.000Z"),
            (30, "2026-09-25", "2026-10-26T00:05:00.000Z"),
            // recorded on the nights themselves
            (31, "2026-03-29", "2026-04-29T23:05:00.000Z"),
            (31, "2026-10-25", "2026-11-26T00:05:00.000Z"),
            // leap day
            (31, "2028-02-29", "2028-03-31T23:05:00.000Z"),
        ] {
            let (rules, zone, due) = (rules(days), london(), utc(due));
            assert_eq!(
                rules.due(&cam("c01"), day(recorded), &zone),
                due,
                "{days} days from {recorded}"
            );
            let at = |now| {
                decide(&[on(recorded, "c01")], &rules, &zone, now, true, false, &[])
                    .delete
                    .len()
            };
            assert_eq!(
                at(due.plus_ms(-1)),
                0,
                "{days} days from {recorded}: not a moment early"
            );
            assert_eq!(at(due), 1, "{days} days from {recorded}");
            // Every second was kept for at least N days (an hour less only where the clocks went forward).
            let end = zone.start_of(day(recorded).plus_days(1));
            assert!(
                due.0 - end.0 >= i64::from(days) * 86_400_000 - 3_600_000,
                "{days} days from {recorded}"
            );
        }
    }

    /// RET-2: the day that has become too old goes, and no other.
    #[test]
    fn day_on_day() {
        let disk: Vec<OnDisk> = (1..=31)
            .map(|d| on(&format!("2026-10-{d:02}"), "c01"))
            .collect();
        let now = utc("2026-10-30T00:05:00.000Z");
        let decision = decide(&disk, &rules(28), &london(), now, true, false, &[]);
        assert_eq!(days_of(&decision.delete), ["c01/2026-10-01"]);
        assert!(decision.waiting.is_empty());
    }

    /// RET-2: a clock that jumps ahead, or a box back from a store, loses at most one day a sweep.
    #[test]
    fn one_day_per_camera_and_sweep() {
        let disk: Vec<OnDisk> = ["c01", "c02"]
            .iter()
            .flat_map(|c| (1..=3).map(move |d| on(&format!("2026-10-{d:02}"), c)))
            .collect();
        let now = utc("2027-01-01T12:00:00.000Z");
        let decision = decide(&disk, &rules(28), &london(), now, true, false, &[]);
        assert_eq!(
            days_of(&decision.delete),
            ["c01/2026-10-01", "c02/2026-10-01"]
        );
        assert_eq!(decision.waiting.len(), 4);
        let again = decide(
            &disk,
            &rules(28),
            &london(),
            now,
            true,
            false,
            &[cam("c01")],
        );
        assert_eq!(
            days_of(&again.delete),
            ["c02/2026-10-01"],
            "c01 has given its day in this sweep"
        );
        assert_eq!(
            decide(&disk, &rules(28), &london(), now, true, true, &[])
                .delete
                .len(),
            6,
            "confirmed by the hub"
        );
    }

    /// RET-2: nothing goes by a clock that is not corroborated.
    #[test]
    fn nothing_by_a_doubtful_clock() {
        let decision = decide(
            &[on("2026-10-01", "c01")],
            &rules(28),
            &london(),
            utc("2027-01-01T12:00:00.000Z"),
            false,
            true,
            &[],
        );
        assert!(decision.delete.is_empty() && decision.waiting.is_empty());
        assert_eq!(days_of(&decision.doubtful), ["c01/2026-10-01"]);
    }

    /// RET-1: footage of a camera that is gone falls under its own last rule, else under the longest.
    #[test]
    fn cameras_that_are_configured_no_more() {
        let rules = Rules {
            configured: [(cam("c01"), 28), (cam("c02"), 31)].into(),
            recorded: [(cam("c01"), 90), (cam("old"), 7)].into(),
            scheme: 30,
        };
        for (c, days) in [("c01", 28), ("c02", 31), ("old", 7), ("nobody", 90)] {
            assert_eq!(rules.days(&cam(c)), days, "{c}");
        }
        assert_eq!(
            Rules {
                scheme: 30,
                ..Rules::default()
            }
            .days(&cam("nobody")),
            30
        );
    }

    #[test]
    fn sweeps_begin_at_five_past_midnight() {
        let zone = london();
        for (now, next) in [
            ("2026-11-03T00:04:59.999Z", "2026-11-03T00:05:00.000Z"),
            ("2026-11-03T00:05:00.000Z", "2026-11-04T00:05:00.000Z"),
            ("2026-03-29T00:30:00.000Z", "2026-03-29T23:05:00.000Z"),
            ("2026-10-24T23:10:00.000Z", "2026-10-26T00:05:00.000Z"),
        ] {
            assert_eq!(next_sweep(utc(now), &zone), utc(next), "{now}");
        }
    }

    /// RET-2: footage recorded in "1970" is kept as long as any other.
    #[test]
    fn footage_of_an_unset_clock_is_dated_by_elapsed_time() {
        let boots = [
            Boot {
                boot: 1,
                t: utc("2026-11-01T00:00:00.000Z"),
                mono: 0,
                known: true,
                steps: vec![],
            },
            Boot {
                boot: 2,
                t: utc("1970-01-01T00:00:00.000Z"),
                mono: 0,
                known: false,
                steps: vec![],
            },
            Boot {
                boot: 3,
                t: utc("1970-01-01T00:00:00.000Z"),
                mono: 10,
                known: true,
                steps: vec![(60_010, utc("2026-11-05T12:00:00.000Z").0)],
            },
        ];
        let early = utc("1970-01-01T00:00:30.000Z");
        assert_eq!(
            recorded_by(early, 3, 30_010, &boots),
            Some(utc("2026-11-05T12:00:30.000Z")),
            "the step says how wrong the clock was"
        );
        assert_eq!(
            recorded_by(early, 2, 30_000, &boots),
            Some(utc("2026-11-05T12:00:00.000Z")),
            "at the latest when the next start began"
        );
        assert_eq!(
            recorded_by(utc("2026-11-01T10:00:00.000Z"), 1, 5, &boots),
            Some(utc("2026-11-01T10:00:00.000Z"))
        );
        assert_eq!(
            recorded_by(early, 2, 30_000, &boots[..2]),
            None,
            "nobody knows yet"
        );
    }
}
