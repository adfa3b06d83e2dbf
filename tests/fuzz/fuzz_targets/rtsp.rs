//! Wiring. What cameras say over RTSP.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_edge::fuzz::rtsp(bytes));
