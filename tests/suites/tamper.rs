//! Adapter: filesystem, python3, openssl. Every row of the tamper matrix (audit.md 4a), judged by both verifiers.
//!
//! Each row builds its forgery on disk, asks `shared::verify` in process and `docs/verify/verify.py` as a program, and
//! wants the row's code from both, in the same bytes.
#![allow(clippy::expect_used)] // a test that cannot go on is to stop

mod corpus;
mod harness;
mod heads;
mod hostile;
mod lines;
mod mutation;
mod outside;
mod packages;
mod page;
mod random;
mod rules;
mod vectors;
