//! Wiring. Frames between box and hub, both ways.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::wire(bytes));
