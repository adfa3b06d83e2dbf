//! Wiring. Sealed files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| footage::fuzz::sealed(bytes));
