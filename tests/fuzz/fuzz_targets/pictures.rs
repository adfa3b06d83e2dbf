//! Wiring. Cameras' pictures, joined, and what of them is proved.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_edge::fuzz::pictures(bytes));
