//! What the program is linked with beyond what rustc does by itself, on x86-64, where rustc takes LLVM's linker.
//!
//! Each pointer in a table is an address that the loader corrects at start, and the plain list of them is a twentieth of
//! the program. `DT_RELR` packs it to nearly nothing: the C library knows it since 2.36, LLVM's linker since 15. Not for
//! aarch64, where GNU ld has it since 2.43 only: Debian 12's and that of `cross` are older, and the program is smaller
//! there anyway.
//!
//! A page of code that is needed brings those around it into memory. The functions of a crate and of a module are put side
//! by side; what only a lead needs apart from what a desk needs that waits for one, and the rest apart from both.
//! Whatever a list names wrongly, or not at all, works as well and only takes some memory more.

use std::env;
use std::path::Path;

/// Modules that are not used once a desk runs.
const NEVER: &str = "comfy_table indicatif nightdesk::cli nightdesk::demo";
/// Modules that are not used before the first lead.
const FOR_A_LEAD: &str = "\
    ammonia base64 brotli_decompressor bytes cssparser futures_util h2 html5ever http hyper hyper_rustls hyper_util idna \
    lettre markup5ever quick_xml regex_lite reqwest ring rlibphonenumber rustls sha2 tendril tokio_rustls url webpki \
    nightdesk::classify nightdesk::control nightdesk::deliver::mail nightdesk::deliver::ticket nightdesk::deliver::twilio \
    nightdesk::intake nightdesk::route nightdesk::sanitize nightdesk::wire nightdesk::writeback";

/// Which functions go where, in the language of linker scripts
/// (`sourceware.org/binutils/docs/ld/Input-Section.html`): the names of sections hold the paths of functions.
fn order() -> String {
    let (never, for_a_lead) = (apart("never", NEVER), apart("lead", FOR_A_LEAD));
    format!("SECTIONS {{\n{never}{for_a_lead}  .text.sorted : {{ *(SORT_BY_NAME(.text.*)) }}\n}} INSERT AFTER .text;\n")
}

fn apart(name: &str, modules: &str) -> String {
    let patterns = modules.split_whitespace().map(|module| {
        let path = module.split("::").fold(String::new(), |path, part| format!("{path}{}{part}", part.len()));
        // A function, and a method of a trait.
        format!(".text._ZN{path}* .text._ZN*_$LT${}..*", module.replace("::", ".."))
    });
    format!("  .text.{name} : {{ *(SORT_BY_NAME({})) }}\n", patterns.collect::<Vec<_>>().join(" "))
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        let script = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("order.ld");
        if let Err(error) = std::fs::write(&script, order()) {
            println!("cargo::error={}: {error}", script.display());
        }
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
