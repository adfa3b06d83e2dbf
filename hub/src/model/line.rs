//! Pure. Lines of boxes: what clips may use of them, what they were measured to carry, and when something will be there.

use serde::{Deserialize, Serialize};
use shared::time::{Utc, Zone};
use utoipa::ToSchema;

/// Rates that are kept of a line: those of the last stretches in which it was busy.
pub const RATES: usize = 8;

/// Bytes over milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub bytes: u64,
    pub ms: u64,
}

impl Rate {
    pub fn kbit(self) -> u64 {
        self.bytes.saturating_mul(8) / self.ms.max(1)
    }
}

const MINUTE: i64 = 60_000;

const DAY_MINUTES: u16 = 24 * 60;

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
