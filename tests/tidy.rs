//! The architecture as a test: the import table of ARCHITECTURE.md as data, and the habits that hold everywhere: no source
//! file over 500 lines, a module comment on top of each, transactions begun in one place only, no absolute path of a
//! machine.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Crate, and the crates of ours that its code may name. What is not listed may be imported by nobody.
const IMPORTS: &[(&str, &[&str])] = &[
    ("sweeps", &[]),
    ("record", &[]),
    ("probes", &[]),
    ("proto", &[]),
    ("terminal", &[]),
    ("telemetry", &[]),
    ("blobs", &["proto", "record"]),
    ("sdk", &["proto", "record", "blobs", "telemetry"]),
    ("torch", &["besom"]),
    ("agent", &["probes", "proto", "record", "blobs", "telemetry", "terminal"]),
    ("cli", &["proto", "record", "blobs", "terminal", "sweeps"]),
    ("controller", &["proto", "record", "blobs", "sweeps", "terminal", "probes"]),
    ("examples", &["besom", "besom_tch"]),
    ("xtask", &[]),
    (
        "tests",
        &[
            "agent",
            "besom",
            "blobs",
            "controller",
            "probes",
            "proto",
            "record",
            "sweeps",
            "telemetry",
            "terminal",
        ],
    ),
];

/// Room of the controller, and what its code may name: rooms of its own crate, and crates of ours.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("clock", &[], &[]),
    ("chance", &[], &[]),
    ("settings", &[], &[]),
    ("platform", &[], &[]),
    ("store", &["clock", "platform", "settings"], &["probes", "sweeps", "record"]),
    ("app", &["store", "clock", "chance", "platform", "settings"], &["probes", "sweeps", "record"]),
    ("api/caller", &["app", "settings"], &[]),
    ("api/local", &["app"], &[]),
    ("api/http", &[], &[]),
    ("port", &["api", "clock", "settings"], &[]),
    ("api/grpc", &["app", "api::caller", "settings"], &["proto", "sweeps", "record"]),
];

/// The example of the front page is the one that `cargo test` compiles: the first of the SDK's documentation.
#[test]
fn the_front_page_shows_the_example_that_is_compiled() {
    let between = |text: &str, from: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once("```").unwrap().0.trim().to_owned()
    };
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let documented: Vec<String> = read("sdk/src/lib.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
        .collect();
    let compiled = between(&documented.join("\n"), "```no_run\n");
    assert!(compiled.contains("besom::init()"), "{compiled}");
    assert_eq!(between(&read("README.md"), "```rust\n"), compiled);
}

const OURS: &[&str] = &[
    "agent",
    "besom",
    "besom_tch",
    "blobs",
    "cli",
    "controller",
    "probes",
    "proto",
    "record",
    "sweeps",
    "telemetry",
    "terminal",
    "tests",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the project, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root())
        .output()
        .unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    assert!(!files.is_empty(), "git lists no source file");
    files
        .lines()
        .filter_map(|file| Some((file.to_owned(), fs::read_to_string(root().join(file)).ok()?)))
        .collect()
}

/// The code of a file: no comments, no `#[cfg(test)]` module at its end.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    product.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether the code names `path::...` as a path of its own.
fn names(code: &str, path: &str) -> bool {
    let needle = format!("{path}::");
    code.match_indices(&needle).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_' && before != ':'
    }) || code.contains(&format!("use {path};"))
}

fn complain(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn crates_import_only_downwards() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let (folder, rest) = file.split_once('/').unwrap();
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == folder) else {
            problems.push(format!("{file}: `{folder}` is missing in the import table"));
            continue;
        };
        let own_tests = rest.starts_with("tests/") || rest.ends_with("/tests.rs");
        for other in OURS.iter().filter(|other| !allowed.contains(other) && **other != folder) {
            let own_name = (folder, *other) == ("sdk", "besom") || (folder, *other) == ("torch", "besom_tch");
            if !own_name && !own_tests && names(&code(&text), other) {
                problems.push(format!("{file}: `{folder}` must not import `{other}`"));
            }
        }
    }
    complain(&problems);
}

#[test]
fn rooms_of_the_controller_import_only_downwards() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let Some(inside) = file.strip_prefix("controller/src/") else { continue };
        let Some((room, rooms, crates)) = ROOMS.iter().find(|(room, ..)| inside.starts_with(room)) else {
            continue;
        };
        let code = code(&text);
        for (other, ..) in ROOMS.iter().filter(|(other, ..)| other != room) {
            let other = other.replace('/', "::");
            if !rooms.contains(&other.as_str()) && names(&code, &format!("crate::{other}")) {
                problems.push(format!("{file}: `{room}` must not see `{other}`"));
            }
        }
        for other in ["proto", "sweeps", "record", "terminal", "rusqlite"] {
            let database = *room == "store" && other == "rusqlite";
            if !crates.contains(&other) && !database && names(&code, other) {
                problems.push(format!("{file}: `{room}` must not see `{other}`"));
            }
        }
    }
    complain(&problems);
}

#[test]
fn only_one_file_knows_the_database() {
    let sources = sources();
    let knowing = sources
        .iter()
        .filter(|(file, text)| file.starts_with("controller/src/") && names(&code(text), "rusqlite"))
        .map(|(file, _)| file.as_str())
        .collect::<Vec<_>>();
    assert_eq!(knowing, ["controller/src/store/database.rs"]);
}

#[test]
fn doors_cannot_reach_the_store_and_transactions_begin_in_app() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let code = code(&text);
        if file.starts_with("controller/src/api/") && (code.contains(".write(") || code.contains(".read(")) {
            problems.push(format!("{file}: a door must not begin a transaction"));
        }
    }
    complain(&problems);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > 500 {
            problems.push(format!("{file}: {lines} lines, 500 at most"));
        }
        if !text.trim_start_matches("#![allow(").starts_with("//!") {
            problems.push(format!("{file}: does not open with a module comment"));
        }
    }
    complain(&problems);
}

#[test]
fn the_sdk_stays_light() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "besom", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("proto"), "cargo tree shows the SDK's crates");
    for heavy in ["rusqlite", "faer", "argmin", "axum", "clap", "tch", "sweeps"] {
        assert!(!tree.lines().any(|line| line.split(' ').next() == Some(heavy)), "the SDK pulls in {heavy}");
    }
}

#[test]
fn nothing_names_a_machine() {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let mut problems = Vec::new();
    for file in String::from_utf8(listed.stdout).unwrap().lines().filter(|file| *file != "tests/tidy.rs") {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for path in ["/root/", "/home/", "/work/", "/Users/"] {
            if text.contains(path) {
                problems.push(format!("{file}: names `{path}`"));
            }
        }
    }
    complain(&problems);
}
