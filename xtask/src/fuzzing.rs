//! `cargo xtask fuzz`: feeds arbitrary bytes to everything that decodes foreign or stored bytes.

use std::process::Command;

use crate::{Failure, Result, cargo, say};

/// The names of the fuzz targets, as in fuzz/Cargo.toml.
const TARGETS: [&str; 7] =
    ["frames", "columns", "manifests", "console", "yaml", "tensorboard", "wandb"];

/// Runs each fuzz target, or only the target `only`, for `seconds` seconds.
pub(crate) fn run(only: Option<&str>, seconds: u32) -> Result<()> {
    if let Some(name) = only.filter(|name| !TARGETS.contains(name)) {
        return Err(Failure::new(format!("there is no fuzz target `{name}`"))
            .hint(format!("the targets are {}", TARGETS.join(", "))));
    }
    for target in TARGETS.iter().filter(|target| only.is_none_or(|only| only == **target)) {
        say::step(&format!("fuzzing {target} for {seconds} s"), || {
            let time = format!("-max_total_time={seconds}");
            let words = ["run", "nightly", "cargo", "fuzz", "run", target, "--", &time];
            let mut command = Command::new("rustup");
            command.args(words).current_dir(cargo::root());
            // Both variables name the toolchain that runs xtask, and fuzzing needs the nightly
            // toolchain.
            command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
            cargo::finish(&mut command)
        })?;
    }
    Ok(())
}
