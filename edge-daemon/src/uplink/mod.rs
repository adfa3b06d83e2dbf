//! Wiring. The box's side of the link to the hub. The box dials out; nothing here listens.
//!
//! | file | what |
//! |---|---|
//! | [`quic`] | connections, streams, frames, trust |
//! | [`enrol`] | the one-time code |
pub mod enrol;
pub mod quic;

use shared::time::Utc;

/// No certificate is judged at a time before this version was made: 1 November 2026.
const MADE: Utc = Utc(1_793_491_200_000);

/// The time certificates are judged at: a box that wakes up in 1970 still reaches the hub and learns the time.
pub fn floor(clock: Utc) -> Utc {
    clock.max(MADE)
}
