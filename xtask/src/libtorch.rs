//! Fetches libtorch for the CPU into the user's cache folder: pip downloads three wheels by their hashes, a few lines of
//! Python take out what we link, and a rename makes it visible. Installs nothing, imports nothing from the wheels
//! (docs/decisions/libtorch.md).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{self, Command},
};

use crate::{Failure, Result, cargo, say};

/// The version that tch is generated for; xtask/libtorch/requirements.txt has the same.
const VERSION: &str = "2.13.0";

/// A folder that torch-sys takes as LIBTORCH: the one of that environment variable, or the one in the cache, which is
/// fetched when it is missing.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(given) = env::var_os("LIBTORCH") {
        return Ok(given.into());
    }
    let home = cache()?.join(format!("libtorch-{VERSION}-cpu"));
    let torch = home.join("torch");
    if torch.join("build-version").exists() {
        return Ok(torch);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::new("libtorch is fetched on Linux x86-64 only")
            .hint(format!("install libtorch {VERSION} yourself and set LIBTORCH to its folder")));
    }
    // Without its stamp it is what an interrupted fetch left, or somebody else's.
    let _ = fs::remove_dir_all(&home);
    say::line(format_args!(
        "  fetching libtorch {VERSION} for the CPU: 540 MB, once, into {}",
        home.display()
    ));
    // In the same folder, so that the rename is atomic; with our process number, so that two at once do not meet.
    let scratch = home.with_extension(process::id().to_string());
    let fetched = fetch(&scratch).and_then(|()| settle(&scratch, &home));
    let _ = fs::remove_dir_all(&scratch);
    fetched.map(|()| torch)
}

/// Besom's folder in the user's cache.
fn cache() -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("besom")).ok_or_else(|| {
        Failure::new("neither XDG_CACHE_HOME nor HOME is set")
            .hint("libtorch is kept in the user's cache folder: set one of them")
    })
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
    pip.args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]);
    pip.args(["--abi", "none", "--require-hashes"]);
    // pip does not take a newer platform for an older one: every one is named.
    for minor in (5..=28).rev() {
        pip.args(["--platform", &format!("manylinux_2_{minor}_x86_64")]);
    }
    pip.args(["--platform", "manylinux2014_x86_64", "--platform", "manylinux2010_x86_64"]);
    pip.arg("--requirement").arg(recipe.join("requirements.txt")).arg("--dest").arg(&wheels);
    python(
        &mut pip,
        "download libtorch",
        "Python 3 with pip and a package index are needed, or LIBTORCH set",
    )?;
    let mut unpack = Command::new("python3");
    unpack.arg(recipe.join("unpack.py")).arg(&wheels).arg(scratch);
    python(&mut unpack, "unpack libtorch", "is the disk full? 1.1 GB are needed for a moment")?;
    let _ = fs::remove_dir_all(&wheels);
    // Last, since it says that all is there; torch-sys compares it with the version that it wants.
    let stamp = scratch.join("torch/build-version");
    fs::write(&stamp, VERSION)
        .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", stamp.display())))
}

fn python(command: &mut Command, what: &str, hint: &str) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::new(format!("could not {what}")).hint(hint)),
        Err(error) => Err(Failure::new(format!("could not {what}: python3: {error}")).hint(hint)),
    }
}

/// Moves what was fetched to its place, unless somebody else was faster.
fn settle(scratch: &Path, home: &Path) -> Result<()> {
    match fs::rename(scratch, home) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        moved => moved
            .map_err(|error| Failure::new(format!("cannot move libtorch to `{}`: {error}", home.display()))),
    }
}
