//! Wiring. Who this box is: its key, and what enrolment gave it.
//!
//! | file | what |
//! |---|---|
//! | [`keyfile`] | the box key (P-256): TLS at the hub, and labels of volumes; it signs no log |
//! | [`validity`] | until when the certificate is good
//! | [`enrolment`] | certificate, CA, hub address and public keys, stored together |
//! | [`fixed`] | name and scheme, held against what the state folder says |
pub mod enrolment;
pub mod fixed;
pub mod keyfile;
pub mod validity;

pub use enrolment::{Answer, Enrolment, HubFacts};
pub use keyfile::{BoxKey, IdentityError};
