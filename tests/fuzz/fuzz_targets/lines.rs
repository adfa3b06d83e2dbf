//! Wiring. Lines, heads and keys, as a verifier reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::lines(bytes));
