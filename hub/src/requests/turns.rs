//! Pure. Whose turn it is on a box's line: what is urgent first, what is planned in the hours it may use, two at once, in the order they were
//! granted. And when what is still to come will be there.

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxName,
    time::{Utc, Zone},
};
use utoipa::ToSchema;

use crate::reason::PullReason;

/// Pulls of one box that share its line; the others wait.
const AT_ONCE: usize = 2;
const MINUTE: i64 = 60_000;
const DAY_MINUTES: u16 = 24 * 60;
/// A forecast that would be further off is none.
const FURTHEST_DAYS: i64 = 60;

/// Hours of the local day, by the scheme's clock. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Minutes of the day.
    pub begins: u16,
    pub ends: u16,
}

/// As people write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoursText {
    /// 18:00, by the scheme's clock.
    pub begins: String,
    pub ends: String,
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl HoursText {
    /// None: they are no two different times of the day.
    pub fn read(&self) -> Option<Hours> {
        let (begins, ends) = (minute(&self.begins)?, minute(&self.ends)?);
        (begins != ends).then_some(Hours { begins, ends })
    }
}

impl From<Hours> for HoursText {
    fn from(hours: Hours) -> Self {
        Self {
            begins: clock(hours.begins),
            ends: clock(hours.ends),
        }
    }
}

impl Hours {
    pub fn of(begins: u16, ends: u16) -> Option<Self> {
        let within = begins < DAY_MINUTES && ends < DAY_MINUTES && begins != ends;
        within.then_some(Self { begins, ends })
    }

    /// By what the clock on the wall shows then: an hour that comes twice counts twice, one that is left out not at all.
    pub fn cover(self, at: Utc, zone: &Zone) -> bool {
        let now = zone.minute_of(at);
        match self.begins < self.ends {
            true => (self.begins..self.ends).contains(&now),
            false => now >= self.begins || now < self.ends,
        }
    }

    /// From then on, when they begin or end next.
    pub fn turn(self, at: Utc, zone: &Zone) -> Utc {
        let within = self.cover(at, zone);
        let mut next = Utc(at.0 - at.0.rem_euclid(MINUTE) + MINUTE);
        // A day has 25 hours at most.
        for _ in 0..26 * 60 {
            if self.cover(next, zone) != within {
                break;
            }
            next = next.plus_ms(MINUTE);
        }
        next
    }
}

/// What a box's line may be used for by clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineWish {
    /// Kilobits a second; None: what the line carries.
    pub most_kbit: Option<u64>,
    /// When planned pulls may use it; None: always.
    pub hours: Option<Hours>,
}

/// One pull of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub exhibit: String,
    /// Number of its order: earlier ones go first.
    pub order: u64,
    pub urgent: bool,
    pub paused: Option<String>,
    /// It has something to fetch now.
    pub wants: bool,
    /// Bytes still to come, as far as is known.
    pub left: u64,
}

/// Whether nothing but others of its box stands in the way of a pull.
pub fn may_run(
    entry: &Entry,
    wish: LineWish,
    name: &BoxName,
    now: Utc,
    zone: &Zone,
) -> Result<(), PullReason> {
    if let Some(by) = &entry.paused {
        return Err(PullReason::Paused { by: by.clone() });
    }
    let hours = wish
        .hours
        .filter(|hours| !entry.urgent && !hours.cover(now, zone));
    match hours {
        Some(hours) => Err(PullReason::OutsideHours {
            name: name.clone(),
            begins: hours.turn(now, zone),
        }),
        None => Ok(()),
    }
}

/// Those of a box's pulls that want its line now and may have it, in the order they have it.
fn queue<'a>(
    pulls: &'a [Entry],
    wish: LineWish,
    name: &BoxName,
    now: Utc,
    zone: &Zone,
) -> Vec<&'a Entry> {
    let wanting = pulls.iter().filter(|e| e.wants);
    let mut queue: Vec<&Entry> = wanting
        .filter(|e| may_run(e, wish, name, now, zone).is_ok())
        .collect();
    queue.sort_by_key(|e| (!e.urgent, e.order));
    queue
}

/// Whether it is the turn of one of a box's pulls, or what it waits for.
pub fn verdict(
    pulls: &[Entry],
    exhibit: &str,
    wish: LineWish,
    name: &BoxName,
    now: Utc,
    zone: &Zone,
) -> Result<(), PullReason> {
    let Some(entry) = pulls.iter().find(|e| e.exhibit == exhibit) else {
        return Ok(());
    };
    may_run(entry, wish, name, now, zone)?;
    let queue = queue(pulls, wish, name, now, zone);
    if let Some(first) = queue.first().filter(|first| first.urgent && !entry.urgent) {
        return Err(PullReason::UrgentFirst {
            name: name.clone(),
            exhibit: first.exhibit.clone(),
        });
    }
    let before = queue.iter().position(|e| e.exhibit == exhibit);
    match before {
        Some(before) if before >= AT_ONCE => Err(PullReason::InTurn {
            name: name.clone(),
            before: before as u64,
        }),
        _ => Ok(()),
    }
}

/// Bytes of others that come before a pull on its box's line; of those that share it with it, as much as its own.
pub fn ahead(pulls: &[Entry], exhibit: &str, own: u64, urgent: bool) -> u64 {
    let others = pulls
        .iter()
        .filter(|e| e.exhibit != exhibit && e.wants && e.paused.is_none());
    let before = others.filter(|e| e.urgent || !urgent);
    before.fold(0, |sum, e| {
        let of = match e.urgent == urgent {
            true => e.left.min(own),
            false => e.left,
        };
        sum.saturating_add(of)
    })
}

/// What a pull needs of a line, and when it will be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Forecast {
    /// Still to come.
    pub bytes: u64,
    /// Of other pulls, before it.
    pub ahead: u64,
    /// Kilobits a second that it is reckoned with: what the line was measured to carry, or its cap. None: neither is known.
    pub kbit: Option<u64>,
    /// Seconds on the line; None: no rate is known.
    pub secs: Option<u64>,
    /// When all of it will be there, the hours reckoned in; None: not known, or further off than two months.
    pub there: Option<Utc>,
}

/// `measured`: kilobits a second.
pub fn forecast(
    (bytes, ahead): (u64, u64),
    measured: Option<u64>,
    wish: LineWish,
    urgent: bool,
    now: Utc,
    zone: &Zone,
) -> Forecast {
    let kbit = match (measured, wish.most_kbit) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let kbit = kbit.filter(|k| *k > 0);
    let secs = kbit.map(|k| {
        bytes
            .saturating_add(ahead)
            .saturating_mul(8)
            .div_ceil(k.saturating_mul(1000))
    });
    let there = secs.and_then(|secs| {
        let left = i64::try_from(secs).ok()?.checked_mul(1000)?;
        reached(left, wish.hours.filter(|_| !urgent), now, zone)
    });
    Forecast {
        bytes,
        ahead,
        kbit,
        secs,
        there,
    }
}

/// The moment at which so many milliseconds of the hours have gone by.
fn reached(mut left: i64, hours: Option<Hours>, now: Utc, zone: &Zone) -> Option<Utc> {
    let furthest = now.plus_ms(FURTHEST_DAYS * 86_400_000);
    let Some(hours) = hours else {
        return Some(now.plus_ms(left)).filter(|t| *t < furthest);
    };
    let mut at = now;
    while at < furthest {
        let turn = hours.turn(at, zone);
        if hours.cover(at, zone) {
            let there = turn.0 - at.0;
            if left <= there {
                return Some(at.plus_ms(left));
            }
            left -= there;
        }
        at = turn;
    }
    None
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
