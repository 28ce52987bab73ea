//! The installed product, on a booted Debian: `cargo test --test system -- container DEB`, and the same on an emulated arm64
//! machine with a USB modem, whose power is cut: `cargo test --test system -- machine DEB`.
//!
//! DEB is the package for amd64 or arm64. What is around the box is in this process: the simulated vendors and modem
//! ([`world`]), and the gateway at the other end of the tunnel ([`gateway`], a real sshd). Everything in the box is done over
//! ssh by commands that the README tells an operator. Needs root, and of Debian: mmdebstrap, openssh-server; for the container
//! systemd-container; for the machine qemu-system-arm, qemu-user-static with binfmt-support, arch-test, e2fsprogs.
//! A plain `cargo test` leaves it out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the verdict"
)]

mod burst;
mod container;
mod gateway;
mod machine;
mod place;
mod shell;
mod story;
mod tree;
mod world;

#[path = "../it/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use container::Container;
use machine::Machine;
use place::Place;
use story::Story;
use world::World;

/// Where trees of Debian are kept between runs.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("system")
}

async fn run(kind: &str, package: &Path) {
    std::fs::create_dir_all(cache()).unwrap();
    let scratch = tempfile::Builder::new().prefix("nd-system").tempdir().unwrap();
    let world = World::open(scratch.path()).await;
    let keys = shell::Keys::make(scratch.path());
    let mut gateway = gateway::Gateway::open(scratch.path(), &keys);
    let mut place: Box<dyn Place> = match kind {
        "container" => Box::new(Container::new(scratch.path(), &keys)),
        _ => Box::new(Machine::new(scratch.path(), &keys)),
    };
    let mut story = Story::new(place.as_mut(), &world, &mut gateway, package);
    story.tell().await;
    if kind == "machine" {
        story.power_cuts().await;
    }
    story.end().await;
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, package] = args.as_slice() else {
        eprintln!("cargo test --test system -- container|machine PACKAGE.deb");
        return ExitCode::from(64);
    };
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let package = Path::new(package).canonicalize().expect("the package");
    assert!(["container", "machine"].contains(&kind.as_str()), "container or machine, not {kind}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(kind, &package));
    ExitCode::SUCCESS
}
