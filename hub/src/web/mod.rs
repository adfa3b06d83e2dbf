//! Wiring. The staff pages: server-rendered HTTPS, no script, nothing without signing in.
//!
//! | module | what lives there |
//! |---|---|
//! | [`server`] | TCP, TLS and HTTP: limits, timeouts, stop |
//! | [`routes`] | every address, and what must be true before it answers |
//! | [`guard`] | what every request passes first, and what every answer carries |
//! | [`door`], [`guesses`] | signing in and out; how fast passwords may be tried |
//! | [`sessions`] | who is signed in, form tokens, granted viewings |
//! | [`clips`] | one pulled clip: purpose, copies, certificate |
//! | [`views`] | rows of the [`Board`](crate::board::Board) as words, symbols and drawings |
//! | [`retention`] | the retention pages |
//! | [`evidence`] | what is kept as evidence, and its disposal |
//! | [`masks`] | the masks and their reviews |
//! | [`lifts`] | lifts that wait for a second person |
//! | [`holds`] | held footage, and its release |
//! | [`files`] | a package's files, and byte ranges of them |

pub mod clips;
pub mod door;
pub mod evidence;
pub mod files;
pub mod guard;
pub mod guesses;
pub mod holds;
pub mod lifts;
pub mod masks;
pub mod retention;
pub mod routes;
pub mod server;
pub mod sessions;
pub mod views;

#[cfg(test)]
mod tests;

pub use server::{Times, WebError, bind, serve, tls};
