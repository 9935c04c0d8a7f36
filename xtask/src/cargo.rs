//! Runs cargo and Besom's programs in the root of the workspace.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, Result};

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Builds a cargo command without running it.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs cargo with its output on the user's terminal. Fails if cargo fails.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Result<()> {
    finish(&mut command(args))
}

/// Runs cargo with `LIBTORCH` set to the folder of the libtorch that the programs link.
pub(crate) fn run_with_torch<S: AsRef<OsStr>>(
    libtorch: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<()> {
    finish(command(args).env("LIBTORCH", libtorch))
}

/// Runs tests that start Besom's programs. `BESOM_PROGRAMS` tells the tests where the programs are,
/// so that the tests do not build them again, and `BESOM_WANDB` where W&B's client is. Unless the
/// user sets `RUST_TEST_THREADS`, at least four tests run at once, because many tests mostly wait
/// for other processes.
pub(crate) fn test<S: AsRef<OsStr>>(
    libtorch: &Path,
    wandb: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<()> {
    let threads = std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| {
        std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4)).to_string()
    });
    finish(
        command(args)
            .env("LIBTORCH", libtorch)
            .env("BESOM_PROGRAMS", programs()?)
            .env("BESOM_WANDB", wandb)
            .env("RUST_TEST_THREADS", threads),
    )
}

/// Builds a benchmark and the programs that it measures, and runs the benchmark. One build makes
/// all of them, because a second build with other features would replace the benchmark while it
/// runs.
pub(crate) fn bench(name: &str, flags: &[&str]) -> Result<()> {
    bench_with(name, flags, &[])
}

/// Does the same as [`bench()`], with these variables in the benchmark's environment.
pub(crate) fn bench_with(name: &str, flags: &[&str], variables: &[(&str, PathBuf)]) -> Result<()> {
    let programs = build_release()?;
    finish(
        Command::new(programs.join(name))
            .args(flags)
            .current_dir(root())
            .env("BESOM_PROGRAMS", programs)
            .envs(variables.iter().map(|(name, value)| (name, value))),
    )
}

/// Builds Besom's programs and those of the tests for release; returns their folder.
pub(crate) fn build_release() -> Result<PathBuf> {
    let packages = ["controller", "agent", "cli", "tests"].map(|package| ["--package", package]);
    run(["build", "--release", "--bins"].iter().chain(packages.as_flattened()))?;
    released()
}

/// Runs a command and waits until it ends. Fails if the command fails.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let words = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::new(format!("`{program} {words}` failed"))),
        Err(error) => Err(Failure::new(format!("cannot run `{program}`: {error}"))),
    }
}

/// Returns the folder into which cargo builds programs. This program is in the same folder, so the
/// result is right for every setting of cargo.
pub(crate) fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find the folder of programs: {error}")))?;
    Ok(own.parent().map_or_else(PathBuf::new, Path::to_path_buf))
}

/// Returns the folder into which `cargo build --release` builds programs.
pub(crate) fn released() -> Result<PathBuf> {
    Ok(programs()?.with_file_name("release"))
}
