//! Status reports nobody thought of, for the codec: `cargo +nightly fuzz run status_report` (with cargo-fuzz installed).
//!
//! What must hold is in `checks/status_report.rs`. The seeds in `corpus/status_report` are replayed by the crate's own tests. A finding
//! becomes one more seed.

#![no_main]

#[path = "../checks/status_report.rs"]
mod status_report;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| status_report::check(bytes));
