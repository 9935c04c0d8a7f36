//! Starts Python scripts with W&B's client on their path.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tests::Lab;

/// A key of the form that the client accepts. A controller without users accepts any.
const KEY: &str = "0123456789012345678901234567890123456789";

/// Returns a command that runs a script of this folder with W&B's client, in the lab's folder.
///
/// # Panics
/// Panics if BESOM_WANDB does not name the folder of the client.
pub(crate) fn script(lab: &Lab, name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("wandb/scripts").join(name);
    let mut command = python(lab);
    command.arg(path);
    command
}

/// Returns a command that runs Python with W&B's client, in the lab's folder.
///
/// # Panics
/// Panics as [`script`] does.
pub(crate) fn python(lab: &Lab) -> Command {
    let mut command = lab.at_home(Command::new("python3"));
    environment(lab, &mut command);
    command
}

/// Gives a command the environment of [`python`].
///
/// # Panics
/// Panics as [`script`] does.
pub(crate) fn environment<'a>(lab: &Lab, command: &'a mut Command) -> &'a mut Command {
    let packages = env::var_os("BESOM_WANDB").map(PathBuf::from);
    let packages = packages.expect("`cargo xtask test` sets BESOM_WANDB to W&B's client");
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("WANDB_") {
            command.env_remove(name);
        }
    }
    command
        .env("PYTHONPATH", packages)
        .env("HOME", lab.dir())
        .env("WANDB_BASE_URL", lab.address())
        .env("WANDB_API_KEY", KEY)
        .env("WANDB_ERROR_REPORTING", "false")
}

/// Runs a command to its end.
///
/// # Panics
/// Panics if the command fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns everything that a program has printed.
pub(crate) fn said(output: &Output) -> String {
    let [out, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{errors}")
}

/// Returns a run as `sweep run show` describes it.
pub(crate) fn shown(lab: &Lab, run: &str) -> Value {
    lab.json(&["run", "show", run, "--json"])
}

/// Returns the rows of a run's history.
pub(crate) fn history(lab: &Lab, run: &str) -> Vec<Value> {
    match lab.json(&["run", "history", run, "--json"]) {
        Value::Array(rows) => rows,
        other => panic!("{other:#}"),
    }
}
