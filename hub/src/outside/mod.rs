//! Wiring. What others than the scheme say of the hub's log, so that box and hub together cannot write it anew: time stamps of outside
//! authorities over its nightly head, and cosignatures of witnesses.
//!
//! | module | what lives there |
//! |---|---|
//! | [`anchor`] | each night a head is due; authorities are asked until all has its stamp |
//! | [`asked`] | what is remembered of asking, and how it stands, for people |
//! | [`attest`] | witnesses are sent heads, or fetch them, and cosign |
//! | [`http`] | asking somebody over HTTP |
//! | [`packages`] | the stamp over a package's listing |
//! | [`store`] | heads that are anchored, what waits, and what was answered: files beside the log |

pub mod anchor;
pub mod asked;
pub mod attest;
pub mod http;
pub mod packages;
pub mod store;
#[cfg(test)]
mod tests;
