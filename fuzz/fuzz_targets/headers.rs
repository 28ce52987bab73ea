//! Heads of requests nobody thought of, for the intake: `cargo +nightly fuzz run headers` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/headers.rs`. The seeds in `corpus/headers` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/headers.rs"]
mod headers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headers::check(bytes));
