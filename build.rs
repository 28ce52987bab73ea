//! What the program is linked with beyond what rustc does by itself, on x86-64, where rustc takes LLVM's linker.
//!
//! Each pointer in a table is an address that the loader corrects at start, and the plain list of them is a twentieth of
//! the program. `DT_RELR` packs it to nearly nothing: the C library knows it since 2.36, LLVM's linker since 15. Not for
//! aarch64, where GNU ld has it since 2.43 only: Debian 12's and that of `cross` are older, and the program is smaller
//! there anyway.
//!
//! A page of code that is needed brings those around it into memory. The functions of a crate and of a module are put side
//! by side, and what a running desk never calls apart from them.

use std::env;
use std::path::Path;

/// In the language of linker scripts (`sourceware.org/binutils/docs/ld/Input-Section.html`): names of sections hold the
/// paths of functions.
const ORDER: &str = "\
SECTIONS {
  .text.aside : {
    *(SORT_BY_NAME(.text.*nightdesk*4demo* .text.*nightdesk..demo* .text.*nightdesk*3cli* .text.*nightdesk..cli*))
  }
  .text.sorted : { *(SORT_BY_NAME(.text.*)) }
} INSERT AFTER .text;
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        let script = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("order.ld");
        if let Err(error) = std::fs::write(&script, ORDER) {
            println!("cargo::error={}: {error}", script.display());
        }
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
