//! Pure. Times as the log writes them, local days, and the clock that is passed in.
//!
//! Invariant: nothing here reads a clock. Code that needs the time takes a [`Clock`] or a
//! [`Utc`] as an argument, so that a test can be in any year it likes.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, in milliseconds since 1970. Text form: exactly `YYYY-MM-DDTHH:MM:SS.mmmZ`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Utc(pub i64);

/// What was wrong with a time, day or zone somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct BadTime {
    pub text: String,
    pub wanted: &'static str,
}

impl Utc {
    /// Parses the log's one form. Anything else, however reasonable, is refused.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime {
            text: text.into(),
            wanted: "a time like 2026-11-03T14:01:03.000Z",
        };
        let b = text.as_bytes();
        let shape = b"dddd-dd-ddTdd:dd:dd.dddZ";
        if b.len() != shape.len()
            || !b.iter().zip(shape).all(|(c, s)| {
                if *s == b'd' {
                    c.is_ascii_digit()
                } else {
                    c == s
                }
            })
        {
            return Err(bad());
        }
        // A leap second (":60") is refused: the log's clock never writes one.
        if &b[17..19] > b"59".as_slice() {
            return Err(bad());
        }
        let ts: Timestamp = text.parse().map_err(|_| bad())?;
        Ok(Self(ts.as_millisecond()))
    }

    /// Parses what a person types: the log's form, or without milliseconds, or RFC 3339 with an offset.
    pub fn parse_lenient(text: &str) -> Result<Self, BadTime> {
        text.parse::<Timestamp>()
            .map(|ts| Self(ts.as_millisecond()))
            .map_err(|_| BadTime {
                text: text.into(),
                wanted: "a time like 2026-11-03T14:01:03Z",
            })
    }

    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    fn timestamp(self) -> Timestamp {
        let ms = self.0.clamp(
            Timestamp::MIN.as_millisecond(),
            Timestamp::MAX.as_millisecond(),
        );
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// `YYYYMMDDTHHMMSSZ`, as in segment file names.
    pub fn compact(self) -> String {
        self.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// For people: `Sun 25 Oct 2026 01:30:00 GMT`.
    pub fn for_people(self, tz: &Zone) -> String {
        self.timestamp()
            .to_zoned(tz.0.clone())
            .strftime("%a %-d %b %Y %H:%M:%S %Z")
            .to_string()
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.timestamp();
        write!(f, "{}", t.strftime("%Y-%m-%dT%H:%M:%S"))?;
        write!(f, ".{:03}Z", self.0.rem_euclid(1000))
    }
}

impl fmt::Debug for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Utc {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Utc {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A length of time as people say it, in its two largest units: `40 s`, `3 min 20 s`, `1 day`, `2 days 4 h`. The sign is left out.
pub fn length_in_words(ms: i64) -> String {
    let secs = ms.unsigned_abs() / 1000;
    let days = |n: u64| {
        if n == 1 {
            "1 day".to_owned()
        } else {
            format!("{n} days")
        }
    };
    let two = |large: String, rest: u64, unit: &str| match rest {
        0 => large,
        n => format!("{large} {n} {unit}"),
    };
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => two(format!("{} min", secs / 60), secs % 60, "s"),
        3600..86_400 => two(format!("{} h", secs / 3600), secs % 3600 / 60, "min"),
        _ => two(days(secs / 86_400), secs % 86_400 / 3600, "h"),
    }
}

/// A scheme's time zone, e.g. `Europe/London`.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    pub fn parse(name: &str) -> Result<Self, BadTime> {
        TimeZone::get(name).map(Self).map_err(|_| BadTime {
            text: name.into(),
            wanted: "a time zone like Europe/London",
        })
    }

    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The local calendar day a moment belongs to.
    pub fn day_of(&self, t: Utc) -> Day {
        Day(t.timestamp().to_zoned(self.0.clone()).date())
    }

    /// When a local day begins (also right on the nights the clocks change).
    pub fn start_of(&self, day: Day) -> Utc {
        match day
            .0
            .to_zoned(self.0.clone())
            .and_then(|z| z.start_of_day())
        {
            Ok(z) => Utc(z.timestamp().as_millisecond()),
            Err(_) => Utc(i64::MAX / 4), // only past the year 9999
        }
    }

    /// A wall-clock time on a local day, e.g. 00:05.
    pub fn at(&self, day: Day, hour: i8, minute: i8) -> Utc {
        match day.0.at(hour, minute, 0, 0).to_zoned(self.0.clone()) {
            Ok(z) => Utc(z.timestamp().as_millisecond()),
            Err(_) => self.start_of(day),
        }
    }
}

/// A local calendar day. Text form `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(civil::Date);

impl Day {
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime {
            text: text.into(),
            wanted: "a day like 2026-11-03",
        };
        if text.len() != 10 {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }

    pub fn plus_days(self, days: i32) -> Self {
        // A number of days may come from a box: what no calendar holds is its end.
        let span = jiff::Span::new().try_days(days);
        let day = span.and_then(|span| self.0.checked_add(span));
        Self(day.unwrap_or(if days > 0 {
            civil::Date::MAX
        } else {
            civil::Date::MIN
        }))
    }

    /// Whole days from `self` to `other` (negative when `other` is earlier).
    pub fn days_until(self, other: Day) -> i64 {
        self.0
            .until(other.0)
            .map(|s| i64::from(s.get_days()))
            .unwrap_or(i64::MAX)
    }

    pub fn year(self) -> i16 {
        self.0.year()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.0.year(),
            self.0.month(),
            self.0.day()
        )
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The two clocks on every audit line, read close together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, UTC.
    pub wall: Utc,
    /// `CLOCK_BOOTTIME`, milliseconds. Never steps, runs through suspend.
    pub mono: u64,
}

/// Where the time comes from. The OS adapter is `beadle_logbook::SystemClock`.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_and_no_other() {
        for good in [
            "2026-11-03T14:01:03.000Z",
            "1970-01-01T00:00:00.001Z",
            "2028-02-29T23:59:59.999Z",
        ] {
            assert_eq!(Utc::parse(good).expect(good).to_string(), good);
        }
        for bad in [
            "2026-11-03T14:01:03Z",
            "2026-11-03 14:01:03.000Z",
            "2026-11-03T14:01:03.000+00:00",
            "2026-13-03T14:01:03.000Z",
            "2026-02-29T14:01:03.000Z",
            "2026-11-03T24:00:00.000Z",
            "2026-11-03T14:01:60.000Z",
            "2026-11-03T14:01:03.0000Z",
            "",
        ] {
            assert!(Utc::parse(bad).is_err(), "{bad}");
        }
    }

    /// RET-2: a local day is a calendar day of the scheme's zone, on both clock-change nights too.
    #[test]
    fn local_days_on_clock_change_nights() {
        let london = Zone::parse("Europe/London").expect("zone");
        let spring = Day::parse("2026-03-29").expect("day");
        let autumn = Day::parse("2026-10-25").expect("day");
        let len = |d: Day| london.start_of(d.plus_days(1)).0 - london.start_of(d).0;
        assert_eq!(len(spring), 23 * 3_600_000);
        assert_eq!(len(autumn), 25 * 3_600_000);
        let t = Utc::parse("2026-10-25T01:30:00.000Z").expect("t");
        assert_eq!(t.for_people(&london), "Sun 25 Oct 2026 01:30:00 GMT");
        assert_eq!(
            london
                .day_of(Utc::parse("2026-07-01T23:30:00.000Z").expect("t"))
                .to_string(),
            "2026-07-02"
        );
    }
}
