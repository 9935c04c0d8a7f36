//! The build script of `torch` and `examples`, the crates that link libtorch. It passes libtorch's
//! folder to the linker, so that programs find the library when they start. Each of the crates
//! needs it, because link arguments do not pass from a dependency to a program. The script never
//! searches for libtorch: torch-sys's build script does that.

use std::path::Path;

fn main() {
    // Cargo runs this script again when LIBTORCH changes. The line names no path, because Cargo
    // would resolve a path against the folder of the crate that runs this script.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    // Programs call no function of libtorch_cuda by name: the library registers itself when it is
    // loaded. A linker that keeps only needed libraries would leave it out, and programs would find
    // no GPU.
    if Path::new(&libraries).join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo::rustc-link-arg=-ltorch_cuda");
        println!("cargo::rustc-link-arg=-Wl,--as-needed");
    }
}
