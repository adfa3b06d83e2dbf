//! Wiring. One-time codes as they are typed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::codes(bytes));
