//! Keeps what the tasks fetch in the user's cache folder. A rename makes each thing visible, so it
//! is complete if it is there.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, Result, say};

/// Returns the folder `name` in Besom's cache folder. If there is none, `fetch` fills an empty
/// folder for it. `size` says how much is fetched, for a person.
pub(crate) fn ensure(
    name: &str,
    size: &str,
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let cache = cache()?;
    let home = cache.join(name);
    if home.exists() {
        return Ok(home);
    }
    let _alone = lock(&cache, name)?;
    if home.exists() {
        return Ok(home);
    }
    say::line(format_args!("  fetching {name}: {size}, once, into {}", home.display()));
    // The scratch folder is beside the final folder, so the rename is atomic. If the scratch folder
    // exists, an interrupted fetch has left it behind.
    let scratch = cache.join(format!("{name}.part"));
    let _ = fs::remove_dir_all(&scratch);
    let fetched = fetch(&scratch).and_then(|()| {
        fs::rename(&scratch, &home).map_err(|error| {
            Failure::new(format!("cannot move {name} to `{}`: {error}", home.display()))
        })
    });
    let _ = fs::remove_dir_all(&scratch);
    fetched.map(|()| home)
}

/// Locks out other processes that fetch the same, until the returned file is closed. Waits if
/// another process is fetching it now.
fn lock(cache: &Path, name: &str) -> Result<File> {
    let path = cache.join(format!("{name}.lock"));
    let open = || {
        fs::create_dir_all(cache)?;
        let file = File::create(&path)?;
        if file.try_lock().is_err() {
            say::line(format_args!("  waiting for another fetch of {name}"));
            file.lock()?;
        }
        Ok(file)
    };
    open().map_err(|error: io::Error| {
        Failure::new(format!("cannot lock `{}`: {error}", path.display()))
    })
}

/// Returns Besom's folder in the user's cache folder.
fn cache() -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("besom")).ok_or_else(|| {
        Failure::new("neither XDG_CACHE_HOME nor HOME is set")
            .hint("set one of them: what the tasks fetch is stored in the user's cache folder")
    })
}

/// Runs a command of Python that does `what`.
pub(crate) fn python(command: &mut Command, what: &str, hint: &str) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::new(format!("could not {what}")).hint(hint)),
        Err(error) => Err(Failure::new(format!("could not {what}: python3: {error}")).hint(hint)),
    }
}
