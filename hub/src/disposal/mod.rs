//! Wiring. What the hub keeps of footage: each thing has a class and a period, and goes when that is over (RET-5, RET-6).
//!
//! | module | what lives there |
//! |---|---|
//! | [`state`] | where an exhibit stands on its way out, and what each event makes of it |
//! | [`gather`] | what is kept: the records and the folders |
//! | [`acts`] | what people do: give a class, dispose, approve |
//! | [`carry`] | a disposal step by step, from its line in the log to its certificate |
//! | [`files`] | the folders: counted, emptied, looked through afterwards |
//! | [`clear`] | what goes without a person: drafts, half-fetched parts, texts nothing refers to |
//! | [`shown`] | rows and the certificate for pages and commands |
//! | [`watch`] | the task: finishes what was begun, clears, raises the faults |
//!
//! What is due is decided in [`periods`](crate::periods).

pub mod acts;
pub mod carry;
pub mod clear;
pub mod files;
pub mod gather;
pub mod shown;
pub mod state;
pub mod turn;
pub mod watch;

#[cfg(test)]
mod tests;
