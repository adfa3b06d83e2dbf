//! Wiring. Room on the disks that the hub writes to: its state, with records, logs and what is being fetched; the evidence; and what
//! `hub.toml` names.
//!
//! | file | what lives there |
//! |---|---|
//! | [`room`] | the room at a path, and whether so many bytes fit there |
//! | [`outlook`] | how full, how fast, until when |
//!
//! They are looked at each minute by [`faults::disks`](crate::faults::disks).
pub mod outlook;
pub mod room;
