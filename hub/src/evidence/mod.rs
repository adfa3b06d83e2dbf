//! Wiring. Evidence packages: from fetched masters and the log's lines to a folder anybody can check (audit.md 2.14).
//!
//! | module | what lives there |
//! |---|---|
//! | [`proofs`] | inclusion proofs for many lines of a large log |
//! | [`package`] | the builder: writes, seals, verifies, puts in place |
//! | [`resting`] | a package at rest: sealed under its exhibit's key, read as what it holds |
//! | [`cleanup`] | what is left beside a package is taken away |
//! | [`save`] | writes a package out in plain, for whoever it is handed to |
//! | [`film`] | the masters as one film, for whoever watches |
//! | [`still`] | still pictures, exhibits of their own |
//! | [`authority`] | what the builder asks of the hub: keys and its own log |
//! | [`request`] | gathers a fetched request's facts and has its package made |

pub mod authority;
pub mod cleanup;
pub mod film;
pub mod package;
pub mod proofs;
pub mod published;
pub mod request;
pub mod resting;
pub mod save;
pub mod still;

pub use authority::Authority;
pub use package::{FetchedSegment, Order, Package, PackageError, build};
pub use request::{FinishedPackage, make};
pub use resting::Resting;

#[cfg(test)]
mod tests;
