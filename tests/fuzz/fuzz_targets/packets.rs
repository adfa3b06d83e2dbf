//! Wiring. Cameras' RTP packets on their way through the relay.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_edge::fuzz::packets(bytes));
