//! Messages no network would bring, for the codec: `cargo +nightly fuzz run tpdu` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/tpdu.rs`. The seeds in `corpus/tpdu` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/tpdu.rs"]
mod tpdu;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tpdu::check(bytes));
