//! What the program is linked with beyond what rustc does by itself.
//!
//! Each pointer in a table is an address that the loader corrects at start, and the plain list of them is a twentieth of
//! the program. `DT_RELR` packs it to nearly nothing: the C library knows it since 2.36, GNU ld for x86-64 since 2.38 and
//! LLVM's linker, which rustc takes there, since 15. Not for aarch64, where GNU ld has it since 2.43 only: Debian 12's
//! and that of `cross` are older, and the program is smaller there anyway.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
