//! Pure. Will the disks hold what was promised? Day by day from today: what each camera records at its present rate, and what is
//! deleted as it becomes due.
//!
//! Cameras share the volumes, so the day on which they are full is the same for all; what differs is how many of its days a camera
//! then has. Days are UTC days: a forecast need not know the scheme's zone.
use std::collections::BTreeMap;

use shared::{
    id::CameraId,
    time::{Utc, Zone},
};

use super::index::DayBytes;

const DAY_MS: u64 = 86_400_000;
/// A camera that recorded less than this in two days has no rate yet.
const ENOUGH_MS: u64 = 60_000;

/// One camera's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    pub cam: CameraId,
    pub bytes_per_day: u64,
    pub retention_days: u32,
    /// Days until the disks are full; none when they hold all that was promised.
    pub days_left: Option<u32>,
    /// Days of its footage there will be then, if that is fewer than promised.
    pub days_kept: u32,
}

/// `free`: bytes that may still be written. `retention`: days promised per camera; a camera not in it is not recorded any more, and
/// its footage counts as going only at the longest of them.
pub fn forecast(
    days: &[DayBytes],
    retention: &BTreeMap<CameraId, u32>,
    today: i64,
    free: u64,
) -> Vec<Forecast> {
    let longest = retention.values().copied().max().unwrap_or(0);
    let promised = |cam: &CameraId| i64::from(retention.get(cam).copied().unwrap_or(longest));
    let rates: BTreeMap<&CameraId, u64> = retention
        .keys()
        .filter_map(|cam| Some((cam, rate(days, cam, today)?)))
        .collect();
    // Footage of day D goes on the morning of day D + N + 1.
    let mut goes: BTreeMap<i64, u64> = BTreeMap::new();
    for d in days {
        *goes.entry(d.day + promised(&d.cam) + 1).or_default() += d.bytes;
    }
    for (cam, rate) in &rates {
        for day in today + 1..=today + i64::from(longest) + 1 {
            *goes.entry(day + promised(cam) + 1).or_default() += rate;
        }
        let left = rate.saturating_sub(of_day(days, cam, today));
        *goes.entry(today + promised(cam) + 1).or_default() += left;
    }
    let daily: u64 = rates.values().sum();
    let rest_of_today: u64 = rates
        .iter()
        .map(|(cam, rate)| rate.saturating_sub(of_day(days, cam, today)))
        .sum();
    // What is overdue already goes with today's deletions, if they are not done yet: it is not counted on.
    let mut room = i128::from(free) - i128::from(rest_of_today);
    let mut days_left = (room < 0).then_some(0);
    for day in 1..=i64::from(longest) + 1 {
        if days_left.is_some() {
            break;
        }
        room += i128::from(goes.get(&(today + day)).copied().unwrap_or(0)) - i128::from(daily);
        days_left = (room < 0).then(|| u32::try_from(day).unwrap_or(u32::MAX));
    }
    let one = |(cam, rate): (&CameraId, u64)| {
        let retention_days = retention.get(cam).copied().unwrap_or(longest);
        let oldest = days.iter().filter(|d| d.cam == *cam).map(|d| d.day).min();
        let had = today - oldest.unwrap_or(today) + i64::from(days_left.unwrap_or(retention_days));
        Forecast {
            cam: cam.clone(),
            bytes_per_day: rate,
            retention_days,
            days_left,
            days_kept: retention_days.min(u32::try_from(had).unwrap_or(0)),
        }
    };
    rates.into_iter().map(one).collect()
}

fn of_day(days: &[DayBytes], cam: &CameraId, day: i64) -> u64 {
    let that = |d: &&DayBytes| d.cam == *cam && d.day == day;
    days.iter().filter(that).map(|d| d.bytes).sum()
}

/// Bytes a day at the rate of today and yesterday, for a camera that records all day.
fn rate(days: &[DayBytes], cam: &CameraId, today: i64) -> Option<u64> {
    let late = || days.iter().filter(|d| d.cam == *cam && d.day >= today - 1);
    let (bytes, ms): (u64, u64) = (late().map(|d| d.bytes).sum(), late().map(|d| d.ms).sum());
    (ms >= ENOUGH_MS).then(|| {
        u64::try_from(u128::from(bytes) * u128::from(DAY_MS) / u128::from(ms)).unwrap_or(u64::MAX)
    })
}

/// What people are told when it will not do. `today`: days since 1970.
pub fn in_words(all: &[Forecast], today: i64) -> Option<String> {
    let first = all.iter().find(|f| f.days_left.is_some())?;
    let days = first.days_left?;
    let short: Vec<String> = all
        .iter()
        .filter(|f| f.days_kept < f.retention_days)
        .map(|f| format!("{} {} of {}", f.cam, f.days_kept, f.retention_days))
        .collect();
    let gib = all.iter().map(|f| f.bytes_per_day).sum::<u64>() as f64 / f64::from(1 << 30);
    let when = match days {
        0 => "today".to_owned(),
        n => {
            let day = Zone::utc().day_of(Utc((today + i64::from(n)) * DAY_MS as i64));
            let days = if n == 1 { "day" } else { "days" };
            format!("in {n} {days}, on {day}")
        }
    };
    let kept = if short.is_empty() {
        String::new()
    } else {
        format!("; days of footage there will be then: {}", short.join(", "))
    };
    Some(format!(
        "at {gib:.1} GiB a day the footage disks are full {when}{kept}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn cam(n: &str) -> CameraId {
        CameraId::parse(n).expect("cam")
    }
    /// So many days on disk, the last of them today, each of so many bytes.
    fn history(name: &str, today: i64, count: i64, bytes: u64) -> Vec<DayBytes> {
        (0..count)
            .map(|back| DayBytes {
                cam: cam(name),
                day: today - back,
                bytes,
                ms: DAY_MS,
            })
            .collect()
    }
    fn run(days: &[DayBytes], promised: &[(&str, u32)], free: u64) -> Vec<Forecast> {
        let promised = promised.iter().map(|(c, d)| (cam(c), *d)).collect();
        forecast(days, &promised, 20_000, free)
    }

    /// FLT-3, RET-1: a box that has all its days on disk needs no more than one day's room; with less it is full today or tomorrow.
    #[test]
    fn a_box_in_its_stride() {
        let days = history("c01", 20_000, 32, 10 * GIB);
        let enough = run(&days, &[("c01", 31)], 2 * GIB);
        assert_eq!(
            (
                enough[0].days_left,
                enough[0].days_kept,
                enough[0].bytes_per_day
            ),
            (None, 31, 10 * GIB)
        );
        assert_eq!(in_words(&enough, 20_000), None);
        // The rate has doubled since yesterday: deletions no longer make up for it.
        let mut busier = days.clone();
        for d in busier.iter_mut().filter(|d| d.day >= 19_999) {
            d.bytes *= 2;
        }
        let short = run(&busier, &[("c01", 31)], 35 * GIB);
        assert_eq!(short[0].days_left, Some(4));
        assert_eq!(
            short[0].days_kept, 31,
            "it has its days; what comes next has no room"
        );
        assert!(
            in_words(&short, 20_000)
                .expect("words")
                .contains("full in 4 days, on 2024-10-08")
        );
    }

    /// A new box: so many days fit; the promise is longer.
    #[test]
    fn a_young_box() {
        let mut days = history("c01", 20_000, 2, 40 * GIB);
        days.extend(history("c02", 20_000, 2, 10 * GIB));
        let promised = [("c01", 31), ("c02", 28)];
        let short = run(&days, &promised, 500 * GIB);
        let said: Vec<_> = short.iter().map(|f| (f.days_left, f.days_kept)).collect();
        assert_eq!(said, [(Some(11), 12), (Some(11), 12)]);
        let words = in_words(&short, 20_000).expect("words");
        assert!(words.contains("c01 12 of 31, c02 12 of 28"), "{words}");
        assert!(
            run(&days, &promised, 1600 * GIB)
                .iter()
                .all(|f| f.days_left.is_none())
        );
        assert_eq!(run(&days, &promised, 0)[0].days_left, Some(1));
    }

    /// A camera that has recorded for a minute is judged by its rate; one that has not is not judged.
    #[test]
    fn the_first_minutes() {
        let minute = |bytes, ms| {
            vec![DayBytes {
                cam: cam("c01"),
                day: 20_000,
                bytes,
                ms,
            }]
        };
        let young = run(&minute(30_000_000, 60_000), &[("c01", 31)], 100 * GIB);
        assert_eq!(young[0].bytes_per_day, 30_000_000 * 1440);
        assert_eq!(young[0].days_left, Some(2));
        assert!(run(&minute(1, 59_999), &[("c01", 31)], GIB).is_empty());
        assert!(forecast(&[], &BTreeMap::new(), 0, 0).is_empty());
    }

    /// Footage of a camera that is no longer configured makes room only when the longest rule lets it go.
    #[test]
    fn footage_of_a_camera_taken_away() {
        let mut days = history("c01", 20_000, 3, 10 * GIB);
        days.extend(history("old", 19_980, 11, 100 * GIB));
        // Its first day, 19970, goes on the morning of 20002: until then room for a day is needed.
        assert_eq!(run(&days, &[("c01", 31)], 5 * GIB)[0].days_left, Some(1));
        assert_eq!(run(&days, &[("c01", 31)], 15 * GIB)[0].days_left, None);
    }
}
