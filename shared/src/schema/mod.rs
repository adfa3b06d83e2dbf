//! Pure. What a line of a log and a message on the wire may hold: the door every line and message comes through.
//!
//! [`table::TYPES`] has one row for every type of line: who may write it, and its fields, each with its kind and bounds. The hub asks
//! [`Door::admit`] of every line before it countersigns, and again before a line is taken into a derived table; a writer asks before it
//! writes, so that a box never writes what its hub would refuse. `docs/audit.md` 2.2 has the same table for people; a test compares.
//! [`message`] has the same for what boxes say on the wire.
//!
//! A type this version does not know comes from a newer box and is let in, within the bounds of [`Door`]; so are further fields of a
//! known type, within those of any text.

pub mod message;
mod table;

use std::{collections::BTreeSet, fmt};

pub use table::{Field, Form, Line, Need, TYPES, Writer};

use crate::{
    id::{BoxName, CameraId, ExhibitRef, HoldId, Origin},
    note::{ALG_ED25519, Vkey, from_b64},
    plain,
    record::{Record, Value, unhex},
    segment::KeyId,
    time::{Day, Utc},
};

/// Largest number there is in a log.
pub const MOST: u64 = (1 << 53) - 1;
/// Years a time may lie in: a box whose clock died says 1970.
pub const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
/// Most bytes of one segment: 60 s at 2 Gbit/s. A log that says more lies.
pub const SEGMENT_MOST: u64 = 16 << 30;
/// Most types a log may have that are not known here.
pub const UNKNOWN_TYPES: usize = 64;
/// Most cameras a log may speak of in its life: 256 at a time, and some that were replaced.
pub const CAMERAS_OF_A_LOG: usize = 1024;
/// First words of types that only a hub writes, those not known yet too.
const HUBS: [&str; 8] = ["act", "box", "copy", "grant", "lift", "op", "owner", "reg"];
/// Longest name of a type.
const LONGEST_TYPE: usize = 40;
/// Most characters of a text in a field that is not known here.
const LONGEST_TEXT: usize = 2048;
/// How much of a wrong value is quoted.
const QUOTED: usize = 60;

/// Where a line or message breaks its schema: which field, what it says, what it should have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// `data.cam`, `who`, `cameras`; empty where the whole is wrong.
    pub field: String,
    /// What stands there, fit to be shown; empty where nothing does.
    pub value: String,
    /// What is wrong with it, as the end of a sentence that begins with field and value.
    pub wrong: String,
}

impl Breach {
    pub fn new(
        field: impl Into<String>,
        value: impl Into<String>,
        wrong: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: value.into(),
            wrong: wrong.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.field, &self.value] {
            if !part.is_empty() {
                write!(f, "{part} ")?;
            }
        }
        f.write_str(&self.wrong)
    }
}

impl std::error::Error for Breach {}

/// A value as a sentence quotes it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(b)) => b.to_string(),
        Some(Value::Int(n)) => n.to_string(),
        Some(Value::Str(s)) => plain::quoted(s, QUOTED),
        Some(Value::Array(all)) => format!("(a list of {})", all.len()),
        Some(Value::Object(_)) => "(an object)".into(),
    }
}

/// Who writes the log of that name; None when nobody's log is called so.
pub fn writer_of(origin: &str) -> Option<Writer> {
    Some(match Origin::parse(origin)? {
        Origin::Box { .. } => Writer::Box,
        Origin::Hub { .. } => Writer::Hub,
    })
}

/// The row of a type.
pub fn of(kind: &str) -> Option<&'static Line> {
    TYPES.iter().find(|line| line.kind == kind)
}

/// Whether a time lies in the years a log may speak of.
pub fn sane(t: Utc) -> bool {
    let first = crate::record::parse_time("1970-01-01T00:00:00.000Z");
    let last = crate::record::parse_time("2199-12-31T23:59:59.999Z");
    first.is_some_and(|first| first <= t) && last.is_some_and(|last| t <= last)
}

fn sane_day(day: Day) -> bool {
    YEARS.contains(&day.year())
}

/// Judges one line by itself: its frame, its writer, its fields.
pub fn line(record: &Record, writer: Writer) -> Result<(), Breach> {
    if !sane(record.t) {
        return Err(Breach::new(
            "t",
            plain::quoted(&record.t.to_string(), QUOTED),
            "is not in the years 1970 to 2199",
        ));
    }
    if !word(&record.who, 64) {
        return Err(Breach::new(
            "who",
            plain::quoted(&record.who, QUOTED),
            "is not who acts, like sys:rec (1 to 64 printable characters without a space)",
        ));
    }
    let Some(row) = of(&record.kind) else {
        if !type_name(&record.kind) {
            return Err(Breach::new(
                "type",
                plain::quoted(&record.kind, QUOTED),
                "is no name of a type (words of a-z, 0-9 and - with dots between, at most 40 characters)",
            ));
        }
        let family = record.kind.split('.').next().unwrap_or_default();
        if writer == Writer::Box && HUBS.contains(&family) {
            return Err(misplaced(&record.kind, writer));
        }
        return any(&record.data, "data");
    };
    if !row.writer.may(writer) {
        return Err(misplaced(&record.kind, writer));
    }
    for field in row.fields {
        let value = record.data.get(field.key);
        let ok = match (value, field.need) {
            (None, Need::May | Need::Lax) | (Some(Value::Null), Need::Null | Need::Lax) => true,
            (None, _) => {
                return Err(Breach::new(format!("data.{}", field.key), "", "is missing"));
            }
            (Some(value), _) => field.form.fits(value, record),
        };
        if !ok {
            return Err(Breach::new(
                format!("data.{}", field.key),
                shown(value),
                format!("is not {}", field.form.wanted()),
            ));
        }
    }
    let Value::Object(pairs) = &record.data else {
        return Ok(());
    };
    for (key, value) in pairs {
        if !row.fields.iter().any(|field| field.key == key) {
            any_pair(key, value, "data")?;
        }
    }
    Ok(())
}

fn misplaced(kind: &str, writer: Writer) -> Breach {
    let (has, only) = match writer {
        Writer::Hub => ("the hub's own log", "a box"),
        _ => ("a box's log", "the hub"),
    };
    Breach::new(
        "type",
        plain::quoted(kind, QUOTED),
        format!("stands in {has}, and only {only} writes lines of that type"),
    )
}

fn type_name(kind: &str) -> bool {
    kind.len() <= LONGEST_TYPE
        && kind.split('.').count() >= 2
        && kind.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        })
}

/// One word of printable ASCII.
fn word(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && text.bytes().all(|c| c.is_ascii_graphic())
}

fn text(text: &str, max: usize) -> bool {
    plain::all_plain(text) && text.chars().count() <= max
}

/// What is not known here: any value, as long as its texts can be shown.
fn any(value: &Value, at: &str) -> Result<(), Breach> {
    match value {
        Value::Str(s) if !text(s, LONGEST_TEXT) => Err(Breach::new(
            at,
            shown(Some(value)),
            "is not text that can be shown (no control characters, none that change its direction)",
        )),
        Value::Array(all) => all.iter().try_for_each(|value| any(value, at)),
        Value::Object(pairs) => pairs
            .iter()
            .try_for_each(|(key, value)| any_pair(key, value, at)),
        _ => Ok(()),
    }
}

fn any_pair(key: &str, value: &Value, at: &str) -> Result<(), Breach> {
    if !word(key, 64) {
        return Err(Breach::new(
            at,
            plain::quoted(key, QUOTED),
            "is no name of a field (1 to 64 printable characters without a space)",
        ));
    }
    any(value, &format!("{at}.{key}"))
}

impl Form {
    /// What it wants, as the end of "is not …".
    pub fn wanted(&self) -> String {
        match self {
            Form::Camera => "a camera id (1 to 32 of a-z, 0-9 and -, like c03)".into(),
            Form::Box => "a box name (1 to 63 of a-z, 0-9 and -)".into(),
            Form::Hold => "a hold like H-000012, at most H-999999999".into(),
            Form::Exhibit => "an exhibit reference like EXH-2026-000123".into(),
            Form::Day => "a day like 2026-11-03, in the years 1970 to 2199".into(),
            Form::Time => "a time like 2026-11-03T14:01:03.000Z, in the years 1970 to 2199".into(),
            Form::Hash => "a SHA-256 in 64 lower-case hex digits".into(),
            Form::Base64(n) => format!("{n} bytes in base64"),
            Form::LogKey => "a public key (Ed25519) that is called as its log is".into(),
            Form::Key => "a key id like c03/2026-11-03, c03/boot-17 or c03/hold-12".into(),
            Form::Count(max) => format!("a whole number from 0 to {max}"),
            Form::Int(min, max) => format!("a whole number from {min} to {max}"),
            Form::Bool => "true or false".into(),
            Form::Word(max) => format!("a word of 1 to {max} printable characters"),
            Form::Text(max) => format!(
                "text that can be shown, of at most {max} characters (no control characters, none that change its direction)"
            ),
            Form::Words(max) => format!("a list of at most {max} words of printable characters"),
            Form::Head => "a head: the log's name, its size, its root".into(),
            Form::Origin => "a log's name".into(),
        }
    }

    fn fits(&self, value: &Value, record: &Record) -> bool {
        let str = value.as_str();
        let is = |test: &dyn Fn(&str) -> bool| str.is_some_and(test);
        match self {
            Form::Camera => is(&|s| CameraId::parse(s).is_ok()),
            Form::Box => is(&|s| BoxName::parse(s).is_ok()),
            Form::Hold => is(&|s| HoldId::parse(s).is_ok_and(HoldId::in_range)),
            Form::Exhibit => is(&|s| ExhibitRef::parse(s).is_ok()),
            Form::Day => is(&|s| Day::parse(s).is_ok_and(|d| sane_day(d) && d.to_string() == s)),
            Form::Time => value.as_time().is_some_and(sane),
            Form::Hash => is(&|s| unhex(s).is_some()),
            Form::Base64(n) => is(&|s| from_b64(s).is_some_and(|b| b.len() == *n)),
            Form::LogKey => {
                is(&|s| Vkey::parse(s).is_ok_and(|k| k.alg == ALG_ED25519 && k.name == record.log))
            }
            Form::Key => is(&key_id),
            Form::Count(max) => value.as_u64().is_some_and(|n| n <= *max),
            Form::Int(min, max) => value.as_int().is_some_and(|n| (*min..=*max).contains(&n)),
            Form::Bool => matches!(value, Value::Bool(_)),
            Form::Word(max) => is(&|s| word(s, *max)),
            Form::Text(max) => is(&|s| text(s, *max)),
            Form::Words(max) => match value {
                Value::Array(all) => {
                    all.len() <= *max && all.iter().all(|v| v.as_str().is_some_and(|s| word(s, 64)))
                }
                _ => false,
            },
            Form::Head => {
                let at = |key: &str| value.get(key);
                at("log").is_some_and(|v| Form::Origin.fits(v, record))
                    && at("size").and_then(Value::as_u64).is_some()
                    && at("root").is_some_and(|v| Form::Base64(32).fits(v, record))
            }
            Form::Origin => is(&|s| word(s, 300)),
        }
    }
}

/// A key id as the box writes it, with a number that other programs can count with.
fn key_id(text: &str) -> bool {
    match KeyId::parse(text) {
        Ok(key) => {
            let small = match &key {
                KeyId::Day { day, .. } => sane_day(*day),
                KeyId::Boot { boot, .. } => *boot <= MOST,
                KeyId::Hold { hold, .. } => hold.in_range(),
            };
            small && key.to_string() == text
        }
        Err(_) => false,
    }
}

/// What has to be remembered of a log's lines to judge the next one.
#[derive(Clone, Debug, Default)]
pub struct Door {
    unknown: BTreeSet<String>,
    cameras: BTreeSet<String>,
}

impl Door {
    /// Judges a line of a log by itself and by those before it.
    pub fn admit(&mut self, record: &Record, writer: Writer) -> Result<(), Breach> {
        line(record, writer)?;
        if of(&record.kind).is_none() {
            if self.unknown.len() >= UNKNOWN_TYPES && !self.unknown.contains(&record.kind) {
                return Err(Breach::new(
                    "type",
                    plain::quoted(&record.kind, QUOTED),
                    format!(
                        "would be one more than {UNKNOWN_TYPES} types in this log that this version does not know"
                    ),
                ));
            }
        } else if let Some(cam) = record.data.get("cam").and_then(Value::as_str)
            && writer == Writer::Box
            && self.cameras.len() >= CAMERAS_OF_A_LOG
            && !self.cameras.contains(cam)
        {
            return Err(Breach::new(
                "data.cam",
                plain::quoted(cam, QUOTED),
                format!("would be one more than {CAMERAS_OF_A_LOG} cameras in this log"),
            ));
        }
        self.recall(record);
        Ok(())
    }

    /// Takes note of a line that was let in before.
    pub fn recall(&mut self, record: &Record) {
        let note = |set: &mut BTreeSet<String>, text: &str, most: usize| {
            if set.len() < most && !set.contains(text) {
                set.insert(text.to_owned());
            }
        };
        if of(&record.kind).is_none() {
            if type_name(&record.kind) {
                note(&mut self.unknown, &record.kind, UNKNOWN_TYPES);
            }
        } else if let Some(cam) = record.data.get("cam").and_then(Value::as_str)
            && CameraId::parse(cam).is_ok()
        {
            note(&mut self.cameras, cam, CAMERAS_OF_A_LOG);
        }
    }
}

#[cfg(test)]
mod tests;
