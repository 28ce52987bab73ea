//! Texts nobody thought of, there and back through the codec: `cargo +nightly fuzz run inbound` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/inbound.rs`. The seeds in `corpus/inbound` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/inbound.rs"]
mod inbound;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inbound::check(bytes));
