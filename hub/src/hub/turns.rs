//! Pure. Whose turn it is on a box's line: what is urgent first, what is planned in the hours it may use, two at once, in the order they were
//! granted. And when what is still to come will be there.

use shared::{
    id::BoxName,
    time::{Utc, Zone},
};

use crate::{
    model::line::{Forecast, Hours, LineWish},
    reason::PullReason,
};

/// Pulls of one box that share its line; the others wait.
const AT_ONCE: usize = 2;

/// A forecast that would be further off is none.
const FURTHEST_DAYS: i64 = 60;

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
