//! Pure. What the promise "N days" demands of a camera-day, and whether its certificate keeps it (RET-1, RET-2, RET-4, FLT-3).
//!
//! The box decides what goes (its `retention/policy.rs`); here its word is held against the rule it named to the hub. Times of lines
//! are the box's, everything else is by the hub's clock.

use shared::{
    promise::{due, due_after},
    time::{Day, Utc, Zone},
};

use crate::db::retention::{CertificateRecord, DayRecord};

/// How long after its time a deletion may be shown before its absence is a fault.
pub const GRACE_MS: i64 = 86_400_000;
/// A sweep begins at 00:05 and is over by 00:15.
const SWEEP_MS: i64 = 600_000;
/// A box applies a new rule a little before or after the hub hears of it.
const NEWS_MS: i64 = 86_400_000;

/// The oldest local day of which footage may be on disk after a sweep that ended at `t`.
fn oldest_allowed(t: Utc, days: u32, zone: &Zone) -> Day {
    let today = zone.day_of(t);
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let back = if t >= zone.at(today, 0, 5) {
        days
    } else {
        days.saturating_add(1)
    };
    today.plus_days(back.saturating_neg())
}

/// The rules of one camera over time, as the hub heard of them; oldest first.
#[derive(Clone, Debug)]
pub struct Policy {
    pub rules: Vec<(Utc, u32)>,
    /// Whose calendar days they are now.
    pub zone: Zone,
    /// And over time, as the hub heard of it; oldest first.
    pub zones: Vec<(Utc, Zone)>,
}

/// What was in force at `t`, and whatever the box may have changed to or from about then.
fn about<T>(all: &[(Utc, T)], t: Utc) -> impl Iterator<Item = &T> {
    let in_force = |at: Utc| all.iter().rev().find(|(since, _)| *since <= at);
    let changed = all
        .iter()
        .filter(move |(since, _)| (since.0 - t.0).abs() <= NEWS_MS);
    in_force(t)
        .into_iter()
        .chain(in_force(t.plus_ms(-NEWS_MS)))
        .chain(changed)
        .map(|(_, what)| what)
}

impl Policy {
    /// In force now.
    pub fn days(&self) -> Option<u32> {
        self.rules.last().map(|(_, days)| *days)
    }

    /// The shortest the box may have applied at `t`; None: the hub knew no rule of this camera then.
    fn shortest_at(&self, t: Utc) -> Option<u32> {
        about(&self.rules, t).copied().min()
    }

    /// Zones by whose midnight the box may have swept at `t`.
    fn zones_at(&self, t: Utc) -> Vec<&Zone> {
        let zones: Vec<&Zone> = about(&self.zones, t).collect();
        match zones.is_empty() {
            true => vec![&self.zone],
            false => zones,
        }
    }

    /// The latest local day, in any zone the box ever had, that a moment may have been recorded under.
    fn latest_day(&self, t: Utc) -> Day {
        let ever = self.zones.iter().map(|(_, zone)| zone.day_of(t));
        ever.fold(self.zone.day_of(t), Day::max)
    }

    /// When footage of a day is due by the rule in force now: a rule made shorter makes nothing due before it was made. `last`: when its
    /// last picture ended.
    fn due(&self, day: Day, last: Utc) -> Option<Utc> {
        let (since, days) = self.rules.last()?;
        let due = due_after(day, last, *days, &self.zone);
        let shortened = self.rules.iter().any(|(_, before)| before > days);
        Some(if shortened { due.max(*since) } else { due })
    }
}

/// Why a certificate is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// A key the box still has opens what it deleted.
    Opens,
    /// Older footage than the rule allows was left on disk.
    Left { oldest: Utc },
}

/// How a camera-day stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayVerdict {
    /// Its certificate is there and sound.
    Sound,
    /// Sound, but deleted more than a day after its time.
    Late {
        due: Utc,
    },
    /// Deleted before its time; `space`: the box says, for lack of space.
    Early {
        due: Utc,
        space: bool,
    },
    NotDue {
        due: Utc,
    },
    /// Due within the last day: its certificate may still come.
    Awaited {
        due: Utc,
    },
    /// Due, and the hub has heard nothing of the box since before.
    NotKnown {
        since: Option<Utc>,
    },
    /// Recorded under a clock nobody has vouched for yet: when it is due is not known.
    Undated,
    /// All of it was found missing from the disks; nothing is left to delete.
    Lost,
    /// More than a day past its time, and the hub cannot show the deletion. `silent`: the box has not been heard of since then, which
    /// is why. `begun`: a deletion was begun and never reported done.
    Missing {
        due: Utc,
        silent: Option<Option<Utc>>,
        begun: bool,
    },
    Failing(Fails),
    /// No rule of this camera is known.
    NoRule,
}

impl DayVerdict {
    /// The worst of a camera-day's parts counts.
    fn weight(&self) -> u8 {
        match self {
            DayVerdict::Lost => 0,
            DayVerdict::Sound => 1,
            DayVerdict::Late { .. } => 2,
            DayVerdict::Early { .. } => 3,
            DayVerdict::NotDue { .. } => 4,
            DayVerdict::Awaited { .. } => 5,
            DayVerdict::Undated => 6,
            DayVerdict::NoRule => 7,
            DayVerdict::NotKnown { .. } => 8,
            DayVerdict::Failing(_) => 9,
            DayVerdict::Missing { .. } => 10,
        }
    }

    pub fn worse(self, other: DayVerdict) -> DayVerdict {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    pub fn word(&self) -> &'static str {
        match self {
            DayVerdict::Sound => "sound",
            DayVerdict::Late { .. } => "late",
            DayVerdict::Early { .. } => "early",
            DayVerdict::NotDue { .. } => "not due",
            DayVerdict::Awaited { .. } => "awaited",
            DayVerdict::NotKnown { .. } => "not known",
            DayVerdict::Undated => "not dated",
            DayVerdict::Lost => "lost",
            DayVerdict::Missing { .. } => "missing",
            DayVerdict::Failing(_) => "failing",
            DayVerdict::NoRule => "no rule",
        }
    }

    /// The whole of it in a sentence.
    pub fn text(&self, zone: &Zone) -> String {
        let at = |t: Utc| t.for_people(zone);
        let heard = |t: Option<Utc>| {
            t.map_or_else(
                || "the box's log has never come".into(),
                |t| format!("the box has not been heard since {}", at(t)),
            )
        };
        match self {
            DayVerdict::Sound => "deleted on time; no key left on the box opens it".into(),
            DayVerdict::Late { due } => {
                format!("deleted, but late: it was due {}", at(*due))
            }
            DayVerdict::Early { due, space } => format!(
                "deleted early{}: it was due {}",
                if *space { ", for lack of space" } else { "" },
                at(*due)
            ),
            DayVerdict::NotDue { due } => format!("kept until {}", at(*due)),
            DayVerdict::Awaited { due } => {
                format!("due since {}; its certificate is awaited", at(*due))
            }
            DayVerdict::NotKnown { since: Some(t) } => {
                format!(
                    "due; not known since {}, when the box was last heard",
                    at(*t)
                )
            }
            DayVerdict::NotKnown { since: None } => "due; the box's log has never come".into(),
            DayVerdict::Undated => {
                "recorded while nobody vouched for the box's clock; when it is due is not known yet"
                    .into()
            }
            DayVerdict::Lost => "all of it was found missing from the box's disks".into(),
            DayVerdict::Missing {
                due,
                silent: Some(since),
                ..
            } => format!(
                "due {}, and the hub cannot show the deletion: {}",
                at(*due),
                heard(*since)
            ),
            DayVerdict::Missing {
                due, begun: true, ..
            } => format!(
                "due {}; its deletion was begun and never reported done",
                at(*due)
            ),
            DayVerdict::Missing { due, .. } => {
                format!("due {}, and the box has not said that it is gone", at(*due))
            }
            DayVerdict::Failing(Fails::Opens) => {
                "deleted, but a key the box still has opens it".into()
            }
            DayVerdict::Failing(Fails::Left { oldest }) => format!(
                "deleted, but footage of {} was left on the box's disks",
                at(*oldest)
            ),
            DayVerdict::NoRule => {
                "the box has not said how long it keeps this camera's footage".into()
            }
        }
    }
}

/// What the hub has heard.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    pub now: Utc,
    /// When the newest line it holds of the box came; None: none ever did.
    pub upto: Option<Utc>,
}

/// Judges a certificate. `newest`: it is its camera's newest, whose word about what is left on disk stands.
/// `good`: a later certificate of the same key says that it opens nothing any more.
pub fn judge_certificate(
    c: &CertificateRecord,
    latest: Option<Utc>,
    policy: &Policy,
    newest: bool,
    good: bool,
    heard: Horizon,
) -> DayVerdict {
    let named = c.rule.strip_suffix('d').and_then(|n| n.parse().ok());
    let days = policy.shortest_at(c.at).or(named).or(policy.days());
    let zones = policy.zones_at(c.at);
    let Some(done) = &c.done else {
        let due = days.map_or(c.at, |d| due(c.day, d, &policy.zone)).max(c.at);
        return absent(due, true, heard);
    };
    // What went early leaves its key until its day: the certificate of that day says that it is gone.
    if !done.undecryptable && !good && !c.rule.starts_with("early") {
        return DayVerdict::Failing(Fails::Opens);
    }
    let Some(days) = days else {
        return DayVerdict::NoRule;
    };
    let allowed = zones.iter().map(|z| oldest_allowed(done.at, days, z)).min();
    if let Some(oldest) = done.oldest.filter(|_| newest)
        && allowed.is_some_and(|allowed| policy.latest_day(oldest) < allowed)
    {
        return DayVerdict::Failing(Fails::Left { oldest });
    }
    // By the midnight of whichever zone the box had then. Footage of an unset clock lies under too early a day: it is due by when it was
    // really recorded.
    let dues = zones.iter().map(|z| due(c.day, days, z));
    let due_then = dues.min().unwrap_or(c.at);
    let lates = zones.iter().map(|z| {
        let day = latest.map_or(c.day, |t| z.day_of(t).max(c.day));
        due_after(day, c.t1, days, z)
    });
    let due_late = lates.max().unwrap_or(c.at);
    if c.at < due_then {
        return DayVerdict::Early {
            due: due_then,
            space: c.rule.starts_with("early"),
        };
    }
    // A rule made shorter makes old days due at once.
    let due_late = policy
        .rules
        .iter()
        .rev()
        .find(|(since, d)| *since <= done.at && *d == days)
        .map_or(due_late, |(since, _)| {
            if policy.rules.first().is_some_and(|(first, _)| first < since) {
                due_late.max(*since)
            } else {
                due_late
            }
        });
    if done.at.0 - due_late.0 > GRACE_MS {
        return DayVerdict::Late { due: due_late };
    }
    DayVerdict::Sound
}

fn absent(due: Utc, begun: bool, heard: Horizon) -> DayVerdict {
    let Horizon { now, upto } = heard;
    if now < due {
        return DayVerdict::NotDue { due };
    }
    // Lines from after the sweep have come: what is not among them did not happen by then.
    let told = upto.filter(|t| t.0 > due.0 + SWEEP_MS);
    if now.0 - due.0 > GRACE_MS {
        let informed = upto.filter(|t| t.0 - due.0 > GRACE_MS);
        return DayVerdict::Missing {
            due,
            silent: if informed.is_some() { None } else { Some(upto) },
            begun,
        };
    }
    match told {
        Some(_) => DayVerdict::Awaited { due },
        // The night's first minutes are nobody's silence.
        None if now.0 - due.0 <= SWEEP_MS => DayVerdict::Awaited { due },
        None => DayVerdict::NotKnown { since: upto },
    }
}

/// Judges footage of one camera, day and key. `certificates`: those of its key that touch it, oldest first.
pub fn judge(
    d: &DayRecord,
    certificates: &[&CertificateRecord],
    newest: Option<&CertificateRecord>,
    policy: &Policy,
    heard: Horizon,
) -> DayVerdict {
    if !d.settled && d.held > 0 || certificates.is_empty() {
        if d.settled || d.held == 0 {
            return DayVerdict::Lost;
        }
        if policy.days().is_none() {
            return DayVerdict::NoRule;
        }
        let day = match (d.doubtful, d.latest) {
            (false, _) => d.day,
            (true, Some(t)) => policy.zone.day_of(t).max(d.day),
            (true, None) => return DayVerdict::Undated,
        };
        return policy
            .due(day, d.t1)
            .map_or(DayVerdict::NoRule, |due| absent(due, false, heard));
    }
    let good = d.settled;
    certificates
        .iter()
        .map(|c| {
            let is = newest.is_some_and(|n| (&n.log, n.n) == (&c.log, c.n));
            judge_certificate(c, d.latest, policy, is, good, heard)
        })
        .fold(DayVerdict::Lost, DayVerdict::worse)
}

#[cfg(test)]
#[path = "promise_tests.rs"]
mod tests;
