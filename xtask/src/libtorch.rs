//! Fetches libtorch for the CPU into the user's cache folder. pip downloads three wheels and
//! verifies their hashes. A short Python script extracts the files that Besom links. This module
//! installs nothing, and imports no Python code from the wheels (docs/decisions/libtorch.md).

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

/// The version of libtorch for which tch is generated. xtask/libtorch/requirements.txt names the
/// same version.
const VERSION: &str = "2.13.0";

/// Returns the folder that torch-sys needs in LIBTORCH. That is the value of the environment
/// variable LIBTORCH if it is set, else a folder in the user's cache folder. Fetches libtorch if
/// the cache does not have it.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(given) = env::var_os("LIBTORCH").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let name = format!("libtorch-{VERSION}-cpu");
    let home = cache::ensure(&name, "540 MB", |scratch| {
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return fetch(scratch);
        }
        Err(Failure::new("libtorch is fetched on Linux x86-64 only")
            .hint(format!("install libtorch {VERSION} yourself and set LIBTORCH to its folder")))
    })?;
    Ok(home.join("torch"))
}

fn fetch(scratch: &Path) -> Result<()> {
    let wheels = scratch.join("wheels");
    fs::create_dir_all(&wheels)
        .map_err(|error| Failure::new(format!("cannot make `{}`: {error}", wheels.display())))?;
    let recipe = cargo::root().join("xtask/libtorch");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-cache-dir",
    ]);
    pip.args([
        "--only-binary=:all:",
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
    ]);
    pip.args(["--abi", "none", "--require-hashes"]);
    // pip accepts a wheel for an older platform only if the command names that platform, so this
    // loop names all of them.
    for minor in (5..=28).rev() {
        pip.args(["--platform", &format!("manylinux_2_{minor}_x86_64")]);
    }
    pip.args(["--platform", "manylinux2014_x86_64", "--platform", "manylinux2010_x86_64"]);
    // pip stores the wheel in its temporary folder for a while. The default for that folder can be
    // in memory, which is too small.
    pip.env("TMPDIR", scratch);
    pip.arg("--requirement").arg(recipe.join("requirements.txt")).arg("--dest").arg(&wheels);
    python(
        &mut pip,
        "download libtorch",
        "install Python 3 with pip and give it access to a package index, or set LIBTORCH",
    )?;
    let mut unpack = Command::new("python3");
    unpack.arg(recipe.join("unpack.py")).arg(&wheels).arg(scratch);
    python(
        &mut unpack,
        "unpack libtorch",
        "check the free disk space: this step needs 1.1 GB for a moment",
    )?;
    let _ = fs::remove_dir_all(&wheels);
    // torch-sys compares the version in this file with the version that it needs.
    let stamp = scratch.join("torch/build-version");
    fs::write(&stamp, VERSION)
        .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", stamp.display())))
}
