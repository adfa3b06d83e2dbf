//! Pure. Times as the log writes them, local days, and the clock that is passed in.
//!
//! Invariant: nothing here reads a clock. Code that needs the time takes a [`Clock`] or a
//! [`Utc`] as an argument, so that a test can be in any year it likes.

use std::fmt;

use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};
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

/// Why what a person typed is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypedTimeError {
    #[error("{0:?} is not a time like 2026-11-28 18:59, 28/11/2026 18:59 or 2026-11-28T18:59:00Z")]
    Unreadable(String),
    #[error("the clocks show {clock} twice that night: say which, with {names} after it")]
    Twice { clock: String, names: String },
    #[error("the clocks never show {0}: they go forward over it that night")]
    Never(String),
    #[error("{clock} is {names} here, not {label}")]
    Label {
        clock: String,
        label: String,
        names: String,
    },
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

    /// How far local time is from UTC then: `+01:00`.
    pub fn offset(self, tz: &Zone) -> String {
        let zoned = self.timestamp().to_zoned(tz.0.clone());
        zoned.strftime("%:z").to_string()
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

    /// Minutes that the clock on the wall shows since midnight.
    pub fn minute_of(&self, t: Utc) -> u16 {
        let local = t.timestamp().to_zoned(self.0.clone());
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
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

    /// What a person types, as the clock on the wall shows it: `2026-11-28 18:59`, `28/11/2026 18:59`, with seconds or without, the zone's own
    /// label after it where they like. What bears `Z` or an offset is taken as it says.
    ///
    /// # Errors
    /// [`TypedTimeError`]: it is no time, the clocks show it twice that night, or never.
    pub fn typed(&self, text: &str) -> Result<Utc, TypedTimeError> {
        let text = text.trim();
        let unreadable = || TypedTimeError::Unreadable(text.to_owned());
        if let Ok(utc) = Utc::parse_lenient(text) {
            return Ok(utc);
        }
        let (clock, label) = match text.rsplit_once(' ') {
            Some((clock, label)) if label.chars().all(|c| c.is_ascii_alphabetic()) => {
                (clock.trim_end(), Some(label))
            }
            _ => (text, None),
        };
        let forms = [
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M",
            "%d/%m/%Y %H:%M:%S",
            "%d/%m/%Y %H:%M",
        ];
        let mut read = forms
            .iter()
            .filter_map(|form| civil::DateTime::strptime(form, clock).ok());
        let wall = read.next().ok_or_else(unreadable)?;
        let instants = self.0.to_ambiguous_timestamp(wall);
        let utc = |t: Timestamp| Utc(t.as_millisecond());
        let both = [instants.earlier(), instants.later()];
        if matches!(instants.offset(), AmbiguousOffset::Gap { .. }) {
            return Err(TypedTimeError::Never(clock.to_owned()));
        }
        let mut found: Vec<Utc> = both
            .into_iter()
            .map(|t| t.map(utc).map_err(|_| unreadable()))
            .collect::<Result<_, _>>()?;
        found.dedup();
        let name = |t: &Utc| {
            t.timestamp()
                .to_zoned(self.0.clone())
                .strftime("%Z")
                .to_string()
        };
        let names: Vec<String> = found.iter().map(name).collect();
        match label {
            // UTC is what it is, whatever the zone is called.
            Some("UTC") => Zone::utc().typed(clock),
            Some(label) => {
                let mut named = found.iter().filter(|t| name(t).eq_ignore_ascii_case(label));
                named.next().copied().ok_or_else(|| TypedTimeError::Label {
                    clock: clock.to_owned(),
                    label: label.to_owned(),
                    names: names.join(" or "),
                })
            }
            None => match found[..] {
                [one] => Ok(one),
                _ => Err(TypedTimeError::Twice {
                    clock: clock.to_owned(),
                    names: names.join(" or "),
                }),
            },
        }
    }

    /// A moment in a form that [`Zone::typed`] reads as the same.
    pub fn as_typed(&self, t: Utc) -> String {
        let zoned = t.timestamp().to_zoned(self.0.clone());
        let text = zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
        match self.typed(&text) {
            Ok(same) if same == t => text,
            // A fraction of a second, or a zone whose label is a number.
            _ => t.to_string(),
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

    /// EVI-1: what people type is the clock on the wall, both ways round, with the doubled hour of October asked back and the lost one of March
    /// refused; what says its offset is taken as it says; and what is said back is taken again.
    #[test]
    fn what_people_type() {
        let london = Zone::parse("Europe/London").expect("zone");
        let utc = |text: &str| london.typed(text).map(|t| t.to_string());
        for (typed, due) in [
            ("2026-11-28 18:59", "2026-11-28T18:59:00.000Z"),
            ("28/11/2026 18:59", "2026-11-28T18:59:00.000Z"),
            ("28/11/2026 18:59:07 GMT", "2026-11-28T18:59:07.000Z"),
            ("2026-07-01T14:00", "2026-07-01T13:00:00.000Z"),
            ("2026-07-01 14:00:00 bst", "2026-07-01T13:00:00.000Z"),
            ("2026-07-01 14:00 UTC", "2026-07-01T14:00:00.000Z"),
            ("2026-07-01T14:00:00Z", "2026-07-01T14:00:00.000Z"),
            ("2026-07-01 14:00:00+01:00", "2026-07-01T13:00:00.000Z"),
            ("2026-10-25 01:30 BST", "2026-10-25T00:30:00.000Z"),
            ("25/10/2026 01:30 GMT", "2026-10-25T01:30:00.000Z"),
            ("2026-10-25 00:59", "2026-10-24T23:59:00.000Z"),
            ("2026-10-25 02:00", "2026-10-25T02:00:00.000Z"),
        ] {
            assert_eq!(utc(typed).as_deref(), Ok(due), "{typed}");
            let again = london.as_typed(Utc::parse(due).expect("time"));
            assert_eq!(utc(&again).as_deref(), Ok(due), "{again}");
        }
        let twice = london.typed("2026-10-25 01:30").expect_err("twice");
        assert!(twice.to_string().contains("BST or GMT"), "{twice}");
        let never = london.typed("29/03/2026 01:30").expect_err("never");
        assert!(matches!(never, TypedTimeError::Never(_)), "{never}");
        let label = london.typed("2026-07-01 14:00 GMT").expect_err("summer");
        assert!(label.to_string().contains("is BST here"), "{label}");
        for bad in [
            "",
            "now",
            "18:59",
            "2026-13-01 10:00",
            "31/02/2026 10:00",
            "2026-11-28",
        ] {
            let e = london.typed(bad).expect_err(bad);
            assert!(matches!(e, TypedTimeError::Unreadable(_)), "{bad}: {e}");
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
