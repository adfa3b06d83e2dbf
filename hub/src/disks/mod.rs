//! Wiring. The disks that the hub writes to: its state, with records, logs and what is being fetched; the evidence; and what `hub.toml` names.
//!
//! | file | what |
//! |---|---|
//! | [`room`] | the room at a path, and whether so many bytes fit there |
//! | [`outlook`] | how full, how fast, until when |
//! | [`watch`] | looked at each minute; faults that begin and end |
pub mod outlook;
pub mod room;
pub mod watch;
