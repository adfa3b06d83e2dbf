//! Wiring. What others than the scheme say of the hub's log, so that box and hub together cannot write it anew: time stamps of outside
//! authorities over its nightly head, and cosignatures of witnesses.
//!
//! | module | what lives there |
//! |---|---|
//! | [`anchor`] | each night a head is due; authorities are asked until all has its stamp |
//! | [`asked`] | how they stand to the log, for people |
//! | [`attest`] | witnesses are sent heads, or fetch them, and cosign |
//! | [`http`] | asking somebody over HTTP |
//! | [`packages`] | the stamp over a package's listing |

pub mod anchor;
pub mod asked;
pub mod attest;
pub mod http;
pub mod packages;
#[cfg(test)]
mod tests;
