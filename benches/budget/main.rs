//! What the desk may cost, measured on this machine: `cargo bench --bench budget`, or with `-- NAME` only the parts whose
//! name holds NAME (size, start, throughput, latency, memory, bytes, flood). Exit code 1 when a budget is missed.
//!
//! The desk is the stripped binary of a plain `cargo build --release`, run as a process of its own; the vendors are the
//! simulators, in this process. Every comparison is with something measured in the same run, on the same disk. Needs
//! strace (6 or later).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a measurement that can't be made ends the program; its numbers are small"
)]

mod baseline;
mod bytes;
mod flood;
mod latency;
mod load;
mod memory;
mod mix;
mod start;
mod throughput;

#[path = "../../tests/it/support/mod.rs"]
mod support;

use std::io::Write;
use std::process::{Command, ExitCode};

/// Where cargo puts the binary; see [`build`].
const BINARY: &str = env!("CARGO_BIN_EXE_nightdesk");

/// One figure and its budget.
struct Row {
    figure: String,
    measured: String,
    budget: String,
    met: bool,
}

impl Row {
    fn new(figure: impl Into<String>, measured: impl Into<String>, budget: impl Into<String>, met: bool) -> Self {
        Self { figure: figure.into(), measured: measured.into(), budget: budget.into(), met }
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let wanted = args.next().unwrap_or_default();
    if wanted == baseline::ARGUMENT {
        return baseline::run();
    }
    build();
    let mut out = std::io::stdout();
    let mut all_met = true;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for part in ["size", "start", "throughput", "latency", "memory", "bytes", "flood"] {
        if !part.contains(&wanted) {
            continue;
        }
        let rows = runtime.block_on(async {
            match part {
                "size" => size(),
                "start" => start::measure().await,
                "throughput" => throughput::measure().await,
                "latency" => latency::measure().await,
                "memory" => memory::measure().await,
                "bytes" => bytes::measure().await,
                _ => flood::measure().await,
            }
        });
        writeln!(out, "{part}").unwrap();
        for row in rows {
            let verdict = if row.met { "met" } else { "MISSED" };
            writeln!(out, "  {:<58} {:>24}   budget {:<26} {verdict}", row.figure, row.measured, row.budget).unwrap();
            all_met &= row.met;
        }
    }
    if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds the binary as it is released. `cargo bench` has put one with the tests' failpoints in its place.
fn build() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--release", "--locked", "--bin", "nightdesk"]);
    // What cargo told this process of its own package would make build scripts run again.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MAN"))
    {
        cargo.env_remove(name);
    }
    assert!(cargo.status().unwrap().success(), "the release build failed");
    let binary = std::fs::read(BINARY).unwrap();
    let failpoint = b"NIGHTDESK_FAILPOINT";
    assert!(!binary.windows(failpoint.len()).any(|part| part == failpoint), "{BINARY} is no release build");
}

fn size() -> Vec<Row> {
    const BUDGET: u64 = 12 * 1024 * 1024;
    let bytes = std::fs::metadata(BINARY).unwrap().len();
    vec![Row::new("stripped release binary", format!("{:.2} MiB", mib(bytes)), "12 MiB", bytes <= BUDGET)]
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// The middle one; of an even number the lower.
fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    sorted[(sorted.len() - 1) / 2]
}
