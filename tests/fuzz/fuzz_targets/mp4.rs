//! Wiring. Segments.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| footage::fuzz::mp4(bytes));
