//! Wiring. Boxes: who may come in, and the conversation with each.
//!
//! | file | what lives there |
//! |---|---|
//! | [`arrivals`] | whoever dials in, and a place for each |
//! | [`session`] | the conversation with one box |
//! | [`registry`] | who may come in: certificates and codes |
//! | [`enrol`] | a box is registered, enrolled, certified anew |
//! | [`room`] | boxes whose lines found no room hear when there is some |
//! | [`silence`] | boxes that are off the line |
pub mod arrivals;
pub mod enrol;
pub mod registry;
pub mod room;
pub mod session;
pub mod silence;

#[cfg(test)]
mod link_tests;
