//! Finds Chromium, in which the tests open the dashboard. If there is none, installs Debian's.

use std::{env, path::PathBuf, process::Command};

use crate::{Failure, Result, cargo};

/// The variable that names another program.
pub(crate) const VARIABLE: &str = "BESOM_CHROMIUM";
/// The names of the program in different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns the path of Chromium.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Ok(named.into());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    let hint = format!("install Chromium, or set {VARIABLE} to the path of a browser like it");
    for words in [&["update", "--quiet"][..], &["install", "--yes", "--quiet", "chromium"]] {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        cargo::finish(&mut command).map_err(|failure| failure.hint(&hint))?;
    }
    find().ok_or_else(|| Failure::new("there is no Chromium on the PATH").hint(hint))
}

fn find() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let named = |folder: PathBuf| NAMES.map(|name| folder.join(name));
    env::split_paths(&folders).flat_map(named).find(|path| path.is_file())
}
