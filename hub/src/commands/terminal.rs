//! Wiring. What commands print, and how what is typed is read.

use shared::time::{Day, Utc, Zone};

use crate::failure::CommandError;

/// A time as somebody typed it: the clock on the wall of the scheme, unless it says otherwise.
pub fn typed(zone: &Zone, what: &str, text: &str) -> Result<Utc, CommandError> {
    zone.typed(text)
        .map_err(|e| CommandError::Plain(format!("{what}: {e}; nothing was done")))
}

/// The same for an end: a day is meant whole.
pub fn typed_end(zone: &Zone, what: &str, text: &str) -> Result<Utc, CommandError> {
    match Day::parse(text) {
        Ok(day) => Ok(zone.start_of(day.plus_days(1))),
        Err(_) => typed(zone, what, text),
    }
}

/// A reply for programs, as `--json` prints it.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| CommandError::Plain(e.to_string()))?;
    println!("{text}");
    Ok(())
}
