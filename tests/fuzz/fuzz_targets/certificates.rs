//! Wiring. Certificates as they are shown.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::certificates(bytes));
