//! Wiring. The reader process: the only holder of footage keys. And the daemon's side of its socket.
//!
//! | file | what |
//! |---|---|
//! | [`keys`] | identities on disk; erasing; crash recovery |
//! | [`root`] | where the root key lives, and what erasing it is worth |
//! | [`server`] | the reader process |
//! | [`torn`] | sealed files: recovered, rewrapped, tried |
//! | [`order`] | which orders it obeys |
//! | [`terms`] | what root says about the box |
//! | [`ledger`] [`reckoning`] | its own record: what keys were made for, holds and pulls ordered, how late it is |
//! | [`protocol`] [`client`] | the socket, both sides |
//! | [`recipients`] [`keeper`] | public recipients at the daemon, kept 35 days ahead |
use shared::{id::CameraId, time::Utc};

mod calls;
mod client;
#[cfg(test)]
mod hostile_tests;
pub mod keeper;
mod keys;
mod ledger;
pub(crate) mod order;
pub(crate) mod protocol;
mod recipients;
mod reckoning;
pub mod root;
mod server;
pub mod terms;
#[cfg(test)]
pub(crate) mod tests;
mod torn;

pub use client::Client;
pub use keys::KeyError;
pub use ledger::{PullCount, PullCounts, counted, hours};
pub use recipients::Recipients;
pub use server::{Basis, ServeError, Server, move_to_tpm, serve};
pub use terms::{Source, Terms};

#[derive(Debug, Clone, thiserror::Error)]
pub enum ReaderError {
    #[error("the reader process does not answer on {socket}: {why}")]
    Absent { socket: String, why: String },
    #[error("the reader refused: {0}")]
    Refused(String),
    /// Time mends it.
    #[error("by the reader's own reckoning it is too early: {0}")]
    Early(String),
    /// The next day mends it, or root.
    #[error("{0}")]
    Spent(String),
    #[error("footage keys: {0}")]
    Keys(String),
}

/// A torn or orphaned segment made whole. `size` and `sha256` are of the plaintext; `path` is below its volume.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recovered {
    pub cam: CameraId,
    pub s: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub size: u64,
    pub sha256: String,
    pub key: String,
    pub path: String,
    pub kept_fragments: u64,
    pub dropped_bytes: u64,
    /// What the file says it was recorded at; None for a camera with one rate.
    #[serde(default)]
    pub rate: Option<String>,
    /// How its mask was imposed, by the file, and which; None: the file says nothing.
    #[serde(default)]
    pub mask: Option<(String, String)>,
    /// Key frames in it.
    #[serde(default)]
    pub keys: u64,
}
