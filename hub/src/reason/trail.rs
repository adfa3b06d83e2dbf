//! Pure. Reasons about reading the log of staff acts.

use super::table::reasons;
use crate::model::local_time::LocalTime;

reasons! {
    Trail {
        SampleCount { most: u32 } => Malformed "sample-count",
        MonthMalformed { text: String } => Malformed "month-malformed",
        DayMalformed { text: String } => Malformed "day-malformed",
        /// `drawn`: from when on.
        MonthNotDrawn { month: String, drawn: LocalTime } => Refused "month-not-drawn-yet",
        /// Nobody outside has stamped the head it is drawn by; without that it is drawn from then on.
        MonthNotStamped { month: String, without: LocalTime } => Refused "month-not-stamped-yet",
        /// `day`: whose head it is drawn by.
        NoHeadOfMonth { month: String, day: String } => Refused "no-head-of-month",
    }
}
