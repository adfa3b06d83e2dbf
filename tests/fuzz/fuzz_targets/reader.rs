//! Wiring. What comes in at the reader's socket.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_edge::fuzz::reader(bytes));
