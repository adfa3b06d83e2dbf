//! Wiring. Evidence packages: from fetched masters and the log's lines to a folder anybody can check (audit.md 2.14).
//!
//! | module | what lives there |
//! |---|---|
//! | [`lines`] | which lines of the box's log a package relies on |
//! | [`proofs`] | inclusion proofs for many lines of a large log |
//! | [`certificate`] | the certificate and the read-me, in plain words |
//! | [`package`] | the builder: writes, seals, verifies, puts in place |
//! | [`authority`] | what the builder asks of the hub: keys and its own log |
//! | [`request`] | gathers a fetched request's facts and has its package made |

pub mod authority;
pub mod certificate;
pub mod lines;
pub mod package;
pub mod proofs;
pub mod request;

pub use authority::Authority;
pub use package::{Fetched, Made, Order, PackageError, build};
pub use request::{Ended, make};

#[cfg(test)]
mod tests;
