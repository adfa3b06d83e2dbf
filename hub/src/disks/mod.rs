//! Wiring. The disks that the hub writes to: its state, with records, logs and what is being fetched; and the evidence.
pub mod room;
