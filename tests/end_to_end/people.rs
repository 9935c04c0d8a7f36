//! Runs a controller for several people: users and keys are made offline, and each program works
//! with a key that opens what it needs and no more.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Output, Stdio},
};

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
    assert!(
        errors(&revoked).contains("does not know this key: it was revoked"),
        "{}",
        errors(&revoked)
    );
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

/// Runs a program that reads these lines.
fn reading(lab: &Lab, key: Option<&str>, name: &str, args: &[&str], lines: &str) -> Output {
    let mut command = lab.command(name);
    command.args(args).envs(key.map(|key| ("BESOM_TOKEN", key)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Sends a login. Returns the head of the answer.
fn login(lab: &Lab, body: &str) -> String {
    let address = lab.address();
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
        Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn passwords_and_links_open_sessions_and_no_secret_is_in_a_log() {
    let (offline_one, own, wrong) = ("offline horse", "own battery staple", "wrong staple");
    let mut lab = Lab::new().verbose();
    offline(&lab, &["user", "add", "ann", "--admin"]);
    offline(&lab, &["user", "add", "bob", "--team", "vision"]);
    let bob = offline(&lab, &["key", "add", "bob"]);
    let set = |lines: &str| {
        reading(&lab, None, "controller", &["user", "password", "ann", "--stdin"], lines)
    };
    let short = set("short\n");
    assert_eq!(short.status.code(), Some(1), "{}", errors(&short));
    assert!(errors(&short).contains("has 5 bytes, and 8 are the least"), "{}", errors(&short));
    assert!(errors(&set("")).contains("the input has no line"), "nothing is no password");
    let done = set(&format!("{offline_one}\n"));
    assert!(done.status.success(), "{}", errors(&done));
    let users = offline(&lab, &["user", "ls"]);
    let has = |user: &str| {
        let line = users.lines().find(|line| line.starts_with(user)).unwrap();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!((has("ann").as_str(), has("bob").as_str()), ("yes", "no"), "{users}");

    lab.start_controller();
    let change = |old: &str, new: &str| {
        reading(&lab, Some(&bob), "sweep", &["password", "--stdin"], &format!("{old}\n{new}\n"))
    };
    assert!(change("", own).status.success());
    let refused = change(wrong, own);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("the old password is wrong"), "{}", errors(&refused));

    let share = |args: &[&str]| with(&lab, Some(&bob), "sweep", &[&["share"], args].concat());
    let run = share(&["vision/digits", "--expires", "12h"]);
    assert!(run.status.success(), "{}", errors(&run));
    assert!(errors(&run).contains("the project vision/digits for 12h"), "{}", errors(&run));
    let link = text(&run);
    let (page, key) = link.split_once('#').unwrap();
    assert_eq!(page, format!("{}/share?next=%2Fp%2Fvision%2Fdigits", lab.address()));
    assert!(errors(&share(&["nothing"])).contains("no sweep `nothing`"));
    assert_eq!(share(&["vision/digits", "--expires", "soon"]).status.code(), Some(2));

    let mut secrets = vec![offline_one.to_owned(), own.to_owned(), wrong.to_owned()];
    secrets.push(key["besom-".len() + 8..].to_owned());
    for body in [
        format!("{{\"user\": \"ann\", \"password\": \"{offline_one}\"}}"),
        format!("{{\"user\": \"bob\", \"password\": \"{own}\"}}"),
        format!("{{\"key\": \"{key}\"}}"),
    ] {
        let answer = login(&lab, &body);
        let (_, rest) = answer.split_once("besom_session=").expect("a session");
        secrets.push(rest.split(';').next().unwrap().to_owned());
    }
    let answer = login(&lab, &format!("{{\"user\": \"ann\", \"password\": \"{wrong}\"}}"));
    assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains(wrong), "{answer}");
    let log = fs::read_to_string(lab.dir().join("controller.log")).unwrap();
    assert!(log.contains("DEBUG"), "{log}");
    for secret in &secrets {
        assert!(!log.contains(secret), "{log}");
        assert!(!contains(&lab.dir().join("besom-data"), secret), "only hashes are stored");
    }
}
