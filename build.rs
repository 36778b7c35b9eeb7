//! Link arguments of the shared library.
//!
//! `-z nodelete`: engine threads run code of the library, so `dlclose` must not unmap it under them.
//! The SONAME carries the ABI version (`BACKRUN_ABI_VERSION` in src/ffi), as C users of a Linux library expect.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libbackrun.so.1");
    }
}
