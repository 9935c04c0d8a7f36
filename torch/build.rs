//! Build script of every crate of ours that links libtorch (`examples` names this file too): link
//! arguments do not travel from a dependency to a program, so each says for itself where its
//! libtorch lies. It never looks for one: torch-sys did.

use std::path::Path;

fn main() {
    // Not a path: it would be taken from the folder of whichever crate this is the script of.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    // Programs call nothing in libtorch_cuda by name: it registers itself when it is loaded, so a
    // linker that keeps only what is called would leave it out, and there would be no GPU.
    if Path::new(&libraries).join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo::rustc-link-arg=-ltorch_cuda");
        println!("cargo::rustc-link-arg=-Wl,--as-needed");
    }
}
