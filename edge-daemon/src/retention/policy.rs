//! Pure. What may be deleted: the one place that decides (design.md §4).
//!
//! What "N days" means is said in [`shared::promise`]; days are calendar days of the scheme's time zone.
use std::collections::BTreeMap;

use shared::{
    id::CameraId,
    promise,
    segment::KeyId,
    time::{Day, Utc, Zone},
};

use crate::store::index::{Boot, Segment};

/// Footage of one camera in one day's folder, as found on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnDisk {
    /// Folder it lies in.
    pub day: Day,
    pub cam: CameraId,
    /// Day it was recorded, when the folder's day came from a clock that was wrong; never earlier than `day`.
    pub recorded: Day,
    /// A hold in force touches it: it may be wanted.
    pub held: bool,
    /// When its last picture ended, where the calendar has it due: a day begun in another zone may not be.
    pub last: Option<Utc>,
    /// Its size, where that matters: the disks are short of room, and it is among the oldest.
    pub bytes: u64,
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

    /// When footage of a local day is to be deleted; `last`: when its last picture ended, where that is known.
    pub fn due(&self, cam: &CameraId, day: Day, last: Option<Utc>, zone: &Zone) -> Utc {
        let days = self.days(cam);
        match last {
            Some(last) => promise::due_after(day, last, days, zone),
            None => promise::due(day, days, zone),
        }
    }
}

/// One camera-day that goes, and the rule's name as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub cam: CameraId,
    pub day: Day,
    pub rule: String,
}

/// What else the decision hangs on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    pub now: Utc,
    /// The clock is corroborated.
    pub trusted: bool,
    /// The hub has confirmed that more than one day per camera may go.
    pub confirmed: bool,
    /// Cameras that have already given a day in this sweep (it is being repeated after a failure).
    pub swept: &'a [CameraId],
    /// Bytes the disks lack for recording to go on.
    pub short: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be deleted now, oldest first.
    pub delete: Vec<Due>,
    /// To be deleted before its day, because the disks are short: oldest first, nothing that a hold touches, nothing of today.
    pub early: Vec<Due>,
    /// Past its day, but more than one sweep may delete: a wrong clock must not empty a box. The next sweep takes the oldest.
    pub waiting: Vec<Due>,
    /// When the first of those that the calendar has due, and that were not kept for their days yet, will have been.
    pub next: Option<Utc>,
    /// Past its day by a clock that cannot be trusted: kept, and not to be shown to people.
    pub doubtful: Vec<Due>,
}

/// Rule of what goes before its day.
pub const EARLY: &str = "early";

/// What goes, and why. The only place that decides; [`super::sweeper`] carries it out.
pub fn decide(on_disk: &[OnDisk], rules: &Rules, zone: &Zone, at: &Situation<'_>) -> Decision {
    let mut decision = Decision::default();
    let mut taken: Vec<&CameraId> = at.swept.iter().collect();
    let mut found: Vec<&OnDisk> = on_disk.iter().collect();
    found.sort();
    found.dedup();
    let mut short = at.short;
    let mut young = Vec::new();
    for disk in found {
        let OnDisk {
            day,
            cam,
            recorded,
            last,
            ..
        } = disk;
        let due = rules.due(cam, *recorded.max(day), *last, zone);
        if due > at.now {
            if last.is_some() {
                decision.next = Some(decision.next.map_or(due, |next| next.min(due)));
            }
            young.push(disk);
            continue;
        }
        let due = Due {
            cam: cam.clone(),
            day: *day,
            rule: format!("{}d", rules.days(cam)),
        };
        if !at.trusted {
            decision.doubtful.push(due);
        } else if at.confirmed || !taken.contains(&cam) {
            taken.push(cam);
            short = short.saturating_sub(disk.bytes);
            decision.delete.push(due);
        } else {
            decision.waiting.push(due);
        }
    }
    let today = zone.day_of(at.now);
    let mut oldest = young
        .into_iter()
        .filter(|d| at.trusted && !d.held && d.recorded.max(d.day) < today);
    while short > 0
        && let Some(disk) = oldest.next()
    {
        short = short.saturating_sub(disk.bytes);
        decision.early.push(Due {
            cam: disk.cam.clone(),
            day: disk.day,
            rule: EARLY.into(),
        });
    }
    decision
}

/// When the next sweep begins: 00:05 of the first local day whose 00:05 is still to come; half a day from now when days wait that the
/// last one could not take, so that a night that was missed is made up for, one day at a time.
pub fn next_sweep(now: Utc, zone: &Zone, waiting: bool) -> Utc {
    const HALF_A_DAY_MS: i64 = 43_200_000;
    let today = zone.day_of(now);
    let at = zone.at(today, 0, 5);
    let night = if at > now {
        at
    } else {
        zone.at(today.plus_days(1), 0, 5)
    };
    if waiting {
        night.min(now.plus_ms(HALF_A_DAY_MS))
    } else {
        night
    }
}

/// The local day a segment was recorded on, at the latest: that of its line, unless its clock was wrong. None: no start has known the
/// time since.
pub fn recorded(s: &Segment, boots: &[Boot], zone: &Zone) -> Option<Day> {
    if !matches!(s.key_id(), Some(KeyId::Boot { .. })) {
        return Some(s.day);
    }
    let by = recorded_by(s.t1, s.boot, s.mono, boots)?;
    Some(if by > s.t1 {
        s.day.max(zone.day_of(by))
    } else {
        s.day
    })
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
            held: false,
            last: None,
            bytes: 1,
        }
    }
    fn at(now: &str) -> Situation<'_> {
        Situation {
            now: utc(now),
            trusted: true,
            confirmed: false,
            swept: &[],
            short: 0,
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

    /// RET-1, RET-2: kept to the last moment, and due at 00:05 of the day that [`promise::due`] names, over both clock-change nights.
    #[test]
    fn not_a_moment_early() {
        for (days, recorded) in [
            (28, "2026-11-03"),
            (28, "2026-02-28"),
            (28, "2026-03-01"),
            (30, "2026-09-24"),
            (30, "2026-09-25"),
            (31, "2026-10-25"),
        ] {
            let (rules, zone) = (rules(days), london());
            let due = rules.due(&cam("c01"), day(recorded), None, &zone);
            assert_eq!(due, promise::due(day(recorded), days, &zone));
            let gone = |now| {
                let at = Situation {
                    now,
                    ..at("2026-01-01T00:00:00.000Z")
                };
                let decision = decide(&[on(recorded, "c01")], &rules, &zone, &at);
                decision.delete.len()
            };
            assert_eq!(gone(due.plus_ms(-1)), 0, "{days} days from {recorded}");
            assert_eq!(gone(due), 1, "{days} days from {recorded}");
        }
    }

    /// RET-2: the day that has become too old goes, and no other.
    #[test]
    fn day_on_day() {
        let disk: Vec<OnDisk> = (1..=31)
            .map(|d| on(&format!("2026-10-{d:02}"), "c01"))
            .collect();
        let now = at("2026-10-30T00:05:00.000Z");
        let decision = decide(&disk, &rules(28), &london(), &now);
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
        let now = at("2027-01-01T12:00:00.000Z");
        let decision = decide(&disk, &rules(28), &london(), &now);
        assert_eq!(
            days_of(&decision.delete),
            ["c01/2026-10-01", "c02/2026-10-01"]
        );
        assert_eq!(decision.waiting.len(), 4);
        let swept = [cam("c01")];
        let repeated = Situation {
            swept: &swept,
            ..now
        };
        let again = decide(&disk, &rules(28), &london(), &repeated);
        assert_eq!(
            days_of(&again.delete),
            ["c02/2026-10-01"],
            "c01 has given its day in this sweep"
        );
        let confirmed = Situation {
            confirmed: true,
            ..now
        };
        let all = decide(&disk, &rules(28), &london(), &confirmed);
        assert_eq!(all.delete.len(), 6, "confirmed by the hub");
    }

    /// RET-2: nothing goes by a clock that is not corroborated.
    #[test]
    fn nothing_by_a_doubtful_clock() {
        let doubted = Situation {
            trusted: false,
            confirmed: true,
            short: 100,
            ..at("2027-01-01T12:00:00.000Z")
        };
        let disk = [on("2026-10-01", "c01"), on("2026-12-20", "c01")];
        let decision = decide(&disk, &rules(28), &london(), &doubted);
        assert!(decision.delete.is_empty() && decision.waiting.is_empty());
        assert!(decision.early.is_empty(), "not for want of room either");
        assert_eq!(days_of(&decision.doubtful), ["c01/2026-10-01"]);
    }

    /// RET-1, RET-3: when the disks are short the oldest goes early, and is called so; what a hold touches never does, nor does today.
    #[test]
    fn when_the_disks_are_short() {
        let mut disk = vec![
            on("2026-10-01", "c01"),
            on("2026-10-20", "c02"),
            on("2026-10-19", "c02"),
            on("2026-10-18", "c01"),
            on("2026-10-29", "c01"),
        ];
        disk[3].held = true;
        let early = |short| {
            let at = Situation {
                short,
                ..at("2026-10-29T22:00:00.000Z")
            };
            let decision = decide(&disk, &rules(27), &london(), &at);
            assert_eq!(days_of(&decision.delete), ["c01/2026-10-01"]);
            assert!(decision.early.iter().all(|d| d.rule == EARLY));
            days_of(&decision.early)
        };
        assert!(early(0).is_empty());
        assert!(early(1).is_empty(), "what is due makes room enough");
        assert_eq!(early(2), ["c02/2026-10-19"]);
        assert_eq!(early(9), ["c02/2026-10-19", "c02/2026-10-20"]);
    }

    proptest::proptest! {
        /// RET-1, RET-2, RET-3: a random year and a half, in a zone whose clocks change: cameras that record or not, rules that change,
        /// nights on which the box is off, its clock in doubt, or its disks short, holds. Against a model that only counts days:
        /// nothing goes early, nothing stays longer than the nights on which nothing could be deleted, and what is held goes in no
        /// other way than by its day.
        #[test]
        fn against_a_plain_model(nights in proptest::collection::vec((0u8..16, 0u8..12, 0u8..40, 0u8..30), 560)) {
            let (first, zone) = (day("2026-02-01"), london());
            let cams = [cam("c01"), cam("c02")];
            let mut rules = rules(28);
            rules.configured = cams.iter().map(|c| (c.clone(), 28)).collect();
            let mut keep = [28i32, 28];
            let mut disk: Vec<OnDisk> = Vec::new();
            // (camera, day it was recorded, held)
            let mut model: Vec<(usize, i32, bool)> = Vec::new();
            for (today, (recorded, night, change, more)) in nights.into_iter().enumerate() {
                let today = i32::try_from(today).expect("small");
                if change < 2 {
                    let n = [7, 28, 30, 31][usize::from(more) % 4];
                    keep[usize::from(change)] = n;
                    rules.configured.insert(cams[usize::from(change)].clone(), n.unsigned_abs());
                }
                let (off, doubted, short) = (night == 0, night == 1, if night == 2 { 1 + u64::from(more % 3) } else { 0 });
                if !off {
                    let at = Situation {
                        now: zone.at(first.plus_days(today), 0, 5).plus_ms(i64::from(more) * 1000),
                        trusted: !doubted,
                        confirmed: more == 7,
                        swept: &[],
                        short,
                    };
                    let decision = decide(&disk, &rules, &zone, &at);
                    let went: Vec<(usize, i32)> = decision.delete.iter().chain(&decision.early).map(|d| {
                        let c = usize::from(d.cam == cams[1]);
                        (c, (-1..=600).find(|n| first.plus_days(*n) == d.day).expect("a day"))
                    }).collect();
                    // The model's own idea of it.
                    let mut expected = Vec::new();
                    if !doubted {
                        let mut had = [false; 2];
                        model.sort_unstable_by_key(|(c, d, _)| (*d, *c));
                        for (c, d, _) in &model {
                            if d + keep[*c] < today && (more == 7 || !had[*c]) {
                                had[*c] = true;
                                expected.push((*c, *d));
                            }
                        }
                        let mut lacks = usize::try_from(short).expect("small").saturating_sub(expected.len());
                        for (c, d, held) in &model {
                            if lacks > 0 && d + keep[*c] >= today && !held {
                                lacks -= 1;
                                expected.push((*c, *d));
                            }
                        }
                    }
                    proptest::prop_assert_eq!(&went, &expected);
                    for (c, d) in went {
                        model.retain(|(a, b, _)| (*a, *b) != (c, d));
                        disk.retain(|o| (&o.cam, o.day) != (&cams[c], first.plus_days(d)));
                    }
                }
                for (c, cam) in cams.iter().enumerate() {
                    if recorded != 0 || c == 1 {
                        let held = usize::from(recorded) == 3 + c;
                        model.push((c, today, held));
                        let day = first.plus_days(today);
                        disk.push(OnDisk { day, cam: cam.clone(), recorded: day, held, last: None, bytes: 1 });
                    }
                }
            }
        }
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
            assert_eq!(next_sweep(utc(now), &zone, false), utc(next), "{now}");
        }
        let (now, noon) = ("2026-11-03T00:05:00.000Z", "2026-11-03T12:05:00.000Z");
        assert_eq!(next_sweep(utc(now), &zone, true), utc(noon));
        let (noon, night) = ("2026-11-03T12:05:30.000Z", "2026-11-04T00:05:00.000Z");
        assert_eq!(next_sweep(utc(noon), &zone, true), utc(night));
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
