//! What no modem would say, for the reader of its lines: `cargo +nightly fuzz run at_lines` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/at_lines.rs`. The seeds in `corpus/at_lines` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/at_lines.rs"]
mod at_lines;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| at_lines::check(bytes));
