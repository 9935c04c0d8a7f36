//! `cargo xtask test`: everything that CI checks, what fails fast first.

use crate::{Result, cargo, libtorch, say};

/// The whole workspace in every step: cargo compiles a crate once per set of features, and the sets
/// depend on what is built together. That the default members do without libtorch follows from the
/// import table (`tests/tidy`).
pub(crate) fn run() -> Result<()> {
    say::step("formatting", || cargo::run(["fmt", "--all", "--check"]))?;
    let torch = say::step("libtorch", libtorch::ensure)?;
    say::step("lints", || {
        let lint = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-Dwarnings"];
        cargo::run_with_torch(&torch, lint)
    })?;
    say::step("tests", || cargo::test(&torch, ["test", "--workspace", "--no-fail-fast"]))
}
