//! Builds and tests the dashboard. Its build writes `dashboard/dist`, and the next build of the
//! controller embeds these files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Failure, Result, browser, cargo, say, stamp};

/// Builds the dashboard, unless it is built from these sources already.
pub(crate) fn build() -> Result<()> {
    let folder = folder();
    if !folder.join("package-lock.json").is_file() {
        let what = format!("`{}` has no package-lock.json", folder.display());
        return Err(Failure::new(what).hint("check the sources of the dashboard out"));
    }
    let dist = folder.join("dist");
    if is_fresh(&folder, &dist) {
        return Ok(());
    }
    say::step("packages of the dashboard", || packages(&folder))?;
    say::step("dashboard", || npm(&["run", "build"]))?;
    if !dist.join("index.html").is_file() {
        let what = format!("the build of the dashboard wrote no `{}/index.html`", dist.display());
        return Err(Failure::new(what));
    }
    finish(&folder, &dist).map_err(|error| Failure::new(format!("cannot stamp the files: {error}")))
}

/// Builds the dashboard if npm is there. Without npm, the controller is built without it.
pub(crate) fn build_if_possible() -> Result<()> {
    match Command::new("npm").arg("--version").stdout(Stdio::null()).status() {
        Ok(status) if status.success() => build(),
        _ => {
            say::line("  without npm, there is no dashboard: it needs Node.js 20 or newer");
            Ok(())
        }
    }
}

/// Checks the sources of the dashboard: types, lints, formatting and unit tests.
pub(crate) fn check() -> Result<()> {
    packages(&folder())?;
    npm(&["run", "check"])?;
    npm(&["test"])
}

/// Runs the tests that open the dashboard in Chromium. They start the programs that cargo has
/// built, and the client of W&B.
pub(crate) fn browse(chromium: &Path, wandb: &Path) -> Result<()> {
    packages(&peer())?;
    let mut command = Command::new("npm");
    command.args(["run", "e2e"]).current_dir(folder());
    command.env("BESOM_PROGRAMS", cargo::programs()?).env("BESOM_WANDB", wandb);
    command.env(browser::VARIABLE, chromium);
    cargo::finish(&mut command)
}

/// Measures the dashboard of the release build in Chromium.
pub(crate) fn bench(flags: &[&str]) -> Result<()> {
    build()?;
    let chromium = browser::ensure()?;
    packages(&peer())?;
    let programs = cargo::build_release()?;
    let mut command = Command::new("node");
    command.arg(tests().join("bench.js")).args(flags);
    command.env("BESOM_PROGRAMS", programs).env(browser::VARIABLE, chromium);
    cargo::finish(&mut command)
}

fn folder() -> PathBuf {
    cargo::root().join("dashboard")
}

/// Returns the folder of the tests that open the dashboard.
fn tests() -> PathBuf {
    cargo::root().join("tests/dashboard")
}

/// Returns the folder of the page beside which our charts are measured.
fn peer() -> PathBuf {
    tests().join("peer")
}

/// Installs the packages of a folder, unless those of its lockfile are installed.
fn packages(folder: &Path) -> Result<()> {
    let copy = folder.join("node_modules/.installed-lock.json");
    let wanted = fs::read(folder.join("package-lock.json")).ok();
    if wanted.is_some() && wanted == fs::read(&copy).ok() {
        return Ok(());
    }
    npm_in(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    let kept = fs::copy(folder.join("package-lock.json"), &copy);
    kept.map(drop)
        .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", copy.display())))
}

/// Returns whether the built files are those of the sources.
fn is_fresh(folder: &Path, dist: &Path) -> bool {
    let written = fs::read_to_string(dist.join(stamp::FILE));
    written.is_ok_and(|written| stamp::of(folder).is_ok_and(|stamp| stamp == written))
}

fn npm(words: &[&str]) -> Result<()> {
    npm_in(&folder(), words)
}

fn npm_in(folder: &Path, words: &[&str]) -> Result<()> {
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
