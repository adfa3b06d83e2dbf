//! Pure. What "N days" means (RET-1, RET-2): the one place that says it. The box deletes by it, the hub holds the box to it.

use crate::time::{Day, Utc, Zone};

/// What N days means, in a sentence for people.
pub fn sentence(days: u32, zone: &str) -> String {
    let gone = days.saturating_add(1);
    format!(
        "{days} days means: footage of a local day D is deleted between 00:05 and 00:15 of local day D+{gone}. So every second is kept for at least {days} days and is gone within {gone} days and a quarter of an hour (an hour more or less where the clocks change). Days are calendar days of {zone}."
    )
}

/// When footage of a local day that is kept `days` days is to be deleted.
pub fn due(day: Day, days: u32, zone: &Zone) -> Utc {
    let days = i32::try_from(days).unwrap_or(i32::MAX).saturating_add(1);
    zone.at(day.plus_days(days), 0, 5)
}

/// The same where it is known when its last picture ended. A day that was begun in another zone than today's may end hours later than
/// today's zone has it: nothing goes before it was kept for its days (an hour less where the clocks change).
pub fn due_after(day: Day, last: Utc, days: u32, zone: &Zone) -> Utc {
    const DAY_MS: i64 = 86_400_000;
    let calendar = due(day, days, zone);
    // A time that is not of that day in any zone comes from a clock that was wrong, and says nothing.
    let of_day = (-1..=1).contains(&day.days_until(Zone::utc().day_of(last)));
    let kept = last.plus_ms(i64::from(days) * DAY_MS - DAY_MS / 24);
    if of_day { calendar.max(kept) } else { calendar }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-1, RET-2: 28, 30 and 31 days, over both clock-change nights, month ends and a leap day: due at 00:05, and every second was
    /// kept for N days until then (an hour less only where the clocks went forward).
    #[test]
    fn days_of_the_calendar() {
        let zone = Zone::parse("Europe/London").expect("zone");
        for (days, recorded, at) in [
            (28, "2026-11-03", "2026-12-02T00:05:00.000Z"),
            (30, "2026-11-03", "2026-12-04T00:05:00.000Z"),
            (31, "2026-11-03", "2026-12-05T00:05:00.000Z"),
            // recorded in summer time, due in winter time, and the other way round
            (28, "2026-10-01", "2026-10-30T00:05:00.000Z"),
            (28, "2026-10-25", "2026-11-23T00:05:00.000Z"),
            (28, "2026-03-10", "2026-04-07T23:05:00.000Z"),
            (30, "2027-03-01", "2027-03-31T23:05:00.000Z"),
            // due on the nights themselves: the clocks change at 01:00, after the sweep
            (28, "2026-02-28", "2026-03-29T00:05:00.000Z"),
            (28, "2026-03-01", "2026-03-29T23:05:00.000Z"),
            (30, "2026-09-24", "2026-10-24T23:05:00.000Z"),
            (30, "2026-09-25", "2026-10-26T00:05:00.000Z"),
            // recorded on the nights themselves
            (31, "2026-03-29", "2026-04-29T23:05:00.000Z"),
            (31, "2026-10-25", "2026-11-26T00:05:00.000Z"),
            // over a leap day
            (31, "2028-01-29", "2028-03-01T00:05:00.000Z"),
            (31, "2028-02-29", "2028-03-31T23:05:00.000Z"),
        ] {
            let day = Day::parse(recorded).expect("day");
            let due = due(day, days, &zone);
            assert_eq!(due, Utc::parse(at).expect("time"), "{days} from {recorded}");
            let end = zone.start_of(day.plus_days(1));
            assert!(
                due.0 - end.0 >= i64::from(days) * 86_400_000 - 3_600_000,
                "{days} days from {recorded}"
            );
        }
        let never = due(Day::parse("2026-11-03").expect("day"), u32::MAX, &zone);
        assert!(never > Utc(0), "no calendar is broken");
    }

    /// RET-1: a box that is set to a zone further east has midnight earlier: a day that was begun in the old zone is kept for its days all
    /// the same. Where the zone stays, the last picture of a day changes nothing.
    #[test]
    fn a_zone_further_east_takes_nothing_early() {
        let zone = |name| Zone::parse(name).expect("zone");
        let (london, auckland) = (zone("Europe/London"), zone("Pacific/Auckland"));
        let day = Day::parse("2026-11-03").expect("day");
        let end = london.start_of(day.plus_days(1));
        assert_eq!(due_after(day, end, 28, &london), due(day, 28, &london));
        let moved = due_after(day, end, 28, &auckland);
        assert_eq!(moved.0 - end.0, (28 * 24 - 1) * 3_600_000);
        assert!(moved > due(day, 28, &auckland));
        // The other way round midnight comes later: nothing is early.
        let end = auckland.start_of(day.plus_days(1));
        assert_eq!(due_after(day, end, 28, &london), due(day, 28, &london));
        // The last picture of a clock that was wrong by years.
        assert_eq!(due_after(day, Utc(0), 28, &london), due(day, 28, &london));
        for recorded in ["2026-03-01", "2026-03-28", "2026-10-24", "2026-10-25"] {
            let day = Day::parse(recorded).expect("day");
            let last = london.start_of(day.plus_days(1)).plus_ms(60_000);
            assert_eq!(
                due_after(day, last, 31, &london),
                due(day, 31, &london),
                "{recorded}"
            );
        }
    }

    /// The sentence is the same everywhere, and names the days it counts in.
    #[test]
    fn the_sentence() {
        let text = sentence(31, "Europe/London");
        assert!(
            text.contains("between 00:05 and 00:15 of local day D+32")
                && text.contains("at least 31 days")
                && text.contains("Europe/London"),
            "{text}"
        );
    }
}
