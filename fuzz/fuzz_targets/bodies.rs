//! Bodies nobody thought of, for the intake: `cargo +nightly fuzz run bodies` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/bodies.rs`. The seeds in `corpus/bodies` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::check(bytes));
