//! `cargo xtask test`: everything that CI checks, what fails fast first.

use crate::{Result, cargo, libtorch, say};

pub(crate) fn run() -> Result<()> {
    const LINTS: [&str; 3] = ["--all-targets", "--", "-Dwarnings"];
    say::step("formatting", || cargo::run(["fmt", "--all", "--check"]))?;
    say::step("lints", || cargo::run(["clippy", "--quiet"].iter().chain(&LINTS)))?;
    let torch = say::step("libtorch", libtorch::ensure)?;
    say::step("lints of what links libtorch", || {
        cargo::run_with_torch(&torch, ["clippy", "--quiet"].iter().chain(&cargo::WITH_TORCH).chain(&LINTS))
    })?;
    say::step("tests", || cargo::run(["test", "--no-fail-fast"]))?;
    say::step("tests of what links libtorch", || {
        cargo::run_with_torch(&torch, ["test"].iter().chain(&cargo::WITH_TORCH))
    })
}
