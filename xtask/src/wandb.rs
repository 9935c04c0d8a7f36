//! Fetches W&B's client into the user's cache folder, for the tests that run it against a
//! controller. pip verifies the hashes of all packages.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Failure, Result,
    cache::{self, python},
    cargo, say,
};

/// The version of the client. xtask/wandb/requirements.txt names the same version.
const VERSION: &str = "0.31.0";
/// The older versions that `cargo xtask wandb-clients` tests.
const OLDER: [&str; 4] = ["0.28.2", "0.25.1", "0.22.3", "0.19.11"];
/// The versions that do not say which process and machine logs, and the tests that need to know it.
const SILENT: (&str, [&str; 2]) = (
    "0.19.",
    ["a_training_script_logs_a_run_like_any_other", "a_killed_script_is_repeated_at_once"],
);
/// The packages that the test scripts need beside an older client.
const BESIDES: [&str; 3] = ["numpy", "pillow<11", "soundfile"];
/// The number of changes of xtask/wandb/requirements.txt since this version came.
const REVISION: u32 = 1;

/// Returns the folder of Python packages with the client. That is the value of the environment
/// variable BESOM_WANDB if it is set, else a folder in the user's cache folder. Fetches the client
/// if the cache does not have it.
pub(crate) fn ensure() -> Result<PathBuf> {
    match env::var_os("BESOM_WANDB").filter(|given| !given.is_empty()) {
        Some(given) => Ok(given.into()),
        None => cache::ensure(&format!("wandb-{VERSION}-{REVISION}"), "90 MB", fetch),
    }
}

/// Measures how fast the controller takes the rows of W&B's client, and the CPU time it needs.
pub(crate) fn bench(flags: &[&str]) -> Result<()> {
    let client = ensure()?;
    cargo::bench_with("bench_wandb", flags, &[("BESOM_WANDB", client)])
}

/// Runs the tests of W&B's client with older versions of it.
pub(crate) fn older(versions: &[&str]) -> Result<()> {
    let programs = ["controller", "agent", "cli"].map(|package| ["--package", package]);
    cargo::run(["build"].iter().chain(programs.as_flattened()))?;
    let mut failed = Vec::new();
    for version in if versions.is_empty() { &OLDER } else { versions } {
        say::line(format_args!("▸ wandb {version}"));
        let client = cache::ensure(&format!("wandb-{version}"), "90 MB", |scratch| {
            let mut pip = pip(scratch)?;
            pip.arg(format!("wandb=={version}")).args(BESIDES);
            install(&mut pip)
        })?;
        let mut tests = cargo::command(["test", "--package", "tests", "--test", "wandb", "--"]);
        if version.starts_with(SILENT.0) {
            tests.args(SILENT.1.map(|test| format!("--skip={test}")));
        }
        tests.env("BESOM_PROGRAMS", cargo::programs()?).env("BESOM_WANDB", client);
        if cargo::finish(&mut tests).is_err() {
            failed.push(*version);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("tests failed with wandb {}", failed.join(", ")))),
    }
}

fn fetch(scratch: &Path) -> Result<()> {
    let mut pip = pip(scratch)?;
    pip.args(["--no-deps", "--require-hashes", "--requirement"]);
    pip.arg(cargo::root().join("xtask/wandb/requirements.txt"));
    install(&mut pip)
}

/// Returns a command that installs Python packages into a folder, which this call makes.
fn pip(folder: &Path) -> Result<Command> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot make `{}`: {error}", folder.display())))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]);
    pip.args(["--only-binary=:all:", "--target"]).arg(folder);
    Ok(pip)
}

fn install(pip: &mut Command) -> Result<()> {
    python(
        pip,
        "install W&B's client",
        "install Python 3 with pip and give it access to a package index, or set BESOM_WANDB",
    )
}
