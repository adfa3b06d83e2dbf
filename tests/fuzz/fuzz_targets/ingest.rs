//! Wiring. Lines of a box's log to the hub's derived tables.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| beadle_hub::fuzz::ingest(bytes));
