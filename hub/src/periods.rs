//! Pure. How long the hub keeps what it has of footage, and what of it is due to go (RET-5, RET-6).
//!
//! | kept | class | until | goes |
//! |---|---|---|---|
//! | exhibit (package, sealed masters, key) | `general` | `master_years` after the day it was made | a person disposes |
//! | | `surveillance` | `surveillance_years` after the day it was made | a person disposes |
//! | | `review` | the review day, at most `review_days` ahead each time | a person disposes, or gives a new day |
//! | what came of a request that was refused or failed | draft | `draft_days` after its end | by itself |
//! | what an interrupted fetch or package left behind | part | `part_days` after it was last written | by itself |
//! | a request whose box is offline | open | `wait_days` after it was made | it fails ([`wait_ends`]), and is a draft from then on |
//! | a text of the side table that nothing kept refers to | text | `text_years` after it was written | by itself |
//!
//! A day counts whole: what is kept until a day goes from the first moment of the next one on, by the scheme's clock on the wall.
//! An exhibit is not due while an open request or a hold wants the same footage of its camera.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    time::{Day, Utc, Zone},
};

use crate::reason::Evidence;

/// Before an exhibit is due, somebody is told so long.
pub const SOON_DAYS: i32 = 30;
const DAY_MS: i64 = 86_400_000;

/// `[periods]` of `hub.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    pub master_years: u32,
    pub surveillance_years: u32,
    pub review_days: u32,
    pub draft_days: u32,
    pub part_days: u32,
    pub text_years: u32,
    pub wait_days: u32,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            master_years: 3,
            surveillance_years: 5,
            review_days: 365,
            draft_days: 7,
            part_days: 1,
            text_years: 3,
            wait_days: 90,
        }
    }
}

/// Why an exhibit is kept, and so for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "lowercase")]
pub enum Class {
    #[default]
    General,
    Surveillance,
    /// Until somebody looks at it again, on that day.
    Review {
        review: Day,
    },
}

pub const CLASSES: [&str; 3] = ["general", "surveillance", "review"];

impl Class {
    /// From what somebody wrote.
    pub fn parse(word: &str, review: Option<Day>) -> Result<Self, Evidence> {
        match (word, review) {
            ("general", None) => Ok(Self::General),
            ("surveillance", None) => Ok(Self::Surveillance),
            ("review", Some(review)) => Ok(Self::Review { review }),
            ("review", None) => Err(Evidence::ClassNeedsReview),
            ("general" | "surveillance", Some(_)) => {
                Err(Evidence::ClassHasItsPeriod { class: word.into() })
            }
            _ => Err(Evidence::ClassUnknown { class: word.into() }),
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Surveillance => "surveillance",
            Self::Review { .. } => "review",
        }
    }

    pub fn review(self) -> Option<Day> {
        match self {
            Self::Review { review } => Some(review),
            Self::General | Self::Surveillance => None,
        }
    }

    /// What the class means, for people.
    pub fn in_words(self, periods: &Periods) -> String {
        match self {
            Self::General => format!("general ({} years)", periods.master_years),
            Self::Surveillance => format!(
                "directed surveillance ({} years)",
                periods.surveillance_years
            ),
            Self::Review { review } => format!("until it is reviewed on {review}"),
        }
    }
}

/// Whether a review may be on that day: from today on, and not further ahead than the period.
pub fn review_may_be(review: Day, today: Day, periods: &Periods) -> Result<(), Evidence> {
    let most = i32::try_from(periods.review_days).unwrap_or(i32::MAX);
    let last = today.plus_days(most);
    if review < today {
        return Err(Evidence::ReviewPassed { review });
    }
    if review > last {
        return Err(Evidence::ReviewTooFar {
            days: periods.review_days,
            last,
        });
    }
    Ok(())
}

/// Until when a request waits for a box that is offline: then it fails, or it would be kept for ever.
pub fn wait_ends(made: Utc, periods: &Periods) -> Utc {
    made.plus_ms(i64::from(periods.wait_days) * DAY_MS)
}

/// The same date some years later. 29 February has none in most years: the day before then.
pub fn years_later(day: Day, years: u32) -> Day {
    let text = day.to_string();
    let year = i64::from(day.year()) + i64::from(years);
    let rest = text.get(4..).unwrap_or_default();
    Day::parse(&format!("{year:04}{rest}"))
        .or_else(|_| Day::parse(&format!("{year:04}-02-28")))
        .unwrap_or(day)
}

/// The same date some years before.
pub fn years_earlier(day: Day, years: u32) -> Day {
    let text = day.to_string();
    let year = (i64::from(day.year()) - i64::from(years)).max(1);
    let rest = text.get(4..).unwrap_or_default();
    Day::parse(&format!("{year:04}{rest}"))
        .or_else(|_| Day::parse(&format!("{year:04}-03-01")))
        .unwrap_or(day)
}

/// Last day on which an exhibit is kept.
pub fn last_day(class: Class, made: Utc, periods: &Periods, zone: &Zone) -> Day {
    let from = zone.day_of(made);
    match class {
        Class::General => years_later(from, periods.master_years),
        Class::Surveillance => years_later(from, periods.surveillance_years),
        Class::Review { review } => review,
    }
}

/// From when on it is due.
pub fn ends(class: Class, made: Utc, periods: &Periods, zone: &Zone) -> Utc {
    zone.start_of(last_day(class, made, periods, zone).plus_days(1))
}

/// An exhibit the hub has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    pub exhibit: String,
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    pub made: Utc,
    pub class: Class,
}

/// A request that ended without an exhibit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub exhibit: String,
    pub over: Utc,
}

/// Something an interrupted fetch, package or key left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub path: PathBuf,
    /// When it was last written.
    pub touched: Utc,
    /// The request it is of is open: it will be gone on with.
    pub open: bool,
}

/// A text of the side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub hash: String,
    pub made: Utc,
    /// Something that is kept refers to it.
    pub used: bool,
}

/// An open request or a hold that wants footage of a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    /// The request or hold, in words.
    pub by: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub exhibits: Vec<Exhibit>,
    pub drafts: Vec<Draft>,
    pub parts: Vec<Part>,
    pub texts: Vec<Text>,
    pub claims: Vec<Claim>,
}

/// Where an exhibit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeriodStanding {
    Kept,
    /// Due within [`SOON_DAYS`].
    Soon,
    Due,
    /// Its period is over, but this wants the same footage (RET-6).
    Wanted(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueThing {
    Exhibit(String),
    Draft(String),
    Part(PathBuf),
    /// By its hash.
    Text(String),
}

impl DueThing {
    /// Evidence goes only when a person says so.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Exhibit(_))
    }
}

/// What is due, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueItem {
    pub what: DueThing,
    pub since: Utc,
    pub why: String,
}

/// RET-6: what wants the footage of an exhibit.
pub fn wanted<'a>(e: &Exhibit, claims: &'a [Claim]) -> Option<&'a Claim> {
    claims
        .iter()
        .find(|c| c.camera == e.camera && c.t0 < e.t1 && e.t0 < c.t1)
}

/// Its period is over, whatever wants it.
pub fn is_over(e: &Exhibit, periods: &Periods, zone: &Zone, now: Utc) -> bool {
    now >= ends(e.class, e.made, periods, zone)
}

/// Why it is due, once it is.
pub fn why_due(e: &Exhibit, periods: &Periods, zone: &Zone) -> String {
    let last = last_day(e.class, e.made, periods, zone);
    match e.class {
        Class::General => format!("its {} years ended on {last}", periods.master_years),
        Class::Surveillance => format!(
            "its {} years as directed surveillance ended on {last}",
            periods.surveillance_years
        ),
        Class::Review { review } => format!("it was to be reviewed by {review}"),
    }
}

pub fn standing(
    e: &Exhibit,
    claims: &[Claim],
    periods: &Periods,
    zone: &Zone,
    now: Utc,
) -> PeriodStanding {
    let last = last_day(e.class, e.made, periods, zone);
    if now >= zone.start_of(last.plus_days(1)) {
        return match wanted(e, claims) {
            Some(claim) => PeriodStanding::Wanted(claim.by.clone()),
            None => PeriodStanding::Due,
        };
    }
    if now >= zone.start_of(last.plus_days(1 - SOON_DAYS)) {
        return PeriodStanding::Soon;
    }
    PeriodStanding::Kept
}

/// What is due now, of all that is kept. Nothing else decides it.
pub fn due(kept: &Inventory, periods: &Periods, zone: &Zone, now: Utc) -> Vec<DueItem> {
    let days = |from: Utc, days: u32| from.plus_ms(i64::from(days) * DAY_MS);
    let exhibits = kept
        .exhibits
        .iter()
        .filter(|e| standing(e, &kept.claims, periods, zone, now) == PeriodStanding::Due)
        .map(|e| DueItem {
            what: DueThing::Exhibit(e.exhibit.clone()),
            since: ends(e.class, e.made, periods, zone),
            why: why_due(e, periods, zone),
        });
    let drafts = kept.drafts.iter().map(|d| DueItem {
        what: DueThing::Draft(d.exhibit.clone()),
        since: days(d.over, periods.draft_days),
        why: format!(
            "the request gave no exhibit, {} days ago",
            periods.draft_days
        ),
    });
    let parts = kept.parts.iter().filter(|p| !p.open).map(|p| DueItem {
        what: DueThing::Part(p.path.clone()),
        since: days(p.touched, periods.part_days),
        why: format!("nothing has gone on with it for {} days", periods.part_days),
    });
    let texts = kept.texts.iter().filter(|t| !t.used).map(|t| DueItem {
        what: DueThing::Text(t.hash.clone()),
        since: zone.start_of(years_later(zone.day_of(t.made), periods.text_years).plus_days(1)),
        why: format!(
            "nothing that is kept refers to it, and it is {} years old",
            periods.text_years
        ),
    });
    exhibits
        .chain(drafts)
        .chain(parts)
        .chain(texts)
        .filter(|d| d.since <= now)
        .collect()
}

#[cfg(test)]
#[path = "periods_tests.rs"]
mod tests;
