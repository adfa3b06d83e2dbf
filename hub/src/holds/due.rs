//! Pure. Dates about holds: when footage would go without one, and which of a hold's dates somebody has to look at.

use shared::time::{Day, Utc, Zone};

use crate::model::hold::{HoldStanding, State};

const DAY_MS: i64 = 86_400_000;
/// A hold that no box has placed is a fault so long before the footage goes.
const PENDING_MS: i64 = 3 * DAY_MS;
/// A hold that ends is a fault so long before.
const EXPIRING_MS: i64 = 7 * DAY_MS;
/// A box on the line answers sooner than this.
const ANSWERS_MS: i64 = 60_000;
/// Without another word a hold is to be looked at again after so many days, or when it ends.
const REVIEW_DAYS: i32 = 90;

/// The review date of a hold for which nobody named one.
pub fn review(now: Utc, until: Utc, zone: &Zone) -> Day {
    zone.day_of(until)
        .min(zone.day_of(now).plus_days(REVIEW_DAYS))
}

/// RET-6: until when the hold of a clip request that is still open is to last from now on, so that it does not end before the request:
/// `days` anew once half of them are over, for the box may be out of reach for a while.
pub fn carried_on(until: Utc, days: u32, now: Utc) -> Option<Utc> {
    let whole = i64::from(days) * DAY_MS;
    (until.0 - now.0 < whole / 2).then(|| now.plus_ms(whole))
}

const PENDING: &str = "hold.pending";
const EXPIRING: &str = "hold.expiring";
const REVIEW: &str = "hold.review";
/// What is found about holds.
pub const CODES: [&str; 3] = [PENDING, EXPIRING, REVIEW];

/// Something somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Of shared::conditions.
    pub code: &'static str,
    pub since: Utc,
    pub text: String,
}

/// `due`: when the first of the footage is deleted without the hold, if the box has said how long it keeps footage. Dates of days are
/// in `zone`, the hub's.
pub fn warnings(
    standing: &HoldStanding,
    made: Utc,
    review: Day,
    due: Option<Utc>,
    zone: &Zone,
    now: Utc,
) -> Vec<Warning> {
    let mut out = Vec::new();
    if !standing.state.alive() {
        return out;
    }
    let at = |t: Utc| t.for_people(zone);
    let mut found = |code, since: Utc, text| {
        if now >= since {
            out.push(Warning { code, since, text });
        }
    };
    if standing.state == State::Pending
        && let Some(due) = due
    {
        let since = due.plus_ms(-PENDING_MS).max(made.plus_ms(ANSWERS_MS));
        let text = if now < due {
            format!(
                "the box has not placed it, and its footage is deleted from {} on",
                at(due)
            )
        } else {
            format!(
                "the box had not placed it when its footage was due for deletion, at {}",
                at(due)
            )
        };
        found(PENDING, since, text);
    }
    let ends = standing.ends();
    if standing.state == State::Placed {
        let waits = match ends < standing.until {
            true => "; the box has not taken its extension yet",
            false => "",
        };
        // One that was made for a few days only is not a fault from its first moment on.
        let since = ends
            .plus_ms(-EXPIRING_MS)
            .max(made.plus_ms((ends.0 - made.0) / 2));
        found(EXPIRING, since, format!("it ends at {}{waits}", at(ends)));
    }
    let passed = zone.start_of(review.plus_days(1));
    found(
        REVIEW,
        passed,
        format!("it was to be looked at again by {review}"),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hold::Event;

    fn utc(text: &str) -> Utc {
        Utc::parse(text).expect("time")
    }

    fn london() -> Zone {
        Zone::parse("Europe/London").expect("zone")
    }

    /// RET-6: in time, and not at every look.
    #[test]
    fn an_open_request_carries_its_hold_on() {
        let now = utc("2026-11-23T12:00:00.000Z");
        let days = |n: i64| now.plus_ms(n * DAY_MS);
        assert_eq!(carried_on(days(31), 31, now), None);
        assert_eq!(carried_on(days(16), 31, now), None);
        assert_eq!(carried_on(days(15), 31, now), Some(days(31)));
        assert_eq!(carried_on(days(-3), 31, now), Some(days(31)));
    }

    /// RET-3: pending is a fault from three days before the footage goes, the end from seven days before, a review from the day after.
    #[test]
    fn what_is_due() {
        let zone = london();
        let made = utc("2026-11-03T12:00:00.000Z");
        let until = utc("2026-12-20T12:00:00.000Z");
        let due = Some(utc("2026-12-05T00:05:00.000Z"));
        let review = Day::parse("2026-11-30").expect("day");
        let pending = HoldStanding::new(until);
        let mut placed = pending.clone();
        placed.apply(Event::Placed {
            until,
            segments: 1,
            bytes: 1,
        });
        let codes = |s: &HoldStanding, now: &str| -> Vec<&str> {
            warnings(s, made, review, due, &zone, utc(now))
                .iter()
                .map(|w| w.code)
                .collect()
        };
        assert!(codes(&pending, "2026-11-30T23:59:59.999Z").is_empty());
        assert_eq!(codes(&pending, "2026-12-01T00:00:00.000Z"), ["hold.review"]);
        assert_eq!(
            codes(&pending, "2026-12-02T00:05:00.000Z"),
            ["hold.pending", "hold.review"]
        );
        assert!(codes(&placed, "2026-11-30T23:59:59.999Z").is_empty());
        assert_eq!(codes(&placed, "2026-12-13T11:59:59.999Z"), ["hold.review"]);
        assert_eq!(
            codes(&placed, "2026-12-13T12:00:00.000Z"),
            ["hold.expiring", "hold.review"]
        );
        let late = warnings(
            &pending,
            made,
            review,
            due,
            &zone,
            utc("2026-12-06T00:00:00.000Z"),
        );
        assert!(late[0].text.contains("had not placed it"), "{late:?}");
        let unknown = warnings(
            &pending,
            made,
            review,
            None,
            &zone,
            utc("2026-12-06T00:00:00.000Z"),
        );
        assert_eq!(
            unknown.len(),
            1,
            "how long the box keeps footage is not known"
        );
        placed.apply(Event::Released {
            ended: crate::model::hold::HoldEnd::Order,
        });
        assert!(codes(&placed, "2026-12-13T12:00:00.000Z").is_empty());

        // An extension that the box has not taken does not silence the warning.
        let mut extended = pending;
        extended.apply(Event::Placed {
            until,
            segments: 1,
            bytes: 1,
        });
        extended.apply(Event::Extended {
            until: until.plus_ms(90 * DAY_MS),
        });
        let w = warnings(
            &extended,
            made,
            review.plus_days(300),
            due,
            &zone,
            utc("2026-12-14T00:00:00.000Z"),
        );
        assert!(w[0].text.contains("extension"), "{w:?}");

        // A hold of three days is not about to end from its first moment on.
        let short = made.plus_ms(3 * DAY_MS);
        let mut three = HoldStanding::new(short);
        three.apply(Event::Placed {
            until: short,
            segments: 1,
            bytes: 1,
        });
        assert!(warnings(&three, made, review, due, &zone, made.plus_ms(DAY_MS)).is_empty());
    }

    /// RET-3: a hold has a review date always, and not after its end.
    #[test]
    fn a_review_date_always() {
        let (zone, now) = (london(), utc("2026-11-03T12:00:00.000Z"));
        assert_eq!(
            crate::holds::due::review(now, now.plus_ms(31 * DAY_MS), &zone).to_string(),
            "2026-12-04"
        );
        assert_eq!(
            crate::holds::due::review(now, now.plus_ms(400 * DAY_MS), &zone).to_string(),
            "2027-02-01"
        );
    }
}
