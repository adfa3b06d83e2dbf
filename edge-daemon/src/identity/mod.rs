//! Wiring. Who this box is: its key, and what enrolment gave it.
//!
//! | file | what |
//! |---|---|
//! | [`keyfile`] | the box key (P-256): TLS at the hub, and labels of volumes; it signs no log |
//! | [`enrolment`] | certificate, CA, hub address and public keys, stored together |
//! | [`fixed`] | name and scheme, held against what the state folder says |
pub mod enrolment;
pub mod fixed;
pub mod keyfile;

/// A certificate with less left than this was not renewed when it should have been: 30 days.
pub const SOON_MS: i64 = 30 * 86_400_000;

pub use enrolment::{Answer, Enrolment, HubFacts};
pub use keyfile::{BoxKey, IdentityError};
