//! Builds the dashboard: installs its packages and lets its own build write `dashboard/dist`. The
//! next build of the controller embeds these files.

use std::{fs, io, path::Path, process::Command};

use crate::{Failure, Result, cargo, say, stamp};

/// Builds the dashboard.
pub(crate) fn build() -> Result<()> {
    let folder = cargo::root().join("dashboard");
    if !folder.join("package-lock.json").is_file() {
        let what = format!("`{}` has no package-lock.json", folder.display());
        return Err(Failure::new(what).hint("check the sources of the dashboard out"));
    }
    let ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    say::step("packages of the dashboard", || npm(&folder, &ci))?;
    say::step("dashboard", || npm(&folder, &["run", "build"]))?;
    let dist = folder.join("dist");
    if !dist.join("index.html").is_file() {
        let what = format!("the build of the dashboard wrote no `{}/index.html`", dist.display());
        return Err(Failure::new(what));
    }
    finish(&folder, &dist).map_err(|error| Failure::new(format!("cannot stamp the files: {error}")))
}

fn npm(folder: &Path, words: &[&str]) -> Result<()> {
    let done = cargo::finish(Command::new("npm").args(words).current_dir(folder));
    done.map_err(|failure| failure.hint("the dashboard needs npm and Node.js 20 or newer"))
}

fn finish(folder: &Path, dist: &Path) -> io::Result<()> {
    fs::write(dist.join(stamp::FILE), stamp::of(folder)?)?;
    // Cargo cannot watch a folder that does not exist yet. So the build of a controller without a
    // dashboard watches this file, and writing it again makes that build look for the dashboard.
    let watched = folder.join("package.json");
    fs::write(&watched, fs::read(&watched)?)
}
