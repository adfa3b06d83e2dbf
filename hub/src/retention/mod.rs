//! Wiring. What was promised of deletion, and what the hub can show of it.
//!
//! | module | what lives there |
//! |---|---|
//! | [`promise`] | when footage is due, and what a certificate is worth against that |
//! | [`report`] | one row per camera, made from what is known |
//! | [`gather`] | what is known: the records, the derived index, who is on the line |
//! | [`watch`] | certificates that are missing or failed become faults of the hub |
//! | [`export`] | the report as CSV, as a page to print, and on the terminal |

pub mod export;
pub mod gather;
pub mod promise;
pub mod report;
pub mod watch;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
pub mod rig;
