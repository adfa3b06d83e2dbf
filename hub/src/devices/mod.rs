//! Wiring. Boxes: who may come in, the conversation with each, and their logs.
pub mod arrivals;
pub mod budget;
pub mod enrol;
pub mod guesses;
pub mod ingest;
pub mod link;
pub mod live;
pub mod registry;
pub mod room;
pub mod session;
pub mod silence;
pub mod successor;
pub mod words;

#[cfg(test)]
mod link_tests;
