//! Wiring. Who somebody is, and what they may.

pub mod totp;
