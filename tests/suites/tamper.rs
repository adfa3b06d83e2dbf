//! Adapter: filesystem, python3, openssl. Every row of the tamper matrix (audit.md 4a), judged by both verifiers.
//!
//! Each row builds its forgery on disk, asks `shared::verify` in process and `docs/verify/verify.py` as a program, and
//! wants the row's code from both, in the same bytes.
#![allow(clippy::expect_used)] // a test that cannot go on is to stop

#[path = "tamper/corpus.rs"]
mod corpus;
#[path = "tamper/harness.rs"]
mod harness;
#[path = "tamper/heads.rs"]
mod heads;
#[path = "tamper/hostile.rs"]
mod hostile;
#[path = "tamper/lines.rs"]
mod lines;
#[path = "tamper/mutation.rs"]
mod mutation;
#[path = "tamper/packages.rs"]
mod packages;
#[path = "tamper/vectors.rs"]
mod vectors;
