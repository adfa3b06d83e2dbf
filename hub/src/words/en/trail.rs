//! Pure. English about reading the log of staff acts.

use crate::{
    reason::Trail::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Trail) -> Text {
    match reason {
        SampleCount { most } => say!("a sample is of 1 to {most} acts; nothing was done"),
        MonthMalformed { text } => say!("{text:?} is no month like 2026-11; nothing was done"),
        DayMalformed { text } => say!("{text:?} is no day like 2026-11-23; nothing was done"),
        MonthNotDrawn { month, drawn } => say!(
            "the sample of {month} is drawn by the newest countersigned head of the first day after it, so from {drawn} on; nothing was drawn"
        ),
        MonthNotStamped { month, without } => say!(
            "the sample of {month} is drawn by the stamp that an outside authority gives over the head of the first day after it, and there is none yet; nothing was drawn";
            "see beadle-hub outside list for what it waits for; from {without} on it is drawn without"
        ),
        NoHeadOfMonth { month, day } => say!(
            "no countersigned head of {day} is kept here, so the sample of {month} cannot be drawn: this log did not run then"
        ),
    }
}
