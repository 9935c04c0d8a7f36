//! `cargo xtask install`: builds the controller, the agent and `sweep`, and installs them into
//! cargo's folder of programs.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Failure, Result, cargo, say, web};

const PROGRAMS: [&str; 3] = ["controller", "agent", "sweep"];

pub(crate) fn run() -> Result<()> {
    web::build_if_possible()?;
    say::step("building controller, agent and sweep", || {
        cargo::run([
            "build",
            "--release",
            "--package",
            "controller",
            "--package",
            "agent",
            "--package",
            "cli",
            "--bins",
        ])
    })?;
    let built = cargo::released()?;
    let to = folder()?;
    for name in PROGRAMS {
        put(&built.join(name), &to.join(name)).map_err(|error| {
            Failure::new(format!("cannot write `{}`: {error}", to.join(name).display()))
        })?;
    }
    say::line(format_args!("installed {} in {}", PROGRAMS.join(", "), to.display()));
    let on_path =
        env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder == to));
    if !on_path {
        say::line(format_args!(
            "{}: add it to your PATH: export PATH=\"{}:$PATH\"",
            say::cyan("hint"),
            to.display()
        ));
    }
    Ok(())
}

/// Returns the folder into which `cargo install` installs programs.
fn folder() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.map(|home| home.join("bin")).ok_or_else(|| {
        Failure::new("neither CARGO_HOME nor HOME is set")
            .hint("set CARGO_HOME to the folder to install into")
    })
}

/// Copies `from` to a new file beside `to`, and renames the copy to `to`. So a program that runs
/// keeps its old file.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let beside = to.with_extension("new");
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::copy(from, &beside)?;
    fs::rename(&beside, to)
}
