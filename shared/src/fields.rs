//! Pure. One field of a TOML file: that it is there, of the right type and within its limits; else what is wrong with it.
//!
//! Every value is taken in by itself ([`Field`]), and what is wrong is gathered ([`Gather`]), so that one pass over a file finds all
//! that is wrong with it, not only the first thing.
use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::plain::all_plain;

/// One value of a file: not there, as it should be, or of another type than it should be.
#[derive(Clone, Debug, Default)]
pub enum Field<T> {
    #[default]
    Absent,
    Good(T),
    Wrong(toml::Value),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(d)?;
        Ok(match T::deserialize(value.clone()) {
            Ok(good) => Field::Good(good),
            Err(_) => Field::Wrong(value),
        })
    }
}

/// Keys nobody knows, as `#[serde(flatten)]` keeps them aside.
pub type Unknown = BTreeMap<String, toml::Value>;

/// One thing wrong: where, what stands there, why it cannot be, and how it might look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `camera c02 (line 17).url`: of a list the table's own name, or its number counted from 1, and the line it begins on.
    pub path: String,
    /// The value as the file has it, or nothing where it is missing (or must not be repeated).
    pub value: Option<String>,
    pub why: String,
    pub example: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.why)?;
        if !self.example.is_empty() {
            write!(f, ". For example: {}", self.example)?;
        }
        Ok(())
    }
}

/// Gathers what is wrong while a file is walked.
#[derive(Debug, Default)]
pub struct Gather {
    wrongs: Vec<Wrong>,
}

impl Gather {
    pub fn wrong(
        &mut self,
        path: impl Into<String>,
        value: Option<String>,
        why: impl Into<String>,
        example: &'static str,
    ) {
        self.wrongs.push(Wrong {
            path: path.into(),
            value,
            why: why.into(),
            example,
        });
    }

    /// How many things are wrong so far.
    pub fn len(&self) -> usize {
        self.wrongs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.wrongs.is_empty()
    }

    /// The value, if nothing is wrong.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Vec<Wrong>> {
        match value {
            Some(value) if self.wrongs.is_empty() => Ok(value),
            _ => Err(self.wrongs),
        }
    }
}

/// A key below another, or one of the file itself.
pub fn below(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}

pub fn need<T>(
    g: &mut Gather,
    at: &str,
    field: Field<T>,
    wanted: &str,
    example: &'static str,
) -> Option<T> {
    if matches!(field, Field::Absent) {
        g.wrong(at, None, "it is missing", example);
    }
    may(g, at, field, wanted, example)
}

pub fn may<T>(
    g: &mut Gather,
    at: &str,
    field: Field<T>,
    wanted: &str,
    example: &'static str,
) -> Option<T> {
    match field {
        Field::Absent => None,
        Field::Good(value) => Some(value),
        Field::Wrong(value) => {
            // What was meant as text under a key for a secret is not repeated.
            let value = if at.contains("password") || at.ends_with(".url") {
                None
            } else {
                Some(short(&value.to_string()))
            };
            g.wrong(at, value, format!("it must be {wanted}"), example);
            None
        }
    }
}

/// Text that must be there, and what it means.
pub fn text<T>(
    g: &mut Gather,
    at: &str,
    field: Field<String>,
    example: &'static str,
    meaning: impl FnOnce(&mut Gather, &str, &str, &'static str) -> Option<T>,
) -> Option<T> {
    need(g, at, field, "text", example).and_then(|t| meaning(g, at, &t, example))
}

pub fn parsed<T, E: std::fmt::Display>(
    g: &mut Gather,
    at: &str,
    text: &str,
    result: Result<T, E>,
    example: &'static str,
) -> Option<T> {
    result
        .map_err(|e| {
            g.wrong(
                at,
                quoted(text),
                e.to_string().replacen(&format!("{text:?} is"), "it is", 1),
                example,
            )
        })
        .ok()
}

pub fn words(g: &mut Gather, at: &str, text: &str, example: &'static str) -> Option<String> {
    if !text.trim().is_empty() && text.chars().count() <= 120 && all_plain(text) {
        return Some(text.to_owned());
    }
    g.wrong(
        at,
        quoted(text),
        "it must be 1 to 120 letters on one line, none of them unseen or turning the text round",
        example,
    );
    None
}

/// A whole number between two.
pub fn within(
    g: &mut Gather,
    at: &str,
    number: i64,
    limits: RangeInclusive<u32>,
    why: &str,
    example: &'static str,
) -> Option<u32> {
    let fits = u32::try_from(number).ok().filter(|n| limits.contains(n));
    if fits.is_none() {
        g.wrong(at, Some(number.to_string()), why, example);
    }
    fits
}

pub fn unknown(g: &mut Gather, at: &str, keys: &Unknown, known: &[&str]) {
    for key in keys.keys() {
        let path = below(at, key);
        let near = known
            .iter()
            .min_by_key(|k| distance(k, key))
            .filter(|k| distance(k, key) <= 2);
        let why = match near {
            Some(near) => format!("no such key is known; did you mean {near}?"),
            None => format!("no such key is known; there are {}", known.join(", ")),
        };
        g.wrong(path, None, why, "");
    }
}

/// How many letters must change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

pub fn quoted(text: &str) -> Option<String> {
    Some(short(&format!("{text:?}")))
}

fn short(text: &str) -> String {
    if text.chars().count() <= 120 {
        text.into()
    } else {
        format!("{}…", text.chars().take(120).collect::<String>())
    }
}
