//! Wiring. Who this box is: its key, and what enrolment gave it.
//!
//! | file | what |
//! |---|---|
//! | [`keyfile`] | the box key (P-256): TLS at the hub, and labels of volumes; it signs no log |
//! | [`enrolment`] | certificate, CA, hub address and public keys, stored together |
pub mod enrolment;
pub mod keyfile;

pub use enrolment::{Enrolment, HubFacts};
pub use keyfile::{BoxKey, IdentityError};
