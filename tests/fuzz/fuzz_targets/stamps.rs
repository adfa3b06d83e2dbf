//! Wiring. Time stamps as authorities answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::stamps(bytes));
