//! Wiring. Clip requests: what somebody asks for, of several cameras and one span, from the draft to the day it is closed (EVI-1, AUD-5).
//!
//! | file | what lives there |
//! |---|---|
//! | [`class`] | who asks, and what is required of them: one table |
//! | [`state`] | where a request stands, and what each event makes of it |
//! | [`draft`] | what people do while it is a draft: open, change |
//! | [`acts`] | what they do until it is granted: submit, authorise |
//! | [`ends`] | and when it ends: refuse, cancel, release, close |
//! | [`ending`] | where its cameras bring it: the least advanced of them, and at the end all, some or nothing |
//! | [`rows`], [`shown`] | a request as pages, commands and programs are shown it |
//!
//! Each camera that is granted is an exhibit of its own, with its grant, hold and package; the request says who asked, for what, and where
//! all of them stand. `clip pull` is a request of one camera of class police, submitted at once.
pub mod acts;
pub mod class;
pub mod draft;
pub mod ending;
pub mod ends;
pub mod rows;
pub mod shown;
pub mod state;

/// A request's number as people and boxes are told it.
pub fn name(n: u64) -> String {
    format!("R-{n:06}")
}

/// The number behind such a name, or a bare number.
pub fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("R-").unwrap_or(text);
    digits.parse().ok().filter(|n| (1..=999_999).contains(n))
}
