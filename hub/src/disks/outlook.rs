//! Pure. How full a disk is, how fast it fills, and when it will be full. Bytes, and days of 24 hours.

use super::room::Room;
use crate::model::disk::{Fullness, Sample, Thresholds};

const DAY_MS: f64 = 86_400_000.0;
/// What fills a disk is told from this long a look back at most, and from no shorter one than that.
pub const LOOK_BACK_MS: i64 = 7 * 86_400_000;
const SHORTEST_MS: i64 = 6 * 3_600_000;
/// Room that is left for the hub's own log, whatever is asked of it: at most; and as a part of a small disk.
const OWN: u64 = 64 << 20;
const OWN_PART: u64 = 128;

/// Whether only the room of the hub's own log is left.
pub fn is_full(room: &Room) -> bool {
    room.names == Some(0) || room.free < OWN.min(room.total / OWN_PART)
}

/// Bytes a day by which the disk has filled since the oldest sample of the last days; negative: it has emptied. None: it has not been looked
/// at for long enough. Samples of a disk of another size are another disk's.
pub fn filling(samples: &[Sample], now: Sample) -> Option<i64> {
    let since = now.at.0 - LOOK_BACK_MS;
    let first = samples
        .iter()
        .filter(|s| s.at.0 >= since && s.total == now.total)
        .min_by_key(|s| s.at)?;
    let span = now.at.0 - first.at.0;
    if span < SHORTEST_MS {
        return None;
    }
    let taken = first.free as f64 - now.free as f64;
    Some((taken * DAY_MS / span as f64) as i64)
}

/// Whole days until it is full; None: it does not fill, or nobody can say yet.
pub fn days_left(room: &Room, filling: Option<i64>) -> Option<u32> {
    let a_day = u64::try_from(filling?).ok().filter(|n| *n > 0)?;
    Some(u32::try_from(room.free / a_day).unwrap_or(u32::MAX))
}

/// What it is; `before`: what it was, so that a fault does not begin and end with every file.
pub fn judge(room: &Room, days: Option<u32>, at: Thresholds, before: Fullness) -> Fullness {
    if is_full(room) {
        return Fullness::Full;
    }
    let more = u32::from(before != Fullness::Good);
    let percent = u64::from(at.low_percent + more);
    let little = room.free.saturating_mul(100) < room.total.saturating_mul(percent);
    let soon = days.is_some_and(|d| d < at.low_days + more);
    match little || soon {
        true => Fullness::Low,
        false => Fullness::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::time::Utc;

    const GIB: u64 = 1 << 30;

    fn room(free: u64) -> Room {
        Room {
            free,
            total: 100 * GIB,
            names: Some(1_000),
        }
    }

    fn sample(hours: i64, free: u64) -> Sample {
        Sample {
            at: Utc(1_800_000_000_000 + hours * 3_600_000),
            free,
            total: 100 * GIB,
        }
    }

    /// HLT-1: a disk that fills is known days before; one that does not has no date, nor has one that was looked at for an hour.
    #[test]
    fn when_it_will_be_full() {
        let now = sample(24 * 30, 40 * GIB);
        assert_eq!(filling(&[], now), None);
        assert_eq!(filling(&[sample(24 * 30 - 1, 41 * GIB)], now), None);
        let week = [sample(0, 90 * GIB), sample(24 * 25, 50 * GIB)];
        let a_day = filling(&week, now).expect("five days");
        assert_eq!(a_day, 2 * GIB as i64, "what was a month ago says nothing");
        assert_eq!(days_left(&room(40 * GIB), Some(a_day)), Some(20));
        let emptied = filling(&[sample(24 * 25, 30 * GIB)], now);
        assert!(emptied.is_some_and(|n| n < 0));
        assert_eq!(days_left(&room(40 * GIB), emptied), None);
        assert_eq!(days_left(&room(40 * GIB), Some(0)), None);
        let other = Sample {
            total: 50 * GIB,
            ..sample(24 * 25, 50 * GIB)
        };
        assert_eq!(filling(&[other], now), None, "another disk");
    }

    /// FLT-3: low by what is left or by when that ends, full while the room for the hub's own log is still there; no fault that comes and goes.
    #[test]
    fn low_and_full() {
        let at = Thresholds::default();
        let is = |free, days, before| judge(&room(free), days, at, before);
        assert_eq!(is(50 * GIB, None, Fullness::Good), Fullness::Good);
        assert_eq!(is(50 * GIB, Some(13), Fullness::Good), Fullness::Low);
        assert_eq!(is(9 * GIB, None, Fullness::Good), Fullness::Low);
        assert_eq!(is(10 * GIB + 1, None, Fullness::Low), Fullness::Low);
        assert_eq!(is(10 * GIB + 1, None, Fullness::Good), Fullness::Good);
        assert_eq!(is(50 * GIB, Some(14), Fullness::Low), Fullness::Low);
        assert_eq!(is(11 * GIB, Some(15), Fullness::Low), Fullness::Good);
        assert_eq!(is(OWN, None, Fullness::Low), Fullness::Low);
        assert_eq!(is(OWN - 1, None, Fullness::Low), Fullness::Full);
        let names = Room {
            names: Some(0),
            ..room(50 * GIB)
        };
        assert_eq!(judge(&names, None, at, Fullness::Good), Fullness::Full);
        let small = Room {
            free: 1 << 20,
            total: 24 << 20,
            names: None,
        };
        assert!(!is_full(&small), "a part of a small disk");
    }
}
