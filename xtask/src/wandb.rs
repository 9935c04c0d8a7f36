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
    cargo,
};

/// The version of the client. xtask/wandb/requirements.txt names the same version.
const VERSION: &str = "0.31.0";
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

fn fetch(scratch: &Path) -> Result<()> {
    fs::create_dir_all(scratch)
        .map_err(|error| Failure::new(format!("cannot make `{}`: {error}", scratch.display())))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--target"]).arg(scratch);
    pip.arg("--requirement").arg(cargo::root().join("xtask/wandb/requirements.txt"));
    python(
        &mut pip,
        "install W&B's client",
        "install Python 3 with pip and give it access to a package index, or set BESOM_WANDB",
    )
}
