//! Wiring. Backups: what a lost hub cannot make again, sealed into a folder that grows by what is new, and put back on another machine (RET-5, AUD-3).
//!
//! ```text
//! beadle-hub backup ─▶ backup.begin (line, then one consistent moment: moment) ─▶ make: what is there (source), piece by piece (store)
//!                   ─▶ read back, the backup's mark written, old ones dropped ─▶ backup.end (line)
//! beadle-hub restore ─▶ restore: the newest mark, every piece against its hash ─▶ the hub's next log begins, HUB-ROLLED-BACK stands
//! ```
//! Formats: audit.md 2.19.

pub mod acts;
pub mod error;
pub mod format;
pub mod make;
pub mod moment;
pub mod restore;
pub mod rolled;
mod source;
mod store;

#[cfg(test)]
mod tests;
