//! Runs a controller for several people: users and keys are made offline, and each program works
//! with a key that opens what it needs and no more.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use tests::Lab;

const SWEEP: &str = "{project: digits, method: grid, metric: {name: loss}, \
    parameters: {x: {min: 1, max: 4}}, \
    command: [sh, -c, 'echo \"{\\\"loss\\\": $BESOM_PARAM_x}\"']}";

/// Runs a program with this key, or with the stored one.
fn with(lab: &Lab, key: Option<&str>, name: &str, args: &[&str]) -> Output {
    let mut command = lab.command(name);
    command.args(args).envs(key.map(|key| ("BESOM_TOKEN", key))).output().unwrap()
}

fn offline(lab: &Lab, args: &[&str]) -> String {
    let output = with(lab, None, "controller", args);
    assert!(output.status.success(), "{args:?}: {}", errors(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns whether a file below this folder contains the text.
fn contains(folder: &Path, wanted: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return contains(&path, wanted);
        }
        // The folder has a socket too.
        path.is_file()
            && fs::read(&path)
                .unwrap()
                .windows(wanted.len())
                .any(|window| window == wanted.as_bytes())
    })
}

#[test]
fn each_program_works_with_a_key_that_opens_no_more_than_it_needs() {
    let mut lab = Lab::new();
    let missing = with(&lab, None, "controller", &["user", "ls"]);
    assert_eq!(missing.status.code(), Some(2), "{}", errors(&missing));
    assert!(!lab.dir().join("besom-data").exists(), "a list makes no folder");
    offline(&lab, &["user", "add", "ann", "--admin"]);
    offline(&lab, &["user", "add", "bob", "--team", "vision"]);
    offline(&lab, &["user", "add", "eve", "--team", "nlp"]);
    let ann = offline(&lab, &["key", "add", "ann"]);
    let bob = offline(&lab, &["key", "add", "bob"]);
    let eve = offline(&lab, &["key", "add", "eve"]);
    lab.start_controller();

    let nobody = with(&lab, None, "sweep", &["ls"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", errors(&nobody));
    assert!(errors(&nobody).contains("requires a token or a key"), "{}", errors(&nobody));
    let login = with(&lab, None, "sweep", &["login", &bob]);
    assert!(login.status.success(), "{}", errors(&login));
    let stored = lab.dir().join("config/besom/keys.json");
    assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);

    // From now on, commands without a key are bob's.
    let sweep = lab.create(SWEEP);
    let shown = with(&lab, None, "sweep", &["show", &sweep, "--json"]);
    assert!(text(&shown).contains("\"vision/digits\""), "{}", text(&shown));
    let hidden = with(&lab, Some(&eve), "sweep", &["show", &sweep]);
    assert!(errors(&hidden).contains(&format!("no sweep `{sweep}`")), "{}", errors(&hidden));

    let add = |args: &[&str]| {
        let added = with(&lab, None, "sweep", &[&["key", "add"], args].concat());
        assert!(added.status.success(), "{}", errors(&added));
        text(&added)
    };
    let node = add(&["--kind", "agent", "--project", "digits", "--expires", "7d"]);
    let script = add(&["--kind", "ingest", "--project", "alone"]);
    let refused = with(&lab, Some(&node), "sweep", &["ls"]);
    assert!(errors(&refused).contains("it cannot read anything"), "{}", errors(&refused));
    let worked = with(&lab, Some(&node), "agent", &[&sweep, "--slots", "2"]);
    assert!(worked.status.success(), "{}", errors(&worked));
    assert_eq!(lab.state(&sweep), "finished");
    let logged = with(&lab, Some(&script), "sdk_functions", &[]);
    assert!(logged.status.success(), "{}", errors(&logged));
    let runs = text(&with(&lab, None, "sweep", &["run", "ls", "--project", "alone", "--json"]));
    assert!(runs.contains("\"vision/alone\""), "{runs}");
    assert_eq!(text(&with(&lab, Some(&eve), "sweep", &["run", "ls", "--json"])), "[]");

    let id = &node["besom-".len()..][..8];
    assert!(with(&lab, Some(&ann), "sweep", &["key", "rm", id]).status.success());
    let revoked = with(&lab, Some(&node), "agent", &[&sweep]);
    assert!(errors(&revoked).contains("does not know this token or key"), "{}", errors(&revoked));
    let audit = text(&with(&lab, Some(&ann), "sweep", &["audit"]));
    for deed in ["create sweep", "add key", "revoke key", "add user"] {
        assert!(audit.contains(deed), "{audit}");
    }
    let log = fs::read_to_string(lab.dir().join("controller.log")).unwrap();
    for secret in [&ann, &bob, &eve, &node, &script] {
        let secret = &secret["besom-".len() + 8..];
        assert!(!contains(&lab.dir().join("besom-data"), secret), "a key is stored as a hash only");
        assert!(!log.contains(secret), "{log}");
    }
}
