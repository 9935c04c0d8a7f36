//! Tests what `sweep` prints, and its exit code, when no controller is running.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

const GOOD: &str = "\
program: train.py
method: bayes
metric: {name: val/loss, goal: minimize}
run_cap: 40
parameters:
  lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}
  batch_size: {values: [32, 64, 128]}
";
const BAD: &str = "\
program: train.py
method: bayes
metric: {name: val/loss, goal: minimize}
parameter:
  lr: {min: 0.1, max: 0.001}
";

/// Runs `sweep` in `folder` and renders the session: command, exit code, stdout, stderr.
fn session(folder: &Path, args: &[&str]) -> String {
    let output = sweep(folder, args);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let part = |title: &str, text: &str| {
        if text.is_empty() { String::new() } else { format!("-- {title}\n{text}") }
    };
    let code = output.status.code().unwrap();
    format!(
        "$ sweep {}\nexit {code}\n{}{}",
        args.join(" "),
        part("stdout", &stdout),
        part("stderr", &stderr)
    )
}

fn sweep(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sweep"))
        .args(args)
        .current_dir(folder)
        .env_remove("BESOM_CONTROLLER")
        .env_remove("BESOM_TOKEN")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sweep.yaml"), GOOD).unwrap();
    fs::write(folder.path().join("bad.yaml"), BAD).unwrap();
    fs::write(folder.path().join("latin1.yaml"), b"name: ok\nprogram: caf\xe9\n").unwrap();
    folder
}

#[test]
fn check_a_good_file() {
    insta::assert_snapshot!(session(folder().path(), &["check", "sweep.yaml"]));
}

#[test]
fn check_a_bad_file() {
    insta::assert_snapshot!(session(folder().path(), &["check", "bad.yaml"]));
}

#[test]
fn check_as_json() {
    let folder = folder();
    let output = sweep(folder.path(), &["check", "bad.yaml", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let problems: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &problems.as_array().unwrap()[0];
    for key in ["severity", "path", "line", "columns", "message", "hint"] {
        assert!(first.get(key).is_some(), "{key} in {first}");
    }
    assert_eq!(text(&sweep(folder.path(), &["check", "sweep.yaml", "--json"]).stdout), "[]\n");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = folder();
    let sessions = [
        &["check", "sweeep.yaml"][..],
        &["create", "nowhere/x.yaml"],
        &["check", "."],
        &["check", "latin1.yaml"],
    ];
    insta::assert_snapshot!(sessions.map(|args| session(folder.path(), args)).join("\n"));
}

#[test]
fn no_controller() {
    // This port was free a moment ago, so no program listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}");
    let folder = folder();
    let commands: [&[&str]; 10] = [
        &["ls"],
        &["show", "k3x9abcd"],
        &["create", "sweep.yaml"],
        &["pause", "k3x9abcd"],
        &["retry", "k3x9abcd"],
        &["best", "k3x9abcd"],
        &["export", "k3x9abcd"],
        &["watch", "k3x9abcd"],
        &["logs", "k3x9abcd-0"],
        &["show", "k3x9abcd-0", "--json"],
    ];
    for command in commands {
        let output = sweep(folder.path(), &[command, &["--controller", &address]].concat());
        let stderr = text(&output.stderr).replace(&port.to_string(), "PORT");
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(3), ""),
            "{command:?}"
        );
        insta::allow_duplicates! { insta::assert_snapshot!("no_controller", stderr) };
    }
}

#[test]
fn a_bad_file_is_refused_without_asking_a_controller() {
    let output =
        sweep(folder().path(), &["create", "bad.yaml", "--controller", "http://127.0.0.1:1"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
    assert!(text(&output.stderr).contains("bad.yaml:"), "{}", text(&output.stderr));
}

#[test]
fn wrong_command_lines() {
    let folder = folder();
    let sessions: [&[&str]; 4] = [
        &["shwo", "k3x9abcd"],
        &["ls", "--jsn"],
        &["export", "k3x9abcd", "--format", "xml"],
        &["ls", "--controller", "a b"],
    ];
    insta::assert_snapshot!(sessions.map(|args| session(folder.path(), args)).join("\n"));
}

#[test]
fn without_a_command_sweep_prints_its_help() {
    let output = sweep(folder().path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Usage: sweep"));
    let version = sweep(folder().path(), &["--version"]);
    assert_eq!(text(&version.stdout), format!("sweep {}\n", env!("CARGO_PKG_VERSION")));
}
