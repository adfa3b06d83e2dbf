//! Pure. How far the wall clock can be believed (design.md §4, §10).
//!
//! Two witnesses: the kernel, when a time service steers its clock, and the hub, whose time comes with every countersignature.
//! What the hub said is carried on by the monotonic clock, so it stands until the wall clock moves away from it. A third can only
//! contradict: the box's own log, whose last line before this start cannot have been written later than now. Only the hub outweighs it.
//! `corroborated` (footage may be deleted): one of them vouches, none contradicts, and the wall clock has not jumped in the last minute.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::time::{Now, Utc};

/// The hub and we may differ by this much: a slow link delays its word.
const AGREE_MS: i64 = 5_000;
/// A hub's word is fresh this long; older, it is holdover.
const FRESH_MS: u64 = 3_600_000;
/// And worth nothing after this long: a bad crystal (100 ppm) has then drifted by the whole tolerance.
const STALE_MS: u64 = 50_000_000;
/// After a jump of the wall clock it must run steadily this long.
const STEADY_MS: u64 = 60_000;
/// The kernel calls itself synchronised up to 16 s of error; we do not.
const KERNEL_ERR_US: i64 = 5_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Synced,
    Holdover,
    Unknown,
}

/// The kernel's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    pub synced: bool,
    pub offset_us: i64,
    pub err_us: i64,
}

/// For a `clock.state` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub level: Level,
    pub src: &'static str,
    pub offset_us: i64,
    pub err_us: i64,
}

/// How far the wall clock can be believed. Cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<Inner>);

struct Inner {
    kernel: fn() -> Kernel,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The hub's time, and ours at that moment.
    hub: Option<(Utc, Now)>,
    /// When the last line before this start was written.
    written: Option<Utc>,
    /// The kernel was synchronised once in this start.
    was_synced: bool,
    /// Wall minus mono at the last look, and when it last jumped.
    run: Option<i64>,
    jumped: Option<u64>,
}

impl Seen {
    /// Hub minus wall, now, if it has said anything worth having.
    fn hub_offset(&self, now: Now) -> Option<(i64, u64)> {
        let (hub, then) = self.hub?;
        let age = now.mono.checked_sub(then.mono)?;
        (age <= STALE_MS).then(|| (hub.0 + age as i64 - now.wall.0, age))
    }

    fn look(&mut self, now: Now) {
        let run = now.wall.0 - now.mono as i64;
        if self.run.is_some_and(|r| (r - run).abs() > AGREE_MS) {
            self.jumped = Some(now.mono);
        }
        self.run = Some(run);
    }

    fn state(&mut self, kernel: Kernel, now: Now) -> State {
        self.look(now);
        let good = kernel.synced && kernel.err_us <= KERNEL_ERR_US;
        self.was_synced |= good;
        let hub = self.hub_offset(now);
        match hub {
            // Whoever is right, they are not both.
            Some((offset, _)) if offset.abs() > AGREE_MS => State {
                level: Level::Unknown,
                src: "hub",
                offset_us: offset * 1000,
                err_us: AGREE_MS * 1000,
            },
            None if self
                .written
                .is_some_and(|last| now.wall.plus_ms(AGREE_MS) < last) =>
            {
                let last = self.written.unwrap_or(now.wall);
                State {
                    level: Level::Unknown,
                    src: "log",
                    offset_us: (last.0 - now.wall.0) * 1000,
                    err_us: AGREE_MS * 1000,
                }
            }
            _ if good => State {
                level: Level::Synced,
                src: "kernel",
                offset_us: kernel.offset_us,
                err_us: kernel.err_us,
            },
            Some((offset, age)) => {
                let level = if age <= FRESH_MS {
                    Level::Synced
                } else {
                    Level::Holdover
                };
                State {
                    level,
                    src: "hub",
                    offset_us: offset * 1000,
                    err_us: AGREE_MS * 1000,
                }
            }
            None if self.was_synced => State {
                level: Level::Holdover,
                src: "kernel",
                offset_us: kernel.offset_us,
                err_us: kernel.err_us,
            },
            None => State {
                level: Level::Unknown,
                src: "none",
                offset_us: 0,
                err_us: kernel.err_us,
            },
        }
    }
}

impl Trust {
    pub fn new() -> Self {
        Self::with_kernel(super::kernel)
    }
    /// With another word for the kernel's.
    pub fn with_kernel(kernel: fn() -> Kernel) -> Self {
        Self(Arc::new(Inner {
            kernel,
            seen: Mutex::default(),
        }))
    }
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hub's time at a countersignature, and ours when it arrived.
    pub fn heard_hub(&self, hub: Utc, now: Now) {
        self.seen().hub = Some((hub, now));
    }
    /// When the last line before this start was written, by the clock of then.
    pub fn resumed(&self, last: Utc) {
        self.seen().written = Some(last);
    }
    /// The latest that it may be: what is past its day by this is not shown to people, though it is deleted by a corroborated clock alone.
    pub fn latest(&self, now: Now) -> Utc {
        let seen = self.seen();
        let other = seen
            .hub_offset(now)
            .map(|(offset, _)| now.wall.plus_ms(offset))
            .or(seen.written);
        other.map_or(now.wall, |t| t.max(now.wall))
    }
    pub fn level(&self, now: Now) -> Level {
        self.state(now).level
    }
    pub fn state(&self, now: Now) -> State {
        let kernel = (self.0.kernel)();
        self.seen().state(kernel, now)
    }
    /// Whether footage may be deleted by this clock (design.md §4).
    pub fn corroborated(&self, now: Now) -> bool {
        let state = self.state(now);
        let steady = self
            .seen()
            .jumped
            .is_none_or(|then| now.mono.saturating_sub(then) >= STEADY_MS);
        steady && state.level != Level::Unknown
    }
}
impl Default for Trust {
    fn default() -> Self {
        Self::new()
    }
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Synced => "synced",
            Level::Holdover => "holdover",
            Level::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_793_714_400_000;
    fn at(wall: i64, mono: u64) -> Now {
        Now {
            wall: Utc(T + wall),
            mono,
        }
    }
    fn unsynced() -> Kernel {
        Kernel {
            synced: false,
            offset_us: 0,
            err_us: 16_000_000,
        }
    }
    fn synced() -> Kernel {
        Kernel {
            synced: true,
            offset_us: 40,
            err_us: 2_000,
        }
    }
    fn poor() -> Kernel {
        Kernel {
            synced: true,
            offset_us: 40,
            err_us: 9_000_000,
        }
    }

    /// RET-2: deletion needs a clock that somebody vouches for.
    #[test]
    fn somebody_must_vouch() {
        assert!(!Trust::with_kernel(unsynced).corroborated(at(0, 0)));
        assert!(!Trust::with_kernel(poor).corroborated(at(0, 0)));
        assert!(Trust::with_kernel(synced).corroborated(at(0, 0)));
        let trust = Trust::with_kernel(unsynced);
        trust.heard_hub(Utc(T + 1_200), at(0, 0));
        assert_eq!(trust.level(at(1_000, 1_000)), Level::Synced);
        assert!(trust.corroborated(at(1_000, 1_000)));
        assert_eq!(trust.level(at(3_700_000, 3_700_000)), Level::Holdover);
        assert_eq!(
            trust.level(at(60_000_000, 60_000_000)),
            Level::Unknown,
            "a crystal drifts"
        );
    }

    /// RET-2: one who contradicts outweighs one who vouches.
    #[test]
    fn a_hub_that_disagrees_stops_deletion() {
        let trust = Trust::with_kernel(synced);
        trust.heard_hub(Utc(T - 32 * 86_400_000), at(0, 0));
        assert!(!trust.corroborated(at(10, 10)));
        assert_eq!(trust.state(at(10, 10)).src, "hub");
        trust.heard_hub(Utc(T + 100), at(20, 20));
        assert!(trust.corroborated(at(30, 30)));
    }

    /// RET-2: a clock that stands before the last line of the log is wrong, whatever the kernel says of it; or that line was, and then
    /// the hub knows better.
    #[test]
    fn a_log_from_the_future() {
        let trust = Trust::with_kernel(synced);
        trust.resumed(Utc(T + 86_400_000));
        assert!(!trust.corroborated(at(0, 0)));
        assert_eq!(trust.state(at(0, 0)).src, "log");
        trust.heard_hub(Utc(T + 100), at(0, 0));
        assert!(trust.corroborated(at(10, 10)));
        let later = Trust::with_kernel(synced);
        later.resumed(Utc(T - 31 * 86_400_000));
        assert!(later.corroborated(at(0, 0)), "a month in a store");
    }

    /// RET-2: what nobody may see any more is judged by the latest that it may be: the clock, or what contradicts it.
    #[test]
    fn the_latest_that_it_may_be() {
        let trust = Trust::with_kernel(unsynced);
        assert_eq!(trust.latest(at(0, 0)), Utc(T));
        trust.resumed(Utc(T + 5_000));
        assert_eq!(trust.latest(at(0, 0)), Utc(T + 5_000), "its own log");
        assert_eq!(trust.latest(at(9_000, 9_000)), Utc(T + 9_000));
        trust.heard_hub(Utc(T + 86_400_000), at(0, 0));
        assert_eq!(trust.latest(at(1_000, 1_000)), Utc(T + 86_401_000));
        trust.heard_hub(Utc(T), at(0, 0));
        assert_eq!(trust.latest(at(0, 0)), Utc(T), "the hub outweighs the log");
        assert_eq!(trust.latest(at(400, 10)), Utc(T + 400), "nobody trusts it");
    }

    /// RET-2: the wall clock stepped after the hub spoke: mono carries the hub's word on.
    #[test]
    fn a_jump_is_noticed_and_must_settle() {
        let trust = Trust::with_kernel(unsynced);
        trust.heard_hub(Utc(T), at(0, 0));
        assert!(trust.corroborated(at(1_000, 1_000)));
        assert!(
            !trust.corroborated(at(86_400_000, 2_000)),
            "a day in a second"
        );
        let settled = Trust::with_kernel(synced);
        assert!(settled.corroborated(at(0, 0)));
        assert!(!settled.corroborated(at(86_400_000, 1_000)), "just jumped");
        assert!(!settled.corroborated(at(86_440_000, 41_000)));
        assert!(
            settled.corroborated(at(86_461_000, 62_000)),
            "steady for a minute"
        );
    }
}
