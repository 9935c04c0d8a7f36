//! `cargo xtask test`: runs everything that CI checks, the fastest checks first.

use crate::{Result, browser, cargo, libtorch, say, wandb, web};

/// Runs the checks. Every step covers the whole workspace. With smaller steps, cargo would compile
/// crates several times, because their features depend on which packages are built together. The
/// test `tests/tidy` checks that the default members need no libtorch.
pub(crate) fn run() -> Result<()> {
    say::step("formatting", || cargo::run(["fmt", "--all", "--check"]))?;
    let torch = say::step("libtorch", libtorch::ensure)?;
    let wandb = say::step("W&B's client", wandb::ensure)?;
    web::build()?;
    say::step("checks of the dashboard", web::check)?;
    let chromium = say::step("a browser", browser::ensure)?;
    say::step("lints", || {
        let lint = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-Dwarnings"];
        cargo::run_with_torch(&torch, lint)
    })?;
    say::step("documentation", || {
        let doc = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
        cargo::finish(cargo::command(doc).env("LIBTORCH", &torch).env("RUSTDOCFLAGS", "-Dwarnings"))
    })?;
    say::step("tests", || cargo::test(&torch, &wandb, ["test", "--workspace", "--no-fail-fast"]))?;
    say::step("dashboard in a browser", || web::browse(&chromium, &wandb))
}
