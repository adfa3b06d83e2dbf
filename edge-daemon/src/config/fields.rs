//! Pure. One field of the file: that it is there, of the right type and within its limits; else what is wrong with it.
use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use super::{errors::Gather, raw::Field};

pub(super) fn need<T>(
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

pub(super) fn may<T>(
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
pub(super) fn text<T>(
    g: &mut Gather,
    at: &str,
    field: Field<String>,
    example: &'static str,
    meaning: impl FnOnce(&mut Gather, &str, &str, &'static str) -> Option<T>,
) -> Option<T> {
    need(g, at, field, "text", example).and_then(|t| meaning(g, at, &t, example))
}

pub(super) fn parsed<T, E: std::fmt::Display>(
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

pub(super) fn absolute(
    g: &mut Gather,
    at: &str,
    text: &str,
    example: &'static str,
) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = path.components().all(|c| {
        matches!(
            c,
            std::path::Component::RootDir | std::path::Component::Normal(_)
        )
    });
    if path.is_absolute() && plain {
        return Some(path.components().collect());
    }
    g.wrong(
        at,
        quoted(text),
        "it is not a whole path, one that begins with / and has no .. in it",
        example,
    );
    None
}

pub(super) fn words(g: &mut Gather, at: &str, text: &str, example: &'static str) -> Option<String> {
    if !text.trim().is_empty() && text.chars().count() <= 120 && !text.chars().any(char::is_control)
    {
        return Some(text.to_owned());
    }
    g.wrong(
        at,
        quoted(text),
        "it must be 1 to 120 letters on one line",
        example,
    );
    None
}

/// A whole number between two.
pub(super) fn within(
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

/// Footage is kept for so many days: the box's or one camera's.
pub(super) fn retention_days(
    g: &mut Gather,
    at: &str,
    days: i64,
    example: &'static str,
) -> Option<u32> {
    within(
        g,
        at,
        days,
        1..=366,
        "footage is kept for 1 to 366 days",
        example,
    )
}

pub(super) fn unknown(
    g: &mut Gather,
    at: &str,
    keys: &BTreeMap<String, toml::Value>,
    known: &[&str],
) {
    for key in keys.keys() {
        let path = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}.{key}")
        };
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

pub(super) fn quoted(text: &str) -> Option<String> {
    Some(short(&format!("{text:?}")))
}

fn short(text: &str) -> String {
    if text.chars().count() <= 120 {
        text.into()
    } else {
        format!("{}…", text.chars().take(120).collect::<String>())
    }
}
