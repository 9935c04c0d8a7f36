//! The build script of every workspace crate that links libtorch; `examples` names this file too.
//! Link arguments do not pass from a dependency to a program, so each crate states where its
//! libtorch lies. The script never searches for libtorch: torch-sys has done that.

use std::path::Path;

fn main() {
    // This names a variable and not a path: Cargo would resolve a path against the folder of
    // whichever crate runs this script.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    // Programs call nothing in libtorch_cuda by name: it registers itself when it is loaded. A
    // linker that keeps only what is called would leave it out, and there would be no GPU.
    if Path::new(&libraries).join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo::rustc-link-arg=-ltorch_cuda");
        println!("cargo::rustc-link-arg=-Wl,--as-needed");
    }
}
