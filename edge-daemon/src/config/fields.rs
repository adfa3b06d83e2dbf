//! Pure. One field of the file: those every file has are in [`shared::fields`]; here are paths and days.
use std::path::{Path, PathBuf};

pub(super) use shared::fields::{may, need, parsed, quoted, text, unknown, within, words};

use super::errors::Gather;

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
