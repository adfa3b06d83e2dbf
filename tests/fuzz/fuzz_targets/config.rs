//! Wiring. Configurations.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_edge::fuzz::config(bytes));
