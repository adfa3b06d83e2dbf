//! Wiring. What a browser hands over of a passkey.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::fuzz::passkeys(bytes));
